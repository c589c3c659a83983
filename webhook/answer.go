package webhook

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// decodeError reads the words of a receiver of any kind: one of the usual members of a JSON object, or plain text. A page
// of HTML has no words.
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
