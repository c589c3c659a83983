// Package webhook carries alerts to any address that takes Mackerel's webhooks, in Mackerel's own JSON
// (https://mackerel.io/docs/entry/howto/alerts/webhook).
//
// A [Notifier] sends one POST per alert. The body is what [mackerel.Alert.MarshalJSON] returns: an alert that came from
// a webhook goes on byte for byte, except for white space around it. If a program has changed the alert on the way,
// only what it changed is changed.
//
//	n, err := webhook.New(webhook.Config{
//		URL:            mackerel.NewSecret("https://user:p4ssw0rd@example.com/alerts"),
//		SigningSecrets: []mackerel.Secret{mackerel.NewSecret(os.Getenv("WEBHOOK_SECRET"))}, // whsec_...
//	})
//	err = n.Notify(ctx, alert)
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Success is any status of the 200s with any body. If an answer is lost and the
// request is made again, it may arrive twice. A receiver of signed requests can tell the repeat by its webhook-id, but
// not all do. With [mackerel.AtMostOnce] nothing is sent twice, and the error is [mackerel.ErrAmbiguous].
//
// Each Notify has a webhook-id of its own, because Mackerel repeats a notification in the same words and both count. To
// repeat a Notify under the same id, use [mackerel.WithDeliveryID] or set [Message].ID. The webhook-id is the ID of the
// receipt. Without a signature there is no webhook-id and no ID.
//
// # Limits
//
// Receivers have no limit in common, so alerts do not wait unless Call.Pace is set: see [mackerel.Pace]. A request that
// is refused with 429 is sent again after the time that the receiver asks for, within Call.MaxWait and the context's
// deadline. Until then no other alert is sent to this address. Beyond that the error is [mackerel.ErrRateLimited] and
// says how long to wait.
//
// Nothing is cut, because a body that is not whole is of no use. Standard Webhooks advises to stay below 20 kB.
//
// # Text
//
// The body is data. The receiver has to escape it before it shows it to people.
//
// # Service
//
// Any HTTP server can be the receiver. User and password of the URL become Basic authentication, as with Mackerel's own
// webhooks. Config.Header adds headers of your own, which may be secrets. Redirects are not followed. 410 means that
// the receiver wants no more webhooks: it is [mackerel.ErrNotFound], as 404.
//
// # Signature
//
// With SigningSecrets, a request has the headers of Standard Webhooks 1.0.0
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): webhook-id,
// webhook-timestamp and webhook-signature, with one signature of version v1 (HMAC-SHA256) for each secret. All attempts
// of a delivery have the same id. Each attempt has its own timestamp and signature, so that an attempt that had to wait
// is still valid. Asymmetric keys (whsk_, v1a) are not supported.
//
// # Addresses of other people
//
// If other people may choose the URL, it can point to addresses that only this program reaches: its own machine, its
// network, the metadata of the cloud. With Config.PublicOnly all addresses that are not public are refused with
// [mackerel.ErrInvalid]. The address that is dialed is checked, after the name was resolved, so a name that resolves to
// another address later is refused too. The connection is made by a dialer of this package and without a proxy. The
// other settings of Call.Client's *http.Transport are kept; New refuses any other RoundTripper.
package webhook

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "webhook"

// Config says where to send. URL is required.
type Config struct {
	URL mackerel.Secret `json:"url"` // http or https; user and password are sent as Basic authentication
	// SigningSecrets sign each request: whsec_ and 24 to 64 bytes in base64. With two secrets, the new and the old, a
	// receiver can change from one to the other. Without secrets nothing is signed.
	SigningSecrets []mackerel.Secret          `json:"signing_secrets,omitzero"`
	Header         map[string]mackerel.Secret `json:"header,omitzero"`      // sent too; kept out of errors and previews
	PublicOnly     bool                       `json:"public_only,omitzero"` // refuse addresses that are not public

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier sends alerts to one address. It is safe for concurrent use.
type Notifier struct{ flow provider.Flow[Message] }

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	a, sign := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	n := &Notifier{provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: name + " " + a.url.Host},
		Skip:    provider.ByLevel(c.Level),
		Message: DefaultMessage,
		Edit:    c.Edit,
	}}
	n.flow.Connect(c.Call, mackerel.AtLeastOnce, c.secrets(a)...)
	if c.PublicOnly {
		if err := n.flow.Transport().Guard(); err != nil {
			return nil, err
		}
	}
	header := c.header(&n.flow.Service, a)
	lanes := n.flow.Lanes(transport.Limit{}, a.url.String()) // no count: only a refusal stops it
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Op: "post message", Method: http.MethodPost, URL: a.url, Header: header(), Repeat: transport.Message, Lanes: lanes,
			AnyBody: true,
		}
	}
	n.flow.Render = sign.render
	if sign != nil {
		n.flow.Key = func(ctx context.Context, m *Message) { m.setID(ctx, c.URL.Reveal()) }
		n.flow.Settle = settle
	}
	return n, nil
}

// check notes all problems, and returns the address and what signs, nil without secrets.
func (c Config) check(p *provider.Problems) (address, signer) {
	a := addressOf(p, c.URL)
	sign := newSigner(p, c.SigningSecrets)
	checkHeader(p, c.Header, a.basic != "")
	if c.PublicOnly {
		p.Guard("PublicOnly", c.Call)
	}
	p.Level(c.Level)
	p.Call(c.Call)
	return a, sign
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver sends the alert and returns the outcome. The receipt's ID is the webhook-id, which only signed requests have.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send sends a message that the caller has made. Nothing is cut. A message whose ID or ContentType cannot stand in a
// header is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "webhook example.com". The rest of the address may be secret.
func (n *Notifier) String() string { return n.flow.Notifier }
