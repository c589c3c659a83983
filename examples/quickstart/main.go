// Quickstart shows the library's main job from end to end: the channels of an organization, an alert that comes in, the
// same alert in a Chatwork room and a HipChat room, its recovery, and what happens when one of the two services fails.
//
//	go run ./examples/quickstart
//
// It needs neither credentials nor a network: fake services on loopback take the place of those that are not given in
// the environment:
//
//	MACKEREL_APIKEY                              real channels are listed, and changed only with -write
//	CHATWORK_TOKEN, CHATWORK_ROOM_ID             real messages are posted
//	HIPCHAT_URL, HIPCHAT_TOKEN, HIPCHAT_ROOM     real notifications are sent
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/mackerel-notify/mackerel"
)

func main() {
	write := flag.Bool("write", false, "create, update and delete channels even in a real organization")
	opened := flag.String("alert", "testdata/webhook/alert-host.json", "the webhook body of an alert")
	closed := flag.String("recovery", "testdata/webhook/alert-host-recovered.json", "the webhook body of its recovery")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tour := tour{out: os.Stdout, write: *write, opened: *opened, closed: *closed}
	if err := tour.run(ctx, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

// A tour is one run of the example.
type tour struct {
	out            io.Writer
	write          bool   // also in a real organization
	opened, closed string // files

	services
}

func (t *tour) run(ctx context.Context, getenv func(string) string) error {
	if err := t.connect(getenv); err != nil {
		return err
	}
	defer t.close()
	t.printf("Three services take part: %s.\n", t.where())

	alert, err := readAlert(t.opened)
	if err != nil {
		return err
	}
	recovery, err := readAlert(t.closed)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		t.channels,
		func(ctx context.Context) error { return t.notify(ctx, alert) },
		t.readBack,
		func(ctx context.Context) error { return t.recover(ctx, recovery) },
		func(ctx context.Context) error { return t.failAndTryAgain(ctx, alert) },
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readAlert reads what Mackerel would have sent to a webhook channel.
func readAlert(file string) (mackerel.Alert, error) {
	body, err := os.ReadFile(file) //nolint:gosec // the file is the user's own choice
	if err != nil {
		return mackerel.Alert{}, fmt.Errorf("%w (run it from the top of the repository, or name a file)", err)
	}
	return mackerel.ParseWebhook(body)
}

func (t *tour) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }
