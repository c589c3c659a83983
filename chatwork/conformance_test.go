package chatwork_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := chatworktest.NewServer()
		t.Cleanup(fake.Close)
		var turn sync.Mutex
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				n, err := chatwork.New(chatwork.Config{
					Token: mackerel.NewSecret(chatworktest.Token), RoomID: chatworktest.RoomID, BaseURL: e.BaseURL + "/v2", Call: e.Call(),
				})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			// Every request finds the rate windows over: the suite sends more than a room may.
			Fake: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				turn.Lock()
				defer turn.Unlock()
				fake.Advance(5 * time.Minute)
				fake.ServeHTTP(w, r)
			}),
			Count:   func() int { return len(fake.Messages(chatworktest.RoomID)) },
			Secrets: []string{chatworktest.Token},
		}
	})
}
