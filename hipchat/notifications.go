package hipchat

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of a notification, in characters. See https://developer.atlassian.com/server/hipchat/messages for that of the
// message; the others are from the page of send_room_notification, which went with the service.
const (
	MaxMessage  = 10000
	MaxFrom     = 64
	MaxAttachTo = 36 // the id of a message is a UUID
)

// A Format is the language that a message is written in.
type Format string

// The formats.
const (
	FormatHTML Format = "html" // a few tags; mentions and emoticons do nothing. See [EscapeHTML].
	FormatText Format = "text" // mentions, emoticons, links, and "/code" at the start. See [EscapeText].
)

// A Color is the background of a notification.
type Color string

// The colors, all that there are.
const (
	ColorYellow Color = "yellow"
	ColorGreen  Color = "green"
	ColorRed    Color = "red"
	ColorPurple Color = "purple"
	ColorGray   Color = "gray"
	ColorRandom Color = "random"
)

// A Notification is a message to a room from something other than a person.
type Notification struct {
	Message       string `json:"message"`                 // 1 to [MaxMessage] characters
	MessageFormat Format `json:"message_format,omitzero"` // FormatHTML unless set
	Color         Color  `json:"color,omitzero"`          // ColorYellow unless set
	Notify        bool   `json:"notify"`                  // disturb people, as far as each of them allows it
	From          string `json:"from,omitzero"`           // shown besides the token's label; at most [MaxFrom] characters
	AttachTo      string `json:"attach_to,omitzero"`      // id of the message to show this one with; see [RoomMessage]
	Card          *Card  `json:"card,omitzero"`           // replaces the message in clients that draw cards
}

var (
	sendRoomNotification = operation{"send room notification", http.MethodPost, transport.Message}
	testAuth             = operation{"test auth", http.MethodPost, transport.Replay}
)

// SendRoomNotification sends a notification to a room: POST /room/{room_id_or_name}/notification,
// send_room_notification in the API's reference. The token needs [ScopeSendNotification], which is all that a room's own
// token has. HipChat answers with no id; [Client.LatestHistory] has it. A lost answer is treated as Call.Delivery says;
// what is sent twice stands in the room twice. 30 messages are allowed in a room in a minute.
//
// What the server is certain to refuse is [mackerel.ErrInvalid] without a request, all of it at once.
func (c *Client) SendRoomNotification(ctx context.Context, room string, n Notification) error {
	_, err := c.notify(ctx, room, n)
	return err
}

func (c *Client) notify(ctx context.Context, room string, n Notification) (transport.Result, error) {
	r, err := c.notifyRequest(room, n)
	if err != nil {
		return transport.Result{}, err
	}
	return c.service.Do(ctx, r)
}

func (c *Client) notifyRequest(room string, n Notification) (transport.Request, error) {
	if p := n.problems(); len(p) > 0 {
		return transport.Request{}, c.service.Invalid(sendRoomNotification.name, strings.Join(p, "; "))
	}
	return c.sendRequest(sendRoomNotification, n, "room", room, "notification")
}

// TestAuth asks the server whether the token may send notifications to the room, without sending one: the call of
// [Client.SendRoomNotification] with auth_test=true. If not, the error is the one that sending would have. It may be
// repeated. A server that does not know auth_test sends the message "auth_test" to the room; the error is then
// [mackerel.ErrUnsupported]. What else the token may do, [Client.GetSession] says.
func (c *Client) TestAuth(ctx context.Context, room string) error {
	r, err := c.request(testAuth, Notification{Message: "auth_test", Color: ColorGray}, "room", room, "notification")
	if err != nil {
		return err
	}
	r.URL.RawQuery = "auth_test=true"
	accepted := judgeStatus(http.StatusAccepted)
	r.Judge = func(r *transport.Result) {
		if accepted(r); r.Status == http.StatusNoContent {
			r.Class = transport.Unsupported // not to be tried again: it was sent
		}
	}
	_, err = c.service.Do(ctx, r)
	return err
}

// problems lists what the server is certain to refuse, in the API's own terms.
func (n Notification) problems() provider.Problems {
	var p provider.Problems
	checkLength(&p, "message", n.Message, 1, MaxMessage)
	checkWord(&p, "message_format", n.MessageFormat, "", FormatHTML, FormatText)
	checkWord(&p, "color", n.Color, "", ColorYellow, ColorGreen, ColorRed, ColorPurple, ColorGray, ColorRandom)
	checkLength(&p, "from", n.From, 0, MaxFrom)
	checkLength(&p, "attach_to", n.AttachTo, 0, MaxAttachTo)
	if n.Card != nil {
		n.Card.check(&p)
	}
	return p
}

// checkLength notes a text that is too short or too long, in characters.
func checkLength(p *provider.Problems, field, text string, least, most int) {
	switch n := provider.Runes.Len(text); {
	case n < least:
		p.Add(field, "empty")
	case n > most:
		p.Add(field, strconv.Itoa(n)+" characters, and at most "+strconv.Itoa(most)+" are allowed")
	}
}

// checkWord notes a word that is none of those allowed.
func checkWord[T ~string](p *provider.Problems, field string, word T, allowed ...T) {
	if !slices.Contains(allowed, word) {
		p.Add(field, strconv.Quote(string(word))+" is not allowed")
	}
}
