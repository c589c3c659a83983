package peers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	peer "github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// startNATS starts a server on the loopback interface and returns its address.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
	must(t, s, err).Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.ClientURL()
}

func connectNATS(t *testing.T, address string) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(address)
	must(t, conn, err)
	t.Cleanup(conn.Close)
	return conn
}

// newStore returns a new store of a server, and what another program has: a connection of its own.
func newStore(t *testing.T, config durable.Config) (*durable.Store, *nats.Conn) {
	t.Helper()
	address := startNATS(t)
	config.Create = true
	store, err := durable.Open(t.Context(), connectNATS(t, address), config)
	return must(t, store, err), connectNATS(t, address)
}

// jetStream returns the client that other programs use.
func jetStream(t *testing.T, conn *nats.Conn) peer.JetStream {
	t.Helper()
	js, err := peer.New(conn)
	return must(t, js, err)
}

// work runs a worker of a queue until it has dealt with n alerts, and returns what became of them.
func work(t *testing.T, s *durable.Store, queue string, n int, notifier mackerel.Notifier) []durable.Result {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	told := make(chan durable.Result, 100)
	w, err := s.NewWorker(durable.WorkerConfig{
		Queue: queue, Notifier: notifier, OnResult: func(_ context.Context, r durable.Result) { told <- r },
	})
	must(t, w, err)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	var results []durable.Result
	for len(results) < n && ctx.Err() == nil {
		select {
		case r := <-told:
			results = append(results, r)
		case <-ctx.Done():
			t.Errorf("the worker has done %d of %d alerts", len(results), n)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return results
}

// natsAlert returns Mackerel's webhook for an alert of a monitor.
func natsAlert(monitor string) []byte {
	const format = `{"event":"alert","alert":{"id":"2x","status":"critical","isOpen":true,"monitorName":%q}}`
	return fmt.Appendf(nil, format, monitor)
}

// storeAlert stores an alert in the queue "slack", as a program of ours does.
func storeAlert(t *testing.T, s *durable.Store, monitor string) {
	t.Helper()
	queue, err := s.Queue("slack")
	must(t, queue, err)
	alert, err := mackerel.ParseWebhook(natsAlert(monitor))
	if err := queue.Notify(t.Context(), must(t, alert, err)); err != nil {
		t.Fatal(err)
	}
}

// Another program sees how many alerts wait in which queue, and reads them without taking them away.
func TestNATSClientReadsAQueue(t *testing.T) {
	t.Parallel()
	store, conn := newStore(t, durable.Config{})
	storeAlert(t, store, "disk")
	stream, err := jetStream(t, conn).Stream(t.Context(), "mackerel")
	must(t, stream, err)
	info, err := stream.Info(t.Context(), peer.WithSubjectFilter("mackerel.slack.*"))
	equal(t, "subjects", len(must(t, info, err).State.Subjects), 1)
	for range 2 { // reading takes nothing away
		m, err := stream.GetMsg(t.Context(), 1, peer.WithGetMsgSubject("mackerel.slack.*"))
		equal(t, "subjects", info.State.Subjects[must(t, m, err).Subject], uint64(1))
		equal(t, "JSON", canonical(t, m.Data), canonical(t, natsAlert("disk")))
	}
	equal(t, "outcome", work(t, store, "slack", 1, new(inbox))[0].Outcome, durable.Delivered)
	info, err = stream.Info(t.Context())
	equal(t, "messages left", must(t, info, err).State.Msgs, uint64(0))
}

func TestNATSClientReadsDeadLetters(t *testing.T) {
	t.Parallel()
	store, conn := newStore(t, durable.Config{})
	storeAlert(t, store, "disk")
	away := new(inbox)
	away.fail(&mackerel.Error{Provider: "slack", Kind: mackerel.ErrUnauthorized, Message: "invalid_token"})
	equal(t, "outcome", work(t, store, "slack", 1, away)[0].Outcome, durable.Dead)

	consumer, err := jetStream(t, conn).OrderedConsumer(t.Context(), "mackerel-dead", peer.OrderedConsumerConfig{
		FilterSubjects: []string{"mackerel-dead.slack"},
	})
	m, err := must(t, consumer, err).Next(peer.FetchMaxWait(10 * time.Second))
	must(t, m, err)
	equal(t, "subject", m.Subject(), "mackerel-dead.slack")
	contains(t, "reason", m.Headers().Get("Mackerel-Reason"), "invalid_token")
	equal(t, "deliveries", m.Headers().Get("Mackerel-Deliveries"), "1")
	stored, err := time.Parse(time.RFC3339Nano, m.Headers().Get("Mackerel-Stored"))
	if err != nil || time.Since(stored) > time.Minute {
		t.Errorf("stored at %v: %v", stored, err)
	}
	equal(t, "JSON", canonical(t, m.Data()), canonical(t, natsAlert("disk")))
}

// natsPublishers are the ways in which another program may publish a message: both APIs of nats.go, and without waiting
// for an acknowledgement, as in NATS without JetStream.
func natsPublishers(t *testing.T, conn *nats.Conn) map[string]func(subject string, body []byte) error {
	t.Helper()
	js, err := conn.JetStream()
	must(t, js, err)
	return map[string]func(string, []byte) error{
		"jetstream": func(subject string, body []byte) error {
			_, err := jetStream(t, conn).Publish(t.Context(), subject, body)
			return err
		},
		"JetStreamContext": func(subject string, body []byte) error {
			_, err := js.Publish(subject, body)
			return err
		},
		"core": func(subject string, body []byte) error {
			return errors.Join(conn.Publish(subject, body), conn.Flush())
		},
	}
}

// What another program publishes has no header of this module, and its key is any word.
func TestNATSClientPublishesAlerts(t *testing.T) {
	t.Parallel()
	store, conn := newStore(t, durable.Config{})
	publishers := natsPublishers(t, conn)
	for name, publish := range publishers {
		for i := range 3 {
			if err := publish("mackerel.slack."+name, natsAlert(fmt.Sprint(name, i))); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	in := new(inbox)
	for _, r := range work(t, store, "slack", 3*len(publishers), in) {
		equal(t, "outcome", r.Outcome, durable.Delivered)
	}
	count(t, "alerts", in.all(), 3*len(publishers))
	for name := range publishers {
		var titles []string
		for _, a := range in.all() {
			equal(t, "status", a.Status, mackerel.StatusCritical)
			if strings.HasPrefix(a.Monitor.Name, name) {
				titles = append(titles, a.Monitor.Name)
			}
		}
		equal(t, "those of one key", fmt.Sprint(titles), fmt.Sprintf("[%s0 %[1]s1 %[1]s2]", name))
	}
}

func TestNATSClientPublishesNoAlert(t *testing.T) {
	t.Parallel()
	store, conn := newStore(t, durable.Config{})
	js := jetStream(t, conn)
	bodies := []string{"", "disk full", `["event"]`, `{"event":`}
	for _, body := range bodies {
		ack, err := js.Publish(t.Context(), "mackerel.slack.disk", []byte(body))
		must(t, ack, err)
	}
	in := new(inbox)
	for _, r := range work(t, store, "slack", len(bodies), in) {
		equal(t, "outcome", r.Outcome, durable.Dead)
	}
	count(t, "alerts", in.all(), 0)
	var letters []durable.DeadLetter
	for letter, err := range store.DeadLetters(t.Context(), "slack") {
		letters = append(letters, must(t, letter, err))
	}
	count(t, "dead letters", letters, len(bodies))
	for i, body := range bodies {
		equal(t, "body", string(letters[i].Body), body)
		contains(t, "reason", letters[i].Reason, "the message is no alert")
	}
}

func TestNATSClientIsRefused(t *testing.T) {
	t.Parallel()
	store, conn := newStore(t, durable.Config{MaxBytes: 4096})
	js := jetStream(t, conn)
	for _, subject := range []string{"mackerel.slack", "mackerel.slack.disk.more", "other.slack.disk"} {
		if _, err := js.Publish(t.Context(), subject, natsAlert("disk")); !errors.Is(err, peer.ErrNoStreamResponse) {
			t.Errorf("%s: %v, want ErrNoStreamResponse", subject, err)
		}
	}
	ack, err := js.Publish(t.Context(), "mackerel.slack.disk", natsAlert("disk"), peer.WithMsgID("1"))
	equal(t, "the first time", must(t, ack, err).Duplicate, false)
	ack, err = js.Publish(t.Context(), "mackerel.slack.disk", natsAlert("disk"), peer.WithMsgID("1"))
	equal(t, "the same id again", must(t, ack, err).Duplicate, true)

	var refused *peer.APIError
	_, err = js.Publish(t.Context(), "mackerel.slack.disk", natsAlert(strings.Repeat("x", 4096)))
	if !errors.As(err, &refused) || refused.ErrorCode != 10077 {
		t.Errorf("a message that does not fit: %v, want 10077", err)
	}
	stats, err := store.Stats(t.Context())
	equal(t, "waiting", must(t, stats, err).Queue("slack").Waiting, 1)
}

// A program that takes alerts from a queue would take them from its worker. The server does not allow it once the queue
// has had a worker.
func TestNATSClientCannotTakeFromAQueue(t *testing.T) {
	t.Parallel()
	store, conn := newStore(t, durable.Config{})
	js := jetStream(t, conn)
	ack, err := js.Publish(t.Context(), "mackerel.slack.disk", natsAlert("disk"))
	must(t, ack, err)
	work(t, store, "slack", 1, new(inbox))
	for _, filter := range []string{"", "mackerel.slack.*", "mackerel.*.disk"} {
		var refused *peer.APIError
		_, err := js.CreateOrUpdateConsumer(t.Context(), "mackerel", peer.ConsumerConfig{
			Durable: "thief", AckPolicy: peer.AckExplicitPolicy, FilterSubject: filter,
		})
		if !errors.As(err, &refused) || refused.Code != 400 {
			t.Errorf("%q: %v, want a refusal", filter, err)
		}
	}
}
