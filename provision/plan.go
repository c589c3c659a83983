package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// Options are the options of [Compare].
type Options struct {
	// Prune deletes the groups that the settings do not have, and channels of the types email, slack and webhook. Other
	// channels are left alone, because the API could not make them again.
	Prune bool
}

// An Action is what a change does.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// A Change is one request of a plan.
type Change struct {
	Action  Action
	Kind    string   // "channel" or "notification group"
	Name    string   // of the channel or the group
	ID      string   // "" of what is created
	Members []string // what differs: "events: +hostStatus -alert", "url: changed"; no secrets

	channel mackerel.Channel
	group   mackerel.NotificationGroup
}

// String writes the change in one line.
func (c Change) String() string {
	line := string(c.Action) + " " + c.Kind + " " + fmt.Sprintf("%q", c.Name)
	if c.ID != "" {
		line += " (" + c.ID + ")"
	}
	if len(c.Members) > 0 {
		line += ": " + strings.Join(c.Members, ", ")
	}
	return line
}

// A Plan is what has to change so that an organization is as the settings say.
type Plan struct {
	Changes []Change // in the order in which Apply makes them
	Notes   []string // what is left alone, and why

	client  *mackerel.Client
	applied bool
	ids     names // of what is there; completed while channels and groups are created
}

// String writes the plan for people to read: a line for each change and each note.
func (p *Plan) String() string {
	var b strings.Builder
	for _, c := range p.Changes {
		b.WriteString(c.String() + "\n")
	}
	if len(p.Changes) == 0 {
		b.WriteString("nothing to do\n")
	}
	for _, n := range p.Notes {
		b.WriteString("note: " + n + "\n")
	}
	return b.String()
}

// Compare reads what an organization has and returns what has to change. It changes nothing. The error lists everything
// that cannot be done: names that are not unique, references to what does not exist, and types that would have to
// change.
func Compare(ctx context.Context, client *mackerel.Client, s Settings, o Options) (*Plan, error) {
	there, err := read(ctx, client)
	if err != nil {
		return nil, err
	}
	c := comparison{
		there: there, ids: there.names(), plan: &Plan{client: client}, made: newNames(), settled: newNames(),
		missing: make(map[string]bool), kept: make(map[string]bool), taken: make(map[string]bool), noFlag: s.noFlag,
	}
	for _, want := range s.Channels {
		c.taken[want.ID] = true
	}
	for _, want := range s.NotificationGroups {
		c.taken[want.ID] = true
	}
	c.compareChannels(s.Channels)
	c.compareGroups(s.NotificationGroups)
	if o.Prune {
		c.prune()
	}
	if len(c.problems) > 0 {
		return nil, &mackerel.Error{
			Provider: "mackerel", Op: "compare settings", Kind: mackerel.ErrInvalid, Message: strings.Join(c.problems, "; "),
		}
	}
	c.plan.ids = c.ids
	return c.plan, nil
}

// A comparison makes a plan.
type comparison struct {
	there    organization
	ids      names
	made     names           // what the plan creates, under its names
	settled  names           // what the settings have by its id, under its names in the settings
	missing  map[string]bool // names of channels that do not exist and cannot be made
	taken    map[string]bool // the ids that stand in the settings
	kept     map[string]bool // the ids of what the settings have or refer to
	noFlag   map[mackerel.Detail]bool
	plan     *Plan
	problems []string
}

func (c *comparison) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *comparison) note(format string, args ...any) {
	c.plan.Notes = append(c.plan.Notes, fmt.Sprintf(format, args...))
}

// find returns the id of what the settings have: by its id, else by its name. It returns "" if nothing is found. What the
// settings have by its id is not found by its name.
func (c *comparison) find(kind, id, name string, byName map[string][]string, byID map[string]string) string {
	if id != "" {
		if _, ok := byID[id]; ok {
			return id
		}
		c.problem("%s %q: no %s has the id %s", kind, name, kind, id)
		return ""
	}
	ids := slices.DeleteFunc(slices.Clone(byName[name]), func(id string) bool { return c.taken[id] })
	switch len(ids) {
	case 0:
		return ""
	case 1:
		return ids[0]
	default:
		c.problem("%s %q: %d have this name, so the settings need ids: %s", kind, name, len(ids), strings.Join(ids, ", "))
		return ids[0]
	}
}

// once notes a problem if the settings have something twice.
func (c *comparison) once(kind, key, name string, seen map[string]bool) {
	if seen[key] {
		c.problem("%s %q: twice in the settings", kind, name)
	}
	seen[key] = true
}

func (c *comparison) compareChannels(channels []mackerel.Channel) {
	seen := make(map[string]bool)
	byID := make(map[string]mackerel.Channel, len(c.there.channels))
	for _, have := range c.there.channels {
		byID[have.ID] = have
	}
	for _, want := range channels {
		if want.Name == "" || isNil(want.Detail) {
			c.problem("channel %q: a name and a type are required", want.Name)
			continue
		}
		id := c.find("channel", want.ID, want.Name, c.ids.channels, c.ids.channel)
		if id == "" {
			if c.once("channel", "name "+want.Name, want.Name, seen); want.ID == "" {
				c.createChannel(want)
			}
			continue
		}
		c.once("channel", id, want.Name, seen)
		c.kept[id] = true
		if want.ID != "" {
			c.settled.addChannel(want.Name, id)
		}
		c.updateChannel(byID[id], want)
	}
}

func (c *comparison) createChannel(want mackerel.Channel) {
	if !creatable(want) {
		c.missing[want.Name] = true
		c.note("channel %q of type %s does not exist, and can only be made in Mackerel's web pages",
			want.Name, want.Detail.ChannelType())
		return
	}
	if address := urlOf(want); address != nil && problemOf(*address) != "" {
		c.problem("channel %q: url: %s", want.Name, problemOf(*address))
	}
	if eventsOf(want) == nil {
		c.problem("channel %q: events: required to make it; an empty list is a channel that is told nothing", want.Name)
	}
	c.made.addChannel(want.Name, want.Name)
	c.plan.Changes = append(c.plan.Changes, Change{
		Action: Create, Kind: "channel", Name: want.Name, channel: want,
		Members: []string{"type: " + string(want.Detail.ChannelType())},
	})
}

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

func (c *comparison) updateChannel(have, want mackerel.Channel) {
	if have.Detail.ChannelType() != want.Detail.ChannelType() {
		c.problem("channel %q: its type is %s, and cannot be changed to %s",
			want.Name, have.Detail.ChannelType(), want.Detail.ChannelType())
		return
	}
	if !creatable(want) {
		if have.Name != want.Name {
			c.note("channel %q of type %s can be renamed to %q in Mackerel's web pages only",
				have.Name, have.Detail.ChannelType(), want.Name)
		}
		return
	}
	if !creatable(have) {
		c.note("channel %q of type %s is left alone: what Mackerel lists for it is not as documented",
			have.Name, have.Detail.ChannelType())
		return
	}
	merged, members := mergeChannel(have, want, c.noFlag[want.Detail])
	if address := urlOf(merged); address != nil && slices.Contains(members, urlChanged) && problemOf(*address) != "" {
		c.problem("channel %q: url: %s", want.Name, problemOf(*address))
	}
	if len(members) > 0 && eventsOf(merged) == nil {
		c.problem("channel %q: events: required, because Mackerel lists none", want.Name)
	}
	if len(members) > 0 {
		c.plan.Changes = append(c.plan.Changes, Change{
			Action: Update, Kind: "channel", Name: have.Name, ID: have.ID, Members: members, channel: merged,
		})
	}
}

// mergeChannel returns what is there with what the settings have, and what differs. With noFlag, the settings do not
// have enabledGraphImage.
func mergeChannel(have, want mackerel.Channel, noFlag bool) (merged mackerel.Channel, members []string) {
	merged = have
	add := func(difference string) {
		if difference != "" {
			members = append(members, difference)
		}
	}
	if merged.Name = want.Name; have.Name != want.Name {
		add(fmt.Sprintf("name: %q", want.Name))
	}
	switch w := want.Detail.(type) {
	case *mackerel.Email:
		h := *have.Detail.(*mackerel.Email) //nolint:forcetypeassert // the types are the same
		add(mergeSet("emails", &h.Emails, w.Emails))
		add(mergeSet("userIds", &h.UserIDs, w.UserIDs))
		add(mergeSet("events", &h.Events, w.Events))
		merged.Detail = &h
	case *mackerel.Slack:
		h := *have.Detail.(*mackerel.Slack) //nolint:forcetypeassert // the types are the same
		add(mergeURL(&h.URL, w.URL))
		add(mergeMentions(&h.Mentions, w.Mentions))
		add(mergeFlag("enabledGraphImage", &h.EnabledGraphImage, w.EnabledGraphImage, noFlag))
		add(mergeSet("events", &h.Events, w.Events))
		merged.Detail = &h
	case *mackerel.Webhook:
		h := *have.Detail.(*mackerel.Webhook) //nolint:forcetypeassert // the types are the same
		add(mergeURL(&h.URL, w.URL))
		add(mergeFlag("enabledGraphImage", &h.EnabledGraphImage, w.EnabledGraphImage, noFlag))
		add(mergeSet("events", &h.Events, w.Events))
		merged.Detail = &h
	}
	return merged, members
}

// mergeSet replaces a list by another, unless that is nil, and returns what differs. The order does not count.
func mergeSet[T ~string](name string, have *[]T, want []T) string {
	if want == nil {
		return ""
	}
	var differences []string
	for _, w := range want {
		if !slices.Contains(*have, w) {
			differences = append(differences, "+"+string(w))
		}
	}
	for _, h := range *have {
		if !slices.Contains(want, h) {
			differences = append(differences, "-"+string(h))
		}
	}
	if len(differences) == 0 && *have != nil {
		return ""
	}
	if *have = want; len(differences) == 0 {
		return ""
	}
	slices.Sort(differences)
	return name + ": " + strings.Join(slices.Compact(differences), " ")
}

// urlChanged is all that a plan says about a URL, because a URL is a secret.
const urlChanged = "url: changed"

func mergeURL(have *mackerel.Secret, want mackerel.Secret) string {
	if want.IsZero() || *have == want {
		return ""
	}
	*have = want
	return urlChanged
}

func mergeFlag(name string, have *bool, want, leave bool) string {
	if leave || *have == want {
		return ""
	}
	*have = want
	return fmt.Sprintf("%s: %t", name, want)
}

func mergeMentions(have *map[mackerel.Status]string, want map[mackerel.Status]string) string {
	if want == nil || maps.Equal(*have, want) {
		return ""
	}
	var differences []string
	for _, status := range slices.Sorted(maps.Keys(want)) {
		if before, ok := (*have)[status]; !ok || before != want[status] {
			differences = append(differences, fmt.Sprintf("+%s %q", status, want[status]))
		}
	}
	for _, status := range slices.Sorted(maps.Keys(*have)) {
		if _, ok := want[status]; !ok {
			differences = append(differences, "-"+string(status))
		}
	}
	*have = want
	return "mentions: " + strings.Join(differences, " ")
}
