package fakehttp

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A Refusal is an answer that refuses a request. A fake's handler returns it as an error.
type Refusal struct { //nolint:errname // a fake refuses; that it is an error is how it is returned
	Status  int
	Header  http.Header
	Body    string
	Problem string // in plain words, for [Server.Problems]; the service itself may not say as much
}

// Error returns the status and the problem.
func (r *Refusal) Error() string { return strconv.Itoa(r.Status) + ": " + r.Problem }

// RefuseJSON returns a refusal with v as its JSON body. The header is given as names and values in turn.
func RefuseJSON(status int, v any, problem string, header ...string) *Refusal {
	r := &Refusal{Status: status, Header: http.Header{}, Body: string(marshal(v)), Problem: problem}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// A Limit is a rate limit that a service documents: N requests within Per, counted for each key of the lane. What a key
// is, a token or a room, is the service's. An N of 0 is a lane without a documented limit.
type Limit struct {
	Lane string
	N    int
	Per  time.Duration
}

// NewFake returns a Server in front of a fake service. The handler answers a request, or returns an error: a [*Refusal]
// is answered as it is, any other error as what refuse makes of it in the form of the service. The limits are those that
// the service documents. They limit nothing until [Server.SetLimit] or [Server.Documented] is called.
func NewFake(
	handle func(http.ResponseWriter, *http.Request) error, refuse func(error) *Refusal, limits ...Limit,
) *Server {
	s := NewServer(nil)
	s.fake.limits = limits
	s.service = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		var refusal *Refusal
		if !errors.As(err, &refusal) {
			refusal = refuse(err)
		}
		s.problem(refusal.Error())
		refusal.write(w)
	})
	return s
}

func (r *Refusal) write(w http.ResponseWriter) {
	for name, values := range r.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.WriteHeader(r.Status)
	_, _ = io.WriteString(w, r.Body) // fails only if the client has gone
}

// fake is what a Server has for a fake service.
type fake struct {
	mu       sync.Mutex
	limits   []Limit // as the service documents them
	windows  map[string]*window
	tokens   []string
	strict   bool
	accepted int
	problems []string
}

// SetLimit lets a lane of the service take n requests within per for each key, and forgets what was counted. It panics
// if the service has no such lane; the lanes are named in the documentation of the fake.
func (s *Server) SetLimit(lane string, n int, per time.Duration) {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	if !slices.ContainsFunc(s.fake.limits, func(l Limit) bool { return l.Lane == lane }) {
		panic("fakehttp: SetLimit: the service has no lane " + strconv.Quote(lane))
	}
	if s.fake.windows == nil {
		s.fake.windows = make(map[string]*window)
	}
	s.fake.windows[lane] = newWindow(n, per)
}

// Documented sets all limits that the service documents.
func (s *Server) Documented() {
	for _, l := range s.fake.limits {
		if l.N == 0 {
			continue
		}
		s.SetLimit(l.Lane, l.N, l.Per)
	}
}

// An Allowance is what a limit leaves to a key. The zero Allowance, but for OK, is that of a lane without a limit.
type Allowance struct {
	OK        bool // there was a request left to take
	N         int  // the limit, 0 if there is none
	Remaining int
	Reset     time.Time // when the window ends
	Wait      time.Duration
}

// RetryAfter returns the wait in whole seconds, rounded up, as the header Retry-After has it.
func (a Allowance) RetryAfter() string {
	return strconv.FormatInt(int64((a.Wait+time.Second-1)/time.Second), 10)
}

// Take takes a request of the key's from a lane. A request that the limit refuses costs nothing.
func (s *Server) Take(lane, key string) Allowance {
	now := s.Now()
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	w := s.fake.windows[lane]
	if w == nil {
		return Allowance{OK: true}
	}
	a := w.take(key, now)
	a.Wait = a.Reset.Sub(now)
	return a
}

// AddToken makes credentials valid.
func (s *Server) AddToken(tokens ...string) {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	s.fake.tokens = append(s.fake.tokens, tokens...)
}

// RevokeToken makes a credential invalid.
func (s *Server) RevokeToken(token string) {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	s.fake.tokens = slices.DeleteFunc(s.fake.tokens, func(t string) bool { return t == token })
}

// HasToken reports whether a credential is valid.
func (s *Server) HasToken(token string) bool {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	return slices.Contains(s.fake.tokens, token)
}

// Strict chooses what becomes of members and parameters that the service does not document. At first they are ignored,
// as the services do; with true they are refused, to find misspelled members.
func (s *Server) Strict(on bool) {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	s.fake.strict = on
}

// IsStrict reports what Strict has chosen.
func (s *Server) IsStrict() bool {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	return s.fake.strict
}

// Accept counts a message that the fake takes.
func (s *Server) Accept() {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	s.fake.accepted++
}

// Accepted returns how many messages the fake has taken. Repeats that the service drops do not count.
func (s *Server) Accepted() int {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	return s.fake.accepted
}

// Problems returns in plain words why requests were refused, oldest first.
func (s *Server) Problems() []string {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	return slices.Clone(s.fake.problems)
}

func (s *Server) problem(text string) {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	s.fake.problems = append(s.fake.problems, text)
}

// A Log is a list of what a fake was sent. The zero Log is empty. It is safe for concurrent use.
type Log[T any] struct {
	mu  sync.Mutex
	all []T
}

// Add adds an entry.
func (l *Log[T]) Add(entry T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, entry)
}

// All returns a copy of the list, oldest first. The copy shares what the entries point to.
func (l *Log[T]) All() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// A window is a limit: so many requests per key in a span of time, which begins with the key's first request and, once
// it is over, with the next.
type window struct {
	n     int
	per   time.Duration
	spans map[string]span
}

type span struct {
	end  time.Time
	used int
}

func newWindow(n int, per time.Duration) *window {
	return &window{n: n, per: per, spans: make(map[string]span)}
}

func (w *window) take(key string, now time.Time) Allowance {
	current := w.spans[key]
	if !now.Before(current.end) {
		current = span{end: now.Add(w.per)}
	}
	ok := current.used < w.n
	if ok {
		current.used++
	}
	w.spans[key] = current
	return Allowance{OK: ok, N: w.n, Remaining: w.n - current.used, Reset: current.end}
}
