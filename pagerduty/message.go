package pagerduty

import (
	"cmp"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of an event (https://developer.pagerduty.com/docs/send-alert-event). The limit of the body is documented as
// 512 KB (https://developer.pagerduty.com/docs/events-api-v2-overview).
const (
	maxSummary = 1024   // characters, as UTF-16 units
	maxKey     = 255    // characters, as UTF-16 units
	maxBody    = 512000 // bytes of JSON
)

// rate is the limit of an integration key. PagerDuty documents approximately 120 events in a minute, looking back from
// the current time. See https://developer.pagerduty.com/docs/events-api-v2-rate-limits.
var rate = transport.Limit{N: 100, Per: time.Minute, Gate: defaultWait, Late: transport.Hurry}

// Limits of our own, where PagerDuty names no limit. They keep an event small enough without its custom details.
const (
	maxField = 512  // UTF-16 units of source, component, group, class and the texts of images and links
	maxLink  = 2000 // characters of an address
)

// An Action is what an event asks for.
type Action string

// The actions. ActionAcknowledge and ActionResolve need a key and use no other field.
const (
	ActionTrigger     Action = "trigger"     // open an incident, or add to the open incident with this key
	ActionAcknowledge Action = "acknowledge" // say that someone is at work on the incident
	ActionResolve     Action = "resolve"     // close the incident
)

// A Severity is how bad the problem is.
type Severity string

// All severities.
const (
	SeverityCritical Severity = "critical"
	SeverityError    Severity = "error"
	SeverityWarning  Severity = "warning"
	SeverityInfo     Severity = "info"
)

func (s Severity) check(p *provider.Problems, field string) {
	provider.OneOf(p, field, s, SeverityCritical, SeverityError, SeverityWarning, SeverityInfo)
}

// An Image is a picture of an incident.
type Image struct {
	Src  string `json:"src"` // https; an image with another address is left out
	Href string `json:"href,omitzero"`
	Alt  string `json:"alt,omitzero"`
}

// fits reports whether PagerDuty takes the image.
func (i Image) fits() bool {
	return provider.Linkable(i.Src, maxLink) && strings.EqualFold(i.Src[:len("https")], "https")
}

// A Link is a link of an incident.
type Link struct {
	Href string `json:"href"` // http or https; a link with another address is left out
	Text string `json:"text,omitzero"`
}

// A Message is one event. All texts are plain. What the summary does not say in full, Facts and Memo become the custom
// details of the event. Facts with the same label are lines of one custom detail.
type Message struct {
	Action    Action          // ActionTrigger unless set
	Key       string          // dedup_key, which identifies the incident; a trigger without a key opens a new incident
	Severity  Severity        // SeverityError unless set
	Title     string          // the summary, which people are paged with, begins with it
	Source    string          // the host or service that has the problem; "mackerel" unless set
	Component string          // the part of the source that has the problem
	Group     string          // what the component belongs to
	Class     string          // the kind of the problem
	Timestamp time.Time       // when it happened; when PagerDuty gets the event unless set
	Text      string          // its first line follows the title in the summary; the rest is the first custom detail
	Facts     []mackerel.Fact // custom details, in this order
	Memo      mackerel.Fact   // the last custom detail
	URL       string          // client_url, the link to the alert; the custom detail "url" if it cannot be a link
	Images    []Image
	Links     []Link
}

// DefaultMessage returns the message that a Notifier sends for an alert, without the severity that the Config may have
// for the status. The source is the host, else the service or the organization. The component is the monitor, the group
// is the service, and the class is the type of the monitor. These four do not depend on the language, so that rules in
// PagerDuty can go by them. Hosts, roles and services whose pages are known are links. The graph is an image, or a fact
// if its address is not https. The message of an alert that is over has only the key, because a resolve has no texts.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	if a.Closed() {
		return Message{Action: ActionResolve, Key: provider.ClosingKey(a)}
	}
	w := provider.Words(a, t)
	host, service := places(a)
	m := Message{
		Action: ActionTrigger, Key: a.Key(), Severity: severities.Of(a), Title: w.Title,
		Source: cmp.Or(host, service, a.Org), Component: a.Monitor.Name, Group: service, Class: a.Monitor.Type,
		Timestamp: a.ChangedAt, Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
	}
	if m.Timestamp.IsZero() {
		m.Timestamp = a.OpenedAt
	}
	if image := (Image{Src: w.Graph.Value, Href: w.URL, Alt: w.Graph.Label}); image.fits() {
		m.Images = []Image{image}
	} else if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	for _, f := range w.Facts {
		if f.URL != "" {
			m.Links = append(m.Links, Link{Href: f.URL, Text: provider.Line(f)})
		}
	}
	return m
}

// severities has no entry for ok, because an alert that is ok is resolved.
var severities = provider.PerStatus[Severity]{
	Warning: SeverityWarning, Critical: SeverityCritical, Unknown: SeverityError, Other: SeverityError,
}

// places returns the names of the host and of the service that an alert is about.
func places(a mackerel.Alert) (host, service string) {
	if a.Host != nil {
		host = cmp.Or(a.Host.Name, a.Host.ID)
		for _, r := range a.Host.Roles {
			service = cmp.Or(service, r.Service)
		}
	}
	if a.Service != nil {
		service = cmp.Or(a.Service.Name, service)
	}
	return host, service
}

// render fills in the operation, the body and what a repeat means. PagerDuty drops the repeat of an event with a key.
func render(r *transport.Request, m Message, c *provider.Cutter, key mackerel.Secret) (err error) {
	m.Action = cmp.Or(m.Action, ActionTrigger)
	r.Op = string(m.Action) + " event"
	if err := m.problems().Err(); err != nil {
		return err
	}
	r.Serial = m.Key
	if r.Repeat = transport.Message; m.Key != "" {
		r.Repeat = transport.Replay
	}
	r.Body, err = m.encode(key.Reveal(), c)
	return err
}

// problems lists what PagerDuty would refuse the event for. A key is not cut, because a cut key may be that of another
// incident.
func (m Message) problems() (p provider.Problems) {
	triggers, byKey := m.Action == ActionTrigger, m.Action == ActionAcknowledge || m.Action == ActionResolve
	provider.OneOf(&p, "Action", m.Action, ActionTrigger, ActionAcknowledge, ActionResolve)
	p.Check("Key", m.Key != "" || !byKey, provider.NoClosingKey)
	p.Length("Key", m.Key, provider.UTF16, maxKey)
	m.Severity.check(&p, "Severity")
	p.Require("Title", !provider.EmptyLine(m.Title) || !triggers)
	return p
}
