package fakehttp

import (
	"sync"
	"time"
)

// A Window is a rate limit: so many requests per key in a fixed span of time, which begins with the key's first request
// and, once it is over, with the next one. It is safe for concurrent use.
type Window struct {
	limit int
	per   time.Duration

	mu    sync.Mutex
	spans map[string]span
}

type span struct {
	end  time.Time
	used int
}

// NewWindow returns a Window of limit requests per span. With a limit of 0 it refuses everything.
func NewWindow(limit int, per time.Duration) *Window {
	return &Window{limit: limit, per: per, spans: make(map[string]span)}
}

// Take takes one request of the key's at the given time, most often [Server.Now]. It returns how many are left, when the
// span ends, and whether there was one to take; a refused request costs nothing.
func (w *Window) Take(key string, now time.Time) (remaining int, reset time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	current := w.spans[key]
	if !now.Before(current.end) {
		current = span{end: now.Add(w.per)}
	}
	if current.used < w.limit {
		current.used++
		ok = true
	}
	w.spans[key] = current
	return w.limit - current.used, current.end, ok
}
