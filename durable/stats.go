package durable

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Stats says what is in a store.
type Stats struct {
	At       time.Time // when it was read
	Queues   []QueueStats
	Bytes    int64  // that the queues need on the disk; at MaxBytes the store is full
	MaxBytes int64  // of the queues, as the server has it
	Unserved uint64 // alerts in queues of which no worker has run yet
}

// QueueStats says what is in a queue.
type QueueStats struct {
	Queue       string
	Served      bool          // whether a worker of the queue has ever run
	Waiting     uint64        // alerts that are not delivered, with those that workers have
	InHand      uint64        // those of Waiting that workers have, or that failed and wait for the next try
	Oldest      time.Duration // since the oldest of them was stored; 0 if no alert waits
	Deliveries  uint64        // how often workers were given an alert since the first worker ran, with repeats
	DeadLetters uint64
}

// PerSecond returns how often per second workers were given an alert since an earlier reading, with repeats; 0 if the
// readings have no time between them, or if the queue was made anew.
func (s Stats) PerSecond(queue string, earlier Stats) float64 {
	seconds := s.At.Sub(earlier.At).Seconds()
	now, before := s.Queue(queue).Deliveries, earlier.Queue(queue).Deliveries
	if seconds <= 0 || now < before {
		return 0
	}
	return float64(now-before) / seconds
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

// Stats reads what is in the store. It needs three requests, and one for each queue in which alerts wait. The queues are
// in the order of their names: those that a worker has served, those in which alerts wait, and those that have dead
// letters. While alerts come and go, the numbers are of slightly different times.
//
// A message that the disk has damaged may be counted in Waiting and DeadLetters, and has no age.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	queues, err := s.served(ctx)
	if err != nil {
		return Stats{}, refused("stats", err)
	}
	info, err := s.unserved(ctx, queues)
	if err != nil {
		return Stats{}, refused("stats", err)
	}
	dead, err := s.deadInfo(ctx, s.deadSubject("*"))
	if err != nil {
		return Stats{}, refused("stats", err)
	}
	for subject, n := range dead.State.Subjects {
		queues.of(lastToken(subject)).DeadLetters = n
	}
	stats := Stats{At: info.TimeStamp, Bytes: int64(info.State.Bytes), MaxBytes: info.Config.MaxBytes} //nolint:gosec // no disk has so many bytes
	for _, name := range slices.Sorted(maps.Keys(queues)) {
		q := queues[name]
		if err := s.age(ctx, q, info); err != nil {
			return Stats{}, refused("stats", err)
		}
		if !q.Served {
			stats.Unserved += q.Waiting
		}
		stats.Queues = append(stats.Queues, *q)
	}
	return stats, nil
}

// queueMap has the queues by their names.
type queueMap map[string]*QueueStats

// of returns the numbers of a queue, which may be new.
func (m queueMap) of(name string) *QueueStats {
	if m[name] == nil {
		m[name] = &QueueStats{Queue: name}
	}
	return m[name]
}

func lastToken(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// served returns the queues that have a consumer.
func (s *Store) served(ctx context.Context) (queueMap, error) {
	ctx, cancel := bounded(ctx, storeTime)
	defer cancel()
	all := make(queueMap)
	list := s.queues.ListConsumers(ctx)
	for c := range list.Info() {
		if c.Config.FilterSubject != s.subject(c.Name, "*") { // it is no worker's
			continue
		}
		pending := uint64(c.NumAckPending) //nolint:gosec // it is not negative
		all[c.Name] = &QueueStats{
			Queue: c.Name, Served: true, Waiting: c.NumPending + pending, InHand: pending, Deliveries: c.Delivered.Consumer,
		}
	}
	return all, list.Err()
}

// unserved adds the queues that have alerts and no consumer. It returns the state of the queues.
func (s *Store) unserved(ctx context.Context, queues queueMap) (info *jetstream.StreamInfo, err error) {
	get := func(o ...jetstream.StreamInfoOpt) error {
		return ask(ctx, func(ctx context.Context) error {
			info, err = s.queues.Info(ctx, o...)
			return err
		})
	}
	if err := get(); err != nil {
		return nil, err
	}
	left := info.State.Msgs
	for _, q := range queues {
		left -= min(left, q.Waiting)
	}
	if left == 0 {
		return info, nil
	}
	// There is a subject for each key, so the names are asked for only if they matter.
	if err := get(jetstream.WithSubjectFilter(s.subject("*", "*"))); err != nil {
		return nil, err
	}
	for subject, n := range info.State.Subjects {
		name := strings.Split(subject, ".")[1]
		if q := queues.of(name); !q.Served {
			q.Waiting += n
		}
	}
	return info, nil
}

// age sets the age of the oldest alert of a queue that the server can read.
func (s *Store) age(ctx context.Context, q *QueueStats, info *jetstream.StreamInfo) error {
	if q.Waiting == 0 {
		return nil
	}
	oldest, err := s.firstReadable(ctx, s.subject(q.Queue, "*"), info.State.LastSeq)
	if oldest != nil {
		q.Oldest = max(info.TimeStamp.Sub(oldest.Time), 0)
	}
	return err
}
