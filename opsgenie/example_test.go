package opsgenie_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
)

// An alert opens and closes. Opsgenie is a fake here.
func Example() {
	fake := opsgenietest.New()
	defer fake.Close()

	config := fake.Config() // in your program: opsgenie.Config{APIKey: mackerel.NewSecret(os.Getenv("OPSGENIE_API_KEY"))}
	config.Responders = []opsgenie.Responder{{Type: "team", Name: "web"}}
	n, err := opsgenie.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	alert := mackerel.Alert{
		ID: "backup", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup"}, Message: "no space left",
	}
	fmt.Println(n.Notify(context.Background(), alert))
	alert.Status = mackerel.StatusOK
	fmt.Println(n.Notify(context.Background(), alert))

	for _, a := range fake.Alerts() {
		fmt.Println(a.Alias, a.Priority, a.Message, a.Closed)
	}
	// Output:
	// <nil>
	// <nil>
	// mackerel-backup P1 [CRITICAL] backup: no space left true
}
