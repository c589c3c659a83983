package mackerel

import (
	"context"
	"sync"
	"time"
)

// A memory remembers what was fetched, by key. It is safe for concurrent use. A key is fetched by one caller at a
// time. The other callers wait for the result, also if it is an error.
type memory[V any] struct {
	most int           // keys; if there are more, any of them is forgotten
	life time.Duration // after which a value is fetched again

	mu       sync.Mutex
	known    map[string]remembered[V]
	fetching map[string]chan struct{} // of the fetches that are under way; closed at their end
}

// A remembered is the value of the last fetch that succeeded, and the error of the last fetch.
type remembered[V any] struct {
	value V
	err   error
	until time.Time
}

// rememberFailure is for how long an error is returned without another request. In an outage many alerts come at once.
const rememberFailure = 10 * time.Second

func newMemory[V any](most int, life time.Duration) *memory[V] {
	return &memory[V]{
		most: most, life: life, known: make(map[string]remembered[V]), fetching: make(map[string]chan struct{}),
	}
}

// get returns what is known, or else what load returns. The argument of load is the value that was known before. If
// load fails, get returns that value and the error.
func (m *memory[V]) get(ctx context.Context, key string, load func(V) (V, error)) (V, error) {
	for {
		m.mu.Lock()
		have := m.known[key]
		if time.Now().Before(have.until) {
			m.mu.Unlock()
			return have.value, have.err
		}
		done := m.fetching[key]
		if done == nil {
			m.fetching[key] = make(chan struct{})
			m.mu.Unlock()
			return m.fetch(ctx, key, have.value, load)
		}
		m.mu.Unlock()
		select {
		case <-done: // and the result is known, unless the caller that fetched gave up
		case <-ctx.Done():
			err := &Error{Provider: provider, Op: describeOp, Kind: ErrUnavailable, Err: context.Cause(ctx)}
			return have.value, err
		}
	}
}

// expire lets the next get of a key fetch if the value was fetched at least age ago. If the last fetch failed, nothing
// changes.
func (m *memory[V]) expire(key string, age time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	have, ok := m.known[key]
	if !ok || have.err != nil || time.Until(have.until) > m.life-age {
		return
	}
	have.until = time.Time{}
	m.known[key] = have
}

// fetch fetches and remembers the result, unless the caller gave up or load panics.
func (m *memory[V]) fetch(ctx context.Context, key string, old V, load func(V) (V, error)) (V, error) {
	r, gaveUp := remembered[V]{value: old}, true
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if !gaveUp {
			m.keep(key, r)
		}
		close(m.fetching[key])
		delete(m.fetching, key)
	}()
	value, err := load(old)
	r.err, gaveUp = err, err != nil && ctx.Err() != nil
	if r.until = time.Now().Add(rememberFailure); err == nil {
		r.value, r.until = value, time.Now().Add(m.life)
	}
	return r.value, r.err
}

func (m *memory[V]) keep(key string, r remembered[V]) {
	if _, ok := m.known[key]; !ok && len(m.known) >= m.most {
		for other := range m.known {
			delete(m.known, other)
			break
		}
	}
	m.known[key] = r
}
