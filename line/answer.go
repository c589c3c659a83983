package line

import (
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// An answer is the body of an answer to a message. A success has SentMessages, for a push only. An error has Message
// and may have Details.
type answer struct {
	SentMessages []struct {
		ID string `json:"id"`
	} `json:"sentMessages"`
	Message string `json:"message"`
	Details []struct {
		Message  string `json:"message"`
		Property string `json:"property"`
	} `json:"details"`
}

// quotaWords are in the answer to a message beyond the month's quota.
// See https://developers.line.biz/en/reference/messaging-api/#error-messages.
const quotaWords = "monthly limit"

// acceptedHeader names the request that was accepted under the same retry key. A 409 without it is another conflict.
const acceptedHeader = "X-Line-Accepted-Request-Id"

// judge reads the answer to a multicast or broadcast, and the id in the answer to a push. A 409 with acceptedHeader says
// that an earlier attempt was accepted. A 429 for the month's quota is as final as a refused credential.
func judge(r *transport.Result) {
	var a answer
	ok := provider.DecodeJSON(r.Body, &a)
	if len(a.SentMessages) > 0 {
		r.ID = a.SentMessages[0].ID
	}
	switch {
	case r.Status == http.StatusConflict && r.Header.Get(acceptedHeader) != "":
		r.Class = transport.Done
	case r.Class == transport.RateLimited && strings.Contains(strings.ToLower(a.Message), quotaWords):
		r.Class = transport.Unauthorized
	case r.Class == transport.Done && (r.Status != http.StatusOK || !ok):
		provider.Undocumented(r)
	}
}

// judgePush reads the answer to a push, whose success has the id of the message. If the id is missing, the push is
// repeated with the same key, which does no harm.
func judgePush(r *transport.Result) {
	judge(r)
	if r.Class == transport.Done && r.Status == http.StatusOK && r.ID == "" {
		provider.Undocumented(r)
	}
}

// decodeError reads {"message":"...","details":[{"message":"...","property":"messages[0].text"}]}. LINE has no codes.
func decodeError(_ int, body []byte) (code, message string) {
	var a answer
	if !provider.DecodeJSON(body, &a) {
		return "", ""
	}
	var details []string
	for _, d := range a.Details {
		details = append(details, provider.Join(" ", d.Property, d.Message))
	}
	return "", provider.Join(": ", a.Message, provider.Join("; ", details...))
}
