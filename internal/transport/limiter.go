package transport

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// A Limit says how many requests a lane lets through. The zero Limit has no count; a refusal of the service still stops
// the lane if it names a time.
type Limit struct {
	N   int           // how many places the lane has; 0 if it has no count
	Per time.Duration // a place comes back this long after its answer; at the answer if Per is 0
	Gap time.Duration // the shortest time from the start of one request to the next
	// Gate is for how long a refusal stops the lane if it names no time, 0 if it does not. The time doubles with each
	// refusal in a row, up to GateMax; it stays if GateMax is 0.
	Gate, GateMax time.Duration
	Spare         int  // how many of the N places reads never get
	Late          Late // what becomes of a request whose turn comes too late
}

// Late says what becomes of a request whose turn comes too late.
type Late uint8

const (
	// Wait waits for a turn that comes in time, and refuses any other request. It is the zero value.
	Wait Late = iota
	// Hurry sends the request all the same, unless the service itself has stopped the lane. It is for services that
	// open incidents.
	Hurry
	// Never refuses every request that would have to wait.
	Never
)

// The ranks of requests. A request goes before all requests of a later rank.
const (
	RankFirst uint8 = iota
	RankUsual
	RankRead // which leaves the spare places free
)

const (
	forever = time.Duration(math.MaxInt64)
	// maxShut is the longest time for which a refusal stops a lane. A longer Retry-After is told to the call that was
	// refused, but other calls may try after this time: a mistake of the service does not stop all alerts for a day.
	maxShut = 5 * time.Minute
	// unanswered is how long after its start a request that has no answer yet is expected to be counted by the service.
	// A request that hangs gives its place back so much later.
	unanswered = 2 * time.Second
	longWindow = 10 * time.Second
)

// A limiter keeps the count of one lane. A service counts a request at a time between its start and its answer. So a
// place is taken from the start of a request until Per after its answer: then no window of the length Per has more than
// N requests, wherever the service lets its windows begin. A token bucket cannot do this: it lets up to twice as many
// through in a window.
//
// All times are those of the pacer, whose lock guards the limiter.
type limiter struct {
	Limit
	places int             // how many places there are now: N, or fewer if others use the service's limit too
	taken  []time.Duration // when the taken places come back, ascending; forever if that is not known yet
	queue  []*waiter       // by rank and ticket
	shut   time.Duration   // until when the service has stopped the lane
	begun  time.Duration   // the start of the last request
	users  int             // calls that know the limiter

	refusals int           // in a row
	lessened time.Duration // the time of the last refusal that counted
	accepted int           // requests since places last changed
	silent   bool          // the last request had no answer
	promised time.Duration // the latest turn that a refused call was told
}

// A waiter is a call in the queue of a limiter.
type waiter struct {
	rank   uint8
	ticket uint64
	latest time.Duration // the call does not wait longer
	hurry  time.Duration // the call then goes without a place; forever if it does not
	wake   chan struct{} // holds one signal: look again
	late   *late         // set when the call was dismissed
}

// A late is the error of a request whose turn does not come in time. Nothing was sent.
type late struct {
	class Class
	after time.Duration // until its turn
	err   error
}

func (e *late) Error() string { return e.err.Error() }

var (
	errFull    = errors.New("not sent: the calls before it use up the service's limit")
	errStopped = errors.New("not sent: the service has refused other calls and asked to wait")
	errHangs   = errors.New("not sent: the calls before it have no answer yet")
)

func newLimiter(limit Limit) *limiter {
	return &limiter{
		Limit: limit, places: limit.N, taken: make([]time.Duration, 0, limit.N), begun: -limit.Gap, lessened: -1,
	}
}

// room returns how many places a request of this rank may find.
func (l *limiter) room(rank uint8) int {
	if rank < RankRead {
		return l.places
	}
	return max(1, l.places-l.Spare)
}

// opens returns when the first waiter can go.
func (l *limiter) opens(now time.Duration, w *waiter) time.Duration {
	place := now
	l.drop(now)
	if over := len(l.taken) - l.room(w.rank); l.N > 0 && over >= 0 {
		place = l.taken[over]
	}
	place = max(place, l.begun+l.Gap)
	return max(l.shut, min(place, w.hurry))
}

// drop forgets the places that have come back.
func (l *limiter) drop(now time.Duration) {
	i, _ := slices.BinarySearch(l.taken, now+1)
	l.taken = slices.Delete(l.taken, 0, i)
}

// turn returns the earliest time at which a waiter with k others before it can go.
func (l *limiter) turn(now time.Duration, k int, w *waiter) time.Duration {
	at := max(now, l.shut)
	if l.N > 0 {
		n := l.room(w.rank)
		if over := len(l.taken) - n + k%n; over >= 0 {
			at = max(at, min(l.taken[over], now+l.Per))
		}
		at += time.Duration(k/n) * l.Per // each round takes the places of the round before
	}
	return max(at, l.begun+time.Duration(k+1)*l.Gap)
}

// promise returns the turn that a refused call is told. Calls that are refused one after the other are told different
// turns, so that they do not all come back at once.
func (l *limiter) promise(turn time.Duration) time.Duration {
	if l.N > 0 {
		turn = min(max(turn, l.promised+l.Per/time.Duration(l.N)), turn+maxShut)
		l.promised = turn
	}
	return turn
}

// grant takes a place for a request that has not begun.
func (l *limiter) grant(now time.Duration) {
	l.begun = now
	if l.N > 0 {
		l.taken = append(l.taken, forever)
	}
}

// free gives back a place that was to come back at this time, unless it has come back before.
func (l *limiter) free(back time.Duration) {
	if i, found := slices.BinarySearch(l.taken, back); found {
		l.taken = slices.Delete(l.taken, i, i+1)
	}
}

// take notes when a place comes back.
func (l *limiter) take(at time.Duration) {
	i, _ := slices.BinarySearch(l.taken, at)
	l.taken = slices.Insert(l.taken, i, at)
}

// position returns where a waiter is or belongs in the queue.
func (l *limiter) position(w *waiter) int {
	i, _ := slices.BinarySearchFunc(l.queue, w, func(a, b *waiter) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.ticket, b.ticket))
	})
	return i
}

// remove takes a waiter out of the queue. The next waiter looks whether it can go.
func (l *limiter) remove(w *waiter) {
	if i := l.position(w); i > 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
		return
	}
	l.queue[0] = nil
	l.queue = l.queue[1:]
	l.signal()
}

// next returns when a waiter has to look again, unless it is signalled before.
func (l *limiter) next(now time.Duration, w *waiter) time.Duration {
	switch {
	case l.queue[0] == w:
		return min(w.latest, l.opens(now, w))
	case w.hurry > now:
		return min(w.latest, w.hurry)
	}
	return min(w.latest, l.shut)
}

// lateness returns the error of a request whose turn comes too late.
func (l *limiter) lateness(now, turn time.Duration) *late {
	e := &late{class: RateLimited, after: inMilliseconds(l.promise(turn) - now), err: errFull}
	switch {
	case l.shut > now:
		e.err = errStopped
	case l.silent || l.N > 0 && l.Per == 0:
		e.class, e.err = Unavailable, errHangs
	}
	return e
}

// inMilliseconds rounds a wait up, because people read it in errors.
func inMilliseconds(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// signal wakes the first waiter.
func (l *limiter) signal() {
	if len(l.queue) > 0 {
		l.queue[0].look()
	}
}

// sleep waits for d, for a signal, or until the context ends.
func (w *waiter) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.wake:
	case <-ctx.Done():
	}
}

func (w *waiter) look() {
	select {
	case w.wake <- struct{}{}:
	default: // a signal is there
	}
}

// gate returns for how long the refusal of a request that began at the given time stops the lane, if the refusal names
// no time.
func (l *limiter) gate(began time.Duration) time.Duration {
	before := l.refusals
	if began <= l.lessened { // it was under way together with the last that was refused
		before--
	}
	if l.GateMax == 0 {
		return l.Gate
	}
	return min(l.Gate<<min(max(before, 0), 20), l.GateMax) // a success may have come between
}

// refused notes that the service has refused a request that began at the given time. Refusals of requests that were
// under way together count once. If somebody else uses the limit too, each window would bring refusals, so the lane
// gives up a quarter of its places. A lane with a long window does not: the service says when the window ends.
func (l *limiter) refused(now, began, wait time.Duration) {
	l.stop(now, wait)
	if began <= l.lessened {
		return
	}
	l.refusals++
	l.lessened, l.accepted = now, 0
	if l.Per <= longWindow {
		l.places -= min(max(1, l.places/4), max(0, l.places-1))
	}
}

// stop shuts the lane.
func (l *limiter) stop(now, wait time.Duration) {
	until := now + min(wait, maxShut)
	if wait == 0 || until <= l.shut {
		return
	}
	l.shut = until
	for i := 0; i < len(l.queue); {
		w := l.queue[i]
		turn := l.turn(now, i, w)
		if turn <= w.latest {
			i++
			continue
		}
		w.late = l.lateness(now, turn)
		l.queue = slices.Delete(l.queue, i, i+1)
		w.look()
	}
	l.signal()
}

// took notes that the service has taken a request. After as many requests as there are places, one place comes back
// that a refusal has cost.
func (l *limiter) took() {
	l.refusals = 0
	if l.accepted++; l.places < l.N && l.accepted >= l.places {
		l.places++
		l.accepted = 0
	}
}

// idle reports whether the limiter knows nothing that a new limiter would not know.
func (l *limiter) idle(now time.Duration) bool {
	l.drop(now)
	return l.users == 0 && len(l.queue) == 0 && len(l.taken) == 0 && l.shut <= now && l.begun+l.Gap <= now
}
