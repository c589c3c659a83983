package webhook_test

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// secret returns one of so many bytes.
func secret(n int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", n)))
}

func TestARequestThatWaitedSixMinutesIsStillValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := webhooktest.NewServer()
		defer s.Close()
		s.RequireSignature(webhooktest.Secret)
		s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"360"}}})
		n := newNotifier(t, s, webhook.Config{
			SigningSecrets: secrets(webhooktest.Secret), Call: mackerel.CallOptions{MaxWait: 10 * time.Minute},
		})
		r, err := n.Deliver(t.Context(), mackerel.Alert{Message: "disk full"})
		if err != nil || r.Attempts != 2 || r.Duration != 6*time.Minute {
			t.Fatalf("%+v, %v", r, err)
		}
		first, second := s.Requests()[0].Header, s.Requests()[1].Header
		if id := first.Get("Webhook-Id"); id == "" || id != second.Get("Webhook-Id") || id != r.ID || id != s.Deliveries()[0].ID {
			t.Errorf("the ids are %q and %q, the receipt's %q", id, second.Get("Webhook-Id"), r.ID)
		}
		if first.Get("Webhook-Signature") == second.Get("Webhook-Signature") {
			t.Error("the second attempt has the signature of the first")
		}
		if at := second.Get("Webhook-Timestamp"); at != strconv.FormatInt(time.Now().Unix(), 10) {
			t.Errorf("the second attempt is of %s", at)
		}
	})
}

func TestEveryDeliveryHasAnIDOfItsOwnUnlessTheCallerSetsOne(t *testing.T) {
	s := newServer(t)
	s.RequireSignature(webhooktest.Secret)
	n := newNotifier(t, s, webhook.Config{SigningSecrets: secrets(webhooktest.Secret)})
	a := mackerel.Alert{ID: "5Alert", Message: "still down"} // as Mackerel repeats it after a while
	for range 2 {
		if err := n.Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(s.Deliveries()); got != 2 {
		t.Errorf("%d of 2 notifications counted", got)
	}
	for range 2 {
		r, err := n.Send(t.Context(), webhook.Message{ID: "5Alert-critical", Alert: a})
		if err != nil || r.ID != "5Alert-critical" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if got := len(s.Deliveries()); got != 3 {
		t.Errorf("%d deliveries, want the repeat with the same id to be dropped", got)
	}
}

func TestALostAnswerIsAskedForAgainUnderTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := webhooktest.NewServer()
		defer s.Close()
		s.RequireSignature(webhooktest.Secret)
		s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
		n := newNotifier(t, s, webhook.Config{SigningSecrets: secrets(webhooktest.Secret)})
		if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Fatal(err)
		}
		if requests, accepted := len(s.Requests()), len(s.Deliveries()); requests != 2 || accepted != 1 {
			t.Errorf("%d requests, %d accepted", requests, accepted)
		}
	})
}

func TestOldAndNewSecretSignTogether(t *testing.T) {
	n := func(s *webhooktest.Server) *webhook.Notifier {
		return newNotifier(t, s, webhook.Config{SigningSecrets: secrets(webhooktest.Secret, webhooktest.OldSecret)})
	}
	for _, known := range []string{webhooktest.Secret, webhooktest.OldSecret} {
		s := newServer(t)
		s.RequireSignature(known)
		if err := n(s).Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Error(err)
		}
		if got := strings.Fields(last(t, s).Header.Get("Webhook-Signature")); len(got) != 2 || got[0] == got[1] {
			t.Errorf("the signatures are %q", got)
		}
	}
	s := newServer(t)
	s.RequireSignature(secret(32))
	wantKind(t, n(s).Notify(t.Context(), mackerel.Alert{}), mackerel.ErrUnauthorized)
}

func TestAPreviewShowsWhatDiffersEachTimeAsPlaceholders(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, webhook.Config{SigningSecrets: secrets(webhooktest.Secret)})
	p, err := n.Preview(mackerel.Alert{})
	if err != nil {
		t.Fatal(err)
	}
	h := p.Requests[0].Header
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		if want := "{" + strings.ToLower(name) + "}"; h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
}
