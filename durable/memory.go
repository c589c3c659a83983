package durable

import (
	"context"
	"slices"
	"sync"
	"time"
)

// recentSize is how many keys a memory has at least. It has at most twice as many.
const recentSize = 20_000

// A recent is a memory of bounded size. What it forgets costs time, or makes a delivery later; no alert depends on it.
type recent[K comparable, V any] struct {
	mu       sync.Mutex
	new, old map[K]V
}

func (r *recent[K, V]) get(key K) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.new[key]; ok {
		return v
	}
	return r.old[key]
}

func (r *recent[K, V]) set(key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.new) >= recentSize {
		r.old, r.new = r.new, nil
	}
	if r.new == nil {
		r.new = make(map[K]V)
	}
	r.new[key] = v
}

// A history is what this worker has done with a message before.
type history struct {
	untried  uint64 // how often it was given back without a try
	tries    uint64
	finished bool // it was delivered or buried; the server may not know that yet
}

// neverTried reports whether it is certain that no worker has tried a message.
func (h history) neverTried(m message) bool { return m.deliveries == h.untried+1 }

// progress tells the server that messages are still in hand.
type progress struct {
	mu   sync.Mutex
	held map[uint64]message
}

func (p *progress) add(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[m.seq] = m
}

func (p *progress) remove(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, m.seq)
}

// start tells the server again and again until the context ends. Then the channel is closed.
func (p *progress) start(ctx context.Context, every time.Duration) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause(ctx, every) == nil {
			p.tell()
		}
	}()
	return ended
}

func (p *progress) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.held {
		_ = m.InProgress() // the next sign of life follows soon
	}
}

// backlog has the messages of which this worker knows that they wait for an earlier message of their key.
type backlog struct {
	mu   sync.Mutex
	seqs map[string][]uint64 // by subject, in order
}

const (
	maxBacklog     = 10_000 // messages of one key
	maxBacklogKeys = 10_000
)

// rank adds a message, and returns how many are known to be between the first and it. It may miss some.
func (b *backlog) rank(subject string, first, seq uint64) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seqs == nil || len(b.seqs) >= maxBacklogKeys {
		b.seqs = make(map[string][]uint64)
	}
	list := b.seqs[subject]
	gone, _ := slices.BinarySearch(list, first+1)
	list = list[gone:]
	at, known := slices.BinarySearch(list, seq)
	if !known && len(list) < maxBacklog {
		list = slices.Insert(list, at, seq)
	}
	b.seqs[subject] = list
	return at
}
