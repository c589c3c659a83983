// Bridge receives Mackerel's webhook and tells the channels that Mackerel's own notification groups name for each alert,
// with credentials of its own.
//
//	go run ./examples/bridge                                          a demonstration on fakes
//	go run ./examples/bridge -config bridge.json                      the real thing
//	go run ./examples/bridge -config bridge.json -check               what has no credentials; nothing is sent
//	go run ./examples/bridge -config bridge.json -plan alert.json     who would be told, and why; nothing is sent
//
// README.md says how to set it up, and what the configuration has. bridge.json is a configuration for three services,
// bridge.service a unit of systemd.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
)

func main() {
	var c command
	flag.StringVar(&c.config, "config", "", "the configuration `file`; without it, a demonstration on fakes")
	flag.BoolVar(&c.check, "check", false, "compare the configuration with the organization, and end")
	flag.StringVar(&c.plan, "plan", "", "say who would be told about the webhook body in the `file`, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := c.run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

// A command is the command line.
type command struct {
	config string
	check  bool
	plan   string
}

func (c command) run(ctx context.Context, out, logs io.Writer) error {
	if c.config == "" {
		if c.check || c.plan != "" {
			return errors.New("bridge: -check and -plan need -config")
		}
		return demonstrate(ctx, out)
	}
	content, err := os.ReadFile(c.config)
	if err != nil {
		return err
	}
	config, err := settings.Read(c.config, content, os.LookupEnv, mackerel.CallOptions{})
	if err != nil {
		return err
	}
	b, err := newBridge(config, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		return err
	}
	switch {
	case c.check:
		return b.check(ctx, out)
	case c.plan != "":
		return b.planFile(ctx, out, c.plan)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", config.Listen)
	if err != nil {
		return err
	}
	return b.serve(ctx, listener)
}
