package fakehttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// MaxBody is the largest request body, in bytes, that a Server reads; a longer one is answered with 413.
const MaxBody = 16 << 20

// A Server is one fake service: a handler, the two doors to it, a record of what came in, and the faults to come. It is
// safe for concurrent use. It is an [http.Handler] too, so that one Server can put its faults in front of another.
type Server struct {
	service http.Handler
	// ctx ends with Close, and with it every handler that waits.
	ctx    context.Context //nolint:containedctx // the server's life, not a call's
	cancel context.CancelFunc

	mu       sync.Mutex
	clock    func() time.Time
	ahead    time.Duration
	requests []*Request
	faults   []Fault
	loopback *door
	memory   *door
	pipe     *http.Transport // dials memory
	conns    int
	closed   bool

	fake fake
}

// NewServer returns a Server in front of the service. It does no I/O and starts no goroutine; Close ends what URL and
// Client start.
func NewServer(service http.Handler) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{service: service, ctx: ctx, cancel: cancel, clock: time.Now}
}

// A Request is what came in, as it was sent.
type Request struct {
	Time    time.Time // by the server's clock
	Method  string
	Host    string
	Path    string // escaped
	Query   string // escaped, without the question mark
	Header  http.Header
	Body    []byte // nil if a fault cut the connection before it was read
	Handled bool   // the service got it: no fault answered in its place
}

// Requests returns a copy of all requests so far, in the order they came in, faulted ones included.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
		all[i].Header = r.Header.Clone()
		all[i].Body = bytes.Clone(r.Body)
	}
	return all
}

// SetClock replaces the clock of the service, which is time.Now unless set: the Date header, the Time of requests and
// the rate windows go by it. Delays do not.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// Advance puts the server's clock forward by d, for good: a rate window passes, and nobody has to wait.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// Now is the time by the server's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	now, ahead := s.clock, s.ahead
	s.mu.Unlock()
	return now().Add(ahead)
}

// Inject adds faults after those that are still pending. Of the pending faults that match a request, the first one
// counts. It panics if a fault could never be applied: a malformed Path, or a Status that is no status.
func (s *Server) Inject(faults ...Fault) {
	for _, f := range faults {
		f.check()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Clear drops all pending faults.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns the fault for this request and counts it as used; without one it returns the zero Fault.
func (s *Server) nextFault(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.matches(r) })
	if i < 0 {
		return Fault{}
	}
	f := s.faults[i]
	switch {
	case f.Times < 0:
	case f.Times > 1:
		s.faults[i].Times--
	default:
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return f
}

// ServeHTTP records the request, applies a fault if one is pending for it, and otherwise hands it to the service, which
// can read the body again.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := s.nextFault(r)
	var body []byte
	var err error
	if !fault.beforeBody() {
		body, err = readBody(r)
	}
	record := s.record(r, body)
	w.Header().Set("Date", record.Time.UTC().Format(http.TimeFormat))
	switch {
	case errors.Is(err, errTooLarge):
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case err != nil: // the client broke off in the middle: nobody is left to answer
		panic(http.ErrAbortHandler)
	default:
		s.apply(fault, w, r, record)
	}
}

func (s *Server) record(r *http.Request, body []byte) *Request {
	record := &Request{
		Time: s.Now(), Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		Header: r.Header.Clone(), Body: body,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, record)
	return record
}

// handle lets the service answer.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, record *Request) {
	s.mu.Lock()
	record.Handled = true
	s.mu.Unlock()
	s.service.ServeHTTP(w, r)
}

var errTooLarge = errors.New("request body too large")

// readBody reads the body and leaves it to be read again, from memory.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return body, err
	}
	if len(body) > MaxBody {
		return body[:MaxBody], errTooLarge
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
