package provision

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// compareGroups makes the changes of groups. Groups that are created get their children last: the children may not
// exist yet, and groups may be children of each other.
func (c *comparison) compareGroups(groups []mackerel.NotificationGroup) {
	byID := make(map[string]mackerel.NotificationGroup, len(c.there.groups))
	for _, have := range c.there.groups {
		byID[have.ID] = have
	}
	ids := c.findGroups(groups)
	var creates, updates []Change
	for i, want := range groups {
		have := byID[ids[i]]
		c.checkLevel(have, want)
		want.ChildChannelIDs = c.references(children{
			"channel", want.Name, want.ChildChannelIDs, have.ChildChannelIDs,
			func(n names) (map[string]string, map[string][]string) { return n.channel, n.channels },
		})
		want.ChildNotificationGroupIDs = c.references(children{
			"notification group", want.Name, want.ChildNotificationGroupIDs, have.ChildNotificationGroupIDs,
			func(n names) (map[string]string, map[string][]string) { return n.group, n.groups },
		})
		if ids[i] != "" {
			updates = append(updates, c.updateGroup(have, want)...)
			continue
		}
		if want.Type == mackerel.NotificationGroupDefault {
			c.problem("notification group %q: the default group does not exist, and cannot be made", want.Name)
		}
		create, update := createGroup(want)
		creates, updates = append(creates, create), append(updates, update...)
	}
	c.plan.Changes = slices.Concat(c.plan.Changes, creates, updates)
}

// findGroups returns the ids of the groups that are there, and "" for those that are not. It notes under which names
// groups will be found.
func (c *comparison) findGroups(groups []mackerel.NotificationGroup) []string {
	seen := make(map[string]bool)
	ids := make([]string, len(groups))
	for i, want := range groups {
		if want.Name == "" {
			c.problem("notification group %d: a name is required", i)
		}
		if ids[i] = c.findGroup(want); ids[i] == "" {
			c.once("notification group", "name "+want.Name, want.Name, seen)
			c.made.addGroup(want.Name, want.Name)
			continue
		}
		c.once("notification group", ids[i], want.Name, seen)
		c.kept[ids[i]] = true
		if want.ID != "" {
			c.settled.addGroup(want.Name, ids[i])
		}
	}
	return ids
}

// findGroup returns the id of a group that is there. There is one default group, whatever its name is.
func (c *comparison) findGroup(want mackerel.NotificationGroup) string {
	if want.ID == "" && want.Type == mackerel.NotificationGroupDefault {
		for _, g := range c.there.groups {
			if g.Type == mackerel.NotificationGroupDefault {
				return g.ID
			}
		}
	}
	return c.find("notification group", want.ID, want.Name, c.ids.groups, c.ids.group)
}

// checkLevel notes a level that Mackerel would refuse. A level that the group has already is right.
func (c *comparison) checkLevel(have, want mackerel.NotificationGroup) {
	switch want.NotificationLevel {
	case "", mackerel.LevelAll, mackerel.LevelCritical, have.NotificationLevel:
	default:
		c.problem("notification group %q: notificationLevel: must be all or critical", want.Name)
	}
}

// children are the children of a group.
type children struct {
	kind, group string
	want, have  []string // in the settings, and of the group that is there
	of          func(names) (byID map[string]string, byName map[string][]string)
}

// called returns the ids of the channels or groups that will have a name: the settings may change names.
func (c *comparison) called(r children, name string) []string {
	_, there := r.of(c.ids)
	renamed, settled := r.of(c.settled)
	ids := slices.Clone(settled[name])
	for _, id := range there[name] {
		if _, ok := renamed[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// references returns the ids of children, and the names of those that the plan creates. What cannot be made is left
// out. An id that does not exist is right if the group has it already.
func (c *comparison) references(r children) []string {
	if r.want == nil {
		return nil
	}
	all := make([]string, 0, len(r.want))
	byID, _ := r.of(c.ids)
	_, made := r.of(c.made)
	for _, child := range r.want {
		ids := c.called(r, child)
		_, isID := byID[child]
		switch {
		case isID:
			c.kept[child] = true
			all = append(all, child)
		case len(ids) == 1:
			c.kept[ids[0]] = true
			all = append(all, ids[0])
		case len(ids) > 1:
			c.problem("notification group %q: the %s %q is the name of %d, so the settings need ids: %s",
				r.group, r.kind, child, len(ids), strings.Join(ids, ", "))
		case len(made[child]) > 0 || slices.Contains(r.have, child):
			all = append(all, child)
		case r.kind == "channel" && c.missing[child]:
			c.note("notification group %q is left without the channel %q, which does not exist", r.group, child)
		default:
			c.problem("notification group %q: no %s has the name or id %q", r.group, r.kind, child)
		}
	}
	return all
}

// createGroup returns the change that makes a group, and the change that gives it its child groups.
func createGroup(want mackerel.NotificationGroup) (create Change, update []Change) {
	alone := want
	alone.ChildNotificationGroupIDs = nil
	create = Change{
		Action: Create, Kind: "notification group", Name: want.Name, group: alone,
		Members: []string{"notificationLevel: " + string(cmp.Or(want.NotificationLevel, mackerel.LevelAll))},
	}
	if len(want.ChildNotificationGroupIDs) > 0 {
		update = []Change{{
			Action: Update, Kind: "notification group", Name: want.Name, group: want,
			Members: []string{"childNotificationGroupIds: +" + strings.Join(want.ChildNotificationGroupIDs, " +")},
		}}
	}
	return create, update
}

// updateGroup returns the change of a group, or nothing if it is as it should be.
func (c *comparison) updateGroup(have, want mackerel.NotificationGroup) []Change {
	merged := have
	var members []string
	add := func(difference string) {
		if difference != "" {
			members = append(members, difference)
		}
	}
	isDefault := have.Type == mackerel.NotificationGroupDefault
	switch {
	case want.Name == have.Name:
	case isDefault:
		c.problem("notification group %q: the default group cannot be renamed to %q", have.Name, want.Name)
	default:
		merged.Name = want.Name
		add(fmt.Sprintf("name: %q", want.Name))
	}
	if want.NotificationLevel != "" && want.NotificationLevel != cmp.Or(have.NotificationLevel, mackerel.LevelAll) {
		merged.NotificationLevel = want.NotificationLevel
		add("notificationLevel: " + string(want.NotificationLevel))
	}
	add(mergeSet("childNotificationGroupIds", &merged.ChildNotificationGroupIDs, want.ChildNotificationGroupIDs))
	add(mergeSet("childChannelIds", &merged.ChildChannelIDs, want.ChildChannelIDs))
	add(mergeList("monitors", &merged.Monitors, want.Monitors, func(m mackerel.NotificationGroupMonitor) string {
		if m.SkipDefault {
			return m.ID + " (skipDefault)"
		}
		return m.ID
	}))
	service := func(s mackerel.NotificationGroupService) string { return s.Name }
	add(mergeList("services", &merged.Services, want.Services, service))
	if len(members) == 0 {
		return nil
	}
	return []Change{{
		Action: Update, Kind: "notification group", Name: have.Name, ID: have.ID, Members: members, group: merged,
	}}
}

// mergeList is mergeSet for elements that are no texts.
func mergeList[T comparable](name string, have *[]T, want []T, text func(T) string) string {
	if want == nil {
		return ""
	}
	texts := func(list []T) []string {
		all := make([]string, len(list))
		for i, element := range list {
			all[i] = text(element)
		}
		return all
	}
	before := texts(*have)
	*have = want
	return mergeSet(name, &before, texts(want))
}

// prune deletes what the settings do not have: groups first, because a channel may be the child of a group.
func (c *comparison) prune() {
	for _, g := range c.there.groups {
		if !c.kept[g.ID] && g.Type != mackerel.NotificationGroupDefault {
			c.plan.Changes = append(c.plan.Changes, Change{
				Action: Delete, Kind: "notification group", Name: g.Name, ID: g.ID,
			})
		}
	}
	for _, have := range c.there.channels {
		switch {
		case c.kept[have.ID]:
		case creatable(have):
			c.plan.Changes = append(c.plan.Changes, Change{Action: Delete, Kind: "channel", Name: have.Name, ID: have.ID})
		default:
			c.note("channel %q of type %s is not in the settings, and is not deleted: the API could not make it again",
				have.Name, have.Detail.ChannelType())
		}
	}
}
