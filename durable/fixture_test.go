package durable_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// TestMain lets more tests run beside each other than there are processors, because they wait most of the time. The flag
// -parallel comes before it.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// connect starts a server in the process.
func connect(t testing.TB) *nats.Conn {
	t.Helper()
	conn, _ := connectTo(t, t.TempDir())
	return conn
}

// connectTo starts a server with a directory in the process, and returns a function that stops it.
func connectTo(t testing.TB, dir string) (conn *nats.Conn, stop func()) {
	t.Helper()
	s, shutdown := startServer(t, dir)
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { conn.Close(); shutdown() })
	t.Cleanup(stop)
	return conn, stop
}

// startServer starts a server in the process.
func startServer(t testing.TB, dir string) (s *server.Server, stop func()) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: dir, DontListen: true, NoSigs: true, NoLog: true, SyncAlways: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	stop = sync.OnceFunc(func() { s.Shutdown(); s.WaitForShutdown() })
	t.Cleanup(stop)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s, stop
}

// newStore makes a store in a server of its own.
func newStore(t testing.TB, c durable.Config) *durable.Store {
	t.Helper()
	_, s := connectStore(t, c)
	return s
}

// connectStore is newStore with the connection.
func connectStore(t testing.TB, c durable.Config) (*nats.Conn, *durable.Store) {
	t.Helper()
	conn := connect(t)
	return conn, openStore(t, conn, c)
}

func queue(t testing.TB, s *durable.Store, name string) *durable.Queue {
	t.Helper()
	q, err := s.Queue(name)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// run runs a worker until the returned function is called, which waits for its end.
func run(t testing.TB, s *durable.Store, c durable.WorkerConfig) (*durable.Worker, func()) {
	t.Helper()
	w, err := s.NewWorker(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context()) // t.Context ends before the first Cleanup: all workers end at once
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return w, stop
}

// A call is a Notify of a service.
type call struct {
	at       time.Time
	alert    mackerel.Alert
	delivery string
}

// A room is a service that notes what it is told.
type room struct {
	answer func(a mackerel.Alert, calls int) error // of the call with this number, from 1; nil accepts everything

	mu    sync.Mutex
	noted []call
	told  []string // the messages of the calls that were accepted
	grew  chan struct{}
}

func (r *room) Notify(ctx context.Context, a mackerel.Alert) error {
	r.mu.Lock()
	r.noted = append(r.noted, call{time.Now(), a, mackerel.DeliveryID(ctx)})
	n := len(r.noted)
	r.mu.Unlock()
	var err error
	if r.answer != nil {
		err = r.answer(a, n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.told = append(r.told, a.Message)
	}
	if r.grew != nil {
		close(r.grew)
		r.grew = nil
	}
	return err
}

// wait waits until the room was told so many messages.
func (r *room) wait(t testing.TB, n int) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		told := len(r.told)
		grew := make(chan struct{})
		r.grew = grew
		r.mu.Unlock()
		if told >= n {
			return
		}
		select {
		case <-grew:
		case <-timeout:
			t.Fatalf("the room was told %d messages, want %d", told, n)
		}
	}
}

// calls returns the calls so far.
func (r *room) calls() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.noted)
}

// messages returns what was told.
func (r *room) messages() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

func store(t testing.TB, q *durable.Queue, id string, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if err := q.Notify(t.Context(), mackerel.Alert{ID: id, Message: m}); err != nil {
			t.Fatal(err)
		}
	}
}

// inHand waits until the workers of a queue have so many alerts in hand.
func inHand(t testing.TB, s *durable.Store, queue string, n int) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 30*time.Second; runtime.Gosched() {
		stats, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if stats.Queue(queue).InHand >= uint64(n) {
			return
		}
	}
	t.Fatalf("the workers of %s do not have %d alerts in hand", queue, n)
}

// kindOf returns the error if it is of the kind.
func kindOf(t testing.TB, err, kind error) *mackerel.Error {
	t.Helper()
	e, ok := errors.AsType[*mackerel.Error](err)
	if !ok || !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	return e
}

func wantKind(t testing.TB, err, kind error) {
	t.Helper()
	_ = kindOf(t, err, kind)
}

// jetStream returns the API of the server for what only a test does.
func jetStream(t testing.TB, conn *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
