// Package teams carries alerts to channels and chats of Microsoft Teams, through workflows of Power Automate that begin
// with the trigger "When a Teams webhook request is received"
// (https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
//
// A [Notifier] posts one Adaptive Card, version 1.4, per alert: the title in the colour of the status, the first line
// of the text, the mentions of the Config, the rest of the text, the facts, the memo, the graph and a button that opens
// the alert. The list of notifications shows "title: first line".
//
//	n, err := teams.New(teams.Config{
//		URL: mackerel.NewSecret(os.Getenv("TEAMS_WORKFLOW_URL")), // whoever has it can post
//	})
//	err = n.Notify(ctx, alert)
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Workflows have no key to drop repeats by: if an answer is lost and the card is
// sent again, it may be posted twice. With [mackerel.AtMostOnce] it is posted at most once, and the error is
// [mackerel.ErrAmbiguous]. A workflow gives no id, so receipts have no ID.
//
// A workflow answers 202 when it has queued the card. If it cannot post the card afterwards, only its run history shows
// that. Receipts are therefore [mackerel.Receipt].Queued, and everything that is known to make a card fail is checked
// before it is sent. The owner of the workflow may have added a Response action that answers with another status of the
// 200s. It is success too.
//
// # Limits
//
// Microsoft documents 4 messages per second for a connector, and several limits of workflows, which depend on the plan
// of their owner and act after the answer (https://learn.microsoft.com/en-us/power-automate/limits-and-config). So one
// card is sent per second to an address; faster alerts wait for their turn: see [mackerel.Pace]. A card that is refused
// all the same is sent again after the time that the answer asks for, within Call.MaxWait and the context's deadline.
// Beyond that the error is [mackerel.ErrRateLimited] and says how long to wait. If the answer does not say, the wait is
// 15 seconds, and doubles with each refusal.
//
// A message has at most 28 KB. Teams counts the bytes of what it makes of the card: a request of 24,453 bytes was
// counted as 28,897. A card is therefore cut to 24,576 bytes, counted as JSON in ASCII within JSON, in which a Japanese
// character has 7 bytes. A title has at most 2,048 bytes, and the line for the list of notifications at most 150 UTF-16
// units. Texts that are too long are cut, and the receipt says so. Message.Raw is never cut.
//
// # Text
//
// Text from alerts is not Markdown and cannot mention anybody: see [Escape]. It may contain U+2060, a character without
// a width, where Markdown would arise. Only Config.Mentions and Message.Mentions mention people, and only Message.Raw
// is Markdown. An <at> in a memo, which Mackerel's own channel reads, is text. A workflow can mention people, but no
// channels and no teams.
//
// # Service
//
// Workflows replace the webhooks of Microsoft 365 Connectors (webhook.office.com), which are retired and whose
// MessageCards this package does not write. The hosts of workflows have changed before, so every host is accepted, and
// the address is sent exactly as it is given. A workflow belongs to a person and ends with the account of that person.
// The flow bot cannot post to private channels.
package teams

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "teams"

// Config says where to post. URL is required.
type Config struct {
	URL mackerel.Secret `json:"url"` // of the workflow's trigger, with its whole query
	// Mentions are the people to mention, by the alert's status. A status that is not in the map has no mention.
	Mentions map[mackerel.Status][]Mention `json:"mentions,omitzero"`

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier posts alerts through one workflow. It is safe for concurrent use.
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
	for status, all := range mentions {
		mentions[status] = slices.Clone(all)
	}
	n := &Notifier{provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: name + " workflow", DecodeError: decodeError},
		Skip:    provider.ByLevel(c.Level),
		Message: func(a mackerel.Alert) Message {
			m := DefaultMessage(a, c.Text)
			m.Mentions = slices.Clone(mentions[provider.Rating(a)]) // Edit may change it
			return m
		},
		Edit:   c.Edit,
		Render: render,
		Unit:   provider.Bytes,
		Text:   c.Text,
		Settle: settle,
	}}
	n.flow.Connect(c.Call, mackerel.AtLeastOnce, provider.URLSecrets(u)...)
	header := n.flow.Header("Content-Type", "application/json; charset=utf-8") // emoji are lost without the charset
	lanes := n.flow.Lanes(rate, u.String())
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Op: "post card", Method: http.MethodPost, URL: u, Header: header(), Repeat: transport.Message, Lanes: lanes,
			Judge: judge,
		}
	}
	return n, nil
}

// check notes all problems, and returns the workflow's address.
func (c Config) check(p *provider.Problems) *url.URL {
	u := p.Hook("URL", c.URL)
	for _, status := range slices.Sorted(maps.Keys(c.Mentions)) {
		checkMentions(p, "Mentions["+string(status)+"]", c.Mentions[status])
	}
	p.Common(c.Level, c.Text, c.Call)
	return u
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and returns the outcome, usually that it is queued. The receipt has no ID.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send posts a message that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or that Teams is certain not to post, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "teams workflow". The address is secret.
func (n *Notifier) String() string { return n.flow.Notifier }
