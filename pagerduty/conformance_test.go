package pagerduty_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := pagerdutytest.NewServer()
		t.Cleanup(fake.Close)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := pagerduty.New(pagerduty.Config{
					RoutingKey: mackerel.NewSecret(pagerdutytest.RoutingKey), BaseURL: e.BaseURL + "/v2", Call: e.Call(),
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			// Every request finds the rate window over: the suite sends more than a key may.
			Fake: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fake.Advance(time.Minute)
				fake.ServeHTTP(w, r)
			}),
			Count:   func() int { return len(fake.Incidents(pagerdutytest.RoutingKey)) },
			Secrets: []string{pagerdutytest.RoutingKey},
			Dedups:  true,
		}
	})
}
