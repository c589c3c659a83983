package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/durable/embedded"
)

// connectTime is for each server of the URL, and for the first question.
const connectTime = 5 * time.Second

// An opened is a store that is open.
type opened struct {
	store *durable.Store
	close func()

	mu      sync.Mutex
	refusal error // what the server refused last, which is not in the error of the request
}

// open opens the store. It calls refused if the user may not do what is asked for, because the server answers the
// connection then, and not the request.
func (c *command) open(ctx context.Context, refused func(error)) (*opened, error) {
	if c.dir != "" {
		return openDir(ctx, c.dir)
	}
	o := &opened{}
	conn, err := c.connect(o, refused)
	if err != nil {
		return nil, err
	}
	o.close = conn.Close
	config, err := c.config(ctx, conn)
	if err == nil {
		o.store, err = durable.Open(ctx, conn, config)
	}
	if err != nil {
		conn.Close()
		return nil, o.explain(err)
	}
	return o, nil
}

// openDir opens a store that exists. It makes none.
func openDir(ctx context.Context, dir string) (*opened, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no store in %s: the directory is empty", dir)
	}
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	closeStore := func() { _ = server.Close() }
	return &opened{store: server.Store(), close: closeStore}, nil
}

// connect connects to the server. No error has a secret of its URL.
func (c *command) connect(o *opened, refused func(error)) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("mackerel-queue"), nats.Timeout(connectTime),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.refusal = err; errors.Is(err, nats.ErrPermissionViolation) {
				refused(err)
			}
		}),
	}
	if c.creds != "" {
		options = append(options, nats.UserCredentials(c.creds))
	}
	conn, err := nats.Connect(c.server, options...)
	if err == nil {
		return conn, nil
	}
	where := redact(c.server)
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return nil, fmt.Errorf("no server answers at %s", where)
	case errors.Is(err, nats.ErrAuthorization):
		return nil, fmt.Errorf("the server at %s refuses the user or the credentials", where)
	}
	if _, wrongURL := errors.AsType[*url.Error](err); wrongURL {
		return nil, wrong("-server: the URL cannot be read") // the error quotes it
	}
	return nil, fmt.Errorf("cannot connect to %s: %w", where, err)
}

// redact returns the addresses of servers without their users and passwords.
func redact(servers string) string {
	var all []string
	for server := range strings.SplitSeq(servers, ",") {
		server = strings.TrimSpace(server)
		scheme, rest, found := strings.Cut(server, "://")
		if !found {
			scheme, rest = "nats", server
		}
		host, _, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
		host, _, _ = strings.Cut(host, "?")
		all = append(all, scheme+"://"+host)
	}
	return strings.Join(all, ", ")
}

// config returns the configuration that the store has on the server. Only the name has to be known.
func (c *command) config(ctx context.Context, conn *nats.Conn) (durable.Config, error) {
	config := durable.Config{Name: c.name}
	js, err := jetstream.New(conn)
	if err != nil {
		return config, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	name := c.name
	if name == "" {
		name = "mackerel"
	}
	// If this fails, Open says why.
	if stream, err := js.Stream(ctx, name); err == nil {
		have := stream.CachedInfo().Config
		config.Replicas, config.Window = have.Replicas, have.Duplicates
	}
	return config, nil
}

// explain adds to an error what the server refused, which NATS does not say in the answer.
func (o *opened) explain(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refusal != nil && errors.Is(err, mackerel.ErrUnavailable) {
		return fmt.Errorf("%w; the server says: %w", err, o.refusal)
	}
	return err
}
