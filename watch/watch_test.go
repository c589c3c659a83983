package watch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/watch"
)

// A tower is an organization that is watched, and what was told.
type tower struct {
	*mackereltest.Server
	store *memory

	mu       sync.Mutex
	told     []string
	fail     func(a mackerel.Alert) error
	problems []error
	lost     []string
}

func (w *tower) Notify(_ context.Context, a mackerel.Alert) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail(a); err != nil {
			return err
		}
	}
	state := strings.ToLower(a.StatusLabel())
	if isOver := state == "ok" || state == "closed"; a.Closed() != isOver {
		state += fmt.Sprintf(" (closed: %t)", a.Closed())
	}
	w.told = append(w.told, a.ID+" "+state)
	return nil
}

// A memory is a store in memory.
type memory struct {
	state watch.State
	err   error
	saves int
}

func (m *memory) Load(context.Context) (watch.State, error) { return m.state, m.err }
func (m *memory) Save(_ context.Context, s watch.State) error {
	m.saves++
	m.state = s
	return nil
}

// start returns an organization. It must run in a bubble.
func start(t *testing.T) *tower {
	t.Helper()
	w := &tower{Server: mackereltest.New(), store: new(memory)}
	t.Cleanup(w.Close)
	return w
}

func (w *tower) watcher(t *testing.T, change func(*watch.Config)) *watch.Watcher {
	t.Helper()
	c := watch.Config{
		Mackerel: w.MemoryConfig(), Notifier: w, Store: w.store,
		Problem: func(_ context.Context, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.problems = append(w.problems, err)
		},
		Undelivered: func(_ context.Context, a mackerel.Alert, _ error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.lost = append(w.lost, a.ID)
		},
	}
	if change != nil {
		change(&c)
	}
	watcher, err := watch.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return watcher
}

// poll polls once and returns what was told: of each alert in order. Several alerts are told at a time.
func (w *tower) poll(t *testing.T, watcher *watch.Watcher) string {
	t.Helper()
	w.told = nil
	if err := watcher.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	slices.SortStableFunc(w.told, func(x, y string) int {
		x, _, _ = strings.Cut(x, " ")
		y, _, _ = strings.Cut(y, " ")
		return strings.Compare(x, y)
	})
	return strings.Join(w.told, ", ")
}

func (w *tower) open(id string) { w.AddAlert(fmt.Sprintf(`{"id":%q}`, id)) }

func want(t *testing.T, what, got, wanted string) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: %q, want %q", what, got, wanted)
	}
}

func TestAnAlertFromItsOpeningToItsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.open("1")
		want(t, "open", w.poll(t, watcher), "1 critical")
		want(t, "unchanged", w.poll(t, watcher), "")
		time.Sleep(time.Minute)
		w.SetAlertStatus("1", "WARNING")
		time.Sleep(time.Second)
		w.SetAlertStatus("1", "CRITICAL")
		time.Sleep(time.Second)
		w.SetAlertStatus("1", "WARNING")
		want(t, "three changes between two polls", w.poll(t, watcher), "1 warning, 1 critical, 1 warning")
		time.Sleep(time.Minute)
		w.SetAlertStatus("1", "OK")
		want(t, "closed", w.poll(t, watcher), "1 ok")
		want(t, "closed before", w.poll(t, watcher), "")
		w.open("2")
		time.Sleep(10 * time.Second)
		w.EndAlert("2", "hostRetire")
		want(t, "opened and closed between two polls", w.poll(t, watcher), "2 critical, 2 closed")
		want(t, "and again", w.poll(t, watcher), "")
	})
}

func TestTheFirstStart(t *testing.T) {
	for skip, wanted := range map[bool]string{false: "1 critical", true: ""} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t)
			w.AddAlert(`{"id":"0","status":"OK","openedAt":1,"closedAt":2}`)
			w.open("1")
			watcher := w.watcher(t, func(c *watch.Config) { c.SkipOpen = skip })
			want(t, "at the first start", w.poll(t, watcher), wanted)
			time.Sleep(time.Minute)
			w.SetAlertStatus("1", "OK")
			want(t, "its close", w.poll(t, watcher), "1 ok")
		})
	}
}

// A watcher that was stopped for a week finds what has happened meanwhile.
func TestALongStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.open("1")
		w.open("2")
		want(t, "before", w.poll(t, w.watcher(t, nil)), "1 critical, 2 critical")
		time.Sleep(24 * time.Hour)
		w.SetAlertStatus("1", "OK")
		for i := range 250 {
			w.AddAlert(fmt.Sprintf(`{"id":"x%03d","status":"OK","openedAt":%d,"closedAt":%d}`, i, time.Now().Unix()+int64(i), time.Now().Unix()+int64(i)+1))
		}
		time.Sleep(6 * 24 * time.Hour)
		w.open("3")
		before := len(w.Requests())
		got := w.poll(t, w.watcher(t, func(c *watch.Config) { c.LogCalls = -1 }))
		if n := len(w.Requests()) - before; n > 6 {
			t.Errorf("%d requests", n)
		}
		for _, one := range []string{"1 ok", "3 critical", "x000 ok", "x249 ok"} {
			if !strings.Contains(got, one) {
				t.Errorf("%s is missing", one)
			}
		}
		if n := strings.Count(got, ",") + 1; n != 252 {
			t.Errorf("%d were told", n)
		}
	})
}

// A report of a check that comes five hours late opens an alert among older alerts.
func TestALateAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		time.Sleep(24 * time.Hour)
		w.poll(t, watcher)
		at := time.Now().Add(-5 * time.Hour).Unix()
		w.AddAlert(fmt.Sprintf(`{"id":"late","status":"OK","openedAt":%d,"closedAt":%d}`, at, at+60))
		want(t, "the late alert", w.poll(t, watcher), "late ok")
		want(t, "and again", w.poll(t, watcher), "")
	})
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.open("1")
		w.open("2")
		w.fail = func(a mackerel.Alert) error {
			switch a.ID {
			case "1":
				return &mackerel.Error{Provider: "room", Kind: mackerel.ErrUnavailable}
			}
			return &mackerel.Error{Provider: "room", Kind: mackerel.ErrInvalid}
		}
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnavailable) || errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("%v", err)
		}
		want(t, "lost", strings.Join(w.lost, " "), "2")
		w.SetAlertStatus("1", "OK")
		w.fail = nil
		time.Sleep(7 * time.Hour) // beyond the time in which alerts are looked for again
		want(t, "what is left", w.poll(t, watcher), "1 critical, 1 ok")
	})
}

// What was found and not told is kept longer than Mackerel's list is read.
func TestALongFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.poll(t, watcher)
		w.fail = func(mackerel.Alert) error { return &mackerel.Error{Provider: "room", Kind: mackerel.ErrUnavailable} }
		w.open("1")
		for range 4 {
			if err := watcher.Poll(t.Context()); err == nil {
				t.Error("no error")
			}
			if time.Sleep(4 * time.Hour); len(w.Alerts()) == 1 {
				w.open("2") // so that the list goes on
				w.SetAlertStatus("1", "OK")
			}
		}
		w.fail = nil
		want(t, "what is left", w.poll(t, watcher), "1 critical, 1 ok, 2 critical")
	})
}

// What was told is forgotten when it can no longer be listed.
func TestTheStateStaysSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		for day := range 3 {
			for i := range 10 {
				w.open(fmt.Sprint(day, i))
				w.SetAlertStatus(fmt.Sprint(day, i), "OK")
			}
			w.poll(t, watcher)
			time.Sleep(24 * time.Hour)
		}
		w.poll(t, watcher)
		if n := len(w.store.state.Alerts); n != 0 {
			t.Errorf("%d alerts are remembered", n)
		}
	})
}

// Of a Multi only what failed is told again.
func TestAMultiIsNotRepeatedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		count, broken := 0, true
		other := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
			if count++; broken {
				return &mackerel.Error{Provider: "room", Kind: mackerel.ErrUnavailable}
			}
			return nil
		})
		watcher := w.watcher(t, func(c *watch.Config) { c.Notifier = mackerel.Multi(w, other) })
		w.open("1")
		if err := watcher.Poll(t.Context()); err == nil {
			t.Error("no error")
		}
		broken = false
		if err := watcher.Poll(t.Context()); err != nil || len(w.told) != 1 || count != 2 {
			t.Errorf("%v; %q was told, and the other notifier %d times", err, w.told, count)
		}
	})
}

// Without logs the present status is told.
func TestLogsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, func(c *watch.Config) { c.LogCalls = 3 })
		for i := range 10 {
			w.open(strconv.Itoa(i))
		}
		if n := strings.Count(w.poll(t, watcher), "critical"); n != 10 {
			t.Errorf("%d were told", n)
		}
		logs := 0
		for _, r := range w.Requests() {
			if strings.HasSuffix(r.Path, "/logs") {
				logs++
			}
		}
		if logs != 3 {
			t.Errorf("%d logs were read", logs)
		}
	})
}

// Ten thousand open alerts need a request for a hundred each minute, a request a second.
func TestTenThousandOpenAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, func(c *watch.Config) { c.Mackerel.Call.Pace = mackerel.Pace{} })
		for i := range 10_000 {
			w.open(fmt.Sprintf("%05d", i))
		}
		if n := len(strings.Split(w.poll(t, watcher), ",")); n != 10_000 {
			t.Errorf("%d were told", n)
		}
		before, began := len(w.Requests()), time.Now()
		want(t, "nothing new", w.poll(t, watcher), "")
		if n, took := len(w.Requests())-before, time.Since(began); n > 210 || took < time.Duration(n-2)*time.Second {
			t.Errorf("%d requests in %v", n, took)
		}
	})
}

// look returns what was told, and how many problems there were, while a watcher runs.
func (w *tower) look() (told string, problems int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.told, ", "), len(w.problems)
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		watcher := w.watcher(t, nil)
		var err error
		var done sync.WaitGroup
		done.Go(func() { err = watcher.Run(ctx) })
		time.Sleep(30 * time.Second)
		w.Inject(fakehttp.Fault{Status: http.StatusForbidden})
		w.open("1")
		time.Sleep(time.Minute)
		if told, problems := w.look(); told != "" || problems != 1 {
			t.Errorf("%q, %d problems", told, problems)
		}
		time.Sleep(time.Minute)
		told, _ := w.look()
		want(t, "told", told, "1 critical")
		cancel()
		done.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestNewReportsAllProblems(t *testing.T) {
	_, err := watch.New(watch.Config{Interval: time.Second, Concurrency: -1, Notifier: (*tower)(nil)})
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrConfig) || strings.Count(e.Message, ";") != 4 {
		t.Errorf("%v", err)
	}
	if err := new(watch.Watcher).Poll(t.Context()); !errors.Is(err, mackerel.ErrConfig) {
		t.Error(err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	f := watch.File(path)
	if s, err := f.Load(t.Context()); err != nil || s.Alerts != nil {
		t.Errorf("%+v, %v", s, err)
	}
	saved := watch.State{Polled: time.Unix(5, 0).UTC(), Alerts: map[string]watch.Told{"1": {Status: "ok", Closed: true}}}
	for range 2 {
		if err := f.Save(t.Context(), saved); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := f.Load(t.Context()); err != nil || !s.Polled.Equal(saved.Polled) || s.Alerts["1"] != saved.Alerts["1"] {
		t.Errorf("%+v, %v", s, err)
	}
	for _, content := range []string{"{", "", `{"version":2}`, "[]"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := f.Load(t.Context())
		if !errors.Is(err, watch.ErrCorrupt) || s.Alerts != nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %+v, %v", content, s, err)
		}
		if kept, err := os.ReadFile(path + ".corrupt"); err != nil || string(kept) != content {
			t.Errorf("%q is kept as %q, %v", content, kept, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "state.json.corrupt" }) || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestACorruptStateIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.store.err = watch.ErrCorrupt
		w.open("1")
		want(t, "told", w.poll(t, w.watcher(t, nil)), "1 critical")
		if len(w.problems) != 1 || !errors.Is(w.problems[0], watch.ErrCorrupt) {
			t.Errorf("%v", w.problems)
		}
		w.store.err = os.ErrPermission
		if err := w.watcher(t, nil).Poll(t.Context()); !errors.Is(err, os.ErrPermission) {
			t.Error(err)
		}
	})
}
