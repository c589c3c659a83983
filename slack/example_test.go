package slack_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// An alert goes to a channel, which is a fake here.
func Example() {
	fake := slacktest.New()
	defer fake.Close()

	config := fake.Config() // in your program: slack.Config{URL: mackerel.NewSecret(os.Getenv("SLACK_WEBHOOK_URL"))}
	config.Mentions = map[mackerel.Status]string{mackerel.StatusCritical: "@here"}
	n, err := slack.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = n.Notify(context.Background(), mackerel.Alert{
		ID: "backup-2026", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup"},
		Message: "3 of 5 volumes <failed>\n/data\n/home", URL: "https://mackerel.io/orgs/acme/alerts/backup-2026",
	})
	fmt.Println(err)

	m := fake.Messages()[0]
	fmt.Println(m.Text)
	fmt.Printf("%s %q\n", m.Attachments[0].Color, m.Attachments[0].Blocks[0].Text.Text)
	// Output:
	// <nil>
	// <https://mackerel.io/orgs/acme/alerts/backup-2026|[CRITICAL] backup>: 3 of 5 volumes &lt;failed&gt; <!here>
	// #E01E5A "/data\n/home"
}
