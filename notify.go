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

// A Notifier sends an alert to people. A nil error means that the service answered with its documented success, or
// that the notifier is configured not to send this alert ([Receipt].Skipped). Errors are an [*Error] for all
// notifiers of this module. A Notifier is safe for concurrent use, and does not change the alert or what it points
// to.
type Notifier interface {
	Notify(ctx context.Context, a Alert) error
}

// A Deliverer is a Notifier that also returns a [Receipt]. Every notifier of this module is a Deliverer.
type Deliverer interface {
	Notifier
	Deliver(ctx context.Context, a Alert) (Receipt, error)
}

// A Previewer returns what it would send for an alert, without sending it. Every notifier of this module is a
// Previewer.
type Previewer interface {
	Preview(a Alert) (*Preview, error)
}

// A NotifierFunc is a Notifier that calls a function.
type NotifierFunc func(ctx context.Context, a Alert) error

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, a Alert) error { return f(ctx, a) }

// A Receipt describes one delivery, also a failed one.
type Receipt struct {
	Provider string        // the service: "chatwork"
	ID       string        // the service's id of the message, "" if it has none
	Skipped  string        // why this notifier is configured not to send this alert; no request was made
	Queued   bool          // the service accepted the message, and does not tell whether it was delivered
	Attempts int           // requests made
	Duration time.Duration // of the call, including waits
	Cuts     []Cut         // what did not fit the service's limits, in the order it was cut
}

// A Cut is a field that was shortened to fit a limit of the service.
type Cut struct {
	Field    string // "memo", "message", ...
	Unit     string // what the limit counts: "bytes", "runes", "utf-16 units", or "items" of a list
	From, To int    // the length before and after, in that unit
}

// A Preview is what a notifier would send for an alert: usually one request, and none if the alert is skipped.
type Preview struct {
	Skipped  string // as in [Receipt]
	Requests []PreviewRequest
	Cuts     []Cut // as in [Receipt]
}

// A PreviewRequest is one request as it would be sent. Secrets are shown as [redacted], and values that differ each
// time, such as a date, as {placeholder}.
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
	// Timeout is the limit of one attempt, from dialing to the last byte of the answer; 10 s unless set. Of a file
	// that is uploaded or downloaded it is the limit of silence.
	Timeout time.Duration
	// MaxAttempts is how often one call is tried at the most; 3 unless set, and 1 means no second try.
	MaxAttempts int
	// MaxWait is the longest single wait between two attempts; 15 s unless set. If the service asks for more, or for
	// more than the context's deadline leaves, the call returns at once and the error's RetryAfter says how long to
	// wait.
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

// A Result is the result of one notifier in [DeliverAll].
type Result struct {
	Notifier Notifier
	Receipt  Receipt // has the Duration only, unless the Notifier is a Deliverer
	Err      error
}

// Results are the results of all notifiers in [DeliverAll], in the order of its arguments.
type Results []Result

// Err returns nil if every notifier succeeded. Otherwise it returns the error that [Multi] returns; [Failures] lists
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

// DeliverAll sends the alert through all notifiers at once and waits for all of them. A notifier that fails or is nil
// does not affect the others. If a notifier panics, DeliverAll panics with the same value after all have ended.
func DeliverAll(ctx context.Context, a Alert, notifiers ...Notifier) Results {
	results := make(Results, len(notifiers))
	panics := make([]any, len(notifiers))
	var wg sync.WaitGroup
	for i, n := range notifiers {
		wg.Go(func() {
			// The result of a notifier that calls runtime.Goexit.
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

// Multi returns a Notifier that notifies all the given notifiers, as [DeliverAll] does. Its error joins one
// [*DeliveryError] per failure. [Failures] lists them, and [Retry] tells whether to try them again. Multi copies the
// list.
func Multi(notifiers ...Notifier) Notifier {
	return multi(slices.Clone(notifiers))
}

type multi []Notifier

// Notify returns nil if every notifier returned nil.
func (m multi) Notify(ctx context.Context, a Alert) error { return DeliverAll(ctx, a, m...).Err() }

// A DeliveryError is the failure of one notifier of a [Multi].
type DeliveryError struct {
	Notifier Notifier // nil if Multi was given a nil notifier
	Err      error
}

// Error names the notifier, if it has a String method, and the failure.
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

// Failures lists the failed deliveries in an error of [Multi], also those of a Multi within a Multi. Only these need
// to be tried again:
//
//	for _, f := range mackerel.Failures(err) {
//		err = f.Notifier.Notify(ctx, alert)
//	}
//
// The list is empty for an error that is not from a Multi.
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
