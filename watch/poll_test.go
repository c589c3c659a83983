package watch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/watch"
)

const listPath = "/api/v0/alerts"

// list lets the next poll find these open and closed alerts.
func (w *tower) list(open, closed string) {
	for _, alerts := range []string{open, closed} {
		w.Inject(fakehttp.Fault{Path: listPath, Status: http.StatusOK, Body: `{"alerts":[` + alerts + `]}`})
	}
}

// logs lets the next request for a log find these statuses, each with its second, such as "CRITICAL 5".
func (w *tower) logs(newestFirst ...string) {
	var all []string
	for i, entry := range newestFirst {
		status, second, _ := strings.Cut(entry, " ")
		all = append(all, fmt.Sprintf(`{"id":"l%d","status":%q,"targetValue":95,"createdAt":%s}`, i, status, second))
	}
	w.Inject(fakehttp.Fault{Path: listPath + "/*/logs", Status: http.StatusOK, Body: `{"logs":[` + strings.Join(all, ",") + `]}`})
}

// fill adds alerts that have been closed.
func (w *tower) fill(n int) {
	at := time.Now().Unix()
	for i := range n {
		w.AddAlert(fmt.Sprintf(`{"id":"fill%03d","status":"OK","openedAt":%d,"closedAt":%d}`, i, at, at))
	}
}

func (w *tower) openMany(prefix string, n int) {
	for i := range n {
		w.open(fmt.Sprintf("%s%03d", prefix, i))
	}
}

func (w *tower) closeMany(prefix string, n int) {
	for i := range n {
		w.SetAlertStatus(fmt.Sprintf("%s%03d", prefix, i), "OK")
	}
}

// counted polls, and fails if the poll tells another number of statuses or asks for alerts another number of times.
func (w *tower) counted(t *testing.T, watcher *watch.Watcher, told, requests int) {
	t.Helper()
	before, n := len(w.Requests()), 0
	w.poll(t, watcher)
	for _, r := range w.RequestsSince(before) {
		if strings.HasPrefix(r.Path, listPath) {
			n++
		}
	}
	if len(w.told) != told || n != requests {
		t.Errorf("%d statuses with %d requests, want %d with %d", len(w.told), n, told, requests)
	}
}

func inOrder(c *watch.Config) { c.Concurrency = 1 }

func withoutLogs(c *watch.Config) { c.LogCalls = -1 }

func unavailable() error { return &mackerel.Error{Provider: "room", Kind: mackerel.ErrUnavailable} }

func TestAQuietPollMakesTwoRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher, began := w.watcher(t, nil), time.Now()
		w.open("1")
		w.open("2")
		w.poll(t, watcher)
		w.SetAlertStatus("2", "OK")
		want(t, "the close", w.poll(t, watcher), "2 ok")
		w.counted(t, watcher, 0, 2)
		if took := time.Since(began); took != 0 {
			t.Errorf("without a pace, three polls took %v", took)
		}
	})
}

func TestAlertsBetweenTwoPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, inOrder)
		w.poll(t, watcher)
		w.open("1")
		w.open("2")
		time.Sleep(10 * time.Second)
		w.SetAlertStatus("1", "OK")
		w.SetAlertStatus("2", "OK")
		want(t, "both", w.poll(t, watcher), "1 critical, 1 ok, 2 critical, 2 ok")
		if opened, closed := w.alerts[0], w.alerts[1]; !opened.ClosedAt.IsZero() || opened.Closed() || closed.ClosedAt.IsZero() {
			t.Errorf("%+v, then %+v", opened, closed)
		}
	})
}

// As long as a page of closed alerts has some that are missing, the next page is asked for.
func TestManyAlertsThatCloseAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, withoutLogs)
		w.openMany("n", 300)
		w.poll(t, watcher)
		time.Sleep(7 * time.Hour)
		w.poll(t, watcher)
		w.counted(t, watcher, 0, 3+1) // those that are listed as open are not missing
		w.closeMany("n", 300)
		w.counted(t, watcher, 300, 1+3)
		w.counted(t, watcher, 0, 1+1)
	})
}

// An old alert behind many others is asked for by its id.
func TestAnAlertBehindManyThatClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, withoutLogs)
		w.open("old")
		time.Sleep(time.Hour)
		w.fill(250)
		time.Sleep(time.Hour)
		w.openMany("n", 100)
		w.poll(t, watcher)
		time.Sleep(24 * time.Hour)
		w.poll(t, watcher)
		w.SetAlertStatus("old", "OK")
		w.closeMany("n", 100)
		w.counted(t, watcher, 101, 1+2+1)
	})
}

// manyBehind returns a watcher that misses alerts, which are not on the first page of the closed alerts.
func manyBehind(t *testing.T, w *tower, n int) *watch.Watcher {
	t.Helper()
	watcher := w.watcher(t, withoutLogs)
	w.openMany("n", n)
	time.Sleep(time.Hour)
	w.fill(150)
	w.poll(t, watcher)
	time.Sleep(24 * time.Hour)
	w.poll(t, watcher)
	w.closeMany("n", n)
	return watcher
}

func TestAPollAsksForSixtySingleAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := manyBehind(t, w, 70)
		w.counted(t, watcher, 60, 2+60)
		w.counted(t, watcher, 10, 2+10)
		w.counted(t, watcher, 0, 2)
	})
}

func TestAnAlertThatNoLongerExists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := manyBehind(t, w, 1)
		w.Inject(fakehttp.Fault{Path: listPath + "/n000", Status: http.StatusNotFound})
		w.counted(t, watcher, 0, 3)
		if len(w.problems) != 1 || !errors.Is(w.problems[0], mackerel.ErrNotFound) {
			t.Errorf("%v", w.problems)
		}
		w.counted(t, watcher, 0, 2)
	})
}

// The state keeps a closed alert as long as it may be listed as a new one, and no longer.
func TestClosedAlertsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.open("1")
		w.poll(t, watcher)
		w.SetAlertStatus("1", "OK")
		for hours, kept := range []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0} {
			w.poll(t, watcher)
			if len(w.store.state.Alerts) != kept {
				t.Errorf("after %d hours the state has %v", hours, w.store.state.Alerts)
			}
			time.Sleep(time.Hour)
		}
	})
}

// What SkipOpen left out is not told after a first poll that failed, and a change is.
func TestSkipOpenAfterAPollThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, func(c *watch.Config) { c.SkipOpen = true })
		w.open("1")
		w.open("2")
		w.Inject(fakehttp.Fault{}, fakehttp.Fault{Path: listPath, Status: http.StatusForbidden})
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		w.SetAlertStatus("1", "WARNING")
		want(t, "the change", w.poll(t, watcher), "1 warning")
	})
}

func TestAListThatBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, withoutLogs)
		w.openMany("n", 150)
		w.Inject(fakehttp.Fault{}, fakehttp.Fault{Path: listPath, Status: http.StatusForbidden})
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) || len(w.told) != 100 {
			t.Errorf("%d were told, %v", len(w.told), err)
		}
		w.counted(t, watcher, 50, 2+1)
	})
}

// After a failure, only what was not told is told.
func TestAChangeThatIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.open("1")
		w.poll(t, watcher)
		time.Sleep(time.Minute)
		w.SetAlertStatus("1", "WARNING")
		w.fail = func(mackerel.Alert) error { return unavailable() }
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnavailable) {
			t.Error(err)
		}
		w.fail = nil
		want(t, "the change", w.poll(t, watcher), "1 warning")
	})
}

// What the log says is told in the order in which it happened, and each status once.
func TestFormsOfLogs(t *testing.T) {
	for name, c := range map[string]struct {
		present string // the status in the list
		logs    []string
		want    string
	}{
		"the oldest first":                {"CRITICAL", []string{"WARNING 1", "CRITICAL 2"}, "1 warning, 1 critical"},
		"a notification of the same":      {"WARNING", []string{"WARNING 3", "CRITICAL 2", "CRITICAL 1"}, "1 critical, 1 warning"},
		"behind the list":                 {"WARNING", []string{"CRITICAL 1"}, "1 critical, 1 warning"},
		"a close that the list has not":   {"CRITICAL", []string{"OK 2", "CRITICAL 1"}, "1 critical"},
		"a status that the list has not":  {"WARNING", []string{"CRITICAL 2", "WARNING 1"}, "1 warning, 1 critical"},
		"empty":                           {"CRITICAL", nil, "1 critical"},
		"two changes in the same second":  {"CRITICAL", []string{"CRITICAL 1", "WARNING 1"}, "1 warning, 1 critical"},
		"a status and its return":         {"CRITICAL", []string{"CRITICAL 3", "WARNING 2", "CRITICAL 1"}, "1 critical, 1 warning, 1 critical"},
		"a status of which nothing knows": {"PAUSED", []string{"PAUSED 1"}, "1 paused"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t)
			w.list(`{"id":"1","status":"`+c.present+`","openedAt":1}`, "")
			w.logs(c.logs...)
			want(t, name, w.poll(t, w.watcher(t, nil)), c.want)
		})
	}
}

// The last status is told with the value that the list has, which is newer than that of the log.
func TestTheValueOfAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.AddMonitor(`{"id":"2M","type":"host","name":"CPU","metric":"cpu","operator":">","warning":80,"critical":90}`)
		w.list(`{"id":"1","status":"CRITICAL","type":"host","monitorId":"2M","value":97,"openedAt":1}`, "")
		w.logs("CRITICAL 2", "WARNING 1")
		want(t, "both", w.poll(t, w.watcher(t, nil)), "1 warning, 1 critical")
		if before, now := *w.alerts[0].Metric.Value, *w.alerts[1].Metric.Value; before != 95 || now != 97 {
			t.Errorf("%v, then %v", before, now)
		}
	})
}

// The status of an alert that a person closed may stay as it was.
func TestACloseThatKeepsTheStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, withoutLogs)
		const closed = `{"id":"1","status":"CRITICAL","openedAt":946684800,"closedAt":946684860}`
		w.open("1")
		w.poll(t, watcher)
		for _, told := range []string{"1 critical", ""} {
			w.list("", closed)
			want(t, "the close", w.poll(t, watcher), told)
			if told != "" && w.alerts[0].ClosedAt.IsZero() {
				t.Errorf("%+v is open", w.alerts[0])
			}
		}
		w.list("", strings.Replace(closed, "CRITICAL", "OK", 1))
		want(t, "another status after the close", w.poll(t, watcher), "")
		w.open("2")
		watcher = w.watcher(t, nil)
		want(t, "an alert with a log", w.poll(t, watcher), "2 critical")
		w.list("", strings.Replace(closed, `"1"`, `"2"`, 1))
		w.logs("CRITICAL 946684860", "CRITICAL 946684800")
		want(t, "its close, which the log calls CRITICAL, too", w.poll(t, watcher), "2 critical")
	})
}

// What was told without a log is not told again by a watcher that reads it.
func TestAWatcherThatBeginsToReadLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.open("1")
		time.Sleep(time.Minute)
		w.SetAlertStatus("1", "WARNING")
		time.Sleep(time.Minute)
		want(t, "without logs", w.poll(t, w.watcher(t, withoutLogs)), "1 warning")
		time.Sleep(time.Minute)
		w.SetAlertStatus("1", "UNKNOWN")
		want(t, "with logs", w.poll(t, w.watcher(t, nil)), "1 unknown")
	})
}

func TestChangesInTheSameSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.open("1")
		w.SetAlertStatus("1", "WARNING")
		time.Sleep(time.Second)
		w.SetAlertStatus("1", "UNKNOWN")
		w.fail = func(a mackerel.Alert) error {
			if a.Status.Fold() == mackerel.StatusWarning {
				return unavailable()
			}
			return nil
		}
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnavailable) || strings.Join(w.told, ", ") != "1 critical" {
			t.Errorf("%v; %q was told", err, w.told)
		}
		w.fail = nil
		want(t, "what is left", w.poll(t, watcher), "1 warning, 1 unknown")
		w.SetAlertStatus("1", "CRITICAL") // in the second of UNKNOWN, which was told
		want(t, "the next change", w.poll(t, watcher), "1 critical")
		time.Sleep(time.Minute)
		w.SetAlertStatus("1", "OK")
		want(t, "the close", w.poll(t, watcher), "1 ok")
	})
}

// Of the log of one alert, the newest 300 changes are read.
func TestALongLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.open("1")
		for i := range 400 {
			time.Sleep(time.Second)
			w.SetAlertStatus("1", []string{"WARNING", "CRITICAL"}[i%2])
		}
		w.counted(t, w.watcher(t, nil), 300, 2+3)
	})
}

// A status is told to all, also if some of them still wait for the status before it.
func TestAStatusAfterOneThatSomeStillWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		var other []string
		broken := true
		second := mackerel.NotifierFunc(func(_ context.Context, a mackerel.Alert) error {
			if broken {
				return unavailable()
			}
			other = append(other, a.ID+" "+strings.ToLower(a.StatusLabel()))
			return nil
		})
		watcher := w.watcher(t, func(c *watch.Config) { c.Notifier, c.LogCalls = mackerel.Multi(w, second), -1 })
		w.open("1")
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnavailable) {
			t.Error(err)
		}
		broken = false
		for _, status := range []string{"WARNING", "CRITICAL"} {
			w.SetAlertStatus("1", status)
			other = nil
			told := "1 " + strings.ToLower(status)
			want(t, "the first notifier", w.poll(t, watcher), told)
			want(t, "the second notifier", strings.Join(other, ", "), told)
		}
	})
}

// With a hundred alerts the state is saved after each result, with more after some results or a second.
func TestHowOftenTheStateIsSaved(t *testing.T) {
	for _, c := range []struct {
		alerts, saves int
		each          time.Duration // how long an alert takes
	}{{1, 2, 0}, {100, 101, 0}, {101, 51, 0}, {300, 101, 0}, {101, 102, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t)
			w.openMany("n", c.alerts)
			w.fail = func(mackerel.Alert) error {
				time.Sleep(c.each)
				return nil
			}
			w.counted(t, w.watcher(t, func(c *watch.Config) { c.LogCalls, c.Concurrency = -1, 1 }), c.alerts, 2+c.alerts/101)
			if w.store.saves != c.saves {
				t.Errorf("%d alerts, %v each: saved %d times, want %d", c.alerts, c.each, w.store.saves, c.saves)
			}
		})
	}
}

// If the state cannot be saved, the watcher remembers by itself what was told.
func TestAStateThatCannotBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		full := errors.New("the disk is full")
		w.store.saveErr = full
		w.open("1")
		for _, told := range []string{"1 critical", ""} {
			w.told = nil
			if err := watcher.Poll(t.Context()); !errors.Is(err, full) || strings.Join(w.told, ", ") != told {
				t.Errorf("%v; %q was told", err, w.told)
			}
		}
	})
}

func TestAnAlertWithoutItsMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.AddAlert(`{"id":"1","monitorId":"2M"}`)
		w.Inject(fakehttp.Fault{Path: "/api/v0/monitors", Status: http.StatusForbidden, Times: -1})
		want(t, "all the same", w.poll(t, w.watcher(t, nil)), "1 critical")
		if len(w.problems) != 1 || !errors.Is(w.problems[0], mackerel.ErrUnauthorized) || !strings.Contains(w.problems[0].Error(), "alert 1 ") {
			t.Errorf("%v", w.problems)
		}
	})
}

func TestAnAlertWithoutAStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.AddAlert(`{"id":"1","status":""}`)
		want(t, "all the same", w.poll(t, w.watcher(t, nil)), "1 unknown")
	})
}

// A notifier that the end of the context has stopped is asked again after a restart.
func TestANotifierThatTheContextStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		w.open("1")
		w.fail = func(mackerel.Alert) error {
			cancel()
			return ctx.Err()
		}
		if err := w.watcher(t, nil).Run(ctx); !errors.Is(err, context.Canceled) || len(w.lost)+len(w.problems) != 0 {
			t.Errorf("%v; lost %q; problems %v", err, w.lost, w.problems)
		}
		w.fail = nil
		want(t, "after a restart", w.poll(t, w.watcher(t, nil)), "1 critical")
	})
}

func TestAWatcherWithoutCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.AddAlert(`{"id":"1","monitorId":"2M"}`)
		w.Inject(fakehttp.Fault{Path: "/api/v0/monitors", Status: http.StatusForbidden, Times: -1})
		w.fail = func(a mackerel.Alert) error {
			return &mackerel.Error{Provider: "room", Kind: mackerel.ErrInvalid, Message: strconv.Quote(a.ID)}
		}
		watcher := w.watcher(t, func(c *watch.Config) { c.Problem, c.Undelivered = nil, nil })
		for range 2 {
			want(t, "nothing", w.poll(t, watcher), "")
		}
	})
}
