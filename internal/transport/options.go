package transport

import (
	"context"
	"net/http"
	"time"
)

// Defaults of Options.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxAttempts = 3
	DefaultMaxWait     = 15 * time.Second
)

// A Delivery is the root package's type of this name.
type Delivery uint8

// The delivery modes.
const (
	AtLeastOnce Delivery = iota + 1
	AtMostOnce
)

// Attempt is the root package's type of this name, which documents the fields. It is an alias of a struct without a
// name, so that it can be the constraint of a type parameter.
type Attempt = struct {
	Provider string
	Notifier string
	Op       string
	Number   int
	Start    time.Time
	Duration time.Duration
	Status   int
	Err      error
	Wait     time.Duration
	Last     bool
}

// Options are the root package's CallOptions, which documents the fields. The root imports this package, so its types
// Delivery and Attempt are the type parameters D and A. The fields are the same and in the same order: CallOptions
// converts to Options[Delivery, Attempt], and the compiler notices when the two differ.
type Options[D ~uint8, A ~Attempt] struct {
	Client      *http.Client
	Timeout     time.Duration
	MaxAttempts int
	MaxWait     time.Duration
	Delivery    D
	UserAgent   string
	OnAttempt   func(context.Context, A)
}

// Problems lists what is wrong with the options. Each problem names its field.
func (o Options[D, A]) Problems() []string {
	var problems []string
	for _, field := range []struct {
		name     string
		negative bool
	}{{"Timeout", o.Timeout < 0}, {"MaxAttempts", o.MaxAttempts < 0}, {"MaxWait", o.MaxWait < 0}} {
		if field.negative {
			problems = append(problems, "Call."+field.name+": must not be negative")
		}
	}
	if Delivery(o.Delivery) > AtMostOnce {
		problems = append(problems, "Call.Delivery: unknown")
	}
	if !validHeaderValue(o.UserAgent) {
		problems = append(problems, "Call.UserAgent: has a control character")
	}
	return problems
}
