// Package twilio carries alerts to telephones through Twilio's REST API (https://www.twilio.com/docs/usage/api): as an
// SMS, as a call that speaks, or as a call that does what a TwiML document at an address of yours says. These are the
// three kinds of Mackerel's own Twilio channel.
//
//	n, err := twilio.New(twilio.Config{
//		Kind:         twilio.KindCall,
//		AccountSID:   "AC...",
//		APIKeySID:    "SK...",
//		APIKeySecret: mackerel.NewSecret(os.Getenv("TWILIO_API_KEY_SECRET")),
//		From:         "+815000000000",
//		To:           "+819000000000",
//	})
//	err = n.Notify(ctx, alert)
//
// Calls are made for alerts and alert groups that are open, and for the sample of the Test button: nobody is woken up to
// hear that all is well or that a host was registered. SMS are sent for every event. Config.Level can leave out warnings.
//
// # Delivery
//
// The default is [mackerel.AtMostOnce], since a repeated call rings a second time and both are billed. Twilio documents
// no key to deduplicate by: if an answer is lost, or is a 5xx, the error is [mackerel.ErrAmbiguous] and nothing is
// repeated. What was provably not accepted is: a connection that could not be made, and a 429. With
// [mackerel.AtLeastOnce] a lost call is placed again. A success means that Twilio has queued the call or message, not that
// anybody has answered; Config.StatusCallback hears of that.
//
// # Limits
//
// An SMS has at most [MaxBody] characters and is billed by parts, of 160 characters in the alphabet of GSM and of 70 in
// any other, Japanese included: Config.MaxLength can set a lower limit. What a call says has at most [MaxSay] bytes as
// TwiML. What is longer is cut, the text first, and the receipt says so. Twilio answers 429 when too much is under way at
// once; it is tried again, within Call.MaxWait.
//
// # Text
//
// An SMS is plain text. TwiML is written by encoding/xml, so text from alerts cannot become a verb in it.
//
// # Service
//
// Not confirmed: how Twilio counts the characters of an SMS that take two places in the alphabet of GSM, which are counted
// twice here, and in what unit it measures TwiML, which is bytes here.
package twilio

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "twilio"

// DefaultBaseURL is where the API is, https only. Accounts of other regions have other addresses.
const DefaultBaseURL = "https://api.twilio.com"

// A Kind is how an alert reaches the telephone.
type Kind string

// The kinds.
const (
	KindSMS   Kind = "sms"   // a text message
	KindCall  Kind = "call"  // a call that speaks
	KindTwiML Kind = "twiml" // a call that does what the document at Config.TwiMLURL says
)

// Config says how to reach whom, and on whose account. Kind, AccountSID, From, To and either AuthToken or both APIKeySID
// and APIKeySecret are required.
type Config struct {
	Kind         Kind            `json:"kind"`
	AccountSID   string          `json:"account_sid"` // AC and 32 hexadecimal digits
	AuthToken    mackerel.Secret `json:"auth_token,omitzero"`
	APIKeySID    string          `json:"api_key_sid,omitzero"` // SK and 32 hexadecimal digits; what Twilio recommends
	APIKeySecret mackerel.Secret `json:"api_key_secret,omitzero"`
	// From is a number of the account's in E.164, "+815000000000"; of an SMS it may also be a short code or a sender's name.
	From string `json:"from"`
	To   string `json:"to"` // a number in E.164
	// StatusCallback is where Twilio reports what became of the call or message. It may hold credentials.
	StatusCallback mackerel.Secret `json:"status_callback,omitzero"`

	MaxLength int    `json:"max_length,omitzero"` // of an SMS, in characters; MaxBody unless set
	Say       string `json:"say,omitzero"`        // of a KindCall: what it says of every alert, in place of the alert's own words
	Language  string `json:"language,omitzero"`   // of a KindCall: "ja-JP"; that of Text unless set
	Voice     string `json:"voice,omitzero"`      // of a KindCall: "Polly.Mizuki"; Twilio's default unless set
	// TwiMLURL is the address of the document of a KindTwiML, which Twilio fetches with GET. If it has no query,
	// ?alertId= and the alert's ID are appended. It may hold credentials.
	TwiMLURL mackerel.Secret `json:"twiml_url,omitzero"`

	BaseURL string                                `json:"base_url,omitzero"` // DefaultBaseURL unless set
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set, or Say
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier calls, or sends SMS to, one number. It is safe for concurrent use.
type Notifier struct {
	service  provider.Service
	kind     Kind
	url      *url.URL
	header   func() http.Header
	form     form // what is the same for all alerts, but for the addresses
	callback mackerel.Secret
	twiml    mackerel.Secret
	length   int
	language string
	voice    string
	level    mackerel.Level
	message  func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	base, secrets := c.check(&p)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	resource := "Calls.json"
	if c.Kind == KindSMS {
		resource = "Messages.json"
	}
	n := &Notifier{
		service: provider.Service{Name: name, DecodeError: decodeError}, kind: c.Kind, form: form{To: c.To, From: c.From},
		callback: c.StatusCallback, twiml: c.TwiMLURL, length: cmp.Or(c.MaxLength, MaxBody),
		language: cmp.Or(c.Language, spoken(c.Text.Language)), voice: c.Voice, level: c.Level, message: c.Message,
	}
	n.url, _ = transport.Join(base, apiVersion, "Accounts", c.AccountSID, resource) // of words and a SID, so always good
	user, password := c.credentials()
	secrets = append(secrets, password.Reveal(), user+":"+password.Reveal()) // the latter is found in base64, too
	n.service.Connect(c.Call, mackerel.AtMostOnce, secrets...)
	n.header = n.service.Header("Authorization", basic(user, password), "Accept", "application/json",
		"Content-Type", "application/x-www-form-urlencoded")
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	if c.Say != "" {
		n.message = func(mackerel.Alert) (Message, error) { return Message{Text: c.Say}, nil }
	}
	return n, nil
}

// Notify calls or texts: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver calls or texts and says what came of it. The receipt's ID is the SID of the call or message.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send calls or texts with a message that the caller has made. That it is cut is no error; that it is empty is one. What
// a call to a TwiML document says is the document's; of the message only AlertID counts then.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", nil), err
	}
	result, err := n.service.Do(ctx, r)
	receipt := n.service.Receipt(start, result, sidOf(result.Body), cuts)
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
	return n.service.Preview(cuts, r), nil
}

// String returns "twilio call to ...0000": a person's number does not belong into logs.
func (n *Notifier) String() string {
	kind := "call"
	if n.kind == KindSMS {
		kind = "SMS"
	}
	return name + " " + kind + " to ..." + n.form.To[max(0, len(n.form.To)-4):]
}

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = cmp.Or(provider.Skip(n.level, a), n.quiet(a)); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	m.AlertID = cmp.Or(m.AlertID, a.ID)
	return m, "", nil
}

// quiet says why nobody is called about an event, "" if somebody is.
func (n *Notifier) quiet(a mackerel.Alert) string {
	switch {
	case n.kind == KindSMS || a.Event == mackerel.EventSample:
		return ""
	case provider.Rating(a) == "":
		return "calls are made for alerts only"
	case a.Closed():
		return "the alert is closed, and no call is made for a recovery"
	}
	return ""
}

// check notes everything that is wrong, and returns the base URL and the secrets of the addresses.
func (c Config) check(p *provider.Problems) (base *url.URL, secrets []string) {
	c.checkAccount(p)
	c.checkKind(p)
	for field, s := range map[string]mackerel.Secret{"StatusCallback": c.StatusCallback, "TwiMLURL": c.TwiMLURL} {
		if s.IsZero() {
			continue
		}
		if u := p.Hook(field, s); u != nil {
			secrets = append(secrets, provider.URLSecrets(u)...)
		}
	}
	base, problem := transport.ParseBase(cmp.Or(c.BaseURL, DefaultBaseURL))
	p.Add("BaseURL", problem)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	return base, secrets
}

// spoken is the language of a call as TwiML names it.
func spoken(l mackerel.Language) string {
	if l == mackerel.Japanese {
		return "ja-JP"
	}
	return "en-US"
}

// withAlertID appends the alert's ID to an address that has no query, as Mackerel's channel does.
func withAlertID(address, id string) string {
	if id == "" || strings.Contains(address, "?") {
		return address
	}
	return address + "?alertId=" + url.QueryEscape(id)
}
