package durable_test

import (
	"bytes"
	"context"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// In a cluster, the server that gives out a message may know more than the server that is asked for the first message of
// its key. So "not found" may mean that the message is not there yet. A worker that takes it as delivered loses it.
func TestNotFoundYetIsNotDone(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	const missing = 25 // more than the tries after which the worker looks for damage
	var readings atomic.Int64
	plain, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	if _, err := plain.Subscribe(lateReading, func(m *nats.Msg) {
		if readings.Add(1) <= missing {
			_ = m.Respond([]byte(`{"error":{"code":404,"err_code":10037,"description":"no message found"}}`)) // seen on a cluster
			return
		}
		answer, err := plain.Request(reading, m.Data, 5*time.Second)
		if err == nil {
			err = m.RespondMsg(answer)
		}
		if err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := plain.Flush(); err != nil {
		t.Fatal(err)
	}
	_, kept := tappedStore(t, s, func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("PUB "+reading+" "), []byte("PUB "+lateReading+" "))
	})
	store(t, queue(t, kept, "room"), "k", "first")
	r := new(room)
	_, stop := run(t, kept, durable.WorkerConfig{Queue: "room", Notifier: r})
	r.wait(t, 1)
	stop()
	if n := readings.Load(); n <= missing {
		t.Errorf("%d readings: the worker does not read here", n)
	}
	if told := r.messages(); len(told) != 1 {
		t.Errorf("told %q", told)
	}
}

// The first message of a key is not found at once, and the second is, as if two servers of a cluster had answered. This is
// no damage, and the first is told first.
func TestNotFoundYetIsNoDamage(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var readings atomic.Int64
	_, kept := tappedStore(t, s, func(b []byte) []byte {
		if !bytes.Contains(b, []byte(`{"seq":1,"next_by_subj"`)) || readings.Add(1) > 10 {
			return b
		}
		return hide(b, 2)
	})
	store(t, queue(t, kept, "q"), "k", "first", "second")
	r := new(room)
	run(t, kept, durable.WorkerConfig{Queue: "q", Notifier: r})
	r.wait(t, 2)
	if told := r.messages(); !slices.Equal(told, []string{"first", "second"}) || readings.Load() <= 10 {
		t.Errorf("told %q after %d readings", told, readings.Load())
	}
}

// The server cannot read the first two messages of a key, and has offered the fourth more often than the third. The third
// is told first.
func TestBehindDamageTheOrderHolds(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var readable atomic.Uint64 // the first sequence number that the server finds
	conn, kept := tappedStore(t, s, func(b []byte) []byte { return hide(b, readable.Load()) })
	r := new(room)
	config := durable.WorkerConfig{Queue: "q", Notifier: r}
	_, stop := run(t, kept, config)
	store(t, queue(t, kept, "q"), "other", "0")
	r.wait(t, 1)
	stop() // the consumer stays
	readable.Store(4)
	store(t, queue(t, kept, "q"), "k", "1", "2", "3", "4")
	consumer, err := jetStream(t, conn).Consumer(t.Context(), "mackerel", "q")
	if err != nil {
		t.Fatal(err)
	}
	var offered []jetstream.Msg
	for range 30 {
		m, err := consumer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if offered = append(offered, m); len(offered) >= 4 {
			_ = m.Nak()
		}
	}
	for _, m := range offered[:3] {
		_ = m.Nak()
	}
	run(t, kept, config)
	r.wait(t, 3)
	if told := r.messages(); !slices.Equal(told, []string{"0", "3", "4"}) {
		t.Errorf("told %q", told)
	}
}

// readingOfQ finds the requests for a message of the queue q, from a sequence number on.
var readingOfQ = regexp.MustCompile(`\{"seq":(\d+),"next_by_subj":"mackerel\.q\.`)

// hide changes what is sent to a server, so that the server finds no message of the queue q if it is asked for a number
// below first.
func hide(sent []byte, first uint64) []byte {
	return readingOfQ.ReplaceAllFunc(sent, func(request []byte) []byte {
		seq, err := strconv.ParseUint(string(readingOfQ.FindSubmatch(request)[1]), 10, 64)
		if err != nil || seq >= first {
			return request
		}
		return bytes.Replace(request, []byte("mackerel.q."), []byte("mackerel.X."), 1) // a queue without messages
	})
}

// The subjects of the readings, as the client asks and as the test answers. They have the same length, and the server
// does not know the second.
const (
	reading     = "$JS.API.STREAM.MSG.GET.mackerel"
	lateReading = "LATE.IO.STREAM.MSG.GET.mackerel"
)

// A tap sees what its connections send to a server, and may change it; the length stays.
type tap struct {
	*server.Server
	send func([]byte) []byte
}

func (t tap) InProcessConn() (net.Conn, error) {
	conn, err := t.Server.InProcessConn()
	return &tapped{conn, t.send}, err
}

type tapped struct {
	net.Conn
	send func([]byte) []byte
}

func (c *tapped) Write(b []byte) (int, error) { return c.Conn.Write(c.send(b)) }

// tappedStore opens a store through a tap.
func tappedStore(t *testing.T, s *server.Server, send func([]byte) []byte) (*nats.Conn, *durable.Store) {
	t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(tap{s, send}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, openStore(t, conn, durable.Config{})
}

// The server does not learn that an alert is delivered. It offers the alert again, and the worker does not tell it twice.
func TestAnAcknowledgementThatIsLost(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var learns atomic.Bool // when a worker gives a message back
	_, kept := tappedStore(t, s, func(b []byte) []byte {
		switch {
		case learns.Load():
		case bytes.Contains(b, []byte("\r\n-NAK")):
			learns.Store(true)
		case bytes.Contains(b, []byte("\r\n+ACK")):
			b = bytes.ReplaceAll(b, []byte("PUB $JS.ACK."), []byte("PUB $JS.LOST"))
		}
		return b
	})
	r := new(room)
	w, stop := run(t, kept, durable.WorkerConfig{Queue: "room", Notifier: r})
	store(t, queue(t, kept, "room"), "k", "first", "second")
	r.wait(t, 2)
	stop()
	if got := strings.Join(r.messages(), " "); got != "first second" || inQueues(t, kept) != 0 || w.Stats().Delivered != 2 {
		t.Errorf("told %s, %d are in the queue, %+v", got, inQueues(t, kept), w.Stats())
	}
}

// The server does not learn that a phone has rung, and the worker ends. The next worker does not ring it again.
func TestALostAcknowledgementOfAPhone(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	conn, kept := tappedStore(t, s, func(b []byte) []byte {
		if bytes.Contains(b, []byte("\r\n+ACK")) {
			b = bytes.ReplaceAll(b, []byte("PUB $JS.ACK."), []byte("PUB $JS.LOST"))
		}
		return b
	})
	phone, dead := new(room), make(chan durable.Result, 1)
	_, stop := run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: phone, AtMostOnce: true, AckWait: time.Second})
	store(t, queue(t, kept, "phone"), "a", "m")
	phone.wait(t, 1)
	stop()
	if n := marks(t, conn); n != 1 {
		t.Errorf("%d marks", n)
	}
	plain, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	run(t, openStore(t, plain, durable.Config{}), durable.WorkerConfig{
		Queue: "phone", Notifier: phone, AtMostOnce: true, AckWait: time.Second, OnResult: func(_ context.Context, r durable.Result) { dead <- r },
	})
	wantKind(t, (<-dead).Err, mackerel.ErrAmbiguous)
	if n := len(phone.calls()); n != 1 {
		t.Errorf("the phone rang %d times", n)
	}
}

// What names the delivery of a message may be anything. A worker that rings phones waits only for a router that may still
// have the alert, so it removes the mark of such a message.
func TestAnOddNameOfADelivery(t *testing.T) {
	t.Parallel()
	conn, kept := connectStore(t, durable.Config{})
	phone := new(room)
	_, stop := run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: phone, AtMostOnce: true})
	store(t, queue(t, kept, "phone"), "a", "1")
	phone.wait(t, 1)
	prefix := strings.TrimSuffix(phone.calls()[0].delivery, "1")
	for i, name := range []string{prefix + "2", prefix + "9", prefix + "x", "9"} { // the first is the name of the message itself
		m := &nats.Msg{Subject: "mackerel.phone.0", Data: []byte(`{"message":"m"}`), Header: nats.Header{"Mackerel-Delivery": {name}}}
		if _, err := conn.RequestMsg(m, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		phone.wait(t, 2+i)
		if got := phone.calls()[1+i].delivery; got != name {
			t.Errorf("the delivery of %q is %q", name, got)
		}
	}
	stop()
	if n := marks(t, conn); n != 0 {
		t.Errorf("%d marks are left", n)
	}
}

// The answer about a mark is lost. The delivery has not begun, so the alert is delivered, and is no dead letter.
func TestAMarkWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var lose atomic.Bool // from the first mark on, until a mark is removed
	var lost atomic.Int64
	_, kept := tappedStore(t, s, func(b []byte) []byte {
		switch {
		case !lose.Load():
		case bytes.Contains(b, []byte("PUB $JS.API.STREAM.PURGE.")):
			lose.Store(false)
		case bytes.Contains(b, []byte("HPUB mackerel-dead.phone.")):
			lose.Store(lost.Add(1) < ackTries)
			b = bytes.Replace(b, []byte(" _INBOX."), []byte(" _LOST_."), 1)
		}
		return b
	})
	store(t, queue(t, kept, "phone"), "a", "m")
	lose.Store(true)
	phone, dead := new(room), make(chan durable.Result, 1)
	run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: phone, AtMostOnce: true, OnResult: func(_ context.Context, r durable.Result) {
		dead <- r
	}})
	if r := <-dead; r.Outcome != durable.Delivered || lost.Load() < 2 {
		t.Errorf("got %+v, after %d lost answers", r, lost.Load())
	}
}

// ackTries is how often a mark is sent before the worker gives up.
const ackTries = 5

// A server that is killed may forget a removal that it has confirmed some moments before. The mark tells the next worker
// that the delivery had begun.
func TestAMarkOutlivesItsMessage(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	at := make(map[string]time.Time)
	conn, kept := tappedStore(t, s, func(b []byte) []byte {
		for _, beginning := range []string{"PUB $JS.ACK.", "PUB $JS.API.STREAM.PURGE."} {
			if at[beginning].IsZero() && bytes.Contains(b, []byte(beginning)) {
				at[beginning] = time.Now()
			}
		}
		return b
	})
	phone := new(room)
	_, stop := run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: phone, AtMostOnce: true})
	store(t, queue(t, kept, "phone"), "a", "m")
	phone.wait(t, 1)
	stop()
	conn.Close()
	ack, purge := at["PUB $JS.ACK."], at["PUB $JS.API.STREAM.PURGE."]
	if stays := purge.Sub(ack); ack.IsZero() || stays < 250*time.Millisecond || stays > 8*time.Second { // 10 s, unless the worker ends
		t.Errorf("the mark stays for %v", stays)
	}
}

// The mark of a delivery that is over is removed later. A replay that has begun by then keeps its own mark.
func TestTheMarkOfAReplayStays(t *testing.T) {
	t.Parallel()
	conn, kept := connectStore(t, durable.Config{})
	purged := make(chan struct{}, 10)
	if _, err := conn.Subscribe("_INBOX.>", func(m *nats.Msg) {
		if bytes.Contains(m.Data, []byte("stream_purge_response")) {
			purged <- struct{}{}
		}
	}); err != nil {
		t.Fatal(err)
	}
	dead, rings, proceed := make(chan durable.Result, 1), make(chan struct{}), make(chan struct{})
	phone := &room{answer: func(_ mackerel.Alert, n int) error {
		if n == 1 {
			return failure(mackerel.ErrNotFound, 0)
		}
		close(rings)
		<-proceed
		return nil
	}}
	_, stop := run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: phone, AtMostOnce: true, OnResult: func(_ context.Context, r durable.Result) {
		if r.Outcome == durable.Dead {
			dead <- r
		}
	}})
	store(t, queue(t, kept, "phone"), "a", "m")
	<-dead
	for d, err := range kept.DeadLetters(t.Context(), "phone") {
		if err != nil || kept.Replay(t.Context(), d.ID) != nil {
			t.Fatal(d, err)
		}
	}
	<-purged // by Replay
	<-rings
	ended := make(chan struct{})
	go func() { stop(); close(ended) }()
	<-purged // by the worker, for the first delivery
	if n := marks(t, conn); n != 1 {
		t.Errorf("%d marks while the phone rings", n)
	}
	for d, err := range kept.DeadLetters(t.Context(), "") {
		t.Errorf("a mark is listed: %+v, %v", d, err)
	}
	const id = 3 // of the mark of the replay, behind the first mark and the letter
	_, err := kept.DeadLetter(t.Context(), id)
	for _, err := range []error{err, kept.Replay(t.Context(), id), kept.Drop(t.Context(), id)} {
		wantKind(t, err, mackerel.ErrNotFound)
	}
	if n := marks(t, conn); n != 1 {
		t.Errorf("%d marks after they were asked for as letters", n)
	}
	close(proceed)
	<-ended
	if n := marks(t, conn); n != 0 {
		t.Errorf("%d marks are left", n)
	}
}

// The message of a phone is removed after that from which a router made it. Otherwise a router that is killed passes the
// alert on again, and the server would not know it.
func TestAMessageOfAPhoneIsRemovedAfterThatOfItsRouter(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	var looks atomic.Int64
	waits := make(chan struct{})
	conn, kept := tappedStore(t, s, func(b []byte) []byte {
		if bytes.Contains(b, []byte(`{"seq":1}`)) && looks.Add(1) == 2 {
			close(waits)
		}
		return b
	})
	removals := make(chan *nats.Msg, 9)
	if _, err := conn.ChanSubscribe("$JS.ACK.>", removals); err != nil {
		t.Fatal(err)
	}
	proceed := make(chan struct{})
	slow := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { <-proceed; return nil })
	store(t, queue(t, kept, "in"), "a", "m")
	run(t, kept, durable.WorkerConfig{Queue: "phone", Notifier: new(room), AtMostOnce: true})
	run(t, kept, durable.WorkerConfig{Queue: "in", Notifier: mackerel.Multi(queue(t, kept, "phone"), slow)})
	timeout := time.After(30 * time.Second)
	select {
	case <-waits:
	case m := <-removals:
		t.Errorf("removed before the router has finished: %s", m.Subject)
	case <-timeout:
		t.Error("the phone does not look whether the router has finished")
	}
	close(proceed)
	for _, want := range []string{"$JS.ACK.mackerel.in.", "$JS.ACK.mackerel.phone."} {
		select {
		case m := <-removals:
			if !strings.HasPrefix(m.Subject, want) {
				t.Errorf("removed %s, want %s", m.Subject, want)
			}
		case <-timeout:
			t.Fatalf("%s is not removed", want)
		}
	}
}
