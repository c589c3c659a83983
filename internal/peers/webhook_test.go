package peers

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	peer "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

func newWebhook(t *testing.T) (*webhooktest.Server, *webhook.Notifier) {
	t.Helper()
	s := start(t, webhooktest.New())
	s.RequireSignature(webhooktest.Secret, webhooktest.OldSecret)
	config := s.Config()
	config.SigningSecrets = []mackerel.Secret{
		mackerel.NewSecret(webhooktest.Secret), mackerel.NewSecret(webhooktest.OldSecret),
	}
	config.Call.MaxAttempts = 1
	n, err := webhook.New(config)
	return s, must(t, n, err)
}

const (
	webhookBody  = `{"event":"sample","message":"Sample Notification from Mackerel"}`
	webhookOther = "whsec_bm90IHRoZSBzZWNyZXQgb2YgdGhpcyBmYWtlLi4=" // a secret that the fake does not know
)

// webhookPost posts a body that the library has signed, as a sender does: the library has no client of its own. It
// returns the status of the answer.
func webhookPost(t *testing.T, s *webhooktest.Server, secret string, at time.Time) int {
	t.Helper()
	signer, err := peer.NewWebhook(secret)
	signature, err := must(t, signer, err).Sign("msg_1", at, []byte(webhookBody))
	if err != nil {
		t.Fatal(err)
	}
	body := strings.NewReader(webhookBody)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Config().URL.Reveal(), body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(peer.HeaderWebhookID, "msg_1")
	request.Header.Set(peer.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	request.Header.Set(peer.HeaderWebhookSignature, signature)
	response, err := clientTo(t, s.URL()).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func TestWebhookClientPosts(t *testing.T) {
	secrets := map[string]string{"the secret": webhooktest.Secret, "the old secret": webhooktest.OldSecret}
	for name, secret := range secrets {
		t.Run(name, func(t *testing.T) {
			s, _ := newWebhook(t)
			equal(t, "status", webhookPost(t, s, secret, time.Now()), http.StatusNoContent)
			deliveries := s.Deliveries()
			count(t, "deliveries", deliveries, 1)
			equal(t, "id", deliveries[0].ID, "msg_1")
			equal(t, "body", string(deliveries[0].Body), webhookBody)
			equal(t, "the same again", webhookPost(t, s, secret, time.Now()), http.StatusNoContent)
			count(t, "deliveries", s.Deliveries(), 1)
		})
	}
}

func TestWebhookClientIsRefused(t *testing.T) {
	const unavailable = http.StatusServiceUnavailable
	for name, c := range map[string]struct {
		fault  *fakehttp.Fault
		secret string        // webhooktest.Secret unless set
		age    time.Duration // of the signature
		status int
	}{
		"a wrong secret":     {secret: webhookOther, status: http.StatusUnauthorized},
		"an old signature":   {age: time.Hour, status: http.StatusUnauthorized},
		"an early signature": {age: -time.Hour, status: http.StatusUnauthorized},
		"a fault":            {fault: &fakehttp.Fault{Status: unavailable}, status: unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newWebhook(t)
			if c.fault != nil {
				s.Inject(*c.fault)
			}
			status := webhookPost(t, s, cmp.Or(c.secret, webhooktest.Secret), time.Now().Add(-c.age))
			equal(t, "status", status, c.status)
			count(t, "deliveries", s.Deliveries(), 0)
		})
	}
}

// The library has no type for a request. It verifies ours with each of the two secrets that signed it, and refuses the
// request when anything that is signed was changed.
func TestWebhookTypesDecodeOurRequests(t *testing.T) {
	s, n := newWebhook(t)
	eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
		for _, secret := range []string{webhooktest.Secret, webhooktest.OldSecret} {
			verifier, err := peer.NewWebhook(secret)
			must(t, verifier, err)
			if err := verifier.Verify(r.Body, r.Header); err != nil {
				t.Error(err)
			}
			if err := verifier.Verify(append(r.Body, ' '), r.Header); !errors.Is(err, peer.ErrNoMatchingSignature) {
				t.Errorf("another body: %v", err)
			}
			header := r.Header.Clone()
			header.Set(peer.HeaderWebhookID, "msg_2")
			if err := verifier.Verify(r.Body, header); !errors.Is(err, peer.ErrNoMatchingSignature) {
				t.Errorf("another id: %v", err)
			}
		}
		other, err := peer.NewWebhook(webhookOther)
		if err := must(t, other, err).Verify(r.Body, r.Header); !errors.Is(err, peer.ErrNoMatchingSignature) {
			t.Errorf("another secret: %v", err)
		}
		alert, err := mackerel.ParseWebhook(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "title", alert.Title(), a.Title())
	})
}
