package teams_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/teams"
)

// live finds what Markdown would take for more than text. It is written from the syntax, not from Escape: an odd number
// of backslashes in front makes a character text.
var live = regexp.MustCompile("(?:^|[^\\\\])(?:\\\\\\\\)*[*_\\[\\]`~]")

// lineStart finds what would begin a list, a heading, a quote or code.
var lineStart = regexp.MustCompile(`(?m)^( {0,3}([#>=]|--|[-+]([ \t]|$)|\d+[.)]([ \t]|$))| {4}|\t)`)

// TestTextFromAlertsIsOnlyText puts what could be more than text into every field at once.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range append([]string{
		"<at>花子</at>", "<AT>花子</AT>", "< at>x</ at >", "<at id=\"0\">x</at>", "</at>", "<at>", "&lt;at&gt;花子&lt;/at&gt;",
		"- a\n- b\n* c\n+ d", "1. a\n2) b", "---\n===", "    code\n\tmore", `\* \\* \[x\]`, `\`,
		"{{DATE(2026-01-01T00:00:00Z)}} ${x} @{triggerBody()}", strings.Repeat("<at>花子</at>*", 3000),
	}, servicetest.Hostile...) {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			card, _ := notify(t, servicetest.Everywhere(text), mentionHanako)
			if got := card.Mentions(); len(got) != 1 {
				t.Errorf("it calls %+v", got)
			}
			for _, shown := range card.Texts() {
				if shown == "<at>花子</at>" {
					continue
				}
				if strings.Contains(strings.ToLower(shown), "<at") || live.MatchString(shown) || lineStart.MatchString(shown) {
					t.Errorf("%q is more than text", shown)
				}
			}
			if got := card.Actions; len(got) != 1 || got[0].URL != "https://mackerel.io/orgs/x/alerts/5A" {
				t.Errorf("the buttons are %q", got)
			}
		})
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "CPU % 84.2 > 80 (app-01) #1 - ok", "CPU % 84.2 > 80 (app-01) #1 - ok"},
		{"emphasis is text", "a*b_c~d`e", "a\\*b\\_c\\~d\\`e"},
		{"a link is text", "[x](http://x.test)", `\[x\](http://x.test)`},
		{"a backslash is text", `\*`, `\\\*`},
		{"a tag is text", "<at>x</at> < / AT >", "＜at>x＜/at> ＜ / AT >"},
		{"other tags and words stay", "<attention> <b> at <a>", "<attention> <b> at <a>"},
		{"every line is a paragraph", "a\nb\r\nc", "a\n\nb\n\nc"},
		{"a list is text", "- a\n1. b\n+ c\n10) d", "\\- a\n\n1\\. b\n\n\\+ c\n\n10\\) d"},
		{"a heading and a quote are text", "# a\n> b", "\\# a\n\n\\> b"},
		{"numbers and dates are no list", "1.5\n-5.2\n2026-01-02\n+09:00", "1.5\n\n-5.2\n\n2026-01-02\n\n+09:00"},
		{"a ruler is text", "---\n===\n-", "\\---\n\n\\===\n\n\\-"},
		{"blanks at the beginning stay", "  a\n\tb", "\u00a0\u00a0a\n\n\u00a0b"},
		{"control characters are replaced", "a\x00b", "a\uFFFDb"},
		{"nothing is nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := teams.Escape(c.text); got != c.want {
				t.Errorf("Escape(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestPartsOfAMessage(t *testing.T) {
	fact := func(label, value string) []mackerel.Fact { return []mackerel.Fact{{Label: label, Value: value}} }
	for _, c := range []struct {
		name    string
		message teams.Message
		want    []string
	}{
		{"everything has its place", teams.Message{
			Title: "T", Raw: "**r**", Text: "a", Facts: fact("F", "1"), Memo: mackerel.Fact{Label: "M", Value: "m"}, URL: "https://x.test/", Open: "Go",
		}, []string{"Go", "T", "**r**", "a", "F", "1", "M: m"}},
		{"an address that cannot be opened is a line", teams.Message{Title: "T", URL: "javascript:alert(1)"}, []string{"T", "javascript:alert(1)"}},
		{"a long address is one too", teams.Message{URL: "https://x.test/" + strings.Repeat("a", 2000)}, []string{"https://x.test/" + strings.Repeat("a", 2000)}},
		{"a button is not alone", teams.Message{URL: "https://x.test/_"}, []string{"Open", `https://x.test/\_`}},
		{"facts without a value are left out", teams.Message{Title: "T", Facts: fact("F", "")}, []string{"T"}},
		{"a memo without a value is left out", teams.Message{Title: "T", Memo: mackerel.Fact{Label: "M"}}, []string{"T"}},
		{"blanks alone are nothing", teams.Message{Title: "T", Text: "\n", Raw: " "}, []string{"T"}},
		{"a button says little", teams.Message{Title: "T", URL: "https://x.test/", Open: strings.Repeat("x", 99)}, []string{strings.Repeat("x", 49) + "…", "T"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			card, _ := send(t, c.message)
			if got := card.Texts(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestPictures(t *testing.T) {
	for address, shown := range map[string]bool{
		"https://x.test/graph.png": true, "HTTPS://x.test/graph.png": true, "http://x.test/graph.png": false, "https://x.test/a b": false,
		"data:image/png;base64,AA": false, "https://x.test/" + strings.Repeat("a", 2000): false,
	} {
		card, _ := notify(t, mackerel.Alert{Message: "x", ImageURL: address})
		last := card.Body[len(card.Body)-1]
		if got := last.Type == "Image" && last.URL == address; got != shown {
			t.Errorf("%.60s: a picture is %t", address, got)
		}
		if !shown && !strings.Contains(strings.Join(card.Texts(), "\n"), "Graph") {
			t.Errorf("%.60s: its address is nowhere", address)
		}
	}
}

// TestLimit sends memos that fill a card. The rest of the card has less than 900 bytes.
func TestLimit(t *testing.T) {
	for _, unit := range []struct {
		text  string
		width int // as it counts
	}{{"a", 1}, {"障", 7}, {"🔥", 14}, {`"`, 4}, {"*", 5}, {"<", 7}, {`\`, 8}} {
		t.Run(unit.text, func(t *testing.T) {
			most, fits := 24<<10/unit.width, (24<<10-900)/unit.width
			for _, n := range []int{fits, most, 1000 * 30} {
				memo := mackerel.Fact{Label: "M", Value: strings.Repeat(unit.text, n)}
				_, receipt := send(t, teams.Message{Title: "T", Memo: memo})
				if n == fits && len(receipt.Cuts) == 0 {
					continue
				}
				if servicetest.CutFields(receipt.Cuts) != "memo" {
					t.Fatalf("%d: %+v", n, receipt.Cuts)
				}
				c := receipt.Cuts[0]
				if c.Unit != "bytes" || c.From != len("M: ")+n*len(unit.text) || c.To < (fits-8)*len(unit.text) {
					t.Errorf("%+v, and %d fit", c, fits)
				}
			}
		})
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	for _, unit := range []string{"障", "a b ", "👩‍💻", "<at>x</at>", "_*", `"\`} {
		a := servicetest.Everywhere(strings.Repeat(unit, 1000*10))
		a.Monitor.Name, a.Host, a.ImageURL = "CPU & memory", nil, ""
		card, receipt := notify(t, a, mentionHanako)
		if got := card.Texts(); got[0] != "Open" || got[1] != `\[CRITICAL\] CPU & memory` || got[2] != "<at>花子</at>" {
			t.Errorf("%.50q", got)
		}
		if got := servicetest.CutFields(receipt.Cuts); got != "memo text facts" {
			t.Errorf("cut: %s", got)
		}
		if strings.ContainsRune(strings.Join(card.Texts(), ""), utf8.RuneError) {
			t.Error("a character was cut in two")
		}
	}
}

func TestALongTitleIsCutLast(t *testing.T) {
	long := strings.Repeat("障害_", 20_000)
	m := teams.Message{Title: "[CRITICAL] " + long, Text: long, Memo: mackerel.Fact{Label: long, Value: long}, URL: "x " + long, Facts: []mackerel.Fact{{Label: long, Value: "1"}}}
	card, receipt := send(t, m)
	if got := servicetest.CutFields(receipt.Cuts); got != "memo text facts url title" || !strings.HasPrefix(card.Texts()[0], `\[CRITICAL\] 障害`) {
		t.Errorf("%s, %.60q", got, card.Texts())
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"<at>x</at>", "<\n/at>", `\`, `\\*`, "- a\n1. b", "    x", "\t# x", "[x](y)", "\r\n\x00", "\xff<at", "障害", "1", "1.\n", "***"} {
		f.Add(s)
	}
	at := regexp.MustCompile(`(?i)<\s*/?\s*at\b`)
	f.Fuzz(func(t *testing.T, text string) {
		escaped := teams.Escape(text)
		if live.MatchString(escaped) || at.MatchString(escaped) || !utf8.ValidString(escaped) {
			t.Errorf("Escape(%q) = %q is more than text", text, escaped)
		}
		for _, line := range strings.Split(escaped, "\n\n") {
			if lineStart.MatchString(line) {
				t.Errorf("Escape(%q) has the line %q", text, line)
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"<at>花子</at>", "https://x.test/<at>", "|>", " \n", "\xff", "障害", "\x1e\x1f", strings.Repeat(`"*<`, 3000)} {
		f.Add(s, s, "https://x.test/"+s)
		f.Add("T", "https://x.test/ "+s, s)
	}
	f.Fuzz(func(t *testing.T, title, text, address string) {
		card, _ := send(t, teams.Message{
			Title: title, Text: text, Facts: []mackerel.Fact{{Label: title, Value: text}}, Memo: mackerel.Fact{Label: "M", Value: text},
			URL: address, Image: address, Mentions: []teams.Mention{{ID: "hanako@example.com", Name: "花子"}},
		})
		if got := card.Mentions(); len(got) != 1 {
			t.Errorf("it calls %+v", got)
		}
	})
}
