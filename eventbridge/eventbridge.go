// Package eventbridge carries alerts to event buses of Amazon EventBridge (https://aws.amazon.com/eventbridge/),
// through PutEvents (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
//
// A [Notifier] puts one event per alert on a bus, whose rules pass it on to other services of AWS. The event's detail
// has the form of the events that Mackerel itself sends to EventBridge
// (https://mackerel.io/docs/entry/howto/alerts/eventbridge).
//
//	cfg, err := config.LoadDefaultConfig(ctx) // of github.com/aws/aws-sdk-go-v2/config
//	n, err := eventbridge.New(eventbridge.Config{
//		Region:      cfg.Region,
//		Credentials: cfg.Credentials,
//		EventBus:    "alerts",
//	})
//	err = n.Notify(ctx, alert)
//
// The credentials need the permission events:PutEvents. This package compiles the SDK's signer and nothing else of it.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. EventBridge has no key to drop repeats by: if an answer is lost and the event
// is put again, there may be two events with different ids and the same detail. With [mackerel.AtMostOnce] there is at
// most one, and the error is [mackerel.ErrAmbiguous]. Each attempt has its own signature. If the credentials cannot be
// retrieved, the error is [mackerel.ErrUnavailable], because nothing was sent.
//
// Success is a 200 in which the entry has an id, which is the ID of the receipt. An entry that failed within a 200 is
// an error with EventBridge's code. Receipts are Queued: PutEvents does not tell what rules and targets make of an
// event. It does not tell either that there is no such bus: an event for a bus that does not exist was seen to be
// accepted, with an id, and dropped (https://github.com/aws/aws-cli/issues/9186).
//
// # Limits
//
// Requests per second are limited for each region and account: at least 400, 1,200 in ap-northeast-1
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html). Alerts are not counted, but at most 10
// requests are under way; others wait for their turn: see [mackerel.Pace]. A request that is refused for the limit is
// sent again after a wait, within Call.MaxWait and the context's deadline. Beyond that the error is
// [mackerel.ErrRateLimited].
//
// An entry has at most 999,999 bytes. A longer alert is cut: the memos first, then the message, the facts, the reason
// and the metric's name, and last the names, addresses and ids. A longer digest loses alerts, the last first; its own
// texts come before its alerts. The texts of an alert that takes more than half of the room for alerts are cut, so that
// it leaves room for others. The receipt says what was cut. A DetailType has at most 128 characters. DetailType and
// Message.Raw are never cut.
//
// # Text
//
// The detail is data. The targets have to escape it before they show it to people.
//
// # Service
//
// Other software that takes PutEvents, such as an emulator, is reached with Config.BaseURL. Global endpoints of
// EventBridge are not supported.
//
// Not documented: whether the 1 MB that an entry must be smaller than is 10^6 or 2^20 bytes, so it is 10^6 here; and
// the detail-type of Mackerel's own events, so [DefaultDetailType] is ours.
//
// # Detail
//
// The detail is Mackerel's webhook without type and imageUrl, and with resourceInfo if Config.ResourceInfo returns it.
// Numbers are not rounded, and times are to the second. Mackerel's own events have no message, no user and no facts.
// Here they are kept if they are not empty, because the output of a check and the text of an alert made by hand stand
// nowhere else. The detail of a [mackerel.Digest] has the member alerts, a list of whole webhooks.
//
// Rules that match Mackerel's events match these, except for the source: only a partner such as Mackerel may put events
// on a partner's bus, so Config.Source is yours to choose. Mackerel puts alerts only. This package puts every event,
// and detail.event tells them apart.
package eventbridge

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "eventbridge"

// Config says where to put events, and with which credentials. Region and Credentials are required, in the form in
// which an aws.Config has them.
type Config struct {
	Region      string                  `json:"region"`
	Credentials aws.CredentialsProvider `json:"-"`                    // asked before each attempt: it should cache
	EventBus    string                  `json:"event_bus,omitzero"`   // name or ARN; the account's default bus unless set
	Source      string                  `json:"source,omitzero"`      // DefaultSource unless set; must not begin with "aws."
	DetailType  string                  `json:"detail_type,omitzero"` // DefaultDetailType unless set
	// ResourceInfo returns which resource of AWS an alert is about, or nil. Mackerel knows that from its agent; an
	// alert does not say it.
	ResourceInfo func(mackerel.Alert) *ResourceInfo `json:"-"`
	// MaxEntry lowers the largest size of an entry, in bytes, for emulators and regions that take less, such as 262144.
	MaxEntry int    `json:"max_entry,omitzero"`
	BaseURL  string `json:"base_url,omitzero"` // the region's endpoint unless set

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier puts alerts on one event bus. It is safe for concurrent use.
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
	e := encoder{bus: c.EventBus, maxEntry: cmp.Or(c.MaxEntry, maxEntry), sign: newSigner(c.Credentials, c.Region)}
	busName := name + " bus " + cmp.Or(c.EventBus, "default") + " in " + c.Region
	n := &Notifier{provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: busName, DecodeError: decodeError},
		Skip:    provider.ByLevel(c.Level),
		Message: func(a mackerel.Alert) Message {
			m := DefaultMessage(a)
			m.Source, m.DetailType = cmp.Or(c.Source, m.Source), cmp.Or(c.DetailType, m.DetailType)
			if c.ResourceInfo != nil {
				m.ResourceInfo = c.ResourceInfo(a)
			}
			return m
		},
		Edit:   c.Edit,
		Render: e.render,
		Settle: settle,
	}}
	n.flow.Connect(c.Call, mackerel.AtLeastOnce)
	header := n.flow.Header("Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "AWSEvents.PutEvents")
	lanes := n.flow.Lanes(rate, u.Host)
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Op: "put events", Method: http.MethodPost, URL: u, Header: header(), Repeat: transport.Message, Lanes: lanes,
			Judge: judge,
		}
	}
	return n, nil
}

// check notes all problems, and returns the address of PutEvents.
func (c Config) check(p *provider.Problems) *url.URL {
	p.Require("Region", c.Region != "")
	form := regionForm
	if c.BaseURL != "" {
		form = label // of a service like AWS
	}
	p.Check("Region", c.Region == "" || form.MatchString(c.Region), "must be a region's name, such as ap-northeast-1")
	p.Require("Credentials", c.Credentials != nil)
	p.Check("EventBus", bus.MatchString(c.EventBus), "must be the name or ARN of an event bus")
	p.Length("EventBus", c.EventBus, provider.Runes, maxBus)
	checkSource(p, c.Source)
	p.Length("DetailType", c.DetailType, provider.UTF16, maxDetailType)
	p.Check("MaxEntry", c.MaxEntry >= 0 && c.MaxEntry <= maxEntry, "must be from 1 to "+strconv.Itoa(maxEntry))
	u := endpoint(p, c.BaseURL, c.Region)
	p.Level(c.Level)
	p.Call(c.Call)
	return u
}

// Notify puts the alert on the bus: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver puts the alert on the bus and returns the outcome. The receipt's ID is the id of the event.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send puts an event that the caller has made. Texts that are too long are cut, and the receipt says so. A message that
// is empty, or that EventBridge is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "eventbridge bus alerts in ap-northeast-1".
func (n *Notifier) String() string { return n.flow.Notifier }
