package provider

import (
	"strings"
	"unicode"
)

// Plain is text that every service takes as text: invalid UTF-8 and control characters become the replacement
// character, and every line break, in whatever form, one line feed. Tabs stay. It escapes nothing.
func Plain(text string) string {
	var last rune
	return strings.Map(func(r rune) rune {
		before := last
		last = r
		switch {
		case r == '\n' && before == '\r':
			return -1
		case r == '\r':
			return '\n'
		case unicode.IsControl(r) && r != '\t' && r != '\n':
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
