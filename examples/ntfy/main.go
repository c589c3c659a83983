// Ntfy shows how to send alerts to a service that has no package of its own, here https://ntfy.sh, which shows push
// messages on phones. Package webhook makes the requests, repeats them, waits when the service asks for it and keeps
// the credentials out of errors. All that is new is the body, which an Edit function writes: see ntfy.go. The test runs
// notifytest, the conformance suite of all notifiers.
//
//	go run ./examples/ntfy
//
// It prints the requests that it would send for an alert and its recovery. If the environment has a topic, it sends
// them:
//
//	NTFY_TOPIC    the topic; on ntfy.sh, everybody who knows its name can read it
//	NTFY_URL      the server, if it is not https://ntfy.sh
//	NTFY_TOKEN    an access token, if the topic requires one
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/mackerel-notify/mackerel"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "ntfy:", err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

func run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	topic, token := getenv("NTFY_TOPIC"), mackerel.NewSecret(getenv("NTFY_TOKEN"))
	url := cmp.Or(getenv("NTFY_URL"), "https://ntfy.sh")
	n, err := newNtfy(url, cmp.Or(topic, "example"), token, mackerel.CallOptions{})
	if err != nil {
		return err
	}
	value, critical, now := 96.5, 90.0, time.Now()
	alert := mackerel.Alert{
		ID: "5AlertId001", Status: mackerel.StatusCritical, URL: "https://mackerel.io/orgs/acme/alerts/5AlertId001",
		Monitor: mackerel.Monitor{Name: "CPU %"}, Host: &mackerel.Host{Name: "app01"}, OpenedAt: now.Add(-time.Minute),
		Metric: &mackerel.Metric{Label: "CPU %", Value: &value, Critical: &critical, Operator: ">", Duration: 3},
	}
	recovery := alert
	recovery.Status, recovery.ClosedAt = mackerel.StatusOK, now
	for _, a := range []mackerel.Alert{alert, recovery} {
		if topic == "" {
			err = preview(out, n, a)
		} else if err = n.Notify(ctx, a); err == nil {
			fmt.Fprintf(out, "%s: sent\n", a.Title())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// preview prints the request of an alert. Its address and its token are [redacted].
func preview(out io.Writer, n mackerel.Previewer, a mackerel.Alert) error {
	p, err := n.Preview(a)
	if err != nil {
		return err
	}
	for _, r := range p.Requests {
		fmt.Fprintf(out, "%v would be sent: %s %s\n%s\n\n", a.Title(), r.Method, r.URL, r.Body)
	}
	return nil
}
