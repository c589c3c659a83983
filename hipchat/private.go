package hipchat

import (
	"cmp"
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A PrivateMessage is a message to one person. It has neither a color nor a card.
type PrivateMessage struct {
	Message string `json:"message"` // 1 to 10,000 characters
	// MessageFormat is FormatText unless set. It is always sent, because sources differ on the server's default. Text
	// from elsewhere has to be escaped by [EscapeText] or [EscapeHTML].
	MessageFormat Format `json:"message_format"`
	Notify        bool   `json:"notify"` // disturb the person, as far as the person allows it
}

var privateMessageUser = operation{"private message user", http.MethodPost, transport.Message}

// SendPrivateMessage sends a message to a person, who is named by id, email address, or mention name with its @: POST
// /user/{user}/message (private_message_user). The token needs [ScopeSendMessage], and the message is from the person
// whose token it is. HipChat answers without an id. A person is sent at most 30 messages per minute.
//
// A message that the server would certainly refuse is [mackerel.ErrInvalid] without a request. The error has all
// problems.
func (c *Client) SendPrivateMessage(ctx context.Context, user string, m PrivateMessage) error {
	m.MessageFormat = cmp.Or(m.MessageFormat, FormatText)
	var p provider.Problems
	p.Require("Message", m.Message != "")
	p.Length("Message", m.Message, provider.Runes, maxMessage)
	provider.OneOf(&p, "MessageFormat", m.MessageFormat, FormatHTML, FormatText)
	if err := p.Err(); err != nil {
		return c.service.Invalid(privateMessageUser.name, err.Error())
	}
	return c.send(ctx, privateMessageUser, m, "user", user, "message")
}
