package chatwork_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// liveTag finds what Chatwork would take for a tag. It is written from the notation's page, not from Escape.
var liveTag = regexp.MustCompile(`(?i:\[\s*/?\s*(to\s*:|toall([^\pL\d]|$)|rp([^\pL\d]|$)))` +
	`|(?i:\[[^\[\]]*\baid\s*=)` +
	`|\[\s*((info|title|code|qt|url|hr|deleted)\s*\]|(picon|pname|piconname|dtext|download)\s*:|preview\s+id\s*=)` +
	`|(?i:\[\s*/\s*(info|title|code|qt|url|task|download|引用)\s*\])`)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "disk 91 % on app01", "disk 91 % on app01"},
		{"other brackets stay", "[WARNING] a[0] [total] [information] []", "[WARNING] a[0] [total] [information] []"},
		{"levels of a log stay", "[INFO] [ INFO ] [Info] [DEBUG]", "[INFO] [ INFO ] [Info] [DEBUG]"},
		{"words in capitals are no boxes, codes or links", "[TITLE] [CODE] [Url] [QT] [HR] [Deleted] [Download: 5 MB]", "[TITLE] [CODE] [Url] [QT] [HR] [Deleted] [Download: 5 MB]"},
		{"the word of a tag alone is no tag", "[task 3] [task] [code 404] [title: x] [info about] [preview of it] [qtmeta]", "[task 3] [task] [code 404] [title: x] [info about] [preview of it] [qtmeta]"},
		{"nor is it in Japanese", "[返信] [引用 1]", "[返信] [引用 1]"},
		{"nor is a longer word", "[to do] [to] [to all] [toallx] [toall5] [rp2040] [rpm] [codes] [piconnames:1] [to1:2]", "[to do] [to] [to all] [toallx] [toall5] [rp2040] [rpm] [codes] [piconnames:1] [to1:2]"},
		{"a path is no end", "[/code/src] [/info x] [//info] [/INFORMATION]", "[/code/src] [/info x] [//info] [/INFORMATION]"},
		{"other words than aid name no account", "[paid=1] [x RAID = 5] [user_aid=1] [2aid=1] [aid] [x id=1] [x ai=1] [xd=1]", "[paid=1] [x RAID = 5] [user_aid=1] [2aid=1] [aid] [x id=1] [x ai=1] [xd=1]"},
		{"an account outside of the brackets is none", "[x] aid=1 [y]", "[x] aid=1 [y]"},
		{"a mention of everybody is defused", "host [toall]", "host ［toall］"},
		{"every box is", "[info][title]x[/title][hr][/info][code]x[/code][qt]x[/qt][url]x[/url]", "［info］［title］x［/title］［hr］［/info］［code］x［/code］［qt］x［/qt］［url］x［/url］"},
		{"so is what Chatwork itself writes", "[picon:1][pname:2][piconname:3][dtext:x][download:4][preview id=5 ht=150][deleted][task aid=1 st=2]x[/task][/download]",
			"［picon:1］［pname:2］［piconname:3］［dtext:x］［download:4］［preview id=5 ht=150］［deleted］［task aid=1 st=2］x［/task］［/download］"},
		{"capitals call, too", "[TOALL][To:1][tO:2][RP AID=1][TASK Aid=1][To:Bob]", "［TOALL］［To:1］［tO:2］［RP AID=1］［TASK Aid=1］［To:Bob］"},
		{"capitals close, too", "[/INFO] [/Task] [/taſ\u212a]", "［/INFO］ ［/Task］ ［/taſ\u212a］"},
		{"in doubt a word calls", "[toall x] [toall,] [rp] [/toall] [/to:1]", "［toall x］ ［toall,］ ［rp］ ［/toall］ ［/to:1］"},
		{"a reply is defused", "[rp aid=1 to=2-3]", "［rp aid=1 to=2-3］"},
		{"our own box cannot be closed", "x[/info][/title][/code]", "x［/info］［/title］［/code］"},
		{"blanks do not help", "[ toall ] [/ info] [ / info ] [To :1] [picon : 1]", "［ toall ］ ［/ info］ ［ / info ］ ［To :1］ ［picon : 1］"},
		{"nor do wide blanks", "[\u3000toall\u3000] [\u00a0/\u00a0info\u3000] [to\u3000all] [info\u00a0] [To\u3000:1] [x aid\u3000=1] [x\u3000aid=1]",
			"［\u3000toall\u3000］ ［\u00a0/\u00a0info\u3000］ ［to\u3000all］ ［info\u00a0］ ［To\u3000:1］ ［x aid\u3000=1］ ［x\u3000aid=1］"},
		{"nor does what nobody sees", "[\u200btoall] [t\u200bo:1] [ToAl\u2060l\u200d] [x a\u200bid=1] [\ufe0fhr] [hr\ufeff] [in\u00adfo] [to\u3164all] [to\u034fall] [to\ufe00all] [p\u200baid=1]",
			"［\u200btoall］ ［t\u200bo:1］ ［ToAl\u2060l\u200d］ ［x a\u200bid=1］ ［\ufe0fhr］ ［hr\ufeff］ ［in\u00adfo］ ［to\u3164all］ ［to\u034fall］ ［to\ufe00all］ ［p\u200baid=1］"},
		{"nor does what is no text", "[\x00toall] [\x7fhr] [to\xffall] [to\u0085all] [to\u0090all]", "［\x00toall］ ［\x7fhr］ ［to\xffall］ ［to\u0085all］ ［to\u0090all］"},
		{"a control character of ASCII ends a word", "[to\x7fall] [to\tall]", "[to\x7fall] [to\tall]"},
		{"the first and last letters and digits make a word longer", "[toalla] [toallz] [toall0] [toall9]", "[toalla] [toallz] [toall0] [toall9]"},
		{"a sign that is no letter ends a word", "[toall：x]", "［toall：x］"},
		{"nor does a line break", "[\ntoall] [x\naid=1]", "［\ntoall］ ［x\naid=1］"},
		{"a blank ends a word as well as it hides in it", "[toall\u3000x] [rp\u200bx]", "［toall\u3000x］ ［rp\u200bx］"},
		{"wide blanks elsewhere change nothing", "[a\u3000toall] [WARNING\u3000info]", "[a\u3000toall] [WARNING\u3000info]"},
		{"brackets around a tag stay", "[[info]] [x [hr] y] [0, 5) [hr]", "[［info］] [x ［hr］ y] [0, 5) ［hr］"},
		{"so do brackets within it", "[toall [x] y] [rp [a] [b]] z]", "［toall [x] y］ ［rp [a] [b]］ z]"},
		{"what is around an account is one tag", "[x [y aid=1]] [x [y] aid=1] [x [toall] aid=1]", "［x ［y aid=1］］ ［x [y] aid=1］ ［x ［toall］ aid=1］"},
		{"an account of another bracket is not its own", "[x] [y aid=1] [z]", "[x] ［y aid=1］ [z]"},
		{"a bracket that is never closed", "[toall and [x] [rp", "［toall and [x] ［rp"},
		{"a bracket that was never opened", "x] [toall] y]", "x] ［toall］ y]"},
		{"a tag whose end may follow is defused", "[To", "［To"},
		{"so is every word at the end", "[info [code\u3000 [TASK [/INFO [qtmeta", "[info [code\u3000 [TASK [/INFO ［qtmeta"},
		{"so is one in capitals, if it names an account", "[TASK", "［TASK"},
		{"other words in capitals stay there, too", "[INFO", "[INFO"},
		{"capitals are seen around what is hidden", "[I\u200bnfo] [i\u200bNfo]", "[I\u200bnfo] [i\u200bNfo]"},
		{"a Japanese tag whose end may follow is defused", "[返信", "［返信"},
		{"a quote cannot be forged", "[qt][qtmeta aid=1]hi[/qt]", "［qt］［qtmeta aid=1］hi［/qt］"},
		{"a reply as the apps write it is defused", "[返信 aid=1 to=2-3] [引用 aid=1 time=2]x[/引用] [Trả lời aid=1] [返信aid=1]", "［返信 aid=1 to=2-3］ ［引用 aid=1 time=2］x［/引用］ ［Trả lời aid=1］ ［返信aid=1］"},
		{"an account without a word is one", "[aid=1] [x;aid=1] aid=1", "［aid=1］ ［x;aid=1］ aid=1"},
		{"blanks before the equals sign do not help", "[x aid = 1] [返信 AID\t=1]", "［x aid = 1］ ［返信 AID\t=1］"},
		{"Japanese stays", "障害［重要］[障害]", "障害［重要］[障害]"},
		{"the end of the text is no trap", "[", "["},
		{"nor is the beginning", "aid=1 =1", "aid=1 =1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := chatwork.Escape(c.text); got != c.want {
				t.Errorf("Escape(%q) =\n%q, want\n%q", c.text, got, c.want)
			}
			harmless(t, c.text)
		})
	}
}

// harmless checks what must be so for every text.
func harmless(t *testing.T, text string) {
	t.Helper()
	escaped := chatwork.Escape(text)
	if tag := liveTag.FindString(escaped); tag != "" {
		t.Errorf("Escape(%q) = %q, which has the tag %q", text, escaped, tag)
	}
	for _, s := range []string{escaped, chatwork.EscapeStrict(text)} {
		if tags := slices.Concat(chatworktest.Tags(s), chatwork.ParseNotation(s).Tags); len(tags) > 0 {
			t.Errorf("%q is escaped to %q, which has the tags %q", text, s, tags)
		}
		if chatwork.EscapeStrict(s) != chatwork.EscapeStrict(text) {
			t.Errorf("%q is escaped to %q: more than brackets are different", text, s)
		}
	}
	if strict := chatwork.EscapeStrict(text); strings.ContainsAny(strict, "[]") {
		t.Errorf("EscapeStrict(%q) = %q", text, strict)
	}
	if again := chatwork.Escape(escaped); again != escaped {
		t.Errorf("Escape(%q) is %q the second time", escaped, again)
	}
	if strings.Count(text, "[")-strings.Count(escaped, "[") < strings.Count(text, "]")-strings.Count(escaped, "]") {
		t.Errorf("%q is escaped to %q, with more closing brackets than opening ones", text, escaped)
	}
}

func TestEscapeStrictLeavesNoBracket(t *testing.T) {
	if got, want := chatwork.EscapeStrict("[WARNING] a[0] ［x］ [tag of tomorrow:1]"), "［WARNING］ a［0］ ［x］ ［tag of tomorrow:1］"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLongTextsAreReadOnce would take hours if the rest of the text was read again for each bracket.
func TestLongTextsAreReadOnce(t *testing.T) {
	for _, unit := range []string{"[", "[=", "[aid", "\x1b[31m", "[ ", "[障", "[a=]", "[rp aid=1 ", "[\u3000", "\u3000=", "\u200b", "]", "[]", "[toall", "[toall]", "[x[toall]", "aid=]"} {
		text := strings.Repeat(unit, (1<<20)/len(unit))
		escaped := chatwork.Escape(text)
		if chatwork.EscapeStrict(escaped) != chatwork.EscapeStrict(text) {
			t.Errorf("%q: more than brackets are different", unit)
		}
		if text = new(chatwork.Builder).Code(text).String(); len(text) > 65535 {
			t.Errorf("%q: a piece of code of %d bytes", unit, len(text))
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"[toall]", "[[To:1]", "[/info]\n[", "［toall]", "[ \t/tITle]", "\xff[hr", "a[b[code]", "[x [toall] aid=1]", "[[rp]]]", "[\u3000to\u200ball\u00a0]", "[p aid=1"} {
		f.Add(s)
	}
	f.Fuzz(harmless)
}
