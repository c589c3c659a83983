package mackerel_test

import (
	"encoding/json"
	"errors"
	"math"
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
		{"a broken array where a string belongs", `{"message":[1,}`, "broken JSON near byte 13: "},
		{"a broken array where a flag belongs", `{"alert":{"isOpen":[1,}}`, "broken JSON near byte 21: "},
		{"a broken string where a number belongs", `{"alert":{"metricValue":"9\x"}}`, "broken JSON near byte 26: "},
		{"a broken number", `{"alert":{"metricValue":9.}}`, "broken JSON near byte 26: "},
		{"a broken object where an array belongs", `{"facts":{"a":}}`, "broken JSON near byte 14: "},
		{"a broken element of an array", `{"facts":[{"label":"l"},"a\x"]}`, "broken JSON near byte 26: "},
		{"an array without an end", `{"facts":[{"label":"l"}}`, "broken JSON near byte 23: "},
		{"a broken array where labels belong", `{"metric":{"labels":[1,}}`, "broken JSON near byte 22: "},
		{"a broken name of a label", `{"metric":{"labels":{"a":"b",c}}}`, "broken JSON near byte 29: "},
		{"a broken label", `{"metric":{"labels":{"a":"\x"}}}`, "broken JSON near byte 26: "},
		{"labels without an end", `{"metric":{"labels":{"a":"b"]}}`, "broken JSON near byte 28: "},
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
			if errors.Is(err, mackerel.ErrOddMember) {
				t.Errorf("%v claims that there is an alert", err)
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

// A member of the wrong type is as good as absent, and is named.
func TestParseWebhookNamesWhatIsOfTheWrongType(t *testing.T) {
	for _, tt := range []struct{ file, path, value, right, message string }{
		{"alert-host", "alert.metricValue", `"96.5"`, "", "alert.metricValue: a string where a number belongs"},
		{"alert-host", "alert.metricValue", `1e400`, "", "alert.metricValue: too large"},
		{"alert-host", "alert.criticalThreshold", `true`, "", "alert.criticalThreshold: a boolean where a number belongs"},
		{"alert-host", "alert.duration", `1.5`, "", "alert.duration: not a whole number, or too large"},
		{"alert-host", "alert.duration", `1e300`, "", "alert.duration: not a whole number, or too large"},
		{"alert-check", "alert.closedAt", `"2026-01-01T00:00:00Z"`, "", "alert.closedAt: a string where a number belongs"},
		{"alert-host", "alert.statusChangedAt", `1767225660000`, "", "alert.statusChangedAt: a number far from any time"},
		{"alert-host", "alert.statusChangedAt", `-1e300`, "", "alert.statusChangedAt: a number far from any time"},
		{"alert-host", "alert.openedAt", `{}`, "", "alert.openedAt: an object where a number belongs"},
		{"alert-host", "alert.createdAt", `"x"`, "", "alert.createdAt: a string where a number belongs"},
		{"alert-host", "alert.isOpen", `1`, "", "alert.isOpen: a number where a boolean belongs"},
		{"alert-host", "alert.id", `5`, "", "alert.id: a number where a string belongs"},
		{"alert-host", "alert.status", `false`, "", "alert.status: a boolean where a string belongs"},
		{"alert-host", "event", `1`, "", "event: a number where a string belongs"},
		{"alert-host", "message", `["x"]`, "", "message: an array where a string belongs"},
		{"alert-host", "host", `"app01"`, "", "host: a string where an object belongs"},
		{"alert-host", "host.isRetired", `"yes"`, "", "host.isRetired: a string where a boolean belongs"},
		{"alert-host", "host.roles", `{}`, "", "host.roles: an object where an array belongs"},
		{
			"alert-host", "host.roles", `["Shop: app",{"fullname":1,"roleName":"app"}]`, `[{"roleName":"app"}]`,
			"host.roles[0]: a string where an object belongs; host.roles[1].fullname: a number where a string belongs",
		},
		{"alert-host", "host.roles", `[null]`, `[]`, "host.roles[0]: null where an object belongs"},
		{"host-retire", "user", `"hanako"`, "", "user: a string where an object belongs"},
		{"host-status", "fromStatus", `0`, "", "fromStatus: a number where a string belongs"},
		{
			"alert-service", "service", `{"id":"4SvcId00001","name":7,"roles":null}`, `{"id":"4SvcId00001"}`,
			"service.name: a number where a string belongs",
		},
		{
			"alert-query", "metric.labels", `{"b":2,"a":"A","\nc":[],"":3}`, `{"a":"A"}`,
			`metric.labels.b: a number where a string belongs; metric.labels["\nc"]: an array where a string belongs; ` +
				`metric.labels[""]: a number where a string belongs`,
		},
		{"alert-group", "alertGroup", `[]`, "", "alertGroup: an array where an object belongs"},
		{"alert-group", "alertGroup.createdAt", `1767225600000`, "", "alertGroup.createdAt: a number far from any time"},
		{"monitor-create-host", "monitor.memo", `7`, "", "monitor.memo: a number where a string belongs"},
		{
			"alert-facts", "facts", `[{"label":"Job","value":7},"x"]`, `[{"label":"Job"}]`,
			"facts[0].value: a number where a string belongs; facts[1]: a string where an object belongs",
		},
	} {
		t.Run(tt.path+" is "+tt.value, func(t *testing.T) {
			path, file := strings.Split(tt.path, "."), webhookFile(t, tt.file)
			want, err := mackerel.ParseWebhook(replaceMember(t, file, path, tt.right))
			if err != nil {
				t.Fatal(err)
			}
			body := replaceMember(t, file, path, tt.value)
			got, err := mackerel.ParseWebhook(body)
			var e *mackerel.Error
			if !errors.As(err, &e) || e.Message != tt.message || !errors.Is(err, mackerel.ErrInvalid) {
				t.Errorf("got the error %v, want %q", err, tt.message)
			}
			if !errors.Is(err, mackerel.ErrOddMember) {
				t.Errorf("%v does not tell that there is an alert", err)
			}
			sameAlert(t, got, want)
			if string(got.Raw) != string(body) {
				t.Errorf("Raw is not the body: %s", got.Raw)
			}
		})
	}
}

// replaceMember puts the value in the place of the member at the path, or removes that member.
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
	if object[path[0]] = json.RawMessage(value); value == "" {
		delete(object, path[0])
	}
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

// An error has room for 480 bytes of problems.
func TestParseWebhookListsWhatJustFits(t *testing.T) {
	const more = "1 more of the wrong type"
	first, second := "orgName: a number where a string belongs; ", ": a number where a string belongs"
	for _, c := range []struct {
		name, first string // the first problem
		beyond      int    // bytes beyond the room
	}{
		{"a single problem", "", 0}, {"a single problem", "", 1}, {"two problems", first, 0}, {"two problems", first, 1},
	} {
		label := strings.Repeat("k", 480-len(c.first)-len("metric.labels.")-len(second)+c.beyond)
		body := `{"metric":{"labels":{"` + label + `":1}}}`
		want := c.first + "metric.labels." + label + second
		if c.first != "" {
			body = `{"orgName":7,` + body[1:]
		}
		if c.beyond > 0 {
			want = c.first + more
		}
		_, err := mackerel.ParseWebhook([]byte(body))
		var e *mackerel.Error
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%s, with %d bytes too many: got %v", c.name, c.beyond, err)
		}
	}
}

func TestParseWebhookNamesAMemberOnce(t *testing.T) {
	_, err := mackerel.ParseWebhook([]byte(`{"message":7,"message":8}`))
	var e *mackerel.Error
	if !errors.As(err, &e) || e.Message != "message: a number where a string belongs" {
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
			"of a member twice the last one counts, also if it is null",
			`{"event":"sample","type":"t","type":null,"message":"a","message":null,"host":{"id":"h"},"host":null,"facts":[{"label":"l"}],"facts":null,` +
				`"metric":{"name":"m","labels":{"a":"b"},"labels":null},"alert":{"metricValue":1,"metricValue":null}}`,
			mackerel.Alert{Event: mackerel.EventSample, Metric: &mackerel.Metric{Label: "m", Labels: map[string]string{}}},
		},
		{
			"the first and the last time", `{"event":"alert","alert":{"openedAt":253402300799,"closedAt":-62135596800}}`,
			mackerel.Alert{Event: mackerel.EventAlert, OpenedAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		},
		{
			"the longest duration", `{"event":"alert","alert":{"duration":2147483647}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Duration: math.MaxInt32}},
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
			"a monitor object of an alert", `{"event":"alert","monitor":{"id":"m","name":"other"},"alert":{"monitorName":"CPU"}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Monitor: mackerel.Monitor{Name: "CPU"}},
		},
		{
			"a page of a host event that is not the host's", `{"event":"hostRetire","host":{"url":"https://x.test/host"},"alert":{"url":"https://x.test/a"}}`,
			mackerel.Alert{Event: mackerel.EventHostRetire, URL: "https://x.test/a", Host: &mackerel.Host{URL: "https://x.test/host"}},
		},
		{
			"a group of which only the setting is known", `{"event":"alertGroup","alertGroupSetting":{"name":"db"}}`,
			mackerel.Alert{Event: mackerel.EventAlertGroup, Group: &mackerel.AlertGroup{Name: "db"}},
		},
		{
			"a threshold of criticals alone", `{"event":"alert","alert":{"criticalThreshold":90}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Critical: float(90)}},
		},
		{
			"a threshold of warnings alone", `{"event":"alert","alert":{"warningThreshold":80}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Warning: float(80)}},
		},
		{
			"an operator alone", `{"event":"alert","alert":{"monitorOperator":">"}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Operator: ">"}},
		},
		{
			"the name of a metric alone", `{"event":"alert","alert":{"metricLabel":"cpu%"}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Label: "cpu%"}},
		},
		{
			"labels alone", `{"event":"alert","series":{"labels":{"a":"b"}}}`,
			mackerel.Alert{Event: mackerel.EventAlert, Metric: &mackerel.Metric{Labels: map[string]string{"a": "b"}}},
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
