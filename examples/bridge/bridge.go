package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
	"github.com/mackerel-notify/mackerel/receiver"
	"github.com/mackerel-notify/mackerel/route"
)

const (
	headerTime = 5 * time.Second  // for the header of a request
	idleTime   = 2 * time.Minute  // of a connection that is kept
	stopTime   = 30 * time.Second // for the deliveries that run when the program is stopped
	// patience is how long an alert is tried again for one channel. It is shorter than receiver.Config.Timeout, so that the
	// last error of the service is reported and not the end of the context.
	patience = 9 * time.Minute
)

// A bridge receives webhooks and passes their alerts to channels.
type bridge struct {
	config   settings.Config
	log      *slog.Logger
	client   *mackerel.Client
	router   *route.Router
	receiver *receiver.Handler
	planner  *planner // nil if there is no secret to ask for
}

// newBridge makes a bridge. It makes no request.
func newBridge(c settings.Config, log *slog.Logger) (*bridge, error) {
	b := &bridge{config: c, log: log}
	var err error
	if b.client, err = c.Client(); err != nil {
		return nil, err
	}
	b.router, err = route.FromMackerel(route.MackerelConfig{
		Client: b.client, Resolve: b.resolve, FeedingChannel: c.FeedingChannel, TellSuspended: c.TellSuspended,
		Problem: func(ctx context.Context, err error) { log.WarnContext(ctx, "routing", "problem", err.Error()) },
	})
	if err != nil {
		return nil, err
	}
	c.Notifier, c.OnRequest, c.Undelivered = b.router, b.onRequest, b.undelivered
	if b.receiver, err = receiver.New(c.Config); err != nil {
		return nil, err
	}
	b.planner = newPlanner(c.Config, b.router)
	return b, nil
}

// resolve returns the notifier of a channel of Mackerel's.
func (b *bridge) resolve(c mackerel.Channel) (mackerel.Notifier, error) {
	_, d, err := b.config.Of(c)
	if err != nil {
		return nil, err
	}
	return route.Persist(d.Notifier, patience)
}

// onRequest logs a request.
func (b *bridge) onRequest(ctx context.Context, r receiver.Request) {
	level := slog.LevelInfo
	if r.Err != nil {
		level = slog.LevelWarn
	}
	b.log.Log(ctx, level, "webhook", "request", r)
}

// undelivered logs each channel that was not told.
func (b *bridge) undelivered(ctx context.Context, a mackerel.Alert, err error) {
	failed := mackerel.Failures(err)
	for _, f := range failed {
		b.log.ErrorContext(ctx, "not delivered", "alert", a.Title(), "key", a.Key(), "to", f)
	}
	if len(failed) == 0 {
		b.log.ErrorContext(ctx, "not delivered", "alert", a.Title(), "key", a.Key(), "error", err.Error())
	}
}

// ServeHTTP answers webhooks, and questions for the plan.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.planner != nil && b.planner.isAt(r.URL.Path) {
		b.planner.ServeHTTP(w, r)
		return
	}
	b.receiver.ServeHTTP(w, r)
}

// serve answers requests until the context ends. Then it takes no more requests, and waits for the deliveries that run.
func (b *bridge) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: b, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(b.log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	b.log.InfoContext(ctx, "listening", "address", l.Addr().String())
	b.warn(ctx)
	var failed error
	select {
	case failed = <-ended:
	case <-ctx.Done():
		b.log.InfoContext(ctx, "stopping: waiting for the deliveries that run", "at_most", stopTime.String())
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err := errors.Join(failed, server.Shutdown(stop), b.receiver.Drain(stop))
	b.log.InfoContext(ctx, "stopped")
	return err
}
