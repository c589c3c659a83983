package pagerduty

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// RateWait is the wait after a 429 that does not say how long to wait. PagerDuty advises it for three attempts in a row
// (https://developer.pagerduty.com/docs/events-api-v2-rate-limits).
const RateWait = 30 * time.Second

func rateWait(r *transport.Result) time.Duration {
	if r.Class == transport.RateLimited && r.Header.Get("Retry-After") == "" {
		return RateWait
	}
	return 0
}

// An answer is what PagerDuty answers to an event. A refusal has errors and no key.
type answer struct {
	Status   string   `json:"status"` // "success", "invalid event"
	Message  string   `json:"message"`
	DedupKey string   `json:"dedup_key"`
	Errors   []string `json:"errors"`
}

// judge accepts only the documented success: 202 and the status "success".
func judge(r *transport.Result) {
	var a answer
	if r.Class == transport.Done &&
		(r.Status != http.StatusAccepted || !provider.DecodeJSON(r.Body, &a) || a.Status != "success") {
		provider.Undocumented(r)
	}
}

// settle puts the key of the event into the receipt: that of the message, or the key that PagerDuty has made.
func settle(_ context.Context, _ Message, r transport.Result, receipt *mackerel.Receipt) error {
	var a answer
	provider.DecodeJSON(r.Body, &a) // judge has accepted it
	receipt.ID = a.DedupKey
	return nil
}

// decodeError reads {"status":"invalid event","message":"...","errors":["..."]}.
func decodeError(_ int, body []byte) (code, message string) {
	var a answer
	if !provider.DecodeJSON(body, &a) {
		return "", ""
	}
	return a.Status, provider.Join(": ", a.Message, strings.Join(a.Errors, ", "))
}
