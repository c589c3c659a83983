// Package provision keeps the notification channels and notification groups of an organization as code.
//
//	pulled, err := provision.Pull(ctx, client) // what the organization has, to begin a file with
//
//	settings, err := provision.Read(content, os.LookupEnv) // the file, with its secrets
//	plan, err := provision.Compare(ctx, client, settings, provision.Options{})
//	fmt.Print(plan) // what would change; nothing has changed yet
//	err = plan.Apply(ctx)
//
// # The file
//
// The file is JSON in the shape of Mackerel's API, without what Mackerel fills in:
//
//	{
//	  "channels": [
//	    {"name": "#ops", "type": "slack", "url": "${OPS_URL}", "mentions": {}, "enabledGraphImage": true, "events": ["alert"]}
//	  ],
//	  "notificationGroups": [
//	    {"name": "db team", "notificationLevel": "critical", "childNotificationGroupIds": [], "childChannelIds": ["#ops"],
//	     "monitors": [{"id": "2qtozU21abc", "skipDefault": true}], "services": [{"name": "Shop"}]}
//	  ]
//	}
//
// A URL holds a secret, so it is written as a reference to the environment, ${NAME}. A group refers to channels and to
// groups by their names, or by their ids. A name that two of them have is an error that asks for ids; then "id" stands
// in the file. What the file does not have is left alone: channels, groups, and members of both. A channel that the
// file makes needs its events, and its url if it is of the type slack or webhook.
//
// # What cannot be made
//
// Mackerel's API makes channels of the types email, slack and webhook only. Other channels are left alone, and the plan
// says so if one is missing: a group is then made without it. The default notification group cannot be made, renamed or
// deleted.
package provision

import (
	"context"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
)

// Settings are the channels and notification groups of an organization. The groups refer to channels and groups by name
// or by id. A nil list of a channel or a group is left alone.
type Settings struct {
	Channels           []mackerel.Channel           `json:"channels"`
	NotificationGroups []mackerel.NotificationGroup `json:"notificationGroups"`

	noFlag map[mackerel.Detail]bool // of channels whose file does not have enabledGraphImage
}

// A Pulled is what an organization has.
type Pulled struct {
	Settings Settings
	Secrets  map[string]mackerel.Secret // the URLs, by the names that stand for them in Settings
}

// Pull reads the settings of an organization. In place of URLs they have references to Secrets. They have the
// documented members only: what this package does not know could be a secret. It stays as it is when the settings are
// applied.
func Pull(ctx context.Context, client *mackerel.Client) (Pulled, error) {
	there, err := read(ctx, client)
	if err != nil {
		return Pulled{}, err
	}
	p := Pulled{Secrets: make(map[string]mackerel.Secret)}
	names := there.names()
	for _, c := range there.channels {
		documented := mackerel.Channel{Name: c.Name, Detail: c.Detail}
		if names.ambiguousChannel(c.Name) {
			documented.ID = c.ID
		}
		p.Settings.Channels = append(p.Settings.Channels, p.hide(documented))
	}
	for _, g := range there.groups {
		documented := mackerel.NotificationGroup{
			Type: g.Type, Name: g.Name, NotificationLevel: g.NotificationLevel, Monitors: g.Monitors, Services: g.Services,
			ChildChannelIDs:           names.channelNames(g.ChildChannelIDs),
			ChildNotificationGroupIDs: names.groupNames(g.ChildNotificationGroupIDs),
		}
		if names.ambiguousGroup(g.Name) {
			documented.ID = g.ID
		}
		p.Settings.NotificationGroups = append(p.Settings.NotificationGroups, documented)
	}
	return p, nil
}

// hide replaces the URL of a channel by a reference.
func (p *Pulled) hide(c mackerel.Channel) mackerel.Channel {
	address := urlOf(c)
	if address == nil || address.IsZero() {
		return c
	}
	name := variable(c.Name)
	for n := 2; p.Secrets[name] != (mackerel.Secret{}); n++ {
		name = variable(c.Name) + "_" + itoa(n)
	}
	p.Secrets[name] = *address
	return withURL(c, mackerel.NewSecret("${"+name+"}"))
}

// variable makes a name for the environment of a channel's name.
func variable(name string) string {
	words := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return strings.Join(append(append([]string{"MACKEREL"}, words...), "URL"), "_")
}

func urlOf(c mackerel.Channel) *mackerel.Secret {
	switch d := c.Detail.(type) {
	case *mackerel.Slack:
		return &d.URL
	case *mackerel.Webhook:
		return &d.URL
	}
	return nil
}

// withURL returns a copy of a channel with another URL.
func withURL(c mackerel.Channel, address mackerel.Secret) mackerel.Channel {
	switch d := c.Detail.(type) {
	case *mackerel.Slack:
		other := *d
		other.URL = address
		c.Detail = &other
	case *mackerel.Webhook:
		other := *d
		other.URL = address
		c.Detail = &other
	}
	return c
}

// problemOf says what is wrong with a URL, "" if nothing is.
func problemOf(address mackerel.Secret) string {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "not an http or https URL"
	}
	return ""
}

// isNil reports whether a channel has no detail, or a nil pointer.
func isNil(d mackerel.Detail) bool { return d == nil || reflect.ValueOf(d).IsNil() }

// creatable reports whether the API makes and changes channels of a type.
func creatable(c mackerel.Channel) bool {
	switch c.Detail.(type) {
	case *mackerel.Email, *mackerel.Slack, *mackerel.Webhook:
		return true
	}
	return false
}

// Write returns the settings as a file, indented. URLs are written as they are: those of Pull are references.
func (s Settings) Write() ([]byte, error) {
	return json.Marshal(s, json.Deterministic(true), indent)
}

// organization is what is there.
type organization struct {
	channels []mackerel.Channel
	groups   []mackerel.NotificationGroup
}

func read(ctx context.Context, client *mackerel.Client) (o organization, err error) {
	if client == nil {
		return o, &mackerel.Error{Provider: "mackerel", Op: "read settings", Kind: mackerel.ErrConfig, Message: "client: required"}
	}
	if o.channels, err = client.ListChannels(ctx); err != nil {
		return o, err
	}
	o.groups, err = client.ListNotificationGroups(ctx)
	return o, err
}

// names finds channels and groups by their names and ids.
type names struct {
	channels, groups map[string][]string // ids by name
	channel, group   map[string]string   // names by id
}

func newNames() names {
	return names{
		make(map[string][]string), make(map[string][]string), make(map[string]string), make(map[string]string),
	}
}

func (o organization) names() names {
	n := newNames()
	for _, c := range o.channels {
		n.addChannel(c.Name, c.ID)
	}
	for _, g := range o.groups {
		n.addGroup(g.Name, g.ID)
	}
	return n
}

func (n names) addChannel(name, id string) {
	n.channels[name], n.channel[id] = append(n.channels[name], id), name
}

func (n names) addGroup(name, id string) {
	n.groups[name], n.group[id] = append(n.groups[name], id), name
}

func (n names) ambiguousChannel(name string) bool { return len(n.channels[name]) > 1 }
func (n names) ambiguousGroup(name string) bool   { return len(n.groups[name]) > 1 }

// channelNames returns names in place of ids, where a name says enough.
func (n names) channelNames(ids []string) []string {
	return named(ids, n.channel, n.ambiguousChannel)
}

func (n names) groupNames(ids []string) []string { return named(ids, n.group, n.ambiguousGroup) }

func named(ids []string, names map[string]string, ambiguous func(string) bool) []string {
	all := make([]string, 0, len(ids))
	for _, id := range ids {
		if name, known := names[id]; known && !ambiguous(name) {
			id = name
		}
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}
