package hipchat_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

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
	s := hipchattest.NewServer()
	t.Cleanup(s.Close)
	var one sync.Mutex // request at a time
	return notifytest.Harness{
		New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			c.Token, c.Room, c.BaseURL, c.Call = mackerel.NewSecret(hipchattest.Token), hipchattest.RoomName, e.BaseURL, e.Call()
			n, err := hipchat.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		// Every request finds the rate windows over: the suite sends more than a room may.
		Fake: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			one.Lock()
			defer one.Unlock()
			s.Advance(5 * time.Minute)
			s.ServeHTTP(w, r)
		}),
		Count:   func() int { return len(s.Messages(hipchattest.RoomID)) },
		Secrets: []string{hipchattest.Token},
	}
}
