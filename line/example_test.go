package line_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

// The service here is the fake of package linetest; leave BaseURL out, and it is LINE.
func Example() {
	s := linetest.NewServer()
	defer s.Close()

	n, err := line.New(line.Config{
		Token:                mackerel.NewSecret(linetest.Token),
		To:                   []string{linetest.GroupID},
		NotificationDisabled: map[mackerel.Status]bool{mackerel.StatusOK: true},
		BaseURL:              s.BaseURL(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := n.Deliver(context.Background(), mackerel.Alert{
		ID: "backup-app01", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup"}, Message: "exit status 1",
		URL: "https://mackerel.io/",
	})
	fmt.Println(receipt.ID, receipt.Attempts, err)

	for _, text := range linetest.Texts(s.Deliveries()[0].Messages[0])[1:] {
		fmt.Println(text)
	}
	quota, err := n.Quota(context.Background())
	fmt.Println(quota.TotalUsage, "of", quota.Value, "messages used in this month", err)
	// Output:
	// 460000000000000001 1 <nil>
	// [CRITICAL] backup
	// exit status 1
	// Open
	// 3 of 200 messages used in this month <nil>
}
