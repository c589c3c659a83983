// Package pagerduty carries alerts to PagerDuty (https://www.pagerduty.com), through its Events API, version 2
// (https://developer.pagerduty.com/docs/events-api-v2-overview).
//
// A [Notifier] opens one incident per alert and resolves it when the alert is over. The summary of an event is the
// title and the first line of the text, "[CRITICAL] CPU % on app01: 96.51% > 90%". An event also has the source, the
// severity, the graph, a link to the alert, and links to the host, the roles and the service. Everything else is in the
// custom details.
//
//	n, err := pagerduty.New(pagerduty.Config{
//		RoutingKey: mackerel.NewSecret(os.Getenv("PAGERDUTY_ROUTING_KEY")), // the integration key
//	})
//	err = n.Notify(ctx, alert)
//
// [Notifier.Acknowledge] and [Notifier.Resolve] do what people do in PagerDuty, by the key of the alert.
//
// A warning that becomes critical stays the same incident. PagerDuty adds the new event to the open incident, and
// presumably does not change the incident's title, which stays "[WARNING] ...", or its urgency. This is inferred from
// PagerDuty's documentation and was not tried. If PagerDuty pages people, set Level of the [Config] to
// [mackerel.LevelCritical]: then the incident opens when the alert becomes critical.
//
// Level and KeepOpen of the [Config] are the options of Mackerel's own channel. An alert group opens an incident of its
// own, unlike on Mackerel's channel: if you receive alerts as well as alert groups and want one page, pass only one of
// the two on. A [mackerel.Digest] is skipped, because each alert has to open and resolve an incident of its own. Other
// events, such as a host's change of status, are skipped too. The receipt says why.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. PagerDuty drops repeats by the key of the event: if an answer is lost, the
// event is sent again in either delivery mode, and there is still one incident. A repeat that arrives after the
// incident was resolved opens another. Only an event without a key, which the caller has to make, can be doubled.
//
// Success is a 202 with the status "success". A receipt has the key of the event as its ID. PagerDuty also accepts an
// acknowledge or a resolve for an incident that is not open, and does nothing.
//
// # Limits
//
// PagerDuty takes about 120 events per minute and integration key
// (https://developer.pagerduty.com/docs/events-api-v2-rate-limits). At most 100 are sent; faster alerts wait for their
// turn: see [mackerel.Pace]. The first event of an incident goes before events of known incidents, and the events of
// one incident are sent one after the other. A turn that would come too late for the context's deadline does not refuse
// an event: it is sent all the same. An event that PagerDuty refuses with 429 is sent again after the time that
// PagerDuty asks for, within Call.MaxWait and the context's deadline. Beyond that the error is
// [mackerel.ErrRateLimited] and says how long to wait. A 429 need not say how long to wait. Then the wait is 30
// seconds, as PagerDuty advises, which is longer than the default of Call.MaxWait.
//
// A summary has at most 1,024 characters. The first line is cut so that title and first line have at most 150
// characters together, because people read the summary on a phone; a title of more than 1,024 characters is cut in its
// middle. What was cut stands in full in the custom details. An event has at most 512,000 bytes. If an event is too
// large even without custom details, all images are left out, and then all links. Then the custom details are cut, the
// least important first: facts such as the organization, then the lines of the text after the fifth, then the memo. The
// receipt says what was cut. A
// key has at most 255 characters and is never cut.
//
// # Text
//
// PagerDuty knows no markup in events. Text is sent as it is; control characters are replaced.
//
// # Service
//
// Accounts in Europe have an address of their own: [EUBaseURL]. A key of one region is refused in the other. Version 1
// of the API, change events and the REST API are not covered.
//
// Not documented: whether a character beyond the Basic Multilingual Plane counts once or twice, so it counts twice
// here; and the answer to an event that is too large.
package pagerduty

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "pagerduty"

// Base URLs of the API. See https://support.pagerduty.com/main/docs/service-regions.
const (
	DefaultBaseURL = "https://events.pagerduty.com/v2"
	EUBaseURL      = "https://events.eu.pagerduty.com/v2"
)

// Config says which service of PagerDuty to send events to. RoutingKey is required.
type Config struct {
	RoutingKey mackerel.Secret `json:"routing_key"` // the integration key: 32 letters and digits
	// Severities are the severities by the alert's status. A status without a severity has that of DefaultMessage.
	Severities map[mackerel.Status]Severity `json:"severities,omitzero"`
	// KeepOpen leaves incidents open when their alerts are over, as Mackerel's channel does without "Close incident
	// when alert closes".
	KeepOpen bool `json:"keep_open,omitzero"`
	// BaseURL is DefaultBaseURL unless set. Accounts in the EU need EUBaseURL. An address without a path gets its path.
	BaseURL string `json:"base_url,omitzero"`

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier sends alerts to one service of PagerDuty. It is safe for concurrent use.
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
	severities := provider.ByStatus(c.Severities)
	n := &Notifier{provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: name, DecodeError: decodeError},
		Skip:    provider.Incidents(c.Level, c.KeepOpen),
		Message: func(a mackerel.Alert) Message {
			m := DefaultMessage(a, c.Text)
			if severity, ok := severities[provider.Rating(a)]; ok {
				m.Severity = severity
			}
			return m
		},
		Edit: c.Edit,
		Render: func(r *transport.Request, m Message, cut *provider.Cutter) error {
			return render(r, m, cut, c.RoutingKey)
		},
		Unit: provider.UTF16,
		Text: c.Text,
	}}
	n.flow.Connect(c.Call, mackerel.AtLeastOnce, c.RoutingKey.Reveal())
	enqueue := base.JoinPath("enqueue")
	header := n.flow.Header("Content-Type", "application/json", "Accept", "application/json")
	lanes := n.flow.Lanes(rate, base.Host, c.RoutingKey.Reveal())
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Method: http.MethodPost, URL: enqueue, Header: header(), Lanes: lanes, Judge: judge, Wait: rateWait,
		}
	}
	return n, nil
}

// check notes all problems, and returns the address of the API.
func (c Config) check(p *provider.Problems) *url.URL {
	p.Require("RoutingKey", !c.RoutingKey.IsZero())
	key := c.RoutingKey.Reveal()
	p.Check("RoutingKey", keyForm.MatchString(key), "must be an integration key: 32 letters and digits")
	for _, status := range slices.Sorted(maps.Keys(c.Severities)) {
		field := "Severities[" + string(status) + "]"
		p.Require(field, c.Severities[status] != "")
		c.Severities[status].check(p, field)
	}
	base := p.Base("BaseURL", c.BaseURL, DefaultBaseURL)
	p.Without("BaseURL", base, "enqueue")
	p.Common(c.Level, c.Text, c.Call)
	return base
}

var keyForm = regexp.MustCompile(`^(|[0-9A-Za-z]{32})$`)

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver opens the alert's incident, adds to it or resolves it, and returns the outcome. The receipt's ID is the key
// of the event.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send sends an event that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or that PagerDuty is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "pagerduty". The service of PagerDuty is not shown, because only the secret key tells it.
func (n *Notifier) String() string { return n.flow.Notifier }

// Acknowledge tells PagerDuty that someone is at work on the incident with this key, for example [mackerel.Alert.Key].
func (n *Notifier) Acknowledge(ctx context.Context, key string) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, Message{Action: ActionAcknowledge, Key: key})
}

// Resolve closes the incident with this key, for example [mackerel.Alert.Key].
func (n *Notifier) Resolve(ctx context.Context, key string) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, Message{Action: ActionResolve, Key: key})
}

// Keyed returns true: incidents open and close by a key, so each alert has to be sent by itself and at once. The rules
// of package route that hold or join alerts refuse such a notifier.
func (n *Notifier) Keyed() bool { return true }
