package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

const (
	maxPayload  = 4 << 20 // a receiver takes bodies of 1 MiB
	readyTime   = 10 * time.Second
	drainTime   = 5 * time.Second
	reconnect   = 100 * time.Millisecond
	maxMemory   = 64 << 20
	deadLetters = "-dead" // the end of the name of durable's second stream
)

// Config says where the server keeps its files.
type Config struct {
	// Dir is the directory of the server. Required. It is made if it is missing. It must be on a local disk.
	Dir string
	// AcceptDamage starts the server although the error would be [ErrDamaged]. What can be read is kept, files with bad
	// parts are moved to "damaged" in Dir, and a stream that is missing is made anew. What cannot be read is lost. Set
	// it for one start only, after Dir was copied.
	AcceptDamage bool
	// Logger gets the warnings and errors of the server. Nil drops them.
	Logger *slog.Logger
	// Store is the configuration of the store. Its MaxBytes is made smaller if it is not set and the default does not
	// fit on the disk. Replicas must be 0 or 1. Create has no effect.
	Store durable.Config
}

// A Server is a nats-server in this process, and a store in it. It is safe for concurrent use.
type Server struct {
	dir     string
	lock    *flock.Flock
	marker  *marker
	streams []*stream // as they were at the start
	journal *journal
	nats    *server.Server
	conn    *nats.Conn
	closed  chan struct{} // by the connection
	store   *durable.Store
	ready   bool // the start has succeeded

	close    sync.Once
	closeErr error
}

// Start starts a server and opens the store. All alerts that the store has are read before that, so it takes longer if
// many alerts wait. A context that ends stops the reading, and the opening of the store; the start of the server
// itself, of well below a second, is not interrupted.
//
// The errors are described in the comment of the package. Nothing is left running after an error.
func Start(ctx context.Context, c Config) (*Server, error) {
	config, err := c.Store.WithDefaults()
	switch {
	case err != nil:
		return nil, err
	case c.Dir == "":
		return nil, failed(mackerel.ErrConfig, nil, "Dir: required")
	case config.Replicas != 1:
		return nil, failed(mackerel.ErrConfig, nil, "Store.Replicas: must be 1, since there is one server")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, unusable(c.Dir, err)
	}
	s := &Server{dir: dir, journal: &journal{logger: c.Logger}, closed: make(chan struct{})}
	if s.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := s.start(ctx, c, config); err != nil {
		if e := s.stop(); e != nil {
			err = errors.Join(err, e)
		}
		return nil, err
	}
	return s, nil
}

// start does everything that needs the lock.
func (s *Server) start(ctx context.Context, c Config, config durable.Config) (err error) {
	if s.marker, err = s.identify(config.Name); err != nil {
		return err
	}
	ended := func() error { return context.Cause(ctx) }
	if err := s.read(ended); err != nil {
		return err
	}
	if s.marker.Made {
		config.Create, err = s.judge(ended, c.AcceptDamage)
	} else {
		config.Create, err = true, s.clean()
	}
	if err != nil {
		return err
	}
	for _, stream := range s.streams {
		if err := errors.Join(stream.forget(), stream.erase()); err != nil {
			return unusable(s.dir, err)
		}
	}
	room, err := s.measure()
	if err != nil {
		return err
	}
	if config.Create {
		config.MaxBytes, err = room.maxBytes(s.dir, c.Store.MaxBytes, config.MaxBytes)
		if err != nil {
			return err
		}
	}
	s.note(false)
	if err := s.marker.write(s.dir); err != nil {
		return err
	}
	if err := s.run(room.usable); err != nil {
		return err
	}
	return s.open(ctx, config, room)
}

// identify reads or makes the marker. A directory without marker has a store if it has streams.
func (s *Server) identify(name string) (*marker, error) {
	m, err := readMarker(s.dir)
	if err != nil {
		return nil, err
	}
	if m == nil {
		entries, err := os.ReadDir(streamsDir(s.dir))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, unusable(s.dir, err)
		}
		return &marker{Name: name, Made: len(entries) > 0}, nil
	}
	if m.Name != name {
		return nil, failed(mackerel.ErrConfig, nil, "Store.Name: %s has the store %q and not %q", s.dir, m.Name, name)
	}
	return m, nil
}

// read reads the streams. Ended returns an error if it must stop.
func (s *Server) read(ended func() error) error {
	s.streams = nil
	for _, name := range []string{s.marker.Name, s.marker.Name + deadLetters} {
		stream, err := readStream(ended, s.dir, name)
		switch {
		case err != nil && ended() != nil:
			return failed(mackerel.ErrUnavailable, err, "reading the store")
		case err != nil:
			return unusable(s.dir, err)
		}
		s.streams = append(s.streams, stream)
	}
	return nil
}

// judge returns an error if the store has less than it had, or repairs it. It reports whether a stream is missing.
func (s *Server) judge(ended func() error, accept bool) (missing bool, err error) {
	var problems []string
	for _, stream := range s.streams {
		stream.compare(s.marker.Streams[stream.name], s.marker.Stopped)
		problems = append(problems, stream.damage...)
		missing = missing || stream.missing
	}
	if len(problems) == 0 {
		return false, nil
	}
	e := damaged(s.dir, problems)
	if missing {
		e.Kind = mackerel.ErrNotFound
	}
	if !accept {
		return missing, e
	}
	for _, stream := range s.streams {
		if err := stream.repair(s.dir); err != nil {
			return missing, unusable(s.dir, err)
		}
	}
	s.journal.Warnf("damage accepted: %s", e.Message)
	return missing, s.read(ended)
}

// clean removes what a first start left that was cut short. No alert was accepted then.
func (s *Server) clean() error {
	for _, stream := range s.streams {
		if stream.last > 0 {
			return damaged(s.dir, []string{markerFile + " says that the store was never used, but stream " + stream.name +
				" was"})
		}
		if err := os.RemoveAll(stream.dir); err != nil {
			return unusable(s.dir, err)
		}
	}
	return nil
}

// measure looks how much room there is.
func (s *Server) measure() (room, error) {
	var used int64
	for _, stream := range s.streams {
		used += stream.bytes
	}
	return measure(s.dir, used)
}

// note puts into the marker what the streams have.
func (s *Server) note(stopped bool) {
	s.marker.Stopped = stopped
	s.marker.Streams = make(map[string]contents)
	for _, stream := range s.streams {
		s.marker.Streams[stream.name] = contents{len(stream.live), stream.last}
	}
}

// run starts the server.
func (s *Server) run(maxStore int64) (err error) {
	s.nats, err = server.NewServer(&server.Options{
		ServerName: "mackerel",
		JetStream:  true, StoreDir: s.dir, SyncAlways: true,
		JetStreamMaxStore: maxStore, JetStreamMaxMemory: maxMemory,
		DontListen: true, NoSigs: true, MaxPayload: maxPayload,
	})
	if err != nil {
		return failed(mackerel.ErrConfig, err, "the server refuses its options")
	}
	s.nats.SetLoggerV2(s.journal, false, false, false)
	s.nats.Start()
	if fatal, _ := s.journal.troubles(); fatal != "" {
		return failed(mackerel.ErrUnavailable, nil, "%s: the server does not start: %s%s", s.dir, fatal, freeText(s.dir))
	}
	if !s.nats.ReadyForConnections(readyTime) {
		return failed(mackerel.ErrUnavailable, nil, "%s: the server was not ready after %v", s.dir, readyTime)
	}
	return nil
}

// open connects to the server, opens the store, and compares it with what was read.
func (s *Server) open(ctx context.Context, config durable.Config, room room) (err error) {
	s.conn, err = nats.Connect("", nats.InProcessServer(s.nats), nats.Name("mackerel"),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnect), nats.ReconnectBufSize(-1), nats.DrainTimeout(drainTime),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { s.journal.Warnf("connection: %v", err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(s.closed) }))
	if err != nil {
		return failed(mackerel.ErrUnavailable, err, "the server does not answer")
	}
	config.Cause = s.Err
	if s.store, err = durable.Open(ctx, s.conn, config); err != nil {
		return err
	}
	if err := s.compare(ctx, room); err != nil {
		return err
	}
	s.marker.Made, s.ready = true, true
	return s.marker.write(s.dir)
}

// compare compares the streams of the server with what was read.
func (s *Server) compare(ctx context.Context, room room) error {
	js, err := jetstream.New(s.conn)
	if err != nil {
		return failed(mackerel.ErrUnavailable, err, "the server does not answer")
	}
	var most int64
	for _, read := range s.streams {
		info, err := js.Stream(ctx, read.name)
		if err != nil {
			return failed(mackerel.ErrUnavailable, err, "the server does not answer")
		}
		most += info.CachedInfo().Config.MaxBytes
		has := info.CachedInfo().State
		if has.Msgs < uint64(read.least) || has.LastSeq < read.last { //nolint:gosec // least is not negative
			return damaged(s.dir, []string{fmt.Sprintf("stream %s: the server has %d of %d messages, the last is %d of %d",
				read.name, has.Msgs, read.least, has.LastSeq, read.last)})
		}
	}
	if 2*most > room.usable {
		s.journal.Warnf("the store may need up to %s on the disk of %s, where %s can be used",
			size(2*most), s.dir, size(room.usable))
	}
	return nil
}

// Store returns the store.
func (s *Server) Store() *durable.Store { return s.store }

// Conn returns the connection to the server. Its owner is the Server.
func (s *Server) Conn() *nats.Conn { return s.conn }

// Err returns why the server cannot write to its disk any more, such as "no space left on device", or nil. The server
// keeps no alert after such an error, also if the disk has room again: call Close and [Start] then. What was accepted
// before is kept. The errors of [durable.Queue] have the same text.
func (s *Server) Err() error {
	if _, broken := s.journal.troubles(); broken != "" {
		return fmt.Errorf("the server cannot write to %s until it is started anew: %s%s", s.dir, broken, freeText(s.dir))
	}
	return nil
}

// Close closes the connection, stops the server and releases the directory. Workers must have ended before. Calls of a
// [durable.Queue] that have not returned may fail. All messages are read once more, so that the next start knows what
// must be there. If that fails, the error says why, and no alert is lost. A second call returns the same error.
func (s *Server) Close() error {
	s.close.Do(func() { s.closeErr = s.stop() })
	return s.closeErr
}

// stop ends what runs.
func (s *Server) stop() error {
	if s.conn != nil {
		if err := s.conn.Drain(); err != nil {
			s.conn.Close()
		}
		<-s.closed
	}
	if s.nats != nil {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	}
	var err error
	if s.ready {
		if err = s.read(func() error { return nil }); err == nil {
			s.note(true)
			err = s.marker.write(s.dir)
		}
	}
	if e := s.lock.Close(); e != nil {
		err = errors.Join(err, unusable(s.dir, e))
	}
	return err
}
