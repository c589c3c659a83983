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
	alerts   []mackerel.Alert // those of told
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
	w.told, w.alerts = append(w.told, a.ID+" "+strings.ToLower(a.StatusLabel())), append(w.alerts, a)
	return nil
}

// A memory is a store in memory.
type memory struct {
	state        watch.State
	err, saveErr error
	loads, saves int
}

func (m *memory) Load(context.Context) (watch.State, error) {
	m.loads++
	return m.state, m.err
}

func (m *memory) Save(_ context.Context, s watch.State) error {
	if m.saveErr != nil {
		return m.saveErr
	}
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

// poll polls once and returns what was told.
func (w *tower) poll(t *testing.T, watcher *watch.Watcher) string {
	t.Helper()
	w.told, w.alerts = nil, nil
	if err := watcher.Poll(t.Context()); err != nil {
		t.Error(err)
	}
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
			w.open("2")
			want(t, "the next alert", w.poll(t, watcher), "2 critical")
		})
	}
}

// A watcher that was stopped for a week finds what has happened meanwhile.
func TestALongStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.open("1")
		w.open("2")
		inOrder := func(c *watch.Config) { c.Concurrency = 1 }
		want(t, "before", w.poll(t, w.watcher(t, inOrder)), "1 critical, 2 critical")
		time.Sleep(24 * time.Hour)
		w.SetAlertStatus("1", "OK")
		for i := range 250 {
			w.AddAlert(fmt.Sprintf(`{"id":"x%03d","status":"OK","openedAt":%d,"closedAt":%d}`, i, time.Now().Unix()+int64(i), time.Now().Unix()+int64(i)+1))
		}
		time.Sleep(6 * 24 * time.Hour)
		w.open("3")
		got := w.poll(t, w.watcher(t, func(c *watch.Config) { c.LogCalls = -1 }))
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

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		watcher, began := w.watcher(t, nil), time.Now()
		w.fail = func(mackerel.Alert) error {
			if after := time.Since(began); after != 2*time.Minute {
				t.Errorf("told after %v", after)
			}
			return nil
		}
		var err error
		var done sync.WaitGroup
		done.Go(func() { err = watcher.Run(ctx) })
		time.Sleep(30 * time.Second)
		w.Inject(fakehttp.Fault{Status: http.StatusForbidden})
		w.open("1")
		time.Sleep(time.Minute)
		w.mu.Lock()
		if len(w.told) != 0 || len(w.problems) != 1 {
			t.Errorf("%q, %v", w.told, w.problems)
		}
		w.mu.Unlock()
		time.Sleep(time.Minute)
		cancel()
		done.Wait()
		want(t, "told", strings.Join(w.told, ", "), "1 critical")
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
	for _, c := range []struct {
		store   *watch.FileStore
		problem string
	}{
		{nil, "Store: File: path required"},
		{watch.File(""), "Store: File: path required"},
		{watch.File(filepath.Join(t.TempDir(), "none", "state.json")), "none: no such file or directory"},
	} {
		_, err := watch.New(watch.Config{
			Mackerel: mackerel.ClientConfig{APIKey: mackerel.NewSecret("key")}, Notifier: new(tower), Store: c.store,
		})
		if !errors.Is(err, mackerel.ErrConfig) || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%q: got %v", c.problem, err)
		}
	}
	shortest := watch.Config{
		Mackerel: mackerel.ClientConfig{APIKey: mackerel.NewSecret("key")}, Notifier: new(tower), Store: new(memory), Interval: 10 * time.Second,
	}
	if _, err := watch.New(shortest); err != nil {
		t.Error(err)
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
	for _, content := range []string{"{", "", `{"version":2}`, "[]", `{"version":1,"alerts":{"1":5}}`} {
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

// A state that cannot be read or saved is an error, and what was there stays.
func TestAFileThatFails(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state.json")
	f := watch.File(path)
	if err := f.Save(t.Context(), watch.State{Polled: time.Unix(5, 0).UTC()}); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(t.Context(), watch.State{Polled: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Error("a time that JSON does not have was saved")
	}
	if err := os.Symlink("/dev/full", path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(t.Context(), watch.State{}); err == nil {
		t.Error("the disk is full, and there is no error")
	}
	if s, err := f.Load(t.Context()); err != nil || s.Polled.Unix() != 5 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := watch.File(filepath.Join(folder, "missing", "state.json")).Save(t.Context(), watch.State{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that does not exist: %v", err)
	}
	taken := watch.File(folder)
	if s, err := taken.Load(t.Context()); err == nil || errors.Is(err, watch.ErrCorrupt) {
		t.Errorf("a folder in place of the file: %+v, %v", s, err)
	}
	if err := taken.Save(t.Context(), watch.State{}); err == nil {
		t.Error("a folder was replaced")
	}
}

// If a file that cannot be read cannot be put aside, the watcher does not begin anew.
func TestACorruptFileThatCannotBePutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.MkdirAll(filepath.Join(path+".corrupt", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := watch.File(path).Load(t.Context()); err == nil || errors.Is(err, watch.ErrCorrupt) {
		t.Errorf("%+v, %v", s, err)
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

// Without a log, a try is the same delivery as the try before it.
func TestARepeatWithoutALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		var ids []string
		broken := true
		other := mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
			if ids = append(ids, mackerel.DeliveryID(ctx)); broken {
				return &mackerel.Error{Provider: "room", Kind: mackerel.ErrUnavailable}
			}
			return nil
		})
		watcher := w.watcher(t, func(c *watch.Config) { c.Notifier, c.LogCalls = mackerel.Multi(w, other), -1 })
		w.open("1")
		for range 3 {
			if err := watcher.Poll(t.Context()); (err != nil) != broken {
				t.Error(err)
			}
			time.Sleep(time.Minute)
			broken = len(ids) < 2
		}
		if len(w.told) != 1 || len(ids) != 3 || ids[0] != ids[2] || ids[0] == "" {
			t.Errorf("%q was told; the deliveries of the other notifier are %q", w.told, ids)
		}
		w.SetAlertStatus("1", "WARNING")
		if err := watcher.Poll(t.Context()); err != nil || len(w.told) != 2 || ids[3] == ids[0] {
			t.Errorf("%v, %q, %q", err, w.told, ids)
		}
	})
}

// The log is read after the list, and may have more.
func TestALogThatIsAheadOfTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.AddAlert(`{"id":"1","status":"WARNING"}`)
		time.Sleep(time.Second)
		w.SetAlertStatus("1", "CRITICAL")
		old := w.Alerts()[0]
		before := strings.Replace(string(old), "CRITICAL", "WARNING", 1)
		w.Inject(
			fakehttp.Fault{Path: "/api/v0/alerts", Status: 200, Body: `{"alerts":[` + before + `]}`},
			fakehttp.Fault{Path: "/api/v0/alerts", Status: 200, Body: `{"alerts":[` + before + `]}`},
		)
		want(t, "the list has the warning only", w.poll(t, watcher), "1 warning, 1 critical")
		time.Sleep(time.Minute)
		want(t, "the list has the rest", w.poll(t, watcher), "")
	})
}

// What cannot be read does not keep the rest from being told, nor the next polls.
func TestReadingsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.poll(t, watcher)
		w.AddAlert(fmt.Sprintf(`{"id":"old","openedAt":%d}`, time.Now().Unix()))
		want(t, "the old alert", w.poll(t, watcher), "old critical")
		time.Sleep(24 * time.Hour)
		w.poll(t, watcher)
		at := time.Now().Add(-20 * time.Hour).Unix()
		for i := range 150 { // more than a page of alerts between the old alert and those that are looked for
			w.AddAlert(fmt.Sprintf(`{"id":"n%03d","status":"OK","openedAt":%d,"closedAt":%d}`, i, at, at))
		}
		w.SetAlertStatus("old", "OK")
		w.open("new")
		w.Inject(fakehttp.Fault{Path: "/api/v0/alerts/old", Status: http.StatusForbidden, Times: -1})
		w.told = nil
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) || strings.Join(w.told, "") != "new critical" {
			t.Errorf("%v; %q was told", err, w.told)
		}
		if age := time.Since(w.store.state.Polled); age > time.Hour {
			t.Errorf("the last poll was %v ago", age)
		}
		w.Clear()
		time.Sleep(time.Minute)
		want(t, "the close of the old alert", w.poll(t, watcher), "old ok")
		w.open("page")
		w.Inject(fakehttp.Fault{}, fakehttp.Fault{Path: "/api/v0/alerts", Status: http.StatusForbidden})
		polled := w.store.state.Polled
		time.Sleep(time.Minute)
		w.told = nil
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) || strings.Join(w.told, "") != "page critical" || !w.store.state.Polled.Equal(polled) {
			t.Errorf("%v; %q was told", err, w.told)
		}
	})
}

// After a log that cannot be read, the poll goes on without logs.
func TestLogsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		for i := range 10 {
			w.open(strconv.Itoa(i))
		}
		w.Inject(fakehttp.Fault{Path: "/api/v0/alerts/*/logs", Status: http.StatusForbidden, Times: -1})
		before := len(w.Requests())
		if err := watcher.Poll(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) || len(w.told) != 10 {
			t.Errorf("%v; %d were told", err, len(w.told))
		}
		logs := 0
		for _, r := range w.RequestsSince(before) {
			if strings.HasSuffix(r.Path, "/logs") {
				logs++
			}
		}
		if logs != 1 {
			t.Errorf("%d logs were asked for", logs)
		}
	})
}

// A phone that may have rung when the program stops does not ring again.
func TestAPhoneAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		rings := 0
		phone := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
			rings++
			cancel()
			return &mackerel.Error{Provider: "phone", Kind: mackerel.ErrAmbiguous, Delivery: mackerel.AtMostOnce, Err: context.Canceled}
		})
		set := func(c *watch.Config) { c.Notifier = phone }
		w.open("1")
		if err := w.watcher(t, set).Poll(ctx); err != nil || len(w.lost) != 1 {
			t.Errorf("%v, lost %q", err, w.lost)
		}
		if err := w.watcher(t, set).Poll(t.Context()); err != nil || rings != 1 {
			t.Errorf("%v, %d rings", err, rings)
		}
	})
}

// After the end of the context nothing more is told, and what was told is saved.
func TestTheEndOfAContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 5 {
			w.open(strconv.Itoa(i))
		}
		w.fail = func(a mackerel.Alert) error {
			if a.ID == "1" {
				cancel()
			}
			return nil
		}
		inOrder := func(c *watch.Config) { c.Concurrency = 1 }
		if err := w.watcher(t, inOrder).Poll(ctx); err != nil {
			t.Error(err)
		}
		want(t, "until the end", strings.Join(w.told, ", "), "0 critical, 1 critical")
		saved := w.store.state.Alerts["1"]
		if !w.store.state.Polled.IsZero() {
			t.Error("the poll counts as one that succeeded")
		}
		w.fail = nil
		want(t, "after a restart", w.poll(t, w.watcher(t, inOrder)), "2 critical, 3 critical, 4 critical")
		if saved.Status != mackerel.StatusCritical {
			t.Errorf("saved %+v", saved)
		}
	})
}

// A store may keep the State that it was given.
func TestTheStateOfAStoreIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		watcher := w.watcher(t, nil)
		w.open("1")
		w.poll(t, watcher)
		saved := w.store.state
		w.open("2")
		w.poll(t, watcher)
		if len(saved.Alerts) != 1 || len(w.store.state.Alerts) != 2 {
			t.Errorf("%v, then %v", saved.Alerts, w.store.state.Alerts)
		}
		if w.store.loads != 1 {
			t.Errorf("the state was read %d times", w.store.loads)
		}
	})
}
