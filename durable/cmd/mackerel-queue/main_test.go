package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

// A station is a server on loopback with a password, and what the command has written.
type station struct {
	server    *server.Server
	url       string
	store     *durable.Store
	out, errs bytes.Buffer
}

const password = "hush-hush"

func newStation(t *testing.T) *station {
	t.Helper()
	s := &station{}
	var err error
	s.server, err = server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		Users: []*server.User{
			{Username: "root", Password: password},
			{Username: "reader", Password: password, Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.MSG.DELETE.>"}},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.server.Start()
	if !s.server.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	s.url = strings.Replace(s.server.ClientURL(), "://", "://root:"+password+"@", 1)
	conn, err := nats.Connect(s.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); s.server.Shutdown(); s.server.WaitForShutdown() })
	if s.store, err = durable.Open(t.Context(), conn, durable.Config{Create: true, Window: time.Minute}); err != nil {
		t.Fatal(err)
	}
	return s
}

// bury makes dead letters of webhooks, in the order of the files.
func bury(t *testing.T, store *durable.Store, queue string, files ...string) {
	t.Helper()
	q, err := store.Queue(queue)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	dead := make(chan bool, len(files))
	w, err := store.NewWorker(durable.WorkerConfig{
		Queue: queue, OnResult: func(context.Context, durable.Result) { dead <- true },
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
			return &mackerel.Error{Provider: "slack", Op: "post", Kind: mackerel.ErrInvalid, Message: "部屋が存在しません"}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for _, name := range files {
		body, err := os.ReadFile("../../../testdata/webhook/" + name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := mackerel.ParseWebhook(body)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		<-dead
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// run runs the command and checks its status. No output has the password.
func (s *station) run(t *testing.T, status int, args ...string) (out, errs string) {
	t.Helper()
	s.out.Reset()
	s.errs.Reset()
	env := func(name string) string { return map[string]string{"NATS_URL": s.url}[name] }
	if got := run(t.Context(), args, env, &s.out, &s.errs); got != status {
		t.Errorf("%q: status %d, want %d: %s%s", args, got, status, &s.out, &s.errs)
	}
	if strings.Contains(s.out.String()+s.errs.String(), password) {
		t.Errorf("%q: the password is in the output:\n%s%s", args, &s.out, &s.errs)
	}
	return s.out.String(), s.errs.String()
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}

func TestTheWholeCommand(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	out, _ := s.run(t, 0, "list")
	contains(t, out, "There are no dead letters.")
	bury(t, s.store, "slack", "alert-japanese.json", "alert-host.json", "alert-service.json")
	bury(t, s.store, "pager", "alert-external.json")

	out, _ = s.run(t, 0, "list", "slack")
	contains(t, out, "本番サーバー・壱", "slack: post: 部屋が存在しません")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines[1:] {
		before, _, _ := strings.Cut(line, "slack: post")
		head, _, _ := strings.Cut(lines[0], "REASON")
		if len(lines) != 4 || displaywidth.String(before) != displaywidth.String(head) {
			t.Errorf("the columns are not below each other:\n%s", out)
		}
	}

	out, _ = s.run(t, 0, "show", "1")
	contains(t, out, "Dead letter 1 of the queue slack", "Reason:      slack: post: 部屋が存在しません", "Deliveries:  1", "s ago)",
		"[CRITICAL]", `    "orgName": "株式会社ソラ"`)

	out, _ = s.run(t, 0, "stats")
	contains(t, out, "QUEUE", "pager", "slack", "DEAD LETTERS", "of 1.0 GiB.")

	out, _ = s.run(t, 0, "replay", "2")
	contains(t, out, "replayed 2\n")
	out, errs := s.run(t, 1, "drop", "3", "99")
	contains(t, out, "dropped 3\n", "not dropped 99: durable: drop: there is no dead letter 99 (not found)\n")
	contains(t, errs, "mackerel-queue: 1 of 2 are not dropped\n")
	_, errs = s.run(t, 1, "show", "99")
	contains(t, errs, "there is no dead letter 99")
	out, _ = s.run(t, 0, "-all", "replay", "-queue", "slack")
	contains(t, out, "replayed 1\n")
	out, _ = s.run(t, 0, "drop", "-all", "-queue", "slack")
	contains(t, out, "There are no dead letters in the queue slack.\n")
	out, _ = s.run(t, 0, "list")
	if strings.Contains(out, "  slack  ") || !strings.Contains(out, "  pager  ") {
		t.Errorf("got %s", out)
	}
}

func TestColumnsAreAsWideAsTheirWidestCell(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := writeTable(&out, [][]string{{"本番😱", "x"}, {"abcdefghij", "y"}, {"", "z"}}); err != nil {
		t.Fatal(err)
	}
	if want := "本番😱      x\nabcdefghij  y\n            z\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
	if got := cell("  本番サーバー\n壱", 9); got != "本番サー…" {
		t.Errorf("got %q", got)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	var letters []struct {
		ID           int
		Queue, Body  string
		Reason       string
		Stored, Died time.Time
		Alert        json.RawMessage
	}
	read := func(into any, status int, args ...string) {
		t.Helper()
		if out, _ := s.run(t, status, args...); json.Unmarshal([]byte(out), into) != nil {
			t.Errorf("%q: no JSON: %s", args, out)
		}
	}
	if read(&letters, 0, "-json", "list"); letters == nil || len(letters) != 0 {
		t.Errorf("got %v", letters)
	}
	bury(t, s.store, "slack", "alert-japanese.json")
	read(&letters, 0, "list", "-json")
	if len(letters) != 1 || letters[0].ID != 1 || letters[0].Queue != "slack" || letters[0].Died.IsZero() || letters[0].Body != "" {
		t.Fatalf("got %+v", letters)
	}
	if a, err := mackerel.ParseWebhook(letters[0].Alert); err != nil || a.Org != "株式会社ソラ" {
		t.Errorf("%v, %s", err, letters[0].Alert)
	}
	if read(&letters[0], 0, "show", "1", "-json"); letters[0].ID != 1 {
		t.Errorf("got %+v", letters[0])
	}
	var stats struct {
		Max    int64 `json:"max_bytes"`
		Queues []struct {
			Queue string
			Dead  int `json:"dead_letters"`
		}
	}
	if read(&stats, 0, "stats", "-json"); stats.Max != 1<<30 || len(stats.Queues) != 1 || stats.Queues[0].Dead != 1 {
		t.Errorf("got %+v", stats)
	}
	var changes []struct {
		ID    int
		Done  bool
		Error string
	}
	read(&changes, 1, "drop", "1", "2", "-json")
	if len(changes) != 2 || !changes[0].Done || changes[1].Done || !strings.Contains(changes[1].Error, "no dead letter 2") {
		t.Errorf("got %+v", changes)
	}
}

// Anybody who may publish can write a letter, and a service chooses the words of its errors.
func TestNoTextCanChangeTheTerminal(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	conn, err := nats.Connect(s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, body := range []string{"\x1b]0;x\x07\u009b31m no JSON\r\n", `{"event":"alert","alert":{"monitorName":"\u001b[2J\u202eX\nY"}}`} {
		m := &nats.Msg{Subject: "mackerel-dead.slack", Data: []byte(body), Header: nats.Header{"Mackerel-Reason": {"a\x1b[31mb"}}}
		if _, err := conn.RequestMsg(m, 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"list"}, {"show", "1"}, {"show", "2"}} {
		out, _ := s.run(t, 0, args...)
		if strings.ContainsAny(out, "\x1b\x07\u009b\r\u202e") {
			t.Errorf("%q: %q", args, out)
		}
	}
	out, _ := s.run(t, 0, "list")
	contains(t, out, "(no alert)", "a [31mb")
	if lines := strings.Count(out, "\n"); lines != 3 {
		t.Errorf("%d lines:\n%s", lines, out)
	}
	out, _ = s.run(t, 0, "show", "1")
	contains(t, out, "no JSON", "Stored:      unknown")
}

func TestAWrongCommandLine(t *testing.T) {
	s := &station{url: "nats://root:hush-hush@127.0.0.1:1"}
	for want, args := range map[string][]string{
		"a command is missing":              {},
		"unknown command \"purge\"":         {"purge"},
		"flag provided but not defined: -x": {"list", "-x"},
		"show needs the id":                 {"show"},
		"\"2\" is too much":                 {"show", "1", "2"},
		"\"b\" is too much":                 {"list", "a", "b"},
		"\"x\" is too much":                 {"stats", "x"},
		"\"one\" is no id":                  {"drop", "one"},
		"drop needs the ids":                {"drop"},
		"-all and -queue are set together":  {"drop", "-all"},
		"are set together":                  {"replay", "-queue", "slack", "3"},
		"takes ids or -all, not both":       {"replay", "-queue", "slack", "-all", "3"},
		"belong to replay and drop":         {"list", "-queue", "slack"},
		"exclude each other":                {"-dir", "x", "-server", "nats://x", "list"},
		"belong to -server":                 {"-dir", "x", "-creds", "y", "list"},
	} {
		_, errs := s.run(t, 2, args...)
		contains(t, errs, want, "mackerel-queue -h says what it can do.")
	}
	s.url = ""
	_, errs := s.run(t, 2, "list")
	contains(t, errs, "say where the store is")
	out, _ := s.run(t, 0, "-h")
	contains(t, out, "usage: mackerel-queue", "replay -queue q -all", "-creds FILE")
}

func TestAServerThatDoesNotLetUsIn(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	bury(t, s.store, "slack", "alert-host.json")
	address := strings.TrimPrefix(s.server.ClientURL(), "nats://")
	for _, tt := range []struct {
		name, url, want string
		args            []string
	}{
		{"a wrong password", "nats://root:" + password + "x@" + address, "the server at nats://" + address + " refuses the user", []string{"list"}},
		{"a wrong token", "nats://" + password + "@" + address, "the server at nats://" + address + " refuses the user", []string{"list"}},
		{"no server", "nats://root:" + password + "@127.0.0.1:1,nats://x:" + password + "@127.0.0.1:2", "no server answers at nats://127.0.0.1:1, nats://127.0.0.1:2", []string{"list"}},
		{"no store of the name", s.url, "the stream other is missing", []string{"-name", "other", "stats"}},
		{"no file of credentials", s.url, "no such file", []string{"-creds", filepath.Join(t.TempDir(), "none.creds"), "list"}},
		{"a user who may not remove", strings.Replace(s.url, "root", "reader", 1), `Permissions Violation for Publish to "$JS.API.STREAM.MSG.DELETE`, []string{"drop", "1"}},
	} {
		s.url = tt.url
		_, errs := s.run(t, 1, tt.args...)
		if !strings.Contains(errs, tt.want) {
			t.Errorf("%s: got %s", tt.name, errs)
		}
	}
	s.url = "nats://root:" + password + "@[:x"
	_, errs := s.run(t, 2, "list")
	contains(t, errs, "the URL cannot be read")
}

func TestADirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	s := &station{}
	_, errs := s.run(t, 1, "-dir", dir, "list")
	contains(t, errs, "no such file or directory")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, errs = s.run(t, 1, "-dir", dir, "list")
	contains(t, errs, "there is no store in "+dir)
	e, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	bury(t, e.Store(), "slack", "alert-host.json")
	_, errs = s.run(t, 1, "-dir", dir, "list")
	contains(t, errs, dir, "another process")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	out, _ := s.run(t, 0, "-dir", dir, "list")
	contains(t, out, "部屋が存在しません")
	out, _ = s.run(t, 0, "-dir", dir, "drop", "1")
	contains(t, out, "dropped 1")
}
