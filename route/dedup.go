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
// outcome. Each notifier of a [mackerel.Multi] has a memory of its own: of 10,000 bodies, in the process.
func Dedup(n mackerel.Notifier, window time.Duration) (*Notifier, error) {
	var problems []string
	if window <= 0 {
		problems = append(problems, "window: must be above 0")
	}
	if mackerel.IsNil(n) {
		return wrap(Notifier{inner: n}, "dedup", problems...)
	}
	members := mackerel.Unwrap(n)
	if len(members) == 0 {
		return wrap(Notifier{n, newDedup(window).deliver}, "dedup", problems...)
	}
	each := make([]mackerel.Notifier, len(members))
	for i, member := range members {
		one, err := Dedup(member, window)
		if err != nil {
			return nil, err
		}
		each[i] = one
	}
	return wrap(Notifier{mackerel.Multi(each...), passOn}, "dedup", problems...)
}

// passOn is the rule of a notifier that passes everything on.
func passOn(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
	return deliver(ctx, a, n)
}

// A dedup remembers what one notifier has delivered.
type dedup struct {
	window time.Duration

	mu       sync.Mutex
	new, old map[[32]byte]time.Time
	under    map[[32]byte]chan struct{} // closed when the delivery of this body ends
}

func newDedup(window time.Duration) *dedup {
	return &dedup{window: window, new: make(map[[32]byte]time.Time), under: make(map[[32]byte]chan struct{})}
}

func (d *dedup) deliver(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
	if len(a.Raw) == 0 {
		return deliver(ctx, a, n)
	}
	body := sha256.Sum256(a.Raw)
	for {
		repeat, wait := d.begin(body)
		if repeat {
			return mackerel.Receipt{Skipped: "a repeat of what was delivered within " + short(d.window)}, nil
		}
		if wait == nil {
			break
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return mackerel.Receipt{}, ended(ctx, "dedup")
		}
	}
	delivered := false
	defer func() { d.end(body, delivered) }()
	receipt, err := deliver(ctx, a, n)
	delivered = err == nil
	return receipt, err
}

// begin reports whether a body was delivered before. If it is being delivered, begin returns what to wait for, and
// otherwise the caller delivers it.
func (d *dedup) begin(body [32]byte) (repeat bool, wait chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, delivered := range []map[[32]byte]time.Time{d.new, d.old} {
		if at, ok := delivered[body]; ok && time.Since(at) < d.window {
			return true, nil
		}
	}
	if wait = d.under[body]; wait == nil {
		d.under[body] = make(chan struct{})
	}
	return false, wait
}

func (d *dedup) end(body [32]byte, delivered bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.under[body])
	delete(d.under, body)
	if !delivered {
		return
	}
	if d.new[body] = time.Now(); len(d.new) >= maxBodies/2 {
		d.old, d.new = d.new, make(map[[32]byte]time.Time)
	}
}

// short writes a time without zeros at its end: "1m".
func short(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// ended returns the error of a call whose context ended before anything was sent.
func ended(ctx context.Context, op string) error {
	return &mackerel.Error{Provider: "route", Op: op, Kind: mackerel.ErrUnavailable, Err: context.Cause(ctx)}
}
