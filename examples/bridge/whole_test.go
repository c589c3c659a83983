package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/route"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// states is how many states of alerts TestTheWhole posts.
var states = flag.Int("states", 400, "how many states of alerts are posted")

const (
	clients       = 32
	childVariable = "BRIDGE_TEST_CONFIG" // the configuration file of the bridge in a process of its own
	password      = "whole-test-password"
)

// TestMain runs the bridge instead of the tests if the variable is set. The bridge is a process of its own, so that its
// memory is measured and not that of the fakes, which keep every request.
func TestMain(m *testing.M) {
	name := os.Getenv(childVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := child(name); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
}

func child(name string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	c, err := settings.Read(name, content, os.LookupEnv, mackerel.CallOptions{Pace: mackerel.Unpaced})
	if err != nil {
		return err
	}
	b, err := newBridge(c, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	return b.serve(ctx, listener)
}

// A spot is a channel of Mackerel's and the fake that it leads to.
type spot struct {
	id, name string
	fake     *fakehttp.Server // nil if the bridge has no credentials
	match    string           // is in the path or the body of each request for this channel; "" if the fake has one channel only
	service  string           // and its settings, for the configuration
	settings map[string]any
}

// A town is an organization with the fakes of its services.
type town struct {
	*mackereltest.Server
	spots []spot
	fakes []*fakehttp.Server
}

// newTown makes an organization of 40 channels and 12 groups.
func newTown(t *testing.T) *town {
	w := &town{Server: mackereltest.New()}
	t.Cleanup(w.Close)
	w.AddChannel(`{"id":"feed","name":"bridge","type":"webhook","url":"https://bridge.example.com/","events":["alert"]}`)
	w.AddChannel(`{"id":"mail","name":"mail","type":"email","emails":["a@example.com"],"userIds":[],"events":["alert"]}`)
	w.AddChannel(`{"id":"own","name":"own slack","type":"slack","url":"https://hooks.slack.com/x","events":["alert"]}`)
	w.AddChannel(`{"id":"off","name":"off","type":"chatwork","suspendedAt":1767225600}`)
	w.add(spot{id: "genie", name: "genie"}, "opsgenie")
	w.addRooms()
	for range 7 {
		s := slacktest.New()
		w.add(spot{fake: w.keep(t, s.Server), service: "slack", settings: map[string]any{"url": s.Config().URL.Reveal()}}, "line")
	}
	for range 7 {
		s := webhooktest.New()
		w.add(spot{fake: w.keep(t, s.Server), service: "webhook", settings: map[string]any{"url": s.Config().URL.Reveal()}}, "webhook")
	}
	for _, s := range []*fakehttp.Server{w.spots[1].fake, w.spots[9].fake, w.spots[15].fake} {
		w.keep(t, s)
	}
	w.addGroups(t)
	return w
}

func (w *town) keep(t *testing.T, s *fakehttp.Server) *fakehttp.Server {
	w.fakes = append(w.fakes, s)
	t.Cleanup(s.Close)
	return s
}

// add adds a channel. The configuration has every second channel by its name.
func (w *town) add(s spot, kind string) {
	s.id = cmp.Or(s.id, fmt.Sprintf("c%02d", len(w.spots)))
	s.name = cmp.Or(s.name, "channel "+s.id)
	w.spots = append(w.spots, s)
	w.AddChannel(fmt.Sprintf(`{"id":%q,"name":%q,"type":%q,"url":"https://x.example.com/","events":["alert"]}`, s.id, s.name, kind))
}

// addRooms adds the channels whose fakes have several channels.
func (w *town) addRooms() {
	chatwork, twilio, pagerduty := chatworktest.New(), twiliotest.New(), pagerdutytest.New()
	for i := range 8 {
		room := chatwork.AddRoom(chatworktest.Room{
			RoomID: int64(7000 + i), Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleAdmin},
		})
		w.add(spot{
			fake: chatwork.Server, match: fmt.Sprintf("/rooms/%d/", room), service: "chatwork",
			settings: map[string]any{"token": chatworktest.Token, "room_id": room, "base_url": chatwork.Config().BaseURL},
		}, "chatwork")
	}
	for i := range 6 {
		to := fmt.Sprintf("8190000000%02d", i)
		w.add(spot{fake: twilio.Server, match: to, service: "twilio", settings: map[string]any{
			"kind": "sms", "account_sid": twiliotest.AccountSID, "auth_token": twiliotest.AuthToken, "from": twiliotest.From,
			"to": "+" + to, "base_url": twilio.URL(),
		}}, "twilio")
	}
	for i := range 7 {
		key := fmt.Sprintf("routingkey%022d", i)
		pagerduty.AddToken(key)
		w.add(spot{
			fake: pagerduty.Server, match: key, service: "pagerduty",
			settings: map[string]any{"routing_key": key, "base_url": pagerduty.URL()},
		}, "pagerduty")
	}
}

// addGroups adds groups with and without monitors, services, levels and children; two lead to each other.
func (w *town) addGroups(t *testing.T) {
	group := func(id, level, services, monitors, channels, children string) {
		w.AddNotificationGroup(fmt.Sprintf(`{"id":%q,"name":%q,"notificationLevel":%q,"services":[%s],"monitors":[%s],`+
			`"childChannelIds":[%s],"childNotificationGroupIds":[%s]}`, id, id, level, services, monitors, channels, children))
	}
	group("shop", "all", `{"name":"Shop"}`, "", `"c01","c09","c15","c22"`, "")
	group("blog", "critical", `{"name":"Blog"}`, "", `"c02","c10","c16","c23","c29"`, "")
	group("lone", "all", "", `{"id":"m0","skipDefault":true}`, `"feed","c03","c11","c30"`, `"night"`)
	group("night", "critical", "", "", `"c12","c17","genie"`, "")
	group("loop", "all", `{"name":"Loop"}`, "", `"c04","c24"`, `"pool"`)
	group("pool", "all", "", "", `"c18","c31"`, `"loop"`)
	group("disk", "all", "", `{"id":"m1","skipDefault":false}`, `"c05","c13","c19","c25","c32"`, "")
	group("both", "critical", `{"name":"Shop"},{"name":"Blog"}`, `{"id":"m2","skipDefault":false}`, `"c06","c20","c26"`, `"deep"`)
	group("deep", "all", "", "", `"c14","c33","own"`, "")
	group("last", "all", `{"name":"Last"}`, "", `"c07","c21","c27","c34","off"`, "")
	group("idle", "all", `{"name":"Nothing"}`, "", `"c08"`, "")
	client, err := mackerel.NewClient(w.Config())
	if err != nil {
		t.Fatal(err)
	}
	groups, err := client.ListNotificationGroups(t.Context())
	if err != nil || len(groups) != 12 || len(w.Channels()) != 40 {
		t.Fatalf("%v, %d groups, %d channels", err, len(groups), len(w.Channels()))
	}
	groups[0].ChildChannelIDs = []string{"feed", "mail", "c08", "c28", "c35"}
	if _, err := client.UpdateNotificationGroup(t.Context(), groups[0]); err != nil {
		t.Fatal(err)
	}
}

// configure writes the configuration, and returns the names of its channels by their ids.
func (w *town) configure(t *testing.T) (file string, names map[string]string) {
	channels := make(map[string]any)
	names = map[string]string{"genie": "genie"}
	for i, s := range w.spots {
		if s.fake != nil {
			names[s.id] = []string{s.id, s.name}[i%2]
			channels[names[s.id]] = map[string]any{s.service: s.settings}
		}
	}
	content, err := json.Marshal(map[string]any{
		"listen": "127.0.0.1:0", "user": "mackerel", "password": "${WEBHOOK_PASSWORD}", "api_key": mackereltest.APIKey,
		"api_url": w.URL(), "feeding_channel": "feed", "channels": channels,
	})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "bridge.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, names
}

// A process is the bridge.
type process struct {
	cmd     *exec.Cmd
	address string
	log     bytes.Buffer // complete when ended is closed
	ended   chan struct{}
}

// startProcess starts the bridge and waits until it listens.
func startProcess(t *testing.T, config string) *process {
	p := &process{cmd: exec.Command(os.Args[0], "-test.run=^$"), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+config, "WEBHOOK_PASSWORD="+password)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it has ended unless the test failed
	listening := make(chan string, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.log.Write(append(lines.Bytes(), '\n'))
			var e entry
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.Address != "" {
				listening <- e.Address
			}
		}
	}()
	select {
	case p.address = <-listening:
	case <-p.ended:
		t.Fatalf("the bridge does not start:\n%s", &p.log)
	}
	return p
}

// stop stops the bridge as systemd does.
func (p *process) stop(t *testing.T) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the bridge ends with %v:\n%s", err, &p.log)
	}
}

// memory returns the resident memory of the bridge in KiB, 0 if the system does not say.
func (p *process) memory() int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest + " 0")[0])
	if err != nil {
		return 0
	}
	return n
}

// An entry is a line of the log.
type entry struct {
	Msg     string
	Address string
	Alert   string // its title
	Problem string
	To      struct{ Notifier string }
}

// A state is a state of an alert.
type state struct {
	marker string // of the state, in the name of the host, which every message has
	id     string // of the alert
	body   string
	alert  mackerel.Alert // with its monitor
	status int            // of the answer
	took   time.Duration
}

var courses = [][]string{{"warning", "critical", "warning", "ok"}, {"critical", "ok"}, {"warning", "ok"}, {"unknown", "critical", "ok"}}

// newStates returns states, by alert.
func newStates(t *testing.T, n int) (alerts [][]*state) {
	for a := 0; n > 0; a++ {
		var course []*state
		for i, status := range courses[a%len(courses)] {
			s := &state{marker: fmt.Sprintf("m%05dx%d", a, i), id: fmt.Sprintf("5A%05d", a)}
			opened, closed := 1767225600+a, "null"
			if status == "ok" {
				closed = strconv.Itoa(opened + 60*i)
			}
			service := []string{"Shop", "Blog", "Loop", "Last", "Other"}[a%5]
			s.body = fmt.Sprintf(`{"event":"alert","type":"host","orgName":"acme","host":{"id":"4H","name":%q,"status":"working",`+
				`"roles":[{"fullname":"%s: app"}]},"alert":{"id":%q,"monitorName":"CPU","status":%q,"isOpen":%t,"trigger":"monitor",`+
				`"openedAt":%d,"statusChangedAt":%d,"closedAt":%s}}`, s.marker, service, s.id, status, status != "ok", opened, opened+60*i, closed)
			var err error
			if s.alert, err = mackerel.ParseWebhook([]byte(s.body)); err != nil {
				t.Fatal(err)
			}
			s.alert.Monitor.ID = fmt.Sprintf("m%d", a%7)
			course = append(course, s)
			n--
		}
		alerts = append(alerts, course)
	}
	return alerts
}

// A storm posts states while services fail.
type storm struct {
	*town
	process *process
	http    http.Client

	mu      sync.Mutex
	rand    *rand.Rand
	handled int // faults after which a message may come twice
	faults  int
}

// mishaps are what happens to services now and then.
var mishaps = []fakehttp.Fault{
	{Status: 429, Header: http.Header{"Retry-After": {"1"}}}, {Status: 500}, {Break: fakehttp.ResetConnection},
	{Status: 500, Handled: true}, {Break: fakehttp.ResetConnection, Handled: true},
}

func (w *storm) mishap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rand.IntN(3) > 0 {
		return
	}
	f := mishaps[w.rand.IntN(len(mishaps))]
	w.fakes[w.rand.IntN(len(w.fakes))].Inject(f)
	if w.faults++; f.Handled {
		w.handled++
	}
}

// post posts the states of an alert, as Mackerel changes the alert.
func (w *storm) post(t *testing.T, course []*state) {
	for i, s := range course {
		status := strings.ToUpper(string(s.alert.Status))
		if i == 0 {
			w.AddAlert(fmt.Sprintf(`{"id":%q,"monitorId":%q,"status":%q}`, s.id, s.alert.Monitor.ID, status))
		} else {
			w.SetAlertStatus(s.id, status)
		}
		w.mishap()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.process.address, strings.NewReader(s.body))
		if err != nil {
			t.Error(err)
			return
		}
		request.SetBasicAuth("mackerel", password)
		request.Header.Set("Content-Type", "application/json")
		start := time.Now()
		response, err := w.http.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		response.Body.Close()
		s.status, s.took = response.StatusCode, time.Since(start)
	}
}

// rage posts all states from 32 clients, and returns the memory of the bridge after half of them.
func (w *storm) rage(t *testing.T, alerts [][]*state) (half int) {
	work := make(chan []*state)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for course := range work {
				w.post(t, course)
			}
		})
	}
	for i, course := range alerts {
		if work <- course; i == len(alerts)/2 {
			half = w.process.memory()
		}
	}
	close(work)
	all.Wait()
	return half
}

// TestTheWhole posts states of alerts to the bridge, as Mackerel does, while services fail. Every state reaches every
// channel of the plan, or is reported.
//
//	go test ./examples/bridge -run TestTheWhole -v -states 5000
func TestTheWhole(t *testing.T) {
	t.Parallel()
	organization := newTown(t)
	file, names := organization.configure(t)
	before := len(organization.Requests())
	w := &storm{
		town: organization, process: startProcess(t, file), rand: rand.New(rand.NewPCG(1, 2)),
		http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
	}
	alerts := newStates(t, *states)
	start := time.Now()
	half := w.rage(t, alerts)
	took, end := time.Since(start), w.process.memory()
	w.process.stop(t)
	requests := w.RequestsSince(before)
	checkPace(t, requests)
	o := w.outcome(t, names)
	o.check(t, w, alerts, w.plans(t, file, alerts))
	// A short run ends before the heap has its size.
	if *states >= 2000 && half > 0 && end > half+half/4 {
		t.Errorf("the memory grows from %d KiB to %d KiB", half, end)
	}
	if o.again > w.handled {
		t.Errorf("%d messages came twice, and only %d answers were lost", o.again, w.handled)
	}
	var times []time.Duration
	for s := range slices.Values(slices.Concat(alerts...)) {
		times = append(times, s.took)
	}
	slices.Sort(times)
	t.Logf("%d states of %d alerts in %v; %d faults, of which %d lost an answer", len(times), len(alerts), took.Round(time.Millisecond), w.faults, w.handled)
	t.Logf("answers: %v; median %v, p99 %v, longest %v", o.answers, times[len(times)/2], times[len(times)*99/100], times[len(times)-1])
	t.Logf("%d messages planned, %d arrived, %d of them again, %d reported as not delivered, %d alerts routed without their monitor",
		o.planned, o.arrived, o.again, o.reported, len(o.problems))
	t.Logf("%d requests to Mackerel; memory of the bridge %d KiB after half, %d KiB at the end", len(requests), half, end)
}

// checkPace looks for requests to Mackerel that are less than a second apart.
func checkPace(t *testing.T, requests []fakehttp.Request) {
	for i := 1; i < len(requests); i++ {
		if gap := requests[i].Time.Sub(requests[i-1].Time); gap < 990*time.Millisecond {
			t.Errorf("two requests to Mackerel are %v apart: %s, %s", gap, requests[i-1].Path, requests[i].Path)
		}
	}
}

// plans returns the ids of the channels that are to be told, by the marker of the state.
func (w *town) plans(t *testing.T, file string, alerts [][]*state) map[string][]string {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := settings.Read(file, content, variables(map[string]string{"WEBHOOK_PASSWORD": password}), mackerel.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBridge(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	var lock sync.Mutex
	router, err := route.FromMackerel(route.MackerelConfig{
		Client: b.client, FeedingChannel: c.FeedingChannel, Refresh: time.Hour,
		Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) {
			if _, err := b.resolve(c); errors.Is(err, route.ErrElsewhere) {
				return nil, err
			}
			return mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
				lock.Lock()
				defer lock.Unlock()
				told = append(told, c.ID)
				return nil
			}), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]string)
	for s := range slices.Values(slices.Concat(alerts...)) {
		told = nil
		if err := router.Notify(t.Context(), s.alert); err != nil {
			t.Fatal(err)
		}
		all[s.marker] = told
	}
	return all
}

// An outcome is what the services have, and what the bridge reported.
type outcome struct {
	copies   map[string]map[string]int // by channel and marker
	lost     map[string]bool           // by channel and marker: what is reported
	problems map[string]bool           // alerts whose plan was not known
	answers  map[int]int               // by status

	planned, arrived, again, reported int
}

var (
	markers = regexp.MustCompile(`m\d{5}x\d`)
	keys    = regexp.MustCompile(`5A\d{5}`)
)

func (w *storm) outcome(t *testing.T, names map[string]string) *outcome {
	o := &outcome{
		copies: make(map[string]map[string]int), lost: make(map[string]bool), problems: make(map[string]bool), answers: make(map[int]int),
	}
	ids := make(map[string]string)
	for id, name := range names {
		ids["channel "+name] = id
	}
	for line := range bytes.Lines(w.process.log.Bytes()) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Errorf("%v in %s", err, line)
		}
		switch e.Msg {
		case "not delivered":
			o.lost[ids[e.To.Notifier]+markers.FindString(e.Alert)] = true
		case "routing":
			o.problems[keys.FindString(e.Problem)] = true
		}
	}
	for _, secret := range []string{password, mackereltest.APIKey, chatworktest.Token, twiliotest.AuthToken, "routingkey", slacktest.Token} {
		if bytes.Contains(w.process.log.Bytes(), []byte(secret)) {
			t.Errorf("the log contains %q", secret)
		}
	}
	for _, f := range w.fakes {
		if p := f.Problems(); len(p) > 0 {
			t.Errorf("%d requests are refused, such as: %s", len(p), p[0])
		}
	}
	for _, s := range w.spots {
		if s.fake != nil {
			o.copies[s.id] = s.copies()
		}
	}
	return o
}

// copies counts the messages that the channel has, by marker. The resolve events of PagerDuty have the key of the alert
// only: they count under this key.
func (s spot) copies() map[string]int {
	all := make(map[string]int)
	for _, r := range s.fake.Requests() {
		if text := r.Path + string(r.Body); r.Handled && strings.Contains(text, s.match) {
			all[cmp.Or(markers.FindString(text), keys.FindString(text))]++
		}
	}
	return all
}

// check compares the outcome with the plan.
func (o *outcome) check(t *testing.T, w *storm, alerts [][]*state, plans map[string][]string) {
	for s := range slices.Values(slices.Concat(alerts...)) {
		o.answers[s.status]++
		if o.problems[s.id] {
			continue
		}
		for _, spot := range w.spots {
			o.checkChannel(t, spot, s, slices.Contains(plans[s.marker], spot.id))
		}
	}
	if missing := slices.Collect(maps.Keys(plans)); len(missing) == 0 {
		t.Error("nothing was planned")
	}
}

func (o *outcome) checkChannel(t *testing.T, spot spot, s *state, planned bool) {
	marker := s.marker
	if spot.service == "pagerduty" && s.alert.Closed() {
		marker = s.id
	}
	n := o.copies[spot.id][marker]
	reported := o.lost[spot.id+s.marker] || s.status == http.StatusServiceUnavailable
	switch {
	case !planned && n > 0:
		t.Errorf("%s is told of %s, which is not planned", spot.id, s.marker)
	case planned && n == 0 && !reported:
		t.Errorf("%s (%s) misses %s (%s, answered %d), and that is not reported", spot.id, spot.service, s.marker, s.alert.Status, s.status)
	case n > 1 && spot.service == "twilio":
		t.Errorf("%s rings %d times for %s", spot.id, n, s.marker)
	}
	if !planned {
		return
	}
	o.planned++
	o.arrived += min(n, 1)
	o.again += max(n-1, 0)
	if reported {
		o.reported++
	}
}
