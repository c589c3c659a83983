// Package opsgenie carries alerts to Opsgenie (https://www.atlassian.com/software/opsgenie) through its alert API,
// version 2.
//
// A [Notifier] creates one alert per alert of Mackerel's and closes it when that is over. It has the title as its message,
// the text, the memo and a link as its description, the facts as its details, and a priority by the status.
//
//	n, err := opsgenie.New(opsgenie.Config{
//		APIKey:     mackerel.NewSecret(os.Getenv("OPSGENIE_API_KEY")), // of an API integration
//		Responders: []opsgenie.Responder{{Type: "team", Name: "web"}},
//	})
//	err = n.Notify(ctx, alert)
//
// [Notifier.Acknowledge], [Notifier.AddNote] and [Notifier.CloseAlert] do by hand what people do in Opsgenie, by the alias
// of the alert, which is [mackerel.Alert.Key].
//
// Alert groups are alerts of their own here, which Mackerel's channel does not send: whoever receives both alerts and
// alert groups, and wants one page, passes only one of them on. Events that are neither, such as a host's change of
// status, are skipped, and the receipt says so.
//
// # Delivery
//
// Opsgenie drops repeats by the alias, so a request whose answer was lost is sent again in either delivery mode, and there
// is still one alert. Notes, and alerts that the caller sends without an alias, are messages like any other: for them the
// default is [mackerel.AtLeastOnce], and a note sent again may be there twice.
//
// Nil means that the request was accepted with 202, which is a promise and not yet a deed: receipts are Queued, and their
// ID is that of the request. [Notifier.RequestStatus] tells what became of it. With Config.Follow, Deliver and Send wait
// for that, up to [FollowAttempts] times [FollowWait]; then nil means that it was done.
//
// While an alert is open, Opsgenie only counts what else comes for its alias: an alert that goes from warning to critical
// keeps the message and the priority that it was created with. Where priorities decide who is called, give warning and
// critical the same one (Config.Priorities), or send only what is critical (Config.Level).
//
// # Limits
//
// How many requests an account may make depends on its plan and its users
// (https://docs.opsgenie.com/docs/api-rate-limiting). A request that is refused waits for as long as Opsgenie says, within
// Call.MaxWait and the context's deadline, and is made again; beyond that the error is [mackerel.ErrRateLimited] and says
// how long to wait.
//
// A message has at most [MaxMessage] characters, a description [MaxDescription], details all together [MaxDetails]. What
// is longer is cut, the memo first, and the receipt says so; a title that is too long for the message stands whole at the
// start of the description.
//
// Unconfirmed: whether characters beyond the basic plane count once or twice, so they count twice here; whether braces
// and quotes count towards the limit of details, so they do.
//
// # Text
//
// Text is sent as it is, for nothing in it mentions anybody; control characters are replaced. Opsgenie shows HTML in
// descriptions as it likes and makes links of addresses.
//
// # Service
//
// Opsgenie ends on 2027-04-05: until then its API goes on working, and from then on nothing does. Accounts that were moved
// to Jira Service Management are switched off 120 days after the move. No new ones have been sold since 2025-06-04
// (https://www.atlassian.com/software/opsgenie/migration). Package jsm is the same for Jira Service Management: what
// changes is the import, the key and the address. Accounts in Europe have an address of their own until then, [EUBaseURL];
// a key of one region is unauthorized in the other.
//
// Updating and listing alerts, actions, heartbeats and all other parts of the API stay out.
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

// Where the API is. See https://docs.opsgenie.com/docs/api-overview.
const (
	DefaultBaseURL = "https://api.opsgenie.com/v2"
	EUBaseURL      = "https://api.eu.opsgenie.com/v2"
)

// dialect is what makes this Opsgenie: an accepted request is a 202.
var dialect = opsgenieapi.Dialect{
	Name: name, BaseURL: DefaultBaseURL, Accepts: func(status int) bool { return status == http.StatusAccepted },
}

// Config says which account to alert, and whom in it. APIKey is required.
type Config struct {
	APIKey mackerel.Secret `json:"api_key"` // of an API integration
	// Responders are whom to tell. Without any it is left to the integration. A Message function that sets some itself
	// has its way.
	Responders []Responder `json:"responders,omitzero"`
	Tags       []string    `json:"tags,omitzero"` // of every alert; at most MaxTags of MaxTag characters
	// Priorities are the priorities by the alert's status, and have their way over the Message. A status that is not in
	// it is as DefaultMessage has it.
	Priorities map[mackerel.Status]Priority `json:"priorities,omitzero"`
	KeepOpen   bool                         `json:"keep_open,omitzero"` // leave alerts open when Mackerel's are over
	Follow     bool                         `json:"follow,omitzero"`    // wait until a request was carried out

	BaseURL string                                `json:"base_url,omitzero"` // DefaultBaseURL unless set
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier sends alerts to one account. It is safe for concurrent use.
type Notifier struct {
	api     *opsgenieapi.Notifier
	message func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	api, err := opsgenieapi.New(dialect, opsgenieapi.Config{
		APIKey: c.APIKey, Responders: responders(c.Responders), Tags: c.Tags, Priorities: priorities(c.Priorities),
		KeepOpen: c.KeepOpen, Follow: c.Follow, BaseURL: c.BaseURL, Level: c.Level, Text: c.Text, Call: c.Call,
	})
	if err != nil {
		return nil, err
	}
	n := &Notifier{api: api, message: c.Message}
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

// Deliver creates or closes the alert and says what came of it. The receipt's ID is that of the request.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return mackerel.Receipt{Provider: name, Skipped: skipped}, err
	}
	return n.Send(ctx, m)
}

// Acknowledge says that somebody is at work on the alert with this alias. The note may be empty.
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

// Send makes a request that the caller has made up. That it is cut is no error; that Opsgenie is certain to refuse it is
// [mackerel.ErrInvalid] without a request.
//
// With Config.Follow, a request that was accepted and could not be carried out is [mackerel.ErrInvalid]; to close what is
// not open is none. One whose end was not seen is [mackerel.ErrUnavailable], with a receipt that is still Queued.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.api.Send(ctx, m.call())
}

// A RequestStatus is what became of a request that was accepted.
type RequestStatus struct {
	Action      string // "Create", "Close", ...
	Success     bool
	Status      string // in the service's words: "Created alert"
	AlertID     string // the service's own id of the alert
	Alias       string
	ProcessedAt time.Time // zero if it was not told
}

// RequestStatus asks what became of a request, by the ID of its receipt. Until it was processed there is no answer: it is
// asked for up to [FollowAttempts] times, with [FollowWait] in between, and then the error is [mackerel.ErrUnavailable].
// A request that failed is no error here.
func (n *Notifier) RequestStatus(ctx context.Context, requestID string) (RequestStatus, error) {
	s, err := n.api.RequestStatus(ctx, requestID)
	return RequestStatus(s), err
}

// Preview shows what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	return n.api.Preview(m.call())
}

// String returns "opsgenie": all that tells one account from another is the secret.
func (n *Notifier) String() string { return name }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = n.api.Skip(a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.api.MessageError(err)
	}
	if p, ok := n.api.Priority(a); ok && m.creates() {
		m.Priority = Priority(p)
	}
	return m, "", nil
}
