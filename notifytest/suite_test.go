package notifytest_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// The services and notifiers that are special pass as well.

func TestServiceThatDropsRepeats(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		h := pagerHarness(t)
		fake := &fakePager{key: pagerKey, drops: true}
		h.Fake, h.Count, h.Dedups = fake, fake.accepted, true
		// With such a service it repeats in either mode, and takes what was lost as merely unavailable.
		misled(func(e *notifytest.Env) { e.Delivery = mackerel.AtLeastOnce })(&h)
		saying(mackerel.ErrAmbiguous, mackerel.ErrUnavailable)(&h)
		return h
	})
}

func TestNotifierOfASingleAttempt(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		h := pagerHarness(t)
		h.SingleAttempt = true
		misled(func(e *notifytest.Env) { e.MaxAttempts = 1 })(&h)
		return h
	})
}

func TestServiceWithStatusesOfItsOwn(t *testing.T) {
	for _, row := range matching(t, "every status from 200 to 599 has its kind of error, *") {
		complaints := notifytest.Complaints(t, row, func(t testing.TB) notifytest.Harness {
			h := pagerHarness(t)
			h.Statuses = map[int]error{http.StatusConflict: nil, http.StatusUnprocessableEntity: mackerel.ErrUnsupported}
			failing(func(e *mackerel.Error) error {
				switch e.Status {
				case http.StatusConflict:
					return nil
				case http.StatusUnprocessableEntity:
					e.Kind = mackerel.ErrUnsupported
				}
				return e
			})(&h)
			return h
		})
		if len(complaints) > 0 {
			t.Errorf("%s: %q", row, complaints)
		}
	}
}

// A notebook notifies by writing down: nothing of it is HTTP.
type notebook struct {
	mu    sync.Mutex
	lines []string
}

func (n *notebook) Notify(ctx context.Context, a mackerel.Alert) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, a.Title())
	return nil
}

func (n *notebook) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.lines)
}

func TestNotifierWithoutHTTP(t *testing.T) {
	notifytest.Run(t, func(testing.TB) notifytest.Harness {
		n := &notebook{}
		return notifytest.Harness{New: func(testing.TB, notifytest.Env) mackerel.Notifier { return n }, Count: n.count}
	})
}

func TestNamesAreSentences(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range notifytest.Names() {
		if seen[name] {
			t.Errorf("two rows are called %q", name)
		}
		seen[name] = true
		if !strings.Contains(name, " ") || strings.ContainsAny(name, "/*") {
			t.Errorf("%q is no sentence, or cannot be given to -run", name)
		}
	}
}
