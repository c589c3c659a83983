package mackerel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Channel is a notification channel of a Mackerel organization (https://mackerel.io/api-docs/entry/channels). It has
// the fields that all channels have, and a Detail with the fields of its type:
//
//	mackerel.Channel{
//		Name: "ops",
//		Detail: &mackerel.Slack{
//			URL:    mackerel.NewSecret(os.Getenv("SLACK_WEBHOOK_URL")),
//			Events: []mackerel.ChannelEvent{mackerel.ChannelEventAlert},
//		},
//	}
//
// # JSON
//
// Both versions of encoding/json read and write a Channel as the API has it. The JSON contains the URL.
//
// A channel that was read is written again without loss. Members that this package does not know are written as they
// were read, as long as the type of Detail is the type that was read. A channel of an unknown type, one with a member
// of the wrong JSON type, and a value that is not an object are read as [*Unknown] and keep the whole JSON. Only null
// is an error.
//
// Null, absent and empty mean the same for emails, userIds, mentions and enabledGraphImage. For events, an empty list
// means that the channel is told nothing; null and absent mean that the JSON does not say.
//
// Of a doubled documented member, the last one counts. Version 2 of encoding/json refuses doubled names and invalid
// UTF-8 by itself, unless the caller passes [jsontext.AllowDuplicateNames] and [jsontext.AllowInvalidUTF8].
//
// A copy of a Channel shares its Detail with the original.
type Channel struct {
	ID          string    // given by Mackerel
	Name        string    // required
	SuspendedAt time.Time // when Mackerel suspended the channel, or zero; read-only in the API
	Detail      Detail    // required

	rest *rest // nil if the fields above say everything
}

// A Detail is what a channel of one type has. It is always a pointer to one of these structs:
//
//   - [Email], [Slack] and [Webhook], which the API creates and updates
//   - [EmailBroadcast], [Chatwork], [HipChat], [Line], [Typetalk], [Twilio], [PagerDuty], [Opsgenie], [JSM], [Teams],
//     [EventBridge], [Reactio] and [Yammer], which have no fields: the API does not show their tokens and rooms, and
//     they are created on Mackerel's web site
//   - [Unknown], for every other type
//
// A switch over a Detail needs a default, because a later version of this package may have more types:
//
//	switch d := channel.Detail.(type) {
//	case *mackerel.Email:
//		fmt.Println("mail to", d.Emails)
//	case *mackerel.Slack:
//		fmt.Println("Slack, with the mentions", d.Mentions)
//	default:
//		fmt.Println("another service:", d.ChannelType())
//	}
type Detail interface {
	ChannelType() ChannelType // the "type" in JSON; works on a nil pointer
	store(*channelJSON)
}

// A ChannelType is the "type" of a channel in JSON.
type ChannelType string

// The types of channels. Mackerel no longer creates the retired types, but old organizations may still have them.
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

// A ChannelEvent is a kind of event that a channel can subscribe to. [Event.ChannelEvent] tells which one a webhook's
// event belongs to. Events that this package does not know are read and sent unchanged.
type ChannelEvent string

// The events that a channel can subscribe to.
const (
	ChannelEventAlert        ChannelEvent = "alert"
	ChannelEventAlertGroup   ChannelEvent = "alertGroup"
	ChannelEventHostStatus   ChannelEvent = "hostStatus"
	ChannelEventHostRegister ChannelEvent = "hostRegister"
	ChannelEventHostRetire   ChannelEvent = "hostRetire"
	ChannelEventMonitor      ChannelEvent = "monitor" // a monitor was created, updated or deleted
)

// Email sends mail to addresses and to users of the organization.
//
// Events lists what the channel is told. A channel with an empty list is told nothing. [Client.CreateChannel] and
// [Client.UpdateChannel] refuse a nil list. The same is true for [Slack] and [Webhook].
type Email struct {
	Emails  []string
	UserIDs []string
	Events  []ChannelEvent
}

// Slack posts to an incoming webhook of Slack or of compatible software.
type Slack struct {
	URL               Secret            // http or https; anyone who has it can post
	Mentions          map[Status]string // such as "@here"; documented for ok, warning and critical
	EnabledGraphImage bool              // add a picture of the graph
	Events            []ChannelEvent    // see [Email]
}

// Webhook posts Mackerel's own JSON to a URL. [ParseWebhook] reads that JSON.
type Webhook struct {
	URL               Secret         // http or https; may contain a password or a token
	EnabledGraphImage bool           // add the address of a picture of the graph
	Events            []ChannelEvent // see [Email]
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

// Unknown is a channel of a type that this package does not know, or one that is not as documented. The Channel keeps
// the whole JSON: it can be renamed, updated and written without loss.
type Unknown struct {
	Type ChannelType
	Err  error // why a channel of a known type could not be read; names the member, does not quote its value
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

// ChannelType returns Type, or "" for a nil pointer.
func (u *Unknown) ChannelType() ChannelType {
	if u == nil {
		return ""
	}
	return u.Type
}

// channelJSON is the JSON of a channel: the members of all types. It has the URL as a string, because a Secret would be
// written as [redacted].
type channelJSON struct {
	ID                string            `json:"id,omitzero"`
	Name              string            `json:"name"`
	Type              ChannelType       `json:"type"`
	SuspendedAt       float64           `json:"suspendedAt,omitzero"` // seconds since 1970; 0 is null
	Emails            []string          `json:"emails,omitzero"`
	UserIDs           []string          `json:"userIds,omitzero"`
	URL               string            `json:"url,omitzero"`
	Mentions          map[Status]string `json:"mentions,omitzero"`
	EnabledGraphImage *bool             `json:"enabledGraphImage,omitzero"`
	Events            []ChannelEvent    `json:"events,omitzero"`
	AddToDefault      *bool             `json:"addToDefaultNotificationGroup,omitzero"` // of requests only

	// Rest takes all other members as they are written. The option is called embed; encoding/json/v2 of Go 1.26 calls
	// it inline.
	Rest jsontext.Value `json:",inline,embed"`
}

// A rest is what a channel was read from. It has the members that do not belong to the type. For *Unknown, it has the
// fields of Channel as they were read, and Rest is the whole JSON.
//
// The URL and the JSON may be secret, so they are not in json.
type rest struct {
	json      *channelJSON // without URL and Rest
	url, more Secret       // URL and Rest
	whole     bool         // Rest is the whole JSON
}

// newRest keeps what was read. It takes j over.
func newRest(j *channelJSON, whole bool) *rest {
	r := &rest{json: j, url: NewSecret(j.URL), more: NewSecret(string(j.Rest)), whole: whole}
	j.URL, j.Rest = "", nil
	return r
}

// read returns a copy of what was read, with URL and Rest.
func (r *rest) read() *channelJSON {
	j := *r.json
	j.URL, j.Rest = r.url.Reveal(), jsontext.Value(r.more.Reveal())
	return &j
}

// emptyDetails are the Details that have no fields.
var emptyDetails = map[ChannelType]Detail{
	ChannelTypeEmailBroadcast: new(EmailBroadcast),
	ChannelTypeChatwork:       new(Chatwork),
	ChannelTypeHipChat:        new(HipChat),
	ChannelTypeLine:           new(Line),
	ChannelTypeTypetalk:       new(Typetalk),
	ChannelTypeTwilio:         new(Twilio),
	ChannelTypePagerDuty:      new(PagerDuty),
	ChannelTypeOpsgenie:       new(Opsgenie),
	ChannelTypeJSM:            new(JSM),
	ChannelTypeTeams:          new(Teams),
	ChannelTypeEventBridge:    new(EventBridge),
	ChannelTypeReactio:        new(Reactio),
	ChannelTypeYammer:         new(Yammer),
}

// detail makes the Detail of what was read, and takes out of j what the Detail has.
func (j *channelJSON) detail() Detail {
	switch j.Type {
	case ChannelTypeEmail:
		d := &Email{j.Emails, j.UserIDs, j.Events}
		j.Emails, j.UserIDs, j.Events = nil, nil, nil
		return d
	case ChannelTypeSlack:
		d := &Slack{NewSecret(j.URL), j.Mentions, orZero(j.EnabledGraphImage), j.Events}
		j.URL, j.Mentions, j.EnabledGraphImage, j.Events = "", nil, nil, nil
		return d
	case ChannelTypeWebhook:
		d := &Webhook{NewSecret(j.URL), orZero(j.EnabledGraphImage), j.Events}
		j.URL, j.EnabledGraphImage, j.Events = "", nil, nil
		return d
	default:
		if d, ok := emptyDetails[j.Type]; ok {
			return d
		}
		return &Unknown{Type: j.Type}
	}
}

// store puts the fields into the JSON. Only Events stays nil.
func (e *Email) store(j *channelJSON) {
	j.Emails, j.UserIDs, j.Events = orEmpty(e.Emails), orEmpty(e.UserIDs), e.Events
}

func (s *Slack) store(j *channelJSON) {
	j.URL, j.Mentions, j.EnabledGraphImage, j.Events = s.URL.Reveal(), s.Mentions, &s.EnabledGraphImage, s.Events
	if j.Mentions == nil {
		j.Mentions = map[Status]string{}
	}
}

func (h *Webhook) store(j *channelJSON) {
	j.URL, j.EnabledGraphImage, j.Events = h.URL.Reveal(), &h.EnabledGraphImage, h.Events
}

func (*EmailBroadcast) store(*channelJSON) {}
func (*Chatwork) store(*channelJSON)       {}
func (*HipChat) store(*channelJSON)        {}
func (*Line) store(*channelJSON)           {}
func (*Typetalk) store(*channelJSON)       {}
func (*Twilio) store(*channelJSON)         {}
func (*PagerDuty) store(*channelJSON)      {}
func (*Opsgenie) store(*channelJSON)       {}
func (*JSM) store(*channelJSON)            {}
func (*Teams) store(*channelJSON)          {}
func (*EventBridge) store(*channelJSON)    {}
func (*Reactio) store(*channelJSON)        {}
func (*Yammer) store(*channelJSON)         {}
func (*Unknown) store(*channelJSON)        {}

// UnmarshalJSON replaces the channel with the one in b. It fails with [ErrInvalid] for null and for text that is not
// JSON. Every other value is a channel, at least an [*Unknown].
func (c *Channel) UnmarshalJSON(b []byte) error {
	text, j := jsontext.Value(b), new(channelJSON)
	err := json.Unmarshal(b, j, lenient)
	if text.Kind() == 'n' || err != nil && !text.IsValid(lenient) {
		return &Error{Provider: provider, Op: "decode channel", Kind: ErrInvalid, Message: "null, or not JSON"}
	}
	if err == nil {
		err = j.check(b)
	}
	if err != nil {
		j, err = readCommon(b, err)
	}
	*c = Channel{ID: j.ID, Name: j.Name, SuspendedAt: timeOf(j.SuspendedAt), Detail: j.detail()}
	if err != nil {
		c.Detail = &Unknown{Type: j.Type, Err: err}
	}
	if _, unknown := c.Detail.(*Unknown); unknown {
		j = &channelJSON{ID: j.ID, Name: j.Name, Type: j.Type, SuspendedAt: j.SuspendedAt, Rest: b}
		c.rest = newRest(j, true)
	} else if j.hasMore() {
		c.rest = newRest(j, false)
	}
	return nil
}

// UnmarshalJSONFrom is [Channel.UnmarshalJSON] for version 2 of encoding/json.
func (c *Channel) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	return c.UnmarshalJSON(v)
}

// check returns an error for what could not be written again as it was read: a time too far away, and a null in a
// list or among the mentions, which is read as "".
func (j *channelJSON) check(b []byte) error {
	if epochOf(timeOf(j.SuspendedAt)) != j.SuspendedAt {
		return errors.New("suspendedAt: not a time")
	}
	if bytes.Count(b, []byte("null")) == bytes.Count(b, []byte(`"suspendedAt":null`)) {
		return nil // there is no null but the usual one
	}
	var texts struct {
		Emails   []*string          `json:"emails"`
		UserIDs  []*string          `json:"userIds"`
		Events   []*string          `json:"events"`
		Mentions map[string]*string `json:"mentions"`
	}
	if err := json.Unmarshal(b, &texts, lenient); err != nil {
		return err
	}
	for _, m := range []struct {
		name   string
		values []*string
	}{
		{"emails", texts.Emails}, {"userIds", texts.UserIDs}, {"events", texts.Events},
		{"mentions", slices.Collect(maps.Values(texts.Mentions))},
	} {
		if slices.Contains(m.values, nil) {
			return errors.New(m.name + ": null where a string belongs")
		}
	}
	return nil
}

// readCommon reads the fields that all channels have, as far as possible, from JSON that could not be read because of
// err. It returns an error that names the wrong member, or nil if that member does not belong to this type of channel.
func readCommon(b []byte, err error) (*channelJSON, error) {
	var raw struct {
		ID          jsontext.Value `json:"id"`
		Name        jsontext.Value `json:"name"`
		Type        jsontext.Value `json:"type"`
		SuspendedAt jsontext.Value `json:"suspendedAt"`
		Rest        jsontext.Value `json:",inline,embed"`
	}
	if json.Unmarshal(b, &raw, lenient) != nil {
		return new(channelJSON), errors.New("not a JSON object")
	}
	j, documented := &channelJSON{Rest: raw.Rest}, true
	for _, m := range []struct {
		value jsontext.Value
		into  any
	}{{raw.ID, &j.ID}, {raw.Name, &j.Name}, {raw.Type, &j.Type}, {raw.SuspendedAt, &j.SuspendedAt}} {
		if m.value != nil && json.Unmarshal(m.value, m.into, lenient) != nil {
			documented = false
		}
	}
	if j.check(nil) != nil {
		j.SuspendedAt, documented = 0, false
	}
	switch j.Type {
	case ChannelTypeEmail, ChannelTypeSlack, ChannelTypeWebhook:
	default:
		if documented {
			return j, nil
		}
	}
	return j, wrongMember(err)
}

// wrongMember is an error that names the member and does not quote its value, which may be a secret.
func wrongMember(err error) error {
	var e *json.SemanticError
	if !errors.As(err, &e) {
		return err
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(string(e.JSONPointer), "/"), "/")
	return errors.New(name + ": not of the documented type")
}

// hasMore reports whether there is something left that Channel and Detail do not have.
func (j *channelJSON) hasMore() bool {
	return j.Emails != nil || j.UserIDs != nil || j.URL != "" || j.Mentions != nil || j.EnabledGraphImage != nil ||
		j.Events != nil || j.AddToDefault != nil || j.Rest != nil
}

// timeOf returns the time that is this many seconds after 1970, to the microsecond; 0 is no time.
func timeOf(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(math.Round(seconds * 1e6)))
}

// epochOf is the inverse of timeOf.
func epochOf(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}

// toJSON returns the channel as JSON members. Detail must not be nil.
func (c Channel) toJSON() *channelJSON {
	j := new(channelJSON)
	if c.rest != nil && !c.rest.whole && c.rest.json.Type == c.Detail.ChannelType() {
		j = c.rest.read()
	}
	j.ID, j.Name, j.Type, j.SuspendedAt = c.ID, c.Name, c.Detail.ChannelType(), epochOf(c.SuspendedAt)
	c.Detail.store(j)
	return j
}

// MarshalJSON writes the channel as the API returns it. It fails with [ErrInvalid] if Detail is nil.
func (c Channel) MarshalJSON() ([]byte, error) { return json.Marshal(c, lenient) }

// MarshalJSONTo is [Channel.MarshalJSON] for version 2 of encoding/json.
func (c Channel) MarshalJSONTo(e *jsontext.Encoder) error {
	if isNil(c.Detail) {
		return &Error{Provider: provider, Op: "encode channel", Kind: ErrInvalid, Message: "Detail: required"}
	}
	j := c.toJSON()
	u, unknown := c.Detail.(*Unknown)
	if !unknown || c.rest == nil || !c.rest.whole || c.rest.json.Type != u.Type {
		return json.MarshalEncode(e, j)
	}
	was := c.rest.read()
	text := was.Rest
	was.Rest = nil
	whole, err := change(text, was, j)
	if err != nil {
		return err
	}
	return e.WriteValue(whole)
}

// requestBody returns the body of a request that creates or replaces the channel: the channel's JSON without the
// members that the API does not take.
func (c Channel) requestBody(addToDefaultNotificationGroup *bool) ([]byte, error) {
	b, err := c.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(b, &o, lenient); err != nil {
		return nil, err
	}
	o = slices.DeleteFunc(o, func(m member) bool {
		return m.name == "id" || m.name == "suspendedAt" || m.name == "addToDefaultNotificationGroup"
	})
	if add := addToDefaultNotificationGroup; add != nil {
		key := jsontext.Value(`"addToDefaultNotificationGroup"`)
		o = append(o, member{key: key, value: strconv.AppendBool(nil, *add)})
	}
	return json.Marshal(o, lenient)
}

// Equal reports whether two channels are the same: their fields, and the JSON members that this package does not know.
// It does not compare [Unknown].Err.
func (c Channel) Equal(o Channel) bool {
	if isNil(c.Detail) || isNil(o.Detail) {
		same := c.ID == o.ID && c.Name == o.Name && c.SuspendedAt.Equal(o.SuspendedAt)
		return same && isNil(c.Detail) && isNil(o.Detail)
	}
	return reflect.TypeOf(c.Detail) == reflect.TypeOf(o.Detail) && c.canonical() == o.canonical()
}

// canonical returns the channel's JSON in canonical form.
func (c Channel) canonical() string {
	b, err := json.Marshal(c, lenient)
	text := jsontext.Value(b)
	if err == nil {
		err = text.Canonicalize(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	}
	if err != nil {
		panic(err)
	}
	return string(text)
}

// LogValue returns the channel's id, name and type. The JSON would contain the URL.
func (c Channel) LogValue() slog.Value {
	var t ChannelType
	if c.Detail != nil {
		t = c.Detail.ChannelType()
	}
	return slog.GroupValue(slog.String("id", c.ID), slog.String("name", c.Name), slog.String("type", string(t)))
}

// Format prints the fields as fmt prints a struct, and those of Detail instead of its address.
func (c Channel) Format(f fmt.State, verb rune) {
	shown := struct {
		ID, Name    string
		SuspendedAt time.Time
		Detail      any
	}{c.ID, c.Name, c.SuspendedAt, nil}
	if !isNil(c.Detail) {
		shown.Detail = reflect.Indirect(reflect.ValueOf(c.Detail)).Interface()
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), shown)
}

// isNil reports whether d is nil, or an interface around a nil pointer.
func isNil(d Detail) bool {
	v := reflect.ValueOf(d)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

var (
	listChannels  = operation{name: "list channels", method: http.MethodGet, repeat: transport.Replay}
	createChannel = operation{name: "create channel", method: http.MethodPost, repeat: transport.Once}
	updateChannel = operation{name: "update channel", method: http.MethodPut, repeat: transport.Replay}
	deleteChannel = operation{name: "delete channel", method: http.MethodDelete, repeat: transport.Replay}
)

// channelList is the answer to ListChannels. An answer without "channels" is not an organization without channels.
type channelList struct {
	Channels *[]Channel `json:"channels"`
}

func (l channelList) complete() bool { return l.Channels != nil }

func (c Channel) complete() bool { return c.ID != "" }

// ListChannels returns all channels of the organization, also those of unknown types:
// GET /api/v0/channels (https://mackerel.io/api-docs/entry/channels#get). The API has no pages for it.
func (c *Client) ListChannels(ctx context.Context) ([]Channel, error) {
	list, err := call[channelList](ctx, c, listChannels, nil, "channels")
	if err != nil {
		return nil, err
	}
	return *list.Channels, nil
}

// GetChannel returns the channel with this ID, or [ErrNotFound]. The API has no call for a single channel, so this
// lists all channels.
func (c *Client) GetChannel(ctx context.Context, id string) (Channel, error) {
	list, attempts, err := do[channelList](ctx, c, listChannels, nil, "channels")
	if err != nil {
		return Channel{}, err
	}
	for _, ch := range *list.Channels {
		if ch.ID == id {
			return ch, nil
		}
	}
	return Channel{}, &Error{
		Provider: provider, Op: "get channel", Attempts: attempts, Delivery: AtLeastOnce, Kind: ErrNotFound,
		Message: "no channel has this ID",
	}
}

// CreateChannelOptions are parameters of [Client.CreateChannel] that are not part of the channel.
type CreateChannelOptions struct {
	// AddToDefaultNotificationGroup says whether the channel joins the default notification group, and so is told every
	// alert at once. If it is nil, the API decides; its documented default is true.
	AddToDefaultNotificationGroup *bool
}

// CreateChannel creates a channel and returns it with its ID: POST /api/v0/channels
// (https://mackerel.io/api-docs/entry/channels#create).
//
// The API creates channels of the types email, slack and webhook. For other known types CreateChannel returns
// [ErrUnsupported] without a request. It returns [ErrInvalid] without a request, listing all problems, if Name,
// Detail or the Detail's Events are missing, or if the URL is not an http or https URL. Everything else is left to
// the API.
//
// A lost answer is [ErrAmbiguous]: the request is not repeated, because that could create two channels.
func (c *Client) CreateChannel(ctx context.Context, ch Channel, o CreateChannelOptions) (Channel, error) {
	body, err := channelBody(createChannel, ch, o.AddToDefaultNotificationGroup)
	if err != nil {
		return Channel{}, err
	}
	return call[Channel](ctx, c, createChannel, body, "channels")
}

// UpdateChannel replaces the channel that has ch.ID, and returns it: PUT /api/v0/channels/<channelId>
// (https://mackerel.io/api-docs/entry/channels#update).
//
// All of the channel is replaced, so change a channel that was listed. The type cannot be changed. UpdateChannel
// refuses without a request what [Client.CreateChannel] refuses, and a channel without an ID. The answer does not
// tell whether the channel is suspended. The request is repeated after a lost answer.
func (c *Client) UpdateChannel(ctx context.Context, ch Channel) (Channel, error) {
	body, err := channelBody(updateChannel, ch, nil)
	if err != nil {
		return Channel{}, err
	}
	return call[Channel](ctx, c, updateChannel, body, "channels", ch.ID)
}

// DeleteChannel deletes a channel of any type and returns it as it was: DELETE /api/v0/channels/<channelId>
// (https://mackerel.io/api-docs/entry/channels#delete). The request is repeated after a lost answer. [ErrNotFound] with
// more than one of [Error].Attempts may mean that the first attempt deleted it.
func (c *Client) DeleteChannel(ctx context.Context, id string) (Channel, error) {
	return call[Channel](ctx, c, deleteChannel, nil, "channels", id)
}

// channelBody returns the body of a request, or why no request is made.
func channelBody(op operation, ch Channel, addToDefault *bool) ([]byte, error) {
	problems := ch.problems()
	if op == updateChannel && ch.ID == "" {
		problems = append(problems, "ID: required")
	}
	if len(problems) > 0 {
		return nil, &Error{Provider: provider, Op: op.name, Kind: ErrInvalid, Message: strings.Join(problems, "; ")}
	}
	if t := ch.Detail.ChannelType(); emptyDetails[t] != nil {
		return nil, &Error{
			Provider: provider, Op: op.name, Kind: ErrUnsupported,
			Message: "channels of type " + string(t) + " can only be made in Mackerel's web pages",
		}
	}
	return ch.requestBody(addToDefault)
}

// problems lists what will stay wrong whatever Mackerel adds to its API. It does not quote the URL.
func (c Channel) problems() []string {
	var all []string
	if c.Name == "" {
		all = append(all, "Name: required")
	}
	if isNil(c.Detail) {
		return append(all, "Detail: required")
	}
	var url *Secret
	var events []ChannelEvent
	switch d := c.Detail.(type) {
	case *Email:
		events = d.Events
	case *Slack:
		url, events = &d.URL, d.Events
	case *Webhook:
		url, events = &d.URL, d.Events
	default:
		return all
	}
	if url != nil {
		if _, problem := transport.ParseURL(url.Reveal()); problem != "" {
			all = append(all, "URL: "+problem)
		}
	}
	if events == nil {
		all = append(all, "Events: required; an empty list is a channel that is told nothing")
	}
	return all
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
