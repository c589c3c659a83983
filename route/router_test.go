package route_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/route"
)

// A shown notifier previews an alert as a request whose body is its title.
type shown struct {
	bell
	err error
}

func (s *shown) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	if s.err != nil {
		return nil, s.err
	}
	request := mackerel.PreviewRequest{Body: a.Title()}
	return &mackerel.Preview{Requests: []mackerel.PreviewRequest{request}, Cuts: []mackerel.Cut{{Field: "Text"}}}, nil
}

// A shownPager is a shown notifier that keeps incidents.
type shownPager struct{ shown }

func (*shownPager) Keyed() bool { return true }

func TestThePreviewOfARouter(t *testing.T) {
	digest := mackerel.Digest([]mackerel.Alert{oneAlert("m", "", "critical"), oneAlert("n", "", "critical")})
	for _, tt := range []struct {
		name     string
		channels string // of the alerts
		alert    mackerel.Alert
		titles   string // of the requests
		skipped  string
		err      error
	}{
		{"all channels", "a b", oneAlert("m", "", "critical"), "[CRITICAL] m, [CRITICAL] m", "", nil},
		{"a channel without a preview", "a n b", oneAlert("m", "", "critical"), "[CRITICAL] m, [CRITICAL] m", "", nil},
		{"a digest", "a", digest, digest.Title(), "", nil},
		{"a digest for a service with incidents", "p", digest, "[CRITICAL] m, [CRITICAL] n", "", nil},
		{"a digest for a channel without a preview", "n a", digest, digest.Title(), "", nil},
		{"a digest of no alerts", "a", mackerel.Alert{Event: mackerel.EventDigest}, "", "a digest of no alerts", nil},
		{"no channel", "", oneAlert("m", "", "critical"), "", "no channel of ours is to be told: groups: Default", nil},
		{"a preview that fails", "a e", oneAlert("m", "", "critical"), "", "", mackerel.ErrInvalid},
		{"a preview of a digest that fails", "e", digest, "", "", mackerel.ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
					switch c.Name {
					case "n":
						return new(bell), nil
					case "p":
						return new(shownPager), nil
					case "e":
						return &shown{err: invalid}, nil
					}
					return new(shown), nil
				}}, tt.channels)
				p, err := w.router.Preview(tt.alert)
				if tt.err != nil {
					if p != nil || !errors.Is(err, tt.err) {
						t.Errorf("%+v, %v", p, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var titles []string
				for _, r := range p.Requests {
					titles = append(titles, r.Body)
				}
				if got := strings.Join(titles, ", "); got != tt.titles || len(p.Cuts) != len(titles) {
					t.Errorf("%q, %d cuts", got, len(p.Cuts))
				}
				if !strings.Contains(p.Skipped, tt.skipped) || (p.Skipped == "") != (tt.skipped == "") {
					t.Errorf("skipped: %q", p.Skipped)
				}
			})
		})
	}
}

func TestAPreviewWithoutSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		w.Inject(fakehttp.Fault{Status: http.StatusForbidden, Times: -1})
		for _, a := range []mackerel.Alert{alert, mackerel.Digest([]mackerel.Alert{alert})} {
			if p, err := w.router.Preview(a); p != nil || !errors.Is(err, mackerel.ErrUnauthorized) {
				t.Errorf("%+v, %v", p, err)
			}
			if r, err := w.router.Deliver(t.Context(), a); !errors.Is(err, mackerel.ErrUnauthorized) {
				t.Errorf("%+v, %v", r, err)
			}
		}
	})
}

// A preview sends nothing, so the close of the alert is not sent to the channels of the preview.
func TestAPreviewOfARouterIsNotRemembered(t *testing.T) {
	for _, event := range []mackerel.Event{mackerel.EventAlert, mackerel.EventDigest} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t, "c", group("critical", "critical", "", "c", "m", ""))
			withoutDefault(t, w)
			w.tell(t, oneAlert("m", "", "warning"))
			shown := oneAlert("m", "", "critical")
			if event == mackerel.EventDigest {
				shown = mackerel.Digest([]mackerel.Alert{shown})
			}
			if _, err := w.router.Preview(shown); err != nil {
				t.Fatal(err)
			}
			if got := w.tell(t, oneAlert("m", "", "ok")); got != "" {
				t.Errorf("%q was told of the recovery of what was never critical", got)
			}
		})
	}
}

func TestTheReceiptOfARouter(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fail     string // the channels that fail
		fallback bool   // goes on to the next notifier
	}{{"no channel fails", "", false}, {"a channel fails", "b", false}, {"all channels fail", "a b", true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
					s := &script{name: c.Name, takes: time.Second}
					if strings.Contains(tt.fail, c.Name) {
						s.errs, s.forever = []error{unavailable}, true
					}
					return s, nil
				}}, "a b")
				r, err := w.router.Deliver(t.Context(), oneAlert("m", "", "critical"))
				if r.Attempts != 6 || r.Waited != 8*time.Second || r.Duration < time.Second || (err != nil) != (tt.fail != "") {
					t.Errorf("%+v, %v", r, err)
				}
				second := new(bell)
				n := must(t)(route.Fallback(route.FallbackOptions{}, w.router, second))
				_ = n.Notify(t.Context(), oneAlert("m", "", "critical"))
				if (len(second.told) == 1) != tt.fallback {
					t.Errorf("the next notifier was told %q", second.told)
				}
				if n.String() != "mackerel's notification groups, else *route_test.bell" {
					t.Errorf("the name is %q", n)
				}
			})
		})
	}
}

// The receipts of a digest for a service with incidents, and of a part that failed.
func TestTheReceiptOfAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		w := startWith(t, route.MackerelConfig{Resolve: func(mackerel.Channel) (mackerel.Notifier, error) {
			return &pagerWithReceipts{&calls}, nil
		}}, "p")
		digest := mackerel.Digest([]mackerel.Alert{oneAlert("m", "", "critical"), oneAlert("n", "", "critical"), oneAlert("o", "", "critical")})
		r, err := w.router.Deliver(t.Context(), digest)
		if r.Attempts != 6 || r.Waited != 6*time.Second || err == nil || calls != 3 {
			t.Errorf("%+v, %v", r, err)
		}
		f := mackerel.Failures(err)
		if len(f) != 1 || fmt.Sprint(f[0].Notifier) != "pager" {
			t.Fatal(err)
		}
		again := f[0].Notifier.(mackerel.Deliverer)
		if r, err := again.Deliver(t.Context(), digest); r.Attempts != 2 || err != nil || calls != 4 {
			t.Errorf("the repeat: %+v, %v, %d calls", r, err, calls)
		}
	})
}

// A pagerWithReceipts keeps incidents. Its second call fails.
type pagerWithReceipts struct{ calls *int }

func (p *pagerWithReceipts) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := p.Deliver(ctx, a)
	return err
}

func (p *pagerWithReceipts) Deliver(ctx context.Context, _ mackerel.Alert) (mackerel.Receipt, error) {
	*p.calls++
	r := mackerel.Receipt{Attempts: 2, Waited: 2 * time.Second}
	if mackerel.DeliveryID(ctx) != "" {
		return r, errors.New("an id of nothing")
	}
	if *p.calls == 2 {
		return r, unavailable
	}
	return r, nil
}
func (*pagerWithReceipts) Keyed() bool    { return true }
func (*pagerWithReceipts) String() string { return "pager" }

// The close goes to all channels that were told of the open alert, and by levels as the worst status says.
func TestACloseAfterTwoGroups(t *testing.T) {
	for name, tt := range map[string]struct {
		services []string
		statuses []mackerel.Status
		want     string
	}{
		"two services, one after the other": {[]string{"Shop", "Blog"}, []mackerel.Status{"critical", "critical"}, "a b"},
		"a warning that became critical":    {[]string{"Shop", "Shop"}, []mackerel.Status{"warning", "critical"}, "a c"},
		"a warning after it was critical":   {[]string{"Shop", "Shop"}, []mackerel.Status{"critical", "warning"}, "a c"},
		"never more than a warning":         {[]string{"Shop", "Shop"}, []mackerel.Status{"warning", "warning"}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, "a b c", group("shop", "all", "", "a", "", "Shop"), group("blog", "all", "", "b", "", "Blog"),
					group("wiki", "critical", "", "c", "", "Wiki"))
				withoutDefault(t, w)
				for i, status := range tt.statuses {
					w.tell(t, oneAlert("m", tt.services[i], status))
				}
				service := ""
				if strings.Contains(tt.want, "c") || len(tt.want) == 1 {
					service = "Wiki"
				}
				if got := w.tell(t, oneAlert("m", service, "ok")); got != tt.want {
					t.Errorf("%q was told of the close, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestAnAlertWithoutAnIDIsNotLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a", group("exclusive", "all", "", "a", "m!", ""))
		if got := w.tell(t, mackerel.Alert{Status: "critical", Message: "by hand"}); got != "a" || len(w.problems) != 0 {
			t.Errorf("%q was told, %v", got, w.problems)
		}
		if n := len(w.Requests()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

// What cannot be looked up is told without it, and reported.
func TestAMonitorThatCannotBeLookedUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  fakehttp.Fault
		alerts int
		took   time.Duration
		kind   error
	}{
		{"there is no answer", fakehttp.Fault{Break: fakehttp.Silence, Times: -1}, 2, 4 * time.Second, mackerel.ErrUnavailable},
		{"it is refused", fakehttp.Fault{Status: http.StatusForbidden, Times: -1}, 1, 0, mackerel.ErrUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, "b c", group("exclusive", "all", "", "b", "m!", ""))
				w.tell(t, oneAlert("m", "", "critical"))
				time.Sleep(10 * time.Second)
				before, begin := len(w.Requests()), time.Now()
				tt.fault.Path = "/api/v0/alerts"
				w.Inject(tt.fault)
				w.told = nil
				var all sync.WaitGroup
				for i := range tt.alerts {
					all.Go(func() {
						if err := w.router.Notify(t.Context(), mackerel.Alert{ID: strconv.Itoa(i), Status: "critical"}); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if len(w.told) != 2*tt.alerts || len(w.problems) != tt.alerts || time.Since(begin) != tt.took {
					t.Errorf("%q were told after %v, %v", w.told, time.Since(begin), w.problems)
				}
				for _, problem := range w.problems {
					if !errors.Is(problem, tt.kind) {
						t.Error(problem)
					}
				}
				if n := len(w.RequestsSince(before)); n != 1 {
					t.Errorf("%d requests", n)
				}
				p, err := w.router.Plan(t.Context(), mackerel.Alert{ID: "9", Status: "critical"})
				if err != nil || !strings.Contains(p.Reason, "; the monitor is not known: ") {
					t.Errorf("%v, %+v", err, p)
				}
			})
		})
	}
}

// The cause of a context may contain a URL.
func TestTheCauseOfAContextIsNotInAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		ctx, cancel := context.WithCancelCause(t.Context())
		w.Inject(fakehttp.Fault{Break: fakehttp.Silence, Times: -1})
		cause := errors.New("Get https://x.test/?key=s3cret")
		time.AfterFunc(time.Second, func() { cancel(cause) })
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				err := w.router.Notify(ctx, oneAlert("m", "", "critical"))
				if !errors.Is(err, mackerel.ErrUnavailable) || !errors.Is(err, cause) || strings.Contains(err.Error(), "s3cret") {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

func TestRefreshIsAsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWith(t, route.MackerelConfig{Refresh: time.Hour}, "a")
		w.tell(t, oneAlert("m", "", "critical"))
		w.AddChannel(`{"id":"b","name":"b","type":"chatwork"}`)
		for _, want := range []string{"a", "a b"} {
			time.Sleep(time.Hour - time.Minute)
			if got := w.tell(t, oneAlert("m", "", "critical")); got != want {
				t.Errorf("%q was told, want %q", got, want)
			}
		}
	})
}

// One request a second is for single alerts, too. An alert does not wait for its turn longer than 4 s.
func TestManyOldAlertsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "b c", group("exclusive", "all", "", "b", "m!", ""))
		w.tell(t, oneAlert("m", "", "critical"))
		time.Sleep(500 * time.Millisecond) // half of the time until the next turn
		before, begin := len(w.Requests()), time.Now()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { _ = w.router.Notify(t.Context(), mackerel.Alert{ID: strconv.Itoa(i), Status: "critical"}) })
		}
		all.Wait()
		if n, took := len(w.RequestsSince(before)), time.Since(begin); n > 5 || took > 4*time.Second || len(w.problems) != 20 {
			t.Errorf("%d requests in %v, %d problems", n, took, len(w.problems))
		}
	})
}

// An alert that cannot be asked for is asked for again.
func TestAnAlertThatCannotBeAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "b c", group("exclusive", "all", "", "b", "m!", ""))
		w.AddAlert(`{"id":"5old","monitorId":"m","openedAt":1}`)
		for i := range 100 {
			w.AddAlert(fmt.Sprintf(`{"id":"5-%d","monitorId":"m","openedAt":%d}`, i, 1000+i))
		}
		w.Inject(fakehttp.Fault{Path: "/api/v0/alerts/5old", Status: http.StatusForbidden})
		for i, want := range []string{"b c", "b"} {
			if got := w.tell(t, mackerel.Alert{ID: "5old", Status: "critical"}); got != want || len(w.problems) != 1 {
				t.Errorf("%d: %q was told, %v", i, got, w.problems)
			}
		}
		before := len(w.Requests())
		w.tell(t, mackerel.Alert{ID: "missing", Status: "critical"}) // two more requests, after which the first is still known
		w.tell(t, mackerel.Alert{ID: "5old", Status: "critical"})
		w.tell(t, mackerel.Alert{ID: "other", Status: "critical"})
		w.tell(t, mackerel.Alert{ID: "missing", Status: "critical"})
		if n := len(w.RequestsSince(before)); n != 4 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAnOrganizationWithoutGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, groups := range []string{"", group("team", "all", "", "a", "other", "")} {
			w := start(t, "a")
			w.Inject(fakehttp.Fault{Status: 200, Body: `{"notificationGroups":[` + groups + `]}`})
			p, err := w.router.Plan(t.Context(), oneAlert("m", "", "critical"))
			if err != nil || p.Reason != "no notification group matches" || len(w.problems) != 1 {
				t.Errorf("%v, %+v, %v", err, p, w.problems)
			}
		}
	})
}

func TestProblemMayBeNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a", group("g", "loud", "", "", "", ""))
		b := new(bell)
		r := must2(route.FromMackerel(route.MackerelConfig{
			Client: w.client(t), Polled: true, Resolve: func(mackerel.Channel) (mackerel.Notifier, error) { return b, nil },
		}))
		if err := r.Notify(t.Context(), oneAlert("m", "", "critical")); err != nil || len(b.told) != 1 {
			t.Errorf("%v, told %q", err, b.told)
		}
	})
}

func must2(r *route.Router, err error) *route.Router {
	if err != nil {
		panic(err)
	}
	return r
}

// Without a copy of the settings, the first alert waits for them.
func TestTheFirstSettingsTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		w.Inject(fakehttp.Fault{Delay: 8 * time.Second}, fakehttp.Fault{Delay: 8 * time.Second})
		for turn := range 2 { // the call ends while it waits for its first or its second turn
			w := start(t, "a")
			if turn == 0 {
				w.Inject(fakehttp.Fault{Status: http.StatusForbidden})
				_ = w.router.Notify(t.Context(), alert) // takes the turn before
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(500*time.Millisecond, cancel)
			if err := w.router.Notify(ctx, oneAlert("m", "", "critical")); !errors.Is(err, context.Canceled) {
				t.Errorf("after the end of the context: %v", err)
			}
		}
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" {
			t.Errorf("%q was told", got)
		}
	})
}

func TestAChannelOfAnUnknownType(t *testing.T) {
	p := route.Plan{Title: "t", Reason: "r", Channels: []route.PlannedChannel{{Channel: mackerel.Channel{Name: "x"}}}}
	if got := p.String(); got != "t\nr\n- x (unknown): not told\n" {
		t.Errorf("%q", got)
	}
}

// A digest for a channel that fails, for one that fails in part, and for one of two notifiers.
func TestADigestThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		again, room := &bell{fail: invalid}, new(bell)
		w := startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
			switch c.Name {
			case "fails":
				return &script{name: "chat", errs: []error{unavailable}}, nil
			case "part":
				return &partial{receipt: mackerel.Receipt{Attempts: 3}, err: &mackerel.DeliveryError{Notifier: again, Err: unavailable}}, nil
			}
			return mackerel.Multi(&pagerWithIDs{&ids}, room), nil
		}}, "fails part two")
		digest := mackerel.Digest([]mackerel.Alert{oneAlert("m", "", "critical"), oneAlert("n", "", "critical")})
		r, err := w.router.Deliver(t.Context(), digest)
		failures := mackerel.Failures(err)
		if len(failures) != 2 || r.Attempts != 6 {
			t.Fatalf("%+v, %v", r, err)
		}
		if err := failures[0].Notifier.Notify(t.Context(), digest); err != nil {
			t.Errorf("the repeat of what failed: %v", err)
		}
		if err := failures[1].Notifier.Notify(t.Context(), digest); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("the repeat of a part: %v", err)
		}
		if len(ids) != 2 || len(room.told) != 1 || room.told[0] != digest.Title() {
			t.Errorf("the pager was told %d alerts, the room %q", len(ids), room.told)
		}
	})
}
