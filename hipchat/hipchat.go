// Package hipchat carries alerts to rooms of HipChat servers, and makes the other calls of their API, version 2, that
// alerting needs.
//
// A [Notifier] sends one notification per alert, in the colour of its status: the title, which links to the alert, and
// below it the text, the facts, the memo and the graph. Host, role and service are links too. The notification is in
// HTML. If there are mentions it is plain text, because HTML cannot mention anybody. The mentions come after the title
// and the first line of the text.
//
//	n, err := hipchat.New(hipchat.Config{
//		Token:   mackerel.NewSecret(os.Getenv("HIPCHAT_TOKEN")), // a room notification token is enough
//		Room:    "ops",                                          // or its API ID
//		BaseURL: "https://hipchat.example.com",
//	})
//	err = n.Notify(ctx, alert)
//
// A [Client] sends notifications with everything that they can have, reads the history of a room, lists rooms, sets
// their topics, writes to one person, and asks what a token may do. Each method names its page of the API's reference,
// such as send_room_notification. The pages were at https://www.hipchat.com/docs/apiv2/method/ and no longer exist.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. HipChat has no key to drop repeats by: if an answer is lost and the
// notification is sent again, it may stand in the room twice. With [mackerel.AtMostOnce] it stands there at most once,
// and the error is [mackerel.ErrAmbiguous]. Success is a 204. HipChat answers without an id, so receipts have no ID.
//
// # Limits
//
// HipChat takes 30 messages per minute and room, and 500 calls in 5 minutes with the token of an add-on, 100 with that
// of a person, unless the server is configured otherwise
// (https://developer.atlassian.com/server/hipchat/hipchat-rest-api-rate-limits/). At most 20 messages are sent per
// minute to a room or a person; faster alerts wait for their turn: see [mackerel.Pace]. A call that is refused all the
// same is made again when the limit is reset, within Call.MaxWait and the context's deadline. Beyond that the error is
// [mackerel.ErrRateLimited] and says how long to wait.
//
// A message has at most 10,000 characters. Longer messages are cut, and the receipt says so. The facts that matter
// least go first, then the ends of the text and of the memo. Title and link go last. Mentions, From and Message.Raw are
// never cut; From has at most 64 characters.
//
// # Text
//
// Text from alerts cannot mention anybody, begin a command or become markup: see [EscapeHTML] and [EscapeText]. Only
// Message.Raw and the HTML of a Card are in HipChat's markup.
//
// # Service
//
// HipChat's cloud ended on 2019-02-15, after Atlassian had sold it to Slack
// (https://www.atlassian.com/partnerships/slack/faq). What may still run are HipChat Server and HipChat Data Center,
// whose support ended in June 2020. There is no default BaseURL, because a token should not be sent to the former
// address of the cloud. Mackerel's documentation of its API does not list the HipChat channel since 2022-08-25. Version
// 1 of HipChat's API is a different API and not supported. Nothing here was tried with a real server: the sources are
// documents, recorded answers and other clients. Where they leave something open, the comment says what was decided.
package hipchat

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "hipchat"

// Config says where and with which token to send. Room is required, and either Token and BaseURL or Client.
type Config struct {
	Token  mackerel.Secret `json:"token"`
	Room   string          `json:"room"` // its API ID or its name
	Client *Client         `json:"-"`    // for several rooms with one token; then Token, BaseURL and Call stay empty
	// Notify says, by the alert's status, whether people are disturbed with a sound, a badge or a push message. Of the
	// statuses that are not in the map, critical and unknown disturb people as long as the alert is open.
	Notify map[mackerel.Status]bool `json:"notify,omitzero"`
	// Mentions are the people to mention, by the alert's status: mention names, with or without the @, or "all" and
	// "here". A status that is not in the map has no mention.
	Mentions map[mackerel.Status][]string `json:"mentions,omitzero"`
	From     string                       `json:"from,omitzero"` // shown next to the token's label; at most 64 characters
	// Card adds a [DefaultCard]. Clients that draw cards show it in place of the message, which has more: a card has no
	// mentions, at most five facts, and 1,000 characters of text.
	Card    bool   `json:"card,omitzero"`
	BaseURL string `json:"base_url,omitzero"` // as in ClientConfig

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier sends alerts to one room. It is safe for concurrent use.
type Notifier struct{ flow provider.Flow[Message] }

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	base := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	client := c.Client
	if client == nil {
		client = newClient(ClientConfig{Token: c.Token, Call: c.Call}, base)
	}
	r, err := client.request(sendRoomNotification, "room", c.Room, "notification")
	if err != nil {
		return nil, err
	}
	return &Notifier{provider.Flow[Message]{
		Service: client.service.As(name + " room " + c.Room),
		Skip:    provider.ByLevel(c.Level),
		Message: c.message(),
		Edit:    c.Edit,
		Request: func() transport.Request { return r },
		Render:  render,
		Unit:    provider.Runes,
		Text:    c.Text,
	}}, nil
}

// check notes all problems, and returns the base URL of a client of the notifier's own.
func (c Config) check(p *provider.Problems) (base *url.URL) {
	shared := c.Client != nil
	if !shared {
		p.Token("Token", c.Token)
	}
	p.Require("Room", c.Room != "")
	p.Check("Room", c.Room != "." && c.Room != "..", "cannot be part of an address: use its API ID")
	p.Length("Room", c.Room, provider.Runes, maxRoom)
	alone := c.Token.IsZero() && c.BaseURL == "" && provider.NoCall(c.Call)
	p.Check("Client", !shared || alone, "set together with Token, BaseURL or Call, which the client has")
	for _, status := range slices.Sorted(maps.Keys(c.Mentions)) {
		checkMentions(p, "Mentions["+string(status)+"]", c.Mentions[status])
	}
	p.Length("From", c.From, provider.Runes, maxFrom)
	if !shared {
		base = p.Base("BaseURL", c.BaseURL, "")
	}
	p.Common(c.Level, c.Text, c.Call)
	return base
}

// checkMentions notes which elements of a list cannot be mention names.
func checkMentions(p *provider.Problems, field string, names []string) {
	for i, name := range names {
		p.Check(field+"["+strconv.Itoa(i)+"]", isMention(strings.TrimPrefix(name, "@")), "must be a mention name")
	}
}

func isMention(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '@' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

// message returns what makes the message of an alert, with what the Config adds to it.
func (c Config) message() func(mackerel.Alert) Message {
	notify, mentions := provider.ByStatus(c.Notify), provider.ByStatus(c.Mentions)
	for status, names := range mentions {
		mentions[status] = slices.Clone(names)
	}
	return func(a mackerel.Alert) Message {
		m, status := DefaultMessage(a, c.Text), provider.Rating(a)
		if disturb, ok := notify[status]; ok {
			m.Notify = disturb
		}
		m.Mentions, m.From = slices.Clone(mentions[status]), c.From
		if c.Card {
			m.Card = DefaultCard(a, c.Text)
		}
		return m
	}
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver sends the alert and returns the outcome. The receipt has no ID.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send sends a message that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or that HipChat is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "hipchat room ops".
func (n *Notifier) String() string { return n.flow.Notifier }
