package provider

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Flow is the way of an alert through one service, the same for all of them: the alert is skipped, or it is made into
// a message, edited by the caller, rendered into a request, sent, and made into a receipt. M is the service's Message.
//
// Skip, Message, Request and Render are required. A service that does not speak HTTP has Post and Show in place of
// Request and Render.
type Flow[M any] struct {
	Service

	Skip    func(mackerel.Alert) string    // says why an alert is not sent, "" if it is sent
	Message func(mackerel.Alert) M         // DefaultMessage and what the Config adds
	Edit    func(*M, mackerel.Alert) error // the Config's Edit; may be nil
	// Request returns the request without what Render fills in. It is a func because the request holds credentials.
	Request func() transport.Request
	// Render fills in the body and what else depends on the message. It cuts texts with the Cutter. The request's header
	// is shared: Render clones it before a change. Its error says why the message cannot be sent.
	Render func(*transport.Request, M, *Cutter) error
	// Unit is what the service's limits count, and Text is the Config's.
	Unit Unit
	Text mackerel.Text

	// Key gives a message the key of this delivery before it is sent. Nil if the service has no such keys.
	Key func(context.Context, *M)
	// Call makes the request. It is Service.Do unless set.
	Call func(context.Context, transport.Request) (transport.Result, error)
	// Again returns the message to send in place of a message that the service has refused, and what that cuts. It
	// reports false if another message would not change the refusal. Nil if there never is another message.
	Again func(M, transport.Result) (M, mackerel.Cut, bool)
	// Settle completes the receipt of a success with Queued, and with the ID unless Judge has found it. It may make
	// further calls, and fail. Nil if there is nothing to complete.
	Settle func(context.Context, M, transport.Result, *mackerel.Receipt) error

	Post func(context.Context, M) (mackerel.Receipt, error) // sends a message without HTTP
	Show func(M) (*mackerel.Preview, error)                 // shows what Post would send
}

// Deliver sends an alert.
func (f *Flow[M]) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	if f.transport == nil {
		return mackerel.Receipt{}, NotMade(f.Name)
	}
	m, skipped, err := f.compose(a)
	if skipped != "" || err != nil {
		return mackerel.Receipt{Provider: f.Name, Skipped: skipped}, err
	}
	return f.Send(ctx, m)
}

// Preview shows what Deliver would send.
func (f *Flow[M]) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	if f.transport == nil {
		return nil, NotMade(f.Name)
	}
	m, skipped, err := f.compose(a)
	switch {
	case err != nil:
		return nil, err
	case skipped != "":
		return &mackerel.Preview{Skipped: skipped}, nil
	case f.Show != nil:
		return f.Show(m)
	}
	r, cuts, err := f.render(m)
	if err != nil {
		return nil, err
	}
	return f.Service.Preview(cuts, r), nil
}

// compose makes the message for an alert, or says why there is none.
func (f *Flow[M]) compose(a mackerel.Alert) (m M, skipped string, err error) {
	if skipped = f.Skip(a); skipped != "" {
		return m, skipped, nil
	}
	if f.Edit == nil {
		return f.Message(a), "", nil
	}
	return f.edit(f.Message(a), a)
}

// edit lets the caller change a message.
func (f *Flow[M]) edit(m M, a mackerel.Alert) (edited M, skipped string, err error) {
	switch err := f.Edit(&m, a); {
	case err == nil:
		return m, "", nil
	case errors.Is(err, mackerel.ErrSkip):
		return m, f.transport.Clean().Line(err.Error()), nil
	default:
		return m, "", &mackerel.Error{Provider: f.Name, Op: "edit message", Kind: mackerel.ErrInvalid, Err: err}
	}
}

// Send sends a message.
func (f *Flow[M]) Send(ctx context.Context, m M) (mackerel.Receipt, error) {
	switch {
	case f.transport == nil:
		return mackerel.Receipt{}, NotMade(f.Name)
	case f.Post != nil:
		return f.Post(ctx, m)
	}
	start := time.Now()
	if f.Key != nil {
		m = f.keyed(ctx, m)
	}
	r, cuts, err := f.render(m)
	if err != nil {
		return f.Receipt(start, transport.Result{}, nil), err
	}
	var replaced *replacement
	if f.Again != nil {
		replaced = new(replacement)
		r.Again = f.again(m, replaced)
	}
	result, err := f.call(ctx, r)
	if replaced != nil && replaced.sent {
		cuts = replaced.cuts
	}
	receipt := f.Receipt(start, result, cuts)
	if err == nil && f.Settle != nil {
		receipt, err = f.settle(ctx, m, result, receipt)
		receipt.Duration = time.Since(start)
	}
	return receipt, err
}

func (f *Flow[M]) settle(ctx context.Context, m M, r transport.Result, receipt mackerel.Receipt) (mackerel.Receipt, error) {
	err := f.Settle(ctx, m, r, &receipt)
	receipt.ID = f.transport.Clean().Line(receipt.ID)
	return receipt, err
}

// render returns the whole request of a message.
func (f *Flow[M]) render(m M) (transport.Request, []mackerel.Cut, error) {
	r := f.Request()
	r.Notifier = f.Notifier
	c := Cutter{Unit: f.Unit, Language: f.Text.Language}
	if err := f.Render(&r, m, &c); err != nil {
		return r, nil, f.Invalid(r.Op, err.Error())
	}
	return r, c.Cuts, nil
}

// keyed returns a message with the key of this delivery.
func (f *Flow[M]) keyed(ctx context.Context, m M) M {
	f.Key(ctx, &m)
	return m
}

// A replacement is what another message cuts, once it was sent in place of a refused message.
type replacement struct {
	sent bool
	cuts []mackerel.Cut
}

// again returns the transport's Again: the body of the message that is sent in place of a refused message.
func (f *Flow[M]) again(m M, replaced *replacement) func(*transport.Result) ([]byte, bool) {
	return func(refused *transport.Result) ([]byte, bool) {
		other, cut, ok := f.Again(m, *refused)
		if !ok {
			return nil, false
		}
		r, more, err := f.render(other)
		if err != nil {
			return nil, false
		}
		*replaced = replacement{true, append(more, cut)}
		return r.Body, true
	}
}

func (f *Flow[M]) call(ctx context.Context, r transport.Request) (transport.Result, error) {
	if f.Call != nil {
		return f.Call(ctx, r)
	}
	return f.Do(ctx, r)
}

// DeliveryKey returns the key of the delivery that the context names (see [mackerel.WithDeliveryID]), different for
// each notifier: the identity says which service, credential and destination it has. Without a name the key is random.
func DeliveryKey(ctx context.Context, identity ...string) (key [16]byte) {
	id := mackerel.DeliveryID(ctx)
	if id == "" {
		_, _ = rand.Read(key[:]) // never fails
		return key
	}
	hash := sha256.New()
	for _, part := range append([]string{id}, identity...) {
		hash.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // with its length, so that no two lists are alike
	}
	copy(key[:], hash.Sum(nil))
	return key
}

// ByLevel returns a Skip that leaves out warnings if the level is critical.
func ByLevel(level mackerel.Level) func(mackerel.Alert) string {
	return func(a mackerel.Alert) string {
		if level == mackerel.LevelCritical && Rating(a) == mackerel.StatusWarning {
			return "a warning, and the level is critical only"
		}
		return ""
	}
}

// Incidents returns a Skip for services that keep incidents. They are told of alerts and alert groups, which open and
// close under a key of their own, and of no other event. Recoveries are sent at every level unless keepOpen is set:
// closing an incident that was never opened does no harm, leaving an incident open does.
func Incidents(level mackerel.Level, keepOpen bool) func(mackerel.Alert) string {
	skip := ByLevel(level)
	return func(a mackerel.Alert) string {
		switch {
		case a.Event == mackerel.EventDigest:
			return "a digest, and the service needs each alert by itself"
		case Rating(a) == "":
			return "the event " + strconv.Quote(string(a.Event)) + ", and the service takes only alerts"
		case !a.Closed():
			return skip(a)
		case keepOpen:
			return "the alert is over, and what it opened is kept open"
		}
		return ""
	}
}

// NoClosingKey is the problem of a message without the key of the incident that it closes or changes.
const NoClosingKey = "required (the close of an alert without names needs Alert.ID)"

// ClosingKey returns the key of the incident that the close of an alert closes. It is "" if the alert has neither an ID
// nor names. The key of such an alert depends on its message, and the message of a close differs from the message that
// opened the incident.
func ClosingKey(a mackerel.Alert) string {
	key, other := a.Key(), a
	if other.Message = ""; a.Message == "" {
		other.Message = "another"
	}
	if other.Key() != key {
		return ""
	}
	return key
}

// Rating returns the status of an alert, an alert group or a digest, and "" of any other event: a host that was
// registered has no status, not the status unknown.
func Rating(a mackerel.Alert) mackerel.Status {
	switch a.Event {
	case "", mackerel.EventAlert, mackerel.EventAlertGroup:
		return a.Status.Fold()
	case mackerel.EventDigest:
		return mackerel.Status(strings.ToLower(string(a.Status))) // "" if all are events without a status
	default:
		return ""
	}
}

// PerStatus is a table by the status of an alert. Other is for events without a status, for statuses that this version
// does not know, and for alerts that were closed by something other than their monitor.
type PerStatus[V any] struct{ OK, Warning, Critical, Unknown, Other V }

// Of returns what the table has for an alert.
func (p PerStatus[V]) Of(a mackerel.Alert) V {
	if a.StatusLabel() == "CLOSED" {
		return p.Other
	}
	switch Rating(a) {
	case mackerel.StatusOK:
		return p.OK
	case mackerel.StatusWarning:
		return p.Warning
	case mackerel.StatusCritical:
		return p.Critical
	case mackerel.StatusUnknown:
		return p.Unknown
	}
	return p.Other
}

// ByStatus copies what a configuration has for each status, under the statuses in the form in which [Rating] returns
// them.
func ByStatus[V any](m map[mackerel.Status]V) map[mackerel.Status]V {
	folded := make(map[mackerel.Status]V, len(m))
	for status, v := range m {
		folded[status.Fold()] = v
	}
	return folded
}
