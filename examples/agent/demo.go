package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/route"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// demonstrate fills a disk, and frees it again while a fake of Slack answers 503.
func demonstrate(ctx context.Context, out io.Writer) error {
	fake := slacktest.New()
	defer fake.Close()
	fake.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: 3}) // a call makes three attempts
	l, tried := log.New(out, "   ", 0), make(chan struct{}, 10)
	config := fake.Config()
	config.Call.OnAttempt = func(_ context.Context, a mackerel.Attempt) {
		l.Printf("Slack answers %d", a.Status)
		tried <- struct{}{}
	}
	room, err := slack.New(config)
	if err != nil {
		return err
	}
	persistent, err := route.Persist(room, time.Minute)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "1. This machine\n\n")
	now("disk /", out, func() (float64, error) { return diskUsed("/") })
	now("load for each CPU", out, load)

	fmt.Fprintf(out, "\n2. A disk fills up, and Slack fails\n\n")
	fillUp(ctx, persistent, l, tried)

	fmt.Fprintf(out, "\n3. What the channel shows: both, in their order, and each once\n\n")
	for _, m := range fake.Messages() {
		fmt.Fprintf(out, "   %s\n", slacktest.Unescape(m.Text))
	}
	fmt.Fprintf(out, "\nWith SLACK_WEBHOOK_URL in the environment it watches this machine.\n")
	return context.Cause(ctx)
}

// fillUp runs an agent until everything is told. The disk has room again after the first attempt to tell that it is
// full.
func fillUp(ctx context.Context, n mackerel.Deliverer, l *log.Logger, tried <-chan struct{}) {
	used, start := 42.0, time.Now()
	disk := check{"disk /", "Disk / %", 80, 90, func() (float64, error) { return used, nil }}
	a := newAgent("app01", n, l, disk)
	a.start(ctx)
	a.look(start)
	used = 93
	l.Printf("%v%%", used)
	a.look(start.Add(time.Minute))
	select {
	case <-tried:
	case <-ctx.Done():
	}
	used = 41
	l.Printf("%v%%, while the alert is being repeated", used)
	a.look(start.Add(2 * time.Minute))
	a.end()
}

// now prints a measurement of this machine.
func now(what string, out io.Writer, measure func() (float64, error)) {
	value, err := measure()
	if err != nil {
		fmt.Fprintf(out, "   %s: %v\n", what, err)
		return
	}
	fmt.Fprintf(out, "   %s: %.2f\n", what, value)
}
