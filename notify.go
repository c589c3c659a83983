package mackerel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Notifier carries an alert to people. Nil means that the service answered with its documented success, or that the
// notifier is configured not to send this alert ([Receipt].Skipped); everything else is an error, most often an
// [*Error]. A Notifier is safe for concurrent use and leaves the alert, and what it points to, as it is.
type Notifier interface {
	Notify(ctx context.Context, a Alert) error
}

// A Deliverer is a Notifier that can also tell what came of it. Every notifier of this module is one.
type Deliverer interface {
	Notifier
	Deliver(ctx context.Context, a Alert) (Receipt, error)
}

// A Previewer can show what it would send, without sending it. Every notifier of this module is one.
type Previewer interface {
	Preview(a Alert) (*Preview, error)
}

// A NotifierFunc is a function as a Notifier.
type NotifierFunc func(ctx context.Context, a Alert) error

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, a Alert) error { return f(ctx, a) }

// ErrSkip is what an Edit function of a notifier's Config returns to leave an alert out, wrapped or not: the notifier
// returns nil and a [Receipt] whose Skipped is the text of the error.
//
//	return fmt.Errorf("%w: staging never pages", mackerel.ErrSkip)
var ErrSkip = errors.New("skipped by Edit")

type deliveryID struct{}

// WithDeliveryID names a delivery: every Notify with the same alert and id is the same message to services that drop
// repeats by a key. LINE's retry key and the id of a signed webhook are made of it, different for each notifier. Whoever
// repeats a Notify that failed, also in another process, gives it the id of the first. Without an id, each Notify is a
// delivery of its own.
func WithDeliveryID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, deliveryID{}, id)
}

// DeliveryID returns the id that [WithDeliveryID] gave the context, "" if it has none.
func DeliveryID(ctx context.Context) string {
	id, _ := ctx.Value(deliveryID{}).(string)
	return id
}

// A Receipt says what came of one delivery. With an error it says how far it got.
type Receipt struct {
	Provider string        // the service: "chatwork"
	ID       string        // the service's own id of what it made, "" where it gives none
	Skipped  string        // why this notifier is configured not to send this alert; then no request was made
	Queued   bool          // the service accepted it and delivers later, without saying so
	Attempts int           // requests made
	Duration time.Duration // from the call to the return, waits included
	Cuts     []Cut         // what did not fit the service's limits, in the order it was cut
}

// A Cut says that a field was shortened to fit a limit of the service.
type Cut struct {
	Field    string // "memo", "message", ...
	Unit     string // what the limit counts: "bytes", "runes", "utf-16 units", or "items" of a list
	From, To int    // the length before and after, in that unit
}

// A Preview is what a notifier would send for an alert: usually one request, none if it is skipped.
type Preview struct {
	Skipped  string // as in [Receipt]
	Requests []PreviewRequest
	Cuts     []Cut // as in [Receipt]
}

// A PreviewRequest is one request as it would be sent, with its secrets as [redacted] and what differs each time, such
// as a retry key or a date, as {placeholder}.
type PreviewRequest struct {
	Method, URL string
	Header      http.Header
	Body        string
}

// Delivery chooses between the two ways to treat a message whose answer was lost: it may have been delivered.
type Delivery uint8

const (
	// AtLeastOnce sends it again: a room that reads an alert twice is better off than one that never does. It is the
	// default for messages.
	AtLeastOnce Delivery = iota + 1
	// AtMostOnce does not, and returns [ErrAmbiguous]. It is the default for phone calls and SMS.
	AtMostOnce
)

// String returns "at least once", "at most once", or "default" for the zero value.
func (d Delivery) String() string {
	switch d {
	case AtLeastOnce:
		return "at least once"
	case AtMostOnce:
		return "at most once"
	}
	return "default"
}

// CallOptions says how a client or notifier makes its calls. The zero value is ready to use.
type CallOptions struct {
	// Client is the http.Client to go through, for a proxy, certificates or tracing. It is copied, never changed; its
	// Timeout counts if it is shorter than ours, its CheckRedirect does not: redirects are refused. Nil shares one
	// connection pool between all notifiers of the process. Email ignores it.
	Client *http.Client
	// Timeout is the limit of one attempt, from dialing to the last byte of the answer; 10 s unless set. Of a file that is
	// uploaded or downloaded it is the limit of silence.
	Timeout time.Duration
	// MaxAttempts is how often one call is tried at the most; 3 unless set, and 1 means no second try.
	MaxAttempts int
	// MaxWait is the longest single wait between two attempts; 15 s unless set. If the service asks for more, or for more
	// than the context's deadline leaves, the call returns at once and the error's RetryAfter says how long to wait.
	MaxWait time.Duration
	// Delivery is what to do when an answer was lost. The zero value is the package's default, see there.
	Delivery Delivery
	// UserAgent is mackerel-notify/<version> unless set.
	UserAgent string
	// OnAttempt, if set, is called after each attempt, in the goroutine of the call: the place for logs and metrics.
	OnAttempt func(context.Context, Attempt)
}

// An Attempt is one request of a call, as [CallOptions].OnAttempt sees it. Nothing in it is secret.
type Attempt struct {
	Provider string        // the service: "chatwork"
	Op       string        // the operation: "post message"
	Number   int           // 1 for the first
	Start    time.Time     // when it began
	Duration time.Duration // until the answer was read to its end
	Status   int           // HTTP status, 0 if there was no answer
	Err      error         // why there was no usable answer, redacted
	Wait     time.Duration // until the next attempt, 0 after the last
	Last     bool          // no other attempt follows
}

// A Result is what became of one notifier in [DeliverAll].
type Result struct {
	Notifier Notifier
	Receipt  Receipt // of a Deliverer; of any other Notifier only the Duration is known
	Err      error
}

// Results are what became of all notifiers in [DeliverAll], in the order in which they were given.
type Results []Result

// Err returns nil if every notifier succeeded, and the error that [Multi] would have returned if not: [Failures] lists
// its parts.
func (r Results) Err() error {
	var errs []error
	for _, result := range r {
		if result.Err != nil {
			errs = append(errs, &DeliveryError{Notifier: result.Notifier, Err: result.Err})
		}
	}
	return errors.Join(errs...)
}

// DeliverAll sends the alert through all notifiers at once, waits for all of them, and returns their results in the
// order given. That one fails, or is nil, costs the others nothing. If one panics, DeliverAll panics with the same
// value after all have ended.
func DeliverAll(ctx context.Context, a Alert, notifiers ...Notifier) Results {
	results := make(Results, len(notifiers))
	panics := make([]any, len(notifiers))
	var wg sync.WaitGroup
	for i, n := range notifiers {
		wg.Go(func() {
			// Ended by runtime.Goexit, a notifier has neither returned nor panicked; it must not pass for a success.
			results[i] = Result{Notifier: n, Err: errors.New("the notifier ended its goroutine")}
			defer func() { panics[i] = recover() }()
			results[i] = deliver(ctx, a, n)
		})
	}
	wg.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	return results
}

func deliver(ctx context.Context, a Alert, n Notifier) Result {
	if n == nil {
		return Result{Err: &Error{Provider: "mackerel", Op: "notify", Kind: ErrConfig, Message: "the notifier is nil"}}
	}
	if d, ok := n.(Deliverer); ok {
		receipt, err := d.Deliver(ctx, a)
		return Result{Notifier: n, Receipt: receipt, Err: err}
	}
	start := time.Now()
	err := n.Notify(ctx, a)
	return Result{Notifier: n, Receipt: Receipt{Duration: time.Since(start)}, Err: err}
}

// Multi returns a Notifier that notifies all the given ones, as [DeliverAll] does. Its error joins one [*DeliveryError]
// per failure, in the order given: [Failures] lists them, [Retry] tells whether trying those again makes sense. The
// list is copied.
func Multi(notifiers ...Notifier) Notifier {
	return multi(slices.Clone(notifiers))
}

type multi []Notifier

// Notify returns nil only if every notifier did.
func (m multi) Notify(ctx context.Context, a Alert) error { return DeliverAll(ctx, a, m...).Err() }

// A DeliveryError says which notifier of a [Multi] failed, and why.
type DeliveryError struct {
	Notifier Notifier // nil if that was what is wrong
	Err      error
}

// Error names the notifier, if it has a name, and the failure.
func (e *DeliveryError) Error() string {
	name, named := e.Notifier.(fmt.Stringer)
	if !named {
		return e.Err.Error()
	}
	if err, ok := e.Err.(*Error); ok { //nolint:errorlint // only to not name the provider twice
		return name.String() + ": " + err.detail()
	}
	return name.String() + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Failures lists the deliveries that failed in an error of [Multi], through any Multi within a Multi: each names the
// notifier itself, so that only those are tried again:
//
//	for _, f := range mackerel.Failures(err) {
//		err = f.Notifier.Notify(ctx, alert)
//	}
//
// It is empty for an error that did not come from a Multi.
func Failures(err error) []*DeliveryError {
	switch e := err.(type) { //nolint:errorlint // this is the walk over the tree itself
	case *DeliveryError:
		if inner := Failures(e.Err); len(inner) > 0 {
			return inner
		}
		return []*DeliveryError{e}
	case interface{ Unwrap() error }:
		return Failures(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*DeliveryError
		for _, sub := range e.Unwrap() {
			all = append(all, Failures(sub)...)
		}
		return all
	}
	return nil
}
