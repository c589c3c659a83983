package teams

import (
	"bytes"
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// connectorFailure is in a 200 by which a retired connector reports a failure.
const connectorFailure = "Webhook message delivery failed"

// judge accepts every status of the 200s, because the owner of a workflow may answer with any of them and with any
// body. A page of HTML is that of a proxy, except in the documented 202.
func judge(r *transport.Result) {
	foreign := isPage(r.Body) || bytes.Contains(r.Body, []byte(connectorFailure))
	if r.Class == transport.Done && r.Status != http.StatusAccepted && foreign {
		provider.Undocumented(r)
	}
}

// settle completes the receipt of a card that was accepted.
func settle(_ context.Context, _ Message, _ transport.Result, receipt *mackerel.Receipt) error {
	receipt.Queued = true
	return nil
}

// decodeError reads {"error":{"code":"...","message":"..."}}, and a text such as that of a connector's failure.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if provider.DecodeJSON(body, &e) {
		return e.Error.Code, provider.Join(": ", e.Error.Code, e.Error.Message)
	}
	if isPage(body) {
		return "", ""
	}
	return "", string(body)
}

func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }
