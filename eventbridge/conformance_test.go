package eventbridge_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		s := eventbridgetest.NewServer()
		t.Cleanup(s.Close)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := eventbridge.New(eventbridge.Config{
					Region: eventbridgetest.Region, Credentials: credentials, BaseURL: e.BaseURL, Call: e.Call(),
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Fake:    s,
			Count:   func() int { return len(s.Events(eventbridgetest.DefaultBus)) },
			Secrets: []string{eventbridgetest.SessionToken},
			Keys:    []string{eventbridgetest.SecretAccessKey},
		}
	})
}
