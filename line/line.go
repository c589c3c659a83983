// Package line carries alerts to people, groups and rooms on LINE, through the Messaging API of an official account
// (https://developers.line.biz/en/reference/messaging-api/).
//
// A [Notifier] sends one message per alert: a flex bubble with the title in the colour of the status, the graph, the
// text, the facts, the memo and a button that opens the alert; or the same as plain text. A tap on a host, a role or a
// service opens its page.
//
//	n, err := line.New(line.Config{
//		Token: mackerel.NewSecret(os.Getenv("LINE_CHANNEL_ACCESS_TOKEN")),
//		To:    []string{"C4af4980629f0123456789abcdef01234"}, // from a webhook event; a LINE ID is something else
//	})
//	err = n.Notify(ctx, alert)
//
// One destination in Config.To is a push. Several destinations are a multicast, which takes users only.
// Config.Broadcast reaches all users who have added the account as a friend. A user must have added the account, and
// the account must be a member of the group or room.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Each Notify has a retry key, which is the same on all its attempts
// (https://developers.line.biz/en/docs/messaging-api/retrying-api-request/). LINE drops a request whose key it has
// accepted in the last 24 hours, and answers 409, which is success. Therefore a lost answer is asked for again in both
// modes, and the message stands in the chat once.
//
// If no attempt gets an answer, the error is [mackerel.ErrAmbiguous]. The next Notify has another key and may send the
// message a second time, so with [mackerel.AtMostOnce] [mackerel.Retry] advises against it. A Notify with the same
// [mackerel.WithDeliveryID], and a Send with the same Message.RetryKey, has the same key and can be repeated at will.
//
// Success is a 200, for a push with the id of the message, which is the receipt's ID. It does not say that a person has
// the message: LINE does not tell if a user has blocked the account.
//
// # Limits
//
// LINE takes 2,000 pushes per second and 60 broadcasts per hour, and a number of messages per month, which
// [Notifier.Quota] reads. At most 100 alerts are sent per second with one token; faster alerts wait for their turn: see
// [mackerel.Pace]. A broadcast does not wait: beyond 60 in an hour it is [mackerel.ErrRateLimited] at once. A 429 for
// too many requests is [mackerel.ErrRateLimited]. It is repeated within Call.MaxWait and the context's deadline; LINE
// documents no header that says how long to wait. A 429 for the month's quota, which is recognized by its words, is
// [mackerel.ErrUnauthorized], because no wait helps.
//
// A plain text has at most 5,000 characters, counted as UTF-16 units, and a bubble 30,000 bytes. Longer messages are
// cut, and the receipt says so: first the facts that matter least, then long output of a check and the memo, and the
// title last. The alternative text of a bubble, which lists and notifications show, is the title and the first line of
// the text; it has at most 150 units, and its cut is that of altText. A multicast has at most 500 users, a request 5
// message objects, and the label of a button 20 characters; they are never cut.
//
// # Text
//
// LINE's text has no markup. Text from alerts therefore needs no escaping and cannot mention anybody. Message.Raw can.
//
// # Service
//
// Mackerel's own LINE channel used LINE Notify, which ended on 2025-03-31. Mackerel removed the type "line" from the
// documentation of its API on 2026-06-30.
//
// Not documented: the longest alternative text (newer pages say 1,500 characters, and 400 are used here); the largest
// bubble; the longest address of a button; whether a push to a group counts once per member; and the words of a 409 and
// of a 429 other than the quota's.
package line

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "line"

// DefaultBaseURL is the base URL of the API.
const DefaultBaseURL = "https://api.line.me"

// Config says as which account to send, and to whom. Token and either To or Broadcast are required.
type Config struct {
	Token mackerel.Secret `json:"token"` // a channel access token
	// To is the id of a user (U...), group (C...) or room (R...), or ids of up to 500 users.
	To        []string `json:"to,omitzero"`
	Broadcast bool     `json:"broadcast,omitzero"` // to all friends of the account
	Format    Format   `json:"format,omitzero"`    // FormatFlex unless set
	// NotificationDisabled says for which statuses a message arrives without a sound. Messages of other statuses arrive
	// with a sound.
	NotificationDisabled map[mackerel.Status]bool `json:"notification_disabled,omitzero"`
	BaseURL              string                   `json:"base_url,omitzero"` // DefaultBaseURL unless set

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier sends alerts to one destination, to several users, or to all friends of the account. It is safe for
// concurrent use.
type Notifier struct {
	flow   provider.Flow[Message]
	format Format
	read   func(op string, answer any, path ...string) transport.Request
}

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
	to, format, silent := c.target(), cmp.Or(c.Format, FormatFlex), provider.ByStatus(c.NotificationDisabled)
	n := &Notifier{format: format}
	n.flow = provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: name + " " + to.label, DecodeError: decodeError},
		Skip:    provider.ByLevel(c.Level),
		Message: func(a mackerel.Alert) Message {
			m := DefaultMessage(a, c.Text).in(format)
			m.NotificationDisabled = silent[provider.Rating(a)]
			return m
		},
		Edit:   c.Edit,
		Render: to.render,
		Unit:   provider.UTF16,
		Text:   c.Text,
		Key:    to.key(c.Token),
	}
	n.flow.Connect(c.Call, mackerel.AtLeastOnce, c.Token.Reveal())
	bearer := "Bearer " + c.Token.Reveal()
	header := n.flow.Header("Authorization", bearer, "Content-Type", "application/json")
	reading := n.flow.Header("Authorization", bearer)
	lanes := n.flow.Lanes(to.rate, base.Host, to.path, c.Token.Reveal())
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Op: to.op, Method: http.MethodPost, URL: messageURL(base, to.path), Header: header(),
			Repeat: transport.Keyed, Lanes: lanes, Judge: to.judge,
		}
	}
	n.read = func(op string, answer any, path ...string) transport.Request {
		return transport.Request{
			Op: op, Method: http.MethodGet, URL: messageURL(base, path...), Header: reading(), Repeat: transport.Replay,
			Judge: provider.JSON(answer),
		}
	}
	return n, nil
}

// check notes all problems, and returns the base URL.
func (c Config) check(p *provider.Problems) *url.URL {
	p.Token("Token", c.Token)
	p.Require("To", c.Broadcast || len(c.To) > 0)
	p.Items("To", len(c.To), maxRecipients)
	for i, id := range c.To {
		field := "To[" + strconv.Itoa(i) + "]"
		switch {
		case !idForm.MatchString(id): // often a LINE ID, which people choose for themselves
			p.Add(field, "must be the id of a user, group or room: U, C or R and 32 hexadecimal digits")
		case len(c.To) > 1 && id[0] != 'U':
			p.Add(field, "must be the id of a user, because there are several destinations")
		case slices.Contains(c.To[:i], id):
			p.Add(field, "given twice")
		}
	}
	p.Check("Broadcast", !c.Broadcast || len(c.To) == 0, "set together with To")
	provider.OneOf(p, "Format", c.Format, FormatFlex, FormatText)
	base := p.Base("BaseURL", c.BaseURL, DefaultBaseURL)
	p.Common(c.Level, c.Text, c.Call)
	return base
}

var idForm = regexp.MustCompile(`^[UCR][0-9a-f]{32}$`)

// A target is the call that reaches the destinations.
type target struct {
	op, path, label string
	to              any // a string in a push, a list in a multicast, nil in a broadcast
	ids             []string
	judge           func(*transport.Result)
	rate            transport.Limit
}

func (c Config) target() target {
	ids := slices.Clone(c.To)
	switch {
	case c.Broadcast:
		return target{"broadcast message", "broadcast", "broadcast", nil, nil, judge, broadcastRate}
	case len(ids) == 1:
		return target{"push message", "push", "push to " + ids[0], ids[0], ids, judgePush, rate}
	}
	label := "multicast to " + strconv.Itoa(len(ids)) + " users"
	return target{"multicast message", "multicast", label, ids, ids, judge, rate}
}

func messageURL(base *url.URL, path ...string) *url.URL {
	u, _ := transport.Join(base, append([]string{"v2", "bot", "message"}, path...)...) // cannot fail: the path is fixed
	return u
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver sends the alert and returns the outcome. The receipt's ID is the id of the message, which only a push has.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send sends a message that the caller has made. Its Format is the Config's unless set. Texts that are too long are
// cut, and the receipt says so. A message that is empty, or that LINE is certain to refuse, is [mackerel.ErrInvalid]
// and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m.in(n.format))
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "line push to C4af...", "line multicast to 3 users" or "line broadcast".
func (n *Notifier) String() string { return n.flow.Notifier }
