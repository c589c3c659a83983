package hipchat

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A PrivateMessage is a message to one person. It has neither a color nor a card.
type PrivateMessage struct {
	Message string `json:"message"` // 1 to [MaxMessage] characters
	// MessageFormat is FormatText unless set. It is always sent, because sources differ on what the server takes for
	// granted. Text from elsewhere goes through [EscapeText] or [EscapeHTML].
	MessageFormat Format `json:"message_format"`
	Notify        bool   `json:"notify"` // disturb the person, as far as he or she allows it
}

var privateMessageUser = operation{"private message user", http.MethodPost, transport.Message}

// SendPrivateMessage sends a message to a person, who is named by id, email address, or mention name with its @:
// POST /user/{id_or_email}/message, private_message_user in the API's reference. The token needs [ScopeSendMessage],
// and whom the message is from is whose token it is. HipChat answers with no id. A lost answer is treated as
// Call.Delivery says; what is sent twice is there twice. 30 messages are allowed to a person in a minute.
//
// What the server is certain to refuse is [mackerel.ErrInvalid] without a request, all of it at once.
func (c *Client) SendPrivateMessage(ctx context.Context, user string, m PrivateMessage) error {
	m.MessageFormat = cmp.Or(m.MessageFormat, FormatText)
	var p provider.Problems
	checkLength(&p, "message", m.Message, 1, MaxMessage)
	checkWord(&p, "message_format", m.MessageFormat, FormatHTML, FormatText)
	if len(p) > 0 {
		return c.service.Invalid(privateMessageUser.name, strings.Join(p, "; "))
	}
	return c.send(ctx, privateMessageUser, m, "user", user, "message")
}
