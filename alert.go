package mackerel

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Alert is one thing to tell people, wherever it came from: a webhook ([ParseWebhook]), Mackerel's API, or the
// program's own hand, in which case ID, Status and Monitor.Name go a long way. It is passed by value; what its pointers
// and slices reach is read-only for notifiers.
type Alert struct {
	ID        string  // Mackerel's or the caller's own: the same when the alert opens, changes and closes
	Event     Event   // what happened; empty is EventAlert
	Status    Status  // of an alert or alert group; empty is shown as unknown
	Org       string  // the organization's name
	URL       string  // the page to open: of the alert, the alert group or the host
	Monitor   Monitor // the monitor that raised it, or that was created, updated or deleted
	Message   string  // as Mackerel or the caller wrote it
	Metric    *Metric // what was measured, if something was
	Facts     []Fact  // the caller's own lines, drawn by every provider after the metric
	Host      *Host
	Service   *Service
	Group     *AlertGroup
	User      *User  // who closed or changed it by hand
	ImageURL  string // of the graph
	Trigger   string // why a webhook's status changed: "monitor", "manual close", ...
	Reason    string // what a person gave as the reason for closing it
	OpenedAt  time.Time
	ClosedAt  time.Time       // zero while it is open
	ChangedAt time.Time       // of the last change of status
	Raw       json.RawMessage // the webhook's body as received; nil for an alert made by hand

	received *received
}

// An Event is what a webhook says has happened. Events newer than this package are kept as they came.
type Event string

// The events of Mackerel's webhooks.
const (
	EventAlert         Event = "alert"
	EventAlertGroup    Event = "alertGroup"
	EventHostStatus    Event = "hostStatus"
	EventHostRegister  Event = "hostRegister"
	EventHostRetire    Event = "hostRetire"
	EventMonitorCreate Event = "monitorCreate"
	EventMonitorUpdate Event = "monitorUpdate"
	EventMonitorDelete Event = "monitorDelete"
	EventSample        Event = "sample" // the Test button
)

// ChannelEvent returns the event that a channel subscribes to in order to receive this one: all three monitor events are
// "monitor", an empty event is "alert", and any other is called the same. The sample needs no subscription and has none.
func (e Event) ChannelEvent() ChannelEvent {
	switch e {
	case "":
		return ChannelEventAlert
	case EventMonitorCreate, EventMonitorUpdate, EventMonitorDelete:
		return ChannelEventMonitor
	case EventSample:
		return ""
	case EventAlert, EventAlertGroup, EventHostStatus, EventHostRegister, EventHostRetire:
	}
	return ChannelEvent(e)
}

// A Status is the state of an alert. Mackerel writes it in lower case in webhooks and in upper case in its API and in
// alert groups; [ParseWebhook] gives lower case, and everything here reads either. Statuses newer than this package are
// kept as they came and drawn neutral.
type Status string

// The statuses of alerts.
const (
	StatusOK       Status = "ok"
	StatusWarning  Status = "warning"
	StatusCritical Status = "critical"
	StatusUnknown  Status = "unknown"
)

// Fold returns the status in lower case, and unknown for an empty one: fit for a switch.
func (s Status) Fold() Status {
	if s == "" {
		return StatusUnknown
	}
	return Status(strings.ToLower(string(s)))
}

// Label returns the status as people know it from Mackerel: "OK", "WARNING", "CRITICAL", "UNKNOWN".
func (s Status) Label() string { return strings.ToUpper(string(cmp.Or(s, StatusUnknown))) }

// A Monitor is the rule that raised an alert.
type Monitor struct {
	ID   string
	Name string
	Type string // connectivity, host, service, external, check, expression, anomalyDetection, query
	Memo string // free text, often several lines: what to do about it
}

// A Metric is what a monitor measured. Nil pointers mean that there is none: zero is a value.
type Metric struct {
	Label    string
	Value    *float64          // missing on a manual close
	Warning  *float64          // threshold
	Critical *float64          // threshold
	Operator string            // between value and threshold: ">" or "<"
	Duration int               // minutes the value is averaged over, 0 if not given
	Labels   map[string]string // of a query monitor's series
}

// A Fact is one line of a message.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// A Host is the host an alert is about.
type Host struct {
	ID         string
	Name       string
	URL        string
	Type       string
	Status     string // working, standby, maintenance, poweroff
	FromStatus string // before a hostStatus event
	Memo       string
	Retired    bool // false in the hostRetire event itself
	Roles      []Role
}

// A Role is a host's part in a service.
type Role struct {
	FullName   string // "Service: Role" in webhooks
	Service    string
	Name       string
	ServiceURL string
	URL        string
}

// A Service is the service an alert is about.
type Service struct {
	ID    string
	Name  string
	Memo  string
	OrgID string
	Roles []Role
}

// An AlertGroup is a group of alerts, and the setting that made it one.
type AlertGroup struct {
	ID         string
	SettingID  string
	SettingURL string
	Name       string // of the setting
	Memo       string // of the setting
}

// A User is a member of the organization.
type User struct {
	ID         string
	ScreenName string
}

// Closed reports whether the alert is over: its status is ok, or it has a time of closing.
func (a Alert) Closed() bool { return a.Status.Fold() == StatusOK || !a.ClosedAt.IsZero() }

// Title is the alert in one line: "[CRITICAL] CPU % on app01", "[WARNING] group db", "Host app01: working ->
// maintenance", "Monitor CPU updated by hanako". The words around the names are ASCII, whatever the language of the
// message, because a single dash beyond it would halve an SMS. It is as long as the names are.
func (a Alert) Title() string { return oneLine(a.title()) }

func (a Alert) title() string {
	switch a.Event {
	case "", EventAlert:
		return "[" + a.Status.Label() + "] " + a.subject()
	case EventAlertGroup:
		return "[" + a.Status.Label() + "] " + a.groupName()
	case EventHostStatus:
		return "Host " + a.hostName() + a.hostChange()
	case EventHostRegister:
		return "Host " + a.hostName() + " registered"
	case EventHostRetire:
		return "Host " + a.hostName() + " retired"
	case EventMonitorCreate:
		return "Monitor " + a.monitorName() + " created" + a.byUser()
	case EventMonitorUpdate:
		return "Monitor " + a.monitorName() + " updated" + a.byUser()
	case EventMonitorDelete:
		return "Monitor " + a.monitorName() + " deleted" + a.byUser()
	case EventSample:
		return "Sample notification"
	}
	return "Event " + string(a.Event)
}

// subject names what an alert is about. An alert of the API has no monitor's name: then the first line of the message
// has to do, or the monitor's ID.
func (a Alert) subject() string {
	name := oneLine(a.Monitor.Name)
	if name == "" {
		first, _, _ := strings.Cut(strings.TrimSpace(a.Message), "\n")
		name = cmp.Or(oneLine(first), oneLine(a.Monitor.ID), "alert")
	}
	if host := oneLine(a.hostName()); host != "" {
		return name + " on " + host
	}
	return name
}

// monitorName is what the titles of its own events call a monitor.
func (a Alert) monitorName() string { return cmp.Or(a.Monitor.Name, a.Monitor.ID) }

func (a Alert) hostName() string {
	if a.Host == nil {
		return ""
	}
	return cmp.Or(a.Host.Name, a.Host.ID)
}

// hostChange is what follows the host's name: ": working -> maintenance" as far as it is known.
func (a Alert) hostChange() string {
	switch {
	case a.Host == nil || a.Host.Status == "":
		return " status changed"
	case a.Host.FromStatus == "":
		return ": " + a.Host.Status
	}
	return ": " + a.Host.FromStatus + " -> " + a.Host.Status
}

func (a Alert) groupName() string {
	if a.Group == nil || a.Group.Name == "" {
		return "alert group"
	}
	return "group " + a.Group.Name
}

func (a Alert) byUser() string {
	if a.User == nil || a.User.ScreenName == "" {
		return ""
	}
	return " by " + a.User.ScreenName
}

// oneLine turns every run of blanks, line breaks and control characters into one blank. Other spaces, such as the wide
// one of Japanese, stay. What is not UTF-8 is replaced: many services refuse a whole message for it.
func oneLine(s string) string {
	if isOneLine(s) {
		return s
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), breaks), " ")
}

func breaks(r rune) bool { return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// isOneLine spares the names that need no change, which are nearly all.
func isOneLine(s string) bool {
	before := ' '
	for _, r := range s {
		switch {
		case r > ' ' && r < 0x7f:
		case r == ' ' && before != ' ':
		case r == ' ' || r == utf8.RuneError || breaks(r):
			return false
		}
		before = r
	}
	return s == "" || before != ' '
}

// maxKey is the longest Key in bytes.
const maxKey = 100

// Key identifies what the alert is about, for services that group, replace or close by a key of ours. It is the same
// when the alert opens, changes and closes, in every process: "mackerel-" and the ID, "mackerel-group-" and the group's
// ID, or without an ID a hash of the names of monitor, host, service and group, which keeps alerts apart from alert
// groups, host events and monitor events. At most 100 bytes of [A-Za-z0-9_-]: an ID that does not fit is hashed too.
//
// Alerts made by hand that have neither an ID nor a name all share one key.
func (a Alert) Key() string {
	switch {
	case a.Group != nil && a.Group.ID != "" && (a.ID == "" || a.Event == EventAlertGroup):
		return keyFor("mackerel-group-", a.Group.ID)
	case strings.HasPrefix(a.ID, "group-"):
		return hashKey("id", a.ID) // it would read as the key of a group
	case a.ID != "":
		return keyFor("mackerel-", a.ID)
	}
	service, group := "", ""
	if a.Service != nil {
		service = a.Service.Name
	}
	if a.Group != nil {
		group = a.Group.Name
	}
	return hashKey(string(a.Event.ChannelEvent()), a.Monitor.Name, a.hostName(), service, group)
}

func keyFor(prefix, id string) string {
	key := prefix + id
	if len(key) <= maxKey && strings.IndexFunc(id, notKeyRune) < 0 {
		return key
	}
	return hashKey(prefix, id)
}

func notKeyRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// hashKey hashes the parts with their lengths, so that moving a character from one to the next gives another key.
func hashKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return "mackerel-" + hex.EncodeToString(h.Sum(nil)[:16])
}
