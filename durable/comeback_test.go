package durable_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// A server that was killed may find messages again that were acknowledged, since it does not write each removal. Its
// consumer does not deliver them. They must not hold up the later messages of their key for ever.
func TestAMessageThatCameBackHoldsUpNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	messages := filepath.Join(dir, "jetstream", "$G", "streams", "mackerel", "msgs")
	conn, stop := connectTo(t, dir)
	s, err := durable.Open(t.Context(), conn, durable.Config{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	q := queue(t, s, "room")
	store(t, q, "slow", "first")
	store(t, q, "k", "done")
	before := filepath.Join(t.TempDir(), "before")
	if err := os.CopyFS(before, os.DirFS(messages)); err != nil {
		t.Fatal(err)
	}
	r := &room{answer: func(a mackerel.Alert, _ int) error {
		if a.ID == "slow" {
			return &mackerel.Error{Kind: mackerel.ErrUnavailable, RetryAfter: time.Second}
		}
		return nil
	}}
	_, end := run(t, s, durable.WorkerConfig{Queue: "room", Notifier: r})
	r.wait(t, 1)
	end()
	stop()
	if err := os.RemoveAll(messages); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(messages, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}

	conn, _ = connectTo(t, dir)
	if s, err = durable.Open(t.Context(), conn, durable.Config{}); err != nil {
		t.Fatal(err)
	}
	store(t, queue(t, s, "room"), "k", "after")
	r = new(room)
	run(t, s, durable.WorkerConfig{Queue: "room", Notifier: r})
	r.wait(t, 2)
	if told := r.messages(); len(told) != 2 || told[0]+told[1] != "firstafter" && told[0]+told[1] != "afterfirst" {
		t.Errorf("told %q", told)
	}
}
