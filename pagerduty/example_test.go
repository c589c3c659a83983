package pagerduty_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

// An alert opens an incident, someone takes it, and the alert is over. PagerDuty is a fake here.
func Example() {
	fake := pagerdutytest.New()
	defer fake.Close()

	config := fake.Config() // in your program: pagerduty.Config{RoutingKey: mackerel.NewSecret(os.Getenv("PAGERDUTY_ROUTING_KEY"))}
	n, err := pagerduty.New(config)
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

	for _, i := range fake.Incidents(pagerdutytest.RoutingKey) {
		fmt.Println(i.Status, i.Events[0].Payload.Summary)
	}
	// Output:
	// <nil>
	// mackerel-backup <nil>
	// <nil>
	// resolved [CRITICAL] backup: no space left
}
