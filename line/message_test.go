package line_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
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

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// TestTextFromAlertsIsOnlyText: there is no markup, so all that can go wrong is that LINE refuses it.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range []string{
		"<!channel>", "<at>all</at>", "[toall]", `"; DROP TABLE hosts; --`, "</b>", "@all", "a\r\nb\rc", "\u202etxt.exe",
		"a\x00b\x1b[31m\u2028", "a\xff\xed\xa0\x80", "{mention}", "👩‍💻🇯🇵❤️", " \t\u3000", strings.Repeat("障", 1000),
	} {
		s := newServer(t)
		for _, format := range []line.Format{line.FormatFlex, line.FormatText} {
			if err := newNotifier(t, s, line.Config{Format: format}).Notify(t.Context(), everywhere(text)); err != nil {
				t.Errorf("%s with %q: %v", format, text, err)
			}
			if m := decode(t, last(t, s).Messages[0]); m.Type != "text" && m.Type != "flex" {
				t.Errorf("%q made a message of type %s", text, m.Type)
			}
		}
	}
}

func TestLimitOfAText(t *testing.T) {
	frame := units("T\nM: ")
	for _, c := range []struct {
		name, unit string
		width      int // of one unit in UTF-16
	}{{"ASCII", "a", 1}, {"Japanese", "障", 1}, {"emoji", "🔥", 2}, {"a family", "👨‍👩‍👧", 8}} {
		t.Run(c.name, func(t *testing.T) {
			fits := (line.MaxText - frame) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				d, receipt := send(t, line.Config{Format: line.FormatText}, line.Message{
					Title: "T", Memo: mackerel.Fact{Label: "M", Value: strings.Repeat(c.unit, n)},
				})
				text := decode(t, d.Messages[0]).Text
				if length := units(text); length > line.MaxText || length < line.MaxText-10 {
					t.Errorf("%d of %s: %d units", n, c.name, length)
				}
				if cut := cutFields(receipt.Cuts); (cut == "memo") != (n > fits) {
					t.Errorf("%d of %s: cut %q", n, c.name, cut)
				}
			}
		})
	}
}

// TestLimitOfABubble measures the JSON as it was sent, in bytes.
func TestLimitOfABubble(t *testing.T) {
	empty, _ := send(t, line.Config{}, line.Message{Title: "T", Memo: mackerel.Fact{Label: "M", Value: "x"}})
	frame := len(decode(t, empty.Messages[0]).Contents) - 1
	for _, c := range []struct {
		name, unit string
		width      int // of one unit as it is sent
	}{{"ASCII", "a", 1}, {"Japanese", "障", 3}, {"emoji", "🔥", 4}, {"quotes", `"`, 2}, {"line breaks", "x\n", 3}, {"angle brackets", "<", 1}} {
		t.Run(c.name, func(t *testing.T) {
			fits := (line.MaxBubble - frame) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				d, receipt := send(t, line.Config{}, line.Message{
					Title: "T", Memo: mackerel.Fact{Label: "M", Value: strings.Repeat(c.unit, n)},
				})
				m := decode(t, d.Messages[0])
				if size := len(m.Contents); size > line.MaxBubble || size < line.MaxBubble-10 {
					t.Errorf("%d of %s: %d bytes", n, c.name, size)
				}
				if cut := cutFields(receipt.Cuts); (cut == "memo") != (n > fits) {
					t.Errorf("%d of %s: cut %q", n, c.name, cut)
				}
				if n := units(m.AltText); n > line.MaxAltText || !strings.HasPrefix(m.AltText, "T\n") {
					t.Errorf("the alternative text has %d units: %q", n, m.AltText)
				}
			}
		})
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	long := strings.Repeat("障害🔥 & <b> ", 3_000)
	for _, format := range []line.Format{line.FormatFlex, line.FormatText} {
		s := newServer(t)
		a := everywhere(long)
		a.Monitor.Name, a.Host = "CPU & memory", nil
		receipt, err := newNotifier(t, s, line.Config{Format: format}).Deliver(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		wantContains(t, string(last(t, s).Messages[0]), "[CRITICAL] CPU & memory", a.URL)
		if got := cutFields(receipt.Cuts); got != "memo text facts" {
			t.Errorf("%s: cut %s", format, got)
		}
	}
}

func TestParts(t *testing.T) {
	for _, c := range []struct {
		name    string
		message line.Message
		want    string // in the bubble
		never   string
	}{
		{"a picture must be https", line.Message{Title: "T", Image: "http://x.test/a.png"}, `"text":"T"`, `"hero"`},
		{"a picture is shown", line.Message{Title: "T", Image: "https://x.test/a.png"}, `"hero":{"type":"image","url":"https://x.test/a.png"`, ""},
		{"a picture's address may be too long", line.Message{Title: "T", Image: "https://x.test/" + strings.Repeat("a", line.MaxImageURL)}, `"text":"T"`, `"hero"`},
		{"a link is a button", line.Message{URL: "https://x.test/?a&b"}, `"action":{"type":"uri","label":"Open","uri":"https://x.test/?a&b"}`, ""},
		{"a button has its label", line.Message{URL: "https://x.test/", URLLabel: "アラートを開く"}, `"label":"アラートを開く"`, ""},
		{"an address that runs is text", line.Message{URL: "javascript:alert(1)"}, `"text":"javascript:alert(1)"`, `"footer"`},
		{"an address too long for a button is text", line.Message{URL: "https://x.test/" + strings.Repeat("a", line.MaxURI)}, `"text":"https://x.test/aaa`, `"footer"`},
		{"a light head has dark letters", line.Message{Title: "T", Color: "#F2A900"}, `"color":"#000000"`, ""},
		{"a dark head has light letters", line.Message{Title: "T", Color: "#D7263D"}, `"color":"#FFFFFF"`, ""},
		{"a fact without a label is a value", line.Message{Facts: []mackerel.Fact{{Value: "v"}}}, `"text":"v"`, ""},
		{"a fact without a value is none", line.Message{Title: "T", Facts: []mackerel.Fact{{Label: "L"}}}, `"text":"T"`, `"L"`},
		{"blank texts are left out", line.Message{Title: "T", Text: " \n\u3000"}, `"text":"T"`, `"body"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, receipt := send(t, line.Config{}, c.message)
			bubble := string(decode(t, d.Messages[0]).Contents)
			wantContains(t, bubble, c.want)
			if c.never != "" && strings.Contains(bubble, c.never) {
				t.Errorf("%q is in %s", c.never, bubble)
			}
			if len(receipt.Cuts) != 0 {
				t.Errorf("%+v", receipt.Cuts)
			}
		})
	}
}

func TestRawMessagesFollow(t *testing.T) {
	mention := json.RawMessage(`{"type":"textV2","text":"{all} look","substitution":{"all":{"type":"mention","mentionee":{"type":"all"}}}}`)
	d, _ := send(t, line.Config{}, line.Message{Title: "T", Raw: []json.RawMessage{mention}})
	if len(d.Messages) != 2 || string(d.Messages[1]) != string(mention) {
		t.Errorf("%s", d.Messages)
	}
	d, _ = send(t, line.Config{}, line.Message{Raw: []json.RawMessage{mention}})
	if len(d.Messages) != 1 || string(d.Messages[0]) != string(mention) {
		t.Errorf("%s", d.Messages)
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	object := json.RawMessage(`{}`)
	for _, c := range []struct {
		name, want string
		message    line.Message
	}{
		{"nothing", "Message: empty", line.Message{}},
		{"blanks", "Message: empty", line.Message{Title: " \n", Image: " "}},
		{"an unknown format", "Format: ", line.Message{Title: "T", Format: "html"}},
		{"a colour's name", "Color: ", line.Message{Title: "T", Color: "red"}},
		{"a long label", "URLLabel: more than 20", line.Message{Title: "T", URLLabel: strings.Repeat("開", 21)}},
		{"a key that is no UUID", "RetryKey: ", line.Message{Title: "T", RetryKey: "5A"}},
		{"six messages", "Raw: more than 4", line.Message{Title: "T", Raw: []json.RawMessage{object, object, object, object, object}}},
		{"half a raw message", "Raw[0]: not a JSON object", line.Message{Raw: []json.RawMessage{json.RawMessage(`{"type"`)}}},
		{"a raw text", "Raw[1]: not a JSON object", line.Message{Raw: []json.RawMessage{object, json.RawMessage(`"x"`)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			_, err := newNotifier(t, s, line.Config{}).Send(t.Context(), c.message)
			wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, c.want)
			if len(s.Requests()) != 0 {
				t.Error("a request was made")
			}
		})
	}
}

func TestColoursOfStatuses(t *testing.T) {
	for _, c := range []struct {
		alert mackerel.Alert
		want  string
	}{
		{mackerel.Alert{Status: "OK"}, "#1DB446"},
		{mackerel.Alert{Status: mackerel.StatusWarning}, "#F2A900"},
		{mackerel.Alert{Status: mackerel.StatusCritical}, "#D7263D"},
		{mackerel.Alert{Status: mackerel.StatusUnknown}, "#777777"},
		{mackerel.Alert{}, "#777777"},
		{mackerel.Alert{Status: "muted"}, "#777777"},
		{mackerel.Alert{Event: mackerel.EventHostRegister, Status: mackerel.StatusCritical}, "#777777"},
		{mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "CRITICAL"}, "#D7263D"},
	} {
		if got := line.DefaultMessage(c.alert, mackerel.Text{}).Color; got != c.want {
			t.Errorf("%s %s: %s, want %s", c.alert.Event, c.alert.Status, got, c.want)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"", "T", "\x00", "\xff", " \u3000", "障", "👩‍💻", "https://x.test/\xff", "javascript:x", `"\`} {
		f.Add(s, strings.Repeat(s, 50), "https://x.test/"+s, true)
		f.Add(s, s, s, false)
	}
	f.Fuzz(func(t *testing.T, title, memo, address string, flex bool) {
		m := line.Message{
			Format: line.FormatText, Title: title, Text: memo, Facts: []mackerel.Fact{{Label: title, Value: memo}},
			Memo: mackerel.Fact{Label: title, Value: memo}, URL: address, Image: address,
		}
		if flex {
			m.Format = line.FormatFlex
		}
		s := newServer(t)
		_, err := newNotifier(t, s, line.Config{}).Send(t.Context(), m)
		if err != nil && strings.TrimSpace(title+memo+address) != "" {
			t.Fatal(err)
		}
	})
}

func TestTextsOfAMessage(t *testing.T) {
	d, _ := send(t, line.Config{}, line.Message{Title: "T", Text: "障害", URL: "https://x.test/"})
	if got := strings.Join(linetest.Texts(d.Messages[0]), "|"); got != "T\n障害\nhttps://x.test/|T|障害|Open" {
		t.Error(got)
	}
}
