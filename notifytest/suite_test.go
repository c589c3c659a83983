package notifytest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// A Pager repeats a message in either mode if the service drops repeats, and takes lost answers for ErrUnavailable.
func TestServiceThatDropsRepeats(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		h := pagerHarness(t)
		h.Fake, h.Dedups = &fakePager{key: pagerKey, drops: true}, true
		alwaysRepeat(&h)
		lostUnavailable(&h)
		return h
	})
}

func TestNotifierOfASingleAttempt(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		h := pagerHarness(t)
		h.SingleAttempt = true
		makeAttempts(1)(&h)
		return h
	})
}

func TestServiceWithStatusesOfItsOwn(t *testing.T) {
	const row = "every status from 200 to 599 has its kind of error"
	complaints := notifytest.Complaints(t, row, func(t testing.TB) notifytest.Harness {
		h := pagerHarness(t)
		h.Statuses = map[int]error{http.StatusConflict: nil, http.StatusUnprocessableEntity: mackerel.ErrUnsupported}
		changeError(func(e *mackerel.Error) error {
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
		t.Errorf("%q", complaints)
	}
}

// A notebook notifies without HTTP.
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

func notebookHarness() notifytest.Harness {
	n := &notebook{}
	return notifytest.Harness{New: func(testing.TB, notifytest.Env) mackerel.Notifier { return n }, Count: n.count}
}

func TestNotifierWithoutHTTP(t *testing.T) {
	notifytest.Run(t, func(testing.TB) notifytest.Harness { return notebookHarness() })
}

// A notifier that follows redirects fails the rows about answers, which RunVariant leaves out.
func TestVariantLeavesOutTheTransport(t *testing.T) {
	notifytest.RunVariant(t, func(t testing.TB) notifytest.Harness {
		h := pagerHarness(t)
		followRedirects(&h)
		return h
	})
}

func TestVariantTriesWhatIsSent(t *testing.T) {
	rows := notifytest.VariantNames()
	for _, topic := range variantFlaws() {
		for pattern := range topic {
			for _, row := range matching(t, pattern) {
				if !slices.Contains(rows, row) {
					t.Errorf("RunVariant leaves out the row %q", row)
				}
			}
		}
	}
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
