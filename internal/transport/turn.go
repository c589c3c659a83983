package transport

import (
	"context"
	"errors"
	"time"
)

// maxLanes is the largest number of lanes of a request.
const maxLanes = 3

// answerTime is what a turn leaves of the time until the deadline, but at most a tenth of that. A request that begins
// just before the deadline may reach the service and have no answer in time.
const answerTime = 100 * time.Millisecond

// A Turn is the way of one call through its lanes. It belongs to one goroutine. The zero Turn has no lanes.
type Turn struct {
	p     *pacer
	seats [maxLanes]seat
	n     int // how many seats
	held  int // how many seats have a place

	w         waiter
	latest    time.Duration // the call waits no longer for its turns, by its own options
	notBefore time.Duration // when the next request may begin, as the service has asked
	began     time.Duration // the start of the last request
	waited    time.Duration // for the last turn
	total     time.Duration // for all turns
}

// A seat is a lane of a call, and the call's place in it.
type seat struct {
	l    *limiter
	back time.Duration // when the place comes back, as it is noted in l.taken
}

// Turn returns the turns of a call whose requests count against these lanes, the narrowest first. All its turns
// together are waited for at most Options.MaxTurn from now. Close it.
func (t *Transport) Turn(lanes ...Lane) *Turn {
	turn := new(Turn)
	turn.enter(t, RankFirst, lanes)
	return turn
}

// enter makes a zero Turn that of a call.
func (t *Turn) enter(tp *Transport, rank uint8, lanes []Lane) {
	if tp.pacer == nil || len(lanes) == 0 {
		return
	}
	t.p = tp.pacer
	for _, lane := range lanes {
		t.add(lane)
	}
	t.w = waiter{rank: rank, ticket: t.p.newTicket()}
	now := t.p.now()
	t.latest = now + min(tp.maxTurn, forever-now)
}

// add adds a lane. It reports whether the lane was in use before.
func (t *Turn) add(lane Lane) (known bool) {
	l, known := t.p.enter(lane)
	t.seats[t.n] = seat{l, forever}
	t.n++
	return known
}

// Close gives back all places that the call still has.
func (t *Turn) Close() {
	t.giveBack()
	for i := range t.n {
		t.p.exit(t.seats[i].l)
	}
	t.n = 0
}

// take waits for a place in each lane. It takes the narrowest lane first: a request that waits in the queue of a room
// holds no place of the account's. If it returns an error, the call has no place.
func (t *Turn) take(ctx context.Context) error {
	if t.n == 0 {
		t.waited = 0
		return nil
	}
	t.w.wake, t.waited = nil, 0
	now := t.p.now()
	entered := max(now, t.notBefore)
	t.w.latest = max(t.latest, t.notBefore)
	if deadline, bounded := ctx.Deadline(); bounded {
		left := time.Until(deadline)
		t.w.latest = min(t.w.latest, now+left-min(left/10, answerTime))
	}
	for t.held < t.n {
		s := &t.seats[t.held]
		if t.w.hurry = forever; s.l.Late == Hurry { // half of the time is left for the request
			t.w.hurry = now + (t.w.latest-now)/2
		}
		if err := t.p.take(ctx, s.l, &t.w); err != nil {
			t.giveBack()
			return err
		}
		s.back = forever
		t.held++
	}
	for i := range t.n {
		t.p.begin(&t.seats[i])
	}
	t.began = t.p.now()
	if t.w.wake != nil { // it was in a queue
		t.waited = max(0, t.began-entered)
		t.total += t.waited
	}
	return nil
}

// giveBack gives back places without a request.
func (t *Turn) giveBack() { t.leave(unused) }

// An ending says how a request ended for those that wait.
type ending uint8

const (
	unused  ending = iota // there was no request
	unsent                // it did not reach the service
	silent                // it has no answer
	replied               // it has an answer
)

// leave gives back the places of a request.
func (t *Turn) leave(end ending) {
	for t.held > 0 {
		t.held--
		t.p.leave(&t.seats[t.held], end)
	}
}

// refused stops the lane with this number, because the service has refused the last request. Wait is how long the
// service asks to wait, 0 if it does not say. Refused returns for how long the lane is stopped in fact.
func (t *Turn) refused(number int, wait time.Duration) time.Duration {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	l := t.seats[min(number, t.n-1)].l
	if wait == 0 {
		wait = l.gate(t.began)
	}
	l.refused(t.p.now(), t.began, wait)
	t.notBefore = t.p.now() + min(wait, maxShut)
	return wait
}

// took notes that the service has taken the last request, and that it asks to wait before the next, 0 if it does not.
func (t *Turn) took(wait time.Duration) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	for i := range t.n {
		t.seats[i].l.took()
	}
	t.seats[t.n-1].l.stop(t.p.now(), wait)
}

// pause waits before the next request of a call. A call that was refused waits in the queue, where it is the first.
func (t *Turn) pause(ctx context.Context, wait time.Duration, refused bool) {
	if t.n == 0 || !refused || wait > maxShut {
		pause(ctx, wait)
	}
}

// Take waits for the turn of a request in another protocol than HTTP. If there is no turn in time,
// the error says why, and after is the time until the turn. If the error is nil, call Leave after the request.
func (t *Turn) Take(ctx context.Context) (class Class, after time.Duration, err error) {
	err = t.take(ctx)
	var e *late
	switch {
	case err == nil:
		return Done, 0, nil
	case errors.As(err, &e):
		return e.class, e.after, e
	}
	return Unavailable, 0, err
}

// Leave ends the turn of a request: it was sent, and it has an answer.
func (t *Turn) Leave(sent, answered bool) {
	switch {
	case !sent:
		t.leave(unsent)
	case answered:
		t.leave(replied)
	default:
		t.leave(silent)
	}
}

// Took notes that the service has taken the last request.
func (t *Turn) Took() {
	if t.n > 0 {
		t.took(0)
	}
}

// Waited returns how long the call has waited for its turns.
func (t *Turn) Waited() time.Duration { return t.total }

// Refused stops the first lane after a request that the service has refused for now. It returns for how long.
func (t *Turn) Refused() time.Duration {
	if t.n == 0 {
		return 0
	}
	return t.refused(0, 0)
}

// leave ends the turn of an attempt, and tells its lanes what the service has said.
func (c *call) leave() {
	t := &c.turn
	if t.held == 0 {
		return
	}
	t.Leave(c.answered || c.unsure, c.answered)
	switch {
	case c.Class == RateLimited && c.r.Limited != nil:
		c.RetryAfter = t.refused(c.r.Limited(&c.Result), c.RetryAfter)
	case c.Class == RateLimited:
		c.RetryAfter = t.refused(0, c.RetryAfter)
	case c.Class == Done:
		t.took(usedUp(c.Header))
	}
}
