package durable

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	maxHeld     = 64                    // messages of one key in hand
	heldTooMany = time.Second           // after which the server offers a message again that was too many
	heldGap     = 20 * time.Millisecond // between the messages that are given back, so that they come in order
)

// A message is an alert that the server has given to this worker.
type message struct {
	*nats.Msg
	seq        uint64
	deliveries uint64 // how often it was given to a worker
	stored     time.Time
	mark       uint64 // the sequence number of its mark; 0 if that is not known
}

// A lane has the messages of one key that are in hand. A goroutine delivers them, one after the other.
type lane struct {
	held []message // in the order of the stream
}

// take takes a message in hand. It does not wait.
func (w *Worker) take(ctx, run context.Context, m *nats.Msg) {
	meta, err := m.Metadata()
	if err != nil { // this is no message of a consumer
		w.leave(1)
		return
	}
	in := message{Msg: m, seq: meta.Sequence.Stream, deliveries: meta.NumDelivered, stored: meta.Timestamp}
	w.progress.add(in)
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lanes[m.Subject]
	switch {
	case l == nil:
		w.lanes[m.Subject] = &lane{held: []message{in}}
		w.all.Go(func() { w.drive(ctx, run, m.Subject) })
	case len(l.held) < maxHeld:
		at, _ := slices.BinarySearchFunc(l.held, in.seq, func(m message, seq uint64) int { return cmp.Compare(m.seq, seq) })
		l.held = slices.Insert(l.held, at, in)
	default:
		w.giveBack(in, heldTooMany)
	}
}

// drive delivers the messages of a lane.
func (w *Worker) drive(ctx, run context.Context, subject string) {
	for {
		m, ok := w.next(subject)
		if !ok {
			return
		}
		wait, done := w.one(ctx, run, m)
		if done {
			w.release(m)
			continue
		}
		w.close(m, wait)
		return
	}
}

// next returns the next message of a lane. If there is no message, the lane ends.
func (w *Worker) next(subject string) (message, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lanes[subject]
	if len(l.held) == 0 {
		delete(w.lanes, subject)
		return message{}, false
	}
	m := l.held[0]
	l.held = slices.Delete(l.held, 0, 1)
	return m, true
}

// close ends the lane of a message that was not delivered. The message and those behind it are given back.
func (w *Worker) close(m message, wait time.Duration) {
	w.mu.Lock()
	l := w.lanes[m.Subject]
	delete(w.lanes, m.Subject)
	w.mu.Unlock()
	w.release(m)
	_ = m.NakWithDelay(wait) // if it is lost, the server gives the message again after AckWait
	for i, held := range l.held {
		w.giveBack(held, wait+time.Duration(i+1)*heldGap)
	}
}

// giveBack gives a message back that was not tried.
func (w *Worker) giveBack(m message, wait time.Duration) {
	h := w.history.get(m.seq)
	h.untried++
	w.history.set(m.seq, h)
	w.release(m)
	_ = m.NakWithDelay(wait) // as above
}

// release notes that a message is no longer in hand.
func (w *Worker) release(m message) {
	w.progress.remove(m)
	w.leave(1)
}

// jitter returns a time between d and 3d, so that workers do not ask all at once.
func jitter(d time.Duration) time.Duration {
	return d + rand.N(2*d) //nolint:gosec // this is no secret
}
