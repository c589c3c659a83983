// Package watch tells a notifier what happens to the alerts of an organization, for networks that no webhook of
// Mackerel's reaches. It asks Mackerel's API once a minute.
//
//	w, err := watch.New(watch.Config{
//		Mackerel: mackerel.ClientConfig{APIKey: mackerel.NewSecret(os.Getenv("MACKEREL_APIKEY"))},
//		Notifier: room,
//		Store:    watch.File("/var/lib/alerts/state.json"),
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	err = w.Run(ctx) // until the context ends
//
// # What is told
//
// Each status that an alert gets is told once: that it opens, that it changes and that it closes, in this order. Alerts
// that opened and closed between two polls are told too. The states between two polls come from the alert's log, of
// which a poll reads at most [Config].LogCalls; beyond that, only the present status is told.
//
// Mackerel does not tell by its API that a notification was sent again, that the message of an external monitor has
// changed, who closed an alert, and events that are no alerts.
//
// # What is kept
//
// The [Store] keeps for each open alert, and for alerts that closed in the last hours, which status was told. It is
// written after the notifier succeeded. So a process that is killed tells a status a second time rather than not at
// all. Alerts that closed while no process was running are found by their ids.
//
// At the first start, all open alerts are told, unless Config.SkipOpen is set.
//
// # Failures
//
// If the notifier fails for now, the status is told again with the next poll, through the notifiers of a
// [mackerel.Multi] that failed only. If it fails for good, as [mackerel.Retry] says, Config.Undelivered is called, and
// the status is not told again. To repeat sooner, wrap the notifier in route.Persist.
//
// # How often Mackerel is asked
//
// A request a second at most, unless Config.Mackerel.Call.Pace says otherwise. A poll needs a request for a hundred
// open alerts, one or more for the newest alerts, and one for each alert that changed. An alert is looked for again up
// to six hours after it was opened, because reports of checks may come that late.
package watch

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// The defaults of a Config.
const (
	DefaultInterval    = time.Minute
	DefaultLogCalls    = 30
	DefaultConcurrency = 8
)

// minInterval is the shortest interval. Mackerel evaluates once a minute.
const minInterval = 10 * time.Second

// late is how long after an alert opened it may appear in the list for the first time: reports of checks are accepted
// six hours late (https://mackerel.io/api-docs/entry/check-monitoring).
const late = 6 * time.Hour

// Config configures a Watcher. Mackerel.APIKey, Notifier and Store are required.
type Config struct {
	Mackerel mackerel.ClientConfig // the key may be one that only reads
	Notifier mackerel.Notifier
	Store    Store

	Interval    time.Duration // between the starts of two polls; DefaultInterval unless set, at least 10 s
	LogCalls    int           // how many logs of alerts a poll reads at most; DefaultLogCalls unless set, none if negative
	Concurrency int           // how many alerts are told at a time; DefaultConcurrency unless set
	SkipOpen    bool          // do not tell the alerts that are open at the first start

	// Undelivered is called for a status that the notifier failed to tell for good. It may be nil. Like Problem, it is
	// called by several goroutines at a time.
	Undelivered func(context.Context, mackerel.Alert, error)
	// Problem is called for everything that goes wrong and is tried again with the next poll. It may be nil.
	Problem func(context.Context, error)
}

// A Watcher tells a notifier what happens to alerts. The methods must not be called at the same time.
type Watcher struct {
	config    Config
	client    *mackerel.Client
	describer describer
	state     State
	loaded    bool
	pending   map[string]pending // by the ids of alerts
}

// A pending is a status of which some notifiers still have to be told.
type pending struct {
	status   mackerel.Status
	delivery string // its id, the same for each try
	left     []mackerel.Notifier
}

// A describer makes an alert worth sending of an alert of the API.
type describer interface {
	Describe(ctx context.Context, a mackerel.APIAlert, logs ...mackerel.AlertLog) (mackerel.Alert, error)
}

// New checks the configuration and reports all problems as one [mackerel.ErrConfig]. It makes no request.
func New(c Config) (*Watcher, error) {
	var problems []string
	add := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, problem)
		}
	}
	if c.Mackerel.Call.Pace == (mackerel.Pace{}) {
		c.Mackerel.Call.Pace = mackerel.Pace{N: 1, Per: time.Second}
	}
	client, err := mackerel.NewClient(c.Mackerel)
	var e *mackerel.Error
	if errors.As(err, &e) {
		add(false, "Mackerel: "+e.Message)
	}
	add(!mackerel.IsNil(c.Notifier), "Notifier: required")
	add(c.Store != nil, "Store: required")
	if f, ok := c.Store.(*FileStore); ok {
		problem := f.problem()
		add(problem == "", "Store: File: "+problem)
	}
	add(c.Interval == 0 || c.Interval >= minInterval, "Interval: must be at least "+minInterval.String())
	add(c.Concurrency >= 0, "Concurrency: must not be negative")
	if len(problems) > 0 {
		return nil, &mackerel.Error{Provider: "mackerel", Op: "watch", Kind: mackerel.ErrConfig, Message: strings.Join(problems, "; ")}
	}
	c.Interval = cmp.Or(c.Interval, DefaultInterval)
	c.LogCalls = max(0, cmp.Or(c.LogCalls, DefaultLogCalls))
	c.Concurrency = cmp.Or(c.Concurrency, DefaultConcurrency)
	return &Watcher{
		config: c, client: client, describer: mackerel.NewDescriber(client), pending: make(map[string]pending),
	}, nil
}

// Run polls until the context ends, and returns the context's error. A poll that fails is reported to Config.Problem,
// and made again after the interval.
func (w *Watcher) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		start := time.Now()
		if err := w.Poll(ctx); err != nil && ctx.Err() == nil {
			w.problem(ctx, err)
		}
		timer.Reset(max(0, w.config.Interval-time.Since(start)))
	}
}

func (w *Watcher) problem(ctx context.Context, err error) {
	if w.config.Problem != nil {
		w.config.Problem(ctx, err)
	}
}
