package jsm_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := jsmtest.NewServer()
		t.Cleanup(fake.Close)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := jsm.New(jsm.Config{
					APIKey: mackerel.NewSecret(jsmtest.APIKey), BaseURL: e.BaseURL + "/jsm/ops/integration/v2", Call: e.Call(),
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Fake:    fake,
			Count:   func() int { return len(fake.Alerts()) },
			Secrets: []string{jsmtest.APIKey},
			Dedups:  true,
		}
	})
}
