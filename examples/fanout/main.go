// Fanout sends one alert to thirteen services at once and shows the receipts: who took it, under which id, how long that
// took, and what had to be cut. One of the services is down; only that one is tried again.
//
//	go run ./examples/fanout
//
// It needs neither credentials nor a network: every service is its fake, on loopback. A program of yours has another
// services.go, and the rest as it is here.
package main

import (
	"context"
	"errors"
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

func (f *fanout) run(ctx context.Context, alert mackerel.Alert) error {
	f.printf("1. One alert, %d services, all at once\n\n", len(f.services))
	f.printf("   %s, with a memo of %d characters\n\n", alert.Title(), len([]rune(alert.Monitor.Memo)))
	results := mackerel.DeliverAll(ctx, alert, f.services.notifiers()...)
	f.table(results)

	f.printf("\n2. Only what failed, again\n\n")
	if err := f.again(ctx, alert, results.Err()); err != nil {
		return err
	}
	f.printf("   Now all have it.\n")

	f.printf("\n3. What stands at the services now\n\n")
	return f.count()
}

// again tries once more those that failed and may be tried again. Its error is of the same kind as the one it is given,
// so whoever fails again can be tried once more, later.
func (f *fanout) again(ctx context.Context, alert mackerel.Alert, err error) error {
	var left []mackerel.Notifier
	var errs []error
	for _, failure := range mackerel.Failures(err) {
		f.printf("   %v\n", failure)
		if _, ok := mackerel.Retry(failure); ok {
			left = append(left, failure.Notifier)
		} else {
			errs = append(errs, failure)
		}
	}
	after, _ := mackerel.Retry(err)
	if err := wait(ctx, after); err != nil {
		return err
	}
	errs = append(errs, mackerel.Multi(left...).Notify(ctx, alert))
	return errors.Join(errs...)
}

// wait waits for as long as the services that refused have asked for, which may be no time at all.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// newAlert is an alert that calls for everybody, with a memo that is longer than most services take.
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

// runbook is a memo as they are after some years.
func runbook() string {
	var b strings.Builder
	for step := 1; step <= 300; step++ {
		fmt.Fprintf(&b, "%d. Take app%02d out of the load balancer, wait for its requests to end, restart it, put it back.\n", step, step)
	}
	return b.String()
}

func (f *fanout) printf(format string, args ...any) { fmt.Fprintf(f.out, format, args...) }
