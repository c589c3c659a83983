package notifytest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// A flaw is something wrong with a notifier, a service or a harness, and the row that must find it.
type flaw struct {
	name  string
	rows  string // the row's name; * stands for anything, and then every row that matches must find it
	says  string // part of the complaint
	spoil func(h *notifytest.Harness)
}

// TestEveryRowCanFail tries each row with something that it must not let pass, and sees to it that no row is left out.
func TestEveryRowCanFail(t *testing.T) {
	tried := map[string]bool{}
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			for _, row := range matching(t, f.rows) {
				tried[row] = true
				f.mustBeFound(t, row)
			}
		})
	}
	for _, row := range notifytest.Names() {
		if !tried[row] {
			t.Errorf("no flaw shows that the row %q can fail", row)
		}
	}
}

func flaws() []flaw {
	var all []flaw
	for _, topic := range [][]flaw{
		basicFlaws(), secretFlaws(), statusFlaws(), deliveryFlaws(), waitFlaws(), cancelFlaws(), answerFlaws(), alertFlaws(),
		textFlaws(), receiptFlaws(), previewFlaws(), processFlaws(),
	} {
		all = append(all, topic...)
	}
	return all
}

func matching(t *testing.T, pattern string) []string {
	t.Helper()
	before, after, wild := strings.Cut(pattern, "*")
	var found []string
	for _, row := range notifytest.Names() {
		if row == pattern || wild && strings.HasPrefix(row, before) && strings.HasSuffix(row, after) {
			found = append(found, row)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no row is called %q", pattern)
	}
	return found
}

func (f flaw) mustBeFound(t *testing.T, row string) {
	t.Helper()
	complaints := notifytest.Complaints(t, row, func(t testing.TB) notifytest.Harness {
		h := pagerHarness(t)
		f.spoil(&h)
		return h
	})
	if all := strings.Join(complaints, "\n"); !strings.Contains(all, f.says) || all == "" {
		t.Errorf("the row %q does not say %q; it says:\n%s", row, f.says, all)
	}
}

// misled makes the notifier believe in another environment.
func misled(change func(e *notifytest.Env)) func(*notifytest.Harness) {
	return func(h *notifytest.Harness) {
		inner := h.New
		h.New = func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			change(&e)
			return inner(t, e)
		}
	}
}

// wrapped puts something around the notifier.
func wrapped(wrap func(t testing.TB, n mackerel.Deliverer) mackerel.Notifier) func(*notifytest.Harness) {
	return func(h *notifytest.Harness) {
		inner := h.New
		h.New = func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			return wrap(t, inner(t, e).(mackerel.Deliverer))
		}
	}
}

// notifying replaces the notifier by a function.
func notifying(f func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error) func(*notifytest.Harness) {
	return wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier {
		return mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error { return f(ctx, a, n) })
	})
}

// failing changes the errors of the notifier. The copy may be changed.
func failing(change func(e *mackerel.Error) error) func(*notifytest.Harness) {
	return notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		err := n.Notify(ctx, a)
		var e *mackerel.Error
		if !errors.As(err, &e) {
			return err
		}
		changed := *e
		return change(&changed)
	})
}

// saying changes one kind of error to another.
func saying(from, to error) func(*notifytest.Harness) {
	return failing(func(e *mackerel.Error) error {
		if e.Kind == from {
			e.Kind = to
		}
		return e
	})
}

// receiving changes the receipts.
func receiving(change func(r *mackerel.Receipt, err error)) func(*notifytest.Harness) {
	return wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier { return delivererFunc{n, change} })
}

type delivererFunc struct {
	mackerel.Deliverer
	change func(r *mackerel.Receipt, err error)
}

func (d delivererFunc) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	r, err := d.Deliverer.Deliver(ctx, a)
	d.change(&r, err)
	return r, err
}

// traveling changes the way to the service.
func traveling(trip func(r *http.Request, next http.RoundTripper) (*http.Response, error)) func(*notifytest.Harness) {
	return misled(func(e *notifytest.Env) {
		next := e.Client.Transport
		e.Client = &http.Client{Transport: tripFunc(func(r *http.Request) (*http.Response, error) { return trip(r, next) })}
	})
}

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// hearing changes the answers.
func hearing(change func(resp *http.Response)) func(*notifytest.Harness) {
	return traveling(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err == nil {
			change(resp)
		}
		return resp, err
	})
}

func invalid() error {
	return &mackerel.Error{Provider: "pager", Op: "page", Kind: mackerel.ErrInvalid}
}

// refusing makes the notifier refuse some alerts.
func refusing(some func(a mackerel.Alert) bool) func(*notifytest.Harness) {
	return notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		if some(a) {
			return invalid()
		}
		return n.Notify(ctx, a)
	})
}
