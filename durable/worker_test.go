package durable_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

func failure(kind error, after time.Duration) *mackerel.Error {
	return &mackerel.Error{Provider: "room", Op: "post", Kind: kind, RetryAfter: after, Delivery: mackerel.AtLeastOnce}
}

// A router and several destinations, each with several workers, deliver everything once and in order.
func TestFromTheReceiverToTheRooms(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	rooms, queues := make([]*room, 3), make([]mackerel.Notifier, 3)
	for i := range rooms {
		var lock sync.Mutex
		rooms[i] = &room{answer: func(mackerel.Alert, int) error {
			lock.Lock()
			defer lock.Unlock()
			if rand.N(20) == 0 {
				return failure(mackerel.ErrUnavailable, 50*time.Millisecond)
			}
			return nil
		}}
		name := fmt.Sprint("room", i)
		queues[i] = queue(t, s, name)
		for range 3 {
			run(t, s, durable.WorkerConfig{Queue: name, Notifier: rooms[i]})
		}
	}
	for range 2 {
		run(t, s, durable.WorkerConfig{Queue: "in", Notifier: mackerel.Multi(queues...)})
	}
	const keys = 20
	events := 15
	if testing.Short() {
		events = 5
	}
	in := queue(t, s, "in")
	for e := range events {
		for k := range keys {
			store(t, in, fmt.Sprint("k", k), fmt.Sprintf("k%02d %02d", k, e))
		}
	}
	for _, r := range rooms {
		r.wait(t, keys*events)
		told := r.messages()
		if !slices.Equal(slices.Sorted(slices.Values(told)), slices.Sorted(slices.Values(slices.Compact(slices.Sorted(slices.Values(told)))))) {
			t.Error("a message was told twice")
		}
		last := make(map[string]string)
		for _, m := range told {
			key, _, _ := strings.Cut(m, " ")
			if m <= last[key] {
				t.Errorf("%s was told after %s", m, last[key])
			}
			last[key] = m
		}
	}
}

// What becomes of an alert follows from the error.
func TestOutcomes(t *testing.T) {
	once := failure(mackerel.ErrAmbiguous, 0)
	once.Delivery = mackerel.AtMostOnce
	for _, c := range []struct {
		name string
		err  error
		want durable.WorkerStats
	}{
		{"delivered", nil, durable.WorkerStats{Delivered: 1}},
		{"for now", failure(mackerel.ErrUnavailable, time.Millisecond), durable.WorkerStats{Delivered: 1, Repeated: 1}},
		{"rate limited", failure(mackerel.ErrRateLimited, time.Millisecond), durable.WorkerStats{Delivered: 1, Repeated: 1}},
		{"ambiguous, at least once", failure(mackerel.ErrAmbiguous, time.Millisecond), durable.WorkerStats{Delivered: 1, Repeated: 1}},
		{"ambiguous, at most once", once, durable.WorkerStats{Dead: 1}},
		{"for good", failure(mackerel.ErrNotFound, 0), durable.WorkerStats{Dead: 1}},
		{"no error of the module", errors.New("x"), durable.WorkerStats{Dead: 1}},
	} {
		for _, once := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, at most once %t", c.name, once), func(t *testing.T) {
				t.Parallel()
				conn, s := connectStore(t, durable.Config{})
				purges, err := conn.SubscribeSync("$JS.API.STREAM.PURGE.>")
				if err != nil {
					t.Fatal(err)
				}
				results := make(chan durable.Result, 10)
				w, stop := run(t, s, durable.WorkerConfig{Queue: "q", AtMostOnce: once, Notifier: &room{answer: func(_ mackerel.Alert, n int) error {
					if n == 1 {
						return c.err
					}
					return nil
				}}, OnResult: func(_ context.Context, r durable.Result) { results <- r }})
				store(t, queue(t, s, "q"), "a", "m")
				for r := range results {
					if r.Outcome != durable.Repeated {
						break
					}
					if r.Err == nil || r.After != time.Millisecond || r.Delivery != 1 || r.Alert.Message != "m" {
						t.Errorf("got %+v", r)
					}
				}
				stop()
				if got := w.Stats(); got != c.want {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
				if n := inQueues(t, s); n != 0 {
					t.Errorf("%d alerts are still in the queue", n)
				}
				letters := 0
				for d, err := range s.DeadLetters(t.Context(), "q") {
					if letters++; err != nil || d.Reason != c.err.Error() || d.Alert.Message != "m" {
						t.Errorf("%v %+v", err, d)
					}
				}
				if letters != int(c.want.Dead) {
					t.Errorf("%d dead letters", letters)
				}
				if n := marks(t, conn); n != 0 {
					t.Errorf("%d marks are left", n)
				}
				if n, _, err := purges.Pending(); err != nil || (n > 0) != once {
					t.Errorf("%d requests that remove marks, %v", n, err)
				}
			})
		}
	}
}

// marks returns how many marks of deliveries there are.
func marks(t *testing.T, conn *nats.Conn) int {
	t.Helper()
	js := jetStream(t, conn)
	stream, err := js.Stream(t.Context(), "mackerel-dead")
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("mackerel-dead.*.*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(info.State.Subjects)
}

// A worker loses its connection while it delivers, as if it was killed. No other worker delivers the alert again.
func TestAtMostOnce(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	open := func() (*nats.Conn, *durable.Store) {
		conn, err := nats.Connect("", nats.InProcessServer(s))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		kept, err := durable.Open(t.Context(), conn, durable.Config{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return conn, kept
	}
	rings, answered := make(chan struct{}), make(chan struct{})
	config := durable.WorkerConfig{
		Queue: "phone", AtMostOnce: true, AckWait: time.Second, Grace: time.Millisecond,
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
			close(rings)
			<-answered
			return nil
		}),
	}
	conn, kept := open()
	store(t, queue(t, kept, "phone"), "a", "m")
	w, err := kept.NewWorker(config)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(t.Context()) }()
	<-rings
	conn.Close()

	conn, kept = open()
	dead := make(chan durable.Result, 1)
	config.OnResult = func(_ context.Context, r durable.Result) { dead <- r }
	_, stop := run(t, kept, config)
	got := <-dead
	if e := kindOf(t, got.Err, mackerel.ErrAmbiguous); e.Delivery != mackerel.AtMostOnce {
		t.Errorf("got %+v", e)
	}
	stop()
	if got.Outcome != durable.Dead || inQueues(t, kept) != 0 || marks(t, conn) != 0 {
		t.Errorf("%+v, %d alerts, %d marks", got, inQueues(t, kept), marks(t, conn))
	}
	close(answered)
	wantKind(t, <-ended, mackerel.ErrUnavailable) // the connection is closed
}

// A worker waits as long as the service asks, also with what else is in the queue after a refusal.
func TestTheWaitOfTheService(t *testing.T) {
	t.Parallel()
	const wait = 2 * time.Second
	for kind, othersWait := range map[error]bool{mackerel.ErrUnavailable: false, mackerel.ErrRateLimited: true} {
		t.Run(kind.Error(), func(t *testing.T) {
			t.Parallel()
			s := newStore(t, durable.Config{})
			refused := make(chan struct{})
			r := &room{answer: func(_ mackerel.Alert, n int) error {
				if n > 1 {
					return nil
				}
				close(refused)
				return failure(kind, wait)
			}}
			q := queue(t, s, "q")
			run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, Concurrency: 1})
			store(t, q, "a", "open")
			<-refused
			store(t, q, "a", "close")
			store(t, q, "b", "other")
			r.wait(t, 3)
			at := make(map[string]time.Duration)
			for _, c := range r.calls()[1:] {
				at[c.alert.Message] = c.at.Sub(r.calls()[0].at)
			}
			if at["open"] < wait || at["close"] < at["open"] {
				t.Errorf("the key went on after %v", at)
			}
			if waited := at["other"] >= wait; waited != othersWait {
				t.Errorf("the other key went on after %v", at)
			}
		})
	}
}

// If the service does not say how long to wait, the waits get longer.
func TestTheWaitsGetLonger(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	waits := make(chan time.Duration, 3)
	r := &room{answer: func(_ mackerel.Alert, n int) error {
		if n < 3 {
			return failure(mackerel.ErrUnavailable, 0)
		}
		return nil
	}}
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, OnResult: func(_ context.Context, r durable.Result) { waits <- r.After }})
	store(t, queue(t, s, "q"), "a", "m")
	r.wait(t, 1)
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 0} {
		if got := <-waits; got != want {
			t.Errorf("wait %d is %v, want %v", i, got, want)
		}
	}
	if took := r.calls()[2].at.Sub(r.calls()[0].at); took < 3*time.Second {
		t.Errorf("the third call came after %v", took)
	}
}

func TestTooOld(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	r := &room{answer: func(mackerel.Alert, int) error { return failure(mackerel.ErrUnavailable, 50*time.Millisecond) }}
	dead := make(chan durable.Result)
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, MaxAge: 2 * time.Second, OnResult: func(_ context.Context, r durable.Result) {
		if r.Outcome == durable.Dead {
			dead <- r
		}
	}})
	store(t, queue(t, s, "q"), "a", "m")
	got := <-dead
	if got.Age < 2*time.Second || len(r.calls()) < 3 || !strings.Contains(got.Err.Error(), "not delivered within 2s") {
		t.Errorf("%+v after %d calls", got, len(r.calls()))
	}
}

// A part of a Multi that fails is tried until the alert is too old. What was delivered is not delivered again.
func TestAPartThatFailsUntilTheAlertIsTooOld(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	good, gone := new(room), &room{answer: func(mackerel.Alert, int) error { return failure(mackerel.ErrNotFound, 0) }}
	away := &room{answer: func(mackerel.Alert, int) error { return failure(mackerel.ErrUnavailable, 50*time.Millisecond) }}
	results := make(chan durable.Result, 10)
	run(t, s, durable.WorkerConfig{
		Queue: "q", Notifier: mackerel.Multi(good, away, gone), MaxAge: 2 * time.Second,
		OnResult: func(_ context.Context, r durable.Result) { results <- r },
	})
	store(t, queue(t, s, "q"), "a", "m")
	if got := <-results; got.Outcome != durable.Repeated || len(mackerel.Failures(got.Err)) != 2 {
		t.Errorf("got %+v, with %d failures", got, len(mackerel.Failures(got.Err)))
	}
	if got := <-results; got.Outcome != durable.Dead || !strings.Contains(got.Err.Error(), "not delivered within 2s") {
		t.Errorf("got %+v", got)
	}
	if len(good.calls()) != 1 || len(away.calls()) < 3 || len(gone.calls()) != 1 {
		t.Errorf("%d, %d, %d calls", len(good.calls()), len(away.calls()), len(gone.calls()))
	}
}

// If all parts of a Multi fail for now, the alert waits in the queue as that of a single service does.
func TestAllPartsOfAMultiFail(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	var parts []mackerel.Notifier
	for range 2 {
		parts = append(parts, &room{answer: func(_ mackerel.Alert, n int) error {
			if n == 1 {
				return failure(mackerel.ErrUnavailable, 10*time.Millisecond)
			}
			return nil
		}})
	}
	results := make(chan durable.Result, 10)
	run(t, s, durable.WorkerConfig{
		Queue: "q", Notifier: mackerel.Multi(parts...), OnResult: func(_ context.Context, r durable.Result) { results <- r },
	})
	store(t, queue(t, s, "q"), "a", "m")
	if got := <-results; got.Outcome != durable.Repeated || got.After != 10*time.Millisecond {
		t.Errorf("got %+v", got)
	}
	if got := <-results; got.Outcome != durable.Delivered || got.Delivery != 2 {
		t.Errorf("got %+v", got)
	}
}

// While no dead letter can be stored, an alert stays in its queue: one that is refused, and that of a phone, which rings
// only after its mark is stored.
func TestTheDeadLettersAreFull(t *testing.T) {
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprintf("at most once %t", once), func(t *testing.T) {
			t.Parallel()
			conn, s := connectStore(t, durable.Config{MaxBytes: 1 << 20})
			js := jetStream(t, conn)
			for size := 1 << 16; size > 0; { // to the last byte
				if _, err := js.Publish(t.Context(), "mackerel-dead.other", make([]byte, size)); err != nil {
					size /= 2
				}
			}
			told, err := conn.SubscribeSync("$JS.ACK.>")
			if err != nil {
				t.Fatal(err)
			}
			r := &room{answer: func(mackerel.Alert, int) error { return failure(mackerel.ErrNotFound, 0) }}
			results := make(chan durable.Result, 10)
			w, stop := run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, AtMostOnce: once, OnResult: func(_ context.Context, r durable.Result) {
				results <- r
			}})
			store(t, queue(t, s, "q"), "a", "m")
			m, err := told.NextMsg(30 * time.Second)
			if want := map[bool]string{false: "30000000000", true: "250000000"}[once]; err != nil || !strings.Contains(string(m.Data), want) {
				t.Fatalf("the worker answers %v, %v", m, err)
			}
			stop()
			if n := inQueues(t, s); n != 1 {
				t.Errorf("%d alerts are in the queue", n)
			}
			if once {
				if len(r.calls()) != 0 || len(results) != 0 {
					t.Errorf("the phone rang %d times, %d results", len(r.calls()), len(results))
				}
				return
			}
			got := <-results
			wantKind(t, got.Err, mackerel.ErrNotFound)
			if got.Outcome != durable.Repeated || got.After != 30*time.Second || !strings.Contains(got.Err.Error(), "maximum bytes") {
				t.Errorf("got %+v", got)
			}
			if got := w.Stats(); got != (durable.WorkerStats{Repeated: 1}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Of a Multi, only what failed is repeated. What failed for good is in the dead letter.
func TestPartsOfAMulti(t *testing.T) {
	for _, names := range []string{"good slow gone", "good slow", "slow gone"} {
		t.Run(names, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, durable.Config{})
			rooms := map[string]*room{
				"good": {},
				"slow": {answer: func(_ mackerel.Alert, n int) error {
					if n < 3 {
						return failure(mackerel.ErrUnavailable, 10*time.Millisecond)
					}
					return nil
				}},
				"gone": {answer: func(mackerel.Alert, int) error { return failure(mackerel.ErrNotFound, 0) }},
			}
			var parts []mackerel.Notifier
			for name := range strings.FieldsSeq(names) {
				parts = append(parts, rooms[name])
			}
			results := make(chan durable.Result, 9)
			run(t, s, durable.WorkerConfig{
				Queue: "q", Notifier: mackerel.Multi(parts...), OnResult: func(_ context.Context, r durable.Result) { results <- r },
			})
			store(t, queue(t, s, "q"), "a", "m")
			got, want := <-results, durable.Delivered
			if rooms["gone"].calls() != nil {
				want = durable.Dead
				if n := len(mackerel.Failures(got.Err)); n != 1 {
					t.Errorf("%d failures in %v", n, got.Err)
				}
			}
			if got.Outcome != want {
				t.Errorf("got %+v", got)
			}
			for name := range strings.FieldsSeq(names) {
				if n := len(rooms[name].calls()); n != map[string]int{"good": 1, "slow": 3, "gone": 1}[name] {
					t.Errorf("%d calls of %s", n, name)
				}
			}
		})
	}
}

func TestAPanicIsADeadLetter(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	dead := make(chan durable.Result, 1)
	run(t, s, durable.WorkerConfig{
		Queue: "q", OnResult: func(_ context.Context, r durable.Result) { dead <- r },
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { panic("the password is x") }),
	})
	store(t, queue(t, s, "q"), "a", "m")
	got := <-dead
	e := kindOf(t, got.Err, mackerel.ErrAmbiguous)
	if got.Outcome != durable.Dead || e.Delivery != mackerel.AtMostOnce || e.Err != nil || strings.Contains(got.Err.Error(), "password") {
		t.Errorf("got %v", got)
	}
}

// The error of a panic of the runtime says what it was.
func TestAPanicOfTheRuntime(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	dead := make(chan durable.Result, 1)
	run(t, s, durable.WorkerConfig{
		Queue: "q", OnResult: func(_ context.Context, r durable.Result) { dead <- r },
		Notifier: mackerel.NotifierFunc(func(_ context.Context, a mackerel.Alert) error { _ = a.Message[len(a.ID):][0]; return nil }),
	})
	store(t, queue(t, s, "q"), "a", "m")
	if got := (<-dead).Err.Error(); !strings.Contains(got, "panicked with a runtime.boundsError") || !strings.Contains(got, "index out of range") {
		t.Errorf("got %s", got)
	}
}

// The context of a delivery ends after Timeout.
func TestTheTimeoutOfADelivery(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	results := make(chan durable.Result, 9)
	limits := make(chan time.Duration, 9)
	for name, timeout := range map[string]time.Duration{"q": time.Millisecond, "default": 0} {
		run(t, s, durable.WorkerConfig{
			Queue: name, OnResult: func(_ context.Context, r durable.Result) { results <- r }, Timeout: timeout,
			Notifier: mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
				if timeout == 0 {
					end, _ := ctx.Deadline()
					limits <- time.Until(end)
					return nil
				}
				<-ctx.Done()
				return context.Cause(ctx)
			}),
		})
	}
	store(t, queue(t, s, "q"), "a", "m")
	if got := <-results; !errors.Is(got.Err, context.DeadlineExceeded) {
		t.Errorf("got %+v", got)
	}
	store(t, queue(t, s, "default"), "a", "m")
	if limit := <-limits; limit > 10*time.Minute || limit < 9*time.Minute {
		t.Errorf("without a Timeout, a delivery has %v", limit)
	}
}

// All tries of an alert are one delivery, from the router to the room.
func TestTheDeliveryID(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	readings, err := conn.SubscribeSync("$JS.API.STREAM.MSG.GET.mackerel")
	if err != nil {
		t.Fatal(err)
	}
	first := &room{answer: func(_ mackerel.Alert, n int) error {
		if n == 1 {
			return failure(mackerel.ErrUnavailable, 10*time.Millisecond)
		}
		return nil
	}}
	second := new(room)
	run(t, s, durable.WorkerConfig{Queue: "in", Notifier: mackerel.Multi(queue(t, s, "one"), queue(t, s, "two"))})
	run(t, s, durable.WorkerConfig{Queue: "one", Notifier: first})
	run(t, s, durable.WorkerConfig{Queue: "two", Notifier: second})
	store(t, queue(t, s, "in"), "a", "m")
	first.wait(t, 1)
	second.wait(t, 1)
	store(t, queue(t, s, "in"), "a", "m")
	second.wait(t, 2)
	ids := []string{first.calls()[0].delivery, first.calls()[1].delivery, second.calls()[0].delivery, second.calls()[1].delivery}
	if ids[0] == "" || ids[0] != ids[1] || ids[0] != ids[2] || ids[0] == ids[3] {
		t.Errorf("got %q", ids)
	}
	for n, _, err := readings.Pending(); n > 0; n, _, err = readings.Pending() {
		m, next := readings.NextMsg(time.Second)
		if err = errors.Join(err, next); err != nil || !strings.Contains(string(m.Data), "next_by_subj") {
			t.Fatalf("a room waits for the router: %s, %v", m.Data, err)
		}
	}
}

// A router is killed after a phone has rung and before it has removed its alert, and the server with it. So the server
// does not know any more that the alert was in the queue of the phone.
func TestAtMostOnceBehindARouter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (conn *nats.Conn, kept *durable.Store, stop func()) {
		conn, stop = connectTo(t, dir)
		kept, err := durable.Open(t.Context(), conn, durable.Config{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return conn, kept, stop
	}
	_, kept, stopServer := open()
	store(t, queue(t, kept, "in"), "a", "m")
	phone, other := new(room), make(chan struct{})
	passed := make(chan struct{}, 1)
	_, stopPhone := run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: phone, AtMostOnce: true, Grace: time.Millisecond})
	slow := mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
		passed <- struct{}{}
		select {
		case <-other:
			return nil
		case <-ctx.Done():
			return &mackerel.Error{Kind: mackerel.ErrUnavailable, Err: ctx.Err()}
		}
	})
	_, stopRouter := run(t, kept, durable.WorkerConfig{
		Queue: "in", Notifier: mackerel.Multi(queue(t, kept, "phone"), slow), AckWait: time.Second, Grace: time.Millisecond,
	})
	phone.wait(t, 1)
	<-passed
	stopRouter()
	begin := time.Now()
	stopPhone()
	if took := time.Since(begin); took > 12*time.Second {
		t.Errorf("the phone waits %v for the router", took)
	}
	stopServer()

	close(other)
	_, kept, _ = open()
	run(t, kept, durable.WorkerConfig{Queue: "in", Notifier: mackerel.Multi(queue(t, kept, "phone"), slow), AckWait: time.Second})
	<-passed
	dead := make(chan durable.Result, 1)
	run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: phone, AtMostOnce: true, OnResult: func(_ context.Context, r durable.Result) {
		dead <- r
	}})
	wantKind(t, (<-dead).Err, mackerel.ErrAmbiguous)
	if n := len(phone.messages()); n != 1 {
		t.Errorf("the phone rang %d times", n)
	}
}
