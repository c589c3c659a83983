package slack_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// newServer is reached through its client and [slacktest.MemoryURL], so that it works in a bubble too.
func newServer(t *testing.T) *slacktest.Server {
	t.Helper()
	s := slacktest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *slacktest.Server, c slack.Config) *slack.Notifier {
	t.Helper()
	c.URL, c.Call.Client = mackerel.NewSecret(slacktest.MemoryURL), s.Client()
	n, err := slack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// notify sends an alert and returns what was posted.
func notify(t *testing.T, c slack.Config, a mackerel.Alert) (slacktest.Message, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	receipt, err := newNotifier(t, s, c).Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v, %q", err, s.Problems())
	}
	return last(t, s), receipt
}

// send sends a message and returns what was posted.
func send(t *testing.T, m slack.Message) (slacktest.Message, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	receipt, err := newNotifier(t, s, slack.Config{}).Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v, %q", err, s.Problems())
	}
	return last(t, s), receipt
}

func last(t *testing.T, s *slacktest.Server) slacktest.Message {
	t.Helper()
	all := s.Messages()
	if len(all) == 0 {
		t.Fatalf("nothing was posted: %q", s.Problems())
	}
	return all[len(all)-1]
}

// sections are the texts of the sections in a message's only attachment.
func sections(m slacktest.Message) []string {
	var all []string
	for _, a := range m.Attachments {
		for _, b := range a.Blocks {
			if b.Text != nil {
				all = append(all, b.Text.Text)
			}
		}
	}
	return all
}

// pictures are the addresses of the pictures in a message.
func pictures(m slacktest.Message) []string {
	var all []string
	for _, a := range m.Attachments {
		for _, b := range a.Blocks {
			if b.ImageURL != nil {
				all = append(all, *b.ImageURL)
			}
		}
	}
	return all
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
