package eventbridge_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

// An alert that came from a webhook goes to an event bus, which is a fake here.
func Example() {
	fake := eventbridgetest.New()
	defer fake.Close()

	config := fake.Config() // in your program: Region and Credentials of an aws.Config
	n, err := eventbridge.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	alert, err := mackerel.ParseWebhook([]byte(`{"orgName":"acme","event":"alert","type":"host","message":"CPU % 96 > 90",` +
		`"memo":"","imageUrl":null,"host":{"name":"app01"},"alert":{"status":"critical","monitorName":"CPU %"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := n.Notify(context.Background(), alert); err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range fake.Events(eventbridgetest.DefaultBus) {
		fmt.Printf("%s: %s\n%s\n", e.Source, e.DetailType, e.Detail)
	}
	// Output:
	// mackerel.io: Mackerel Alert
	// {"orgName":"acme","event":"alert","message":"CPU % 96 > 90","memo":"","host":{"name":"app01"},"alert":{"status":"critical","monitorName":"CPU %"}}
}
