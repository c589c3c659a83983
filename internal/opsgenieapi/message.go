package opsgenieapi

import (
	"cmp"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of an alert, in characters as UTF-16 units unless noted otherwise (https://docs.opsgenie.com/docs/alert-api).
// The pages of Jira Service Management name no limits.
const (
	maxMessage     = 130
	maxAlias       = 512
	maxDescription = 15000
	maxResponders  = 50 // items
	maxTags        = 20 // items
	maxTag         = 50
	maxDetails     = 8000 // together, as JSON
	maxEntity      = 512
	maxSource      = 100
	maxNote        = 25000
)

// rate is the limit of an account. The services do not publish theirs, which depends on the plan: this bounds a storm,
// and a refusal tells the rest. See https://docs.opsgenie.com/docs/api-rate-limiting.
var rate = transport.Limit{N: 10, Per: time.Second, Gate: time.Minute, Late: transport.Hurry}

// A Priority is P1, the highest, to P5.
type Priority string

// All priorities.
const (
	P1 Priority = "P1"
	P2 Priority = "P2"
	P3 Priority = "P3"
	P4 Priority = "P4"
	P5 Priority = "P5"
)

func (priority Priority) check(p *provider.Problems, field string) {
	provider.OneOf(p, field, priority, P1, P2, P3, P4, P5)
}

// An Action is what a message asks for.
type Action string

// All actions.
const (
	ActionCreate      Action = "create"
	ActionAcknowledge Action = "acknowledge"
	ActionAddNote     Action = "note"
	ActionClose       Action = "close"
)

// An operation is an operation of the API: its name, and its path below that of the alert.
type operation struct{ name, path string }

var operations = map[Action]operation{
	ActionCreate:      {"create alert", ""},
	ActionAcknowledge: {"acknowledge alert", "acknowledge"},
	ActionAddNote:     {"add note", "notes"},
	ActionClose:       {"close alert", "close"},
}

// A Responder is someone to tell of an alert. It is an alias, so that a list of responders of either package is also a
// list of the other, and can be converted as a part of a Message.
type Responder = struct {
	Type     string `json:"type"`
	ID       string `json:"id,omitzero"`
	Name     string `json:"name,omitzero"`
	Username string `json:"username,omitzero"`
}

// A Message is one request. The two packages document the fields.
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

// source is the Source of all alerts.
const source = "Mackerel"

// DefaultMessage returns the message for an alert, without what the Config adds. A close has the words of the recovery
// as its note.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Action: ActionClose, Alias: provider.ClosingKey(a),
		Title: w.Title, Text: w.Text, Facts: w.Facts, URL: w.URL, Source: source,
	}
	if a.Closed() {
		return m
	}
	m.Action, m.Alias = ActionCreate, a.Key()
	m.Priority, m.Memo, m.Entity = priorities.Of(a), w.Memo, entity(a)
	if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	return m
}

// priorities has no entry for ok, because an alert that is ok is closed.
var priorities = provider.PerStatus[Priority]{Warning: P3, Critical: P1, Unknown: P2, Other: P2}

// entity returns the name of the host or service that an alert is about.
func entity(a mackerel.Alert) (name string) {
	if a.Host != nil {
		name = cmp.Or(a.Host.Name, a.Host.ID)
	}
	if name == "" && a.Service != nil {
		name = a.Service.Name
	}
	return name
}

// operation returns the operation that a message asks for.
func (m Message) operation() operation { return operations[cmp.Or(m.Action, ActionCreate)] }

// render fills in the operation, the address, the body and what a repeat means. Everything may be repeated except a
// note and a creation without an alias: the service drops a second creation, and a second close changes nothing.
func (n *Notifier) render(r *transport.Request, m Message, c *provider.Cutter) (err error) {
	m.Action = cmp.Or(m.Action, ActionCreate)
	o := m.operation()
	r.Op = cmp.Or(o.name, "send message")
	if err := m.problems().Err(); err != nil {
		return err
	}
	r.URL = n.base.JoinPath("alerts")
	if m.Action != ActionCreate {
		r.URL, _ = transport.Join(r.URL, m.Alias, o.path) // problems has checked the alias
		r.URL.RawQuery = "identifierType=alias"           // by default the service takes the alias for an id
	}
	r.Serial = m.Alias
	if r.Repeat = transport.Replay; m.Alias == "" || m.Action == ActionAddNote {
		r.Repeat = transport.Message
	}
	r.Body, err = m.encode(c)
	return err
}

// problems lists what the service would refuse the message for. An alias is not cut, because a cut alias may be that of
// another alert.
func (m Message) problems() (p provider.Problems) {
	provider.OneOf(&p, "Action", m.Action, ActionCreate, ActionAcknowledge, ActionAddNote, ActionClose)
	p.Check("Alias", m.Alias != "" || m.Action == ActionCreate, provider.NoClosingKey)
	p.Length("Alias", m.Alias, provider.UTF16, maxAlias)
	p.Check("Alias", m.Alias != "." && m.Alias != "..", "cannot be part of an address")
	m.Priority.check(&p, "Priority")
	p.Require("Title", !provider.EmptyLine(m.Title) || m.Action != ActionCreate)
	p.Require("Text", m.Action != ActionAddNote || m.hasText())
	checkResponders(&p, m.Responders)
	return p
}

// hasText reports whether a note of the message would have a text.
func (m Message) hasText() bool {
	return len(m.Facts) > 0 || m.Title != "" || m.Text != "" || m.Memo.Value != "" || m.URL != ""
}

// checkResponders notes too many responders, and responders that the service cannot find.
func checkResponders(p *provider.Problems, all []Responder) {
	p.Items("Responders", len(all), maxResponders)
	for i, r := range all {
		field := "Responders[" + strconv.Itoa(i) + "]"
		switch r.Type {
		case "team", "escalation", "schedule":
			p.Check(field, (r.ID == "") != (r.Name == "") && r.Username == "", "must have either an ID or a Name")
		case "user":
			p.Check(field, (r.ID == "") != (r.Username == "") && r.Name == "", "must have either an ID or a Username")
		default:
			p.Add(field+".Type", "must be team, user, escalation or schedule")
		}
	}
}
