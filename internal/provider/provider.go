// Package provider is what the notifiers of this module share: the way of an alert through a service ([Flow]), calls
// and their errors ([Service]), checks of configurations and messages ([Problems]), an alert in words ([Words]), and
// texts that are cut to a service's limits ([Unit.Fit]).
package provider

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Service is one remote service as its package calls it.
type Service struct {
	Name     string // as in errors and receipts: "chatwork"
	Notifier string // the String of the notifier that makes the calls, "" for a client
	// DecodeError reads the code and the words of an error in the service's own form, and returns "" for what it does
	// not find. It may be nil. If it finds no words in the body of a refusal, [transport.ReadError] reads them.
	DecodeError func(status int, body []byte) (code, message string)

	transport *transport.Transport
}

// Connect makes the service ready for calls. The options have been checked. The delivery is the package's default. The
// secrets are kept out of every error, receipt and preview.
func (s *Service) Connect(call mackerel.CallOptions, delivery mackerel.Delivery, secrets ...string) {
	call.Delivery = cmp.Or(call.Delivery, delivery)
	call.UserAgent = cmp.Or(call.UserAgent, mackerel.UserAgent)
	s.transport = transport.New(s.Name, options(call), secrets...)
}

// As returns the service as a notifier calls it. The connections are shared.
func (s Service) As(notifier string) Service {
	s.Notifier = notifier
	return s
}

// Header returns a header with the User-Agent and the given keys and values, to be shared by all calls. It is a func
// because the header holds credentials: fmt prints what a struct points to, but not what a func holds.
func (s *Service) Header(keyValues ...string) func() http.Header {
	return s.transport.Header(keyValues...)
}

// Lanes returns the lane of the requests to one destination. The parts say which it is: a host, a credential, a room.
// They are hashed.
func (s *Service) Lanes(limit transport.Limit, parts ...string) []transport.Lane {
	return []transport.Lane{s.transport.Lane(limit, parts...)}
}

// Transport returns what makes the service's calls. It is nil before Connect.
func (s *Service) Transport() *transport.Transport { return s.transport }

// Do makes a call. The error is a *mackerel.Error, or nil if the answer is the documented success. The result says how
// far the call got in either case.
func (s *Service) Do(ctx context.Context, r transport.Request) (transport.Result, error) {
	r.Notifier = cmp.Or(r.Notifier, s.Notifier)
	result := s.transport.Do(ctx, r)
	return result, s.Outcome(r, result)
}

// Outcome returns the result of a request as the module's error, nil if the answer is the documented success. A service
// that completes the results of its calls makes the calls through Transport, and the errors here.
func (s *Service) Outcome(r transport.Request, result transport.Result) error {
	if result.Class == transport.Done {
		return nil
	}
	return s.failure(r.Op, result, s.cleaner(r))
}

// cleaner returns the request's own cleaner, if the request has secrets that other calls do not have.
func (s *Service) cleaner(r transport.Request) *transport.Cleaner {
	if r.Clean != nil {
		return r.Clean
	}
	return s.transport.Clean()
}

// Error returns the result of a failed operation as the module's error.
func (s *Service) Error(op string, r transport.Result) error {
	return s.failure(op, r, s.transport.Clean())
}

func (s *Service) failure(op string, r transport.Result, clean *transport.Cleaner) error {
	code, message := s.words(r)
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

// words returns the code and the words of an answer. The body of a success that is not the documented success may be
// anything, so only the service's own form of an error is read in it.
func (s *Service) words(r transport.Result) (code, message string) {
	if len(r.Body) > 0 && s.DecodeError != nil {
		code, message = s.DecodeError(r.Status, r.Body)
	}
	if message != "" || r.Status < http.StatusBadRequest {
		return code, message
	}
	other, message := transport.ReadError(r.Status, r.Body)
	return cmp.Or(code, other), message
}

// NotMade returns the error of a call of a zero notifier or client, which the package's constructor has not made. A
// zero notifier does not know the name of its service.
func NotMade(name string) error {
	return &mackerel.Error{
		Provider: cmp.Or(name, "mackerel"), Op: "notify", Kind: mackerel.ErrConfig,
		Message: "not made by the package's constructor",
	}
}

// Invalid returns the error of an operation that is refused before it is sent.
func (s *Service) Invalid(op, message string) error {
	return &mackerel.Error{Provider: s.Name, Op: op, Kind: mackerel.ErrInvalid, Message: message}
}

// Receipt returns the receipt of a call that began at start.
func (s *Service) Receipt(start time.Time, r transport.Result, cuts []mackerel.Cut) mackerel.Receipt {
	return mackerel.Receipt{
		Provider: s.Name, ID: r.ID, Attempts: r.Attempts, Duration: time.Since(start), Waited: r.Waited, Cuts: cuts,
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

// address returns a URL as it is shown: without user and password.
func address(u *url.URL) string {
	if u.User == nil {
		return u.String()
	}
	bare := *u
	bare.User = nil
	return strings.Replace(bare.String(), "://", "://[redacted]@", 1)
}

// options is the form in which the transport takes a mackerel.CallOptions.
type options = transport.Options[mackerel.Delivery, mackerel.Attempt, mackerel.Pace]

// DecodeJSON decodes what a service answered into what v points to. It takes doubled members and invalid UTF-8, as
// services send them. It reports whether the body is JSON of the right kinds; null is not.
func DecodeJSON(body []byte, v any) bool {
	return jsontext.Value(bytes.TrimSpace(body)).Kind() != 'n' && json.Unmarshal(body, v, lenient) == nil
}

var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// EncodeJSON returns v as JSON in which <, > and & stand as they are: a limit in bytes counts what a reader would, and
// a body stays readable where it is logged. Maps are written in the order of their keys.
func EncodeJSON(v any) ([]byte, error) {
	return json.Marshal(v, lenient, json.Deterministic(true))
}

// WriteJSON is EncodeJSON into a buffer, which can be used again.
func WriteJSON(b *bytes.Buffer, v any) error {
	return json.MarshalWrite(b, v, lenient, json.Deterministic(true))
}

// JSON returns a Judge that decodes a success into what v points to. What v points to is zero unless the answer is the
// documented success, also after an earlier attempt. A success whose body is not the documented JSON is ambiguous.
func JSON(v any) func(*transport.Result) {
	target := reflect.ValueOf(v).Elem()
	return func(r *transport.Result) {
		target.SetZero()
		if r.Class == transport.Done && !DecodeJSON(r.Body, v) {
			target.SetZero()
			Undocumented(r)
		}
	}
}

// Undocumented marks an answer that has a good status and not the documented body: it is unknown whether the service
// did what it was asked.
func Undocumented(r *transport.Result) {
	r.Class, r.Err = transport.Ambiguous, errUndocumented
}

type constError string

func (e constError) Error() string { return string(e) }

const errUndocumented = constError("the answer is not the documented one")
