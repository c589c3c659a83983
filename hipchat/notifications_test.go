package hipchat_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
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
	fake, client := connect(t)
	err := client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{
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
	r := fake.Requests()[0]
	if got := string(r.Body); got != want {
		t.Errorf("sent\n%s, want\n%s", got, want)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: %s", got)
	}
	if err := client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}); err != nil {
		t.Fatal(err)
	}
	if got := string(fake.Requests()[1].Body); got != `{"message":"x","notify":false}` {
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

// TestLimits tries each limit. The server accepts what is as long as allowed. What is longer is refused without a
// request.
// TestDecodingReplacesWhatWasThere decodes into values that have been used.
func TestDecodingReplacesWhatWasThere(t *testing.T) {
	description, icon := hipchat.Description{Value: "x", Format: hipchat.FormatHTML}, hipchat.Icon{URL: "x", URL2x: "y"}
	user, message := hipchat.User{ID: 7, Name: "x", MentionName: "x"}, hipchat.RoomMessage{ID: "1", Message: "x", AttachTo: "2"}
	room := hipchat.Room{ID: 1, Topic: "x"}
	for text, into := range map[string]any{
		`"text"`: &description, `"https://x.test/"`: &icon, `"Mackerel"`: &user, `{"id":"3"}`: &message, `{"id":4}`: &room,
	} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if description != (hipchat.Description{Value: "text"}) || icon != (hipchat.Icon{URL: "https://x.test/"}) {
		t.Errorf("%+v, %+v", description, icon)
	}
	if user != (hipchat.User{Name: "Mackerel"}) || !reflect.DeepEqual(message, hipchat.RoomMessage{ID: "3"}) || !reflect.DeepEqual(room, hipchat.Room{ID: 4}) {
		t.Errorf("%+v, %+v, %+v", user, message, room)
	}
}

func TestWhatCannotBeDecodedIsAnError(t *testing.T) {
	for text, into := range map[string]any{
		`{"value":1}`: new(hipchat.Description), `{"url":1}`: new(hipchat.Icon), `{"name":1}`: new(hipchat.User),
		`{"message":1}`: new(hipchat.RoomMessage), `{"topic":1}`: new(hipchat.Room),
	} {
		if err := json.Unmarshal([]byte(text), into); err == nil {
			t.Errorf("%s is %+v", text, into)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		field string
		most  int
		put   func(*hipchat.Notification, string)
	}{
		{"Message", 10000, func(n *hipchat.Notification, s string) { n.Message = s }},
		{"From", 64, func(n *hipchat.Notification, s string) { n.From = s }},
		{"AttachTo", 36, func(n *hipchat.Notification, s string) { n.AttachTo = s }},
		{"Card.Title", 500, func(n *hipchat.Notification, s string) { n.Card.Title = s }},
		{"Card.Description.Value", 1000, func(n *hipchat.Notification, s string) { n.Card.Description.Value = s }},
		{"Card.Thumbnail.URL", 250, func(n *hipchat.Notification, s string) { n.Card.Thumbnail.URL = s }},
		{"Card.Thumbnail.URL2x", 250, func(n *hipchat.Notification, s string) { n.Card.Thumbnail.URL2x = s }},
		{"Card.Attributes[0].Label", 50, func(n *hipchat.Notification, s string) { n.Card.Attributes[0].Label = s }},
	} {
		t.Run(c.field, func(t *testing.T) {
			fake, client := connect(t)
			n := hipchat.Notification{Message: "x", Card: wholeCard()}
			c.put(&n, strings.Repeat("🔥", c.most))
			if err := client.SendRoomNotification(t.Context(), "ops", n); err != nil {
				t.Fatalf("%v: %q", err, fake.Problems())
			}
			c.put(&n, strings.Repeat("🔥", c.most+1))
			e := servicetest.AsError(t, client.SendRoomNotification(t.Context(), "ops", n), mackerel.ErrInvalid)
			wantContains(t, e.Message, c.field+": ", " characters, and at most ")
			if got := len(fake.Requests()); got != 1 {
				t.Errorf("%d requests", got)
			}
		})
	}
}

func TestAllProblemsOfANotificationAreTold(t *testing.T) {
	fake, client := connect(t)
	e := servicetest.AsError(t, client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{
		MessageFormat: "markdown", Color: "Red",
		Card: &hipchat.Card{
			Format: "html", Description: hipchat.Description{Format: "md"}, Thumbnail: &hipchat.Thumbnail{},
			Activity: &hipchat.Activity{}, Attributes: []hipchat.Attribute{{Value: hipchat.AttributeValue{Style: "red"}}},
		},
	}), mackerel.ErrInvalid)
	var fields []string
	for _, problem := range strings.Split(e.Message, "; ") {
		field, _, _ := strings.Cut(problem, ": ")
		fields = append(fields, field)
	}
	if want := []string{
		"Message", "MessageFormat", "Color", "Card.ID", "Card.Style", "Card.Format", "Card.Title", "Card.Description.Value",
		"Card.Description.Format", "Card.Thumbnail.URL", "Card.Activity.HTML", "Card.Attributes[0].Label",
		"Card.Attributes[0].Value.Style",
	}; !slices.Equal(fields, want) {
		t.Errorf("%q, want %q", fields, want)
	}
	if len(fake.Requests()) != 0 || e.Attempts != 0 {
		t.Error("it was sent all the same")
	}
}

func TestEveryWordIsAccepted(t *testing.T) {
	fake, client := connect(t)
	for _, color := range []hipchat.Color{
		"", hipchat.ColorYellow, hipchat.ColorGreen, hipchat.ColorRed, hipchat.ColorPurple, hipchat.ColorGray, hipchat.ColorRandom,
	} {
		if err := client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x", Color: color}); err != nil {
			t.Errorf("%v: %q", err, fake.Problems())
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
			t.Errorf("%v: %q", err, fake.Problems())
		}
	}
}

func TestTheCallersCardStaysAsItIs(t *testing.T) {
	card := wholeCard()
	card.Title = strings.Repeat("題", 1000)
	before := mustJSON(t, card)
	const id = "00000001-4d61-4b65-8a72-000000000001"
	m, receipt := send(t, hipchat.Message{Title: "T", AttachTo: id, Card: card})
	if m.AttachTo != id {
		t.Errorf("attached to %q", m.AttachTo)
	}
	want := mackerel.Cut{Field: "card.title", Unit: "runes", From: 1000, To: 500}
	if len(receipt.Cuts) != 1 || receipt.Cuts[0] != want {
		t.Errorf("%+v, want %+v", receipt.Cuts, want)
	}
	if got := mustJSON(t, card); got != before {
		t.Error("the caller's card was changed")
	}
}

func TestAuthTest(t *testing.T) {
	fake, _ := connect(t)
	fake.AddToken("room-token", hipchattest.Access{Scopes: []string{"send_notification"}, Room: hipchattest.RoomID})
	fake.AddRoom(2, "dev")
	fake.AddToken("reader", hipchattest.Access{Scopes: []string{"view_messages"}})
	for _, c := range []struct {
		name, token, room string
		kind              error
	}{
		{"a room's token may send in its room", "room-token", "ops", nil},
		{"a room's token may not send in another room", "room-token", "dev", mackerel.ErrUnauthorized},
		{"a token that only reads may not send", "reader", "ops", mackerel.ErrUnauthorized},
		{"an unknown token may not send", "unknown", "ops", mackerel.ErrUnauthorized},
		{"an unknown room is not found", hipchattest.Token, "nowhere", mackerel.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := clientOf(t, fake, withToken(c.token)).TestAuth(t.Context(), c.room)
			if c.kind == nil && err != nil {
				t.Error(err)
			}
			if c.kind != nil && servicetest.AsError(t, err, c.kind).Op != "test auth" {
				t.Error(err)
			}
		})
	}
	if n := fake.Accepted(); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestAServerThatDoesNotKnowAuthTest(t *testing.T) {
	fake, client := connect(t)
	fake.Inject(fakehttp.Fault{Status: http.StatusNoContent, Times: -1})
	_ = servicetest.AsError(t, client.TestAuth(t.Context(), "ops"), mackerel.ErrUnsupported)
	if n := len(fake.Requests()); n != 1 {
		t.Errorf("%d requests: each of them sends a message", n)
	}
	wantContains(t, string(fake.Requests()[0].Body), `"message":"auth_test"`)
}
