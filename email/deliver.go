package email

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/mail"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// post sends a message to all recipients.
func (n *Notifier) post(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	c, cuts, err := n.render(m)
	if err != nil {
		return n.flow.Receipt(start, transport.Result{}, nil), err
	}
	c.delivery = n.deliveryName(ctx, c.state)
	d := n.newDelivery(c, start)
	defer d.pace.Close()
	defer d.line.Close()
	request := transport.Request{Op: op, Notifier: n.flow.Notifier}
	receipt := n.flow.Receipt(start, n.flow.Transport().Try(ctx, request, d.attempt), cuts)
	receipt.ID = d.accepted()
	receipt.Queued = receipt.ID != ""
	return receipt, d.err(ctx)
}

// deliveryName returns the name of a delivery, which is a part of its Message-IDs. Many mailboxes drop the second of
// two mails with the same Message-ID, so repeats of a delivery must have the same name, and other deliveries must not.
//
// The name that the caller has given comes first. Without it, a mail with a state needs no name: the same state and
// content is the same mail, also from another process. A mail without a state may come again the next night and say the
// same, and a second mail does less harm than a dropped mail. Its delivery gets a random name, which is known to its
// attempts and to the notifiers in its errors.
func (n *Notifier) deliveryName(ctx context.Context, state string) string {
	given := cmp.Or(mackerel.DeliveryID(ctx), n.repeats)
	if given == "" && state == "" {
		return rand.Text()
	}
	return given
}

// show previews a message: a mail for each recipient.
func (n *Notifier) show(m Message) (*mackerel.Preview, error) {
	c, cuts, err := n.render(m)
	if err != nil {
		return nil, err
	}
	if c.state == "" {
		c.id = "{message_id}"
	}
	var mails []transport.Request
	for _, to := range n.to {
		r, err := n.preview(c, to)
		if err != nil {
			return nil, err
		}
		mails = append(mails, r)
	}
	return n.flow.Service.Preview(cuts, mails...), nil
}

// A delivery is one message on its way to its recipients.
type delivery struct {
	n         *Notifier
	name      string // in Message-IDs
	mails     []*letter
	connected bool // there was a session

	pace *transport.Turn // of mails
	line *transport.Turn // of connections
	late bool            // there was no turn in time
}

// A letter is the mail to one recipient, and its outcome so far.
type letter struct {
	to     *mail.Address
	id     string
	raw    []byte
	result transport.Result
}

// newDelivery writes the mails. All attempts send the same bytes.
func (n *Notifier) newDelivery(c content, at time.Time) *delivery {
	wire := n.flow.Transport()
	d := &delivery{n: n, name: c.delivery, pace: wire.Turn(n.lanes.mails), line: wire.Turn(n.lanes.connections)}
	f := form{at.Format(time.RFC1123Z), measured.encoding}
	unsent := transport.Result{Class: transport.Unavailable}
	for _, to := range n.to {
		d.mails = append(d.mails, &letter{to, "<" + n.messageID(c, to) + ">", n.mail(c, to, f), unsent})
	}
	return d
}

// attempt sends each pending mail once. The class decides about the next attempt: it is Unavailable if a mail is
// pending still.
func (d *delivery) attempt(ctx context.Context) transport.Attempted {
	before := d.waited()
	for queue := d.pending(); len(queue) > 0; {
		queue = d.session(ctx, queue)
	}
	var errs []error
	for _, l := range d.mails {
		if l.result.Class != transport.Done {
			errs = append(errs, d.fault(l))
		}
	}
	a := transport.Attempted{
		Class: transport.Done, Err: errors.Join(errs...), Waited: d.waited() - before, Final: d.late,
	}
	for _, l := range d.pending() {
		a.Class, a.RetryAfter = transport.Unavailable, max(a.RetryAfter, l.result.RetryAfter)
	}
	return a
}

func (d *delivery) waited() time.Duration { return d.line.Waited() + d.pace.Waited() }

// pending returns the mails that have not been accepted and may be sent.
func (d *delivery) pending() (queue []*letter) {
	atLeastOnce := d.n.flow.Transport().Delivery() == transport.AtLeastOnce
	for _, l := range d.mails {
		class := l.result.Class
		if class == transport.Unavailable || class == transport.Ambiguous && atLeastOnce {
			queue = append(queue, l)
		}
	}
	return queue
}

// session sends mails over one connection until it breaks, and returns the mails that are left. If no connection can be
// made, all mails have failed.
func (d *delivery) session(ctx context.Context, queue []*letter) []*letter {
	if !d.take(ctx, d.line, queue) {
		return nil
	}
	defer d.line.Leave(true, true)
	if !d.take(ctx, d.pace, queue) {
		return nil
	}
	s, result := d.n.open(ctx, d.pace)
	if s == nil {
		refused := len(result.Body) > 0
		d.pace.Leave(refused, refused)
		for _, l := range queue {
			l.settle(result)
		}
		return nil
	}
	d.connected = true
	defer s.close()
	for i, l := range queue {
		if i > 0 && !d.take(ctx, d.pace, queue[i:]) {
			return nil
		}
		result := s.send(ctx, mailbox(d.n.from), mailbox(l.to), l.raw)
		d.leave(result)
		if l.settle(result); s.broken {
			return queue[i+1:]
		}
	}
	return nil
}

// leave ends the turn of a mail.
func (d *delivery) leave(r transport.Result) {
	taken := r.Class == transport.Done
	d.pace.Leave(true, taken || len(r.Body) > 0)
	if taken {
		d.pace.Took()
	}
}

// take waits for the turn of a connection or a mail. If there is no turn in time, the mails of the queue are not sent.
// What an earlier attempt has proved of them stays.
func (d *delivery) take(ctx context.Context, turn *transport.Turn, queue []*letter) bool {
	class, after, err := turn.Take(ctx)
	if err == nil {
		return true
	}
	d.late = true
	for _, l := range queue {
		if l.result.RetryAfter = after; l.result.Attempts == 0 {
			l.result.Class, l.result.Err = class, err
		}
	}
	return false
}

// settle notes the result of an attempt. A mail that may have been accepted by an earlier attempt stays ambiguous until
// an attempt succeeds.
func (l *letter) settle(r transport.Result) {
	if l.result.Class == transport.Ambiguous && r.Class != transport.Done {
		r.Class = transport.Ambiguous
	}
	r.Attempts = l.result.Attempts + 1
	l.result = r
}

// accepted returns the ids of the mails that the server has accepted, separated by blanks.
func (d *delivery) accepted() string {
	var ids []string
	for _, l := range d.mails {
		if l.result.Class == transport.Done {
			ids = append(ids, l.id)
		}
	}
	return strings.Join(ids, " ")
}

// err returns the error of the whole call: nil if all mails were accepted, the session's error if there never was a
// session, and otherwise an error for each recipient who did not get the mail.
func (d *delivery) err(ctx context.Context) error {
	var errs []error
	for _, l := range d.mails {
		if l.result.Class == transport.Done {
			continue
		}
		d.cancelled(ctx, l)
		repeat := d.n.withRecipients(l.to)
		repeat.repeats = d.name
		errs = append(errs, &mackerel.DeliveryError{Notifier: repeat, Err: d.fault(l)})
	}
	switch {
	case len(errs) == 0:
		return nil
	case !d.connected || len(d.mails) == 1:
		return d.fault(d.mails[0])
	}
	return errors.Join(errs...)
}

// cancelled notes that the caller's context has ended, if a mail is pending because of that.
func (d *delivery) cancelled(ctx context.Context, l *letter) {
	pending := l.result.Class == transport.Unavailable || l.result.Class == transport.Ambiguous
	if pending && ctx.Err() != nil {
		l.result.Err = d.n.flow.Transport().Lost(ctx, ctx.Err())
	}
}

// fault returns the error of one mail.
func (d *delivery) fault(l *letter) error {
	r := l.result
	r.Delivery = d.n.flow.Transport().Delivery()
	return d.n.flow.Error(op, r)
}
