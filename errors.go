package mackerel

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What went wrong, as far as a caller can act on it. Every [Error] is exactly one of these: ask with [errors.Is].
var (
	// ErrConfig means that a constructor was given an unusable configuration; the message lists every problem.
	ErrConfig = errors.New("invalid configuration")
	// ErrInvalid means that the request is wrong and will stay wrong: refused before sending or by the service,
	// which includes an answer that redirects elsewhere.
	ErrInvalid = errors.New("invalid request")
	// ErrUnauthorized means 401, 402, 403 or 407: the credential is wrong, expired or not allowed to do this.
	ErrUnauthorized = errors.New("not authorized")
	// ErrNotFound means 404 or 410: the room, channel or webhook does not exist.
	ErrNotFound = errors.New("not found")
	// ErrRateLimited means that the service refused for now, with 429 or its own dialect. Nothing was done.
	ErrRateLimited = errors.New("rate limited")
	// ErrUnavailable means that it was not done, or that doing it again cannot do it twice, and that it may work
	// later: no connection could be made, 408, or any lost answer and 5xx of an operation that may be repeated.
	ErrUnavailable = errors.New("unavailable")
	// ErrAmbiguous means that it may have been done: the request went out, and no answer came back or one that says
	// nothing definite.
	ErrAmbiguous = errors.New("may have been done")
	// ErrUnsupported means that this service or API cannot do that at all: 501, 505, or known beforehand.
	ErrUnsupported = errors.New("not supported")
)

// An Error says what became of one operation on a remote service. The module returns it as *Error everywhere; it never
// holds a URL, a header or a credential.
type Error struct {
	Provider   string        // the service: "chatwork", "mackerel"
	Op         string        // the operation in the service's words: "post message"
	Status     int           // HTTP status of the last answer, 0 if there was none
	Code       string        // the service's own error code, if it has such
	Message    string        // the service's own words: one line, at most 512 bytes, credentials removed
	RetryAfter time.Duration // how long the service asked to wait, 0 if it did not say
	Attempts   int           // requests made, 0 if it failed before the first
	Delivery   Delivery      // the mode it ran under; AtMostOnce for what is never repeated
	Kind       error         // one of the sentinels above, never nil
	Err        error         // the cause when there was no usable answer; a cancelled context is found in here
}

// Error reads "service: operation: status: words (kind, attempts, wait)".
func (e *Error) Error() string { return e.Provider + ": " + e.detail() }

// detail is the message without the provider, for callers that have already named it.
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

// Unwrap returns the kind and the cause, so that [errors.Is] finds both the sentinel and, say, [context.Canceled].
func (e *Error) Unwrap() []error {
	return slices.DeleteFunc([]error{e.Kind, e.Err}, func(err error) bool { return err == nil })
}

// Retry reports whether the same call may be made again under the delivery mode it ran with, and how long to wait
// before. What was rate limited or unavailable may; what is ambiguous may under [AtLeastOnce] only. Of joined errors,
// such as those of [Multi], any one that may be repeated is enough, and the longest wait counts; [Failures] tells which.
func Retry(err error) (after time.Duration, ok bool) {
	switch e := err.(type) { //nolint:errorlint // this is the walk over the tree itself
	case nil:
		return 0, false
	case *Error:
		if !e.repeatable() {
			return 0, false
		}
		return e.RetryAfter, true
	case interface{ Unwrap() error }:
		return Retry(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, sub := range e.Unwrap() {
			if d, again := Retry(sub); again {
				after, ok = max(after, d), true
			}
		}
		return after, ok
	}
	return 0, err == ErrRateLimited || err == ErrUnavailable //nolint:errorlint // a bare sentinel, at the leaf
}

func (e *Error) repeatable() bool {
	switch e.Kind {
	case ErrRateLimited, ErrUnavailable: //nolint:errorlint // Kind is one of the sentinels itself
		return true
	case ErrAmbiguous:
		return e.Delivery == AtLeastOnce
	}
	return false
}
