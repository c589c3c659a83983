// Package eventbridge puts alerts on an event bus of Amazon EventBridge (https://aws.amazon.com/eventbridge/), where rules
// pass them on to whatever AWS has.
//
// A [Notifier] puts one event per alert, with PutEvents
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html). Its detail has the form of the events
// that Mackerel itself sends to EventBridge (https://mackerel.io/docs/entry/howto/alerts/eventbridge).
//
//	cfg, err := config.LoadDefaultConfig(ctx) // of github.com/aws/aws-sdk-go-v2/config
//	n, err := eventbridge.New(eventbridge.Config{
//		Region:      cfg.Region,
//		Credentials: cfg.Credentials,
//		EventBus:    "alerts",
//	})
//	err = n.Notify(ctx, alert)
//
// This package compiles the SDK's signer and nothing else of it. The credentials need the permission events:PutEvents.
//
// # Detail
//
// It is Mackerel's webhook without type and imageUrl, and with resourceInfo where [Config].ResourceInfo knows it. Mackerel's
// own events have no message and no user either. Here they stay, if there are any, and so do facts: of what a check said,
// and of an alert made by hand, nothing would be left without them. Rules that match Mackerel's events match these, but
// for the source: only a partner such as Mackerel may put events on a partner's bus, so Source is ours to choose. Mackerel
// sends alerts only; this package sends every event, and detail.event tells them apart.
//
// Unconfirmed: the detail-type of Mackerel's own events. [DefaultDetailType] is ours.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. EventBridge has no key to deduplicate by: if an answer is lost and the event is
// put again, there may be two, with an id each and the same detail. With [mackerel.AtMostOnce] there is one at most, and
// the error is [mackerel.ErrAmbiguous]. Each attempt is signed anew. Credentials that cannot be had are
// [mackerel.ErrUnavailable], for nothing was sent.
//
// Success is a 200 in which the entry has an id, which is the receipt's; an entry that failed within a 200 is an error
// with EventBridge's own code. The receipt is Queued: what rules and targets make of an event, nobody says. Nobody says
// either if there is no such bus: an event for a name that does not exist has been seen to be accepted, with an id, and
// dropped (https://github.com/aws/aws-cli/issues/9186).
//
// # Limits
//
// An entry must be smaller than 1 MB, of which it is unconfirmed whether that is 10^6 or 2^20 bytes, so [MaxEntry] is the
// smaller one. What is longer is cut: the memo first, then the message, then facts and names, and the receipt says so. A
// DetailType has at most [MaxDetailType] characters. Requests per second are limited by region and account; one that is
// refused is made again.
//
// # Text
//
// What is sent is data. It has no words of ours, so Config.Text changes nothing; whoever shows it to people has to escape
// it.
package eventbridge

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "eventbridge"

// What events are called unless the Config or the Message says otherwise.
const (
	DefaultSource     = "mackerel.io"
	DefaultDetailType = "Mackerel Alert"
)

// Config says where to put events, and as whom. Region and Credentials are required, and are as an aws.Config has them.
type Config struct {
	Region      string                  `json:"region"`
	Credentials aws.CredentialsProvider `json:"-"`                    // asked at every attempt: use one that caches
	EventBus    string                  `json:"event_bus,omitzero"`   // its name or ARN; the account's default bus unless set
	Source      string                  `json:"source,omitzero"`      // DefaultSource unless set; "aws." is AWS's own
	DetailType  string                  `json:"detail_type,omitzero"` // DefaultDetailType unless set
	// ResourceInfo says which resource of AWS an alert is about, nil if none. Mackerel knows that from its agent; an alert
	// does not have it.
	ResourceInfo func(mackerel.Alert) *ResourceInfo `json:"-"`
	// MaxEntry lowers the largest size of an entry, in bytes, for an emulator or a region that takes less, such as 262144.
	MaxEntry int `json:"max_entry,omitzero"`

	BaseURL string                                `json:"base_url,omitzero"` // the region's endpoint unless set
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"` // as everywhere, but it changes nothing here
	Message func(mackerel.Alert) (Message, error) `json:"-"`             // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier puts alerts on one event bus. It is safe for concurrent use.
type Notifier struct {
	service    provider.Service
	put        transport.Request // all but the body and the signature
	sign       signer
	region     string
	bus        string
	source     string
	detailType string
	maxEntry   int
	resource   func(mackerel.Alert) *ResourceInfo
	level      mackerel.Level
	message    func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling AWS, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	u := c.check(&p)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service: provider.Service{Name: name, DecodeError: decodeError},
		sign:    newSigner(c.Credentials, c.Region), region: c.Region, bus: c.EventBus,
		source: cmp.Or(c.Source, DefaultSource), detailType: cmp.Or(c.DetailType, DefaultDetailType),
		maxEntry: cmp.Or(c.MaxEntry, MaxEntry), resource: c.ResourceInfo, level: c.Level, message: c.Message,
	}
	n.service.Connect(c.Call, mackerel.AtLeastOnce)
	n.put = transport.Request{
		Op: "put events", Method: http.MethodPost, URL: u, Repeat: transport.Message,
		Header: n.service.Header("Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "AWSEvents.PutEvents")(),
	}
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// Notify puts the alert on the bus: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver puts the alert on the bus and says what came of it. The receipt's ID is the event's.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send puts an event that the caller has made. That it is cut to [MaxEntry] is no error; that what is never cut is too
// long, or that EventBridge is certain to refuse it, is [mackerel.ErrInvalid] without a request.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", cuts), err
	}
	var id string
	r.Judge = judge(&id)
	r.Sign, r.Clean = n.sign(r.Body)
	result, err := n.service.Do(ctx, r)
	receipt := n.service.Receipt(start, result, id, cuts)
	receipt.Queued = err == nil
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
	r.Header = r.Header.Clone()
	r.Header.Set("X-Amz-Date", "{date}")
	r.Header.Set("Authorization", "{signature}")
	return n.service.Preview(cuts, r), nil
}

// String returns "eventbridge bus alerts in ap-northeast-1".
func (n *Notifier) String() string {
	return name + " bus " + cmp.Or(n.bus, "default") + " in " + n.region
}

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	if m.ResourceInfo == nil && n.resource != nil {
		m.ResourceInfo = n.resource(a)
	}
	return m, "", nil
}

func (n *Notifier) request(m Message) (transport.Request, []mackerel.Cut, error) {
	r := n.put
	m.Source, m.DetailType = cmp.Or(m.Source, n.source), cmp.Or(m.DetailType, n.detailType)
	if problem := m.problem(); problem != "" {
		return r, nil, n.service.Invalid(r.Op, problem)
	}
	e, cuts, err := m.entry(n.maxEntry)
	if err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	e.EventBusName = n.bus
	r.Body, err = provider.EncodeJSON(input{Entries: []entry{e}})
	if err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	return r, cuts, nil
}
