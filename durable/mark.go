package durable

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

// A mark says that a worker has begun to deliver a message and that the result is not known, see
// [WorkerConfig].AtMostOnce. It is an empty message in the stream of the dead letters, with a subject of its own.

// markSubject returns the subject of the mark of a message.
func (w *Worker) markSubject(m message) string {
	return w.store.deadSubject(w.config.Queue) + "." + w.store.id(m.seq)
}

// mark stores the mark of a message, if the worker is to deliver at most once. If the mark is there already, a worker was
// killed or cut off while it delivered the message: the error is [mackerel.ErrAmbiguous]. After other errors the mark may
// not be stored.
func (w *Worker) mark(ctx context.Context, m message) error {
	if !w.config.AtMostOnce {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	_, _, err := w.store.publish(ctx, w.store.config.Name+deadSuffix, &nats.Msg{Subject: w.markSubject(m)}, randomID(),
		jetstream.WithExpectLastSequencePerSubject(0))
	if e, ok := errors.AsType[*jetstream.APIError](err); ok &&
		(e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		e := failed("deliver", mackerel.ErrAmbiguous, "a worker ended before it knew the result of the delivery", nil)
		e.Delivery = mackerel.AtMostOnce
		return e
	}
	return err
}

// unmark removes the mark of a message, after the result was noted. If it fails, and the message is still in the queue, it
// becomes a dead letter.
func (w *Worker) unmark(ctx context.Context, m message) {
	if !w.config.AtMostOnce {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTime)
	defer cancel()
	_ = again(ctx, func(ctx context.Context) error {
		return w.store.dead.Purge(ctx, jetstream.WithPurgeSubject(w.markSubject(m)))
	})
}
