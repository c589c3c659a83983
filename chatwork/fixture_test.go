package chatwork_test

import (
	"context"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

const room = chatworktest.RoomID

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*chatwork.Config)) (*chatworktest.Server, *chatwork.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, chatworktest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, chatwork.New, config)
}

// notify sends an alert and returns what was posted.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*chatwork.Config)) (chatworktest.Message, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Messages(room)), receipt
}

// send sends a message and returns what was posted.
func send(t *testing.T, m chatwork.Message) (chatworktest.Message, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Messages(room)), receipt
}

// connect returns a fake and a client that reaches it in memory, configured further by each of the functions.
func connect(t testing.TB, configure ...func(*chatwork.ClientConfig)) (*chatworktest.Server, *chatwork.Client) {
	t.Helper()
	fake := servicetest.Start(t, chatworktest.New())
	config := fake.MemoryClientConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, chatwork.NewClient, config)
}

// once lets a client make a single attempt.
func once(c *chatwork.ClientConfig) { c.Call.MaxAttempts = 1 }

// from gives a client a Source in place of the token.
func from(source func(context.Context, chatwork.Token) (chatwork.Token, error)) func(*chatwork.ClientConfig) {
	return func(c *chatwork.ClientConfig) { c.Token, c.Source = mackerel.Secret{}, source }
}

func post(t testing.TB, c *chatwork.Client, body string) string {
	t.Helper()
	id, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// bodies returns the bodies of a list, separated by bars.
func bodies(list chatwork.MessageList) string {
	var all []string
	for _, m := range list.Messages {
		all = append(all, m.Body)
	}
	return strings.Join(all, "|")
}

// lastRequest returns the last request that a fake was sent.
func lastRequest(t testing.TB, fake *chatworktest.Server) fakehttp.Request {
	t.Helper()
	return servicetest.Last(t, fake, fake.Requests())
}
