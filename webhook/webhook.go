// Package webhook passes alerts on to any address that takes Mackerel's webhooks, in Mackerel's own JSON, wherever the
// alerts came from (https://mackerel.io/docs/entry/howto/alerts/webhook).
//
// A [Notifier] sends one POST per alert. One that came from a webhook goes on byte for byte but for white space
// around it, unless it was changed on the way; then what was changed is changed, and the rest stays as it came. Of an
// alert that was made by hand it is what [mackerel.Alert.MarshalJSON] says.
//
//	n, err := webhook.New(webhook.Config{
//		URL:            mackerel.NewSecret("https://user:p4ssw0rd@example.com/alerts"),
//		SigningSecrets: []mackerel.Secret{mackerel.NewSecret(os.Getenv("WEBHOOK_SECRET"))}, // whsec_...
//	})
//	err = n.Notify(ctx, alert)
//
// User and password of the URL become Basic authentication, as with Mackerel's own webhooks. Config.Header has headers of
// the caller's, which may be secrets.
//
// # Signature
//
// With SigningSecrets, a request has the headers of Standard Webhooks 1.0.0
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): webhook-id,
// webhook-timestamp and webhook-signature, one signature of version v1 (HMAC-SHA256) for each secret. The id is that of
// the delivery and the same on every attempt; timestamp and signature are made anew for each, so that one that had to
// wait is still valid. Asymmetric keys (whsk_, v1a) are not supported.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Success is any status of the 200s, whatever the body. If an answer is lost and the
// request is made again, it may arrive twice; a receiver that checks signatures knows the second by its webhook-id. Not
// all do, so with [mackerel.AtMostOnce] nothing is sent twice, and the error is [mackerel.ErrAmbiguous]. Each Notify has
// an id of its own, since Mackerel repeats a notification in the same words and both count; whoever sets [Message].ID, the
// same for the same message, may repeat at will. Receipts have the webhook-id as their ID, and none without a signature.
// Redirects are not followed. 410 means that the receiver wants no more: it is [mackerel.ErrNotFound], as 404 is.
//
// # Limits
//
// There are none that all receivers share, and nothing is cut: a body that is not whole is of no use. Standard Webhooks
// advises to stay below 20 kB. A 429 is waited out for as long as it asks, within Call.MaxWait and the context's deadline.
//
// # Text
//
// What is sent is data. It has no words of ours, so Config.Text changes nothing; whoever shows it to people has to escape
// it.
//
// # Addresses of other people
//
// An address that somebody else may choose can point to where only this program gets: to itself, to its network, to the
// cloud's metadata. Config.PublicOnly refuses all but public addresses. It looks at the address that is dialed, after the
// name was resolved, so a name that resolves to something else the next time does not get around it; an alert for such
// an address is [mackerel.ErrInvalid]. For that to be certain the connection is made by a dialer of ours and without a
// proxy: of Call.Client's *http.Transport all else is kept, and a RoundTripper of another kind is refused by New. Public
// addresses that belong to the caller are public.
package webhook

import (
	"context"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "webhook"

// Config says where to send. URL is required.
type Config struct {
	URL mackerel.Secret `json:"url"` // http or https; what stands before an @ is for Basic authentication
	// SigningSecrets sign each request: whsec_ and 24 to 64 bytes in base64. Several, the new one and the old one, let a
	// receiver change from one to the other. None, and nothing is signed.
	SigningSecrets []mackerel.Secret          `json:"signing_secrets,omitzero"`
	Header         map[string]mackerel.Secret `json:"header,omitzero"`      // to send besides; kept out of errors and previews
	PublicOnly     bool                       `json:"public_only,omitzero"` // refuse addresses that are not public

	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"` // as everywhere, but it changes nothing here
	Message func(mackerel.Alert) (Message, error) `json:"-"`             // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier sends alerts to one address. It is safe for concurrent use.
type Notifier struct {
	service provider.Service
	post    func() transport.Request // all but header and body
	header  func() http.Header       // a function, for fmt cannot open it
	sign    signer                   // nil without secrets
	level   mackerel.Level
	message func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling anybody, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	a := addressOf(&p, c.URL)
	sign := newSigner(&p, c.SigningSecrets)
	checkHeader(&p, c.Header, a.basic != "")
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if c.PublicOnly {
		p.Guard("PublicOnly", c.Call)
	}
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service: provider.Service{Name: name, DecodeError: decodeError}, sign: sign, level: c.Level, message: c.Message,
	}
	n.service.Connect(c.Call, mackerel.AtLeastOnce, c.secrets(a)...)
	if c.PublicOnly {
		if err := n.service.Guard(); err != nil {
			return nil, err
		}
	}
	post := transport.Request{
		Op: "post message", Method: http.MethodPost, URL: a.url, Repeat: transport.Message,
	}
	n.post = func() transport.Request { return post }
	n.header = c.header(&n.service, a)
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

// Deliver sends the alert and says what came of it. The receipt's ID is the webhook-id, "" without a signature.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send sends a message that the caller has made.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", nil), err
	}
	id := ""
	if n.sign != nil {
		id = m.id()
		r.Sign = n.sign(id, r.Body)
	}
	result, err := n.service.Do(ctx, r)
	if err != nil {
		id = ""
	}
	return n.service.Receipt(start, result, id, nil), err
}

// Preview shows what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	r, err := n.request(m)
	if err != nil {
		return nil, err
	}
	if n.sign != nil {
		m.previewSignature(r.Header)
	}
	return n.service.Preview(nil, r), nil
}

// String returns "webhook example.com": the rest of the address may be secret.
func (n *Notifier) String() string { return name + " " + n.post().URL.Host }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	return m, "", nil
}

// request renders a message, all but its signature. The header is the request's own.
func (n *Notifier) request(m Message) (transport.Request, error) {
	r := n.post()
	if problem := m.problem(); problem != "" {
		return r, n.service.Invalid(r.Op, problem)
	}
	body, err := m.body()
	if err != nil {
		return r, n.service.Invalid(r.Op, err.Error())
	}
	r.Header, r.Body = n.header().Clone(), body
	r.Header.Set("Content-Type", m.contentType())
	return r, nil
}
