package mackerel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

func TestAlertTitle(t *testing.T) {
	type (
		alert   = mackerel.Alert
		monitor = mackerel.Monitor
		host    = mackerel.Host
		group   = mackerel.AlertGroup
		user    = mackerel.User
	)
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  string
	}{
		{"an alert on a host", alert{Status: "critical", Monitor: monitor{Name: "CPU %"}, Host: &host{Name: "app01"}}, "[CRITICAL] CPU % on app01"},
		{"its recovery", alert{Event: mackerel.EventAlert, Status: "ok", Monitor: monitor{Name: "db"}}, "[OK] db"},
		{"the status in upper case, as the API has it", alert{Status: "WARNING", Monitor: monitor{Name: "db"}}, "[WARNING] db"},
		{"no status", alert{Monitor: monitor{Name: "db"}}, "[UNKNOWN] db"},
		{"a status of tomorrow", alert{Status: "paused", Monitor: monitor{Name: "db"}}, "[PAUSED] db"},
		{"nothing at all", alert{}, "[UNKNOWN] alert"},
		{"a host by its ID", alert{Monitor: monitor{Name: "db"}, Host: &host{ID: "4Host"}}, "[UNKNOWN] db on 4Host"},
		{"a host without name and ID", alert{Monitor: monitor{Name: "db"}, Host: &host{Status: "working"}}, "[UNKNOWN] db"},
		{"no name: the first line of the message", alert{Status: "ok", Message: "\n disk\tfull \r\nsecond"}, "[OK] disk full"},
		{"a message before the monitor's ID", alert{Monitor: monitor{ID: "2Mon"}, Message: "m"}, "[UNKNOWN] m"},
		{"neither name nor message: the monitor's ID", alert{Monitor: monitor{ID: "2Mon", Name: " \n"}, Message: " "}, "[UNKNOWN] 2Mon"},
		{"Japanese, with its wide space", alert{Status: "critical", Monitor: monitor{Name: "ディスク　監視"}, Host: &host{Name: "壱"}}, "[CRITICAL] ディスク　監視 on 壱"},
		{"line breaks and control characters", alert{Status: "ok", Monitor: monitor{Name: "\x00a\r\n b\u2028c\u0085d\x7f\x1b[31m"}}, "[OK] a b c d [31m"},
		{"a blank before a line break", alert{Status: "ok", Monitor: monitor{Name: "a b \nc"}}, "[OK] a b c"},
		{"characters that begin as breaks do in UTF-8", alert{Status: "ok", Monitor: monitor{Name: "5 µs … €  x"}}, "[OK] 5 µs … € x"},
		{"a break between paragraphs", alert{Status: "ok", Monitor: monitor{Name: "a\u2029b"}}, "[OK] a b"},
		{"bytes that are not UTF-8", alert{Status: "ok", Monitor: monitor{Name: "a\xff\xfeb"}}, "[OK] a\ufffdb"},
		{"an alert group", alert{Event: mackerel.EventAlertGroup, Status: "warning", Group: &group{Name: "db"}}, "[WARNING] alert group db"},
		{"an alert group without a name", alert{Event: mackerel.EventAlertGroup, Status: "ok", Group: &group{ID: "g"}}, "[OK] alert group"},
		{"an alert group without a group", alert{Event: mackerel.EventAlertGroup}, "[UNKNOWN] alert group"},
		{"a host's status", alert{Event: mackerel.EventHostStatus, Host: &host{Name: "app01", FromStatus: "working", Status: "maintenance"}}, "Host app01: working -> maintenance"},
		{"a host's status, before unknown", alert{Event: mackerel.EventHostStatus, Host: &host{Name: "app01", Status: "maintenance"}}, "Host app01: maintenance"},
		{"a host's status, unknown", alert{Event: mackerel.EventHostStatus, Host: &host{Name: "app01", FromStatus: "working"}}, "Host app01 status changed"},
		{"a host's status without a host", alert{Event: mackerel.EventHostStatus}, "Host status changed"},
		{"a host registered", alert{Event: mackerel.EventHostRegister, Host: &host{Name: "app01"}}, "Host app01 registered"},
		{"a host retired", alert{Event: mackerel.EventHostRetire, Host: &host{Name: "app01"}, User: &user{ScreenName: "hanako"}}, "Host app01 retired by hanako"},
		{"a host retired without a host", alert{Event: mackerel.EventHostRetire}, "Host retired"},
		{"a monitor created by somebody", alert{Event: mackerel.EventMonitorCreate, Monitor: monitor{Name: "CPU"}, User: &user{ScreenName: "hanako"}}, "Monitor CPU created by hanako"},
		{"a monitor updated by an API key", alert{Event: mackerel.EventMonitorUpdate, Monitor: monitor{Name: "CPU"}}, "Monitor CPU updated"},
		{"a monitor deleted by nobody named", alert{Event: mackerel.EventMonitorDelete, Monitor: monitor{ID: "2Mon"}, User: &user{ID: "5"}}, "Monitor 2Mon deleted"},
		{"a monitor without name and ID", alert{Event: mackerel.EventMonitorCreate}, "Monitor created"},
		{"the sample", alert{Event: mackerel.EventSample, Message: "Sample Notification from Mackerel"}, "Test notification"},
		{"closed by hand", alert{Status: "ok", Monitor: monitor{Name: "db"}, Trigger: "manual close"}, "[CLOSED] db"},
		{"closed by its monitor", alert{Status: "ok", Monitor: monitor{Name: "db"}, Trigger: "monitoring"}, "[OK] db"},
		{"open, with a trigger", alert{Status: "critical", Monitor: monitor{Name: "db"}, Trigger: "manual close"}, "[CRITICAL] db"},
		{"a series", alert{Status: "ok", Monitor: monitor{Name: "5xx"}, Metric: series("route", "/a\n", "app", "x")}, "[OK] 5xx (app=x, route=/a)"},
		{"a series that the name has", alert{Status: "ok", Monitor: monitor{Name: "5xx of x"}, Metric: series("route", "/a", "app", "x")}, "[OK] 5xx of x"},
		{"a series that the Japanese name has", alert{Status: "ok", Monitor: monitor{Name: "注文のapp01障害"}, Metric: series("app", "app01")}, "[OK] 注文のapp01障害"},
		{"a series of which the name has a longer word", alert{Status: "ok", Monitor: monitor{Name: "xy-ab1"}, Metric: series("app", "ab")}, "[OK] xy-ab1 (app=ab)"},
		{"a series of which the name has a longer and the same word", alert{Status: "ok", Monitor: monitor{Name: "xy-ab1 ab"}, Metric: series("app", "ab")}, "[OK] xy-ab1 ab"},
		{"a series whose labels are empty", alert{Status: "ok", Monitor: monitor{Name: "5xx"}, Metric: series("app", "")}, "[OK] 5xx (app=)"},
		{"a series of a host", alert{Status: "ok", Monitor: monitor{Name: "5xx"}, Host: &host{Name: "h"}, Metric: series("app", "x")}, "[OK] 5xx on h"},
		{"a host's status, changed by somebody", alert{Event: mackerel.EventHostStatus, Host: &host{Name: "app01", Status: "standby"}, User: &user{ScreenName: "hanako"}}, "Host app01: standby by hanako"},
		{"a muted monitor", alert{Event: mackerel.EventMonitorUpdate, Monitor: monitor{Name: "CPU", Muted: true}, User: &user{ScreenName: "hanako"}}, "Monitor CPU updated by hanako (muted)"},
		{"a digest of nothing", alert{Event: mackerel.EventDigest, Status: "ok"}, "[OK] 0 alerts"},
		{"an event of tomorrow", alert{Event: "downtimeStart", Status: "ok"}, "Event downtimeStart"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.alert.Title(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func series(labels ...string) *mackerel.Metric {
	m := &mackerel.Metric{Labels: map[string]string{}}
	for i := 0; i < len(labels); i += 2 {
		m.Labels[labels[i]] = labels[i+1]
	}
	return m
}

func TestStatusLabel(t *testing.T) {
	for want, a := range map[string]mackerel.Alert{
		"CRITICAL": {Status: "critical"}, "UNKNOWN": {}, "A B": {Status: "a\nb"}, "OK": {Status: "OK", Event: mackerel.EventAlertGroup},
		"WARNING": {Status: "warning", Event: mackerel.EventDigest}, "CLOSED": {Status: "ok", Trigger: "retire host"},
		"": {Status: "ok", Event: mackerel.EventHostRetire, Trigger: "retire host"},
	} {
		if got := a.StatusLabel(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAlertKey(t *testing.T) {
	long := strings.Repeat("x", 91)
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  string
	}{
		{"an ID", mackerel.Alert{ID: "5Alert_-Id"}, "mackerel-5Alert_-Id"},
		{"the longest ID that stays as it is", mackerel.Alert{ID: long}, "mackerel-" + long},
		{"a longer ID is hashed", mackerel.Alert{ID: long + "x"}, "mackerel-d84726fad1ae612b4277cc11e7ead6ac"},
		{"an alert group", mackerel.Alert{Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{ID: "5Group"}}, "mackerel-group-5Group"},
		{
			"an alert group with an ID of the caller's", mackerel.Alert{
				ID: "mine", Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{ID: "5Group"},
			}, "mackerel-group-5Group",
		},
		{
			"names, whose hash is the same in every version", mackerel.Alert{
				Monitor: mackerel.Monitor{Name: "disk"}, Host: &mackerel.Host{Name: "app01"}, Service: &mackerel.Service{Name: "Shop"},
			}, "mackerel-5a92206c5c5c5c12b0b07d2972f8ad8e",
		},
		{"an alert that knows its group", mackerel.Alert{ID: "5", Group: &mackerel.AlertGroup{ID: "5Group"}}, "mackerel-5"},
		{"a group made by hand, without an event", mackerel.Alert{Group: &mackerel.AlertGroup{ID: "5Group"}}, "mackerel-group-5Group"},
		{
			"an ID of the caller's for a group that has none", mackerel.Alert{
				ID: "mine", Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{Name: "db"},
			}, "mackerel-mine",
		},
		{"an ID with the first and last letters and digits", mackerel.Alert{ID: "azAZ09"}, "mackerel-azAZ09"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.alert.Key(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The keys of different things differ, and are fit for every service.
func TestAlertKeysDiffer(t *testing.T) {
	long := strings.Repeat("x", 200)
	cpu := mackerel.Monitor{Name: "CPU"}
	alerts := map[string]mackerel.Alert{
		"nothing":                     {},
		"an ID":                       {ID: "5"},
		"an ID in another case":       {ID: "a"},
		"its upper case":              {ID: "A"},
		"an ID with a slash":          {ID: "a/b"},
		"an ID with a blank":          {ID: "a b"},
		"an ID in Japanese":           {ID: "壱"},
		"an ID that is not UTF-8":     {ID: "\xff"},
		"a long ID":                   {ID: long},
		"a longer ID":                 {ID: long + "x"},
		"a group":                     {Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{ID: "5"}},
		"an ID like a group's key":    {ID: "group-5"},
		"a group with a long ID":      {Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{ID: long}},
		"an ID like a long group's":   {ID: "group-" + long},
		"a group by its name":         {Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{Name: "CPU"}},
		"another group by its name":   {Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{Name: "Memory"}},
		"a monitor":                   {Monitor: cpu},
		"a monitor's deletion":        {Event: mackerel.EventMonitorDelete, Monitor: cpu},
		"a host":                      {Host: &mackerel.Host{Name: "CPU"}},
		"a host's retirement":         {Event: mackerel.EventHostRetire, Host: &mackerel.Host{Name: "CPU"}},
		"a service":                   {Service: &mackerel.Service{Name: "CPU"}},
		"a monitor on a host":         {Monitor: cpu, Host: &mackerel.Host{Name: "app01"}},
		"the same characters shifted": {Monitor: mackerel.Monitor{Name: "CPUapp"}, Host: &mackerel.Host{Name: "01"}},
		"a message":                   {Message: "CPU"},
		"another message":             {Message: "disk"},
		"a message of another event":  {Event: mackerel.EventSample, Message: "CPU"},
		"a monitor by its ID":         {Monitor: mackerel.Monitor{ID: "3"}},
		"the sample":                  {Event: mackerel.EventSample},
	}
	seen := map[string]string{}
	for name, a := range alerts {
		key := a.Key()
		if other, twice := seen[key]; twice {
			t.Errorf("%s and %s have the same key %q", name, other, key)
		}
		seen[key] = name
		if !keyForm.MatchString(key) {
			t.Errorf("%s: got %q", name, key)
		}
	}
}

// One incident is opened, changed and closed under one key, whoever tells of it and wherever.
func TestAlertKeyStays(t *testing.T) {
	for _, from := range []mackerel.Alert{
		webhooks["alert-host"], webhooks["alert-group"], webhooks["alert-2014"],
		{Monitor: mackerel.Monitor{Name: "disk"}, Host: &mackerel.Host{Name: "app01"}, Service: &mackerel.Service{Name: "Shop"}},
	} {
		to := from
		to.Org, to.Status, to.Message, to.Trigger, to.Reason = "other", mackerel.StatusOK, "recovered", "manual close", "done"
		to.OpenedAt, to.ClosedAt, to.ChangedAt = closed, closed, closed
		to.User, to.Metric, to.Facts, to.Raw = hanako, nil, []mackerel.Fact{{Label: "l"}}, nil
		to.URL, to.ImageURL, to.Monitor.Memo, to.Monitor.Type = "u", "i", "memo", "host"
		if to.Event == mackerel.EventAlert {
			to.Event = "" // means the same
		}
		if from.Key() != to.Key() {
			t.Errorf("%s: %q became %q", from.Title(), from.Key(), to.Key())
		}
	}
}

func TestAlertClosed(t *testing.T) {
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  bool
	}{
		{"ok", mackerel.Alert{Status: mackerel.StatusOK}, true},
		{"ok in upper case", mackerel.Alert{Status: "OK"}, true},
		{"closed by hand while critical", mackerel.Alert{Status: mackerel.StatusCritical, ClosedAt: closed}, true},
		{"critical", mackerel.Alert{Status: mackerel.StatusCritical, OpenedAt: opened, ChangedAt: closed}, false},
		{"unknown", mackerel.Alert{Status: mackerel.StatusUnknown}, false},
		{"no status", mackerel.Alert{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.alert.Closed(); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// The example of Mackerel's documentation is open and has a time of closing.
func TestAlertClosedOfAWebhook(t *testing.T) {
	const open, over = `"status":"critical","isOpen":true,"closedAt":1767225900`, `"status":"critical","isOpen":false,"closedAt":null`
	tests := []struct {
		name, state string
		change      func(*mackerel.Alert)
		want        bool
	}{
		{"isOpen counts more than the time", open, func(*mackerel.Alert) {}, false},
		{"isOpen counts more than the status", over, func(*mackerel.Alert) {}, true},
		{"another change", open, func(a *mackerel.Alert) { a.Message = "m" }, false},
		{"the same time in another zone", open, func(a *mackerel.Alert) { a.ClosedAt = a.ClosedAt.Local() }, false},
		{"the status is changed", open, func(a *mackerel.Alert) { a.Status = mackerel.StatusWarning }, true},
		{"the time is changed", open, func(a *mackerel.Alert) { a.ClosedAt = time.Time{} }, false},
		{"the status is changed to open", over, func(a *mackerel.Alert) { a.Status = mackerel.StatusWarning }, false},
		{
			"the time is removed", `"status":"critical","isOpen":false,"closedAt":1767225900`,
			func(a *mackerel.Alert) { a.ClosedAt = time.Time{} }, false,
		},
		{"no isOpen", `"status":"critical","closedAt":1767225900`, func(*mackerel.Alert) {}, true},
		{"an isOpen of the wrong type", `"status":"ok","isOpen":"yes"`, func(*mackerel.Alert) {}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := mackerel.ParseWebhook([]byte(`{"event":"alert","alert":{` + tt.state + `}}`)) // one has an error
			again := mackerel.Alert{Event: a.Event, Status: a.Status, ClosedAt: a.ClosedAt, Raw: a.Raw}
			if got := marshalAlert(t, again); string(got) != string(a.Raw) {
				t.Errorf("an alert with the same fields is written as %s", got)
			}
			tt.change(&a)
			if got := a.Closed(); got != tt.want {
				t.Errorf("got %t", got)
			}
			if back, _ := mackerel.ParseWebhook(marshalAlert(t, a)); back.Closed() != tt.want {
				t.Errorf("read again it is %t", back.Closed())
			}
		})
	}
}

func TestAlertClosedOfAGroup(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(`{"event":"alertGroup","alert":{"isOpen":true},"alertGroup":{"status":"OK"}}`))
	if err != nil || !a.Closed() {
		t.Errorf("isOpen of another object counts: %v", err)
	}
}

func TestEventChannelEvent(t *testing.T) {
	for event, want := range map[mackerel.Event]mackerel.ChannelEvent{
		"":                          "alert",
		mackerel.EventAlert:         "alert",
		mackerel.EventAlertGroup:    "alertGroup",
		mackerel.EventHostStatus:    "hostStatus",
		mackerel.EventHostRegister:  "hostRegister",
		mackerel.EventHostRetire:    "hostRetire",
		mackerel.EventMonitorCreate: "monitor",
		mackerel.EventMonitorUpdate: "monitor",
		mackerel.EventMonitorDelete: "monitor",
		mackerel.EventSample:        "",
		"downtimeStart":             "downtimeStart",
	} {
		if got := event.ChannelEvent(); got != want {
			t.Errorf("%q: got %q, want %q", event, got, want)
		}
	}
}

func TestStatusFoldAndLabel(t *testing.T) {
	for status, want := range map[mackerel.Status]struct {
		fold  mackerel.Status
		label string
	}{
		"":         {mackerel.StatusUnknown, "UNKNOWN"},
		"ok":       {mackerel.StatusOK, "OK"},
		"OK":       {mackerel.StatusOK, "OK"},
		"Critical": {mackerel.StatusCritical, "CRITICAL"},
		"paused":   {"paused", "PAUSED"},
	} {
		if got := status.Fold(); got != want.fold {
			t.Errorf("%q: folded to %q", status, got)
		}
		if got := status.Label(); got != want.label {
			t.Errorf("%q: label %q", status, got)
		}
	}
}
