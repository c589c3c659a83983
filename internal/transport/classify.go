package transport

import "net/http"

// A Class is what an outcome means to a caller. Each but Done has its sentinel in the root package.
type Class uint8

// The classes of outcomes.
const (
	Ambiguous    Class = iota // may have been done; the zero value, since it claims least
	Done                      // the documented success
	Invalid                   // wrong, and will stay wrong
	Unauthorized              // the credential will not do
	NotFound                  // no such thing
	RateLimited               // refused for now, nothing was done
	Unavailable               // not done, or safe to do again; may work later
	Unsupported               // the service cannot do that
)

// Classify says what an HTTP status means, 0 standing for no answer at all. Repeatable operations are those that may be
// done twice: for them an answer that says nothing definite is merely Unavailable. It is total: every int has a class.
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
