package chatwork

import (
	"slices"
	"strings"
	"unicode"
)

// tags are the words that begin a tag of Chatwork's message notation, in lower case. Some tags are written only by
// Chatwork itself, but text could imitate them.
var tags = []string{
	"to", "toall", "rp", "reply", "qt", "qtmeta", "info", "title", "hr", "icon", "picon", "pname", "piconname", "url",
	"code", "dtext", "task", "preview", "download", "deleted",
	"返信", "引用", // a reply and a quote in Chatwork's Japanese apps
}

// Escape makes text harmless in a message. The bracket of everything that would be a tag of Chatwork's notation
// becomes full-width: "[toall]" becomes "［toall]". Other brackets, as in "[WARNING]", stay. Chatwork documents no way
// to escape; Escape relies on the fact that tags have ASCII brackets. Text must be escaped as a whole, because the
// parts of a tag are not escaped; [Builder] takes care of that. [EscapeStrict] does not depend on a list of tags.
// See https://developer.chatwork.com/docs/message-notation.
func Escape(text string) string { return escapeTags(text, tags) }

// EscapeStrict makes every ASCII square bracket full-width, whether it begins a tag or not.
func EscapeStrict(text string) string { return fullWidth.Replace(text) }

var fullWidth = strings.NewReplacer("[", "［", "]", "］")

// escapeTags escapes the tags that begin with one of the words, and all tags that name an account.
func escapeTags(text string, words []string) string {
	i := nextTag(text, words)
	if i < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 8)
	for ; i >= 0; i = nextTag(text, words) {
		b.WriteString(text[:i])
		b.WriteString("［")
		text = text[i+1:]
	}
	b.WriteString(text)
	return b.String()
}

// nextTag returns the index of the first bracket that begins a tag, or -1.
func nextTag(text string, words []string) int {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '[')
		if i < 0 {
			return -1
		}
		if from += i + 1; beginsTag(text[from:], words) {
			return from - 1
		}
	}
}

// beginsTag reports whether a bracket before the text could begin a tag. A word at the end of the text counts as
// complete, because more text may be appended.
func beginsTag(text string, words []string) bool {
	text, _, _ = strings.Cut(text, "]")
	if namesAccount(text) {
		return true
	}
	word := firstWord(strings.TrimLeft(text, "/ \t"))
	return slices.ContainsFunc(words, func(tag string) bool { return strings.EqualFold(word, tag) })
}

// namesAccount reports whether a tag has the attribute with an account's id. The first word of such a tag may be in any
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
