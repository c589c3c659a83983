package slack

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// success is the whole body of the one answer that means that the message was posted.
// See https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks.
const success = "ok"

// judge accepts nothing but the documented success: a 200 of a proxy or of a workflow's trigger is none.
func judge(r *transport.Result) {
	if r.Class == transport.Done && (r.Status != http.StatusOK || string(r.Body) != success) {
		provider.Undocumented(r)
	}
}

// decodeError reads the one word that Slack answers with in plain text, or as {"ok":false,"error":"..."}. Other words
// are kept as they are, but not a page of HTML.
func decodeError(_ int, body []byte) (code, message string) {
	text := strings.TrimSpace(string(body))
	var e struct {
		Error string `json:"error"`
	}
	switch {
	case strings.HasPrefix(text, "<"):
		return "", ""
	case json.Unmarshal(body, &e) == nil && e.Error != "":
		text = e.Error
	}
	if isWord(text) {
		code = text
	}
	return code, text
}

// maxWord is the length in bytes beyond which there is no word of Slack's.
const maxWord = 64

// isWord reports whether s is written as Slack writes its errors.
func isWord(s string) bool {
	return s != "" && len(s) <= maxWord &&
		strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' }) < 0
}

// refusesBlocks reports whether Slack has refused a message for its blocks, as it also does if it cannot fetch a picture.
func refusesBlocks(r transport.Result) bool {
	if r.Class != transport.Invalid {
		return false
	}
	code, _ := decodeError(r.Status, r.Body)
	return code == "invalid_attachments" || code == "invalid_blocks"
}
