package webhook_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

func TestAnAlertFromAWebhookGoesOnByteForByte(t *testing.T) {
	files, err := filepath.Glob("../testdata/webhook/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := mackerel.ParseWebhook(body)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		d, _ := notify(t, a)
		if string(d.Body) != string(bytes.TrimSpace(body)) || d.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: sent %s\nreceived %s", file, d.Body, body)
		}
	}
}

func TestADigestIsTheWebhooksOfItsAlerts(t *testing.T) {
	var alerts []mackerel.Alert
	for _, s := range sample.Alerts() {
		if s.Alert.Event != mackerel.EventDigest {
			alerts = append(alerts, s.Alert)
		}
	}
	digest := mackerel.Digest(alerts)
	d, _ := notify(t, digest)
	got, err := mackerel.ParseWebhook(d.Body)
	if err != nil || got.Key() != digest.Key() || got.Title() != digest.Title() || len(got.Alerts) != len(alerts) {
		t.Fatalf("%v, %+v", err, got)
	}
	for i, a := range got.Alerts {
		want, err := alerts[i].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		compact := jsontext.Value(want)
		if err := compact.Compact(); err != nil {
			t.Fatal(err)
		}
		if string(a.Raw) != string(compact) {
			t.Errorf("sent %s\nwant %s", a.Raw, compact)
		}
	}
	if again, _ := notify(t, got); string(again.Body) != string(d.Body) {
		t.Errorf("received and sent again: %s", again.Body)
	}
}

func TestOnlyWhatWasChangedIsChanged(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(
		`{"event": "alert", "future": [1.0,{}], "message":"disk", "alert": {"status":"critical","x":1e2}}`))
	if err != nil {
		t.Fatal(err)
	}
	a.Message, a.Facts = "disk <full>", []mackerel.Fact{{Label: "Runbook", Value: "7"}}
	d, _ := notify(t, a)
	var got struct {
		Future  jsontext.Value  `json:"future"`
		Message string          `json:"message"`
		Facts   []mackerel.Fact `json:"facts"`
		Alert   struct {
			X jsontext.Value `json:"x"`
		} `json:"alert"`
	}
	if err := json.Unmarshal(d.Body, &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Future) != "[1.0,{}]" || string(got.Alert.X) != "1e2" || got.Message != "disk <full>" || len(got.Facts) != 1 {
		t.Errorf("sent %s", d.Body)
	}
}

func TestAReceiptWithoutASignatureHasNoID(t *testing.T) {
	d, r := notify(t, mackerel.Alert{Status: mackerel.StatusCritical, Message: "disk full"})
	if r.Provider != "webhook" || r.ID != "" || r.Attempts != 1 || r.Queued || len(r.Cuts) != 0 {
		t.Errorf("%+v", r)
	}
	if d.Alert.Message != "disk full" || d.Header.Get("Webhook-Id") != "" {
		t.Errorf("accepted %+v", d)
	}
}

func TestEditMaySendAnotherBody(t *testing.T) {
	fake, n := start(t, func(c *webhook.Config) {
		c.Edit = func(m *webhook.Message, a mackerel.Alert) error {
			m.Raw, m.ContentType = []byte("text="+a.Message), "application/x-www-form-urlencoded"
			return nil
		}
	})
	fake.AnyBody(true)
	if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
		t.Fatal(err)
	}
	if d := fake.Deliveries()[0]; string(d.Body) != "text=x" || d.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("sent %q as %q", d.Body, d.Header.Get("Content-Type"))
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := startSigned(t)
	servicetest.Refused(t, fake, func(m webhook.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]webhook.Message{
		"ContentType: has a control character":                                            {ContentType: "a\r\nb: c"},
		"ID: has a blank, a dot":                                                          {ID: "a.b"},
		"ID: has a blank, a dot, a line break":                                            {ID: "a b"},
		"ID: has a blank, a dot, a line break or a character beyond ASCII; ContentType: ": {ID: "障", ContentType: "\x00"},
	})
}

func TestEveryTextArrivesAsItIs(t *testing.T) {
	for _, text := range append(servicetest.Hostile, strings.Repeat("🔥", 100_000)) {
		text = strings.ToValidUTF8(text, "\uFFFD")
		d, _ := notify(t, servicetest.Everywhere(text))
		got := d.Alert
		for _, field := range []string{
			got.Org, got.Message, got.Monitor.Name, got.Monitor.Memo, got.Host.Name, got.Facts[0].Label, got.Facts[0].Value, got.Reason,
		} {
			if field != text {
				t.Errorf("%.40q arrived as %.40q", text, field)
			}
		}
		if d.Header.Get("X-Injected") != "" {
			t.Errorf("%q became a header", text)
		}
	}
}

func TestARequestThatWaitedSixMinutesIsStillValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := startSigned(t, func(c *webhook.Config) { c.Call.MaxWait = 10 * time.Minute })
		fake.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"360"}}})
		r, err := n.Deliver(t.Context(), mackerel.Alert{Message: "disk full"})
		if err != nil || r.Attempts != 2 || r.Duration != 6*time.Minute {
			t.Fatalf("%+v, %v", r, err)
		}
		first, second := fake.Requests()[0].Header, fake.Requests()[1].Header
		if id := first.Get("Webhook-Id"); id == "" || id != second.Get("Webhook-Id") || id != r.ID || id != fake.Deliveries()[0].ID {
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

func TestIDsOfDeliveries(t *testing.T) {
	a := mackerel.Alert{ID: "5Alert", Message: "still down"} // Mackerel repeats it after a while
	one := func(t *testing.T, n *webhook.Notifier) error {
		return n.Notify(mackerel.WithDeliveryID(t.Context(), "1"), a)
	}
	for name, tt := range map[string]struct {
		deliver func(*testing.T, *webhook.Notifier) error
		count   int
	}{
		"two notifications have two ids":    {func(t *testing.T, n *webhook.Notifier) error { return n.Notify(t.Context(), a) }, 2},
		"the same delivery has the same id": {one, 1},
		"a message with an id of the caller's has that": {func(t *testing.T, n *webhook.Notifier) error {
			_, err := n.Send(t.Context(), webhook.Message{ID: "5", Alert: a})
			return err
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fake, n := startSigned(t)
			for range 2 {
				if err := tt.deliver(t, n); err != nil {
					t.Fatal(err)
				}
			}
			if got := len(fake.Deliveries()); got != tt.count {
				t.Errorf("%d deliveries, want %d", got, tt.count)
			}
		})
	}
}

func TestOldAndNewSecretSignTogether(t *testing.T) {
	fake, n := start(t, func(c *webhook.Config) { c.SigningSecrets = secrets(webhooktest.Secret, webhooktest.OldSecret) })
	for _, known := range []string{webhooktest.Secret, webhooktest.OldSecret} {
		fake.RequireSignature(known)
		if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Error(err)
		}
		d := servicetest.Last(t, fake, fake.Deliveries())
		if got := strings.Fields(d.Header.Get("Webhook-Signature")); len(got) != 2 || got[0] == got[1] {
			t.Errorf("the signatures are %q", got)
		}
	}
	fake.RequireSignature(secret(32))
	servicetest.AsError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrUnauthorized)
}
