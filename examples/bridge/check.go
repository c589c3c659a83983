package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/examples/bridge/settings"
)

// check prints how each channel of the organization is told. It returns an error if people would not be told.
func (b *bridge) check(ctx context.Context, out io.Writer) error {
	o, err := b.organization(ctx)
	if err != nil {
		return err
	}
	for _, c := range o.channels {
		fmt.Fprintf(out, "%-13s %-24s %-24s %s\n", c.ID, c.Detail.ChannelType(), c.Name, b.how(c))
	}
	problems := b.problems(o)
	for _, p := range problems {
		fmt.Fprintln(out, "PROBLEM:", p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("bridge: %d problems", len(problems))
	}
	fmt.Fprintln(out, "No problems.")
	return nil
}

// warn logs what check would find. The bridge runs all the same: an alert for one channel is better than no alert.
func (b *bridge) warn(ctx context.Context) {
	o, err := b.organization(ctx)
	if err != nil {
		b.log.WarnContext(ctx, "the organization cannot be read", "error", err.Error())
		return
	}
	for _, p := range b.problems(o) {
		b.log.WarnContext(ctx, "configuration", "problem", p)
	}
}

// An organization is what Mackerel knows about routing.
type organization struct {
	channels []mackerel.Channel
	groups   []mackerel.NotificationGroup
}

func (b *bridge) organization(ctx context.Context) (o organization, err error) {
	if o.channels, err = b.client.ListChannels(ctx); err != nil {
		return o, err
	}
	o.groups, err = b.client.ListNotificationGroups(ctx)
	return o, err
}

// how says in a few words how a channel is told.
func (b *bridge) how(c mackerel.Channel) string {
	_, d, configured := b.config.Find(c)
	switch {
	case c.ID == b.config.FeedingChannel:
		return "leads here"
	case configured && d.Service != settings.Elsewhere && (b.config.TellSuspended || c.SuspendedAt.IsZero()):
		return "told by " + d.Service
	case !c.SuspendedAt.IsZero():
		return "not told: Mackerel has suspended it"
	case configured, settings.ToldByMackerel(c):
		return "told by Mackerel itself"
	}
	return "NOT TOLD: no credentials"
}

// problems lists what keeps alerts from people, or tells people twice.
func (b *bridge) problems(o organization) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	used, named := make(map[string]bool), make(map[string]int)
	for _, c := range o.channels {
		used[c.ID], used[c.Name] = true, true
		named[c.Name]++
		_, d, configured := b.config.Find(c)
		own := configured && d.Service != settings.Elsewhere
		switch {
		case c.ID == b.config.FeedingChannel || !c.SuspendedAt.IsZero():
		case own && settings.ToldByMackerel(c):
			add("channel %q is told twice: by Mackerel itself and by this program", c.Name)
		case !configured && !settings.ToldByMackerel(c):
			add(`channel %q (%s) has no credentials; if Mackerel tells it, say so: {"mackerel":{}}`,
				c.Name, c.Detail.ChannelType())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.config.Destinations)) {
		switch {
		case !used[name]:
			add("the organization has no channel %q", name)
		case named[name] > 1:
			add("%d channels have the name %q: use their ids", named[name], name)
		}
	}
	return append(all, o.feeding(b.config.FeedingChannel)...)
}

// feeding lists the alerts that do not come here.
func (o organization) feeding(id string) (all []string) {
	at := slices.IndexFunc(o.channels, func(c mackerel.Channel) bool { return c.ID == id })
	if at < 0 {
		return []string{fmt.Sprintf("the organization has no channel with the id %q, the feeding channel", id)}
	}
	c := o.channels[at]
	if _, ok := c.Detail.(*mackerel.Webhook); !ok {
		all = append(all, fmt.Sprintf("the feeding channel %q is no webhook", c.Name))
	}
	if !c.SuspendedAt.IsZero() {
		all = append(all, fmt.Sprintf("Mackerel has suspended the feeding channel %q", c.Name))
	}
	for _, g := range o.groups {
		exclusive := slices.ContainsFunc(g.Monitors, func(m mackerel.NotificationGroupMonitor) bool { return m.SkipDefault })
		if isDefault := g.Type == mackerel.NotificationGroupDefault; !exclusive && !isDefault {
			continue
		}
		if !o.leads(g, id, make(map[string]bool)) {
			all = append(all, fmt.Sprintf("the group %q does not lead to the feeding channel at the level all", g.Name))
		}
	}
	return all
}

// leads reports whether all alerts of a group reach a channel.
func (o organization) leads(g mackerel.NotificationGroup, channel string, seen map[string]bool) bool {
	if seen[g.ID] || g.NotificationLevel == mackerel.LevelCritical {
		return false
	}
	seen[g.ID] = true
	if slices.Contains(g.ChildChannelIDs, channel) {
		return true
	}
	return slices.ContainsFunc(o.groups, func(child mackerel.NotificationGroup) bool {
		return slices.Contains(g.ChildNotificationGroupIDs, child.ID) && o.leads(child, channel, seen)
	})
}
