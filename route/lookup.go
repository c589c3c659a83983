package route

import (
	"cmp"
	"context"
	"maps"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// The monitor of an alert that came by webhook is looked for in the list of the newest alerts: for at most lookupTime,
// and once in lookupGap.
const (
	lookupTime = 2 * time.Second
	lookupGap  = time.Second
)

// A lookup remembers the monitors of the newest alerts.
type lookup struct {
	mu       sync.Mutex
	monitors map[string]string // by the alert's id
	asked    time.Time
	asking   chan struct{}
}

// maxLookup is how many alerts are remembered.
const maxLookup = 10_000

// monitorID returns the id of the alert's monitor, "" if the alert has none. Webhooks have no id of the monitor.
func (r *Router) monitorID(ctx context.Context, a mackerel.Alert) (string, error) {
	if a.Monitor.ID != "" || a.ID == "" {
		return a.Monitor.ID, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	for {
		id, asking, wait := r.ids.look(a.ID)
		switch {
		case id != "":
			return id, nil
		case asking != nil:
			select {
			case <-asking:
				continue
			case <-ctx.Done():
				return "", context.Cause(ctx)
			}
		case wait > 0:
			if err := pause(ctx, wait); err != nil {
				return "", err
			}
			continue
		}
		return r.ask(ctx, a.ID)
	}
}

// pause waits, or returns why the context ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// look returns the monitor of an alert if it is known. If it is not, look returns what to wait for; without that, the
// caller has to ask.
func (l *lookup) look(id string) (monitor string, asking chan struct{}, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if monitor = l.monitors[id]; monitor != "" || l.asking != nil {
		return monitor, l.asking, 0
	}
	if wait = time.Until(l.asked.Add(lookupGap)); wait <= 0 {
		l.asking, l.asked = make(chan struct{}), time.Now()
	}
	return "", nil, wait
}

// ask reads the newest hundred alerts, and the alert itself if it is not among them.
func (r *Router) ask(ctx context.Context, id string) (string, error) {
	found := make(map[string]string)
	var failed error
	n := 0
	for a, err := range r.config.Client.ListAlerts(ctx, mackerel.ListAlertsOptions{WithClosed: true}) {
		if failed = err; err != nil {
			break
		}
		found[a.ID] = a.MonitorID
		if n++; n == 100 {
			break
		}
	}
	if failed == nil && found[id] == "" {
		failed = pause(ctx, lookupGap)
	}
	if failed == nil && found[id] == "" {
		a, err := r.config.Client.GetAlert(ctx, id)
		if failed = err; err == nil {
			found[id] = a.MonitorID
		}
	}
	r.ids.keep(found)
	if monitor := found[id]; monitor != "" {
		return monitor, nil
	}
	return "", cmp.Or(failed, failure("look for monitor", mackerel.ErrNotFound, "the alert has no monitor"))
}

func (l *lookup) keep(found map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.monitors == nil || len(l.monitors) > maxLookup {
		l.monitors = make(map[string]string)
	}
	maps.Copy(l.monitors, found)
	close(l.asking)
	l.asking = nil
}
