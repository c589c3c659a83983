package provider

import (
	"cmp"
	"errors"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Problems collects everything that is wrong with a configuration or a message, in the order of its fields. A field is
// named as in the struct: "To[2]", "Text.Language".
type Problems []string

// Add notes a problem with a field. The problem "" is no problem.
func (p *Problems) Add(field, problem string) {
	if problem != "" {
		*p = append(*p, field+": "+problem)
	}
}

// Err returns all problems as one error, nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return errors.New(strings.Join(p, "; "))
}

// ConfigError returns all problems of a constructor as its error, nil if there are none.
func (p Problems) ConfigError(service string) error {
	if len(p) == 0 {
		return nil
	}
	return &mackerel.Error{Provider: service, Op: "configure", Kind: mackerel.ErrConfig, Message: strings.Join(p, "; ")}
}

// Require notes that a field is missing.
func (p *Problems) Require(field string, present bool) {
	if !present {
		p.Add(field, "required")
	}
}

// Check notes a problem with a field unless ok.
func (p *Problems) Check(field string, ok bool, problem string) {
	if !ok {
		p.Add(field, problem)
	}
}

// Length notes that a text is longer than most units.
func (p *Problems) Length(field, text string, u Unit, most int) {
	if n := u.Len(text); n > most {
		p.tooMany(field, n, most, cmp.Or(u.words, u.Name))
	}
}

// Items notes that a list has more than most items.
func (p *Problems) Items(field string, n, most int) {
	if n > most {
		p.tooMany(field, n, most, "items")
	}
}

func (p *Problems) tooMany(field string, n, most int, what string) {
	p.Add(field, strconv.Itoa(n)+" "+what+", and at most "+strconv.Itoa(most)+" are allowed")
}

// OneOf notes that a value is none of the allowed. The zero value is always allowed.
func OneOf[S ~string](p *Problems, field string, value S, allowed ...S) {
	if value == "" || slices.Contains(allowed, value) {
		return
	}
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = strconv.Quote(string(a))
	}
	last := len(quoted) - 1
	p.Add(field, "must be "+Join(" or ", strings.Join(quoted[:last], ", "), quoted[last]))
}

// Token checks a credential that goes into a header.
func (p *Problems) Token(field string, s mackerel.Secret) {
	switch {
	case s.IsZero():
		p.Add(field, "required")
	case !transport.ValidCredential(s.Reveal()):
		p.Add(field, "has a blank, a line break or a character beyond ASCII")
	}
}

// Base checks the address of an API, which is standard if it is empty. An address without a path gets the path of
// standard, such as "/v2": it is usually that of a proxy. Base returns nil if there is a problem.
func (p *Problems) Base(field, address, standard string) *url.URL {
	u, problem := transport.ParseBase(cmp.Or(address, standard))
	p.Add(field, problem)
	usual, _ := url.Parse(standard) // a constant of a service
	if u != nil && strings.Trim(u.Path, "/") == "" && usual.Path != "" {
		withPath := *u
		withPath.Path = usual.Path // JoinPath makes a path without the first slash here
		return &withPath
	}
	return u
}

// Without notes that a base URL ends with the path that the package adds to it, as the addresses in a service's documents
// do. A nil URL has no problem.
func (p *Problems) Without(field string, base *url.URL, last string) {
	p.Check(field, base == nil || path.Base(base.Path) != last, "must be without the last part, /"+last)
}

// Hook checks the address of a webhook, which is a credential itself. The query is kept byte for byte. No problem
// quotes a part of the address. It returns nil if there is a problem.
func (p *Problems) Hook(field string, s mackerel.Secret) *url.URL {
	u, problem := transport.ParseURL(s.Reveal())
	switch {
	case problem != "":
	case strings.ContainsFunc(s.Reveal(), blankOrControl):
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

func blankOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// Common checks what every configuration ends with.
func (p *Problems) Common(level mackerel.Level, text mackerel.Text, call mackerel.CallOptions) {
	p.Level(level)
	OneOf(p, "Text.Language", text.Language, mackerel.English, mackerel.Japanese)
	p.Call(call)
}

// Level checks a notification level.
func (p *Problems) Level(level mackerel.Level) {
	OneOf(p, "Level", level, mackerel.LevelAll, mackerel.LevelCritical)
}

// Call checks the options of calls.
func (p *Problems) Call(call mackerel.CallOptions) {
	*p = append(*p, options(call).Problems()...)
}

// Guard notes why calls with these options cannot be kept to public addresses, if they cannot.
func (p *Problems) Guard(field string, call mackerel.CallOptions) {
	if err := transport.New("", options(call)).Guard(); err != nil {
		p.Add(field, err.Error())
	}
}

// NoCall reports whether the options were left alone.
func NoCall(call mackerel.CallOptions) bool { return reflect.ValueOf(call).IsZero() }

// Linkable reports whether an address can be put behind a link: http or https, in UTF-8, without blanks, and of at most
// longest characters.
func Linkable(address string, longest int) bool { return LinkURL(address, longest) != nil }

// LinkURL parses an address that is [Linkable]. It returns nil for other addresses.
func LinkURL(address string, longest int) *url.URL {
	if Runes.Len(address) > longest || !utf8.ValidString(address) || strings.ContainsFunc(address, blankOrControl) {
		return nil
	}
	u, _ := transport.ParseURL(address)
	return u
}

// URLSecrets returns the parts of a webhook's address that a server, a proxy or a library may quote, to be kept out of
// errors and previews: the address itself, its path, query and request URI, a password, and each element of the path
// and each value of the query that is not an ordinary word.
func URLSecrets(u *url.URL) []string {
	path := u.EscapedPath()
	all := []string{u.String(), u.RequestURI(), path, u.Path, u.RawQuery}
	if password, set := u.User.Password(); set {
		all = append(all, u.User.String(), u.User.Username()+":"+password, password)
	}
	for element := range strings.SplitSeq(path, "/") {
		all = appendUnusual(all, element, url.PathUnescape)
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		_, value, _ := strings.Cut(pair, "=")
		all = appendUnusual(append(all, pair), value, url.QueryUnescape)
	}
	return longEnough(all)
}

// appendUnusual adds a part that is not an ordinary word, as it stands in the address and as it reads.
func appendUnusual(all []string, escaped string, unescape func(string) (string, error)) []string {
	if ordinary(escaped) {
		return all
	}
	if text, err := unescape(escaped); err == nil && text != escaped {
		all = append(all, text)
	}
	return append(all, escaped)
}

const (
	maxWord = 16 // bytes from which on lower-case letters alone are not a word of an API's path
	minPart = 6  // bytes below which a part would be found in innocent words, such as an API's version
)

// ordinary reports whether s is a word such as "services" or "invoke". Such words stand in errors of all kinds, which
// would be unreadable without them.
func ordinary(s string) bool {
	return len(s) < maxWord && strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// longEnough leaves out short parts, and adds the others in lower case, in which some proxies keep addresses.
func longEnough(all []string) []string {
	var long []string
	for _, s := range all {
		if len(s) >= minPart {
			long = append(long, s, strings.ToLower(s))
		}
	}
	return long
}
