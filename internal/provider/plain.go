package provider

import (
	"strings"
	"unicode"
)

// Plain is text that every service takes as text: invalid UTF-8, control characters and those that turn the direction of
// what follows become the replacement character, and every line break, in whatever form, one line feed. Tabs stay. It
// escapes nothing.
func Plain(text string) string {
	if isPlain(text) {
		return text
	}
	var last rune
	return strings.Map(func(r rune) rune {
		before := last
		last = r
		switch {
		case r == '\n' && before == '\r':
			return -1
		case r == '\r':
			return '\n'
		case odd(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// isPlain spares the texts that need no change, which are nearly all.
func isPlain(text string) bool {
	for _, r := range text {
		if r >= ' ' && r < 0x7f || r == '\n' {
			continue
		}
		if odd(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// odd reports whether nobody wants to see r in a message: a control character, or one of U+202A to U+202E and U+2066 to
// U+2069, which let a host's name rearrange the line it stands in. The marks that Arabic and Hebrew need stay.
func odd(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
