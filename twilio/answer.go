package twilio

import (
	"context"
	"net/http"
	"strconv"

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

// decodeError reads {"code":21211,"message":"...","more_info":"https://...","status":400}.
// See https://www.twilio.com/docs/errors.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if !provider.DecodeJSON(body, &e) {
		return "", ""
	}
	if e.Code != 0 {
		code = strconv.Itoa(e.Code)
	}
	return code, e.Message
}
