package notifytest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// full returns an alert that has everything. Each call makes a new one that shares nothing with the others, so that two
// can be compared after one of them was sent.
func full() mackerel.Alert {
	value, warning, critical := 96.5, 80.0, 90.0
	opened := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	role := mackerel.Role{
		FullName: "Shop: app", Service: "Shop", Name: "app", ServiceURL: "https://mackerel.io/orgs/example/services/Shop",
		URL: "https://mackerel.io/orgs/example/services/Shop#role=app",
	}
	return mackerel.Alert{
		ID: "notifytest", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "example", URL: alertURL,
		Monitor: mackerel.Monitor{ID: "4Monitor", Name: "CPU %", Type: "host", Memo: "1. look\n2. restart"},
		Message: "CPU % 96.5 > 90",
		Metric: &mackerel.Metric{
			Label: "cpu%", Value: &value, Warning: &warning, Critical: &critical, Operator: ">", Duration: 3,
			Labels: map[string]string{"zone": "a", "app": "shop"},
		},
		Facts: append(make([]mackerel.Fact, 0, 8), mackerel.Fact{Label: "Runbook", Value: "page 7"}, mackerel.Fact{Label: "Team", Value: "web"}),
		Host: &mackerel.Host{
			ID: "4Host", Name: "app01", URL: "https://mackerel.io/orgs/example/hosts/4Host", Type: "unknown", Status: "working",
			FromStatus: "standby", Memo: "rack 3", Roles: append(make([]mackerel.Role, 0, 4), role),
		},
		Service:  &mackerel.Service{ID: "4Service", Name: "Shop", Memo: "the shop", OrgID: "4Org", Roles: append(make([]mackerel.Role, 0, 4), role)},
		User:     &mackerel.User{ID: "4User", ScreenName: "hanako"},
		ImageURL: "https://mackerel.io/embed/public/graph.png", Trigger: "monitor", Reason: "planned",
		OpenedAt: opened, ChangedAt: opened.Add(time.Minute),
		Raw: append(make(json.RawMessage, 0, 64), `{"event":"alert"}`...),
	}
}

// alertURL is the page that the alerts link to.
const alertURL = "https://mackerel.io/orgs/example/alerts/notifytest"

// everything is full with the members that only other events have.
func everything() mackerel.Alert {
	a := full()
	a.Group = &mackerel.AlertGroup{
		ID: "4Group", SettingID: "4Setting", SettingURL: "https://mackerel.io/orgs/example/alert-group-settings/4Setting",
		Name: "databases", Memo: "primary first",
	}
	return a
}

// alertRows send what Mackerel sends and what people write by hand. No alert may fail for what it lacks.
func alertRows() []row {
	return []row{
		{name: "every event is accepted, with all that an alert can have and with nothing", check: checkEvents},
		{name: "every status is accepted, however it is written", check: checkStatusWords},
		{name: "the least that a person writes by hand is accepted", check: checkMinimal},
		{name: "an alert is accepted when it opens, changes and closes", check: checkLife},
		{name: "the alert stays as it was", check: checkUnchanged},
		{name: "fifty calls at once are fifty messages, and may share an alert's parts", sockets: true, check: checkCrowd},
	}
}

// wantArrival complains unless the call succeeded and the alert arrived, or was left out for a reason.
func (sc *scene) wantArrival(o outcome, in string) {
	sc.Helper()
	sc.wantSuccess(o, in)
	if o.err != nil || o.accepted > 0 || sc.Dedups {
		return
	}
	switch {
	case o.receipt != nil && o.receipt.Skipped == "":
		sc.Errorf("%s: nothing was accepted, and Receipt.Skipped does not say why", in)
	case len(o.requests) > 0:
		sc.Errorf("%s: a request was made, but nothing was accepted", in)
	}
}

// checkEvents includes one that does not exist yet: Mackerel may have it tomorrow.
func checkEvents(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	for _, event := range []mackerel.Event{
		"", mackerel.EventAlert, mackerel.EventAlertGroup, mackerel.EventHostStatus, mackerel.EventHostRegister,
		mackerel.EventHostRetire, mackerel.EventMonitorCreate, mackerel.EventMonitorUpdate, mackerel.EventMonitorDelete,
		mackerel.EventSample, "eventOfTheFuture",
	} {
		a := everything()
		a.Event, a.ID, a.Group.ID = event, "event"+string(event), "group"+string(event)
		sc.wantArrival(sc.deliver(s.tb.Context(), n, a), fmt.Sprintf("the event %q of an alert with everything", event))
		sc.wantArrival(sc.deliver(s.tb.Context(), n, mackerel.Alert{Event: event}), fmt.Sprintf("the event %q alone", event))
	}
}

// checkStatusWords: Mackerel writes statuses in either case, and may have more of them one day.
func checkStatusWords(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	for _, status := range []mackerel.Status{
		"", mackerel.StatusOK, mackerel.StatusWarning, mackerel.StatusCritical, mackerel.StatusUnknown, "CRITICAL", "Ok", "purple",
	} {
		a := s.alert()
		a.Status = status
		sc.wantArrival(sc.deliver(s.tb.Context(), n, a), fmt.Sprintf("the status %q", status))
	}
}

// checkMinimal lists what a program that monitors something of its own may leave out, which is nearly everything.
func checkMinimal(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	for in, a := range map[string]mackerel.Alert{
		"an empty alert":                   {},
		"a status alone":                   {Status: mackerel.StatusCritical},
		"a message alone":                  {Message: "backup failed"},
		"an ID alone":                      {ID: "backup"},
		"empty parts":                      {Metric: &mackerel.Metric{}, Host: &mackerel.Host{}, Service: &mackerel.Service{}, User: &mackerel.User{}},
		"empty facts, roles and an image":  {Facts: []mackerel.Fact{{}, {}}, Host: &mackerel.Host{Roles: []mackerel.Role{{}}}, ImageURL: " "},
		"white space instead of a message": {Status: mackerel.StatusCritical, Message: " \n\t\n "},
	} {
		sc.wantArrival(sc.deliver(s.tb.Context(), n, a), in)
	}
}

// checkLife sends one alert again and again; that a service takes a change for a repeat is its own affair.
func checkLife(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	for _, status := range []mackerel.Status{mackerel.StatusWarning, mackerel.StatusCritical, mackerel.StatusWarning, mackerel.StatusOK} {
		a := full()
		if a.Status = status; status == mackerel.StatusOK {
			a.ClosedAt = a.OpenedAt.Add(time.Hour)
		}
		sc.wantSuccess(sc.deliver(s.tb.Context(), n, a), "the status "+string(status))
	}
}

// checkUnchanged: the same alert is on its way to other notifiers at the same time.
func checkUnchanged(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	a := everything()
	sc.wantSuccess(sc.deliver(s.tb.Context(), mackerel.NotifierFunc(n.Notify), a), "Notify")
	sc.wantSuccess(sc.deliver(s.tb.Context(), n, a), "Deliver")
	if p, ok := n.(mackerel.Previewer); ok {
		sc.preview(p, a)
	}
	if problem := changed(a); problem != "" {
		sc.Errorf("the alert has changed: %s", problem)
	}
}

// changed says what differs from everything, down to the memory behind the ends of slices, "" if nothing does.
func changed(a mackerel.Alert) string {
	was := everything()
	if reach(a.Facts, was.Facts) || reach(a.Host.Roles, was.Host.Roles) || reach(a.Service.Roles, was.Service.Roles) || reach(a.Raw, was.Raw) {
		return "the memory of a slice"
	}
	got, want := reflect.ValueOf(a), reflect.ValueOf(was)
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

// reach reports whether two slices differ anywhere up to their capacity, where an append would have written.
func reach[T any](a, b []T) bool {
	return !reflect.DeepEqual(a[:cap(a)], b[:cap(b)])
}

// crowd is how many calls are made at once.
const crowd = 50

// checkCrowd needs the race detector to see all that can go wrong.
func checkCrowd(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	before := sc.Count()
	errs, shared := make([]string, crowd), full()
	var all sync.WaitGroup
	for i := range crowd {
		a := shared
		a.ID = s.alert().ID
		all.Go(func() {
			problem := catch(func() {
				if err := n.Notify(s.tb.Context(), a); err != nil {
					errs[i] = err.Error()
				}
			})
			if problem != "" {
				errs[i] = problem
			}
		})
	}
	all.Wait()
	for i, problem := range errs {
		if problem != "" {
			sc.Errorf("call %d of %d at once: %s", i+1, crowd, problem)
		}
	}
	if got := sc.Count() - before; got != crowd {
		sc.Errorf("the service accepted %d of %d messages sent at once", got, crowd)
	}
}
