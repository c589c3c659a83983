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

// maxBody is the length of the longest request body that a Server reads, in bytes. The answer to a longer one is 413.
const maxBody = 16 << 20

// A Server is an HTTP server with a record of its requests, a clock and faults. [NewFake] adds what fake services need:
// limits, tokens and problems. A Server is an [http.Handler], so that it can be the service of another Server. It is
// safe for concurrent use.
type Server struct {
	service http.Handler
	ctx     context.Context //nolint:containedctx // it ends with Close
	cancel  context.CancelFunc
	limits  []Limit // as the service documents them

	mu       sync.Mutex
	clock    func() time.Time
	ahead    time.Duration
	requests []*Request
	faults   []Fault
	loopback *door
	memory   *door
	pipe     *http.Transport // dials memory
	conns    int

	// Of fake services.
	windows  map[string]*window // by lane
	tokens   []string
	strict   bool
	accepted int
	problems []string
}

// NewServer returns a Server in front of the service. It does no I/O and starts no goroutine. Close ends what URL and
// Client start.
func NewServer(service http.Handler) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{service: service, ctx: ctx, cancel: cancel, clock: time.Now}
}

// A Request is a request as it was sent.
type Request struct {
	Time    time.Time // by the server's clock
	Method  string
	Host    string
	Path    string // escaped
	Query   string // escaped, without the question mark
	Header  http.Header
	Body    []byte // nil if a fault reset the connection before the body was read
	Handled bool   // the service has handled it: no fault was in its place
}

// Requests returns a copy of all requests so far, oldest first, also of those that met a fault.
func (s *Server) Requests() []Request { return s.RequestsSince(0) }

// RequestsSince is Requests without the first n requests. It copies only what it returns.
func (s *Server) RequestsSince(n int) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := s.requests[min(n, len(s.requests)):]
	all := make([]Request, len(since))
	for i, r := range since {
		all[i] = *r
		all[i].Header = r.Header.Clone()
		all[i].Body = bytes.Clone(r.Body)
	}
	return all
}

// SetClock sets the clock, which is time.Now at first. The Date header, Request.Time and the limits follow it. Delays
// do not.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// Advance puts the clock forward by d. A test need not wait for the end of a limit's span.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// Now returns the time by the server's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	now, ahead := s.clock, s.ahead
	s.mu.Unlock()
	return now().Add(ahead)
}

// Inject adds faults behind those that are pending. A request meets the first pending fault that matches it. Inject
// panics if a fault can never be applied: its Path is malformed, or its Status or Break does not exist.
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

// nextFault returns the fault for this request and counts it as used. Without a fault it returns the zero Fault.
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

// ServeHTTP records the request. If a fault is injected for it, the fault answers; otherwise the service does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := s.nextFault(r)
	var body []byte
	var err error
	if fault.Break != ResetConnection || fault.Handled {
		body, err = readBody(r)
	}
	record := s.record(r, body)
	w.Header().Set("Date", record.Time.UTC().Format(http.TimeFormat))
	switch {
	case errors.Is(err, errTooLarge):
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case err != nil: // the client has gone
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

// readBody returns the body, which the service can then read again.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return body, err
	}
	if len(body) > maxBody {
		return body[:maxBody], errTooLarge
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
