package pagerduty

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of an event. See https://developer.pagerduty.com/docs/send-alert-event and, for the body, whose 512 KB are
// taken as the smaller reading, https://developer.pagerduty.com/docs/events-api-v2-overview.
const (
	MaxSummary = 1024   // characters, as UTF-16 units
	MaxKey     = 255    // characters, as UTF-16 units
	MaxBody    = 512000 // bytes of JSON
)

// Limits of our own, where PagerDuty names none, to keep the page small enough to be sent.
const (
	maxField = 512  // UTF-16 units of source, component, group and class
	maxLink  = 2000 // characters of an address
)

// An Action is what an event asks for.
type Action string

// The actions. All but the first need a key and use nothing else.
const (
	ActionTrigger     Action = "trigger"     // open an incident, or add to the open one with this key
	ActionAcknowledge Action = "acknowledge" // somebody is at work on it
	ActionResolve     Action = "resolve"
)

// op is the action as an operation in errors.
func (a Action) op() string { return string(a) + " event" }

// A Severity is how bad it is.
type Severity string

// The severities, all that there are.
const (
	SeverityCritical Severity = "critical"
	SeverityError    Severity = "error"
	SeverityWarning  Severity = "warning"
	SeverityInfo     Severity = "info"
)

func (s Severity) known() bool {
	return slices.Contains([]Severity{SeverityCritical, SeverityError, SeverityWarning, SeverityInfo}, s)
}

// An Image is a picture of an incident.
type Image struct {
	Src  string `json:"src"` // https only; what is not is left out
	Href string `json:"href,omitzero"`
	Alt  string `json:"alt,omitzero"`
}

// A Link is a link of an incident.
type Link struct {
	Href string `json:"href"` // http or https; what is not is left out
	Text string `json:"text,omitzero"`
}

// A Message is one event. All of it is plain text. Text, facts and memo become its custom details.
type Message struct {
	Action    Action   // ActionTrigger unless set
	Key       string   // dedup_key: what makes it the same incident. A trigger without one opens a new one each time.
	Severity  Severity // SeverityError unless set
	Title     string   // the summary: what people are paged with
	Source    string   // the host, or whatever else is affected; "mackerel" unless set
	Component string   // the part of the source that is affected
	Group     string   // what the component belongs to
	Class     string   // the kind of event
	Timestamp time.Time
	Text      string          // the custom detail "message"
	Facts     []mackerel.Fact // custom details in this order
	Memo      mackerel.Fact   // the last custom detail, cut first if the event is too large
	URL       string          // client_url, what leads back to Mackerel; one that is no link becomes a custom detail
	Images    []Image
	Links     []Link
}

// textLabel and addressLabel are the custom details of the text and of an address that is no link.
const (
	textLabel    = "message"
	addressLabel = "url"
)

// client is what links back are named by.
const client = "Mackerel"

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. The source is the host, or else the service; the component is the monitor, the group the service and
// the class the monitor's type. These four do not depend on the language, for rules to go by.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	if a.Closed() {
		return Message{Action: ActionResolve, Key: a.Key()}
	}
	w := provider.Words(a, t)
	host, service := places(a)
	m := Message{
		Key: a.Key(), Severity: severityOf(a.Status), Title: w.Title, Source: cmp.Or(host, service, a.Org),
		Component: a.Monitor.Name, Group: service, Class: a.Monitor.Type, Timestamp: a.ChangedAt,
		Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
	}
	if m.Timestamp.IsZero() {
		m.Timestamp = a.OpenedAt
	}
	if image := (Image{Src: a.ImageURL, Href: w.URL, Alt: w.Graph.Label}); image.fits() {
		m.Images = []Image{image}
	} else {
		m.Facts = append(m.Facts, w.Graph)
	}
	if a.Host != nil && a.Host.URL != "" {
		m.Links = []Link{{Href: a.Host.URL, Text: host}}
	}
	return m
}

// places are the names of the host and of the service that an alert is about.
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

// severityOf takes statuses that are newer than this package as unknown.
func severityOf(s mackerel.Status) Severity {
	switch s.Fold() {
	case mackerel.StatusCritical:
		return SeverityCritical
	case mackerel.StatusWarning:
		return SeverityWarning
	case mackerel.StatusOK:
		return SeverityInfo
	case mackerel.StatusUnknown:
	}
	return SeverityError
}

func (m Message) action() Action { return cmp.Or(m.Action, ActionTrigger) }

// problems lists what PagerDuty is certain to refuse. A key is not cut: it would be another alert's.
func (m Message) problems() provider.Problems {
	var p provider.Problems
	switch m.action() {
	case ActionTrigger:
		p.Require("Title", strings.TrimSpace(m.Title) != "")
	case ActionAcknowledge, ActionResolve:
		p.Require("Key", m.Key != "")
	default:
		p.Add("Action", strconv.Quote(string(m.Action))+" is none")
	}
	if m.Severity != "" && !m.Severity.known() {
		p.Add("Severity", strconv.Quote(string(m.Severity))+" is none")
	}
	if n := provider.UTF16.Len(m.Key); n > MaxKey {
		p.Add("Key", strconv.Itoa(n)+" characters, and at most "+strconv.Itoa(MaxKey)+" are allowed")
	}
	return p
}
