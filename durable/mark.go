package durable

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

// A mark says that a worker has begun a delivery and that the result is not known, see [WorkerConfig].AtMostOnce. It is an
// empty message in the stream of the dead letters, with a subject of its own.

// markSubject returns the subject of the mark of a delivery. An alert that is stored in a queue twice has one mark.
func (s *Store) markSubject(queue, delivery string) string {
	return s.deadSubject(queue) + "." + hash(delivery)
}

// mark stores the mark of a message, if the worker is to deliver at most once, and returns its sequence number. If the
// mark is there already, a worker was killed or cut off in this delivery: the error is [mackerel.ErrAmbiguous]. After other
// errors the mark may not be stored.
func (w *Worker) mark(ctx context.Context, m message) (uint64, error) {
	if !w.config.AtMostOnce {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	subject := w.store.markSubject(w.config.Queue, w.deliveryID(m))
	ack, _, err := w.store.publish(ctx, w.store.config.deadName(), &nats.Msg{Subject: subject}, randomID(),
		jetstream.WithExpectLastSequencePerSubject(0))
	if e, ok := errors.AsType[*jetstream.APIError](err); ok &&
		(e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		e := failed("deliver", mackerel.ErrAmbiguous, "the delivery had begun before, and may have arrived", nil)
		e.Delivery = mackerel.AtMostOnce
		return 0, e
	}
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// unmark removes the mark of a message that was not delivered, or was removed. If it fails, and the message is still in the
// queue, it becomes a dead letter.
func (w *Worker) unmark(ctx context.Context, m message) {
	if !w.config.AtMostOnce {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTime)
	defer cancel()
	_ = w.store.removeMark(ctx, w.config.Queue, w.deliveryID(m), m.mark)
}

// unmarkLater removes the mark of a message that was removed, when the server is sure to know of the removal after a kill.
// Until then it may have the message again.
func (w *Worker) unmarkLater(ctx context.Context, m message) {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.ending:
		_ = pause(context.WithoutCancel(ctx), endTime)
	}
	w.unmark(ctx, m)
}

// removeMark removes the mark of a delivery with the given sequence number and those before it, or any mark if it is 0. A
// replay of the delivery has a later mark.
func (s *Store) removeMark(ctx context.Context, queue, delivery string, sequence uint64) error {
	o := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(s.markSubject(queue, delivery))}
	if sequence > 0 {
		o = append(o, jetstream.WithPurgeSequence(sequence+1))
	}
	return again(ctx, func(ctx context.Context) error { return s.dead.Purge(ctx, o...) })
}

// routed waits until the message is gone from which a router made m, and reports whether it is. If the router is killed
// before it removes its message, the next router passes the alert on again. As long as m is there, the server knows its
// id and does not store it twice. When m was removed and the server was killed too, nothing knows the id any more.
//
// Only AtMostOnce waits for this. In rooms it would do more harm than good: what waits here comes twice if the worker is
// killed, and that is more than what routers pass on twice.
func (w *Worker) routed(ctx context.Context, m message) bool {
	from, ok := w.store.sequence(m.Header.Get(headerDelivery))
	if !ok || from >= m.seq {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, routedTime)
	defer cancel()
	for wait := routedGap; ; wait *= 2 {
		if _, err := w.store.queues.GetMsg(ctx, from); errors.Is(err, jetstream.ErrMsgNotFound) {
			return true
		}
		if pause(ctx, wait) != nil {
			return false
		}
	}
}
