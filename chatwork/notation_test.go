package chatwork_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// liveTag finds what Chatwork would take for a tag. It is written from the notation's page, not from Escape.
var liveTag = regexp.MustCompile(`(?i)\[\s*/?\s*(to(all)?|rp|reply|qt(meta)?|info|title|hr|code|picon(name)?|pname|icon|url|dtext|task|preview|download|deleted|返信|引用)([^\pL]|$)|\[[^\]]*aid=`)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "disk 91 % on app01", "disk 91 % on app01"},
		{"other brackets stay", "[WARNING] a[0] [total] [information] []", "[WARNING] a[0] [total] [information] []"},
		{"a mention of everybody is defused", "host [toall]", "host ［toall]"},
		{"case does not matter", "[TOALL][To:1][tO:2]", "［TOALL]［To:1]［tO:2]"},
		{"a reply is defused", "[rp aid=1 to=2-3]", "［rp aid=1 to=2-3]"},
		{"our own box cannot be closed", "x[/info][/title][/code]", "x［/info]［/title]［/code]"},
		{"blanks do not help", "[ toall ] [/ info]", "［ toall ] ［/ info]"},
		{"nor do wide blanks", "[\u3000toall] [\u00a0/\u00a0info] [to\u3000all] [x aid\u3000=1]", "［\u3000toall] ［\u00a0/\u00a0info] ［to\u3000all] ［x aid\u3000=1]"},
		{"nor does what nobody sees", "[\u200btoall] [t\u200bo:1] [ToAl\u2060l\u200d] [x a\u200bid=1] [\ufe0fhr]", "［\u200btoall] ［t\u200bo:1] ［ToAl\u2060l\u200d] ［x a\u200bid=1] ［\ufe0fhr]"},
		{"nor does a line break", "[\ntoall]", "［\ntoall]"},
		{"wide blanks elsewhere change nothing", "[a\u3000toall] [WARNING\u3000info]", "[a\u3000toall] [WARNING\u3000info]"},
		{"a bracket before a tag stays", "[[info]]", "[［info]]"},
		{"a tag whose end may follow is defused", "[To", "［To"},
		{"a Japanese tag whose end may follow is defused", "[返信", "［返信"},
		{"a quote cannot be forged", "[qt][qtmeta aid=1]hi[/qt]", "［qt]［qtmeta aid=1]hi［/qt]"},
		{"a reply as the apps write it is defused", "[返信 aid=1 to=2-3] [引用 aid=1 time=2]x[/引用] [Trả lời aid=1]", "［返信 aid=1 to=2-3] ［引用 aid=1 time=2]x［/引用] ［Trả lời aid=1]"},
		{"blanks before the equals sign do not help", "[x aid = 1] [返信 AID\t=1]", "［x aid = 1] ［返信 AID\t=1]"},
		{"Japanese stays", "障害［重要］[障害]", "障害［重要］[障害]"},
		{"the end of the text is no trap", "[", "["},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := chatwork.Escape(c.text); got != c.want {
				t.Errorf("Escape(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestEscapeStrictLeavesNoBracket(t *testing.T) {
	if got, want := chatwork.EscapeStrict("[WARNING] a[0] ［x］ [tag of tomorrow:1]"), "［WARNING］ a［0］ ［x］ ［tag of tomorrow:1］"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLongTextsAreReadOnce would take hours if the rest of the text was read again for each bracket.
func TestLongTextsAreReadOnce(t *testing.T) {
	for _, unit := range []string{"[", "[=", "[aid", "\x1b[31m", "[ ", "[障", "[a=]", "[rp aid=1 ", "[\u3000", "\u3000=", "\u200b"} {
		text := strings.Repeat(unit, (1<<20)/len(unit))
		escaped := chatwork.Escape(text)
		if got := strings.Count(escaped, "［") + strings.Count(escaped, "["); got != strings.Count(text, "[") {
			t.Errorf("%q: %d brackets of %d", unit, got, strings.Count(text, "["))
		}
		if text = new(chatwork.Builder).Code(text).String(); len(text) > 65535 {
			t.Errorf("%q: a piece of code of %d bytes", unit, len(text))
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"[toall]", "[[To:1]", "[/info]\n[", "［toall]", "[ \t/tITle]", "\xff[hr", "a[b[code]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := chatwork.Escape(text)
		if tag := liveTag.FindString(escaped); tag != "" {
			t.Errorf("Escape(%q) = %q, which has the tag %q", text, escaped, tag)
		}
		if tags := chatworktest.Tags(escaped); len(tags) > 0 {
			t.Errorf("Escape(%q) = %q, in which the fake finds the tags %q", text, escaped, tags)
		}
		if strict := chatwork.EscapeStrict(text); strings.ContainsAny(strict, "[]") || len(chatworktest.Tags(strict)) > 0 {
			t.Errorf("EscapeStrict(%q) = %q", text, strict)
		}
		if strings.ReplaceAll(escaped, "［", "[") != strings.ReplaceAll(text, "［", "[") {
			t.Errorf("Escape(%q) = %q changes more than brackets", text, escaped)
		}
		if again := chatwork.Escape(escaped); again != escaped {
			t.Errorf("Escape(%q) is %q the second time", escaped, again)
		}
	})
}
