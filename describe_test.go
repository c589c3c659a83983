package mackerel_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
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
	const app01 = `{"id":"4HostId0001","name":"app01","status":"working","memo":"","isRetired":false,"roles":{"Shop":["app"]}}`
	for _, tt := range []struct {
		webhook, monitor, check, host, alert string
		closed                               string // the trigger of the log
	}{
		{
			"alert-host", `{"id":"2M","type":"host","name":"CPU %","memo":"runbook 7","metric":"cpu%","operator":">","warning":80,"critical":90,"duration":3}`, "", app01,
			`{"id":"5AlertId001","monitorId":"2M","type":"host","hostId":"4HostId0001","status":"CRITICAL","value":96.5,"openedAt":1767225600}`, "",
		},
		{
			"alert-service", `{"id":"2M","type":"service","name":"Shop - orders","service":"Shop","metric":"orders","operator":"<","warning":1,"duration":1}`, "", "",
			`{"id":"5AlertId002","monitorId":"2M","type":"service","status":"WARNING","value":0,"openedAt":1767225600}`, "",
		},
		{
			"alert-external", `{"id":"2M","type":"external","name":"top page","url":"https://x.test/"}`, "", "",
			`{"id":"5AlertId003","monitorId":"2M","type":"external","status":"CRITICAL","message":"503","openedAt":1767225600}`, "",
		},
		{
			"alert-check", "", `{"id":"2C","name":"log"}`, `{"id":"4HostId0001","name":"app01","status":"working","roles":{}}`,
			`{"id":"5AlertId004","monitorId":"2C","type":"check","hostId":"4HostId0001","status":"OK","message":"LOG OK: 0 warnings","openedAt":1767225600,"closedAt":1767225900}`, "",
		},
		{
			"alert-expression-closed-by-hand", `{"id":"2M","type":"expression","name":"load","expression":"scale(host(4HostId0001, loadavg1), 1)","operator":">","warning":0,"critical":1,"duration":1}`, "", "",
			`{"id":"5AlertId005","monitorId":"2M","type":"expression","status":"OK","message":"load 0.02","openedAt":1767225600,"closedAt":1767225900}`, "manual",
		},
	} {
		t.Run(tt.webhook, func(t *testing.T) {
			s, c := newFake(t)
			s.SetOrganization("acme")
			if tt.monitor != "" {
				s.AddMonitor(tt.monitor)
			}
			if tt.check != "" {
				s.AddCheck(tt.check)
			}
			if tt.host != "" {
				s.AddHost(tt.host)
			}
			s.AddAlert(tt.alert)
			var logs []mackerel.AlertLog
			if tt.closed != "" {
				logs = []mackerel.AlertLog{{Status: "OK", Trigger: tt.closed}}
			}
			got, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c), logs...)
			if err != nil {
				t.Fatal(err)
			}
			want := webhooks[tt.webhook]
			if got.Title() != want.Title() || got.Message != want.Message && tt.webhook != "alert-service" || got.Key() != want.Key() || got.Org != want.Org || got.URL != want.URL {
				t.Errorf("%+v\nwant %+v", got, want)
			}
			if got.Closed() != want.Closed() || !got.OpenedAt.Equal(want.OpenedAt) || !got.ClosedAt.Equal(want.ClosedAt) || got.Trigger != want.Trigger {
				t.Errorf("%+v\nwant %+v", got, want)
			}
			if (got.Metric == nil) != (want.Metric == nil) {
				t.Fatalf("the metric is %+v, want %+v", got.Metric, want.Metric)
			}
			if m, w := got.Metric, want.Metric; m != nil && (m.Label != w.Label || m.Operator != w.Operator || m.Duration != w.Duration || same(m.Value, w.Value) || same(m.Critical, w.Critical)) {
				t.Errorf("the metric is %+v, want %+v", m, w)
			}
			if want.Host != nil && (got.Host.Name != want.Host.Name || len(got.Host.Roles) != len(want.Host.Roles) || got.Host.URL != want.Host.URL) {
				t.Errorf("the host is %+v, want %+v", got.Host, want.Host)
			}
		})
	}
}

// same reports whether two numbers differ.
func same(x, y *float64) bool { return (x == nil) != (y == nil) || x != nil && *x != *y }

func TestDescribeFillsLabels(t *testing.T) {
	s, c := newFake(t)
	s.AddMonitor(`{"id":"2M","type":"query","name":"errors of {{ service.name }} {{none}}","operator":">","critical":10}`)
	s.AddAlert(`{"monitorId":"2M","type":"query","value":12,"series":{"name":"errors","labels":{"service.name":"checkout"}}}`)
	a, err := mackerel.NewDescriber(c).Describe(t.Context(), one(t, c))
	if err != nil || a.Monitor.Name != "errors of checkout {{none}}" || a.Metric.Label != "errors" || a.Message != "errors of checkout {{none}} 12 > 10" {
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
	alert := one(t, c)
	s.Inject(fakehttp.Fault{Status: http.StatusForbidden, Times: -1})
	a, err = mackerel.NewDescriber(c).Describe(t.Context(), alert)
	if !errors.Is(err, mackerel.ErrUnauthorized) || a.ID != "5A" || a.Host.ID != "4gone" || a.Status != mackerel.StatusCritical {
		t.Errorf("%v, %+v", err, a)
	}
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
