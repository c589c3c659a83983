package notifytest

import (
	"errors"
	"slices"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// sentinels are the kinds of errors that a call can end with.
var sentinels = []error{
	mackerel.ErrConfig, mackerel.ErrInvalid, mackerel.ErrUnauthorized, mackerel.ErrNotFound, mackerel.ErrRateLimited,
	mackerel.ErrUnavailable, mackerel.ErrAmbiguous, mackerel.ErrUnsupported,
}

// kindOf returns the sentinel of an error, nil if it has none or several.
func kindOf(err error) error {
	isOf := func(sentinel error) bool { return errors.Is(err, sentinel) }
	first := slices.IndexFunc(sentinels, isOf)
	if first < 0 || slices.ContainsFunc(sentinels[first+1:], isOf) {
		return nil
	}
	return sentinels[first]
}

// lost returns the kinds of errors of a message whose answer was lost. Where the service drops repeats, it is as good
// as not delivered.
func (h Harness) lost() []error {
	if h.Dedups {
		return []error{mackerel.ErrAmbiguous, mackerel.ErrUnavailable}
	}
	return []error{mackerel.ErrAmbiguous}
}

// wantSuccess complains unless the call succeeded. The context says in which case.
func (sc *scene) wantSuccess(o outcome, in string) {
	sc.Helper()
	if o.err != nil {
		sc.Errorf("%s: %v; want success", in, o.err)
	}
}

// wantKind complains unless the call ended with an error of exactly one kind, one of those allowed, that
// [mackerel.Retry] judges as the kind and the delivery mode demand. A nil among the allowed allows success.
func (sc *scene) wantKind(o outcome, in string, allowed ...error) {
	sc.Helper()
	if o.err == nil {
		if !slices.Contains(allowed, nil) {
			sc.Errorf("%s: success; want an error that is %v", in, allowed)
		}
		return
	}
	kind := kindOf(o.err)
	if kind == nil || !slices.Contains(allowed, kind) {
		sc.Errorf("%s: the error is not exactly one of %v, as errors.Is has it: %v", in, allowed, o.err)
		return
	}
	sc.checkRetry(o.err, kind, in)
}

// checkRetry compares what Retry says of an error with its kind and the mode.
func (sc *scene) checkRetry(err, kind error, in string) {
	sc.Helper()
	want := false
	switch kind { //nolint:errorlint // it is one of the sentinels itself
	case mackerel.ErrRateLimited, mackerel.ErrUnavailable:
		want = true
	case mackerel.ErrAmbiguous:
		if sc.Dedups || sc.env.Delivery == 0 {
			return // the notifier knows best
		}
		want = sc.env.Delivery == mackerel.AtLeastOnce
	}
	if _, ok := mackerel.Retry(err); ok != want {
		sc.Errorf("%s: Retry says %t of an error that is %q, delivered %v: %v", in, ok, kind, sc.env.Delivery, err)
	}
}

// wantTook complains unless the call took exactly as long, which can be told in a bubble only.
func (sc *scene) wantTook(o outcome, in string, want time.Duration) {
	sc.Helper()
	if sc.bubble && o.took != want {
		sc.Errorf("%s: the call took %v; want %v", in, o.took, want)
	}
}

// wantRequests complains unless the call made so many requests.
func (sc *scene) wantRequests(o outcome, in string, want int) {
	sc.Helper()
	if sc.front != nil && len(o.requests) != want {
		sc.Errorf("%s: %d requests arrived; want %d", in, len(o.requests), want)
	}
}

// wantAccepted complains unless the service accepted so many messages.
func (sc *scene) wantAccepted(o outcome, in string, want int) {
	sc.Helper()
	if o.accepted != want {
		sc.Errorf("%s: the service accepted %d messages; want %d", in, o.accepted, want)
	}
}
