package durable

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	fetchTime = time.Second            // of one request for messages; so long Run may take to notice its context
	fetchBeat = 500 * time.Millisecond // a server that is silent for twice as long has gone
)

// A puller asks the consumer of a queue for messages.
//
// All answers come to one inbox that outlives the requests. A cluster sends a message after most of its servers know of
// it, which may be after it has said that the request is over. If the inbox had gone with the request, as with Fetch of
// package jetstream, the message would be offered again after AckWait.
type puller struct {
	conn     *nats.Conn
	subject  string // of the requests
	inbox    string // without the number of the request
	requests int
	sub      *nats.Subscription
	answers  chan *nats.Msg
}

// newPuller returns a puller that is asked for size messages at most.
func (s *Store) newPuller(queue string, size int) (*puller, error) {
	p := &puller{
		conn: s.conn, subject: "$JS.API.CONSUMER.MSG.NEXT." + s.config.Name + "." + queue, inbox: s.conn.NewInbox(),
		answers: make(chan *nats.Msg, 8*size), // those of earlier requests may be late
	}
	var err error
	p.sub, err = s.conn.ChanSubscribe(p.inbox+".*", p.answers)
	return p, err
}

// pull asks for n messages and hands on what comes, until all have come, the server has no more for fetchTime, or the
// connection fails. It returns how many have come.
func (p *puller) pull(n int, take func(*nats.Msg)) (taken int, err error) {
	if n == 0 {
		return 0, nil
	}
	p.requests++
	reply := p.inbox + "." + strconv.Itoa(p.requests)
	request := fmt.Appendf(nil, `{"batch":%d,"expires":%d,"idle_heartbeat":%d}`, n, fetchTime, fetchBeat)
	if err := p.conn.PublishRequest(p.subject, reply, request); err != nil {
		return 0, err
	}
	silence := time.NewTimer(2 * fetchBeat)
	defer silence.Stop()
	for taken < n {
		select {
		case m := <-p.answers:
			silence.Reset(2 * fetchBeat)
			switch {
			case !strings.HasPrefix(m.Subject, p.inbox): // it has the subject with which it was stored
				taken++
				take(m)
			case m.Subject == reply && m.Header.Get("Status") != "100": // which says that the server is there
				return taken, over(m.Header)
			}
		case <-silence.C:
			return taken, nats.ErrTimeout
		}
	}
	return taken, nil
}

// over returns why a request is over, nil if its time is.
func over(h nats.Header) error {
	switch status := h.Get("Status"); status {
	case "408":
		return nil
	case "503":
		return nats.ErrNoResponders
	default:
		return errors.New("the server ends the request for messages: " + status + " " + h.Get("Description"))
	}
}

// close gives back what came too late.
func (p *puller) close(ctx context.Context) {
	_ = p.sub.Unsubscribe() // the connection may be closed
	for ctx.Err() == nil {
		select {
		case m := <-p.answers:
			_ = m.Nak() // it may be a status
		default:
			return
		}
	}
}
