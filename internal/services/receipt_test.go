package services

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

var critical = mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical, Message: "x"}

func TestAnAttemptNamesItsNotifier(t *testing.T) {
	for name, start := range services {
		t.Run(name, func(t *testing.T) {
			var attempts []mackerel.Attempt
			n, _ := start(t, func(c *mackerel.CallOptions) { c.OnAttempt = servicetest.Record(&attempts) })
			service, _, _ := strings.Cut(name, " ")
			_, err := n.Deliver(t.Context(), critical)
			if err != nil || len(attempts) != 1 {
				t.Fatalf("%d attempts, %v", len(attempts), err)
			}
			if a, want := attempts[0], fmt.Sprint(n); a.Notifier != want || want == "" || a.Provider != service {
				t.Errorf("the attempt is of %q and %q, want %q and %q", a.Provider, a.Notifier, service, want)
			}
		})
	}
}

// The id in an answer is the text of somebody else. It is cleaned like the words of an error.
func TestTheIDOfAReceiptIsCleaned(t *testing.T) {
	id := `a\u001b[31m\nb\u202e` + strings.Repeat("c", 10_000)
	for service, answer := range map[string]fakehttp.Fault{
		"chatwork":    {Status: 200, Body: `{"message_id":"` + id + `"}`},
		"eventbridge": {Status: 200, Body: `{"FailedEntryCount":0,"Entries":[{"EventId":"` + id + `"}]}`},
		"jsm":         {Status: 202, Body: `{"requestId":"` + id + `"}`},
		"line":        {Status: 200, Body: `{"sentMessages":[{"id":"` + id + `"}]}`},
		"opsgenie":    {Status: 202, Body: `{"requestId":"` + id + `"}`},
		"pagerduty":   {Status: 202, Body: `{"status":"success","dedup_key":"` + id + `"}`},
		"twilio":      {Status: 201, Body: `{"sid":"` + id + `"}`},
	} {
		t.Run(service, func(t *testing.T) {
			n, f := services[service](t, func(c *mackerel.CallOptions) { c.MaxAttempts = 1 })
			f.Inject(answer)
			r, err := n.Deliver(t.Context(), critical)
			if err != nil || !strings.HasPrefix(r.ID, "a [31m b ccc") || len(r.ID) > 512 || strings.ContainsFunc(r.ID, unicode.IsControl) {
				t.Errorf("%v, and the id is %q", err, r.ID)
			}
		})
	}
}
