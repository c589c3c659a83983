package mackerel

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// maxWebhookDepth is how deep objects and arrays may be nested in a webhook. Mackerel's own go down to 5.
	maxWebhookDepth = 100
	// maxBeginBytes is how much an error shows of a body that is something else than JSON.
	maxBeginBytes = 24
)

// ParseWebhook reads the body of a webhook of Mackerel's, of any event (https://mackerel.io/docs/entry/howto/alerts/webhook),
// in today's form or an older one, and what [Alert.MarshalJSON] writes. The detail of an event that Mackerel puts on
// Amazon EventBridge has the same form. The alert keeps a copy of the body in Raw, without a byte order mark and the white
// space around it.
//
// Both results can be of use at once: a member of the wrong type stays zero, and the error, an [*Error] of kind
// [ErrInvalid], names it, while the rest of the alert is filled. Only for a body that is no JSON object, or one nested
// deeper than 100 levels, is there no alert. An event that this package does not know is no error. If there is no event
// at all, it is told from the members alert, alertGroup or fromStatus, and stays empty without these.
func ParseWebhook(body []byte) (Alert, error) {
	p, trimmed, problem := readBody(body)
	if problem != "" {
		return Alert{}, webhookError(problem)
	}
	a := p.alert()
	a.Raw = bytes.Clone(trimmed)
	if list := p.found.list(); list != "" {
		return a, webhookError(list)
	}
	return a, nil
}

// webhookError is wrong input, whoever sent it: it will not get better by being sent again.
func webhookError(message string) error {
	return &Error{Provider: provider, Op: "parse webhook", Kind: ErrInvalid, Message: message}
}

// readBody returns the body's members and the body without what surrounds it, or in words what is wrong with it.
func readBody(body []byte) (p payload, trimmed []byte, problem string) {
	trimmed = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case len(trimmed) == 0:
		return p, nil, "the body is empty"
	case depth(trimmed) > maxWebhookDepth:
		return p, nil, fmt.Sprintf("the body is nested deeper than %d levels", maxWebhookDepth)
	case kindOf(trimmed) == anObject:
		p.found = new(problems)
		if err := json.Unmarshal(trimmed, &p.members); err != nil {
			return p, nil, brokenJSON(err)
		}
		return p, trimmed, ""
	case json.Valid(trimmed):
		return p, nil, "the body is " + kindOf(trimmed) + " where an object belongs"
	}
	begin := trimmed[:min(len(trimmed), maxBeginBytes)]
	return p, nil, fmt.Sprintf("the body is not JSON, it begins with %+q", begin)
}

// brokenJSON says what encoding/json found and where. The two implementations of that package count differently by one,
// hence "near".
func brokenJSON(err error) string {
	problem := "the body is broken JSON: " + err.Error()
	if e, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // Unmarshal returns it as it is
		problem += " near byte " + strconv.FormatInt(e.Offset, 10)
	}
	return problem
}

// alert is the body as an Alert, without Raw. The members of all events are read, whatever the event is: which of them
// come with which is documented for alerts only, and members may be added at any time. What has a meaning of its own in
// each event is left to monitor and readState.
func (p payload) alert() Alert {
	alert, group := p.object("alert"), p.object("alertGroup")
	a := Alert{
		ID:        alert.text("id"),
		Event:     p.event(),
		Org:       p.text("orgName"),
		Message:   p.text("message"),
		Metric:    p.metric(alert),
		Host:      p.host(),
		Service:   p.service(),
		Group:     p.group(group),
		ImageURL:  p.text("imageUrl"),
		Trigger:   alert.text("trigger"),
		Reason:    alert.text("reason"),
		ChangedAt: alert.time("statusChangedAt", time.Second),
	}
	for _, fact := range p.objects("facts") {
		a.Facts = append(a.Facts, Fact{Label: fact.text("label"), Value: fact.text("value")})
	}
	if user := p.object("user"); user.exists() {
		a.User = &User{ID: user.text("id"), ScreenName: user.text("screenName")}
	}
	a.Monitor = p.monitor(a.Event, alert)
	a.readState(alert, group)
	return a
}

// readState fills what the objects alert and alertGroup both have. An alert group's counts for its own event, and where
// there is no alert. The status is lower case in one and upper case in the other; closedAt is null while it is open.
func (a *Alert) readState(alert, group payload) {
	from := alert
	if group.exists() && (a.Event == EventAlertGroup || !alert.exists()) {
		from = group
		a.OpenedAt = group.time("createdAt", time.Second)
	} else {
		// The same member is in milliseconds here. It is deprecated, but the only one in the oldest payloads. It is
		// read in any case, so that it is named if it is wrong.
		created := alert.time("createdAt", time.Millisecond)
		if a.OpenedAt = alert.time("openedAt", time.Second); a.OpenedAt.IsZero() {
			a.OpenedAt = created
		}
	}
	a.Status = Status(strings.ToLower(from.text("status")))
	a.ClosedAt = from.time("closedAt", time.Second)
	a.URL = from.text("url")
	if a.URL == "" && a.Host != nil && a.Event.ofHost() {
		a.URL = a.Host.URL
	}
}

// event is what the body says has happened, or what the members that only one event has tell of it. A host alone can have
// been registered as well as retired, and a monitor created, updated or deleted.
func (p payload) event() Event {
	event := p.text("event")
	switch {
	case event != "":
		return Event(event)
	case p.isObject("alert"):
		return EventAlert
	case p.isObject("alertGroup"):
		return EventAlertGroup
	case p.text("fromStatus") != "":
		return EventHostStatus
	}
	return ""
}

// ofHost reports whether a host is all that the event is about: then the page to open is the host's.
func (e Event) ofHost() bool {
	return e == EventHostStatus || e == EventHostRegister || e == EventHostRetire
}

// ofMonitor reports whether the event has its monitor in an object of its own, as the monitor events do. Events newer
// than this package are taken to be alike.
func (e Event) ofMonitor() bool {
	switch e {
	case "", EventAlert, EventAlertGroup, EventHostStatus, EventHostRegister, EventHostRetire, EventSample:
		return false
	case EventMonitorCreate, EventMonitorUpdate, EventMonitorDelete:
		return true
	}
	return true
}

// monitor is the object of a monitor event, which has all of the monitor's settings:
//
//	"monitor":{"id":"2Mon","type":"host","name":"CPU %","isMute":false,"memo":"","metric":"cpu%",...}
//
// An alert says of its monitor no more than the name in the object alert, and type (since 2024) and memo beside it.
// monitorId is what the API calls it, and written by this package.
func (p payload) monitor(event Event, alert payload) Monitor {
	if event.ofMonitor() {
		if m := p.object("monitor"); m.exists() {
			return Monitor{ID: m.text("id"), Name: m.text("name"), Type: m.text("type"), Memo: m.text("memo")}
		}
	}
	return Monitor{
		ID: alert.text("monitorId"), Name: alert.text("monitorName"), Type: p.text("type"), Memo: p.text("memo"),
	}
}

// metric is what the object alert says of the measurement, which it does for metric monitors only: a check or a
// connectivity monitor has none of these members. A threshold is there if it is configured; metricValue is missing when
// the alert was closed by hand. Nil if there is nothing of all that.
func (p payload) metric(alert payload) *Metric {
	m := Metric{
		Label:    alert.text("metricLabel"),
		Value:    alert.number("metricValue"),
		Warning:  alert.number("warningThreshold"),
		Critical: alert.number("criticalThreshold"),
		Operator: alert.text("monitorOperator"),
		Duration: alert.whole("duration"),
	}
	if p.isObject(p.seriesKey()) {
		series := p.object(p.seriesKey())
		m.Label = cmp.Or(m.Label, series.text("name"))
		m.Labels = series.texts("labels")
	}
	if m.empty() {
		return nil
	}
	return &m
}

// empty reports whether nothing is said: a struct with a map cannot be compared.
func (m Metric) empty() bool {
	return m.Label == "" && m.Value == nil && m.Warning == nil && m.Critical == nil && m.Operator == "" &&
		m.Duration == 0 && m.Labels == nil
}

// seriesKey is where a query monitor's name and labels are. Mackerel's documentation shows the object but not its key;
// the API calls it series. What is no object there is some other member and nobody's mistake.
func (p payload) seriesKey() string {
	if p.isObject("series") && !p.isObject("metric") {
		return "series"
	}
	return "metric"
}

// host is, with fromStatus beside it in a hostStatus event,
//
//	"host":{"id":"4Host","name":"app01","url":"https://...","status":"working","memo":"","isRetired":false,"roles":[...]}
//
// Some have a type as well, "unknown" in all of Mackerel's examples.
func (p payload) host() *Host {
	h, from := p.object("host"), p.text("fromStatus")
	if !h.exists() && from == "" {
		return nil
	}
	return &Host{
		ID: h.text("id"), Name: h.text("name"), URL: h.text("url"), Type: h.text("type"), Status: h.text("status"),
		FromStatus: from, Memo: h.text("memo"), Retired: h.boolean("isRetired"), Roles: h.roles(),
	}
}

// service comes with the alerts of service metrics, and of external monitors that belong to a service:
//
//	"service":{"id":"4Svc","name":"Shop","memo":"","orgId":"4Org","roles":[...]}
func (p payload) service() *Service {
	s := p.object("service")
	if !s.exists() {
		return nil
	}
	return &Service{
		ID: s.text("id"), Name: s.text("name"), Memo: s.text("memo"), OrgID: s.text("orgId"), Roles: s.roles(),
	}
}

// roles are those of a host or a service. In 2014 they had no more than fullname, serviceUrl and roleUrl:
//
//	{"fullname":"Shop: app","serviceName":"Shop","roleName":"app","serviceUrl":"https://...","roleUrl":"https://..."}
func (p payload) roles() []Role {
	var roles []Role
	for _, r := range p.objects("roles") {
		roles = append(roles, Role{
			FullName: r.text("fullname"), Service: r.text("serviceName"), Name: r.text("roleName"),
			ServiceURL: r.text("serviceUrl"), URL: r.text("roleUrl"),
		})
	}
	return roles
}

// group joins the two objects of an alert group's event; status, URL and times of the first are the alert's own:
//
//	"alertGroup":{"id":"5Group","url":"https://...","status":"WARNING","createdAt":1767225600,"closedAt":null},
//	"alertGroupSetting":{"id":"4Set","url":"https://...","name":"db","memo":""}
func (p payload) group(group payload) *AlertGroup {
	setting := p.object("alertGroupSetting")
	if !group.exists() && !setting.exists() {
		return nil
	}
	return &AlertGroup{
		ID: group.text("id"), SettingID: setting.text("id"), SettingURL: setting.text("url"),
		Name: setting.text("name"), Memo: setting.text("memo"),
	}
}
