package peers

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	peer "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"

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

// webhookNoMatch is in the error of both libraries for a signature that does not fit.
const webhookNoMatch = "atching signature found"

// A webhookLibrary signs webhooks and verifies their signatures.
type webhookLibrary interface {
	Sign(id string, at time.Time, body []byte) (string, error)
	Verify(body []byte, header http.Header) error
}

// eachWebhookLibrary runs a test for the library of Standard Webhooks and for that of Svix, where the standard began.
func eachWebhookLibrary(t *testing.T, test func(*testing.T, func(secret string) webhookLibrary)) {
	t.Run("standard-webhooks", func(t *testing.T) {
		test(t, func(secret string) webhookLibrary {
			library, err := peer.NewWebhook(secret)
			return must(t, library, err)
		})
	})
	t.Run("svix", func(t *testing.T) {
		test(t, func(secret string) webhookLibrary {
			library, err := svix.NewWebhook(secret)
			return must(t, library, err)
		})
	})
}

// webhookAuthorization is the header with the user and the password of the fake.
func webhookAuthorization() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(webhooktest.User+":"+webhooktest.Password))
}

// webhookPost posts a body that a library has signed, as a sender does: the libraries have no client of their own. It
// returns the status of the answer.
func webhookPost(t *testing.T, s *webhooktest.Server, signer webhookLibrary, at time.Time) int {
	t.Helper()
	signature, err := signer.Sign("msg_1", at, []byte(webhookBody))
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
	eachWebhookLibrary(t, func(t *testing.T, library func(string) webhookLibrary) {
		for name, secret := range secrets {
			t.Run(name, func(t *testing.T) {
				s, _ := newWebhook(t)
				equal(t, "status", webhookPost(t, s, library(secret), time.Now()), http.StatusNoContent)
				deliveries := s.Deliveries()
				count(t, "deliveries", deliveries, 1)
				equal(t, "id", deliveries[0].ID, "msg_1")
				equal(t, "body", string(deliveries[0].Body), webhookBody)
				equal(t, "the same again", webhookPost(t, s, library(secret), time.Now()), http.StatusNoContent)
				count(t, "deliveries", s.Deliveries(), 1)
			})
		}
	})
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
			eachWebhookLibrary(t, func(t *testing.T, library func(string) webhookLibrary) {
				s, _ := newWebhook(t)
				if c.fault != nil {
					s.Inject(*c.fault)
				}
				signer := library(cmp.Or(c.secret, webhooktest.Secret))
				equal(t, "status", webhookPost(t, s, signer, time.Now().Add(-c.age)), c.status)
				count(t, "deliveries", s.Deliveries(), 0)
			})
		})
	}
}

// The libraries have no type for a request. They verify ours with each of the two secrets that signed it, and refuse it
// when anything that is signed was changed.
func TestWebhookTypesDecodeOurRequests(t *testing.T) {
	s, n := newWebhook(t)
	eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
		eachWebhookLibrary(t, func(t *testing.T, library func(string) webhookLibrary) {
			for _, secret := range []string{webhooktest.Secret, webhooktest.OldSecret} {
				verifier := library(secret)
				if err := verifier.Verify(r.Body, r.Header); err != nil {
					t.Error(err)
				}
				header := r.Header.Clone()
				header.Set(peer.HeaderWebhookID, "msg_2")
				refused(t, verifier.Verify(append(r.Body, ' '), r.Header), webhookNoMatch)
				refused(t, verifier.Verify(r.Body, header), webhookNoMatch)
			}
			refused(t, library(webhookOther).Verify(r.Body, r.Header), webhookNoMatch)
		})
		alert, err := mackerel.ParseWebhook(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "title", alert.Title(), a.Title())
	})
}
