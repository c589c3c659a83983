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
	seen := make(map[string]bool)
	var creates, updates []Change
	ids := make([]string, len(groups))
	for i, want := range groups {
		if ids[i] = c.findGroup(want); ids[i] == "" {
			c.once("notification group", "name "+want.Name, want.Name, seen)
			c.made.addGroup(want.Name, want.Name)
			continue
		}
		c.once("notification group", ids[i], want.Name, seen)
		c.kept[ids[i]] = true
	}
	for i, want := range groups {
		want.ChildChannelIDs = c.references(want.Name, "channel", want.ChildChannelIDs, c.ids.channels, c.ids.channel, c.made.channels)
		want.ChildNotificationGroupIDs = c.references(
			want.Name, "notification group", want.ChildNotificationGroupIDs, c.ids.groups, c.ids.group, c.made.groups)
		if ids[i] != "" {
			j := slices.IndexFunc(c.there.groups, func(g mackerel.NotificationGroup) bool { return g.ID == ids[i] })
			updates = append(updates, c.updateGroup(c.there.groups[j], want)...)
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

// references returns the ids of children, and the names of those that the plan creates. What cannot be made is left out.
func (c *comparison) references(
	group, kind string, children []string, byName map[string][]string, byID map[string]string, made map[string][]string,
) []string {
	if children == nil {
		return nil
	}
	all := make([]string, 0, len(children))
	for _, child := range children {
		_, isID := byID[child]
		switch ids := byName[child]; {
		case isID:
			all = append(all, child)
		case len(ids) == 1:
			all = append(all, ids[0])
		case len(ids) > 1:
			c.problem("notification group %q: the %s %q is the name of %d, so the settings need ids: %s",
				group, kind, child, len(ids), strings.Join(ids, ", "))
		case len(made[child]) > 0:
			all = append(all, child)
		case kind == "channel" && c.missing[child]:
			c.note("notification group %q is left without the channel %q, which does not exist", group, child)
		default:
			c.problem("notification group %q: no %s has the name or id %q", group, kind, child)
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
	add(mergeList("services", &merged.Services, want.Services, func(s mackerel.NotificationGroupService) string { return s.Name }))
	if len(members) == 0 {
		return nil
	}
	return []Change{{Action: Update, Kind: "notification group", Name: have.Name, ID: have.ID, Members: members, group: merged}}
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
			c.plan.Changes = append(c.plan.Changes, Change{Action: Delete, Kind: "notification group", Name: g.Name, ID: g.ID})
		}
	}
	for _, have := range c.there.channels {
		switch {
		case c.kept[have.ID]:
		case creatable(have):
			c.plan.Changes = append(c.plan.Changes, Change{Action: Delete, Kind: "channel", Name: have.Name, ID: have.ID})
		default:
			c.note("channel %q of type %s is not in the settings, and is not deleted: the API could not make it again", have.Name, have.Detail.ChannelType())
		}
	}
}
