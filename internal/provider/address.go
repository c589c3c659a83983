package provider

import (
	"strings"
	"unicode/utf8"
)

// Address returns an address with its blanks and its characters beyond ASCII percent-encoded, as browsers send them: in
// a text, an address ends at a blank, and for some clients at the first character beyond ASCII. What is encoded already
// stays as it is. A text that is no http address is returned as it is.
func Address(s string) string {
	s = strings.TrimSpace(s)
	rest, isWeb := cutScheme(s)
	if !isWeb || strings.IndexFunc(rest, beyondAddress) < 0 || !utf8.ValidString(s) {
		return s
	}
	host := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = i // a name of a host has an encoding of its own
	}
	var b strings.Builder
	b.WriteString(s[:len(s)-len(rest)+host])
	for _, r := range rest[host:] {
		if !beyondAddress(r) {
			b.WriteRune(r)
			continue
		}
		const digits = "0123456789ABCDEF"
		for _, c := range []byte(string(r)) {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// cutScheme returns what follows http:// or https://.
func cutScheme(s string) (rest string, isWeb bool) {
	for _, scheme := range [...]string{"https://", "http://"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return s[len(scheme):], true
		}
	}
	return "", false
}

// beyondAddress reports whether a character is encoded. Line breaks and control characters are no part of an address
// that a person has seen, so they stay and make it no link.
func beyondAddress(r rune) bool {
	return r == ' ' || r >= utf8.RuneSelf && !odd(r)
}

// isMackerels reports whether an address is that of a page of Mackerel.
func isMackerels(address string) bool {
	rest, isWeb := cutScheme(address)
	host, _, _ := strings.Cut(rest, "/")
	return isWeb && (host == "mackerel.io" || strings.HasSuffix(host, ".mackerel.io"))
}
