package opsgenie_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
)

// An alert opens and closes. The server here is a fake; without BaseURL it is the real one.
func Example() {
	s := opsgenietest.NewServer()
	defer s.Close()
	n, err := opsgenie.New(opsgenie.Config{
		APIKey: mackerel.NewSecret(opsgenietest.APIKey), BaseURL: s.BaseURL(),
		Responders: []opsgenie.Responder{{Type: "team", Name: "web"}},
	})
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
	for _, a := range s.Alerts() {
		fmt.Println(a.Alias, a.Priority, a.Message, a.Closed)
	}
	// Output:
	// <nil>
	// <nil>
	// mackerel-backup P1 [CRITICAL] backup true
}
