package typetalk_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// TestTextFromAlertsIsOnlyText puts what could be more than text into every field at once.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range append([]string{"#1 #ops", "[a]\n(b)", strings.Repeat("@all ", 2000)}, servicetest.Hostile...) {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			p, _ := notify(t, servicetest.Everywhere(text), func(c *typetalk.Config) {
				c.RawPrefix = map[mackerel.Status]string{mackerel.StatusCritical: "@hanako"}
			})
			if called := p.Mentions(); len(called) != 1 || called[0] != "hanako" {
				t.Errorf("it calls %q", called)
			}
			if strings.Contains(p.Message, "```") || strings.Contains(p.Message, "](") || !p.IgnoreHashtag {
				t.Errorf("it has markup: %q", p.Message)
			}
			if !strings.HasPrefix(p.Message, "@hanako [CRITICAL] ") || !strings.HasSuffix(p.Message, "\nhttps://mackerel.io/orgs/x/alerts/5A") {
				t.Errorf("it has lost the title or the link: %q", p.Message)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"https://x.test/?a=1&b=2":     "https://x.test/?a=1&b=2",
		"https://x.test/@all":         "https://x.test/%40all",
		"https://x.test/ @all":        "https://x.test/%20%40all",
		"https://x.test/障?q=a b":      "https://x.test/%E9%9A%9C?q=a%20b",
		"javascript:alert(1) @all":    "javascript:alert(1) ＠all",
		"https://x.test/\xff":         "https://x.test/\uFFFD",
		"https://user:@all@x.test/#a": "https://user:%40all%40x.test/#a",
	} {
		if p, _ := send(t, typetalk.Message{Title: "T", URL: address}); p.Message != "T\n"+want {
			t.Errorf("%q, want %q", p.Message, want)
		}
	}
}

// TestLimit sends memos that make a message as long as possible, one character longer, and far too long.
func TestLimit(t *testing.T) {
	for _, unit := range []struct {
		text  string
		width int // as it is sent, in UTF-16 units
	}{{"a", 1}, {"障", 1}, {"🔥", 2}, {"@", 1}, {"](", 3}} {
		t.Run(unit.text, func(t *testing.T) {
			fits := (4000 - units("T\nM: ")) / unit.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				p, receipt := send(t, typetalk.Message{Title: "T", Memo: mackerel.Fact{Label: "M", Value: strings.Repeat(unit.text, n)}})
				if length := units(p.Message); length > 4000 || length < 4000-5 {
					t.Errorf("%d: %d units", n, length)
				}
				if cut := servicetest.CutFields(receipt.Cuts) == "memo"; cut != (n > fits) {
					t.Errorf("%d: %+v", n, receipt.Cuts)
				}
			}
		})
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	a := servicetest.Everywhere(strings.Repeat("障害🔥 ", 3000))
	a.Monitor.Name, a.Host = "CPU", nil
	raw := strings.Repeat("あ", 2000)
	p, receipt := notify(t, a, func(c *typetalk.Config) { c.RawPrefix = map[mackerel.Status]string{mackerel.StatusCritical: raw} })
	if !strings.HasPrefix(p.Message, raw+" [CRITICAL] CPU\n") || !strings.HasSuffix(p.Message, "\n"+a.URL) {
		t.Errorf("%q", p.Message)
	}
	if got := servicetest.CutFields(receipt.Cuts); got != "facts text memo" || units(p.Message) > 4000 {
		t.Errorf("cut: %s; %d units", got, units(p.Message))
	}
}

func TestAnAlertWithoutAGraphHasNoFactForIt(t *testing.T) {
	if m := typetalk.DefaultMessage(mackerel.Alert{Message: "x"}, mackerel.Text{}); len(m.Facts) != 0 {
		t.Errorf("%+v", m.Facts)
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "disk 91 % on app01 障害🔥 #1 :smile:", "disk 91 % on app01 障害🔥 #1 :smile:"},
		{"nobody is mentioned", "@all x@here", "＠all x＠here"},
		{"a block of code does not begin", "```\nx", "｀｀｀\nx"},
		{"the fourth of four backquotes stays", "````", "｀｀｀`"},
		{"code within a line stays", "`df -h`", "`df -h`"},
		{"a link shows no other text", "[a](https://x.test)", "[a] (https://x.test)"},
		{"line breaks are line feeds", "a\r\nb\rc", "a\nb\nc"},
		{"control characters are replaced", "a\x00b", "a\uFFFDb"},
		{"an empty text stays empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := typetalk.Escape(c.text); got != c.want {
				t.Errorf("Escape(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"@all", "```", "`````", "](", "]](", "\r\n\r", "\x00\x1b", "\xff", "障害", "👩‍💻", "#1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := typetalk.Escape(text)
		if strings.Contains(escaped, "```") || strings.Contains(escaped, "](") || len(typetalktest.Post{Message: escaped}.Mentions()) > 0 {
			t.Errorf("Escape(%q) = %q", text, escaped)
		}
		control := func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' }
		if !utf8.ValidString(escaped) || strings.IndexFunc(escaped, control) >= 0 {
			t.Errorf("Escape(%q) = %q has a control character or is not UTF-8", text, escaped)
		}
		if again := typetalk.Escape(escaped); again != escaped {
			t.Errorf("Escape(%q) is %q the second time", escaped, again)
		}
	})
}
