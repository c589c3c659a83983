package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestRanks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 2, Per: time.Second, Spare: 1}, "account")
		const first, usual, read = transport.RankFirst, transport.RankUsual, transport.RankRead
		ranks := []uint8{read, read, usual, first, first, usual, read}
		all(t.Context(), len(ranks), func(ctx context.Context, i int) transport.Result {
			r := call(t, i, lane)
			r.Rank = ranks[i]
			return tp.Do(ctx, r)
		})
		check(t, "order", fmt.Sprint(w.bodies), "[0 2 3 4 5 1 6]")
	})
}

// Events about one thing go one after the other, with all their attempts. The first event about a thing goes before
// repeats about other things.
func TestSerial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		fail := 2
		w.answer = func(r *http.Request) *http.Response {
			if fail > 0 && r.Header.Get("X-Call") == "0" {
				fail--
				return response(503, "")
			}
			return response(200, answer)
		}
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 4, Per: time.Minute}, "key")
		about := []string{"a", "a", "a", "b", "c"}
		results := all(t.Context(), len(about), func(ctx context.Context, i int) transport.Result {
			r := call(t, i, lane)
			r.Serial, r.Repeat = about[i], transport.Replay
			return tp.Do(ctx, r)
		})
		check(t, "order", fmt.Sprint(w.bodies), "[0 3 4 0 0 1 2]")
		for _, r := range results {
			check(t, "class", r.Class, done)
		}
	})
}

// Without a pace, events about one thing are sent as they come.
func TestSerialWithoutAPace(t *testing.T) {
	for _, lanes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(0, 1)
			w.answer = func(*http.Request) *http.Response {
				time.Sleep(time.Second)
				return response(200, answer)
			}
			tp := w.transport(options{Pace: transport.Unpaced})
			all(t.Context(), 2, func(ctx context.Context, i int) transport.Result {
				r := call(t, i)
				if r.Serial = "a"; lanes {
					r.Lanes = []transport.Lane{tp.Lane(transport.Limit{N: 1, Per: time.Minute}, "key")}
				}
				return tp.Do(ctx, r)
			})
			check(t, "time", time.Since(w.start), time.Second)
		})
	}
}

// A lane that must not refuse sends what does not fit, as long as the service has not refused.
func TestHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		refuse := false
		w.answer = func(*http.Request) *http.Response {
			if refuse {
				return response(429, "")
			}
			return response(200, answer)
		}
		tp := w.transport(options{MaxAttempts: 1})
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Minute, Gate: time.Minute, Late: transport.Hurry}, "key")
		soon := func(i int) transport.Result {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return tp.Do(ctx, call(t, i, lane))
		}
		for i := range 3 {
			r := soon(i)
			check(t, "class", r.Class, done)
			check(t, "waited", r.Waited, 0)
		}
		refuse = true
		check(t, "class", soon(3).Class, limited)
		start := time.Now()
		late := soon(4)
		check(t, "class after a refusal", late.Class, limited)
		check(t, "time after a refusal", time.Since(start), 0)
		check(t, "attempts after a refusal", late.Attempts, 0)
		refuse = false
		check(t, "class with time enough", tp.Do(t.Context(), call(t, 5, lane)).Class, done)
		check(t, "order", fmt.Sprint(w.bodies), "[0 1 2 3 5]")
	})
}

// A lane that must not refuse waits for a place, but not longer than until half of the time is over.
func TestHurryWaitsForHalfOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(*http.Request) *http.Response {
			time.Sleep(8 * time.Second)
			return response(200, answer)
		}
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 2, Per: 10 * time.Second, Late: transport.Hurry}, "key")
		results := all(t.Context(), 5, func(ctx context.Context, i int) transport.Result {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			return tp.Do(ctx, call(t, i, lane))
		})
		const half = 14950 * time.Millisecond                       // of what is left without the time for the answer
		for i, want := range []time.Duration{0, 0, half, half, 0} { // the turn of the last is beyond half of its time
			check(t, "class", results[i].Class, done)
			check(t, "waited", results[i].Waited, want)
		}
	})
}

func TestATurnAtHalfOfTheTimeIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 1, Per: 10 * time.Second, Late: transport.Hurry}, "key")
		tp.Do(t.Context(), call(t, 0, lane))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second+100*time.Millisecond) // which are for the answer
		defer cancel()
		check(t, "waited", tp.Do(ctx, call(t, 1, lane)).Waited, 10*time.Second)
	})
}

// The gap is counted from a request that did not wait for it, too.
func TestTheGapAfterAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{Gap: 10 * time.Second, Late: transport.Hurry}, "key")
		tp.Do(t.Context(), call(t, 0, lane))
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		check(t, "waited in a hurry", tp.Do(ctx, call(t, 1, lane)).Waited, 0)
		check(t, "waited", tp.Do(t.Context(), call(t, 2, lane)).Waited, 10*time.Second)
	})
}

// A call in a hurry goes when the service lets it, also before a call that has more time.
func TestHurryAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "0" {
				return response(429, "")
			}
			return response(200, answer)
		}
		tp := w.transport(options{MaxAttempts: 1})
		lane := tp.Lane(transport.Limit{N: 1, Per: 5 * time.Minute, Gate: 40 * time.Second, Late: transport.Hurry}, "key")
		results := all(t.Context(), 3, func(ctx context.Context, i int) transport.Result {
			ctx, cancel := context.WithTimeout(ctx, []time.Duration{time.Hour, time.Hour, time.Minute}[i])
			defer cancel()
			return tp.Do(ctx, call(t, i, lane))
		})
		check(t, "class", results[2].Class, done)
		check(t, "waited", results[2].Waited, 40*time.Second)
		check(t, "order", fmt.Sprint(w.bodies), "[0 2 1]")
	})
}

// The first event about a thing goes before repeats about other things.
func TestFirstEventsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Second}, "key")
		event := func(i int, about string) transport.Result {
			r := call(t, i, lane)
			r.Serial = about
			return tp.Do(t.Context(), r)
		}
		event(0, "a")
		event(1, "b")
		all(t.Context(), 4, func(_ context.Context, i int) transport.Result {
			return event(i+2, []string{"a", "b", "c", "d"}[i])
		})
		check(t, "order", fmt.Sprint(w.bodies), "[0 1 4 5 2 3]")
	})
}
