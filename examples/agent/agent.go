package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// A check is something that can be measured, and how high it may be.
type check struct {
	id, name          string // of the alert
	warning, critical float64
	measure           func() (float64, error)
}

// An agent measures, and tells a notifier what has changed.
type agent struct {
	host     string
	notifier mackerel.Deliverer
	log      *log.Logger
	monitors []*monitor
	tellers  sync.WaitGroup
}

// A monitor is a check with what it found last.
type monitor struct {
	check
	alert mackerel.Alert      // the state now
	news  chan mackerel.Alert // the newest state that its teller has not looked at; holds one
}

func newAgent(host string, n mackerel.Deliverer, l *log.Logger, checks ...check) *agent {
	a := &agent{host: host, notifier: n, log: l}
	for _, c := range checks {
		a.monitors = append(a.monitors, &monitor{check: c, news: make(chan mackerel.Alert, 1), alert: mackerel.Alert{
			ID: "agent " + host + " " + c.id, Status: mackerel.StatusOK,
			Monitor: mackerel.Monitor{Name: c.name}, Host: &mackerel.Host{Name: host},
		}})
	}
	return a
}

// run measures until the context ends. Then messages that are under way have the time of the farewell.
func (a *agent) run(ctx context.Context, interval, farewell time.Duration) error {
	telling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	a.start(telling)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for a.look(time.Now()); ; a.look(time.Now()) {
		select {
		case <-ctx.Done():
			defer time.AfterFunc(farewell, cancel).Stop()
			a.end()
			return nil
		case <-ticker.C:
		}
	}
}

// start starts a teller for each monitor, so that a message that is being repeated does not hold up others.
func (a *agent) start(ctx context.Context) {
	for _, m := range a.monitors {
		a.tellers.Go(func() { a.tell(ctx, m) })
	}
}

// end waits until everything is told, or the context of start has ended.
func (a *agent) end() {
	for _, m := range a.monitors {
		close(m.news)
	}
	a.tellers.Wait()
}

// look measures everything once, and passes it to the tellers. A state that a teller has not looked at yet is replaced.
func (a *agent) look(now time.Time) {
	for _, m := range a.monitors {
		m.look(now)
		select {
		case <-m.news:
		default:
		}
		m.news <- m.alert
	}
}

// look measures. The alert keeps its ID in all states, so that its Key stays the same.
func (m *monitor) look(now time.Time) {
	value, err := m.measure()
	a, before := &m.alert, m.alert.Status
	a.Message = ""
	a.Metric = &mackerel.Metric{
		Label: m.name, Value: &value, Warning: &m.warning, Critical: &m.critical, Operator: ">",
	}
	switch {
	case err != nil:
		a.Status, a.Metric, a.Message = mackerel.StatusUnknown, nil, "cannot be measured: "+err.Error()
	case value > m.critical:
		a.Status = mackerel.StatusCritical
	case value > m.warning:
		a.Status = mackerel.StatusWarning
	default:
		a.Status = mackerel.StatusOK
	}
	if a.Status == before {
		return
	}
	a.ChangedAt, a.ClosedAt = now, time.Time{}
	if before == mackerel.StatusOK {
		a.OpenedAt = now
	}
	if a.Status == mackerel.StatusOK {
		a.ClosedAt = now
	}
}

// tell tells the states of a monitor, each after the state before it was delivered or has failed. A state that has
// failed is told again after the next measurement, if it still is the state then. The recovery of an alert that
// certainly did not arrive is not told.
func (a *agent) tell(ctx context.Context, m *monitor) {
	told := mackerel.StatusOK // "" if it is not known what arrived
	for alert := range m.news {
		if alert.Status == told {
			continue
		}
		id := fmt.Sprint(alert.Key(), " ", alert.Status, " ", alert.ChangedAt.UnixNano()) // the same for all repeats
		receipt, err := a.notifier.Deliver(mackerel.WithDeliveryID(ctx, id), alert)
		switch {
		case err == nil:
			told = alert.Status
			took := receipt.Duration.Round(time.Millisecond)
			a.log.Printf("told: %s (after %v, requests: %d)", alert.Title(), took, receipt.Attempts)
			continue
		case errors.Is(err, mackerel.ErrAmbiguous):
			told = ""
		}
		a.log.Printf("not told: %s: %v", alert.Title(), err)
		if ctx.Err() != nil {
			return
		}
	}
}
