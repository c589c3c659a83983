package pagerduty

import (
	"net/http"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// An answer is what PagerDuty answers to an event. A refusal has errors and no key.
type answer struct {
	Status   string   `json:"status"` // "success", "invalid event"
	Message  string   `json:"message"`
	DedupKey string   `json:"dedup_key"`
	Errors   []string `json:"errors"`
}

// judge accepts only the documented success: a 202 with the status "success" and the key of the event, which is that of
// the message or, without one, a key that PagerDuty has made.
func judge(r *transport.Result) {
	var a answer
	switch {
	case r.Class != transport.Done:
	case r.Status != http.StatusAccepted, !provider.DecodeJSON(r.Body, &a), a.Status != "success":
		provider.Undocumented(r)
	default:
		r.ID = a.DedupKey
	}
}

// decodeError reads {"status":"invalid event","message":"...","errors":["..."]}.
func decodeError(_ int, body []byte) (code, message string) {
	var a answer
	if !provider.DecodeJSON(body, &a) {
		return "", ""
	}
	return a.Status, provider.Join(": ", a.Message, strings.Join(a.Errors, ", "))
}

// defaultWait is the wait after a 429 that does not say how long to wait. PagerDuty advises it for three attempts in a
// row (https://developer.pagerduty.com/docs/events-api-v2-rate-limits).
const defaultWait = 30 * time.Second

func rateWait(r *transport.Result) time.Duration {
	if r.Class == transport.RateLimited && r.Header.Get("Retry-After") == "" {
		return defaultWait
	}
	return 0
}
