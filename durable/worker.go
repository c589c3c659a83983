package durable

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"github.com/mackerel-notify/mackerel"
)

// WorkerConfig says what a worker delivers, and how.
type WorkerConfig struct {
	// Queue is the name of the queue whose alerts are delivered.
	Queue string
	// Notifier delivers them: the notifier of a service, or a router whose notifiers are [Queue]s.
	Notifier mackerel.Notifier
	// Concurrency is how many alerts are delivered at a time; 8 unless set. Alerts of one [mackerel.Alert.Key] are
	// delivered one after the other.
	Concurrency int
	// Overtake skips an alert that was never tried if a later alert of the same key waits already. After an hour without
	// the service, people then read how things are, and not all that has happened. It suits services that keep the state
	// of an incident (PagerDuty, Opsgenie, JSM). In a chat room it makes the story shorter: an opening may be missing
	// before its closing. Do not use it with a phone that closings do not ring (twilio).
	Overtake bool
	// AtMostOnce is for phones. What a worker was delivering when it was killed or cut off is not delivered again: it
	// becomes a dead letter with [mackerel.ErrAmbiguous]. Each delivery needs two more writes. The notifier must be
	// AtMostOnce itself, as package twilio is unless its Call.Delivery says otherwise. All workers of a queue have the
	// same.
	AtMostOnce bool
	// MaxAge is how long an alert is tried, from the time at which it was stored in this queue; 24 h unless set. After
	// that it becomes a dead letter.
	MaxAge time.Duration
	// Timeout ends the context of one delivery; 10 min unless set.
	Timeout time.Duration
	// Pace, if set, is how many alerts all workers of the queue deliver together: N within Per, evenly. Name is not used.
	// The pace that notifiers keep by themselves is that of one process, so set this if several processes use one
	// account. Each worker keeps N/Workers.
	Pace mackerel.Pace
	// Workers is how many workers the queue has, for Pace; 1 unless set.
	Workers int
	// AckWait is how long the server waits for a sign of life before it gives an alert to another worker; 30 s unless set.
	// So much later the alerts are delivered that a worker had when it was killed. A server elects a leader in 4 to 9 s;
	// a shorter AckWait makes it more likely that an alert is delivered twice then. All workers of a queue have the same.
	AckWait time.Duration
	// Grace is how long the deliveries may take that run when the context of Run ends; 30 s unless set.
	Grace time.Duration
	// OnResult, if set, is called after each delivery, in its goroutine. It is the place for logs and metrics.
	OnResult func(context.Context, Result)
}

// A Worker takes alerts from a queue and delivers them. There may be any number of workers of a queue, on any number of
// machines. It is safe for concurrent use.
//
// A worker delivers an alert only if no earlier alert of the same key waits in the queue, so a closing never comes
// before its opening. A key whose alerts fail does not hold up other keys, and a queue does not hold up other queues.
//
// # What becomes of an alert
//
//   - Delivered: it is removed from the queue.
//   - Failed for now ([mackerel.Retry] reports true): it is tried again after as long as the service asks (RetryAfter),
//     else after 1 s, 2 s, 4 s and so on, at most 30 s. After [mackerel.ErrRateLimited], or five failures in a row, the
//     other alerts of the queue wait too.
//   - Failed for good, possibly delivered where it must not be delivered twice ([mackerel.AtMostOnce]), or older than
//     MaxAge: it becomes a dead letter, with the reason ([Store.DeadLetters]).
//
// If a notifier of several parts (a [mackerel.Multi], a mail with several recipients) fails in part, the parts that
// failed are tried again by the same worker. If that worker is killed, all parts are tried again. A queue for each
// service is better.
//
// # What may come twice
//
// The deliveries that a worker has begun when it is killed (at most Concurrency) are begun again by another worker. If the
// server is killed too, as with package embedded, this also holds for what a router was passing on: a server that starts
// does not know what it has removed before. The context of each delivery has a [mackerel.DeliveryID] that is made of the
// sequence number in the stream, so services that drop repeats show such an alert once. With AtMostOnce, nothing is begun
// again: what may have been delivered becomes a dead letter.
type Worker struct {
	store    *Store
	config   WorkerConfig
	gate     *gate
	stats    counters
	progress progress
	history  recent[uint64, history] // by sequence number
	waiting  backlog
	resting  recent[string, time.Time] // by subject: until when its first message waits
	room     chan struct{}             // has a value for each message in hand
	ending   chan struct{}             // is closed when Run is about to end

	mu    sync.Mutex
	lanes map[string]*lane // by subject: the keys of which a message is in hand
	all   sync.WaitGroup   // of the lanes' goroutines
}

// A Result is what became of an alert in a worker.
type Result struct {
	Queue    string
	Alert    mackerel.Alert
	Outcome  Outcome
	Err      error         // why it was not delivered; nil for Delivered and Overtaken
	Delivery uint64        // 1 if a worker has the alert for the first time
	Age      time.Duration // since the alert was stored in the queue
	After    time.Duration // until it is tried again, for Repeated
}

// An Outcome is what became of an alert in a worker.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered"
	Repeated  Outcome = "repeated"  // it failed for now and is tried again
	Overtaken Outcome = "overtaken" // a later state of the key waits, so this state was left out
	Dead      Outcome = "dead"      // it is a dead letter
)

// WorkerStats counts what a worker has done since it was made.
type WorkerStats struct {
	Delivered, Repeated, Overtaken, Dead uint64
}

type counters struct {
	delivered, repeated, overtaken, dead atomic.Uint64
}

// Stats returns the counts.
func (w *Worker) Stats() WorkerStats {
	c := &w.stats
	return WorkerStats{c.delivered.Load(), c.repeated.Load(), c.overtaken.Load(), c.dead.Load()}
}

// NewWorker checks the configuration and reports all problems as one [mackerel.ErrConfig]. It makes no request.
func (s *Store) NewWorker(c WorkerConfig) (*Worker, error) {
	var problems []string
	if !validQueue.MatchString(c.Queue) {
		problems = append(problems, `Queue: at most 64 letters, digits, "_" and "-"`)
	}
	if mackerel.IsNil(c.Notifier) {
		problems = append(problems, "Notifier: required")
	}
	if c.Concurrency < 0 || c.Workers < 0 {
		problems = append(problems, "Concurrency, Workers: must not be negative")
	}
	if min(c.MaxAge, c.Timeout, c.AckWait, c.Grace) < 0 {
		problems = append(problems, "MaxAge, Timeout, AckWait, Grace: must not be negative")
	}
	if c.Pace != (mackerel.Pace{}) && (c.Pace.N <= 0 || c.Pace.Per <= 0) {
		problems = append(problems, "Pace: N and Per are set together")
	}
	if c.Pace.Name != "" {
		problems = append(problems, "Pace: Name is not used here")
	}
	if len(problems) > 0 {
		return nil, wrong("worker", problems...)
	}
	c.Concurrency, c.Workers = or(c.Concurrency, 8), or(c.Workers, 1)
	c.MaxAge, c.Timeout = or(c.MaxAge, 24*time.Hour), or(c.Timeout, 10*time.Minute)
	c.AckWait, c.Grace = or(c.AckWait, 30*time.Second), or(c.Grace, 30*time.Second)
	limit := rate.Inf
	if c.Pace.N > 0 {
		limit = rate.Limit(float64(c.Pace.N) / c.Pace.Per.Seconds() / float64(c.Workers))
	}
	return &Worker{
		store: s, config: c, lanes: make(map[string]*lane), room: make(chan struct{}, max(64, 4*c.Concurrency)),
		gate:     &gate{places: make(chan struct{}, c.Concurrency), limit: rate.NewLimiter(limit, 1)},
		progress: progress{held: make(map[uint64]message)},
	}, nil
}

func or[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// String returns the kind and the name of the queue.
func (w *Worker) String() string { return "worker " + w.config.Queue }

const maxAckPending = 50_000 // messages that failed and wait count too

// Run delivers alerts until the context ends. Then it gives back what it has not begun, waits up to Grace for the
// deliveries that run, cuts them off, and returns nil. It returns an error only if the queue cannot be read at all:
// [mackerel.ErrConfig] if the consumer exists with another configuration, [mackerel.ErrUnauthorized]. While the server is
// away, Run waits for it. Run is called once at a time.
func (w *Worker) Run(ctx context.Context) error {
	err := w.consumer(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := w.store.newPuller(w.config.Queue, cap(w.room))
	if err != nil {
		return refused("consume", err)
	}
	// The deliveries outlive ctx by Grace.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	w.ending = make(chan struct{})
	beat := w.progress.start(run, w.config.AckWait/3)
	for ctx.Err() == nil && err == nil {
		if w.fetch(ctx, run, p) != nil {
			// The server is away, or has lost the consumer. It is asked for until it is there again.
			_ = pause(ctx, tryPause)
			err = w.consumer(ctx)
		}
	}
	stopped := ctx.Err() != nil
	close(w.ending)
	w.end(cancel)
	p.close(run)
	cancel()
	<-beat
	if stopped {
		return nil
	}
	return err
}

// end lets the lanes give back what they have not begun, and waits for the rest.
func (w *Worker) end(cancel context.CancelFunc) {
	done := make(chan struct{})
	go func() { w.all.Wait(); close(done) }()
	timer := time.NewTimer(w.config.Grace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		cancel()
		<-done
	}
}

// fetch takes as many messages as there is room for. An error means that there is no consumer to take them from.
func (w *Worker) fetch(ctx, run context.Context, p *puller) error {
	free := w.enter(ctx)
	taken, err := p.pull(free, func(m *nats.Msg) { w.take(ctx, run, m) })
	w.leave(free - taken)
	return err
}

// enter waits until there is room, takes all room there is, and returns how much that is; 0 if the context has ended.
func (w *Worker) enter(ctx context.Context) (n int) {
	select {
	case w.room <- struct{}{}:
		n = 1
	case <-ctx.Done():
		return 0
	}
	for {
		select {
		case w.room <- struct{}{}:
			n++
		default:
			return n
		}
	}
}

func (w *Worker) leave(n int) {
	for range n {
		<-w.room
	}
}

// consumer checks the consumer of the queue, and makes it if it is missing. It waits for a server that is away.
func (w *Worker) consumer(ctx context.Context) error {
	want := jetstream.ConsumerConfig{
		Durable: w.config.Queue, FilterSubject: w.store.subject(w.config.Queue, "*"),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: w.config.AckWait, MaxDeliver: -1, MaxAckPending: maxAckPending,
	}
	for {
		var consumer jetstream.Consumer
		err := again(ctx, func(ctx context.Context) (err error) {
			consumer, err = w.store.queues.Consumer(ctx, want.Durable)
			if errors.Is(err, jetstream.ErrConsumerNotFound) {
				consumer, err = w.store.queues.CreateConsumer(ctx, want)
			}
			return err
		})
		switch {
		case err == nil:
			return w.compare(consumer.CachedInfo().Config, want)
		case !isTemporary(err), ctx.Err() != nil:
			return refused("consume", err)
		}
	}
}

// compare returns an error if a consumer differs from what keeps the order and loses nothing.
func (w *Worker) compare(have, want jetstream.ConsumerConfig) error {
	var d diff
	d.compare("filter_subject", have.FilterSubject, want.FilterSubject)
	d.compare("ack_policy", have.AckPolicy, want.AckPolicy)
	d.compare("ack_wait", have.AckWait, want.AckWait)
	d.compare("max_deliver", have.MaxDeliver, want.MaxDeliver)
	d.compare("max_ack_pending", have.MaxAckPending, want.MaxAckPending)
	d.compare("deliver_policy", have.DeliverPolicy, want.DeliverPolicy)
	d.compare("backoff", len(have.BackOff), 0)
	d.compare("headers_only", have.HeadersOnly, false)
	d.compare("mem_storage", have.MemoryStorage, false)
	return d.err("consume", "consumer "+want.Durable)
}
