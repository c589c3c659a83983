package transport_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// lateTests are calls whose turn does not come in time, behind two calls in a lane of 2 per minute.
var lateTests = []struct {
	name    string
	options options
	timeout time.Duration
	hang    bool
	class   transport.Class
	after   time.Duration
}{
	{"after MaxTurn", options{MaxTurn: 59 * time.Second}, 0, false, limited, time.Minute},
	{"after the deadline", options{}, 50 * time.Second, false, limited, time.Minute},
	{"just before the deadline", options{}, time.Minute + 50*time.Millisecond, false, limited, time.Minute},
	{"behind calls without an answer", options{MaxTurn: 50 * time.Second, MaxAttempts: 1}, 0, true, unavailable, 62 * time.Second},
}

func TestATurnThatComesTooLateIsRefusedAtOnce(t *testing.T) {
	for _, tt := range lateTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(0, 1)
				w.answer = func(*http.Request) *http.Response {
					if tt.hang {
						time.Sleep(11 * time.Second)
					}
					return response(200, answer)
				}
				tp := w.transport(tt.options)
				lane := tp.Lane(transport.Limit{N: 2, Per: time.Minute}, "room")
				all(t.Context(), 2, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
				passed := time.Since(w.start)
				ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(tt.timeout, time.Hour))
				defer cancel()
				start := time.Now()
				r := tp.Do(ctx, call(t, 2, lane))
				check(t, "class", r.Class, tt.class)
				check(t, "RetryAfter", r.RetryAfter, tt.after-passed)
				check(t, "attempts", r.Attempts, 0)
				check(t, "time", time.Since(start), 0)
				check(t, "requests", len(w.bodies), 2)
				if r.Err == nil {
					t.Error("no cause")
				}
			})
		})
	}
}

// It is not known when a place comes back whose call waits for another lane. The turn is told as if it began now.
func TestTheTurnBehindACallThatWaitsForAnotherLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		room := tp.Lane(transport.Limit{N: 1, Per: 10 * time.Second}, "room")
		account := tp.WideLane(transport.Limit{N: 1, Per: time.Minute}, "account")
		tp.Do(t.Context(), call(t, 0, account))
		var wg sync.WaitGroup
		wg.Go(func() { tp.Do(t.Context(), call(t, 1, room, account)) })
		synctest.Wait()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := tp.Do(soon, call(t, 2, room))
		check(t, "class", r.Class, limited)
		check(t, "RetryAfter", r.RetryAfter, 10*time.Second)
		wg.Wait()
	})
}

// Callers that are refused together are told different times.
func TestRefusedCallersDoNotComeBackTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{MaxTurn: time.Second})
		lane := tp.Lane(transport.Limit{N: 10, Per: 10 * time.Second}, "room")
		calls := make([]int, 100)
		all(t.Context(), 100, func(ctx context.Context, i int) (r transport.Result) {
			for r.Class != done {
				calls[i]++
				r = tp.Do(ctx, call(t, i, lane))
				time.Sleep(r.RetryAfter)
			}
			return r
		})
		check(t, "calls of the one with the most", slices.Max(calls), 2)
		if took := time.Since(w.start); took > 110*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestCancelledWaitersHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Second}, "room")
		times := make([]time.Duration, 60)
		results := all(t.Context(), 60, func(ctx context.Context, i int) transport.Result {
			defer func() { times[i] = time.Since(w.start) }()
			if i%2 == 1 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				time.AfterFunc(500*time.Millisecond, cancel)
			}
			return tp.Do(ctx, call(t, i, lane))
		})
		for i, r := range results {
			if i%2 == 0 {
				check(t, "wait", r.Waited, time.Duration(i/2)*time.Second)
				continue
			}
			check(t, "class", r.Class, unavailable)
			check(t, "attempts", r.Attempts, 0)
			check(t, "time", times[i], 500*time.Millisecond)
			if !errors.Is(r.Err, context.Canceled) {
				t.Error(r.Err)
			}
		}
	})
}

func TestNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 2, Per: time.Hour, Late: transport.Never}, "channel")
		results := all(t.Context(), 3, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		check(t, "class", results[1].Class, done)
		check(t, "class of what would wait", results[2].Class, limited)
		check(t, "RetryAfter", results[2].RetryAfter, time.Hour)
	})
}

// Calls whose turn is too far back in the queue do not wait in vain: they are refused when they come.
func TestTheQueueIsTooLong(t *testing.T) {
	tests := []struct {
		name  string
		limit transport.Limit
		fit   int // calls that get their turn within 5 seconds
	}{
		{"places", transport.Limit{N: 2, Per: 2 * time.Second}, 6},
		{"a gap", transport.Limit{N: 10, Per: time.Second, Gap: time.Second}, 6},
		{"nothing that is counted", transport.Limit{Gap: time.Second}, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(0, 1)
				tp := w.transport(options{MaxTurn: 5 * time.Second})
				lane := tp.Lane(tt.limit, "room")
				times := make([]time.Duration, 20)
				results := all(t.Context(), 20, func(ctx context.Context, i int) transport.Result {
					defer func() { times[i] = time.Since(w.start) }()
					return tp.Do(ctx, call(t, i, lane))
				})
				for i, r := range results {
					if i < tt.fit {
						check(t, "class of a call that fits", r.Class, done)
						continue
					}
					check(t, "class", r.Class, limited)
					check(t, "time", times[i], 0)
				}
			})
		})
	}
}

// A caller that does not wait as long as it is told does not put off the others for ever.
func TestImpatientCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{MaxTurn: time.Second})
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Minute}, "room")
		var r transport.Result
		for i := range 100 {
			r = tp.Do(t.Context(), call(t, i, lane))
		}
		check(t, "RetryAfter", r.RetryAfter, 6*time.Minute)
	})
}

// A place that comes back later than was expected does not keep a call beyond MaxTurn.
func TestAPlaceThatComesBackLate(t *testing.T) {
	tests := []struct {
		name  string
		limit transport.Limit
		class transport.Class
		time  time.Duration // of all
	}{
		{"because of a slow answer", transport.Limit{N: 1, Per: 10 * time.Second}, limited, 11 * time.Second},
		{"because of a hanging call", transport.Limit{N: 1}, unavailable, 18 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(0, 1)
				w.answer = func(*http.Request) *http.Response {
					time.Sleep(9 * time.Second)
					return response(200, answer)
				}
				tp := w.transport(options{MaxTurn: 11 * time.Second, Timeout: time.Minute})
				lane := tp.Lane(tt.limit, "room")
				results := all(t.Context(), 3, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
				check(t, "class", results[2].Class, tt.class)
				check(t, "attempts", results[2].Attempts, 0)
				check(t, "time of all", time.Since(w.start), tt.time)
				check(t, "class of a later call", tp.Do(t.Context(), call(t, 3, lane)).Class, done)
			})
		})
	}
}

// The longest MaxTurn bounds nothing.
func TestTheLongestMaxTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		time.Sleep(time.Hour)
		tp := w.transport(options{MaxTurn: math.MaxInt64})
		time.Sleep(time.Hour)
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Hour}, "room")
		for i, want := range []time.Duration{0, time.Hour} {
			r := tp.Do(t.Context(), call(t, i, lane))
			check(t, "class", r.Class, done)
			check(t, "waited", r.Waited, want)
		}
	})
}

// A turn is taken if there is time for the answer.
func TestATurnBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Minute}, "room")
		tp.Do(t.Context(), call(t, 0, lane))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+200*time.Millisecond)
		defer cancel()
		check(t, "class", tp.Do(ctx, call(t, 1, lane)).Class, done)
		fast := tp.Lane(transport.Limit{N: 1, Per: 430 * time.Millisecond}, "room")
		tp.Do(t.Context(), call(t, 2, fast))
		ctx, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond) // a tenth is for the answer
		defer cancel()
		check(t, "class with little time", tp.Do(ctx, call(t, 3, fast)).Class, done)
	})
}

// A later attempt without a turn leaves what the earlier attempts have proved.
func TestALaterAttemptWithoutATurn(t *testing.T) {
	for repeat, want := range map[transport.Repeat]transport.Class{transport.Replay: unavailable, transport.Message: ambiguous} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(0, 1)
			w.answer = func(*http.Request) *http.Response { return response(503, "") }
			tp := w.transport(options{MaxTurn: 30 * time.Second})
			request := call(t, 0, tp.Lane(transport.Limit{N: 1, Per: time.Minute}, "room"))
			request.Repeat = repeat
			r := tp.Do(t.Context(), request)
			check(t, "class", r.Class, want)
			check(t, "status", r.Status, 503)
			check(t, "attempts", r.Attempts, 1)
			check(t, "time until its turn", (time.Since(w.start) + r.RetryAfter).Round(time.Second), time.Minute)
		})
	}
}
