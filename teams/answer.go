package teams

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// connectorFailure is in a 200 by which a retired connector reports a failure.
const connectorFailure = "Webhook message delivery failed"

// judge accepts a 202, and a 200 with the body of a Response action, which can be anything. A page of HTML in a 200 is
// that of a proxy.
func judge(r *transport.Result) {
	foreign := isPage(r.Body) || bytes.Contains(r.Body, []byte(connectorFailure))
	if r.Class == transport.Done && r.Status != http.StatusAccepted && (r.Status != http.StatusOK || foreign) {
		provider.Undocumented(r)
	}
}

// settle completes the receipt of a card that was accepted.
func settle(_ context.Context, _ Message, r transport.Result, receipt *mackerel.Receipt) error {
	receipt.Queued = r.Status == http.StatusAccepted
	return nil
}

// decodeError reads {"error":{"code":"...","message":"..."}}. Other text is kept as the message, except a page of HTML.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	switch {
	case isPage(body):
		return "", ""
	case !provider.DecodeJSON(body, &e) || e.Error.Code+e.Error.Message == "":
		return "", strings.TrimSpace(string(body))
	}
	return e.Error.Code, provider.Join(": ", e.Error.Code, e.Error.Message)
}

func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }
