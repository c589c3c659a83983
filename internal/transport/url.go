package transport

import (
	"net/url"
	"strings"
)

// ParseURL parses an http or https URL with a host. If that fails, it returns nil and the problem, which does not
// quote the URL.
func ParseURL(s string) (u *url.URL, problem string) {
	if s == "" {
		return nil, "required"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, "not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "not an http or https URL"
	case u.Hostname() == "":
		return nil, "a URL without a host"
	}
	return u, ""
}

// ParseBase parses the address of an API, to which paths are appended. It is ParseURL, but refuses a query and a
// fragment, and a user, because the password would be shown together with the address.
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

// Join appends path elements to a base URL, and escapes each of them. It reports false if an element is empty, "." or
// "..": there is no URL for such an id.
func Join(base *url.URL, elements ...string) (*url.URL, bool) {
	escapedBase, slash := strings.CutSuffix(base.EscapedPath(), "/")
	path, escaped := []string{base.Path}, []string{escapedBase}
	if slash { // a slash at the end that is not an escaped "%2F"
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
