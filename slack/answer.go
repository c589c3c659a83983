package slack

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// success is the body of the answer to a message that was posted.
// See https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks.
const success = "ok"

// judge accepts only the documented success. A proxy or a workflow's trigger may answer 200 with another body.
func judge(r *transport.Result) {
	if r.Class == transport.Done && (r.Status != http.StatusOK || string(r.Body) != success) {
		provider.Undocumented(r)
	}
}

// decodeError reads the word that Slack answers with, in plain text or as {"ok":false,"error":"..."}.
func decodeError(_ int, body []byte) (code, message string) {
	text := strings.TrimSpace(string(body))
	var e struct {
		Error string `json:"error"`
	}
	if provider.DecodeJSON(body, &e) {
		text = e.Error
	}
	if !word.MatchString(text) {
		return "", ""
	}
	return text, text
}

// word is how Slack writes its errors.
var word = regexp.MustCompile(`^[0-9a-z_]{1,64}$`)

// refusesBlocks reports whether Slack has refused a message for its blocks, as it also does if it cannot fetch a
// picture.
func refusesBlocks(r transport.Result) bool {
	code, _ := decodeError(r.Status, r.Body)
	return code == "invalid_attachments" || code == "invalid_blocks"
}
