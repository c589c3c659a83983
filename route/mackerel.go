package route

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// ErrElsewhere is returned by a Resolve function for a channel that something else delivers to, such as Mackerel
// itself. The plan names the channel, and nothing is sent to it.
var ErrElsewhere = errors.New("delivered elsewhere")

// MackerelConfig configures [FromMackerel]. Client, Resolve and FeedingChannel are required, the latter unless Polled
// is set.
type MackerelConfig struct {
	Client *mackerel.Client // with a key that reads
	// Resolve returns the notifier for a channel, which is made once for each channel and made again when the channel
	// changes. It returns [ErrElsewhere] for a channel that is not to be told. Any other error is reported with each alert
	// for this channel: what has no credentials is not dropped.
	//
	// Mackerel itself tells its channels of the types email, slack and webhook unless they are suspended.
	Resolve func(mackerel.Channel) (mackerel.Notifier, error)
	// FeedingChannel is the id of the channel of type webhook that leads here. It is never told: that would be an endless
	// loop.
	FeedingChannel string
	// TellSuspended also tells the channels that Mackerel has suspended. It is for organizations that suspend channels of
	// the types email, slack and webhook so that this program tells them and Mackerel does not. Resolve decides on each.
	TellSuspended bool
	// Polled says that the alerts come from package watch. Mackerel has then not decided yet what is to be told: alerts of
	// hosts that are not working, and of muted monitors, are left out here.
	Polled bool
	// AskChildren applies the monitors and services of a group also if the group gets an alert as the child of another.
	// Mackerel's documentation does not say whether it does so. Without it, a child gets all that its parent gets.
	AskChildren bool
	// Refresh is how long groups and channels are kept; a minute unless set. If they cannot be read again, the last copy
	// stays in use.
	Refresh time.Duration
	// Problem is called for what is odd in the organization's settings, such as a child that does not exist, once for each
	// reading, and for readings that fail. It may be nil.
	Problem func(context.Context, error)
}

// A Router tells an alert to the channels that Mackerel's notification groups name for it. It is safe for concurrent
// use.
type Router struct {
	config MackerelConfig

	turns turns
	ids   lookup

	mu       sync.Mutex
	loading  chan struct{} // closed when the reading that is under way ends
	settings *settings
	loaded   time.Time
	critical *memory[bool]
	told     *memory[[]string] // the ids of the channels that were told of an open alert

	resolving sync.Mutex // held while Resolve runs
	notifiers map[string]resolved
}

var (
	_ mackerel.Deliverer = (*Router)(nil)
	_ mackerel.Previewer = (*Router)(nil)
)

// FromMackerel returns a notifier that tells each alert to the channels of the organization's notification groups, by
// the rules of https://mackerel.io/docs/entry/howto/alerts and https://mackerel.io/api-docs/entry/notification-groups:
// exclusive monitors, services, levels along each path, children and the default group. Each channel is told once.
//
// Events that are no alerts go to every channel that subscribes to them, whatever its groups are. Events that this
// module does not know go to every channel that subscribes to alerts, too. The sample of the Test button goes to no
// channel: it shows only that Mackerel reaches this program. The close of an alert also goes to the channels that
// were told of the open alert in this process: roles, groups and monitors may have changed since. Where Mackerel's
// documentation is silent, FromMackerel rather tells too much than too little.
//
// FromMackerel makes no request. The first Deliver reads the groups and the channels. It returns an error if they
// cannot be read and no copy is there. A router makes at most one request per second. An alert waits for its
// requests for at most 4 s; then it is told without what they would have said, and Problem is called.
func FromMackerel(c MackerelConfig) (*Router, error) {
	var problems []string
	add := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, problem)
		}
	}
	add(c.Client != nil, "Client: required")
	add(c.Resolve != nil, "Resolve: required")
	add(c.FeedingChannel != "" || c.Polled, "FeedingChannel: required unless Polled is set")
	add(c.Refresh >= 0, "Refresh: must not be negative")
	if len(problems) > 0 {
		return nil, failure("from mackerel", mackerel.ErrConfig, strings.Join(problems, "; "))
	}
	if c.Refresh == 0 {
		c.Refresh = time.Minute
	}
	return &Router{
		config: c, notifiers: make(map[string]resolved),
		critical: newMemory[bool](maxRemembered), told: newMemory[[]string](maxRemembered),
	}, nil
}

// maxRemembered is how many alerts a router remembers: whether they were critical, and which channels were told.
const maxRemembered = 100_000

// String returns "mackerel's notification groups".
func (r *Router) String() string { return "mackerel's notification groups" }

// Notify tells the alert: [Router.Deliver] without the receipt.
func (r *Router) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := r.Deliver(ctx, a)
	return err
}

// Deliver tells the alert to all channels of its plan at once. The error has a [mackerel.DeliveryError] for each
// channel that was not told, so that [mackerel.Failures] and [Persist] work as for a Multi. If there is no channel to
// tell, the receipt says so as Skipped.
//
// Of a [mackerel.Digest], each channel is told the alerts that are planned for it: in a digest, or one after the other
// if its service keeps incidents.
func (r *Router) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	start := time.Now()
	to, reason, err := r.recipients(ctx, a, r.noted)
	if err != nil {
		return mackerel.Receipt{}, err
	}
	if len(to) == 0 {
		return mackerel.Receipt{Skipped: "no channel of ours is to be told: " + reason}, nil
	}
	results := mackerel.DeliverAll(ctx, a, to...)
	receipt := mackerel.Receipt{Duration: time.Since(start)}
	failures := 0
	for _, one := range results {
		receipt.Attempts += one.Receipt.Attempts
		receipt.Waited += one.Receipt.Waited
		if one.Err != nil {
			failures++
		}
	}
	if failures > 0 && failures < len(results) {
		return receipt, &partly{results.Err()}
	}
	return receipt, results.Err()
}

// A partly is the error of a delivery of which a part has succeeded.
type partly struct{ error }

// Unwrap returns the error.
func (p *partly) Unwrap() error { return p.error }

// A recipient is a channel of ours that is to be told.
type recipient struct {
	channel  string // its id
	notifier mackerel.Notifier
}

// A planner returns the channels of ours that an alert is to be told, and why these.
type planner func(ctx context.Context, a mackerel.Alert) (all []recipient, reason string, err error)

// recipients returns the notifiers for an alert or a digest, and why they are these.
func (r *Router) recipients(
	ctx context.Context, a mackerel.Alert, plan planner,
) (to []mackerel.Notifier, reason string, err error) {
	if a.Event == mackerel.EventDigest {
		return digestParts(ctx, a, plan)
	}
	all, reason, err := plan(ctx, a)
	for _, one := range all {
		to = append(to, one.notifier)
	}
	return to, reason, err
}

// planned is the planner that changes nothing.
func (r *Router) planned(ctx context.Context, a mackerel.Alert) (all []recipient, reason string, err error) {
	p, err := r.Plan(ctx, a)
	if err != nil {
		return nil, "", err
	}
	for _, c := range p.Channels {
		if c.Notifier != nil {
			all = append(all, recipient{c.Channel.ID, c.Notifier})
		}
	}
	return all, p.Reason, nil
}

// noted is planned for channels that are then told, which it notes.
func (r *Router) noted(ctx context.Context, a mackerel.Alert) (all []recipient, reason string, err error) {
	all, reason, err = r.planned(ctx, a)
	if err != nil {
		return nil, "", err
	}
	var ids []string
	for _, one := range all {
		ids = append(ids, one.channel)
	}
	r.rememberStatus(a)
	r.remember(a, ids)
	return all, reason, nil
}

// rememberStatus notes whether an alert was ever critical or unknown, if that is known.
func (r *Router) rememberStatus(a mackerel.Alert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.critical.get(a.Key())
	if severe := isSevere(a); severe || !known && a.Status.Fold() == mackerel.StatusWarning && opened(a) {
		r.critical.set(a.Key(), severe)
	}
}

// remember notes which channels are told of an alert that is open, so that they are told of its close, too.
func (r *Router) remember(a mackerel.Alert, ids []string) {
	if len(ids) == 0 || a.Event != "" && a.Event != mackerel.EventAlert || a.Status.Fold() == mackerel.StatusOK {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before, _ := r.told.get(a.Key())
	for _, id := range before {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	r.told.set(a.Key(), ids)
}

// Preview shows what Deliver would send to all channels, in the order of the plan. Channels whose notifier has no
// preview are left out. Nothing is remembered of the alert.
func (r *Router) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	ctx, cancel := context.WithTimeout(context.Background(), previewTime)
	defer cancel()
	to, reason, err := r.recipients(ctx, a, r.planned)
	if err != nil {
		return nil, err
	}
	all := new(mackerel.Preview)
	for _, n := range to {
		previewer, ok := n.(mackerel.Previewer)
		if !ok {
			continue
		}
		one, err := previewer.Preview(a)
		switch {
		case errors.Is(err, mackerel.ErrUnsupported): // a part of a digest, or a rule
			continue
		case err != nil:
			return nil, err
		}
		all.Requests = append(all.Requests, one.Requests...)
		all.Cuts = append(all.Cuts, one.Cuts...)
	}
	if len(all.Requests) == 0 {
		all.Skipped = "no channel of ours is to be told: " + reason
	}
	return all, nil
}

// previewTime is how long a Preview waits for Mackerel.
const previewTime = 10 * time.Second

// A resolved is the notifier that was made for a channel.
type resolved struct {
	channel  string // the channel's JSON
	notifier mackerel.Notifier
	err      error
}

// notifier returns the notifier of a channel, which is made once. What Resolve failed to make is tried again.
func (r *Router) notifier(c mackerel.Channel) (mackerel.Notifier, error) {
	form, err := c.MarshalJSON()
	if err != nil {
		return nil, err
	}
	r.resolving.Lock()
	defer r.resolving.Unlock()
	if made := r.notifiers[c.ID]; made.channel == string(form) {
		return made.notifier, made.err
	}
	n, err := r.config.Resolve(c)
	if err == nil && mackerel.IsNil(n) {
		err = errors.New("the function Resolve returned no notifier")
	}
	if err == nil || errors.Is(err, ErrElsewhere) {
		r.notifiers[c.ID] = resolved{string(form), n, err}
	}
	return n, err
}

// An unresolved is a notifier for a channel that cannot be told.
type unresolved struct {
	channel mackerel.Channel
	err     error
}

// Notify returns why the channel cannot be told.
func (u *unresolved) Notify(context.Context, mackerel.Alert) error {
	return &mackerel.Error{Provider: "route", Op: "resolve channel", Kind: mackerel.ErrConfig, Err: u.err}
}

// String names the channel.
func (u *unresolved) String() string { return "channel " + u.channel.Name }

// A memory remembers something of the newest alerts, by their keys. It is not safe for concurrent use.
type memory[T any] struct {
	most     int
	new, old map[string]T
}

func newMemory[T any](most int) *memory[T] { return &memory[T]{most: most, new: make(map[string]T)} }

// set remembers an alert. When half of the room is full, alerts that were not set since the last time are forgotten.
func (m *memory[T]) set(key string, value T) {
	if m.new[key] = value; len(m.new) >= m.most/2 {
		m.old, m.new = m.new, make(map[string]T)
	}
}

// get returns what is remembered of an alert, and whether it is known.
func (m *memory[T]) get(key string) (value T, known bool) {
	if value, known = m.new[key]; !known {
		value, known = m.old[key]
	}
	return value, known
}
