// Package provider is what the notifiers share: from a request to a *mackerel.Error or a receipt, checking a
// configuration, putting an alert into words, and cutting text to a service's limits.
package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Service is one remote service as its package calls it.
type Service struct {
	Name string // as in errors and receipts: "chatwork"
	// DecodeError reads the code and the words out of the service's error body; it may leave both empty.
	DecodeError func(status int, body []byte) (code, message string)

	transport *transport.Transport
}

// Connect makes the service ready for calls. The options have been checked; delivery is the package's default; the
// secrets are kept out of every error.
func (s *Service) Connect(call mackerel.CallOptions, delivery mackerel.Delivery, secrets ...string) {
	call.Delivery = cmp.Or(call.Delivery, delivery)
	call.UserAgent = cmp.Or(call.UserAgent, mackerel.UserAgent)
	s.transport = transport.New(s.Name, options(call), secrets...)
}

// Header returns a header with the User-Agent and the given keys and values, to be shared by all calls. It comes as a
// function, because it holds credentials: fmt opens whatever a struct keeps, a pointer included, but not a function.
func (s *Service) Header(keyValues ...string) func() http.Header {
	return s.transport.Header(keyValues...)
}

// Do makes a call. The error is a *mackerel.Error, nil if the result is the documented success; the result says how far
// it got either way.
func (s *Service) Do(ctx context.Context, r transport.Request) (transport.Result, error) {
	result := s.transport.Do(ctx, r)
	if result.Class == transport.Done {
		return result, nil
	}
	return result, s.failure(r.Op, result, s.cleaner(r))
}

// cleaner is the call's own, if it has secrets that the others do not have.
func (s *Service) cleaner(r transport.Request) *transport.Cleaner {
	if r.Clean != nil {
		return r.Clean
	}
	return s.transport.Clean()
}

// Error is the result of a failed operation as the module's error.
func (s *Service) Error(op string, r transport.Result) error {
	return s.failure(op, r, s.transport.Clean())
}

func (s *Service) failure(op string, r transport.Result, clean *transport.Cleaner) error {
	var code, message string
	if len(r.Body) > 0 && s.DecodeError != nil {
		code, message = s.DecodeError(r.Status, r.Body)
	}
	return &mackerel.Error{
		Provider:   s.Name,
		Op:         op,
		Status:     r.Status,
		Code:       clean.Line(code),
		Message:    clean.Line(message),
		RetryAfter: r.RetryAfter,
		Attempts:   r.Attempts,
		Delivery:   mackerel.Delivery(r.Delivery),
		Kind:       r.Class.Kind(),
		Err:        r.Err,
	}
}

// Invalid is the error of an operation that is refused before it is sent.
func (s *Service) Invalid(op, message string) error {
	return &mackerel.Error{Provider: s.Name, Op: op, Kind: mackerel.ErrInvalid, Message: message}
}

// MessageError is the error of a caller's Message function that failed.
func (s *Service) MessageError(err error) error {
	return &mackerel.Error{Provider: s.Name, Op: "make message", Kind: mackerel.ErrInvalid, Err: err}
}

// Skipped is the receipt of an alert that is not sent by configuration.
func (s *Service) Skipped(why string) mackerel.Receipt {
	return mackerel.Receipt{Provider: s.Name, Skipped: why}
}

// Receipt is the receipt of a call that began at start.
func (s *Service) Receipt(start time.Time, r transport.Result, id string, cuts []mackerel.Cut) mackerel.Receipt {
	return mackerel.Receipt{
		Provider: s.Name, ID: s.transport.Clean().Text(id), Attempts: r.Attempts, Duration: time.Since(start), Cuts: cuts,
	}
}

// Preview shows requests as they would be sent, without their secrets.
func (s *Service) Preview(cuts []mackerel.Cut, requests ...transport.Request) *mackerel.Preview {
	p := &mackerel.Preview{Cuts: cuts}
	for _, r := range requests {
		clean := s.cleaner(r)
		p.Requests = append(p.Requests, mackerel.PreviewRequest{
			Method: r.Method, URL: clean.Text(address(r.URL)), Header: clean.Header(r.Header), Body: clean.Text(string(r.Body)),
		})
	}
	return p
}

// address is a URL as it is shown: user and password, which any URL may have, are no part of that.
func address(u *url.URL) string {
	if u.User == nil {
		return u.String()
	}
	bare := *u
	bare.User = nil
	return strings.Replace(bare.String(), "://", "://[redacted]@", 1)
}

// JSON returns a Judge that decodes a success into what v points to, which is empty before and after anything else. A
// success that is not the documented JSON is none, and null is never documented.
func JSON(v any) func(*transport.Result) {
	target := reflect.ValueOf(v).Elem()
	return func(r *transport.Result) {
		target.SetZero()
		if r.Class != transport.Done {
			return
		}
		if err := json.Unmarshal(r.Body, v); err != nil || string(bytes.TrimSpace(r.Body)) == "null" {
			target.SetZero()
			Undocumented(r)
		}
	}
}

// Undocumented marks an answer that has a good status and not the documented body: nobody knows what became of it.
func Undocumented(r *transport.Result) {
	r.Class, r.Err = transport.Ambiguous, errUndocumented
}

type constError string

func (e constError) Error() string { return string(e) }

const errUndocumented = constError("the answer is not the documented one")

// options is the form in which the transport takes a mackerel.CallOptions.
type options = transport.Options[mackerel.Delivery, mackerel.Attempt]

// Problems collects everything that is wrong with a configuration.
type Problems []string

// Add notes a problem with a field, if there is one.
func (p *Problems) Add(field, problem string) {
	if problem != "" {
		*p = append(*p, field+": "+problem)
	}
}

// Require notes that a field is missing.
func (p *Problems) Require(field string, present bool) {
	if !present {
		p.Add(field, "required")
	}
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

// Common checks the fields that every notifier's configuration has.
func (p *Problems) Common(level mackerel.Level, text mackerel.Text) {
	switch level {
	case "", mackerel.LevelAll, mackerel.LevelCritical:
	default:
		p.Add("Level", `must be "all" or "critical"`)
	}
	switch text.Language {
	case "", mackerel.English, mackerel.Japanese:
	default:
		p.Add("Text.Language", `must be "en" or "ja"`)
	}
}

// Call checks the options of calls.
func (p *Problems) Call(call mackerel.CallOptions) {
	*p = append(*p, options(call).Problems()...)
}

// NoCall reports whether the options were left alone.
func NoCall(call mackerel.CallOptions) bool { return reflect.ValueOf(call).IsZero() }

// Err returns the error of a constructor with problems, nil if there are none.
func (p Problems) Err(provider string) error {
	if len(p) == 0 {
		return nil
	}
	return &mackerel.Error{
		Provider: provider, Op: "configure", Kind: mackerel.ErrConfig, Message: strings.Join(p, "; "),
	}
}

// Skip says why an alert of this status is not sent at this level, "" if it is.
func Skip(level mackerel.Level, a mackerel.Alert) string {
	rated := a.Event == "" || a.Event == mackerel.EventAlert || a.Event == mackerel.EventAlertGroup
	if level == mackerel.LevelCritical && rated && a.Status.Fold() == mackerel.StatusWarning {
		return "a warning, and the level is critical only"
	}
	return ""
}
