package durable

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

// Headers of dead letters.
const (
	headerKey        = "Mackerel-Key"        // the last part of the subject that the alert had
	headerReason     = "Mackerel-Reason"     // why it was not delivered
	headerStored     = "Mackerel-Stored"     // when it was stored in the queue
	headerDeliveries = "Mackerel-Deliveries" // how often a worker had it
)

// A DeadLetter is an alert that was not delivered.
type DeadLetter struct {
	ID         uint64         `json:"id"`
	Queue      string         `json:"queue"`
	Reason     string         `json:"reason"`     // the error, on one line of at most 1,024 bytes
	Stored     time.Time      `json:"stored"`     // when the alert was stored in the queue
	Died       time.Time      `json:"died"`       // when it became a dead letter
	Deliveries int            `json:"deliveries"` // how often a worker had it
	Alert      mackerel.Alert `json:"alert"`      // empty if Body is no alert
	Body       []byte         `json:"-"`          // as it was stored

	key string
}

// bury makes a dead letter of a message. Only when the letter is stored, the message is removed.
func (w *Worker) bury(ctx context.Context, m message, a mackerel.Alert, why error) (wait time.Duration, done bool) {
	letter := &nats.Msg{Subject: w.store.config.Name + deadSuffix + "." + w.config.Queue, Data: m.Data(), Header: nats.Header{
		headerKey:        {m.Subject()[strings.LastIndexByte(m.Subject(), '.')+1:]},
		headerReason:     {line(why.Error(), maxReason)},
		headerStored:     {m.stored.UTC().Format(time.RFC3339Nano)},
		headerDeliveries: {strconv.FormatUint(m.deliveries, 10)},
	}}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTime)
	defer cancel()
	// The letter of a message is stored once, also if this worker is killed before it removes the message.
	_, _, err := w.store.publish(ctx, letter.Subject[:strings.LastIndexByte(letter.Subject, '.')], letter, hash(w.store.id(m.seq)))
	if err != nil {
		// It would be a loss to remove the message, so it is tried again.
		w.stats.repeated.Add(1)
		w.tell(ctx, Result{Alert: a, Outcome: Repeated, Err: errors.Join(why, err), After: maxWait}, m)
		return maxWait, false
	}
	w.stats.dead.Add(1)
	w.tell(ctx, Result{Alert: a, Outcome: Dead, Err: why}, m)
	return notYet, w.finish(ctx, m)
}

// maxReason is the longest reason of a dead letter, in bytes.
const maxReason = 1024

// line returns a text on one line, of at most limit bytes.
func line(text string, limit int) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit-3], "") + "…"
	}
	return text
}

// DeadLetters returns the dead letters of a queue, the oldest first; of all queues if the name is empty. Each needs a
// request. The iterator ends after an error.
func (s *Store) DeadLetters(ctx context.Context, queue string) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		subject := s.config.Name + deadSuffix + "." + or2(queue, "*")
		for next := uint64(1); ; {
			m, err := s.dead.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return
			}
			if err != nil {
				yield(DeadLetter{}, refused("dead letters", err))
				return
			}
			if !yield(letter(m), nil) {
				return
			}
			next = m.Sequence + 1
		}
	}
}

func or2(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// DeadLetter returns a dead letter. If it does not exist, the error is [mackerel.ErrNotFound].
func (s *Store) DeadLetter(ctx context.Context, id uint64) (DeadLetter, error) {
	m, err := s.dead.GetMsg(ctx, id)
	if err != nil {
		return DeadLetter{}, noLetter("dead letter", id, err)
	}
	return letter(m), nil
}

func noLetter(op string, id uint64, err error) error {
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return failed(op, mackerel.ErrNotFound, fmt.Sprintf("there is no dead letter %d", id), nil)
	}
	return refused(op, err)
}

// letter reads a dead letter.
func letter(m *jetstream.RawStreamMsg) DeadLetter {
	d := DeadLetter{
		ID: m.Sequence, Queue: m.Subject[strings.LastIndexByte(m.Subject, '.')+1:], Reason: m.Header.Get(headerReason),
		Died: m.Time, Body: m.Data, key: m.Header.Get(headerKey),
	}
	d.Stored, _ = time.Parse(time.RFC3339Nano, m.Header.Get(headerStored)) // zero if somebody else has written the letter
	d.Deliveries, _ = strconv.Atoi(m.Header.Get(headerDeliveries))
	d.Alert, _ = mackerel.ParseWebhook(m.Data)
	return d
}

// Replay puts a dead letter back into its queue, behind what waits there, and removes it from the dead letters. If
// Replay is cut off in between, and called again within [Config].Window, the alert is not put back twice.
func (s *Store) Replay(ctx context.Context, id uint64) error {
	d, err := s.DeadLetter(ctx, id)
	if err != nil {
		return err
	}
	key := d.key
	if key == "" {
		key = keyToken(d.Alert.Key())
	}
	m := &nats.Msg{Subject: s.subject(d.Queue, key), Data: d.Body}
	name := hash("replay", d.Queue, strconv.FormatUint(id, 10), d.Died.UTC().Format(time.RFC3339Nano))
	if _, _, err := s.publish(ctx, s.config.Name, m, name); err != nil {
		return refused("replay", err)
	}
	return s.Drop(ctx, id)
}

// Drop removes a dead letter for ever.
func (s *Store) Drop(ctx context.Context, id uint64) error {
	err := s.dead.DeleteMsg(ctx, id)
	if e, ok := errors.AsType[*jetstream.APIError](err); ok && e.ErrorCode == codeNoMessage {
		return noLetter("drop", id, jetstream.ErrMsgNotFound)
	}
	if err != nil {
		return refused("drop", err)
	}
	return nil
}
