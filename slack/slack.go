// Package slack carries alerts to channels of Slack, through incoming webhooks
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
//
// A [Notifier] posts one message per alert. Its first line is all that a push message shows: the title, which links to
// the alert, the first line of the text, and the mention. Below it is one attachment in the colour of the status, with
// the rest of the text, the facts, the memo and the graph.
//
//	n, err := slack.New(slack.Config{
//		URL:      mackerel.NewSecret(os.Getenv("SLACK_WEBHOOK_URL")), // whoever has it can post
//		Mentions: map[mackerel.Status]string{mackerel.StatusCritical: "@here"},
//	})
//	err = n.Notify(ctx, alert)
//
// The URL and the Mentions of a [mackerel.Slack] channel can be used as they are.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Slack's webhooks have no key to drop repeats by: if an answer is lost and the
// message is posted again, it may stand in the channel twice. With [mackerel.AtMostOnce] it stands there at most once,
// and the error is [mackerel.ErrAmbiguous]. Success is a 200 with the body "ok". A webhook gives no id, so receipts
// have no ID. The word that Slack answers with, such as invalid_token or channel_is_archived, is the error's Code and
// Message.
//
// Slack fetches the graph while it takes the message. If it cannot fetch the graph, it refuses the whole message, which
// is not documented (https://github.com/slackapi/python-slack-sdk/issues/1782). A message with a graph that is refused
// with invalid_attachments or invalid_blocks is therefore posted once more without the graph. This is one more attempt
// of the same call, and the receipt says that the image was cut.
//
// # Limits
//
// Slack takes one message per second and webhook, with short bursts, and may hide messages of a burst though it answers
// with success (https://docs.slack.dev/apis/web-api/rate-limits). So the messages of a webhook are sent at least a
// second apart, and at most 3 in 3 seconds; faster alerts wait for their turn: see [mackerel.Pace]. What is shown is
// limited for a channel: notifiers of several webhooks into one channel need one Pace.Name. A message that is refused
// all the same is sent again after the time that Slack asks for, within Call.MaxWait and the context's deadline. Beyond
// that the error is [mackerel.ErrRateLimited] and says how long to wait.
//
// The first line has at most 4,000 characters, mention and link included. Title and first line of the text together
// have at most 150 characters there. If they are longer, the attachment has the first line of the text again, as a
// whole. The text, the facts and the memo in the attachment have at most 3,000 characters each. Longer texts and a
// title that does not fit are cut, and the receipt says so. A mention has at most 2,000 characters and Message.Raw
// 3,000; they are never cut.
//
// # Text
//
// Text from alerts cannot call anybody and cannot become a link to another address: see [Escape]. Only Config.Mentions,
// Message.Mention and Message.Raw are in Slack's notation. Addresses in the attachment are links to themselves. Slack
// has no way to escape * _ ~ and backticks, so a text that has them may be shown in bold or as code.
//
// # Service
//
// New refuses the triggers of Slack's Workflow Builder (hooks.slack.com/triggers and /workflows): they are no incoming
// webhooks. Other software that takes Slack's webhooks works if it understands blocks and answers "ok".
package slack

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "slack"

// Config says where to post. URL is required.
type Config struct {
	URL mackerel.Secret `json:"url"` // of the incoming webhook, which leads to one channel
	// Mentions are put behind the first line of the message, by the alert's status. They are in Slack's notation, such
	// as "<@U012AB3CD>" or "<!subteam^S012AB3CD>". @here, @channel, @everyone and @group call people, as in a channel
	// of Mackerel's. All other text is sent as it is. A status that is not in the map has no mention.
	Mentions map[mackerel.Status]string `json:"mentions,omitzero"`

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier posts alerts through one webhook. It is safe for concurrent use.
type Notifier struct{ flow provider.Flow[Message] }

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	u := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	mentions := provider.ByStatus(c.Mentions)
	n := &Notifier{provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: name + " webhook", DecodeError: decodeError},
		Skip:    provider.ByLevel(c.Level),
		Message: func(a mackerel.Alert) Message {
			m := DefaultMessage(a, c.Text)
			m.Mention = mentions[provider.Rating(a)]
			return m
		},
		Edit:   c.Edit,
		Render: render,
		Unit:   provider.Runes,
		Text:   c.Text,
		Again:  withoutImage,
	}}
	n.flow.Connect(c.Call, mackerel.AtLeastOnce, provider.URLSecrets(u)...)
	header := n.flow.Header("Content-Type", "application/json")
	lanes := n.flow.Lanes(rate, u.String())
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Op: "post message", Method: http.MethodPost, URL: u, Header: header(), Repeat: transport.Message, Lanes: lanes,
			Judge: judge,
		}
	}
	return n, nil
}

// check notes all problems, and returns the webhook's address.
func (c Config) check(p *provider.Problems) *url.URL {
	u := p.Hook("URL", c.URL)
	p.Check("URL", u == nil || !isTrigger(u), "must be that of an incoming webhook, not of a workflow")
	for _, status := range slices.Sorted(maps.Keys(c.Mentions)) {
		p.Length("Mentions["+string(status)+"]", mention(c.Mentions[status]), provider.Runes, maxMention)
	}
	p.Common(c.Level, c.Text, c.Call)
	return u
}

// isTrigger reports whether an address is one of those that Slack has for workflows.
func isTrigger(u *url.URL) bool {
	return strings.HasPrefix(u.Hostname(), "hooks.slack") &&
		(strings.HasPrefix(u.Path, "/workflows/") || strings.HasPrefix(u.Path, "/triggers/"))
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and returns the outcome. The receipt has no ID.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send posts a message that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or that Slack is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "slack webhook". The address is secret.
func (n *Notifier) String() string { return n.flow.Notifier }
