// Package pagerduty carries alerts to PagerDuty (https://www.pagerduty.com) as events of its Events API, version 2.
//
// A [Notifier] opens one incident per alert and resolves it when the alert is over: a warning that becomes critical is
// the same incident. It has the title, the source, the severity, the graph, a link back, and everything else as custom
// details.
//
//	n, err := pagerduty.New(pagerduty.Config{
//		RoutingKey: mackerel.NewSecret(os.Getenv("PAGERDUTY_ROUTING_KEY")), // the integration key
//	})
//	err = n.Notify(ctx, alert)
//
// [Notifier.Acknowledge] and [Notifier.Resolve] do by hand what people do in PagerDuty, by the key of the alert.
//
// Level and KeepOpen of the [Config] are the options that Mackerel's own channel has. Alert groups open incidents of
// their own, which Mackerel's channel does not do: whoever receives both alerts and alert groups, and wants one page,
// passes only one of them on. Events that are neither, such as a host's change of status, are skipped, and the receipt
// says so.
//
// # Delivery
//
// PagerDuty drops repeats by the key of the event, so an event whose answer was lost is sent again in either delivery
// mode, and still opens one incident. A repeat that arrives after the incident was resolved opens another. Only an event
// that the caller sends without a key is a message like any other; for it the default is [mackerel.AtLeastOnce].
//
// Nil means that the event was accepted with 202. Receipts have its key as the ID. To acknowledge or resolve what is not
// open is accepted too, and does nothing.
//
// # Limits
//
// About 120 events in a minute per integration key (https://developer.pagerduty.com/docs/events-api-v2-rate-limits). The
// answer to the next one need not say how long to wait; then it is [RateWait], which is longer than Call.MaxWait is
// unless set: the call returns at once with [mackerel.ErrRateLimited].
//
// A summary has at most [MaxSummary] characters and an event at most [MaxBody] bytes. What is longer is cut: the memo
// first, then the message, then the facts from the last on; and the images and the links, all of them, if there are so
// many that the rest does not fit. The page itself is never lost over them, and the receipt says what was.
//
// Unconfirmed: whether the limit of the summary counts characters beyond the basic plane once or twice, so they count
// twice here; and how an event that is too large is answered.
//
// # Text
//
// Nothing in an event is markup, so text is sent as it is; control characters are replaced.
//
// # Service
//
// Accounts in Europe have an address of their own, [EUBaseURL]; a key of one region is refused in the other. Version 1
// of the API, change events and the REST API stay out.
package pagerduty

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "pagerduty"

// Where the API is. See https://support.pagerduty.com/main/docs/service-regions.
const (
	DefaultBaseURL = "https://events.pagerduty.com/v2"
	EUBaseURL      = "https://events.eu.pagerduty.com/v2"
)

// RateWait is how long to wait after a 429 that does not say it, as advised for three tries in a row. See
// https://developer.pagerduty.com/docs/events-api-v2-rate-limits.
const RateWait = 30 * time.Second

// Config says which service to page. RoutingKey is required.
type Config struct {
	RoutingKey mackerel.Secret `json:"routing_key"` // the integration key: 32 letters and digits
	// Severities are the severities by the alert's status, and have their way over the Message. A status that is not in
	// it is as DefaultMessage has it.
	Severities map[mackerel.Status]Severity `json:"severities,omitzero"`
	// KeepOpen leaves incidents open when their alerts are over: it is Mackerel's "Close incident when alert closes",
	// turned off.
	KeepOpen bool `json:"keep_open,omitzero"`

	BaseURL string                                `json:"base_url,omitzero"` // DefaultBaseURL unless set
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier sends alerts to one service of PagerDuty. It is safe for concurrent use.
type Notifier struct {
	service    provider.Service
	enqueue    transport.Request // all but the body, and what a repeat means
	key        mackerel.Secret
	clean      *transport.Cleaner
	severities map[mackerel.Status]Severity
	keepOpen   bool
	level      mackerel.Level
	message    func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	checkKey(&p, c.RoutingKey)
	for _, status := range slices.Sorted(maps.Keys(c.Severities)) {
		if !c.Severities[status].known() {
			p.Add("Severities["+string(status)+"]", "not a severity")
		}
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	base, problem := transport.ParseBase(c.BaseURL)
	p.Add("BaseURL", problem)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service: provider.Service{Name: name, DecodeError: decodeError}, key: c.RoutingKey,
		clean:      transport.NewCleaner(c.RoutingKey.Reveal()),
		severities: provider.ByStatus(c.Severities), keepOpen: c.KeepOpen, level: c.Level, message: c.Message,
	}
	n.service.Connect(c.Call, mackerel.AtLeastOnce, c.RoutingKey.Reveal())
	n.enqueue = transport.Request{
		Method: http.MethodPost, URL: base.JoinPath("enqueue"), Wait: rateWait,
		Header: n.service.Header("Content-Type", "application/json", "Accept", "application/json")(),
	}
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// keyLength is that of every integration key, in characters.
const keyLength = 32

func checkKey(p *provider.Problems, key mackerel.Secret) {
	value := key.Reveal()
	strange := strings.ContainsFunc(value, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	switch {
	case key.IsZero():
		p.Add("RoutingKey", "required")
	case len(value) != keyLength || strange:
		p.Add("RoutingKey", "not an integration key, which is 32 letters and digits")
	}
}

// rateWait answers for what PagerDuty does not say.
func rateWait(r *transport.Result) time.Duration {
	if r.Class == transport.RateLimited && r.Header.Get("Retry-After") == "" {
		return RateWait
	}
	return 0
}

// Notify sends the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver opens the alert's incident, adds to it or resolves it, and says what came of it. The receipt's ID is the key.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Acknowledge tells PagerDuty that somebody is at work on the incident with this key, most often [mackerel.Alert.Key].
func (n *Notifier) Acknowledge(ctx context.Context, key string) (mackerel.Receipt, error) {
	return n.Send(ctx, Message{Action: ActionAcknowledge, Key: key})
}

// Resolve closes the incident with this key, most often [mackerel.Alert.Key].
func (n *Notifier) Resolve(ctx context.Context, key string) (mackerel.Receipt, error) {
	return n.Send(ctx, Message{Action: ActionResolve, Key: key})
}

// Send sends an event that the caller has made. That it is cut is no error; that PagerDuty is certain to refuse it is
// [mackerel.ErrInvalid] without a request.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", cuts), err
	}
	var key string
	r.Judge = judge(&key)
	result, err := n.service.Do(ctx, r)
	if err != nil {
		key = ""
	}
	return n.service.Receipt(start, result, n.clean.Line(key), cuts), err
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

// String returns "pagerduty": all that tells one service of PagerDuty from another is the secret.
func (n *Notifier) String() string { return name }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.SkipIncident(n.level, n.keepOpen, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	if severity, ok := n.severities[provider.Rating(a)]; ok {
		m.Severity = severity
	}
	return m, "", nil
}

// request renders an event. With a key it may be repeated: PagerDuty knows it again.
func (n *Notifier) request(m Message) (r transport.Request, cuts []mackerel.Cut, err error) {
	r = n.enqueue
	r.Op = m.action().op()
	if p := m.problems(); len(p) > 0 {
		return r, nil, n.service.Invalid(r.Op, strings.Join(p, "; "))
	}
	if r.Repeat = transport.Message; m.Key != "" {
		r.Repeat = transport.Replay
	}
	r.Body, cuts, err = m.body(n.key.Reveal())
	if err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	return r, cuts, nil
}

// judge accepts the documented success: 202 and {"status":"success","dedup_key":"..."}.
func judge(key *string) func(*transport.Result) {
	return func(r *transport.Result) {
		var answer struct {
			Status   string `json:"status"`
			DedupKey string `json:"dedup_key"`
		}
		provider.JSON(&answer)(r)
		if r.Class == transport.Done && (r.Status != http.StatusAccepted || answer.Status != "success") {
			provider.Undocumented(r)
		}
		*key = answer.DedupKey
	}
}

// decodeError reads {"status":"invalid event","message":"...","errors":["..."]}.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Status  string   `json:"status"`
		Message string   `json:"message"`
		Errors  []string `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	return e.Status, provider.Join(": ", e.Message, strings.Join(e.Errors, ", "))
}
