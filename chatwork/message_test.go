package chatwork_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// TestTextFromAlertsIsOnlyText puts what could be more than text into every field at once.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range append([]string{"[返信 aid=1 to=2-3]", "[/title][toall]", "[qt][qtmeta aid=1]", "[code]"}, servicetest.Hostile...) {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			a := servicetest.Everywhere(text)
			a.URL += text
			want := "[info][title][/title][hr][/info]"
			if len(text) > 65535/2 { // the address is left out
				want = "[info][title][/title][/info]"
			}
			m, _ := notify(t, a)
			if got := strings.Join(chatworktest.Tags(m.Body), ""); got != want {
				t.Errorf("the tags are %s in %q", got, m.Body)
			}
		})
	}
}

// A message is sent as a form.
func TestABodyArrivesAsItIs(t *testing.T) {
	var body strings.Builder
	for r := rune(1); r < 0x250; r++ {
		body.WriteRune(r)
	}
	fake, c := connect(t)
	post(t, c, body.String())
	if got, want := string(lastRequest(t, fake).Body), "body="+url.QueryEscape(body.String()); got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
}

func TestPartsOfAMessage(t *testing.T) {
	for _, c := range []struct {
		name    string
		message chatwork.Message
		want    string
	}{
		{"raw text stands between the mentions and the box", chatwork.Message{Mention: chatwork.Mention{To: []int64{9}}, Raw: "[code]x[/code]", Title: "T", Text: "[hr]"},
			"[To:9]\n[code]x[/code]\n[info][title]T[/title]［hr］[/info]"},
		{"raw text may stand alone", chatwork.Message{Raw: "[hr]"}, "[hr]\n"},
		{"text, facts and the memo are lines", chatwork.Message{Text: "a", Facts: []mackerel.Fact{{Label: "B", Value: "1"}, {Label: "C", Value: "2"}}, Memo: mackerel.Fact{Label: "M", Value: "3"}},
			"[info]a\nB: 1\nC: 2\nM: 3[/info]"},
		{"a memo without a value is left out", chatwork.Message{Text: "a", Memo: mackerel.Fact{Label: "M"}}, "[info]a[/info]"},
		{"a title without anything below it is text", chatwork.Message{Title: "[toall] T"}, "[info]［toall］ T[/info]"},
		{"a title with a link is a title", chatwork.Message{Title: "T", URL: "https://x.test/"}, "[info][title]T[/title][hr]https://x.test/[/info]"},
		{"an address has no blanks and only ASCII", chatwork.Message{URL: "https://x.test/a b/障"}, "[info][hr]https://x.test/a%20b/%E9%9A%9C[/info]"},
		{"a link stands last", chatwork.Message{Title: "T", Text: "a", URL: "https://x.test/"}, "[info][title]T[/title]a[hr]https://x.test/[/info]"},
		{"lines are escaped together", chatwork.Message{Title: "[INFO]", Text: "[x", Memo: mackerel.Fact{Label: "L", Value: "aid=1]"}},
			"[info][title][INFO][/title]［x\nL: aid=1］[/info]"},
		{"an alert without a graph has no fact", chatwork.DefaultMessage(mackerel.Alert{Message: "x"}, mackerel.Text{}), "[info][UNKNOWN] x[/info]"},
		{"control characters are replaced", chatwork.Message{Text: "a\r\nb\x00\u202e"}, "[info]a\nb\ufffd\ufffd[/info]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m, _ := send(t, c.message); m.Body != c.want {
				t.Errorf("%q, want %q", m.Body, c.want)
			}
		})
	}
	if m := chatwork.DefaultMessage(mackerel.Alert{Message: "x"}, mackerel.Text{}); len(m.Facts) > 0 {
		t.Errorf("an alert without a graph has the facts %v", m.Facts)
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	for _, unit := range []string{"a", "障", "👨‍👩‍👧‍👦", "[toall]", "[/info]"} {
		long := strings.Repeat(unit, 70_000/len(unit))
		memo := mackerel.Alert{URL: "https://x.test/a", Message: "why", Monitor: mackerel.Monitor{Name: "name", Memo: long}}
		text, all := memo, memo
		text.Message = long
		all.Org, all.Message, all.Monitor.Name = long, long, long
		for cut, a := range map[string]mackerel.Alert{"memo": memo, "memo text": text, "title facts memo text": all} {
			m, receipt := notify(t, a)
			if n := len(m.Body); n > 65535 || n < 65535-2*len(unit)-8 || !utf8.ValidString(m.Body) {
				t.Errorf("%q, %s: %d bytes", unit, cut, n)
			}
			if !strings.HasPrefix(m.Body, "[info][title][UNKNOWN] ") || !strings.HasSuffix(m.Body, "[hr]https://x.test/a[/info]") {
				t.Errorf("%q, %s: %.40q ... %q", unit, cut, m.Body, m.Body[len(m.Body)-40:])
			}
			if got := servicetest.CutFields(receipt.Cuts); got != cut || receipt.Cuts[0].Unit != "bytes" {
				t.Errorf("%q: cut %s, want %s", unit, got, cut)
			}
		}
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m chatwork.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]chatwork.Message{
		"Message: empty":                              {},
		"Mention.To[1]: must be positive":             {Title: "T", Mention: chatwork.Mention{To: []int64{1, -1}}},
		"Message: 65536 bytes, and at most 65535 are": {Raw: strings.Repeat("a", 65535)},
	})
}

func TestTheLongestMessage(t *testing.T) {
	if m, receipt := send(t, chatwork.Message{Raw: strings.Repeat("a", 65535-1)}); len(m.Body) != 65535 || len(receipt.Cuts) != 0 {
		t.Errorf("%d bytes, %+v", len(m.Body), receipt)
	}
	fits := 65535 - len("[info][/info]")
	for n, cuts := range map[int]int{fits: 0, fits + 1: 1} {
		if m, receipt := send(t, chatwork.Message{Text: strings.Repeat("a", n)}); len(m.Body) != 65535 || len(receipt.Cuts) != cuts {
			t.Errorf("of %d: %d bytes, %+v", n, len(m.Body), receipt)
		}
	}
	m, receipt := send(t, chatwork.Message{Text: "a" + strings.Repeat("\r\n", fits-2) + "a"}) // a line break is one character
	if len(m.Body) != 65535 || len(receipt.Cuts) != 0 {
		t.Errorf("of line breaks: %d bytes, %+v", len(m.Body), receipt)
	}
}
