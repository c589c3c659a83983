package line_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

// An alert goes to a group, which is a fake here. Its recovery will arrive without a sound.
func Example() {
	fake := linetest.New()
	defer fake.Close()
	fake.SetQuota(200, 0)

	config := fake.Config() // in your program: line.Config{Token: mackerel.NewSecret("..."), To: []string{"C..."}}
	config.NotificationDisabled = map[mackerel.Status]bool{mackerel.StatusOK: true}
	n, err := line.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := n.Deliver(context.Background(), mackerel.Alert{
		ID: "backup-2026", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup"}, Message: "exit status 1",
		URL: "https://mackerel.io/",
	})
	fmt.Println(receipt.ID, receipt.Attempts, err)

	for _, text := range fake.Deliveries()[0].Messages[0].Texts()[1:] {
		fmt.Println(text)
	}
	quota, err := n.Quota(context.Background())
	fmt.Println(quota.TotalUsage, "of", quota.Value, "messages used in this month", err)
	// Output:
	// 460000000000000001 1 <nil>
	// [CRITICAL] backup
	// exit status 1
	// Open in Mackerel
	// 3 of 200 messages used in this month <nil>
}
