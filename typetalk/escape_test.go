package typetalk_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "disk 91 % on app01 障害🔥 #1 :smile:", "disk 91 % on app01 障害🔥 #1 :smile:"},
		{"nobody is mentioned", "@all x@here", "＠all x＠here"},
		{"a block of code does not begin", "```\nx", "｀｀｀\nx"},
		{"four backquotes are no three", "````", "｀｀｀`"},
		{"code within a line stays", "`df -h`", "`df -h`"},
		{"a link has no other name", "[a](https://x.test)", "[a] (https://x.test)"},
		{"line breaks are one character", "a\r\nb\rc", "a\nb\nc"},
		{"control characters are replaced", "a\x00b", "a\uFFFDb"},
		{"nothing stays nothing", "", ""},
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
		if strings.Contains(escaped, "```") || strings.Contains(escaped, "](") || len(typetalktest.Mentions(escaped)) > 0 {
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
