package twilio

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// judge accepts only the documented success: a 201 with the SID of the call or message.
func judge(r *transport.Result) {
	var answer struct {
		SID string `json:"sid"`
	}
	switch {
	case r.Class != transport.Done:
	case r.Status != http.StatusCreated, !provider.DecodeJSON(r.Body, &answer), answer.SID == "":
		provider.Undocumented(r)
	default:
		r.ID = answer.SID
	}
}

// settle completes the receipt of a call or message that Twilio has queued.
func settle(_ context.Context, _ Message, _ transport.Result, receipt *mackerel.Receipt) error {
	receipt.Queued = true
	return nil
}
