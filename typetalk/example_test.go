package typetalk_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

// The address is one that a Mackerel channel held; here it leads to the fake of package typetalktest.
func Example() {
	s := typetalktest.NewServer()
	defer s.Close()

	n, err := typetalk.New(typetalk.Config{
		URL:       mackerel.NewSecret(s.ChannelURL(typetalktest.TopicID)),
		RawPrefix: map[mackerel.Status]string{mackerel.StatusCritical: ":rotating_light:"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := n.Deliver(context.Background(), mackerel.Alert{
		ID: "backup-app01", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup"}, Message: "ask @all",
	})
	fmt.Println(n, receipt.ID, err)
	fmt.Println(s.Posts(typetalktest.TopicID)[0].Message)
	fmt.Println("query:", s.Requests()[0].Query)
	// Output:
	// typetalk topic 12345 1 <nil>
	// :rotating_light: [CRITICAL] backup
	// ask ＠all
	// query:
}
