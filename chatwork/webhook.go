package chatwork

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// WebhookSignature is the header in which a webhook's signature comes. The same value is in the query, as
// chatwork_webhook_signature.
// See https://developer.chatwork.com/docs/webhook.
const WebhookSignature = "X-ChatWorkWebhookSignature"

// MaxWebhook is the longest webhook that the handler reads, in bytes. A message of MaxBody has less, even with every
// character as a pair of \uXXXX.
const MaxWebhook = 1 << 20

// A WebhookEventType says what has happened.
type WebhookEventType string

// The events. There may be newer ones.
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

	Raw json.RawMessage `json:"-"` // the body as it was received
}

// A WebhookEvent is the message that an event is about. Of an event type that is newer than this package it has what it
// has in common with these.
type WebhookEvent struct {
	MessageID     string `json:"message_id"`
	RoomID        int64  `json:"room_id"`
	AccountID     int64  `json:"account_id,omitzero"`      // who wrote it; not in MentionToMe
	FromAccountID int64  `json:"from_account_id,omitzero"` // who wrote it; only in MentionToMe
	ToAccountID   int64  `json:"to_account_id,omitzero"`   // who is mentioned: the webhook's owner; only in MentionToMe
	Body          string `json:"body"`                     // in Chatwork's notation
	SendTime      int64  `json:"send_time"`                // Unix seconds
	UpdateTime    int64  `json:"update_time"`              // Unix seconds, 0 if it was never edited
}

// Author is who wrote the message, whatever the event calls them.
func (e WebhookEvent) Author() int64 { return cmp.Or(e.AccountID, e.FromAccountID) }

// VerifyWebhook reports whether a body comes from Chatwork: nil, if the signature is the one that the webhook's token, as
// its settings show it, makes of the body as it was received. The comparison takes constant time. A wrong signature is
// [mackerel.ErrUnauthorized], a token that cannot be one [mackerel.ErrConfig].
//
// A signature does not age: whoever has seen a webhook could send it again, and only its time and message tell.
func VerifyWebhook(token mackerel.Secret, body []byte, signature string) error {
	key, err := webhookKey(token)
	if err != nil {
		return err
	}
	return verifyWebhook(key, body, signature)
}

func verifyWebhook(key, body []byte, signature string) error {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature)) {
		return &mackerel.Error{Provider: name, Op: "verify webhook", Kind: mackerel.ErrUnauthorized, Message: "not the signature of this body"}
	}
	return nil
}

// webhookKey decodes a webhook's token. An empty key would make signatures that anybody can make.
func webhookKey(token mackerel.Secret) ([]byte, error) {
	var p provider.Problems
	key, err := base64.StdEncoding.DecodeString(token.Reveal())
	switch {
	case token.IsZero():
		p.Add("Token", "required")
	case err != nil || len(key) == 0:
		p.Add("Token", "not the base64 text that the webhook's settings show")
	}
	return key, p.Err(name)
}

// ParseWebhook reads a webhook's body, which [VerifyWebhook] should have seen. An event type that this package does not
// know is no error. What is not a webhook is [mackerel.ErrInvalid].
func ParseWebhook(body []byte) (Webhook, error) {
	var w struct {
		Webhook
		WebhookEvent json.RawMessage `json:"webhook_event"`
	}
	err := json.Unmarshal(body, &w)
	if err != nil || w.WebhookEventType == "" {
		return Webhook{}, invalidWebhook("not a webhook", err)
	}
	err = json.Unmarshal(w.WebhookEvent, &w.Webhook.WebhookEvent)
	w.Raw = bytes.Clone(body)
	switch w.WebhookEventType {
	case MessageCreated, MessageUpdated, MentionToMe:
		if err != nil || w.Webhook.WebhookEvent.MessageID == "" {
			return Webhook{}, invalidWebhook("the event is not the documented one", err)
		}
	default: // newer than this package: its event may be anything, and is in Raw
	}
	return w.Webhook, nil
}

func invalidWebhook(problem string, err error) error {
	return &mackerel.Error{Provider: name, Op: "parse webhook", Kind: mackerel.ErrInvalid, Message: problem, Err: err}
}

// NewWebhookHandler returns a handler for one webhook of Chatwork's: it verifies and parses what comes in and calls the
// function with it. The token is the webhook's, as its settings show it; that it cannot be one is [mackerel.ErrConfig].
//
// The function is called within the request, and the answer waits for it, so it should hand over what takes long. Its
// context is the request's, which ends when Chatwork hangs up. It returns no error, because Chatwork would do nothing
// about one: it never sends a webhook again, and switches a webhook off that fails too often. The answer is an empty 200;
// 401 without the right signature, 400 for what is no webhook, 405 for other methods than POST, 413 beyond MaxWebhook.
func NewWebhookHandler(token mackerel.Secret, handle func(context.Context, Webhook)) (http.Handler, error) {
	key, err := webhookKey(token)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, status := readWebhook(key, w, r)
		if status == http.StatusOK {
			handle(r.Context(), event)
		}
		w.WriteHeader(status)
	}), nil
}

// readWebhook reads a webhook, or says with which status it is refused.
func readWebhook(key []byte, w http.ResponseWriter, r *http.Request) (Webhook, int) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return Webhook{}, http.StatusMethodNotAllowed
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, MaxWebhook)); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return Webhook{}, http.StatusRequestEntityTooLarge
		}
		return Webhook{}, http.StatusBadRequest
	}
	signature := cmp.Or(r.Header.Get(WebhookSignature), r.URL.Query().Get("chatwork_webhook_signature"))
	if verifyWebhook(key, body.Bytes(), signature) != nil {
		return Webhook{}, http.StatusUnauthorized
	}
	event, err := ParseWebhook(body.Bytes())
	if err != nil {
		return Webhook{}, http.StatusBadRequest
	}
	return event, http.StatusOK
}
