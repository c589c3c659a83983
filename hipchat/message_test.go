package hipchat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// everywhere returns an alert that has the text in every field that a message shows as text.
func everywhere(text string) mackerel.Alert {
	value := 1.0
	return mackerel.Alert{
		ID: "5A", Status: mackerel.StatusCritical, Org: text, URL: "https://mackerel.io/orgs/x/alerts/5A", Message: text,
		Monitor: mackerel.Monitor{Name: text, Memo: text}, Metric: &mackerel.Metric{Label: text, Value: &value},
		Facts:   []mackerel.Fact{{Label: text, Value: text}},
		Host:    &mackerel.Host{Name: text, Status: text, Roles: []mackerel.Role{{FullName: text}}},
		Service: &mackerel.Service{Name: text}, User: &mackerel.User{ScreenName: text}, Trigger: text, Reason: text,
	}
}

var mentionAll = map[mackerel.Status][]string{mackerel.StatusCritical: {"all"}}

// TestTextFromAlertsIsOnlyText puts what could be more than text into every field at once, in both formats and on a
// card.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"a closing tag", "</b></a></i>"},
		{"a script", "<script>alert(1)</script>"},
		{"a picture with an event", `<img src=x onerror="x">`},
		{"an attribute's end", `"'><b onclick='x'>`},
		{"an entity", "&amp; &lt;b&gt; &#60;"},
		{"half an entity", "&am &#"},
		{"a comment", "<!-- --> ]]>"},
		{"mentions", "@all @here @hanako x@all"},
		{"a command", "/code x"},
		{"a command after a blank", " \t/quote x"},
		{"Chatwork's mention", "[toall]"},
		{"Slack's mention", "<!channel>"},
		{"Teams' mention", "<at>all</at>"},
		{"line breaks", "a\r\nb\rc\n"},
		{"control characters", "a\x00b\x1b[31m\u2028\u202e"},
		{"invalid UTF-8", "a\xff\xed\xa0\x80"},
		{"Japanese", "障害「高負荷」＆＜復旧＞"},
		{"emoji", "👩‍💻🇯🇵❤️"},
		{"a link that runs", "javascript:alert(1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			m, _ := notify(t, s, hipchat.Config{Card: true}, everywhere(c.text))
			checkShown(t, m)
			if m.Kept != m.Text {
				t.Errorf("the sanitizer made %q of %q", m.Kept, m.Text)
			}
			if strings.Contains(string(m.Card), `\u0000`) || strings.Contains(string(m.Card), `\u001b`) {
				t.Errorf("the card has a control character: %s", m.Card)
			}
			m, _ = notify(t, s, hipchat.Config{Mentions: mentionAll}, everywhere(c.text))
			if m.Format != "text" || strings.Count(m.Text, "@") != 1 || !strings.HasPrefix(m.Text, "@all\n") {
				t.Errorf("%q mentions more than @all", m.Text)
			}
			m, _ = notify(t, s, hipchat.Config{Message: plainText}, everywhere(c.text))
			if strings.Contains(m.Text, "@") || strings.HasPrefix(strings.TrimSpace(m.Text), "/") {
				t.Errorf("%q mentions somebody or is a command", m.Text)
			}
		})
	}
}

// plainText is a Message function for plain text without mentions and without a title in front.
func plainText(a mackerel.Alert) (hipchat.Message, error) {
	m := hipchat.DefaultMessage(a, mackerel.Text{})
	m.Format, m.Title = hipchat.FormatText, ""
	return m, nil
}

// TestAddresses tries what could go wrong with the addresses of links and pictures, in both formats.
func TestAddresses(t *testing.T) {
	for _, c := range []struct{ name, url, html, text string }{
		{"an address is a link", "https://x.test/?a=1&b=2", `<a href="https://x.test/?a=1&amp;b=2"><b>T</b></a>`, "T\nhttps://x.test/?a=1&b=2"},
		{"quotes stay within", `https://x.test/"'<`, `<a href="https://x.test/&quot;&#39;&lt;"><b>T</b></a>`, "T\nhttps://x.test/\"'<"},
		{"a mention in an address mentions nobody", "https://x.test/@all", `<a href="https://x.test/@all"><b>T</b></a>`, "T\nhttps://x.test/%40all"},
		{"an address that runs is text", "javascript:alert(1)", "<b>T</b><br>javascript:alert(1)", "T\njavascript:alert(1)"},
		{"an address with blanks is text", "https://x.test/ @all", "<b>T</b><br>https://x.test/ @all", "T\nhttps://x.test/ ＠all"},
		{"a path is text", "/orgs/x", "<b>T</b><br>/orgs/x", "T\n/orgs/x"},
		{"no address is none", "", "<b>T</b>", "T"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, hipchat.Config{})
			for format, want := range map[hipchat.Format]string{hipchat.FormatHTML: c.html, hipchat.FormatText: c.text} {
				if _, err := n.Send(t.Context(), hipchat.Message{Format: format, Title: "T", URL: c.url}); err != nil {
					t.Fatal(err)
				}
				if m := last(t, s); m.Text != want {
					t.Errorf("%s: %q, want %q", format, m.Text, want)
				}
				checkShown(t, last(t, s))
			}
		})
	}
}

func TestPartsOfAMessage(t *testing.T) {
	for _, c := range []struct {
		name    string
		message hipchat.Message
		want    string
	}{
		{"raw HTML stands in front, as it is", hipchat.Message{Raw: "<i>x</i>", Title: "T"}, "<i>x</i><br><b>T</b>"},
		{"a link without a title shows itself", hipchat.Message{URL: "https://x.test/?a&b"}, `<a href="https://x.test/?a&amp;b">https://x.test/?a&amp;b</a>`},
		{"a picture that is no address is left out", hipchat.Message{Title: "T", Image: "data:image/png;base64,AA"}, "<b>T</b>"},
		{"mentions are left out of HTML", hipchat.Message{Format: hipchat.FormatHTML, Mentions: []string{"all"}, Title: "T"}, "<b>T</b>"},
		{"raw text may be a command", hipchat.Message{Format: hipchat.FormatText, Raw: "/code x"}, "/code x"},
		{"a mention has one @", hipchat.Message{Mentions: []string{"@all", "hanako"}, Title: "T"}, "@all @hanako\nT"},
		{"a picture's address is a line", hipchat.Message{Format: hipchat.FormatText, Title: "T", Image: "https://x.test/@a.png"}, "T\nhttps://x.test/%40a.png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			if _, err := newNotifier(t, s, hipchat.Config{}).Send(t.Context(), c.message); err != nil {
				t.Fatal(err)
			}
			if m := last(t, s); m.Text != c.want {
				t.Errorf("%q, want %q", m.Text, c.want)
			}
		})
	}
}

// TestLimitOfAMessage sends memos that make a message as long as possible, one character longer, and far too long.
func TestLimitOfAMessage(t *testing.T) {
	frame := utf8.RuneCountInString("<b>T</b><br><i>M: </i>")
	for _, c := range []struct {
		name, unit string
		width      int // of one unit as it is sent
	}{
		{"ASCII", "a", 1}, {"Japanese", "障", 1}, {"emoji", "🔥", 1}, {"ampersands", "&", 5}, {"quotes", `"`, 6}, {"apostrophes", "'", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			fits := (hipchat.MaxMessage - frame) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				s := newServer(t)
				receipt, err := newNotifier(t, s, hipchat.Config{}).Send(t.Context(), hipchat.Message{
					Title: "T", Memo: mackerel.Fact{Label: "M", Value: strings.Repeat(c.unit, n)},
				})
				if err != nil {
					t.Fatal(err)
				}
				m := last(t, s)
				checkShown(t, m)
				if length := utf8.RuneCountInString(m.Text); length > hipchat.MaxMessage {
					t.Errorf("%d characters", length)
				}
				checkCut(t, receipt, n, fits)
			}
		})
	}
}

// checkCut fails if a memo of n characters, of which so many fit, was not cut as little as possible.
func checkCut(t *testing.T, receipt mackerel.Receipt, n, fits int) {
	t.Helper()
	if n <= fits {
		if len(receipt.Cuts) != 0 {
			t.Errorf("%d characters fit and were cut: %+v", n, receipt.Cuts)
		}
		return
	}
	if len(receipt.Cuts) != 1 {
		t.Fatalf("cuts: %+v", receipt.Cuts)
	}
	c := receipt.Cuts[0]
	if c.Field != "memo" || c.Unit != "runes" || c.From != n || c.To > fits+1 || c.To < fits-10 { // one is the ellipsis
		t.Errorf("%+v, and %d fit", c, fits)
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	long := strings.Repeat("障害🔥 & <b> ", 2_000)
	for _, config := range []hipchat.Config{{}, {Mentions: mentionAll}} {
		a := everywhere(long)
		a.Monitor.Name, a.Host = "CPU & memory", nil
		m, receipt := notify(t, newServer(t), config, a)
		checkShown(t, m)
		wantContains(t, m.Text, "[CRITICAL] CPU", a.URL)
		if n := utf8.RuneCountInString(m.Text); n > hipchat.MaxMessage || n < hipchat.MaxMessage-100 {
			t.Errorf("%d characters", n)
		}
		var fields []string
		for _, c := range receipt.Cuts {
			fields = append(fields, c.Field)
		}
		if got := strings.Join(fields, " "); got != "memo text facts" {
			t.Errorf("cut: %s", got)
		}
	}
}

func TestLongAddresses(t *testing.T) {
	address := "https://x.test/" + strings.Repeat("a", 100_000)
	s := newServer(t)
	receipt, err := newNotifier(t, s, hipchat.Config{}).Send(t.Context(), hipchat.Message{Title: "T", URL: address, Image: address})
	if err != nil || len(receipt.Cuts) != 1 || receipt.Cuts[0].Field != "url" {
		t.Fatalf("%v, %+v", err, receipt.Cuts)
	}
	m := last(t, s)
	checkShown(t, m)
	wantMissing(t, m.Text, "href", "img")
}

func TestAddressesThatGrowWhenTheyAreEscaped(t *testing.T) {
	address := "https://x.test/" + strings.Repeat(`"`, 1900)
	s := newServer(t)
	if _, err := newNotifier(t, s, hipchat.Config{}).Send(t.Context(), hipchat.Message{URL: address, Image: address}); err != nil {
		t.Fatal(err)
	}
	wantMissing(t, last(t, s).Text, "href", "img")
}

func TestRawIsNeverCut(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, hipchat.Config{})
	_, err := n.Send(t.Context(), hipchat.Message{Title: "T", Text: "x", Raw: strings.Repeat("<br>", 2501)})
	wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, "message: ")
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("%d requests", len(got))
	}
}

func TestStatusesLookDifferent(t *testing.T) {
	for _, c := range []struct {
		name    string
		alert   mackerel.Alert
		color   string
		notify  bool
		lozenge string
	}{
		{"ok is green", mackerel.Alert{Status: mackerel.StatusOK}, "green", false, "lozenge-success"},
		{"a warning is yellow", mackerel.Alert{Status: mackerel.StatusWarning}, "yellow", false, "lozenge-current"},
		{"critical is red and disturbs", mackerel.Alert{Status: "CRITICAL"}, "red", true, "lozenge-error"},
		{"unknown is gray and disturbs", mackerel.Alert{Status: mackerel.StatusUnknown}, "gray", true, "lozenge"},
		{"no status is unknown", mackerel.Alert{}, "gray", true, "lozenge"},
		{"a newer status is drawn as unknown", mackerel.Alert{Status: "muted"}, "gray", true, "lozenge"},
		{"a group has a status", mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "CRITICAL"}, "red", true, "lozenge-error"},
		{"a registered host disturbs nobody", mackerel.Alert{Event: mackerel.EventHostRegister}, "gray", false, ""},
		{"a newer event disturbs nobody", mackerel.Alert{Event: "rain"}, "gray", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := notify(t, newServer(t), hipchat.Config{Card: true}, c.alert)
			if m.Color != c.color || m.Notify != c.notify {
				t.Errorf("%s, %v", m.Color, m.Notify)
			}
			if c.lozenge == "" {
				wantMissing(t, string(m.Card), "lozenge")
			} else {
				wantContains(t, string(m.Card), `"style":"`+c.lozenge+`"`)
			}
		})
	}
}

func TestDefaultCardFits(t *testing.T) {
	for _, unit := range []string{"a", "障", "🔥", "👩‍💻"} {
		a := everywhere(strings.Repeat(unit, 5_000))
		a.ImageURL = "https://x.test/" + strings.Repeat("a", hipchat.MaxThumbnailURL)
		a.URL = "not a link"
		m, receipt := notify(t, newServer(t), hipchat.Config{Card: true}, a)
		var card hipchat.Card
		if err := json.Unmarshal(m.Card, &card); err != nil {
			t.Fatal(err)
		}
		if card.Thumbnail != nil || card.URL != "" || len(card.Attributes) != 6 {
			t.Errorf("%+v", card)
		}
		if n := utf8.RuneCountInString(string(m.Card)); n > 5_000 {
			t.Errorf("a card of %d characters is no summary", n)
		}
		var cuts []string
		for _, c := range receipt.Cuts {
			cuts = append(cuts, c.Field)
		}
		wantContains(t, strings.Join(cuts, " "), "card.title card.description")
	}
}

func TestCardIDs(t *testing.T) {
	for _, c := range []struct {
		alert mackerel.Alert
		want  string
	}{
		{mackerel.Alert{ID: "5A", Status: "CRITICAL"}, "mackerel-5A:critical"},
		{mackerel.Alert{ID: "5A", Status: mackerel.StatusOK}, "mackerel-5A:ok"},
		{mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "OK", Group: &mackerel.AlertGroup{ID: "5G"}}, "mackerel-group-5G:ok"},
		{mackerel.Alert{ID: "5H", Event: mackerel.EventHostRetire}, "mackerel-5H:hostRetire"},
	} {
		if got := hipchat.DefaultCard(c.alert, mackerel.Text{}).ID; got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestDefaultMessageLeavesTheAlert(t *testing.T) {
	for _, s := range sample.Alerts() {
		before := mustJSON(t, s.Alert)
		notify(t, newServer(t), hipchat.Config{Card: true, Mentions: mentionAll}, s.Alert)
		if after := mustJSON(t, s.Alert); after != before {
			t.Errorf("%s became %s", before, after)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, strings.Repeat(s, 100), "https://x.test/"+s, true)
		f.Add(s, s, s, false)
	}
	f.Add("T", strings.Repeat("<&", 6000), "https://x.test/@", false)
	f.Fuzz(func(t *testing.T, title, memo, address string, plain bool) {
		m := hipchat.Message{Title: title, Text: title, Memo: mackerel.Fact{Label: title, Value: memo}, URL: address, Image: address}
		if m.Format = hipchat.FormatHTML; plain {
			m.Format = hipchat.FormatText
		}
		n, err := hipchat.New(hipchat.Config{
			Token: mackerel.NewSecret("fuzz-token"), Room: "ops", BaseURL: "https://hipchat.example.com",
			Message: func(mackerel.Alert) (hipchat.Message, error) { return m, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := n.Preview(mackerel.Alert{}) // refuses what is too long
		if err != nil {
			if title+memo+address == "" {
				return
			}
			t.Fatal(err)
		}
		var sent hipchat.Notification
		if err := json.Unmarshal([]byte(p.Requests[0].Body), &sent); err != nil {
			t.Fatal(err)
		}
		if plain && (strings.Contains(sent.Message, "@") || strings.HasPrefix(strings.TrimSpace(sent.Message), "/")) {
			t.Errorf("%q", sent.Message)
		}
		checkShown(t, hipchattest.Message{Format: string(sent.MessageFormat), Text: sent.Message})
	})
}
