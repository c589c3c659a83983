package webhook

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Message is the body of one request: an alert in Mackerel's JSON, or whatever the caller has made.
type Message struct {
	// ID is the webhook-id of a signed request, by which receivers know a repeat. It is a random one unless set.
	ID          string
	Alert       mackerel.Alert // sent as its MarshalJSON has it
	Raw         []byte         // sent as it is, in place of the Alert; nil to send that
	ContentType string         // application/json unless set
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. The text's language and time zone change nothing: there are no words in it.
func DefaultMessage(a mackerel.Alert, _ mackerel.Text) Message { return Message{Alert: a} }

func (m Message) body() ([]byte, error) {
	if m.Raw != nil {
		return m.Raw, nil
	}
	return m.Alert.MarshalJSON()
}

func (m Message) contentType() string { return cmp.Or(m.ContentType, "application/json") }

// id is the message's own, or a new one of 130 random bits.
func (m Message) id() string { return cmp.Or(m.ID, "msg_"+rand.Text()) }

// problem says why a message cannot be sent, "" if it can. A dot separates the id from what else is signed.
func (m Message) problem() string {
	if problem := transport.HeaderProblem("Content-Type", m.ContentType); problem != "" {
		return "ContentType: " + problem
	}
	if m.ID != "" && (!transport.ValidCredential(m.ID) || strings.Contains(m.ID, ".")) {
		return "ID: has a blank, a dot, a line break or a character beyond ASCII"
	}
	return ""
}

// previewSignature shows what differs from one attempt to the next.
func (m Message) previewSignature(h http.Header) {
	h.Set(headerID, cmp.Or(m.ID, "{webhook-id}"))
	h.Set(headerTimestamp, "{webhook-timestamp}")
	h.Set(headerSignature, "{webhook-signature}")
}

// decodeError finds the words of a receiver that nobody knows: the member of a JSON object that most have one of, or a body
// that is plain text. A page of HTML says nothing.
func decodeError(_ int, body []byte) (code, message string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		if text := strings.TrimSpace(string(body)); text != "" && !strings.ContainsAny(text[:1], "<{[") {
			return "", text
		}
		return "", ""
	}
	for _, name := range [...]string{"message", "error", "detail", "title"} {
		if json.Unmarshal(members[name], &message) == nil && message != "" {
			break
		}
	}
	return "", message
}
