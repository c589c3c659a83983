package chatwork

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Pace lets the calls of one account wait for their turn, in the order in which they come. Together they stay below
// both limits: 300 calls in any 5 minutes, and 10 messages and tasks to a room in any 10 seconds. All
// clients of the account may share a Pace. All notifiers of a client do.
//
//	client, err := chatwork.NewClient(chatwork.ClientConfig{Token: token, Pace: chatwork.NewPace()})
//
// A call waits until its turn comes or its context ends. If its turn comes after the deadline, the call does not
// wait: it returns [mackerel.ErrRateLimited] at once, and the error says how long to wait. Every attempt of a call
// takes a turn.
//
// What the service says goes before the Pace's own count, because other programs may use the account too. The answers
// say how many calls are left. A refusal stops all calls, or those to the room, for as long as the service asks. With a
// Pace, Call.MaxWait is 5 minutes unless set.
type Pace struct {
	calls *lane
	mu    sync.Mutex
	rooms map[string]*lane // by id
}

// NewPace returns a Pace for one account that has made no calls yet. It has no goroutine and needs no closing.
func NewPace() *Pace {
	return &Pace{calls: newLane(callLimit, callWindow), rooms: make(map[string]*lane)}
}

// room returns the lane of the room that a request posts to. It returns nil if the request posts nothing to a room.
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
		p.rooms[id] = newLane(roomLimit, roomWindow)
	}
	return p.rooms[id]
}

// options returns the caller's options with an OnAttempt that also reports to the turn of the call.
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
		call.MaxWait = callWindow
	}
	return call
}

var errTurn = errors.New("by the client's own pace its turn comes after the deadline")

// send makes a call when its turn comes, if the client has a pace. If the context ends before, the transport reports
// it.
func (c *Client) send(ctx context.Context, r transport.Request) transport.Result {
	if c.pace == nil {
		return c.service.Transport().Do(ctx, r)
	}
	t := &turn{calls: c.pace.calls, room: c.pace.room(r)}
	if wait := t.estimate(); !fits(ctx, wait) {
		return transport.Result{Class: transport.RateLimited, RetryAfter: wait, Err: errTurn}
	}
	t.begin(ctx, time.Time{}, (*lane).queue)
	r.Wait = t.noteRoomLimit
	result := c.service.Transport().Do(context.WithValue(ctx, turnKey{}, t), r)
	t.end(result)
	return result
}

func fits(ctx context.Context, wait time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	return !bounded || time.Now().Add(wait).Before(deadline)
}

type turnKey struct{}

// A turn is the way of one call through the lanes. Only the goroutine of the call uses it.
type turn struct {
	calls, room *lane // room is nil if the call posts nothing to a room
	held        bool  // the call has a place in its lanes
	roomLimited bool  // the last refusal was for the limit of the room
}

// begin enters each lane for an attempt that is sent at the given time or later. It returns without a place if the
// context ends.
func (t *turn) begin(ctx context.Context, at time.Time, enter func(*lane, context.Context, time.Time) bool) {
	if t.room != nil && !enter(t.room, ctx, at) {
		return
	}
	if t.held = enter(t.calls, ctx, at); !t.held && t.room != nil {
		t.room.leave(false)
	}
}

// attempted gives back the place of an attempt. If another attempt follows, attempted waits for a place for it, before
// all calls that have not begun. A refused attempt keeps its place, because nothing was done.
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

// end ends the turn of a call. If the call still has a place, the place was not used.
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

// noteRoomLimit is rateWait, and remembers the answer.
func (t *turn) noteRoomLimit(r *transport.Result) time.Duration {
	wait := rateWait(r)
	t.roomLimited = wait > 0
	return wait
}

// limited returns the lane whose limit the last refusal was for.
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

// A lane is one limit. It has as many places as calls are allowed in its span. A place is free again one span after its
// call was answered. The service counts a call between its start and its answer, so no window of that length has more
// calls than places, whenever the windows of the service begin.
type lane struct {
	span  time.Duration
	first chan struct{} // holds an element while a call is first in the queue

	mu      sync.Mutex
	free    []time.Time // when each place that is not in use may be used again, soonest first
	inUse   int
	queued  int
	changed chan struct{} // closed when a place may have become free

	reset time.Time // the end of the service's window, by the service's clock
	until time.Time // the same by our clock, or the time until which the service refuses
	left  int       // calls that are left before until
}

func newLane(limit int, span time.Duration) *lane {
	return &lane{
		span: span, first: make(chan struct{}, 1), changed: make(chan struct{}),
		free: make([]time.Time, limit), left: limit,
	}
}

// queue enters the lane behind all calls that came before.
func (l *lane) queue(ctx context.Context, at time.Time) bool {
	l.count(1)
	defer l.count(-1)
	select {
	case l.first <- struct{}{}:
		defer func() { <-l.first }()
		return l.wait(ctx, at, settling)
	case <-ctx.Done():
		return false
	}
}

func (l *lane) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued += n
}

// enter enters the lane before all calls that wait in the queue.
func (l *lane) enter(ctx context.Context, at time.Time) bool { return l.wait(ctx, at, 0) }

// wait takes a place that can be used at the given time or later. It reports false if the context ends first.
func (l *lane) wait(ctx context.Context, at time.Time, settling time.Duration) bool {
	for ctx.Err() == nil {
		wait, changed := l.take(at, settling)
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

// take takes a place. If no place is free, it returns how long to wait, as far as is known, and a channel that is
// closed when that changes.
func (l *lane) take(at time.Time, settling time.Duration) (wait time.Duration, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	at = later(now, at)
	if len(l.free) == 0 {
		return math.MaxInt64, l.changed
	}
	if wait = l.opens(at, l.free[0], settling).Sub(at); wait > 0 {
		return wait + at.Sub(now), l.changed
	}
	l.free = l.free[1:]
	l.inUse++
	return 0, nil
}

// settling is how long the queue stays closed after the end of the service's window. Refused attempts go first, and
// the end is only known to the second.
const settling = time.Second

// opens returns when a place that becomes free at one time may be used, not before at, by what the service has said.
func (l *lane) opens(at, free time.Time, settling time.Duration) time.Time {
	until := l.until.Add(settling)
	if at = later(at, free); at.Before(until) && l.inUse >= l.left {
		return until
	}
	return at
}

// leave gives back a place. A place that was not used is free at once.
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

// estimate returns how long a call that enters the queue now waits at least.
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
	return l.opens(now, free, settling).Add(time.Duration(rounds) * l.span).Sub(now)
}

// close closes the lane until the given time, after a refusal.
func (l *lane) close(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.left = later(l.until, until), 0
}

// maxReset is the longest time to a reset that is believed. If it is longer, a clock is wrong.
const maxReset = time.Hour

// told reads from an answer how many calls are left. Answers may come out of order, so the least number of a window
// counts, and answers of an older window do not.
func (l *lane) told(h http.Header) {
	last := readLimit(h)
	if last == nil {
		return
	}
	now := time.Now()
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		date = now
	}
	until := now.Add(last.Reset.Sub(date))
	if until.Sub(now) > maxReset {
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
