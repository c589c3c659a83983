package teams_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// newServer is reached through its client and [teamstest.MemoryURL], so that it works in a bubble too.
func newServer(t *testing.T) *teamstest.Server {
	t.Helper()
	s := teamstest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *teamstest.Server, c teams.Config) *teams.Notifier {
	t.Helper()
	c.URL, c.Call.Client = mackerel.NewSecret(teamstest.MemoryURL), s.Client()
	n, err := teams.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// notify sends an alert and returns the card that was posted.
func notify(t *testing.T, c teams.Config, a mackerel.Alert) (teamstest.Card, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	receipt, err := newNotifier(t, s, c).Deliver(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return last(t, s), receipt
}

// send sends a message and returns the card that was posted.
func send(t *testing.T, m teams.Message) (teamstest.Card, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	receipt, err := newNotifier(t, s, teams.Config{}).Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return last(t, s), receipt
}

// last returns the card of the last run, which must not have failed.
func last(t *testing.T, s *teamstest.Server) teamstest.Card {
	t.Helper()
	runs := s.Runs()
	if len(runs) == 0 {
		t.Fatal("there was no run")
	}
	r := runs[len(runs)-1]
	if r.Problem != "" {
		t.Fatalf("the run failed: %s\n%.2000s", r.Problem, r.Body)
	}
	return r.Card
}

// asError returns err as the module's error, which must be of this kind.
func asError(t *testing.T, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("%v (%T), want %v", err, err, kind)
	}
	return e
}

func fields(cuts []mackerel.Cut) string {
	var names []string
	for _, c := range cuts {
		names = append(names, c.Field)
	}
	return strings.Join(names, " ")
}
