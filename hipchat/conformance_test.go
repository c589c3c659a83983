package hipchat_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestConformance(t *testing.T) {
	for name, config := range map[string]hipchat.Config{
		"HTML":                 {},
		"plain text and cards": {Mentions: mentionAll, Card: true},
	} {
		t.Run(name, func(t *testing.T) {
			notifytest.Run(t, func(t testing.TB) notifytest.Harness { return harness(t, config) })
		})
	}
}

func harness(t testing.TB, c hipchat.Config) notifytest.Harness {
	const token = "conformance-token-0123456789"
	s := hipchattest.NewServer()
	t.Cleanup(s.Close)
	s.SetToken(token, hipchattest.Access{Scopes: []string{hipchattest.ScopeSendNotification}, Calls: 10_000})
	s.SetRoomLimit(10_000)
	return notifytest.Harness{
		New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			c.Token, c.Room, c.BaseURL, c.Call = mackerel.NewSecret(token), hipchattest.RoomName, e.BaseURL, e.Call()
			n, err := hipchat.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		Fake:    s,
		Count:   func() int { return len(s.Messages(hipchattest.RoomID)) },
		Secrets: []string{token},
	}
}
