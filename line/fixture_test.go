package line_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

var alert = mackerel.Alert{
	ID: "5A", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, URL: "https://mackerel.io/orgs/x/alerts/5A",
}

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*line.Config)) (*linetest.Server, *line.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, linetest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, line.New, config)
}

// notify sends an alert and returns what was delivered.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*line.Config)) (linetest.Delivery, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Deliveries()), receipt
}

// send sends a message and returns what was delivered.
func send(t *testing.T, m line.Message, configure ...func(*line.Config)) (linetest.Delivery, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Deliveries()), receipt
}

// plain configures plain text.
func plain(c *line.Config) { c.Format = line.FormatText }
