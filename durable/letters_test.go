package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// bury makes dead letters: it stores the alerts in a queue whose service refuses them all.
func (d *depot) bury(t *testing.T, queue, reason string, alerts ...mackerel.Alert) {
	t.Helper()
	for _, a := range alerts {
		if err := d.queue(t, queue).Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	d.work(t, queue, len(alerts), func(context.Context, mackerel.Alert) error {
		return &mackerel.Error{Provider: "fake", Op: "post", Kind: mackerel.ErrInvalid, Message: reason}
	})
}

// work runs a worker until it has delivered or buried a number of alerts, and returns what became of them.
func (d *depot) work(t *testing.T, queue string, n int, notify mackerel.NotifierFunc) (results []durable.Result) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	told := make(chan durable.Result, 1000) // the worker must not wait for the test
	w, err := d.store.NewWorker(durable.WorkerConfig{
		Queue: queue, Notifier: notify, OnResult: func(_ context.Context, r durable.Result) { told <- r },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for served := false; !served && ctx.Err() == nil; {
		served = d.stats(t).Queue(queue).Served
	}
	for len(results) < n && ctx.Err() == nil {
		select {
		case r := <-told:
			results = append(results, r)
		case <-ctx.Done():
			t.Errorf("the worker of %s has done %d of %d alerts", queue, len(results), n)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return results
}

func (d *depot) letters(t *testing.T, queue string) (all []durable.DeadLetter) {
	t.Helper()
	for l, err := range d.store.DeadLetters(t.Context(), queue) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

func isKind(err, kind error) bool {
	e, ok := errors.AsType[*mackerel.Error](err)
	return ok && e.Kind == kind
}

func TestADeadLetterSaysWhatWasNotDeliveredAndWhy(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	body, err := os.ReadFile("../testdata/webhook/alert-japanese.json")
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.TrimSpace(body)
	received, err := mackerel.ParseWebhook(body)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-time.Second)
	d.bury(t, "slack", "no such room:\n\x1b[31m 部屋 \x07"+strings.Repeat("長", 1000), received)
	d.bury(t, "pager", "wrong key", alert("a", "by hand"))
	slack, all := d.letters(t, "slack"), d.letters(t, "")
	if len(slack) != 1 || len(all) != 2 || all[1].Queue != "pager" || all[1].Alert.Message != "by hand" {
		t.Fatalf("got %d letters of slack, and of all %+v", len(slack), all)
	}
	l := slack[0]
	if string(l.Body) != string(body) || string(l.Alert.Raw) != string(body) || l.Deliveries != 1 || l.Queue != "slack" {
		t.Errorf("%d deliveries, queue %s, body %q of %q", l.Deliveries, l.Queue, l.Body, body)
	}
	if l.Stored.Before(begin) || l.Died.Before(l.Stored) || time.Since(l.Died) > time.Minute {
		t.Errorf("stored %v, died %v", l.Stored, l.Died)
	}
	if !strings.HasPrefix(l.Reason, "fake: post: no such room: [31m 部屋 長長") || len(l.Reason) > 1024 || !strings.HasSuffix(l.Reason, "長…") {
		t.Errorf("the reason has %d bytes: %q", len(l.Reason), l.Reason)
	}
	same, err := d.store.DeadLetter(t.Context(), l.ID)
	if err != nil || same.ID != l.ID || same.Reason != l.Reason || string(same.Body) != string(body) {
		t.Errorf("%v, %+v", err, same)
	}
	written, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var members struct{ Alert json.RawMessage }
	if err := json.Unmarshal(written, &members); err != nil {
		t.Fatal(err)
	}
	if again, err := mackerel.ParseWebhook(members.Alert); err != nil || again.Title() != received.Title() {
		t.Errorf("%v, the alert in the JSON is %s", err, members.Alert)
	}
}

func TestAReplayIsBehindWhatWaits(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.bury(t, "slack", "no", alert("k", "first"))
	l := d.letters(t, "slack")[0]
	if err := d.queue(t, "slack").Notify(t.Context(), alert("k", "second")); err != nil {
		t.Fatal(err)
	}
	if err := d.store.Replay(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	if left := d.letters(t, ""); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
	results := d.work(t, "slack", 2, accept)
	if results[0].Alert.Message != "second" || results[1].Alert.Message != "first" {
		t.Errorf("got %q, then %q", results[0].Alert.Message, results[1].Alert.Message)
	}
}

// A message that no Queue stored may have any key.
func TestAReplayHasTheKeyOfItsMessage(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	subject := "mackerel.slack." + strings.Repeat("0123456789ab", 2)
	if _, err := d.conn.RequestMsg(&nats.Msg{Subject: subject, Data: []byte("no alert")}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	d.work(t, "slack", 1, accept)
	if err := d.store.Replay(t.Context(), d.letters(t, "slack")[0].ID); err != nil {
		t.Fatal(err)
	}
	stream, err := jetStream(t, d.conn).Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.GetMsg(t.Context(), 2); err != nil || m.Subject != subject || string(m.Data) != "no alert" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestAReplayHasTheIDOfTheDelivery(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	if err := d.queue(t, "slack").Notify(t.Context(), alert("k", "")); err != nil {
		t.Fatal(err)
	}
	var ids []string // there is one call at a time
	refuse := func(ctx context.Context, _ mackerel.Alert) error {
		ids = append(ids, mackerel.DeliveryID(ctx))
		return &mackerel.Error{Kind: mackerel.ErrInvalid}
	}
	d.work(t, "slack", 1, refuse)
	for range 2 {
		if err := d.store.Replay(t.Context(), d.letters(t, "slack")[0].ID); err != nil {
			t.Fatal(err)
		}
		d.work(t, "slack", 1, refuse)
	}
	if len(ids) != 3 || ids[0] == "" || ids[1] != ids[0] || ids[2] != ids[0] {
		t.Errorf("the ids of the deliveries are %q", ids)
	}
}

// The second step of a replay fails, because the user may not remove letters.
func TestAReplayThatWasCutOffDoesNotPutTheAlertBackTwice(t *testing.T) {
	t.Parallel()
	all := &server.User{Username: "all", Password: "all"}
	keeps := &server.User{Username: "keeps", Password: "keeps", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.MSG.DELETE.>"}},
	}}
	d := newDepot(t, all, keeps)
	d.bury(t, "slack", "no", alert("k", "once"))
	id := d.letters(t, "slack")[0].ID
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conn := d.connect(t, "keeps", nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { cancel() })) // it is not answered
	if err := openStore(t, conn, d.config).Replay(ctx, id); !isKind(err, mackerel.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	before := d.waiting(t, "slack", 1)
	if len(d.letters(t, "")) != 1 {
		t.Fatalf("there are %d letters", len(d.letters(t, "")))
	}
	if err := d.store.Replay(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if s := d.stats(t); s.Bytes != before.Bytes || len(d.letters(t, "")) != 0 {
		t.Errorf("%+v, and there are %d letters", s, len(d.letters(t, "")))
	}
}

// The letters cannot be changed, so the mark cannot be removed. It would make a dead letter of the replay.
func TestAReplayThatCannotRemoveTheMarkDoesNotPutTheAlertBack(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.bury(t, "slack", "no", alert("k", "once"))
	before := d.stats(t)
	js := jetStream(t, d.conn)
	stream, err := js.Stream(t.Context(), "mackerel-dead")
	if err != nil {
		t.Fatal(err)
	}
	sealed := stream.CachedInfo().Config
	sealed.Sealed = true
	if _, err := js.UpdateStream(t.Context(), sealed); err != nil {
		t.Fatal(err)
	}
	if err := d.store.Replay(t.Context(), d.letters(t, "slack")[0].ID); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("got %v", err)
	}
	if s := d.stats(t); s.Bytes != before.Bytes || len(d.letters(t, "")) != 1 {
		t.Errorf("%+v, and there are %d letters", s, len(d.letters(t, "")))
	}
}

func TestALetterThatDoesNotExistIsNotFound(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.bury(t, "slack", "no", alert("a", ""), alert("b", ""))
	if err := d.store.Drop(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, id := range []uint64{0, 1, 3, 1 << 63} {
		_, err := d.store.DeadLetter(t.Context(), id)
		for _, err := range []error{err, d.store.Replay(t.Context(), id), d.store.Drop(t.Context(), id)} {
			if !isKind(err, mackerel.ErrNotFound) || !strings.HasSuffix(err.Error(), fmt.Sprintf("there is no dead letter %d (not found)", id)) {
				t.Errorf("%d: got %v", id, err)
			}
		}
	}
	if left := d.letters(t, ""); len(left) != 1 || left[0].ID != 2 {
		t.Errorf("left are %+v", left)
	}
	for _, queue := range []string{"*", ">", "a.b", "a b", strings.Repeat("x", 65)} {
		n := 0
		for _, err := range d.store.DeadLetters(t.Context(), queue) {
			if n++; !isKind(err, mackerel.ErrConfig) {
				t.Errorf("%q: got %v", queue, err)
			}
		}
		if n != 1 {
			t.Errorf("%q: %d errors", queue, n)
		}
	}
}

func TestForeignMessagesAreLettersToo(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	for _, m := range []*nats.Msg{
		{Subject: "mackerel-dead.slack", Data: []byte("no JSON")},
		{Subject: "mackerel-dead.slack", Data: []byte(`{"event":"alert","alert":{"id":"x","status":"ok"}}`), Header: nats.Header{
			"Mackerel-Key": {"other.*"}, "Mackerel-Stored": {"yesterday"}, "Mackerel-Deliveries": {"many"},
		}},
		{Subject: "mackerel-dead.a$b"},
	} {
		if _, err := d.conn.RequestMsg(m, 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	all := d.letters(t, "")
	if len(all) != 3 || string(all[0].Body) != "no JSON" || all[1].Alert.ID != "x" || !all[1].Stored.IsZero() || all[2].Queue != "a$b" {
		t.Fatalf("got %+v", all)
	}
	if written, err := json.Marshal(all[0]); err != nil || strings.Contains(string(written), "alert") {
		t.Errorf("%v, %s", err, written)
	}
	if err := d.store.Replay(t.Context(), all[2].ID); !isKind(err, mackerel.ErrInvalid) {
		t.Errorf("a queue that cannot exist: got %v", err)
	}
	for _, l := range all[:2] {
		if err := d.store.Replay(t.Context(), l.ID); err != nil {
			t.Errorf("%d: %v", l.ID, err)
		}
	}
	for _, r := range d.work(t, "slack", 2, func(context.Context, mackerel.Alert) error { return nil }) {
		if want := map[string]durable.Outcome{"": durable.Dead, "x": durable.Delivered}[r.Alert.ID]; r.Outcome != want {
			t.Errorf("%q is %s (%v)", r.Alert.ID, r.Outcome, r.Err)
		}
	}
	if left := d.letters(t, "slack"); len(left) != 1 || !strings.Contains(left[0].Reason, "the message is no alert") {
		t.Errorf("left are %+v", left)
	}
}

func TestThousandsOfLettersAreListedReplayedAndDropped(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	n := uint64(2000)
	if testing.Short() {
		n = 400
	}
	js := jetStream(t, d.conn)
	for i := range n {
		body := fmt.Sprintf(`{"event":"alert","alert":{"id":"%d","status":"critical"}}`, i)
		if _, err := js.PublishAsync("mackerel-dead."+[]string{"slack", "pager"}[i%2], []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	last := uint64(0)
	for l, err := range d.store.DeadLetters(t.Context(), "") {
		if err != nil || l.ID != last+1 {
			t.Fatalf("%d after %d, %v", l.ID, last, err)
		}
		last = l.ID
	}
	if last != n {
		t.Errorf("%d letters", last)
	}
	replayed := uint64(0)
	for l, err := range d.store.DeadLetters(t.Context(), "slack") {
		if err != nil || l.Queue != "slack" {
			t.Fatalf("%s, %v", l.Queue, err)
		}
		if replayed++; replayed%2 == 0 {
			err = d.store.Replay(t.Context(), l.ID)
		} else {
			err = d.store.Drop(t.Context(), l.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := d.waiting(t, "slack", n/4)
	if replayed != n/2 || s.Queue("slack").Waiting != n/4 || s.Queue("slack").DeadLetters != 0 || s.Queue("pager").DeadLetters != n/2 {
		t.Errorf("%d replayed, %+v", replayed, s)
	}
	for l, err := range d.store.DeadLetters(t.Context(), "pager") {
		if err != nil || l.ID != 2 {
			t.Errorf("%d, %v", l.ID, err)
		}
		break // the iterator can be left
	}
}

func TestADamagedLetterIsLeftOut(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	for _, at := range []string{"first-of-pager", "second-of-pager", "third-of-pager", "fourth-of-pager"} {
		for _, queue := range []string{"pager", "slack"} {
			m := &nats.Msg{Subject: "mackerel-dead." + queue, Data: []byte(`{"message":"` + strings.ReplaceAll(at, "pager", queue) + `"}`)}
			if _, err := d.conn.RequestMsg(m, 10*time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.damage(t, "mackerel-dead", `"second-of-pager"`)
	var got []string
	for _, l := range d.letters(t, "pager") {
		got = append(got, l.Alert.Message)
	}
	if strings.Join(got, " ") != "first-of-pager third-of-pager fourth-of-pager" || len(d.letters(t, "slack")) != 4 || len(d.letters(t, "")) != 7 {
		t.Errorf("got %q, %d of slack, %d of all", got, len(d.letters(t, "slack")), len(d.letters(t, "")))
	}
	if s := d.stats(t); s.Queue("pager").DeadLetters != 4 {
		t.Errorf("got %+v", s)
	}
	if _, err := d.store.DeadLetter(t.Context(), 3); !isKind(err, mackerel.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := d.store.Drop(t.Context(), 3); !isKind(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "the dead letter 3 is damaged") {
		t.Errorf("got %v", err)
	}
}

func TestTheListEndsWithAnErrorIfTheServerIsGone(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.bury(t, "slack", "no", alert("a", ""), alert("b", ""), alert("c", ""))
	for _, want := range []int{2, 1} { // a letter and the error, then the error
		n, ends := 0, error(nil)
		for _, err := range d.store.DeadLetters(t.Context(), "") {
			n, ends = n+1, err
			d.conn.Close()
		}
		if n != want || !isKind(ends, mackerel.ErrUnavailable) {
			t.Errorf("%d, %v", n, ends)
		}
	}
	_, stats := d.store.Stats(t.Context())
	_, letter := d.store.DeadLetter(t.Context(), 1)
	for _, err := range []error{stats, letter, d.store.Replay(t.Context(), 1), d.store.Drop(t.Context(), 1)} {
		if !isKind(err, mackerel.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
}

func TestALetterStaysIfTheStoreIsFull(t *testing.T) {
	t.Parallel()
	d := openDepot(t, &depot{config: durable.Config{MaxBytes: 1 << 13}})
	d.bury(t, "slack", "no", alert("k", "m"))
	var full error
	for i := 0; i < 100 && full == nil; i++ {
		full = d.queue(t, "slack").Notify(t.Context(), alert(strconv.Itoa(i), ""))
	}
	err := d.store.Replay(t.Context(), d.letters(t, "slack")[0].ID)
	if !isKind(err, mackerel.ErrUnavailable) || !strings.Contains(err.Error(), "full") || len(d.letters(t, "slack")) != 1 {
		t.Errorf("%v, %d letters", err, len(d.letters(t, "slack")))
	}
}

// The server cannot read the last letter of a queue. The letters before it are listed all the same.
func TestTheLastLetterCannotBeRead(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t, t.TempDir())
	conn, kept := tappedStore(t, s, func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte(`"last_by_subj":"mackerel-dead.slack"`), []byte(`"last_by_subj":"mackerel-dead.other"`))
	})
	for range 2 {
		if _, err := conn.Request("mackerel-dead.slack", []byte(`{"message":"m"}`), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, err := range kept.DeadLetters(t.Context(), "slack") {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Errorf("%d letters, want 2", n)
	}
}
