// Package teams carries alerts to channels and chats of Microsoft Teams through the webhooks of Power Automate's
// Workflows: the trigger "When a Teams webhook request is received".
// See https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
//
// A [Notifier] posts one Adaptive Card, of version 1.4, per alert: the title in the colour of the status, mentions if
// the [Config] has some for it, the text, the facts, the memo, the graph and a button that opens the alert.
//
//	n, err := teams.New(teams.Config{
//		URL: mackerel.NewSecret(os.Getenv("TEAMS_WORKFLOW_URL")), // whoever has it can post
//	})
//	err = n.Notify(ctx, alert)
//
// # Delivery
//
// A workflow answers with 202 as soon as it has queued the card: nobody has seen it yet, and nobody says so if it cannot
// be posted. That is why receipts are [mackerel.Receipt].Queued, and why everything that is known to make a card fail is
// seen to before it is sent. What became of a card is only in the run history of the workflow. An answer of 200 comes
// from a Response action that the workflow's owner has put into it, and means what the owner lets it mean; its receipt
// is not Queued.
//
// The default is [mackerel.AtLeastOnce]. Workflows have no key to deduplicate by: if an answer is lost and the card is
// sent again, it may be posted twice. With [mackerel.AtMostOnce] it is posted at most once and the error is
// [mackerel.ErrAmbiguous]. There is no id, so receipts have none.
//
// # Limits
//
// A message has at most [MaxMessage] bytes, of what Teams makes of the card and not of what is sent: a card of 24,453
// bytes was counted as 28,897. A card is cut to [MaxCard] bytes of its JSON within JSON, in ASCII, which is how much it
// could become: a Japanese character counts as 7. The memo is cut first, the title last, and the receipt says so. How
// many calls are allowed is a matter of the owner's plan; a 429 is waited for within Call.MaxWait and the context's
// deadline, and beyond that the error is [mackerel.ErrRateLimited].
//
// # Text
//
// Text from alerts is no Markdown and mentions nobody: see [Escape]. People are mentioned by Config.Mentions and
// Message.Mentions alone; an <at> in a memo, which Mackerel's own channel reads, is text. Markdown goes in through
// Message.Raw. A webhook can mention people only, neither channels nor teams.
//
// # Service
//
// The webhooks of Microsoft 365 Connectors (webhook.office.com), which took MessageCards, have been retired; this package
// knows only workflows. Their hosts have changed before, so any host will do, and the address is sent exactly as it is
// given. A workflow belongs to a person and stops when that account does; it cannot post to private channels as the
// flow bot.
package teams

import (
	"context"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "teams"

// Config says where to post. URL is required.
type Config struct {
	URL mackerel.Secret `json:"url"` // of the workflow's trigger, with its whole query
	// Mentions are whom to call, by the alert's status; a status that is not in it calls nobody. A Message function that
	// sets mentions itself has its way.
	Mentions map[mackerel.Status][]Mention `json:"mentions,omitzero"`

	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier posts alerts through one workflow. It is safe for concurrent use.
type Notifier struct {
	service  provider.Service
	post     func() transport.Request // all but the body
	mentions map[mackerel.Status][]Mention
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
	checkMentions(&p, c.Mentions)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service:  provider.Service{Name: name, DecodeError: decodeError},
		mentions: copyMentions(c.Mentions), level: c.Level, message: c.Message,
	}
	n.service.Connect(c.Call, mackerel.AtLeastOnce, provider.URLSecrets(u)...)
	post := transport.Request{
		Op: "post card", Method: http.MethodPost, URL: u, Repeat: transport.Message, Judge: judge,
		Header: n.service.Header("Content-Type", "application/json; charset=utf-8")(), // without it emoji are lost
	}
	n.post = func() transport.Request { return post }
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and says what came of it: most often that it is queued.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send posts a message that the caller has made. That it is cut to [MaxCard] is no error; that it is empty, or that what
// is never cut is too long, is one.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", cuts), err
	}
	result, err := n.service.Do(ctx, r)
	receipt := n.service.Receipt(start, result, "", cuts)
	receipt.Queued = err == nil && result.Status == http.StatusAccepted
	return receipt, err
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

// String returns "teams workflow": there is nothing else to say of it that is no secret.
func (n *Notifier) String() string { return name + " workflow" }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	if len(m.Mentions) == 0 {
		m.Mentions = n.mentions[provider.Rating(a)]
	}
	return m, "", nil
}

func (n *Notifier) request(m Message) (transport.Request, []mackerel.Cut, error) {
	r := n.post()
	p, cuts, problem := m.payload()
	if problem != "" {
		return r, nil, n.service.Invalid(r.Op, problem)
	}
	var err error
	if r.Body, err = provider.EncodeJSON(p); err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	return r, cuts, nil
}
