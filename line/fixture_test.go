package line_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

// newServer is reached through its client and [linetest.MemoryBaseURL], so that it works in a bubble too.
func newServer(t testing.TB) *linetest.Server {
	t.Helper()
	s := linetest.NewServer()
	t.Cleanup(s.Close)
	s.SetQuota(-1, 0)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t testing.TB, s *linetest.Server, c line.Config) *line.Notifier {
	t.Helper()
	c.Token, c.BaseURL = mackerel.NewSecret(linetest.Token), linetest.MemoryBaseURL
	if c.To == nil && !c.Broadcast {
		c.To = []string{linetest.GroupID}
	}
	c.Call.Client = s.Client()
	n, err := line.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// last returns what was accepted last.
func last(t testing.TB, s *linetest.Server) linetest.Delivery {
	t.Helper()
	all := s.Deliveries()
	if len(all) == 0 {
		t.Fatal("nothing was accepted")
	}
	return all[len(all)-1]
}

// send sends a message and returns what people get of it.
func send(t testing.TB, c line.Config, m line.Message) (linetest.Delivery, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	receipt, err := newNotifier(t, s, c).Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return last(t, s), receipt
}

// A wire is a message object as far as tests look into it.
type wire struct {
	Type     string
	Text     string
	AltText  string
	Contents json.RawMessage
}

func decode(t testing.TB, message json.RawMessage) wire {
	t.Helper()
	var w wire
	if err := json.Unmarshal(message, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// asError returns err as the module's error, which must be of this kind.
func asError(t testing.TB, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("%v (%T), want %v", err, err, kind)
	}
	return e
}

// wantKind fails unless err is the module's error, of this kind.
func wantKind(t testing.TB, err, kind error) {
	t.Helper()
	if e := asError(t, err, kind); e.Kind != kind {
		t.Errorf("%+v", e)
	}
}

func wantContains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in %.600q", p, text)
		}
	}
}

func cutFields(cuts []mackerel.Cut) string {
	var fields []string
	for _, c := range cuts {
		fields = append(fields, c.Field)
	}
	return strings.Join(fields, " ")
}
