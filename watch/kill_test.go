package watch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/watch"
)

var seed = flag.Uint64("seed", 0, "of the random choices of TestAWatcherThatIsKilled; 0 is another seed each time")

// The environment of a process that is killed.
const (
	childURL   = "WATCH_TEST_URL"
	childState = "WATCH_TEST_STATE"
)

// kills is how many processes are killed.
const kills = 20

// A watcher in a process of its own is killed with SIGKILL at random, twenty times, while alerts change. What it tells
// is compared with what happened: each process must go on after the last status that the state file has. Then no status
// is missing, and all are told in their order. A status may be told twice only if the kill came before the end of the
// poll that told it first.
func TestAWatcherThatIsKilled(t *testing.T) {
	if url := os.Getenv(childURL); url != "" {
		watchUntilKilled(t, url, os.Getenv(childState))
		return
	}
	for *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d", *seed)
	h := newHistory(t, *seed)
	h.life(t, func(url string) { poll(t, url, h.state) }) // the first start
	for range kills {
		h.life(t, func(url string) { h.kill(t, url) })
	}
	h.closeAll()
	h.life(t, func(url string) { poll(t, url, h.state) })
	h.finish(t)
	h.life(t, func(url string) { poll(t, url, h.state) })
	if len(h.told) != 0 {
		t.Errorf("told again: %v", h.told)
	}
	t.Logf("%d alerts with %d statuses; %d were told twice, after %d of %d kills, at most %d after a kill",
		len(h.happened), h.statuses(), h.twice, h.unsaved, kills, h.most)
}

// watchUntilKilled is the process that is killed. It ends by itself if the test does not kill it.
func watchUntilKilled(t *testing.T, url, state string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := newWatcher(t, url, state)
	for ctx.Err() == nil {
		if err := w.Poll(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// poll polls in this process.
func poll(t *testing.T, url, state string) {
	t.Helper()
	if err := newWatcher(t, url, state).Poll(t.Context()); err != nil {
		t.Error(err)
	}
}

// newWatcher returns a watcher that tells a test server.
func newWatcher(t *testing.T, url, state string) *watch.Watcher {
	t.Helper()
	w, err := watch.New(watch.Config{
		Mackerel: mackerel.ClientConfig{
			BaseURL: url, APIKey: mackerel.NewSecret(mackereltest.APIKey), Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
		},
		Notifier: mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
			body, err := json.Marshal(told{a.ID, a.Status.Fold(), a.Closed()})
			if err != nil {
				return err
			}
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/told", bytes.NewReader(body))
			if err != nil {
				return err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			return response.Body.Close()
		}),
		Store:    watch.File(state),
		LogCalls: 1000, // so that each status is told, also after a poll that was killed early
		Problem: func(_ context.Context, err error) {
			t.Error(err)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A told is what a watcher tells the test server.
type told struct {
	ID     string
	Status mackerel.Status
	Closed bool
}

// A status is a status that an alert got, and when.
type status struct {
	status mackerel.Status
	at     int64 // Unix time
}

// A history is an organization, what happened to its alerts, and what was told about it.
type history struct {
	fake  *mackereltest.Server
	state string // the file

	mu       sync.Mutex
	random   *rand.Rand
	happened map[string][]status
	open     []string
	places   map[string]int // of alerts: how many of their statuses the state file has
	deadline int            // the event at which the process is killed
	events   int            // of this process: requests, and notifications before and after they count
	stop     func()         // kills the process

	told                 map[string][]told // by this process
	before               map[string]int    // how many of them were told before the last poll
	reached              map[string]int    // of alerts: how many of their statuses were told by all processes
	twice, unsaved, most int
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{
		fake: mackereltest.New(), state: filepath.Join(t.TempDir(), "state.json"), random: rand.New(rand.NewPCG(seed, seed)),
		happened: make(map[string][]status), places: make(map[string]int), reached: make(map[string]int),
	}
	t.Cleanup(h.fake.Close)
	began := time.Now().Add(-time.Hour) // each change is a second later, and all are in the past
	h.fake.SetClock(func() time.Time { return began })
	return h
}

// life runs a process, waits until all that it has told has arrived, and checks it.
func (h *history) life(t *testing.T, run func(url string)) {
	t.Helper()
	h.told, h.before, h.events, h.stop = make(map[string][]told), make(map[string]int), 0, nil
	server := httptest.NewServer(http.HandlerFunc(h.serve))
	run(server.URL)
	server.Close()
	h.check(t)
}

// kill starts a process, and kills it at a random event.
func (h *history) kill(t *testing.T, url string) {
	t.Helper()
	var out bytes.Buffer
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAWatcherThatIsKilled$")
	child.Env = append(os.Environ(), childURL+"="+url, childState+"="+h.state)
	child.Stdout, child.Stderr = &out, &out
	h.mu.Lock()
	h.deadline = 1 + h.random.IntN(60)
	jitter := time.Duration(h.random.IntN(2)) * time.Duration(h.random.IntN(3000)) * time.Microsecond
	err := child.Start()
	h.stop = func() { time.AfterFunc(jitter, func() { _ = child.Process.Kill() }) }
	h.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	err = child.Wait()
	if !child.ProcessState.Exited() && err != nil {
		return
	}
	t.Errorf("the process ended by itself: %v\n%s", err, &out)
}

// serve is Mackerel's API, and what the watcher tells. Alerts change while requests arrive.
func (h *history) serve(w http.ResponseWriter, r *http.Request) {
	h.event()
	if r.URL.Path != "/told" {
		h.mu.Lock()
		for range h.random.IntN(3) / 2 * (1 + h.random.IntN(3)) {
			h.change()
		}
		if !strings.Contains(r.URL.RawQuery, "withClosed") && strings.HasSuffix(r.URL.Path, "/alerts") {
			for id, all := range h.told {
				h.before[id] = len(all)
			}
		}
		h.mu.Unlock()
		h.fake.ServeHTTP(w, r)
		h.event()
		return
	}
	var one told
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &one)
	}
	if err != nil {
		return // the process was killed while it sent this
	}
	h.mu.Lock()
	h.told[one.ID] = append(h.told[one.ID], one)
	h.mu.Unlock()
	h.event()
}

// event counts an event, and kills the process at the one that was drawn.
func (h *history) event() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.events++; h.events == h.deadline && h.stop != nil {
		h.stop()
	}
}

// change opens an alert, or changes or closes an alert.
func (h *history) change() {
	if h.stop == nil {
		return // nothing changes while this process polls
	}
	if len(h.open) == 0 || len(h.open) < 10 && h.random.IntN(3) == 0 {
		h.fake.Advance(time.Second)
		id := fmt.Sprintf("alert%03d", len(h.happened))
		h.fake.AddAlert(fmt.Sprintf(`{"id":%q}`, id))
		h.happened[id] = []status{{mackerel.StatusCritical, h.fake.Now().Unix()}}
		h.open = append(h.open, id)
		return
	}
	id := h.open[h.random.IntN(len(h.open))]
	all := h.happened[id]
	next := mackerel.StatusCritical
	if all[len(all)-1].status == next {
		next = mackerel.StatusWarning
	}
	if h.random.IntN(4) == 0 {
		next = mackerel.StatusOK
	}
	h.set(id, next)
}

// set changes the status of an alert.
func (h *history) set(id string, next mackerel.Status) {
	h.fake.Advance(time.Second)
	h.fake.SetAlertStatus(id, strings.ToUpper(string(next)))
	h.happened[id] = append(h.happened[id], status{next, h.fake.Now().Unix()})
	if next == mackerel.StatusOK {
		h.open = slices.DeleteFunc(h.open, func(o string) bool { return o == id })
	}
}

func (h *history) closeAll() {
	for _, id := range slices.Clone(h.open) {
		h.set(id, mackerel.StatusOK)
	}
}

// check checks what a process has told, and reads the state that it has left.
func (h *history) check(t *testing.T) {
	t.Helper()
	saved, err := watch.File(h.state).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	twice := 0
	for id, all := range h.happened {
		place := h.places[id] // where the process has begun
		for i, one := range h.told[id] {
			if place+i >= len(all) || one.Status != all[place+i].status || one.Closed != (one.Status == mackerel.StatusOK) {
				t.Errorf("%s: the process began behind %d statuses and told %v; what happened: %v", id, place, h.told[id], all)
				break
			}
		}
		twice += max(0, min(h.reached[id], place+len(h.told[id]))-place)
		h.reached[id] = max(h.reached[id], place+len(h.told[id]))
		h.places[id] = placeOf(t, saved.Alerts[id], all)
		if lost := place + len(h.told[id]) - h.places[id]; lost < 0 {
			t.Errorf("%s: the state file has %d statuses, and %d were told", id, h.places[id], place+len(h.told[id]))
		} else if since := len(h.told[id]) - h.before[id]; lost > since {
			t.Errorf("%s: %d statuses are not in the state file, and %d were told since the last poll began", id, lost, since)
		}
	}
	h.twice += twice
	if h.most = max(h.most, twice); twice > 0 {
		h.unsaved++
	}
}

// placeOf returns how many of the statuses of an alert the state file has.
func placeOf(t *testing.T, saved watch.Told, all []status) int {
	t.Helper()
	if saved.Status == "" {
		return 0
	}
	i := slices.Index(all, status{saved.Status, saved.At.Unix()})
	if i < 0 || saved.Closed != (saved.Status == mackerel.StatusOK) {
		t.Errorf("the state file has %+v; what happened: %v", saved, all)
	}
	return i + 1
}

// finish checks that everything was told.
func (h *history) finish(t *testing.T) {
	t.Helper()
	for id, all := range h.happened {
		if h.reached[id] != len(all) || h.places[id] != len(all) {
			t.Errorf("%s: of %d statuses %d were told, and the state file has %d", id, len(all), h.reached[id], h.places[id])
		}
	}
}

func (h *history) statuses() (n int) {
	for _, all := range h.happened {
		n += len(all)
	}
	return n
}
