package route_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/route"
)

// Mackerel sends the webhook again after Persist has given up. The room has the alert.
func TestDedupAroundOtherRulesWorksPerNotifierOfAMulti(t *testing.T) {
	for name, wrap := range map[string]func(*testing.T, mackerel.Notifier) *route.Notifier{
		"Persist": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Persist(n, 5*time.Second))
		},
		"Match": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Match(n, route.Rule{Monitors: []string{"1"}}))
		},
		"Level": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Level(n, mackerel.LevelCritical))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				room, mail := new(bell), &bell{fail: unavailable}
				n := must(t)(route.Dedup(wrap(t, mackerel.Multi(room, mail)), time.Minute))
				a := received(t, "1")
				if err := n.Notify(t.Context(), a); err == nil {
					t.Error("no error")
				}
				mail.fail = nil
				if err := n.Notify(t.Context(), a); err != nil {
					t.Error(err)
				}
				if len(room.told) != 1 || len(mail.told) != 1 {
					t.Errorf("room %q, mail %q", room.told, mail.told)
				}
			})
		})
	}
}

// The webhook comes again after a call whose answer was lost.
func TestDedupDoesNotRingAPhoneTwice(t *testing.T) {
	phone := &script{name: "phone", errs: []error{rang()}}
	n := must(t)(route.Dedup(phone, time.Minute))
	a := received(t, "1")
	for range 2 {
		if err := n.Notify(t.Context(), a); !errors.Is(err, mackerel.ErrAmbiguous) {
			t.Error(err)
		}
	}
	if len(phone.tries) != 1 {
		t.Errorf("the phone rang %d times", len(phone.tries))
	}
}

// A webhook that comes again is told again, unless what has failed may have been delivered and may not be repeated.
func TestWhatDedupTellsAgain(t *testing.T) {
	foreign, second := errors.New("an error of another library"), &script{name: "second"}
	part := &mackerel.DeliveryError{Notifier: second, Err: fail(mackerel.ErrUnavailable)}
	for _, tt := range []struct {
		name  string
		err   error // of the first try
		tries int
	}{
		{"a failure for now", fail(mackerel.ErrUnavailable), 2},
		{"a failure for good", fail(mackerel.ErrInvalid), 2},
		{"an error of another library", foreign, 2},
		{"a lost answer that may be repeated", fail(mackerel.ErrAmbiguous), 2},
		{"a phone that may have rung", rang(), 1},
		{"a phone that may have rung, in an error of a notifier around it", fmt.Errorf("floor 2: %w", rang()), 1},
		{"a phone that may have rung, and another failure", errors.Join(fail(mackerel.ErrUnavailable), rang()), 1},
		{"two failures", errors.Join(fail(mackerel.ErrUnavailable), fail(mackerel.ErrInvalid)), 2},
		{"a sentinel", fmt.Errorf("no answer: %w", mackerel.ErrAmbiguous), 1},
		{"another sentinel", fmt.Errorf("no answer: %w", mackerel.ErrUnavailable), 2},
		{"a recipient that failed", part, 1},
		{"a recipient that failed, and something else", errors.Join(part, foreign), 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := &script{name: "first", errs: []error{tt.err}}
			n := must(t)(route.Dedup(first, time.Minute))
			for range 2 {
				_ = n.Notify(t.Context(), received(t, "1"))
			}
			if len(first.tries) != tt.tries {
				t.Errorf("%d tries, want %d", len(first.tries), tt.tries)
			}
		})
	}
}

func TestTheReceiptOfAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &script{name: "first", errs: []error{invalid, invalid}, takes: time.Second}
		second := &script{name: "second", errs: []error{nil, unavailable}, takes: 2 * time.Second}
		n := must(t)(route.Fallback(route.FallbackOptions{}, first, second))
		want := mackerel.Receipt{Provider: "second", Attempts: 6, Waited: 8 * time.Second, Duration: 3 * time.Second}
		if got, err := n.Deliver(t.Context(), alert); !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
		want.Provider = ""
		got, err := n.Deliver(t.Context(), alert)
		if !reflect.DeepEqual(got, want) || !errors.Is(err, mackerel.ErrUnavailable) {
			t.Errorf("%+v, %v", got, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		part := &partial{receipt: mackerel.Receipt{Attempts: 3}, err: unavailable}
		if got, err := must(t)(route.Fallback(route.FallbackOptions{}, part, second)).Deliver(ended, alert); got.Attempts != 3 || err == nil {
			t.Errorf("after the end of the context: %+v, %v", got, err)
		}
		both := mackerel.Multi(&script{name: "a"}, &script{name: "b"})
		if got, err := must(t)(route.Fallback(route.FallbackOptions{}, both, second)).Deliver(t.Context(), alert); got.Attempts != 6 || err != nil {
			t.Errorf("of a Multi: %+v, %v", got, err)
		}
		both = mackerel.Multi(&script{name: "a"}, &script{name: "b", errs: []error{invalid}})
		if got, err := must(t)(route.Fallback(route.FallbackOptions{}, both, second)).Deliver(t.Context(), alert); got.Attempts != 6 || len(mackerel.Failures(err)) != 1 {
			t.Errorf("of a Multi that has delivered in part: %+v, %v", got, err)
		}
		if n.String() != "first, else second" {
			t.Errorf("the name is %q", n)
		}
	})
}

// A repeat that falls into the quiet hours.
func TestPersistDoesNotRepeatWithinTheQuietHoursOfAMulti(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		from, to := now.Add(time.Minute), now.Add(8*time.Hour)
		hours := route.Hours{From: from.Format("15:04"), To: to.Format("15:04"), Location: time.UTC}
		room := &script{name: "room", errs: []error{fail(mackerel.ErrRateLimited, 2*time.Minute)}}
		other := &script{name: "other"}
		quiet := must(t)(route.Quiet(mackerel.Multi(room, other), hours))
		if err := must(t)(route.Persist(quiet, 10*time.Hour)).Notify(t.Context(), alert); err != nil {
			t.Error(err)
		}
		room.wantTries(t, 0, 8*3600)
	})
}

// A digest fails at a notifier of a Multi, and Persist is around it.
func TestPersistAroundADigestOfAMultiKeepsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := &script{name: "room"}
		errs := make([]error, 6)
		errs[5] = fail(mackerel.ErrUnavailable)
		other := &script{name: "other", errs: errs}
		d := must(t)(route.Digest(mackerel.Multi(room, other), 5, time.Minute))
		n := must(t)(route.Persist(d, time.Hour))
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				if err := n.Notify(t.Context(), incident(strconv.Itoa(i), "critical")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(other.tries) > 20 || len(room.tries) > 20 {
			t.Errorf("%d messages to other, %d to room", len(other.tries), len(room.tries))
		}
	})
}

// One notifier of a Multi skips the alert, the other fails: it was delivered to nobody.
func TestFallbackGoesOnIfTheRestOfAMultiSkipped(t *testing.T) {
	skips := must(t)(route.Match(new(bell), route.Rule{Monitors: []string{"other"}}))
	second := new(bell)
	n := must(t)(route.Fallback(route.FallbackOptions{}, mackerel.Multi(skips, &bell{fail: unavailable}), second))
	if err := n.Notify(t.Context(), incident("1", "critical")); err != nil || len(second.told) != 1 {
		t.Errorf("%v, the second told %q", err, second.told)
	}
}

func TestTheWaitOfAFallbackIsTheShortest(t *testing.T) {
	for name, both := range map[string][2]error{
		"first": {fail(mackerel.ErrUnavailable), fail(mackerel.ErrRateLimited, 10*time.Minute)},
		"last":  {fail(mackerel.ErrRateLimited, 10*time.Minute), fail(mackerel.ErrUnavailable)},
		"both":  {fail(mackerel.ErrRateLimited, 10*time.Minute), fail(mackerel.ErrRateLimited, 5*time.Minute)},
	} {
		n := must(t)(route.Fallback(route.FallbackOptions{}, &bell{fail: both[0]}, &bell{fail: both[1]}))
		err := n.Notify(t.Context(), alert)
		want := map[string]time.Duration{"both": 5 * time.Minute}[name]
		if after, again := mackerel.Retry(err); !again || after != want {
			t.Errorf("%s: %v, %t", name, after, again)
		}
	}
}

func TestTheErrorOfAFallbackIsOneLine(t *testing.T) {
	both := mackerel.Multi(&bell{fail: invalid}, &bell{fail: invalid})
	err := must(t)(route.Fallback(route.FallbackOptions{}, both, &bell{fail: unavailable})).Notify(t.Context(), alert)
	var e *mackerel.Error
	if !errors.As(err, &e) || strings.Contains(e.Error(), "\n") || strings.Count(e.Error(), "room") != 3 {
		t.Errorf("%q", e)
	}
}

func TestThePreviewOfAFallbackIsThatOfTheFirst(t *testing.T) {
	p, err := must(t)(route.Fallback(route.FallbackOptions{}, &previewed{}, new(bell))).Preview(alert)
	if err != nil || p.Skipped != "preview of 5A" {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = must(t)(route.Fallback(route.FallbackOptions{}, new(bell), &previewed{})).Preview(alert)
	if p != nil || !errors.Is(err, mackerel.ErrUnsupported) {
		t.Errorf("%+v, %v", p, err)
	}
}

// The cause of a context may contain a URL.
func TestTheCauseOfAContextIsNotPrinted(t *testing.T) {
	cause := errors.New("https://hooks.example.com/secret is shut")
	synctest.Test(t, func(t *testing.T) {
		hangs := &bell{takes: time.Minute}
		dedup, digest := must(t)(route.Dedup(hangs, time.Minute)), must(t)(route.Digest(new(bell), 1, time.Hour))
		a := received(t, "1")
		_ = digest.Notify(t.Context(), a)
		go func() { _ = dedup.Notify(t.Context(), a) }()
		synctest.Wait()
		for name, n := range map[string]*route.Notifier{
			"dedup": dedup, "digest": digest,
			"fallback": must(t)(route.Fallback(route.FallbackOptions{}, &bell{fail: unavailable}, new(bell))),
		} {
			ctx, cancel := context.WithCancelCause(t.Context())
			if name == "fallback" {
				cancel(cause)
			} else {
				time.AfterFunc(time.Second, func() { cancel(cause) })
			}
			err := n.Notify(ctx, a)
			cancel(nil)
			if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", name, err)
			}
		}
		time.Sleep(time.Minute) // the first delivery ends
	})
}

func TestAPreviewSaysWhatIsSkipped(t *testing.T) {
	n := must(t)(route.Match(&previewed{}, route.Rule{Monitors: []string{"other"}}))
	p, err := n.Preview(incident("1", "critical"))
	if err != nil || p.Skipped != "another monitor" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestMatchCopiesItsRule(t *testing.T) {
	monitors, services, roles, hosts := []string{"disk"}, []string{"Shop"}, []string{"Shop:app"}, []string{"4H"}
	events, statuses := []mackerel.Event{mackerel.EventAlert}, []mackerel.Status{"critical"}
	labels := map[string]string{"a": "b"}
	b := new(bell)
	n := must(t)(route.Match(b, route.Rule{
		Events: events, Statuses: statuses, Monitors: monitors, Services: services, Roles: roles, Hosts: hosts, Labels: labels,
	}))
	for _, list := range [][]string{monitors, services, roles, hosts} {
		list[0] = "other"
	}
	events[0], statuses[0], labels["c"] = "other", "ok", "d"
	a := incident("1", "critical")
	a.Host = &mackerel.Host{ID: "4H", Roles: []mackerel.Role{{FullName: "Shop: app"}}}
	a.Metric = &mackerel.Metric{Labels: map[string]string{"a": "b"}}
	if _, err := n.Deliver(t.Context(), a); err != nil || len(b.told) != 1 {
		t.Errorf("%v, told %q", err, b.told)
	}
}

func TestMatchRefusesAStatusThatIsASlip(t *testing.T) {
	_, err := route.Match(new(bell), route.Rule{Statuses: []mackerel.Status{"critcal"}})
	if !errors.Is(err, mackerel.ErrConfig) {
		t.Error(err)
	}
}

func TestARoleWithoutFullName(t *testing.T) {
	a := incident("1", "critical")
	a.Host = &mackerel.Host{Roles: []mackerel.Role{{Service: "Shop", Name: "app"}}}
	if !(route.Rule{Roles: []string{"Shop: app"}}).Matches(a) {
		t.Error("not matched")
	}
}

func TestARoleWithoutItsParts(t *testing.T) {
	a := incident("1", "critical")
	a.Host = &mackerel.Host{Roles: []mackerel.Role{{FullName: "Shop: app", Name: "app"}, {FullName: "Blog: db", Service: "Blog"}}}
	for _, role := range []string{"Shop: app", "Blog: db"} {
		if !(route.Rule{Roles: []string{role}}).Matches(a) {
			t.Errorf("%s is not matched", role)
		}
	}
}

// The clock of Berlin skips 02:00 to 03:00 on March 29, 2026, and shows 02:00 to 03:00 twice on October 25.
func TestQuietWhenTheClockJumps(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	utc := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, time.UTC)
	}
	for _, c := range []struct {
		name     string
		from, to string
		loc      *time.Location
		now, end time.Time // no end: not quiet
	}{
		{"both are skipped: no quiet hours", "02:10", "02:50", berlin, utc(3, 29, 1, 30), time.Time{}},
		{"both are skipped, until the jump's end", "02:30", "03:00", berlin, utc(3, 29, 12, 0), time.Time{}},
		{"a whole hour is skipped", "02:00", "03:00", berlin, utc(3, 29, 12, 0), time.Time{}},
		{"the end is skipped", "22:00", "02:30", berlin, utc(3, 28, 23, 0), utc(3, 29, 1, 0)},
		{"the end is skipped, New York", "22:00", "02:30", newYork, utc(3, 8, 5, 0), utc(3, 8, 7, 0)},
		{"the begin is skipped", "02:30", "06:00", berlin, utc(3, 29, 1, 10), utc(3, 29, 4, 0)},
		{"the begin is skipped, New York", "02:30", "06:00", newYork, utc(3, 8, 7, 10), utc(3, 8, 10, 0)},
		{"the begin is shown twice", "02:30", "06:00", berlin, utc(10, 25, 0, 45), utc(10, 25, 5, 0)},
		{"the begin is shown twice, New York", "01:30", "06:00", newYork, utc(11, 1, 5, 45), utc(11, 1, 11, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(c.now))
				n := must(t)(route.Quiet(new(bell), route.Hours{From: c.from, To: c.to, Location: c.loc}))
				after, quiet := mackerel.Retry(n.Notify(t.Context(), incident("1", "warning")))
				if quiet != !c.end.IsZero() || quiet && !c.now.Add(after).Equal(c.end) {
					t.Errorf("quiet %t until %v, want %v", quiet, c.now.Add(after), c.end)
				}
			})
		})
	}
}

// All contexts have ended, and the message hangs.
func TestADigestEndsWithTheContextsOfItsAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		n := must(t)(route.Digest(mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
			if calls++; calls == 1 {
				return nil
			}
			select {
			case <-ctx.Done():
				return &mackerel.Error{Kind: mackerel.ErrAmbiguous, Err: ctx.Err()}
			case <-time.After(time.Hour):
				return nil
			}
		}), 1, time.Minute))
		_ = n.Notify(t.Context(), incident("0", "critical"))
		start := time.Now()
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				_ = n.Notify(ctx, incident(strconv.Itoa(i+1), "critical"))
			})
		}
		all.Wait()
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("the calls took %v", took)
		}
	})
}

func TestNilNotifiersOfRouteDoNotPanic(t *testing.T) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("panic: %v", p)
		}
	}()
	var n *route.Notifier
	_, _ = n.Deliver(t.Context(), alert)
}

// A mail for two recipients, of whom the second is refused for now.
func TestARepeatOfAPartGoesOnlyToTheRest(t *testing.T) {
	second := new(bell)
	part := &mackerel.DeliveryError{Notifier: second, Err: unavailable}
	mail := &partial{receipt: mackerel.Receipt{ID: "mail-1"}, err: part}
	calls := 0
	n := must(t)(route.Dedup(mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
		calls++
		return mail.Notify(ctx, a)
	}), time.Minute))
	a := received(t, "1")
	if err := n.Notify(t.Context(), a); err == nil {
		t.Error("no error")
	}
	for range 2 {
		if err := n.Notify(t.Context(), a); err != nil {
			t.Error(err)
		}
	}
	if calls != 1 || len(second.told) != 1 {
		t.Errorf("%d mails, and the second recipient has %q", calls, second.told)
	}
}

// A preview of a warning does not make its recovery be skipped.
func TestAPreviewIsNotRemembered(t *testing.T) {
	n := must(t)(route.Level(&previewed{}, mackerel.LevelCritical))
	if p, err := n.Preview(incident("1", "warning")); err != nil || p.Skipped != "a warning, and the level is critical only" {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := n.Preview(incident("1", "ok")); err != nil || p.Skipped != "preview of 1" {
		t.Errorf("%+v, %v", p, err)
	}
}

// A rule around a Multi says why all its notifiers skip an alert.
func TestTheReceiptOfAMultiThatSkips(t *testing.T) {
	a := must(t)(route.Match(new(bell), route.Rule{Monitors: []string{"x"}}))
	b := must(t)(route.Match(new(bell), route.Rule{Hosts: []string{"x"}}))
	n := must(t)(route.Dedup(must(t)(route.Persist(mackerel.Multi(a, b), time.Minute)), time.Minute))
	r, err := n.Deliver(t.Context(), received(t, "1"))
	if err != nil || r.Skipped != "another monitor; another host" {
		t.Errorf("%+v, %v", r, err)
	}
	p := must(t)(route.Persist(mackerel.Multi(a, b), time.Minute))
	if r, err := p.Deliver(t.Context(), received(t, "1")); err != nil || r.Skipped != "another monitor; another host" {
		t.Errorf("%+v, %v", r, err)
	}
}

// Two hundred alerts at once through each rule.
func TestTwoHundredAtOnceThroughEachRule(t *testing.T) {
	for name, wrap := range map[string]func(*testing.T, mackerel.Notifier) *route.Notifier{
		"match": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Match(n, route.Rule{Statuses: []mackerel.Status{"critical"}}))
		},
		"level": func(t *testing.T, n mackerel.Notifier) *route.Notifier { return must(t)(route.Level(n, "critical")) },
		"dedup": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Dedup(n, time.Minute))
		},
		"digest": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Digest(n, 5, time.Minute))
		},
		"persist": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Persist(n, time.Hour))
		},
		"fallback": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Fallback(route.FallbackOptions{}, &bell{fail: invalid}, n))
		},
		"quiet": func(t *testing.T, n mackerel.Notifier) *route.Notifier {
			return must(t)(route.Quiet(n, route.Hours{From: "22:00", To: "23:00", Location: time.UTC}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				seen := map[string]int{}
				note := mackerel.NotifierFunc(func(_ context.Context, a mackerel.Alert) error {
					mu.Lock()
					defer mu.Unlock()
					for _, one := range append(a.Alerts[:len(a.Alerts):len(a.Alerts)], a) {
						if one.ID != "" {
							seen[one.ID]++
						}
					}
					return nil
				})
				n := wrap(t, mackerel.Multi(note, note))
				var all sync.WaitGroup
				for i := range 200 {
					all.Go(func() {
						if err := n.Notify(t.Context(), received(t, strconv.Itoa(i))); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				for id, count := range seen {
					if count != 2 {
						t.Errorf("%s was told %d times", id, count)
					}
				}
				if len(seen) != 200 {
					t.Errorf("%d alerts were told", len(seen))
				}
			})
		})
	}
}

// The context of an alert ends while its message is being sent. The message is sent for the others, and the call waits.
func TestADigestIsSentAsLongAsOneContextLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &script{name: "room", takes: 30 * time.Second}
		n := must(t)(route.Digest(slow, 1, time.Minute))
		_ = n.Notify(t.Context(), incident("0", "critical"))
		var all sync.WaitGroup
		for i, limit := range []time.Duration{35 * time.Second, 40 * time.Second, time.Hour} { // sent 30 s from now
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				if err := n.Notify(ctx, incident(strconv.Itoa(i+1), "critical")); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		slow.wantTries(t, 0, 60)
	})
}

func TestAPreviewThroughOtherRulesSaysWhatIsSkipped(t *testing.T) {
	match := must(t)(route.Match(&previewed{}, route.Rule{Monitors: []string{"other"}}))
	p, err := must(t)(route.Dedup(match, time.Minute)).Preview(incident("1", "critical"))
	if err != nil || p.Skipped != "another monitor" {
		t.Errorf("%+v, %v", p, err)
	}
}
