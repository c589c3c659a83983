package twilio_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/twilio"
)

// goldens are SMS and calls in both languages, and a call to a TwiML document.
var goldens = []struct {
	name   string
	config twilio.Config
}{
	{"sms-en", twilio.Config{Kind: twilio.KindSMS}},
	{"sms-ja", twilio.Config{Kind: twilio.KindSMS, Text: mackerel.Text{Language: mackerel.Japanese}}},
	{"call-en", twilio.Config{Kind: twilio.KindCall}},
	{"call-ja", twilio.Config{Kind: twilio.KindCall, Text: mackerel.Text{Language: mackerel.Japanese}, Voice: "Polly.Mizuki"}},
	{"twiml", twilio.Config{Kind: twilio.KindTwiML, TwiMLURL: mackerel.NewSecret("https://example.com/voice")}},
}

// TestGoldenRequests shows the form that is sent, in the order of its keys, or why nothing is.
func TestGoldenRequests(t *testing.T) {
	for _, g := range goldens {
		for _, a := range sample.Alerts() {
			t.Run(g.name+"/"+a.Name, func(t *testing.T) {
				s := newServer(t)
				g.config.Text.Location = sample.Zone
				n := newNotifier(t, s, g.config)
				receipt, err := n.Deliver(t.Context(), a.Alert)
				if err != nil || len(receipt.Cuts) != 0 {
					t.Fatalf("%+v, %v", receipt, err)
				}
				text := "skipped: " + receipt.Skipped + "\n"
				if receipt.Skipped == "" {
					r := s.Requests()[0]
					text = r.Method + " " + r.Path + "\n\n" + shown(t, string(r.Body))
				}
				golden.Check(t, "golden/"+g.name+"/"+a.Name+".txt", []byte(text))
				checkPreview(t, n, a.Alert, receipt.Skipped)
			})
		}
	}
}

// shown is a form with its keys and values in lines.
func shown(t *testing.T, form string) string {
	t.Helper()
	var b strings.Builder
	for _, pair := range strings.Split(form, "&") {
		line, err := url.QueryUnescape(pair)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// checkPreview compares what a preview says with what was done. The address of a TwiML document is not shown.
func checkPreview(t *testing.T, n *twilio.Notifier, a mackerel.Alert, skipped string) {
	t.Helper()
	p, err := n.Preview(a)
	if err != nil || p.Skipped != skipped || len(p.Requests) != 1 && skipped == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, r := range p.Requests {
		if credentials := r.Header.Get("Authorization"); strings.Contains(r.Body, "example.com") || strings.TrimRight(credentials, "=") != "Basic [redacted]" {
			t.Errorf("%+v", r)
		}
	}
}
