package hipchat_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*hipchat.Config)) (*hipchattest.Server, *hipchat.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, hipchattest.New())
	fake.Strict(true)
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, hipchat.New, config)
}

// notify sends an alert and returns what stands in the room then.
func notify(t testing.TB, a mackerel.Alert, configure ...func(*hipchat.Config)) (hipchattest.Message, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return last(t, fake), receipt
}

// send sends a message and returns what stands in the room then.
func send(t testing.TB, m hipchat.Message) (hipchattest.Message, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return last(t, fake), receipt
}

// last returns the newest message in the room. The test fails if HipChat would not show its HTML as it was meant.
func last(t testing.TB, fake *hipchattest.Server) hipchattest.Message {
	t.Helper()
	m := servicetest.Last(t, fake, fake.Messages(hipchattest.RoomID))
	if m.Format == "html" {
		if err := hipchattest.CheckHTML(m.Text); err != nil {
			t.Errorf("%v in %q", err, m.Text)
		}
	}
	return m
}

// connect returns a fake and a client that reaches it in memory, configured further by each of the functions.
func connect(t testing.TB, configure ...func(*hipchat.ClientConfig)) (*hipchattest.Server, *hipchat.Client) {
	t.Helper()
	fake := servicetest.Start(t, hipchattest.New())
	fake.Strict(true)
	return fake, clientOf(t, fake, configure...)
}

func clientOf(t testing.TB, fake *hipchattest.Server, configure ...func(*hipchat.ClientConfig)) *hipchat.Client {
	t.Helper()
	config := fake.MemoryConfig()
	c := hipchat.ClientConfig{Token: config.Token, BaseURL: config.BaseURL, Call: config.Call}
	for _, f := range configure {
		f(&c)
	}
	return servicetest.Make(t, hipchat.NewClient, c)
}

// withToken replaces the token of a client.
func withToken(token string) func(*hipchat.ClientConfig) {
	return func(c *hipchat.ClientConfig) { c.Token = mackerel.NewSecret(token) }
}

// once lets a client make one attempt per call.
func once(c *hipchat.ClientConfig) { c.Call.MaxAttempts = 1 }

// mentioning lets a notifier mention people in critical alerts.
func mentioning(names ...string) func(*hipchat.Config) {
	return func(c *hipchat.Config) { c.Mentions = map[mackerel.Status][]string{mackerel.StatusCritical: names} }
}

func withCard(c *hipchat.Config) { c.Card = true }

func wantContains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in %.400q", p, text)
		}
	}
}

func wantMissing(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(text, p) {
			t.Errorf("%q is in %.400q", p, text)
		}
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
