package typetalk_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*typetalk.Config)) (*typetalktest.Server, *typetalk.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, typetalktest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, typetalk.New, config)
}

// notify sends an alert and returns what was posted.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*typetalk.Config)) (typetalktest.Post, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Posts(typetalktest.TopicID)), receipt
}

// send sends a message and returns what was posted.
func send(t *testing.T, m typetalk.Message) (typetalktest.Post, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Posts(typetalktest.TopicID)), receipt
}

// inOne puts the token and the topic into the address, as Mackerel's channel had them.
func inOne(c *typetalk.Config) {
	c.URL = mackerel.NewSecret(c.BaseURL + "/topics/12345?typetalkToken=" + c.Token.Reveal())
	c.Token, c.TopicID, c.BaseURL = mackerel.Secret{}, 0, ""
}
