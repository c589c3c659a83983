package transport_test

import (
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

// A world is a service that counts requests at a random time between their start and their answer. It works in a
// bubble.
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

// The answer of a request that has hung longer than its place gives back no place of another request.
func TestAnAnswerAfterThePlaceHasComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const half = time.Second / 2
		starts := []time.Duration{0, 25 * half, 25 * half, 20 * time.Second}
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "0" {
				time.Sleep(8 * time.Second)
			}
			time.Sleep(5 * time.Second)
			return response(200, answer)
		}
		tp := w.transport(options{Timeout: time.Minute})
		lane := tp.Lane(transport.Limit{N: 2, Per: 10 * time.Second}, "room")
		results := all(t.Context(), 4, func(ctx context.Context, i int) transport.Result {
			time.Sleep(starts[i])
			return tp.Do(ctx, call(t, i, lane))
		})
		// The second and the third were answered after 17.5 s.
		check(t, "wait of the last", results[3].Waited, 15*half)
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
	inBubble(t, "say nothing about the service", func(t *testing.T, _ *fakehttp.Server) {
		w := newWorld(0, 1)
		w.answer = func(r *http.Request) *http.Response {
			if r.Header.Get("X-Call") == "2" {
				time.Sleep(5 * time.Second)
			}
			return response(200, answer)
		}
		tp := w.transport(options{})
		room := tp.Lane(transport.Limit{N: 2, Per: time.Minute}, "room")
		account := tp.WideLane(transport.Limit{N: 1, Per: time.Minute}, "account")
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tp.Do(t.Context(), call(t, 0, room, account))
		tp.Do(soon, call(t, 1, room, account))
		var wg sync.WaitGroup
		wg.Go(func() { tp.Do(t.Context(), call(t, 2, room)) })
		synctest.Wait()
		soon, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		check(t, "class of a call that is too late", tp.Do(soon, call(t, 3, room)).Class, limited)
		wg.Wait()
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
