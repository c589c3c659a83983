package transport_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A turn in another protocol than HTTP ends as its requests do.
func TestTheEndOfATurn(t *testing.T) {
	for _, tt := range []struct {
		name           string
		sent, answered bool
		class          transport.Class // of a call that cannot wait
		after          time.Duration   // until its turn
	}{
		{"it has an answer", true, true, limited, time.Minute},
		{"it has no answer", true, false, unavailable, time.Minute},
		{"it was not sent", false, false, done, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newWorld(0, 1).transport(options{})
				lane := tr.Lane(transport.Limit{N: 1, Per: time.Minute}, "account")
				first, second := tr.Turn(lane), tr.Turn(lane)
				defer first.Close()
				defer second.Close()
				class, after, err := first.Take(t.Context())
				if class != done || after != 0 || err != nil {
					t.Fatal(class, after, err)
				}
				first.Leave(tt.sent, tt.answered)
				soon, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				class, after, err = second.Take(soon)
				if class != tt.class || after != tt.after || (err == nil) != (tt.class == done) {
					t.Errorf("%v, %v, %v", class, after, err)
				}
			})
		})
	}
}

func TestATurnWhoseContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newWorld(0, 1).transport(options{})
		lane := tr.Lane(transport.Limit{N: 1, Per: time.Minute}, "account")
		for _, want := range []transport.Class{done, unavailable} {
			turn := tr.Turn(lane)
			defer turn.Close()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			class, after, err := turn.Take(ctx)
			if class != want || after != 0 || errors.Is(err, context.Canceled) != (want == unavailable) {
				t.Errorf("%v, %v, %v", class, after, err)
			}
			turn.Leave(true, true)
		}
	})
}

func TestTheWaitsOfATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newWorld(0, 1).transport(options{})
		turn := tr.Turn(tr.Lane(transport.Limit{N: 1, Per: time.Minute}, "account"))
		defer turn.Close()
		for range 3 {
			if _, _, err := turn.Take(t.Context()); err != nil {
				t.Fatal(err)
			}
			turn.Leave(true, true)
		}
		check(t, "waited", turn.Waited(), 2*time.Minute)
	})
}

// Refusals in a row stop the lane longer and longer, until the service takes a request.
func TestTheRefusalsOfATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newWorld(0, 1).transport(options{})
		turn := tr.Turn(tr.Lane(transport.Limit{N: 9, Per: time.Second, Gate: time.Second, GateMax: time.Hour}, "account"))
		defer turn.Close()
		for _, want := range []time.Duration{time.Second, 2 * time.Second, 0, time.Second} {
			if _, _, err := turn.Take(t.Context()); err != nil {
				t.Fatal(err)
			}
			turn.Leave(true, true)
			if want == 0 {
				turn.Took()
				continue
			}
			check(t, "stopped for", turn.Refused(), want)
			time.Sleep(time.Minute)
		}
	})
}

// Without a pace no turn waits, and no refusal stops another call.
func TestATurnWithoutAPace(t *testing.T) {
	tr := transport.New("email", options{Pace: transport.Unpaced})
	turn := tr.Turn(tr.Lane(transport.Limit{N: 1, Per: time.Hour, Gate: time.Hour}, "account"))
	defer turn.Close()
	for range 2 {
		class, after, err := turn.Take(t.Context())
		if class != done || after != 0 || err != nil {
			t.Errorf("%v, %v, %v", class, after, err)
		}
		turn.Leave(true, true)
		turn.Took()
		check(t, "stopped for", turn.Refused(), 0)
	}
}
