package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

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
			var told []string
			for _, r := range d.work(t, "slack", 5, accept) {
				told = append(told, r.Alert.Message[:2])
			}
			if want := []string{"07", "08", "09", "10", "11"}; !slices.Equal(told, want) {
				t.Errorf("told %q, want %q", told, want)
			}
		})
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
