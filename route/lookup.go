package route

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// The monitor of an alert that came by webhook is looked for in the list of the newest alerts, and then by the alert's
// id: for at most lookupTime. An alert without a monitor is not looked for again within missingTime.
//
// When groups and channels are read again, these two requests come first. So lookupTime has to be longer than two turns.
const (
	lookupTime  = 4 * time.Second
	missingTime = time.Minute
)

// apiGap is the time from one request of a router to the next.
const apiGap = time.Second

// turns gives the requests to Mackerel's API their turns.
type turns struct {
	mu   sync.Mutex
	next time.Time // when the next request may begin
}

// wait waits for the turn of a request. It returns an error at once if the turn comes after the context's deadline.
func (t *turns) wait(ctx context.Context) error {
	t.mu.Lock()
	now := time.Now()
	at := t.next
	if at.Before(now) {
		at = now
	}
	if deadline, set := ctx.Deadline(); set && at.After(deadline) {
		t.mu.Unlock()
		return failure("wait for a request's turn", mackerel.ErrRateLimited, "too many requests to Mackerel's API wait")
	}
	t.next = at.Add(apiGap)
	t.mu.Unlock()
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx, "wait for a request's turn")
	}
}

// A lookup remembers the monitors of the newest alerts.
type lookup struct {
	mu       sync.Mutex
	monitors map[string]string    // by the alert's id
	missing  map[string]time.Time // when an alert was found to have no monitor
	listed   time.Time            // when the last list was asked for
	asking   chan struct{}        // closed when the request that is under way ends
}

// maxLookup is how many alerts are remembered.
const maxLookup = 10_000

var errNoMonitor = failure("look for monitor", mackerel.ErrNotFound, "the alert has no monitor")

// monitorID returns the id of the alert's monitor, "" if the alert has none. Webhooks have no id of the monitor.
func (r *Router) monitorID(ctx context.Context, a mackerel.Alert) (string, error) {
	if a.Monitor.ID != "" || a.ID == "" {
		return a.Monitor.ID, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	for start := time.Now(); ; {
		found := r.ids.look(a.ID)
		switch {
		case found.monitor != "":
			return found.monitor, nil
		case found.missing:
			return "", errNoMonitor
		case found.asking != nil:
			select {
			case <-found.asking:
				continue
			case <-ctx.Done():
				return "", ended(ctx, "look for monitor")
			}
		}
		ask := r.get
		if found.listed.Before(start) {
			ask = r.list
		}
		if err := ask(ctx, a.ID); err != nil {
			return "", err
		}
	}
}

// A look is what is known of an alert.
type look struct {
	monitor string
	missing bool
	asking  chan struct{} // what the caller has to wait for before it looks again; if nil, the caller has to ask Mackerel
	listed  time.Time     // when the last list was asked for
}

// look returns what is known of an alert. If the caller has to ask, others wait for it until it calls keep.
func (l *lookup) look(id string) look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if monitor := l.monitors[id]; monitor != "" {
		return look{monitor: monitor}
	}
	if time.Since(l.missing[id]) < missingTime {
		return look{missing: true}
	}
	if l.asking != nil {
		return look{asking: l.asking}
	}
	l.asking = make(chan struct{})
	return look{listed: l.listed}
}

// list asks for the newest hundred alerts: in a storm, one request finds many.
func (r *Router) list(ctx context.Context, _ string) error {
	found := make(map[string]string)
	defer func() { r.ids.keep(found) }()
	if err := r.turns.wait(ctx); err != nil {
		return err
	}
	r.ids.mu.Lock()
	r.ids.listed = time.Now()
	r.ids.mu.Unlock()
	for a, err := range r.config.Client.ListAlerts(ctx, mackerel.ListAlertsOptions{WithClosed: true}) {
		if err != nil {
			return err
		}
		if found[a.ID] = a.MonitorID; len(found) == 100 {
			break // another would be another request
		}
	}
	return nil
}

// get asks for one alert.
func (r *Router) get(ctx context.Context, id string) error {
	found := make(map[string]string)
	defer func() { r.ids.keep(found) }()
	if err := r.turns.wait(ctx); err != nil {
		return err
	}
	a, err := r.config.Client.GetAlert(ctx, id)
	if err == nil || errors.Is(err, mackerel.ErrNotFound) {
		found[id] = a.MonitorID
	}
	return err
}

// keep remembers what a request has found, and lets the next begin.
func (l *lookup) keep(found map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.monitors == nil || len(l.monitors) > maxLookup {
		l.monitors = make(map[string]string)
	}
	if l.missing == nil || len(l.missing) > maxLookup {
		l.missing = make(map[string]time.Time)
	}
	for id, monitor := range found {
		if monitor == "" {
			l.missing[id] = time.Now()
		} else {
			l.monitors[id] = monitor
		}
	}
	close(l.asking)
	l.asking = nil
}
