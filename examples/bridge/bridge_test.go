package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

func TestTheDemonstrationTellsItsStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := demonstrate(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	rest := out.String()
	for _, line := range []string{
		"leads here", "told by Mackerel itself", "told by slack", "NOT TOLD", `PROBLEM: channel "genie"`,
		"groups: Default, Shop team", "it leads here", "#ops (line): told, by Shop team", "genie (opsgenie): not told",
		"phone (twilio): told, by Shop team > on call", "Slack answers 429", `to.notifier="channel genie"`, "200 OK",
		"Slack has 1 messages, Chatwork 1, Twilio 1.", "Slack has 2 messages, Chatwork 2, Twilio 1.", "stopping", "stopped",
	} {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("%q is missing, or not in its place, in:\n%s", line, &out)
		}
		rest = after
	}
}

// variables returns the environment of a configuration.
func variables(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { value, set := values[name]; return value, set }
}

// A house is a bridge that tells one Slack channel.
type house struct {
	*mackereltest.Server
	slack   *slacktest.Server
	bridge  *bridge
	log     *lockedWriter
	written *bytes.Buffer // of the log; complete when the bridge has stopped
	tried   chan struct{} // has an element after the first request to Slack
}

func newHouse(t *testing.T) *house {
	h := &house{Server: mackereltest.New(), slack: slacktest.New(), written: new(bytes.Buffer), tried: make(chan struct{}, 1)}
	h.log = &lockedWriter{out: h.written}
	t.Cleanup(h.Close)
	t.Cleanup(h.slack.Close)
	h.AddChannel(`{"id":"feed","name":"bridge","type":"webhook","url":"https://x.example.com/","events":["alert"]}`)
	h.AddChannel(`{"id":"ops","name":"#ops","type":"line"}`)
	c, err := settings.Read("bridge.json", []byte(`{"path":"/in","user":"mackerel","password":"${PASSWORD}","api_key":"`+mackereltest.APIKey+
		`","api_url":"${API}","feeding_channel":"feed","channels":{"#ops":{"slack":{"url":"${SLACK_URL}"}}}}`),
		variables(map[string]string{"PASSWORD": password, "API": h.URL(), "SLACK_URL": h.slack.Config().URL.Reveal()}),
		mackerel.CallOptions{
			Pace: mackerel.Unpaced, OnAttempt: func(context.Context, mackerel.Attempt) {
				select {
				case h.tried <- struct{}{}:
				default:
				}
			},
		})
	if err != nil {
		t.Fatal(err)
	}
	if h.bridge, err = newBridge(c, slog.New(slog.NewTextHandler(h.log, nil))); err != nil {
		t.Fatal(err)
	}
	return h
}

// serve serves until the context ends. The channel has the error of serve then.
func (h *house) serve(ctx context.Context, t *testing.T) (address string, ended chan error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	go func() { ended <- h.bridge.serve(ctx, listener) }()
	return "http://" + listener.Addr().String(), ended
}

func ask(t *testing.T, method, url, user, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

func TestThePlanIsForThoseWhoKnowTheSecretsOfTheWebhook(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	url, ended := h.serve(ctx, t)
	body, err := os.ReadFile("../../testdata/webhook/alert-service.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, method, path, user, body string
		status                         int
		answer                         string
	}{
		{"a body", "POST", "/in/plan", "mackerel", string(body), 200, "- #ops (line): told, by Default"},
		{"a query", "GET", "/in/plan?status=warning&service=Shop&monitor=4M", "mackerel", "", 200, "[WARNING] 4M"},
		{"no such parameter", "GET", "/in/plan?servce=Shop", "mackerel", "", 400, `"servce": must be monitor, service or status`},
		{"no such status", "GET", "/in/plan?status=warnin", "mackerel", "", 400, `status: "warnin": must be ok, warning, critical or unknown`},
		{"no password", "GET", "/in/plan", "", "", 401, "Unauthorized"},
		{"another user", "GET", "/in/plan", "root", "", 401, "Unauthorized"},
		{"another path", "GET", "/plan", "mackerel", "", 404, "Not Found"},
		{"another method", "PUT", "/in/plan", "mackerel", "", 405, "Method Not Allowed"},
		{"no alert", "POST", "/in/plan", "mackerel", "[]", 400, "Bad Request"},
		{"an endless body", "POST", "/in/plan", "mackerel", strings.Repeat(" ", maxPlanned+1), 413, "Too Large"},
	} {
		if status, answer := ask(t, tt.method, url+tt.path, tt.user, tt.body); status != tt.status || !strings.Contains(answer, tt.answer) {
			t.Errorf("%s: %d %s", tt.name, status, answer)
		}
	}
	stop()
	if err := <-ended; err != nil || h.slack.Accepted() != 0 {
		t.Errorf("%v, and Slack has %d messages", err, h.slack.Accepted())
	}
}

// A delivery that runs when the bridge is stopped comes to its end.
func TestAStopWaitsForWhatRuns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	url, ended := h.serve(ctx, t)
	h.slack.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}})
	posted := make(chan int, 1)
	go func() {
		status, _ := ask(t, "POST", url+"/in", "mackerel", `{"event":"alert","alert":{"status":"critical","monitorName":"CPU","isOpen":true}}`)
		posted <- status
	}()
	<-h.tried
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if status := <-posted; status != http.StatusOK || h.slack.Accepted() != 1 {
		t.Errorf("the answer is %d, and Slack has %d messages", status, h.slack.Accepted())
	}
	if log := h.written.String(); strings.Contains(log, password) || !strings.Contains(log, "stopped") {
		t.Errorf("the log is:\n%s", log)
	}
}

func TestCheckNamesWhatIsWrongWithTheOrganization(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var out bytes.Buffer
	if err := h.bridge.check(t.Context(), &out); err != nil || !strings.Contains(out.String(), "No problems.") {
		t.Errorf("%v\n%s", err, &out)
	}
	h.AddChannel(`{"id":"o2","name":"#ops","type":"slack","url":"https://x.example.com/","events":["alert"]}`)
	h.AddChannel(`{"id":"r","name":"room","type":"chatwork"}`)
	h.AddChannel(`{"id":"s","name":"off","type":"chatwork","suspendedAt":1767225600}`)
	h.AddNotificationGroup(`{"id":"g","name":"alone","notificationLevel":"all","monitors":[{"id":"m","skipDefault":true}],
		"services":[],"childChannelIds":["r"],"childNotificationGroupIds":["g"]}`)
	h.bridge.config.Destinations["nowhere"] = settings.Destination{Service: "slack"}
	out.Reset()
	if err := h.bridge.check(t.Context(), &out); err == nil {
		t.Error("no error")
	}
	for _, want := range []string{
		"suspended it", `channel "#ops" is told twice`, `channel "room" (chatwork) has no credentials`, `2 channels have the name "#ops"`,
		`no channel "nowhere"`, `the group "alone" does not lead to the feeding channel`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, &out)
		}
	}
	h.bridge.config.Destinations["off"] = settings.Destination{Service: "slack"}
	for tell, want := range map[bool]string{false: "not told: Mackerel has suspended it", true: "told by slack"} {
		h.bridge.config.TellSuspended = tell
		out.Reset()
		_ = h.bridge.check(t.Context(), &out) // its error was looked at above
		if line := "s             chatwork                 off                      " + want; !strings.Contains(out.String(), line) {
			t.Errorf("%q is missing in:\n%s", line, &out)
		}
	}
	h.bridge.config.FeedingChannel = "r"
	o, err := h.bridge.organization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := strings.Join(h.bridge.problems(o), "\n"); !strings.Contains(p, `the feeding channel "room" is no webhook`) {
		t.Errorf("got %s", p)
	}
}

func TestTheCommandNeedsAConfigurationForItsQuestions(t *testing.T) {
	for _, c := range []command{{check: true}, {plan: "x"}, {config: "nowhere.json"}} {
		if err := c.run(t.Context(), io.Discard, io.Discard); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func TestAllRecordedWebhooksAreTaken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	url, ended := h.serve(ctx, t)
	files, err := filepath.Glob("../../testdata/webhook/*.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	var bodies []string
	alerts, known := 0, map[string]bool{"": true}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := mackerel.ParseWebhook(body)
		if err != nil {
			t.Fatal(err)
		}
		// An event that the module does not know is passed on like an alert.
		if bodies = append(bodies, string(body)); a.Event == mackerel.EventAlert || a.Event == "downtimeStart" {
			alerts++
		}
		if !known[a.ID] {
			known[a.ID] = true
			h.AddAlert(fmt.Sprintf(`{"id":%q,"monitorId":"4M"}`, a.ID))
		}
	}
	for i, body := range bodies {
		if status, answer := ask(t, "POST", url+"/in", "mackerel", body); status != http.StatusOK {
			t.Errorf("%s: %d %s", files[i], status, answer)
		}
	}
	stop()
	if err := <-ended; err != nil || h.slack.Accepted() != alerts {
		t.Errorf("%v; Slack has %d messages of %d alerts:\n%s", err, h.slack.Accepted(), alerts, h.written)
	}
}
