package route_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/route"
)

// A bell notes the titles of what it is told.
type bell struct {
	mu    sync.Mutex
	told  []string
	fail  error
	takes time.Duration
}

func (b *bell) Notify(_ context.Context, a mackerel.Alert) error {
	time.Sleep(b.takes)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.told = append(b.told, a.Title())
	return nil
}

func must(t *testing.T) func(n *route.Notifier, err error) *route.Notifier {
	return func(n *route.Notifier, err error) *route.Notifier {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func incident(id string, status mackerel.Status) mackerel.Alert {
	return mackerel.Alert{ID: id, Status: status, Monitor: mackerel.Monitor{ID: "2M", Name: "disk"}}
}

var (
	unavailable  = &mackerel.Error{Provider: "room", Kind: mackerel.ErrUnavailable, RetryAfter: time.Second}
	invalid      = &mackerel.Error{Provider: "room", Kind: mackerel.ErrInvalid}
	unauthorized = &mackerel.Error{Provider: "room", Kind: mackerel.ErrUnauthorized}
	errForeign   = errors.New("an error of another library")
	ambiguous    = &mackerel.Error{Provider: "room", Kind: mackerel.ErrAmbiguous, Delivery: mackerel.AtMostOnce}
)

func TestMatch(t *testing.T) {
	a := incident("5A", "CRITICAL")
	a.Host = &mackerel.Host{ID: "4H", Name: "app01", Roles: []mackerel.Role{{FullName: "Shop: app"}}}
	a.Metric = &mackerel.Metric{Labels: map[string]string{"route": "/orders", "app": "x"}}
	a.Service = &mackerel.Service{Name: "Blog"}
	type list = []string
	for _, tt := range []struct {
		rule route.Rule
		why  string
	}{
		{route.Rule{Events: []mackerel.Event{"alert"}, Statuses: []mackerel.Status{"warning", "critical"}}, ""},
		{route.Rule{Events: []mackerel.Event{"hostStatus"}}, "another event"},
		{route.Rule{Statuses: []mackerel.Status{"OK"}}, "another status"},
		{route.Rule{Monitors: list{"none", "disk"}}, ""},
		{route.Rule{Monitors: list{"2M"}}, ""},
		{route.Rule{Monitors: list{"Disk"}}, "another monitor"},
		{route.Rule{Services: list{"Shop"}}, ""},
		{route.Rule{Services: list{"Blog"}}, ""},
		{route.Rule{Services: list{"app"}}, "another service"},
		{route.Rule{Roles: list{"Shop: app"}}, ""},
		{route.Rule{Roles: list{"Shop:app"}}, ""},
		{route.Rule{Roles: list{"app"}}, "another role"},
		{route.Rule{Hosts: list{"4H"}}, ""},
		{route.Rule{Hosts: list{""}}, "another host"},
		{route.Rule{Labels: map[string]string{"app": "x"}}, ""},
		{route.Rule{Labels: map[string]string{"app": "x", "zone": ""}}, "other labels"},
		{route.Rule{Labels: map[string]string{"app": "y"}}, "other labels"},
		{route.Rule{Hosts: list{"app01"}, Monitors: list{"cpu"}}, "another monitor"},
		{route.Rule{Func: func(a mackerel.Alert) bool { return a.ID == "5A" }}, ""},
		{route.Rule{Func: func(mackerel.Alert) bool { return false }}, "Func returned false"},
	} {
		b := new(bell)
		n := must(t)(route.Match(b, tt.rule))
		r, err := n.Deliver(t.Context(), a)
		if err != nil || r.Skipped != tt.why || (len(b.told) == 1) != (tt.why == "") || tt.rule.Matches(a) != (tt.why == "") {
			t.Errorf("%+v: %q, %v, told %q", tt.rule, r.Skipped, err, b.told)
		}
	}
	if (route.Rule{Labels: map[string]string{"a": "b"}}).Matches(mackerel.Alert{}) {
		t.Error("an alert without a metric has a label")
	}
}

func TestMatchTakesADigestApart(t *testing.T) {
	b := new(bell)
	n := must(t)(route.Match(b, route.Rule{Statuses: []mackerel.Status{"critical"}}))
	d := mackerel.Digest([]mackerel.Alert{incident("1", "critical"), incident("2", "warning"), incident("3", "critical")})
	if err := n.Notify(t.Context(), d); err != nil || len(b.told) != 1 || b.told[0] != "[CRITICAL] 2 alerts: 2 CRITICAL" {
		t.Errorf("%v, %q", err, b.told)
	}
	whole := mackerel.Digest([]mackerel.Alert{incident("1", "critical"), incident("2", "critical")})
	if err := n.Notify(t.Context(), whole); err != nil || len(b.told) != 2 || b.told[1] != "[CRITICAL] 2 alerts: 2 CRITICAL" {
		t.Errorf("%v, %q", err, b.told)
	}
	r, err := n.Deliver(t.Context(), mackerel.Digest([]mackerel.Alert{incident("1", "ok"), incident("2", "ok")}))
	if err != nil || r.Skipped != "another status" {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestLevel(t *testing.T) {
	b := new(bell)
	n := must(t)(route.Level(b, mackerel.LevelCritical))
	changed := func(a mackerel.Alert, at int64) mackerel.Alert {
		a.OpenedAt, a.ChangedAt = time.Unix(2, 0), time.Unix(at, 0)
		return a
	}
	for _, step := range []struct {
		alert mackerel.Alert
		told  bool
	}{
		{incident("a", "warning"), false}, {incident("a", "ok"), false}, // never more than a warning
		{incident("b", "warning"), false}, {incident("b", "critical"), true}, {incident("b", "warning"), false}, {incident("b", "ok"), true},
		{incident("c", "unknown"), true}, {incident("c", "ok"), true},
		{incident("d", "ok"), true},                                                // not known: after a restart
		{changed(incident("e", "warning"), 3), false}, {incident("e", "ok"), true}, // it may have been critical before
		{changed(incident("g", "warning"), 1), false}, {incident("g", "ok"), false}, // by a clock that is a second late
		{mackerel.Alert{Event: mackerel.EventHostRetire}, true},
		{incident("f", "paused"), true},
	} {
		b.told = nil
		if err := n.Notify(t.Context(), step.alert); err != nil || (len(b.told) == 1) != step.told {
			t.Errorf("%s %s: %v, told %q", step.alert.ID, step.alert.Status, err, b.told)
		}
	}
	if err := must(t)(route.Level(b, mackerel.LevelAll)).Notify(t.Context(), incident("a", "warning")); err != nil || len(b.told) != 2 {
		t.Errorf("%v, told %q", err, b.told)
	}
}

func received(t *testing.T, id string) mackerel.Alert {
	t.Helper()
	a, err := mackerel.ParseWebhook([]byte(`{"event":"alert","alert":{"id":"` + id + `","status":"critical","monitorName":"` + id + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDedup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bell{takes: time.Second}
		n := must(t)(route.Dedup(b, time.Minute))
		a, byHand := received(t, "1"), incident("1", "critical")
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { _ = n.Notify(t.Context(), a) })
		}
		all.Wait()
		if len(b.told) != 1 {
			t.Errorf("%d of 200 at once were told", len(b.told))
		}
		for _, step := range []struct {
			after time.Duration
			alert mackerel.Alert
			told  int
		}{{time.Minute - 1, a, 0}, {1, a, 1}, {0, received(t, "2"), 1}, {0, byHand, 1}, {0, byHand, 1}} {
			time.Sleep(step.after)
			b.told = nil
			if err := n.Notify(t.Context(), step.alert); err != nil || len(b.told) != step.told {
				t.Errorf("%v, told %q", err, b.told)
			}
		}
		b.fail, b.told = unavailable, nil
		c := received(t, "3")
		err := n.Notify(t.Context(), c)
		b.fail = nil
		if !errors.Is(err, mackerel.ErrUnavailable) || n.Notify(t.Context(), c) != nil || len(b.told) != 1 {
			t.Errorf("%v, and its repeat told %q", err, b.told)
		}
		r, err := n.Deliver(t.Context(), c)
		if err != nil || r.Skipped != "a repeat of what was delivered within 1m" {
			t.Errorf("%v, %+v", err, r)
		}
	})
}

// Of a Multi only what failed is told again.
func TestDedupOfAMulti(t *testing.T) {
	good, bad := new(bell), &bell{fail: unavailable}
	n := must(t)(route.Dedup(mackerel.Multi(good, mackerel.Multi(bad)), time.Minute))
	a := received(t, "1")
	if err := n.Notify(t.Context(), a); len(mackerel.Failures(err)) != 1 {
		t.Error(err)
	}
	bad.fail = nil
	if err := n.Notify(t.Context(), a); err != nil || len(good.told) != 1 || len(bad.told) != 1 {
		t.Errorf("%v: %q and %q", err, good.told, bad.told)
	}
}

func TestDigestOfAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bell{takes: 100 * time.Millisecond}
		n := must(t)(route.Digest(b, 3, time.Minute))
		start := time.Now()
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				if err := n.Notify(t.Context(), incident(strconv.Itoa(i), "critical")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); len(b.told) != 4 || took > 61*time.Second {
			t.Errorf("%d messages in %v: %q", len(b.told), took, b.told)
		}
		if last := b.told[len(b.told)-1]; last != "[CRITICAL] 197 alerts: 197 CRITICAL" {
			t.Errorf("the last is %q", last)
		}
	})
}

// A storm that goes on is some messages in each minute, and every alert is in one of them.
func TestDigestOfALongStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen, messages := map[string]int{}, 0
		n := must(t)(route.Digest(mackerel.NotifierFunc(func(_ context.Context, a mackerel.Alert) error {
			mu.Lock()
			defer mu.Unlock()
			messages++
			for _, one := range append(slices.Clone(a.Alerts), a) {
				if one.ID != "" {
					seen[one.ID]++
				}
			}
			return nil
		}), 2, time.Minute))
		var all sync.WaitGroup
		for i := range 600 {
			all.Go(func() { _ = n.Notify(t.Context(), incident(strconv.Itoa(i), "critical")) })
			time.Sleep(time.Second)
		}
		all.Wait()
		if messages > 22 || len(seen) != 600 {
			t.Errorf("%d messages, %d alerts", messages, len(seen))
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was told %d times", id, n)
			}
		}
	})
}

func TestAWaiterWhoseContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bell)
		n := must(t)(route.Digest(b, 1, time.Minute))
		if err := n.Notify(t.Context(), incident("1", "critical")); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i, limit := range []time.Duration{10 * time.Second, 20 * time.Second, time.Hour, 30 * time.Second, time.Hour} {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				err := n.Notify(ctx, incident(strconv.Itoa(i+2), "critical"))
				if gone := limit < time.Minute; errors.Is(err, context.DeadlineExceeded) != gone || errors.Is(err, mackerel.ErrUnavailable) != gone {
					t.Errorf("%d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if want := "[CRITICAL] 2 alerts: 2 CRITICAL"; len(b.told) != 2 || b.told[1] != want {
			t.Errorf("%q, want %q", b.told, want)
		}
	})
}

func TestAFailedDigestFailsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bell)
		n := must(t)(route.Digest(b, 1, time.Minute))
		if err := n.Notify(t.Context(), incident("1", "ok")); err != nil {
			t.Fatal(err)
		}
		b.fail = unavailable
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := n.Notify(t.Context(), incident("2", "ok")); err != error(unavailable) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

func TestQuiet(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := route.Hours{From: "22:00", To: "07:00", Location: berlin, Critical: true}
	twice := route.Hours{From: "02:30", To: "02:45", Location: berlin}
	after := route.Hours{From: "02:50", To: "03:30", Location: berlin}
	tokyo := time.FixedZone("Tokyo", 9*60*60)
	early := route.Hours{From: "00:00", To: "02:00", Location: tokyo, Days: []time.Weekday{time.Tuesday}}
	noon := route.Hours{From: "12:00", To: "13:00", Location: berlin, Days: []time.Weekday{time.Monday}}
	for _, tt := range []struct {
		name   string
		hours  route.Hours
		now    time.Time
		status mackerel.Status
		after  time.Duration // 0 if the alert is told
	}{
		{"before midnight", night, time.Date(2026, 1, 5, 23, 0, 0, 0, berlin), "warning", 8 * time.Hour},
		{"after midnight", night, time.Date(2026, 1, 5, 6, 59, 0, 0, berlin), "warning", time.Minute},
		{"in the morning", night, time.Date(2026, 1, 5, 7, 0, 0, 0, berlin), "warning", 0},
		{"in the evening", night, time.Date(2026, 1, 5, 21, 59, 59, 0, berlin), "ok", 0},
		{"a critical alert", night, time.Date(2026, 1, 5, 23, 0, 0, 0, berlin), "critical", 0},
		{"the night in which clocks go forward", night, time.Date(2026, 3, 28, 23, 0, 0, 0, berlin), "warning", 7 * time.Hour},
		{"the night in which clocks go back", night, time.Date(2026, 10, 24, 23, 0, 0, 0, berlin), "warning", 9 * time.Hour},
		{"a recovery", night, time.Date(2026, 1, 5, 23, 0, 0, 0, berlin), "ok", 8 * time.Hour},
		{"an alert that is unknown", night, time.Date(2026, 1, 5, 23, 0, 0, 0, berlin), "unknown", 0},
		{"an event without a status", night, time.Date(2026, 1, 5, 23, 0, 0, 0, berlin), "", 8 * time.Hour},
		{"a day that has begun in Tokyo only", early, time.Date(2026, 1, 6, 1, 0, 0, 0, tokyo), "critical", time.Hour},
		{"a time that the clock shows twice, at first", twice, time.Date(2026, 10, 25, 0, 35, 0, 0, time.UTC), "warning", 10 * time.Minute},
		{"a time that the clock shows twice, again", twice, time.Date(2026, 10, 25, 1, 35, 0, 0, time.UTC), "warning", 0},
		{"after a time that the clock shows twice", after, time.Date(2026, 10, 25, 1, 59, 0, 0, time.UTC), "warning", 31 * time.Minute},
		{"the night after the clocks went back", night, time.Date(2026, 10, 25, 23, 0, 0, 0, berlin), "warning", 8 * time.Hour},
		{"noon of a Monday", noon, time.Date(2026, 1, 5, 12, 30, 0, 0, berlin), "critical", 30 * time.Minute},
		{"noon of a Tuesday", noon, time.Date(2026, 1, 6, 12, 30, 0, 0, berlin), "critical", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(tt.now))
			b := new(bell)
			a := incident("1", tt.status)
			if tt.status == "" {
				a.Event = mackerel.EventHostRetire
			}
			err := must(t)(route.Quiet(b, tt.hours)).Notify(t.Context(), a)
			after, again := mackerel.Retry(err)
			if (len(b.told) == 1) != (tt.after == 0) || after != tt.after || again != (tt.after > 0) {
				t.Errorf("%s: %v, told %q", tt.name, err, b.told)
			}
		})
	}
}

// Persist holds an alert until the hours end.
func TestQuietInLocalTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		hours := route.Hours{From: now.Format("15:04"), To: now.Add(time.Hour).Format("15:04")}
		err := must(t)(route.Quiet(new(bell), hours)).Notify(t.Context(), incident("1", "critical"))
		if after, again := mackerel.Retry(err); !again || after != time.Hour {
			t.Errorf("%v", err)
		}
	})
}

func TestPersistOfQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(bell)
		hours := route.Hours{From: time.Now().UTC().Format("15:04"), To: time.Now().UTC().Add(8 * time.Hour).Format("15:04"), Location: time.UTC}
		n := must(t)(route.Persist(must(t)(route.Quiet(b, hours)), 10*time.Hour))
		start := time.Now()
		if err := n.Notify(t.Context(), incident("1", "warning")); err != nil || len(b.told) != 1 || time.Since(start) < 7*time.Hour {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestFallback(t *testing.T) {
	for _, tt := range []struct {
		name          string
		first, second error
		options       route.FallbackOptions
		told          int // by the second
		kind          error
		again         bool
	}{
		{"the first delivers", nil, nil, route.FallbackOptions{}, 0, nil, false},
		{"the second delivers", invalid, nil, route.FallbackOptions{}, 1, nil, false},
		{"the first may have delivered", ambiguous, nil, route.FallbackOptions{}, 0, mackerel.ErrAmbiguous, false},
		{"the first may have delivered, and twice is better", ambiguous, nil, route.FallbackOptions{OnAmbiguous: true}, 1, nil, false},
		{"both fail for now", unavailable, unavailable, route.FallbackOptions{}, 0, mackerel.ErrUnavailable, true},
		{"one fails for now", invalid, unavailable, route.FallbackOptions{}, 0, mackerel.ErrUnavailable, true},
		{"the first fails for now", unavailable, invalid, route.FallbackOptions{}, 0, mackerel.ErrUnavailable, true},
		{"the first may have delivered and may be repeated", fail(mackerel.ErrAmbiguous), invalid,
			route.FallbackOptions{OnAmbiguous: true}, 0, mackerel.ErrAmbiguous, true},
		{"both fail with errors of another library", errForeign, errForeign, route.FallbackOptions{}, 0, mackerel.ErrInvalid, false},
		{"both are not authorized", unauthorized, unauthorized, route.FallbackOptions{}, 0, mackerel.ErrUnauthorized, false},
		{"both fail for good", invalid, invalid, route.FallbackOptions{}, 0, mackerel.ErrInvalid, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first, second := &bell{}, &bell{}
			if tt.first != nil {
				first.fail = tt.first
			}
			if tt.second != nil {
				second.fail = tt.second
			}
			err := must(t)(route.Fallback(tt.options, first, second)).Notify(t.Context(), incident("1", "ok"))
			_, again := mackerel.Retry(err)
			if !errors.Is(err, tt.kind) || again != tt.again || len(second.told) != tt.told || len(mackerel.Failures(err)) != 0 {
				t.Errorf("%v; the second told %q", err, second.told)
			}
		})
	}
	half := mackerel.Multi(new(bell), &bell{fail: invalid})
	second := new(bell)
	if err := must(t)(route.Fallback(route.FallbackOptions{}, half, second)).Notify(t.Context(), incident("1", "ok")); err == nil || len(second.told) != 0 {
		t.Errorf("a Multi that delivered in part: %v, %q", err, second.told)
	}
}

func TestServicesWithIncidentsAreRefused(t *testing.T) {
	pager, err := pagerduty.New(pagerduty.Config{RoutingKey: mackerel.NewSecret(strings.Repeat("a", 32))})
	if err != nil {
		t.Fatal(err)
	}
	inside := must(t)(route.Persist(mackerel.Multi(new(bell), must(t)(route.Fallback(route.FallbackOptions{}, new(bell), pager))), time.Minute))
	for _, n := range []mackerel.Notifier{pager, inside} {
		_, digestErr := route.Digest(n, 1, time.Minute)
		_, quietErr := route.Quiet(n, route.Hours{From: "22:00", To: "07:00"})
		for _, err := range []error{digestErr, quietErr} {
			if !errors.Is(err, mackerel.ErrConfig) || !strings.Contains(err.Error(), "keeps incidents") {
				t.Errorf("%v", err)
			}
		}
	}
}

func TestArguments(t *testing.T) {
	b := new(bell)
	results := map[string]func() (*route.Notifier, error){
		"rule: empty":                     func() (*route.Notifier, error) { return route.Match(b, route.Rule{}) },
		"n: the notifier is nil; rule":    func() (*route.Notifier, error) { return route.Match((*bell)(nil), route.Rule{}) },
		"level: must be":                  func() (*route.Notifier, error) { return route.Level(b, "") },
		"window: must be":                 func() (*route.Notifier, error) { return route.Dedup(b, 0) },
		"messages: must be at":            func() (*route.Notifier, error) { return route.Digest(b, 0, time.Second) },
		"per: must be":                    func() (*route.Notifier, error) { return route.Digest(b, 1, 0) },
		"From: must be a time":            func() (*route.Notifier, error) { return route.Quiet(b, route.Hours{To: "07:00"}) },
		"To: must not be From":            func() (*route.Notifier, error) { return route.Quiet(b, route.Hours{From: "00:00", To: "00:00"}) },
		"then: required":                  func() (*route.Notifier, error) { return route.Fallback(route.FallbackOptions{}, b) },
		"n: one of the notifiers is nil;": func() (*route.Notifier, error) { return route.Fallback(route.FallbackOptions{}, nil) },
		"n: one of the notifiers is nil":  func() (*route.Notifier, error) { return route.Fallback(route.FallbackOptions{}, b, nil) },
		"n: the notifier is nil; window:": func() (*route.Notifier, error) { return route.Dedup(nil, 0) },
	}
	for want, create := range results {
		_, err := create()
		var e *mackerel.Error
		if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrConfig) || !strings.HasPrefix(e.Message, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A notifier may say that it keeps no incidents. A nil notifier says nothing.
func TestKeyed(t *testing.T) {
	if _, err := route.Digest(&perhaps{}, 1, time.Minute); err != nil {
		t.Error(err)
	}
	for _, n := range []mackerel.Notifier{(*pagers)(nil), nil} {
		_, err := route.Digest(n, 1, time.Minute)
		if e, ok := errors.AsType[*mackerel.Error](err); !ok || e.Message != "n: the notifier is nil" {
			t.Error(err)
		}
	}
}

// A perhaps keeps incidents if it is told so.
type perhaps struct {
	bell
	keyed bool
}

func (p *perhaps) Keyed() bool { return p.keyed }

func TestAFallbackOfNothing(t *testing.T) {
	_, err := route.Fallback(route.FallbackOptions{}, nil, nil)
	if e, ok := errors.AsType[*mackerel.Error](err); !ok || e.Message != "n: one of the notifiers is nil" {
		t.Error(err)
	}
}

func TestTheProblemsOfHoursAreInTheirOrder(t *testing.T) {
	for range 20 {
		_, err := route.Quiet(new(bell), route.Hours{From: "25:00"})
		e, ok := errors.AsType[*mackerel.Error](err)
		if want := `From: must be a time such as "22:00"; To: must be a time such as "22:00"`; !ok || e.Message != want {
			t.Fatalf("%v", err)
		}
	}
}

// Rules compose in any order.
func TestAStackOfRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, mail := new(bell), &bell{fail: unavailable}
		n := must(t)(route.Persist(mackerel.Multi(room, mail), time.Minute))
		n = must(t)(route.Match(n, route.Rule{Monitors: []string{"1"}}))
		n = must(t)(route.Level(n, mackerel.LevelCritical))
		n = must(t)(route.Dedup(n, time.Minute))
		go func() {
			time.Sleep(3 * time.Second)
			mail.mu.Lock()
			defer mail.mu.Unlock()
			mail.fail = nil
		}()
		a := received(t, "1")
		for range 3 {
			if err := n.Notify(t.Context(), a); err != nil {
				t.Error(err)
			}
		}
		if len(room.told) != 1 || len(mail.told) != 1 {
			t.Errorf("%q and %q", room.told, mail.told)
		}
	})
}

// The message of several alerts has an id of its own: a service may know the id of one of them already.
func TestTheDeliveryIDOfADigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		room := mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
			ids = append(ids, mackerel.DeliveryID(ctx))
			return nil
		})
		n := must(t)(route.Digest(room, 1, time.Minute))
		send := func(names ...string) {
			var all sync.WaitGroup
			for i, name := range names {
				all.Go(func() {
					time.Sleep(time.Duration(i) * time.Millisecond)
					if err := n.Notify(mackerel.WithDeliveryID(t.Context(), name), incident(name, "critical")); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		send("a")
		send("b", "c")
		send("b", "c")
		send("d")
		send("e", "")
		send("f", "g")
		if ids[5] == ids[1] {
			t.Error("two digests have one id")
		}
		if ids[0] != "a" || ids[1] == "b" || ids[1] == "c" || ids[1] == "" || ids[2] != ids[1] || ids[3] != "d" || ids[4] != "" {
			t.Errorf("%q", ids)
		}
	})
}

// What has delivered in part is repeated in part, and the next notifier is not told.
func TestFallbackAfterAPart(t *testing.T) {
	mail := &partial{receipt: mackerel.Receipt{ID: "mail-1"}, err: &mackerel.DeliveryError{Notifier: &bell{}, Err: unavailable}}
	all := &partial{err: &mackerel.DeliveryError{Notifier: &bell{}, Err: unavailable}}
	for name, first := range map[string]mackerel.Notifier{"a Multi": mackerel.Multi(new(bell), &bell{fail: unavailable}), "recipients of a mail": mail} {
		second := new(bell)
		err := must(t)(route.Fallback(route.FallbackOptions{}, first, second)).Notify(t.Context(), incident("1", "ok"))
		if len(second.told) != 0 || len(mackerel.Failures(err)) != 1 {
			t.Errorf("%s: %v; the second told %q", name, err, second.told)
		}
	}
	half := &partial{receipt: mackerel.Receipt{ID: "mail-2"}, err: mail.err}
	second := new(bell)
	err := must(t)(route.Fallback(route.FallbackOptions{}, mackerel.Multi(half, &bell{fail: invalid}), second)).Notify(t.Context(), incident("1", "ok"))
	if err == nil || len(second.told) != 0 {
		t.Errorf("recipients of a mail in a Multi: %v; the second told %q", err, second.told)
	}
	odd := &partial{receipt: mackerel.Receipt{ID: "5"}, err: unavailable} // an id of what was refused
	if err := must(t)(route.Fallback(route.FallbackOptions{}, odd, second)).Notify(t.Context(), incident("1", "ok")); err != nil || len(second.told) != 1 {
		t.Errorf("an id and an error: %v; the second told %q", err, second.told)
	}
	second = new(bell)
	if err := must(t)(route.Fallback(route.FallbackOptions{}, all, second)).Notify(t.Context(), incident("1", "ok")); err != nil || len(second.told) != 1 {
		t.Errorf("no recipient has the mail: %v, %q", err, second.told)
	}
}

func TestFallbackAfterAPartOfTheChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
			if c.Name == "a" {
				return &bell{fail: unavailable}, nil
			}
			return new(bell), nil
		}}, "a b")
		second := new(bell)
		err := must(t)(route.Fallback(route.FallbackOptions{}, w.router, second)).Notify(t.Context(), incident("1", "critical"))
		if len(second.told) != 0 || len(mackerel.Failures(err)) != 1 {
			t.Errorf("%v; the second told %q", err, second.told)
		}
	})
}

// A partial is a notifier that returns a receipt together with an error.
type partial struct {
	receipt mackerel.Receipt
	err     error
}

func (p *partial) Notify(context.Context, mackerel.Alert) error { return p.err }

func (p *partial) Deliver(context.Context, mackerel.Alert) (mackerel.Receipt, error) {
	return p.receipt, p.err
}

// A phone that may have rung does not ring twice, also if another notifier may be tried again.
func TestFallbackNeverRingsTwice(t *testing.T) {
	for _, o := range []route.FallbackOptions{{}, {OnAmbiguous: true}} {
		for name, both := range map[string][2]error{"first": {ambiguous, unavailable}, "last": {unavailable, ambiguous}} {
			n := must(t)(route.Fallback(o, &bell{fail: both[0]}, &bell{fail: both[1]}))
			err := n.Notify(t.Context(), incident("1", "critical"))
			if _, again := mackerel.Retry(err); again || !errors.Is(err, mackerel.ErrAmbiguous) {
				t.Errorf("the phone is %s, %+v: %v may be repeated: %t", name, o, err, again)
			}
		}
	}
}

func TestFallbackEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	because := errors.New("the shift is over")
	second := new(bell)
	first := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
		cancel(because)
		return unavailable
	})
	err := must(t)(route.Fallback(route.FallbackOptions{}, first, second)).Notify(ctx, incident("1", "critical"))
	if !errors.Is(err, because) || len(second.told) != 0 {
		t.Errorf("%v; the second told %q", err, second.told)
	}
}

// Dedup remembers 5,000 bodies at least, and 10,000 at most.
func TestTheMemoryOfDedup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		n := must(t)(route.Dedup(mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
			told++
			return nil
		}), time.Hour))
		tell := func(i int) {
			if err := n.Notify(t.Context(), mackerel.Alert{Raw: []byte(strconv.Itoa(i))}); err != nil {
				t.Error(err)
			}
		}
		for i := range 5001 {
			tell(i)
		}
		if tell(2); told != 5001 {
			t.Errorf("%d were told", told)
		}
		for i := range 10_000 {
			tell(10_000 + i)
		}
		if tell(2); told != 15_002 {
			t.Errorf("%d were told", told)
		}
	})
}

// Level remembers 50,000 alerts at least, and 100,000 at most.
func TestTheMemoryOfLevel(t *testing.T) {
	told := 0
	n := must(t)(route.Level(mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
		told++
		return nil
	}), mackerel.LevelCritical))
	tell := func(i int, s mackerel.Status) {
		if err := n.Notify(t.Context(), mackerel.Alert{ID: strconv.Itoa(i), Status: s}); err != nil {
			t.Error(err)
		}
	}
	for i := range 50_001 {
		tell(i, "warning")
	}
	if tell(2, "ok"); told != 0 {
		t.Error("the recovery of what never was critical was told")
	}
	for i := range 100_000 {
		tell(100_000+i, "warning")
	}
	if tell(2, "ok"); told != 1 {
		t.Error("the recovery of what was forgotten was not told")
	}
}

// A message that is being sent is not ended by the context of one of its alerts, and the next waits for it.
func TestADigestThatIsBeingSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var lock sync.Mutex
		var at []time.Duration
		n := must(t)(route.Digest(mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
			lock.Lock()
			at = append(at, time.Since(begin))
			lock.Unlock()
			time.Sleep(90 * time.Second)
			return ctx.Err()
		}), 1, time.Minute))
		var all sync.WaitGroup
		for _, start := range []time.Duration{0, time.Second, 61 * time.Second} {
			all.Go(func() {
				time.Sleep(start)
				ctx := t.Context()
				if start == time.Second {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 100*time.Second)
					defer cancel()
				}
				// The message that begins after a minute has one alert, so it ends with the context of that alert.
				if err := n.Notify(ctx, incident("1", "critical")); (err != nil) != (start == time.Second) {
					t.Errorf("%v: %v", start, err)
				}
			})
		}
		all.Wait()
		if want := []time.Duration{0, time.Minute, 150 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("sent at %v, want %v", at, want)
		}
	})
}

// While a message is being sent, no other message is, also if there is room and if the first of those that wait leaves.
func TestADigestSendsOneMessageAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var lock sync.Mutex
		var at []time.Duration
		n := must(t)(route.Digest(mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
			lock.Lock()
			at = append(at, time.Since(begin))
			lock.Unlock()
			time.Sleep(90 * time.Second)
			return nil
		}), 2, time.Minute))
		var all sync.WaitGroup
		for _, start := range []time.Duration{0, 1, 2, 61 * time.Second, 62 * time.Second} {
			all.Go(func() {
				time.Sleep(start)
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if start == 61*time.Second {
					ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
				}
				defer cancel()
				if err := n.Notify(ctx, incident("1", "critical")); (err != nil) != (start == 61*time.Second) {
					t.Errorf("%v: %v", start, err)
				}
			})
		}
		all.Wait()
		if want := []time.Duration{0, 1, time.Minute, 150 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("sent at %v, want %v", at, want)
		}
	})
}

// All alerts of a message have its outcome, also an alert whose context ends while the message is being sent.
func TestTheOutcomeOfADigest(t *testing.T) {
	for _, want := range []error{nil, unavailable} {
		synctest.Test(t, func(t *testing.T) {
			room := &script{name: "room", takes: 90 * time.Second, errs: []error{nil, want}}
			n := must(t)(route.Digest(room, 1, time.Minute))
			begin := time.Now()
			var all sync.WaitGroup
			for _, limit := range []time.Duration{time.Hour, time.Hour, time.Hour, 70 * time.Second} {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					r, err := n.Deliver(ctx, incident("1", "critical"))
					if took := time.Since(begin); took == 90*time.Second {
						return // the first, which is told at once
					} else if took != 150*time.Second || err != want || r.Attempts != 3 {
						t.Errorf("%+v, %v after %v", r, err, took)
					}
				})
				synctest.Wait()
			}
			all.Wait()
		})
	}
}

func TestAnEmptyEntryMatchesNothing(t *testing.T) {
	if (route.Rule{Monitors: []string{""}}).Matches(mackerel.Alert{Status: "critical"}) {
		t.Error("it matches an alert without a monitor")
	}
}
