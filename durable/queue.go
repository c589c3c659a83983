package durable

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

// storeTime bounds a call without a deadline. A cluster needs up to 9 s to elect a leader.
const storeTime = 15 * time.Second

// headerDelivery is the header that has the id of the delivery, if a worker stored the alert.
const headerDelivery = "Mackerel-Delivery"

// A Queue is a notifier that stores alerts. A [Worker] delivers them.
type Queue struct {
	store *Store
	name  string
}

var _ mackerel.Deliverer = (*Queue)(nil)

const queueRule = `the name of a queue, %.80q: at most 64 letters, digits, "_" and "-"`

var validQueue = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Queue returns the queue of a name: at most 64 letters, digits, "_" and "-", such as "in", "slack" or the id of one of
// Mackerel's channels. A queue needs not be made. Alerts wait in it until a [Worker] of that name runs.
func (s *Store) Queue(name string) (*Queue, error) {
	if !validQueue.MatchString(name) {
		return nil, wrong("queue", fmt.Sprintf(queueRule, name))
	}
	return &Queue{s, name}, nil
}

// Notify stores an alert. When it returns nil, the alert is on the disk of the server, or of most servers of the
// cluster, and will be delivered or become a dead letter.
//
// Stored once is:
//
//   - an alert that was received from Mackerel (it has Raw), however often the same bytes come within [Config].Window;
//   - an alert that was made by hand, for each call, or for each [mackerel.DeliveryID] if the context has an id;
//   - an alert that a [Worker] passes on, for each message of the worker.
//
// While a cluster elects a leader, Notify tries again until the context ends, or for 15 s if it has no deadline.
// [mackerel.Retry] reports whether a later call may succeed. It is ErrUnavailable if the store is full (Code 10077 or
// 10023) or out of reach, and ErrInvalid if the alert is longer than the server allows.
//
// An error does not always mean that the alert was not stored: the answer may be lost. A second call for the same
// alert does no harm then. Only for an alert made by hand, without an id, it is [mackerel.ErrAmbiguous].
func (q *Queue) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := q.Deliver(ctx, a)
	return err
}

// Deliver is Notify with a receipt. Its ID is the sequence number in the stream.
func (q *Queue) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	start := time.Now()
	body, err := a.MarshalJSON()
	if err != nil {
		return mackerel.Receipt{}, failed("store", mackerel.ErrInvalid, "the alert cannot be written as JSON", err)
	}
	m, id, named := q.message(ctx, a, body)
	ctx, cancel := bounded(ctx, storeTime)
	defer cancel()
	ack, tries, err := q.store.publish(ctx, q.store.config.Name, m, id)
	receipt := mackerel.Receipt{Attempts: tries, Duration: time.Since(start)}
	if err != nil {
		return receipt, q.store.explain(lost(ctx, err, tries, named))
	}
	receipt.ID = strconv.FormatUint(ack.Sequence, 10)
	return receipt, nil
}

// bounded returns a context that ends after a time, if the context has no deadline.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if _, set := ctx.Deadline(); set {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// String returns the kind and the name.
func (q *Queue) String() string { return "queue " + q.name }

// message returns what is stored, and its id. Named is false if the id is of this call only.
func (q *Queue) message(ctx context.Context, a mackerel.Alert, body []byte) (m *nats.Msg, id string, named bool) {
	m = &nats.Msg{Subject: q.store.subject(q.name, keyToken(a.Key())), Data: body, Header: make(nats.Header)}
	origin, passedOn := ctx.Value(originKey{}).(string)
	delivery := mackerel.DeliveryID(ctx)
	switch {
	case passedOn:
		m.Header.Set(headerDelivery, origin)
		return m, hash(q.name, "worker", origin, string(body)), true
	case a.Raw != nil:
		return m, hash(q.name, "received", string(body)), true
	case delivery != "":
		return m, hash(q.name, "delivery", delivery, string(body)), true
	}
	return m, randomID(), false
}

// randomID returns an id for one call only.
func randomID() string { return hash("call", rand.Text()) }

// originKey is the key of a context's value: the id of the message that a worker delivers.
type originKey struct{}

// hash returns 22 letters for some texts. The ids of all messages of the window are in the server's memory.
func hash(texts ...string) string {
	h := sha256.New()
	for _, s := range texts {
		fmt.Fprintf(h, "%d:", len(s))
		h.Write([]byte(s))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// keyToken returns the part of a subject that stands for the key of an alert.
func keyToken(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:12])
}

func (s *Store) subject(queue, key string) string { return s.config.Name + "." + queue + "." + key }

// publish stores a message in a stream once, and returns how often it was sent.
func (s *Store) publish(ctx context.Context, stream string, m *nats.Msg, id string, o ...jetstream.PublishOpt) (
	ack *jetstream.PubAck, tries int, err error,
) {
	o = append(o, jetstream.WithExpectStream(stream), jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	var unknown error
	err = again(ctx, func(ctx context.Context) (err error) {
		tries++
		ack, err = s.js.PublishMsg(ctx, m, o...)
		if err != nil && !isRefusal(err) {
			unknown = err
		}
		return err
	})
	if _, answered := errors.AsType[*jetstream.APIError](err); err == nil || answered || unknown == nil {
		return ack, tries, err // a server that has the id would not refuse it
	}
	return nil, tries, unknown
}

// isRefusal reports whether it is certain that the message was not stored.
func isRefusal(err error) bool {
	if _, ok := errors.AsType[*jetstream.APIError](err); ok {
		return true
	}
	for _, e := range []error{
		jetstream.ErrNoStreamResponse, nats.ErrNoResponders, nats.ErrMaxPayload, nats.ErrConnectionClosed,
		nats.ErrConnectionDraining, nats.ErrReconnectBufExceeded,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// explain says in an error why the server does not answer, if that is known.
func (s *Store) explain(e *mackerel.Error) error {
	cause := s.denied
	if s.config.Cause != nil {
		cause = s.config.Cause
	}
	if e.Status != 0 {
		return e
	}
	if err := cause(); err != nil {
		e.Message = err.Error()
	}
	return e
}

// lost returns the error of an alert that may not be stored.
func lost(ctx context.Context, err error, tries int, named bool) *mackerel.Error {
	e := refused("store", err)
	e.Attempts, e.Delivery = tries, mackerel.AtLeastOnce
	if e.Err != nil && ctx.Err() != nil {
		e.Err = fmt.Errorf("%w (%w)", e.Err, context.Cause(ctx))
	}
	if !named && !isRefusal(err) {
		e.Kind = mackerel.ErrAmbiguous
	}
	return e
}
