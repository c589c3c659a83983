package slack_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := slacktest.NewServer()
		t.Cleanup(fake.Close)
		fake.SetRateLimit(1 << 20) // the suite sends more than a channel may get
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := slack.New(slack.Config{
					URL: mackerel.NewSecret(e.BaseURL + slacktest.Path), Call: e.Call(),
					Mentions: map[mackerel.Status]string{mackerel.StatusCritical: "@here"},
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Fake:    fake,
			Count:   func() int { return len(fake.Messages()) },
			Secrets: []string{slacktest.Path, slacktest.Token, slacktest.Hook, slacktest.Team},
		}
	})
}
