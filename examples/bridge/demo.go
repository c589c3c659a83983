package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// demoConfig is the configuration of the demonstration. It differs from bridge.json in the addresses only, which are
// those of the fakes.
//
//go:embed demo.json
var demoConfig []byte

// demoAlert is a webhook of Mackerel's: an alert of the service Shop.
const demoAlert = `{"event":"alert","type":"host","orgName":"acme",` +
	`"host":{"id":"4Host1","name":"app01","status":"working","roles":[{"fullname":"Shop: app"}]},"alert":{"id":"5Alert1","monitorName":"CPU %%","metricLabel":"CPU %%",` +
	`"metricValue":%s,"criticalThreshold":90,"monitorOperator":">","duration":3,"status":%q,"isOpen":%t,` +
	`"trigger":"monitor","openedAt":1767225600,"statusChangedAt":%d,"closedAt":%s}}`

// A demonstration is one run on fakes.
type demonstration struct {
	out      io.Writer
	mackerel *mackereltest.Server
	slack    *slacktest.Server
	chatwork *chatworktest.Server
	twilio   *twiliotest.Server
	bridge   *bridge
	address  string // of the bridge
}

// demonstrate runs the bridge on fakes, with two alerts.
func demonstrate(ctx context.Context, out io.Writer) error {
	out = &lockedWriter{out: out}
	d := &demonstration{
		out: out, mackerel: mackereltest.New(),
		slack: slacktest.New(), chatwork: chatworktest.New(), twilio: twiliotest.New(),
	}
	defer d.mackerel.Close()
	defer d.slack.Close()
	defer d.chatwork.Close()
	defer d.twilio.Close()
	if err := d.organize(ctx); err != nil {
		return err
	}
	c, err := settings.Read("demo.json", demoConfig, d.lookup, mackerel.CallOptions{})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: untimed}))
	if d.bridge, err = newBridge(c, log); err != nil {
		return err
	}
	return d.run(ctx, c.Listen)
}

// run starts the bridge, tells the story, and stops the bridge.
func (d *demonstration) run(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	d.address = listener.Addr().String()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.bridge.serve(ctx, listener) }()
	told := d.tell(ctx)
	stop() // as SIGTERM does
	return errors.Join(told, <-ended)
}

// A lockedWriter is written by the log of the bridge and by the demonstration.
type lockedWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(b)
}

// untimed leaves out the times of the log, which a demonstration does not need.
func untimed(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// organize gives the organization channels and groups: the team of the service Shop has a Slack channel and a room, and
// a telephone for what is critical. Everybody gets the mail that Mackerel sends.
func (d *demonstration) organize(ctx context.Context) error {
	for _, c := range []string{
		`{"id":"3Bridge","name":"bridge","type":"webhook","url":"https://bridge.example.com/","events":["alert"]}`,
		`{"id":"3Mail","name":"everyone","type":"email","emails":["all@example.com"],"userIds":[],"events":["alert"]}`,
		`{"id":"3Ops","name":"#ops","type":"line"}`,
		`{"id":"3Room","name":"room","type":"chatwork"}`,
		`{"id":"3Phone","name":"phone","type":"twilio"}`,
		`{"id":"3Genie","name":"genie","type":"opsgenie"}`,
	} {
		d.mackerel.AddChannel(c)
	}
	d.mackerel.AddNotificationGroup(`{"id":"2Shop","name":"Shop team","notificationLevel":"all","services":[{"name":"Shop"}],
		"monitors":[],"childChannelIds":["3Ops","3Room","3Genie"],"childNotificationGroupIds":["2Call"]}`)
	d.mackerel.AddNotificationGroup(`{"id":"2Call","name":"on call","notificationLevel":"critical","services":[],
		"monitors":[],"childChannelIds":["3Phone"],"childNotificationGroupIds":[]}`)
	d.mackerel.AddAlert(`{"id":"5Alert1","monitorId":"4Monitor1","status":"CRITICAL"}`)
	client, err := mackerel.NewClient(d.mackerel.Config())
	if err != nil {
		return err
	}
	groups, err := client.ListNotificationGroups(ctx)
	if err != nil {
		return err
	}
	groups[0].ChildChannelIDs = []string{"3Bridge", "3Mail"} // the default group, which has every new channel
	_, err = client.UpdateNotificationGroup(ctx, groups[0])
	return err
}

// lookup is the environment of demo.json.
func (d *demonstration) lookup(name string) (string, bool) {
	value, set := map[string]string{
		"WEBHOOK_PASSWORD": "demo", "MACKEREL_APIKEY": mackereltest.APIKey, "MACKEREL_URL": d.mackerel.URL(),
		"SLACK_URL":      d.slack.Config().URL.Reveal(),
		"CHATWORK_TOKEN": chatworktest.Token, "CHATWORK_URL": d.chatwork.Config().BaseURL,
		"TWILIO_TOKEN": twiliotest.AuthToken, "TWILIO_URL": d.twilio.URL(),
	}[name]
	return value, set
}

// tell tells the story.
func (d *demonstration) tell(ctx context.Context) error {
	d.printf("\n1. What the configuration has for the channels of the organization\n\n")
	if err := d.bridge.check(ctx, d.out); err == nil {
		return errors.New("the channel without credentials is not reported")
	}
	d.printf("\n2. Who would be told about an alert, and why\n\n")
	open := fmt.Sprintf(demoAlert, "96.5", "critical", true, 1767225600, "null")
	if err := d.post(ctx, planPath, open); err != nil {
		return err
	}
	d.printf("\n3. The alert comes in, and Slack answers 429 to the first request\n\n")
	d.slack.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}})
	if err := d.post(ctx, "", open); err != nil {
		return err
	}
	d.count()
	d.printf("\n4. The alert recovers\n\n")
	if err := d.post(ctx, "", fmt.Sprintf(demoAlert, "12", "ok", false, 1767225900, "1767225900")); err != nil {
		return err
	}
	d.count()
	d.printf("\n5. The program is stopped\n\n")
	return nil
}

// post sends a body as Mackerel does, and prints the answer.
func (d *demonstration) post(ctx context.Context, path, body string) error {
	url := "http://" + d.address + "/alerts" + path
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.SetBasicAuth("mackerel", "demo")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	d.printf("   %s\n   %s\n", response.Status, strings.ReplaceAll(strings.TrimSpace(string(answer)), "\n", "\n   "))
	return nil
}

func (d *demonstration) count() {
	slack, chatwork, twilio := d.slack.Accepted(), d.chatwork.Accepted(), d.twilio.Accepted()
	d.printf("   Slack has %d messages, Chatwork %d, Twilio %d.\n", slack, chatwork, twilio)
}

func (d *demonstration) printf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }
