package webhook_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*webhook.Config)) (*webhooktest.Server, *webhook.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, webhooktest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, webhook.New, config)
}

// startSigned is start for a fake that requires signatures and a notifier that signs.
func startSigned(t testing.TB, configure ...func(*webhook.Config)) (*webhooktest.Server, *webhook.Notifier) {
	t.Helper()
	signing := func(c *webhook.Config) { c.SigningSecrets = secrets(webhooktest.Secret) }
	fake, n := start(t, append([]func(*webhook.Config){signing}, configure...)...)
	fake.RequireSignature(webhooktest.Secret)
	return fake, n
}

// notify sends an alert and returns what was accepted.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*webhook.Config)) (webhooktest.Delivery, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return servicetest.Last(t, fake, fake.Deliveries()), receipt
}

// secrets wraps signing secrets.
func secrets(values ...string) []mackerel.Secret {
	var all []mackerel.Secret
	for _, v := range values {
		all = append(all, mackerel.NewSecret(v))
	}
	return all
}

// secret returns a signing secret of n bytes.
func secret(n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", n)))
}
