package services

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A limit is what a service takes.
type limit struct {
	name string
	lane string // of the fake; "" if it has no limit
	n    int
	per  time.Duration
	most time.Duration // for 200 alerts, at the notifier's own pace
}

// start makes a notifier that is paced, and its fake with its limit.
func (l limit) start(t *testing.T) (notifier, fake) {
	t.Helper()
	n, f := services[l.name](t, paced)
	if l.lane != "" {
		f.SetLimit(l.lane, l.n, l.per)
	}
	return n, f
}

const second, minute = time.Second, time.Minute

var limits = []limit{
	{"chatwork", "room", 10, 10 * second, 190 * second},
	{"slack", "messages", 1, second, 199 * second},
	{"teams", "runs", 1, second, 199 * second},
	{"line", "push", 100, second, second},
	{"hipchat", "messages", 20, minute, 9 * minute},
	{"typetalk", "", 1, second, 199 * second},
	{"pagerduty", "events", 120, minute, minute},
	{"opsgenie", "requests", 10, second, 19 * second},
	{"jsm", "requests", 10, second, 19 * second},
	{"twilio", "messages", 10, 30 * second, 570 * second},
	{"twilio call", "calls", 1, second, 199 * second},
	{"email", "mails", 30, minute, 6 * minute},
	{"eventbridge", "", 0, 0, 0},
	{"webhook", "", 0, 0, 0},
}

// alerts returns alerts about different things.
func alerts(n int) []mackerel.Alert {
	all := make([]mackerel.Alert, n)
	for i := range all {
		all[i] = mackerel.Alert{
			ID: fmt.Sprintf("alert%03d", i), Event: mackerel.EventAlert, Status: mackerel.StatusCritical,
			Monitor: mackerel.Monitor{Name: "disk"}, Host: &mackerel.Host{Name: fmt.Sprintf("host%03d", i)},
			Message: "full",
		}
	}
	return all
}

// A notification is what became of an alert.
type notification struct {
	err   error
	calls int
	at    time.Duration // when Notify returned
}

// storm notifies of all alerts at once. Callers obey Retry if they are told to.
func storm(ctx context.Context, n mackerel.Notifier, all []mackerel.Alert, retry bool) []notification {
	start, done := time.Now(), make([]notification, len(all))
	var wg sync.WaitGroup
	for i, a := range all {
		wg.Go(func() {
			for again := true; again; {
				done[i].calls++
				done[i].err = n.Notify(ctx, a)
				done[i].at = time.Since(start)
				var after time.Duration
				if after, again = mackerel.Retry(done[i].err); again {
					time.Sleep(cmp.Or(after, time.Second))
				}
				again = again && retry
			}
		})
		synctest.Wait() // so that the order of the calls is known
	}
	wg.Wait()
	return done
}

// TestStorm sends 200 alerts at once, by callers that do not repeat: all are delivered, none is refused, in the order
// in which they came, within the time that the limit allows.
func TestStorm(t *testing.T) {
	for _, s := range limits {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, f := s.start(t)
				all := alerts(200)
				done := storm(t.Context(), n, all, false)
				var last time.Duration
				for i, d := range done {
					if d.err != nil {
						t.Fatalf("alert %d after %v: %v", i, d.at, d.err)
					}
					last = max(last, d.at)
				}
				if most := s.most * 12 / 10; last > most {
					t.Errorf("the last alert was delivered after %v, want %v at most", last, most)
				}
				if got := len(f.Requests()); got > 220 || f.Accepted() != 200 {
					t.Errorf("%d requests for 200 alerts, of which %d were accepted", got, f.Accepted())
				}
				order := slices.Clone(done)
				slices.SortStableFunc(order, func(a, b notification) int { return cmp.Compare(a.at, b.at) })
				for i, d := range done {
					if late := d.at - order[i].at; late > 0 {
						t.Errorf("alert %d was delivered after %v, %v later than its place", i, d.at, late)
					}
				}
			})
		})
	}
}

// TestStormOfRefusals sends 200 alerts, by callers that obey Retry, while the service refuses now and then.
func TestStormOfRefusals(t *testing.T) {
	for _, s := range limits {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, f := s.start(t)
				refusals := 8
				if s.name == "email" {
					refusals = 1 // each stops the account for a minute
				}
				start := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					for ; ctx.Err() == nil && refusals > 0; refusals-- {
						f.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}})
						select {
						case <-time.After(20 * time.Second):
						case <-ctx.Done():
						}
					}
				}()
				calls := 0
				for i, d := range storm(t.Context(), n, alerts(200), true) {
					calls += d.calls
					if d.err != nil {
						t.Fatalf("alert %d: %v", i, d.err)
					}
				}
				took := time.Since(start)
				cancel()
				synctest.Wait()
				if most := (s.most + time.Minute) * 12 / 10; took > most {
					t.Errorf("took %v, want %v at most", took, most)
				}
				if got := len(f.Requests()); got > 220 || calls > 220 || f.Accepted() != 200 {
					t.Errorf("%d requests and %d calls for 200 alerts, of which %d were accepted", got, calls, f.Accepted())
				}
			})
		})
	}
}

// TestStormInOneRoom notifies of 200 alerts in one room, and then of an alert in another room of the same account.
func TestStormInOneRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := chatworktest.New()
		t.Cleanup(f.Close)
		f.Documented()
		room := chatworkNotifier(t, f, chatworktest.RoomID)
		other := chatworkNotifier(t, f, f.AddRoom(chatworktest.Room{
			Name: "other", Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleAdmin},
		}))
		start := time.Now()
		var quiet time.Duration
		told := make(chan struct{})
		go func() {
			defer close(told)
			time.Sleep(95 * time.Second)
			begun := time.Now()
			if err := other.Notify(t.Context(), alerts(1)[0]); err != nil {
				t.Error(err)
			}
			quiet = time.Since(begun)
		}()
		for i, d := range storm(t.Context(), room, alerts(200), false) {
			if d.err != nil {
				t.Fatalf("alert %d: %v", i, d.err)
			}
		}
		took := time.Since(start)
		<-told
		if took > 200*time.Second || quiet != 0 {
			t.Errorf("the storm took %v, and the alert in the other room %v", took, quiet)
		}
		if got := len(f.Requests()); got != 201 {
			t.Errorf("%d requests for 201 alerts", got)
		}
	})
}

func chatworkNotifier(t *testing.T, f *chatworktest.Server, room int64) mackerel.Notifier {
	t.Helper()
	c := f.MemoryConfig()
	c.RoomID, c.Call.Pace = room, mackerel.Pace{}
	n, err := chatwork.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestANotifierForEachAlert makes a notifier for each of 30 alerts. They share the limit of their room.
func TestANotifierForEachAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := chatworktest.New()
		t.Cleanup(f.Close)
		f.Documented()
		start := time.Now()
		var wg sync.WaitGroup
		for _, a := range alerts(30) {
			n := chatworkNotifier(t, f, chatworktest.RoomID)
			wg.Go(func() {
				if err := n.Notify(t.Context(), a); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took, got := time.Since(start), len(f.Requests()); took != 20*time.Second || got != 30 {
			t.Errorf("%d requests in %v", got, took)
		}
	})
}
