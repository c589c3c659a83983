package line_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestConformance(t *testing.T) {
	second := "U" + linetest.UserID[2:] + "0"
	for name, c := range map[string]line.Config{
		"push of a bubble":  {To: []string{linetest.GroupID}},
		"multicast of text": {To: []string{linetest.UserID, second}, Format: line.FormatText},
	} {
		t.Run(name, func(t *testing.T) {
			notifytest.Run(t, func(t testing.TB) notifytest.Harness { return harness(t, c, second) })
		})
	}
}

func harness(t testing.TB, c line.Config, second string) notifytest.Harness {
	fake := linetest.NewServer()
	t.Cleanup(fake.Close)
	fake.AddDestination(second, 1)
	fake.SetQuota(-1, 0)
	return notifytest.Harness{
		New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			c.Token, c.BaseURL, c.Call = mackerel.NewSecret(linetest.Token), e.BaseURL, e.Call()
			n, err := line.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		// Every request finds the second over: the suite sends more than LINE takes in one.
		Fake: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fake.Advance(time.Second)
			fake.ServeHTTP(w, r)
		}),
		Count:    func() int { return len(fake.Deliveries()) },
		Secrets:  []string{linetest.Token},
		Dedups:   true,
		Statuses: map[int]error{http.StatusConflict: nil},
	}
}
