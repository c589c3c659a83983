package provision

import (
	"context"
	"fmt"
	"slices"

	"github.com/mackerel-notify/mackerel"
)

// An ApplyError says how far a plan got.
type ApplyError struct {
	Done   []Change // made
	Failed Change   // refused, or not known to be made if Err is [mackerel.ErrAmbiguous]
	Left   []Change // not tried
	Err    error
}

// Error says which change failed, and how many were made before it and are left.
func (e *ApplyError) Error() string {
	return fmt.Sprintf("%s: %v (%d changes were made, %d are left)", e.Failed, e.Err, len(e.Done), len(e.Left))
}

// Unwrap returns Err.
func (e *ApplyError) Unwrap() error { return e.Err }

// Apply makes the changes of a plan in their order: channels and groups are created before what refers to them, and
// deleted last. It stops at the first failure with an [*ApplyError]. A plan is applied once: compare again before
// another Apply.
func (p *Plan) Apply(ctx context.Context) error {
	if p.client == nil && len(p.Changes) > 0 {
		return &mackerel.Error{Provider: "mackerel", Op: "apply", Kind: mackerel.ErrConfig, Message: "not made by Compare"}
	}
	if p.applied {
		return &mackerel.Error{
			Provider: "mackerel", Op: "apply", Kind: mackerel.ErrInvalid, Message: "the plan was applied before: compare again",
		}
	}
	p.applied = true
	for i, c := range p.Changes {
		if err := p.apply(ctx, c); err != nil {
			return &ApplyError{
				Done: slices.Clone(p.Changes[:i]), Failed: c, Left: slices.Clone(p.Changes[i+1:]), Err: err,
			}
		}
	}
	return nil
}

func (p *Plan) apply(ctx context.Context, c Change) error {
	if c.Kind == "channel" {
		return p.applyChannel(ctx, c)
	}
	g := c.group
	g.ChildChannelIDs = resolve(g.ChildChannelIDs, p.ids.channel, p.ids.channels)
	g.ChildNotificationGroupIDs = resolve(g.ChildNotificationGroupIDs, p.ids.group, p.ids.groups)
	switch c.Action {
	case Create:
		made, err := p.client.CreateNotificationGroup(ctx, g)
		if err == nil {
			p.ids.addGroup(g.Name, made.ID)
		}
		return err
	case Update:
		if g.ID == "" {
			g.ID = last(p.ids.groups[c.Name]) // it was created by this plan
		}
		_, err := p.client.UpdateNotificationGroup(ctx, g)
		return err
	case Delete:
	}
	_, err := p.client.DeleteNotificationGroup(ctx, c.ID)
	return err
}

func (p *Plan) applyChannel(ctx context.Context, c Change) error {
	switch c.Action {
	case Create:
		no := false // the groups of the settings say who gets alerts
		made, err := p.client.CreateChannel(ctx, c.channel, mackerel.CreateChannelOptions{AddToDefaultNotificationGroup: &no})
		if err == nil {
			p.ids.addChannel(c.Name, made.ID)
		}
		return err
	case Update:
		_, err := p.client.UpdateChannel(ctx, c.channel)
		return err
	case Delete:
	}
	_, err := p.client.DeleteChannel(ctx, c.ID)
	return err
}

// resolve puts ids in place of the names of what this plan has created.
func resolve(children []string, byID map[string]string, byName map[string][]string) []string {
	all := make([]string, len(children))
	for i, child := range children {
		if _, isID := byID[child]; !isID && len(byName[child]) > 0 {
			child = last(byName[child])
		}
		all[i] = child
	}
	return all
}

func last(list []string) string { return list[len(list)-1] }
