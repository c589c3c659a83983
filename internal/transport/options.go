package transport

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Defaults of Options.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxAttempts = 3
	DefaultMaxWait     = 15 * time.Second
	DefaultMaxTurn     = 10 * time.Minute
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
	Waited   time.Duration
	Last     bool
}

// Pace is the root package's type of this name, which documents the fields. It is an alias for the reason that Attempt
// has.
type Pace = struct {
	N    int
	Per  time.Duration
	Name string
}

// Unpaced is the Pace of calls that do not wait for their turn.
var Unpaced = Pace{N: -1}

// Options are the root package's CallOptions, which documents the fields. The root imports this package, so its types
// Delivery, Attempt and Pace are the type parameters. The fields are the same and in the same order: CallOptions
// converts to Options[Delivery, Attempt, Pace], and the compiler notices when the two differ.
type Options[D ~uint8, A ~Attempt, P ~Pace] struct {
	Client      *http.Client
	Timeout     time.Duration
	MaxAttempts int
	MaxWait     time.Duration
	MaxTurn     time.Duration
	Pace        P
	Delivery    D
	UserAgent   string
	OnAttempt   func(context.Context, A)
}

// Problems lists what is wrong with the options. Each problem names its field.
func (o Options[D, A, P]) Problems() []string {
	var problems []string
	for _, field := range []struct {
		name     string
		negative bool
	}{
		{"Timeout", o.Timeout < 0}, {"MaxAttempts", o.MaxAttempts < 0}, {"MaxWait", o.MaxWait < 0},
		{"MaxTurn", o.MaxTurn < 0},
	} {
		if field.negative {
			problems = append(problems, "Call."+field.name+": must not be negative")
		}
	}
	problems = append(problems, paceProblems(Pace(o.Pace))...)
	if Delivery(o.Delivery) > AtMostOnce {
		problems = append(problems, "Call.Delivery: unknown")
	}
	if !validHeaderValue(o.UserAgent) {
		problems = append(problems, "Call.UserAgent: has a control character")
	}
	return problems
}

func paceProblems(p Pace) []string {
	switch {
	case p == Unpaced:
		return nil
	case p.N < 0 || p.Per < 0:
		return []string{"Call.Pace: must not be negative"}
	case p.N == 0 && p.Per > 0:
		return []string{"Call.Pace.N: required with Per"}
	case p.N > 0 && p.Per == 0:
		return []string{"Call.Pace.Per: required with N"}
	case p.N > maxPlaces:
		return []string{"Call.Pace.N: must be at most " + strconv.Itoa(maxPlaces)}
	case p.Per > maxPer:
		return []string{"Call.Pace.Per: must be at most " + maxPer.String()}
	}
	return nil
}

// The limits of a caller's Pace: of what a lane keeps in memory, and of how long it remembers.
const (
	maxPlaces = 10_000
	maxPer    = 31 * 24 * time.Hour
)
