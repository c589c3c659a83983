package opsgenie_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := opsgenietest.NewServer()
		t.Cleanup(fake.Close)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := opsgenie.New(opsgenie.Config{
					APIKey: mackerel.NewSecret(opsgenietest.APIKey), BaseURL: e.BaseURL + "/v2", Call: e.Call(),
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Fake:    fake,
			Count:   func() int { return len(fake.Alerts()) },
			Secrets: []string{opsgenietest.APIKey},
			Dedups:  true,
		}
	})
}
