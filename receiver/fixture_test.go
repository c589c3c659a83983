package receiver_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

const (
	body   = `{"event":"alert","alert":{"id":"5A","status":"critical"}}`
	sample = `{"event":"sample","message":"Sample Notification from Mackerel","imageUrl":null}`
)

// A recorder is a notifier that remembers its calls. It returns what answer returns, or nil without answer.
type recorder struct {
	answer func(ctx context.Context, call int) error

	mu     sync.Mutex
	alerts []mackerel.Alert
	ids    []string
}

func (r *recorder) Notify(ctx context.Context, a mackerel.Alert) error {
	r.mu.Lock()
	r.alerts, r.ids = append(r.alerts, a), append(r.ids, mackerel.DeliveryID(ctx))
	n := len(r.alerts)
	r.mu.Unlock()
	if r.answer == nil {
		return nil
	}
	return r.answer(ctx, n)
}

func (r *recorder) calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.alerts)
}

// returns is an answer of a recorder: one error after the other, then nil.
func returns(errs ...error) func(context.Context, int) error {
	return func(_ context.Context, call int) error {
		if call <= len(errs) {
			return errs[call-1]
		}
		return nil
	}
}

// takes is an answer of a recorder that takes some time, unless the context ends.
func takes(d time.Duration, err error) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		select {
		case <-ctx.Done():
			return &mackerel.Error{Provider: "chat", Kind: mackerel.ErrUnavailable, Err: context.Cause(ctx)}
		case <-time.After(d):
			return err
		}
	}
}

// A harness is a handler with its hooks.
type harness struct {
	*receiver.Handler
	*recorder

	hooks    sync.Mutex
	requests []receiver.Request
	ends     []error // of the contexts of OnRequest
	lost     []error
}

// newHarness makes a handler that is open unless c says otherwise. Its notifier is a recorder unless c has one.
func newHarness(t testing.TB, c receiver.Config, answer func(context.Context, int) error) *harness {
	t.Helper()
	h := &harness{recorder: &recorder{answer: answer}}
	if c.Notifier == nil {
		c.Notifier = h.recorder
	}
	if c.Path.IsZero() && c.Password.IsZero() && !c.MackerelOnly {
		c.Open = true
	}
	c.OnRequest = func(ctx context.Context, r receiver.Request) {
		h.hooks.Lock()
		defer h.hooks.Unlock()
		h.requests, h.ends = append(h.requests, r), append(h.ends, ctx.Err())
	}
	c.Undelivered = func(ctx context.Context, a mackerel.Alert, err error) {
		h.hooks.Lock()
		defer h.hooks.Unlock()
		end, ok := ctx.Deadline()
		if left := time.Until(end); !ok || left <= 0 || left > cmp.Or(c.Answer, 5*time.Second) {
			t.Errorf("the context of Undelivered ends %v", end)
		}
		if h.lost = append(h.lost, err); a.Raw == nil || ctx.Err() != nil || mackerel.DeliveryID(ctx) == "" {
			t.Errorf("Undelivered with %+v, context error %v", a, ctx.Err())
		}
	}
	var err error
	if h.Handler, err = receiver.New(c); err != nil {
		t.Fatal(err)
	}
	return h
}

// lostErrors returns what Undelivered was called with.
func (h *harness) lostErrors() []error {
	h.hooks.Lock()
	defer h.hooks.Unlock()
	return h.lost
}

// last returns the last request.
func (h *harness) last() receiver.Request {
	h.hooks.Lock()
	defer h.hooks.Unlock()
	return h.requests[len(h.requests)-1]
}

// post sends a webhook as Mackerel does, after changes to the request.
func (h *harness) post(body string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Mackerel Webhook Agent (https://mackerel.io/)")
	for _, change := range changes {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// want posts a webhook and checks the status of the answer.
func (h *harness) want(t testing.TB, status int, body string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	w := h.post(body, changes...)
	if w.Code != status {
		t.Errorf("got %d %q, want %d", w.Code, w.Body, status)
	}
	return w
}

// wantCalls checks how often the notifier was called and Undelivered was called.
func (h *harness) wantCalls(t testing.TB, calls, lost int) {
	t.Helper()
	if got := h.calls(); got != calls {
		t.Errorf("the notifier was called %d times, want %d", got, calls)
	}
	if got := h.lostErrors(); len(got) != lost {
		t.Errorf("Undelivered was called with %v, want %d calls", got, lost)
	}
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

func method(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }

func path(p string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = p } }

func auth(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

// unknownLength sends the body in chunks.
func unknownLength(r *http.Request) {
	r.ContentLength, r.Body = -1, io.NopCloser(struct{ io.Reader }{r.Body})
}

// numbered returns a body that differs from those with other numbers.
func numbered(n int) string {
	return `{"event":"alert","alert":{"id":"` + strconv.Itoa(n) + `","status":"critical"}}`
}

// fail returns an error of a service.
func fail(kind error, delivery mackerel.Delivery, after ...time.Duration) *mackerel.Error {
	return &mackerel.Error{
		Provider: "chat", Op: "post", Kind: kind, Delivery: delivery, RetryAfter: cmp.Or(append(after, 0)...),
	}
}

var (
	errForNow      = fail(mackerel.ErrRateLimited, mackerel.AtLeastOnce, 29500*time.Millisecond)
	errForGood     = fail(mackerel.ErrNotFound, mackerel.AtLeastOnce)
	errMayHaveRung = fail(mackerel.ErrAmbiguous, mackerel.AtMostOnce)
	errMayBeThere  = fail(mackerel.ErrAmbiguous, mackerel.AtLeastOnce)
	errForeign     = errors.New("an error of another library")
)
