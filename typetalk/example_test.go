package typetalk_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

// An alert goes to a topic, which is a fake here.
func Example() {
	fake := typetalktest.New()
	defer fake.Close()

	config := fake.Config() // in your program: typetalk.Config{Token: ..., TopicID: ..., BaseURL: ...}
	config.RawPrefix = map[mackerel.Status]string{mackerel.StatusCritical: ":rotating_light:"}
	n, err := typetalk.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := n.Deliver(context.Background(), mackerel.Alert{
		ID: "backup-2026", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup"}, Message: "ask @all",
	})
	fmt.Println(n, receipt.ID, err)
	fmt.Println(fake.Posts(typetalktest.TopicID)[0].Message)
	// Output:
	// typetalk topic 12345 1 <nil>
	// :rotating_light: [CRITICAL] backup
	// ask ＠all
}
