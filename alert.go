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
	User      *User  // who closed or changed it by hand
	ImageURL  string // of the graph
	Trigger   string // why the status changed: "monitor", "manual close", ...
	Reason    string // why a person closed it
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

// ChannelEvent returns the event that a channel has to subscribe to for receiving this one. For the three monitor
// events that is "monitor", for an empty event "alert", for the sample "" because every channel receives it. All
// other events have the same name.
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

// A Fact is one line of a message, "label: value".
type Fact struct {
	Label string
	Value string
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

// Title returns the alert in one line, in English: "[CRITICAL] CPU % on app01", "[WARNING] group db", "Host app01:
// working -> maintenance", "Monitor CPU updated by hanako". The words around the names are ASCII, because one
// character beyond GSM-7 halves the length of an SMS. The names are not cut.
func (a Alert) Title() string {
	status := "[" + a.Status.Label() + "]"
	switch a.Event {
	case "", EventAlert:
		return oneLine(status) + " " + a.subject()
	case EventAlertGroup:
		return oneLine(status + " " + a.groupName())
	case EventHostStatus:
		return oneLine("Host " + a.hostName() + a.hostChange())
	case EventHostRegister:
		return oneLine("Host " + a.hostName() + " registered")
	case EventHostRetire:
		return oneLine("Host " + a.hostName() + " retired")
	case EventMonitorCreate:
		return oneLine("Monitor " + a.monitorName() + " created" + a.byUser())
	case EventMonitorUpdate:
		return oneLine("Monitor " + a.monitorName() + " updated" + a.byUser())
	case EventMonitorDelete:
		return oneLine("Monitor " + a.monitorName() + " deleted" + a.byUser())
	case EventSample:
		return "Sample notification"
	}
	return oneLine("Event " + string(a.Event))
}

// subject names in one line what an alert is about: the monitor by its name, or the first line of the message, or the
// monitor's ID. Alerts of the API have no name of a monitor.
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

func (a Alert) monitorName() string { return cmp.Or(a.Monitor.Name, a.Monitor.ID) }

func (a Alert) hostName() string {
	if a.Host == nil {
		return ""
	}
	return cmp.Or(a.Host.Name, a.Host.ID)
}

// hostChange follows the host's name in a title: ": working -> maintenance", or what is known of it.
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

// oneLine turns each run of blanks, line breaks and control characters into one blank. Other spaces, such as the wide
// Japanese one, stay. Invalid UTF-8 is replaced, because many services refuse a message that has any.
func oneLine(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	if s = strings.TrimFunc(s, breaks); isOneLine(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := indexBreak(s); i >= 0; i = indexBreak(s) {
		b.WriteString(s[:i])
		b.WriteByte(' ')
		s = strings.TrimLeftFunc(s[i:], breaks)
	}
	b.WriteString(s)
	return b.String()
}

func breaks(r rune) bool { return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// isOneLine reports whether the only breaks in s are single blanks. That is so for nearly all names. There is no break
// at the ends of s.
func isOneLine(s string) bool {
	for i := indexBreak(s); i >= 0; i = indexBreak(s) {
		if s[i] != ' ' || s[i+1] == ' ' {
			return false
		}
		s = s[i+1:]
	}
	return true
}

// indexBreak returns the place of the first break in s, or -1.
func indexBreak(s string) int {
	for i := range len(s) {
		if !beginsBreak[s[i]] {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(s[i:]); breaks(r) {
			return i
		}
	}
	return -1
}

// beginsBreak has the first bytes of the characters that break a line in UTF-8.
var beginsBreak = func() (first [256]bool) {
	for r := range rune(0x2030) {
		if breaks(r) {
			first[string(r)[0]] = true
		}
	}
	return first
}()

// maxKey is the longest Key in bytes.
const maxKey = 100

// Key identifies the alert for services that group, replace or close messages by a key. It is the same when the alert
// opens, changes and closes, in every process. It is one of these, at most 100 bytes of [A-Za-z0-9_-]:
//
//   - "mackerel-" and the ID
//   - "mackerel-group-" and the ID of the alert group
//   - "mackerel-" and a hash, if the ID does not fit
//   - without an ID, "mackerel-" and a hash of the kind of event and the names of monitor, host, service and group
//   - without any of these names, "mackerel-" and a hash of the kind of event and the Message, so that different alerts
//     made by hand stay apart; services that close by key refuse to close such an alert
func (a Alert) Key() string {
	switch {
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
