package mackerel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

func TestAlertReceivedGoesOutAsItCame(t *testing.T) {
	for name := range webhooks {
		t.Run(name, func(t *testing.T) {
			body := webhookFile(t, name)
			a, err := mackerel.ParseWebhook(body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.MarshalJSON()
			if err != nil || string(got) != strings.TrimSpace(string(body)) {
				t.Errorf("got %s, %v", got, err)
			}
			compact, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, compact, body)
			clear(got)
			if string(a.Raw) != strings.TrimSpace(string(body)) {
				t.Errorf("writing into the result changed Raw to %q", a.Raw)
			}
		})
	}
}

// The forms of alerts made by hand are those that Mackerel sends: of every file, as far as this package knows its members.
func TestAlertMadeByHandHasTheFormOfItsEvent(t *testing.T) {
	for name, a := range webhooks {
		t.Run(name, func(t *testing.T) {
			got := marshalAlert(t, a)
			back, err := mackerel.ParseWebhook(got)
			if err != nil {
				t.Fatal(err)
			}
			if name == "alert-2014" {
				a.OpenedAt = a.OpenedAt.Truncate(time.Second) // Mackerel has both times today, and the second counts
			}
			sameAlert(t, back, a)
		})
	}
}

func TestAlertFormExamples(t *testing.T) {
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  string
	}{
		{
			"the least alert", mackerel.Alert{},
			`{"orgName":"","event":"alert","message":"","memo":"","user":null,"imageUrl":null,"alert":{"id":"","url":"",` +
				`"closedAt":null,"status":"unknown","isOpen":true,"trigger":"","monitorName":""}}`,
		},
		{
			"an agent's alert, now closed",
			mackerel.Alert{
				ID: "disk-7", Status: "OK", Monitor: mackerel.Monitor{Name: "disk"}, Message: "<5 GB & rising",
				Facts:    []mackerel.Fact{{Label: "Mount", Value: "/var", URL: "https://x.test/"}},
				OpenedAt: opened, ClosedAt: closed,
			},
			`{"orgName":"","event":"alert","message":"<5 GB & rising","memo":"","user":null,"imageUrl":null,"alert":{"id":"disk-7",` +
				`"url":"","openedAt":1767225600,"closedAt":1767225900,"createdAt":1767225600000,"status":"ok","isOpen":false,` +
				`"trigger":"","monitorName":"disk"},"facts":[{"label":"Mount","value":"/var","url":"https://x.test/"}]}`,
		},
		{
			"an alert of the API",
			mackerel.Alert{
				ID: "5", Status: "CRITICAL", Monitor: mackerel.Monitor{ID: "2", Type: "query"}, Reason: "done",
				Metric: &mackerel.Metric{Label: "n", Value: float(0), Labels: map[string]string{"b": "2", "a": "1"}},
			},
			`{"orgName":"","event":"alert","type":"query","message":"","memo":"","user":null,"imageUrl":null,` +
				`"metric":{"labels":{"a":"1","b":"2"},"name":"n"},"alert":{"id":"5","url":"","closedAt":null,"status":"critical",` +
				`"isOpen":true,"trigger":"","reason":"done","monitorId":"2","monitorName":"","metricLabel":"n","metricValue":0}}`,
		},
		{
			"numbers that JSON does not have are left out",
			mackerel.Alert{Event: mackerel.EventSample, Metric: &mackerel.Metric{
				Label: "x", Value: float(math.NaN()), Warning: float(math.Inf(1)), Critical: float(math.Inf(-1)),
			}},
			`{"event":"sample","message":"","imageUrl":null,"alert":{"metricLabel":"x"}}`,
		},
		{
			"a sample", mackerel.Alert{Event: mackerel.EventSample, Message: "Sample Notification from Mackerel"},
			`{"event":"sample","message":"Sample Notification from Mackerel","imageUrl":null}`,
		},
		{
			"an alert group", webhooks["alert-group-closed"],
			`{"orgName":"acme","event":"alertGroup","imageUrl":null,"alertGroup":{"id":"5GroupId001",` +
				`"url":"https://mackerel.io/orgs/acme/alert-groups/5GroupId001","status":"OK","createdAt":1767225600,` +
				`"closedAt":1767229200},"alertGroupSetting":{"id":"4GrpSetId01",` +
				`"url":"https://mackerel.io/orgs/acme/alert-group-settings/4GrpSetId01","name":"db","memo":""}}`,
		},
		{
			"an alert of a group, whose status is another",
			mackerel.Alert{ID: "5", Status: "WARNING", URL: "https://x.test/5", OpenedAt: opened, Group: &mackerel.AlertGroup{ID: "g"}},
			`{"orgName":"","event":"alert","message":"","memo":"","user":null,"imageUrl":null,"alert":{"id":"5",` +
				`"url":"https://x.test/5","openedAt":1767225600,"closedAt":null,"createdAt":1767225600000,"status":"warning",` +
				`"isOpen":true,"trigger":"","monitorName":""},"alertGroup":{"id":"g"},` +
				`"alertGroupSetting":{"id":"","url":"","name":"","memo":""}}`,
		},
		{
			"a host's status",
			mackerel.Alert{Event: mackerel.EventHostStatus, Host: &mackerel.Host{Name: "app01", Status: "standby", FromStatus: "working"}},
			`{"orgName":"","event":"hostStatus","user":null,"imageUrl":null,"fromStatus":"working","host":{"id":"","name":"app01",` +
				`"url":"","status":"standby","memo":"","isRetired":false,"roles":[]}}`,
		},
		{
			"a host's status that was not known before", mackerel.Alert{Event: mackerel.EventHostStatus, Host: &mackerel.Host{}},
			`{"orgName":"","event":"hostStatus","user":null,"imageUrl":null,"fromStatus":"","host":{"id":"","name":"","url":"",` +
				`"status":"","memo":"","isRetired":false,"roles":[]}}`,
		},
		{
			"a monitor", webhooks["monitor-delete-connectivity"],
			`{"orgName":"acme","event":"monitorDelete","user":{"id":"5UserId0001","screenName":"hanako"},"imageUrl":null,` +
				`"monitor":{"id":"2MonId00004","type":"connectivity","name":"connectivity","isMute":false,"memo":""}}`,
		},
		{
			"a Raw that is no JSON object does not count",
			mackerel.Alert{Event: mackerel.EventSample, Message: "x", Raw: json.RawMessage(`["garbage`)},
			`{"event":"sample","message":"x","imageUrl":null}`,
		},
		{
			"a Raw set by hand adds its members",
			mackerel.Alert{Event: mackerel.EventSample, Message: "x", Raw: json.RawMessage(`{"ours":{"team":7}}`)},
			`{"ours":{"team":7},"event":"sample","message":"x"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := marshalAlert(t, tt.alert); string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What a program changes in a received alert is changed in its JSON, and nothing else is.
func TestAlertChanged(t *testing.T) {
	const body = `{ "event":"alert", "new":{"a":[1,2.50,{"x":null}]}, "message":"m", "orgName":"acme", "imageUrl":null,
 "host":{"id":"h","x":1,"roles":[{"fullname":"S: a","y":true},{"fullname":"S: b","z":"\u003c"}],"name":"app01"},
 "alert":{"status":"CRITICAL","isOpen":true,"closedAt":null,"metricValue":1.0,"createdAt":1767225600123,"openedAt":1767225600,"odd":1e2,"id":"5"} }`
	tests := []struct {
		name     string
		change   func(*mackerel.Alert)
		old, now string // parts of the compact body
	}{
		{"nothing", func(*mackerel.Alert) {}, ``, ``},
		{"the same value", func(a *mackerel.Alert) { a.Metric = &mackerel.Metric{Value: float(1)} }, ``, ``},
		{"a text", func(a *mackerel.Alert) { a.Message = "n" }, `"message":"m"`, `"message":"n"`},
		{"a text cleared", func(a *mackerel.Alert) { a.Org = "" }, `"orgName":"acme"`, `"orgName":""`},
		{"a null filled", func(a *mackerel.Alert) { a.ImageURL = "u" }, `"imageUrl":null`, `"imageUrl":"u"`},
		{"a member within", func(a *mackerel.Alert) { a.ID = "6" }, `"id":"5"`, `"id":"6"`},
		{"a number", func(a *mackerel.Alert) { a.Metric = &mackerel.Metric{Value: float(2)} }, `"metricValue":1.0`, `"metricValue":2`},
		{"a number behind its pointer", func(a *mackerel.Alert) { *a.Metric.Value = 2 }, `"metricValue":1.0`, `"metricValue":2`},
		{
			"a role within the list", func(a *mackerel.Alert) { a.Host.Roles[1].FullName = "S: c" },
			`"fullname":"S: b"`, `"fullname":"S: c"`,
		},
		{"a number removed", func(a *mackerel.Alert) { a.Metric = nil }, `"metricValue":1.0,`, ``},
		{
			"a member that was not there", func(a *mackerel.Alert) { a.Reason = "r" },
			`"odd":1e2,"id":"5"`, `"odd":1e2,"id":"5","reason":"r"`,
		},
		{
			"an object that was not there", func(a *mackerel.Alert) { a.User = hanako },
			`"id":"5"}}`, `"id":"5"},"user":{"id":"5UserId0001","screenName":"hanako"}}`,
		},
		{
			"the status, and with it whether it is open", func(a *mackerel.Alert) { a.Status = mackerel.StatusOK },
			`"status":"CRITICAL","isOpen":true`, `"status":"ok","isOpen":false`,
		},
		{
			"the opening in both units", func(a *mackerel.Alert) { a.OpenedAt = closed },
			`"createdAt":1767225600123,"openedAt":1767225600`, `"createdAt":1767225900000,"openedAt":1767225900`,
		},
		{
			"one role of two", func(a *mackerel.Alert) { a.Host = hostWithRoles("S: a", "S: c") },
			`"fullname":"S: b"`, `"fullname":"S: c"`,
		},
		{
			"a third role", func(a *mackerel.Alert) { a.Host = hostWithRoles("S: a", "S: b", "S: c") },
			`[{"fullname":"S: a","y":true},{"fullname":"S: b","z":"<"}]`,
			`[` + roleJSON("S: a") + `,` + roleJSON("S: b") + `,` + roleJSON("S: c") + `]`,
		},
		{
			"the host removed", func(a *mackerel.Alert) { a.Host = nil },
			`"host":{"id":"h","x":1,"roles":[{"fullname":"S: a","y":true},{"fullname":"S: b","z":"<"}],"name":"app01"},`, ``,
		},
		{
			"facts added", func(a *mackerel.Alert) { a.Facts = []mackerel.Fact{{Label: "l", Value: "v"}} },
			`"id":"5"}}`, `"id":"5"},"facts":[{"label":"l","value":"v"}]}`,
		},
	}
	compact := strings.ReplaceAll(strings.Join(strings.Fields(body), ""), `\u003c`, "<")
	compact = strings.ReplaceAll(compact, `"S:`, `"S: `)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := mackerel.ParseWebhook([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			tt.change(&a)
			if tt.old != "" && !strings.Contains(compact, tt.old) {
				t.Fatalf("no %s in %s", tt.old, compact)
			}
			want := strings.Replace(compact, tt.old, tt.now, 1)
			got := marshalAlert(t, a)
			sameJSON(t, got, []byte(want))
			if order(t, got) != order(t, []byte(want)) {
				t.Errorf("got another order: %s\nwant %s", got, want)
			}
			if string(a.Raw) != body {
				t.Errorf("Raw was changed: %s", a.Raw)
			}
		})
	}
}

func hostWithRoles(names ...string) *mackerel.Host {
	h := &mackerel.Host{ID: "h", Name: "app01"}
	for _, name := range names {
		h.Roles = append(h.Roles, mackerel.Role{FullName: name})
	}
	return h
}

func roleJSON(name string) string {
	return `{"fullname":"` + name + `","serviceName":"","roleName":"","serviceUrl":"","roleUrl":""}`
}

// order is the sequence of all strings and brackets in a JSON text.
func order(t *testing.T, b []byte) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var tokens []string
	for d.More() || len(tokens) > 0 {
		token, err := d.Token()
		if err != nil {
			break
		}
		tokens = append(tokens, fmt.Sprint(token))
	}
	return strings.Join(tokens, " ")
}

func TestAlertChangedInOddBodies(t *testing.T) {
	tests := []struct {
		name, body string
		change     func(*mackerel.Alert)
		want       string
	}{
		{
			"doubled members", `{"event":"sample","message":"a","message":"b","imageUrl":"c","imageUrl":null,"fromStatus":"d","fromStatus":"e"}`,
			func(a *mackerel.Alert) { a.Message, a.Host = "changed", nil },
			`{"event":"sample","message":"a","message":"changed","imageUrl":"c","imageUrl":null}`,
		},
		{
			"a doubled object", `{"event":"sample","host":{"id":"1","x":1},"host":{"name":"a","y":2}}`,
			func(a *mackerel.Alert) { a.Host = &mackerel.Host{Name: "b"} },
			`{"event":"sample","host":{"id":"1","x":1},"host":{"name":"b","y":2}}`,
		},
		{
			"a role of the wrong type", `{"event":"alert","host":{"roles":["S: a",{"fullname":"S: b"}]}}`,
			func(a *mackerel.Alert) { a.Host = &mackerel.Host{Roles: []mackerel.Role{{FullName: "S: c"}}} },
			`{"event":"alert","host":{"roles":[` + roleJSON("S: c") + `]}}`,
		},
		{
			"members of the wrong type, unchanged", `{"event":"alert","host":"app01","alert":{"status":7,"id":5}}`,
			func(*mackerel.Alert) {}, `{"event":"alert","host":"app01","alert":{"status":7,"id":5}}`,
		},
		{
			"members of the wrong type", `{"event":"alert","host":"app01","alert":{"status":7,"id":5}}`,
			func(a *mackerel.Alert) { a.Status = mackerel.StatusWarning },
			`{"event":"alert","host":"app01","alert":{"status":"warning","id":5}}`,
		},
		{
			"an event in another spelling", `{"event":"\u0061lert","alert":{"id":"5"}}`,
			func(a *mackerel.Alert) { a.ID = "6" },
			`{"event":"\u0061lert","alert":{"id":"6"}}`,
		},
		{
			"unknown objects", `{"event":"downtimeStart","alert":{"monitorName":"CPU","x":1},"host":{"y":2}}`,
			func(a *mackerel.Alert) { a.ID = "5" },
			`{"event":"downtimeStart","alert":{"monitorName":"CPU","x":1,"id":"5"},"host":{"y":2}}`,
		},
		{
			"an empty list", `{"event":"sample","facts":[]}`,
			func(a *mackerel.Alert) { a.Facts = []mackerel.Fact{{Label: "l", Value: "v"}} },
			`{"event":"sample","facts":[{"label":"l","value":"v"}]}`,
		},
		{
			"a metric and a series", `{"event":"sample","series":{"name":"s"},"metric":{"name":"m","labels":{"a":"1"}}}`,
			func(a *mackerel.Alert) { a.Metric.Labels["a"] = "2" },
			`{"event":"sample","series":{"name":"s"},"metric":{"name":"m","labels":{"a":"2"}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := mackerel.ParseWebhook([]byte(tt.body))
			if err != nil && !errors.Is(err, mackerel.ErrInvalid) {
				t.Fatal(err)
			}
			tt.change(&a)
			if got := marshalAlert(t, a); string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The change makes no difference in JSON, which has U+FFFD in place of bytes that are not UTF-8.
func TestAlertChangedIntoTheSameJSONSharesNoMemory(t *testing.T) {
	const body = `{"event":"sample","message":"` + "\ufffd" + `"}`
	a, err := mackerel.ParseWebhook([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	a.Message = "\xff"
	got := marshalAlert(t, a)
	if string(got) != body {
		t.Errorf("got %s", got)
	}
	if clear(got); string(a.Raw) != body {
		t.Errorf("writing into the result changed Raw to %q", a.Raw)
	}
}

func TestAlertChangedKeepsTheEventThatWasTold(t *testing.T) {
	for body, want := range map[string]mackerel.Event{
		`{"alertGroup":{"id":"g"}}`:                     mackerel.EventAlertGroup,
		`{"fromStatus":"working","event":null}`:         mackerel.EventHostStatus,
		`{"fromStatus":"working","event":7,"alert":[]}`: mackerel.EventHostStatus,
		`{"message":"m"}`:                               mackerel.EventAlert, // nothing told it: this is what it means
	} {
		var a mackerel.Alert
		if err := json.Unmarshal([]byte(body), &a); err != nil && !errors.Is(err, mackerel.ErrInvalid) {
			t.Fatal(err)
		}
		a.Host, a.Reason = nil, "r" // puts an object alert into it
		back, err := mackerel.ParseWebhook(marshalAlert(t, a))
		if err != nil || back.Event != want || back.Reason != "r" {
			t.Errorf("%s: got %+v, %v", body, back, err)
		}
	}
}

func TestAlertQueryMetricStaysWhereItWas(t *testing.T) {
	for _, name := range []string{"alert-query", "alert-query-series"} {
		labelled, err := mackerel.ParseWebhook(webhookFile(t, name))
		if err != nil {
			t.Fatal(err)
		}
		labelled.Metric.Labels["service.name"] = "other"
		if b := marshalAlert(t, labelled); strings.Count(string(b), `"service.name":"other"`) != 1 || strings.Contains(string(b), `"checkout"`) {
			t.Errorf("%s: got %s", name, b)
		}
		a, err := mackerel.ParseWebhook(webhookFile(t, name))
		if err != nil {
			t.Fatal(err)
		}
		a.Metric = nil
		back, err := mackerel.ParseWebhook(marshalAlert(t, a))
		if err != nil || back.Metric != nil {
			t.Errorf("%s: got %+v, %v", name, back.Metric, err)
		}
	}
}

// Labels that a webhook did not have go where Mackerel's webhooks have them.
func TestAlertQueryMetricThatIsNew(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(`{"event":"alert","alert":{"id":"5"}}`))
	if err != nil {
		t.Fatal(err)
	}
	a.Metric = &mackerel.Metric{Label: "n", Labels: map[string]string{"a": "b"}}
	if b := marshalAlert(t, a); !strings.Contains(string(b), `"metric":{"labels":{"a":"b"},"name":"n"}`) || strings.Contains(string(b), "series") {
		t.Errorf("got %s", b)
	}
}

// A Raw that the caller has set takes the place of the body that was received.
func TestAlertWithAnotherRaw(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(`{"event":"alert","old":1,"alert":{"id":"5"}}`))
	if err != nil {
		t.Fatal(err)
	}
	a.Raw = []byte(`{"event":"alert","new":2,"alert":{"id":"6"}}`)
	if got, want := string(marshalAlert(t, a)), `{"event":"alert","new":2,"alert":{"id":"5"}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAlertUnmarshalJSON(t *testing.T) {
	t.Run("a queue of alerts", func(t *testing.T) {
		type job struct {
			Try    int               `json:"try"`
			Alert  mackerel.Alert    `json:"alert"`
			Others []*mackerel.Alert `json:"others"`
		}
		other := webhooks["host-status"]
		b, err := json.Marshal(job{Try: 2, Alert: webhooks["alert-japanese"], Others: []*mackerel.Alert{&other, nil}})
		if err != nil {
			t.Fatal(err)
		}
		var back job
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		sameAlert(t, back.Alert, webhooks["alert-japanese"])
		sameAlert(t, *back.Others[0], other)
		if back.Others[1] != nil || back.Try != 2 {
			t.Errorf("got %+v", back)
		}
	})
	t.Run("a wrong member is an error, and the rest is filled", func(t *testing.T) {
		var a mackerel.Alert
		err := json.Unmarshal([]byte(`{"event":"sample","message":"m","imageUrl":7}`), &a)
		if !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "imageUrl: a number where a string belongs") {
			t.Errorf("got %v", err)
		}
		sameAlert(t, a, mackerel.Alert{Event: mackerel.EventSample, Message: "m"})
	})
	t.Run("what is no object changes nothing", func(t *testing.T) {
		a := mackerel.Alert{ID: "before"}
		if err := json.Unmarshal([]byte(`[]`), &a); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		if err := json.Unmarshal([]byte(`null`), &a); err != nil {
			t.Errorf("null: %v", err)
		}
		sameAlert(t, a, mackerel.Alert{ID: "before"})
	})
	t.Run("what was there before is gone", func(t *testing.T) {
		a := webhooks["alert-host"]
		if err := json.Unmarshal([]byte(`{"event":"sample","message":"m"}`), &a); err != nil {
			t.Fatal(err)
		}
		sameAlert(t, a, mackerel.Alert{Event: mackerel.EventSample, Message: "m"})
	})
}
