package notifytest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// An outcome is what one call returned and did.
type outcome struct {
	*scene
	receipt  *mackerel.Receipt // nil if the notifier is no Deliverer
	err      error
	took     time.Duration
	requests []fakehttp.Request // that the call made
	accepted int                // messages that the service accepted during the call
}

// send sends an alert with an ID of its own.
func (sc *scene) send() outcome { return sc.deliver(sc.tb.Context(), sc.alert()) }

// deliver calls Deliver if the notifier has it, and Notify if not.
func (sc *scene) deliver(ctx context.Context, a mackerel.Alert) outcome {
	n := sc.notifier()
	return sc.observe(ctx, func(ctx context.Context) (*mackerel.Receipt, error) {
		if d, ok := n.(mackerel.Deliverer); ok {
			receipt, err := d.Deliver(ctx, a)
			return &receipt, err
		}
		return nil, n.Notify(ctx, a)
	})
}

// notify calls Notify.
func (sc *scene) notify(a mackerel.Alert) outcome {
	n := sc.notifier()
	return sc.observe(sc.tb.Context(), func(ctx context.Context) (*mackerel.Receipt, error) {
		return nil, n.Notify(ctx, a)
	})
}

// errNoReturn is the error of a call that panicked, ended its goroutine or did not end.
var errNoReturn = errors.New("the call did not return")

// observe runs a call and waits for its end.
func (sc *scene) observe(ctx context.Context, call func(context.Context) (*mackerel.Receipt, error)) outcome {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := outcome{scene: sc}
	accepted, start := sc.count(), time.Now()
	done := make(chan string, 1)
	go func() {
		problem := "it ended its goroutine"
		defer func() { done <- problem }()
		problem = catch(func() { o.receipt, o.err = call(ctx) })
	}()
	if problem := sc.await(done, cancel); problem != "" {
		sc.errorFor(neverPanic, "%v: %s", errNoReturn, problem)
		o.err = errNoReturn
	}
	o.took, o.accepted = time.Since(start), sc.count()-accepted
	if sc.front != nil {
		o.requests = sc.front.RequestsSince(sc.seen)
	}
	if sc.seen == 0 {
		sc.sieve = sieveOf(slices.Concat(sc.Secrets, sc.Keys), o.requests)
	}
	sc.seen += len(o.requests)
	return o
}

// catch runs f and describes its panic, "" if there was none.
func catch(f func()) (problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprintf("it panicked: %v\n%s", p, debug.Stack())
		}
	}()
	f()
	return ""
}

// await waits for the end of a call. If the call does not end, await first cancels its context and then closes the
// service. A bubble in which the call still waits is a deadlock, which ends the row.
func (sc *scene) await(done <-chan string, cancel context.CancelFunc) string {
	shut := func() {
		close(sc.shut)
		if sc.front != nil {
			sc.front.Close()
		}
	}
	for _, step := range []struct {
		when   string
		end    func()
		repair repair
	}{
		{"by itself", cancel, ownTimeout},
		{"after its context was cancelled", shut, endWithContext},
	} {
		select {
		case problem := <-done:
			return problem
		case <-time.After(sc.patience()):
			sc.errorFor(step.repair, "the call did not return within %v %s", sc.patience(), step.when)
			step.end()
		}
	}
	return <-done
}

// sentinels are the kinds of errors, with their names in Go.
var sentinels = []struct {
	err  error
	name string
}{
	{mackerel.ErrConfig, "mackerel.ErrConfig"},
	{mackerel.ErrInvalid, "mackerel.ErrInvalid"},
	{mackerel.ErrUnauthorized, "mackerel.ErrUnauthorized"},
	{mackerel.ErrNotFound, "mackerel.ErrNotFound"},
	{mackerel.ErrRateLimited, "mackerel.ErrRateLimited"},
	{mackerel.ErrUnavailable, "mackerel.ErrUnavailable"},
	{mackerel.ErrAmbiguous, "mackerel.ErrAmbiguous"},
	{mackerel.ErrUnsupported, "mackerel.ErrUnsupported"},
	{nil, "nil"},
}

// kindsOf returns the sentinels that errors.Is finds in err; nil is the kind of a success.
func kindsOf(err error) []error {
	var kinds []error
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			kinds = append(kinds, s.err)
		}
	}
	return kinds
}

// kindOf returns the sentinel that errors.Is finds in err, nil if there is not exactly one.
func kindOf(err error) error {
	kinds := kindsOf(err)
	if len(kinds) != 1 {
		return nil
	}
	return kinds[0]
}

// kindNames returns the names of kinds: "mackerel.ErrAmbiguous or nil".
func kindNames(kinds []error, conjunction string) string {
	var names []string
	for _, s := range sentinels {
		if slices.Contains(kinds, s.err) {
			names = append(names, s.name)
		}
	}
	return strings.Join(names, conjunction)
}

// got describes an error by its kinds, which come before its words.
func got(err error) string {
	if err == nil {
		return "the error is nil"
	}
	kinds := kindsOf(err)
	if len(kinds) == 0 {
		return "errors.Is finds no error of package mackerel"
	}
	return "the error is " + kindNames(kinds, " and ")
}

// modeName returns the name of a delivery mode in Go.
func modeName(mode mackerel.Delivery) string {
	switch mode {
	case mackerel.AtLeastOnce:
		return "mackerel.AtLeastOnce"
	case mackerel.AtMostOnce:
		return "mackerel.AtMostOnce"
	}
	return "the default mode"
}

// lost returns the kinds of error that are right if an answer was lost.
func (h Harness) lost() []error {
	if h.Dedups {
		return []error{mackerel.ErrAmbiguous, mackerel.ErrUnavailable}
	}
	return []error{mackerel.ErrAmbiguous}
}

func (o outcome) wantSuccess() {
	if o.err != nil {
		o.errorf("%s; want nil: %v", got(o.err), o.err)
	}
}

// wantKind checks that the error is of exactly one of the kinds, and that Retry agrees. A nil among the kinds allows
// success.
func (o outcome) wantKind(kinds ...error) {
	kind := kindOf(o.err)
	right := slices.Contains(kinds, kind) && (kind != nil || o.err == nil)
	switch {
	case right && kind != nil:
		o.wantRetry(kind)
	case right:
	case o.err == nil:
		o.errorFor(o.repairOf(kinds), "the error is nil; want %s", kindNames(kinds, " or "))
	default:
		o.errorFor(o.repairOf(kinds), "%s; want %s: %v", got(o.err), kindNames(kinds, " or "), o.err)
	}
}

// repairOf returns the repair of an error that is of none of the kinds.
func (o outcome) repairOf(kinds []error) repair {
	switch {
	case slices.Contains(kinds, mackerel.ErrAmbiguous):
		return returnAmbiguous
	case o.err == nil:
		return o.repair
	case len(o.requests) == 0:
		return returnUnavailable
	}
	return kindByStatus
}

// wantRetry checks that Retry decides as the kind of the error and the delivery mode demand.
func (o outcome) wantRetry(kind error) {
	want := false
	switch kind { //nolint:errorlint // kind is one of the sentinels itself
	case mackerel.ErrRateLimited, mackerel.ErrUnavailable:
		want = true
	case mackerel.ErrAmbiguous:
		if o.Dedups || o.env.Delivery == 0 {
			return // the notifier decides
		}
		want = o.env.Delivery == mackerel.AtLeastOnce
	}
	if _, ok := mackerel.Retry(o.err); ok != want {
		o.errorFor(setDelivery, "mackerel.Retry says %t of %s with %s; want %t: %v",
			ok, kindNames([]error{kind}, ""), modeName(o.env.Delivery), want, o.err)
	}
}

// wantRetryAfter checks that the error of a failed call tells the wait.
func (o outcome) wantRetryAfter(want time.Duration) {
	var e *mackerel.Error
	switch {
	case o.err == nil: // wantKind complains
	case !errors.As(o.err, &e):
		o.errorFor(tellWait, "errors.As finds no *mackerel.Error, whose RetryAfter tells the wait: %v", o.err)
	case e.RetryAfter != want:
		o.errorFor(tellWait, "RetryAfter is %v; want %v", e.RetryAfter, want)
	}
}

// wantTook checks the exact duration of the call. Outside a bubble there is none.
func (o outcome) wantTook(want time.Duration) {
	if o.bubble && o.took != want {
		o.errorf("the call took %v; want %v", o.took, want)
	}
}

func (o outcome) wantRequests(want int) {
	if o.front != nil && len(o.requests) != want {
		o.errorf("%d requests arrived; want %d", len(o.requests), want)
	}
}

func (o outcome) wantAccepted(want int) {
	if o.accepted != want {
		o.errorf("the service accepted %d messages; want %d", o.accepted, want)
	}
}

// arrive sends an alert and checks that the call succeeds, and that the message is accepted or the receipt says why
// it was skipped.
func (sc *scene) arrive(in string, a mackerel.Alert) outcome {
	sc.in = in
	o := sc.deliver(sc.tb.Context(), a)
	o.wantSuccess()
	switch {
	case o.err != nil || o.accepted > 0 || o.Dedups:
	case o.receipt != nil && o.receipt.Skipped == "":
		o.errorFor(sayWhySkipped, "no message was accepted, and Receipt.Skipped does not say why")
	case len(o.requests) > 0:
		o.errorf("a request was made, but no message was accepted")
	}
	return o
}
