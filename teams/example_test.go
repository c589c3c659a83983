package teams_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// An alert goes to a workflow, which is a fake here.
func Example() {
	fake := teamstest.New()
	defer fake.Close()

	config := fake.Config() // in your program: teams.Config{URL: mackerel.NewSecret(os.Getenv("TEAMS_WORKFLOW_URL"))}
	config.Mentions = map[mackerel.Status][]teams.Mention{
		mackerel.StatusCritical: {{ID: "hanako@example.com", Name: "Hanako"}},
	}
	n, err := teams.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := n.Deliver(context.Background(), mackerel.Alert{
		ID: "backup-2026", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "nightly_backup"},
		Message: "3 of 5 volumes failed", URL: "https://mackerel.io/orgs/acme/alerts/backup-2026",
	})
	fmt.Println("queued:", receipt.Queued, err)

	card := fake.Cards()[0]
	fmt.Printf("%q\n%q\n", card.Texts(), card.Mentions())
	// Output:
	// queued: true <nil>
	// ["Open in Mackerel" "[CRITICAL] nightly\\_backup" "3 of 5 volumes failed" "<at>Hanako</at>"]
	// [{"hanako@example.com" "Hanako"}]
}
