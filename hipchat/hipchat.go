// Package hipchat carries alerts to rooms of HipChat servers and calls what alerting needs of their API, version 2.
//
// A [Notifier] sends one notification per alert, in the colour of its status: the title as a link, the text, the facts,
// the memo and the graph. For the statuses for which the [Config] has mentions it is plain text, since in HTML nobody
// can be mentioned.
//
//	n, err := hipchat.New(hipchat.Config{
//		Token:   mackerel.NewSecret(os.Getenv("HIPCHAT_TOKEN")), // a room notification token will do
//		Room:    "ops",                                          // or its API ID
//		BaseURL: "https://hipchat.example.com",
//	})
//	err = n.Notify(ctx, alert)
//
// A [Client] has what an alerting program needs of a server besides: to send a notification with everything it can have,
// to read a room's history, to find rooms and set their topics, to write to one person, and to ask what a token may do.
//
// # Operations
//
//	SendRoomNotification  POST /room/{room}/notification    send_notification         Message  send_room_notification
//	TestAuth              the same with ?auth_test=true     send_notification         Replay
//	RoomHistory           GET /room/{room}/history          view_messages             Replay   view_room_history
//	RoomMessages          all pages of RoomHistory          view_messages             Replay   view_room_history
//	LatestHistory         GET /room/{room}/history/latest   view_messages             Replay   view_recent_room_history
//	Rooms                 GET /room, all pages              view_group or view_room   Replay   get_all_rooms
//	GetRoom               GET /room/{room}                  view_group or view_room   Replay   get_room
//	SetTopic              PUT /room/{room}/topic            admin_room                Replay   set_topic
//	SendPrivateMessage    POST /user/{user}/message         send_message              Message  private_message_user
//	GetSession            GET /oauth/token/{token}          none                      Replay   get_session
//
// The columns are the method of the Client, the call, the scope that the token needs, what a repeat means, and the page
// of the API's reference, which was at https://www.hipchat.com/docs/apiv2/method/ and went with the service. Replay:
// twice is as once, so it is made again after a lost answer. Message: Call.Delivery decides.
//
// Creating, changing and deleting rooms, their members and avatars, webhooks, sharing files and links, messages as a
// person, replies, users, emoticons, and issuing tokens stay out until somebody with a server asks for them.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. HipChat has no key to deduplicate by: if an answer is lost and the
// notification is sent again, it may stand in the room twice. With [mackerel.AtMostOnce] it stands there at most once
// and the error is [mackerel.ErrAmbiguous]. HipChat gives no id, so receipts have none.
//
// # Limits
//
// 30 messages in a minute per room, and 500 calls in 5 minutes per add-on token, 100 per person's token, unless the
// server is set otherwise (https://developer.atlassian.com/server/hipchat/hipchat-rest-api-rate-limits/). A call that
// is refused waits until the limit is reset, within Call.MaxWait and the context's deadline, and is made again; beyond
// that the error is [mackerel.ErrRateLimited] and says how long to wait. A message has at most [MaxMessage] characters;
// what is longer is cut, the memo first, and the receipt says so.
//
// # Text
//
// Text from alerts cannot mention anybody, begin a command or become markup: see [EscapeHTML] and [EscapeText].
//
// # Service
//
// HipChat's cloud ended on 2019-02-15, after Slack had bought it from Atlassian
// (https://www.atlassian.com/partnerships/slack/faq). There is no default BaseURL, because nobody should send a token
// to where it was. What can be left are a company's own HipChat Server and HipChat Data Center, whose support ended in
// June 2020. Mackerel took its HipChat channel out of its API's documentation on 2022-08-25. Version 1 of HipChat's
// API, which is another one, stays out. None of this could be tried on a server: it goes by documents, by answers on
// record and by other clients; where they leave something open, the comment says what was decided.
package hipchat

import (
	"context"
	"slices"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Config says where and as whom to send. Room and either Token and BaseURL or Client are required.
type Config struct {
	Token  mackerel.Secret `json:"token"`
	Room   string          `json:"room"` // its API ID or its name
	Client *Client         `json:"-"`    // shared by the rooms of one token; then Token, BaseURL and Call stay empty
	// Notify says for which statuses people are disturbed with a sound, a badge or a push message, and has its way over
	// the Message. A status that is not in it is as DefaultMessage has it: critical and unknown are, warning and ok not.
	Notify map[mackerel.Status]bool `json:"notify,omitzero"`
	// Mentions are whom to call, by the alert's status: mention names, with or without the @, "all" and "here" included.
	// A Message function that sets mentions itself has its way.
	Mentions map[mackerel.Status][]string `json:"mentions,omitzero"`
	From     string                       `json:"from,omitzero"` // shown besides the token's label; see MaxFrom
	// Card adds [DefaultCard] to messages that have no card. Clients that draw cards show it in place of the message,
	// which says more: a card has no mentions, six values and a thousand characters of text.
	Card bool `json:"card,omitzero"`

	BaseURL string                                `json:"base_url,omitzero"` // as in ClientConfig
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier sends alerts to one room. It is safe for concurrent use.
type Notifier struct {
	client   *Client
	room     string
	notify   map[mackerel.Status]bool
	mentions map[mackerel.Status][]string
	from     string
	card     bool
	level    mackerel.Level
	text     mackerel.Text
	message  func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	client := c.client(&p)
	checkLength(&p, "Room", c.Room, 1, MaxRoom)
	if c.Room == "." || c.Room == ".." {
		p.Add("Room", "cannot be part of a URL; use its API ID")
	}
	checkMentions(&p, c.Mentions)
	checkLength(&p, "From", c.From, 0, MaxFrom)
	p.Common(c.Level, c.Text)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		client: client, room: c.Room, notify: provider.ByStatus(c.Notify), mentions: provider.ByStatus(c.Mentions),
		from: c.From, card: c.Card, level: c.Level, text: c.Text, message: c.Message,
	}
	for status, names := range n.mentions {
		n.mentions[status] = slices.Clone(names)
	}
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// client is the shared one, or one of the notifier's own.
func (c Config) client(p *provider.Problems) *Client {
	if c.Client == nil {
		return ClientConfig{Token: c.Token, BaseURL: c.BaseURL, Call: c.Call}.client(p)
	}
	if !c.Token.IsZero() || c.BaseURL != "" || !provider.NoCall(c.Call) {
		p.Add("Client", "set together with Token, BaseURL or Call, which are the client's own")
	}
	return c.Client
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver sends the alert and says what came of it.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.client.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send sends a message that the caller has made. That it is cut to [MaxMessage] is no error; that it is empty is one.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	notification, cuts := n.notification(m)
	r, err := n.client.notify(ctx, n.room, notification)
	return n.client.service.Receipt(start, r, "", cuts), err
}

// Preview shows what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	notification, cuts := n.notification(m)
	r, err := n.client.notifyRequest(n.room, notification)
	if err != nil {
		return nil, err
	}
	return n.client.service.Preview(cuts, r), nil
}

// String returns "hipchat room ops".
func (n *Notifier) String() string { return name + " room " + n.room }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.client.service.MessageError(err)
	}
	status := provider.Rating(a)
	if notify, ok := n.notify[status]; ok {
		m.Notify = notify
	}
	if len(m.Mentions) == 0 {
		m.Mentions = n.mentions[status]
	}
	if n.card && m.Card == nil {
		m.Card = DefaultCard(a, n.text)
	}
	return m, "", nil
}

func (n *Notifier) notification(m Message) (Notification, []mackerel.Cut) {
	format := m.format()
	text, cuts := m.body(format)
	card, cardCuts := m.Card.fit()
	return Notification{
		Message: text, MessageFormat: format, Color: m.Color, Notify: m.Notify, From: n.from,
		AttachTo: m.AttachTo, Card: card,
	}, slices.Concat(cuts, cardCuts)
}
