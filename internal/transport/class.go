package transport

import (
	"errors"
	"net/http"
)

// The sentinels of failed calls. The root package exports and documents them under the same names.
var (
	ErrInvalid      = errors.New("invalid request")
	ErrUnauthorized = errors.New("not authorized")
	ErrNotFound     = errors.New("not found")
	ErrRateLimited  = errors.New("rate limited")
	ErrUnavailable  = errors.New("unavailable")
	ErrAmbiguous    = errors.New("may have been done")
	ErrUnsupported  = errors.New("not supported")
)

// A Class says what an outcome means to the caller.
type Class uint8

// The classes. Each but Done has a sentinel, which says when it applies.
const (
	Ambiguous Class = iota // the zero value, because it claims the least
	Done                   // the service answered with its documented success
	Invalid
	Unauthorized
	NotFound
	RateLimited
	Unavailable
	Unsupported
)

var kinds = [...]error{
	Ambiguous:    ErrAmbiguous,
	Done:         nil,
	Invalid:      ErrInvalid,
	Unauthorized: ErrUnauthorized,
	NotFound:     ErrNotFound,
	RateLimited:  ErrRateLimited,
	Unavailable:  ErrUnavailable,
	Unsupported:  ErrUnsupported,
}

// Kind returns the sentinel of the class, nil for Done.
func (c Class) Kind() error { return kinds[c] }

// Classify returns the class of an HTTP status; 0 stands for no answer. Every int has a class. If the operation is
// repeatable (it may be done twice), an outcome that would be Ambiguous is Unavailable.
func Classify(status int, repeatable bool) Class {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired:
		return Unauthorized
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusRequestTimeout:
		return Unavailable
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return Unsupported
	}
	switch {
	case status >= 200 && status < 300:
		return Done
	case status >= 300 && status < 500:
		return Invalid
	case repeatable:
		return Unavailable
	}
	return Ambiguous
}
