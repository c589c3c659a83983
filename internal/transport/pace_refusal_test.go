package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A refusal stops everybody for as long as it says. The refused call is the first to go on.
func TestARefusalStopsTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		refuse := true
		w.answer = func(*http.Request) *http.Response {
			if !refuse {
				return response(200, answer)
			}
			refuse = false
			r := response(429, "")
			r.Header = after("7")
			return r
		}
		tp := w.transport(options{})
		lane, other := tp.Lane(transport.Limit{N: 1, Per: time.Second}, "room"), tp.Lane(transport.Limit{N: 1}, "other")
		results := all(t.Context(), 5, func(ctx context.Context, i int) transport.Result {
			if i == 4 {
				return tp.Do(ctx, call(t, i, other))
			}
			return tp.Do(ctx, call(t, i, lane))
		})
		check(t, "order", fmt.Sprint(w.bodies), "[0 4 0 1 2 3]")
		check(t, "attempts of the refused call", results[0].Attempts, 2)
		check(t, "wait for its turn", results[0].Waited, 0)
		check(t, "wait of the next", results[1].Waited, 8*time.Second)
		check(t, "wait of another lane", results[4].Waited, 0)
	})
}

// gateTests are refusals, and for how long they stop the lane.
var gateTests = []struct {
	name  string
	limit transport.Limit
	after string // Retry-After
	want  []time.Duration
}{
	{"a refusal that says", transport.Limit{Gate: time.Minute}, "7", []time.Duration{7 * time.Second, 7 * time.Second}},
	{"a refusal that does not say", transport.Limit{Gate: time.Minute}, "", []time.Duration{time.Minute, time.Minute}},
	{"refusals in a row", transport.Limit{Gate: time.Second, GateMax: 3 * time.Second}, "",
		[]time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second}},
	{"a refusal, a success and a refusal", transport.Limit{Gate: time.Second, GateMax: time.Minute}, "",
		[]time.Duration{time.Second, 2 * time.Second, 0, time.Second}},
	{"a refusal for a day", transport.Limit{N: 5, Per: time.Second}, "86400", []time.Duration{24 * time.Hour}},
}

func TestHowLongARefusalStopsALane(t *testing.T) {
	for _, tt := range gateTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(0, 1)
				w.answer = func(r *http.Request) *http.Response {
					if r.Header.Get("X-Call") == "success" {
						return response(200, answer)
					}
					refusal := response(429, "")
					refusal.Header = after(tt.after)
					return refusal
				}
				tp := w.transport(options{MaxAttempts: 1})
				lane := tp.Lane(tt.limit, "room")
				for i, want := range tt.want {
					request := call(t, i, lane)
					if want == 0 {
						request.Header.Set("X-Call", "success")
					}
					r := tp.Do(t.Context(), request)
					check(t, "RetryAfter", r.RetryAfter, want)
					if want == 0 {
						continue
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
					next := tp.Do(ctx, call(t, i, lane))
					cancel()
					check(t, "RetryAfter of the next", next.RetryAfter, min(want, 5*time.Minute))
					check(t, "its attempts", next.Attempts, 0)
					check(t, "its class", next.Class, limited)
					check(t, "its cause", next.Err.Error(), "not sent: the service has refused other calls and asked to wait")
					time.Sleep(want)
				}
			})
		})
	}
}

// If somebody else uses the limit too, the lane makes do with fewer places.
func TestOthersUseTheLimitToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		var mu sync.Mutex
		left, window := 4, time.Now()
		w.answer = func(*http.Request) *http.Response {
			mu.Lock()
			defer mu.Unlock()
			if time.Since(window) >= 10*time.Second {
				left, window = 4, time.Now()
			}
			if left--; left >= 0 {
				return response(200, answer)
			}
			return response(429, "")
		}
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 10, Per: 10 * time.Second, Gate: 10 * time.Second}, "room")
		results := all(t.Context(), 60, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		for _, r := range results {
			check(t, "class", r.Class, done)
		}
		if got, took := len(w.bodies), time.Since(w.start); got > 80 || took > 4*time.Minute {
			t.Errorf("%d requests for 60 calls, in %v", got, took)
		}
	})
}

// What the last answer within a limit says stops the lane, though it was a success.
func TestTheLastOfALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(*http.Request) *http.Response {
			r := response(200, answer)
			r.Header = leftUntil("0", epoch(0, 20*time.Second))
			return r
		}
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 300, Per: time.Minute}, "account")
		results := all(t.Context(), 2, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		check(t, "wait of the second", results[1].Waited, 20*time.Second)
	})
}

// Refusals of requests that were under way together are one refusal.
func TestRefusalsOfOneBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(*http.Request) *http.Response {
			time.Sleep(time.Second)
			return response(429, "")
		}
		tp := w.transport(options{MaxAttempts: 1})
		lane := tp.Lane(transport.Limit{N: 8, Per: time.Second, Gate: time.Second, GateMax: time.Minute}, "room")
		burst := func(n int) []transport.Result {
			return all(t.Context(), n, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		}
		for _, r := range burst(8) {
			check(t, "RetryAfter", r.RetryAfter, time.Second)
		}
		time.Sleep(5 * time.Second)
		waited := 0
		for _, r := range burst(8) { // the lane has given up a quarter of its places
			if r.Waited > 0 {
				waited++
				continue
			}
			check(t, "RetryAfter of the second burst", r.RetryAfter, 2*time.Second)
		}
		check(t, "requests that wait for a place", waited, 2)
	})
}

// A success between two refusals of one burst ends the row of refusals. The waits begin anew.
func TestASuccessWithinABurstOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			switch r.Header.Get("X-Call") {
			case "0":
				return response(429, "")
			case "1":
				time.Sleep(time.Second)
				return response(200, answer)
			}
			time.Sleep(2 * time.Second)
			return response(429, "")
		}
		tp := w.transport(options{MaxAttempts: 1})
		limit := transport.Limit{N: 8, Per: time.Second, Gate: time.Second, GateMax: time.Minute}
		lane := tp.Lane(limit, "room")
		numbers := []int{1, 2, 0} // the refusal that comes first begins last
		results := all(t.Context(), 3, func(ctx context.Context, i int) transport.Result {
			return tp.Do(ctx, call(t, numbers[i], lane))
		})
		check(t, "RetryAfter of the first refusal", results[2].RetryAfter, time.Second)
		check(t, "class of the success", results[0].Class, done)
		check(t, "RetryAfter of the last refusal", results[1].RetryAfter, time.Second)
	})
}

// A lane whose limit is long does not give up places: the service says when the limit ends.
func TestALongLimitKeepsItsPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "0" {
				return response(429, "")
			}
			return response(200, answer)
		}
		tp := w.transport(options{MaxAttempts: 1})
		lane := tp.Lane(transport.Limit{N: 8, Per: time.Minute, Gate: time.Second}, "account")
		tp.Do(t.Context(), call(t, 0, lane))
		time.Sleep(2 * time.Second)
		for _, r := range all(t.Context(), 7, func(ctx context.Context, _ int) transport.Result { return tp.Do(ctx, call(t, 1, lane)) }) {
			check(t, "waited", r.Waited, 0)
		}
	})
}

// When a refusal stops a lane, those whose turn now comes too late are told at once, and the others wait.
func TestARefusalDismissesWhoCannotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		refused := false
		w.answer = func(*http.Request) *http.Response {
			time.Sleep(time.Second)
			if refused {
				return response(200, answer)
			}
			refused = true
			return response(429, "")
		}
		tp := w.transport(options{MaxAttempts: 1})
		lane := tp.Lane(transport.Limit{N: 1, Per: 2 * time.Second, Gate: 10 * time.Second}, "room")
		times := make([]time.Duration, 5)
		results := all(t.Context(), 5, func(ctx context.Context, i int) transport.Result {
			defer func() { times[i] = time.Since(w.start) }()
			ctx, cancel := context.WithTimeout(ctx, []time.Duration{9, 9, 60, 12, 60}[i]*time.Second)
			defer cancel()
			return tp.Do(ctx, call(t, i, lane))
		})
		for i, want := range []transport.Class{limited, limited, done, limited, done} {
			check(t, "class", results[i].Class, want)
		}
		for _, i := range []int{1, 3} {
			check(t, "time", times[i], time.Second)
			check(t, "attempts", results[i].Attempts, 0)
		}
		check(t, "RetryAfter of the first in the queue", results[1].RetryAfter, 10*time.Second)
		check(t, "RetryAfter of the second that cannot wait", results[3].RetryAfter, 12*time.Second)
	})
}

// A wait that the service has asked for is no wait for a turn. What comes after it is.
func TestTheWaitAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		refused := false
		w.answer = func(*http.Request) *http.Response {
			if refused {
				return response(200, answer)
			}
			refused = true
			r := response(429, "")
			r.Header = after("7")
			return r
		}
		tp := w.transport(options{})
		r := tp.Do(t.Context(), call(t, 0, tp.Lane(transport.Limit{N: 1, Per: 10 * time.Second}, "room")))
		check(t, "class", r.Class, done)
		check(t, "waited", r.Waited, 3*time.Second)
	})
}

// Of two refusals, the lane stays stopped for the one that ends later.
func TestAShorterRefusalDoesNotOpenTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "2" {
				return response(200, answer)
			}
			refusal := response(429, "")
			refusal.Header = after(map[string]string{"0": "30", "1": "5"}[r.Header.Get("X-Call")])
			time.Sleep(map[string]time.Duration{"0": time.Second, "1": 2 * time.Second}[r.Header.Get("X-Call")])
			return refusal
		}
		tp := w.transport(options{MaxAttempts: 1})
		lane := tp.Lane(transport.Limit{N: 2, Per: time.Second}, "room")
		all(t.Context(), 2, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		tp.Do(t.Context(), call(t, 2, lane))
		check(t, "start of the third", w.counted[2], 31*time.Second)
	})
}

func TestARefusalUntilTheVeryEndOfMaxTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "1" {
				return response(200, answer)
			}
			time.Sleep(time.Second)
			return response(429, "")
		}
		tp := w.transport(options{MaxAttempts: 1, MaxTurn: 11 * time.Second})
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Second, Gate: 10 * time.Second}, "room")
		results := all(t.Context(), 2, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		check(t, "class", results[1].Class, done)
		check(t, "waited", results[1].Waited, 11*time.Second)
	})
}

// A wait that the service asks for is bounded by MaxWait, and not by MaxTurn.
func TestARefusedCallWaitsLongerThanMaxTurn(t *testing.T) {
	for _, wait := range []time.Duration{time.Minute, 6 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(0, 1)
			refused := false
			w.answer = func(*http.Request) *http.Response {
				if refused {
					return response(200, answer)
				}
				refused = true
				r := response(429, "")
				r.Header = after(strconv.Itoa(int(wait.Seconds())))
				return r
			}
			tp := w.transport(options{MaxTurn: time.Second, MaxWait: time.Hour})
			r := tp.Do(t.Context(), call(t, 0, tp.Lane(transport.Limit{N: 5, Per: time.Second}, "room")))
			check(t, "class", r.Class, done)
			check(t, "time", time.Since(w.start), wait)
		})
	}
}

// A refusal stops the lane that Limited names, and the last of a limit the widest lane.
func TestWhichLaneIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			switch r.Header.Get("X-Call") {
			case "0":
				return response(429, "")
			case "1":
				r := response(200, answer)
				r.Header = leftUntil("0", epoch(0, 20*time.Second))
				return r
			}
			return response(200, answer)
		}
		tp := w.transport(options{MaxAttempts: 1})
		limit := transport.Limit{N: 10, Per: time.Second, Gate: 10 * time.Second}
		room, other, account := tp.Lane(limit, "room"), tp.Lane(limit, "other"), tp.WideLane(limit, "account")
		waited := func(number int, limited int, lanes ...transport.Lane) time.Duration {
			r := call(t, number, lanes...)
			r.Limited = func(*transport.Result) int { return limited }
			return tp.Do(t.Context(), r).Waited
		}
		waited(1, 0, room, account)
		check(t, "the room, after the last of the account", waited(2, 0, room), 0)
		check(t, "the account", waited(2, 0, account), 20*time.Second)
		waited(0, 0, room, account)
		check(t, "another room, after a refusal for the first", waited(2, 0, other, account), 0)
		check(t, "the room", waited(2, 0, room, account), 10*time.Second)
		waited(0, 1, room, account)
		check(t, "another room, after a refusal for the account", waited(2, 0, other, account), 10*time.Second)
		check(t, "a room alone", waited(2, 0, room), 0)
		waited(0, 7, room) // as many lanes as there are
		check(t, "the room alone", waited(2, 0, room), 10*time.Second)
	})
}
