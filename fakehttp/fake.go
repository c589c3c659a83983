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
type Refusal struct { //nolint:errname // an answer first of all
	Status  int
	Header  http.Header
	Body    string
	Problem string // for [Server.Problems]; it may say more than the Body
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

// A Limit is a rate limit that a service documents: N requests within Per, counted for each key of the lane, for
// example for each token or room. If N is 0, the service documents no limit for the lane.
type Limit struct {
	Lane string
	N    int
	Per  time.Duration
}

// NewFake returns a Server in front of a fake service. The handler answers a request or returns an error. A
// [*Refusal] is the answer; of any other error, refuse makes the answer. The limits are those that the service
// documents. They are not in force until [Server.SetLimit] or [Server.Documented] is called.
func NewFake(
	handle func(http.ResponseWriter, *http.Request) error, refuse func(error) *Refusal, limits ...Limit,
) *Server {
	s := NewServer(nil)
	s.limits, s.windows = limits, make(map[string]*window)
	s.service = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		var refusal *Refusal
		if !errors.As(err, &refusal) {
			refusal = refuse(err)
		}
		s.mu.Lock()
		s.problems = append(s.problems, refusal.Error())
		s.mu.Unlock()
		setHeader(w, refusal.Header)
		w.WriteHeader(refusal.Status)
		_, _ = io.WriteString(w, refusal.Body) // fails only if the client has gone
	})
	return s
}

func setHeader(w http.ResponseWriter, h http.Header) {
	for name, values := range h {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
}

// SetLimit sets a limit of n requests within per for each key of a lane, and forgets what was counted. It panics if the
// service has no such lane. The documentation of the fake names the lanes.
func (s *Server) SetLimit(lane string, n int, per time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.limits, func(l Limit) bool { return l.Lane == lane }) {
		panic("fakehttp: SetLimit: the service has no lane " + strconv.Quote(lane))
	}
	s.windows[lane] = &window{n: n, per: per, spans: make(map[string]span)}
}

// Documented sets all limits that the service documents.
func (s *Server) Documented() {
	for _, l := range s.limits {
		if l.N > 0 {
			s.SetLimit(l.Lane, l.N, l.Per)
		}
	}
}

// An Allowance says how much of a limit a key has left. If there is no limit, OK is true and the rest is zero.
type Allowance struct {
	OK        bool // the request is within the limit
	N         int  // the limit
	Remaining int
	Reset     time.Time     // the end of the span, when the count begins anew
	Wait      time.Duration // until then
}

// RetryAfter returns the wait as a Retry-After header has it: in seconds, rounded up.
func (a Allowance) RetryAfter() string {
	return strconv.FormatInt(int64((a.Wait+time.Second-1)/time.Second), 10)
}

// Take counts a request of a key in a lane, unless it is beyond the limit.
func (s *Server) Take(lane, key string) Allowance {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.windows[lane]; w != nil {
		return w.take(key, now)
	}
	return Allowance{OK: true}
}

// AddToken makes credentials valid.
func (s *Server) AddToken(tokens ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, tokens...)
}

// RevokeToken makes a credential invalid.
func (s *Server) RevokeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = slices.DeleteFunc(s.tokens, func(t string) bool { return t == token })
}

// HasToken reports whether a credential is valid.
func (s *Server) HasToken(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.tokens, token)
}

// Strict says whether members and parameters that the service does not document are refused. At first they are ignored,
// as the services do.
func (s *Server) Strict(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strict = on
}

// IsStrict reports what Strict was told.
func (s *Server) IsStrict() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.strict
}

// Accept counts a message that the fake takes.
func (s *Server) Accept() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted++
}

// Accepted returns how many messages the fake has taken. Repeats that the service drops do not count.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Problems returns why requests were refused, oldest first, in plain words.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
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

// A window is a limit of n requests within a span of time for each key. A span begins with the first request of a key
// that is in no other span.
type window struct {
	n     int
	per   time.Duration
	spans map[string]span
}

type span struct {
	end  time.Time
	used int
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
	return Allowance{
		OK: ok, N: w.n, Remaining: w.n - current.used, Reset: current.end, Wait: current.end.Sub(now),
	}
}
