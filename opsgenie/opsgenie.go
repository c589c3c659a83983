// Package opsgenie carries alerts to Opsgenie (https://www.atlassian.com/software/opsgenie), through its Alert API
// (https://docs.opsgenie.com/docs/alert-api).
//
// A [Notifier] creates one alert in Opsgenie per alert of Mackerel, and closes it when the alert of Mackerel is over.
// The message of the alert in Opsgenie is the title and the first line of the text, as in "[CRITICAL] CPU % on app01: 96.51%". The description has the rest of the text, the memo and a link to the alert of Mackerel; the details are the
// facts; the priority goes by the status. A close has the words of the recovery as its note.
//
//	n, err := opsgenie.New(opsgenie.Config{
//		APIKey:     mackerel.NewSecret(os.Getenv("OPSGENIE_API_KEY")), // of an API integration
//		Responders: []opsgenie.Responder{{Type: "team", Name: "web"}},
//	})
//	err = n.Notify(ctx, alert)
//
// [Notifier.Acknowledge], [Notifier.AddNote] and [Notifier.CloseAlert] do what people do in Opsgenie, by the alias of
// the alert, which is [mackerel.Alert.Key].
//
// An alert group becomes an alert of its own, unlike on Mackerel's channel: if you receive alerts as well as alert
// groups and want one page, pass only one of the two on. A [mackerel.Digest] is skipped, because each alert has to open
// and close by itself. Other events, such as a host's change of status, are skipped too. The receipt says why.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Opsgenie drops repeats by the alias: if an answer is lost, the request is sent
// again in either delivery mode, and there is still one alert. Only notes, and alerts without an alias, which the
// caller has to make, can be doubled.
//
// Success is a 202 with the id of the request. Opsgenie carries the request out later, so a receipt is Queued and has
// that id as its ID. [Notifier.RequestStatus] returns the outcome. With Config.Follow, Deliver and Send ask for
// that themselves, up to 10 times, one second apart; then success means that the request was carried out.
//
// While an alert is open, Opsgenie only counts further creations with its alias. An alert that goes from warning to
// critical keeps the message, "[WARNING] ...", and the priority with which it was created. If the alert pages people,
// set Config.Level to [mackerel.LevelCritical]: then it is created when it becomes critical. Or give warning and
// critical the same priority (Config.Priorities).
//
// # Limits
//
// How many requests an account may make depends on its plan and its users
// (https://docs.opsgenie.com/docs/api-rate-limiting). At most 10 are sent per second with one key; faster alerts wait
// for their turn: see [mackerel.Pace]. The first request about an alert goes before requests about known alerts, and
// the requests about one alert are sent one after the other. A turn that would come too late for the context's deadline
// does not refuse a request: it is sent all the same. A request that is refused with 429 is sent again after the time
// that Opsgenie asks for, within Call.MaxWait and the context's deadline. Beyond that the error is
// [mackerel.ErrRateLimited] and says how long to wait.
//
// A message has at most 130 characters, a description 15,000, all details together 8,000, an entity 512, a source 100
// and a note 25,000. There are at most 20 tags of 50 characters. Longer texts are cut, and the receipt says so. In the
// message, the first line is cut before the title; what was cut there stands in full in the description. In the
// description, the lines of the text after the fifth are cut first, and then the memo. An alias has at most 512 characters and is never cut; there are at most
// 50 responders.
//
// # Text
//
// Text is sent as it is, because nothing in it mentions anyone. Control characters are replaced. Opsgenie may show HTML
// in a description as such, and makes links of addresses.
//
// # Service
//
// Opsgenie ends on 2027-04-05, and its API with it. An account that was moved to Jira Service Management is switched
// off 120 days after the move. No accounts have been sold since 2025-06-04
// (https://www.atlassian.com/software/opsgenie/migration). Package jsm has the same API for Jira Service Management:
// the import, the key and the responders' ids change. Accounts in Europe have an address of their own: [EUBaseURL]. A
// key of one region is unauthorized in the other.
//
// Updating and listing alerts, custom actions, heartbeats and the other parts of the API are not covered.
//
// Not documented: whether a character beyond the Basic Multilingual Plane counts once or twice, so it counts twice
// here; and whether the limit of the details counts braces and quotes, so they count here.
package opsgenie

import (
	"context"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
)

// name is the service in errors and receipts.
const name = "opsgenie"

// Base URLs of the API. See https://docs.opsgenie.com/docs/api-overview.
const (
	DefaultBaseURL = "https://api.opsgenie.com/v2"
	EUBaseURL      = "https://api.eu.opsgenie.com/v2"
)

var dialect = opsgenieapi.Dialect{Name: name, BaseURL: DefaultBaseURL, Status: http.StatusAccepted}

// Config says which account to send alerts to, and whom to tell. APIKey is required.
type Config struct {
	APIKey mackerel.Secret `json:"api_key"` // of an API integration
	// Responders are whom an alert is for. Without responders the integration decides.
	Responders []Responder `json:"responders,omitzero"`
	Tags       []string    `json:"tags,omitzero"` // of every alert
	// Priorities are the priorities by the alert's status. A status without a priority has that of DefaultMessage.
	Priorities map[mackerel.Status]Priority `json:"priorities,omitzero"`
	KeepOpen   bool                         `json:"keep_open,omitzero"` // leave alerts open when Mackerel's are over
	Follow     bool                         `json:"follow,omitzero"`    // wait until a request was carried out
	// BaseURL is DefaultBaseURL unless set. Accounts in the EU need EUBaseURL. An address without a path gets its path.
	BaseURL string `json:"base_url,omitzero"`

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier sends alerts to one account. It is safe for concurrent use.
type Notifier struct{ api opsgenieapi.Notifier }

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var edit func(*opsgenieapi.Message, mackerel.Alert) error
	if c.Edit != nil {
		edit = func(m *opsgenieapi.Message, a mackerel.Alert) error { return c.Edit((*Message)(m), a) }
	}
	api, err := opsgenieapi.New(dialect, opsgenieapi.Config{
		APIKey: c.APIKey, Responders: c.Responders, Tags: c.Tags, Priorities: c.Priorities, KeepOpen: c.KeepOpen,
		Follow: c.Follow, BaseURL: c.BaseURL, Level: c.Level, Text: c.Text, Edit: edit, Call: c.Call,
	})
	if err != nil {
		return nil, err
	}
	return &Notifier{*api}, nil
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.api.Deliver(ctx, a)
	return err
}

// Deliver creates or closes the alert and returns the outcome. The receipt's ID is the id of the request.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.api.Deliver(ctx, a)
}

// Send sends a message that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or that Opsgenie is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
//
// With Config.Follow, a request that was accepted and could not be carried out is [mackerel.ErrInvalid], except a close
// of an alert that is not open. If the outcome is not known in time, the error is [mackerel.ErrUnavailable], and the
// receipt is still Queued.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.api.Send(ctx, opsgenieapi.Message(m))
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.api.Preview(a) }

// String returns "opsgenie". The account is not shown, because only the secret key tells it.
func (n *Notifier) String() string { return n.api.Notifier }

// Acknowledge tells Opsgenie that someone is at work on the alert with this alias. The note may be empty.
func (n *Notifier) Acknowledge(ctx context.Context, alias, note string) (mackerel.Receipt, error) {
	return n.Send(ctx, Message{Action: ActionAcknowledge, Alias: alias, Text: note})
}

// AddNote adds a note to the alert with this alias.
func (n *Notifier) AddNote(ctx context.Context, alias, note string) (mackerel.Receipt, error) {
	return n.Send(ctx, Message{Action: ActionAddNote, Alias: alias, Text: note})
}

// CloseAlert closes the alert with this alias. The note may be empty.
func (n *Notifier) CloseAlert(ctx context.Context, alias, note string) (mackerel.Receipt, error) {
	return n.Send(ctx, Message{Action: ActionClose, Alias: alias, Text: note})
}

// A RequestStatus is the outcome of a request that was accepted.
type RequestStatus struct {
	Action      string // "Create", "Close", ...
	Success     bool
	Status      string // in the service's words: "Created alert"
	AlertID     string // the service's own id of the alert
	Alias       string
	ProcessedAt time.Time // zero if the service does not say it
}

// RequestStatus returns the outcome of a request, by the ID of its receipt. The service has no answer before the
// request was carried out. RequestStatus asks up to 10 times, one second apart, within the context. Then the error is
// [mackerel.ErrUnavailable].
func (n *Notifier) RequestStatus(ctx context.Context, requestID string) (RequestStatus, error) {
	s, err := n.api.RequestStatus(ctx, requestID)
	return RequestStatus(s), err
}

// Keyed returns true: incidents open and close by a key, so each alert has to be sent by itself and at once. The rules
// of package route that hold or join alerts refuse such a notifier.
func (n *Notifier) Keyed() bool { return true }
