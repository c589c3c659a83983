package provider

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Hook checks the address of a webhook, which is the credential itself, and parses it. The query is kept byte for byte.
// No problem quotes anything of it. It returns nil if there is one.
func (p *Problems) Hook(field string, s mackerel.Secret) *url.URL {
	u, problem := transport.ParseURL(s.Reveal())
	switch {
	case problem != "":
	case strings.ContainsFunc(s.Reveal(), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		problem = "has a blank or a line break"
	case u.Fragment != "":
		problem = "has a fragment, which is never sent"
	}
	if problem != "" {
		p.Add(field, problem)
		return nil
	}
	return u
}

// URLSecrets returns the parts of a webhook's address that a server, a proxy or a library could quote, to be kept out of
// errors and previews: the address itself, its path, query and request URI, a password, and each element of the path and
// each value of the query that is not an ordinary word. Whoever knows one of these need not know the rest.
func URLSecrets(u *url.URL) []string {
	path := u.EscapedPath()
	all := []string{u.String(), u.RequestURI(), path, u.Path, u.RawQuery}
	all = appendPassword(all, u.User)
	for _, element := range strings.Split(path, "/") {
		all = appendUnusual(all, element, url.PathUnescape)
	}
	for _, pair := range strings.Split(u.RawQuery, "&") {
		_, value, _ := strings.Cut(pair, "=")
		all = appendUnusual(append(all, pair), value, url.QueryUnescape)
	}
	return longEnough(all)
}

func appendPassword(all []string, user *url.Userinfo) []string {
	password, set := user.Password()
	if !set {
		return all
	}
	return append(all, user.String(), user.Username()+":"+password, password)
}

// appendUnusual adds what is not an ordinary word, as it stands in the address and as it reads.
func appendUnusual(all []string, escaped string, unescape func(string) (string, error)) []string {
	if ordinary(escaped) {
		return all
	}
	if text, err := unescape(escaped); err == nil && text != escaped {
		all = append(all, text)
	}
	return append(all, escaped)
}

// maxWord is the length in bytes from which on even lower-case letters alone are no word of an API's path.
const maxWord = 16

// ordinary reports whether s is a word such as "services" or "invoke", which stands in errors and messages of all kinds
// and would make them unreadable if it was taken out.
func ordinary(s string) bool {
	return len(s) < maxWord && strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// minPart is the length in bytes below which a part would be found in innocent words: the "/" of an address without a
// path, an API's version.
const minPart = 6

// longEnough leaves out what is too short, and adds all others in lower case, in which some proxies keep addresses.
func longEnough(all []string) []string {
	var long []string
	for _, s := range all {
		if len(s) >= minPart {
			long = append(long, s, strings.ToLower(s))
		}
	}
	return long
}
