package teams_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := teamstest.NewServer()
		t.Cleanup(fake.Close)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := teams.New(teams.Config{
					URL: mackerel.NewSecret(e.BaseURL + teamstest.Path + "?" + teamstest.Query), Call: e.Call(),
					Mentions: map[mackerel.Status][]teams.Mention{mackerel.StatusCritical: {{ID: "hanako@example.com", Name: "花子"}}},
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Fake:    fake,
			Count:   func() int { return len(fake.Cards()) },
			Secrets: []string{teamstest.Path, teamstest.Workflow, teamstest.Query, teamstest.Signature},
		}
	})
}
