// Package oneline makes texts from elsewhere lines.
package oneline

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Of turns each run of blanks, line breaks and control characters into one blank. Other spaces, such as the wide
// Japanese one, stay. Invalid UTF-8 is replaced, because many services refuse a message that has any.
func Of(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	if s = strings.TrimFunc(s, Breaks); isOneLine(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := indexBreak(s); i >= 0; i = indexBreak(s) {
		b.WriteString(s[:i])
		b.WriteByte(' ')
		s = strings.TrimLeftFunc(s[i:], Breaks)
	}
	b.WriteString(s)
	return b.String()
}

// Breaks reports whether r is a blank, a line break or a control character.
func Breaks(r rune) bool { return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// isOneLine reports whether the only breaks in s are single blanks. That is so for nearly all names. There is no break
// at the ends of s.
func isOneLine(s string) bool {
	for i := indexBreak(s); i >= 0; i = indexBreak(s) {
		if s[i] != ' ' || s[i+1] == ' ' {
			return false
		}
		s = s[i+1:]
	}
	return true
}

// indexBreak returns the place of the first break in s, or -1.
func indexBreak(s string) int {
	for i := range len(s) {
		if !beginsBreak[s[i]] {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(s[i:]); Breaks(r) {
			return i
		}
	}
	return -1
}

// beginsBreak has the first bytes of the characters that break a line in UTF-8.
var beginsBreak = func() (first [256]bool) {
	for r := range rune(0x2030) {
		if Breaks(r) {
			first[string(r)[0]] = true
		}
	}
	return first
}()
