package receiver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

const (
	maxRunning = 64          // deliveries at a time
	grace      = time.Second // for deliveries that Drain has ended, to return and to be reported
)

// sum is the SHA-256 of a body.
type sum = [sha256.Size]byte

// deliveries are those that run, and those of the last minute.
type deliveries struct {
	mu      sync.Mutex
	running map[sum]*delivery
	past    window
	idle    chan struct{} // made when Drain begins, closed when nothing runs
}

// A delivery is a call of the notifier.
type delivery struct {
	body     sum
	id       string
	alert    mackerel.Alert
	notifier mackerel.Notifier // the handler's, or what is left of an earlier delivery of the body
	cancel   context.CancelCauseFunc
	done     chan struct{} // closed when it has ended

	// Guarded by deliveries.mu.
	status int // of the answer; 0 as long as the notifier runs
	err    error
	late   bool // a request was answered with 202
}

// deliver passes an alert to the notifier, unless that was done or is being done for an equal body. The context ends
// when the answer is due.
func (h *Handler) deliver(ctx context.Context, body sum, a mackerel.Alert) Request {
	d, run, answered := h.enter(ctx, body, a)
	if d == nil {
		return answered
	}
	if run != nil {
		h.start(ctx, run, d)
	}
	select {
	case <-d.done:
	case <-ctx.Done():
	}
	h.deliveries.mu.Lock()
	defer h.deliveries.mu.Unlock()
	if d.status == 0 {
		d.late = true
		return Request{Status: http.StatusAccepted, Repeat: run == nil}
	}
	return Request{Status: d.status, Err: d.err, Repeat: run == nil}
}

// enter returns the delivery of a body. If it is a new delivery, enter also returns its context. If there is no
// delivery, enter returns the answer.
func (h *Handler) enter(ctx context.Context, body sum, a mackerel.Alert) (*delivery, context.Context, Request) {
	all := &h.deliveries
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.idle != nil {
		status := http.StatusServiceUnavailable
		return nil, nil, Request{Status: status, Err: refusal(status, "the receiver is stopping")}
	}
	if d := all.running[body]; d != nil {
		return d, nil, Request{}
	}
	now := time.Now()
	d := &delivery{body: body, id: newID(body, now), alert: a, notifier: h.config.Notifier, done: make(chan struct{})}
	if p := all.past.find(body, now); p != nil {
		if p.rest == nil {
			return nil, nil, Request{Status: http.StatusOK, Repeat: true}
		}
		d.id, d.notifier = p.id, p.rest
	}
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	d.cancel = cancel
	all.running[body] = d
	return d, mackerel.WithDeliveryID(run, d.id), Request{}
}

// newID returns the id of a delivery. Ids of an equal body differ if it comes after 5 minutes or more: it is a reminder
// then, which a service must not take for a repeat.
func newID(body sum, now time.Time) string {
	return hex.EncodeToString(body[:]) + "-" + strconv.FormatInt(now.Unix()/int64(5*time.Minute/time.Second), 10)
}

// start runs a delivery in a goroutine. If no place becomes free until the answer is due, the delivery ends.
func (h *Handler) start(ctx, run context.Context, d *delivery) {
	select {
	case h.places <- struct{}{}:
		go h.run(run, d)
		return
	default:
	}
	select {
	case h.places <- struct{}{}:
		go h.run(run, d)
	case <-ctx.Done():
		busy := refusal(http.StatusServiceUnavailable, strconv.Itoa(maxRunning)+" deliveries are running")
		h.deliveries.settle(d, busy.Status, busy)
		h.deliveries.leave(d)
	}
}

// run calls the notifier, and reports what went wrong.
func (h *Handler) run(ctx context.Context, d *delivery) {
	// This stays if the notifier calls runtime.Goexit, which is neither a return nor a panic.
	var err error = unknown("the notifier ended its goroutine", nil)
	defer func() { // also if Undelivered calls runtime.Goexit
		<-h.places
		h.deliveries.leave(d)
	}()
	defer func() { h.finish(ctx, d, err) }()
	ctx, cancel := context.WithTimeout(ctx, h.config.Timeout)
	defer cancel()
	err = notify(ctx, d)
}

// notify turns a panic of the notifier into an error.
func notify(ctx context.Context, d *delivery) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = unknown("the notifier panicked", &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	return d.notifier.Notify(ctx, d.alert)
}

// unknown returns the error of a notifier of which it is not known whether it has delivered the alert.
func unknown(message string, cause error) *mackerel.Error {
	e := failure("notify", mackerel.ErrAmbiguous, message)
	e.Err, e.Delivery = cause, mackerel.AtMostOnce
	return e
}

// A PanicError is the panic of a notifier or of Undelivered. It is in the [mackerel.ErrAmbiguous] that OnRequest gets,
// and Undelivered if a notifier panicked. The alert is not delivered again.
type PanicError struct {
	Value any    // as it was given to panic; it may contain secrets
	Stack []byte // of the goroutine, as debug.Stack returns it
}

// Error returns the words of a runtime error, such as a nil map, and the type of any other value.
func (e *PanicError) Error() string {
	if r, ok := e.Value.(runtime.Error); ok {
		return r.Error()
	}
	return fmt.Sprintf("a value of type %T", e.Value)
}

// finish decides on the answer and calls Undelivered.
func (h *Handler) finish(ctx context.Context, d *delivery, err error) {
	rest, again, lost := split(d.notifier, err)
	status := http.StatusOK
	if again {
		status = http.StatusServiceUnavailable
	}
	if late := h.deliveries.settle(d, status, err); late {
		lost = err // it was answered, so Mackerel does not learn of this
	}
	h.deliveries.remember(d, rest)
	if lost != nil && h.config.Undelivered != nil {
		h.undelivered(ctx, d, lost)
	}
}

// undelivered calls Undelivered. The error of the delivery gets a panic, because there is nothing else that reports it.
func (h *Handler) undelivered(ctx context.Context, d *delivery, lost error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.config.Answer)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			e := failure("undelivered", mackerel.ErrAmbiguous, "Config.Undelivered panicked")
			e.Err = &PanicError{Value: v, Stack: debug.Stack()}
			h.deliveries.join(d, e)
		}
	}()
	h.config.Undelivered(ctx, d.alert, lost)
}

// split returns the notifiers that a repeat has to call, whether something failed for now, and what failed for good.
// What may have been delivered and may not be repeated is in lost and not in rest.
func split(n mackerel.Notifier, err error) (rest mackerel.Notifier, again bool, lost error) {
	failed := mackerel.Failures(err)
	whole := err != nil && len(failed) == 0
	if whole {
		failed = []*mackerel.DeliveryError{{Notifier: n, Err: err}}
	}
	var repeat []mackerel.Notifier
	var final []error
	for _, f := range failed {
		_, forNow := mackerel.Retry(f)
		if forNow || !errors.Is(f, mackerel.ErrAmbiguous) {
			repeat = append(repeat, f.Notifier)
		}
		if !forNow {
			final = append(final, f)
		}
		again = again || forNow
	}
	switch {
	case whole && len(repeat) > 0:
		rest = n
	case len(repeat) > 0:
		rest = mackerel.Multi(repeat...)
	}
	if again {
		return rest, true, errors.Join(final...)
	}
	return rest, false, err
}

// settle notes the answer of a delivery, and reports whether a request was answered with 202 before.
func (all *deliveries) settle(d *delivery, status int, err error) (late bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	d.status, d.err = status, err
	return d.late
}

// join adds an error to that of a delivery.
func (all *deliveries) join(d *delivery, err error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	d.err = errors.Join(d.err, err)
}

// remember keeps what a repeat has to do.
func (all *deliveries) remember(d *delivery, rest mackerel.Notifier) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.past.add(&past{body: d.body, id: d.id, rest: rest, at: time.Now()})
}

// leave removes a delivery that has ended.
func (all *deliveries) leave(d *delivery) {
	d.cancel(nil)
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.running, d.body)
	close(d.done)
	if all.idle != nil && len(all.running) == 0 {
		close(all.idle)
	}
}

// Drain makes the handler answer new alerts with 503, and waits until all deliveries have ended. If the context ends
// before, Drain ends the contexts of the deliveries, waits up to a second for them, and returns an error that has the
// context's error. Undelivered is called for them as for any other delivery. A handler cannot be used again.
func (h *Handler) Drain(ctx context.Context) error {
	idle := h.deliveries.stop()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	cut := h.deliveries.cancel(context.Cause(ctx))
	select {
	case <-idle:
	case <-time.After(grace):
	}
	if cut == 0 { // idle, and the select has chosen the end of the context
		return nil
	}
	e := failure("drain", mackerel.ErrUnavailable, strconv.Itoa(cut)+" deliveries were cut off")
	e.Err = ctx.Err()
	return e
}

// stop lets no new delivery begin. It returns a channel that is closed when all have ended.
func (all *deliveries) stop() <-chan struct{} {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.idle == nil {
		all.idle = make(chan struct{})
		if len(all.running) == 0 {
			close(all.idle)
		}
	}
	return all.idle
}

// cancel ends the contexts of all deliveries, and returns how many run.
func (all *deliveries) cancel(cause error) int {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, d := range all.running {
		d.cancel(cause)
	}
	return len(all.running)
}
