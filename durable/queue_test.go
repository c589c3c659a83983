package durable_test

import (
	"bytes"
	"context"
	"fmt"
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
		err := queue(t, s, "in").Notify(t.Context(), mackerel.Alert{ID: "a", Message: strings.Repeat("x", 1<<20)})
		wantKind(t, err, mackerel.ErrInvalid)
	})
	t.Run("closed", func(t *testing.T) {
		conn := connect(t)
		s, err := durable.Open(t.Context(), conn, durable.Config{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		err = queue(t, s, "in").Notify(t.Context(), mackerel.Alert{ID: "a", Message: "m"})
		wantKind(t, err, mackerel.ErrUnavailable)
		if strings.Contains(err.Error(), "attempts") {
			t.Errorf("it was tried again: %v", err)
		}
	})
}

// An answer that was lost leaves open whether the alert is stored. Only a call that has no id may store it twice.
func TestALostAnswer(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	s, err := durable.Open(t.Context(), conn, durable.Config{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "mackerel"); err != nil {
		t.Fatal(err)
	}
	silent, err := conn.Subscribe("mackerel.in.*", func(*nats.Msg) {}) // takes the message and does not answer
	if err != nil {
		t.Fatal(err)
	}
	in := queue(t, s, "in")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	hand := mackerel.Alert{ID: "a", Message: "m"}
	e := kindOf(t, in.Notify(ctx, hand), mackerel.ErrAmbiguous)
	if _, again := mackerel.Retry(e); !again {
		t.Errorf("%v forbids a repeat", e)
	}
	wantKind(t, in.Notify(mackerel.WithDeliveryID(ctx, "d"), hand), mackerel.ErrUnavailable)
	wantKind(t, in.Notify(ctx, received(t, body)), mackerel.ErrUnavailable)
	if err := silent.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond) // for one try
	defer cancel()
	e = kindOf(t, in.Notify(ctx, hand), mackerel.ErrUnavailable) // it is certain that it is not stored
	if !strings.Contains(e.Message, "no stream answers") {
		t.Errorf("got %v", e)
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
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	good := jetstream.StreamConfig{
		Name: "mackerel", Subjects: []string{"mackerel.*.*"}, Retention: jetstream.WorkQueuePolicy,
		Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage, Duplicates: 5 * time.Minute, MaxBytes: 1 << 20,
	}
	for member, change := range map[string]func(*jetstream.StreamConfig){
		"subjects":             func(c *jetstream.StreamConfig) { c.Subjects = []string{"subjects.>"} },
		"retention":            func(c *jetstream.StreamConfig) { c.Retention = jetstream.LimitsPolicy },
		"discard":              func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"storage":              func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"no_ack":               func(c *jetstream.StreamConfig) { c.NoAck = true },
		"persist_mode":         func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"duplicate_window":     func(c *jetstream.StreamConfig) { c.Duplicates = time.Minute },
		"max_age":              func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"max_msgs_per_subject": func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 },
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
	if _, err := js.CreateStream(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Open(t.Context(), conn, durable.Config{Create: true}); err != nil {
		t.Error(err)
	}
}
