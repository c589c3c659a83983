package slack_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*slack.Config)) (*slacktest.Server, *slack.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, slacktest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, slack.New, config)
}

// notify sends an alert and returns what was posted.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*slack.Config)) (slacktest.Message, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Messages()), receipt
}

// send sends a message and returns what was posted.
func send(t *testing.T, m slack.Message) (slacktest.Message, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Messages()), receipt
}

// sections returns the texts of the sections in a message's attachments.
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

// pictures returns the addresses of the pictures in a message.
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
