//go:build slow

package peers

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/durable"
)

// natscliVersion is the nats command. The tests need the tag slow, because the command takes minutes to compile.
const natscliVersion = "github.com/nats-io/natscli/nats@v0.5.0"

// natscli is the nats command, with which people look into a store. It writes into its own directory only.
type natscli struct {
	binary, home, server string
}

func newNatscli(t *testing.T, server string) natscli {
	t.Helper()
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", natscliVersion)
	install.Env, install.Dir = append(os.Environ(), "GOBIN="+dir), dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return natscli{filepath.Join(dir, "nats"), dir, server}
}

// run runs the command and returns what it writes.
func (c natscli) run(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), c.binary, append(args, "--server", c.server)...)
	command.Env = append(os.Environ(), "HOME="+c.home, "XDG_CONFIG_HOME="+c.home)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("nats %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// json runs the command and decodes what it writes.
func (c natscli) json(t *testing.T, v any, args ...string) {
	t.Helper()
	if out := c.run(t, append(args, "--json")...); json.Unmarshal([]byte(out), v) != nil {
		t.Fatalf("nats %s: %s", strings.Join(args, " "), out)
	}
}

// A natscliMessage is what "nats stream get --json" writes.
type natscliMessage struct {
	Subject string `json:"subject"`
	Data    []byte `json:"data"`
}

func TestNatscliReadsAndFillsAStore(t *testing.T) {
	store, conn := newStore(t, durable.Config{})
	nats := newNatscli(t, conn.ConnectedUrl())
	storeAlert(t, store, "disk")

	var subjects map[string]int
	nats.json(t, &subjects, "stream", "subjects", "mackerel")
	equal(t, "subjects", len(subjects), 1)
	var m natscliMessage
	nats.json(t, &m, "stream", "get", "mackerel", "1")
	equal(t, "messages of the subject", subjects[m.Subject], 1)
	equal(t, "JSON", canonical(t, m.Data), canonical(t, natsAlert("disk")))

	nats.run(t, "publish", "--jetstream", "mackerel.slack.disk", string(natsAlert("published")))
	nats.run(t, "publish", "--jetstream", "mackerel.slack.disk", "disk full")
	in := new(inbox)
	work(t, store, "slack", 3, in)
	count(t, "alerts", in.all(), 2)

	var info struct {
		State struct{ Messages int }
	}
	nats.json(t, &info, "stream", "info", "mackerel")
	equal(t, "messages left", info.State.Messages, 0)
	stats, err := store.Stats(t.Context())
	equal(t, "dead letters", must(t, stats, err).Queue("slack").DeadLetters, 1)
	for letter, err := range store.DeadLetters(t.Context(), "slack") {
		get := []string{"stream", "get", "mackerel-dead", strconv.FormatUint(must(t, letter, err).ID, 10)}
		nats.json(t, &m, get...)
		equal(t, "dead letter", string(m.Data), "disk full")
		contains(t, "headers", nats.run(t, get...), "Mackerel-Reason: ")
	}
}
