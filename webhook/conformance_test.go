package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// headerToken stands in a header of the caller's own.
const headerToken = "conformance-header-token"

func TestConformance(t *testing.T) {
	for _, signed := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "signed"}[signed], func(t *testing.T) {
			notifytest.Run(t, func(t testing.TB) notifytest.Harness { return harness(t, signed) })
		})
	}
}

// harness tries a receiver that knows repeats by their signed ids, or one that does not.
func harness(t testing.TB, signed bool) notifytest.Harness {
	s := webhooktest.NewServer()
	t.Cleanup(s.Close)
	h := notifytest.Harness{
		Fake: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Token") != headerToken {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			s.ServeHTTP(w, r)
		}),
		Count:   func() int { return len(s.Deliveries()) },
		Secrets: []string{webhooktest.Password, webhooktest.Token, headerToken},
		Dedups:  signed,
	}
	c := webhook.Config{Header: map[string]mackerel.Secret{"X-Token": mackerel.NewSecret(headerToken)}}
	if signed {
		s.RequireSignature(webhooktest.Secret)
		c.SigningSecrets = []mackerel.Secret{mackerel.NewSecret(webhooktest.Secret)}
		h.Keys = []string{webhooktest.Secret}
	}
	h.New = func(t testing.TB, e notifytest.Env) mackerel.Notifier {
		c.URL = mackerel.NewSecret(strings.Replace(webhooktest.MemoryURL, strings.TrimPrefix(fakehttp.MemoryURL, "http://"), strings.TrimPrefix(e.BaseURL, "http://"), 1))
		c.Call = e.Call()
		n, err := webhook.New(c)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return h
}
