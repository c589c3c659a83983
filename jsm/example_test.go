package jsm_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
)

// An alert opens and closes. The service is a fake here.
func Example() {
	fake := jsmtest.New()
	defer fake.Close()

	config := fake.Config() // in your program: jsm.Config{APIKey: mackerel.NewSecret(os.Getenv("JSM_API_KEY"))}
	config.Responders = []jsm.Responder{{Type: "team", ID: "4513b7ea-3b91-438f-b7e4-e3e54af9147c"}}
	n, err := jsm.New(config)
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
