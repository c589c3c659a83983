package opsgenie

import (
	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
)

// A Priority is the urgency of an alert. Package jsm has the same type.
type Priority = opsgenieapi.Priority

// All priorities.
const (
	PriorityP1 Priority = opsgenieapi.P1 // the highest
	PriorityP2 Priority = opsgenieapi.P2
	PriorityP3 Priority = opsgenieapi.P3 // that of an alert without a priority
	PriorityP4 Priority = opsgenieapi.P4
	PriorityP5 Priority = opsgenieapi.P5 // the lowest
)

// An Action is what a message asks for. Package jsm has the same type.
type Action = opsgenieapi.Action

// The actions. All except ActionCreate need an alias, and send the texts of the message as a note.
const (
	ActionCreate      Action = opsgenieapi.ActionCreate      // create an alert, or count up the open alert with this alias
	ActionAcknowledge Action = opsgenieapi.ActionAcknowledge // say that someone is at work on the alert
	ActionAddNote     Action = opsgenieapi.ActionAddNote
	ActionClose       Action = opsgenieapi.ActionClose // close the alert
)

// A Responder is someone to tell of an alert. Package jsm has the same type.
type Responder = struct {
	Type     string `json:"type"`              // team, user, escalation or schedule
	ID       string `json:"id,omitzero"`       // of any type, in place of Name or Username
	Name     string `json:"name,omitzero"`     // of a team, an escalation or a schedule
	Username string `json:"username,omitzero"` // of a user: an e-mail address
}

// A Message is one request. All texts are plain.
type Message struct {
	Action     Action          // ActionCreate unless set
	Alias      string          // identifies the alert; a creation without an alias makes a new alert each time
	Priority   Priority        // PriorityP3 unless set
	Title      string          // the alert's message begins with it
	Text       string          // its first line follows the title in the message; the rest is in the description
	Facts      []mackerel.Fact // the details
	Memo       mackerel.Fact   // in the description
	URL        string          // at the end of the description
	Entity     string          // the host or service that has the problem
	Source     string          // where the alert is from
	Responders []Responder     // without responders the integration decides
	Tags       []string
}

// DefaultMessage returns the message that a Notifier sends for an alert, without the responders, the tags and the
// priority that the Config adds. Critical is P1, unknown P2 and warning P3. The address of the graph is a fact. The end
// of an alert closes the alert in the service, with its texts as a note.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	return Message(opsgenieapi.DefaultMessage(a, t))
}
