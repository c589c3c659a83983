package email_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// TestGoldenMails shows the mails as a preview does: decoded, with the date left open. What was really sent must be the
// same once it is decoded.
func TestGoldenMails(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		for _, a := range sample.Alerts() {
			t.Run(string(language)+"/"+a.Name, func(t *testing.T) {
				s := newServer(t)
				n := newNotifier(t, s, email.Config{Text: mackerel.Text{Language: language, Location: sample.Zone}, Call: mackerel.CallOptions{UserAgent: "golden"}})
				receipt, err := n.Deliver(t.Context(), a.Alert)
				if err != nil || len(receipt.Cuts) != 0 {
					t.Fatalf("%+v, %v, %q", receipt, err, s.Problems())
				}
				p, err := n.Preview(a.Alert)
				if err != nil || len(p.Requests) != 1 {
					t.Fatalf("%+v, %v", p, err)
				}
				golden.Check(t, fmt.Sprintf("golden/%s/%s.txt", language, a.Name), []byte(shown(p.Requests[0])))
				checkAgrees(t, p.Requests[0], only(t, s))
			})
		}
	}
}

func shown(r mackerel.PreviewRequest) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + r.URL + "\n\n")
	for _, field := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[field] {
			b.WriteString(field + ": " + v + "\n")
		}
	}
	return b.String() + "\n" + r.Body
}

// checkAgrees compares a preview with a mail.
func checkAgrees(t *testing.T, r mackerel.PreviewRequest, m emailtest.Mail) {
	t.Helper()
	if r.Header.Get("Date") != "{date}" || r.Header.Get("Subject") != m.Subject {
		t.Errorf("Date %q, Subject %q; sent was %q", r.Header.Get("Date"), r.Header.Get("Subject"), m.Subject)
	}
	for field := range m.Header {
		if got, want := r.Header.Get(field), m.Header.Get(field); got != want && field != "Date" && field != "Subject" {
			t.Errorf("the preview has %s: %s, the mail %s", field, got, want)
		}
	}
	for _, text := range []string{m.Text, m.HTML} {
		if text == "" || !strings.Contains(r.Body, text) {
			t.Errorf("the preview lacks %q", text)
		}
	}
}
