// Package slack carries alerts to channels of Slack through incoming webhooks
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
//
// A [Notifier] posts one message per alert: whom to call and the title, which links to the alert, and below it one
// attachment in the colour of the status, with the text, the facts, the memo and the graph.
//
//	n, err := slack.New(slack.Config{
//		URL:      mackerel.NewSecret(os.Getenv("SLACK_WEBHOOK_URL")), // whoever has it can post
//		Mentions: map[mackerel.Status]string{mackerel.StatusCritical: "@here"},
//	})
//	err = n.Notify(ctx, alert)
//
// What a [mackerel.Slack] channel has can be given as it is: its URL, and its Mentions.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Slack's webhooks have no key to deduplicate by: if an answer is lost and the
// message is posted again, it may stand in the channel twice. With [mackerel.AtMostOnce] it stands there at most once
// and the error is [mackerel.ErrAmbiguous]. Success is a 200 whose body is "ok" and nothing else; a webhook gives no id,
// so receipts have none. An error keeps the word that Slack answers with, such as invalid_token or channel_is_archived,
// in Code and Message.
//
// Slack fetches the graph while the message is posted and, without documenting it, refuses the whole message if it cannot
// (https://github.com/slackapi/python-slack-sdk/issues/1782). A message with a graph that is refused with
// invalid_attachments or invalid_blocks is therefore posted once more without it, and the receipt says that it was cut.
//
// # Limits
//
// One message in a second per webhook, with short bursts (https://docs.slack.dev/apis/web-api/rate-limits). A call that
// is refused waits for as long as the service says, within Call.MaxWait and the context's deadline, and is made again;
// beyond that the error is [mackerel.ErrRateLimited] and says how long to wait. Slack says which limit a message exceeds
// with a single word at best, so all of them are seen to before it is sent: [MaxText], [MaxSection] and the others. What
// is longer is cut, and the receipt says so.
//
// # Text
//
// Text from alerts cannot call anybody or become a link to elsewhere: see [Escape]. What there is in Slack's notation
// comes from Config.Mentions, Message.Mention and Message.Raw. Addresses in the text are links to themselves. Slack has
// no way to escape * _ ~ and backticks; text that has them may stand in bold.
//
// # Service
//
// The triggers of Slack's Workflow Builder (hooks.slack.com/triggers and /workflows) are something else and are refused
// as a configuration. Software that understands Slack's webhooks will do if it understands blocks and answers "ok".
package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "slack"

// Config says where to post. URL is required.
type Config struct {
	URL mackerel.Secret `json:"url"` // of the incoming webhook, which leads to one channel
	// Mentions are what to put in front of the title, by the alert's status, as in a channel of Mackerel's: text in
	// Slack's notation, such as "<@U012AB3CD>" or "<!subteam^S012AB3CD>", in which @here, @channel, @everyone and @group
	// call people too. It is sent as it is. A status that is not in it calls nobody. A Message function that sets a
	// mention itself has its way.
	Mentions map[mackerel.Status]string `json:"mentions,omitzero"`

	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier posts alerts through one webhook. It is safe for concurrent use.
type Notifier struct {
	service  provider.Service
	post     func() transport.Request // all but the body
	mentions map[mackerel.Status]string
	level    mackerel.Level
	message  func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	u := p.Hook("URL", c.URL)
	if u != nil && isTrigger(u) {
		p.Add("URL", "starts a workflow: it is not that of an incoming webhook")
	}
	checkMentions(&p, c.Mentions)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service:  provider.Service{Name: name, DecodeError: decodeError},
		mentions: provider.ByStatus(c.Mentions), level: c.Level, message: c.Message,
	}
	n.service.Connect(c.Call, mackerel.AtLeastOnce, provider.URLSecrets(u)...)
	post := transport.Request{
		Op: "post message", Method: http.MethodPost, URL: u, Repeat: transport.Message, Judge: judge,
		Header: n.service.Header("Content-Type", "application/json")(),
	}
	n.post = func() transport.Request { return post }
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// isTrigger reports whether an address is one of those that Slack has for workflows.
func isTrigger(u *url.URL) bool {
	return strings.HasPrefix(u.Hostname(), "hooks.slack") &&
		(strings.HasPrefix(u.Path, "/workflows/") || strings.HasPrefix(u.Path, "/triggers/"))
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and says what came of it.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send posts a message that the caller has made. That it is cut to Slack's limits is no error; that it is empty, or that
// what is never cut is too long, is one.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", cuts), err
	}
	result, err := n.service.Do(ctx, r)
	if linkable(m.Image) && refusesBlocks(result) {
		return n.sendWithoutImage(ctx, m, start, result.Attempts)
	}
	return n.service.Receipt(start, result, "", cuts), err
}

// sendWithoutImage posts a message that Slack has refused after so many attempts.
func (n *Notifier) sendWithoutImage(ctx context.Context, m Message, start time.Time, attempts int) (mackerel.Receipt, error) {
	cut := mackerel.Cut{Field: "image", Unit: provider.Runes.Name, From: provider.Runes.Len(m.Image)}
	m.Image = ""
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{Attempts: attempts}, "", cuts), err
	}
	result, err := n.service.Do(ctx, r)
	result.Attempts += attempts
	if e := (*mackerel.Error)(nil); errors.As(err, &e) {
		e.Attempts = result.Attempts
	}
	return n.service.Receipt(start, result, "", append(cuts, cut)), err
}

// Preview shows what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	r, cuts, err := n.request(m)
	if err != nil {
		return nil, err
	}
	return n.service.Preview(cuts, r), nil
}

// String returns "slack webhook": there is nothing else to say of it that is no secret.
func (n *Notifier) String() string { return name + " webhook" }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	if m.Mention == "" {
		m.Mention = n.mentions[provider.Rating(a)]
	}
	return m, "", nil
}

func (n *Notifier) request(m Message) (transport.Request, []mackerel.Cut, error) {
	r := n.post()
	p, cuts := m.payload()
	if problem := m.problem(p); problem != "" {
		return r, nil, n.service.Invalid(r.Op, problem)
	}
	var err error
	if r.Body, err = provider.EncodeJSON(p); err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	return r, cuts, nil
}
