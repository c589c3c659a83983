package route_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/route"
)

// A town is an organization whose channels are notifiers that note what they are told.
type town struct {
	*mackereltest.Server
	router   *route.Router
	mu       sync.Mutex
	told     []string // names of channels, in any order
	problems []error
	resolved int
}

// start returns an organization with these groups, in which a channel is a name: "a".
func start(t *testing.T, channels string, groups ...string) *town {
	return startWith(t, route.MackerelConfig{}, channels, groups...)
}

func startWith(t *testing.T, c route.MackerelConfig, channels string, groups ...string) *town {
	t.Helper()
	w := &town{Server: mackereltest.New()}
	t.Cleanup(w.Close)
	for _, name := range strings.Fields(channels) {
		w.AddChannel(fmt.Sprintf(`{"id":%q,"name":%q,"type":"chatwork"}`, name, name))
	}
	for _, g := range groups {
		w.AddNotificationGroup(g)
	}
	client, err := mackerel.NewClient(w.MemoryConfig())
	if err != nil {
		t.Fatal(err)
	}
	c.Client, c.FeedingChannel = client, "feed"
	c.Problem = func(_ context.Context, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.problems = append(w.problems, err)
	}
	if c.Resolve == nil {
		c.Resolve = w.resolve
	}
	if w.router, err = route.FromMackerel(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// named is a notifier with a name.
type named struct {
	name string
	tell func(string) error
}

func (n *named) Notify(context.Context, mackerel.Alert) error { return n.tell(n.name) }
func (n *named) String() string                               { return n.name }

func (w *town) resolve(c mackerel.Channel) (mackerel.Notifier, error) {
	w.resolved++
	return &named{c.Name, func(name string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, name)
		return nil
	}}, nil
}

// tell tells an alert and returns who was told.
func (w *town) tell(t *testing.T, a mackerel.Alert) string {
	t.Helper()
	w.told = nil
	if err := w.router.Notify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	slices.Sort(w.told)
	return strings.Join(w.told, " ")
}

func group(name, level, groups, channels, monitors, services string) string {
	quote := func(list string) string {
		b, err := json.Marshal(strings.Fields(list))
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	var ms, ss []string
	for _, m := range strings.Fields(monitors) {
		id, only := strings.CutSuffix(m, "!")
		ms = append(ms, fmt.Sprintf(`{"id":%q,"skipDefault":%t}`, id, only))
	}
	for _, s := range strings.Fields(services) {
		ss = append(ss, fmt.Sprintf(`{"name":%q}`, s))
	}
	return fmt.Sprintf(`{"id":%q,"name":%q,"notificationLevel":%q,"childNotificationGroupIds":%s,"childChannelIds":%s,"monitors":[%s],"services":[%s]}`,
		name, name, level, quote(groups), quote(channels), strings.Join(ms, ","), strings.Join(ss, ","))
}

func oneAlert(monitor, service string, status mackerel.Status) mackerel.Alert {
	a := mackerel.Alert{ID: "5" + monitor, Status: status, Monitor: mackerel.Monitor{ID: monitor, Name: monitor}}
	if service != "" {
		a.Host = &mackerel.Host{Name: "h", Roles: []mackerel.Role{{FullName: service + ": app"}}}
	}
	return a
}

// The default group of the fake has all channels that were added. Groups have their own here, too.
func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cycle := group("cycle", "all", "cycle team", "c", "", "Loop")
		team := group("team", "all", "cycle", "d", "", "")
		critical := group("critical", "critical", "below", "e", "m3", "")
		below := group("below", "all", "", "f", "m3", "")
		exclusive := group("exclusive", "all", "", "b", "m1! m2", "Shop")
		for _, tt := range []struct {
			name  string
			alert mackerel.Alert
			want  string
		}{
			{"a monitor that a group has for itself", oneAlert("m1", "", "warning"), "b"},
			{"and in the service of another group", oneAlert("m1", "Loop", "warning"), "b"},
			{"a monitor that a group has", oneAlert("m2", "", "warning"), "a b c d e f feed"},
			{"a service of a group whose child leads back", oneAlert("m9", "Loop", "warning"), "a b c d e f feed"},
			{"a level that an alert does not pass", oneAlert("m3", "", "warning"), "a b c d e f feed"},
		} {
			w := start(t, "a b c d e f feed", exclusive, cycle, team, critical, below)
			if got := w.tell(t, tt.alert); got != strings.TrimSuffix(tt.want, " feed") {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
			p, err := w.router.Plan(t.Context(), tt.alert)
			if err != nil || !strings.Contains(p.String(), "groups") {
				t.Errorf("%v, %s", err, p)
			}
		}
	})
}

func (w *town) client(t *testing.T) *mackerel.Client {
	t.Helper()
	client, err := mackerel.NewClient(w.MemoryConfig())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// withoutDefault takes all channels out of the default group.
func withoutDefault(t *testing.T, w *town) {
	t.Helper()
	client := w.client(t)
	groups, err := client.ListNotificationGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	groups[0].ChildChannelIDs = nil
	if _, err := client.UpdateNotificationGroup(t.Context(), groups[0]); err != nil {
		t.Fatal(err)
	}
}

func TestLevelsAndChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		groups := []string{
			group("critical", "critical", "below", "e", "m", ""), group("below", "all", "", "f", "", "Other"),
			group("parent", "all", "severe", "p", "n", ""), group("severe", "critical", "", "s", "", ""),
		}
		w := start(t, "e f p s", groups...)
		withoutDefault(t, w)
		for _, step := range []struct {
			monitor string
			status  mackerel.Status
			want    string
		}{
			{"m", "warning", ""}, {"m", "ok", ""}, // never more than a warning
			{"m2", "warning", ""},
			{"n", "warning", "p"}, {"n", "critical", "p s"}, {"n", "warning", "p"}, {"n", "ok", "p s"},
			{"m", "unknown", "e f"}, {"m", "ok", "e f"},
		} {
			if got := w.tell(t, oneAlert(step.monitor, "", step.status)); got != step.want {
				t.Errorf("%s %s: %q, want %q", step.monitor, step.status, got, step.want)
			}
		}
		other := mackerel.Alert{Status: "ok", Monitor: mackerel.Monitor{ID: "m"}} // without an id there is no log
		if before := len(w.Requests()); w.tell(t, other) != "e f" || len(w.Requests()) != before {
			t.Errorf("%q was told after %d requests", w.told, len(w.Requests())-before)
		}
		if p, err := w.router.Plan(t.Context(), oneAlert("m2", "", "critical")); err != nil || !strings.Contains(p.Reason, "no channel is below them") {
			t.Errorf("%v, %+v", err, p)
		}
	})
}

func TestAskChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		groups := []string{
			group("parent", "all", "child bundle listing serving", "p", "m!", ""), group("child", "all", "", "c", "other", ""),
			group("bundle", "all", "", "b", "", ""), group("listing", "all", "", "l", "m", ""), group("serving", "all", "", "s", "", "Shop"),
		}
		for asks, want := range map[bool]string{false: "b c l p s", true: "b l p s"} {
			w := startWith(t, route.MackerelConfig{AskChildren: asks}, "p c b l s", groups...)
			withoutDefault(t, w)
			if got := w.tell(t, oneAlert("m", "Shop", "critical")); got != want {
				t.Errorf("asking is %t: %q, want %q", asks, got, want)
			}
		}
	})
}

// After a restart a recovery is told to a critical group if Mackerel's log has a severe status, or cannot be read.
func TestARecoveryOfUnknownHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "e", group("critical", "critical", "", "e", "m1 m2 m3 m4", ""))
		withoutDefault(t, w)
		w.AddAlert(`{"id":"5m1","monitorId":"m1","status":"WARNING"}`)
		w.AddAlert(`{"id":"5m2","monitorId":"m2","status":"CRITICAL"}`)
		w.AddAlert(`{"id":"5m4","monitorId":"m4","status":"OK"}`)
		for monitor, want := range map[string]string{"m1": "", "m2": "e", "m3": "e", "m4": ""} {
			if got := w.tell(t, oneAlert(monitor, "", "ok")); got != want {
				t.Errorf("%s: %q, want %q", monitor, got, want)
			}
		}
	})
}

// A webhook has no id of the monitor.
func TestTheMonitorOfAWebhookIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "b c", group("exclusive", "all", "", "b", "m!", ""))
		w.AddAlert(`{"id":"5m","monitorId":"m"}`)
		a := oneAlert("m", "", "critical")
		a.Monitor.ID = ""
		for range 3 {
			if got := w.tell(t, a); got != "b" {
				t.Errorf("%q was told", got)
			}
		}
		calls := 0
		for _, r := range w.Requests() {
			if r.Path == "/api/v0/alerts" {
				calls++
			}
		}
		if calls != 1 {
			t.Errorf("%d requests", calls)
		}
		a.ID = "5unknown"
		if got := w.tell(t, a); got != "b c" || len(w.problems) != 1 {
			t.Errorf("%q was told of an alert whose monitor is not known, with %v", got, w.problems)
		}
	})
}

func TestChannelsThatAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "")
		w.AddChannel(`{"id":"feed","name":"feed","type":"webhook","url":"https://x.test/","events":["alert"]}`)
		w.AddChannel(`{"id":"s","name":"suspended","type":"chatwork","suspendedAt":1767225600}`)
		w.AddChannel(`{"id":"n","name":"no alerts","type":"slack","url":"https://x.test/","events":["hostStatus","alertGroup"]}`)
		w.AddChannel(`{"id":"m","name":"mail","type":"email","emails":["a@x.test"],"userIds":[],"events":["alertGroup"]}`)
		w.AddChannel(`{"id":"y","name":"alerts","type":"slack","url":"https://x.test/","events":["alert","monitor"]}`)
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "alerts" {
			t.Errorf("%q was told", got)
		}
		p, err := w.router.Plan(t.Context(), oneAlert("m", "", "critical"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"feed (webhook): not told, by Default: it leads here", "suspended (chatwork): not told, by Default: Mackerel has suspended it", "no alerts (slack): not told, by Default: it does not subscribe to alerts", "alerts (slack): told, by Default"} {
			if !strings.Contains(p.String(), "- "+want+"\n") {
				t.Errorf("%q is not in\n%s", want, p)
			}
		}
		p, err = w.router.Plan(t.Context(), mackerel.Alert{Event: mackerel.EventHostStatus, Status: "ok"})
		if err != nil || len(p.Channels) != 1 || !strings.Contains(p.Reason, "go to the channels that subscribe to them") {
			t.Errorf("%v\n%s", err, p)
		}
		for event, want := range map[mackerel.Event]string{
			mackerel.EventHostStatus: "no alerts", mackerel.EventAlertGroup: "mail no alerts", mackerel.EventMonitorUpdate: "alerts", mackerel.EventHostRetire: "", mackerel.EventSample: "",
		} {
			if got := w.tell(t, mackerel.Alert{Event: event, Status: "ok"}); got != want {
				t.Errorf("%s: %q, want %q", event, got, want)
			}
		}
	})
}

// A channel without credentials is a failure of each alert, and a channel that is delivered elsewhere is not.
func TestChannelsWithoutCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *town
		elsewhere := 0
		w = startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
			switch c.Name {
			case "a":
				return nil, errors.New("no token for room a")
			case "b":
				elsewhere++
				return nil, fmt.Errorf("%w: by Mackerel", route.ErrElsewhere)
			case "c":
				return nil, nil
			}
			return w.resolve(c)
		}}, "a b c d")
		err := w.router.Notify(t.Context(), oneAlert("m", "", "critical"))
		failures := mackerel.Failures(err)
		if len(failures) != 2 || len(w.told) != 1 || !errors.Is(err, mackerel.ErrConfig) || !strings.Contains(err.Error(), "no token for room a") {
			t.Errorf("%v; %q was told", err, w.told)
		}
		if !strings.HasSuffix(err.Error(), "channel c: resolve channel: the function Resolve returned no notifier (invalid configuration)") {
			t.Errorf("got %v", err)
		}
		if _, again := mackerel.Retry(err); again {
			t.Error("it may be repeated")
		}
		for range 3 {
			_ = w.router.Notify(t.Context(), oneAlert("m", "", "critical"))
		}
		if w.resolved != 1 || elsewhere != 1 {
			t.Errorf("d was resolved %d times, b %d times", w.resolved, elsewhere)
		}
		if got := fmt.Sprint(failures[0].Notifier); got != "channel a" {
			t.Errorf("the notifier is %q", got)
		}
		p, err := w.router.Plan(t.Context(), oneAlert("m", "", "critical"))
		for _, want := range []string{"a (chatwork): not told, by Default: no token for room a", "b (chatwork): not told, by Default: "} {
			if err != nil || !strings.Contains(p.String(), "- "+want) || !strings.Contains(p.String(), "by Mackerel") {
				t.Errorf("%v\n%s", err, p)
			}
		}
	})
}

func TestPolledAlertsOfSilentHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWith(t, route.MackerelConfig{Polled: true}, "a")
		a := oneAlert("m", "Shop", "critical")
		for status, want := range map[string]string{"working": "a", "": "a", "standby": "", "maintenance": "", "poweroff": ""} {
			a.Host.Status = status
			if got := w.tell(t, a); got != want {
				t.Errorf("%s: %q", status, got)
			}
		}
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" {
			t.Errorf("%q was told of an alert without a host", got)
		}
		a.Host.Status, a.Event = "standby", mackerel.EventAlert
		if got := w.tell(t, a); got != "" {
			t.Errorf("%q was told of an event about a host in standby", got)
		}
		muted := mackerel.Alert{Event: mackerel.EventMonitorUpdate, Monitor: mackerel.Monitor{Muted: true}}
		if p, err := w.router.Plan(t.Context(), muted); err != nil || strings.Contains(p.Reason, "muted") {
			t.Errorf("%v, %+v", err, p)
		}
		if got := start(t, "a").tell(t, a); got != "a" {
			t.Errorf("%q was told of what Mackerel has sent", got)
		}
		a.Host.Status, a.Monitor.Muted = "working", true
		r, err := w.router.Deliver(t.Context(), a)
		if err != nil || !strings.Contains(r.Skipped, "the monitor is muted") {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestTheSampleGoesToNoChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		w.AddChannel(`{"id":"b","name":"b","type":"webhook","url":"https://example.com","events":["alert","monitor"]}`)
		r, err := w.router.Deliver(t.Context(), mackerel.Alert{Event: mackerel.EventSample})
		if err != nil || !strings.Contains(r.Skipped, "the sample of the Test button") || len(w.told) != 0 {
			t.Errorf("%+v, %v, told %q", r, err, w.told)
		}
	})
}

// Groups are read once in a minute, whatever comes, and the last copy stays in use.
func TestSettingsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		lists := func() (n int) {
			for _, r := range w.Requests() {
				if strings.HasSuffix(r.Path, "/notification-groups") {
					n++
				}
			}
			return n
		}
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { _ = w.router.Notify(t.Context(), oneAlert("m", "", "critical")) })
		}
		all.Wait()
		if n := lists(); n != 1 || len(w.told) != 200 {
			t.Errorf("%d readings, %d told", n, len(w.told))
		}
		time.Sleep(59 * time.Second)
		w.AddChannel(`{"id":"b","name":"b","type":"chatwork"}`)
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" {
			t.Errorf("before a minute: %q", got)
		}
		time.Sleep(time.Second)
		w.Inject(fakehttp.Fault{Status: http.StatusForbidden, Times: 1})
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" || len(w.problems) != 1 {
			t.Errorf("after a failed reading: %q, %v", got, w.problems)
		}
		time.Sleep(time.Minute)
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a b" {
			t.Errorf("after a minute: %q", got)
		}
	})
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		w.Inject(fakehttp.Fault{Status: http.StatusForbidden, Times: -1})
		err := w.router.Notify(t.Context(), oneAlert("m", "", "critical"))
		if !errors.Is(err, mackerel.ErrUnauthorized) || len(w.told) != 0 {
			t.Errorf("%v, %q was told", err, w.told)
		}
	})
}

func TestOddSettingsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a", group("g", "loud", "nowhere g", "none a", "m", ""))
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" || len(w.problems) != 3 {
			t.Errorf("%q, %v", got, w.problems)
		}
	})
}

func TestFromMackerelChecksItsConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := route.FromMackerel(route.MackerelConfig{Refresh: -1})
		var e *mackerel.Error
		if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrConfig) || strings.Count(e.Message, ";") != 3 {
			t.Errorf("%v", err)
		}
		polled := route.MackerelConfig{Client: start(t, "").client(t), Polled: true, Resolve: new(town).resolve}
		if _, err := route.FromMackerel(polled); err != nil {
			t.Errorf("polled alerts need no feeding channel: %v", err)
		}
		if err := new(route.Router).Notify(t.Context(), mackerel.Alert{}); !errors.Is(err, mackerel.ErrConfig) {
			t.Errorf("the zero Router: %v", err)
		}
	})
}

// The alerts of a digest go where each would go by itself. What keeps incidents is told each by itself.
func TestADigestIsRouted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lock sync.Mutex
		var told []string
		tell := func(what string) error {
			lock.Lock()
			defer lock.Unlock()
			told = append(told, what)
			return nil
		}
		note := func(name string) mackerel.Notifier {
			return mackerel.NotifierFunc(func(_ context.Context, a mackerel.Alert) error { return tell(name + ": " + a.Title()) })
		}
		broken := true
		pager := &pagers{tell: func(a mackerel.Alert) error {
			if broken && a.ID == "5m2" && a.Status == "critical" {
				return &mackerel.Error{Provider: "pager", Kind: mackerel.ErrUnavailable}
			}
			return tell("pager: " + a.ID + " " + string(a.Status))
		}}
		w := startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
			if c.Name == "a" {
				return mackerel.Multi(note("x"), note("y")), nil // cannot be the key of a map
			}
			if c.Name == "p" {
				return pager, nil
			}
			return note(c.Name), nil
		}}, "a b p", group("one", "all", "", "a p", "m1! m2!", ""), group("two", "all", "", "b", "m3!", ""))
		digest := mackerel.Digest([]mackerel.Alert{
			oneAlert("m1", "", "critical"), oneAlert("m2", "", "critical"), oneAlert("m3", "", "critical"), oneAlert("m2", "", "ok"),
		})
		err := w.router.Notify(t.Context(), digest)
		slices.Sort(told)
		three := mackerel.Digest([]mackerel.Alert{digest.Alerts[0], digest.Alerts[1], digest.Alerts[3]}).Title()
		want := []string{"b: [CRITICAL] m3", "pager: 5m1 critical", "x: " + three, "y: " + three}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		failures := mackerel.Failures(err)
		if _, again := mackerel.Retry(err); !again || len(failures) != 1 {
			t.Fatal(err)
		}
		told, broken = nil, false
		if err := failures[0].Notifier.Notify(t.Context(), digest); err != nil {
			t.Error(err)
		}
		if got := strings.Join(told, ", "); got != "pager: 5m2 critical, pager: 5m2 ok" {
			t.Errorf("the repeat told %s", got)
		}
	})
}

// pagers keep incidents.
type pagers struct{ tell func(mackerel.Alert) error }

func (p *pagers) Notify(_ context.Context, a mackerel.Alert) error { return p.tell(a) }
func (*pagers) Keyed() bool                                        { return true }

// The close of an alert goes where its opening went, whatever has changed since.
func TestTheCloseFollowsTheOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a b", group("team", "all", "", "a", "", "Shop"))
		withoutDefault(t, w)
		opened := oneAlert("m", "Shop", "critical")
		if got := w.tell(t, opened); got != "a" {
			t.Fatalf("%q was told", got)
		}
		opened.Event = mackerel.EventAlert
		closed := oneAlert("m", "Blog", "ok") // the host has another role
		closed.Event = mackerel.EventAlert
		if got := w.tell(t, closed); got != "a" {
			t.Errorf("%q was told of the close", got)
		}
		p, err := w.router.Plan(t.Context(), closed)
		if err != nil || !strings.Contains(p.String(), "- a (chatwork): told: it was told of the open alert\n") {
			t.Errorf("%v\n%s", err, p)
		}
		other := oneAlert("m2", "Blog", "ok")
		if got := w.tell(t, other); got != "" {
			t.Errorf("%q was told of another close", got)
		}
		event := mackerel.Alert{ID: "5m", Event: mackerel.EventHostStatus, Status: "ok"}
		if got := w.tell(t, event); got != "" {
			t.Errorf("%q was told of another event", got)
		}
	})
}

// What Resolve fails to make is made with the next alert.
func TestResolveIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *town
		tries := 0
		w = startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
			if tries++; tries == 1 {
				return nil, &mackerel.Error{Provider: "vault", Kind: mackerel.ErrUnavailable}
			}
			return w.resolve(c)
		}}, "a")
		err := w.router.Notify(t.Context(), oneAlert("m", "", "critical"))
		if _, again := mackerel.Retry(err); !errors.Is(err, mackerel.ErrConfig) || !errors.Is(err, mackerel.ErrUnavailable) || again {
			t.Errorf("%v, repeat: %t", err, again)
		}
		for range 2 {
			if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" {
				t.Errorf("%q was told", got)
			}
		}
		if tries != 2 {
			t.Errorf("%d tries", tries)
		}
	})
}

// An alert does not wait for Mackerel longer than 5 s if there is a copy of the settings.
func TestSettingsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		w.tell(t, oneAlert("m", "", "critical"))
		time.Sleep(time.Minute)
		w.Inject(fakehttp.Fault{Break: fakehttp.Silence, Times: -1})
		begin := time.Now()
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" || time.Since(begin) != 5*time.Second || len(w.problems) != 1 {
			t.Errorf("%q was told after %v; %v", got, time.Since(begin), w.problems)
		}
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a" || time.Since(begin) != 5*time.Second {
			t.Errorf("the next: %q was told after %v", got, time.Since(begin))
		}
		time.Sleep(time.Minute)
		begin = time.Now()
		var all sync.WaitGroup
		for i := range 2 { // the second does not wait for the first
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				if err := w.router.Notify(t.Context(), oneAlert("m", "", "critical")); err != nil || time.Since(begin) != []time.Duration{5 * time.Second, time.Second}[i] {
					t.Errorf("%d: %v after %v", i, err, time.Since(begin))
				}
			})
		}
		all.Wait()
	})
}

// Monitors are looked for with one request a second: the newest alerts, then the alert itself.
func TestTheMonitorOfAnOldAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "b c", group("exclusive", "all", "", "b", "m!", ""))
		w.AddAlert(`{"id":"5old","monitorId":"m","openedAt":1}`)
		for i := range 120 {
			w.AddAlert(fmt.Sprintf(`{"id":"5-%d","monitorId":"m","openedAt":%d}`, i, 1000+i))
		}
		a := mackerel.Alert{ID: "5old", Status: "critical"}
		begin, before := time.Now(), len(w.Requests())
		if got := w.tell(t, a); got != "b" || time.Since(begin) != 3*time.Second {
			t.Errorf("%q was told after %v", got, time.Since(begin))
		}
		if n := len(w.RequestsSince(before)); n != 4 { // groups, channels, the newest alerts, the alert
			t.Errorf("%d requests", n)
		}
		time.Sleep(10 * time.Second)
		a.ID, begin, before = "5missing", time.Now(), len(w.Requests())
		for range 3 {
			if got := w.tell(t, a); got != "b c" {
				t.Errorf("%q was told", got)
			}
		}
		if n, took := len(w.RequestsSince(before)), time.Since(begin); n != 2 || took != time.Second || len(w.problems) != 3 {
			t.Errorf("%d requests in %v for an alert that does not exist", n, took)
		}
		time.Sleep(time.Minute)
		w.AddAlert(`{"id":"5missing","monitorId":"m"}`)
		if got := w.tell(t, a); got != "b" {
			t.Errorf("a minute later %q was told", got)
		}
	})
}

// Many alerts at once share requests, also if these take long.
func TestTheMonitorsOfAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "b c", group("exclusive", "all", "", "b", "m!", ""))
		for i := range 100 {
			w.AddAlert(fmt.Sprintf(`{"id":"5-%d","monitorId":"m"}`, i))
		}
		w.Inject(fakehttp.Fault{Path: "/api/v0/alerts", Delay: 1500 * time.Millisecond})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if err := w.router.Notify(t.Context(), mackerel.Alert{ID: fmt.Sprintf("5-%d", i), Status: "critical"}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(w.Requests()); n != 3 || len(w.told) != 100 {
			t.Errorf("%d requests, %d told", n, len(w.told))
		}
	})
}

// A warning that came without the time of its change may have been critical before.
func TestARecoveryAfterAWarningOfUnknownHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "e", group("critical", "critical", "", "e", "m", ""))
		withoutDefault(t, w)
		w.AddAlert(`{"id":"5m","monitorId":"m","status":"CRITICAL"}`)
		a := oneAlert("m", "", "warning")
		a.OpenedAt = time.Unix(1000, 0)
		w.tell(t, a)
		a.Status = "ok"
		if got := w.tell(t, a); got != "e" {
			t.Errorf("%q was told", got)
		}
	})
}

// The default group has no monitors for itself, whatever Mackerel lists.
func TestTheDefaultGroupIsNotExclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a b", group("team", "all", "", "b", "m", ""))
		withoutDefault(t, w)
		w.Inject(fakehttp.Fault{Status: 200, Body: `{"notificationGroups":[
		{"id":"d","type":"group-default","name":"Default","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":["a"],"monitors":[{"id":"m","skipDefault":true}]},` +
			group("team", "all", "", "b", "m", "") + `]}`})
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a b" {
			t.Errorf("%q was told", got)
		}
	})
}

// The paths of children are their own.
func TestPathsOfAPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "x y z", group("a", "all", "b", "", "m", ""), group("b", "all", "c", "", "", ""), group("c", "all", "d e", "", "", ""),
			group("d", "all", "", "x y", "", ""), group("e", "all", "", "z", "", ""))
		withoutDefault(t, w)
		p, err := w.router.Plan(t.Context(), oneAlert("m", "", "critical"))
		if err != nil || p.String() != "[CRITICAL] m\ngroups: Default, a\n- x (chatwork): told, by a > b > c > d\n- y (chatwork): told, by a > b > c > d\n- z (chatwork): told, by a > b > c > e\n" {
			t.Errorf("%v\n%s", err, p)
		}
	})
}

// A channel that was changed has another notifier.
func TestAChangedChannelIsResolvedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "")
		w.AddChannel(`{"id":"s","name":"before","type":"slack","url":"https://x.test/","mentions":{},"enabledGraphImage":false,"events":["alert"]}`)
		w.tell(t, oneAlert("m", "", "critical"))
		client := w.client(t)
		c, err := client.GetChannel(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		c.Name = "after"
		if _, err := client.UpdateChannel(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "after" || w.resolved != 2 {
			t.Errorf("%q was told, %d resolved", got, w.resolved)
		}
	})
}

// Of a digest, recipients who did not get a mail are told the alerts of their channel again.
func TestARepeatOfAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := new(bell)
		var ids []string
		w := startWith(t, route.MackerelConfig{Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
			if c.Name == "a" {
				return &partial{err: &mackerel.DeliveryError{Notifier: again, Err: unavailable}}, nil
			}
			return &pagerWithIDs{&ids}, nil
		}}, "a p", group("one", "all", "", "a", "m1!", ""), group("two", "all", "", "p", "m2! m3!", ""))
		digest := mackerel.Digest([]mackerel.Alert{oneAlert("m1", "", "critical"), oneAlert("m2", "", "critical"), oneAlert("m3", "", "critical")})
		err := w.router.Notify(mackerel.WithDeliveryID(t.Context(), "d"), digest)
		for _, f := range mackerel.Failures(err) {
			if err := f.Notifier.Notify(t.Context(), digest); err != nil {
				t.Error(err)
			}
		}
		if len(again.told) != 1 || again.told[0] != "[CRITICAL] m1" {
			t.Errorf("%v; told again: %q", err, again.told)
		}
		if len(ids) != 2 || ids[0] == ids[1] || ids[0] == "" {
			t.Errorf("the deliveries are %q", ids)
		}
	})
}

// pagerWithIDs keeps incidents, and notes the ids of deliveries.
type pagerWithIDs struct{ ids *[]string }

func (p *pagerWithIDs) Notify(ctx context.Context, _ mackerel.Alert) error {
	*p.ids = append(*p.ids, mackerel.DeliveryID(ctx))
	return nil
}
func (*pagerWithIDs) Keyed() bool { return true }

// The budget of Mackerel's API is for all: groups, channels, monitors and logs.
func TestOneRequestASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "b c", group("exclusive", "critical", "", "b", "m!", ""))
		for i := range 200 {
			w.AddAlert(fmt.Sprintf(`{"id":"5-%d","monitorId":"m","status":"CRITICAL"}`, i))
		}
		begin := time.Now()
		for range 3 {
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() {
					a := mackerel.Alert{ID: fmt.Sprintf("5-%d", i), Status: "ok", Monitor: mackerel.Monitor{ID: "m"}}
					if err := w.router.Notify(t.Context(), a); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			time.Sleep(time.Minute)
		}
		if len(w.told) != 600 {
			t.Errorf("%d told", len(w.told))
		}
		if n, seconds := len(w.Requests()), int(time.Since(begin).Seconds()); n < 9 || n > seconds {
			t.Errorf("%d requests in %d s", n, seconds)
		}
	})
}

// A plan is a question. It changes nothing.
func TestAPlanIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "c", group("critical", "critical", "", "c", "m", ""))
		withoutDefault(t, w)
		a := oneAlert("m", "", "warning")
		a.OpenedAt = time.Unix(1000, 0)
		a.ChangedAt = a.OpenedAt
		w.tell(t, a)
		severe := oneAlert("m", "", "critical")
		if p, err := w.router.Plan(t.Context(), severe); err != nil || len(p.Channels) != 1 {
			t.Fatalf("%v %v", p, err)
		}
		if got := w.tell(t, oneAlert("m", "", "ok")); got != "" {
			t.Errorf("%q was told of the recovery of what was never critical", got)
		}
	})
}

// An organization that suspends its channels tells them by its own program.
func TestTellSuspended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWith(t, route.MackerelConfig{TellSuspended: true}, "a")
		w.AddChannel(`{"id":"s","name":"suspended","type":"chatwork","suspendedAt":1767225600}`)
		if got := w.tell(t, oneAlert("m", "", "critical")); got != "a suspended" {
			t.Errorf("%q was told", got)
		}
	})
}

// Mackerel may have events that this module does not know.
func TestAnUnknownEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, "a")
		for name, events := range map[string]string{"alerts": `"alert"`, "hosts": `"hostRetire"`, "new": `"moonPhase"`} {
			w.AddChannel(fmt.Sprintf(`{"id":%q,"name":%q,"type":"webhook","url":"https://example.com/","events":[%s]}`, name, name, events))
		}
		if got := w.tell(t, mackerel.Alert{Event: "moonPhase", Message: "full"}); got != "a alerts new" {
			t.Errorf("%q was told", got)
		}
		if got := w.tell(t, mackerel.Alert{Event: mackerel.EventHostRetire}); got != "hosts" {
			t.Errorf("%q was told of a known event", got)
		}
	})
}
