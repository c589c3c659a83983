package transport_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A world is a service that counts requests at a random time between their start and their answer. It works in a bubble.
type world struct {
	random  *rand.Rand
	latency time.Duration // of the slowest answer
	answer  func(*http.Request) *http.Response

	mu      sync.Mutex
	start   time.Time
	counted []time.Duration // when requests were counted
	bodies  []string        // in the order in which the requests began
}

func newWorld(latency time.Duration, seed uint64) *world {
	return &world{
		random: rand.New(rand.NewPCG(seed, seed)), latency: latency, start: time.Now(),
		answer: func(*http.Request) *http.Response { return response(200, answer) },
	}
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.bodies = append(w.bodies, r.Header.Get("X-Call"))
	way, back := w.some(), w.some()
	w.mu.Unlock()
	time.Sleep(way)
	w.mu.Lock()
	w.counted = append(w.counted, time.Since(w.start))
	w.mu.Unlock()
	time.Sleep(back)
	resp := w.answer(r)
	return resp, r.Context().Err()
}

func (w *world) some() time.Duration {
	if w.latency == 0 {
		return 0
	}
	return time.Duration(w.random.Int64N(int64(w.latency) / 2))
}

// transport returns a transport through the world.
func (w *world) transport(o options) *transport.Transport {
	o.Client = &http.Client{Transport: w}
	return transport.New("chatwork", o)
}

// densest returns how many requests were counted in the densest window of this length.
func (w *world) densest(per time.Duration) int {
	slices.Sort(w.counted)
	most, first := 0, 0
	for i, at := range w.counted {
		for w.counted[first] <= at-per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// call returns a request of a lane, with the number of its call.
func call(t testing.TB, number int, lanes ...transport.Lane) transport.Request {
	t.Helper()
	r := post(t, "https://api.test")
	r.Header = http.Header{"X-Call": {strconv.Itoa(number)}}
	r.Lanes = lanes
	return r
}

// all makes n calls at once and returns their results.
func all(ctx context.Context, n int, do func(ctx context.Context, i int) transport.Result) []transport.Result {
	results := make([]transport.Result, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { results[i] = do(ctx, i) })
		synctest.Wait() // the order of the calls is that of their numbers
	}
	wg.Wait()
	return results
}

func numbers(n int) (all []string) {
	for i := range n {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

func TestNoWindowHasMoreThanTheLimit(t *testing.T) {
	for seed := range uint64(20) {
		for _, limit := range []transport.Limit{
			{N: 10, Per: 10 * time.Second}, {N: 1, Per: time.Second}, {N: 3, Per: 3 * time.Second, Gap: time.Second},
		} {
			t.Run(fmt.Sprint(limit.N, " per ", limit.Per, ", seed ", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(min(1800*time.Millisecond, limit.Per), seed)
					tp := w.transport(options{})
					lane := tp.Lane(limit, "room")
					results := all(t.Context(), 100, func(ctx context.Context, i int) transport.Result {
						return tp.Do(ctx, call(t, i, lane))
					})
					for _, r := range results {
						check(t, "class", r.Class, done)
					}
					if got := w.densest(limit.Per); got > limit.N {
						t.Errorf("%d requests within %v", got, limit.Per)
					}
					if got, want := w.bodies, numbers(100); !slices.Equal(got, want) {
						t.Errorf("sent in the order %v", got)
					}
				})
			})
		}
	}
}

func TestTwoMessagesAreAGapApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 3, Per: 3 * time.Second, Gap: time.Second}, "hook")
		all(t.Context(), 20, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		check(t, "messages within a second", w.densest(time.Second), 1)
		check(t, "time for 20", time.Since(w.start), 19*time.Second)
	})
}

// A hanging request gives its place back, and the next waits no longer than the limit and two seconds.
func TestHangingRequestsDoNotStopALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "0" {
				time.Sleep(9 * time.Second)
			}
			return response(200, answer)
		}
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 1, Per: time.Second}, "room")
		results := all(t.Context(), 3, func(ctx context.Context, i int) transport.Result { return tp.Do(ctx, call(t, i, lane)) })
		check(t, "wait of the second", results[1].Waited, 3*time.Second)
		check(t, "wait of the third", results[2].Waited, 4*time.Second)
	})
}

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

// A request that waits for the account's lane has a place in the room's. Calls to other rooms go on.
func TestTwoLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		account := tp.WideLane(transport.Limit{N: 4, Per: 4 * time.Second}, "account")
		room := func(i int) transport.Lane {
			return tp.Lane(transport.Limit{N: 1, Per: time.Second}, "room", strconv.Itoa(i))
		}
		all(t.Context(), 12, func(ctx context.Context, i int) transport.Result {
			return tp.Do(ctx, call(t, i, room(i%3), account))
		})
		check(t, "in four seconds", w.densest(4*time.Second), 4)
		check(t, "time for 12", time.Since(w.start), 9*time.Second)
	})
}

func TestRanks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		lane := tp.Lane(transport.Limit{N: 2, Per: time.Second, Spare: 1}, "account")
		ranks := []uint8{transport.RankRead, transport.RankRead, transport.RankUsual, transport.RankFirst, transport.RankFirst}
		all(t.Context(), len(ranks), func(ctx context.Context, i int) transport.Result {
			r := call(t, i, lane)
			r.Rank = ranks[i]
			return tp.Do(ctx, r)
		})
		check(t, "order", fmt.Sprint(w.bodies), "[0 2 3 4 1]")
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
		late := soon(4)
		check(t, "class after a refusal", late.Class, limited)
		check(t, "attempts after a refusal", late.Attempts, 0)
		refuse = false
		check(t, "class with time enough", tp.Do(t.Context(), call(t, 5, lane)).Class, done)
		check(t, "order", fmt.Sprint(w.bodies), "[0 1 2 3 5]")
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

func TestWhoSharesALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := transport.Limit{N: 1, Per: time.Minute}
		w := newWorld(0, 1)
		client := &http.Client{Transport: w}
		one := func(client *http.Client, o options, provider string, parts ...string) time.Duration {
			o.Client = client
			tp := transport.New(provider, o)
			return tp.Do(t.Context(), call(t, 0, tp.Lane(limit, parts...))).Waited
		}
		named := options{Pace: transport.Pace{Name: "channel"}}
		check(t, "the first", one(client, options{}, "slack", "a", "b"), 0)
		check(t, "another client", one(&http.Client{Transport: w}, options{}, "slack", "a", "b"), 0)
		check(t, "another service", one(client, options{}, "teams", "a", "b"), 0)
		check(t, "another room", one(client, options{}, "slack", "ab", ""), 0)
		check(t, "another pace", one(client, options{Pace: transport.Pace{N: 5, Per: time.Minute}}, "slack", "a", "b"), 0)
		check(t, "without a pace", one(client, options{Pace: transport.Unpaced}, "slack", "a", "b"), 0)
		check(t, "the first of a name", one(client, named, "slack", "a", "b"), 0)
		check(t, "another of the name", one(client, named, "slack", "c"), time.Minute)
		check(t, "the same", one(client, options{}, "slack", "a", "b"), 0)
		check(t, "the same at once", one(client, options{}, "slack", "a", "b"), time.Minute)
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
			})
		})
	}
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

// Places of requests that the service cannot have counted are free at once.
func TestPlacesThatWereNotUsed(t *testing.T) {
	inBubble(t, "because there was no connection", func(t *testing.T, s *fakehttp.Server) {
		refuse := func() (net.Conn, error) { return nil, errors.New("refused") }
		tp := transport.New("chatwork", through(dialing(pipe(t, s), 1, refuse)))
		request := post(t, fakehttp.MemoryURL)
		request.Lanes = []transport.Lane{tp.Lane(transport.Limit{N: 1, Per: time.Minute}, "room")}
		r := tp.Do(t.Context(), request)
		check(t, "class", r.Class, done)
		check(t, "attempts", r.Attempts, 2)
		check(t, "waited", r.Waited, 0)
	})
	inBubble(t, "because the call was cancelled in the queue of the account", func(t *testing.T, _ *fakehttp.Server) {
		w := newWorld(0, 1)
		tp := w.transport(options{})
		room := tp.Lane(transport.Limit{N: 1, Per: time.Minute}, "room")
		account := tp.WideLane(transport.Limit{N: 1, Per: 2 * time.Second}, "account")
		tp.Do(t.Context(), call(t, 0, account))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		check(t, "class", tp.Do(ctx, call(t, 1, room, account)).Class, unavailable)
		check(t, "waited", tp.Do(t.Context(), call(t, 2, room)).Waited, 0)
	})
	inBubble(t, "after a lost answer, if only requests under way count", func(t *testing.T, _ *fakehttp.Server) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "0" {
				time.Sleep(time.Minute)
			}
			return response(200, answer)
		}
		tp := w.transport(options{MaxAttempts: 1, Timeout: time.Second})
		lane := tp.Lane(transport.Limit{N: 1}, "account")
		tp.Do(t.Context(), call(t, 0, lane))
		r := tp.Do(t.Context(), call(t, 1, lane))
		check(t, "class", r.Class, done)
		check(t, "waited", r.Waited, 0)
	})
}
