package mackerel

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// An Alert is what a notifier tells people: an alert of Mackerel or another event of its webhooks. It comes from a
// webhook ([ParseWebhook]), from Mackerel's API, or from a program, which needs to set ID, Status and Message or
// Monitor.Name only.
//
// An Alert is passed by value. Notifiers do not change what its pointers and slices refer to.
type Alert struct {
	ID        string  // Mackerel's or the caller's own; the same when the alert opens, changes and closes
	Event     Event   // what happened; empty is EventAlert
	Status    Status  // of an alert or alert group; empty is shown as unknown
	Org       string  // the organization's name
	URL       string  // the page of the alert, the alert group or the host
	Monitor   Monitor // the monitor that opened the alert, or that was created, updated or deleted
	Message   string  // as Mackerel or the caller wrote it
	Metric    *Metric // what was measured; nil for monitors that measure nothing
	Facts     []Fact  // the caller's own lines, shown after the metric
	Host      *Host
	Service   *Service
	Group     *AlertGroup
	User      *User   // who closed or changed it by hand
	ImageURL  string  // of the graph
	Trigger   string  // why the status changed: "monitor", "manual close", ...
	Reason    string  // why a person closed it
	Alerts    []Alert // of a digest, see [Digest]
	OpenedAt  time.Time
	ClosedAt  time.Time       // zero while the alert is open
	ChangedAt time.Time       // when the status changed last
	Raw       json.RawMessage // the webhook's body as received; nil for an alert made by hand

	received *received // of an alert from ParseWebhook
}

// An Event is what happened, as a webhook names it. Events that this package does not know are kept.
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

// EventDigest is the event of an alert that [Digest] returns. No webhook of Mackerel's has it.
const EventDigest Event = "digest"

// ChannelEvent returns the event that a channel has to subscribe to for receiving this one. For the three monitor
// events that is "monitor", for an empty event and a digest "alert", for the sample "" because every channel receives
// it. All other events have the same name.
func (e Event) ChannelEvent() ChannelEvent {
	switch e {
	case "", EventDigest:
		return ChannelEventAlert
	case EventMonitorCreate, EventMonitorUpdate, EventMonitorDelete:
		return ChannelEventMonitor
	case EventSample:
		return ""
	case EventAlert, EventAlertGroup, EventHostStatus, EventHostRegister, EventHostRetire:
	}
	return ChannelEvent(e)
}

// A Status is the state of an alert. Mackerel writes it in lower case in webhooks, and in upper case in its API and
// in alert groups. [ParseWebhook] returns lower case; this module accepts both. Statuses that this package does not
// know are kept, and shown in a neutral colour.
type Status string

// The statuses of alerts.
const (
	StatusOK       Status = "ok"
	StatusWarning  Status = "warning"
	StatusCritical Status = "critical"
	StatusUnknown  Status = "unknown"
)

// Fold returns the status in lower case, and [StatusUnknown] for an empty status.
func (s Status) Fold() Status {
	if s == "" {
		return StatusUnknown
	}
	return Status(strings.ToLower(string(s)))
}

// Label returns the status in upper case, as Mackerel shows it: "OK", "WARNING", "CRITICAL", "UNKNOWN".
func (s Status) Label() string { return strings.ToUpper(string(cmp.Or(s, StatusUnknown))) }

// A Monitor is the rule that opened an alert.
type Monitor struct {
	ID   string
	Name string
	Type string // connectivity, host, service, external, check, expression, anomalyDetection, query
	Memo string // free text, often several lines
	// Muted means that its alerts are not notified. Monitor events know it, and alerts that a Describer has made.
	Muted bool
}

// A Metric is what a monitor measured. A nil pointer means that there is no such number.
//
// Duration is how many minutes the value was averaged over. For a monitor of a service metric it is the number of
// points, as in Mackerel's settings. It is 0 if it is not known.
type Metric struct {
	Label    string
	Value    *float64          // nil if the alert was closed by hand
	Warning  *float64          // threshold
	Critical *float64          // threshold
	Operator string            // between value and threshold: ">" or "<"
	Duration int               // in minutes, or in points
	Labels   map[string]string // of the series of a query monitor
}

// Series returns the labels of the series in one line, in the order of their names: "host=app01, route=/orders".
func (m *Metric) Series() string {
	if m == nil || len(m.Labels) == 0 { // most monitors have no labels
		return ""
	}
	labels := make([]string, 0, len(m.Labels))
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		labels = append(labels, name+"="+m.Labels[name])
	}
	return oneline.Of(strings.Join(labels, ", "))
}

// A Fact is one line of a message, "label: value".
//
// If a message is too long, facts with the labels that this module itself uses, such as "Organization" and "Role", are
// left out before all others.
type Fact struct {
	Label string
	Value string
	URL   string // what the value links to, where the service has links; may be empty
}

// A Host is the host that an alert is about.
type Host struct {
	ID         string
	Name       string
	URL        string // its page in Mackerel
	Type       string
	Status     string // working, standby, maintenance or poweroff
	FromStatus string // the status before, in a hostStatus event
	Memo       string
	Retired    bool // Mackerel sends false in the hostRetire event
	Roles      []Role
}

// A Role is the part of a host in a service.
type Role struct {
	FullName   string // "Service: Role"
	Service    string
	Name       string
	ServiceURL string
	URL        string
}

// A Service is the service that an alert is about.
type Service struct {
	ID    string
	Name  string
	Memo  string
	OrgID string
	Roles []Role
}

// An AlertGroup is a group of alerts, and the alert group setting that it belongs to.
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

// Closed reports whether the alert is closed: its status is ok, or it has a time of closing. For an alert that was
// received, isOpen of the webhook decides, as long as neither Status nor ClosedAt was changed.
func (a Alert) Closed() bool {
	r := a.received
	if r != nil && r.isOpen != nil && a.Status == r.status && a.ClosedAt.Equal(r.closedAt) {
		return !*r.isOpen
	}
	return a.Status.Fold() == StatusOK || !a.ClosedAt.IsZero()
}

// maxKey is the longest Key in bytes.
const maxKey = 100

// Key identifies the alert for services that group, replace or close messages by a key. It is the same when the alert
// opens, changes and closes, in every process. It is one of these, at most 100 bytes of [A-Za-z0-9_-]:
//
//   - "mackerel-" and the ID
//   - "mackerel-group-" and the ID of the alert group
//   - "mackerel-" and a hash, if the ID does not fit
//   - without an ID, "mackerel-" and a hash of the kind of event and the names of monitor, host, service and group
//   - of a digest, "mackerel-" and a hash of the keys and statuses of its alerts
//   - without any of these names, "mackerel-" and a hash of the kind of event and the Message, so that different alerts
//     made by hand stay apart; services that close by key refuse to close such an alert
func (a Alert) Key() string {
	switch {
	case a.Event == EventDigest:
		return a.digestKey()
	case a.Group != nil && a.Group.ID != "" && (a.ID == "" || a.Event == EventAlertGroup):
		return keyFor("mackerel-group-", a.Group.ID)
	case strings.HasPrefix(a.ID, "group-"):
		return hashKey("id", a.ID) // otherwise it would be the key of a group
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
	event, monitor, host := string(a.Event.ChannelEvent()), a.monitorName(), a.hostName()
	if monitor+host+service+group == "" {
		return hashKey("message", event, a.Message)
	}
	return hashKey(event, monitor, host, service, group)
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

// hashKey hashes the parts with their lengths, so that "ab", "c" and "a", "bc" have different keys.
func hashKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":"))
		h.Write([]byte(p))
	}
	return "mackerel-" + hex.EncodeToString(h.Sum(nil)[:16])
}
