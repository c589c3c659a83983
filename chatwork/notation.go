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
// becomes full-width: "[toall]" becomes "［toall]". Blanks and invisible characters hide no tag. Other brackets, as in
// "[WARNING]", stay. Chatwork documents no way to escape; Escape relies on the fact that tags have ASCII brackets. Text
// must be escaped as a whole, because the parts of a tag are not escaped; [Builder] takes care of that. [EscapeStrict]
// does not depend on a list of tags.
// See https://developer.chatwork.com/docs/message-notation.
func Escape(text string) string { return escapeTags(text, tags) }

// EscapeStrict makes every ASCII square bracket full-width, whether it begins a tag or not.
func EscapeStrict(text string) string { return fullWidth.Replace(text) }

var fullWidth = strings.NewReplacer("[", "［", "]", "］")

// escapeTags escapes the tags that begin with one of the words, and all tags that name an account.
func escapeTags(text string, words []string) string {
	brackets := tagBrackets(text, words)
	if len(brackets) == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + len(brackets)*(len("［")-len("[")))
	from := 0
	for _, i := range brackets {
		b.WriteString(text[from:i])
		b.WriteString("［")
		from = i + 1
	}
	b.WriteString(text[from:])
	return b.String()
}

// tagBrackets returns where the brackets stand that could begin a tag. A word at the end of the text counts as complete,
// because more text may be appended. The first word of a tag that names an account may be in any language: "[Trả lời
// aid=1". The text is read once, from its end, because a tag ends at the next closing bracket however far that is.
func tagBrackets(text string, words []string) []int {
	var brackets []int
	account := -1 // where the last aid= before the next closing bracket begins
	for i := len(text) - 1; i >= 0; i-- {
		switch text[i] {
		case ']':
			account = -1
		case '=':
			account = max(account, accountBefore(text, i))
		case '[':
			if account > i || beginsTag(text[i+1:], words) {
				brackets = append(brackets, i)
			}
		}
	}
	slices.Reverse(brackets)
	return brackets
}

// beginsTag reports whether the text after a bracket begins with one of the words. The word is read twice: up to the
// first character that is not a letter, and with the invisible characters within it left out. The word of
// "to\u200ball" is "to" and "toall".
func beginsTag(text string, words []string) bool {
	text = strings.TrimLeftFunc(text, func(r rune) bool { return r == '/' || hidden(r) })
	word := firstWord(text, unicode.IsLetter)
	whole := firstWord(text, func(r rune) bool { return unicode.IsLetter(r) || r > unicode.MaxASCII && hidden(r) })
	if whole != word {
		whole = strings.Map(withoutHidden, whole)
	}
	return slices.ContainsFunc(words, func(tag string) bool {
		return strings.EqualFold(word, tag) || strings.EqualFold(whole, tag)
	})
}

// accountBefore returns where the word aid begins that stands before i, or -1. Case, blanks and invisible
// characters do not matter.
func accountBefore(text string, i int) int {
	for _, letter := range "dia" {
		text = strings.TrimRightFunc(text[:i], hidden)
		if i = len(text) - 1; i < 0 || rune(text[i]|0x20) != letter {
			return -1
		}
	}
	return i
}

// hidden reports whether a character is blank or invisible: spaces of every width, zero-width characters, and those that
// only set a direction or a form.
func hidden(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Variation_Selector)
}

func withoutHidden(r rune) rune {
	if hidden(r) {
		return -1
	}
	return r
}

var blanks = strings.NewReplacer(" ", "", "\t", "")

// firstWord returns the beginning of a text, up to the first character that cannot be part of the word.
func firstWord(text string, in func(rune) bool) string {
	end := strings.IndexFunc(text, func(r rune) bool { return !in(r) })
	if end < 0 {
		return text
	}
	return text[:end]
}
