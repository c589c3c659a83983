package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// demoPassword is that of the webhook.
const demoPassword = "demo"

// fakes are Mackerel, with the channels #ops and room, and their services.
type fakes struct {
	mackerel *mackereltest.Server
	slack    *slacktest.Server    // of the channel #ops
	chatwork *chatworktest.Server // of the channel room
}

func newFakes() *fakes {
	f := &fakes{mackereltest.New(), slacktest.New(), chatworktest.New()}
	f.mackerel.AddChannel(`{"id":"3Bridge","name":"bridge","type":"webhook","url":"https://bridge.example.com/","events":["alert"]}`)
	f.mackerel.AddChannel(`{"id":"3Ops","name":"#ops","type":"line"}`)
	f.mackerel.AddChannel(`{"id":"3Room","name":"room","type":"chatwork"}`)
	return f
}

func (f *fakes) close() {
	f.mackerel.Close()
	f.slack.Close()
	f.chatwork.Close()
}

// file returns a configuration for the fakes. Its secrets are those of the fakes.
func (f *fakes) file() ([]byte, error) {
	return json.MarshalIndent(map[string]any{
		"listen": "127.0.0.1:0", "path": "/alerts", "user": "mackerel", "password": demoPassword,
		"api_key": mackereltest.APIKey, "api_url": f.mackerel.URL(), "feeding_channel": "3Bridge",
		"channels": map[string]any{
			"#ops": map[string]any{"slack": map[string]any{"url": f.slack.Config().URL.Reveal()}},
			"room": map[string]any{"chatwork": map[string]any{
				"token": chatworktest.Token, "room_id": 567890123, "base_url": f.chatwork.Config().BaseURL,
			}},
		},
	}, "", "  ")
}

// serveFakes writes the configuration for the fakes to a file, and prints how many messages the services have whenever
// that changes, until the context ends.
func serveFakes(ctx context.Context, out io.Writer, name string) error {
	f := newFakes()
	defer f.close()
	content, err := f.file()
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		return err
	}
	for i := range 100 { // alerts that Mackerel does not know are routed after a while, without their monitor
		f.mackerel.AddAlert(fmt.Sprintf(`{"id":"5A%d","monitorId":"4Monitor1","status":"CRITICAL"}`, i+1))
	}
	fmt.Fprintf(out, "%s is written. Slack and Chatwork wait for messages.\n", name)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for before := ""; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if now := f.count(); now != before {
			before = now
			fmt.Fprintln(out, now)
		}
	}
}

func (f *fakes) count() string {
	return fmt.Sprintf("Slack has %d messages, Chatwork %d.", f.slack.Accepted(), f.chatwork.Accepted())
}

// A demonstration is one run on fakes.
type demonstration struct {
	*fakes
	out    io.Writer
	config settings.Config
	dir    string // of the store
}

// demonstrate shows what becomes of alerts while a service is down and while the program does not run.
func demonstrate(ctx context.Context, out io.Writer) error {
	f := newFakes()
	defer f.close()
	content, err := f.file()
	if err != nil {
		return err
	}
	d := &demonstration{fakes: f, out: &lockedWriter{out: out}}
	if d.config, err = settings.Read("demonstration", content, os.LookupEnv, mackerel.CallOptions{Pace: mackerel.Unpaced}); err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "bridge"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(d.dir) }()

	d.printf("\n1. Slack is down. Two alerts come in\n\n")
	f.slack.Inject(fakehttp.Fault{Times: -1, Status: http.StatusServiceUnavailable})
	if err := d.run(ctx, d.slackIsDown); err != nil {
		return err
	}
	d.printf("\n2. The program does not run. Slack works again\n\n   %s\n", f.count())
	f.slack.Clear()
	d.printf("\n3. The program starts again on the same directory\n\n")
	return d.run(ctx, d.slackIsBack)
}

// run starts the program, tells a part of the story, and stops the program.
func (d *demonstration) run(ctx context.Context, part func(ctx context.Context, address string, store *durable.Store) error) error {
	server, err := embedded.Start(ctx, embedded.Config{Dir: d.dir})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(d.out, &slog.HandlerOptions{ReplaceAttr: untimed}))
	b, err := newBridge(d.config, server.Store(), roleAll, log)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	listener, err := b.listen(ctx)
	if err != nil {
		return errors.Join(err, server.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- b.run(ctx, listener) }()
	told := part(ctx, listener.Addr().String(), server.Store())
	stop() // as SIGTERM does
	return errors.Join(told, <-ended, server.Close())
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

func (d *demonstration) slackIsDown(ctx context.Context, address string, store *durable.Store) error {
	for _, id := range []string{"5Alert1", "5Alert2"} {
		d.mackerel.AddAlert(`{"id":"` + id + `","monitorId":"4Monitor1","status":"CRITICAL"}`)
		if err := d.post(ctx, address, id); err != nil {
			return err
		}
	}
	ops := queueOf("#ops")
	if err := d.until(ctx, store, func(s durable.Stats) bool {
		return d.chatwork.Accepted() == 2 && s.Queue(ops).Waiting == 2 && s.Queue("room").Waiting == 0
	}); err != nil {
		return err
	}
	d.printf("\n   %s\n   2 alerts wait in the queue %s.\n\n", d.count(), ops)
	return nil
}

func (d *demonstration) slackIsBack(ctx context.Context, _ string, store *durable.Store) error {
	if err := d.until(ctx, store, func(s durable.Stats) bool {
		return d.slack.Accepted() >= 2 && s.Queue(queueOf("#ops")).Waiting == 0
	}); err != nil {
		return err
	}
	d.printf("\n   %s\n   No alert waits.\n\n", d.count())
	return nil
}

// until waits for a state of the store.
func (d *demonstration) until(ctx context.Context, store *durable.Store, reached func(durable.Stats) bool) error {
	for {
		stats, err := store.Stats(ctx)
		if err != nil || reached(stats) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// post sends an alert as Mackerel does, and prints the answer.
func (d *demonstration) post(ctx context.Context, address, id string) error {
	body := fmt.Sprintf(`{"event":"alert","type":"host","orgName":"acme","host":{"id":"4Host1","name":"app01","status":"working","roles":[]},`+
		`"alert":{"id":%q,"monitorName":"CPU","status":"critical","isOpen":true,"trigger":"monitor","openedAt":1767225600}}`, id)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/alerts", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.SetBasicAuth("mackerel", demoPassword)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	d.printf("   Mackerel sends the alert %s: %s\n", id, response.Status)
	return nil
}

func (d *demonstration) printf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }
