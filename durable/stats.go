package durable

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

// Stats says what is in a store.
type Stats struct {
	At       time.Time // when it was read
	Queues   []QueueStats
	Bytes    int64  // that the queues need on the disk; at Config.MaxBytes the store is full
	MaxBytes int64  // of the queues
	Unserved uint64 // alerts in queues of which no worker has run yet
}

// QueueStats says what is in a queue.
type QueueStats struct {
	Queue       string
	Waiting     uint64        // alerts that are not delivered, with those that workers have
	InHand      uint64        // those of Waiting that workers have, or that failed and wait for the next try
	Oldest      time.Duration // since the oldest of them was stored; 0 if no alert waits
	Deliveries  uint64        // alerts that workers were given since the first worker ran, with repeats
	DeadLetters uint64
}

// PerSecond returns how many alerts workers were given per second since an earlier reading, with repeats; 0 if the
// readings have no time between them.
func (s Stats) PerSecond(queue string, earlier Stats) float64 {
	seconds := s.At.Sub(earlier.At).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(s.Queue(queue).Deliveries-earlier.Queue(queue).Deliveries) / seconds
}

// Queue returns the numbers of a queue; zeros if there is no such queue.
func (s Stats) Queue(name string) QueueStats {
	for _, q := range s.Queues {
		if q.Queue == name {
			return q
		}
	}
	return QueueStats{Queue: name}
}

// Stats reads what is in the store. It needs two requests, and two for each queue. The queues are in the order of their
// names: those that a worker has served, and those that have dead letters.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	info, err := s.queues.Info(ctx)
	if err != nil {
		return Stats{}, refused("stats", err)
	}
	stats := Stats{At: info.TimeStamp, Bytes: int64(info.State.Bytes), MaxBytes: info.Config.MaxBytes, Unserved: info.State.Msgs} //nolint:gosec // no disk has so many bytes
	queues, err := s.served(ctx)
	if err != nil {
		return Stats{}, err
	}
	for _, q := range queues {
		stats.Unserved -= min(stats.Unserved, q.Waiting)
	}
	letters, err := s.letters(ctx)
	if err != nil {
		return Stats{}, err
	}
	for name, n := range letters {
		at := slices.IndexFunc(queues, func(q QueueStats) bool { return q.Queue == name })
		if at < 0 {
			at, queues = len(queues), append(queues, QueueStats{Queue: name})
		}
		queues[at].DeadLetters = n
	}
	slices.SortFunc(queues, func(x, y QueueStats) int { return cmp.Compare(x.Queue, y.Queue) })
	stats.Queues = queues
	return stats, nil
}

// served returns the queues that have a consumer.
func (s *Store) served(ctx context.Context) ([]QueueStats, error) {
	var all []QueueStats
	list := s.queues.ListConsumers(ctx)
	for c := range list.Info() {
		q := QueueStats{
			Queue: c.Name, Waiting: c.NumPending + uint64(c.NumAckPending), InHand: uint64(c.NumAckPending), //nolint:gosec // a number
			Deliveries: c.Delivered.Consumer,
		}
		if q.Waiting > 0 {
			oldest, err := s.first(ctx, 1, s.subject(c.Name, "*"))
			switch {
			case err == nil:
				q.Oldest = max(c.TimeStamp.Sub(oldest.Time), 0)
			case !errors.Is(err, jetstream.ErrMsgNotFound): // it was delivered in between
				return nil, refused("stats", err)
			}
		}
		all = append(all, q)
	}
	if err := list.Err(); err != nil {
		return nil, refused("stats", err)
	}
	return all, nil
}

// letters returns how many dead letters each queue has.
func (s *Store) letters(ctx context.Context) (map[string]uint64, error) {
	info, err := s.dead.Info(ctx, jetstream.WithSubjectFilter(s.config.Name+deadSuffix+".*"))
	if err != nil {
		return nil, refused("stats", err)
	}
	all := make(map[string]uint64)
	for subject, n := range info.State.Subjects {
		all[subject[strings.LastIndexByte(subject, '.')+1:]] = n
	}
	return all, nil
}

var _ mackerel.Deliverer = (*Queue)(nil)
