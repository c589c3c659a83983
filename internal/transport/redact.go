package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	mask      = "[redacted]"
	minSecret = 6   // bytes: anything shorter would be found in innocent words
	maxLine   = 512 // bytes of a service's words that are kept
)

// A Cleaner takes secrets out of text that came from outside. The nil Cleaner knows none. It holds them as functions,
// into which fmt cannot look, whatever the verb and however deep below an unexported field.
type Cleaner struct {
	text   func(string) string // takes out the secrets that are long enough to be nothing else
	header func(string) string // takes out all
}

// NewCleaner returns a Cleaner of the given secrets in every form in which a server or a library may quote them: raw,
// escaped for a query, a path or JSON, and in base64, the form of Basic credentials given as "user:password".
func NewCleaner(secrets ...string) *Cleaner {
	var long, all []string
	for _, s := range secrets {
		if s == "" {
			continue
		}
		all = append(all, forms(s)...)
		if len(s) >= minSecret {
			long = append(long, forms(s)...)
		}
	}
	return &Cleaner{text: masks(long), header: masks(all)}
}

// masks replaces the longest form first: of a secret that begins with another one nothing must be left.
func masks(forms []string) func(string) string {
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, mask)
	}
	replacer := strings.NewReplacer(pairs...)
	return func(s string) string {
		for _, form := range forms {
			if strings.Contains(s, form) {
				return replacer.Replace(s)
			}
		}
		return s // as nearly always, and without a copy
	}
}

func forms(s string) []string {
	query, path := url.QueryEscape(s), url.PathEscape(s)
	all := []string{
		s, query, path, lowerHex(query), lowerHex(path), inJSON(s, true), inJSON(s, false),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "="),
	}
	for _, form := range all {
		all = append(all, strings.ReplaceAll(form, "/", `\/`)) // as PHP and others write JSON
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

// inJSON returns s as it stands between the quotes, with <, > and & escaped or not: both are common.
func inJSON(s string, escapeHTML bool) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	if err := e.Encode(s); err != nil { // a string always encodes
		return s
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	return quoted[1 : len(quoted)-1]
}

// Text returns s without the secrets.
func (c *Cleaner) Text(s string) string {
	if c == nil {
		return s
	}
	return c.text(s)
}

// Header returns a copy of h without the secrets. In a header even a short one is not innocent.
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

// Line returns a service's words fit for an error: without the secrets, then in one line of valid UTF-8 without control
// and direction characters, then cut to 512 bytes.
func (c *Cleaner) Line(s string) string {
	s = strings.ToValidUTF8(c.Text(s), "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}), " ")
	if len(s) <= maxLine {
		return s
	}
	end := maxLine
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// A fault is an error of the network whose text is safe to print. It is what its cause is, as far as errors.Is and
// errors.As ask, but it does not hand out the cause, which may quote a URL, and keeps it from fmt in a function.
type fault struct {
	text  string
	cause func() error
}

func (f *fault) Error() string { return f.text }

// Is reports whether the cause is target.
func (f *fault) Is(target error) bool { return errors.Is(f.cause(), target) }

// As finds the cause's type. A *url.Error is not in it any more.
func (f *fault) As(target any) bool { return errors.As(f.cause(), target) }

// Fault wraps an error of the network or the context. A *url.Error is peeled; words that still hold a URL or a user's
// name at a host, as those of a caller's own RoundTripper or proxy may, are replaced.
func (c *Cleaner) Fault(err error) error {
	if err == nil {
		return nil
	}
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	text := err.Error()
	if strings.Contains(text, "://") || strings.Contains(text, "@") {
		text = ownWords(err)
	}
	return &fault{c.Line(text), func() error { return err }}
}

// ownWords describes an error whose own words cannot be shown.
func ownWords(err error) string {
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "the connection failed"
}

// redirectError names the host that an answer points to, and nothing else of the address.
func redirectError(location string) error {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return errors.New("redirects are refused")
	}
	return fmt.Errorf("redirect to %s refused", u.Host)
}

// timeoutError is the end of one attempt's time, which is not the end of the caller's.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return "no answer within " + e.after.String() }

// Timeout and Temporary report true: this is a net.Error.
func (e timeoutError) Timeout() bool   { return true }
func (e timeoutError) Temporary() bool { return true }

// unfixable reports whether a connection failed for a reason that a second try will not change: a name that does not
// exist, a certificate that does not verify.
func unfixable(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	return errors.As(err, new(*tls.CertificateVerificationError))
}
