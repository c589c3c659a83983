package receiver

import (
	"time"

	"github.com/mackerel-notify/mackerel"
)

const (
	windowLength = time.Minute
	maxPast      = 1 << 16 // bodies; at more than 1,092 different bodies a second, the window is shorter
)

// A past is a delivery that has ended.
type past struct {
	body sum
	id   string
	rest mackerel.Notifier // what a repeat has to call; nil if it has nothing to call
	at   time.Time         // of the end
}

// A window has the deliveries of the last minute. It belongs to deliveries, with its lock.
type window struct {
	byBody map[sum]*past // the last delivery of each body
	queue  []*past       // in the order of their ends
}

// find returns the last delivery of a body, nil if it ended more than a minute ago.
func (w *window) find(body sum, now time.Time) *past {
	w.forget(now)
	return w.byBody[body]
}

// add adds a delivery that has just ended.
func (w *window) add(p *past) {
	w.byBody[p.body] = p
	w.queue = append(w.queue, p)
	w.forget(p.at)
}

// forget removes what is too old, and the oldest if there are too many.
func (w *window) forget(now time.Time) {
	for len(w.queue) > 0 && (len(w.queue) > maxPast || now.Sub(w.queue[0].at) > windowLength) {
		p := w.queue[0]
		if w.byBody[p.body] == p {
			delete(w.byBody, p.body)
		}
		w.queue[0] = nil
		w.queue = w.queue[1:]
	}
}
