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

// accountAttribute stands in every tag that names an account, whatever language its first word is in: "[Trả lời aid=1".
const accountAttribute = "aid="

// Escape makes text from elsewhere harmless in a message: the bracket of whatever would be a tag of Chatwork's notation
// becomes a full-width one, "[toall]" becomes "［toall]". Other brackets, as in "[WARNING]", stay. Chatwork documents no
// way to escape; this relies on tags being written in ASCII.
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
	if strings.Contains(text, "=") && strings.Contains(strings.ToLower(text), accountAttribute) {
		return true
	}
	text = strings.TrimLeft(text, "/ \t")
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(text)
	}
	return slices.ContainsFunc(tags, func(tag string) bool { return strings.EqualFold(text[:end], tag) })
}
