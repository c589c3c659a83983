package mackerel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Notifier sends an alert to a service. Notify returns nil if the service answered with its documented success, or
// if the notifier is configured not to send this alert ([Receipt].Skipped). The errors of this module's notifiers are
// [*Error]. A Notifier is safe for concurrent use. It does not change the alert or what it points to.
type Notifier interface {
	Notify(ctx context.Context, a Alert) error
}

// A Deliverer is a Notifier that also returns a receipt. All notifiers of this module are Deliverers.
type Deliverer interface {
	Notifier
	Deliver(ctx context.Context, a Alert) (Receipt, error)
}

// A Previewer shows what it would send, without sending it. All notifiers of this module are Previewers.
type Previewer interface {
	Preview(a Alert) (*Preview, error)
}

// A NotifierFunc is a function that is a Notifier.
type NotifierFunc func(ctx context.Context, a Alert) error

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, a Alert) error { return f(ctx, a) }

// ErrSkip makes a notifier skip an alert, if the Edit function of its Config returns it or an error that wraps it. The
// notifier returns nil, and the text of the error is [Receipt].Skipped:
//
//	return fmt.Errorf("%w: staging never pages", mackerel.ErrSkip)
var ErrSkip = errors.New("skipped by Edit")

type deliveryID struct{}

// WithDeliveryID names a delivery. Give the same id to a Notify and to its repeats, also in another process. Services
// that drop repeats by a key then take them for one message: LINE's retry key, the id of a signed webhook and the
// Message-ID of a mail are made of the id, and differ between notifiers. Without an id, each Notify is a delivery of
// its own.
func WithDeliveryID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, deliveryID{}, id)
}

// DeliveryID returns the id that [WithDeliveryID] gave the context, "" if it has none.
func DeliveryID(ctx context.Context) string {
	id, _ := ctx.Value(deliveryID{}).(string)
	return id
}

// A Receipt is the outcome of one delivery. Together with an error, it says what was done until then.
type Receipt struct {
	Provider string        // the service: "chatwork"
	ID       string        // the service's id of the message, incident or call, cleaned like [Error].Message; may be ""
	Skipped  string        // why this notifier is configured not to send this alert; no request was made
	Queued   bool          // the service accepted the alert and delivers it later; the outcome is not known
	Attempts int           // requests made
	Duration time.Duration // of the whole call, waits included
	Waited   time.Duration // for its turn: see [Pace]; the times of all attempts are added up
	Cuts     []Cut         // what was shortened to fit the service's limits, in the order it was cut
}

// A Cut says that a field was shortened to fit a limit of the service.
type Cut struct {
	Field    string // "memo", "message", ...
	Unit     string // what the limit counts: "bytes", "runes", "utf-16 units", or "items" of a list
	From, To int    // the length before and after, in that unit; the lengths of all facts are added up
}

// A Preview is what a notifier would send for an alert: usually one request, and no request if the alert is skipped.
type Preview struct {
	Skipped  string // as in [Receipt]
	Requests []PreviewRequest
	Cuts     []Cut // as in [Receipt]
}

// A PreviewRequest is one request as it would be sent. Its secrets are [redacted]. What differs each time, such as a
// retry key or a date, is a {placeholder}.
type PreviewRequest struct {
	Method, URL string
	Header      http.Header
	Body        string
}

// Delivery says what to do with a message whose answer was lost: the message may have been delivered or not.
type Delivery uint8

const (
	// AtLeastOnce sends it again. The people may read an alert twice. It is the default for messages.
	AtLeastOnce Delivery = iota + 1
	// AtMostOnce returns [ErrAmbiguous]. The people may not read an alert. It is the default for phone calls and SMS.
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
	// Client is the http.Client to use, for a proxy, certificates or tracing. It is copied, not changed. Its Timeout
	// counts if it is shorter than ours. Its CheckRedirect is not used, because redirects are refused. With nil, all
	// notifiers of the process share one connection pool. Email does not use it.
	//
	// A client that traces or logs requests sees their URLs and headers. The URL of a webhook is a credential, and the
	// instrumentation of OpenTelemetry records it. The module in examples/otel has a client that hides it.
	Client *http.Client
	// Timeout limits one attempt, from dialing to the last byte of the answer; 10 s unless set. When a file is
	// uploaded or downloaded, it limits the time in which no byte moves.
	Timeout time.Duration
	// MaxAttempts limits the attempts of one call; 3 unless set. With 1 there is no second attempt.
	MaxAttempts int
	// MaxWait is the longest wait between two attempts; 15 s unless set. If the service asks for a longer wait, or
	// for one that does not end before the context's deadline, the call returns at once with the wait in the error's
	// RetryAfter.
	MaxWait time.Duration
	// MaxTurn is how long a call waits for its turns at most (see [Pace]), all attempts together; 10 minutes unless
	// set. If its turn comes later, or after the context's deadline, the call returns [ErrRateLimited] at once, with
	// the time until its turn in the error's RetryAfter and no attempt. It is [ErrUnavailable] if the calls before it
	// hang.
	MaxTurn time.Duration
	// Pace is the service's documented limit unless set.
	Pace Pace
	// Delivery says what to do when an answer was lost. The package's default is used unless it is set.
	Delivery Delivery
	// UserAgent is [UserAgent] unless set.
	UserAgent string
	// OnAttempt, if set, is called after each attempt, in the goroutine of the call. It is the place for logs and
	// metrics.
	OnAttempt func(context.Context, Attempt)
}

// A Pace is the limit within which a notifier keeps its messages. Calls that come too fast wait for their turn, first
// come, first served. The zero Pace is what the service documents; the documentation of each package has the numbers.
//
// All notifiers that send to one destination with one credential through one http.Client share a limit, also if each
// alert has a notifier of its own. All notifiers without a Client share one http.Client. A refusal of the service stops
// all of them for as long as the service asks, up to 5 minutes. Other processes are not seen: give each of them a part
// of the service's limit.
type Pace struct {
	// N is how many messages may be sent within Per, wherever a window of that length begins. N and Per are set
	// together. They take the place of the limit of the destination, such as a room or a webhook. The limit of a whole
	// account stays, if the service has one.
	N   int
	Per time.Duration
	// Name, if set, lets all notifiers of a service that have the same Name, N and Per share one limit, whatever their
	// destinations are: such as several webhooks that lead into one channel.
	Name string
}

// Unpaced is the Pace of calls that do not wait for their turn. It is for tests against a fake, and for programs that
// keep the limit themselves.
var Unpaced = Pace(transport.Unpaced)

// An Attempt is one request of a call, for [CallOptions].OnAttempt. It contains no secrets.
type Attempt struct {
	Provider string        // the service: "chatwork"
	Notifier string        // the String of the notifier: "chatwork room 123"; "" for a call of a client
	Op       string        // the operation: "post message"
	Number   int           // 1 for the first
	Start    time.Time     // when the attempt began
	Duration time.Duration // until the last byte of the answer
	Status   int           // HTTP status, 0 if there was no answer
	Err      error         // why there was no usable answer, without secrets
	Wait     time.Duration // until the next attempt, 0 after the last
	Waited   time.Duration // for its turn: see [Pace]; not contained in Duration
	Last     bool          // no other attempt follows
}

// A Result is the outcome of one notifier in [DeliverAll].
type Result struct {
	Notifier Notifier
	Receipt  Receipt // of a Deliverer; any other Notifier has the Duration only
	Err      error
}

// Results are the outcomes of all notifiers in [DeliverAll], in the order of the notifiers.
type Results []Result

// Err returns nil if all notifiers succeeded, else the error that [Multi] would have returned. [Failures] lists its
// parts.
func (r Results) Err() error {
	var errs []error
	for _, result := range r {
		if result.Err != nil {
			errs = append(errs, &DeliveryError{Notifier: result.Notifier, Err: result.Err})
		}
	}
	return errors.Join(errs...)
}

// Failed returns the results that have an error, in the same order.
func (r Results) Failed() Results {
	return slices.DeleteFunc(slices.Clone(r), func(one Result) bool { return one.Err == nil })
}

// DeliverAll sends the alert through all notifiers at once, waits for all of them, and returns their results in the
// order given. If a notifier fails or is nil, the others go on. If a notifier panics, DeliverAll panics with the same
// value after all of them have ended.
func DeliverAll(ctx context.Context, a Alert, notifiers ...Notifier) Results {
	results := make(Results, len(notifiers))
	panics := make([]any, len(notifiers))
	var wg sync.WaitGroup
	for i, n := range notifiers {
		wg.Go(func() {
			// This stays if the notifier calls runtime.Goexit, which is neither a return nor a panic.
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
	if IsNil(n) {
		return Result{Notifier: n, Err: &Error{Provider: "mackerel", Op: "notify", Kind: ErrConfig, Message: "the notifier is nil"}}
	}
	if d, ok := n.(Deliverer); ok {
		receipt, err := d.Deliver(ctx, a)
		return Result{Notifier: n, Receipt: receipt, Err: err}
	}
	start := time.Now()
	err := n.Notify(ctx, a)
	return Result{Notifier: n, Receipt: Receipt{Duration: time.Since(start)}, Err: err}
}

// IsNil reports whether n is nil, or a nil pointer, func or map in an interface, as a constructor that failed leaves it.
// Its Notify would panic. [Multi] returns [ErrConfig] for it.
func IsNil(n Notifier) bool {
	switch v := reflect.ValueOf(n); v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map:
		return v.IsNil()
	default:
		return false
	}
}

// Multi returns a Notifier that sends an alert through all the given notifiers, like [DeliverAll]. Its error joins
// one [*DeliveryError] per failure, in the order given. [Failures] lists them, and [Retry] reports whether one of
// them may be tried again. Without notifiers it sends nothing and returns nil. The list is copied.
func Multi(notifiers ...Notifier) Notifier {
	return multi(slices.Clone(notifiers))
}

// Unwrap returns the notifiers that [Multi] was given, nil if n does not come from Multi. The slice is a copy.
func Unwrap(n Notifier) []Notifier {
	m, _ := n.(multi)
	return slices.Clone(m)
}

type multi []Notifier

// Notify returns nil if all notifiers return nil.
func (m multi) Notify(ctx context.Context, a Alert) error { return DeliverAll(ctx, a, m...).Err() }

// A DeliveryError says which notifier of a [Multi] failed, and why.
type DeliveryError struct {
	Notifier Notifier // nil if Multi was given a nil Notifier
	Err      error
}

// Error returns the notifier's String, if it has one, and the failure.
func (e *DeliveryError) Error() string {
	name, named := e.Notifier.(fmt.Stringer)
	if !named || IsNil(e.Notifier) {
		return e.Err.Error()
	}
	if err, ok := e.Err.(*Error); ok { //nolint:errorlint // to leave out the provider, which the name contains
		return name.String() + ": " + err.detail()
	}
	return name.String() + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Failures lists the deliveries that failed in an error of [Multi], those of a Multi inside of a Multi included. Each
// has the notifier that failed. It is empty for an error that does not come from a Multi. [Results].Failed lists the
// failures of [DeliverAll], with their receipts.
//
// To repeat what failed, use Persist of package route. It waits, asks [Retry], and keeps the errors of what may not be
// repeated. This is one repeat by hand, after the wait that Retry(err) has returned:
//
//	var again []mackerel.Notifier
//	var errs []error
//	for _, f := range mackerel.Failures(err) {
//		if _, ok := mackerel.Retry(f); ok {
//			again = append(again, f.Notifier)
//		} else {
//			errs = append(errs, f) // a phone that may have rung
//		}
//	}
//	err = errors.Join(append(errs, mackerel.Multi(again...).Notify(ctx, alert))...)
func Failures(err error) []*DeliveryError {
	switch e := err.(type) { //nolint:errorlint // this walks over the tree itself
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
