package notifytest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// minSecret is the length in bytes below which a secret would be found in innocent words.
const minSecret = 6

// A form is a secret as it looks somewhere.
type form struct {
	secret, looks string
	quoted        bool // a service may quote it so, in an answer
}

// formsOf returns every way in which a service, a library or fmt may show a secret.
func formsOf(secret string) []form {
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	inJSON, err := json.Marshal(secret)
	if err != nil {
		panic(err) // a string always marshals
	}
	quoted := []string{
		secret, query, path, strings.ToLower(query), strings.ToLower(path), between(string(inJSON)),
		strings.ReplaceAll(secret, "/", `\/`),
	}
	printed := []string{
		between(strconv.Quote(secret)),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		between(fmt.Sprintf("%d", []byte(secret))),
		strings.TrimPrefix(between(fmt.Sprintf("%#v", []byte(secret))), "]byte{"),
	}
	var all []form
	for i, looks := range slices.Concat(quoted, printed) {
		if !slices.ContainsFunc(all, func(f form) bool { return f.looks == looks }) {
			all = append(all, form{secret, looks, i < len(quoted)})
		}
	}
	return all
}

// between returns s without its first and last byte: its quotes or brackets.
func between(s string) string { return s[1 : len(s)-1] }

// A sieve finds secrets in text.
type sieve []form

// secretsOf returns a sieve for a harness's secrets, those that travel and those that do not. The requests that were
// made tell what the secrets look like in Basic credentials, where they are encoded along with a name.
func (h Harness) secretsOf(requests []fakehttp.Request) sieve {
	var s sieve
	for _, secret := range slices.Concat(h.Secrets, h.Keys) {
		s = append(s, formsOf(secret)...)
	}
	for _, r := range requests {
		for _, value := range r.Header.Values("Authorization") {
			if secret := h.inBasic(value); secret != "" {
				s = append(s, form{secret, strings.TrimRight(strings.TrimPrefix(value, basic), "="), true})
			}
		}
	}
	return s
}

const basic = "Basic "

// inBasic returns the secret that Basic credentials hold, "" if they are none or hold none.
func (h Harness) inBasic(credentials string) string {
	encoded, found := strings.CutPrefix(credentials, basic)
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil {
		return ""
	}
	for _, secret := range h.Secrets {
		if strings.Contains(string(plain), secret) {
			return secret
		}
	}
	return ""
}

// find returns the first secret in a text, and how it looks there.
func (s sieve) find(text string) (form, bool) {
	for _, f := range s {
		if strings.Contains(text, f.looks) {
			return f, true
		}
	}
	return form{}, false
}

// wire is a request as it went out, with everything in it that could carry a secret.
func wire(r fakehttp.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Path + "?" + r.Query + "\n")
	for name, values := range r.Header {
		b.WriteString(name + ": " + strings.Join(values, "\n") + "\n")
	}
	b.Write(r.Body)
	return b.String()
}
