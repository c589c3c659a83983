package opsgenieapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of an alert, in characters as UTF-16 units unless it says otherwise. See https://docs.opsgenie.com/docs/alert-api.
const (
	MaxMessage     = 130
	MaxAlias       = 512
	MaxDescription = 15000
	MaxResponders  = 50 // items
	MaxTags        = 20 // items
	MaxTag         = 50
	MaxDetails     = 8000 // all together, taken as their JSON
	MaxEntity      = 512
	MaxSource      = 100
	MaxNote        = 25000
)

// A Priority is P1, the highest, to P5.
type Priority string

// The priorities.
const (
	P1 Priority = "P1"
	P2 Priority = "P2"
	P3 Priority = "P3"
	P4 Priority = "P4"
	P5 Priority = "P5"
)

func (p Priority) known() bool { return slices.Contains([]Priority{P1, P2, P3, P4, P5}, p) }

// PriorityOf takes statuses that are newer than this package as unknown.
func PriorityOf(s mackerel.Status) Priority {
	switch s.Fold() {
	case mackerel.StatusCritical:
		return P1
	case mackerel.StatusWarning:
		return P3
	case mackerel.StatusOK:
		return P5
	case mackerel.StatusUnknown:
	}
	return P2
}

// An Action is what a message asks for.
type Action string

// The actions; an empty one is ActionCreate.
const (
	ActionCreate      Action = "create"
	ActionAcknowledge Action = "acknowledge"
	ActionAddNote     Action = "note"
	ActionClose       Action = "close"
)

// An operation is one row of the API's reference: what it is called, and its path below the alert's.
type operation struct{ name, path string }

// op returns an operation without a name for what is no action.
func (a Action) op() operation {
	switch a {
	case ActionCreate:
		return operation{"create alert", ""}
	case ActionAcknowledge:
		return operation{"acknowledge alert", "acknowledge"}
	case ActionAddNote:
		return operation{"add note", "notes"}
	case ActionClose:
		return operation{"close alert", "close"}
	}
	return operation{"send message", ""}
}

// A Responder is somebody to tell.
type Responder struct {
	Type     string `json:"type"`
	ID       string `json:"id,omitzero"`
	Name     string `json:"name,omitzero"`
	Username string `json:"username,omitzero"`
}

// A Message is one call, as the packages' own types have it.
type Message struct {
	Action     Action
	Alias      string
	Priority   Priority
	Title      string
	Text       string
	Facts      []mackerel.Fact
	Memo       mackerel.Fact
	URL        string
	Entity     string
	Source     string
	Responders []Responder
	Tags       []string
}

// source is where alerts are from.
const source = "Mackerel"

// DefaultMessage is what both packages send by default. A recovery says what it says as a note.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Action: ActionCreate, Alias: a.Key(), Priority: PriorityOf(a.Status), Title: w.Title, Text: w.Message, Facts: w.Facts,
		Memo: w.Memo, URL: w.URL, Entity: entity(a), Source: source,
	}
	if a.Closed() {
		m.Action, m.Priority, m.Entity, m.Memo = ActionClose, "", "", mackerel.Fact{}
		return m
	}
	if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	return m
}

// entity is the host or the service that an alert is about.
func entity(a mackerel.Alert) (name string) {
	if a.Host != nil {
		name = cmp.Or(a.Host.Name, a.Host.ID)
	}
	if name == "" && a.Service != nil {
		name = a.Service.Name
	}
	return name
}

func (m Message) action() Action { return cmp.Or(m.Action, ActionCreate) }

// problems lists what the service is certain to refuse. An alias is not cut: it would be another alert's.
func (m Message) problems() provider.Problems {
	var p provider.Problems
	switch m.action() {
	case ActionCreate:
		p.Require("Title", strings.TrimSpace(m.Title) != "")
	case ActionAddNote:
		p.Require("Alias", m.Alias != "")
		p.Require("Text", m.text(provider.Lines(m.Facts), m.Text, m.Memo.Value) != "")
	case ActionAcknowledge, ActionClose:
		p.Require("Alias", m.Alias != "")
	default:
		p.Add("Action", strconv.Quote(string(m.Action))+" is none")
	}
	if m.Priority != "" && !m.Priority.known() {
		p.Add("Priority", strconv.Quote(string(m.Priority))+" is none")
	}
	if n := provider.UTF16.Len(m.Alias); n > MaxAlias {
		p.Add("Alias", strconv.Itoa(n)+" characters, and at most "+strconv.Itoa(MaxAlias)+" are allowed")
	}
	checkResponders(&p, m.Responders)
	return p
}

// checkResponders notes responders that cannot be found.
func checkResponders(p *provider.Problems, all []Responder) {
	if len(all) > MaxResponders {
		p.Add("Responders", strconv.Itoa(len(all))+", and at most "+strconv.Itoa(MaxResponders)+" are allowed")
	}
	for i, r := range all {
		p.Add("Responders["+strconv.Itoa(i)+"]", r.problem())
	}
}

func (r Responder) problem() string {
	switch r.Type {
	case "team", "escalation", "schedule":
		if (r.ID == "") == (r.Name == "") || r.Username != "" {
			return "a " + r.Type + " has either an ID or a Name"
		}
	case "user":
		if (r.ID == "") == (r.Username == "") || r.Name != "" {
			return "a user has either an ID or a Username"
		}
	default:
		return "the type is none of team, user, escalation and schedule"
	}
	return ""
}

// checkTags notes tags that would have to be cut.
func checkTags(p *provider.Problems, tags []string) {
	if len(tags) > MaxTags {
		p.Add("Tags", strconv.Itoa(len(tags))+", and at most "+strconv.Itoa(MaxTags)+" are allowed")
	}
	for i, tag := range tags {
		if n := provider.UTF16.Len(tag); n == 0 || n > MaxTag {
			p.Add("Tags["+strconv.Itoa(i)+"]", "must have 1 to "+strconv.Itoa(MaxTag)+" characters")
		}
	}
}
