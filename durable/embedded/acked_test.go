package embedded

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel/durable"
)

// A server that was killed finds messages that were acknowledged, if it did not write its index. No such message may
// stay where no consumer gets it: it would hold up all messages of its key.
func TestWhatWasAcknowledgedDoesNotHoldUpAnything(t *testing.T) {
	for _, seed := range []uint64{rand.Uint64(), rand.Uint64()} {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			workAndKill(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func workAndKill(t *testing.T, random *rand.Rand) {
	t.Helper()
	dir := t.TempDir()
	s, err := Start(t.Context(), Config{Dir: dir, Store: durable.Config{MaxBytes: 120 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker(t, s, random)
	for range 5 {
		w.work(t)
		killed(t, dir, w.acked, false)
		w.settle(t, dir)
		killed(t, dir, w.acked, true)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

type worker struct {
	js       jetstream.JetStream
	consumer jetstream.Consumer
	random   *rand.Rand
	open     []jetstream.Msg
	acked    map[uint64]bool
}

func newWorker(t *testing.T, s *Server, random *rand.Rand) *worker {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	c, err := js.CreateConsumer(t.Context(), "mackerel", jetstream.ConsumerConfig{
		Durable: "in", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, FilterSubject: "mackerel.in.*",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &worker{js: js, consumer: c, random: random, acked: make(map[uint64]bool)}
}

// work stores some messages, takes them, and acknowledges some.
func (w *worker) work(t *testing.T) {
	t.Helper()
	for range w.random.IntN(40) {
		subject := "mackerel.in." + strconv.Itoa(w.random.IntN(5))
		_, err := w.js.Publish(t.Context(), subject, []byte(strings.Repeat("x", w.random.IntN(3000))))
		if err != nil && !strings.Contains(err.Error(), "maximum bytes exceeded") {
			t.Fatal(err)
		}
	}
	batch, err := w.consumer.FetchNoWait(100)
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() {
		w.open = append(w.open, m)
	}
	var open []jetstream.Msg
	share := w.random.Float64()
	for _, m := range w.open {
		if w.random.Float64() > share {
			open = append(open, m)
			continue
		}
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
		data, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		w.acked[data.Sequence.Stream] = true
	}
	w.open = open
}

// settle waits until the server has written what was acknowledged, which it does every 100 ms.
func (w *worker) settle(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	consumer := filepath.Join(streamsDir(dir), "mackerel", "obs", "in")
	for range 1000 {
		p, ok := readProgress(consumer)
		written := ok
		for n := range w.acked {
			written = written && n <= p.delivered && !p.pending[n]
		}
		if written {
			return
		}
		<-tick.C
	}
	t.Fatal("the server has not written what was acknowledged")
}

// killed starts a server on a copy of a directory.
func killed(t *testing.T, dir string, acked map[uint64]bool, settled bool) {
	t.Helper()
	other := copyRunning(t, dir)
	s, err := Start(t.Context(), Config{Dir: other})
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	c, err := stream.Consumer(t.Context(), "in")
	if err != nil {
		t.Fatal(err)
	}
	has, waits := stream.CachedInfo().State.Msgs, c.CachedInfo().NumPending+uint64(c.CachedInfo().NumAckPending)
	if has > waits {
		t.Errorf("of %d messages, %d are delivered", has, waits)
	}
	for n := range acked {
		if _, err := stream.GetMsg(t.Context(), n); err == nil && settled {
			t.Errorf("message %d was acknowledged and is there", n)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// copyRunning copies the directory of a running server.
func copyRunning(t *testing.T, dir string) string {
	t.Helper()
	for range 20 {
		other := filepath.Join(t.TempDir(), "copy")
		err := os.CopyFS(other, os.DirFS(dir))
		if err == nil {
			return other
		}
		if !errors.Is(err, fs.ErrNotExist) { // the server has removed a file
			t.Fatal(err)
		}
	}
	t.Fatal("the directory changes too often")
	return ""
}
