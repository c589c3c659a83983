package mackerel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

// collect returns what a list has before its error.
func collect[T any](list iter.Seq2[T, error]) (all []T, err error) {
	for element, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, element)
	}
	return all, nil
}

func idsOf(alerts []mackerel.APIAlert) string {
	var ids []string
	for _, a := range alerts {
		ids = append(ids, a.ID)
	}
	return strings.Join(ids, " ")
}

// answer is an injected page of a list of alerts.
func answer(next string, ids ...string) fakehttp.Fault {
	var alerts []string
	for _, id := range ids {
		alerts = append(alerts, fmt.Sprintf(`{"id":%q,"status":"CRITICAL","openedAt":1}`, id))
	}
	body := `{"alerts":[` + strings.Join(alerts, ",") + `]`
	if next != "" {
		body += `,"nextId":"` + next + `"`
	}
	return fakehttp.Fault{Status: 200, Body: body + "}"}
}

func TestListAlertsReadsPageAfterPage(t *testing.T) {
	s, c := newFake(t)
	for i := range 7 {
		s.AddAlert(fmt.Sprintf(`{"id":"5-%d","openedAt":%d}`, i, 100-i))
	}
	s.AddAlert(`{"id":"5closed","status":"OK","openedAt":200,"closedAt":201}`)
	open, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{Limit: 3}))
	if got := idsOf(open); err != nil || got != "5-0 5-1 5-2 5-3 5-4 5-5 5-6" || len(s.Requests()) != 3 {
		t.Errorf("%s, %v, %d requests", got, err, len(s.Requests()))
	}
	list := c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{Limit: 3, WithClosed: true})
	for range 2 { // a list may be read twice
		if all, err := collect(list); err != nil || len(all) != 8 || all[0].ID != "5closed" || !all[0].Closed() || all[1].Closed() {
			t.Errorf("%+v, %v", all, err)
		}
	}
	before := len(s.Requests())
	for _, err := range c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{Limit: 3}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if n := len(s.Requests()) - before; n != 1 {
		t.Errorf("a loop that ends at the first alert made %d requests", n)
	}
	if query := s.Requests()[before].Query; query != "limit=3" {
		t.Errorf("asked for %s", query)
	}
}

func TestOddPages(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pages []fakehttp.Fault
		want  string
	}{
		{"no alerts", []fakehttp.Fault{answer("")}, ""},
		{"the next id is that of an alert that came already", []fakehttp.Fault{answer("b", "a", "b"), answer("", "b", "c")}, "a b c"},
		{"the next id repeats", []fakehttp.Fault{answer("b", "a"), answer("b", "b", "c")}, "a b c"},
		{"two next ids take turns", []fakehttp.Fault{answer("b", "a"), answer("c", "b"), answer("b", "c")}, "a b c"},
		{"an empty page with more after it", []fakehttp.Fault{answer("b", "a"), answer("c"), answer("", "c")}, "a c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newFake(t)
			s.Inject(tt.pages...)
			all, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{}))
			if got := idsOf(all); err != nil || got != tt.want || len(s.Requests()) != len(tt.pages) {
				t.Errorf("%q, %v, %d requests; want %q", got, err, len(s.Requests()), tt.want)
			}
		})
	}
}

// An alert whose JSON is not as documented does not hide the alerts around it.
func TestOddMembersOfAlerts(t *testing.T) {
	s, c := newFake(t)
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"alerts":[{"id":"a","status":"CRITICAL","openedAt":5},
		{"id":"b","status":7,"monitorId":{},"series":[],"value":"high","memo":1,"openedAt":"now"},
		{"id":"c","series":{"name":3,"labels":{"x":1,"y":"z"}},"value":2}]}`})
	all, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{}))
	if err != nil || idsOf(all) != "a b c" || all[0].OpenedAt.Unix() != 5 {
		t.Fatalf("%v, %v", all, err)
	}
	if b := all[1]; b.Status != "" || b.Series != nil || b.Value != nil || b.Memo != "" || !b.OpenedAt.IsZero() {
		t.Errorf("got %+v", b)
	}
	if series := all[2].Series; series.Name != "" || len(series.Labels) != 1 || series.Labels["y"] != "z" || *all[2].Value != 2 {
		t.Errorf("got %+v", series)
	}
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"logs":[{"id":"a","status":[],"trigger":null,"targetValue":"x","createdAt":"y"}]}`})
	for l, err := range c.AlertLogs(t.Context(), "a") {
		if err != nil || l.ID != "a" || l.Status != "" || l.TargetValue != nil || !l.CreatedAt.IsZero() {
			t.Errorf("%+v, %v", l, err)
		}
	}
}

func TestTimesOfAlerts(t *testing.T) {
	for _, tt := range []struct {
		name, seconds string
		want          time.Time
	}{
		{"none", `null`, time.Time{}},
		{"0 is no time", `0`, time.Time{}},
		{"before 1970", `-1`, time.Time{}},
		{"the first", `1`, time.Unix(1, 0)},
		{"the last of the year 9999", `253402300799`, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{"the year 10000", `253402300800`, time.Time{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var a mackerel.APIAlert
			if err := json.Unmarshal([]byte(`{"id":"a","openedAt":`+tt.seconds+`}`), &a); err != nil || !a.OpenedAt.Equal(tt.want) {
				t.Errorf("got %v, %v; want %v", a.OpenedAt, err, tt.want)
			}
		})
	}
}

func TestClosedAlerts(t *testing.T) {
	for want, alerts := range map[bool][]mackerel.APIAlert{
		false: {{}, {Status: "CRITICAL"}},
		true:  {{Status: "OK"}, {Status: "ok"}, {Status: "CRITICAL", ClosedAt: time.Unix(1, 0)}},
	} {
		for _, a := range alerts {
			if a.Closed() != want {
				t.Errorf("Closed is not %v: %+v", want, a)
			}
		}
	}
}

func TestWhatIsNoObjectIsNoAlert(t *testing.T) {
	for _, text := range []string{`"a"`, `[]`, `1`} {
		a, l := mackerel.APIAlert{ID: "5A"}, mackerel.AlertLog{ID: "6L"}
		if err := json.Unmarshal([]byte(text), &a); err == nil || a.ID != "5A" {
			t.Errorf("%s is the alert %+v, %v", text, a, err)
		}
		if err := json.Unmarshal([]byte(text), &l); err == nil || l.ID != "6L" {
			t.Errorf("%s is the log %+v, %v", text, l, err)
		}
	}
}

func TestAnErrorEndsTheList(t *testing.T) {
	s, c := newFake(t)
	s.Inject(answer("b", "a"), answer("c", "b"), fakehttp.Fault{Status: 403, Body: `{"error":{"message":"no"}}`})
	all, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{}))
	if !isRefusal(err, 403, mackerel.ErrUnauthorized) || idsOf(all) != "a b" {
		t.Errorf("%v, %v", all, err)
	}
	for _, body := range []string{`{}`, `{"alerts":null}`, `[]`, `{"alerts":{}}`} {
		s.Inject(fakehttp.Fault{Status: 200, Body: body})
		if all, err := collect(oneAttempt(t, s).ListAlerts(t.Context(), mackerel.ListAlertsOptions{})); !errors.Is(err, mackerel.ErrUnavailable) || all != nil {
			t.Errorf("%s: %v, %v", body, all, err)
		}
	}
	if _, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{Limit: 100})); err != nil {
		t.Errorf("a limit of 100: %v", err)
	}
	for _, limit := range []int{-1, 101} {
		n := len(s.Requests())
		_, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{Limit: limit}))
		if !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "Limit: must be 1 to 100") || len(s.Requests()) != n {
			t.Errorf("a limit of %d: %v", limit, err)
		}
	}
}

func TestAContextThatEndsBetweenPages(t *testing.T) {
	s, c := newFake(t)
	s.Inject(answer("b", "a"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for _, err := range c.ListAlerts(ctx, mackerel.ListAlertsOptions{}) {
		if seen++; seen == 1 {
			cancel()
		} else if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if seen != 2 || len(s.Requests()) != 1 {
		t.Errorf("%d alerts and errors, %d requests", seen, len(s.Requests()))
	}
}

// The bodies are those of the documentation and of other clients' tests.
func TestFormsOfAlerts(t *testing.T) {
	s, c := newFake(t)
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"alerts":[
		{"id":"2wpLU5fBXbG","status":"CRITICAL","monitorId":"2cYjfibBkaj","type":"connectivity","openedAt":1445399342,"hostId":"2vJ965ygiXf"},
		{"id":"2ust8jNxFH3","status":"OK","monitorId":"2cYjfibBkaj","type":"host","reason":"hoge","openedAt":1441939801,"closedAt":1441940101,"hostId":"2tFrtykgMib"},
		{"id":"3","status":"WARNING","monitorId":null,"type":"query","series":{"name":"s","labels":{"k":"v"}},"value":2.5,"memo":"","openedAt":1,"closedAt":null,"newer":{}},
		{"id":"4","status":"UNKNOWN","type":"external","message":"200","value":0,"reason":null,"openedAt":1.5}]}`})
	all, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{WithClosed: true}))
	if err != nil || len(all) != 4 {
		t.Fatal(all, err)
	}
	if a := all[0]; a.Closed() || a.HostID != "2vJ965ygiXf" || !a.OpenedAt.Equal(time.Unix(1445399342, 0)) || a.Value != nil {
		t.Errorf("%+v", a)
	}
	if a := all[1]; !a.Closed() || a.Reason != "hoge" || !a.ClosedAt.Equal(time.Unix(1441940101, 0)) {
		t.Errorf("%+v", a)
	}
	if a := all[2]; a.Closed() || a.MonitorID != "" || a.Series == nil || a.Series.Labels["k"] != "v" || *a.Value != 2.5 {
		t.Errorf("%+v", a)
	}
	if a := all[3]; a.Message != "200" || a.Value == nil || *a.Value != 0 || !a.OpenedAt.Equal(time.UnixMilli(1500)) {
		t.Errorf("%+v", a)
	}
	written, err := json.Marshal(all[1])
	if err != nil || string(written) != `{"id":"2ust8jNxFH3","status":"OK","monitorId":"2cYjfibBkaj","type":"host","hostId":"2tFrtykgMib","reason":"hoge","openedAt":1441939801,"closedAt":1441940101}` {
		t.Errorf("%s, %v", written, err)
	}
}

func TestOneAlert(t *testing.T) {
	s, c := newFake(t)
	id := s.AddAlert(`{"monitorId":"2M","status":"WARNING","value":7}`)
	if a, err := c.GetAlert(t.Context(), id); err != nil || a.ID != id || a.Status != "WARNING" || a.Closed() {
		t.Errorf("%+v, %v", a, err)
	}
	for _, memo := range []string{"look at the disk", ""} {
		if err := c.UpdateAlertMemo(t.Context(), id, memo); err != nil {
			t.Error(err)
		}
		if a, err := c.GetAlert(t.Context(), id); err != nil || a.Memo != memo {
			t.Errorf("the memo is %q, %v", a.Memo, err)
		}
	}
	closed, err := c.CloseAlert(t.Context(), id, "")
	if err != nil || !closed.Closed() || closed.Status != "OK" {
		t.Errorf("%+v, %v", closed, err)
	}
	logs, err := collect(c.AlertLogs(t.Context(), id))
	if err != nil || len(logs) != 2 || logs[0].Trigger != "manual" || logs[0].Status != "OK" || logs[1].Status != "WARNING" || *logs[1].TargetValue != 7 || logs[1].MonitorID != "2M" {
		t.Errorf("%+v, %v", logs, err)
	}
}

func TestAlertLogs(t *testing.T) {
	s, c := newFake(t)
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"logs":[
		{"id":"6b","status":"OK","trigger":"monitorDelete","monitorId":null,"targetValue":null,"statusDetail":null,"createdAt":20}],"nextId":"6a"}`},
		fakehttp.Fault{Status: 200, Body: `{"logs":[
		{"id":"6a","status":"CRITICAL","trigger":"monitoring","monitorId":"2M","targetValue":0.5,"statusDetail":{"type":"check","detail":{"message":"DISK","memo":"runbook"}},"createdAt":10}]}`})
	logs, err := collect(c.AlertLogs(t.Context(), "5A"))
	if err != nil || len(logs) != 2 {
		t.Fatal(logs, err)
	}
	if l := logs[0]; l.MonitorID != "" || l.TargetValue != nil || l.Message != "" || !l.CreatedAt.Equal(time.Unix(20, 0)) {
		t.Errorf("%+v", l)
	}
	if l := logs[1]; l.Message != "DISK" || l.Memo != "runbook" || *l.TargetValue != 0.5 {
		t.Errorf("%+v", l)
	}
	if r := s.Requests()[1]; r.Query != "limit=100&nextId=6a" || r.Path != "/api/v0/alerts/5A/logs" {
		t.Errorf("asked for %s?%s", r.Path, r.Query)
	}
}

func TestRefusalsOfAlerts(t *testing.T) {
	s, c := newFake(t)
	id := s.AddAlert(`{}`)
	reader := newClient(t, s, mackereltest.ReadOnlyAPIKey)
	_, closeErr := reader.CloseAlert(t.Context(), id, "x")
	for _, err := range []error{closeErr, reader.UpdateAlertMemo(t.Context(), id, "x")} {
		if !isRefusal(err, 403, mackerel.ErrUnauthorized) {
			t.Errorf("a key that only reads: %v", err)
		}
	}
	_, getErr := c.GetAlert(t.Context(), "none")
	_, closeErr = c.CloseAlert(t.Context(), "none", "x")
	_, logsErr := collect(c.AlertLogs(t.Context(), "none"))
	for _, err := range []error{getErr, closeErr, logsErr, c.UpdateAlertMemo(t.Context(), "none", "x")} {
		if !isRefusal(err, 404, mackerel.ErrNotFound) {
			t.Errorf("an unknown alert: %v", err)
		}
	}
	s.Inject(fakehttp.Fault{Status: http.StatusRequestEntityTooLarge, Body: `{"error":"too large"}`})
	if err := c.UpdateAlertMemo(t.Context(), id, "x"); !isRefusal(err, 413, mackerel.ErrInvalid) {
		t.Errorf("413: %v", err)
	}
}

func TestTheLongestMemo(t *testing.T) {
	s, c := newFake(t)
	id := s.AddAlert(`{}`)
	longest := strings.Repeat("é", 40<<10)
	if err := c.UpdateAlertMemo(t.Context(), id, longest); err != nil {
		t.Fatal(err)
	}
	n := len(s.Requests())
	err := c.UpdateAlertMemo(t.Context(), id, longest+"x")
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrInvalid) || e.Message != "Memo: 81921 bytes, and at most 81920 are allowed" || len(s.Requests()) != n {
		t.Errorf("%v; %d requests", err, len(s.Requests())-n)
	}
}

// A page of a hundred alerts with the longest memos is read, also if each byte of a memo is six bytes of JSON.
func TestAPageOfLongMemos(t *testing.T) {
	s, c := newFake(t)
	memo, err := json.Marshal(strings.Repeat("\x01", 80<<10))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		s.AddAlert(`{"memo":` + string(memo) + `}`)
	}
	all, err := collect(c.ListAlerts(t.Context(), mackerel.ListAlertsOptions{}))
	if err != nil || len(all) != 100 || len(all[99].Memo) != 80<<10 {
		t.Errorf("%d alerts, %v", len(all), err)
	}
}

// A monitor may be muted while the program runs.
func TestDescribeSeesThatAMonitorIsMuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{Pace: mackerel.Unpaced})
		id := s.AddMonitor(`{"id":"2M","type":"host","name":"CPU %","isMute":true}`)
		d := mackerel.NewDescriber(c)
		describe := func() mackerel.Alert {
			a, err := d.Describe(t.Context(), mackerel.APIAlert{ID: "5A", Status: "CRITICAL", MonitorID: id, Type: "host"})
			if err != nil {
				t.Error(err)
			}
			return a
		}
		if !describe().Monitor.Muted {
			t.Error("it is not muted")
		}
		time.Sleep(time.Minute)
		s.Inject(fakehttp.Fault{Path: "/api/v0/monitors", Status: 200, Body: `{"monitors":[{"id":"2M","type":"host","name":"CPU %"}]}`})
		if describe().Monitor.Muted {
			t.Error("it is still muted after a minute")
		}
		time.Sleep(time.Minute)
		s.Inject(fakehttp.Fault{Path: "/api/v0/monitors", Status: 200, Body: `{"monitors":[]}`})
		if a := describe(); a.Monitor.Name != "CPU %" {
			t.Errorf("the name of a deleted monitor is %q", a.Monitor.Name)
		}
		time.Sleep(time.Minute)
		s.Inject(fakehttp.Fault{Path: "/api/v0/monitors", Status: 403})
		before := len(s.Requests())
		if a := describe(); a.Monitor.Name != "CPU %" || describe().Monitor.Name != "CPU %" {
			t.Errorf("the name is %q when monitors cannot be read", a.Monitor.Name)
		}
		if n := paths(s.RequestsSince(before)); len(n) != 1 {
			t.Errorf("requests: %v", n)
		}
	})
}

func paths(requests []fakehttp.Request) (all []string) {
	for _, r := range requests {
		all = append(all, r.Path)
	}
	return all
}
