package hipchat_test

import (
	"html"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

func TestEscapeHTML(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "disk 91 % on app01 障害🔥", "disk 91 % on app01 障害🔥"},
		{"a tag is text", "</b><script>", "&lt;/b&gt;&lt;script&gt;"},
		{"an entity is text", "&lt;b&gt;", "&amp;lt;b&amp;gt;"},
		{"quotes do not end an attribute", `"><img onerror='x'`, "&quot;&gt;&lt;img onerror=&#39;x&#39;"},
		{"every kind of line break is a <br>", "a\nb\r\nc\rd", "a<br>b<br>c<br>d"},
		{"control characters are replaced", "a\x00b\x1b[31mc\u0085d", "a\uFFFDb\uFFFD[31mc\uFFFDd"},
		{"mentions do nothing in HTML, and stay", "@all", "@all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hipchat.EscapeHTML(c.text); got != c.want {
				t.Errorf("EscapeHTML(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestEscapeText(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "disk 91 % </b> &amp; 障害", "disk 91 % </b> &amp; 障害"},
		{"nobody is mentioned", "@all x@here (@hanako) @", "＠all x＠here (＠hanako) ＠"},
		{"a command does not begin", "/code x", "／code x"},
		{"blanks before a command do not help", " \t\n\u3000/code", "／code"},
		{"invisible characters before a command do not help", "\ufeff\u200b/quote", "／quote"},
		{"other slashes stay", "a/b\n/code", "a/b\n/code"},
		{"line breaks are line feeds, and control characters are replaced", "a\r\nb\x00", "a\nb\uFFFD"},
		{"a slash alone is replaced too", "/", "／"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hipchat.EscapeText(c.text); got != c.want {
				t.Errorf("EscapeText(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

// seeds are for both fuzz targets.
var seeds = []string{
	"</b>", "&amp", "&lt;", "<br>", `"'`, "@all", "/code", " \u200b/", "\r\n\r", "\x00\x1b", "\xff\xfe", "障害", "👩‍💻🇯🇵", "e\u0301", "]]>",
}

func FuzzEscapeHTML(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := hipchat.EscapeHTML(text)
		if err := hipchattest.CheckHTML(escaped); err != nil {
			t.Errorf("EscapeHTML(%q) = %q: %v", text, escaped, err)
		}
		if err := hipchattest.CheckHTML(`<a href="https://x.test/` + escaped + `">x</a>`); err != nil && !strings.Contains(escaped, "<br>") {
			t.Errorf("EscapeHTML(%q) = %q, in an attribute: %v", text, escaped, err)
		}
		shown := html.UnescapeString(strings.ReplaceAll(escaped, "<br>", "\n"))
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(text, "\uFFFD"))
		if utf8.ValidString(text) && strings.IndexFunc(text, control) < 0 && shown != want {
			t.Errorf("EscapeHTML(%q) shows %q", text, shown)
		}
		if strings.IndexFunc(escaped, control) >= 0 {
			t.Errorf("EscapeHTML(%q) = %q has a control character", text, escaped)
		}
	})
}

func FuzzEscapeText(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := hipchat.EscapeText(text)
		if strings.Contains(escaped, "@") || strings.HasPrefix(strings.TrimSpace(escaped), "/") {
			t.Errorf("EscapeText(%q) = %q", text, escaped)
		}
		if !utf8.ValidString(escaped) || strings.IndexFunc(escaped, control) >= 0 {
			t.Errorf("EscapeText(%q) = %q has a control character or is not UTF-8", text, escaped)
		}
		if again := hipchat.EscapeText(escaped); again != escaped {
			t.Errorf("EscapeText(%q) is %q the second time", escaped, again)
		}
	})
}

func control(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }
