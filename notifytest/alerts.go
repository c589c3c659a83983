package notifytest

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// alertURL is the page that the alerts link to.
const alertURL = "https://mackerel.io/orgs/example/alerts/notifytest"

// full returns an alert with every field that an alert of a monitor can have. Two such alerts share no memory. Their
// slices have room behind the end, where an append to a copy writes.
func full() mackerel.Alert {
	value, warning, critical := 96.5, 80.0, 90.0
	opened := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	role := mackerel.Role{
		FullName: "Shop: app", Service: "Shop", ServiceURL: "https://mackerel.io/orgs/example/services/Shop",
		Name: "app", URL: "https://mackerel.io/orgs/example/services/Shop#role=app",
	}
	return mackerel.Alert{
		ID: "notifytest", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "example", URL: alertURL,
		Monitor: mackerel.Monitor{ID: "4Monitor", Name: "CPU %", Type: "host", Memo: "1. look\n2. restart"},
		Message: "CPU % 96.5 > 90",
		Metric: &mackerel.Metric{
			Label: "cpu%", Value: &value, Warning: &warning, Critical: &critical, Operator: ">", Duration: 3,
			Labels: map[string]string{"zone": "a", "app": "shop"},
		},
		Facts: roomy(mackerel.Fact{Label: "Runbook", Value: "page 7"}, mackerel.Fact{Label: "Team", Value: "web"}),
		Host: &mackerel.Host{
			ID: "4Host", Name: "app01", URL: "https://mackerel.io/orgs/example/hosts/4Host", Type: "unknown",
			Status: "working", FromStatus: "standby", Memo: "rack 3", Roles: roomy(role),
		},
		Service:  &mackerel.Service{ID: "4Service", Name: "Shop", Memo: "the shop", OrgID: "4Org", Roles: roomy(role)},
		User:     &mackerel.User{ID: "4User", ScreenName: "hanako"},
		ImageURL: "https://mackerel.io/embed/public/graph.png", Trigger: "monitor", Reason: "planned",
		OpenedAt: opened, ChangedAt: opened.Add(time.Minute),
		Raw: roomy([]byte(`{"event":"alert"}`)...),
	}
}

// roomy returns a slice with room behind its end.
func roomy[T any](elements ...T) []T { return slices.Grow(slices.Clone(elements), 8) }

// everything returns full with the group that only an event of an alert group has.
func everything() mackerel.Alert {
	a := full()
	a.Group = &mackerel.AlertGroup{
		ID: "4Group", Name: "databases", Memo: "primary first",
		SettingID: "4Setting", SettingURL: "https://mackerel.io/orgs/example/alert-group-settings/4Setting",
	}
	return a
}

// successRows come first: a harness that fails without a fault would fail in all rows.
func successRows() []row {
	return []row{
		{"an alert is one message that the service accepts", anyNotifier, sendOne, checkSuccess},
		{"an alert is one message that the service accepts over a socket", onSockets, sendOne, checkSuccess},
	}
}

// checkSuccess sends two alerts in each mode.
func checkSuccess(s *stage) {
	for _, mode := range []mackerel.Delivery{0, mackerel.AtLeastOnce, mackerel.AtMostOnce} {
		sc := s.sceneIn(mode)
		for range 2 {
			o := sc.send()
			o.wantSuccess()
			o.wantAccepted(1)
			o.wantRequests(1)
		}
	}
}

// alertRows send alerts as Mackerel sends them and as programs make them. No alert may fail because a field is missing.
func alertRows() []row {
	return []row{
		{"every event is accepted, with every field and with no other field", anyNotifier, acceptAlerts, checkEvents},
		{"every status is accepted, in either case", anyNotifier, acceptAlerts, checkStatusWords},
		{"an alert with few fields is accepted", anyNotifier, acceptAlerts, checkMinimal},
		{"an alert is accepted when it opens, changes and closes", anyNotifier, acceptAlerts, checkLife},
		{"a digest is accepted and says its status, or the receipt says why it is skipped", anyNotifier, acceptAlerts, checkDigest},
		{"the alert is not changed", anyNotifier, copyAlert, checkUnchanged},
		{"fifty calls at the same time are fifty messages", anyNotifier, shareNothing, checkCrowd},
	}
}

// checkEvents includes an event that Mackerel does not have yet.
func checkEvents(s *stage) {
	sc := s.scene()
	for _, event := range []mackerel.Event{
		"", mackerel.EventAlert, mackerel.EventAlertGroup, mackerel.EventHostStatus, mackerel.EventHostRegister,
		mackerel.EventHostRetire, mackerel.EventMonitorCreate, mackerel.EventMonitorUpdate, mackerel.EventMonitorDelete,
		mackerel.EventSample, mackerel.EventDigest, "eventOfTheFuture",
	} {
		a := everything()
		a.Event, a.ID, a.Group.ID = event, "event"+string(event), "group"+string(event)
		sc.arrive(fmt.Sprintf("the event %q with every field", event), a)
		sc.arrive(fmt.Sprintf("the event %q with no other field", event), mackerel.Alert{Event: event})
	}
}

// checkStatusWords includes a status that Mackerel does not have yet.
func checkStatusWords(s *stage) {
	sc := s.scene()
	for _, status := range []mackerel.Status{
		"", mackerel.StatusOK, mackerel.StatusWarning, mackerel.StatusCritical, mackerel.StatusUnknown,
		"CRITICAL", "Ok", "purple",
	} {
		a := s.alert()
		a.Status = status
		sc.arrive(fmt.Sprintf("the status %q", status), a)
	}
}

// checkMinimal leaves out what a program with a monitor of its own may leave out.
func checkMinimal(s *stage) {
	sc := s.scene()
	for in, a := range map[string]mackerel.Alert{
		"no field":                 {},
		"a status":                 {Status: mackerel.StatusCritical},
		"a message":                {Message: "backup failed"},
		"an ID":                    {ID: "backup"},
		"an empty metric and user": {Metric: &mackerel.Metric{}, User: &mackerel.User{}},
		"an empty host":            {Host: &mackerel.Host{}, Service: &mackerel.Service{}},
		"an empty role and facts":  {Host: &mackerel.Host{Roles: []mackerel.Role{{}}}, Facts: []mackerel.Fact{{}, {}}},
		"a blank image URL":        {ImageURL: " "},
		"a message of white space": {Status: mackerel.StatusCritical, Message: " \n\t\n "},
	} {
		sc.arrive("an alert with "+in, a)
	}
}

// checkLife sends one alert several times. A service may take the changes for repeats.
func checkLife(s *stage) {
	sc := s.scene()
	for _, status := range []mackerel.Status{"warning", "critical", "warning", mackerel.StatusOK} {
		a := full()
		if a.Status = status; status == mackerel.StatusOK {
			a.ClosedAt = a.OpenedAt.Add(time.Hour)
		}
		sc.in = "the status " + string(status)
		sc.deliver(s.tb.Context(), a).wantSuccess()
	}
}

// digest returns the digest of alerts with different statuses and hosts, some of them closed, and of an event that is no
// alert. Two such digests share no memory.
func digest() mackerel.Alert {
	var all []mackerel.Alert
	for i, status := range []mackerel.Status{"warning", "critical", "critical", "unknown", mackerel.StatusOK, ""} {
		a := full()
		a.ID, a.Status, a.Host.Name = fmt.Sprintf("digest%d", i), status, fmt.Sprintf("app%02d", i)
		if status == mackerel.StatusOK {
			a.ClosedAt = a.OpenedAt.Add(time.Hour)
		}
		if status == "" {
			a.Event = mackerel.EventHostRetire
		}
		all = append(all, a)
	}
	return mackerel.Digest(all)
}

// checkDigest checks that a digest says how bad it is, if the message of a single alert does.
func checkDigest(s *stage) {
	sc := s.scene()
	ordinary := content(sc.send().requests)
	few, many := digest(), digest()
	for range 40 {
		many.Alerts = append(many.Alerts, s.alert())
	}
	for in, a := range map[string]mackerel.Alert{"a digest": few, "a digest of 46 alerts": mackerel.Digest(many.Alerts)} {
		if o := sc.arrive(in, a); o.accepted > 0 {
			o.wantWords(ordinary, "critical")
		}
	}
}

// checkUnchanged looks for writes to an alert, which other notifiers may send at the same time.
func checkUnchanged(s *stage) {
	sc := s.scene()
	a := everything()
	sc.notify(a).wantSuccess()
	sc.deliver(s.tb.Context(), a).wantSuccess()
	sc.preview(a)
	if what := changed(a); what != "" {
		sc.errorf("the alert was changed: %s", what)
	}
	a = digest()
	sc.in = "a digest"
	sc.deliver(s.tb.Context(), a)
	if what := differs(a, digest()); what != "" {
		sc.errorf("the alert was changed: %s", what)
	}
}

// changed says what differs from everything, "" if nothing does.
func changed(a mackerel.Alert) string {
	was := everything()
	if appended(a.Facts, was.Facts) || appended(a.Raw, was.Raw) ||
		appended(a.Host.Roles, was.Host.Roles) || appended(a.Service.Roles, was.Service.Roles) {
		return "the memory of a slice"
	}
	return differs(a, was)
}

// differs returns the first field in which two alerts differ, "" if they are equal.
func differs(a, b mackerel.Alert) string {
	got, want := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range got.NumField() {
		if !got.Type().Field(i).IsExported() {
			continue
		}
		if !reflect.DeepEqual(got.Field(i).Interface(), want.Field(i).Interface()) {
			return "the field " + got.Type().Field(i).Name
		}
	}
	return ""
}

// appended reports whether two slices differ up to their capacity, where an append to a copy of a slice writes.
func appended[T any](a, b []T) bool {
	return !reflect.DeepEqual(a[:cap(a)], b[:cap(b)])
}

// checkCrowd sends alerts that share what they point to. The race detector sees writes to that.
func checkCrowd(s *stage) {
	const crowd = 50
	sc := s.scene()
	n := sc.notifier()
	before, shared := sc.count(), full()
	problems := make([]string, crowd)
	var all sync.WaitGroup
	for i := range crowd {
		a := shared
		a.ID = s.alert().ID
		all.Go(func() {
			var err error
			if problems[i] = catch(func() { err = n.Notify(s.tb.Context(), a) }); err != nil {
				problems[i] = err.Error()
			}
		})
	}
	all.Wait()
	for i, problem := range problems {
		if problem != "" {
			sc.errorf("call %d: %s", i+1, problem)
		}
	}
	if got := sc.count() - before; got != crowd {
		sc.errorf("the service accepted %d of %d messages", got, crowd)
	}
}
