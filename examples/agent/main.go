// Agent watches the disk and the load of the machine that it runs on, without Mackerel, and tells a Slack channel when
// they become too high and when they are fine again. A network that is down for minutes loses nothing: route.Persist
// repeats what failed.
//
//	go run ./examples/agent
//
// shows in two seconds, on a fake of Slack, what happens if Slack fails while the disk fills up. The real thing needs
// Linux and the address of an incoming webhook (https://api.slack.com/messaging/webhooks), and runs until it is
// interrupted:
//
//	SLACK_WEBHOOK_URL=https://hooks.slack.com/... go run ./examples/agent -disk /var -interval 30s
//
// On other systems it says that it cannot measure, and ends; the demonstration runs everywhere.
//
// # What is told
//
// An alert has the same ID from its opening to its close, so services that keep incidents would open one incident and
// close it. agent.go decides what is told: the states of an alert arrive in their order, and while a state is still
// being repeated, only the newest of the states after it is kept. So a state that is no longer true is not told late.
//
// What was told is kept in memory only. After a restart, an alert that is open is told again, and the recovery of an
// alert that closed meanwhile is not told.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/route"
	"github.com/mackerel-notify/mackerel/slack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Stdout, os.Args[1:], os.Getenv)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

// settings are the command line.
type settings struct {
	disk                         string
	diskWarning, diskCritical    float64 // percent
	loadWarning, loadCritical    float64 // for each CPU
	interval, patience, farewell time.Duration
}

func parse(out io.Writer, args []string) (s settings, err error) {
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&s.disk, "disk", "/", "the `folder` whose file system is watched")
	flags.Float64Var(&s.diskWarning, "disk-warning", 80, "how full the disk may be, in `percent`")
	flags.Float64Var(&s.diskCritical, "disk-critical", 90, "as -disk-warning")
	flags.Float64Var(&s.loadWarning, "load-warning", 2, "how high the `load` of 5 minutes may be, for each CPU")
	flags.Float64Var(&s.loadCritical, "load-critical", 4, "as -load-warning")
	flags.DurationVar(&s.interval, "interval", time.Minute, "how often to measure")
	flags.DurationVar(&s.patience, "patience", time.Hour, "how long a message that failed is repeated")
	flags.DurationVar(&s.farewell, "farewell", 10*time.Second, "how long messages under way may take after an interrupt")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	var problems []error
	need := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, errors.New(problem))
		}
	}
	need(flags.NArg() == 0, "arguments are not expected: all settings are flags")
	need(s.diskWarning <= s.diskCritical, "-disk-warning is above -disk-critical")
	need(s.loadWarning <= s.loadCritical, "-load-warning is above -load-critical")
	need(s.interval > 0, "-interval must be above 0")
	need(s.patience > 0, "-patience must be above 0")
	return s, errors.Join(problems...)
}

func run(ctx context.Context, out io.Writer, args []string, getenv func(string) string) error {
	s, err := parse(out, args)
	if err != nil {
		return err
	}
	url := mackerel.NewSecret(getenv("SLACK_WEBHOOK_URL"))
	if url.IsZero() {
		return demonstrate(ctx, out)
	}
	room, err := slack.New(slack.Config{URL: url})
	if err != nil {
		return err
	}
	persistent, err := route.Persist(room, s.patience)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	used := func() (float64, error) { return diskUsed(s.disk) }
	checks := []check{
		{"disk " + s.disk, "Disk " + s.disk + " %", s.diskWarning, s.diskCritical, used},
		{"load", "Load of 5 minutes for each CPU", s.loadWarning, s.loadCritical, load},
	}
	for _, c := range checks {
		if _, err := c.measure(); err != nil {
			return fmt.Errorf("%s: %w", c.id, err)
		}
	}
	a := newAgent(host, persistent, log.New(out, "", log.LstdFlags), checks...)
	return a.run(ctx, s.interval, s.farewell)
}
