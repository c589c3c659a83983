package transport

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ParseURL parses an http or https URL with a host. Its problem, "" if there is none, never quotes the URL.
func ParseURL(s string) (u *url.URL, problem string) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return nil, "required"
	case err != nil:
		return nil, "not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "not an http or https URL"
	case u.Hostname() == "":
		return nil, "a URL without a host"
	}
	return u, ""
}

// ParseBase is ParseURL for the address of an API, to which paths are appended: no query, no fragment, and no user, whose
// password would be shown wherever the address is.
func ParseBase(s string) (u *url.URL, problem string) {
	u, problem = ParseURL(s)
	switch {
	case problem != "":
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, "a base URL with a query or fragment"
	case u.User != nil:
		return nil, "a base URL with a user"
	}
	return u, problem
}

// Join appends path elements to a base URL, each escaped as one element. It reports false if one is empty or would
// climb ("." or ".."): such an id cannot be addressed.
func Join(base *url.URL, elements ...string) (*url.URL, bool) {
	escapedBase, slash := strings.CutSuffix(base.EscapedPath(), "/")
	path, escaped := []string{base.Path}, []string{escapedBase}
	if slash { // not the one of an escaped "%2F"
		path[0] = strings.TrimSuffix(base.Path, "/")
	}
	for _, e := range elements {
		if e == "" || e == "." || e == ".." {
			return nil, false
		}
		path, escaped = append(path, e), append(escaped, url.PathEscape(e))
	}
	u := *base
	u.Path, u.RawPath = strings.Join(path, "/"), strings.Join(escaped, "/")
	return &u, true
}

// checkHeader reports the first name or value that cannot be sent, by the name alone.
func checkHeader(h http.Header) error {
	for name, values := range h {
		if !validHeaderName(name) {
			return fmt.Errorf("header %q: not a name", name)
		}
		for _, v := range values {
			if !validHeaderValue(v) {
				return fmt.Errorf("header %s: has a control character", name)
			}
		}
	}
	return nil
}

// validHeaderName reports whether s is a token (RFC 9110, section 5.6.2).
func validHeaderName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// validHeaderValue reports whether s can be sent as a header's value.
func validHeaderValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// ValidCredential reports whether s can be sent as a token in a header: visible ASCII, no blanks.
func ValidCredential(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}
