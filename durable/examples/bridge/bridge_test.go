package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// childVariable is the directory of the store and of the configuration of a bridge in a process of its own.
const childVariable = "BRIDGE_TEST_DIR"

// TestMain runs the bridge instead of the tests if the variable is set.
func TestMain(m *testing.M) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := child(dir); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
}

func child(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	content, err := os.ReadFile(filepath.Join(dir, "bridge.json"))
	if err != nil {
		return err
	}
	config, err := settings.Read("bridge.json", content, os.LookupEnv, mackerel.CallOptions{Pace: mackerel.Unpaced})
	if err != nil {
		return err
	}
	c := command{dir: filepath.Join(dir, "store"), role: roleAll}
	return c.serve(ctx, config, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}

func TestTheDemonstrationTellsItsStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := demonstrate(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	rest := out.String()
	for _, line := range []string{
		"Slack is down", "Mackerel sends the alert 5Alert2: 200 OK", "Slack has 0 messages, Chatwork 2.",
		"2 alerts wait in the queue ops-", "stopping", "stopped", "The program does not run", "Slack has 0 messages, Chatwork 2.",
		"starts again", "delivered queue=ops-", "Slack has 2 messages, Chatwork 2.", "No alert waits.", "stopped",
	} {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("%q is missing, or not in its place, in:\n%s", line, &out)
		}
		rest = after
	}
	if strings.Contains(out.String(), demoPassword+"\"") {
		t.Error("the password is in the log")
	}
}

// A process is the bridge.
type process struct {
	cmd     *exec.Cmd
	address string
	log     bytes.Buffer
	ended   chan struct{} // closed when the log is complete
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

func startProcess(t *testing.T, dir string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], "-test.run=^$"), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+dir)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.log.Write(append(lines.Bytes(), '\n'))
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
	}()
	select {
	case p.address = <-address:
	case <-p.ended:
		t.Fatalf("the bridge does not start:\n%s", &p.log)
	}
	return p
}

func (p *process) end(t *testing.T, signal os.Signal) error {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	return p.cmd.Wait()
}

// post sends a body, and returns whether it was accepted.
func post(t *testing.T, address, body string) bool {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/alerts", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return false
	}
	request.SetBasicAuth("mackerel", demoPassword)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false // the bridge was killed
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return false
	}
	return response.StatusCode == http.StatusOK
}

// The bridge is killed while alerts come in and while it delivers. What it has accepted arrives at both services, and the
// states of an alert in their order.
func TestAKilledBridgeLosesNothing(t *testing.T) {
	t.Parallel()
	f := newFakes()
	defer f.close()
	dir := t.TempDir()
	content, err := f.file()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bridge.json"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	f.fail()
	const alerts, states, rounds = 30, 3, 3
	for a := range alerts {
		f.mackerel.AddAlert(fmt.Sprintf(`{"id":"5A%03d","monitorId":"4M","status":"CRITICAL"}`, a))
	}
	accepted := 0
	for round := range rounds {
		p := startProcess(t, dir)
		kill := rand.N(alerts)
		for a := range alerts {
			if a == kill { // it has the others of this round in hand, or in its store
				if err := p.end(t, syscall.SIGKILL); err == nil {
					t.Error("the bridge ended by itself")
				}
				p = startProcess(t, dir)
			}
			if post(t, p.address, body(a, round)) {
				accepted++
			}
		}
		if err := p.end(t, syscall.SIGTERM); err != nil {
			t.Errorf("%v\n%s", err, &p.log)
		}
	}
	if accepted != alerts*states {
		t.Fatalf("%d of %d were accepted", accepted, alerts*states)
	}
	p := startProcess(t, dir)
	for end := time.Now().Add(2 * time.Minute); f.waits(accepted) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond) // there is no other sign
	}
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("%v\n%s", err, &p.log)
	}
	for name, s := range map[string]*fakehttp.Server{"Slack": f.slack.Server, "Chatwork": f.chatwork.Server} {
		check(t, name, markers(s), alerts, states)
	}
	if t.Failed() {
		t.Logf("the last log:\n%s", &p.log)
	}
}

// body is a state of an alert. Its host has the marker that every message has.
func body(alert, state int) string {
	return fmt.Sprintf(`{"event":"alert","type":"host","orgName":"acme","host":{"id":"4H","name":"m%03dx%d","status":"working","roles":[]},`+
		`"alert":{"id":"5A%03d","monitorName":"CPU","status":%q,"isOpen":%t,"trigger":"monitor","openedAt":1767225600,"statusChangedAt":%d}}`,
		alert, state, alert, []string{"warning", "critical", "ok"}[state], state < 2, 1767225600+state)
}

// fail lets some requests of both services fail.
func (f *fakes) fail() {
	for range 4 {
		fault := fakehttp.Fault{Status: http.StatusServiceUnavailable}
		f.slack.Inject(fault)
		f.chatwork.Inject(fault)
	}
}

func (f *fakes) waits(accepted int) bool {
	for _, s := range []*fakehttp.Server{f.slack.Server, f.chatwork.Server} {
		all := markers(s)
		slices.Sort(all)
		if len(slices.Compact(all)) < accepted {
			return true
		}
	}
	return false
}

var marker = regexp.MustCompile(`m[0-9]{3}x[0-9]`)

// markers returns the markers of the messages that a service has accepted, in their order.
func markers(s *fakehttp.Server) (all []string) {
	for _, r := range s.Requests() {
		if m := marker.Find(r.Body); m != nil && r.Handled {
			all = append(all, string(m))
		}
	}
	return all
}

func check(t *testing.T, service string, got []string, alerts, states int) {
	t.Helper()
	seen := make(map[string]int)
	for i, m := range got {
		if seen[m]++; seen[m] > 1 {
			continue
		}
		for earlier := byte('0'); earlier < m[5]; earlier++ {
			if before := m[:5] + string(earlier); !slices.Contains(got[:i], before) {
				t.Errorf("%s: %s came before %s", service, m, before)
			}
		}
	}
	if len(seen) != alerts*states {
		t.Errorf("%s has %d of %d messages", service, len(seen), alerts*states)
	}
	// Twice is at most what a killed bridge had in hand: 64 in its router, 8 for each channel.
	if doubled := len(got) - len(seen); doubled > 3*(64+8) {
		t.Errorf("%s has %d messages twice", service, doubled)
	} else {
		t.Logf("%s has %d messages twice", service, doubled)
	}
}

func TestQueuesHaveNamesThatAServerTakes(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	names := make(map[string]string)
	for _, name := range []string{"3Ops", "#ops", "ops", "運用", "開発", "in", "", "a b", "a.b", strings.Repeat("長", 200), strings.Repeat("x", 200)} {
		q := queueOf(name)
		if other, used := names[q]; used || q == incoming {
			t.Errorf("%q and %q have the queue %q", name, other, q)
		}
		names[q] = name
		if _, err := server.Store().Queue(q); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if queueOf("3Ops") != "3Ops" || !strings.HasPrefix(queueOf("#ops"), "ops-") {
		t.Errorf("got %v", names)
	}
}

func TestTheCommandSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c    command
		want string
	}{
		{command{role: "both"}, "-role"},
		{command{role: roleAll, dir: "x"}, "-config is missing"},
		{command{role: roleDeliver}, "-config is missing"},
		{command{role: roleAll, config: "x"}, "set -dir or -server"},
		{command{role: roleAll, config: "x", dir: "x", server: "x"}, "set -dir or -server"},
		{command{role: roleReceive, config: "x", dir: "x"}, "-role needs -server"},
		{command{role: roleAll, config: "nowhere.json", dir: "x"}, "nowhere.json"},
	} {
		if err := tt.c.run(t.Context(), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v", tt.c, err)
		}
	}
	c := command{server: "nats://root:hush-hush@127.0.0.1:1"}
	if _, _, err := c.open(t.Context(), nil); err == nil || strings.Contains(err.Error(), "hush-hush") {
		t.Errorf("got %v", err)
	}
}

// What waits for a channel that the configuration does not have is reported at the start.
func TestAQueueWithoutAChannelIsReported(t *testing.T) {
	t.Parallel()
	f := newFakes()
	defer f.close()
	content, err := f.file()
	if err != nil {
		t.Fatal(err)
	}
	config, err := settings.Read("x", content, os.LookupEnv, mackerel.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, name := range []string{"removed", incoming} {
		q, err := server.Store().Queue(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Notify(t.Context(), mackerel.Alert{ID: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	b, err := newBridge(config, server.Store(), roleDeliver, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	b.warn(t.Context())
	if !strings.Contains(log.String(), "queue=removed waiting=1") || strings.Contains(log.String(), "queue=in") {
		t.Errorf("got %s", &log)
	}
	if b.receiver != nil || len(b.workers) != 3 {
		t.Errorf("a receiver %v, %d workers", b.receiver != nil, len(b.workers))
	}
}

// A channel without credentials is reported, and the other channels are told.
func TestAChannelWithoutCredentialsIsReported(t *testing.T) {
	t.Parallel()
	f := newFakes()
	defer f.close()
	f.mackerel.AddChannel(`{"id":"3Genie","name":"genie","type":"opsgenie"}`)
	content, err := f.file()
	if err != nil {
		t.Fatal(err)
	}
	config, err := settings.Read("x", content, os.LookupEnv, mackerel.CallOptions{Pace: mackerel.Unpaced})
	if err != nil {
		t.Fatal(err)
	}
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: filepath.Join(t.TempDir(), "store")})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var log bytes.Buffer
	out := &lockedWriter{out: &log}
	b, err := newBridge(config, server.Store(), roleAll, slog.New(slog.NewTextHandler(out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	in, err := server.Store().Queue(incoming)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Notify(t.Context(), mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	listener, err := b.listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.run(ctx, listener) }()
	d := &demonstration{fakes: f}
	err = d.until(ctx, server.Store(), func(s durable.Stats) bool {
		return f.slack.Accepted() == 1 && f.chatwork.Accepted() == 1 && s.Queue(incoming).Waiting == 0
	})
	stop()
	if stopped := <-ended; err != nil || stopped != nil {
		t.Errorf("%v, %v", err, stopped)
	}
	if !strings.Contains(log.String(), `channel=genie error="it has no credentials`) {
		t.Errorf("got %s", &log)
	}
	if s, err := server.Store().Stats(t.Context()); err != nil || s.Queue(incoming).DeadLetters != 0 {
		t.Errorf("%v, %+v", err, s)
	}
}

// A program receives and another delivers. They share a server.
func TestRolesShareAServer(t *testing.T) {
	t.Parallel()
	f := newFakes()
	defer f.close()
	f.mackerel.AddAlert(`{"id":"5A000","monitorId":"4M","status":"CRITICAL"}`)
	content, err := f.file()
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "bridge.json")
	if err := os.WriteFile(config, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	c := command{config: config, server: s.ClientURL(), role: roleReceive, create: true, replicas: 1}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, logs := io.Pipe()
	ended := make(chan error, 2)
	go func() { ended <- errors.Join(c.run(ctx, io.Discard, logs), logs.Close()) }()
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
	}()
	select {
	case a := <-address:
		if !post(t, a, body(0, 0)) {
			t.Error("not accepted")
		}
	case err := <-ended:
		t.Fatal(err)
	}
	c.role = roleDeliver
	go func() { ended <- c.run(ctx, io.Discard, io.Discard) }()
	for f.waits(1) && t.Context().Err() == nil {
		time.Sleep(20 * time.Millisecond) // there is no other sign
	}
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
