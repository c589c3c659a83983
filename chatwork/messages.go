package chatwork

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// maxBody is the longest body of a message or a task, in bytes. The reference says 65,535 characters, and does not say
// what it counts. Bytes are the safe reading for Japanese.
// See https://developer.chatwork.com/reference/post-rooms-room_id-messages.
const maxBody = 65535

// An Account is an account as it appears within other resources, such as the author of a message.
type Account struct {
	AccountID      int64  `json:"account_id"`
	Name           string `json:"name"`
	AvatarImageURL string `json:"avatar_image_url"`
}

// A RoomMessage is a message as the API returns it.
type RoomMessage struct {
	MessageID  string  `json:"message_id"` // a string, because it has up to 19 digits
	Account    Account `json:"account"`
	Body       string  `json:"body"`        // in Chatwork's notation
	SendTime   int64   `json:"send_time"`   // Unix seconds
	UpdateTime int64   `json:"update_time"` // Unix seconds, 0 if it was never edited
}

func (m RoomMessage) documented() bool { return m.MessageID != "" }

// A ReadState says how many messages of a room the account has not read.
type ReadState struct {
	UnreadNum  int `json:"unread_num"`
	MentionNum int `json:"mention_num"`
}

func (ReadState) documented() bool { return true }

// A MessageList is the answer to a reading of a room. The free plan shows only messages of the last 40 days. If it
// hides messages that would have been listed, the list is Limited.
// See https://developer.chatwork.com/docs/endpoints.
type MessageList struct {
	Messages []RoomMessage // at most 100, oldest first; empty, never nil
	Limited  bool          // the plan hides messages
	Summary  string        // the service's words for that
}

// A LimitationError means that messages exist and the account's plan hides them. It is the cause of a
// [*mackerel.Error]:
//
//	if hidden := (*chatwork.LimitationError)(nil); errors.As(err, &hidden) { ... }
type LimitationError struct {
	Summary string // the service's words
}

// Error returns "the plan hides messages".
func (*LimitationError) Error() string { return "the plan hides messages" }

// limitation reads the headers of an answer from which the plan hides messages. It returns nil if they are missing.
func limitation(h http.Header) *LimitationError {
	if h.Get("Chatwork-Message-Limitation") != "true" {
		return nil
	}
	return &LimitationError{h.Get("Chatwork-Message-Limitation-Summary")}
}

// judge decodes the list. An empty list from which the plan hides messages is an error, so that it is not taken for
// an empty room.
func (l *MessageList) judge(r *transport.Result) {
	decode(&l.Messages)(r)
	if len(l.Messages) == 0 {
		l.Messages = []RoomMessage{}
	}
	hidden := limitation(r.Header)
	if hidden == nil || r.Class != transport.Done {
		return
	}
	l.Limited, l.Summary = true, hidden.Summary
	if len(l.Messages) == 0 {
		r.Class, r.Err = transport.Unauthorized, hidden
	}
}

// LatestMessages returns the newest messages of a room, at most 100: GET /rooms/{room_id}/messages with force=1.
// Reading changes nothing and may be repeated. Messages that are older than these cannot be listed. An empty room is
// an empty list. If the plan hides all messages, the list is Limited and the error is [mackerel.ErrUnauthorized] with
// a [LimitationError].
func (c *Client) LatestMessages(ctx context.Context, roomID int64) (MessageList, error) {
	return c.read(ctx, get("list messages"), roomID, 1)
}

// NewMessages returns the messages that NewMessages has not returned for this token before, at most 100:
// GET /rooms/{room_id}/messages with force=0. The server keeps one place per token and room, and reading moves it. Two
// programs with the same token take messages from each other, and so do two goroutines. If nothing is new, the list is
// empty. If the plan hides all new messages, the error is the same as of [Client.LatestMessages].
//
// A reading is never repeated after a lost answer. If the error is [mackerel.ErrAmbiguous], the server may have moved
// the place, and then only [Client.LatestMessages] returns the messages.
func (c *Client) NewMessages(ctx context.Context, roomID int64) (MessageList, error) {
	return c.read(ctx, operation{"list new messages", http.MethodGet, transport.Once}, roomID, 0)
}

func (c *Client) read(ctx context.Context, op operation, roomID int64, force int) (list MessageList, err error) {
	params := struct {
		Force int `url:"force"`
	}{force}
	r, err := c.request(op, list.judge, params, "rooms", pathID(roomID), "messages")
	if err != nil {
		return list, err
	}
	r, result := c.do(ctx, r)
	if result.Class == transport.Ambiguous { // of NewMessages only, because the other reading may be repeated
		result.Err = consumed(result.Err)
	}
	return list, c.service.Outcome(r, result)
}

var errConsumed = errors.New("the new messages may be consumed; LatestMessages returns them")

// consumed adds to the reason for a lost answer what it means for the messages.
func consumed(reason error) error {
	if reason == nil {
		return errConsumed
	}
	return fmt.Errorf("%w: %w", reason, errConsumed)
}

// PostMessageParams is a message to post.
type PostMessageParams struct {
	Body       string // in Chatwork's notation, 1 to 65,535 bytes; [Escape] text from elsewhere
	SelfUnread bool   // the message is unread for the account that posts it
}

// PostMessage posts a message and returns its id: POST /rooms/{room_id}/messages. Call.Delivery decides whether it is
// repeated after a lost answer. A message that is posted twice stands in the room twice. The message counts for the
// limit of the room, 10 messages and tasks in 10 seconds.
func (c *Client) PostMessage(ctx context.Context, roomID int64, p PostMessageParams) (messageID string, err error) {
	r, err := c.postRequest(roomID)
	if err != nil {
		return "", err
	}
	if p.Body == "" {
		return "", c.service.Invalid(r.Op, "Body: empty")
	}
	r.Body = p.form()
	result, err := c.call(ctx, r)
	return result.ID, err
}

// postRequest returns the request for messages to a room, without the form.
func (c *Client) postRequest(roomID int64) (transport.Request, error) {
	op := operation{"post message", http.MethodPost, transport.Message}
	r, err := c.request(op, judgePosted, nil, "rooms", pathID(roomID), "messages")
	if err != nil {
		return r, err
	}
	r.Header, r.Limit = c.form(), transport.MessageLimit
	return r, nil
}

// form returns what go-querystring would return. It takes a single allocation, because alerts wait for it.
func (p PostMessageParams) form() []byte {
	form := make([]byte, 0, len(p.Body)*4/3+32)
	form = appendEscaped(append(form, "body="...), p.Body)
	if p.SelfUnread {
		form = append(form, "&self_unread=1"...)
	}
	return form
}

// appendEscaped appends what [url.QueryEscape] returns.
func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// GetMessage returns a message: GET /rooms/{room_id}/messages/{message_id}. If the plan hides the message, the error is
// [mackerel.ErrNotFound] with a [LimitationError].
func (c *Client) GetMessage(ctx context.Context, roomID int64, messageID string) (m RoomMessage, err error) {
	read := decode(&m)
	judge := func(r *transport.Result) {
		read(r)
		if hidden := limitation(r.Header); hidden != nil && r.Class == transport.NotFound {
			r.Err = hidden
		}
	}
	r, err := c.request(get("get message"), judge, nil, "rooms", pathID(roomID), "messages", messageID)
	if err != nil {
		return m, err
	}
	_, err = c.call(ctx, r)
	return m, err
}

// UpdateMessage replaces the body of a message: PUT /rooms/{room_id}/messages/{message_id}. Only its author may do
// that. It does not count for the limit of the room.
func (c *Client) UpdateMessage(ctx context.Context, roomID int64, messageID, body string) error {
	op := put("update message")
	if body == "" {
		return c.service.Invalid(op.name, "body: empty")
	}
	params := struct {
		Body string `url:"body"`
	}{body}
	_, err := call[ids](ctx, c, op, params, "rooms", pathID(roomID), "messages", messageID)
	return err
}

// DeleteMessage deletes a message: DELETE /rooms/{room_id}/messages/{message_id}. Only its author may do that. A repeat
// after a lost answer may find that the message is gone, which is [mackerel.ErrNotFound].
func (c *Client) DeleteMessage(ctx context.Context, roomID int64, messageID string) error {
	// The reference has the message's id in the answer. An answer without content is said to occur.
	_, err := call[struct{}](ctx, c, del("delete message"), nil, "rooms", pathID(roomID), "messages", messageID)
	return err
}

type messageIDParam struct {
	MessageID string `url:"message_id,omitempty"`
}

// MarkRead marks a message and all messages before it as read: PUT /rooms/{room_id}/messages/read. Without an id it
// marks all messages. If they are read already, the error is [mackerel.ErrInvalid], and [IsAlreadyDone] reports true.
func (c *Client) MarkRead(ctx context.Context, roomID int64, messageID string) (ReadState, error) {
	op := put(opMarkRead)
	return call[ReadState](ctx, c, op, messageIDParam{messageID}, "rooms", pathID(roomID), "messages", "read")
}

// MarkUnread marks a message and all messages after it as unread: PUT /rooms/{room_id}/messages/unread. If the message
// is unread already, the error is [mackerel.ErrInvalid], and [IsAlreadyDone] reports true.
func (c *Client) MarkUnread(ctx context.Context, roomID int64, messageID string) (ReadState, error) {
	op := put(opMarkUnread)
	if messageID == "" {
		return ReadState{}, c.service.Invalid(op.name, "messageID: empty")
	}
	return call[ReadState](ctx, c, op, messageIDParam{messageID}, "rooms", pathID(roomID), "messages", "unread")
}
