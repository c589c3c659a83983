package route

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// maxBodies is how many bodies a Dedup remembers.
const maxBodies = 10_000

// Dedup returns a notifier that leaves out repeats: an alert whose webhook has the same bytes (Raw) as one that was
// delivered within the window. Mackerel may deliver a webhook twice. A reminder of Mackerel's comes after ten minutes
// or more, so the window must be shorter: a minute is usual.
//
// An alert that was not received from Mackerel has no Raw and is never a repeat. An alert counts after it was
// delivered, so that a repeat of what failed is told. A repeat that comes while the first is under way waits for its
// outcome.
//
// Each notifier of a [mackerel.Multi] has a memory of its own: of 10,000 bodies, in the process. That is also so if the
// Multi is inside of another rule. If a notifier returns errors of the type [mackerel.DeliveryError], as email does for
// its recipients and a [Router] for its channels, a repeat is told only to the notifiers of these. If an alert may have
// been delivered and may not be repeated, such as a call of a phone that may have rung, a repeat returns the same error.
func Dedup(n mackerel.Notifier, window time.Duration) (*Notifier, error) {
	var problems []string
	if window <= 0 {
		problems = append(problems, "window: must be above 0")
	}
	return wrapEach(n, func() rule { return newDedup(window).deliver }, "dedup", problems...)
}

// passOn is the rule of a notifier that passes everything on.
func passOn(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
	return deliver(ctx, a, n)
}

// An outcome is what is remembered of a body that was delivered, at least in part.
type outcome struct {
	at   time.Time
	err  error             // that a repeat returns; nil if the body was delivered
	left mackerel.Notifier // that a repeat is told; nil if nothing is left
}

// A dedup remembers what one notifier has delivered.
type dedup struct {
	window time.Duration

	mu       sync.Mutex
	new, old map[[32]byte]outcome
	under    map[[32]byte]chan struct{} // closed when the delivery of this body ends
}

func newDedup(window time.Duration) *dedup {
	return &dedup{window: window, new: make(map[[32]byte]outcome), under: make(map[[32]byte]chan struct{})}
}

func (d *dedup) deliver(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
	if len(a.Raw) == 0 {
		return deliver(ctx, a, n)
	}
	body := sha256.Sum256(a.Raw)
	var before outcome
	for {
		var wait chan struct{}
		if before, wait = d.begin(body); wait == nil {
			break
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return mackerel.Receipt{}, ended(ctx, "dedup")
		}
	}
	switch {
	case before.err != nil:
		return mackerel.Receipt{}, before.err
	case before.left != nil:
		n = before.left
	case !before.at.IsZero():
		return mackerel.Receipt{Skipped: "a repeat of what was delivered within " + short(d.window)}, nil
	}
	now := outcome{left: before.left} // if the notifier panics
	defer func() { d.end(body, now) }()
	receipt, err := deliver(ctx, a, n)
	now = remains(err)
	return receipt, err
}

// remains returns what to remember of a delivery that has ended with an error.
func remains(err error) outcome {
	failures, rest := split(err)
	switch {
	case err == nil:
		return outcome{at: time.Now()}
	case forbidden(err):
		return outcome{at: time.Now(), err: err}
	case len(rest) > 0: // as all errors without a notifier, so that a repeat is told to all
		return outcome{}
	}
	all := make([]mackerel.Notifier, len(failures))
	for i, f := range failures {
		all[i] = f.Notifier
	}
	return outcome{left: mackerel.Multi(all...)}
}

// begin returns what is remembered of a body. If it is being delivered, begin returns what to wait for. If nothing is
// remembered or something is left, the caller has to deliver it and to call end.
func (d *dedup) begin(body [32]byte) (before outcome, wait chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if wait = d.under[body]; wait != nil {
		return outcome{}, wait
	}
	for _, known := range []map[[32]byte]outcome{d.old, d.new} {
		if o := known[body]; time.Since(o.at) < d.window {
			before = o
		}
	}
	if before.at.IsZero() || before.left != nil {
		d.under[body] = make(chan struct{})
	}
	return before, nil
}

// end remembers what a delivery has left.
func (d *dedup) end(body [32]byte, now outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.under[body])
	delete(d.under, body)
	if now.at.IsZero() && now.left == nil {
		return
	}
	now.at = time.Now()
	if d.new[body] = now; len(d.new) >= maxBodies/2 {
		d.old, d.new = d.new, make(map[[32]byte]outcome)
	}
}

// short writes a time without zeros at its end: "1m".
func short(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// ended returns the error of a call whose context ended before anything was sent. errors.Is sees the cause, which is
// not printed.
func ended(ctx context.Context, op string) error {
	end := &endError{ctx.Err(), func() error { return context.Cause(ctx) }}
	return &mackerel.Error{Provider: "route", Op: op, Kind: mackerel.ErrUnavailable, Err: end}
}
