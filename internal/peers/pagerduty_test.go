package peers

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	peer "github.com/PagerDuty/go-pagerduty"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

func newPagerduty(t *testing.T) (*pagerdutytest.Server, *pagerduty.Notifier) {
	t.Helper()
	s := start(t, pagerdutytest.New())
	config := s.Config()
	config.Call = once
	n, err := pagerduty.New(config)
	return s, must(t, n, err)
}

func pagerdutyTrigger() *peer.V2Event {
	return &peer.V2Event{
		RoutingKey: pagerdutytest.RoutingKey, Action: "trigger", DedupKey: "disk-app01", Client: "mackerel",
		ClientURL: "https://mackerel.io/", Images: []any{map[string]string{"src": "https://mackerel.io/graph.png"}},
		Links: []any{map[string]string{"href": "https://mackerel.io/", "text": "the alert"}},
		Payload: &peer.V2Payload{
			Summary: "disk full", Source: "app01", Severity: "critical", Timestamp: "2026-01-01T00:00:00Z",
			Component: "disk", Group: "Shop", Class: "host", Details: map[string]any{"used": 98.5, "mount": "/"},
		},
	}
}

func TestPagerdutyClientPosts(t *testing.T) {
	s, _ := newPagerduty(t)
	client := peer.NewClient("", peer.WithV2EventsAPIEndpoint(s.URL()))
	for _, step := range []struct {
		action string
		status pagerdutytest.Status
	}{
		{"trigger", pagerdutytest.Triggered},
		{"acknowledge", pagerdutytest.Acknowledged},
		{"resolve", pagerdutytest.Resolved},
	} {
		event := pagerdutyTrigger()
		event.Action = step.action
		answer, err := client.ManageEventWithContext(t.Context(), event)
		if err != nil {
			t.Fatalf("%s: %v", step.action, err)
		}
		equal(t, "status", answer.Status, "success")
		equal(t, "key", answer.DedupKey, event.DedupKey)
		incidents := s.Incidents(pagerdutytest.RoutingKey)
		count(t, "incidents", incidents, 1)
		equal(t, "status of the incident", incidents[0].Status, step.status)
		equal(t, "summary", incidents[0].Events[0].Payload.Summary, event.Payload.Summary)
	}
}

// The client's method and its function report refusals as different types. The function always posts to
// events.pagerduty.com with http.DefaultClient, which the test replaces.
func TestPagerdutyClientIsRefused(t *testing.T) {
	const badGateway = http.StatusBadGateway
	for name, c := range map[string]struct {
		prepare  func(*pagerdutytest.Server)
		key      string // pagerdutytest.RoutingKey unless set
		severity string // critical unless set
		status   int
	}{
		"a wrong key":         {key: "0123456789abcdef0123456789abcdef", status: http.StatusBadRequest},
		"an unknown severity": {severity: "bad", status: http.StatusBadRequest},
		"more events than the limit": {
			prepare: func(s *pagerdutytest.Server) { s.SetLimit("events", 0, time.Minute) },
			status:  http.StatusTooManyRequests,
		},
		"a fault": {
			prepare: func(s *pagerdutytest.Server) { s.Inject(fakehttp.Fault{Status: badGateway, Times: -1}) },
			status:  badGateway,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newPagerduty(t)
			if c.prepare != nil {
				c.prepare(s)
			}
			event := pagerdutyTrigger()
			event.RoutingKey = cmp.Or(c.key, pagerdutytest.RoutingKey)
			event.Payload.Severity = cmp.Or(c.severity, "critical")

			client := peer.NewClient("", peer.WithV2EventsAPIEndpoint(s.URL()))
			var refused peer.APIError
			_, err := client.ManageEventWithContext(t.Context(), event)
			if !errors.As(err, &refused) || refused.StatusCode != c.status {
				t.Errorf("%v, want an APIError of %d", err, c.status)
			}
			before := http.DefaultClient
			t.Cleanup(func() { http.DefaultClient = before })
			http.DefaultClient = clientTo(t, s.URL())
			var refusedEvent peer.EventsAPIV2Error
			_, err = peer.ManageEventWithContext(t.Context(), *event)
			if !errors.As(err, &refusedEvent) || refusedEvent.StatusCode != c.status {
				t.Errorf("%v, want an EventsAPIV2Error of %d", err, c.status)
			}
			equal(t, "names the problem", refusedEvent.APIError.Valid, c.status == http.StatusBadRequest)
			count(t, "incidents", s.Incidents(pagerdutytest.RoutingKey), 0)
		})
	}
}

func TestPagerdutyTypesDecodeOurRequests(t *testing.T) {
	s, n := newPagerduty(t)
	eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
		event := decode[peer.V2Event](t, r.Body)
		equal(t, "routing key", event.RoutingKey, pagerdutytest.RoutingKey)
		equal(t, "key", event.DedupKey, a.Key())
		if a.Closed() {
			equal(t, "action", event.Action, "resolve")
			return
		}
		equal(t, "action", event.Action, "trigger")
		first, rest, _ := strings.Cut(pagerduty.DefaultMessage(a, mackerel.Text{}).Text, "\n")
		equal(t, "summary", event.Payload.Summary, headline(a, first))
		equal(t, "client URL", event.ClientURL, a.URL)
		details := as[map[string]any](t, event.Payload.Details)
		if rest != "" {
			equal(t, "message", details["Message"], any(rest))
		}
	})
}

// headline returns the line that stands for the whole alert.
func headline(a mackerel.Alert, first string) string {
	if first == "" {
		return a.Title()
	}
	return a.Title() + ": " + first
}
