package mackerel

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// The kinds of errors. Every [Error] is exactly one of them, for [errors.Is].
var (
	// ErrConfig means that a constructor was given an unusable configuration. The message lists all problems.
	ErrConfig = errors.New("invalid configuration")
	// ErrInvalid means that the request is wrong: it was refused before it was sent, or by the service with a 4xx
	// that has no kind of its own. A redirect is ErrInvalid as well.
	ErrInvalid = transport.ErrInvalid
	// ErrUnauthorized means 401, 402, 403 or 407: the credential is wrong, expired or not allowed to do this.
	ErrUnauthorized = transport.ErrUnauthorized
	// ErrNotFound means 404 or 410: the room, channel or webhook does not exist.
	ErrNotFound = transport.ErrNotFound
	// ErrRateLimited means that the service refused for now, with 429 or in a way of its own, or that the turn of the call
	// does not come in time (see [Pace]). Nothing was done.
	ErrRateLimited = transport.ErrRateLimited
	// ErrUnavailable means that it may work later, and that another call does no harm. Either nothing was done,
	// because there was no connection or a 408, or the operation may be done twice and had no answer or a 5xx.
	ErrUnavailable = transport.ErrUnavailable
	// ErrAmbiguous means that it may have been done. The request may have reached the service, and there was no
	// answer or one that does not tell, such as a 500.
	ErrAmbiguous = transport.ErrAmbiguous
	// ErrUnsupported means that the service cannot do this: 501, 505, or known before the call.
	ErrUnsupported = transport.ErrUnsupported
)

// An Error is the outcome of an operation on a remote service that failed. All packages of the module return it as
// *Error. It contains no URL, header or credential.
type Error struct {
	Provider   string        // the service: "chatwork", "mackerel"
	Op         string        // the operation in the service's words: "post message"
	Status     int           // HTTP status of the last answer, 0 if there was none
	Code       string        // the service's own error code, if it has error codes
	Message    string        // the service's own words, on one line of at most 512 bytes and without credentials
	RetryAfter time.Duration // how long to wait, as the service asks or until the call's turn; 0 if that is not known
	Attempts   int           // requests made, 0 if it failed before the first
	Delivery   Delivery      // the mode of the call; AtMostOnce for an operation that is never repeated
	Kind       error         // one of ErrConfig to ErrUnsupported, never nil
	Err        error         // why there was no usable answer; contains the error of a context that ended
}

// Error reads "service: operation: status: words (kind, attempts, wait)".
func (e *Error) Error() string { return e.Provider + ": " + e.detail() }

// detail is Error without the provider, for a message that has named it.
func (e *Error) detail() string {
	parts := []string{e.Op}
	if e.Status != 0 {
		parts = append(parts, strconv.Itoa(e.Status))
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	} else if s := http.StatusText(e.Status); s != "" {
		parts = append(parts, s)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	var notes []string
	if e.Kind != nil {
		notes = append(notes, e.Kind.Error())
	}
	if e.Attempts > 1 {
		notes = append(notes, strconv.Itoa(e.Attempts)+" attempts")
	}
	if e.RetryAfter > 0 {
		notes = append(notes, "retry after "+e.RetryAfter.String())
	}
	if len(notes) == 0 {
		return strings.Join(parts, ": ")
	}
	return strings.Join(parts, ": ") + " (" + strings.Join(notes, ", ") + ")"
}

// Unwrap returns Kind and Err, so that [errors.Is] finds ErrAmbiguous and [context.Canceled] in the same error.
func (e *Error) Unwrap() []error {
	return slices.DeleteFunc([]error{e.Kind, e.Err}, func(err error) bool { return err == nil })
}

// Retry reports whether the same call may be made again under its delivery mode, and how long to wait before. It may
// if the error is [ErrRateLimited] or [ErrUnavailable], or [ErrAmbiguous] under [AtLeastOnce]. Of joined errors, it is
// enough that one may be repeated; after is the longest wait of those. But if what may have been done must not be done
// twice, the call must not be made again.
//
// If after is 0, the service has named no time, and the caller chooses a pause. A call whose context has ended may be
// made again with a new context.
//
// A [DeliveryError] stands for a call of its own, which can be repeated without the others. So of several, such as those
// of [Multi], it is enough that one may be repeated. [Failures] tells them apart.
func Retry(err error) (after time.Duration, ok bool) {
	after, ok, never := retry(err)
	if never {
		return 0, false
	}
	return after, ok
}

// retry is Retry. Never says that a part of the call must not be made again.
func retry(err error) (after time.Duration, ok, never bool) {
	switch e := err.(type) { //nolint:errorlint // this walks over the tree itself
	case nil:
		return 0, false, false
	case *Error:
		if !e.repeatable() {
			return 0, false, e.Kind == ErrAmbiguous //nolint:errorlint // Kind is a sentinel itself
		}
		return e.RetryAfter, true, false
	case *DeliveryError:
		after, ok = Retry(e.Err)
		return after, ok, false
	case interface{ Unwrap() error }:
		return retry(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, sub := range e.Unwrap() {
			d, again, no := retry(sub)
			if again {
				after, ok = max(after, d), true
			}
			never = never || no
		}
		return after, ok, never
	}
	return 0, err == ErrRateLimited || err == ErrUnavailable, err == ErrAmbiguous //nolint:errorlint // this is a leaf of the tree
}

func (e *Error) repeatable() bool {
	switch e.Kind {
	case ErrRateLimited, ErrUnavailable: //nolint:errorlint // Kind is a sentinel itself
		return true
	case ErrAmbiguous:
		return e.Delivery == AtLeastOnce
	}
	return false
}
