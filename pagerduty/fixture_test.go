package pagerduty_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*pagerduty.Config)) (*pagerdutytest.Server, *pagerduty.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, pagerdutytest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, pagerduty.New, config)
}

// notify sends alerts one after the other and returns the incidents that they have come to.
func notify(t *testing.T, alerts []mackerel.Alert, configure ...func(*pagerduty.Config)) []pagerdutytest.Incident {
	t.Helper()
	fake, n := start(t, configure...)
	for _, a := range alerts {
		if err := n.Notify(t.Context(), a); err != nil {
			t.Fatalf("%v: %q", err, fake.Problems())
		}
	}
	return fake.Incidents(pagerdutytest.RoutingKey)
}

// send sends an event and returns it as it arrived.
func send(t *testing.T, m pagerduty.Message) (pagerdutytest.Event, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Incidents(pagerdutytest.RoutingKey)).Events[0], receipt
}

// alerts returns one alert with each status in turn.
func alerts(statuses ...mackerel.Status) []mackerel.Alert {
	var all []mackerel.Alert
	for _, status := range statuses {
		all = append(all, mackerel.Alert{
			ID: "5A", Status: status, Monitor: mackerel.Monitor{Name: "CPU %"}, Host: &mackerel.Host{Name: "app01"},
		})
	}
	return all
}
