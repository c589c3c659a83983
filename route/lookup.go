package route

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// The monitor of an alert that came by webhook is looked for in the list of the newest alerts, and then by the alert's
// id: for at most lookupTime, with one request in lookupGap. An alert without a monitor is not looked for again within
// missingTime.
const (
	lookupTime  = 2 * time.Second
	lookupGap   = time.Second
	missingTime = time.Minute
)

// A lookup remembers the monitors of the newest alerts.
type lookup struct {
	mu       sync.Mutex
	monitors map[string]string    // by the alert's id
	missing  map[string]time.Time // when an alert was found to have no monitor
	asked    time.Time
	listed   time.Time     // when the last list was asked for
	asking   chan struct{} // closed when the request that is under way ends
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
		case !found.turn:
			if err := found.pause(ctx); err != nil {
				return "", err
			}
			continue
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
	turn    bool          // the caller has to ask Mackerel
	listed  time.Time     // when the last list was asked for
	asking  chan struct{} // what the caller has to wait for before it looks again, or
	wait    time.Duration // how long
}

func (l *lookup) look(id string) look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if monitor := l.monitors[id]; monitor != "" {
		return look{monitor: monitor}
	}
	if at, missing := l.missing[id]; missing && time.Since(at) < missingTime {
		return look{missing: true}
	}
	if l.asking != nil {
		return look{asking: l.asking}
	}
	if wait := time.Until(l.asked.Add(lookupGap)); wait > 0 {
		return look{wait: wait}
	}
	l.asking, l.asked = make(chan struct{}), time.Now()
	return look{turn: true, listed: l.listed}
}

// pause waits until the caller may look again.
func (l look) pause(ctx context.Context) error {
	var timeout <-chan time.Time
	if l.asking == nil {
		timer := time.NewTimer(l.wait)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-l.asking: // never, if it is nil
		return nil
	case <-timeout:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// list asks for the newest hundred alerts: in a storm, one request finds many.
func (r *Router) list(ctx context.Context, _ string) error {
	found := make(map[string]string)
	defer func() { r.ids.keep(found) }()
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
		if l.monitors[id] = monitor; monitor == "" {
			delete(l.monitors, id)
			l.missing[id] = time.Now()
		}
	}
	close(l.asking)
	l.asking = nil
}
