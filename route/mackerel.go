package route

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// ErrElsewhere is returned by a Resolve function for a channel that something else delivers to, such as Mackerel itself.
// The plan names the channel, and nothing is sent to it.
var ErrElsewhere = errors.New("delivered elsewhere")

// MackerelConfig configures [FromMackerel]. Client, Resolve and FeedingChannel are required, the latter unless Polled is
// set.
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

// A Router tells an alert to the channels that Mackerel's notification groups name for it. It is safe for concurrent use.
type Router struct {
	config MackerelConfig

	mu        sync.Mutex
	loading   chan struct{} // closed when the reading that is under way ends
	settings  *settings
	loaded    time.Time
	notifiers map[string]resolved
	critical  *memory
	ids       lookup
}

var (
	_ mackerel.Deliverer = (*Router)(nil)
	_ mackerel.Previewer = (*Router)(nil)
)

// FromMackerel returns a notifier that tells each alert to the channels of the organization's notification groups, by
// the rules of https://mackerel.io/docs/entry/howto/alerts and https://mackerel.io/api-docs/entry/notification-groups:
// exclusive monitors, services, levels along each path, children and the default group. Each channel is told once.
//
// Events that are no alerts go to every channel that subscribes to them, whatever its groups are. Where Mackerel's
// documentation is silent, FromMackerel rather tells too much than too little: see the methods of [Plan].
//
// FromMackerel makes no request. The first Deliver reads the groups and the channels. It returns an error if they cannot
// be read and no copy is there.
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
	return &Router{config: c, notifiers: make(map[string]resolved), critical: newMemory(maxRemembered)}, nil
}

// maxRemembered is how many alerts a router remembers as having been critical.
const maxRemembered = 100_000

// String returns "mackerel's notification groups".
func (r *Router) String() string { return "mackerel's notification groups" }

// Notify tells the alert: [Router.Deliver] without the receipt.
func (r *Router) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := r.Deliver(ctx, a)
	return err
}

// Deliver tells the alert to all channels of its plan at once. The error has a [mackerel.DeliveryError] for each channel
// that was not told, so that [mackerel.Failures] and [Persist] work as for a Multi. If there is no channel to tell, the
// receipt says so as Skipped.
func (r *Router) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	start := time.Now()
	p, err := r.Plan(ctx, a)
	if err != nil {
		return mackerel.Receipt{}, err
	}
	var to []mackerel.Notifier
	for _, c := range p.Channels {
		if c.Notifier != nil {
			to = append(to, c.Notifier)
		}
	}
	if len(to) == 0 {
		return mackerel.Receipt{Skipped: "no channel of ours is to be told: " + p.Reason}, nil
	}
	results := mackerel.DeliverAll(ctx, a, to...)
	receipt := mackerel.Receipt{Duration: time.Since(start)}
	for _, one := range results {
		receipt.Attempts += one.Receipt.Attempts
		receipt.Waited += one.Receipt.Waited
	}
	return receipt, results.Err()
}

// Preview shows what Deliver would send to all channels, in the order of the plan.
func (r *Router) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	p, err := r.Plan(context.Background(), a)
	if err != nil {
		return nil, err
	}
	all := new(mackerel.Preview)
	for _, c := range p.Channels {
		previewer, ok := c.Notifier.(mackerel.Previewer)
		if !ok {
			continue
		}
		one, err := previewer.Preview(a)
		if err != nil {
			return nil, err
		}
		all.Requests = append(all.Requests, one.Requests...)
		all.Cuts = append(all.Cuts, one.Cuts...)
	}
	if len(all.Requests) == 0 {
		all.Skipped = "no channel of ours is to be told: " + p.Reason
	}
	return all, nil
}

// A resolved is the notifier that was made for a channel.
type resolved struct {
	channel  string // the channel's JSON
	notifier mackerel.Notifier
	err      error
}

// notifier returns the notifier of a channel, which is made once. A channel without credentials has a notifier that
// fails.
func (r *Router) notifier(c mackerel.Channel) (mackerel.Notifier, error) {
	form, err := c.MarshalJSON()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if made, ok := r.notifiers[c.ID]; ok && made.channel == string(form) {
		return made.notifier, made.err
	}
	n, err := r.config.Resolve(c)
	if err == nil && mackerel.IsNil(n) {
		err = failure("resolve channel", mackerel.ErrConfig, "Resolve returned no notifier for the channel "+c.Name)
	}
	r.notifiers[c.ID] = resolved{string(form), n, err}
	return n, err
}

// An unresolved is a notifier for a channel that cannot be told.
type unresolved struct {
	channel mackerel.Channel
	err     error
}

// Notify returns why the channel cannot be told.
func (u *unresolved) Notify(context.Context, mackerel.Alert) error {
	return failure("resolve channel", mackerel.ErrConfig, u.err.Error())
}

// String names the channel.
func (u *unresolved) String() string { return "channel " + u.channel.Name }

// memory remembers of alerts whether they were critical, of the newest alerts. It is not safe for concurrent use.
type memory struct {
	most     int
	new, old map[string]bool
}

func newMemory(most int) *memory { return &memory{most: most, new: make(map[string]bool)} }

// set remembers an alert. When half of the room is full, alerts that were not set since the last time are forgotten.
func (m *memory) set(key string, critical bool) {
	if m.new[key] = critical; len(m.new) >= m.most/2 {
		m.old, m.new = m.new, make(map[string]bool)
	}
}

// get reports whether an alert was critical, and whether that is known.
func (m *memory) get(key string) (critical, known bool) {
	if critical, known = m.new[key]; !known {
		critical, known = m.old[key]
	}
	return critical, known
}
