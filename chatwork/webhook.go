package chatwork

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// WebhookSignature is the header with the signature of a webhook. The same value is in the query as
// chatwork_webhook_signature.
// See https://developer.chatwork.com/docs/webhook.
const WebhookSignature = "X-ChatWorkWebhookSignature"

// maxWebhook is the longest webhook that the handler reads, in bytes. A message of maxBody bytes is shorter, even if
// each character of it is written as \uXXXX.
const maxWebhook = 1 << 20

// A WebhookEventType is what has happened. Values that this package does not know are kept.
type WebhookEventType string

// The events.
const (
	MessageCreated WebhookEventType = "message_created"
	MessageUpdated WebhookEventType = "message_updated"
	MentionToMe    WebhookEventType = "mention_to_me"
)

// A Webhook is what Chatwork sends when something has happened.
type Webhook struct {
	WebhookSettingID string           `json:"webhook_setting_id"` // a string of digits
	WebhookEventType WebhookEventType `json:"webhook_event_type"`
	WebhookEventTime int64            `json:"webhook_event_time"` // Unix seconds
	WebhookEvent     WebhookEvent     `json:"webhook_event"`

	Raw []byte `json:"-"` // the body as it was received
}

// A WebhookEvent is the message of an event. Of an event that this package does not know it has the members that it has
// in common with the others; the rest is in Webhook.Raw.
type WebhookEvent struct {
	MessageID     string `json:"message_id"`
	RoomID        int64  `json:"room_id"`
	AccountID     int64  `json:"account_id,omitzero"`      // of the author; not in MentionToMe
	FromAccountID int64  `json:"from_account_id,omitzero"` // of the author; only in MentionToMe
	ToAccountID   int64  `json:"to_account_id,omitzero"`   // of the webhook's owner; only in MentionToMe
	Body          string `json:"body"`                     // in Chatwork's notation
	SendTime      int64  `json:"send_time"`                // Unix seconds
	UpdateTime    int64  `json:"update_time"`              // Unix seconds, 0 if it was never edited
}

// Author returns the account id of the message's author.
func (e WebhookEvent) Author() int64 { return cmp.Or(e.AccountID, e.FromAccountID) }

// VerifyWebhook returns nil if the signature is that of the body, as it was received, under the webhook's token, as
// the settings of the webhook show it. The comparison takes constant time. A wrong signature is
// [mackerel.ErrUnauthorized]. A token that is not base64 is [mackerel.ErrConfig].
//
// A signature does not expire. Whoever has seen a webhook can send it again; only its time and message id show that.
func VerifyWebhook(token mackerel.Secret, body []byte, signature string) error {
	key, err := webhookKey(token)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature)) {
		return &mackerel.Error{
			Provider: name, Op: "verify webhook", Kind: mackerel.ErrUnauthorized, Message: "not the signature of this body",
		}
	}
	return nil
}

// webhookKey decodes the token of a webhook. With an empty key anybody could sign.
func webhookKey(token mackerel.Secret) ([]byte, error) {
	var p provider.Problems
	key, err := base64.StdEncoding.DecodeString(token.Reveal())
	switch {
	case token.IsZero():
		p.Require("Token", false)
	case err != nil || len(key) == 0:
		p.Add("Token", "must be the base64 text that the webhook's settings show")
	}
	return key, p.ConfigError(name)
}

// ParseWebhook reads the body of a webhook, which [VerifyWebhook] should have checked. An event type that this package
// does not know is no error. A body that is no webhook is [mackerel.ErrInvalid].
func ParseWebhook(body []byte) (Webhook, error) {
	var w struct {
		Webhook
		WebhookEvent jsontext.Value `json:"webhook_event"`
	}
	if !provider.DecodeJSON(body, &w) || w.WebhookEventType == "" {
		return Webhook{}, invalidWebhook("not a webhook")
	}
	documented := provider.DecodeJSON(w.WebhookEvent, &w.Webhook.WebhookEvent)
	w.Raw = bytes.Clone(body)
	switch w.WebhookEventType {
	case MessageCreated, MessageUpdated, MentionToMe:
		if !documented || w.Webhook.WebhookEvent.MessageID == "" {
			return Webhook{}, invalidWebhook("the event is not the documented one")
		}
	default: // the event may be anything
	}
	return w.Webhook, nil
}

func invalidWebhook(problem string) error {
	return &mackerel.Error{Provider: name, Op: "parse webhook", Kind: mackerel.ErrInvalid, Message: problem}
}

// NewWebhookHandler returns a handler for one webhook. It verifies and parses each request and calls the function with
// the webhook. The token is that of the webhook, as its settings show it. A token that is not base64 is
// [mackerel.ErrConfig].
//
// The answer waits for the function, so the function should not take long. Its context is that of the request and
// ends when Chatwork closes the connection. It returns no error, because Chatwork never sends a webhook again, and
// disables a webhook that fails too often. The answer is an empty 200. It is 401 if the signature is wrong, 400 if
// the body is no webhook, 405 for methods other than POST, and 413 for a body of more than 1 MB.
func NewWebhookHandler(token mackerel.Secret, handle func(context.Context, Webhook)) (http.Handler, error) {
	if _, err := webhookKey(token); err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, status := readWebhook(token, w, r)
		if status == http.StatusOK {
			handle(r.Context(), event)
		}
		w.WriteHeader(status)
	}), nil
}

// readWebhook reads a webhook, or returns the status with which it is refused.
func readWebhook(token mackerel.Secret, w http.ResponseWriter, r *http.Request) (Webhook, int) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return Webhook{}, http.StatusMethodNotAllowed
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxWebhook)); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return Webhook{}, http.StatusRequestEntityTooLarge
		}
		return Webhook{}, http.StatusBadRequest
	}
	signature := cmp.Or(r.Header.Get(WebhookSignature), r.URL.Query().Get("chatwork_webhook_signature"))
	if VerifyWebhook(token, body.Bytes(), signature) != nil {
		return Webhook{}, http.StatusUnauthorized
	}
	event, err := ParseWebhook(body.Bytes())
	if err != nil {
		return Webhook{}, http.StatusBadRequest
	}
	return event, http.StatusOK
}
