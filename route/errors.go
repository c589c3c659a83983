package route

import (
	"errors"
	"slices"

	"github.com/mackerel-notify/mackerel"
)

// forbidden reports whether a part of an error may have been done and may not be repeated. Retry allows to repeat
// joined errors if it allows to repeat one of them. If they have no notifiers, all or none of them are repeated.
func forbidden(err error) bool {
	switch e := err.(type) { //nolint:errorlint // this walks over the tree itself
	case *mackerel.Error:
		_, again := mackerel.Retry(e)
		return !again && errors.Is(e, mackerel.ErrAmbiguous)
	case interface{ Unwrap() error }:
		return forbidden(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), forbidden)
	}
	return err == mackerel.ErrAmbiguous //nolint:errorlint // this is a leaf of the tree
}

// split returns the deliveries that failed in an error, and the rest: the joined errors that are no deliveries.
func split(err error) (failed []*mackerel.DeliveryError, rest []error) {
	var inner []error
	switch e := err.(type) { //nolint:errorlint // this walks over the tree itself
	case *mackerel.DeliveryError:
		return []*mackerel.DeliveryError{e}, nil
	case *mackerel.Error:
		inner = []error{e.Err}
	case interface{ Unwrap() error }:
		inner = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		inner = e.Unwrap()
	}
	for _, sub := range inner {
		f, r := split(sub)
		failed, rest = append(failed, f...), append(rest, r...)
	}
	if len(failed) == 0 {
		return nil, []error{err}
	}
	return failed, rest
}
