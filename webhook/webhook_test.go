package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// received reads every webhook that Mackerel is known to send.
func received(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/webhook/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	all := make(map[string][]byte)
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = body
	}
	return all
}

func TestAnAlertFromAWebhookGoesOnByteForByte(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, webhook.Config{})
	for name, body := range received(t) {
		a, err := mackerel.ParseWebhook(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := n.Notify(t.Context(), a); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d := last(t, s)
		if string(d.Body) != string(bytes.TrimSpace(body)) {
			t.Errorf("%s: sent %s\nreceived %s", name, d.Body, body)
		}
		if got := d.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", name, got)
		}
	}
}

func TestOnlyWhatWasChangedIsChanged(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, webhook.Config{})
	body := `{"event": "alert", "future": [1.0,{}], "message":"disk", "alert": {"status":"critical","x":1e2}}`
	a, err := mackerel.ParseWebhook([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	a.Message, a.Facts = "disk <full>", []mackerel.Fact{{Label: "Runbook", Value: "7"}}
	if err := n.Notify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Future  json.RawMessage
		Message string
		Facts   []mackerel.Fact
		Alert   struct{ X json.RawMessage }
	}
	d := last(t, s)
	if err := json.Unmarshal(d.Body, &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Future) != "[1.0,{}]" || string(got.Alert.X) != "1e2" || got.Message != "disk <full>" || len(got.Facts) != 1 {
		t.Errorf("sent %s", d.Body)
	}
}

func TestDeliverSaysWhatCameOfIt(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, webhook.Config{})
	r, err := n.Deliver(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical, Message: "disk full"})
	if err != nil || r.Provider != "webhook" || r.ID != "" || r.Attempts != 1 || r.Duration <= 0 || r.Queued || len(r.Cuts) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if d := last(t, s); d.ID != "" || d.Alert.Message != "disk full" || d.Header.Get("Webhook-Id") != "" {
		t.Errorf("accepted %+v", d)
	}
	if got := n.String(); got != "webhook fake.test" {
		t.Errorf("it is called %q", got)
	}
}

func TestAWarningIsSkippedWhereOnlyCriticalCounts(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, webhook.Config{Level: mackerel.LevelCritical})
	r, err := n.Deliver(t.Context(), mackerel.Alert{Status: "WARNING"})
	if err != nil || r.Skipped == "" || len(s.Requests()) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	p, err := n.Preview(mackerel.Alert{Status: "WARNING"})
	if err != nil || p.Skipped == "" || len(p.Requests) != 0 {
		t.Errorf("previewed %+v, %v", p, err)
	}
}

func TestAMessageFunctionHasItsWay(t *testing.T) {
	s := newServer(t)
	s.AnyBody(true)
	n := newNotifier(t, s, webhook.Config{Message: func(a mackerel.Alert) (webhook.Message, error) {
		if a.Message == "" {
			return webhook.Message{}, errors.New("nothing to say")
		}
		m := webhook.DefaultMessage(a, mackerel.Text{})
		m.Raw, m.ContentType = []byte("text="+a.Message), "application/x-www-form-urlencoded"
		return m, nil
	}})
	if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
		t.Fatal(err)
	}
	if d := last(t, s); string(d.Body) != "text=x" || d.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("sent %q as %q", d.Body, d.Header.Get("Content-Type"))
	}
	err := n.Notify(t.Context(), mackerel.Alert{})
	if e := asError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Error(), "nothing to say") {
		t.Errorf("got %v", err)
	}
	for _, m := range []webhook.Message{{ContentType: "a\r\nb: c"}, {ID: "a.b"}, {ID: "a b"}, {ID: "障"}} {
		_, err := n.Send(t.Context(), m)
		wantKind(t, err, mackerel.ErrInvalid)
	}
	if len(s.Requests()) != 1 {
		t.Error("an impossible message was sent")
	}
}

func TestHeadersOfTheCallersAreSentAndNotShown(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, webhook.Config{Header: map[string]mackerel.Secret{
		"X-Api-Key": mackerel.NewSecret("key-0123456789"), "accept": mackerel.NewSecret("text/plain"),
	}})
	if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
		t.Fatal(err)
	}
	if h := last(t, s).Header; h.Get("X-Api-Key") != "key-0123456789" || h.Get("Accept") != "text/plain" {
		t.Errorf("sent %v", h)
	}
	p, err := n.Preview(mackerel.Alert{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"key-0123456789", webhooktest.Token, webhooktest.Password} {
		if strings.Contains(fmt.Sprint(p.Requests), secret) {
			t.Errorf("previewed %+v", p.Requests)
		}
	}
}

// hostile are texts that break out of something elsewhere.
var hostile = []string{
	"<!channel>", "<at>all</at>", "[toall]", `"; DROP`, "</b>", "a\r\nX-Injected: 1\r\n\r\nb", "\u202Egnp.exe", "a\x00b", `{"event":"x"}`,
	"{{.}}", strings.Repeat("障", 1000), strings.Repeat("🔥", 1000), strings.Repeat("a", 100_000),
}

func TestEveryTextArrivesAsItIs(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, webhook.Config{})
	for _, text := range hostile {
		a := mackerel.Alert{
			ID: text, Org: text, Message: text, Monitor: mackerel.Monitor{Name: text, Memo: text},
			Host: &mackerel.Host{Name: text}, Facts: []mackerel.Fact{{Label: text, Value: text}}, Reason: text,
		}
		if err := n.Notify(t.Context(), a); err != nil {
			t.Fatalf("%.40q: %v", text, err)
		}
		d := last(t, s)
		got := d.Alert
		for _, field := range []string{
			got.ID, got.Org, got.Message, got.Monitor.Name, got.Monitor.Memo, got.Host.Name, got.Facts[0].Label, got.Facts[0].Value, got.Reason,
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

func TestAReceiversWordsAreKept(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`{"error":"queue is full"}`, "queue is full"},
		{`{"message":"no such hook","error":{"code":1}}`, "no such hook"},
		{`{"title":"Bad","detail":"event is missing","status":400}`, "event is missing"},
		{`{"error":{"code":1}}`, ""},
		{"no thanks\n", "no thanks"},
		{"<html><body>Bad Request</body></html>", ""},
		{`["a"]`, ""}, {`{"error":`, ""}, {"null", ""}, {"", ""}, {" \n", ""},
	} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 400, Body: tt.body})
		err := newNotifier(t, s, webhook.Config{}).Notify(t.Context(), mackerel.Alert{})
		if e := asError(t, err, mackerel.ErrInvalid); e.Message != tt.want {
			t.Errorf("%q: the words are %q, want %q", tt.body, e.Message, tt.want)
		}
	}
}

func TestNoAnswerOfTheReceiverIsTakenForAnother(t *testing.T) {
	for status, kind := range map[int]error{
		302: mackerel.ErrInvalid, 400: mackerel.ErrInvalid, 401: mackerel.ErrUnauthorized, 404: mackerel.ErrNotFound,
		410: mackerel.ErrNotFound, 413: mackerel.ErrInvalid, 429: mackerel.ErrRateLimited, 502: mackerel.ErrAmbiguous,
	} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: status, Header: http.Header{"Location": {"http://elsewhere.test/"}}, Times: -1})
		n := newNotifier(t, s, webhook.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
		if e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), kind); e.Status != status {
			t.Errorf("%d: %v", status, e)
		}
	}
}
