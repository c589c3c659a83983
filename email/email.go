// Package email carries alerts to mailboxes, through an SMTP server that takes mail for sending: the server of a mail
// service, or a relay in your own network.
//
// A [Notifier] sends each recipient a separate mail. The subject says the status, the monitor and the host. The body,
// as plain text and as HTML, begins with how bad it is; facts, memo, link and graph follow. All mails about one alert
// refer to one thread. The subject has no value of a metric: Gmail keeps only mails with the same subject in a thread,
// as Google announced in March 2019, and so keeps the reminders of an alert together.
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
// The default is [mackerel.AtLeastOnce]. If the connection is lost before the final dot of a mail was sent, the mail
// was not accepted, and it is sent again. If it is lost after the dot, the mail may have been accepted: it is sent
// again, and may stand in the mailbox twice. With [mackerel.AtMostOnce] it is not sent again, and the error is
// [mackerel.ErrAmbiguous]. Success means that the server has accepted the mail for every recipient. It delivers the
// mail later, so receipts are [mackerel.Receipt].Queued, and mails that it cannot deliver go back to Config.From.
//
// A refused recipient does not keep the others from getting their mail. If there are several recipients, the error
// joins a [mackerel.DeliveryError] for each recipient who did not get the mail. Its Notifier sends to that recipient
// alone, so those of [mackerel.Failures] can be repeated, as its documentation shows, without a second mail to the
// others.
//
// With one recipient, or if there was no session with the server, the error is a [mackerel.Error].
//
// An attempt sends one mail to each recipient who has not got it, over one connection unless that breaks. Call.Timeout
// limits the time to make the connection and, separately, the time of each mail. A refusal for now (4yz) is repeated
// within the attempts and is [mackerel.ErrUnavailable] at last. A refusal for good (5yz) is not repeated.
//
// Many mailboxes drop or hide the second of two mails with the same Message-ID; others show both. The attempts of a
// call have the same Message-ID, and so have the repeats of a delivery that [mackerel.WithDeliveryID] names, also in
// another process. Without a name, the mails about an alert with a time have the same Message-ID as long as they say
// the same (see Message.State), so a reminder that says the same as the mail before is a repeat. Without a time, each
// call sends a mail of its own, and only the notifiers of [mackerel.Failures] send it again.
//
// # Limits
//
// Each server has its own limits. At most 30 mails are sent per minute with one account of a server, over one
// connection, as Microsoft 365 documents; faster alerts wait for their turn: see [mackerel.Pace]. Shared hosts often
// take less: Call.Pace with N 100 and Per 15 minutes suits most of them. A refusal for too many mails, or of a sender
// for now, stops all mails of the account for a minute, and longer with each refusal.
//
// A mail has at most 65,536 bytes, which every server must take. Longer texts are cut, and the receipt says so. The
// facts that matter least go first, then the ends of the text and of the memo. The link goes last. Message.RawHTML is
// never cut. A subject has at most 150 characters. A longer title loses its middle there, and is in the body with up to
// 4,000 characters.
//
// # Text
//
// Text from alerts cannot become a field of the header, a recipient, a part of the mail or HTML. Only Message.RawHTML
// is sent as it is. Mail programs may turn addresses in the text into links.
//
// # Service
//
// The server must offer STARTTLS, or speak TLS from the first byte on port 465, with a certificate that is valid for
// Config.Host. There is no fallback to a connection without TLS. Credentials are sent with PLAIN or LOGIN, and without
// TLS only to this machine. OAuth 2.0 and addresses with characters beyond ASCII are not supported. Call.Client and an
// HTTP proxy are not used: see Config.Dial.
//
// Not documented: which mail programs keep a thread together if the subjects differ in the status, and which of them
// drop repeats.
package email

import (
	"context"
	"crypto/tls"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
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

// The ways to encrypt a connection. Unless set, it is TLSImplicit on port 465 and TLSStart on any other port.
const (
	TLSStart    TLS = "starttls" // the connection begins without TLS, and no mail is sent before STARTTLS
	TLSImplicit TLS = "implicit" // TLS from the first byte
	// TLSNone sends everything without TLS, for a relay in your own network that takes mail without credentials. With
	// credentials it is allowed to localhost and loopback addresses only.
	TLSNone TLS = "none"
)

// Config says what to send to whom, and through which server. Host, From and To are required.
type Config struct {
	Host     string          `json:"host"`          // of the SMTP server
	Port     int             `json:"port,omitzero"` // DefaultPort unless set
	TLS      TLS             `json:"tls,omitzero"`
	Username string          `json:"username,omitzero"` // with Password, if the server asks for credentials
	Password mackerel.Secret `json:"password,omitzero"`
	From     string          `json:"from"`           // an address, with or without a name: "Mackerel <alert@example.com>"
	To       []string        `json:"to"`             // addresses; each gets a separate mail and does not see the others
	Hello    string          `json:"hello,omitzero"` // the name of this machine in EHLO; the machine's own unless set
	// TLSConfig is for a certificate authority of your own and the like. It is copied. Its ServerName is Host unless
	// set.
	TLSConfig *tls.Config `json:"-"`
	// Dial makes the connections in place of a [net.Dialer], for a tunnel or a test. TLS is spoken over what it
	// returns.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-"`

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts and waits
}

// A Notifier sends alerts to one list of recipients. It is safe for concurrent use.
type Notifier struct {
	flow      provider.Flow[Message]
	config    Config
	lanes     lanes
	from      *mail.Address
	to        []*mail.Address
	userAgent string
	repeats   string // the name of the delivery that the notifier of a failure repeats
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	from, to := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	n := &Notifier{config: c.complete(), from: from, flow: provider.Flow[Message]{
		Service: provider.Service{Name: name, DecodeError: decodeError},
		Skip:    provider.ByLevel(c.Level),
		Message: func(a mackerel.Alert) Message { return DefaultMessage(a, c.Text) },
		Edit:    c.Edit,
	}}
	password := c.Password.Reveal()
	plain := "\x00" + c.Username + "\x00" + password // as PLAIN sends them
	n.flow.Connect(c.Call, mackerel.AtLeastOnce, password, plain)
	if c.Dial != nil {
		n.flow.Transport().Alone()
	}
	n.lanes = n.config.lanes(n.flow.Transport())
	n.userAgent = n.flow.Header()().Get("User-Agent")
	return n.withRecipients(to...), nil
}

// check notes all problems, and returns the sender and the recipients.
func (c Config) check(p *provider.Problems) (from *mail.Address, to []*mail.Address) {
	p.Require("Host", c.Host != "")
	p.Check("Host", c.Host == "" || isHost(c.Host), "must be the name or address of a host")
	p.Check("Port", c.Port >= 0 && c.Port <= 65535, "must be from 1 to 65535")
	provider.OneOf(p, "TLS", c.TLS, TLSStart, TLSImplicit, TLSNone)
	c.checkCredentials(p)
	from = address(p, "From", c.From)
	to = addresses(p, "To", c.To)
	hello := strings.Trim(c.Hello, "[]")
	p.Check("Hello", c.Hello == "" || isHost(hello), "must be the name or address of a host")
	p.Common(c.Level, c.Text, c.Call)
	return from, to
}

func (c Config) checkCredentials(p *provider.Problems) {
	open := c.Username != "" && c.TLS == TLSNone && !isLoopback(c.Host)
	p.Check("TLS", !open, "credentials are sent without TLS to this machine only")
	p.Require("Username", c.Username != "" || c.Password.IsZero())
	p.Check("Username", !hasControl(c.Username), "has a control character")
	p.Require("Password", c.Username == "" || !c.Password.IsZero())
	p.Check("Password", !hasControl(c.Password.Reveal()), "has a control character")
}

// withRecipients returns a notifier like n that sends to these recipients.
func (n *Notifier) withRecipients(to ...*mail.Address) *Notifier {
	other := *n
	other.to = to
	other.flow.Post, other.flow.Show, other.flow.Notifier = other.post, other.show, other.String()
	return &other
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver sends the alert and returns the outcome. The receipt's ID has the Message-IDs of the mails that were
// accepted, separated by blanks.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send sends a message that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or too long without the texts that can be cut, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it: a mail for each recipient, with its text as people read
// it, before it is encoded.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "email to hanako@example.com", or "email to hanako@example.com and 2 more".
func (n *Notifier) String() string {
	if len(n.to) == 0 { // not made by New
		return name
	}
	s := name + " to " + mailbox(n.to[0])
	if more := len(n.to) - 1; more > 0 {
		s += " and " + strconv.Itoa(more) + " more"
	}
	return s
}
