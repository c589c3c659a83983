package chatwork

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// MaxBody is the longest body of a message, in bytes. The reference says 65,535 characters and not what it counts; this
// is the reading that is safe for Japanese.
// See https://developer.chatwork.com/reference/post-rooms-room_id-messages.
const MaxBody = 65535

// An Account is who wrote a message, as it appears within other resources.
type Account struct {
	AccountID      int64  `json:"account_id"`
	Name           string `json:"name"`
	AvatarImageURL string `json:"avatar_image_url"`
}

// A RoomMessage is a message as the API returns it.
type RoomMessage struct {
	MessageID  string  `json:"message_id"` // a string: it has up to 19 digits
	Account    Account `json:"account"`
	Body       string  `json:"body"`        // in Chatwork's notation
	SendTime   int64   `json:"send_time"`   // Unix seconds
	UpdateTime int64   `json:"update_time"` // Unix seconds, 0 if it was never edited
}

func (m RoomMessage) documented() bool { return m.MessageID != "" }

// A ReadState is what is left to read in a room.
type ReadState struct {
	UnreadNum  int `json:"unread_num"`
	MentionNum int `json:"mention_num"`
}

func (ReadState) documented() bool { return true }

// PostMessageParams is a message to post.
type PostMessageParams struct {
	Body       string `url:"body"`                      // in Chatwork's notation, 1 to [MaxBody]; [Escape] text from elsewhere
	SelfUnread bool   `url:"self_unread,int,omitempty"` // leave it unread for the account that posts it
}

var (
	postMessage  = operation{"post message", http.MethodPost, transport.Message}
	listMessages = operation{"list messages", http.MethodGet, transport.Replay}
	newMessages  = operation{"list new messages", http.MethodGet, transport.Once}
	getMessage   = operation{"get message", http.MethodGet, transport.Replay}
	markRead     = operation{"mark read", http.MethodPut, transport.Replay}
	markUnread   = operation{"mark unread", http.MethodPut, transport.Replay}

	updateMessage = operation{"update message", http.MethodPut, transport.Replay}
	deleteMessage = operation{"delete message", http.MethodDelete, transport.Replay}
)

// PostMessage posts a message and returns its id: POST /rooms/{room_id}/messages. A lost answer is treated as
// Call.Delivery says; a message posted twice stands in the room twice. 10 messages and tasks are allowed in a room in
// 10 seconds.
func (c *Client) PostMessage(ctx context.Context, roomID int64, p PostMessageParams) (messageID string, err error) {
	r, err := c.postRequest(roomID)
	if err != nil {
		return "", err
	}
	result, err := c.post(ctx, r, p)
	return postedID(result.Body), err
}

// postRequest is the request for a room's messages without its form. It may be used for any number of them.
func (c *Client) postRequest(roomID int64) (transport.Request, error) {
	r, err := c.request(postMessage, nil, "rooms", pathID(roomID), "messages")
	r.Header, r.Judge, r.Limit = c.form(), c.watch(judgePosted), transport.MessageLimit
	return r, err
}

func (c *Client) post(ctx context.Context, r transport.Request, p PostMessageParams) (transport.Result, error) {
	if p.Body == "" {
		return transport.Result{}, c.service.Invalid(postMessage.name, "Body: empty")
	}
	r.Body = p.form()
	return c.do(ctx, r)
}

// form writes by hand what go-querystring would: this is the one call that everybody waits for, and escaping through
// reflection and a map is a twentieth of the time that all of it takes.
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

// judgePosted accepts a success only with the id of a message in it.
func judgePosted(r *transport.Result) {
	if r.Class == transport.Done && postedID(r.Body) == "" {
		provider.Undocumented(r)
	}
}

// postedID reads {"message_id":"1234"}, without a JSON decoder where it comes in just this form, as it always has.
func postedID(body []byte) string {
	if digits, ok := bytes.CutPrefix(body, []byte(`{"message_id":"`)); ok {
		if digits, ok = bytes.CutSuffix(digits, []byte(`"}`)); ok && isDigits(digits) {
			return string(digits)
		}
	}
	var answer messageIDAnswer
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.MessageID
}

func isDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

// GetMessage returns one message: GET /rooms/{room_id}/messages/{message_id}. It may be repeated. A message that the
// plan hides is a [LimitationError] within [mackerel.ErrNotFound].
func (c *Client) GetMessage(ctx context.Context, roomID int64, messageID string) (RoomMessage, error) {
	var m RoomMessage
	r, err := c.request(getMessage, nil, "rooms", pathID(roomID), "messages", messageID)
	if err != nil {
		return m, err
	}
	r.Judge = c.watch(judgeMessage(&m))
	_, err = c.do(ctx, r)
	return m, err
}

// UpdateMessage replaces the body of a message: PUT /rooms/{room_id}/messages/{message_id}. Only who posted a message
// may. It may be repeated, and counts for no room's limit.
func (c *Client) UpdateMessage(ctx context.Context, roomID int64, messageID, body string) error {
	if body == "" {
		return c.service.Invalid(updateMessage.name, "body: empty")
	}
	params := struct {
		Body string `url:"body"`
	}{body}
	_, err := one[messageIDAnswer](ctx, c, updateMessage, params, "rooms", pathID(roomID), "messages", messageID)
	return err
}

// DeleteMessage deletes a message: DELETE /rooms/{room_id}/messages/{message_id}. Only who posted a message may. It may be
// repeated; a repetition after a lost answer may find that it is gone, [mackerel.ErrNotFound].
func (c *Client) DeleteMessage(ctx context.Context, roomID int64, messageID string) error {
	// Documented is the message's id, but an answer without content is said to occur.
	_, err := call[messageIDAnswer](ctx, c, deleteMessage, nil, "rooms", pathID(roomID), "messages", messageID)
	return err
}

// messageIDAnswer is what posting, updating and deleting answer with.
type messageIDAnswer struct {
	MessageID string `json:"message_id"`
}

func (a messageIDAnswer) documented() bool { return a.MessageID != "" }

type messageIDParam struct {
	MessageID string `url:"message_id,omitempty"`
}

// MarkRead marks a message and all before it as read, or with an empty id all there are:
// PUT /rooms/{room_id}/messages/read. It may be repeated; a message that was read already is [mackerel.ErrInvalid].
func (c *Client) MarkRead(ctx context.Context, roomID int64, messageID string) (ReadState, error) {
	return one[ReadState](ctx, c, markRead, messageIDParam{messageID}, "rooms", pathID(roomID), "messages", "read")
}

// MarkUnread marks a message and all after it as unread: PUT /rooms/{room_id}/messages/unread. It may be repeated; a
// message that was unread already is [mackerel.ErrInvalid].
func (c *Client) MarkUnread(ctx context.Context, roomID int64, messageID string) (ReadState, error) {
	if messageID == "" {
		return ReadState{}, c.service.Invalid(markUnread.name, "messageID: empty")
	}
	return one[ReadState](ctx, c, markUnread, messageIDParam{messageID}, "rooms", pathID(roomID), "messages", "unread")
}
