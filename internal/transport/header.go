package transport

import (
	"fmt"
	"net/http"
	"strings"
)

// ownHeaders are made from the URL, the body and the options. net/http would ignore them, or send a broken request.
var ownHeaders = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Length": true, "Expect": true, "Host": true, "Keep-Alive": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "User-Agent": true,
}

// HeaderProblem says why a header that the caller chose cannot be sent, "" if it can. It does not quote the value.
func HeaderProblem(name, value string) string {
	if ownHeaders[http.CanonicalHeaderKey(name)] {
		return "a header that cannot be chosen here"
	}
	return malformed(name, value)
}

func malformed(name, value string) string {
	switch {
	case !validHeaderName(name):
		return "not a header's name"
	case !validHeaderValue(value):
		return "has a control character"
	}
	return ""
}

// checkHeader returns an error if a name or a value cannot be sent. It does not quote the value.
func checkHeader(h http.Header) error {
	for name, values := range h {
		if problem := malformed(name, strings.Join(values, "")); problem != "" {
			return fmt.Errorf("header %q: %s", name, problem)
		}
	}
	return nil
}

// validHeaderName reports whether s is a token as in RFC 9110, section 5.6.2.
func validHeaderName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// validHeaderValue reports whether s has no control character but the tab.
func validHeaderValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// ValidCredential reports whether s can be a token in a header: at least one character, and only visible ASCII.
func ValidCredential(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}
