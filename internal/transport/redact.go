package transport

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	mask      = "[redacted]"
	minSecret = 6   // bytes; a shorter secret may be part of an ordinary word
	maxLine   = 512 // bytes of a service's words that are kept
)

// A Cleaner replaces secrets in text that came from outside. The nil Cleaner knows no secrets. The secrets are inside
// of functions, because fmt prints the fields of any struct, also unexported ones.
type Cleaner struct {
	text   func(string) string // replaces the secrets of at least minSecret bytes
	header func(string) string // replaces all
}

// NewCleaner returns a Cleaner that knows the secrets in every form in which a server or a library may quote them: as
// they are, escaped for a query, a path or JSON, and in base64. Basic credentials are given as "user:password".
func NewCleaner(secrets ...string) *Cleaner {
	var long, all []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		forms := forms(s)
		all = append(all, forms...)
		if len(s) >= minSecret {
			long = append(long, forms...)
		}
	}
	return &Cleaner{text: masks(long), header: masks(all)}
}

// masks returns a function that replaces the forms, the longest first: a secret may begin with another secret.
func masks(forms []string) func(string) string {
	slices.SortFunc(forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	forms = slices.Clone(slices.Compact(forms)) // most forms of a secret are the same
	// The replacer takes much memory. Most transports never find a secret and need none.
	replacer := sync.OnceValue(func() *strings.Replacer {
		pairs := make([]string, 0, 2*len(forms))
		for _, form := range forms {
			pairs = append(pairs, form, mask)
		}
		return strings.NewReplacer(pairs...)
	})
	return func(s string) string {
		if !slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(s, form) }) {
			return s // the usual case
		}
		return replacer().Replace(s)
	}
}

func forms(s string) []string {
	query, path := url.QueryEscape(s), url.PathEscape(s)
	all := []string{
		s, query, path, lowerHex(query), lowerHex(path),
		inJSON(s),
		inJSON(s, jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true)), // the default of encoding/json
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "="),
	}
	for _, form := range all {
		all = append(all, strings.ReplaceAll(form, "/", `\/`)) // as PHP writes JSON
	}
	return all
}

// lowerHex writes %2F as %2f.
func lowerHex(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// inJSON returns s as it stands between the quotes of a JSON string.
func inJSON(s string, escapes ...json.Options) string {
	quoted, err := json.Marshal(s, append(escapes, jsontext.AllowInvalidUTF8(true))...)
	if err != nil { // does not happen with a string
		return s
	}
	return string(quoted[1 : len(quoted)-1])
}

// Text returns s with its secrets replaced.
func (c *Cleaner) Text(s string) string {
	if c == nil {
		return s
	}
	return c.text(s)
}

// Header returns a copy of h with its secrets replaced, short ones included.
func (c *Cleaner) Header(h http.Header) http.Header {
	clean := h.Clone()
	if c == nil {
		return clean
	}
	for _, values := range clean {
		for i, v := range values {
			values[i] = c.header(v)
		}
	}
	return clean
}

// Line returns a service's words for an error: with their secrets replaced, on one line of valid UTF-8 without
// control and direction characters, and then cut to 512 bytes.
func (c *Cleaner) Line(s string) string {
	s = strings.ToValidUTF8(c.Text(s), "\uFFFD")
	if strings.IndexFunc(s, noPartOfLine) >= 0 {
		s = strings.Join(strings.FieldsFunc(s, noPartOfLine), " ")
	}
	if len(s) <= maxLine {
		return s
	}
	end := maxLine
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

func noPartOfLine(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}
