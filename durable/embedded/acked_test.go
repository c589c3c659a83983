package embedded

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
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
	s := startStore(t, dir)
	w := newWorker(t, s, random)
	for range 5 {
		w.work(t)
		killed(t, dir, w.acked, false)
		w.settle(t, dir)
		killed(t, dir, w.acked, true)
	}
	closeServer(t, s)
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
	js := jetStream(t, s)
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
	w.take(t, 100)
	var open []jetstream.Msg
	share := w.random.Float64()
	for _, m := range w.open {
		if w.random.Float64() > share {
			open = append(open, m)
			continue
		}
		w.acknowledge(t, m)
	}
	w.open = open
}

// take takes at most n messages that are there.
func (w *worker) take(t *testing.T, n int) {
	t.Helper()
	batch, err := w.consumer.FetchNoWait(n)
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() {
		w.open = append(w.open, m)
	}
}

func (w *worker) acknowledge(t *testing.T, m jetstream.Msg) {
	t.Helper()
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, err := m.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	w.acked[data.Sequence.Stream] = true
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
	s := startStore(t, other)
	stream := queues(t, s)
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
	closeServer(t, s)
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

// The server was killed before it wrote that messages were removed: the files of the messages are older than that of the
// consumer. The server uses an index only if it was written after all blocks.
func TestOnlyWhatWasAcknowledgedIsForgotten(t *testing.T) {
	for name, do := range map[string]func(msgs string) error{
		"there is no index": func(msgs string) error { return os.Remove(filepath.Join(msgs, "index.db")) },
		"the index is older than a block": func(msgs string) error {
			return os.WriteFile(filepath.Join(msgs, "2.blk"), nil, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) { forgetsWhatWasAcknowledged(t, do) })
	}
}

func forgetsWhatWasAcknowledged(t *testing.T, do func(msgs string) error) {
	t.Helper()
	dir := t.TempDir()
	s := startStore(t, dir)
	for i, name := range []string{"in", "in", "in", "other", "in", "in", "other", "in"} {
		q, err := s.Store().Queue(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Notify(t.Context(), mackerel.Alert{ID: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	closeServer(t, s)
	files := filepath.Join(streamsDir(dir), "mackerel")
	before := filepath.Join(t.TempDir(), "msgs")
	copyDir(t, filepath.Join(files, "msgs"), before)

	s = startStore(t, dir)
	w := newWorker(t, s, nil)
	w.take(t, 5)                       // 1, 2, 3, 5 and 6
	for _, i := range []int{0, 2, 4} { // 1, 3 and 6
		w.acknowledge(t, w.open[i])
	}
	closeServer(t, s)
	copyDir(t, before, filepath.Join(files, "msgs"))
	if err := do(filepath.Join(files, "msgs")); err != nil {
		t.Fatal(err)
	}
	copyDir(t, t.TempDir(), filepath.Join(files, "obs", "empty")) // a consumer that was not written to its end

	for range 2 {
		s = startStore(t, dir)
		if got := sequences(t, s, 8); !slices.Equal(got, []uint64{2, 4, 5, 7, 8}) {
			t.Errorf("messages %d are there", got)
		}
		closeServer(t, s)
	}
}

// copyDir copies a directory, in place of what is there.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
		t.Fatal(err)
	}
}

// sequences returns which of the messages up to last are there.
func sequences(t *testing.T, s *Server, last uint64) (all []uint64) {
	t.Helper()
	stream := queues(t, s)
	for n := range last {
		_, err := stream.GetMsg(t.Context(), n+1)
		switch {
		case err == nil:
			all = append(all, n+1)
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			t.Fatal(err)
		}
	}
	return all
}

// A state file that is not understood says nothing: its messages are delivered again rather than lost.
func TestAStateThatIsNotUnderstoodIsLeftAlone(t *testing.T) {
	const meta = `{"durable_name":"in","filter_subject":"mackerel.in.*"}`
	state := []byte{22, 2, 1, 7, 3, 9, 1, 100, 2, 2, 0, 0} // 9 were delivered, and number 9 waits for its answer
	changed := func(at int, b byte) []byte {
		c := slices.Clone(state)
		c[at] = b
		return c
	}
	none := []byte(nil)
	idle := []byte{22, 2, 1, 1, 0, 9, 0, 0}
	for _, c := range []struct {
		name        string
		meta, state []byte
		ok          bool
	}{
		{"understood", []byte(meta), state, true},
		{"no message waits for its answer", []byte(meta), idle, true},
		{"no meta.inf", none, state, false},
		{"meta.inf is no JSON", []byte(meta[1:]), state, false},
		{"of all queues", []byte(`{"filter_subject":"mackerel.>"}`), state, false},
		{"no state", []byte(meta), none, false},
		{"another file", []byte(meta), append([]byte{11}, idle[1:]...), false},
		{"version 1", []byte(meta), append([]byte{22, 1}, idle[2:]...), false},
		{"more messages than follow", []byte(meta), changed(6, 4), false},
		{"cut in a message", []byte(meta), state[:9], false},
		{"cut before the messages", []byte(meta), state[:6], false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range map[string][]byte{"meta.inf": c.meta, "o.dat": c.state} {
				if data == nil {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if p, ok := readProgress(dir); ok != c.ok || ok && (p.queue != "mackerel.in." || p.delivered != 9) {
				t.Errorf("%+v, %v", p, ok)
			}
		})
	}
}
