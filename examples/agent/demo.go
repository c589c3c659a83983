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

	l := log.New(out, "   ", 0)
	tried := make(chan struct{}, 10)
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
	used, start := 42.0, time.Now()
	a := newAgent("app01", persistent, l, check{"disk /", "Disk / %", 80, 90, func() (float64, error) { return used, nil }})
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

	fmt.Fprintf(out, "\n3. What the channel shows: both, in their order, and each once\n\n")
	for _, m := range fake.Messages() {
		fmt.Fprintf(out, "   %s\n", m.Text)
	}
	fmt.Fprintf(out, "\nWith SLACK_WEBHOOK_URL in the environment it watches this machine.\n")
	return context.Cause(ctx)
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
