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

// minSecret is the length in bytes of the shortest secret. Ordinary words could contain a shorter secret.
const minSecret = 6

// A form is a secret as it appears in a text.
type form struct {
	secret, text string
	quoted       bool // a service may quote the secret in this form
}

// formsOf returns the forms in which services, libraries and fmt write a secret.
func formsOf(secret string) []form {
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	inJSON, err := json.Marshal(secret)
	if err != nil {
		panic(err) // a string can be marshalled
	}
	quoted := []string{
		secret, query, path, strings.ToLower(query), strings.ToLower(path), inner(string(inJSON)),
		strings.ReplaceAll(secret, "/", `\/`),
	}
	printed := []string{
		inner(strconv.Quote(secret)),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		inner(fmt.Sprintf("%d", []byte(secret))),
		strings.TrimPrefix(inner(fmt.Sprintf("%#v", []byte(secret))), "]byte{"),
	}
	var all []form
	for i, text := range slices.Concat(quoted, printed) {
		if !slices.ContainsFunc(all, func(f form) bool { return f.text == text }) {
			all = append(all, form{secret, text, i < len(quoted)})
		}
	}
	return all
}

// inner returns s without its first and last byte, which are quotes or brackets.
func inner(s string) string { return s[1 : len(s)-1] }

// A sieve finds secrets in texts.
type sieve []form

// sieveOf returns a sieve for secrets. Basic credentials encode a secret together with a name, so their form is taken
// from the requests.
func sieveOf(secrets []string, requests []fakehttp.Request) sieve {
	var s sieve
	for _, secret := range secrets {
		s = append(s, formsOf(secret)...)
	}
	for _, r := range requests {
		for _, value := range r.Header.Values("Authorization") {
			encoded, _ := strings.CutPrefix(value, "Basic ")
			plain, _ := base64.StdEncoding.DecodeString(encoded) // holds no secret if it is something else
			i := slices.IndexFunc(secrets, func(secret string) bool { return strings.Contains(string(plain), secret) })
			if i >= 0 {
				s = append(s, form{secrets[i], strings.TrimRight(encoded, "="), true})
			}
		}
	}
	return s
}

// find returns the first secret in a text.
func (s sieve) find(text string) (form, bool) {
	i := slices.IndexFunc(s, func(f form) bool { return strings.Contains(text, f.text) })
	if i < 0 {
		return form{}, false
	}
	return s[i], true
}
