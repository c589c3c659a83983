// Fanout sends one alert to thirteen services at once and shows the receipts: which service took the alert, under which
// id, after how long, and what was cut. One of the services is down at first. Only that service is called again, by
// route.Persist.
//
//	go run ./examples/fanout
//
// It needs no credentials and no network: all services are fakes on loopback. In a program of your own, services.go is
// different, and the rest is the same.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fanout:", err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

func run(ctx context.Context, out io.Writer) error {
	services, err := newServices()
	defer services.close()
	if err != nil {
		return err
	}
	f := fanout{out: out, services: services}
	return f.run(ctx, newAlert())
}

// A fanout is one run of the example.
type fanout struct {
	out      io.Writer
	services services
}

// patience is how long a service that has failed is tried again.
const patience = time.Minute

func (f *fanout) run(ctx context.Context, alert mackerel.Alert) error {
	f.printf("1. One alert, %d services, all at once\n\n", len(f.services))
	f.printf("   %s, with a memo of %d characters\n\n", alert.Title(), len([]rune(alert.Monitor.Memo)))
	notifiers, err := f.services.persistent(patience)
	if err != nil {
		return err
	}
	results := mackerel.DeliverAll(ctx, alert, notifiers...)
	f.table(results)
	if err := results.Err(); err != nil {
		return err
	}
	for _, r := range results {
		if r.Receipt.Attempts > 1 {
			f.printf("   %v failed at first and was called again: %d attempts in all.\n", r.Notifier, r.Receipt.Attempts)
		}
	}

	f.printf("\n2. What the services have now\n\n")
	return f.count()
}

// newAlert returns an open critical alert with a memo that is longer than most services take.
func newAlert() mackerel.Alert {
	value, warning, critical := 96.5, 80.0, 90.0
	return mackerel.Alert{
		ID: "5AlertId001", Status: mackerel.StatusCritical, Org: "acme", URL: "https://mackerel.io/orgs/acme/alerts/5AlertId001",
		Monitor: mackerel.Monitor{ID: "4MonCpu", Name: "CPU %", Type: "host", Memo: runbook()},
		Message: "CPU % 96.5 > 90",
		Metric: &mackerel.Metric{
			Label: "CPU %", Value: &value, Warning: &warning, Critical: &critical, Operator: ">", Duration: 3,
		},
		Host:     &mackerel.Host{ID: "4HostApp01", Name: "app01", URL: "https://mackerel.io/orgs/acme/hosts/4HostApp01", Status: "working"},
		OpenedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// runbook returns a long memo.
func runbook() string {
	var b strings.Builder
	for step := 1; step <= 300; step++ {
		fmt.Fprintf(&b, "%d. Take app%02d out of the load balancer, wait for its requests to end, restart it, put it back.\n", step, step)
	}
	return b.String()
}

func (f *fanout) printf(format string, args ...any) { fmt.Fprintf(f.out, format, args...) }
