package pagerduty_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

// An alert opens, somebody takes it, and it closes. The server here is a fake; without BaseURL it is the real one.
func Example() {
	s := pagerdutytest.NewServer()
	defer s.Close()
	n, err := pagerduty.New(pagerduty.Config{
		RoutingKey: mackerel.NewSecret(pagerdutytest.RoutingKey), BaseURL: s.BaseURL(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	alert := mackerel.Alert{
		ID: "backup", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup"}, Message: "no space left",
	}
	fmt.Println(n.Notify(ctx, alert))
	receipt, err := n.Acknowledge(ctx, alert.Key())
	fmt.Println(receipt.ID, err)
	alert.Status = mackerel.StatusOK
	fmt.Println(n.Notify(ctx, alert))
	for _, i := range s.Incidents(pagerdutytest.RoutingKey) {
		fmt.Println(i.Status, i.Events[0].Payload.Summary)
	}
	// Output:
	// <nil>
	// mackerel-backup <nil>
	// <nil>
	// resolved [CRITICAL] backup
}
