package durable

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
)

const (
	openTime   = 30 * time.Second // for Open, if its context has no deadline
	tryTime    = 3 * time.Second  // for one request
	tryPause   = 250 * time.Millisecond
	deadWindow = 24 * time.Hour // in which a letter is not stored twice; longer than a worker is away
)

// Config says where the alerts are kept. All programs that share a store have the same Config.
type Config struct {
	// Name is the name of the stream, and the beginning of its subjects; "mackerel" unless set. The stream of the dead
	// letters is Name and "-dead". Lower-case letters, digits and "-" are allowed.
	Name string
	// Replicas is how many servers of a cluster keep each alert: 1, 3 or 5; 1 unless set. With 3, one server may be lost.
	Replicas int
	// MaxBytes is how much the alerts may need that wait, with all their copies for different destinations; 1 GiB
	// unless set. Dead letters have a quarter of it in addition. What does not fit is refused: nothing is thrown away.
	// It counts when the streams are made, and not for streams that exist.
	MaxBytes int64
	// Window is how long a delivery is remembered, so that it is not stored twice; 5 minutes unless set. Mackerel sends
	// reminders in the same words after 10 minutes or more, so it must be shorter than that.
	Window time.Duration
	// Create makes the streams if the server does not have them. Set it where a store is set up for the first time: a
	// store that is missing at any other time has been lost, and a new store would hide that.
	Create bool
	// Cause says why the server does not answer, if it is known, for the errors of a [Queue]. Package embedded sets it.
	Cause func() error
}

// WithDefaults returns the configuration as [Open] uses it. The error is [mackerel.ErrConfig].
func (c Config) WithDefaults() (Config, error) {
	c, problems := c.withDefaults()
	if len(problems) > 0 {
		return Config{}, wrong("open", problems...)
	}
	return c, nil
}

var validName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// withDefaults returns the configuration with its defaults, and what is wrong with it.
func (c Config) withDefaults() (Config, []string) {
	if c.Name == "" {
		c.Name = "mackerel"
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	if c.Window == 0 {
		c.Window = 5 * time.Minute
	}
	var problems []string
	if !validName.MatchString(c.Name) {
		problems = append(problems, `Name: at most 64 lower-case letters, digits and "-"`)
	}
	if c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5 {
		problems = append(problems, "Replicas: must be 1, 3 or 5")
	}
	if c.MaxBytes < 0 {
		problems = append(problems, "MaxBytes: must not be negative")
	}
	if c.Window < 100*time.Millisecond || c.Window >= 10*time.Minute {
		problems = append(problems, "Window: must be at least 100ms and shorter than 10m")
	}
	return c, problems
}

// queues returns the configuration of the stream that has the alerts.
func (c Config) queues() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: c.Name, Subjects: []string{c.Name + ".*.*"}, // the queue, the key of the alert
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
		MaxBytes: c.MaxBytes, Replicas: c.Replicas, Duplicates: c.Window,
		MaxMsgs: -1, MaxConsumers: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1,
	}
}

// dead returns the configuration of the stream that has the dead letters.
func (c Config) dead() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: c.deadName(),
		// The queue; for marks, also the id of the message.
		Subjects:  []string{c.deadName() + ".*", c.deadName() + ".*.*"},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
		MaxBytes: max(c.MaxBytes/4, 1), Replicas: c.Replicas, Duplicates: deadWindow,
		MaxMsgs: -1, MaxConsumers: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1,
	}
}

// deadName returns the name of the stream that has the dead letters.
func (c Config) deadName() string { return c.Name + "-dead" }

// A Store keeps alerts in a JetStream server or cluster. It is safe for concurrent use. It does not own the connection.
type Store struct {
	config  Config
	conn    *nats.Conn
	js      jetstream.JetStream
	queues  jetstream.Stream
	dead    jetstream.Stream
	created time.Time // of queues; sequence numbers are unique together with it
}

// Open opens the store that a server has. If the streams are missing, or if they are configured in a way that could
// lose or double an alert, the error is [mackerel.ErrNotFound] or [mackerel.ErrConfig] and says what is wrong. Open
// never changes a stream that exists.
//
// While a cluster elects its leaders, Open tries again until the context ends, or for 30 s if it has no deadline.
func Open(ctx context.Context, conn *nats.Conn, c Config) (*Store, error) {
	c, problems := c.withDefaults()
	if conn == nil {
		problems = append(problems, "conn: required")
	}
	if len(problems) > 0 {
		return nil, wrong("open", problems...)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, failed("open", mackerel.ErrConfig, "", err)
	}
	ctx, cancel := bounded(ctx, openTime)
	defer cancel()
	s := &Store{config: c, conn: conn, js: js}
	if s.queues, err = s.open(ctx, c.queues()); err != nil {
		return nil, err
	}
	if s.dead, err = s.open(ctx, c.dead()); err != nil {
		return nil, err
	}
	s.created = s.queues.CachedInfo().Created
	return s, nil
}

// open opens a stream, or makes it.
func (s *Store) open(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	var stream jetstream.Stream
	err := again(ctx, func(ctx context.Context) (err error) {
		stream, err = s.js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) && s.config.Create {
			stream, err = s.js.CreateStream(ctx, want)
		}
		if denied := s.denied(); err != nil && denied != nil {
			return denied
		}
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, failed("open", mackerel.ErrNotFound, "the stream "+want.Name+
			" is missing; set Create to make it, if this is the first start", err)
	case err != nil:
		return nil, refused("open", err)
	}
	return stream, differences(stream.CachedInfo().Config, want)
}

// denied returns why the server does not let the connection in, or does not let it do something, if that is so. A server
// does not answer a request that it does not allow, and a connection with wrong credentials may be tried for ever.
func (s *Store) denied() error {
	if last := s.conn.LastError(); isDenial(last) {
		return last
	}
	return nil
}

// differences returns an error if a stream differs from what keeps alerts. Publishing to such a stream would succeed all
// the same.
func differences(have, want jetstream.StreamConfig) error {
	var d diff
	d.compare("subjects", have.Subjects, want.Subjects)
	d.compare("retention", have.Retention, want.Retention)
	d.compare("discard", have.Discard, want.Discard)
	d.compare("discard_new_per_subject", have.DiscardNewPerSubject, false)
	d.compare("storage", have.Storage, want.Storage)
	d.compare("num_replicas", have.Replicas, want.Replicas)
	d.compare("no_ack", have.NoAck, false)
	d.compare("sealed", have.Sealed, false)
	d.compare("persist_mode", have.PersistMode, jetstream.DefaultPersistMode)
	d.compare("duplicate_window", have.Duplicates, want.Duplicates)
	d.compare("max_age", have.MaxAge, time.Duration(0))
	d.compare("max_msgs_per_subject", have.MaxMsgsPerSubject, int64(-1))
	d.compare("mirror", have.Mirror != nil, false)
	d.compare("sources", len(have.Sources), 0)
	d.compare("subject_transform", have.SubjectTransform != nil, false)
	return d.err("open", "stream "+want.Name)
}

// A diff lists the members in which a configuration that a server has differs from what is needed.
type diff []string

func (d *diff) compare(member string, have, want any) {
	if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
		*d = append(*d, member+" is "+h+" and must be "+w)
	}
}

// err returns nil if there is no difference.
func (d *diff) err(op, what string) error {
	if len(*d) == 0 {
		return nil
	}
	return wrong(op, what+": "+strings.Join(*d, ", "))
}

// again makes a request until it succeeds, fails for good, or the context ends.
func again(ctx context.Context, request func(context.Context) error) error {
	for {
		try, cancel := context.WithTimeout(ctx, tryTime)
		err := request(try)
		cancel()
		if !isTemporary(err) {
			return err
		}
		if pause(ctx, tryPause) != nil {
			return err
		}
	}
}

// pause waits, or returns why the context ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return context.Cause(ctx) // which may have ended at the same moment
}

// id returns the name of a message of the queues, also if the stream was made anew.
func (s *Store) id(sequence uint64) string { return s.idPrefix() + strconv.FormatUint(sequence, 10) }

func (s *Store) idPrefix() string {
	return s.config.Name + "-" + strconv.FormatInt(s.created.UnixNano(), 36) + "-"
}

// sequence returns the sequence number of a message of this store, by its id.
func (s *Store) sequence(id string) (uint64, bool) {
	number, ours := strings.CutPrefix(id, s.idPrefix())
	n, err := strconv.ParseUint(number, 10, 64)
	return n, ours && err == nil
}

// String returns "durable" and the name.
func (s *Store) String() string { return "durable store " + s.config.Name }
