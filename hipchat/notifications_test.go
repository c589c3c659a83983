package hipchat_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// wholeCard has everything that a card can have.
func wholeCard() *hipchat.Card {
	return &hipchat.Card{
		ID: "1", Style: hipchat.CardApplication, Format: hipchat.CardCompact, Title: "題", URL: "https://x.test/",
		Description: hipchat.Description{Value: "<b>d</b>", Format: hipchat.FormatHTML},
		Icon:        hipchat.Icon{URL: "https://x.test/i", URL2x: "https://x.test/i2"},
		Thumbnail:   &hipchat.Thumbnail{URL: "https://x.test/t", URL2x: "https://x.test/t2", Width: 3, Height: 4},
		Activity:    &hipchat.Activity{HTML: "<b>a</b>", Icon: hipchat.Icon{URL: "https://x.test/a"}},
		Attributes: []hipchat.Attribute{{Label: "l", Value: hipchat.AttributeValue{
			Label: "v", URL: "https://x.test/v", Style: hipchat.LozengeMoved, Icon: hipchat.Icon{URL: "https://x.test/v"},
		}}},
	}
}

func TestSendRoomNotification(t *testing.T) {
	s := newServer(t)
	err := newClient(t, s, hipchattest.Token).SendRoomNotification(t.Context(), "ops", hipchat.Notification{
		Message: "<b>障害</b>", MessageFormat: hipchat.FormatHTML, Color: hipchat.ColorPurple, Notify: true, From: "代理",
		AttachTo: "00000001-4d61-4b65-8a72-000000000001", Card: wholeCard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"message":"<b>障害</b>","message_format":"html","color":"purple","notify":true,"from":"代理",` +
		`"attach_to":"00000001-4d61-4b65-8a72-000000000001","card":{"id":"1","style":"application","format":"compact",` +
		`"title":"題","url":"https://x.test/","description":{"value":"<b>d</b>","format":"html"},` +
		`"icon":{"url":"https://x.test/i","url@2x":"https://x.test/i2"},` +
		`"thumbnail":{"url":"https://x.test/t","url@2x":"https://x.test/t2","width":3,"height":4},` +
		`"activity":{"html":"<b>a</b>","icon":"https://x.test/a"},` +
		`"attributes":[{"label":"l","value":{"label":"v","url":"https://x.test/v","style":"lozenge-moved","icon":"https://x.test/v"}}]}}`
	r := s.Requests()[0]
	if got := string(r.Body); got != want {
		t.Errorf("sent\n%s, want\n%s", got, want)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: %s", got)
	}
}

func TestTheLeastNotification(t *testing.T) {
	s := newServer(t)
	if err := newClient(t, s, hipchattest.Token).SendRoomNotification(t.Context(), "1234", hipchat.Notification{Message: "x"}); err != nil {
		t.Fatal(err)
	}
	if got := string(s.Requests()[0].Body); got != `{"message":"x","notify":false}` {
		t.Error(got)
	}
}

func TestCardsComeBackAsTheyWere(t *testing.T) {
	for _, text := range []string{
		mustJSON(t, wholeCard()),
		`{"id":"1","style":"link","title":"t","description":"plain","icon":"https://x.test/i"}`,
		`{"id":"1","style":"link","title":"t"}`,
	} {
		var card hipchat.Card
		if err := json.Unmarshal([]byte(text), &card); err != nil {
			t.Fatal(err)
		}
		if got := mustJSON(t, card); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	for _, text := range []string{`{"description":1}`, `{"icon":[]}`} {
		if err := json.Unmarshal([]byte(text), new(hipchat.Card)); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
}

// TestLimits tries each limit: what is as long as it may be is accepted by the server, one character more is refused
// before it gets there, and the server would have refused it too.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		field string
		most  int
		put   func(*hipchat.Notification, string)
	}{
		{"message", hipchat.MaxMessage, func(n *hipchat.Notification, s string) { n.Message = s }},
		{"from", hipchat.MaxFrom, func(n *hipchat.Notification, s string) { n.From = s }},
		{"attach_to", hipchat.MaxAttachTo, func(n *hipchat.Notification, s string) { n.AttachTo = s }},
		{"card.title", hipchat.MaxCardTitle, func(n *hipchat.Notification, s string) { n.Card.Title = s }},
		{"card.description.value", hipchat.MaxCardDescription, func(n *hipchat.Notification, s string) { n.Card.Description.Value = s }},
		{"card.thumbnail.url", hipchat.MaxThumbnailURL, func(n *hipchat.Notification, s string) { n.Card.Thumbnail.URL = s }},
		{"card.thumbnail.url@2x", hipchat.MaxThumbnailURL, func(n *hipchat.Notification, s string) { n.Card.Thumbnail.URL2x = s }},
		{"card.attributes[0].label", hipchat.MaxAttributeLabel, func(n *hipchat.Notification, s string) { n.Card.Attributes[0].Label = s }},
	} {
		for _, unit := range []string{"a", "障", "🔥"} {
			t.Run(c.field+" in "+unit, func(t *testing.T) {
				s := newServer(t)
				client := newClient(t, s, hipchattest.Token)
				n := hipchat.Notification{Message: "x", Card: wholeCard()}
				c.put(&n, strings.Repeat(unit, c.most))
				if err := client.SendRoomNotification(t.Context(), "ops", n); err != nil {
					t.Fatal(err)
				}
				for _, more := range []int{c.most + 1, 100_000} {
					c.put(&n, strings.Repeat(unit, more))
					e := asError(t, client.SendRoomNotification(t.Context(), "ops", n), mackerel.ErrInvalid)
					wantContains(t, e.Message, c.field+": ", "characters")
				}
				if got := len(s.Requests()); got != 1 {
					t.Errorf("%d requests", got)
				}
			})
		}
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	s := newServer(t)
	client := newClient(t, s, hipchattest.Token)
	e := asError(t, client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{
		MessageFormat: "markdown", Color: "Red",
		Card: &hipchat.Card{
			Format: "html", Description: hipchat.Description{Format: "md"}, Thumbnail: &hipchat.Thumbnail{},
			Activity: &hipchat.Activity{}, Attributes: []hipchat.Attribute{{Value: hipchat.AttributeValue{Style: "red"}}},
		},
	}), mackerel.ErrInvalid)
	for _, field := range []string{
		"message", "message_format", "color", "card.id", "card.style", "card.format", "card.title", "card.description.value",
		"card.description.format", "card.thumbnail.url", "card.activity.html", "card.attributes[0].label",
		"card.attributes[0].value.style",
	} {
		wantContains(t, "; "+e.Message, "; "+field+": ")
	}
	if len(s.Requests()) != 0 || e.Attempts != 0 {
		t.Error("it was sent all the same")
	}
}

func TestWords(t *testing.T) {
	s := newServer(t)
	client := newClient(t, s, hipchattest.Token)
	for _, color := range []hipchat.Color{
		"", hipchat.ColorYellow, hipchat.ColorGreen, hipchat.ColorRed, hipchat.ColorPurple, hipchat.ColorGray, hipchat.ColorRandom,
	} {
		if err := client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x", Color: color}); err != nil {
			t.Error(err)
		}
	}
	for _, style := range []hipchat.CardStyle{
		hipchat.CardFile, hipchat.CardImage, hipchat.CardApplication, hipchat.CardLink, hipchat.CardMedia,
	} {
		card := &hipchat.Card{ID: "1", Style: style, Title: "t"}
		for _, l := range []hipchat.Lozenge{
			"", hipchat.LozengeDefault, hipchat.LozengeSuccess, hipchat.LozengeError, hipchat.LozengeCurrent,
			hipchat.LozengeComplete, hipchat.LozengeMoved,
		} {
			card.Attributes = append(card.Attributes, hipchat.Attribute{Label: "l", Value: hipchat.AttributeValue{Label: "v", Style: l}})
		}
		if err := client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x", Card: card}); err != nil {
			t.Error(err)
		}
	}
}

func TestTheCallersCardStaysAsItIs(t *testing.T) {
	s := newServer(t)
	card := wholeCard()
	card.Title = strings.Repeat("題", 1000)
	before := mustJSON(t, card)
	receipt, err := newNotifier(t, s, hipchat.Config{Card: true}).Send(t.Context(), hipchat.Message{Title: "T", Card: card})
	if err != nil {
		t.Fatal(err)
	}
	want := []mackerel.Cut{{Field: "card.title", Unit: "runes", From: 1000, To: hipchat.MaxCardTitle}}
	if !reflect.DeepEqual(receipt.Cuts, want) {
		t.Errorf("%+v, want %+v", receipt.Cuts, want)
	}
	if got := mustJSON(t, card); got != before {
		t.Error("the caller's card was changed")
	}
}

func TestADescriptionInHTMLIsNeverCut(t *testing.T) {
	s := newServer(t)
	card := wholeCard()
	card.Description.Value = strings.Repeat("<br>", 251)
	_, err := newNotifier(t, s, hipchat.Config{}).Send(t.Context(), hipchat.Message{Title: "T", Card: card})
	wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, "card.description.value: 1004 characters")
	if len(s.Requests()) != 0 {
		t.Error("it was sent all the same")
	}
}
