package webhook_test

import (
	"errors"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// newServer is reached through its client and [webhooktest.MemoryURL], so that it works in a bubble too.
func newServer(t *testing.T) *webhooktest.Server {
	t.Helper()
	s := webhooktest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *webhooktest.Server, c webhook.Config) *webhook.Notifier {
	t.Helper()
	c.URL, c.Call.Client = mackerel.NewSecret(webhooktest.MemoryURL), s.Client()
	n, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// secrets wraps signing secrets.
func secrets(values ...string) []mackerel.Secret {
	var all []mackerel.Secret
	for _, v := range values {
		all = append(all, mackerel.NewSecret(v))
	}
	return all
}

// last returns what was accepted last.
func last(t *testing.T, s *webhooktest.Server) webhooktest.Delivery {
	t.Helper()
	all := s.Deliveries()
	if len(all) == 0 {
		t.Fatal("nothing was accepted")
	}
	return all[len(all)-1]
}

// asError returns err as the module's error, which must be of this kind.
func asError(t *testing.T, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("%v (%T), want %v", err, err, kind)
	}
	return e
}

// wantKind fails unless err is the module's error of this kind.
func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	_ = asError(t, err, kind)
}
