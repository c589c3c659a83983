package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

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
	// headerDelivery is there too: a replay is the same delivery, so services that drop repeats show the alert once.
)

// A DeadLetter is an alert that was not delivered. Its JSON has no body, since the alert has it byte for byte.
type DeadLetter struct {
	ID         uint64         `json:"id"` // counts up from 1 in the store
	Queue      string         `json:"queue"`
	Reason     string         `json:"reason"`          // the error, on one line of at most 1,024 bytes
	Stored     time.Time      `json:"stored,omitzero"` // when the alert was stored in the queue
	Died       time.Time      `json:"died"`            // when it became a dead letter
	Deliveries int            `json:"deliveries"`      // how often a worker had it
	Alert      mackerel.Alert `json:"alert,omitzero"`  // the zero Alert if Body is no alert
	Body       []byte         `json:"-"`               // as it was stored

	key, delivery string
}

// bury makes a dead letter of a message. Only when the letter is stored, the message is removed.
func (w *Worker) bury(ctx context.Context, m message, a mackerel.Alert, why error) (wait time.Duration, done bool) {
	letter := &nats.Msg{Subject: w.store.deadSubject(w.config.Queue), Data: m.Data, Header: nats.Header{
		headerKey:        {lastToken(m.Subject)},
		headerReason:     {line(why.Error(), maxReason)},
		headerStored:     {m.stored.UTC().Format(time.RFC3339Nano)},
		headerDeliveries: {strconv.FormatUint(m.deliveries, 10)},
		headerDelivery:   {w.deliveryID(m)},
	}}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTime)
	defer cancel()
	// The letter of a message is stored once, also if this worker is killed before it removes the message.
	_, _, err := w.store.publish(ctx, w.store.config.deadName(), letter, hash(w.store.id(m.seq)))
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

// line returns a text on one line, without control characters, of at most limit bytes.
func line(text string, limit int) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	text = strings.ToValidUTF8(strings.Join(words, " "), "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit-3], "") + "…"
	}
	return text
}

// DeadLetters returns the dead letters of a queue that exist when it begins, the oldest first; of all queues if the name
// is empty. Each needs a request. Letters may be dropped and replayed meanwhile. The iterator ends after an error.
//
// A letter that cannot be read, because the disk has damaged it, is left out. [Store.Stats] counts it.
func (s *Store) DeadLetters(ctx context.Context, queue string) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		subject := s.deadSubject(cmp.Or(queue, "*"))
		left, last, err := s.countLetters(ctx, queue, subject)
		if err != nil {
			yield(DeadLetter{}, err)
			return
		}
		for next := uint64(1); left > 0 && next <= last; next++ {
			m, err := s.getLetter(ctx, next, jetstream.WithGetMsgSubject(subject))
			switch {
			case errors.Is(err, jetstream.ErrMsgNotFound):
				// A file of the server cannot be read, or the rest was removed meanwhile.
			case err != nil:
				yield(DeadLetter{}, err)
				return
			case !yield(letter(m), nil):
				return
			default:
				next = m.Sequence
				left--
			}
		}
	}
}

// countLetters returns how many letters a queue has, also damaged ones, and the greatest id that they may have.
func (s *Store) countLetters(ctx context.Context, queue, subject string) (n, last uint64, err error) {
	if queue != "" && !validQueue.MatchString(queue) {
		return 0, 0, wrong("dead letters", fmt.Sprintf(queueRule, queue))
	}
	info, err := s.deadInfo(ctx, subject)
	if err != nil {
		return 0, 0, refused("dead letters", err)
	}
	for _, count := range info.State.Subjects {
		n += count
	}
	if n == 0 || queue == "" {
		return n, info.State.LastSeq, nil
	}
	// Other queues may have thousands of letters behind the last letter of this queue.
	if m, err := s.dead.GetLastMsgForSubject(ctx, subject); err == nil {
		return n, m.Sequence, nil
	}
	return n, info.State.LastSeq, nil
}

// deadInfo returns the state of the dead letters, with the number for each subject.
func (s *Store) deadInfo(ctx context.Context, subject string) (info *jetstream.StreamInfo, err error) {
	err = ask(ctx, func(ctx context.Context) error {
		info, err = s.dead.Info(ctx, jetstream.WithSubjectFilter(subject))
		return err
	})
	return info, err
}

// getLetter reads a letter. The error is that of the module, or jetstream.ErrMsgNotFound.
func (s *Store) getLetter(ctx context.Context, id uint64, o ...jetstream.GetMsgOpt) (m *jetstream.RawStreamMsg, err error) {
	err = ask(ctx, func(ctx context.Context) error {
		m, err = s.dead.GetMsg(ctx, id, o...)
		return err
	})
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, refused("dead letter", err)
	}
	return m, err
}

// ask makes a request as again does, for at most storeTime if the context has no deadline.
func ask(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := bounded(ctx, storeTime)
	defer cancel()
	return again(ctx, request)
}

func (s *Store) deadSubject(queue string) string { return s.config.deadName() + "." + queue }

// DeadLetter returns a dead letter. If it does not exist, the error is [mackerel.ErrNotFound].
func (s *Store) DeadLetter(ctx context.Context, id uint64) (DeadLetter, error) {
	if id == 0 {
		return DeadLetter{}, noLetter("dead letter", id)
	}
	m, err := s.getLetter(ctx, id)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return DeadLetter{}, noLetter("dead letter", id)
	case err != nil:
		return DeadLetter{}, err
	case isMark(m):
		return DeadLetter{}, noLetter("dead letter", id)
	}
	return letter(m), nil
}

func isMark(m *jetstream.RawStreamMsg) bool { return strings.Count(m.Subject, ".") > 1 }

func noLetter(op string, id uint64) error {
	return failed(op, mackerel.ErrNotFound, fmt.Sprintf("there is no dead letter %d", id), nil)
}

// letter reads a dead letter. Any program may write into the stream, so each part may be missing.
func letter(m *jetstream.RawStreamMsg) DeadLetter {
	d := DeadLetter{
		ID: m.Sequence, Queue: lastToken(m.Subject), Reason: m.Header.Get(headerReason),
		Died: m.Time, Body: m.Data, key: m.Header.Get(headerKey), delivery: m.Header.Get(headerDelivery),
	}
	d.Stored, _ = time.Parse(time.RFC3339Nano, m.Header.Get(headerStored))
	d.Deliveries, _ = strconv.Atoi(m.Header.Get(headerDeliveries))
	d.Alert, _ = mackerel.ParseWebhook(m.Data)
	return d
}

var validKey = regexp.MustCompile(`^[0-9a-f]{24}$`) // what keyToken returns

// Replay puts a dead letter back into its queue, behind what waits there, and removes it from the dead letters. It is
// the same delivery as before: services that drop repeats show the alert once. [WorkerConfig].MaxAge begins anew.
//
// If Replay fails, the alert may be in the queue and among the dead letters. It is not put back twice if Replay is called
// again within [Config].Window.
func (s *Store) Replay(ctx context.Context, id uint64) error {
	d, err := s.DeadLetter(ctx, id)
	if err != nil {
		return err
	}
	if !validQueue.MatchString(d.Queue) {
		return failed("replay", mackerel.ErrInvalid, fmt.Sprintf(queueRule, d.Queue), nil)
	}
	key := d.key
	if !validKey.MatchString(key) {
		key = keyToken(d.Alert.Key())
	}
	m := &nats.Msg{Subject: s.subject(d.Queue, key), Data: d.Body, Header: make(nats.Header)}
	if d.delivery != "" {
		m.Header.Set(headerDelivery, d.delivery)
	}
	name := hash("replay", d.Queue, strconv.FormatUint(id, 10), d.Died.UTC().Format(time.RFC3339Nano))
	ctx, cancel := bounded(ctx, storeTime)
	defer cancel()
	if err := s.removeMark(ctx, d.Queue, d.delivery, 0); err != nil {
		return refused("replay", err)
	}
	if _, _, err := s.publish(ctx, s.config.Name, m, name); err != nil {
		return refused("replay", err)
	}
	return s.drop(ctx, id)
}

// Drop removes a dead letter for ever. If it does not exist, the error is [mackerel.ErrNotFound]. A server cannot remove
// a letter that the disk has damaged; the error is [mackerel.ErrInvalid].
func (s *Store) Drop(ctx context.Context, id uint64) error {
	if id == 0 {
		return noLetter("drop", id)
	}
	m, err := s.getLetter(ctx, id)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound): // it may be damaged, which the server says when it is to remove it
	case err != nil:
		return err
	case isMark(m):
		return noLetter("drop", id)
	}
	return s.drop(ctx, id)
}

// drop removes a message that is no mark.
func (s *Store) drop(ctx context.Context, id uint64) error {
	tries := 0
	err := ask(ctx, func(ctx context.Context) error { tries++; return s.dead.DeleteMsg(ctx, id) })
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful):
		return refused("drop", err)
	case strings.Contains(err.Error(), "corrupt"):
		return failed("drop", mackerel.ErrInvalid, fmt.Sprintf("the dead letter %d is damaged", id), err)
	case tries > 1: // the first answer was lost
		return nil
	}
	return noLetter("drop", id)
}
