package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
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
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
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
			js, err := jetstream.New(conn)
			if err != nil {
				t.Fatal(err)
			}
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

// The first alert waits for its next try, and those behind it are given back without a try.
func TestOvertakeOfWhatArrivesBetweenTwoTries(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	tried := make(chan struct{}, 9)
	r := &room{answer: func(_ mackerel.Alert, n int) error {
		tried <- struct{}{}
		if n > 1 {
			return nil
		}
		return failure(mackerel.ErrUnavailable, 1500*time.Millisecond)
	}}
	w, stop := run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, Overtake: true})
	q := queue(t, s, "q")
	store(t, q, "a", "1")
	<-tried
	store(t, q, "a", "2", "3", "4")
	r.wait(t, 2)
	stop()
	if got := strings.Join(r.messages(), " "); got != "1 4" || w.Stats().Overtaken != 2 {
		t.Errorf("told %s, %d overtaken", got, w.Stats().Overtaken)
	}
}

// An alert that waited for its place when Run ended was not tried, so a later state may overtake it when Run is called
// again.
func TestOvertakeOfWhatWaitedForItsPlace(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	begun, proceed := make(chan struct{}, 9), make(chan struct{})
	r := &room{answer: func(a mackerel.Alert, _ int) error {
		if a.ID == "slow" {
			begun <- struct{}{}
			<-proceed
		}
		return nil
	}}
	w, err := s.NewWorker(durable.WorkerConfig{Queue: "q", Notifier: r, Overtake: true, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	q := queue(t, s, "q")
	work := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		return func() {
			cancel()
			close(proceed)
			if err := <-ended; err != nil {
				t.Error(err)
			}
			proceed = make(chan struct{})
		}
	}
	stop := work()
	store(t, q, "slow", "0")
	<-begun
	store(t, q, "a", "1")
	inHand(t, s, "q", 2)
	stop()
	store(t, q, "a", "2")
	stop = work()
	r.wait(t, 2)
	stop()
	if got := strings.Join(r.messages(), " "); got != "0 2" || w.Stats().Overtaken != 1 {
		t.Errorf("told %s, %d overtaken", got, w.Stats().Overtaken)
	}
}

// An alert that another worker has tried may have been delivered, so a later state does not overtake it.
func TestOvertakeOfWhatAnotherWorkerTried(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	q := queue(t, s, "q")
	store(t, q, "a", "1")
	tried := make(chan struct{}, 99)
	_, stop := run(t, s, durable.WorkerConfig{Queue: "q", Overtake: true, Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
		tried <- struct{}{}
		return failure(mackerel.ErrUnavailable, 100*time.Millisecond)
	})})
	<-tried
	stop()
	store(t, q, "a", "2", "3")
	r := new(room)
	results := make(chan durable.Result, 9)
	w, _ := run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, Overtake: true, OnResult: func(_ context.Context, r durable.Result) {
		results <- r
	}})
	r.wait(t, 2)
	<-results
	if got := <-results; got.Outcome != durable.Overtaken || got.Alert.Message != "2" {
		t.Errorf("got %+v", got)
	}
	if got := strings.Join(r.messages(), " "); got != "1 3" || w.Stats().Overtaken != 1 {
		t.Errorf("told %s, %d overtaken", got, w.Stats().Overtaken)
	}
}

// The server cannot read the file of the first alerts of a key. They are never delivered, and do not hold up for ever what
// is behind them. If the file is gone, the server forgets them. If reading fails, it still counts them.
func TestAnUnreadableAlertHoldsUpNothing(t *testing.T) {
	for _, gone := range []bool{true, false} {
		t.Run(fmt.Sprintf("gone %t", gone), func(t *testing.T) {
			t.Parallel()
			d := openDepot(t, &depot{config: durable.Config{MaxBytes: 100_000}}) // so a file has 32 KB
			for i := range 12 {
				body := fmt.Appendf(nil, `{"message":"%02d %s"}`, i, strings.Repeat("x", 4000))
				if _, err := d.conn.RequestMsg(&nats.Msg{Subject: "mackerel.slack.00", Data: body}, 10*time.Second); err != nil {
					t.Fatal(err)
				}
			}
			d.work(t, "slack", 1, func(context.Context, mackerel.Alert) error { // which has them all
				return failure(mackerel.ErrUnavailable, time.Millisecond)
			})
			d.close()
			d.open(t)
			files, err := filepath.Glob(filepath.Join(d.dir, "jetstream", "$G", "streams", "mackerel", "msgs", "*.blk"))
			if err != nil || len(files) != 2 {
				t.Fatalf("%v, %d files", err, len(files))
			}
			err = os.Remove(files[0])
			if !gone {
				err = errors.Join(err, os.Mkdir(files[0], 0o700)) // which cannot be read
			}
			if err != nil {
				t.Fatal(err)
			}
			results := d.work(t, "slack", 2, accept)
			if len(results) != 2 || results[0].Alert.Message[:2] == "00" || results[0].Alert.Message >= results[1].Alert.Message {
				t.Errorf("%d results, of %.3s and %.3s", len(results), results[0].Alert.Message, results[1].Alert.Message)
			}
		})
	}
}

// Another worker has the first alert of a key for long. It stays in the queue until it is delivered, however often this
// worker is offered those behind it.
func TestWhatAnotherWorkerHasStays(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	told, err := conn.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	begun, proceed := make(chan struct{}, 9), make(chan struct{})
	first := &room{answer: func(mackerel.Alert, int) error { begun <- struct{}{}; <-proceed; return nil }}
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: first})
	store(t, queue(t, s, "q"), "a", "0")
	<-begun
	second := new(room)
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: second})
	const n = 70 // of which the second worker is given some, since the first takes 64 in hand
	for i := range n {
		store(t, queue(t, s, "q"), "a", strconv.Itoa(1+i))
	}
	for offers := 0; offers <= 20; { // of one alert
		m, err := told.NextMsg(30 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if offers, err = strconv.Atoi(strings.Split(m.Subject, ".")[4]); err != nil {
			t.Fatal(err)
		}
	}
	if got := inQueues(t, s); got != 1+n {
		t.Errorf("%d alerts are in the queue, want %d", got, 1+n)
	}
	if calls := len(first.calls()) + len(second.calls()); calls != 1 {
		t.Errorf("%d calls", calls)
	}
	close(proceed)
}

// An alert is not told if another worker has finished it, as when it took longer than AckWait to come to its turn here.
func TestWhatAnotherWorkerHasFinished(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	begun, proceed := make(chan struct{}, 9), make(chan struct{})
	r := &room{answer: func(mackerel.Alert, int) error { begun <- struct{}{}; <-proceed; return nil }}
	q := queue(t, s, "q")
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	store(t, q, "a", "1")
	<-begun
	store(t, q, "a", "2", "3")
	inHand(t, s, "q", 3)
	if err := stream.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	close(proceed)
	r.wait(t, 2)
	if got := strings.Join(r.messages(), " "); got != "1 3" {
		t.Errorf("told %s", got)
	}
}

// Many alerts of one key arrive while the first waits for its next try. They follow it soon, in order.
func TestWhatArrivesBehindAFailureFollows(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	told, err := conn.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	r := &room{answer: func(_ mackerel.Alert, n int) error {
		if n == 1 {
			return failure(mackerel.ErrUnavailable, 3*time.Second)
		}
		return nil
	}}
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	const n = 80
	var want []string
	for i := range n {
		store(t, queue(t, s, "q"), "a", strconv.Itoa(i))
		want = append(want, strconv.Itoa(i))
		if _, err := told.NextMsg(30 * time.Second); err != nil { // it is given back before the next comes
			t.Fatal(err)
		}
	}
	r.wait(t, n)
	if got := r.messages(); !slices.Equal(got, want) {
		t.Errorf("told %s", got)
	}
}

// What arrives behind an alert that waits for its next try is given back until then.
func TestWhatArrivesBehindAFailureWaitsAsLong(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	told, err := conn.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	r := &room{answer: func(mackerel.Alert, int) error { return failure(mackerel.ErrUnavailable, 20*time.Second) }}
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	for i, least := range []time.Duration{20 * time.Second, 10 * time.Second, 10 * time.Second} { // the test may be slow
		store(t, queue(t, s, "q"), "a", strconv.Itoa(i))
		m, err := told.NextMsg(30 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var nak struct{ Delay time.Duration }
		text, _ := strings.CutPrefix(string(m.Data), "-NAK ")
		if err := json.Unmarshal([]byte(text), &nak); err != nil {
			t.Fatalf("%s: %v", m.Data, err)
		}
		if nak.Delay < least || nak.Delay > 20*time.Second+20*time.Millisecond { // 20 ms for the order
			t.Errorf("alert %d waits %v", i, nak.Delay)
		}
	}
	if n := len(r.calls()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// What waits behind an alert that failed is offered again soon after it, in order. The test reads what the worker tells
// the server.
func TestWhatWaitsBehindAFailureFollowsSoon(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	told, err := conn.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	begun, proceed := make(chan struct{}, 9), make(chan struct{})
	r := &room{answer: func(a mackerel.Alert, _ int) error {
		if a.ID == "b" {
			return nil
		}
		begun <- struct{}{}
		<-proceed
		return failure(mackerel.ErrUnavailable, 500*time.Millisecond)
	}}
	q := queue(t, s, "q")
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	store(t, q, "a", "1")
	<-begun
	store(t, q, "a", "2", "3")
	store(t, q, "b", "4")
	r.wait(t, 1) // 2 and 3 are in hand too
	close(proceed)
	var delays []time.Duration
	for len(delays) < 3 {
		m, err := told.NextMsg(30 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var nak struct{ Delay time.Duration }
		if text, ok := strings.CutPrefix(string(m.Data), "-NAK "); ok {
			if err := json.Unmarshal([]byte(text), &nak); err != nil {
				t.Fatal(err)
			}
			delays = append(delays, nak.Delay)
		}
	}
	if want := []time.Duration{500 * time.Millisecond, 520 * time.Millisecond, 540 * time.Millisecond}; !slices.Equal(delays, want) {
		t.Errorf("the waits are %v, want %v", delays, want)
	}
}

// Of what waits, only the latest state of a key is told. What was tried is told in any case.
func TestOvertake(t *testing.T) {
	t.Parallel()
	for overtake, want := range map[bool]string{true: "1 4", false: "1 2 3 4"} {
		s := newStore(t, durable.Config{})
		begun, proceed := make(chan struct{}, 1), make(chan struct{})
		r := &room{answer: func(_ mackerel.Alert, n int) error {
			if n > 1 {
				return nil
			}
			begun <- struct{}{}
			<-proceed
			return failure(mackerel.ErrUnavailable, 10*time.Millisecond)
		}}
		w, stop := run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, Overtake: overtake})
		q := queue(t, s, "q")
		store(t, q, "a", "1")
		<-begun
		store(t, q, "a", "2", "3", "4")
		close(proceed)
		r.wait(t, len(strings.Fields(want)))
		stop()
		if got := strings.Join(r.messages(), " "); got != want {
			t.Errorf("overtake %v: told %s, want %s", overtake, got, want)
		}
		if got, n := w.Stats().Overtaken, uint64(4-len(strings.Fields(want))); got != n {
			t.Errorf("overtake %v: %d overtaken, want %d", overtake, got, n)
		}
		if n := inQueues(t, s); n != 0 {
			t.Errorf("%d alerts are still in the queue", n)
		}
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

// A worker delivers Concurrency alerts at a time.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	for set, want := range map[int]int{0: 8, 3: 3} {
		s := newStore(t, durable.Config{})
		q := queue(t, s, "q")
		for i := range want + 5 {
			store(t, q, strconv.Itoa(i), "m")
		}
		begun, proceed := make(chan struct{}, 99), make(chan struct{})
		r := &room{answer: func(mackerel.Alert, int) error {
			begun <- struct{}{}
			<-proceed
			return nil
		}}
		run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, Concurrency: set})
		for range want {
			<-begun
		}
		inHand(t, s, "q", want+5)
		if n := len(r.calls()); n != want {
			t.Errorf("%d deliveries at a time, want %d", n, want)
		}
		close(proceed)
		r.wait(t, want+5)
	}
}

// A key that fails does not hold up others, in this worker or another.
func TestASlowKey(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	r := &room{answer: func(a mackerel.Alert, _ int) error {
		if a.ID == "slow" {
			return failure(mackerel.ErrUnavailable, time.Second)
		}
		return nil
	}}
	q := queue(t, s, "q")
	for i := range 200 {
		store(t, q, "slow", strconv.Itoa(i))
	}
	for range 2 {
		run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, Concurrency: 2})
	}
	begin := time.Now()
	for i := range 50 {
		store(t, q, fmt.Sprint("k", i%10), strconv.Itoa(i))
	}
	r.wait(t, 50)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the other keys took %v", took)
	}
	for _, c := range r.calls() {
		if c.alert.ID == "slow" && c.alert.Message != "0" {
			t.Errorf("%s was tried before 0 was delivered", c.alert.Message)
		}
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

// A delivery may take longer than AckWait, also with messages that wait behind it.
func TestALongDelivery(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	const ackWait = time.Second
	r := &room{answer: func(mackerel.Alert, int) error {
		timer := time.NewTimer(2 * ackWait)
		<-timer.C
		return nil
	}}
	q := queue(t, s, "q")
	store(t, q, "a", "1", "2")
	for range 2 {
		run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, AckWait: ackWait})
	}
	r.wait(t, 2)
	if len(r.calls()) != 2 {
		t.Errorf("%d deliveries of two alerts", len(r.calls()))
	}
}

// When the context of Run ends, what runs may end, and what has not begun is given back at once.
func TestTheEndOfRun(t *testing.T) {
	for _, grace := range []time.Duration{10 * time.Second, 50 * time.Millisecond} {
		s := newStore(t, durable.Config{})
		begun, proceed := make(chan struct{}, 10), make(chan struct{})
		first := mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
			begun <- struct{}{}
			select {
			case <-proceed:
				return nil
			case <-ctx.Done():
				return failure(mackerel.ErrUnavailable, time.Millisecond)
			}
		})
		q := queue(t, s, "q")
		w, err := s.NewWorker(durable.WorkerConfig{Queue: "q", Notifier: first, Concurrency: 1, Grace: grace})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		store(t, q, "a", "1", "2")
		store(t, q, "b", "3")
		<-begun
		inHand(t, s, "q", 3)
		cancel()
		if grace > time.Second {
			close(proceed)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := uint64(0)
		if grace > time.Second {
			want = 1
		}
		if got := w.Stats().Delivered; got != want {
			t.Errorf("grace %v: %d delivered", grace, got)
		}
		r := new(room)
		begin := time.Now()
		_, stop := run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
		r.wait(t, 3-int(want))
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("what was given back came after %v", took)
		}
		stop()
		stacks := make([]byte, 1<<20)
		if all := string(stacks[:runtime.Stack(stacks, true)]); strings.Contains(all, "mackerel/durable.(") {
			t.Errorf("a goroutine is left:\n%s", all)
		}
	}
}

// TestAFullWorkerThatStopsAsksForNothing: an alert that came now would wait for AckWait.
func TestAFullWorkerThatStopsAsksForNothing(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	asked, err := conn.SubscribeSync("$JS.API.CONSUMER.MSG.NEXT.>")
	if err != nil {
		t.Fatal(err)
	}
	proceed := make(chan struct{})
	r := &room{answer: func(mackerel.Alert, int) error { <-proceed; return nil }}
	q := queue(t, s, "q")
	for i := range 64 + 1 {
		store(t, q, fmt.Sprint("k", i), "m")
	}
	w, err := s.NewWorker(durable.WorkerConfig{Queue: "q", Notifier: r})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	inHand(t, s, "q", 64)
	cancel()
	close(proceed)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := conn.Flush(); err != nil { // then all requests have come
		t.Fatal(err)
	}
	for requests := 0; ; requests++ {
		n, _, err := asked.Pending()
		if err != nil || n == 0 && requests == 0 {
			t.Fatalf("%d requests, %v", n, err)
		}
		if n == 0 {
			return
		}
		m, err := asked.NextMsg(time.Second)
		if err != nil || strings.Contains(string(m.Data), `"batch":0`) {
			t.Errorf("it asks for %q, %v", m.Data, err)
		}
	}
}

// TestAFullWorkerWhoseConnectionIsClosedEnds: its next request fails at once.
func TestAFullWorkerWhoseConnectionIsClosedEnds(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	proceed := make(chan struct{})
	r := &room{answer: func(mackerel.Alert, int) error { <-proceed; return nil }}
	q := queue(t, s, "q")
	for i := range 64 {
		store(t, q, fmt.Sprint("k", i), "m")
	}
	w, err := s.NewWorker(durable.WorkerConfig{Queue: "q", Notifier: r})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- w.Run(t.Context()) }()
	inHand(t, s, "q", 64)
	conn.Close()
	close(proceed)
	wantKind(t, <-ended, mackerel.ErrUnavailable)
}

func TestThePaceOfAllWorkers(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	r := new(room)
	q := queue(t, s, "q")
	for i := range 12 {
		store(t, q, strconv.Itoa(i), "m")
	}
	for range 2 {
		run(t, s, durable.WorkerConfig{
			Queue: "q", Notifier: r, Pace: mackerel.Pace{N: 20, Per: time.Second}, Workers: 2,
		})
	}
	r.wait(t, 12)
	// 12 alerts at 20 a second: at the best, two begin at once.
	if took := r.calls()[11].at.Sub(r.calls()[0].at); took < 450*time.Millisecond {
		t.Errorf("12 alerts took %v", took)
	}
}

func TestTheConfigOfAWorker(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	n := new(room)
	for _, c := range []struct {
		config durable.WorkerConfig
		want   string
	}{
		{durable.WorkerConfig{Notifier: n}, "Queue:"},
		{durable.WorkerConfig{Queue: "a b", Notifier: n}, "Queue:"},
		{durable.WorkerConfig{Queue: "q"}, "Notifier:"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Concurrency: -1}, "Concurrency"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Workers: -1}, "Workers"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, MaxAge: -1}, "MaxAge"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Timeout: -1}, "Timeout"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, AckWait: -1}, "AckWait"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Grace: -1}, "Grace"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Pace: mackerel.Pace{Per: 1}}, "Pace: N and Per"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Pace: mackerel.Pace{N: -1, Per: 1}}, "Pace: N and Per"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Pace: mackerel.Pace{N: 1}}, "Pace: N and Per"},
		{durable.WorkerConfig{Queue: "q", Notifier: n, Pace: mackerel.Pace{N: 1, Per: 1, Name: "x"}}, "Pace: Name"},
	} {
		_, err := s.NewWorker(c.config)
		if e := kindOf(t, err, mackerel.ErrConfig); !strings.Contains(e.Message, c.want) {
			t.Errorf("%v does not name %s", e, c.want)
		}
	}
}

// A consumer that somebody configured in another way would lose alerts or their order.
func TestConsumersOfOthers(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	good := jetstream.ConsumerConfig{
		Durable: "q", FilterSubject: "mackerel.q.*", AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second,
		MaxDeliver: -1, MaxAckPending: 50_000,
	}
	for member, change := range map[string]func(*jetstream.ConsumerConfig){
		"ack_wait":        func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second },
		"max_deliver":     func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 5 },
		"max_ack_pending": func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 1 },
		"filter_subject":  func(c *jetstream.ConsumerConfig) { c.FilterSubject = "mackerel.q.x" },
		"backoff":         func(c *jetstream.ConsumerConfig) { c.BackOff = []time.Duration{c.AckWait, time.Minute} },
		"headers_only":    func(c *jetstream.ConsumerConfig) { c.HeadersOnly = true },
		"mem_storage":     func(c *jetstream.ConsumerConfig) { c.MemoryStorage = true },
	} {
		other := good
		change(&other)
		if _, err := js.CreateConsumer(t.Context(), "mackerel", other); err != nil {
			t.Fatalf("%s: %v", member, err)
		}
		w, err := s.NewWorker(durable.WorkerConfig{Queue: "q", Notifier: new(room)})
		if err != nil {
			t.Fatal(err)
		}
		if e := kindOf(t, w.Run(t.Context()), mackerel.ErrConfig); !strings.Contains(e.Message, "consumer q: "+member+" is ") {
			t.Errorf("%v does not name %s", e, member)
		}
		if err := js.DeleteConsumer(t.Context(), "mackerel", "q"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := js.CreateConsumer(t.Context(), "mackerel", good); err != nil {
		t.Fatal(err)
	}
	r := new(room)
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	store(t, queue(t, s, "q"), "a", "m")
	r.wait(t, 1)
}

// A consumer that is removed while a worker runs is made again.
func TestAConsumerThatIsRemoved(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	r := new(room)
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	for i := range 3 {
		store(t, queue(t, s, "q"), "a", strconv.Itoa(i))
		r.wait(t, i+1)
		for inQueues(t, s) > 0 { // until the acknowledgement has come
			runtime.Gosched()
		}
		if err := js.DeleteConsumer(t.Context(), "mackerel", "q"); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(r.messages(), " "); got != "0 1 2" {
		t.Errorf("told %s", got)
	}
}

// A worker that is told to end before it begins has nothing to report.
func TestAWorkerThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	w, err := newStore(t, durable.Config{}).NewWorker(durable.WorkerConfig{Queue: "q", Notifier: new(room)})
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	for _, ctx := range []context.Context{cancelled, late} {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	}
}

// A worker gives back the alerts of one key that are more than it holds. All are delivered once, in order.
func TestManyAlertsOfOneKey(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	proceed := make(chan struct{})
	r := &room{answer: func(mackerel.Alert, int) error { <-proceed; return nil }}
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, Concurrency: 20}) // so it takes 80
	const n = 70
	var want []string
	for i := range n {
		store(t, queue(t, s, "q"), "a", strconv.Itoa(i))
		want = append(want, strconv.Itoa(i))
	}
	inHand(t, s, "q", n)
	close(proceed)
	r.wait(t, n)
	if got := r.messages(); !slices.Equal(got, want) {
		t.Errorf("told %s", got)
	}
}

// A worker has as many alerts of one key as it can hold, and gives them back when the first fails. Then it has room for
// others.
func TestWhatIsGivenBackMakesRoom(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	begun, fail, proceed := make(chan string, 9), make(chan struct{}), make(chan struct{})
	r := &room{answer: func(a mackerel.Alert, _ int) error {
		begun <- a.ID
		if a.ID == "a" {
			<-fail
			return failure(mackerel.ErrUnavailable, time.Hour)
		}
		<-proceed
		return nil
	}}
	q := queue(t, s, "q")
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	t.Cleanup(func() { close(proceed) })
	for i := range 64 {
		store(t, q, "a", strconv.Itoa(i))
	}
	<-begun
	inHand(t, s, "q", 64)
	close(fail)
	store(t, q, "b", "m")
	store(t, q, "c", "m")
	timeout := time.After(30 * time.Second)
	for i := range 2 {
		select {
		case id := <-begun:
			if id == "a" {
				t.Error("a was tried again")
			}
		case <-timeout:
			t.Fatalf("%d of two keys are delivered at a time", i)
		}
	}
}

// A worker tells the server which alerts it has, and not those that it has given back.
func TestTheSignsOfLife(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	told, err := conn.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	proceed := make(chan struct{})
	r := &room{answer: func(a mackerel.Alert, _ int) error {
		if a.ID == "b" {
			<-proceed
			return nil
		}
		return failure(mackerel.ErrUnavailable, time.Hour)
	}}
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r, AckWait: 900 * time.Millisecond})
	t.Cleanup(func() { close(proceed) })
	next := func() (seq, text string) {
		m, err := told.NextMsg(30 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(m.Subject, ".")[5], string(m.Data)
	}
	store(t, queue(t, s, "q"), "a", "1")
	if _, text := next(); !strings.HasPrefix(text, "-NAK") {
		t.Fatalf("the worker answers %s", text)
	}
	store(t, queue(t, s, "q"), "b", "2")
	for range 5 {
		if seq, text := next(); seq != "2" || text != "+WPI" {
			t.Errorf("%s of alert %s", text, seq)
		}
	}
	if stats, err := s.Stats(t.Context()); err != nil || stats.Queue("q").Deliveries != 2 {
		t.Errorf("the signs come too late: %+v, %v", stats, err)
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
