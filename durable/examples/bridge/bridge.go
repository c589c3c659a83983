package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
	"github.com/mackerel-notify/mackerel/receiver"
	"github.com/mackerel-notify/mackerel/route"
)

const (
	headerTime = 5 * time.Second  // for the header of a request
	idleTime   = 2 * time.Minute  // of a connection that is kept
	stopTime   = 30 * time.Second // for what runs when the program is stopped
	ackWait    = 10 * time.Second // after which another program delivers what a killed program had in hand
)

// incoming is the queue of what Mackerel has sent. The other queues are those of the channels.
const incoming = "in"

// routed is how many alerts are routed at a time. Looking for the monitor of an alert takes up to 2 s, also in a storm.
const routed = 64

// incidents are the services that keep the state of an incident. They need not be told a state that is over.
var incidents = map[string]bool{"pagerduty": true, "opsgenie": true, "jsm": true}

// A bridge takes webhooks, stores their alerts, and delivers them to the channels of the organization's groups:
//
//	webhook -> queue "in" -> router -> a queue for each channel -> the channel
type bridge struct {
	config   settings.Config
	store    *durable.Store
	log      *slog.Logger
	receiver *receiver.Handler // nil if this program takes no webhooks
	workers  []*durable.Worker // none if this program delivers nothing
}

// newBridge makes a bridge. It makes no request.
func newBridge(c settings.Config, store *durable.Store, role string, log *slog.Logger) (*bridge, error) {
	b := &bridge{config: c, store: store, log: log}
	if role != roleDeliver {
		in, err := store.Queue(incoming)
		if err != nil {
			return nil, err
		}
		c.Notifier, c.OnRequest, c.Undelivered = in, b.onRequest, b.notStored
		if b.receiver, err = receiver.New(c.Config); err != nil {
			return nil, err
		}
	}
	if role != roleReceive {
		return b, b.addWorkers()
	}
	return b, nil
}

// addWorkers adds a worker that routes, and a worker for each channel of the configuration. So a channel is told what
// waits for it also while Mackerel's API cannot be read.
func (b *bridge) addWorkers() error {
	client, err := b.config.Client()
	if err != nil {
		return err
	}
	router, err := route.FromMackerel(route.MackerelConfig{
		Client: client, Resolve: b.resolve,
		FeedingChannel: b.config.FeedingChannel, TellSuspended: b.config.TellSuspended,
		Problem: func(ctx context.Context, err error) { b.log.WarnContext(ctx, "routing", "problem", err.Error()) },
	})
	if err != nil {
		return err
	}
	all := []durable.WorkerConfig{{Queue: incoming, Notifier: router, Concurrency: routed}}
	for _, name := range slices.Sorted(maps.Keys(b.config.Destinations)) {
		if d := b.config.Destinations[name]; d.Service != settings.Elsewhere {
			all = append(all, durable.WorkerConfig{
				Queue: queueOf(name), Notifier: d.Notifier, Overtake: incidents[d.Service], AtMostOnce: d.Service == "twilio",
			})
		}
	}
	for _, c := range all {
		c.AckWait, c.Grace, c.OnResult = ackWait, stopTime, b.onResult
		w, err := b.store.NewWorker(c)
		if err != nil {
			return err
		}
		b.workers = append(b.workers, w)
	}
	return nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,48}$`)
var odd = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// queueOf returns the name of the queue of a channel, by its name or id in the configuration. Names of queues have fewer
// characters than names of channels.
func queueOf(name string) string {
	if plainName.MatchString(name) && name != incoming {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	plain := odd.ReplaceAllString(name, "")
	return plain[:min(len(plain), 40)] + "-" + hex.EncodeToString(sum[:4])
}

// resolve returns the queue of a channel of Mackerel's.
func (b *bridge) resolve(c mackerel.Channel) (mackerel.Notifier, error) {
	name, _, err := b.config.Of(c)
	switch {
	case err == nil:
		return b.store.Queue(queueOf(name))
	case errors.Is(err, route.ErrElsewhere):
		return nil, err
	}
	// A dead letter would be of no use: to replay it would tell the other channels again.
	return mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
		b.log.ErrorContext(ctx, "not delivered", "alert", a.Title(), "channel", c.Name, "error", err.Error())
		return nil
	}), nil
}

// onRequest logs a request.
func (b *bridge) onRequest(ctx context.Context, r receiver.Request) {
	level := slog.LevelInfo
	if r.Err != nil {
		level = slog.LevelWarn
	}
	b.log.Log(ctx, level, "webhook", "request", r)
}

// notStored logs an alert that the store cannot take. If it may take it later, Mackerel is asked to send it again.
func (b *bridge) notStored(ctx context.Context, a mackerel.Alert, err error) {
	b.log.ErrorContext(ctx, "not stored", "alert", a.Title(), "key", a.Key(), "error", err.Error())
}

// onResult logs what became of an alert.
func (b *bridge) onResult(ctx context.Context, r durable.Result) {
	level := map[durable.Outcome]slog.Level{
		durable.Repeated: slog.LevelWarn, durable.Dead: slog.LevelError,
	}[r.Outcome] // else LevelInfo
	attrs := []any{"queue", r.Queue, "alert", r.Alert.Title(), "age", r.Age.Truncate(time.Millisecond).String()}
	if r.Err != nil {
		attrs = append(attrs, "error", r.Err.Error())
	}
	if r.After > 0 {
		attrs = append(attrs, "again_after", r.After.String())
	}
	b.log.Log(ctx, level, string(r.Outcome), attrs...)
}

// run takes webhooks and delivers alerts until the context ends, or until something fails that waiting does not mend.
// Then it takes no more webhooks and waits for the deliveries that run. What is stored waits for the next start.
func (b *bridge) run(ctx context.Context, l net.Listener) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	b.warn(ctx)
	var running sync.WaitGroup
	for _, w := range b.workers {
		running.Go(func() {
			if err := w.Run(ctx); err != nil {
				fail(fmt.Errorf("%s: %w", w, err))
			}
		})
	}
	if b.receiver != nil {
		running.Go(func() { fail(b.serve(ctx, l)) })
	}
	<-ctx.Done()
	b.log.InfoContext(ctx, "stopping")
	running.Wait()
	b.log.InfoContext(ctx, "stopped")
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// serve takes webhooks until the context ends.
func (b *bridge) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: b.receiver, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(b.log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	b.log.InfoContext(ctx, "listening", "address", l.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(server.Shutdown(stop), b.receiver.Drain(stop))
}

// warn logs the queues in which alerts wait although no channel of the configuration has them: the channel was removed
// from the configuration, or has another name there.
func (b *bridge) warn(ctx context.Context) {
	if b.workers == nil {
		return
	}
	stats, err := b.store.Stats(ctx)
	if err != nil {
		b.log.WarnContext(ctx, "the store cannot be read", "error", err.Error())
		return
	}
	known := map[string]bool{incoming: true}
	for name, d := range b.config.Destinations {
		known[queueOf(name)] = d.Service != settings.Elsewhere
	}
	for _, q := range stats.Queues {
		if q.Waiting > 0 && !known[q.Queue] {
			b.log.WarnContext(ctx, "no channel of the configuration has this queue", "queue", q.Queue, "waiting", q.Waiting)
		}
	}
}
