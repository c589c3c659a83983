package durable

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"github.com/mackerel-notify/mackerel"
)

func TestGate(t *testing.T) {
	down := &mackerel.Error{Kind: mackerel.ErrUnavailable}
	limited := func(d time.Duration) error { return &mackerel.Error{Kind: mackerel.ErrRateLimited, RetryAfter: d} }
	times := func(n int, err error) (all []error) {
		for range n {
			all = append(all, err)
		}
		return all
	}
	for _, c := range []struct {
		name string
		past []error // of deliveries, one after the other
		want time.Duration
	}{
		{"deliveries", times(100, nil), 0},
		{"four failures", times(4, down), 0},
		{"five failures", times(5, down), time.Second},
		{"seven failures", times(7, down), 4 * time.Second},
		{"a hundred failures", times(100, down), 15 * time.Second},
		{"a success in between", append(append(times(4, down), nil), times(4, down)...), 0},
		{"what fails for good is no outage", append(append(times(4, down), mackerel.ErrNotFound), times(4, down)...), 0},
		{"a part that fails is no outage", times(100, errors.Join(&mackerel.DeliveryError{Err: down})), 0},
		{"a refusal", []error{limited(time.Minute)}, time.Minute},
		{"a refusal for hours", []error{limited(3 * time.Hour)}, 5 * time.Minute},
		{"a refusal without a time", []error{limited(0)}, 0},
		{"a service that is away for a minute", []error{&mackerel.Error{Kind: mackerel.ErrUnavailable, RetryAfter: time.Minute}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{places: make(chan struct{}, 1), limit: rate.NewLimiter(rate.Inf, 1)}
				for _, err := range c.past {
					if err := g.enter(t.Context()); err != nil {
						t.Fatal(err)
					}
					g.note(err)
					g.leave()
				}
				begin := time.Now()
				if err := g.enter(t.Context()); err != nil || time.Since(begin) != c.want {
					t.Errorf("waited %v, want %v; %v", time.Since(begin), c.want, err)
				}
			})
		})
	}
}

// Two deliveries run at a time. The failure of the second does not end the wait that the service asked the first for.
func TestAGateAfterTwoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{places: make(chan struct{}, 2), limit: rate.NewLimiter(rate.Inf, 1)}
		for range 2 {
			if err := g.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		g.note(&mackerel.Error{Kind: mackerel.ErrRateLimited, RetryAfter: time.Minute})
		g.note(&mackerel.Error{Kind: mackerel.ErrUnavailable})
		g.leave()
		begin := time.Now()
		if err := g.enter(t.Context()); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("waited %v, %v", time.Since(begin), err)
		}
	})
}

func TestAGateEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{places: make(chan struct{}, 1), limit: rate.NewLimiter(rate.Every(time.Minute), 1)}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := g.enter(ctx); err == nil {
				g.note(&mackerel.Error{Kind: mackerel.ErrRateLimited, RetryAfter: time.Hour})
				g.leave()
			}
		}
		if len(g.places) != 0 {
			t.Error("a place is taken for ever")
		}
	})
}

func TestAGateAtRest(t *testing.T) {
	for _, ends := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := &gate{places: make(chan struct{}, 1), limit: rate.NewLimiter(rate.Inf, 1)}
			if err := g.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			rested := make(chan error)
			go func() { rested <- g.rest(ctx, time.Minute) }()
			synctest.Wait()
			if len(g.places) != 0 {
				t.Error("a delivery at rest has a place")
			}
			if ends {
				cancel()
			}
			if err := <-rested; (err != nil) != ends || len(g.places) != 1 {
				t.Errorf("%v, %d places are taken", err, len(g.places))
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	for tries, want := range map[uint64]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		if got := backoff(tries); got != want {
			t.Errorf("after %d tries it waits %v, want %v", tries, got, want)
		}
	}
}

func TestRank(t *testing.T) {
	var b backlog
	for _, c := range []struct{ first, seq, want uint64 }{
		{10, 20, 0}, {10, 40, 1}, {10, 30, 1}, {10, 40, 2}, {20, 40, 1}, {40, 50, 0}, {40, 50, 0}, {40, 60, 1}, {100, 101, 0}, {100, 120, 1},
	} {
		if got := b.rank("s", c.first, c.seq); got != int(c.want) {
			t.Errorf("rank of %d behind %d is %d, want %d", c.seq, c.first, got, c.want)
		}
	}
	for i := range uint64(2 * maxBacklog) {
		b.rank("busy", 1, 2+i)
	}
	if n := len(b.seqs["busy"]); n != maxBacklog {
		t.Errorf("it remembers %d messages of a key", n)
	}
	for i := range 3 * maxBacklogKeys {
		b.rank(strconv.Itoa(i), 1, 2)
		if n := len(b.seqs); n > maxBacklogKeys {
			t.Fatalf("it remembers %d keys", n)
		}
	}
}

func TestRecent(t *testing.T) {
	var r recent[int, int]
	const n = 5*recentSize + recentSize/2
	for i := range n {
		r.set(i, i+1)
	}
	if size := len(r.new) + len(r.old); size > 2*recentSize || r.get(n-1) == 0 || r.get(n-recentSize) == 0 || r.get(0) != 0 {
		t.Errorf("it remembers %d", size)
	}
}

func TestTheDefaultsOfAWorker(t *testing.T) {
	n := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return nil })
	w, err := new(Store).NewWorker(WorkerConfig{Queue: "q", Notifier: n})
	if err != nil {
		t.Fatal(err)
	}
	c := w.config
	if c.Concurrency != 8 || c.Workers != 1 || c.MaxAge != 24*time.Hour || c.Timeout != 10*time.Minute ||
		c.AckWait != 30*time.Second || c.Grace != 30*time.Second || w.gate.limit.Limit() != rate.Inf || w.String() != "worker q" {
		t.Errorf("%s has %+v", w, c)
	}
	c = WorkerConfig{
		Queue: "q", Notifier: n, Concurrency: 3, Workers: 2, MaxAge: 1, Timeout: 2, AckWait: 3, Grace: 4,
		Pace: mackerel.Pace{N: 20, Per: 2 * time.Second},
	}
	if w, err = new(Store).NewWorker(c); err != nil {
		t.Fatal(err)
	}
	got := w.config
	if got.Concurrency != 3 || got.Workers != 2 || got.MaxAge != 1 || got.Timeout != 2 || got.AckWait != 3 || got.Grace != 4 ||
		w.gate.limit.Limit() != 5 { // 20 in 2 s, by two workers
		t.Errorf("%+v became %+v, with %v alerts a second", c, got, w.gate.limit.Limit())
	}
}

// The id of an alert that a worker passes on, that was received, or whose delivery has an id, is that of a repeat too.
func TestTheIDOfAnAlert(t *testing.T) {
	q := &Queue{&Store{config: Config{Name: "mackerel"}}, "in"}
	received := mackerel.Alert{Raw: []byte("{}")}
	for name, c := range map[string]struct {
		ctx   context.Context
		alert mackerel.Alert
		named bool
	}{
		"by hand":      {t.Context(), mackerel.Alert{}, false},
		"with an id":   {mackerel.WithDeliveryID(t.Context(), "d"), mackerel.Alert{}, true},
		"received":     {t.Context(), received, true},
		"by a worker":  {context.WithValue(t.Context(), originKey{}, "o"), mackerel.Alert{}, true},
		"and received": {context.WithValue(t.Context(), originKey{}, "o"), received, true},
	} {
		_, id, named := q.message(c.ctx, c.alert, []byte("{}"))
		_, again, _ := q.message(c.ctx, c.alert, []byte("{}"))
		if named != c.named || (id == again) != c.named || id == "" {
			t.Errorf("%s: %q, then %q; named %t", name, id, again, named)
		}
	}
}

// Only if the server may have stored an alert, and the alert has no id, a repeat may store it twice.
func TestLost(t *testing.T) {
	for _, err := range []error{
		&jetstream.APIError{Code: 503}, jetstream.ErrNoStreamResponse, nats.ErrNoResponders, nats.ErrMaxPayload,
		nats.ErrConnectionClosed, nats.ErrConnectionDraining, nats.ErrReconnectBufExceeded,
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrDisconnected,
	} {
		unknown := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrDisconnected)
		for _, named := range []bool{false, true} {
			if e := lost(t.Context(), err, 1, named); errors.Is(e, mackerel.ErrAmbiguous) != (unknown && !named) || e.Attempts != 1 {
				t.Errorf("%v, named %t: got %v", err, named, e)
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if e := lost(ended, err, 1, named); strings.Contains(e.Error(), "%!") {
				t.Errorf("got %v", e)
			}
		}
	}
}

// A limit is for calls without a deadline.
func TestBounded(t *testing.T) {
	now := time.Now()
	ctx, cancel := bounded(t.Context(), time.Hour)
	defer cancel()
	if end, ok := ctx.Deadline(); !ok || end.Before(now.Add(time.Hour)) || end.After(time.Now().Add(time.Hour)) {
		t.Errorf("got %v", end)
	}
	again, cancel := bounded(ctx, time.Minute)
	if cancel(); again != ctx || ctx.Err() != nil {
		t.Error("a deadline is changed, or the context of the caller ended")
	}
}

// The reason of a dead letter is on one line, without control characters and of limited length.
func TestLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"a", "a"},
		{" a\r\n\tb\u3000c\x1b[m\u0085d ", "a b c [m d"},
		{"a\xffb", "a\uFFFDb"},
		{"1234567890", "1234567890"},
		{"12345678901", "1234567…"},
		{"123456長い", "123456…"},
		{"1234長い", "1234長い"},
	} {
		if got := line(c.text, 10); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.text, got, c.want)
		}
	}
}
