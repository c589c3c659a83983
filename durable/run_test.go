package durable_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// Another worker has the first alert of a key for long. It stays in the queue until it is delivered, however often this
// worker is offered those behind it. The server refuses the first look whether it was finished.
func TestWhatAnotherWorkerHasStays(t *testing.T) {
	t.Parallel()
	instance, _ := startServer(t, t.TempDir())
	var looks atomic.Int64 // each worker looks once when it begins
	conn, s := tappedStore(t, instance, func(b []byte) []byte {
		look := []byte("$JS.API.CONSUMER.INFO.mackerel.q ")
		if !bytes.Contains(b, look) || looks.Add(1) != 3 {
			return b
		}
		return bytes.Replace(b, look, []byte("$JS.API.CONSUMER.INFO.mackerel.X "), 1)
	})
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
	for looks.Load() < 5 { // after each 20 offers of an alert
		if _, err := told.NextMsg(30 * time.Second); err != nil {
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
	js := jetStream(t, conn)
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
		servicetest.WantNoGoroutine(t, "mackerel/durable.(")
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
	js := jetStream(t, conn)
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
	js := jetStream(t, conn)
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

// A consumer is removed while a worker has no room for messages and asks for none. The answer to its next request is that
// there is no consumer.
func TestAConsumerThatIsRemovedBehindAFullWorker(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	const n = 64 // what a worker takes in hand
	for i := range n {
		store(t, queue(t, s, "q"), "a", strconv.Itoa(i))
	}
	removed := make(chan struct{})
	r := &room{answer: func(_ mackerel.Alert, calls int) error {
		if calls > 1 {
			return nil
		}
		<-removed
		return &mackerel.Error{Kind: mackerel.ErrUnavailable}
	}}
	run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
	inHand(t, s, "q", n)
	if err := jetStream(t, conn).DeleteConsumer(t.Context(), "mackerel", "q"); err != nil {
		t.Fatal(err)
	}
	close(removed)
	r.wait(t, n)
	for i, message := range r.messages() {
		if message != strconv.Itoa(i) {
			t.Errorf("alert %d is %s", i, message)
		}
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
