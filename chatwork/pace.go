package chatwork

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// The limits of the service. That of a room is for messages and tasks together; see [RoomWindow].
// See https://developer.chatwork.com/docs/endpoints.
const (
	CallLimit  = 300 // calls of an account in a CallWindow
	CallWindow = 5 * time.Minute
	RoomLimit  = 10 // messages and tasks in one room in a RoomWindow
)

// A Pace lets the calls of one account wait for their turn, first come, first served, so that together they stay under
// both limits: [CallLimit] in any [CallWindow], and [RoomLimit] messages and tasks to a room in any [RoomWindow]. All
// clients of the account may share it, and all notifiers of a client do.
//
//	client, err := chatwork.NewClient(chatwork.ClientConfig{Token: token, Pace: chatwork.NewPace()})
//
// A call waits as long as its context lets it. One whose turn comes after its deadline is not kept waiting: it returns
// at once, [mackerel.ErrRateLimited], and the error says how long to wait. Every attempt of a call takes a turn.
//
// What the service says has precedence: where other programs use the account too, the answers tell how many calls are
// left, and a refusal stops all calls, or those to the room, for as long as it asks for. To wait for that, Call.MaxWait
// is CallWindow unless set.
type Pace struct {
	calls *lane
	mu    sync.Mutex
	rooms map[string]*lane // by id
}

// NewPace returns a Pace for one account, of which no calls are known. It has no goroutine and needs no closing.
func NewPace() *Pace {
	return &Pace{calls: newLane(CallLimit, CallWindow), rooms: make(map[string]*lane)}
}

// room returns the lane of the room that a request posts to, nil if it is no post.
func (p *Pace) room(r transport.Request) *lane {
	path := strings.Split(r.URL.EscapedPath(), "/")
	if r.Method != http.MethodPost || len(path) < 3 {
		return nil
	}
	what, id := path[len(path)-1], path[len(path)-2]
	if path[len(path)-3] != "rooms" || what != "messages" && what != "tasks" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rooms[id] == nil {
		p.rooms[id] = newLane(RoomLimit, RoomWindow)
	}
	return p.rooms[id]
}

// options are the caller's, with a watch on the attempts.
func (p *Pace) options(call mackerel.CallOptions) mackerel.CallOptions {
	report := call.OnAttempt
	call.OnAttempt = func(ctx context.Context, a mackerel.Attempt) {
		if report != nil {
			report(ctx, a)
		}
		if t, ok := ctx.Value(turnKey{}).(*turn); ok {
			t.attempted(ctx, a)
		}
	}
	if call.MaxWait == 0 {
		call.MaxWait = CallWindow
	}
	return call
}

// send makes a call when its turn comes, if the client has a pace. A context that ends meanwhile is the transport's to
// report.
func (c *Client) send(ctx context.Context, r transport.Request) (transport.Result, error) {
	if c.pace == nil {
		return c.service.Do(ctx, r)
	}
	t := &turn{calls: c.pace.calls, room: c.pace.room(r)}
	if wait := t.estimate(); !fits(ctx, wait) {
		return transport.Result{}, &mackerel.Error{
			Provider: name, Op: r.Op, Kind: mackerel.ErrRateLimited, RetryAfter: wait,
			Message: "by the client's own pace its turn comes after the deadline",
		}
	}
	t.begin(ctx, time.Time{}, (*lane).queue)
	r.Wait = t.noteRoomLimit
	result, err := c.service.Do(context.WithValue(ctx, turnKey{}, t), r)
	t.end(result)
	return result, err
}

func fits(ctx context.Context, wait time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	return !bounded || time.Now().Add(wait).Before(deadline)
}

type turnKey struct{}

// A turn is one call's way through the lanes. Only the call's goroutine has it.
type turn struct {
	calls, room *lane // room is nil for what is no post
	held        bool  // it has a place in its lanes
	roomLimited bool  // the last refusal was the room's
}

// begin enters each lane for an attempt that goes out at the given time or later. If it cannot, the context has ended.
func (t *turn) begin(ctx context.Context, at time.Time, enter func(*lane, context.Context, time.Time) bool) {
	if t.room != nil && !enter(t.room, ctx, at) {
		return
	}
	if t.held = enter(t.calls, ctx, at); !t.held && t.room != nil {
		t.room.leave(false)
	}
}

// attempted ends the place of an attempt and, if another one follows, waits for the next. That one goes before all that
// have not begun. What was refused keeps its place: nothing was done.
func (t *turn) attempted(ctx context.Context, a mackerel.Attempt) {
	next := time.Now().Add(a.Wait)
	refused := a.Status == http.StatusTooManyRequests
	if refused && !a.Last {
		t.limited().close(next)
		return
	}
	t.leave(true)
	if !a.Last {
		t.begin(ctx, next, (*lane).enter)
	}
}

// end settles the call. A place that it still has was never used.
func (t *turn) end(r transport.Result) {
	t.leave(false)
	if r.Status == http.StatusTooManyRequests && r.RetryAfter > 0 {
		t.limited().close(time.Now().Add(r.RetryAfter))
	}
	t.calls.told(r.Header)
}

func (t *turn) leave(used bool) {
	if !t.held {
		return
	}
	t.held = false
	t.calls.leave(used)
	if t.room != nil {
		t.room.leave(used)
	}
}

// noteRoomLimit is roomLimit, of which it remembers the answer.
func (t *turn) noteRoomLimit(r *transport.Result) time.Duration {
	wait := roomLimit(r)
	t.roomLimited = wait > 0
	return wait
}

// limited is the lane that was refused.
func (t *turn) limited() *lane {
	if t.roomLimited && t.room != nil {
		return t.room
	}
	return t.calls
}

func (t *turn) estimate() time.Duration {
	wait := t.calls.estimate()
	if t.room != nil {
		wait = max(wait, t.room.estimate())
	}
	return wait
}

// A lane is one limit. It has as many places as calls are allowed in its span; a place is free again one span after its
// call was answered. Since the service counts a call between its start and its answer, no window of that length has more
// calls than places, whenever the service's own windows begin.
type lane struct {
	span  time.Duration
	first chan struct{} // full while somebody is first in the queue

	mu      sync.Mutex
	free    []time.Time // when each place that is not in use may be used again, the soonest first
	inUse   int
	queued  int
	changed chan struct{} // closed when a place may have come free

	reset time.Time // the end of the service's window, by the service's clock
	until time.Time // the same by ours, or until when it refuses
	left  int       // how many calls are left until then
}

func newLane(limit int, span time.Duration) *lane {
	return &lane{
		span: span, first: make(chan struct{}, 1), changed: make(chan struct{}), free: make([]time.Time, limit), left: limit,
	}
}

// queue is enter behind all that came before.
func (l *lane) queue(ctx context.Context, at time.Time) bool {
	l.count(1)
	defer l.count(-1)
	select {
	case l.first <- struct{}{}:
		defer func() { <-l.first }()
		return l.wait(ctx, at, settle)
	case <-ctx.Done():
		return false
	}
}

func (l *lane) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued += n
}

// enter is queue before all that wait there.
func (l *lane) enter(ctx context.Context, at time.Time) bool { return l.wait(ctx, at, 0) }

// wait waits for a place that can be used at the given time or later. It reports false if the context ends first.
func (l *lane) wait(ctx context.Context, at time.Time, settle time.Duration) bool {
	for ctx.Err() == nil {
		wait, changed := l.take(at, settle)
		if wait <= 0 {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return false
}

// take takes a place, or returns how long to wait for one, as far as is known, and what to watch meanwhile.
func (l *lane) take(at time.Time, settle time.Duration) (wait time.Duration, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	at = later(now, at)
	if len(l.free) == 0 {
		return math.MaxInt64, l.changed
	}
	if wait = l.opens(at, l.free[0], settle).Sub(at); wait > 0 {
		return wait + at.Sub(now), l.changed
	}
	l.free = l.free[1:]
	l.inUse++
	return 0, nil
}

// settle is how long the queue stays closed after the service's window has ended: what was refused goes first, and the
// end is known to the second only.
const settle = time.Second

// opens returns when a place that is free at one time may be used at another or later, given what the service has said.
func (l *lane) opens(at, free time.Time, settle time.Duration) time.Time {
	until := l.until.Add(settle)
	if at = later(at, free); at.Before(until) && l.inUse >= l.left {
		return until
	}
	return at
}

// leave ends the use of a place. One that was taken and not used is free at once.
func (l *lane) leave(used bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inUse--
	if used {
		l.free = append(l.free, time.Now().Add(l.span))
	} else {
		l.free = slices.Insert(l.free, 0, time.Time{})
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// estimate returns how long a call that queues now waits at the least.
func (l *lane) estimate() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	limit := len(l.free) + l.inUse
	rounds, place := l.queued/limit, l.queued%limit
	free := now.Add(l.span)
	if place < len(l.free) {
		free = l.free[place]
	}
	return l.opens(now, free, settle).Add(time.Duration(rounds) * l.span).Sub(now)
}

// close lets nobody in until the given time: the service has refused.
func (l *lane) close(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.left = later(l.until, until), 0
}

// maxReset is the longest time to a reset that is believed; beyond it a clock is wrong.
const maxReset = time.Hour

// told reads from an answer how many calls the service has left. Answers may come out of order: of one window the least
// counts, and of an older window nothing.
func (l *lane) told(h http.Header) {
	var seen lastLimit
	seen.see(h)
	now := time.Now()
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		date = now
	}
	last := seen.last
	until := now.Add(last.Reset.Sub(date))
	if last.Seen.IsZero() || until.Sub(now) > maxReset {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch last.Reset.Compare(l.reset) {
	case 0:
		l.left = min(l.left, last.Remaining)
	case 1:
		l.reset, l.until, l.left = last.Reset, until, last.Remaining
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
