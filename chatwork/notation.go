package chatwork

import (
	"slices"
	"strings"
	"unicode"
)

// tags are the words that begin a tag of Chatwork's message notation, in lower case. The last ones Chatwork itself
// makes, but text could forge them.
var tags = []string{
	"to", "toall", "rp", "reply", "qt", "qtmeta", "info", "title", "hr", "icon", "picon", "pname", "piconname", "url",
	"code", "dtext", "task", "preview", "download", "deleted",
	"返信", "引用", // a reply and a quote, as Chatwork's own apps in Japanese write them
}

// Escape makes text from elsewhere harmless in a message: the bracket of whatever would be a tag of Chatwork's notation
// becomes a full-width one, "[toall]" becomes "［toall]". Other brackets, as in "[WARNING]", stay. Chatwork documents no
// way to escape; this relies on tags being written in ASCII. Text must be escaped as a whole, for the parts of a tag are
// harmless; [Builder] sees to that. [EscapeStrict] does not depend on knowing all tags.
// See https://developer.chatwork.com/docs/message-notation.
func Escape(text string) string {
	i := nextTag(text)
	if i < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 8)
	for ; i >= 0; i = nextTag(text) {
		b.WriteString(text[:i])
		b.WriteString("［")
		text = text[i+1:]
	}
	b.WriteString(text)
	return b.String()
}

// EscapeStrict is the escaping that needs no list of tags: every square bracket of ASCII becomes a full-width one.
func EscapeStrict(text string) string { return fullWidth.Replace(text) }

var fullWidth = strings.NewReplacer("[", "［", "]", "］")

// nextTag returns the index of the first bracket that begins a tag, -1 if there is none.
func nextTag(text string) int {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '[')
		if i < 0 {
			return -1
		}
		if from += i + 1; beginsTag(text[from:]) {
			return from - 1
		}
	}
}

// beginsTag reports whether text, which follows a bracket, could make it a tag. The end of the text counts as the end
// of the word, for nobody knows what is put behind it.
func beginsTag(text string) bool {
	text, _, _ = strings.Cut(text, "]")
	if namesAccount(text) {
		return true
	}
	text = strings.TrimLeft(text, "/ \t")
	word := firstWord(text)
	return slices.ContainsFunc(tags, func(tag string) bool { return strings.EqualFold(word, tag) })
}

// namesAccount reports whether a tag has the attribute of those that name an account. Its first word may be in any
// language: "[Trả lời aid=1".
func namesAccount(tag string) bool {
	return strings.Contains(tag, "=") && strings.Contains(strings.ToLower(blanks.Replace(tag)), "aid=")
}

var blanks = strings.NewReplacer(" ", "", "\t", "")

func firstWord(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		return text
	}
	return text[:end]
}
