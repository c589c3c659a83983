package mackerel_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

// one returns the only alert of an organization.
func one(t *testing.T, c *mackerel.Client) mackerel.APIAlert {
	t.Helper()
	for a, err := range c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{WithClosed: true}) {
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	t.Fatal("there is no alert")
	return mackerel.APIAlert{}
}

// An alert of the API that is described says what the webhook says, as far as the API has the data.
func TestDescribe(t *testing.T) {
	const (
		app01 = `{"id":"4HostId0001","name":"app01","status":"working","memo":"","isRetired":false,"roles":{"Shop":["app"]}}`
		bare  = `{"id":"4HostId0001","name":"app01","status":"working","roles":{}}`
		db01  = `{"id":"4HostId0002","name":"db01","status":"standby","memo":"primary","roles":{"Shop":["db"],"Common":["backup"]}}`
		cpu   = `{"id":"2M","type":"host","name":"CPU %","memo":"runbook 7","metric":"cpu%","operator":">","warning":80.5,"critical":90,"duration":3}`
		query = `{"id":"2M","type":"query","name":"errors of {{service.name}}","legend":"{{ service.name }} errors","operator":">","critical":10,"duration":1}`
		load  = `{"id":"2M","type":"expression","name":"load","expression":"scale(host(4HostId0001, loadavg1), 1)","operator":">","warning":0,"critical":1,"duration":1}`
		times = `{"id":"2M","type":"external","name":"top page","service":"Shop","responseTimeCritical":5000,"responseTimeDuration":3}`

		opened   = `,"monitorId":"2M","openedAt":1767225600`
		fivexx   = `"type":"query","status":"CRITICAL","value":12,"series":{"name":"http.server.errors","labels":{"service.name":"checkout","http.route":"/注文"}}`
		response = `"type":"external","status":"CRITICAL","message":"200","value":5230`
	)
	for _, tt := range []struct {
		webhook, monitor, host, alert string
		logs                          []mackerel.AlertLog
		differs                       string // in what, because the API does not say it
	}{
		{"alert-host", cpu, app01, `"id":"5AlertId001","type":"host","hostId":"4HostId0001","status":"CRITICAL","value":96.5`, logLine("CRITICAL", "monitoring", 1767225660), ""},
		{"alert-host-recovered", cpu, app01, `"id":"5AlertId001","type":"host","hostId":"4HostId0001","status":"OK","value":12.5,"closedAt":1767226500`, logLine("OK", "monitoring", 1767226500), ""},
		{"alert-service", `{"id":"2M","type":"service","name":"Shop - orders","service":"Shop","metric":"orders","operator":"<","warning":1,"duration":1}`, "", `"id":"5AlertId002","type":"service","status":"WARNING","value":0`, nil, "message"},
		{"alert-external", `{"id":"2M","type":"external","name":"top page","url":"https://x.test/"}`, "", `"id":"5AlertId003","type":"external","status":"CRITICAL","message":"503"`, nil, ""},
		{"alert-external-response-time", times, "", `"id":"5AlertId013",` + response, logLine("CRITICAL", "monitoring", 1767225600), ""},
		{"alert-check", "", bare, `"id":"5AlertId004","type":"check","hostId":"4HostId0001","status":"OK","message":"LOG OK: 0 warnings","closedAt":1767225900`, nil, ""},
		{"alert-connectivity", `{"id":"2M","type":"connectivity"}`, db01, `"id":"5AlertId006","type":"connectivity","hostId":"4HostId0002","status":"UNKNOWN"`, nil, ""},
		{"alert-anomaly-detection", `{"id":"2M","type":"anomalyDetection","name":"roles","warningSensitivity":"normal"}`, bare, `"id":"5AlertId007","type":"anomalyDetection","hostId":"4HostId0001","status":"WARNING"`, nil, "message"},
		{"alert-query", query, "", `"id":"5AlertId008",` + fivexx, logLine("CRITICAL", "monitoring", 1767225600), ""},
		{"alert-expression-closed-by-hand", load, "", `"id":"5AlertId005","type":"expression","status":"OK","value":0.02,"closedAt":1767225900`, logLine("OK", "manual", 1767225900), "changed"},
	} {
		t.Run(tt.webhook, func(t *testing.T) {
			s, c := newFake(t)
			s.SetOrganization("acme")
			s.AddCheck(`{"id":"2M","name":"log"}`)
			if tt.monitor != "" {
				s.AddMonitor(tt.monitor)
			}
			if tt.host != "" {
				s.AddHost(tt.host)
			}
			s.AddAlert("{" + tt.alert + opened + "}")
			described, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c), tt.logs...)
			if err != nil {
				t.Fatal(err)
			}
			got, want := inAPI(described), inAPI(webhooks[tt.webhook])
			switch tt.differs {
			case "message":
				got.Message, want.Message = "", ""
			case "changed": // this webhook is older than statusChangedAt
				got.ChangedAt = time.Time{}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%s\nwant\n%s", asJSON(t, got), asJSON(t, want))
			}
		})
	}
}

func logLine(status mackerel.Status, trigger string, at int64) []mackerel.AlertLog {
	return []mackerel.AlertLog{{Status: status, Trigger: trigger, CreatedAt: time.Unix(at, 0).UTC()}}
}

// inAPI returns an alert with what the API has of it. Roles are in the order of their names.
func inAPI(a mackerel.Alert) mackerel.Alert {
	known := mackerel.Alert{
		ID: a.ID, Event: a.Event, Status: a.Status, Org: a.Org, URL: a.URL, Monitor: a.Monitor, Message: a.Message,
		Metric: a.Metric, Reason: a.Reason, OpenedAt: a.OpenedAt, ClosedAt: a.ClosedAt, ChangedAt: a.ChangedAt,
	}
	known.Trigger = strings.Replace(a.Trigger, "monitoring", "monitor", 1)
	known.Monitor.ID = ""
	if a.Service != nil {
		known.Service = &mackerel.Service{Name: a.Service.Name}
	}
	if a.Host != nil {
		host := *a.Host
		host.Type = ""
		host.Roles = slices.SortedFunc(slices.Values(host.Roles), func(x, y mackerel.Role) int { return strings.Compare(x.FullName, y.FullName) })
		known.Host = &host
	}
	return known
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessagesOfDescribedAlerts(t *testing.T) {
	const limits = `"operator":">","warning":80,"critical":90}`
	for _, tt := range []struct{ name, monitor, alert, want string }{
		{"a warning has the threshold of warnings", limits, `"type":"host","status":"WARNING","value":84.2134`, "CPU % 84.21 > 80"},
		{"two decimals are enough", limits, `"type":"host","status":"CRITICAL","value":96.5000001`, "CPU % 96.5 > 90"},
		{"a difference is seen", limits, `"type":"host","status":"CRITICAL","value":90.001`, "CPU % 90.001 > 90"},
		{"large numbers have no exponent", `"operator":">","critical":7000000000}`, `"type":"host","status":"CRITICAL","value":7523450880`, "CPU % 7523450880 > 7000000000"},
		{"small numbers are not 0", `"operator":">","critical":0.001}`, `"type":"host","status":"CRITICAL","value":0.00234`, "CPU % 0.0023 > 0.001"},
		{"nor are small negative numbers", `"operator":"<","critical":0}`, `"type":"host","status":"CRITICAL","value":-0.00234`, "CPU % -0.0023 < 0"},
		{"a threshold of 0", `"operator":"<","critical":0}`, `"type":"host","status":"CRITICAL","value":-1`, "CPU % -1 < 0"},
		{"an interruption violates no threshold", limits, `"type":"service","status":"CRITICAL","value":5`, "CPU % 5"},
		{"so does a value at the threshold", limits, `"type":"host","status":"CRITICAL","value":90`, "CPU % 90"},
		{"a value above a lower threshold", `"operator":"<","critical":1}`, `"type":"host","status":"CRITICAL","value":5`, "CPU % 5"},
		{"a value at a lower threshold", `"operator":"<","critical":1}`, `"type":"host","status":"CRITICAL","value":1`, "CPU % 1"},
		{"an operator of the future", `"operator":"=","critical":1}`, `"type":"host","status":"CRITICAL","value":0`, "CPU % 0"},
		{"UNKNOWN violates no threshold", limits, `"type":"expression","status":"UNKNOWN","value":95`, "CPU % 95"},
		{"UNKNOWN without a value", limits, `"type":"query","status":"UNKNOWN"`, ""},
		{"a recovery has no threshold", limits, `"type":"host","status":"OK","value":95,"closedAt":2`, "CPU % 95"},
		{"nor has an alert that is closed with another status", limits, `"type":"host","status":"CRITICAL","value":95,"closedAt":2`, "CPU % 95"},
		{"a monitor without thresholds", `"operator":">"}`, `"type":"host","status":"CRITICAL","value":95`, "CPU % 95"},
		{"a status of a page", "", `"type":"external","status":"CRITICAL","message":"200"`, "HTTP request failed - status is 200"},
		{"a page that recovered", "", `"type":"external","status":"OK","message":"200","closedAt":2`, "200"},
		{"a page that failed when the alert was closed by hand", "", `"type":"external","status":"OK","message":"503","reason":"r","closedAt":2`, "HTTP request failed - status is 503"},
		{"400 is a failure", "", `"type":"external","status":"OK","message":"400","reason":"r","closedAt":2`, "HTTP request failed - status is 400"},
		{"a page that does not answer", "", `"type":"external","status":"CRITICAL","message":"timeout"`, "timeout"},
		{"a check that says more than its value", "", `"type":"check","status":"CRITICAL","message":"disk full","value":95`, "disk full"},
		{"a check that says a number", "", `"type":"check","status":"CRITICAL","message":"200"`, "200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newFake(t)
			if tt.monitor != "" {
				s.AddMonitor(`{"id":"2M","type":"host","name":"CPU %",` + tt.monitor)
			}
			s.AddAlert(`{"monitorId":"2M","openedAt":1,` + tt.alert + `}`)
			a, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c))
			if err != nil || a.Message != tt.want {
				t.Errorf("%q, %v; want %q", a.Message, err, tt.want)
			}
		})
	}
}

func TestDescribeAnAlertThatWasClosedByHand(t *testing.T) {
	s, c := newFake(t)
	s.AddMonitor(`{"id":"2M","type":"host","name":"CPU %","critical":90}`)
	s.AddAlert(`{"id":"5A","monitorId":"2M","status":"OK","value":95,"reason":"maintenance","openedAt":1,"closedAt":2}`)
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c))
	if err != nil || a.Trigger != "manual close" || a.Metric == nil || a.Metric.Value != nil || *a.Metric.Critical != 90 {
		t.Errorf("%s, %v", asJSON(t, a), err)
	}
	if got := a.Title(); got != "[CLOSED] CPU %" || a.Reason != "maintenance" {
		t.Error(got)
	}
}

func TestDescribeFillsLabels(t *testing.T) {
	s, c := newFake(t)
	s.AddMonitor(`{"id":"2M","type":"query","name":"errors of {{ service.name }} {{none}}","operator":">","critical":10}`)
	s.AddAlert(`{"monitorId":"2M","type":"query","value":12,"series":{"name":"errors","labels":{"service.name":"checkout"}}}`)
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c))
	if err != nil || a.Monitor.Name != "errors of checkout {{none}}" || a.Metric.Label != "errors" || a.Message != "errors of checkout {{none}} 12 > 10" {
		t.Errorf("%v, %+v", err, a)
	}
	a, err = mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{ID: "5A", MonitorID: "2M", Type: "query", Status: "UNKNOWN"})
	if err != nil || a.Monitor.Name != "errors of {{ service.name }} {{none}}" {
		t.Errorf("without a series: %v, %+v", err, a)
	}
}

func TestDescribeKeepsTheNameOfAMonitorOfConnectivity(t *testing.T) {
	s, c := newFake(t)
	s.AddMonitor(`{"id":"2M","type":"connectivity","name":"is it there?"}`)
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{ID: "5A", MonitorID: "2M", Type: "connectivity", Status: "CRITICAL"})
	if err != nil || a.Monitor.Name != "is it there?" || a.Message != "unreachable" {
		t.Errorf("%v, %+v", err, a)
	}
}

// What no longer exists is no error, and what cannot be fetched costs nothing that is known.
func TestDescribeWithoutNames(t *testing.T) {
	s, c := newFake(t)
	s.AddAlert(`{"id":"5A","monitorId":"2gone","type":"host","hostId":"4gone","value":5}`)
	s.AddMonitor(`{"id":"2odd","name":7}`)
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c))
	if err != nil || a.Monitor.ID != "2gone" || a.Host.ID != "4gone" || a.Metric == nil {
		t.Errorf("%v, %+v", err, a)
	}
	s.Inject(fakehttp.Fault{Path: "/api/v0/monitoring/checks/2C", Status: http.StatusForbidden})
	a, err = mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{ID: "5A", MonitorID: "2C", Type: "check"})
	if !errors.Is(err, mackerel.ErrUnauthorized) || a.Monitor.ID != "2C" {
		t.Errorf("%v, %+v", err, a)
	}
	alert := one(t, c)
	s.Inject(fakehttp.Fault{Status: http.StatusForbidden, Times: -1})
	a, err = mackerel.NewDescriber(c).Describe(t.Context(), alert)
	if !errors.Is(err, mackerel.ErrUnauthorized) || a.ID != "5A" || a.Host.ID != "4gone" || a.Status != mackerel.StatusCritical {
		t.Errorf("%v, %+v", err, a)
	}
}

// Monitors that cannot be fetched are an error only for an alert whose monitor was not known before, or if the caller
// has given up.
func TestDescribeWithoutMonitors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		d := mackerel.NewDescriber(c)
		alert := mackerel.APIAlert{ID: "5A", MonitorID: "2M", Type: "service"}
		s.Inject(fakehttp.Fault{Path: "/api/v0/monitors", Status: http.StatusForbidden})
		if a, err := d.Describe(t.Context(), alert); !errors.Is(err, mackerel.ErrUnauthorized) || a.Monitor.ID != "2M" {
			t.Errorf("the first time: %v, %+v", err, a.Monitor)
		}
		if n := strings.Count(strings.Join(paths(s.Requests()), "\n"), "/monitors"); n != 1 {
			t.Errorf("the monitors were asked for %d times", n)
		}
		s.AddMonitor(`{"id":"2M","name":"orders","type":"service"}`)
		time.Sleep(10 * time.Second)
		if a, err := d.Describe(t.Context(), alert); err != nil || a.Monitor.Name != "orders" {
			t.Errorf("after that: %v, %+v", err, a.Monitor)
		}
		time.Sleep(time.Minute)
		s.Inject(fakehttp.Fault{Path: "/api/v0/monitors", Status: http.StatusForbidden})
		if a, err := d.Describe(t.Context(), alert); err != nil || a.Monitor.Name != "orders" {
			t.Errorf("a minute later: %v, %+v", err, a.Monitor)
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if a, err := d.Describe(ctx, alert); !errors.Is(err, context.Canceled) || a.Monitor.Name != "orders" {
			t.Errorf("without time: %v, %+v", err, a.Monitor)
		}
	})
}

// Two hundred alerts at once need three requests.
func TestDescribeFetchesOnce(t *testing.T) {
	s, c := newFake(t)
	s.AddMonitor(`{"id":"2M","type":"host","name":"CPU %","metric":"cpu%"}`)
	s.AddHost(`{"id":"4H","name":"app01"}`)
	d := mackerel.NewDescriber(c)
	alert := mackerel.APIAlert{ID: "5A", Status: "CRITICAL", MonitorID: "2M", Type: "host", HostID: "4H", OpenedAt: time.Unix(1, 0)}
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if a, err := d.Describe(t.Context(), alert); err != nil || a.Title() != "[CRITICAL] CPU % on app01" {
				t.Errorf("%v, %s", err, a.Title())
			}
		})
	}
	all.Wait()
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestDescribeFetchesAMonitorThatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		d := mackerel.NewDescriber(c)
		want := func(name string, requests int) {
			t.Helper()
			a, err := d.Describe(t.Context(), mackerel.APIAlert{ID: "5A", MonitorID: "2M", Type: "service"})
			if err != nil || a.Monitor.Name != name || a.Monitor.Muted != (name != "") {
				t.Errorf("%v, %+v", err, a.Monitor)
			}
			got := 0
			for _, r := range s.Requests() {
				if r.Path == "/api/v0/monitors" {
					got++
				}
			}
			if got != requests {
				t.Errorf("the monitors were fetched %d times, want %d", got, requests)
			}
		}
		want("", 1)
		s.AddMonitor(`{"id":"2M","name":"orders","type":"service","isMute":true}`)
		time.Sleep(9 * time.Second)
		want("", 1)
		time.Sleep(time.Second)
		want("orders", 2)
		time.Sleep(59 * time.Second)
		want("orders", 2)
	})
}

// In an outage of the API, many alerts at once wait for the same failure.
func TestDescribeDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		s.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: -1})
		d := mackerel.NewDescriber(c)
		alert := mackerel.APIAlert{ID: "5A", Status: "CRITICAL", MonitorID: "2M", Type: "host", HostID: "4H"}
		start := time.Now()
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if a, err := d.Describe(t.Context(), alert); !errors.Is(err, mackerel.ErrUnavailable) || a.ID != "5A" || a.Host.ID != "4H" {
					t.Errorf("%v, %+v", err, a)
				}
			})
		}
		all.Wait()
		if n, took := len(s.Requests()), time.Since(start); n > 9 || took > 10*time.Second {
			t.Errorf("%d requests in %v", n, took)
		}
		s.Clear()
		s.AddHost(`{"id":"4H","name":"app01"}`)
		time.Sleep(10 * time.Second)
		if a, err := d.Describe(t.Context(), alert); err != nil || a.Host.Name != "app01" {
			t.Errorf("after the outage: %v, %+v", err, a.Host)
		}
	})
}

// A host has no link until the name of the organization is known.
func TestDescribeWithoutAnOrganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		s.SetOrganization("acme")
		s.AddHost(`{"id":"4H","name":"app01","roles":{"Shop":["app"]}}`)
		s.Inject(fakehttp.Fault{Path: "/api/v0/org", Status: http.StatusForbidden})
		d := mackerel.NewDescriber(c)
		alert := mackerel.APIAlert{ID: "5A", Status: "CRITICAL", Type: "host", HostID: "4H"}
		a, err := d.Describe(t.Context(), alert)
		if !errors.Is(err, mackerel.ErrUnauthorized) || a.URL+a.Host.URL+a.Host.Roles[0].URL+a.Host.Roles[0].ServiceURL != "" || a.Host.Name != "app01" {
			t.Errorf("%v, %s", err, asJSON(t, a))
		}
		time.Sleep(10 * time.Second)
		a, err = d.Describe(t.Context(), alert)
		if err != nil || a.Host.URL != "https://mackerel.io/orgs/acme/hosts/4H" || a.Host.Roles[0].URL != "https://mackerel.io/orgs/acme/services/Shop#role=app" {
			t.Errorf("%v, %s", err, asJSON(t, a))
		}
	})
}

// The status of a host matters, so it is remembered for a minute only.
func TestDescribeSeesTheStatusOfAHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		s.AddHost(`{"id":"4H","name":"app01"}`)
		d := mackerel.NewDescriber(c)
		status := func() string {
			a, err := d.Describe(t.Context(), mackerel.APIAlert{ID: "5A", Status: "CRITICAL", Type: "host", HostID: "4H"})
			if err != nil {
				t.Error(err)
			}
			return a.Host.Status
		}
		first := status()
		s.SetHostStatus("4H", "maintenance")
		time.Sleep(time.Minute - time.Second)
		second := status()
		time.Sleep(time.Second)
		if third := status(); first != "working" || second != "working" || third != "maintenance" {
			t.Errorf("%s, %s, %s", first, second, third)
		}
	})
}

// A caller that gives up costs the others nothing, and a caller that waits may give up as well.
func TestDescribeWhenTheFirstCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		s.SetOrganization("acme")
		s.Inject(fakehttp.Fault{Path: "/api/v0/org", Delay: 5 * time.Second})
		d := mackerel.NewDescriber(c)
		alert := mackerel.APIAlert{ID: "5A", Status: "CRITICAL"}
		var all sync.WaitGroup
		for _, patience := range []time.Duration{2 * time.Second, time.Second} { // the first fetches, the second waits
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			all.Go(func() {
				start := time.Now()
				a, err := d.Describe(ctx, alert)
				if !errors.Is(err, context.DeadlineExceeded) || a.ID != "5A" || time.Since(start) != patience {
					t.Errorf("%v after %v, %+v", err, time.Since(start), a)
				}
			})
			synctest.Wait()
		}
		all.Go(func() {
			if a, err := d.Describe(t.Context(), alert); err != nil || a.Org != "acme" {
				t.Errorf("%v, %+v", err, a)
			}
		})
		all.Wait()
		if n := len(s.Requests()); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

// What a check said may be in the log only.
func TestDescribeTakesTheMessageOfACheckFromTheLog(t *testing.T) {
	_, c := newFake(t)
	logs := []mackerel.AlertLog{
		{Status: "CRITICAL", Message: "DISK 91%", Memo: "old", CreatedAt: time.Unix(10, 0)},
		{Status: "CRITICAL", Message: "DISK 97%", Memo: "runbook", CreatedAt: time.Unix(20, 0)},
		{Status: "WARNING", Message: "DISK 85%", CreatedAt: time.Unix(5, 0)},
	}
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{ID: "5A", Type: "check", Status: "CRITICAL"}, logs...)
	if err != nil || a.Message != "DISK 97%" || a.Monitor.Memo != "runbook" || !a.ChangedAt.Equal(time.Unix(10, 0)) {
		t.Errorf("%s, %v", asJSON(t, a), err)
	}
}

// The log may be ahead of an alert that was read before it.
func TestDescribeAnOpenAlertWhoseLogSaysThatAPersonChangedIt(t *testing.T) {
	s, c := newFake(t)
	s.AddMonitor(`{"id":"2M","type":"host","name":"CPU %","operator":">","critical":90}`)
	value := 95.0
	alert := mackerel.APIAlert{ID: "5A", Type: "host", Status: "CRITICAL", Value: &value}
	d := mackerel.NewDescriber(c)
	a, err := d.Describe(t.Context(), alert, mackerel.AlertLog{Status: "CRITICAL", Trigger: "manual"})
	if err != nil || a.Metric != nil || a.Message != "95" {
		t.Errorf("%s, %v", asJSON(t, a), err)
	}
	alert.MonitorID = "2M"
	a, err = d.Describe(t.Context(), alert, mackerel.AlertLog{Status: "CRITICAL", Trigger: "manual"})
	if err != nil || a.Metric == nil || a.Metric.Value != nil || a.Message != "CPU % 95" {
		t.Errorf("%s, %v", asJSON(t, a), err)
	}
}

// A reason is that of a close. An alert that is open was not closed by hand.
func TestDescribeAnOpenAlertWithAReason(t *testing.T) {
	_, c := newFake(t)
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{ID: "5A", Status: "CRITICAL", Reason: "maintenance"})
	if err != nil || a.Trigger != "monitor" || a.Reason != "maintenance" {
		t.Errorf("%s, %v", asJSON(t, a), err)
	}
}

// An alert without an id has no page, although the organization is known.
func TestDescribeAnAlertWithoutAnID(t *testing.T) {
	s, c := newFake(t)
	s.SetOrganization("acme")
	if a, err := mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{Status: "CRITICAL"}); err != nil || a.Org != "acme" || a.URL != "" {
		t.Errorf("%s, %v", asJSON(t, a), err)
	}
}

// Each part of a metric is enough for a metric.
func TestDescribeKeepsWhatIsKnownOfAMetric(t *testing.T) {
	for alert, monitor := range map[string]string{
		`"type":"query","series":{"name":"errors","labels":{"a":"b"}}`: `{"id":"2other"}`,
		`"type":"host"`:             `{"id":"2M","warning":80}`,
		`"type":"host","hostId":""`: `{"id":"2M","critical":90}`,
		`"type":"host","value":95`:  `{"id":"2M"}`,
	} {
		s, c := newFake(t)
		s.AddMonitor(monitor)
		s.AddAlert(`{"monitorId":"2M","status":"UNKNOWN",` + alert + `}`)
		if a, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c)); err != nil || a.Metric == nil {
			t.Errorf("%s of %s has no metric: %v", alert, monitor, err)
		}
	}
}

func TestDescribeRemembersTheNameOfADeletedCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		s.AddCheck(`{"id":"2C","name":"disk"}`)
		d := mackerel.NewDescriber(c)
		for _, gone := range []bool{false, true} {
			if gone {
				time.Sleep(time.Hour)
				s.Inject(fakehttp.Fault{Path: "/api/v0/monitoring/checks/2C", Status: http.StatusNotFound})
			}
			a, err := d.Describe(t.Context(), mackerel.APIAlert{ID: "5A", Type: "check", MonitorID: "2C"})
			if err != nil || a.Monitor.Name != "disk" {
				t.Errorf("%q, %v", a.Monitor.Name, err)
			}
		}
		if got := paths(s.Requests()); len(got) != 4 {
			t.Errorf("after an hour, names are fetched again: %v", got)
		}
	})
}

// Customers of KCPS have their own site.
func TestDescribeLinksToTheSiteOfKCPS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mackereltest.New()
		defer s.Close()
		s.SetOrganization("acme")
		toFake := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(fakehttp.MemoryURL, "http://")
			return s.Client().Transport.RoundTrip(r)
		})}
		c, err := mackerel.NewClient(mackerel.ClientConfig{
			APIKey: mackerel.NewSecret(mackereltest.APIKey), BaseURL: "https://kcps-mackerel.io", Call: mackerel.CallOptions{Client: toFake},
		})
		if err != nil {
			t.Fatal(err)
		}
		a, err := mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{ID: "5A"})
		if err != nil || a.URL != "https://kcps-mackerel.io/orgs/acme/alerts/5A" {
			t.Errorf("%s, %v", a.URL, err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDescribeNeedsNewDescriber(t *testing.T) {
	if _, err := new(mackerel.Describer).Describe(t.Context(), mackerel.APIAlert{ID: "5A"}); !errors.Is(err, mackerel.ErrConfig) {
		t.Error(err)
	}
}

func TestDescribeTakesTheLog(t *testing.T) {
	_, c := newFake(t)
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	logs := []mackerel.AlertLog{
		{Status: "OK", Trigger: "hostRetire", CreatedAt: at(30)}, {Status: "CRITICAL", CreatedAt: at(10)},
		{Status: "OK", Trigger: "hostRetire", CreatedAt: at(40)}, {Status: "OK", CreatedAt: at(5)},
	}
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), mackerel.APIAlert{ID: "5", Status: "OK", ClosedAt: at(30)}, logs...)
	if err != nil || a.Trigger != "retire host" || !a.ChangedAt.Equal(at(30)) || a.StatusLabel() != "CLOSED" {
		t.Errorf("%v, %+v", err, a)
	}
}
