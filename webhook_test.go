package mackerel_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

func TestParseWebhookFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/webhook/*.json")
	if err != nil || len(files) != len(webhooks) {
		t.Fatalf("%d files, %d alerts to compare them with (%v)", len(files), len(webhooks), err)
	}
	for name, want := range webhooks {
		t.Run(name, func(t *testing.T) {
			body := webhookFile(t, name)
			got, err := mackerel.ParseWebhook(body)
			if err != nil {
				t.Fatal(err)
			}
			sameAlert(t, got, want)
			if string(got.Raw) != strings.TrimSpace(string(body)) {
				t.Errorf("Raw is not the body: %s", got.Raw)
			}
		})
	}
}

func TestParseWebhookKeepsItsOwnCopy(t *testing.T) {
	body := []byte(`{"event":"sample","message":"hello","extra":1}`)
	a, err := mackerel.ParseWebhook(body)
	if err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'x' // the caller reads its next request into the same buffer
	}
	if a.Message != "hello" || string(a.Raw) != `{"event":"sample","message":"hello","extra":1}` {
		t.Errorf("got %q and Raw %s", a.Message, a.Raw)
	}
}

func TestParseWebhookOfNoUse(t *testing.T) {
	tests := []struct {
		name, body string
		message    string // a part of it
	}{
		{"nothing at all", "", "the body is empty"},
		{"white space only", " \r\n\t", "the body is empty"},
		{"a byte order mark only", "\ufeff", "the body is empty"},
		{"a web form", "payload=%7B%22event%22%3A%22sample%22%7D", `not JSON, it begins with "payload=%7B%22event%22%3"`},
		{"a page", "<html>\n<body>", `not JSON, it begins with "<html>\n<body>"`},
		{"UTF-16", "\xff\xfe{\x00}\x00", "not JSON"},
		{"a NUL byte", "\x00", `not JSON, it begins with "\x00"`},
		{"an unfinished object", `{"event":"alert","alert":{"id":"5Al`, "broken JSON near byte 35: "},
		{"a comma too many", `{"event":"alert",}`, "broken JSON near byte 16: invalid character"},
		{"single quotes", `{'event':'alert'}`, `broken JSON near byte 1: invalid character '\''`},
		{"something behind the object", `{"event":"alert"}{}`, "broken JSON near byte 17: invalid character '{' after top-level value"},
		{"an array", `[{"event":"alert"}]`, "the body is an array where an object belongs"},
		{"a string", `"alert"`, "the body is a string where an object belongs"},
		{"a number", `-12`, "the body is a number where an object belongs"},
		{"a boolean", `true`, "the body is a boolean where an object belongs"},
		{"null", `null`, "the body is null where an object belongs"},
		{"an endless nest", strings.Repeat(`{"a":[`, 1<<20), "broken JSON near byte 30000: exceeded max depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := mackerel.ParseWebhook([]byte(tt.body))
			var e *mackerel.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Kind != mackerel.ErrInvalid || e.Provider != "mackerel" || e.Op != "parse webhook" {
				t.Errorf("got %#v", e)
			}
			if !strings.Contains(e.Message, tt.message) || len(e.Message) > 512 || strings.ContainsAny(e.Message, "\n\x00") {
				t.Errorf("got the message %q, want %q", e.Message, tt.message)
			}
			if !reflect.DeepEqual(a, mackerel.Alert{}) {
				t.Errorf("got an alert: %+v", a)
			}
		})
	}
}

func TestParseWebhookToleratesWhatSurroundsTheBody(t *testing.T) {
	const body = `{"event":"sample","message":"x"}`
	for _, text := range []string{body, "\ufeff" + body, " \r\n" + body + "\n", "\ufeff\n " + body + " "} {
		a, err := mackerel.ParseWebhook([]byte(text))
		if err != nil || a.Message != "x" || string(a.Raw) != body {
			t.Errorf("%q: got %q, Raw %q, %v", text, a.Message, a.Raw, err)
		}
	}
}

func TestParseWebhookAllowsDepth(t *testing.T) {
	body := `{"event":"sample","quoted":"` + strings.Repeat(`[{\"`, 200) + `","deep":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`
	if a, err := mackerel.ParseWebhook([]byte(body)); err != nil || a.Event != mackerel.EventSample {
		t.Errorf("got %+v, %v", a, err)
	}
}

// A wrong member costs itself and nothing else: the alert of the base is there except for it.
func TestParseWebhookNamesWhatIsOfTheWrongType(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		path    string // of the member to replace
		value   string // what stands there instead
		message string
		change  func(*mackerel.Alert) // what is missing from the alert then
	}{
		{
			"a value as a string", "alert-host", "alert.metricValue", `"96.5"`, "alert.metricValue: a string where a number belongs",
			func(a *mackerel.Alert) { a.Metric.Value = nil },
		},
		{
			"a value beyond any float", "alert-host", "alert.metricValue", `1e400`, "alert.metricValue: too large",
			func(a *mackerel.Alert) { a.Metric.Value = nil },
		},
		{
			"a threshold as a boolean", "alert-host", "alert.criticalThreshold", `true`, "alert.criticalThreshold: a boolean where a number belongs",
			func(a *mackerel.Alert) { a.Metric.Critical = nil },
		},
		{
			"a fraction of a minute", "alert-host", "alert.duration", `1.5`, "alert.duration: not a whole number, or too large",
			func(a *mackerel.Alert) { a.Metric.Duration = 0 },
		},
		{
			"more minutes than an int has", "alert-host", "alert.duration", `1e300`, "alert.duration: not a whole number, or too large",
			func(a *mackerel.Alert) { a.Metric.Duration = 0 },
		},
		{
			"a time as text", "alert-check", "alert.closedAt", `"2026-01-01T00:00:00Z"`, "alert.closedAt: a string where a number belongs",
			func(a *mackerel.Alert) { a.ClosedAt = time.Time{} },
		},
		{
			"milliseconds where seconds belong", "alert-host", "alert.statusChangedAt", `1767225660000`, "alert.statusChangedAt: a number far from any time",
			func(a *mackerel.Alert) { a.ChangedAt = time.Time{} },
		},
		{
			"a time before all times", "alert-host", "alert.statusChangedAt", `-1e300`, "alert.statusChangedAt: a number far from any time",
			func(a *mackerel.Alert) { a.ChangedAt = time.Time{} },
		},
		{
			"no usable opening, but a creation", "alert-host", "alert.openedAt", `{}`, "alert.openedAt: an object where a number belongs",
			func(a *mackerel.Alert) { a.OpenedAt = opened.Add(123 * time.Millisecond) },
		},
		{
			"a creation that is not needed", "alert-host", "alert.createdAt", `"x"`, "alert.createdAt: a string where a number belongs",
			func(*mackerel.Alert) {},
		},
		{
			"an ID as a number", "alert-host", "alert.id", `5`, "alert.id: a number where a string belongs",
			func(a *mackerel.Alert) { a.ID = "" },
		},
		{
			"a status as a boolean", "alert-host", "alert.status", `false`, "alert.status: a boolean where a string belongs",
			func(a *mackerel.Alert) { a.Status = "" },
		},
		{
			"an event as a number: told from the alert", "alert-host", "event", `1`, "event: a number where a string belongs",
			func(*mackerel.Alert) {},
		},
		{
			"a message as an array", "alert-host", "message", `["x"]`, "message: an array where a string belongs",
			func(a *mackerel.Alert) { a.Message = "" },
		},
		{
			"a host by name only", "alert-host", "host", `"app01"`, "host: a string where an object belongs",
			func(a *mackerel.Alert) { a.Host = nil },
		},
		{
			"a host's retirement as text", "alert-host", "host.isRetired", `"yes"`, "host.isRetired: a string where a boolean belongs",
			func(*mackerel.Alert) {},
		},
		{
			"roles as an object", "alert-host", "host.roles", `{}`, "host.roles: an object where an array belongs",
			func(a *mackerel.Alert) { a.Host = app01("working") },
		},
		{
			"a role as a string, and one with a wrong name", "alert-host", "host.roles", `["Shop: app",{"fullname":1,"roleName":"app"}]`,
			"host.roles[0]: a string where an object belongs; host.roles[1].fullname: a number where a string belongs",
			func(a *mackerel.Alert) { a.Host = app01("working", mackerel.Role{Name: "app"}) },
		},
		{
			"a null among the roles", "alert-host", "host.roles", `[null]`, "host.roles[0]: null where an object belongs",
			func(a *mackerel.Alert) { a.Host = app01("working") },
		},
		{
			"a user's name only", "host-retire", "user", `"hanako"`, "user: a string where an object belongs",
			func(a *mackerel.Alert) { a.User = nil },
		},
		{
			"a former status as a number", "host-status", "fromStatus", `0`, "fromStatus: a number where a string belongs",
			func(a *mackerel.Alert) { h := *a.Host; h.FromStatus = ""; a.Host = &h },
		},
		{
			"a service's roles as null, its name as a number", "alert-service", "service", `{"id":"4SvcId00001","name":7,"roles":null}`,
			"service.name: a number where a string belongs",
			func(a *mackerel.Alert) { a.Service = &mackerel.Service{ID: "4SvcId00001"} },
		},
		{
			"labels that are no strings", "alert-query", "metric.labels", `{"b":2,"a":"A","b\nc":[]}`,
			`metric.labels.b: a number where a string belongs; metric.labels["b\nc"]: an array where a string belongs`,
			func(a *mackerel.Alert) { a.Metric.Labels = map[string]string{"a": "A"} },
		},
		{
			"a group without its object", "alert-group", "alertGroup", `[]`, "alertGroup: an array where an object belongs",
			func(a *mackerel.Alert) {
				a.Status, a.URL, a.OpenedAt = "", "", time.Time{}
				a.Group = &mackerel.AlertGroup{
					SettingID: a.Group.SettingID, SettingURL: a.Group.SettingURL, Name: a.Group.Name, Memo: a.Group.Memo,
				}
			},
		},
		{
			"a group's creation in milliseconds", "alert-group", "alertGroup.createdAt", `1767225600000`,
			"alertGroup.createdAt: a number far from any time",
			func(a *mackerel.Alert) { a.OpenedAt = time.Time{} },
		},
		{
			"a monitor's memo as a number", "monitor-create-host", "monitor.memo", `7`, "monitor.memo: a number where a string belongs",
			func(a *mackerel.Alert) { a.Monitor.Memo = "" },
		},
		{
			"facts by hand gone wrong", "alert-facts", "facts", `[{"label":"Job","value":7},"x"]`,
			"facts[0].value: a number where a string belongs; facts[1]: a string where an object belongs",
			func(a *mackerel.Alert) { a.Facts = []mackerel.Fact{{Label: "Job"}} },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := webhooks[tt.file]
			if want.Metric != nil {
				metric := *want.Metric
				want.Metric = &metric
			}
			tt.change(&want)
			body := replaceMember(t, webhookFile(t, tt.file), strings.Split(tt.path, "."), tt.value)
			got, err := mackerel.ParseWebhook(body)
			var e *mackerel.Error
			if !errors.As(err, &e) || e.Message != tt.message || !errors.Is(err, mackerel.ErrInvalid) {
				t.Errorf("got the error %v, want %q", err, tt.message)
			}
			sameAlert(t, got, want)
			if string(got.Raw) != string(body) {
				t.Errorf("Raw is not the body: %s", got.Raw)
			}
		})
	}
}

// replaceMember puts the value in the place of the one at the path, which must be there.
func replaceMember(t *testing.T, body []byte, path []string, value string) []byte {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatal(err)
	}
	old, ok := object[path[0]]
	if !ok {
		t.Fatalf("no %s in %s", path[0], body)
	}
	object[path[0]] = json.RawMessage(value)
	if len(path) > 1 {
		object[path[0]] = replaceMember(t, old, path[1:], value)
	}
	b, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseWebhookListsWhatFits(t *testing.T) {
	body := `{"event":"alert","host":{"id":"h","roles":[` + strings.Repeat("1,", 9999) + `1]},"message":"still here"}`
	a, err := mackerel.ParseWebhook([]byte(body))
	var e *mackerel.Error
	if !errors.As(err, &e) || len(e.Message) > 512 {
		t.Fatalf("got %v", err)
	}
	if !strings.HasPrefix(e.Message, "host.roles[0]: a number where an object belongs; host.roles[1]: ") ||
		!strings.HasSuffix(e.Message, "; 9991 more of the wrong type") {
		t.Errorf("got %q", e.Message)
	}
	if a.Message != "still here" || a.Host == nil || a.Host.ID != "h" {
		t.Errorf("got %+v", a)
	}
}

func TestParseWebhookNamesAMemberOnce(t *testing.T) {
	_, err := mackerel.ParseWebhook([]byte(`{"fromStatus":7}`)) // which is read as a status, and to tell the event
	var e *mackerel.Error
	if !errors.As(err, &e) || e.Message != "fromStatus: a number where a string belongs" {
		t.Errorf("got %v", err)
	}
}

func TestParseWebhookReadsWhatIsMissingOrNullAsNothing(t *testing.T) {
	body := `{"event":"alert","orgName":null,"type":null,"message":null,"memo":null,"user":null,"imageUrl":null,"host":null,
		"service":null,"metric":null,"series":null,"facts":null,"fromStatus":null,"alertGroup":null,"alertGroupSetting":null,
		"alert":{"id":null,"url":null,"status":null,"openedAt":null,"closedAt":null,"createdAt":null,"statusChangedAt":null,
		"trigger":null,"reason":null,"monitorId":null,"monitorName":null,"metricLabel":null,"metricValue":null,
		"criticalThreshold":null,"warningThreshold":null,"monitorOperator":null,"duration":null,"isOpen":null}}`
	a, err := mackerel.ParseWebhook([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	sameAlert(t, a, mackerel.Alert{Event: mackerel.EventAlert})
}

func TestParseWebhookDetails(t *testing.T) {
	tests := []struct {
		name, body string
		want       mackerel.Alert
	}{
		{"an empty object", `{}`, mackerel.Alert{}},
		{"no event, but an alert", `{"alert":{"id":"5"}}`, mackerel.Alert{Event: mackerel.EventAlert, ID: "5"}},
		{
			"no event, but an alert group", `{"alertGroup":{"id":"5"}}`,
			mackerel.Alert{Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{ID: "5"}},
		},
		{
			"no event, but a former status", `{"host":{"name":"app01"},"fromStatus":"working"}`,
			mackerel.Alert{Event: mackerel.EventHostStatus, Host: &mackerel.Host{Name: "app01", FromStatus: "working"}},
		},
		{
			"no event and a host, which could be any of three", `{"host":{"name":"app01"}}`,
			mackerel.Alert{Host: &mackerel.Host{Name: "app01"}},
		},
		{
			"names in another case are other members", `{"Event":"alert","EVENT":"x","Message":"m","event":"sample"}`,
			mackerel.Alert{Event: mackerel.EventSample},
		},
		{
			"an escaped name is the same", `{"ev\u0065nt":"sample"}`, mackerel.Alert{Event: mackerel.EventSample},
		},
		{
			"of a member twice the last one counts", `{"event":"sample","message":"a","message":"b"}`,
			mackerel.Alert{Event: mackerel.EventSample, Message: "b"},
		},
		{
			"times of zero are none", `{"event":"alert","alert":{"openedAt":0,"closedAt":0,"createdAt":0.5,"statusChangedAt":-0.9}}`,
			mackerel.Alert{Event: mackerel.EventAlert},
		},
		{
			"times before 1970 and in other spellings", `{"event":"alert","alert":{"openedAt":-86400,"closedAt":1.7672259e9,"statusChangedAt":1767225600.75}}`,
			mackerel.Alert{Event: mackerel.EventAlert, OpenedAt: epoch(-86400), ClosedAt: closed, ChangedAt: opened},
		},
		{
			"a duration spelled as a float", `{"event":"alert","alert":{"duration":3.0}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Duration: 3}},
		},
		{
			"a status of tomorrow", `{"event":"alert","alert":{"status":"Paused"}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Status: "paused"},
		},
		{
			"a metric that is some other member", `{"event":"alert","metric":"cpu%","series":[1]}`,
			mackerel.Alert{Event: mackerel.EventAlert},
		},
		{
			"a metric and a series", `{"event":"alert","series":{"name":"s"},"metric":{"name":"m"}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Label: "m", Labels: map[string]string{}}},
		},
		{
			"a series without labels", `{"event":"alert","series":{"name":"n"}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Label: "n", Labels: map[string]string{}}},
		},
		{
			"an alert group that comes with an alert", `{"event":"alert","alert":{"status":"ok"},"alertGroup":{"id":"g","status":"CRITICAL"}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Status: mackerel.StatusOK, Group: &mackerel.AlertGroup{ID: "g"}},
		},
		{
			"an unknown event of an alert group", `{"event":"alertGroupNote","alertGroup":{"id":"g","status":"CRITICAL","createdAt":1767225600}}`,
			mackerel.Alert{
				Event: "alertGroupNote", Status: mackerel.StatusCritical, OpenedAt: opened, Group: &mackerel.AlertGroup{ID: "g"},
			},
		},
		{
			"an unknown event of a monitor", `{"event":"monitorMute","monitor":{"id":"m","name":"CPU"}}`,
			mackerel.Alert{Event: "monitorMute", Monitor: mackerel.Monitor{ID: "m", Name: "CPU"}},
		},
		{
			"bytes that are not UTF-8", "{\"event\":\"sample\",\"message\":\"a\xffb\"}",
			mackerel.Alert{Event: mackerel.EventSample, Message: "a\ufffdb"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mackerel.ParseWebhook([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			sameAlert(t, got, tt.want)
		})
	}
}
