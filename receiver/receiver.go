// Package receiver takes the webhooks that Mackerel sends and passes their alerts to a notifier
// (https://mackerel.io/docs/entry/howto/alerts/webhook).
//
//	h, err := receiver.New(receiver.Config{
//		Notifier: mackerel.Multi(room, phone),
//		User:     mackerel.NewSecret("mackerel"),
//		Password: mackerel.NewSecret(os.Getenv("WEBHOOK_PASSWORD")),
//		Undelivered: func(ctx context.Context, a mackerel.Alert, err error) {
//			slog.ErrorContext(ctx, "alert not delivered", "alert", a.Title(), "error", err)
//		},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.Handle("/alerts", h)
//
// The URL of the channel in Mackerel is then https://mackerel:password@example.com/alerts.
//
// Every event is passed on, also one that this module does not know, and the sample that the Test button sends. If
// members of an alert have a wrong type, the alert is passed on without them, and OnRequest gets
// [mackerel.ErrOddMember].
//
// # Who may send
//
// Mackerel does not sign its webhooks. It can send a user and a password, and it can call a path that nobody can guess.
// Config needs one of these, or the check of the sender's address, or Open. The address alone is a weak check, because
// external monitors of any organization send from the same addresses.
//
// # Answers
//
// Mackerel suspends a channel whose webhook fails repeatedly. It is not known how long it waits for an answer, which
// statuses it takes for failures, and whether it sends again. So the answer comes after at most Config.Answer, and a
// failure that will stay is answered with success:
//
//   - 200: the notifier returned nil, the body is a duplicate, or the delivery failed for good. In the last case
//     Undelivered is called.
//   - 202: the delivery goes on. If it fails later, Undelivered is called.
//   - 503 with Retry-After: the delivery failed for now ([mackerel.Retry] reports true), 64 other deliveries are
//     running, the handler is stopping, or the addresses of Mackerel could not be fetched.
//   - 400 no JSON object, 401 wrong user or password, 403 wrong address, 404 wrong path, 405 not a POST, 408 the body
//     did not arrive within Config.Answer, 409 a loop, 413 more than 1 MiB, 415 not application/json. A missing
//     Content-Type is accepted.
//
// An alert that was answered with 503 is lost if Mackerel does not send it again. Let Persist of package route repeat
// what failed for now. An alert keeps one of the 64 places as long as Persist repeats it, also if one service of many is
// down. A Queue of module durable returns as soon as it has stored the alert.
//
// # Duplicates
//
// A body that is equal to one that was delivered within the last minute is not delivered again. A body that is equal to
// one that is being delivered gets the answer of that delivery. Mackerel sends a reminder after 10 minutes or more, so
// a reminder in the same words is delivered. A body that failed may come again. If the notifier is a [mackerel.Multi],
// only what failed is repeated within that minute. What may have been delivered ([mackerel.ErrAmbiguous]) and may not
// be repeated is a duplicate too, so that a phone does not ring twice. The deliveries of one body within a minute have
// one [mackerel.DeliveryID].
//
// The handler remembers the last 65,536 bodies, 200 to 300 bytes for each. The sample has no time, so all samples of an
// organization are equal: if the Test button is pressed again within a minute, the second sample is not delivered.
//
// # Loops
//
// A notifier of package webhook that sends to the receiver itself would make an endless loop. So requests with the
// User-Agent of this module are refused with 409, unless Config.Relay is set. Mackerel's own requests have another
// User-Agent.
//
// # Stopping
//
// Deliveries that were answered with 202 outlive their requests. [Handler.Drain] waits for them:
//
//	err := errors.Join(server.Shutdown(ctx), h.Drain(ctx))
package receiver

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Defaults of Config.
const (
	defaultAnswer  = 5 * time.Second
	defaultTimeout = 10 * time.Minute // as the MaxTurn of mackerel.CallOptions, so that a storm is delivered
)

// Config says who may send and where the alerts go. Notifier is required, and at least one of Path, Password,
// MackerelOnly and Open. If several are set, a request has to pass all of them.
type Config struct {
	Notifier mackerel.Notifier `json:"-"`

	// Path is the path of the URL, such as "/alerts/Gx2vT9kQ". Requests with other paths are answered with 404. It is
	// compared with the path of the request's URL, which http.StripPrefix changes.
	Path mackerel.Secret `json:"path,omitzero"`
	// User and Password are those of Basic authentication. They are set together.
	User     mackerel.Secret `json:"user,omitzero"`
	Password mackerel.Secret `json:"password,omitzero"`
	// MackerelOnly takes requests from the addresses only that [mackerel.OutgoingAddresses] returns. They are fetched
	// by a request that needs them: if there are none, if they are older than an hour, or if the sender is not among
	// them, but at most once a minute. If that fails, the addresses that were fetched last are used.
	MackerelOnly bool `json:"mackerel_only,omitzero"`
	// TrustedProxies are the addresses of proxies before this program. In a request that comes from one of them, the
	// sender is the last address in X-Forwarded-For that is no trusted proxy. It is for MackerelOnly.
	TrustedProxies []netip.Prefix `json:"trusted_proxies,omitzero"`
	// Client fetches the addresses for MackerelOnly. It is used as in [mackerel.CallOptions].
	Client *http.Client `json:"-"`
	// Open takes requests of everybody.
	Open bool `json:"open,omitzero"`
	// Relay takes requests that another program sends by package webhook of this module. Set it only if no notifier
	// leads back to this receiver.
	Relay bool `json:"relay,omitzero"`

	// Answer is how long a request may take, from its header to its answer; 5 s unless set.
	Answer time.Duration `json:"-"`
	// Timeout ends the context of a delivery; 10 minutes unless set. A notifier waits for its turn as long in a storm
	// of alerts. If the notifier goes on after that, it keeps one of the 64 places.
	Timeout time.Duration `json:"-"`

	// Undelivered, if set, is called with an alert that was not delivered and that Mackerel is not asked to send again.
	// Of a Multi, the error has the notifiers that failed ([mackerel.Failures]). It is called before the answer, in the
	// goroutine of the delivery, and Drain waits for it. Its context ends after Answer. If it panics, OnRequest gets a
	// [PanicError], unless the request was answered before.
	Undelivered func(context.Context, mackerel.Alert, error) `json:"-"`
	// OnRequest, if set, is called before a request is answered, in its goroutine. It is the place for logs and metrics.
	OnRequest func(context.Context, Request) `json:"-"`
}

// A Handler is an http.Handler that takes Mackerel's webhooks. It is safe for concurrent use.
type Handler struct {
	config     Config
	sentTo     func(path string) bool
	knows      func(user, password string) bool
	senders    *senders      // nil unless MackerelOnly
	places     chan struct{} // has an element for each delivery that runs
	deliveries deliveries
}

var _ http.Handler = (*Handler)(nil)

// New checks the configuration and reports all problems as one [mackerel.ErrConfig]. It makes no request.
func New(c Config) (*Handler, error) {
	if problems := c.problems(); len(problems) > 0 {
		return nil, failure("configure", mackerel.ErrConfig, strings.Join(problems, "; "))
	}
	c.Answer, c.Timeout = cmp.Or(c.Answer, defaultAnswer), cmp.Or(c.Timeout, defaultTimeout)
	h := &Handler{
		config:     c,
		places:     make(chan struct{}, maxRunning),
		deliveries: deliveries{running: make(map[sum]*delivery), past: window{byBody: make(map[sum]*past)}},
	}
	if !c.Path.IsZero() {
		h.sentTo = equal(c.Path)
	}
	if !c.Password.IsZero() {
		user, password := equal(c.User), equal(c.Password)
		h.knows = func(u, p string) bool {
			userOK, passwordOK := user(u), password(p) // both are compared: the time does not tell which is wrong
			return userOK && passwordOK
		}
	}
	if c.MackerelOnly {
		h.senders = newSenders(c)
	}
	return h, nil
}

// problems lists what is wrong, in the order of the fields.
func (c Config) problems() (all []string) {
	add := func(wrong bool, problem string) {
		if wrong {
			all = append(all, problem)
		}
	}
	path := c.Path.Reveal()
	add(mackerel.IsNil(c.Notifier), "Notifier: required")
	add(path != "" && (path == "/" || path[0] != '/'), `Path: must be "/" and a word that cannot be guessed`)
	add(c.User.IsZero() != c.Password.IsZero(), "User, Password: must be set together")
	add(strings.Contains(c.User.Reveal(), ":"), "User: has a colon, which Basic authentication cannot send")
	for _, p := range c.TrustedProxies {
		add(!p.IsValid(), "TrustedProxies: has an invalid prefix")
		add(p.Addr().Is4In6(), "TrustedProxies: has an IPv4 address within IPv6, which must be written as IPv4")
	}
	add(len(c.TrustedProxies) > 0 && !c.MackerelOnly, "TrustedProxies: only for MackerelOnly")
	add(path == "" && c.User.IsZero() && c.Password.IsZero() && !c.MackerelOnly && !c.Open,
		"Path, Password, MackerelOnly or Open: one is required, or everybody could send alerts")
	add(c.Answer < 0, "Answer: must not be negative")
	add(c.Timeout < 0, "Timeout: must not be negative")
	return all
}

// ServeHTTP receives a webhook. The documentation of the package lists the answers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	// If the sender gives up, the alert is delivered all the same.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), start.Add(h.config.Answer))
	defer cancel()
	limitReading(w, start.Add(h.config.Answer))
	request := h.receive(ctx, w, r)
	if request.Duration = time.Since(start); h.config.OnRequest != nil {
		h.config.OnRequest(r.Context(), request)
	}
	request.answer(w, h.config.Answer)
}

// receive returns how to answer. The context ends when the answer is due.
func (h *Handler) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) Request {
	if refused := h.refuse(ctx, r); refused != nil {
		return Request{Status: refused.Status, Err: refused}
	}
	body, refused := read(w, r)
	if refused != nil {
		return Request{Status: refused.Status, Err: refused}
	}
	limitReading(w, time.Time{}) // the end of the deadline would look as if the sender had gone
	a, odd := mackerel.ParseWebhook(body)
	if odd != nil && !errors.Is(odd, mackerel.ErrOddMember) {
		return Request{Status: http.StatusBadRequest, Err: odd}
	}
	request := h.deliver(ctx, sha256.Sum256(body), a)
	request.Alert = a
	if odd != nil {
		request.Err = errors.Join(odd, request.Err)
	}
	return request
}

// failure returns an error of this package, as opposed to an error of the notifier.
func failure(op string, kind error, message string) *mackerel.Error {
	return &mackerel.Error{Provider: "receiver", Op: op, Kind: kind, Message: message}
}
