package webhook

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// settle puts the webhook-id of a signed request into the receipt: it is in the message, and not in the answer.
func settle(_ context.Context, m Message, _ transport.Result, receipt *mackerel.Receipt) error {
	receipt.ID = m.ID
	return nil
}

// decodeError reads the words of a receiver of any kind: one of the usual members of a JSON object, or plain text. A
// page of HTML has no words.
func decodeError(_ int, body []byte) (code, message string) {
	var members map[string]jsontext.Value
	if !provider.DecodeJSON(body, &members) {
		if text := strings.TrimSpace(string(body)); text != "" && !strings.ContainsAny(text[:1], "<{[") && text != "null" {
			return "", text
		}
		return "", ""
	}
	for _, name := range [...]string{"message", "error", "detail", "title"} {
		if provider.DecodeJSON(members[name], &message) && message != "" {
			break
		}
	}
	return "", message
}
