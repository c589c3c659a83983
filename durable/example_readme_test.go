package durable_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// An alert is stored, and delivered by a worker.
func Example_smallest() {
	fake := slacktest.New()
	defer fake.Close()
	dir, err := os.MkdirTemp("", "alerts")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, stop := context.WithCancel(context.Background())
	room, err := slack.New(fake.Config())
	if err != nil {
		log.Fatal(err)
	}
	alert := mackerel.Alert{ID: "1", Status: mackerel.StatusCritical, Message: "disk full"}
	onResult := func(_ context.Context, r durable.Result) {
		fmt.Println(r.Outcome, r.Alert.Message)
		stop()
	}

	server, err := embedded.Start(ctx, embedded.Config{Dir: dir}) // "/var/lib/alerts"
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	queue, err := server.Store().Queue("room")
	if err != nil {
		log.Fatal(err)
	}
	worker, err := server.Store().NewWorker(durable.WorkerConfig{Queue: "room", Notifier: room, OnResult: onResult})
	if err != nil {
		log.Fatal(err)
	}
	// From here on, the alert is on the disk. In a program, the queue is the Notifier of a receiver.
	if err := queue.Notify(ctx, alert); err != nil {
		log.Fatal(err)
	}
	// Run delivers until ctx ends. In a program, that is when it is stopped.
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}

	// Output: delivered disk full
}

func TestTheProgramOfTheReadmeIsTheCompiledExample(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("example_readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```go\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok || len(block) < 100 || !strings.Contains(strings.ReplaceAll(string(source), "\n\t", "\n"), block) {
		t.Errorf("the program of README.md is not that of this file:\n%s", block)
	}
}
