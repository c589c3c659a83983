package eventbridge_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*eventbridge.Config)) (*eventbridgetest.Server, *eventbridge.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, eventbridgetest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, eventbridge.New, config)
}

// notify sends an alert and returns what was put on the default bus.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*eventbridge.Config)) (eventbridgetest.Event, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Events(eventbridgetest.DefaultBus)), receipt
}

// parse reads a webhook.
func parse(t *testing.T, body string) mackerel.Alert {
	t.Helper()
	a, err := mackerel.ParseWebhook([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// detail decodes the detail of an event.
func detail(t *testing.T, e eventbridgetest.Event) map[string]any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(e.Detail), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// onEC2 says where the samples' host is.
func onEC2(a mackerel.Alert) *eventbridge.ResourceInfo {
	if a.Host == nil {
		return nil
	}
	return &eventbridge.ResourceInfo{Service: "ec2", Region: "ap-northeast-1", ResourceType: "instance", ResourceID: "i-0123456789abcdef0"}
}
