package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mackerel-notify/mackerel"
)

// A Plan says which channels are told an alert, and why.
type Plan struct {
	Title    string // of the alert
	Reason   string // why no channel is told, or how the groups were chosen
	Channels []PlannedChannel
}

// A PlannedChannel is a channel of a plan.
type PlannedChannel struct {
	Channel  mackerel.Channel
	Notifier mackerel.Notifier // what tells it; nil if nothing does
	Path     []string          // the names of the groups that lead to the channel
	Note     string            // why nothing tells it, what is wrong, or why it is told if no group leads to it
}

// String writes the plan for people to read: a line for each channel.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", p.Title, p.Reason)
	for _, c := range p.Channels {
		how := "told"
		if _, fails := c.Notifier.(*unresolved); fails || c.Notifier == nil {
			how = "not told"
		}
		fmt.Fprintf(&b, "- %s (%s): %s", c.Channel.Name, channelType(c.Channel), how)
		if len(c.Path) > 0 {
			fmt.Fprintf(&b, ", by %s", strings.Join(c.Path, " > "))
		}
		if c.Note != "" {
			fmt.Fprintf(&b, ": %s", c.Note)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func channelType(c mackerel.Channel) string {
	if c.Detail == nil {
		return "unknown"
	}
	return string(c.Detail.ChannelType())
}

// Plan returns which channels are told an alert, without telling them.
func (r *Router) Plan(ctx context.Context, a mackerel.Alert) (Plan, error) {
	if r.config.Client == nil {
		return Plan{}, failure("plan", mackerel.ErrConfig, "not made by FromMackerel")
	}
	s, err := r.read(ctx)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Title: a.Title()}
	if reason := r.silent(a); reason != "" {
		p.Reason = reason
		return p, nil
	}
	var reached []reach
	switch a.Event {
	case "", mackerel.EventAlert:
		reached, p.Reason = r.groups(ctx, s, a)
	case mackerel.EventSample:
		p.Reason = "the sample of the Test button shows only that Mackerel reaches this program"
	default:
		p.Reason = "events other than alerts go to the channels that subscribe to them"
		for _, c := range s.listed {
			reached = append(reached, reach{channel: c.ID})
		}
	}
	for _, one := range r.withTold(a, reached) {
		if c, listed := s.channels[one.channel]; listed {
			p.add(r.channel(c, a, one))
		}
	}
	return p, nil
}

// withTold adds the channels that were told of an alert while it was open, if it is closed.
func (r *Router) withTold(a mackerel.Alert, reached []reach) []reach {
	if a.Event != "" && a.Event != mackerel.EventAlert || a.Status.Fold() != mackerel.StatusOK {
		return reached
	}
	r.mu.Lock()
	told, _ := r.told.get(a.Key())
	r.mu.Unlock()
	for _, id := range told {
		if !slices.ContainsFunc(reached, func(one reach) bool { return one.channel == id }) {
			reached = append(reached, reach{channel: id, note: "it was told of the open alert"})
		}
	}
	return reached
}

func (p *Plan) add(c PlannedChannel, ok bool) {
	if ok {
		p.Channels = append(p.Channels, c)
	}
}

// silent says why Mackerel tells nobody about an alert that was polled.
func (r *Router) silent(a mackerel.Alert) string {
	if !r.config.Polled || a.Event != "" && a.Event != mackerel.EventAlert {
		return ""
	}
	if a.Monitor.Muted {
		return "the monitor is muted"
	}
	if a.Host != nil && slices.Contains([]string{"standby", "maintenance", "poweroff"}, a.Host.Status) {
		return "the host is in " + a.Host.Status
	}
	return ""
}

// channel returns the channel's part in the plan. It reports false for a channel that is not told such events.
func (r *Router) channel(c mackerel.Channel, a mackerel.Alert, by reach) (PlannedChannel, bool) {
	p := PlannedChannel{Channel: c, Path: by.path, Note: by.note}
	switch subscribed, why := subscribes(c, a.Event); {
	case !subscribed && why == "":
		return p, false
	case c.ID == r.config.FeedingChannel:
		p.Note = "it leads here"
	case !c.SuspendedAt.IsZero() && !r.config.TellSuspended:
		p.Note = "Mackerel has suspended it"
	case !subscribed:
		p.Note = why
	default:
		n, err := r.notifier(c)
		switch {
		case errors.Is(err, ErrElsewhere):
			p.Note = err.Error()
		case err != nil:
			p.Notifier, p.Note = &unresolved{c, err}, err.Error()
		default:
			p.Notifier = n
		}
	}
	return p, true
}

// subscribes reports whether a channel is told an event, and why not if that is worth a line. Types whose events the API
// does not show are told alerts. An event that this module does not know is also told to channels that are told alerts:
// Mackerel has sent it to the feeding channel, so somebody asked for it. The sample goes to the feeding channel only.
func subscribes(c mackerel.Channel, e mackerel.Event) (ok bool, why string) {
	event := e.ChannelEvent()
	isAlert := event == mackerel.ChannelEventAlert
	likeAlert := isAlert || isUnknown(event)
	events := eventsOf(c)
	switch {
	case event == "":
		return false, ""
	case events == nil:
		return likeAlert, ""
	case slices.Contains(events, event), likeAlert && slices.Contains(events, mackerel.ChannelEventAlert):
		return true, ""
	case isAlert:
		return false, "it does not subscribe to alerts"
	}
	return false, ""
}

func isUnknown(e mackerel.ChannelEvent) bool {
	return !slices.Contains([]mackerel.ChannelEvent{
		mackerel.ChannelEventAlert, mackerel.ChannelEventAlertGroup, mackerel.ChannelEventHostStatus,
		mackerel.ChannelEventHostRegister, mackerel.ChannelEventHostRetire, mackerel.ChannelEventMonitor,
	}, e)
}

// eventsOf returns the events of a channel, nil if the API does not show them.
func eventsOf(c mackerel.Channel) []mackerel.ChannelEvent {
	switch d := c.Detail.(type) {
	case *mackerel.Email:
		return d.Events
	case *mackerel.Slack:
		return d.Events
	case *mackerel.Webhook:
		return d.Events
	}
	return nil
}

// A reach is a channel that a group leads to.
type reach struct {
	channel string
	path    []string
	note    string // why it is told, if no group leads to it
}

// groups returns the channels to which the groups lead for an alert, each once, and how the groups were chosen.
func (r *Router) groups(ctx context.Context, s *settings, a mackerel.Alert) ([]reach, string) {
	monitor, err := r.monitorID(ctx, a)
	roots, reason := s.matching(monitor, services(a))
	if err != nil {
		reason += "; the monitor is not known: " + err.Error()
		r.problem(ctx, fmt.Errorf("alert %s is routed without its monitor: %w", a.ID, err))
	}
	w := walk{settings: s, passes: r.passes(ctx, a), seen: make(map[string]bool), told: make(map[string]bool)}
	if r.config.AskChildren {
		w.asks = func(g mackerel.NotificationGroup) bool {
			listed, _ := lists(g, monitor)
			return listed || meets(g, services(a)) || len(g.Monitors)+len(g.Services) == 0
		}
	}
	for _, root := range roots {
		w.group(root, nil)
	}
	if len(w.reached) == 0 && len(roots) > 0 {
		reason += "; no channel is below them at this level"
	}
	return w.reached, reason
}

// matching returns the groups that an alert belongs to.
func (s *settings) matching(monitor string, services map[string]bool) (roots []string, reason string) {
	var exclusive, ordinary, names []string
	for _, id := range s.order {
		g := s.groups[id]
		if listed, only := lists(g, monitor); only {
			exclusive = append(exclusive, id)
		} else if g.Type == mackerel.NotificationGroupDefault || listed || meets(g, services) {
			ordinary = append(ordinary, id)
		}
	}
	roots, reason = ordinary, "groups: "
	if len(exclusive) > 0 {
		roots, reason = exclusive, "groups that have the monitor for themselves: "
	}
	for _, id := range roots {
		names = append(names, s.groups[id].Name)
	}
	if len(roots) == 0 {
		return nil, "no notification group matches"
	}
	return roots, reason + strings.Join(names, ", ")
}

// lists reports whether a group lists a monitor, and whether it does so for itself only. The default group has no list.
func lists(g mackerel.NotificationGroup, monitor string) (listed, only bool) {
	if g.Type == mackerel.NotificationGroupDefault {
		return false, false
	}
	for _, m := range g.Monitors {
		if monitor != "" && m.ID == monitor {
			return true, m.SkipDefault
		}
	}
	return false, false
}

func meets(g mackerel.NotificationGroup, services map[string]bool) bool {
	return slices.ContainsFunc(g.Services, func(s mackerel.NotificationGroupService) bool { return services[s.Name] })
}

// services returns the services of an alert: those of the host's roles, and the service of the monitor.
func services(a mackerel.Alert) map[string]bool {
	all := make(map[string]bool)
	if a.Host != nil {
		for _, r := range a.Host.Roles {
			name, _, _ := strings.Cut(r.FullName, ":")
			all[cmp.Or(r.Service, strings.TrimSpace(name))] = true
		}
	}
	if a.Service != nil {
		all[a.Service.Name] = true
	}
	delete(all, "")
	return all
}

// A walk goes from groups to their children. Each group is visited once, so that a cycle ends.
type walk struct {
	settings *settings
	passes   func(mackerel.Level) bool
	asks     func(mackerel.NotificationGroup) bool // nil if the children of a group get all that it gets
	seen     map[string]bool
	told     map[string]bool
	reached  []reach
}

func (w *walk) group(id string, path []string) {
	g, exists := w.settings.groups[id]
	if !exists || w.seen[id] {
		return
	}
	w.seen[id] = true
	if !w.passes(g.NotificationLevel) || len(path) > 0 && w.asks != nil && !w.asks(g) {
		return
	}
	path = append(slices.Clip(path), g.Name)
	for _, channel := range g.ChildChannelIDs {
		if !w.told[channel] {
			w.told[channel] = true
			w.reached = append(w.reached, reach{channel: channel, path: path})
		}
	}
	for _, child := range g.ChildNotificationGroupIDs {
		w.group(child, path)
	}
}

// passes returns whether an alert passes a level. A recovery passes the level critical if the alert was critical or
// unknown before, or if that is not known.
func (r *Router) passes(ctx context.Context, a mackerel.Alert) func(mackerel.Level) bool {
	status, severe := a.Status.Fold(), isSevere(a)
	r.mu.Lock()
	was, known := r.critical.get(a.Key())
	r.mu.Unlock()
	ever := sync.OnceValue(func() bool {
		switch {
		case severe, status == mackerel.StatusWarning:
			return severe
		case known:
			return was
		}
		return r.wasCritical(ctx, a)
	})
	return func(l mackerel.Level) bool { return l != mackerel.LevelCritical || ever() }
}

// isSevere reports whether an alert is critical or unknown. A status that is not known is taken as unknown.
func isSevere(a mackerel.Alert) bool {
	status := a.Status.Fold()
	return status != mackerel.StatusOK && status != mackerel.StatusWarning
}

// wasCritical asks Mackerel whether an alert was critical or unknown. If that cannot be learned, it was: a recovery too
// many is better than an incident that stays open.
func (r *Router) wasCritical(ctx context.Context, a mackerel.Alert) bool {
	if a.ID == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	if r.turns.wait(ctx) != nil {
		return true
	}
	for l, err := range r.config.Client.AlertLogs(ctx, a.ID) {
		if err != nil {
			return true
		}
		if status := l.Status.Fold(); status != mackerel.StatusOK && status != mackerel.StatusWarning {
			return true
		}
	}
	return false
}
