package mackerel

import (
	"bytes"
	"cmp"
)

// MarshalJSON writes the alert as Mackerel's webhook for its event, which [ParseWebhook] reads. Of an alert that was
// received it is Raw, byte for byte if nothing was changed; otherwise what was changed is changed in it, and the rest,
// members unknown to this package included, stays as it came and where it was. A Raw that is no JSON object is ignored.
//
// What the form of an event has no place for is added to it: the facts as "facts", Monitor.ID and Reason as monitorId
// and reason in the object alert, and everything else where an alert has it. So an alert can be kept in a queue: nothing
// is lost but fractions of a second, the time 1970-01-01T00:00:00Z, bytes that are not UTF-8, and a metric's numbers that
// are infinite or NaN. It comes back with its Raw, its times in UTC, its status in lower case, and with what a zero value
// stands for: an empty Event as [EventAlert], an empty Status of an alert or alert group as [StatusUnknown], a host
// event's empty URL as the host's, a Metric with nothing in it as nil.
func (a Alert) MarshalJSON() ([]byte, error) {
	p, received, problem := readBody(a.Raw)
	if problem != "" {
		return encode(a.form("metric"))
	}
	key := p.seriesKey()
	merged, err := merge(received, p.alert().form(key), a.form(key))
	if err != nil {
		return nil, err
	}
	object, changed := merged.(ordered)
	if !changed {
		return bytes.Clone(received), nil // Raw stays the alert's own
	}
	if p.text("event") == "" { // a guess, and the change may have taken its ground away
		object = object.replace(object.index("event"), property{"event", string(cmp.Or(a.Event, EventAlert))})
	}
	return encode(object)
}

// UnmarshalJSON is [ParseWebhook]: with an error about members of the wrong type, the rest of the alert is filled. After
// any other error the alert is as it was. A JSON null does nothing.
func (a *Alert) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	parsed, err := ParseWebhook(b)
	if parsed.Raw != nil {
		*a = parsed
	}
	return err
}

// The forms below are the other direction of what webhook.go reads, member by member. Members that Mackerel's form of the
// event always has are written even if they are empty, so that a receiver finds what it expects; all others only if they
// say something, so that a host event made by hand looks like one.

// orNull is the value if there is one, and otherwise the null that Mackerel writes.
func orNull(value any, exists bool) any {
	if !exists {
		return nil
	}
	return value
}

// form is the alert as a webhook, in the order of Mackerel's documentation; key is where a query monitor's series goes.
// It is also what [Alert.MarshalJSON] compares to find out what was changed: two alerts that mean the same must have the
// same form, and members that are derived, such as isOpen, follow what they are derived from.
func (a Alert) form(key string) ordered {
	a.Event = cmp.Or(a.Event, EventAlert)
	var o ordered
	o.text("orgName", a.Org, a.Event != EventSample)
	o.set("event", string(a.Event))
	if !a.Event.ofMonitor() {
		o.text("type", a.Monitor.Type, false)
	}
	o.text("message", a.Message, a.Event == EventAlert || a.Event == EventSample)
	if !a.Event.ofMonitor() {
		o.text("memo", a.Monitor.Memo, a.Event == EventAlert)
	}
	a.formUser(&o)
	o.set("imageUrl", orNull(a.ImageURL, a.ImageURL != ""))
	a.formHost(&o)
	a.formService(&o)
	if a.Metric != nil && a.Metric.Labels != nil {
		o.set(key, ordered{{"labels", a.Metric.Labels}, {"name", a.Metric.Label}})
	}
	if alert := a.formAlert(); len(alert) > 0 {
		o.set("alert", alert)
	}
	a.formGroup(&o)
	if m := a.Monitor; a.Event.ofMonitor() { // isMute and the rest of its settings are not known here
		o.set("monitor", ordered{{"id", m.ID}, {"type", m.Type}, {"name", m.Name}, {"memo", m.Memo}})
	}
	if len(a.Facts) > 0 {
		o.set("facts", formFacts(a.Facts))
	}
	return o
}

// formUser writes null for nobody, except in the two events that know no user.
func (a Alert) formUser(o *ordered) {
	switch {
	case a.User != nil:
		o.set("user", ordered{{"id", a.User.ID}, {"screenName", a.User.ScreenName}})
	case a.Event != EventAlertGroup && a.Event != EventSample:
		o.set("user", nil)
	}
}

// formHost writes the host and, beside it, what its status was before.
func (a Alert) formHost(o *ordered) {
	h := a.Host
	if h == nil {
		return
	}
	o.text("fromStatus", h.FromStatus, a.Event == EventHostStatus)
	host := ordered{{"id", h.ID}, {"name", h.Name}, {"url", h.URL}}
	host.text("type", h.Type, false)
	host.set("status", h.Status)
	host.set("memo", h.Memo)
	host.set("isRetired", h.Retired)
	host.set("roles", formRoles(h.Roles))
	o.set("host", host)
}

// formService writes the service only if there is one: Mackerel has no null for it, nor for a host.
func (a Alert) formService(o *ordered) {
	if s := a.Service; s != nil {
		o.set("service", ordered{
			{"id", s.ID}, {"memo", s.Memo}, {"name", s.Name}, {"orgId", s.OrgID}, {"roles", formRoles(s.Roles)},
		})
	}
}

// formRoles is an array even if there are none: receivers are known to take the first role without looking.
func formRoles(roles []Role) []ordered {
	list := make([]ordered, 0, len(roles))
	for _, r := range roles {
		list = append(list, ordered{
			{"fullname", r.FullName}, {"serviceName", r.Service}, {"roleName", r.Name},
			{"serviceUrl", r.ServiceURL}, {"roleUrl", r.URL},
		})
	}
	return list
}

// formFacts is this package's own: Mackerel has no such member.
func formFacts(facts []Fact) []ordered {
	list := make([]ordered, 0, len(facts))
	for _, f := range facts {
		list = append(list, ordered{{"label", f.Label}, {"value", f.Value}})
	}
	return list
}

// formAlert is the object alert: complete for an alert, and for other events what they have no place for, often nothing.
func (a Alert) formAlert() ordered {
	own := a.Event == EventAlert
	var o ordered
	o.text("id", a.ID, own)
	if !a.stateInGroup() {
		a.formState(&o, own)
	}
	o.seconds("statusChangedAt", a.ChangedAt) // since 2025
	o.text("trigger", a.Trigger, own)
	o.text("reason", a.Reason, false)
	if !a.Event.ofMonitor() {
		o.text("monitorId", a.Monitor.ID, false)
		o.text("monitorName", a.Monitor.Name, own)
	}
	if m := a.Metric; m != nil {
		o.text("metricLabel", m.Label, false)
		o.number("metricValue", m.Value)
		o.number("criticalThreshold", m.Critical)
		o.number("warningThreshold", m.Warning)
		o.text("monitorOperator", m.Operator, false)
		if m.Duration != 0 {
			o.set("duration", m.Duration)
		}
	}
	return o
}

// stateInGroup reports whether status, URL and times are in the object alertGroup and not in alert.
func (a Alert) stateInGroup() bool { return a.Event == EventAlertGroup && a.Group != nil }

// formState writes what the object alert has in common with alertGroup. A host event's URL is the host's and written with
// it, so only another one needs a place here.
func (a Alert) formState(o *ordered, own bool) {
	if !a.Event.ofHost() || a.Host == nil || a.URL != a.Host.URL {
		o.text("url", a.URL, own)
	}
	o.seconds("openedAt", a.OpenedAt)
	if own || !a.ClosedAt.IsZero() {
		o.set("closedAt", orNull(a.ClosedAt.Unix(), !a.ClosedAt.IsZero()))
	}
	if !a.OpenedAt.IsZero() { // deprecated, and in milliseconds, but always there
		o.set("createdAt", a.OpenedAt.UnixMilli())
	}
	status := a.Status
	if own {
		status = status.Fold()
	}
	o.text("status", string(status), own)
	if own {
		o.set("isOpen", !a.Closed())
	}
}

// formGroup writes the status in upper case and the times in seconds, as Mackerel does for groups only.
func (a Alert) formGroup(o *ordered) {
	g := a.Group
	if g == nil {
		return
	}
	group := ordered{{"id", g.ID}}
	if a.stateInGroup() {
		group.set("url", a.URL)
		group.set("status", a.Status.Label())
		group.seconds("createdAt", a.OpenedAt)
		group.set("closedAt", orNull(a.ClosedAt.Unix(), !a.ClosedAt.IsZero()))
	}
	o.set("alertGroup", group)
	o.set("alertGroupSetting", ordered{{"id", g.SettingID}, {"url", g.SettingURL}, {"name", g.Name}, {"memo", g.Memo}})
}
