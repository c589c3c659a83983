package mackerel

import (
	"fmt"
	"log/slog"
	"reflect"
	"time"
)

// A Channel is a notification channel of a Mackerel organization (https://mackerel.io/api-docs/entry/channels): what
// every channel has, and a Detail that says which kind it is and holds what that kind has. A literal reads
//
//	mackerel.Channel{Name: "ops", Detail: &mackerel.Slack{URL: hook, Events: []mackerel.ChannelEvent{mackerel.ChannelEventAlert}}}
//
// A channel that was decoded from JSON remembers members that this package does not know, and whether members were null
// or absent, for as long as its Detail stays of the kind that was received. Encoded again it is what was received, but
// for the fields that were changed. A copy shares its Detail with the original.
type Channel struct {
	ID          string    // given by Mackerel
	Name        string    // required
	SuspendedAt time.Time // since when Mackerel sends nothing there, in whole seconds; zero unless suspended; read-only
	Detail      Detail    // required

	rest *rest // of a decoded channel, if the fields do not tell all of it; never changed
}

// A Detail is what one kind of channel has: one of [*Email], [*EmailBroadcast], [*Slack], [*Webhook], [*Chatwork],
// [*HipChat], [*Line], [*Typetalk], [*Twilio], [*PagerDuty], [*Opsgenie], [*JSM], [*Teams], [*EventBridge], [*Reactio],
// [*Yammer], or [*Unknown]. Of all but email, slack and webhook the API tells nothing but that they exist: tokens, rooms
// and phone numbers are set on Mackerel's web site, and stay there. A Detail is always a pointer:
//
//	switch d := channel.Detail.(type) {
//	case *mackerel.Email:
//		fmt.Println("mail to", d.Emails)
//	case *mackerel.Slack:
//		fmt.Println("Slack, mentioning", d.Mentions)
//	case *mackerel.Unknown:
//		fmt.Println("a type this version does not know:", d.Type, d.Err)
//	default:
//		fmt.Println("some other service:", d.ChannelType())
//	}
//
// The default is needed: a later version of this package may know more kinds.
type Detail interface {
	ChannelType() ChannelType // the "type" in JSON; may be called on a nil pointer
	load(*channelWire)
	store(*channelWire)
}

// A ChannelType says which service a channel notifies, as JSON spells it.
type ChannelType string

// The types of channels. Those marked as retired are no longer in Mackerel's list, but old organizations may have them.
const (
	ChannelTypeEmail          ChannelType = "email"
	ChannelTypeEmailBroadcast ChannelType = "email-broadcast"
	ChannelTypeSlack          ChannelType = "slack"
	ChannelTypeWebhook        ChannelType = "webhook"
	ChannelTypeChatwork       ChannelType = "chatwork"
	ChannelTypeHipChat        ChannelType = "hipchat"  // retired 2022-08
	ChannelTypeLine           ChannelType = "line"     // retired 2026-06
	ChannelTypeTypetalk       ChannelType = "typetalk" // retired 2025-12
	ChannelTypeTwilio         ChannelType = "twilio"
	ChannelTypePagerDuty      ChannelType = "pagerduty"
	ChannelTypeOpsgenie       ChannelType = "opsgenie"
	ChannelTypeJSM            ChannelType = "jira-service-management"
	ChannelTypeTeams          ChannelType = "microsoft-teams"
	ChannelTypeEventBridge    ChannelType = "amazon-event-bridge"
	ChannelTypeReactio        ChannelType = "reactio" // retired 2023-09
	ChannelTypeYammer         ChannelType = "yammer"  // retired 2024-01
)

// A ChannelEvent is something a channel can subscribe to. Webhooks call some of it differently, see
// [Event.ChannelEvent]. Events newer than this package are kept as they came, and sent as they are.
type ChannelEvent string

// The events that a channel can subscribe to.
const (
	ChannelEventAlert        ChannelEvent = "alert"
	ChannelEventAlertGroup   ChannelEvent = "alertGroup"
	ChannelEventHostStatus   ChannelEvent = "hostStatus"
	ChannelEventHostRegister ChannelEvent = "hostRegister"
	ChannelEventHostRetire   ChannelEvent = "hostRetire"
	ChannelEventMonitor      ChannelEvent = "monitor" // created, updated or deleted
)

// Email sends mail to addresses and to users of the organization.
type Email struct {
	Emails  []string       `json:"emails,omitzero"`
	UserIDs []string       `json:"userIds,omitzero"`
	Events  []ChannelEvent `json:"events,omitzero"`
}

// Slack posts to an incoming webhook of Slack, or of software that understands the same.
//
// Whoever has the URL can post there, so fmt and slog show it as [redacted], also within a Channel. Beyond the reach of
// that are JSON, which has the URL because Mackerel's has it, and with it a slog.JSONHandler that is given a slice or a
// struct with channels in it; and an unexported field of another struct, where fmt calls no methods: a Slack by value
// shows there, a pointer to one only under a verb that does not fit a pointer, such as %s.
type Slack struct {
	URL               string            `json:"url"`
	Mentions          map[Status]string `json:"mentions,omitzero"` // text to add for a status: "@here"; ok, warning and critical are documented
	EnabledGraphImage bool              `json:"enabledGraphImage"`
	Events            []ChannelEvent    `json:"events,omitzero"`
}

// Webhook posts Mackerel's own JSON to a URL; [ParseWebhook] reads it there. The URL may hold a password or a token, and
// is hidden as that of [Slack] is.
type Webhook struct {
	URL               string         `json:"url"`
	EnabledGraphImage bool           `json:"enabledGraphImage"`
	Events            []ChannelEvent `json:"events,omitzero"`
}

type (
	// EmailBroadcast sends mail to all members of the organization who have not opted out.
	EmailBroadcast struct{}
	// Chatwork posts to a room of Chatwork.
	Chatwork struct{}
	// HipChat posted to a room of HipChat.
	HipChat struct{}
	// Line posted to a LINE group through LINE Notify.
	Line struct{}
	// Typetalk posted to a topic of Typetalk.
	Typetalk struct{}
	// Twilio sends SMS or makes phone calls.
	Twilio struct{}
	// PagerDuty opens and resolves incidents.
	PagerDuty struct{}
	// Opsgenie creates and closes alerts in Opsgenie.
	Opsgenie struct{}
	// JSM creates and closes alerts in Jira Service Management.
	JSM struct{}
	// Teams posts to a workflow of Microsoft Teams.
	Teams struct{}
	// EventBridge puts events onto a partner event bus of Amazon EventBridge.
	EventBridge struct{}
	// Reactio created incidents in Reactio.
	Reactio struct{}
	// Yammer posted to a group of Yammer.
	Yammer struct{}
)

// Unknown is a channel of a type that is newer than this package, or one that is not as documented. The channel still
// has everything it came with: it can be renamed, sent and written as JSON without loss.
type Unknown struct {
	Type ChannelType `json:"type"`
	Err  error       `json:"-"` // why a channel of a known type could not be read as such: names members, quotes no value
}

var (
	_ Detail = (*Email)(nil)
	_ Detail = (*EmailBroadcast)(nil)
	_ Detail = (*Slack)(nil)
	_ Detail = (*Webhook)(nil)
	_ Detail = (*Chatwork)(nil)
	_ Detail = (*HipChat)(nil)
	_ Detail = (*Line)(nil)
	_ Detail = (*Typetalk)(nil)
	_ Detail = (*Twilio)(nil)
	_ Detail = (*PagerDuty)(nil)
	_ Detail = (*Opsgenie)(nil)
	_ Detail = (*JSM)(nil)
	_ Detail = (*Teams)(nil)
	_ Detail = (*EventBridge)(nil)
	_ Detail = (*Reactio)(nil)
	_ Detail = (*Yammer)(nil)
	_ Detail = (*Unknown)(nil)
)

// newDetail makes the empty variant of a type. Nothing else makes one.
func newDetail(t ChannelType) Detail {
	switch t {
	case ChannelTypeEmail:
		return new(Email)
	case ChannelTypeEmailBroadcast:
		return new(EmailBroadcast)
	case ChannelTypeSlack:
		return new(Slack)
	case ChannelTypeWebhook:
		return new(Webhook)
	case ChannelTypeChatwork:
		return new(Chatwork)
	case ChannelTypeHipChat:
		return new(HipChat)
	case ChannelTypeLine:
		return new(Line)
	case ChannelTypeTypetalk:
		return new(Typetalk)
	case ChannelTypeTwilio:
		return new(Twilio)
	case ChannelTypePagerDuty:
		return new(PagerDuty)
	case ChannelTypeOpsgenie:
		return new(Opsgenie)
	case ChannelTypeJSM:
		return new(JSM)
	case ChannelTypeTeams:
		return new(Teams)
	case ChannelTypeEventBridge:
		return new(EventBridge)
	case ChannelTypeReactio:
		return new(Reactio)
	case ChannelTypeYammer:
		return new(Yammer)
	}
	return &Unknown{Type: t}
}

// ChannelType returns "email".
func (*Email) ChannelType() ChannelType { return ChannelTypeEmail }

// ChannelType returns "email-broadcast".
func (*EmailBroadcast) ChannelType() ChannelType { return ChannelTypeEmailBroadcast }

// ChannelType returns "slack".
func (*Slack) ChannelType() ChannelType { return ChannelTypeSlack }

// ChannelType returns "webhook".
func (*Webhook) ChannelType() ChannelType { return ChannelTypeWebhook }

// ChannelType returns "chatwork".
func (*Chatwork) ChannelType() ChannelType { return ChannelTypeChatwork }

// ChannelType returns "hipchat".
func (*HipChat) ChannelType() ChannelType { return ChannelTypeHipChat }

// ChannelType returns "line".
func (*Line) ChannelType() ChannelType { return ChannelTypeLine }

// ChannelType returns "typetalk".
func (*Typetalk) ChannelType() ChannelType { return ChannelTypeTypetalk }

// ChannelType returns "twilio".
func (*Twilio) ChannelType() ChannelType { return ChannelTypeTwilio }

// ChannelType returns "pagerduty".
func (*PagerDuty) ChannelType() ChannelType { return ChannelTypePagerDuty }

// ChannelType returns "opsgenie".
func (*Opsgenie) ChannelType() ChannelType { return ChannelTypeOpsgenie }

// ChannelType returns "jira-service-management".
func (*JSM) ChannelType() ChannelType { return ChannelTypeJSM }

// ChannelType returns "microsoft-teams".
func (*Teams) ChannelType() ChannelType { return ChannelTypeTeams }

// ChannelType returns "amazon-event-bridge".
func (*EventBridge) ChannelType() ChannelType { return ChannelTypeEventBridge }

// ChannelType returns "reactio".
func (*Reactio) ChannelType() ChannelType { return ChannelTypeReactio }

// ChannelType returns "yammer".
func (*Yammer) ChannelType() ChannelType { return ChannelTypeYammer }

// ChannelType returns Type, the type as it was received.
func (u *Unknown) ChannelType() ChannelType {
	if u == nil {
		return ""
	}
	return u.Type
}

func (e *Email) load(w *channelWire) {
	w.own, e.Emails, e.UserIDs, e.Events = emailMembers, w.emails, w.userIDs, w.events
}

func (e *Email) store(w *channelWire) {
	w.own, w.emails, w.userIDs, w.events = emailMembers, e.Emails, e.UserIDs, e.Events
}

func (s *Slack) load(w *channelWire) {
	w.own, s.URL, s.Mentions, s.EnabledGraphImage, s.Events = slackMembers, w.url, w.mentions, w.enabledGraphImage, w.events
}

func (s *Slack) store(w *channelWire) {
	w.own, w.url, w.mentions, w.enabledGraphImage, w.events = slackMembers, s.URL, s.Mentions, s.EnabledGraphImage, s.Events
}

func (h *Webhook) load(w *channelWire) {
	w.own, h.URL, h.EnabledGraphImage, h.Events = webhookMembers, w.url, w.enabledGraphImage, w.events
}

func (h *Webhook) store(w *channelWire) {
	w.own, w.url, w.enabledGraphImage, w.events = webhookMembers, h.URL, h.EnabledGraphImage, h.Events
}

func (*Unknown) load(w *channelWire)  { w.unknown = true }
func (*Unknown) store(w *channelWire) { w.unknown = true }

// The other kinds have no members of their own.
func (*EmailBroadcast) load(*channelWire)  {}
func (*EmailBroadcast) store(*channelWire) {}
func (*Chatwork) load(*channelWire)        {}
func (*Chatwork) store(*channelWire)       {}
func (*HipChat) load(*channelWire)         {}
func (*HipChat) store(*channelWire)        {}
func (*Line) load(*channelWire)            {}
func (*Line) store(*channelWire)           {}
func (*Typetalk) load(*channelWire)        {}
func (*Typetalk) store(*channelWire)       {}
func (*Twilio) load(*channelWire)          {}
func (*Twilio) store(*channelWire)         {}
func (*PagerDuty) load(*channelWire)       {}
func (*PagerDuty) store(*channelWire)      {}
func (*Opsgenie) load(*channelWire)        {}
func (*Opsgenie) store(*channelWire)       {}
func (*JSM) load(*channelWire)             {}
func (*JSM) store(*channelWire)            {}
func (*Teams) load(*channelWire)           {}
func (*Teams) store(*channelWire)          {}
func (*EventBridge) load(*channelWire)     {}
func (*EventBridge) store(*channelWire)    {}
func (*Reactio) load(*channelWire)         {}
func (*Reactio) store(*channelWire)        {}
func (*Yammer) load(*channelWire)          {}
func (*Yammer) store(*channelWire)         {}

// LogValue is the channel's id, name and type: a URL is a secret.
func (c Channel) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.String("name", c.Name), slog.String("type", string(c.wire().typ)))
}

// Format prints the fields, and those of Detail, as fmt prints a struct, with a URL as [redacted]. It exists because
// what fmt does with pointers in a struct depends on the verb: most print the address, some what is there.
func (c Channel) Format(f fmt.State, verb rune) {
	type channel struct {
		ID, Name    string
		SuspendedAt time.Time
		Detail      any
	}
	shown := channel{ID: c.ID, Name: c.Name, SuspendedAt: c.SuspendedAt}
	if !isNil(c.Detail) {
		shown.Detail = reflect.Indirect(reflect.ValueOf(c.Detail)).Interface()
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), shown)
}

// The methods that hide have value receivers, unlike those that make a Detail, so that they cover *s as well as s.

// Format prints the fields as fmt prints a struct, the URL as [redacted].
func (s Slack) Format(f fmt.State, verb rune) { fmt.Fprintf(f, fmt.FormatString(f, verb), s.hidden()) }

// LogValue is the fields, the URL as [redacted].
func (s Slack) LogValue() slog.Value { return slog.AnyValue(s.hidden()) }

// slackFields is a Slack without methods.
type slackFields Slack

func (s Slack) hidden() slackFields {
	s.URL = NewSecret(s.URL).String()
	return slackFields(s)
}

// Format prints the fields as fmt prints a struct, the URL as [redacted].
func (h Webhook) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), h.hidden())
}

// LogValue is the fields, the URL as [redacted].
func (h Webhook) LogValue() slog.Value { return slog.AnyValue(h.hidden()) }

// webhookFields is a Webhook without methods.
type webhookFields Webhook

func (h Webhook) hidden() webhookFields {
	h.URL = NewSecret(h.URL).String()
	return webhookFields(h)
}
