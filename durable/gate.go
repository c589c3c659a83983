package durable

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/mackerel-notify/mackerel"
)

const (
	maxPause     = 5 * time.Minute  // after a refusal of the service
	outage       = 5                // failures in a row, after which all keys wait
	outagePause  = time.Second      // after the last of them; twice as long after each further failure
	longestPause = 15 * time.Second // of these
)

// A gate lets the deliveries of a queue begin. A delivery has its place until the server knows what became of it, so that
// no more than Concurrency are begun again if the worker is killed.
type gate struct {
	places chan struct{}
	limit  *rate.Limiter

	mu       sync.Mutex
	until    time.Time // nothing begins before
	failures int       // in a row
}

// enter waits until a delivery may begin.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := g.limit.Wait(ctx)
	for err == nil {
		g.mu.Lock()
		wait := time.Until(g.until)
		g.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		err = pause(ctx, wait)
	}
	<-g.places
	return err
}

// leave gives up the place of a delivery.
func (g *gate) leave() { <-g.places }

// rest gives up the place for a time. The delivery has a place again when rest returns, also if the context has ended.
func (g *gate) rest(ctx context.Context, wait time.Duration) error {
	g.leave()
	err := pause(ctx, wait)
	if err == nil {
		err = g.enter(ctx)
	}
	if err != nil {
		g.places <- struct{}{}
	}
	return err
}

// note notes the result of a delivery. If the service refused, or if it fails again and again, the next deliveries wait.
func (g *gate) note(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	after, again := mackerel.Retry(err)
	if !again || len(mackerel.Failures(err)) > 0 { // a part may have been delivered
		g.failures = 0
		return
	}
	wait := time.Duration(0)
	if errors.Is(err, mackerel.ErrRateLimited) {
		wait = min(after, maxPause)
	}
	if g.failures++; g.failures >= outage {
		wait = max(wait, min(outagePause<<min(g.failures-outage, 10), longestPause))
	}
	if until := time.Now().Add(wait); until.After(g.until) {
		g.until = until
	}
}
