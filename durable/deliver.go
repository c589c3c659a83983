package durable

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

const (
	notYet     = 50 * time.Millisecond  // until a message is offered again if another worker has an earlier message of its key
	longYet    = time.Second            // the same, after some times
	staleGap   = 3 * time.Millisecond   // between readings, until a removal is seen
	staleMax   = 10                     // readings
	unreadable = 20                     // deliveries of a message, after which the message before it may be damaged, or finished
	firstWait  = time.Second            // before the second try, if the service does not say
	maxWait    = 30 * time.Second       // before any other
	ackTime    = 15 * time.Second       // a cluster needs up to 9 s to elect a leader
	routedGap  = 3 * time.Millisecond   // before the second look whether the router has finished; twice as long each time
	routedTime = 3 * time.Second        // until a removal does not wait for the router any more
	settleTime = 10 * time.Second       // a server writes every 100 ms what was acknowledged, or later if its disk is slow
	endTime    = 300 * time.Millisecond // the same, when the worker ends: a mark that stays does no harm
)

// one does what is to be done with a message whose turn it may be. If it is not done, the message is to be offered again
// after the wait.
func (w *Worker) one(ctx, run context.Context, m message) (wait time.Duration, done bool) {
	if w.history.get(m.seq).finished { // the acknowledgement was lost
		return notYet, w.finish(run, m)
	}
	if rest := time.Until(w.resting.get(m.Subject)); rest > 0 && w.history.get(m.seq).tries == 0 {
		w.noteUntried(m)
		return rest + heldGap, false
	}
	first := w.turn(ctx, m)
	switch {
	case first < m.seq: // another worker has the first, or it waits, or it is not known
		w.noteUntried(m)
		if first > 0 && m.deliveries%unreadable == 0 {
			w.removeFinished(ctx, first)
		}
		// The nearer its turn is, the sooner it is offered again. If all were offered at the same pace, ten thousand
		// messages of one key would keep the server busy.
		return jitter(min(notYet+notYet/4*time.Duration(w.waiting.rank(m.Subject, first, m.seq)), longYet)), false
	case first > m.seq: // another worker has finished it
		return notYet, w.finish(run, m)
	}
	wait, done = w.process(ctx, run, m)
	if wait > time.Second {
		w.resting.set(m.Subject, time.Now().Add(wait))
	}
	return wait, done
}

func (w *Worker) noteUntried(m message) {
	h := w.history.get(m.seq)
	h.untried++
	w.history.set(m.seq, h)
}

// turn returns the sequence number of the first message of m's key that is still in the queue, 0 if it is not known. If
// it is that of m, it is m's turn. If it is greater, m is not in the queue any more.
//
// The reading may be late: it shows the queue as it was some moments ago. If it shows m as the first, all earlier
// messages are gone. If it shows no message at all, m has not arrived there yet, and nothing follows from it.
func (w *Worker) turn(ctx context.Context, m message) (first uint64) {
	for range staleMax {
		found, err := w.store.first(ctx, 1, m.Subject)
		if err != nil {
			if m.deliveries >= unreadable && w.isBehindDamage(ctx, m) {
				return m.seq
			}
			return 0
		}
		first = found.Sequence
		if first >= m.seq || !w.history.get(first).finished { // what this worker has finished is about to be removed
			break
		}
		if pause(ctx, staleGap) != nil {
			break
		}
	}
	return first
}

// isBehindDamage reports whether m is the first message of its key that can be read, and the messages before it cannot.
// They are damaged, and will never be delivered. They must not hold up their key for ever.
func (w *Worker) isBehindDamage(ctx context.Context, m message) bool {
	if found, err := w.store.firstReadable(ctx, m.Subject, m.seq); err != nil || found == nil || found.Sequence != m.seq {
		return false
	}
	_, err := w.store.first(ctx, 1, m.Subject)
	return errors.Is(err, jetstream.ErrMsgNotFound)
}

// removeFinished removes a message that was acknowledged. A server that was killed may find such messages again, since
// it does not write each removal. Its consumer does not deliver them, and they would hold up their key for ever. What
// waits is never below the consumer's floor.
func (w *Worker) removeFinished(ctx context.Context, seq uint64) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	consumer, err := w.store.queues.Consumer(ctx, w.config.Queue)
	if err == nil && seq <= consumer.CachedInfo().AckFloor.Stream {
		_ = w.store.queues.DeleteMsg(ctx, seq) // if it fails, it is tried again
	}
}

// first returns the first message of a subject whose sequence number is at least seq.
func (s *Store) first(ctx context.Context, seq uint64, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return s.queues.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
}

// firstReadable returns the first message of a subject that the server can read. It returns nil if the server finds no
// message from any sequence number up to last.
//
// A server that cannot read a file may find no message from there on. It finds the messages of later files if it is asked
// for greater numbers. So firstReadable searches the first number from which the server finds a message, in halves. If the
// server cannot read several files, firstReadable may return a message that is not the first.
func (s *Store) firstReadable(ctx context.Context, subject string, last uint64) (found *jetstream.RawStreamMsg, err error) {
	low, high := uint64(1), last
	for seq := low; low <= high; seq = low + (high-low)/2 {
		m, err := s.first(ctx, seq, subject)
		switch {
		case err == nil:
			found, high = m, seq-1
		case errors.Is(err, jetstream.ErrMsgNotFound):
			low = seq + 1
		default:
			return nil, err
		}
	}
	return found, nil
}

// process delivers a message whose turn it is, or decides that it is not to be delivered.
func (w *Worker) process(ctx, run context.Context, m message) (wait time.Duration, done bool) {
	a, err := mackerel.ParseWebhook(m.Data)
	if err != nil && !errors.Is(err, mackerel.ErrOddMember) {
		return w.bury(run, m, a, failed("deliver", mackerel.ErrInvalid, "the message is no alert", err))
	}
	if age := time.Since(m.stored); age > w.config.MaxAge {
		return w.bury(run, m, a, failed("deliver", mackerel.ErrUnavailable,
			fmt.Sprintf("not delivered within %v", w.config.MaxAge), nil))
	}
	h := w.history.get(m.seq)
	if w.config.Overtake && h.neverTried(m) && w.isOvertaken(ctx, m) {
		w.stats.overtaken.Add(1)
		w.tell(run, Result{Alert: a, Outcome: Overtaken}, m)
		return notYet, w.finish(run, m)
	}
	if w.gate.enter(ctx) != nil { // the worker stops
		w.noteUntried(m)
		return 0, false
	}
	defer w.gate.leave()
	if m.mark, err = w.mark(run, m); errors.Is(err, mackerel.ErrAmbiguous) {
		return w.bury(run, m, a, err)
	} else if err != nil { // the server is away
		w.unmark(run, m) // it may be stored; the delivery has not begun
		return tryPause, false
	}
	h.tries++
	w.history.set(m.seq, h)
	err = w.deliver(run, m, a)
	wait, again := mackerel.Retry(err)
	switch {
	case err == nil:
		w.stats.delivered.Add(1)
		w.tell(run, Result{Alert: a, Outcome: Delivered}, m)
		return notYet, w.finish(run, m)
	case !again:
		return w.bury(run, m, a, err)
	}
	wait = or(wait, backoff(h.tries))
	w.stats.repeated.Add(1)
	w.tell(run, Result{Alert: a, Outcome: Repeated, Err: err, After: wait}, m)
	w.unmark(run, m)
	return wait, false
}

// backoff returns how long to wait after a number of tries.
func backoff(tries uint64) time.Duration { return min(firstWait<<min(tries-1, 10), maxWait) }

// isOvertaken reports whether a later alert of the same key waits.
func (w *Worker) isOvertaken(ctx context.Context, m message) bool {
	_, err := w.store.first(ctx, m.seq+1, m.Subject)
	return err == nil
}

// deliver calls the notifier, which has entered the gate. If it fails in part, deliver repeats what failed, until the
// rest is delivered or failed for good.
func (w *Worker) deliver(ctx context.Context, m message, a mackerel.Alert) error {
	id := w.deliveryID(m)
	ctx = context.WithValue(mackerel.WithDeliveryID(ctx, id), originKey{}, id)
	var final []error
	for n, tries := w.config.Notifier, uint64(1); ; tries++ {
		err := w.notify(ctx, n, a)
		w.gate.note(err)
		rest, lost := split(err)
		whole := tries == 1 && len(lost) == 0 && len(mackerel.Failures(err)) == len(mackerel.Unwrap(n))
		if rest == nil || whole {
			return errors.Join(append(final, err)...)
		}
		final = append(final, lost...)
		wait, _ := mackerel.Retry(err)
		late := time.Since(m.stored) > w.config.MaxAge
		if late || w.gate.rest(ctx, or(wait, backoff(tries))) != nil {
			return errors.Join(append(final, err)...)
		}
		n = rest
	}
}

// deliveryID returns the id of the delivery that a message is part of: that of the queue where it came from, or its own.
func (w *Worker) deliveryID(m message) string {
	if id := m.Header.Get(headerDelivery); id != "" {
		return id
	}
	return w.store.id(m.seq)
}

// split returns the parts of a notifier that failed for now, nil if there are none, and the errors of those that failed
// for good.
func split(err error) (rest mackerel.Notifier, lost []error) {
	var repeat []mackerel.Notifier
	for _, f := range mackerel.Failures(err) {
		if _, again := mackerel.Retry(f); again {
			repeat = append(repeat, f.Notifier)
		} else {
			lost = append(lost, f)
		}
	}
	if len(repeat) == 0 {
		return nil, nil
	}
	return mackerel.Multi(repeat...), lost
}

// notify calls a notifier, and turns a panic into an error.
func (w *Worker) notify(ctx context.Context, n mackerel.Notifier, a mackerel.Alert) (err error) {
	ctx, cancel := context.WithTimeout(ctx, w.config.Timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			e := failed("deliver", mackerel.ErrAmbiguous, fmt.Sprintf("the notifier panicked with a %T", v), nil)
			e.Err, _ = v.(runtime.Error)
			e.Delivery = mackerel.AtMostOnce
			err = e
		}
	}()
	return n.Notify(ctx, a)
}

// finish removes a message from the queue, and reports whether the server has confirmed it.
func (w *Worker) finish(ctx context.Context, m message) bool {
	h := w.history.get(m.seq)
	h.finished = true
	w.history.set(m.seq, h)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTime)
	defer cancel()
	routed := !w.config.AtMostOnce || w.routed(ctx, m)
	err := again(ctx, func(ctx context.Context) error { return m.AckSync(nats.Context(ctx)) })
	if err == nil && routed && w.config.AtMostOnce {
		w.all.Go(func() { w.unmarkLater(ctx, m) })
	}
	return err == nil
}

// tell calls OnResult.
func (w *Worker) tell(ctx context.Context, r Result, m message) {
	if w.config.OnResult == nil {
		return
	}
	r.Queue, r.Delivery, r.Age = w.config.Queue, m.deliveries, time.Since(m.stored)
	w.config.OnResult(ctx, r)
}
