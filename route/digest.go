package route

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Digest returns a notifier that tells at most a number of messages in a time. Alerts beyond that wait until there is
// room for a message, and are told in one, a [mackerel.Digest]. So two hundred alerts of a storm are some messages and
// not two hundred.
//
// Deliver returns when the message that carries its alert was answered, with the outcome of that message, which all
// alerts in it share. An alert whose context ends while it waits is taken out, and its error is
// [mackerel.ErrUnavailable]: nothing was sent. When the message is being sent, the call waits for its answer. The
// message ends when the contexts of all its alerts have ended.
//
// Each notifier of a [mackerel.Multi] has messages of its own, also of a Multi inside of another rule. So a repeat of a
// notifier that failed keeps to the number of messages, too.
//
// Services that keep incidents (PagerDuty, Opsgenie, Jira Service Management) are refused with [mackerel.ErrConfig],
// because each alert has to open and close under a key of its own.
func Digest(n mackerel.Notifier, messages int, per time.Duration) (*Notifier, error) {
	problems := keyed(n)
	if messages < 1 {
		problems = append(problems, "messages: must be at least 1")
	}
	if per <= 0 {
		problems = append(problems, "per: must be above 0")
	}
	makeRule := func() rule { return (&digest{messages: messages, per: per}).deliver }
	return wrapEach(n, makeRule, "digest", problems...)
}

// A digest collects the alerts for which there is no room. It has no goroutine: of the calls that wait, the first waits
// for room and sends the message of all.
type digest struct {
	messages int
	per      time.Duration

	mu      sync.Mutex
	sent    []time.Time // when the last messages were sent, within the time
	waiting []*waiter
	sending bool
}

// A waiter is a call that waits.
type waiter struct {
	ctx     context.Context //nolint:containedctx // of one call, which ends with it
	alert   mackerel.Alert
	id      string        // of the delivery
	first   chan struct{} // closed when it is the first
	done    chan struct{} // closed when its message was answered
	receipt mackerel.Receipt
	err     error
}

func (d *digest) deliver(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
	d.mu.Lock()
	if len(d.waiting) == 0 && !d.sending && d.room() == 0 {
		d.sent = append(d.sent, time.Now())
		d.mu.Unlock()
		return deliver(ctx, a, n)
	}
	w := &waiter{
		ctx: ctx, alert: a, id: mackerel.DeliveryID(ctx), first: make(chan struct{}), done: make(chan struct{}),
	}
	if d.waiting = append(d.waiting, w); len(d.waiting) == 1 && !d.sending {
		close(w.first)
	}
	d.mu.Unlock()
	select {
	case <-w.done:
		return w.receipt, w.err
	case <-w.first:
		return d.lead(ctx, w, n)
	case <-ctx.Done():
		return d.leave(ctx, w)
	}
}

// room returns how long it takes until a message may be sent. It forgets messages that no longer count.
func (d *digest) room() time.Duration {
	d.sent = slices.DeleteFunc(d.sent, func(at time.Time) bool { return time.Since(at) >= d.per })
	if len(d.sent) < d.messages {
		return 0
	}
	return time.Until(d.sent[0].Add(d.per))
}

// lead waits for room, and sends the alerts of all that wait by then.
func (d *digest) lead(ctx context.Context, w *waiter, n mackerel.Notifier) (mackerel.Receipt, error) {
	d.mu.Lock()
	wait := d.room()
	d.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return d.leave(ctx, w)
	}
	d.mu.Lock()
	all := d.waiting
	d.waiting, d.sending = nil, true
	d.sent = append(d.sent, time.Now())
	d.mu.Unlock()
	defer d.next()
	d.send(ctx, all, n)
	return w.receipt, w.err
}

// send sends the alerts in one message, and tells all waiters the outcome.
func (d *digest) send(ctx context.Context, all []*waiter, n mackerel.Notifier) {
	ctx, stop := whileAny(ctx, all)
	defer stop()
	alerts := make([]mackerel.Alert, len(all))
	for i, w := range all {
		alerts[i] = w.alert
	}
	outcome := waiter{err: failure("digest", mackerel.ErrAmbiguous, "the notifier panicked")}
	defer func() {
		for _, w := range all {
			w.receipt, w.err = outcome.receipt, outcome.err
			close(w.done)
		}
	}()
	if len(all) > 1 {
		ctx = mackerel.WithDeliveryID(ctx, joined(all))
	}
	outcome.receipt, outcome.err = deliver(ctx, mackerel.Digest(alerts), n)
}

// whileAny returns a context with the values of ctx that ends when the contexts of all waiters have ended.
func whileAny(ctx context.Context, all []*waiter) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var left atomic.Int64
	left.Store(int64(len(all)))
	stops := make([]func() bool, len(all))
	for i, w := range all {
		stops[i] = context.AfterFunc(w.ctx, func() {
			if left.Add(-1) == 0 {
				cancel(context.Cause(w.ctx))
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(nil)
	}
}

// joined makes the id of a delivery of those of all its alerts. It differs from each of them: under the id of one
// alert, a service that drops repeats could drop the others. It is "" if an alert has no id.
func joined(all []*waiter) string {
	sum := sha256.New()
	for _, w := range all {
		if w.id == "" {
			return ""
		}
		fmt.Fprintf(sum, "%d %s", len(w.id), w.id)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// next lets the first of those that came meanwhile wait for room.
func (d *digest) next() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sending = false; len(d.waiting) > 0 {
		close(d.waiting[0].first)
	}
}

// leave takes a waiter out, unless its message is being sent: then it waits for the outcome.
func (d *digest) leave(ctx context.Context, w *waiter) (mackerel.Receipt, error) {
	d.mu.Lock()
	i := slices.Index(d.waiting, w)
	if i < 0 {
		d.mu.Unlock()
		<-w.done
		return w.receipt, w.err
	}
	d.waiting = slices.Delete(d.waiting, i, i+1)
	if i == 0 && len(d.waiting) > 0 && !d.sending {
		close(d.waiting[0].first)
	}
	d.mu.Unlock()
	return mackerel.Receipt{}, ended(ctx, "digest")
}
