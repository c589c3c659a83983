package notifytest_test

import (
	"context"
	"errors"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// flaws are flaws of a notifier, a service or a harness, by the name of the row that must find them. A * in the name
// stands for any text; every row that matches must then find the flaw.
type flaws map[string][]flaw

type flaw struct {
	name  string
	says  string // part of the complaint
	spoil spoiler
}

// A spoiler puts a flaw into a harness.
type spoiler func(h *notifytest.Harness)

// variantFlaws are the flaws that RunVariant must find.
func variantFlaws() []flaws {
	return []flaws{
		successFlaws(), secretFlaws(), deliveryFlaws(), alertFlaws(), textFlaws(), receiptFlaws(), previewFlaws(),
	}
}

// TestEveryRowCanFail checks that each flaw is found by its rows, and that each row has a flaw.
func TestEveryRowCanFail(t *testing.T) {
	tried := map[string]bool{}
	transport := []flaws{statusFlaws(), connectFlaws(), waitFlaws(), paceFlaws(), cancelFlaws(), answerFlaws(), processFlaws()}
	for _, topic := range append(variantFlaws(), transport...) {
		for pattern, flaws := range topic {
			for _, row := range matching(t, pattern) {
				tried[row] = true
				for _, f := range flaws {
					t.Run(f.name, func(t *testing.T) { f.mustBeFound(t, row) })
				}
			}
		}
	}
	for _, row := range notifytest.Names() {
		if !tried[row] {
			t.Errorf("no flaw shows that the row %q can fail", row)
		}
	}
}

// matching returns the names of the rows that match a pattern.
func matching(t *testing.T, pattern string) []string {
	t.Helper()
	var found []string
	for _, row := range notifytest.Names() {
		if ok, err := path.Match(pattern, row); ok && err == nil {
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

// changeEnv changes the environment of the notifier.
func changeEnv(change func(e *notifytest.Env)) spoiler {
	return func(h *notifytest.Harness) {
		inner := h.New
		h.New = func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			change(&e)
			return inner(t, e)
		}
	}
}

// wrap wraps the notifier, which is a *Pager.
func wrap(wrap func(p *Pager) mackerel.Notifier) spoiler {
	return func(h *notifytest.Harness) {
		inner := h.New
		h.New = func(t testing.TB, e notifytest.Env) mackerel.Notifier { return wrap(inner(t, e).(*Pager)) }
	}
}

// A notifyFunc notifies through n, or does not.
type notifyFunc func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error

// notify replaces the method Notify.
func notify(f notifyFunc) spoiler {
	return func(h *notifytest.Harness) {
		inner := h.New
		h.New = func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			n := inner(t, e)
			return mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error { return f(ctx, a, n) })
		}
	}
}

func notifyNothing(context.Context, mackerel.Alert, mackerel.Notifier) error { return nil }

func notifyTwice(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
	return errors.Join(n.Notify(ctx, a), n.Notify(ctx, a))
}

// notifyAgain notifies again after an error.
func notifyAgain(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
	if n.Notify(ctx, a) == nil {
		return nil
	}
	return n.Notify(ctx, a)
}

func notifyWithoutCancel(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
	return n.Notify(context.WithoutCancel(ctx), a)
}

func notifyNever(context.Context, mackerel.Alert, mackerel.Notifier) error {
	<-make(chan struct{})
	return nil
}

// notifyAfter sleeps before each call.
func notifyAfter(d time.Duration) spoiler {
	return notify(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		time.Sleep(d)
		return n.Notify(ctx, a)
	})
}

// changeAlert changes the alert, and what it points to.
func changeAlert(change func(a *mackerel.Alert)) spoiler {
	return notify(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		change(&a)
		return n.Notify(ctx, a)
	})
}

// refuse refuses some alerts.
func refuse(some func(a mackerel.Alert) bool) spoiler {
	return notify(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		if some(a) {
			return invalid()
		}
		return n.Notify(ctx, a)
	})
}

func invalid() error {
	return &mackerel.Error{Provider: "pager", Op: "page", Kind: mackerel.ErrInvalid}
}

// changeError changes the errors of the notifier. It gets a copy.
func changeError(change func(e *mackerel.Error) error) spoiler {
	return notify(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		err := n.Notify(ctx, a)
		var e *mackerel.Error
		if !errors.As(err, &e) {
			return err
		}
		changed := *e
		return change(&changed)
	})
}

// changeKind changes one kind of error into another.
func changeKind(from, to error) spoiler {
	return changeError(func(e *mackerel.Error) error {
		if e.Kind == from {
			e.Kind = to
		}
		return e
	})
}

// changeReceipt changes the receipts.
func changeReceipt(change func(r *mackerel.Receipt)) spoiler {
	return wrap(func(p *Pager) mackerel.Notifier { return &receiver{p, change} })
}

type receiver struct {
	*Pager
	change func(r *mackerel.Receipt)
}

func (r *receiver) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	receipt, err := r.Pager.Deliver(ctx, a)
	r.change(&receipt)
	return receipt, err
}

// changeTrip changes the way of requests to the service.
func changeTrip(trip func(r *http.Request, next http.RoundTripper) (*http.Response, error)) spoiler {
	return changeEnv(func(e *notifytest.Env) {
		next := e.Client.Transport
		through := func(r *http.Request) (*http.Response, error) { return trip(r, next) }
		e.Client = &http.Client{Transport: tripFunc(through)}
	})
}

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// changeRequest changes the requests.
func changeRequest(change func(r *http.Request)) spoiler {
	return changeTrip(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		change(r)
		return next.RoundTrip(r)
	})
}

// changeAnswer changes the answers.
func changeAnswer(change func(resp *http.Response)) spoiler {
	return changeTrip(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err == nil {
			change(resp)
		}
		return resp, err
	})
}
