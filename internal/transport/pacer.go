package transport

import (
	"context"
	"crypto/sha256"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
	"weak"
)

// A Lane is a limit together with what shares it. See [Transport.Lane].
type Lane struct {
	Limit
	key string
}

// Lane returns the lane of all requests of this service for which the parts are the same: the host, the credential, the
// room. The parts are hashed, because a credential is one of them. The caller's Pace takes the place of the limit.
func (t *Transport) Lane(limit Limit, parts ...string) Lane {
	if t.pace.N > 0 {
		limit.N, limit.Per, limit.Gap = t.pace.N, t.pace.Per, 0
	}
	if t.pace.Name != "" {
		parts = []string{t.pace.Name}
	}
	parts = append(parts, strconv.Itoa(limit.N), limit.Per.String())
	return t.WideLane(limit, parts...)
}

// WideLane is Lane for a limit that many destinations share, such as that of an account. The caller's Pace does not
// change it.
func (t *Transport) WideLane(limit Limit, parts ...string) Lane {
	hash := sha256.New()
	for _, part := range append([]string{t.provider}, parts...) {
		hash.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // with its length, so that no two lists are alike
	}
	return Lane{limit, string(hash.Sum(nil))}
}

// A pacer has the limiters of all calls that go through one http.Client. It has no goroutine and no timer: those that
// wait look after the queue. A limiter that has nothing to remember is dropped.
type pacer struct {
	epoch time.Time // all times of the limiters are counted from here

	mu     sync.Mutex
	lanes  map[string]*limiter
	ticket uint64
	swept  time.Duration
}

func newPacer() *pacer { return &pacer{epoch: time.Now(), lanes: make(map[string]*limiter)} }

func (p *pacer) now() time.Duration { return time.Since(p.epoch) }

var (
	sharedPacer = sync.OnceValue(newPacer) // of all transports without an http.Client of the caller's
	pacers      = struct {
		sync.Mutex
		of map[any]*pacer // by weak pointer
	}{of: make(map[any]*pacer)}
)

// pacerOf returns the pacer of a client. Clients with the same *http.Transport, or without one, share a pacer. A pacer
// goes with its client.
func pacerOf(c *http.Client) *pacer {
	if c == nil || c.Transport == nil {
		return sharedPacer()
	}
	if rt, ok := c.Transport.(*http.Transport); ok {
		return pacerFor(rt)
	}
	return pacerFor(c)
}

func pacerFor[T any](owner *T) *pacer {
	key := weak.Make(owner)
	pacers.Lock()
	defer pacers.Unlock()
	p := pacers.of[key]
	if p == nil {
		p = newPacer()
		pacers.of[key] = p
		runtime.AddCleanup(owner, forget, any(key))
	}
	return p
}

func forget(key any) {
	pacers.Lock()
	defer pacers.Unlock()
	delete(pacers.of, key)
}

// sweepEvery is how long idle limiters may stay.
const sweepEvery = time.Minute

// Alone gives the transport limiters of its own, because it does not use the caller's http.Client. Call it before the
// first call.
func (t *Transport) Alone() {
	if t.pacer != nil {
		t.pacer = newPacer()
	}
}

// enter returns the limiter of a lane, and whether it was known before. The limiter stays until exit.
func (p *pacer) enter(lane Lane) (l *limiter, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now-p.swept > sweepEvery {
		p.swept = now
		for key, l := range p.lanes {
			if l.idle(now) {
				delete(p.lanes, key)
			}
		}
	}
	l, known = p.lanes[lane.key]
	if !known {
		l = newLimiter(lane.Limit)
		p.lanes[lane.key] = l
	}
	l.users++
	return l, known
}

func (p *pacer) exit(l *limiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.users--
}

func (p *pacer) newTicket() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ticket++
	return p.ticket
}

// take takes a place for a request. It waits for it at most until the waiter's latest time or until the context ends.
func (p *pacer) take(ctx context.Context, l *limiter, w *waiter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	at := l.position(w)
	if at == 0 && l.opens(now, w) <= now {
		l.grant(now)
		return nil
	}
	switch turn := l.turn(now, at, w); {
	case l.Late == Never, l.Late == Wait && turn > w.latest, l.shut > w.latest:
		return l.lateness(now, turn)
	case turn > w.hurry && l.shut <= now:
		l.grant(now)
		return nil
	}
	w.wake, w.late = make(chan struct{}, 1), nil
	l.queue = slices.Insert(l.queue, at, w)
	return p.wait(ctx, l, w, now)
}

// wait waits in the queue. It is called with the lock.
func (p *pacer) wait(ctx context.Context, l *limiter, w *waiter, now time.Duration) error {
	for {
		until := l.next(now, w)
		p.mu.Unlock()
		w.sleep(ctx, until-now)
		p.mu.Lock()
		now = p.now()
		switch {
		case w.late != nil: // and out of the queue
			return w.late
		case ctx.Err() != nil:
			l.remove(w)
			return ctx.Err()
		case (l.queue[0] == w || now >= w.hurry) && l.opens(now, w) <= now:
			l.grant(now)
			l.remove(w)
			return nil
		case now >= w.latest:
			turn := l.turn(now, l.position(w), w)
			l.remove(w)
			return l.lateness(now, turn)
		}
	}
}

// begin notes that the request begins, once it has its places in all lanes. A place that comes back at the answer
// stays.
func (p *pacer) begin(s *seat) {
	if s.l.Per == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.l.free(s.back)
	s.back = p.now() + s.l.Per + unanswered
	s.l.take(s.back)
}

// leave gives a place back. If the service may have counted the request, the place comes back after a time.
func (p *pacer) leave(s *seat, end ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := s.l
	if end != unused {
		l.silent = end != replied
	}
	if end != silent || l.Per == 0 {
		l.free(s.back)
	}
	if end == replied && l.Per > 0 {
		l.take(p.now() + l.Per)
	}
	l.signal()
}
