package jsm

import (
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
)

// Limits of an alert, in characters as UTF-16 units unless it says otherwise. They are
// Opsgenie's: the pages of this service name none. See
// https://docs.opsgenie.com/docs/alert-api.
const (
	MaxMessage     = 130
	MaxAlias       = 512
	MaxDescription = 15000
	MaxResponders  = 50 // items
	MaxTags        = 20 // items
	MaxTag         = 50
	MaxDetails     = 8000 // all together, as JSON
	MaxEntity      = 512
	MaxSource      = 100
	MaxNote        = 25000
)

// How long Config.Follow and RequestStatus wait for a request to be processed.
const (
	FollowAttempts = 10
	FollowWait     = time.Second // between two attempts
)

// A Priority is the urgency of an alert.
type Priority string

// The priorities, all that there are.
const (
	PriorityP1 Priority = "P1" // the highest
	PriorityP2 Priority = "P2"
	PriorityP3 Priority = "P3" // what an alert without a priority has
	PriorityP4 Priority = "P4"
	PriorityP5 Priority = "P5" // the lowest
)

// An Action is what a message asks for.
type Action string

// The actions. All but the first need an alias, and what else they have becomes a note.
const (
	ActionCreate      Action = "create" // an alert; if there is an open one with this alias, that is counted up
	ActionAcknowledge Action = "acknowledge"
	ActionAddNote     Action = "note"
	ActionClose       Action = "close"
)

// A Responder is somebody to tell of an alert.
type Responder struct {
	Type     string `json:"type"`              // team, user, escalation or schedule
	ID       string `json:"id,omitzero"`       // of any of them, in place of what follows
	Name     string `json:"name,omitzero"`     // of a team, an escalation or a schedule; unconfirmed, prefer the ID
	Username string `json:"username,omitzero"` // of a user: an e-mail address
}

// A Message is one request. All of it is plain text.
type Message struct {
	Action     Action          // ActionCreate unless set
	Alias      string          // what makes it the same alert. A creation without one makes a new alert each time.
	Priority   Priority        // PriorityP3, the service's own, unless set
	Title      string          // the alert's message
	Text       string          // in the description
	Facts      []mackerel.Fact // the details
	Memo       mackerel.Fact   // in the description, cut first if that is too long
	URL        string          // at the end of the description
	Entity     string          // the host, or whatever else is affected
	Source     string          // where the alert is from
	Responders []Responder     // those of the Config unless set
	Tags       []string        // besides those of the Config
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. Critical is P1, unknown P2 and warning P3. A recovery closes the alert with a note that says what was
// measured and who did it. Responders and tags come from the Config.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	m := opsgenieapi.DefaultMessage(a, t)
	return Message{
		Action: Action(m.Action), Alias: m.Alias, Priority: Priority(m.Priority), Title: m.Title, Text: m.Text, Facts: m.Facts,
		Memo: m.Memo, URL: m.URL, Entity: m.Entity, Source: m.Source,
	}
}

func (m Message) creates() bool { return m.Action == "" || m.Action == ActionCreate }

// call is the message as the wire has it.
func (m Message) call() opsgenieapi.Message {
	return opsgenieapi.Message{
		Action: opsgenieapi.Action(m.Action), Alias: m.Alias, Priority: opsgenieapi.Priority(m.Priority), Title: m.Title,
		Text: m.Text, Facts: m.Facts, Memo: m.Memo, URL: m.URL, Entity: m.Entity, Source: m.Source,
		Responders: responders(m.Responders), Tags: m.Tags,
	}
}

func responders(all []Responder) []opsgenieapi.Responder {
	var converted []opsgenieapi.Responder
	for _, r := range all {
		converted = append(converted, opsgenieapi.Responder(r))
	}
	return converted
}

func priorities(all map[mackerel.Status]Priority) map[mackerel.Status]opsgenieapi.Priority {
	converted := make(map[mackerel.Status]opsgenieapi.Priority, len(all))
	for status, p := range all {
		converted[status] = opsgenieapi.Priority(p)
	}
	return converted
}
