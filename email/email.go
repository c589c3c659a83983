// Package email carries alerts to mailboxes, through an SMTP server that takes mail for sending: that of a mail service,
// or a relay in one's own network.
//
// A [Notifier] sends every recipient a mail of their own, with the title as the subject, and the text, the facts, the memo
// and a link, both as plain text and as HTML. All mails about one alert are one thread.
//
//	n, err := email.New(email.Config{
//		Host:     "smtp.example.com", // port 587 and STARTTLS unless set
//		Username: "alert@example.com",
//		Password: mackerel.NewSecret(os.Getenv("SMTP_PASSWORD")),
//		From:     "Mackerel <alert@example.com>",
//		To:       []string{"hanako@example.com", "oncall@example.com"},
//	})
//	err = n.Notify(ctx, alert)
//
// # Delivery
//
// Success means that the server has accepted the mail for every recipient; delivering it is the server's own affair from
// then on, and what comes back goes to Config.From. That a recipient is refused never costs the others. Where there are
// several, the error joins one [mackerel.DeliveryError] for each who did not get the mail, whose Notifier sends to that
// one alone, so that [mackerel.Failures] repeats nothing for the others:
//
//	for _, f := range mackerel.Failures(err) {
//		err = f.Notifier.Notify(ctx, alert)
//	}
//
// If there is but one recipient, or if nobody got the mail because the server could not be reached or refused the session,
// the error is a single [mackerel.Error].
//
// An attempt is one mail to each who has not got it yet, over one connection as long as that holds. Call.Timeout counts
// for making the connection, and anew for each mail. A refusal for now (4yz) is repeated within the attempts, and is
// [mackerel.ErrUnavailable] in the end; one for good (5yz) is not. Until the final dot of a mail was sent, a lost connection
// proves that it was not accepted. After that nobody knows. The default is [mackerel.AtLeastOnce], which sends it again;
// with [mackerel.AtMostOnce] that is [mackerel.ErrAmbiguous].
//
// A mail that is sent again, by this package or by another call of Notify for the same alert in the same state, has the
// same Message-ID. Many mailboxes drop or hide the second of two mails with one Message-ID; in others it stands twice. The
// Message-ID is made of the sender, the recipient, the alert's Key, Event, Status and times, and everything that the mail
// says. A reminder that says exactly the same as the mail before is therefore a duplicate as well, unless Message.State
// tells them apart.
//
// Call.Client and an HTTP proxy do not matter here; see Config.Dial.
//
// # Limits
//
// A mail has at most [MaxMail] bytes, which every server must take, and a title at most [MaxTitle] characters. What is
// longer is cut, the memo first, and the receipt says so. Servers limit how many mails they take in which time, each in
// its own way; they say so with a 4yz.
//
// # Text
//
// Text from alerts cannot become a field of the header, a recipient, or HTML: what stands in the header is one line and
// encoded, the HTML is escaped, and the boundary between the parts cannot be foreseen by a text. Only Message.RawHTML is
// sent as it is. Mail programs may turn addresses in a text into links by themselves.
//
// # Service
//
// The server must offer STARTTLS, or speak TLS from the first byte on port 465, with a certificate that is good for
// Config.Host; there is no falling back to an open connection. Credentials are given by PLAIN or LOGIN, never in the clear
// but to this machine itself. OAuth 2.0, which some services demand instead of a password, is not supported; nor are
// addresses beyond ASCII. Not confirmed: in which mail programs a thread holds together although its subjects differ in the
// status, and which of them drop repeats.
package email

import (
	"context"
	"crypto/tls"
	"net"
	"net/mail"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts, and op its only operation.
const (
	name = "email"
	op   = "send mail"
)

// The usual ports of servers that take mail for sending (https://www.rfc-editor.org/rfc/rfc8314#section-3.3).
const (
	DefaultPort = 587 // STARTTLS
	ImplicitTLS = 465 // TLS from the first byte
)

// A TLS says how the connection is encrypted.
type TLS string

// The ways. Unless one is set, it is TLSImplicit on port 465 and TLSStart on any other.
const (
	TLSStart    TLS = "starttls" // it begins in the clear, and nothing is sent until STARTTLS
	TLSImplicit TLS = "implicit" // from the first byte
	// TLSNone sends everything in the clear, for a relay within one's own network that takes mail without credentials.
	// With credentials only to localhost or a loopback address.
	TLSNone TLS = "none"
)

// Config says what to send to whom through which server. Host, From and To are required.
type Config struct {
	Host     string          `json:"host"`          // of the SMTP server
	Port     int             `json:"port,omitzero"` // DefaultPort unless set
	TLS      TLS             `json:"tls,omitzero"`
	Username string          `json:"username,omitzero"` // together with Password, for a server that asks for credentials
	Password mackerel.Secret `json:"password,omitzero"`
	From     string          `json:"from"` // an address, with a name or without: "Mackerel <alert@example.com>"
	To       []string        `json:"to"`   // addresses, each of which gets a mail of its own and does not see the others
	// Hello is the name by which this machine introduces itself to the server; that of the machine unless set. Some
	// servers want one that the DNS knows.
	Hello string `json:"hello,omitzero"`
	// TLSConfig is for a certificate authority of one's own and the like. It is copied; its ServerName is Host unless set.
	TLSConfig *tls.Config `json:"-"`
	// Dial makes the connections instead of a [net.Dialer], for a tunnel or a test. TLS is spoken over what it returns.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-"`

	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier sends alerts to one list of recipients. It is safe for concurrent use.
type Notifier struct {
	service   provider.Service
	server    *server
	from      *mail.Address
	to        []*mail.Address
	userAgent string
	language  mackerel.Language
	level     mackerel.Level
	message   func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the server, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	s := c.server(&p)
	from, to := c.addresses(&p)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service: provider.Service{Name: name, DecodeError: decodeReply}, server: s, from: from, to: to,
		language: c.Text.Language, level: c.Level, message: c.Message,
	}
	password := c.Password.Reveal()
	n.service.Connect(c.Call, mackerel.AtLeastOnce, password, "\x00"+c.Username+"\x00"+password) // the latter as PLAIN sends it
	n.userAgent = n.service.Header()().Get("User-Agent")
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

// Deliver sends the alert and says what came of it. The receipt's ID has the Message-IDs of the mails that were accepted,
// separated by blanks.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send sends a message that the caller has made. That it is cut is no error; that it is empty, or that what is never cut
// is too long, is one.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	text, cuts, err := n.prepare(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", nil), err
	}
	d, err := n.delivery(text, start.Format(time.RFC1123Z))
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", nil), err
	}
	result := n.service.Transport().Try(ctx, op, d.attempt)
	receipt := n.service.Receipt(start, result, d.accepted(), cuts)
	receipt.Queued = receipt.ID != ""
	return receipt, d.err(ctx)
}

// Preview shows what Deliver would send, without sending it: a mail for each recipient, with its text as it is read, before
// it is encoded for the way.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	text, cuts, err := n.prepare(m)
	if err != nil {
		return nil, err
	}
	p := &mackerel.Preview{Cuts: cuts}
	for _, to := range n.to {
		r, err := n.previewFor(text, to)
		if err != nil {
			return nil, err
		}
		p.Requests = append(p.Requests, r)
	}
	return p, nil
}

// String returns "email to hanako@example.com", or "email to hanako@example.com and 2 more".
func (n *Notifier) String() string {
	s := name + " to " + n.to[0].Address
	if more := len(n.to) - 1; more > 0 {
		s += " and " + strconv.Itoa(more) + " more"
	}
	return s
}

// only returns a notifier like n for one of its recipients.
func (n *Notifier) only(to *mail.Address) *Notifier {
	one := *n
	one.to = []*mail.Address{to}
	return &one
}

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	if m.Thread == "" {
		m.Thread = a.Key()
	}
	if m.State == "" {
		m.State = state(a)
	}
	return m, "", nil
}
