package route

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// FallbackOptions are the options of [Fallback].
type FallbackOptions struct {
	// OnAmbiguous goes on to the next notifier also if the alert may have been delivered ([mackerel.ErrAmbiguous]). The
	// alert may then be told twice.
	OnAmbiguous bool
}

// Fallback returns a notifier that tries notifiers one after the other until one has delivered the alert. It goes on to
// the next only if nothing was delivered: not if one of the notifiers of a [mackerel.Multi] or one of the recipients of
// a mail has the alert, and not if the alert may have been delivered, unless FallbackOptions.OnAmbiguous is set. A
// notifier that skips the alert counts as having delivered it.
//
// The receipt is that of the notifier that has delivered. The error of a notifier that has delivered in part is
// returned unchanged. If all fail, the error is one error: its text has those of all notifiers, and [mackerel.Retry]
// allows a repeat, of all of them in their order, if it does so for one of them and no phone may have rung.
func Fallback(o FallbackOptions, first mackerel.Notifier, then ...mackerel.Notifier) (*Notifier, error) {
	f := &fallback{options: o, all: append([]mackerel.Notifier{first}, then...)}
	var problems []string
	for _, n := range f.all {
		if mackerel.IsNil(n) {
			problems = append(problems, "n: one of the notifiers is nil")
			break
		}
	}
	if len(then) == 0 {
		problems = append(problems, "then: required")
	}
	return wrap(Notifier{inner: f, rule: passOn}, "fallback", problems...)
}

// A fallback tries notifiers one after the other.
type fallback struct {
	options FallbackOptions
	all     []mackerel.Notifier
}

// String returns "a, else b".
func (f *fallback) String() string {
	names := make([]string, len(f.all))
	for i, n := range f.all {
		names[i] = name(n)
	}
	return strings.Join(names, ", else ")
}

func (f *fallback) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := f.Deliver(ctx, a)
	return err
}

func (f *fallback) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	start := time.Now()
	var sum mackerel.Receipt
	var errs []error
	for _, n := range f.all {
		receipt, err, part := attempt(ctx, a, n)
		receipt.Attempts += sum.Attempts
		receipt.Waited += sum.Waited
		receipt.Duration = time.Since(start)
		if err == nil {
			return receipt, nil
		}
		sum = mackerel.Receipt{Attempts: receipt.Attempts, Waited: receipt.Waited, Duration: receipt.Duration}
		errs = append(errs, err)
		if part {
			return sum, err
		}
		if ctx.Err() != nil {
			return sum, failed("fallback", errs, errors.Join(ctx.Err(), context.Cause(ctx)))
		}
		if errors.Is(err, mackerel.ErrAmbiguous) && !f.options.OnAmbiguous {
			break
		}
	}
	return sum, failed("fallback", errs, nil)
}

// Preview returns the preview of the first notifier.
func (f *fallback) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	p, ok := f.all[0].(mackerel.Previewer)
	if !ok {
		return nil, failure("preview", mackerel.ErrUnsupported, name(f.all[0])+" has no preview")
	}
	return p.Preview(a)
}

// attempt sends an alert through one of the notifiers, and reports whether it has delivered a part: to members of a
// Multi, to channels, or to recipients of a mail, whose ids are in the receipt.
//
//nolint:revive // the error is the outcome of the notifier, and not of attempt
func attempt(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (r mackerel.Receipt, err error, part bool) {
	all := spread(n)
	if len(all) == 1 {
		r, err = deliver(ctx, a, n)
		return r, err, inPart(r, err)
	}
	results := mackerel.DeliverAll(ctx, a, all...)
	return together(results), results.Err(), slices.ContainsFunc(results, func(one mackerel.Result) bool {
		return one.Err == nil && one.Receipt.Skipped == "" || inPart(one.Receipt, one.Err)
	})
}

func inPart(receipt mackerel.Receipt, err error) bool {
	var part *partly
	return errors.As(err, &part) || receipt.ID != "" && len(mackerel.Failures(err)) > 0
}

// failed makes one error of those of all notifiers. It does not contain them: else [mackerel.Failures] would find the
// notifiers inside, and each would be repeated by itself. errors.Is sees the error of a
// context that ended, whose text is not printed. If one of them may have delivered and may not be repeated,
// nothing may be repeated.
func failed(op string, errs []error, ended error) error {
	e := &mackerel.Error{Provider: "route", Op: op, Delivery: mackerel.AtLeastOnce}
	var texts []string
	var waits []time.Duration
	rung := slices.ContainsFunc(errs, forbidden)
	for _, err := range errs {
		texts = append(texts, err.Error())
		if errors.Is(err, mackerel.ErrAmbiguous) {
			e.Kind = mackerel.ErrAmbiguous
			e.Delivery = mackerel.AtMostOnce
		}
		after, again := mackerel.Retry(err)
		if !again || rung {
			continue
		}
		waits = append(waits, after)
		if e.Kind == nil {
			e.Kind = mackerel.ErrUnavailable
		}
		e.Delivery = mackerel.AtLeastOnce
	}
	if e.Kind == nil {
		e.Kind = kindOf(errs[len(errs)-1])
	}
	if len(waits) > 0 {
		e.RetryAfter = slices.Min(waits) // 0 if one of them is not known
	}
	text := strings.ReplaceAll(strings.Join(texts, "; then "), "\n", "; ")
	e.Err = &endError{errors.New(text), func() error { return ended }}
	return e
}

// kindOf returns the sentinel of an error that [mackerel.Retry] does not allow to repeat. An error of another library
// has none; it is ErrInvalid, because an alert that is ErrUnavailable would be repeated.
func kindOf(err error) error {
	for _, kind := range []error{
		mackerel.ErrUnauthorized, mackerel.ErrNotFound, mackerel.ErrUnsupported, mackerel.ErrConfig,
	} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return mackerel.ErrInvalid
}
