package email

import (
	"context"
	"errors"
	"net/mail"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A delivery is one message on its way to its recipients.
type delivery struct {
	n    *Notifier
	mail []*letter
}

// A letter is the mail to one recipient, and what has become of it so far.
type letter struct {
	to      *mail.Address
	id      string
	raw     []byte
	result  transport.Result
	lost    bool // an earlier or the last attempt may have succeeded
	unasked bool // the last attempt ended before the server was asked about this mail
}

// delivery writes the mails. All attempts send the same bytes.
func (n *Notifier) delivery(c content, date string) (*delivery, error) {
	d := &delivery{n: n}
	for _, to := range n.to {
		f := measured
		f.date = date
		raw, err := n.mail(c, to, f)
		if err != nil {
			return nil, n.service.Invalid(op, "message: cannot be written as a mail")
		}
		d.mail = append(d.mail, &letter{to: to, id: "<" + n.messageID(c, to) + ">", raw: raw, result: transport.Result{Class: transport.Unavailable}})
	}
	return d, nil
}

// attempt sends each mail once that may be sent (again). The class is for the next one: Unavailable if another attempt makes
// sense for somebody.
func (d *delivery) attempt(ctx context.Context) (transport.Class, error) {
	for queue := d.pending(); len(queue) > 0; {
		queue = d.session(ctx, queue)
	}
	var errs []error
	for _, l := range d.mail {
		if l.result.Class != transport.Done {
			errs = append(errs, d.fault(l))
		}
	}
	if len(d.pending()) > 0 {
		return transport.Unavailable, errors.Join(errs...)
	}
	return transport.Done, errors.Join(errs...)
}

// pending are the mails that have not been accepted and may be sent.
func (d *delivery) pending() []*letter {
	var queue []*letter
	for _, l := range d.mail {
		switch l.result.Class {
		case transport.Unavailable, transport.RateLimited:
			queue = append(queue, l)
		case transport.Ambiguous:
			if d.n.service.Transport().Delivery() == transport.AtLeastOnce {
				queue = append(queue, l)
			}
		case transport.Done, transport.Invalid, transport.Unauthorized, transport.NotFound, transport.Unsupported:
		}
	}
	return queue
}

// session sends mails over one connection until it breaks, and returns those that it did not come to. If there is no
// connection to be had, all of them have failed.
func (d *delivery) session(ctx context.Context, queue []*letter) []*letter {
	s, result := d.n.open(ctx)
	if s == nil {
		for _, l := range queue {
			l.settle(result, true)
		}
		return nil
	}
	defer s.close()
	for i, l := range queue {
		l.settle(s.send(ctx, d.n.from.Address, l.to.Address, l.raw), false)
		if s.broken {
			return queue[i+1:]
		}
	}
	return nil
}

// settle notes what an attempt has come to. What may have been accepted once stays so, until it surely was.
func (l *letter) settle(r transport.Result, unasked bool) {
	l.lost = l.lost || r.Class == transport.Ambiguous
	if l.lost && r.Class != transport.Done {
		r.Class = transport.Ambiguous
	}
	r.Attempts = l.result.Attempts + 1
	l.result, l.unasked = r, unasked
}

// accepted returns the ids of the mails that the server has accepted.
func (d *delivery) accepted() string {
	var ids []string
	for _, l := range d.mail {
		if l.result.Class == transport.Done {
			ids = append(ids, l.id)
		}
	}
	return strings.Join(ids, " ")
}

// err is the error of the whole call: nil if all mails were accepted, that of the session if there never was one, and
// otherwise one for each recipient who did not get the mail.
func (d *delivery) err(ctx context.Context) error {
	var errs []error
	together := true
	for _, l := range d.mail {
		if l.result.Class == transport.Done {
			together = false
			continue
		}
		together = together && !l.lost && (l.unasked || l.result.Attempts == 0)
		d.cancelled(ctx, l)
		errs = append(errs, &mackerel.DeliveryError{Notifier: d.n.only(l.to), Err: d.fault(l)})
	}
	switch {
	case len(errs) == 0:
		return nil
	case together || len(d.mail) == 1:
		return d.fault(d.mail[0])
	}
	return errors.Join(errs...)
}

// cancelled notes that the caller's context has ended, if it has kept a mail from another attempt.
func (d *delivery) cancelled(ctx context.Context, l *letter) {
	if ctx.Err() == nil || errors.Is(l.result.Err, ctx.Err()) {
		return
	}
	if l.result.Class == transport.Unavailable || l.result.Class == transport.Ambiguous {
		l.result.Err = d.n.service.Transport().Lost(ctx, ctx.Err())
	}
}

// fault is the error of one mail.
func (d *delivery) fault(l *letter) error {
	r := l.result
	r.Delivery = d.n.service.Transport().Delivery()
	return d.n.service.Error(op, r)
}
