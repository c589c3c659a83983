package webhook

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// An address is where to send, taken apart.
type address struct {
	url     *url.URL // without user and password
	basic   string   // user and password as Basic credentials, "" if there are none
	secrets []string
}

// addressOf takes a URL apart, or notes what is wrong with it.
func addressOf(p *provider.Problems, s mackerel.Secret) address {
	u := p.Hook("URL", s)
	if u == nil {
		return address{}
	}
	bare := *u
	bare.User = nil
	secrets := append(provider.URLSecrets(u), provider.URLSecrets(&bare)...)
	a := address{url: &bare, secrets: slices.DeleteFunc(secrets, ordinary)}
	if u.User != nil {
		password, _ := u.User.Password()
		credentials := u.User.Username() + ":" + password
		a.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
		a.secrets = append(a.secrets, credentials)
		if password == "" { // then the user's name is a token
			a.secrets = append(a.secrets, u.User.Username())
		}
	}
	return a
}

// ordinary reports whether a part of an address is a path of one word, such as "/alerts". It is not secret, and it
// stands in the addresses of alerts too. If the word is long, it is a secret without its slash.
func ordinary(part string) bool {
	word, found := strings.CutPrefix(part, "/")
	return found && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == ""
}

// secrets returns what must not be printed: the parts of the address, the values of the headers, and the signing
// secrets. The credentials of an authorization are secret without their scheme, too. Each secret is there in lower case
// too, because some proxies quote in lower case.
func (c Config) secrets(a address) []string {
	secrets := slices.Clone(a.secrets)
	add := func(s string) { secrets = append(secrets, s, strings.ToLower(s)) }
	for name, value := range c.Header {
		add(value.Reveal())
		if http.CanonicalHeaderKey(name) == "Authorization" {
			_, credentials, _ := strings.Cut(value.Reveal(), " ")
			add(credentials)
		}
	}
	for _, s := range c.SigningSecrets {
		add(s.Reveal())
	}
	return secrets
}

// header returns what the headers of all requests have in common.
func (c Config) header(s *provider.Service, a address) func() http.Header {
	header := s.Header()
	h := header()
	if a.basic != "" {
		h.Set("Authorization", a.basic)
	}
	for name, value := range c.Header {
		h.Set(name, value.Reveal())
	}
	return header
}

// takenHeaders are set by this package.
var takenHeaders = map[string]string{
	"Content-Type": "is the message's",
	headerID:       "is the signature's", headerTimestamp: "is the signature's", headerSignature: "is the signature's",
}

// checkHeader notes headers that cannot be sent, that this package sets, and that are given twice.
func checkHeader(p *provider.Problems, header map[string]mackerel.Secret, basic bool) {
	seen := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		field, canonical := "Header["+name+"]", http.CanonicalHeaderKey(name)
		p.Add(field, transport.HeaderProblem(name, header[name].Reveal()))
		p.Add(field, takenHeaders[canonical])
		p.Check(field, !seen[canonical], "given twice")
		p.Check(field, !basic || canonical != "Authorization", "set together with a user in the URL")
		seen[canonical] = true
	}
}
