package durable_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

const body = `{"event":"alert","unknown":2.50,"alert":{"id":"a1","status":"critical","monitorName":"cpu"}}`

func received(t testing.TB, body string) mackerel.Alert {
	t.Helper()
	a, err := mackerel.ParseWebhook([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type notify func(context.Context, *durable.Queue, mackerel.Alert)

// How often an alert is stored depends on where it came from.
func TestStoredOnce(t *testing.T) {
	t.Parallel()
	const window = time.Second
	s := newStore(t, durable.Config{Window: window})
	in, other := queue(t, s, "in"), queue(t, s, "other")
	hand := mackerel.Alert{ID: "a2", Status: "critical", Message: "m"}
	unnamed := t.Context()
	named := mackerel.WithDeliveryID(t.Context(), "d")
	later := func() { time.Sleep(2 * window) }
	for _, c := range []struct {
		name  string
		want  uint64
		store func(notify notify)
	}{
		{"what was received", 1, func(notify notify) {
			notify(unnamed, in, received(t, body))
			notify(named, in, received(t, body))
		}},
		{"what was received, for two queues", 2, func(notify notify) {
			notify(unnamed, in, received(t, strings.Replace(body, "cpu", "two", 1)))
			notify(unnamed, other, received(t, strings.Replace(body, "cpu", "two", 1)))
		}},
		{"what was received again after the window", 2, func(notify notify) {
			notify(unnamed, in, received(t, strings.Replace(body, "cpu", "reminder", 1)))
			later()
			notify(unnamed, in, received(t, strings.Replace(body, "cpu", "reminder", 1)))
		}},
		{"made by hand", 2, func(notify notify) {
			notify(unnamed, in, hand)
			notify(unnamed, in, hand)
		}},
		{"made by hand, with an id", 1, func(notify notify) {
			notify(named, in, hand)
			notify(named, in, hand)
		}},
		{"another alert with the same id", 1, func(notify notify) {
			changed := hand
			changed.Status = "ok"
			notify(named, in, changed)
		}},
		{"an id and a queue's name that are the same text together", 2, func(notify notify) {
			notify(mackerel.WithDeliveryID(t.Context(), "deliveryx"), in, hand)
			notify(mackerel.WithDeliveryID(t.Context(), "x"), queue(t, s, "indelivery"), hand)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := inQueues(t, s)
			c.store(func(ctx context.Context, q *durable.Queue, a mackerel.Alert) {
				if err := q.Notify(ctx, a); err != nil {
					t.Error(err)
				}
			})
			if got := inQueues(t, s) - before; got != c.want {
				t.Errorf("stored %d times, want %d", got, c.want)
			}
		})
	}
}

// The receipt has the sequence number in the stream, which is that of the first call if the alert is stored already.
func TestTheReceiptOfAQueue(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	in := queue(t, s, "in")
	for i, c := range []struct {
		alert mackerel.Alert
		id    string
	}{{mackerel.Alert{ID: "a"}, "1"}, {received(t, body), "2"}, {received(t, body), "2"}, {mackerel.Alert{ID: "a"}, "4"}} {
		got, err := in.Deliver(t.Context(), c.alert)
		if err != nil || got.Attempts != 1 || got.Duration <= 0 || i < 3 && got.ID != c.id {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
	}
	if names := fmt.Sprint(s, in); names != "durable store mackerel queue in" {
		t.Errorf("they are called %s", names)
	}
}

// The numbers of a store that was made anew begin at 1 again. The ids of its deliveries are others all the same.
func TestTheIDsOfAStoreThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	js := jetStream(t, conn)
	ids := map[string]bool{}
	for range 2 {
		s := openStore(t, conn, durable.Config{})
		r := new(room)
		_, stop := run(t, s, durable.WorkerConfig{Queue: "q", Notifier: r})
		store(t, queue(t, s, "q"), "a", "m")
		r.wait(t, 1)
		stop()
		ids[r.calls()[0].delivery] = true
		if err := js.DeleteStream(t.Context(), "mackerel"); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 {
		t.Errorf("got %v", ids)
	}
}

// An answer is lost. The request is made again, and what was done at the first time is not an error.
func TestAnAnswerThatIsLostOnce(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var alert, removal atomic.Bool // whether the answer was lost
	conn, kept := tappedStore(t, s, func(b []byte) []byte {
		for request, lost := range map[string]*atomic.Bool{"HPUB mackerel.in.": &alert, "PUB $JS.API.STREAM.MSG.DELETE.": &removal} {
			if bytes.Contains(b, []byte(request)) && !lost.Swap(true) {
				b = bytes.ReplaceAll(b, []byte(" _INBOX."), []byte(" _LOST_."))
			}
		}
		return b
	})
	got, err := queue(t, kept, "in").Deliver(t.Context(), mackerel.Alert{ID: "a"})
	if err != nil || got.ID != "1" || got.Attempts != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if n := inQueues(t, kept); n != 1 {
		t.Errorf("%d alerts are stored", n)
	}
	if _, err := conn.RequestMsg(&nats.Msg{Subject: "mackerel-dead.in"}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := kept.Drop(t.Context(), 1); err != nil {
		t.Error(err)
	}
	wantKind(t, kept.Drop(t.Context(), 1), mackerel.ErrNotFound)
}

// The first answer is lost, and then no stream answers any more. The alert may be stored.
func TestNoAnswerAfterALostAnswer(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	js := jetStream(t, conn)
	if err := js.DeleteStream(t.Context(), "mackerel"); err != nil {
		t.Fatal(err)
	}
	silent, err := conn.Subscribe("mackerel.in.*", func(*nats.Msg) {})
	if err == nil {
		err = silent.AutoUnsubscribe(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // a try takes 3 s
	defer cancel()
	e := kindOf(t, queue(t, s, "in").Notify(ctx, mackerel.Alert{ID: "a"}), mackerel.ErrAmbiguous)
	if e.Attempts < 2 {
		t.Errorf("got %v", e)
	}
}

// An answer is lost, and then the server refuses the alert. It would not refuse what it has stored.
func TestARefusalAfterALostAnswer(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	plain, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	openStore(t, plain, durable.Config{MaxBytes: 1}) // which is full
	var lost atomic.Bool
	_, kept := tappedStore(t, s, func(b []byte) []byte {
		if bytes.Contains(b, []byte("HPUB mackerel.in.")) && !lost.Swap(true) {
			b = bytes.ReplaceAll(b, []byte(" _INBOX."), []byte(" _LOST_."))
		}
		return b
	})
	e := kindOf(t, queue(t, kept, "in").Notify(t.Context(), mackerel.Alert{ID: "a"}), mackerel.ErrUnavailable)
	if e.Attempts != 2 || !strings.Contains(e.Message, "full") {
		t.Errorf("got %v", e)
	}
}

// The program may know better than the store why the server does not answer. It does not know why the server refuses.
func TestTheCause(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	var cause error
	s, err := durable.Open(t.Context(), conn, durable.Config{Create: true, MaxBytes: 1, Cause: func() error { return cause }})
	if err != nil {
		t.Fatal(err)
	}
	in := queue(t, s, "in")
	cause = errors.New("the disk is on fire")
	if err := in.Notify(t.Context(), mackerel.Alert{ID: "a"}); err == nil || !strings.Contains(err.Error(), "full") || strings.Contains(err.Error(), "fire") {
		t.Errorf("got %v", err)
	}
	conn.Close()
	if err := in.Notify(t.Context(), mackerel.Alert{ID: "a"}); err == nil || !strings.Contains(err.Error(), "fire") {
		t.Errorf("got %v", err)
	}
	cause = nil
	if err := in.Notify(t.Context(), mackerel.Alert{ID: "a"}); err == nil || !strings.Contains(err.Error(), "closed") || strings.Contains(err.Error(), "%!") {
		t.Errorf("got %v", err)
	}
}

func inQueues(t testing.TB, s *durable.Store) (n uint64) {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range stats.Queues {
		n += q.Waiting
	}
	return max(n, stats.Unserved)
}

// The same delivery at two receivers at once is stored once.
func TestTwoReceivers(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	in := queue(t, s, "in")
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for i := range 50 {
				if err := in.Notify(t.Context(), received(t, strings.Replace(body, "cpu", fmt.Sprint("m", i), 1))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := inQueues(t, s); n != 50 {
		t.Errorf("%d alerts are stored, want 50", n)
	}
}

// What was received comes out as it went in.
func TestTheSameBytes(t *testing.T) {
	t.Parallel()
	s := newStore(t, durable.Config{})
	r := new(room)
	run(t, s, durable.WorkerConfig{Queue: "in", Notifier: queue(t, s, "out")})
	run(t, s, durable.WorkerConfig{Queue: "out", Notifier: r})
	odd := `{"event":"alert","alert":{"id":5,"status":"critical","monitorName":"odd"}, "more" : [1, 2.0] }`
	in := queue(t, s, "in")
	first := received(t, body)
	second, _ := mackerel.ParseWebhook([]byte(odd)) // it has an odd member
	for _, a := range []mackerel.Alert{first, second} {
		if err := in.Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	r.wait(t, 2)
	for _, want := range []string{body, odd} {
		found := false
		for _, c := range r.calls() {
			found = found || bytes.Equal(c.alert.Raw, []byte(want))
		}
		if !found {
			t.Errorf("%s did not come out", want)
		}
	}
}

func TestWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	t.Run("full", func(t *testing.T) {
		s := newStore(t, durable.Config{MaxBytes: 4096})
		in := queue(t, s, "in")
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			err = in.Notify(t.Context(), mackerel.Alert{ID: "a", Message: strconv.Itoa(i)})
		}
		e := kindOf(t, err, mackerel.ErrUnavailable)
		if _, again := mackerel.Retry(err); !again || e.Code != "10077" || !strings.Contains(e.Message, "full") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("too long", func(t *testing.T) {
		s := newStore(t, durable.Config{})
		r, err := queue(t, s, "in").Deliver(t.Context(), mackerel.Alert{ID: "a", Message: strings.Repeat("x", 1<<20)})
		if wantKind(t, err, mackerel.ErrInvalid); r.Attempts != 1 || r.ID != "" {
			t.Errorf("the receipt is %+v", r)
		}
	})
	t.Run("closed", func(t *testing.T) {
		conn, s := connectStore(t, durable.Config{})
		conn.Close()
		err := queue(t, s, "in").Notify(t.Context(), mackerel.Alert{ID: "a", Message: "m"})
		wantKind(t, err, mackerel.ErrUnavailable)
		if strings.Contains(err.Error(), "attempts") {
			t.Errorf("it was tried again: %v", err)
		}
	})
}

// An answer that was lost leaves open whether the alert is stored. Only a call that has no id may store it twice.
func TestALostAnswer(t *testing.T) {
	t.Parallel()
	conn, s := connectStore(t, durable.Config{})
	js := jetStream(t, conn)
	if err := js.DeleteStream(t.Context(), "mackerel"); err != nil {
		t.Fatal(err)
	}
	silent, err := conn.Subscribe("mackerel.in.*", func(*nats.Msg) {}) // takes the message and does not answer
	if err != nil {
		t.Fatal(err)
	}
	in := queue(t, s, "in")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("the caller gives up"))
	defer cancel()
	hand := mackerel.Alert{ID: "a", Message: "m"}
	e := kindOf(t, in.Notify(ctx, hand), mackerel.ErrAmbiguous)
	if !strings.Contains(e.Error(), "the caller gives up") {
		t.Errorf("%v does not say why", e)
	}
	if _, again := mackerel.Retry(e); !again {
		t.Errorf("%v forbids a repeat", e)
	}
	wantKind(t, in.Notify(mackerel.WithDeliveryID(ctx, "d"), hand), mackerel.ErrUnavailable)
	wantKind(t, in.Notify(ctx, received(t, body)), mackerel.ErrUnavailable)
	if err := silent.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	short := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return in.Notify(ctx, hand)
	}
	for range 10 { // on a busy machine, the time may end within a try
		if err = short(); errors.Is(err, mackerel.ErrUnavailable) {
			break
		}
	}
	e = kindOf(t, err, mackerel.ErrUnavailable) // it is certain that it is not stored
	if !strings.Contains(e.Message, "no stream answers") {
		t.Errorf("got %v", e)
	}
}

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	if got, err := (durable.Config{}).WithDefaults(); err != nil || got.Name != "mackerel" || got.Replicas != 1 || got.MaxBytes != 1<<30 || got.Window != 5*time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range []durable.Config{
		{Name: "a-1", Replicas: 3, MaxBytes: 1, Window: 100 * time.Millisecond},
		{Name: strings.Repeat("a", 64), Replicas: 5, MaxBytes: 1 << 40, Window: 10*time.Minute - 1},
	} {
		if got, err := c.WithDefaults(); err != nil || got.Name != c.Name || got.Replicas != c.Replicas || got.MaxBytes != c.MaxBytes || got.Window != c.Window {
			t.Errorf("%+v becomes %+v, %v", c, got, err)
		}
	}
	for want, c := range map[string]durable.Config{
		"Name:": {Name: strings.Repeat("a", 65)}, "Replicas:": {Replicas: 4}, "MaxBytes:": {MaxBytes: -1}, "Window:": {Window: 100*time.Millisecond - 1},
	} {
		_, err := c.WithDefaults()
		if e := kindOf(t, err, mackerel.ErrConfig); !strings.HasPrefix(e.Message, want) || strings.Contains(e.Message, ";") {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	for _, c := range []struct {
		config durable.Config
		want   string
	}{
		{durable.Config{Name: "A"}, "Name"},
		{durable.Config{Replicas: 2}, "Replicas"},
		{durable.Config{MaxBytes: -1}, "MaxBytes"},
		{durable.Config{Window: 10 * time.Minute}, "Window"},
		{durable.Config{Window: time.Millisecond}, "Window"},
	} {
		_, err := durable.Open(t.Context(), conn, c.config)
		if e := kindOf(t, err, mackerel.ErrConfig); !strings.Contains(e.Message, c.want+":") {
			t.Errorf("%v does not name %s", e, c.want)
		}
	}
	_, err := durable.Open(t.Context(), nil, durable.Config{})
	wantKind(t, err, mackerel.ErrConfig)
	_, err = durable.Open(t.Context(), conn, durable.Config{})
	if e := kindOf(t, err, mackerel.ErrNotFound); !strings.Contains(e.Message, "mackerel is missing") {
		t.Errorf("got %v", e)
	}
	s := newStore(t, durable.Config{})
	for _, name := range []string{"", "a.b", "a b", "*", "名", strings.Repeat("a", 65)} {
		if _, err := s.Queue(name); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

// A stream that somebody configured in another way would take alerts and lose them.
func TestStreamsOfOthers(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	js := jetStream(t, conn)
	good := jetstream.StreamConfig{
		Name: "mackerel", Subjects: []string{"mackerel.*.*"}, Retention: jetstream.WorkQueuePolicy,
		Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage, Duplicates: 5 * time.Minute, MaxBytes: 1 << 20,
	}
	for member, change := range map[string]func(*jetstream.StreamConfig){
		"subjects":                func(c *jetstream.StreamConfig) { c.Subjects = []string{"subjects.>"} },
		"retention":               func(c *jetstream.StreamConfig) { c.Retention = jetstream.LimitsPolicy },
		"discard":                 func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"storage":                 func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"no_ack":                  func(c *jetstream.StreamConfig) { c.NoAck = true },
		"persist_mode":            func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"duplicate_window":        func(c *jetstream.StreamConfig) { c.Duplicates = time.Minute },
		"max_age":                 func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"discard_new_per_subject": func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject, c.MaxMsgsPerSubject = true, 1 },
		"max_msgs_per_subject":    func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 },
		"sources":                 func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "subjects"}} },
		"subject_transform": func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "subject-transform.x.*", Destination: "subject-transform.y.{{wildcard(1)}}"}
		},
	} {
		other, name := good, strings.ReplaceAll(member, "_", "-")
		other.Name, other.Subjects = name, []string{name + ".*.*"}
		change(&other)
		if _, err := js.CreateStream(t.Context(), other); err != nil {
			t.Fatalf("%s: %v", member, err)
		}
		_, err := durable.Open(t.Context(), conn, durable.Config{Name: name, Create: true})
		if e := kindOf(t, err, mackerel.ErrConfig); !strings.Contains(e.Message, "stream "+name+": "+member+" is ") {
			t.Errorf("%v does not name %s", e, member)
		}
	}
	if _, err := durable.Open(t.Context(), conn, durable.Config{Name: "dead", Create: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Open(t.Context(), conn, durable.Config{Name: "dead", Replicas: 3}); err == nil || !strings.Contains(err.Error(), "num_replicas is 1") {
		t.Errorf("got %v", err)
	}
	letters, err := js.Stream(t.Context(), "dead-dead")
	if err != nil {
		t.Fatal(err)
	}
	sealed := letters.CachedInfo().Config
	if sealed.MaxBytes != 1<<28 {
		t.Errorf("dead letters have %d bytes, want a quarter of a GiB", sealed.MaxBytes)
	}
	sealed.Sealed = true
	if _, err := js.UpdateStream(t.Context(), sealed); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Open(t.Context(), conn, durable.Config{Name: "dead"}); err == nil || !strings.Contains(err.Error(), "stream dead-dead: sealed is true") {
		t.Errorf("got %v", err)
	}
	mirror := jetstream.StreamConfig{Name: "mirror", Mirror: &jetstream.StreamSource{Name: "subjects"}, Storage: jetstream.FileStorage}
	if _, err := js.CreateStream(t.Context(), mirror); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Open(t.Context(), conn, durable.Config{Name: "mirror"}); err == nil || !strings.Contains(err.Error(), "mirror is true") {
		t.Errorf("got %v", err)
	}
	if _, err := js.CreateStream(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Open(t.Context(), conn, durable.Config{Create: true}); err != nil {
		t.Error(err)
	}
}
