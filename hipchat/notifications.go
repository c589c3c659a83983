package hipchat

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Format is the language of a message.
type Format string

// The formats.
const (
	FormatHTML Format = "html" // with a few tags, and without mentions and emoticons; see [EscapeHTML]
	FormatText Format = "text" // with mentions, emoticons, links, and commands at the start; see [EscapeText]
)

// A Color is the background of a notification.
type Color string

// The colors. There are no others.
const (
	ColorYellow Color = "yellow"
	ColorGreen  Color = "green"
	ColorRed    Color = "red"
	ColorPurple Color = "purple"
	ColorGray   Color = "gray"
	ColorRandom Color = "random"
)

// A Notification is a message to a room that is not from a person.
type Notification struct {
	Message       string `json:"message"`                 // 1 to 10,000 characters
	MessageFormat Format `json:"message_format,omitzero"` // FormatHTML unless set
	Color         Color  `json:"color,omitzero"`          // ColorYellow unless set
	Notify        bool   `json:"notify"`                  // disturb people, as far as each of them allows it
	From          string `json:"from,omitzero"`           // shown next to the token's label; at most 64 characters
	AttachTo      string `json:"attach_to,omitzero"`      // id of the message to show this one with; see [RoomMessage]
	Card          *Card  `json:"card,omitzero"`           // shown in place of the message by clients that draw cards
}

var (
	sendRoomNotification = operation{"send room notification", http.MethodPost, transport.Message}
	testAuth             = operation{"test auth", http.MethodPost, transport.Replay}
)

// SendRoomNotification sends a notification to a room: POST /room/{room}/notification (send_room_notification). The
// token needs [ScopeSendNotification], the only scope that a room's own token has. HipChat answers without an id;
// [Client.LatestHistory] returns it. A room takes 30 messages per minute.
//
// A notification that the server would certainly refuse is [mackerel.ErrInvalid] without a request. The error has all
// problems.
func (c *Client) SendRoomNotification(ctx context.Context, room string, n Notification) error {
	var p provider.Problems
	p.Require("Message", n.Message != "")
	n.check(&p, "MessageFormat")
	if err := p.Err(); err != nil {
		return c.service.Invalid(sendRoomNotification.name, err.Error())
	}
	return c.send(ctx, sendRoomNotification, n, "room", room, "notification")
}

// check notes what the server would certainly refuse in a notification with a message. format is the name of the field
// with the format.
func (n Notification) check(p *provider.Problems, format string) {
	p.Length("Message", n.Message, provider.Runes, maxMessage)
	provider.OneOf(p, format, n.MessageFormat, FormatHTML, FormatText)
	provider.OneOf(p, "Color", n.Color, ColorYellow, ColorGreen, ColorRed, ColorPurple, ColorGray, ColorRandom)
	p.Length("From", n.From, provider.Runes, maxFrom)
	p.Length("AttachTo", n.AttachTo, provider.Runes, maxAttachTo)
	n.Card.check(p)
}

// TestAuth asks the server whether the token may send notifications to the room, without sending a notification: the
// call of [Client.SendRoomNotification] with auth_test=true. If the token may not, the error is the same as for
// sending. A server that does not know auth_test sends the message "auth_test" to the room; the error is then
// [mackerel.ErrUnsupported]. [Client.GetSession] tells what else the token may do.
func (c *Client) TestAuth(ctx context.Context, room string) error {
	r, err := c.request(testAuth, "room", room, "notification")
	if err != nil {
		return err
	}
	r.Body = []byte(`{"message":"auth_test","color":"gray"}`)
	r.URL.RawQuery = "auth_test=true"
	accepted := judge(http.StatusAccepted)
	r.Judge = func(r *transport.Result) {
		if accepted(r); r.Status == http.StatusNoContent {
			r.Class = transport.Unsupported // final: the message was sent, and a repeat would send it again
		}
	}
	_, err = c.service.Do(ctx, r)
	return err
}
