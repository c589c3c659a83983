// Package line carries alerts to people, groups and rooms on LINE, by pushing messages of a LINE Official Account
// through the Messaging API (https://developers.line.biz/en/reference/messaging-api/).
//
// A [Notifier] sends one message per alert: a flex bubble with the title in the colour of the status, the text, the
// facts, the memo, the graph and a button that opens the alert, or the same as plain text.
//
//	n, err := line.New(line.Config{
//		Token: mackerel.NewSecret(os.Getenv("LINE_CHANNEL_ACCESS_TOKEN")),
//		To:    []string{"C4af4980629f0123456789abcdef01234"}, // from a webhook event, not a LINE ID
//	})
//	err = n.Notify(ctx, alert)
//
// One destination in To is a push, several are a multicast, which takes users only, and Broadcast reaches everybody who
// has added the account as a friend. The account has to be in the group or room, and a user must have added it.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Every call has a retry key of its own, the same on all its attempts, and LINE
// drops what it has accepted under a key in the last 24 hours: its 409 is a success. So an answer that was lost is asked
// for again in either mode, and the message still stands in the chat once. If no attempt gets an answer, the error is
// [mackerel.ErrAmbiguous], because the next Notify has another key and may be a duplicate; with
// [mackerel.AtMostOnce], [mackerel.Retry] advises against it. Whoever sets [Message].RetryKey, the same for the
// same message, may repeat at will. A 200 does not say that anybody has read it: users may have blocked the account.
//
// # Limits
//
// 2,000 requests in a second. A plan has a number of messages per month; [Notifier.Quota] reads what is used. A 429 can
// mean three things. Too many requests, and another operation still running, are [mackerel.ErrRateLimited] and tried
// again, within Call.MaxWait; LINE documents no header that says how long to wait. The month's quota used up is
// [mackerel.ErrUnauthorized] with Status 429: no waiting heals it, but a larger plan or the next month. It is told by its
// words. Plain text has at most [MaxText] UTF-16 units, a bubble [MaxBubble] bytes; what is longer is cut, the memo first,
// and the receipt says so.
//
// # Text
//
// LINE's text has no markup, neither in plain text nor in a bubble, so text from alerts cannot mention anybody and needs
// no escaping. Mentions are possible with [Message].Raw.
//
// # Service
//
// Mackerel's own LINE channel used LINE Notify, which ended on 2025-03-31 and of which nothing is left; Mackerel took the
// type "line" out of its API's documentation on 2026-06-30. The Messaging API needs a destination besides the token, which
// LINE Notify did not.
//
// Not confirmed, and decided on the safe side: the longest alternative text (400 here, while newer pages say 1,500), the
// largest bubble, the longest address of a button, whether a push to a group counts once per member, and the words of a
// 409 and of the 429s but the quota's.
package line

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "line"

// DefaultBaseURL is where the API is, https only.
const DefaultBaseURL = "https://api.line.me"

// MaxRecipients is how many users one multicast reaches.
// See https://developers.line.biz/en/reference/messaging-api/#send-multicast-message.
const MaxRecipients = 500

// Config says as which account to send, and to whom. Token and either To or Broadcast are required.
type Config struct {
	Token     mackerel.Secret `json:"token"`              // a channel access token
	To        []string        `json:"to,omitzero"`        // the id of a user (U...), group (C...) or room (R...), or several users'
	Broadcast bool            `json:"broadcast,omitzero"` // to all friends of the account
	Format    Format          `json:"format,omitzero"`    // FormatFlex unless set; a Message that has one has its way
	// NotificationDisabled says for which statuses the message arrives without a sound, and has its way over the Message.
	// A status that is not in it is as the Message has it, which by default is never.
	NotificationDisabled map[mackerel.Status]bool `json:"notification_disabled,omitzero"`

	BaseURL string                                `json:"base_url,omitzero"` // DefaultBaseURL unless set
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier sends alerts to one destination. It is safe for concurrent use.
type Notifier struct {
	service  provider.Service
	base     *url.URL
	header   func() http.Header // of a message, but for its retry key
	delivery mackerel.Delivery
	target   target
	format   Format
	silent   map[mackerel.Status]bool
	level    mackerel.Level
	message  func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	p.Token("Token", c.Token)
	checkTarget(&p, c.To, c.Broadcast)
	if !c.Format.known() {
		p.Add("Format", `must be "flex" or "text"`)
	}
	base, problem := transport.ParseBase(cmp.Or(c.BaseURL, DefaultBaseURL))
	p.Add("BaseURL", problem)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service: provider.Service{Name: name, DecodeError: decodeError}, base: base, target: targetOf(c.To, c.Broadcast),
		delivery: cmp.Or(c.Call.Delivery, mackerel.AtLeastOnce),
		format:   cmp.Or(c.Format, FormatFlex), silent: provider.ByStatus(c.NotificationDisabled), level: c.Level, message: c.Message,
	}
	c.Call.Delivery = mackerel.AtLeastOnce // within a call the retry key sees to it that a repeat is none
	n.service.Connect(c.Call, mackerel.AtLeastOnce, c.Token.Reveal())
	n.header = n.service.Header("Authorization", "Bearer "+c.Token.Reveal(), "Content-Type", "application/json")
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver sends the alert and says what came of it. The receipt's ID is the message's id, which only a push gives.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send sends a message that the caller has made. That it is cut to LINE's limits is no error; that it is empty is one.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m, cmp.Or(m.RetryKey, newRetryKey()))
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", nil), err
	}
	result, err := n.service.Do(ctx, r)
	return n.service.Receipt(start, result, sentID(result.Body), cuts), n.wish(err)
}

// Preview shows what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	r, cuts, err := n.request(m, cmp.Or(m.RetryKey, "{retry_key}"))
	if err != nil {
		return nil, err
	}
	return n.service.Preview(cuts, r), nil
}

// String returns "line push to C4af...", "line multicast to 3 users" or "line broadcast".
func (n *Notifier) String() string { return name + " " + n.target.label }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	if silent, ok := n.silent[provider.Rating(a)]; ok {
		m.NotificationDisabled = silent
	}
	return m, "", nil
}

// request renders the message for the notifier's target.
func (n *Notifier) request(m Message, retryKey string) (transport.Request, []mackerel.Cut, error) {
	r := transport.Request{
		Op: n.target.op, Method: http.MethodPost, Repeat: transport.Message, Header: n.header().Clone(), Judge: n.target.judge,
	}
	m.Format = cmp.Or(m.Format, n.format)
	if p := m.problems(); len(p) > 0 {
		return r, nil, n.service.Invalid(r.Op, strings.Join(p, "; "))
	}
	messages, cuts, err := m.objects()
	if err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	r.URL, _ = transport.Join(n.base, "v2", "bot", "message", n.target.path) // of fixed elements, so always good
	r.Header.Set("X-Line-Retry-Key", retryKey)
	r.Body, err = provider.EncodeJSON(sendBody{n.target.to, messages, m.NotificationDisabled})
	if err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	return r, cuts, nil
}

// wish gives an error the delivery mode that the caller asked for. The call itself ran at least once, since its repeats
// are dropped; what is asked of the error is whether to call again, under another key.
func (n *Notifier) wish(err error) error {
	if e, ok := err.(*mackerel.Error); ok { //nolint:errorlint // fresh from the service
		e.Delivery = n.delivery
	}
	return err
}

// A target is whom the messages reach, and by which of the three calls.
type target struct {
	op, path, label string
	to              any // a string for push, a list for multicast, nil for broadcast
	judge           func(*transport.Result)
}

func targetOf(to []string, broadcast bool) target {
	switch {
	case broadcast:
		return target{"broadcast message", "broadcast", "broadcast", nil, judgeSent}
	case len(to) == 1:
		return target{"push message", "push", "push to " + to[0], to[0], judgePushed}
	}
	label := "multicast to " + strconv.Itoa(len(to)) + " users"
	return target{"multicast message", "multicast", label, slices.Clone(to), judgeSent}
}

// checkTarget notes what can be no destination. A LINE ID, which people choose for themselves, is the usual mistake.
func checkTarget(p *provider.Problems, to []string, broadcast bool) {
	switch {
	case broadcast && len(to) > 0:
		p.Add("Broadcast", "set together with To")
	case !broadcast && len(to) == 0:
		p.Add("To", "required, or Broadcast")
	case len(to) > MaxRecipients:
		p.Add("To", strconv.Itoa(len(to))+" users, and at most "+strconv.Itoa(MaxRecipients)+" are allowed")
	}
	for i, id := range to {
		field := "To[" + strconv.Itoa(i) + "]"
		switch {
		case !isID(id):
			p.Add(field, "not the id of a user, group or room: a letter of U, C and R and 32 hexadecimal digits")
		case len(to) > 1 && id[0] != 'U':
			p.Add(field, "only users can be among several destinations")
		case slices.Contains(to[:i], id):
			p.Add(field, "given twice")
		}
	}
}
