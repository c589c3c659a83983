// Bridge is the bridge of the library's own examples with a queue in the middle: what it has accepted from Mackerel is
// delivered, also if the program, the machine, or a service is away in between.
//
//	go run ./examples/bridge                                             a demonstration on fakes
//	go run ./examples/bridge -config bridge.json -dir /var/lib/bridge    one machine, with a store of its own
//	go run ./examples/bridge -config bridge.json -server nats://host     a NATS server or a cluster
//
// The configuration file is that of examples/bridge of the library, whose README.md says how to set it up. Its flags -check
// and -plan say for this program too who would be told.
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

	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
)

// The roles of a program. Several programs share the work if they share a server.
const (
	roleAll     = "all"
	roleReceive = "receive" // takes webhooks and stores their alerts
	roleDeliver = "deliver" // delivers what is stored
	roleFakes   = "fakes"   // is Mackerel and the services, for trying things out
)

func main() {
	var c command
	flag.StringVar(&c.config, "config", "", "the configuration `file`; without it, a demonstration on fakes")
	flag.StringVar(&c.dir, "dir", "", "`directory` of a store in this program")
	flag.StringVar(&c.server, "server", "", "`URL` of a NATS server or a cluster")
	flag.StringVar(&c.creds, "creds", "", "`file` with the credentials for -server")
	flag.IntVar(&c.replicas, "replicas", 1, "how many servers of the cluster keep each alert: 1, 3 or 5")
	flag.BoolVar(&c.create, "create", false, "make the store on -server, if this is the first start")
	flag.StringVar(&c.role, "role", roleAll, "all, receive, deliver, or fakes (which writes the file of -config)")
	flag.StringVar(&c.listen, "listen", "", "`address`, instead of that of the configuration")
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
	config, dir, server, creds, role, listen string
	replicas                                 int
	create                                   bool
}

func (c command) run(ctx context.Context, out, logs io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	switch {
	case c.config == "":
		return demonstrate(ctx, out)
	case c.role == roleFakes:
		return serveFakes(ctx, out, c.config)
	}
	content, err := os.ReadFile(c.config)
	if err != nil {
		return err
	}
	config, err := settings.Read(c.config, content, os.LookupEnv, mackerel.CallOptions{})
	if err != nil {
		return err
	}
	if c.listen != "" {
		config.Listen = c.listen
	}
	return c.serve(ctx, config, slog.New(slog.NewTextHandler(logs, nil)))
}

// check checks the flags.
func (c command) check() error {
	switch {
	case c.role != roleAll && c.role != roleReceive && c.role != roleDeliver && c.role != roleFakes:
		return fmt.Errorf("bridge: -role %q: must be all, receive, deliver or fakes", c.role)
	case c.config == "" && (c.dir != "" || c.server != "" || c.role != roleAll):
		return errors.New("bridge: -config is missing")
	case c.config == "" || c.role == roleFakes:
		return nil
	case (c.dir == "") == (c.server == ""):
		return errors.New("bridge: set -dir or -server, where the alerts are kept")
	case c.dir != "" && c.role != roleAll:
		return errors.New("bridge: -role needs -server: a directory belongs to one program")
	}
	return nil
}

// serve opens the store and runs the bridge until the context ends.
func (c command) serve(ctx context.Context, config settings.Config, log *slog.Logger) error {
	store, closeStore, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	b, err := newBridge(config, store, c.role, log)
	if err != nil {
		return errors.Join(err, closeStore())
	}
	listener, err := b.listen(ctx)
	if err != nil {
		return errors.Join(err, closeStore())
	}
	return errors.Join(b.run(ctx, listener), closeStore())
}

// open opens the store. It is closed when the bridge has stopped.
func (c command) open(ctx context.Context, log *slog.Logger) (*durable.Store, func() error, error) {
	if c.dir != "" {
		server, err := embedded.Start(ctx, embedded.Config{Dir: c.dir, Logger: log})
		if err != nil {
			return nil, nil, err
		}
		return server.Store(), server.Close, nil
	}
	options := []nats.Option{
		nats.Name("bridge"), nats.MaxReconnects(-1), // the server may be away for as long as it likes
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // the requests fail and say so
	}
	if c.creds != "" {
		options = append(options, nats.UserCredentials(c.creds))
	}
	conn, err := nats.Connect(c.server, options...)
	if err != nil {
		return nil, nil, errors.New("bridge: cannot connect to -server") // the error may quote a password of the URL
	}
	store, err := durable.Open(ctx, conn, durable.Config{Replicas: c.replicas, Create: c.create})
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return store, func() error { conn.Close(); return nil }, nil
}

// listen listens for webhooks, if the program takes any.
func (b *bridge) listen(ctx context.Context) (net.Listener, error) {
	if b.receiver == nil {
		return nil, nil //nolint:nilnil // there is nothing to listen for
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", b.config.Listen)
}
