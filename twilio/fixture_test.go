package twilio_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

var alert = mackerel.Alert{
	ID: "5A", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, Message: "CPU 99 > 90",
	URL: "https://mackerel.io/orgs/x/alerts/5A",
}

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*twilio.Config)) (*twiliotest.Server, *twilio.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, twiliotest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, twilio.New, config)
}

// notify sends an alert and returns the fake that took it.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*twilio.Config)) (*twiliotest.Server, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return fake, receipt
}

// send sends a message and returns the fake that took it.
func send(t *testing.T, m twilio.Message, configure ...func(*twilio.Config)) (*twiliotest.Server, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return fake, receipt
}

// calling configures a call that speaks, and document a call to a TwiML document.
func calling(c *twilio.Config) { c.Kind = twilio.KindCall }

func document(c *twilio.Config) {
	c.Kind, c.TwiMLURL = twilio.KindTwiML, mackerel.NewSecret("https://example.com/voice")
}

// paced lets a notifier keep its own pace.
func paced(c *twilio.Config) { c.Call.Pace = mackerel.Pace{} }
