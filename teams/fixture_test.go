package teams_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*teams.Config)) (*teamstest.Server, *teams.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, teamstest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, teams.New, config)
}

// notify sends an alert and returns the card that was posted.
func notify(t *testing.T, a mackerel.Alert, configure ...func(*teams.Config)) (teamstest.Card, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	return posted(t, fake, err), receipt
}

// send sends a message and returns the card that was posted.
func send(t *testing.T, m teams.Message) (teamstest.Card, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t)
	receipt, err := n.Send(t.Context(), m)
	return posted(t, fake, err), receipt
}

// posted returns the card of the last run. The test ends if the run has failed.
func posted(t *testing.T, fake *teamstest.Server, err error) teamstest.Card {
	t.Helper()
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	run := servicetest.Last(t, fake, fake.Runs())
	if run.Problem != "" {
		t.Fatalf("the run has failed: %s\n%.2000s", run.Problem, fake.Requests()[0].Body)
	}
	return run.Card
}

// mentionHanako configures a mention of critical alerts.
func mentionHanako(c *teams.Config) {
	c.Mentions = map[mackerel.Status][]teams.Mention{mackerel.StatusCritical: {{ID: "hanako@example.com", Name: "花子"}}}
}
