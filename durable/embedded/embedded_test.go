package embedded_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

// small is a configuration that fits on every disk.
func small(dir string) embedded.Config {
	return embedded.Config{Dir: dir, Store: durable.Config{MaxBytes: 64 << 20}}
}

// start starts a server, which ends with the test.
func start(t *testing.T, c embedded.Config) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// put stores alerts in the queue "in".
func put(t *testing.T, s *embedded.Server, n int) {
	t.Helper()
	in, err := s.Store().Queue("in")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := in.Notify(t.Context(), alert(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func alert(i int) mackerel.Alert {
	return mackerel.Alert{ID: fmt.Sprint("a", i%100), Message: fmt.Sprintf("%06d%s", i, strings.Repeat("x", 1000))}
}

// state returns what a stream has.
func state(t *testing.T, s *embedded.Server, name string) jetstream.StreamState {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State
}

// messages returns how many messages a stream has.
func messages(t *testing.T, s *embedded.Server, name string) uint64 {
	t.Helper()
	return state(t, s, name).Msgs
}

// wantError starts a server, which must fail with an error that has all these words.
func wantError(t *testing.T, c embedded.Config, kind error, words ...string) {
	t.Helper()
	wantErrorIs(t, c, kind, kind, words...)
}

// wantErrorIs is wantError, and the error must be target.
func wantErrorIs(t *testing.T, c embedded.Config, kind, target error, words ...string) {
	t.Helper()
	s, err := embedded.Start(t.Context(), c)
	if err == nil {
		t.Error(s.Close())
		t.Fatal("the server has started")
	}
	if e, ok := errors.AsType[*mackerel.Error](err); !ok || e.Kind != kind {
		t.Errorf("kind: %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not contain %q", err, w)
		}
	}
	if !errors.Is(err, target) {
		t.Errorf("%v is not %q", err, target)
	}
}

func TestWhatIsStoredIsThereAfterTheNextStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := start(t, small(dir))
	put(t, s, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error("second Close:", err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
	s = start(t, small(dir))
	if n := messages(t, s, "mackerel"); n != 10 {
		t.Errorf("%d messages, want 10", n)
	}
}

// purge removes all messages.
func purge(t *testing.T, s *embedded.Server) {
	t.Helper()
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "mackerel")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
}
