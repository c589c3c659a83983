// Package twilio carries alerts to telephones, through Twilio's REST API (https://www.twilio.com/docs/usage/api).
//
// A [Notifier] sends one SMS or makes one call per alert. There are three kinds, as in Mackerel's own Twilio channel:
// an SMS, a call that speaks, and a call that does what a TwiML document at an address of yours says.
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
// Calls are made for alerts, alert groups and digests that are open, and for the sample of Mackerel's Test button.
// Recoveries and other events are skipped. SMS are sent for every event.
//
// # Delivery
//
// The default is [mackerel.AtMostOnce], because a repeated call rings a second time and both calls are billed. Twilio
// documents no key to drop repeats by. If an answer is lost or is a 5xx, nothing is repeated and the error is
// [mackerel.ErrAmbiguous]. A 429 and a connection that could not be made are repeated, because they prove that nothing
// was accepted. With [mackerel.AtLeastOnce] a call whose answer was lost is made again.
//
// Success is a 201 with the SID of the call or message, which is the receipt's ID. Receipts are
// [mackerel.Receipt].Queued: Twilio calls or sends later, and reports the outcome to Config.StatusCallback only.
//
// # Limits
//
// Twilio takes one call per second and account, and queues what exceeds it for up to a day
// (https://www.twilio.com/docs/glossary/what-is-cps). Carriers filter more than about 15 messages in 30 seconds between
// two numbers. So one call is made per second, and at most 10 messages are sent in 30 seconds from one number to
// another; faster alerts wait for their turn: see [mackerel.Pace]. A call that waits here ends with its context; a call
// that waits at Twilio rings late. Twilio answers 429 if an account makes too many requests at once; at most 10
// messages are under way. Such a request is made again after the time that Twilio asks for, within Call.MaxWait and the
// context's deadline. Beyond that the error is [mackerel.ErrRateLimited] and says how long to wait.
//
// An SMS has at most 1,600 characters. It is billed by parts: 160 characters of the alphabet of GSM, or 153 in each of
// several; 70 or 67 characters if the SMS has any other character, such as a Japanese one. Unless Config.MaxLength is
// set, the text is cut to what two parts have beside the title and the link. What a call says about an alert has at
// most 300 bytes of English or 120 characters of Japanese, and is said twice; what callers write has at most 3,000 bytes
// as TwiML, both times together. The receipt says what was cut. The link of an SMS is never cut: if it does not fit
// beside the title, it is left out. Message.RawTwiML has at most 4,000 bytes and is never cut.
//
// # Text
//
// An SMS is plain text. TwiML is written by encoding/xml, so text from alerts cannot become a verb of TwiML.
//
// # Service
//
// Accounts in other regions than the United States have other addresses: see Config.BaseURL.
//
// Not documented: how Twilio counts a character that takes two places in the alphabet of GSM, so it counts twice here;
// and in what unit it measures TwiML, so bytes are counted here.
package twilio

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "twilio"

// DefaultBaseURL is the base URL of the API. Accounts in other regions than the United States have another.
const DefaultBaseURL = "https://api.twilio.com"

// A Kind is how an alert reaches the telephone.
type Kind string

// The kinds.
const (
	KindSMS   Kind = "sms"   // a text message
	KindCall  Kind = "call"  // a call that speaks
	KindTwiML Kind = "twiml" // a call that does what the document at Config.TwiMLURL says
)

// Config says whom to reach, how, and on whose account. Kind, AccountSID, From, To and either AuthToken or both
// APIKeySID and APIKeySecret are required.
type Config struct {
	Kind         Kind            `json:"kind"`
	AccountSID   string          `json:"account_sid"` // AC and 32 hexadecimal digits
	AuthToken    mackerel.Secret `json:"auth_token,omitzero"`
	APIKeySID    string          `json:"api_key_sid,omitzero"` // SK and 32 hexadecimal digits
	APIKeySecret mackerel.Secret `json:"api_key_secret,omitzero"`
	// From is a number of the account in E.164, such as "+815000000000". For SMS it may be a short code or the name of
	// a sender.
	From string `json:"from"`
	To   string `json:"to"` // a number in E.164
	// StatusCallback is the address to which Twilio reports the outcome of the call or message. It may hold
	// credentials.
	StatusCallback mackerel.Secret `json:"status_callback,omitzero"`

	// MaxLength is the limit of an SMS, in characters. Unless set, it is 1600, and the text is cut so that the SMS has
	// two parts if the title and the link leave room for that.
	MaxLength int    `json:"max_length,omitzero"`
	Say       string `json:"say,omitzero"`      // what a KindCall says for every alert; the alert's words unless set
	Language  string `json:"language,omitzero"` // of a KindCall, such as "ja-JP"; as Text unless set
	Voice     string `json:"voice,omitzero"`    // of a KindCall, such as "Polly.Mizuki"; Twilio's unless set
	// TwiMLURL is the address of the document of a KindTwiML. Twilio fetches it with GET. If the address has no query,
	// ?alertId= and the alert's ID are appended. It may hold credentials.
	TwiMLURL mackerel.Secret `json:"twiml_url,omitzero"`
	BaseURL  string          `json:"base_url,omitzero"` // DefaultBaseURL unless set

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier calls, or sends SMS to, one number. It is safe for concurrent use.
type Notifier struct {
	flow            provider.Flow[Message]
	language, voice string
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	base, secrets := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	c.Language = cmp.Or(c.Language, languages[c.Text.Language])
	op, resource, label := "create call", "Calls.json", name+" call to ..."
	if c.Kind == KindSMS {
		op, resource, label = "create message", "Messages.json", name+" SMS to ..."
	}
	n := &Notifier{provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: label + c.To[max(0, len(c.To)-4):]},
		Skip:    c.skip(),
		Message: c.message,
		Edit:    c.Edit,
		Render:  c.render,
		Unit:    characters,
		Text:    c.Text,
		Settle:  settle,
	}, c.Language, c.Voice}
	user, password := c.credentials()
	secrets = append(secrets, password, user+":"+password) // the header has the latter in base64
	n.flow.Connect(c.Call, mackerel.AtMostOnce, secrets...)
	header := n.flow.Header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)),
		"Accept", "application/json", "Content-Type", "application/x-www-form-urlencoded")
	u, _ := transport.Join(base, "2010-04-01", "Accounts", c.AccountSID, resource) // cannot fail: the SID was checked
	lanes := c.lanes(&n.flow.Service, base.Host)
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Op: op, Method: http.MethodPost, URL: u, Header: header(), Repeat: transport.Message, Lanes: lanes,
			Limited: limited, Judge: judge,
		}
	}
	return n, nil
}

// check notes all problems, and returns the base URL and what is secret in the other addresses.
func (c Config) check(p *provider.Problems) (base *url.URL, secrets []string) {
	p.Require("Kind", c.Kind != "")
	provider.OneOf(p, "Kind", c.Kind, KindSMS, KindCall, KindTwiML)
	c.checkCredentials(p)
	sender := c.Kind == KindSMS && senderForm.MatchString(c.From)
	p.Check("From", sender || numberForm.MatchString(c.From), "must be a number in E.164, such as +815000000000")
	p.Check("To", numberForm.MatchString(c.To), "must be a number in E.164, such as +819000000000")
	secrets = addressSecrets(p, "StatusCallback", c.StatusCallback)
	c.checkKind(p)
	secrets = append(secrets, addressSecrets(p, "TwiMLURL", c.TwiMLURL)...)
	base = p.Base("BaseURL", c.BaseURL, DefaultBaseURL)
	p.Common(c.Level, c.Text, c.Call)
	return base, secrets
}

var (
	accountForm = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	keyForm     = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	numberForm  = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)     // E.164
	senderForm  = regexp.MustCompile(`^[0-9A-Za-z+_& -]{1,11}$`) // a short code or the name of a sender
)

// checkCredentials notes what is wrong with the account and with its credentials.
func (c Config) checkCredentials(p *provider.Problems) {
	p.Check("AccountSID", accountForm.MatchString(c.AccountSID), "must be AC and 32 hexadecimal digits")
	if c.APIKeySID == "" && c.APIKeySecret.IsZero() {
		p.Token("AuthToken", c.AuthToken)
		return
	}
	p.Check("AuthToken", c.AuthToken.IsZero(), "set together with an API key")
	p.Check("APIKeySID", keyForm.MatchString(c.APIKeySID), "must be SK and 32 hexadecimal digits")
	p.Token("APIKeySecret", c.APIKeySecret)
}

// checkKind notes what is wrong with the fields that are for one kind alone.
func (c Config) checkKind(p *provider.Problems) {
	only := func(kind Kind, field string, set bool) {
		p.Check(field, !set || c.Kind == kind, "only for the kind "+strconv.Quote(string(kind)))
	}
	fits := c.MaxLength >= 0 && c.MaxLength <= maxBody
	p.Check("MaxLength", fits, "must be from 1 to "+strconv.Itoa(maxBody))
	only(KindSMS, "MaxLength", c.MaxLength != 0)
	p.Check("Say", c.Say == "" || !provider.Blank(c.Say), "must not be blank")
	only(KindCall, "Say", c.Say != "")
	p.Length("Language", c.Language, provider.Bytes, maxAttribute)
	only(KindCall, "Language", c.Language != "")
	p.Length("Voice", c.Voice, provider.Bytes, maxAttribute)
	only(KindCall, "Voice", c.Voice != "")
	p.Require("TwiMLURL", c.Kind != KindTwiML || !c.TwiMLURL.IsZero())
	only(KindTwiML, "TwiMLURL", !c.TwiMLURL.IsZero())
}

// addressSecrets notes what is wrong with an address that Twilio is to call, and returns its secrets.
func addressSecrets(p *provider.Problems, field string, address mackerel.Secret) []string {
	if address.IsZero() {
		return nil
	}
	u := p.Hook(field, address)
	if u == nil {
		return nil
	}
	return provider.URLSecrets(u)
}

// languages are the languages of calls, as TwiML names them, by the language of Text.
var languages = map[mackerel.Language]string{"": "en-US", mackerel.English: "en-US", mackerel.Japanese: "ja-JP"}

// credentials returns the API key or, without an API key, the account's SID and token.
func (c Config) credentials() (user, password string) {
	if c.APIKeySID != "" {
		return c.APIKeySID, c.APIKeySecret.Reveal()
	}
	return c.AccountSID, c.AuthToken.Reveal()
}

// message returns the message for an alert, with what is configured.
func (c Config) message(a mackerel.Alert) Message {
	if c.Kind == KindSMS {
		return sms(a, c.Text)
	}
	m := DefaultMessage(a, c.Text)
	m.Speech = cmp.Or(c.Say, m.Speech)
	return m.spoken(c.Language, c.Voice)
}

// skip returns the Skip of the kind.
func (c Config) skip() func(mackerel.Alert) string {
	byLevel := provider.ByLevel(c.Level)
	if c.Kind == KindSMS {
		return byLevel
	}
	return func(a mackerel.Alert) string {
		switch {
		case a.Event == mackerel.EventSample:
			return ""
		case provider.Rating(a) == "":
			return "the event " + strconv.Quote(string(a.Event)) + ", and calls are made for alerts only"
		case a.Event == mackerel.EventDigest && !slices.ContainsFunc(a.Alerts, isOpen):
			return "a digest, and none of its alerts is open"
		case a.Closed():
			return "the alert is closed, and no call is made for a recovery"
		}
		return byLevel(a)
	}
}

func isOpen(a mackerel.Alert) bool { return provider.Rating(a) != "" && !a.Closed() }

// Notify calls or sends an SMS for the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver calls or sends an SMS for the alert and returns the outcome. The receipt's ID is the SID of the call or
// message.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send calls or sends an SMS with a message that the caller has made. Language and Voice are the Config's unless set.
// For a KindTwiML only the message's AlertID counts. Texts that are too long are cut, and the receipt says so. A
// message that is empty, or that Twilio is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m.spoken(n.language, n.voice))
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "twilio call to ...0000" or "twilio SMS to ...0000". It does not have the whole number of a person,
// because it is made for logs.
func (n *Notifier) String() string { return n.flow.Notifier }
