package route

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// The waits before a repeat, if the service does not ask for a wait. Each is twice as long as the wait before.
const (
	firstWait = time.Second
	maxWait   = time.Minute
)

// Persist returns a notifier that sends an alert through n, and repeats what failed as long as [mackerel.Retry] allows
// it. Before a repeat it waits as long as the service asks (RetryAfter), else 1 s, then 2 s, 4 s and so on, at most 1
// min.
//
// No repeat begins later than limit after the start of the call. The limit must be above 0. A repeat that is running at
// that time is not cut off, because its answer would be lost. A wait that would end after the limit, or after the
// deadline of the context, is not begun: Persist returns at once. So a call takes at most the limit and the time of one
// call of n. In an HTTP handler of your own, choose a limit that is shorter than the client's timeout. The handler of
// package receiver needs no such limit, because it answers before.
//
// # What is repeated
//
// Only what failed is repeated. Each notifier of a [mackerel.Multi] has waits of its own and does not wait for the
// others. If the Multi is inside of another rule, a repeat goes through that rule again. If another notifier returns
// errors of the type [mackerel.DeliveryError], as email does for its recipients, only the notifiers of these are repeated.
//
// All tries have the same [mackerel.DeliveryID], that of the context or a random id, so that services that drop repeats
// recognize them. Under [mackerel.AtMostOnce], what may have been delivered is not repeated: a phone that may have rung
// is not called again.
//
// # What is returned
//
// The error is nil if n has succeeded in the end. Otherwise it is the error of the last try. The error of a Multi has
// the last error of each notifier that has failed, as a DeliveryError, in the order of the notifiers.
// [mackerel.Failures] and [mackerel.Retry] work as for an error of n.
//
// If the last try was refused, but an earlier try may have been delivered, the error joins both and is
// [mackerel.ErrAmbiguous] too. If there is no repeat because of the context, the error also has the context's error.
//
// The receipt is that of the last try, with the Attempts and Waited of all tries and the Duration of the whole call.
// The receipt of a Multi has only these three, and Skipped if all have skipped the alert. If the recipients of a mail
// were repeated, ID has the ids of all mails that were accepted.
func Persist(n mackerel.Notifier, limit time.Duration) (*Notifier, error) {
	var problems []string
	if limit <= 0 {
		problems = append(problems, "limit: must be above 0")
	}
	if all := spread(n); len(all) > 1 {
		n = mackerel.Multi(all...)
	}
	return wrap(Notifier{inner: n, rule: persist(limit)}, "persist", problems...)
}

func persist(limit time.Duration) func(context.Context, mackerel.Alert, mackerel.Notifier) (mackerel.Receipt, error) {
	return func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
		start := time.Now()
		if mackerel.DeliveryID(ctx) == "" {
			ctx = mackerel.WithDeliveryID(ctx, rand.Text())
		}
		receipt, err := (&branch{notifier: n, until: start.Add(limit)}).Deliver(ctx, a)
		receipt.Duration = time.Since(start)
		return receipt, err
	}
}

// A branch is the delivery of one alert through one notifier, with its repeats. It is a notifier itself, so that
// mackerel.DeliverAll can run several branches.
type branch struct {
	notifier mackerel.Notifier
	until    time.Time        // no repeat begins later
	receipt  mackerel.Receipt // of the last try, with the Attempts and Waited of all tries
	err      error            // of the last try; nil before the first
}

// Notify is Deliver without the receipt.
func (b *branch) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := b.Deliver(ctx, a)
	return err
}

// Deliver makes the first try, unless there was one, and repeats it until a try succeeds or no other try may follow.
func (b *branch) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	if b.err == nil {
		if members := mackerel.Unwrap(b.notifier); len(members) > 0 {
			return b.all(ctx, a, untried(members), nil)
		}
		b.try(ctx, a)
	}
	var lost error // of the last try that may have been delivered
	for wait := firstWait; ; {
		after, again := mackerel.Retry(b.err)
		if !again {
			return b.receipt, withLost(lost, b.err)
		}
		if failed, rest := split(b.err); len(failed) > 0 {
			receipt, err := b.all(ctx, a, failed, rest)
			return receipt, withLost(lost, err)
		}
		if mackerel.IsNil(b.notifier) {
			return b.receipt, withLost(lost, b.err)
		}
		if errors.Is(b.err, mackerel.ErrAmbiguous) {
			lost = b.err
		}
		if after <= 0 {
			after, wait = wait, min(2*wait, maxWait)
		}
		if stop := b.pause(ctx, after); stop != nil {
			return b.receipt, withLost(lost, stop)
		}
		b.try(ctx, a)
	}
}

// try sends the alert once.
func (b *branch) try(ctx context.Context, a mackerel.Alert) {
	earlier := b.receipt
	b.receipt, b.err = deliver(ctx, a, b.notifier)
	b.receipt.Attempts += earlier.Attempts
	b.receipt.Waited += earlier.Waited
}

// pause waits before a repeat, and returns nil. If there is no repeat, it returns the error of the whole delivery: that
// of the last try, and the context's error if that is the reason.
func (b *branch) pause(ctx context.Context, wait time.Duration) error {
	at := time.Now().Add(wait)
	deadline, limited := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return stopped(ctx, b.err, ctx.Err())
	case at.After(b.until):
		return b.err
	case limited && !at.Before(deadline):
		return stopped(ctx, b.err, context.DeadlineExceeded)
	}
	select {
	case <-ctx.Done():
		return stopped(ctx, b.err, ctx.Err())
	case <-time.After(wait):
		return nil
	}
}

// An endError has a cause, which errors.Is sees: that of a context that has ended. The cause is not printed, because
// its text may contain a URL, and is kept in a func for the same reason.
type endError struct {
	error
	cause func() error
}

func (e *endError) Unwrap() error { return e.error }

// Is reports whether the cause is target.
func (e *endError) Is(target error) bool { return errors.Is(e.cause(), target) }

// stopped adds the reason for which there is no repeat to the error of the last try, unless that has it.
func stopped(ctx context.Context, failed, reason error) error {
	if errors.Is(failed, reason) {
		return failed
	}
	end := &endError{reason, func() error { return context.Cause(ctx) }}
	return fmt.Errorf("%w; not repeated: %w", failed, end)
}

// withLost adds the error of an earlier try that may have been delivered to the last error, unless that is ErrAmbiguous
// too.
func withLost(lost, err error) error {
	if err == nil || lost == nil || errors.Is(err, mackerel.ErrAmbiguous) {
		return err
	}
	return fmt.Errorf("%w; then: %w", lost, err)
}

// untried returns the notifiers of a Multi as deliveries that have no error yet.
func untried(members []mackerel.Notifier) []*mackerel.DeliveryError {
	all := make([]*mackerel.DeliveryError, len(members))
	for i, n := range members {
		all[i] = &mackerel.DeliveryError{Notifier: n}
	}
	return all
}

// all goes on with several deliveries at once. The error has those that fail in the end, and the rest. The receipt is
// that of the branch, with Attempts and Waited of all deliveries, and with the ids of those to the same service.
func (b *branch) all(
	ctx context.Context, a mackerel.Alert, failed []*mackerel.DeliveryError, rest []error,
) (mackerel.Receipt, error) {
	branches := make([]mackerel.Notifier, len(failed))
	for i, f := range failed {
		branches[i] = &branch{notifier: f.Notifier, until: b.until, err: f.Err}
	}
	var errs []error
	results := mackerel.DeliverAll(ctx, a, branches...)
	sum := together(results)
	b.receipt.Attempts += sum.Attempts
	b.receipt.Waited += sum.Waited
	if b.err == nil { // these were the first tries
		b.receipt.Skipped = sum.Skipped
	}
	for i, r := range results {
		if r.Receipt.Provider == b.receipt.Provider {
			b.receipt.ID = strings.TrimSpace(b.receipt.ID + " " + r.Receipt.ID)
			b.receipt.Queued = b.receipt.Queued || r.Receipt.Queued
		}
		if r.Err != nil {
			errs = append(errs, &mackerel.DeliveryError{Notifier: failed[i].Notifier, Err: r.Err})
		}
	}
	return b.receipt, errors.Join(append(errs, rest...)...)
}
