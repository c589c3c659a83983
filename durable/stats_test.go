package durable_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

func (d *depot) stats(t *testing.T) durable.Stats {
	t.Helper()
	s, err := d.store.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// waiting waits until so many alerts wait in a queue. The server counts them some moments after it has stored them.
func (d *depot) waiting(t *testing.T, queue string, n uint64) durable.Stats {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 30*time.Second; runtime.Gosched() {
		if s := d.stats(t); s.Queue(queue).Waiting == n {
			return s
		}
	}
	t.Fatalf("want %d alerts that wait, got %+v", n, d.stats(t))
	return durable.Stats{}
}

func TestStatsOfAnEmptyStore(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	s := d.stats(t)
	if len(s.Queues) != 0 || s.Unserved != 0 || s.Bytes != 0 || s.MaxBytes != 1<<30 || time.Since(s.At) > time.Minute {
		t.Errorf("got %+v", s)
	}
	if q := s.Queue("slack"); q != (durable.QueueStats{Queue: "slack"}) || s.PerSecond("slack", s) != 0 {
		t.Errorf("got %+v", q)
	}
}

func TestStatsSayWhatWaitsWithAndWithoutAWorker(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	begin := time.Now()
	d.work(t, "slack", 0, accept)
	for i := range 3 {
		if err := d.queue(t, "slack").Notify(t.Context(), alert(strconv.Itoa(i), "")); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.queue(t, "nobody").Notify(t.Context(), alert("x", "")); err != nil {
		t.Fatal(err)
	}
	d.bury(t, "pager", "no", alert("x", ""))
	s := d.waiting(t, "slack", 3)
	slack, nobody, pager := s.Queue("slack"), s.Queue("nobody"), s.Queue("pager")
	if len(s.Queues) != 3 || s.Queues[0].Queue != "nobody" || s.Queues[1].Queue != "pager" || s.Unserved != 1 || s.Bytes == 0 {
		t.Errorf("got %+v", s)
	}
	if !slack.Served || slack.Waiting != 3 || slack.InHand != 0 || slack.Oldest <= 0 || slack.Oldest > time.Since(begin) {
		t.Errorf("got %+v", slack)
	}
	if nobody.Served || nobody.Waiting != 1 || nobody.Oldest <= 0 || nobody.Oldest > slack.Oldest {
		t.Errorf("got %+v", nobody)
	}
	if pager.Waiting != 0 || pager.Oldest != 0 || pager.DeadLetters != 1 || pager.Deliveries != 1 {
		t.Errorf("got %+v", pager)
	}
}

func accept(context.Context, mackerel.Alert) error { return nil }

func TestStatsSayWhatIsInHandAndHowFast(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	for i := range 5 {
		if err := d.queue(t, "slack").Notify(t.Context(), alert(strconv.Itoa(i), "")); err != nil {
			t.Fatal(err)
		}
	}
	before := d.stats(t)
	tried, read := make(chan bool), make(chan bool)
	var during durable.Stats
	var err error
	go func() {
		defer close(read)
		for range 5 {
			<-tried
		}
		during, err = d.store.Stats(t.Context())
	}()
	d.work(t, "slack", 5, func(context.Context, mackerel.Alert) error {
		tried <- true
		<-read
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if q := during.Queue("slack"); q.Waiting != 5 || q.InHand != 5 || q.Deliveries != 5 || q.Oldest <= 0 {
		t.Errorf("got %+v", q)
	}
	after := d.stats(t)
	if q := after.Queue("slack"); q.Waiting != 0 || q.InHand != 0 || q.Deliveries != 5 || q.Oldest != 0 {
		t.Errorf("got %+v", q)
	}
	if rate := after.PerSecond("slack", before); rate <= 0 || rate != 5/after.At.Sub(before.At).Seconds() {
		t.Errorf("%v a second", rate)
	}
	if before.PerSecond("slack", after) != 0 {
		t.Error("a rate from a later reading")
	}
	before.At = after.At.Add(time.Second)
	if before.PerSecond("slack", after) != 0 {
		t.Error("a rate of a queue that was made anew")
	}
}

func TestConsumersOfOthersAreNoQueues(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	js := jetStream(t, d.conn)
	if _, err := js.CreateConsumer(t.Context(), "mackerel", jetstream.ConsumerConfig{
		Durable: "spy", FilterSubject: "mackerel.slack.00", AckPolicy: jetstream.AckExplicitPolicy,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.conn.RequestMsg(&nats.Msg{Subject: "mackerel.slack.00", Data: []byte("x")}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if s := d.stats(t); len(s.Queues) != 1 || s.Queue("slack").Served || s.Queue("slack").Waiting != 1 {
		t.Errorf("got %+v", s)
	}
}

// A message that cannot be read is counted, and the age is that of the next.
func TestADamagedMessageHasNoAge(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.work(t, "slack", 0, accept)
	for i, queue := range []string{"other", "slack", "other", "slack", "other", "slack", "lone"} {
		if err := d.queue(t, queue).Notify(t.Context(), alert(fmt.Sprintf("message-%d", i), "")); err != nil {
			t.Fatal(err)
		}
	}
	d.damage(t, "mackerel", "message-1")
	s := d.stats(t)
	slack, other := s.Queue("slack"), s.Queue("other")
	if slack.Oldest <= 0 || slack.Oldest >= other.Oldest || other.Waiting != 3 || slack.Waiting < 2 {
		t.Errorf("got %+v", s)
	}
	results := d.work(t, "slack", 2, accept)
	if len(results) == 2 && results[0].Alert.ID+results[1].Alert.ID != "message-3message-5" &&
		results[0].Alert.ID+results[1].Alert.ID != "message-5message-3" {
		t.Errorf("got %s and %s", results[0].Alert.ID, results[1].Alert.ID)
	}
	d.damage(t, "mackerel", "message-6")
	s = d.stats(t)
	if q := s.Queue("lone"); q.Oldest != 0 || q.Waiting > 1 {
		t.Errorf("got %+v", q)
	}
	if q := s.Queue("slack"); q.Oldest != 0 || q.Waiting > 1 {
		t.Errorf("got %+v", q)
	}
}

// The store is read while messages come and go.
func TestStatsWhileAlertsComeAndGo(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	const n = 300
	ended := make(chan bool)
	go func() {
		defer close(ended)
		for i := range n {
			if err := d.queue(t, "slack").Notify(t.Context(), alert(strconv.Itoa(i), "")); err != nil {
				t.Error(err)
			}
		}
		d.work(t, "slack", n, accept)
	}()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		default:
		}
		s := d.stats(t)
		if q := s.Queue("slack"); q.Waiting > n || q.InHand > q.Waiting || q.Oldest < 0 {
			t.Fatalf("got %+v", s)
		}
	}
	if s := d.stats(t); s.Queue("slack").Waiting != 0 || s.Unserved != 0 {
		t.Errorf("got %+v", s)
	}
}

// The server cannot read the first file of the letters, or of the alerts. What is in the others is there.
func TestAFileThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	body := []byte(`{"message":"` + strings.Repeat("x", 900_000) + `"}`)
	for _, subject := range []string{"mackerel-dead.slack", "mackerel.slack.00"} {
		for range 24 {
			if _, err := d.conn.RequestMsg(&nats.Msg{Subject: subject, Data: body}, 10*time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.close()
	d.open(t)
	for _, stream := range []string{"mackerel", "mackerel-dead"} {
		files, err := filepath.Glob(filepath.Join(d.dir, "jetstream", "$G", "streams", stream, "msgs", "*.blk"))
		if err != nil || len(files) < 2 {
			t.Fatalf("%v, %d files", err, len(files))
		}
		if err := os.Remove(files[0]); err != nil {
			t.Fatal(err)
		}
	}
	letters, q := d.letters(t, "slack"), d.stats(t).Queue("slack")
	if len(letters) == 0 || len(letters) >= 24 || letters[len(letters)-1].ID != 24 {
		t.Errorf("%d letters", len(letters))
	}
	if q.Oldest <= 0 {
		t.Errorf("got %+v", q)
	}
}

// Each request of Stats may be refused by itself, as when a stream is removed meanwhile. Stats returns no half of the
// numbers.
func TestStatsThatAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var refused atomic.Value // the subject of the requests that the server is to refuse
	refused.Store("")
	var before atomic.Int32 // how many of these requests are let through
	_, kept := tappedStore(t, s, func(b []byte) []byte {
		subject := refused.Load().(string)
		if subject == "" || !bytes.Contains(b, []byte(subject+" ")) || before.Add(-1) >= 0 {
			return b
		}
		other := subject[:len(subject)-1] + "X" // a stream that does not exist
		return bytes.ReplaceAll(b, []byte(subject+" "), []byte(other+" "))
	})
	store(t, queue(t, kept, "q"), "k", "first")
	for _, r := range []struct {
		request string
		before  int32
	}{
		{"CONSUMER.LIST.mackerel", 0}, {"STREAM.INFO.mackerel", 0}, {"STREAM.INFO.mackerel", 1},
		{"STREAM.INFO.mackerel-dead", 0}, {"STREAM.MSG.GET.mackerel", 0},
	} {
		before.Store(r.before)
		refused.Store("$JS.API." + r.request)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		stats, err := kept.Stats(ctx)
		cancel()
		if e := kindOf(t, err, mackerel.ErrNotFound); e.Op != "stats" || stats.Queues != nil || !stats.At.IsZero() {
			t.Errorf("%+v: got %+v, %v", r, stats, err)
		}
	}
	refused.Store("")
	if stats, err := kept.Stats(t.Context()); err != nil || stats.Queue("q").Waiting != 1 {
		t.Errorf("got %+v, %v", stats, err)
	}
}

// The server finds no message below some sequence number, as if it could not read the files before. The age is that of
// the first message that it finds.
func TestTheAgeIsThatOfTheFirstReadableMessage(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var readable atomic.Uint64 // the first sequence number that the server finds
	conn, kept := tappedStore(t, s, func(b []byte) []byte { return hide(b, readable.Load()) })
	const n = 9
	for i := range n {
		store(t, queue(t, kept, "q"), strconv.Itoa(i), "message")
	}
	stream, err := jetStream(t, conn).Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	for first := uint64(1); first <= n+1; first++ {
		readable.Store(first)
		stats, err := kept.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var age time.Duration
		if m, err := stream.GetMsg(t.Context(), first); err == nil {
			age = stats.At.Sub(m.Time)
		} else if first <= n {
			t.Fatal(err)
		}
		if q := stats.Queue("q"); q.Oldest != age || q.Waiting != n {
			t.Errorf("from %d on: got %+v, want the age %v", first, q, age)
		}
	}
}
