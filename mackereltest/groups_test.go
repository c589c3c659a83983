package mackereltest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

const (
	groups = "/api/v0/notification-groups"
	alerts = "/api/v0/alerts"
)

func refusal(message string) string { return `{"error":{"message":"` + message + `"}}` }

func TestRefusalsOfGroupsAndAlerts(t *testing.T) {
	s := newServer(t)
	g := s.AddNotificationGroup(`{"name":"g"}`)
	a := s.AddAlert(`{}`)
	const body = `{"name":"n","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":[]}`
	renamed := strings.Replace(body, `"n"`, `"Everybody"`, 1)
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		answer                   string
	}{
		{"a group without a name", "POST", groups, `{"notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":[]}`, 400, "name is required"},
		{"a group with an empty name", "PUT", groups + "/" + g, strings.Replace(body, `"n"`, `""`, 1), 400, "name is required"},
		{"a group without a level", "POST", groups, strings.Replace(body, `"notificationLevel":"all",`, "", 1), 400, "notificationLevel is required"},
		{"a group with an unknown level", "POST", groups, strings.Replace(body, `"all"`, `"loud"`, 1), 400, "notificationLevel must be all or critical"},
		{"a group without child groups", "POST", groups, strings.Replace(body, `"childNotificationGroupIds":[],`, "", 1), 400, "childNotificationGroupIds is required"},
		{"a group without child channels", "POST", groups, strings.Replace(body, `,"childChannelIds":[]`, "", 1), 400, "childChannelIds is required"},
		{"children that are no list", "POST", groups, strings.Replace(body, `"childChannelIds":[]`, `"childChannelIds":"4C"`, 1), 400, ""},
		{"no JSON", "POST", groups, `{`, 400, "the body is not JSON in UTF-8"},
		{"an unknown group is updated", "PUT", groups + "/none", body, 404, "Notification Group Not Found."},
		{"an unknown group is deleted", "DELETE", groups + "/none", "", 404, "Notification Group Not Found."},
		{"the default group is renamed", "PUT", groups + "/3DefaultGrp", renamed, 400, "The name of the default notification group cannot be changed."},
		{"the default group is deleted", "DELETE", groups + "/3DefaultGrp", "", 400, "The default notification group cannot be deleted."},
		{"one group cannot be read", "GET", groups + "/" + g, "", 404, "Not found."},
		{"an unknown alert", "GET", alerts + "/none", "", 404, "Alert Not Found."},
		{"the log of an unknown alert", "GET", alerts + "/none/logs", "", 404, "Alert Not Found."},
		{"an unknown alert is closed", "POST", alerts + "/none/close", `{"reason":""}`, 404, "Alert Not Found."},
		{"the memo of an unknown alert", "PUT", alerts + "/none", `{"memo":""}`, 404, "Alert Not Found."},
		{"a close without a reason", "POST", alerts + "/" + a + "/close", `{}`, 400, "reason is required"},
		{"no memo", "PUT", alerts + "/" + a, `{}`, 400, "memo is required"},
		{"a memo of more than 80 KB", "PUT", alerts + "/" + a, `{"memo":"` + strings.Repeat("m", 80<<10+1) + `"}`, 413, "The memo is too large."},
		{"a limit above 100", "GET", alerts + "?limit=101", "", 400, "limit must be 1 to 100"},
		{"a limit above 100 for a log", "GET", alerts + "/" + a + "/logs?limit=101", "", 400, "limit must be 1 to 100"},
		{"an unknown monitor", "GET", "/api/v0/monitors/none", "", 404, "Monitor Not Found."},
		{"an unknown check monitor", "GET", "/api/v0/monitoring/checks/none", "", 404, "Check Not Found."},
		{"an unknown host", "GET", "/api/v0/hosts/none", "", 404, "Host Not Found."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := call(t, s, tt.method, tt.path, tt.body)
			if status != tt.status || tt.answer != "" && answer != refusal(tt.answer) {
				t.Errorf("got %d %s, want %d %s", status, answer, tt.status, refusal(tt.answer))
			}
		})
	}
	for _, change := range [][2]string{
		{"POST", groups}, {"PUT", groups + "/" + g}, {"DELETE", groups + "/" + g}, {"PUT", alerts + "/" + a}, {"POST", alerts + "/" + a + "/close"},
	} {
		if status, _ := callAs(t, s, mackereltest.ReadOnlyAPIKey, change[0], change[1], "{}"); status != 403 {
			t.Errorf("%s %s with a key that only reads: %d", change[0], change[1], status)
		}
	}
	if n := s.Accepted(); n != 0 || len(s.NotificationGroups()) != 2 {
		t.Errorf("%d changes; groups: %s", n, s.NotificationGroups())
	}
}

// Other clients send back what was listed, leave out lists, or send null.
func TestGroupsOfOtherClients(t *testing.T) {
	s := newServer(t)
	s.Strict(true)
	channel := s.AddChannel(`{"name":"room","type":"chatwork"}`)
	listed := `{"id":"3G","type":"group","name":"g","notificationLevel":"critical","childNotificationGroupIds":["3G"],"childChannelIds":["` + channel +
		`"],"monitors":[{"id":"2M","skipDefault":true}],"services":[{"name":"Shop"}],"colour":{"r":1}}`
	s.AddNotificationGroup(listed)
	if status, answer := call(t, s, "PUT", groups+"/3G", listed); status != 200 {
		t.Errorf("what was listed: %d %s", status, answer)
	}
	sameJSON(t, string(s.NotificationGroups()[1]), listed)
	for body, want := range map[string]string{
		`"childNotificationGroupIds":[],"childChannelIds":[],"shape":1`: "shape is unknown",
		`"childNotificationGroupIds":[],"childChannelIds":["4"]`:        "childChannelIds[0] does not exist",
		`"childNotificationGroupIds":["3"],"childChannelIds":[]`:        "childNotificationGroupIds[0] does not exist",
	} {
		if status, answer := call(t, s, "POST", groups, `{"name":"g","notificationLevel":"all",`+body+"}"); status != 400 || answer != refusal(want) {
			t.Errorf("%s while strict: %d %s", body, status, answer)
		}
	}
	s.Strict(false)
	status, answer := call(t, s, "PUT", groups+"/3G", `{"name":"h","notificationLevel":"all","childNotificationGroupIds":null,"childChannelIds":null,"shape":1}`)
	if status != 200 {
		t.Errorf("null lists: %d %s", status, answer)
	}
	sameJSON(t, answer, `{"id":"3G","type":"group","name":"h","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":[],"monitors":[],"services":[],"colour":{"r":1}}`)
}

// A new channel is in the default group. Its list of channels can be replaced, and has no monitors and services.
func TestTheDefaultGroup(t *testing.T) {
	s := newServer(t)
	a, b := s.AddChannel(`{"name":"a","type":"chatwork"}`), s.AddChannel(`{"name":"b","type":"chatwork"}`)
	list := func(ids ...string) string {
		quoted, err := json.Marshal(ids)
		if err != nil {
			t.Fatal(err)
		}
		return `{"id":"3DefaultGrp","type":"group-default","name":"Default","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":` + string(quoted) + `}`
	}
	sameJSON(t, string(s.NotificationGroups()[0]), list(a, b))
	status, answer := call(t, s, "PUT", groups+"/3DefaultGrp", list(b))
	if status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	sameJSON(t, string(s.NotificationGroups()[0]), list(b))
	if got := s.DefaultNotificationGroup(); len(got) != 1 || got[0] != b {
		t.Errorf("the default group has %q", got)
	}
	call(t, s, "POST", path, `{"type":"email","name":"c"}`)
	if got := s.DefaultNotificationGroup(); len(got) != 2 {
		t.Errorf("the default group has %q", got)
	}
}

func TestPagesOfAlerts(t *testing.T) {
	s := newServer(t)
	for i := range 5 {
		s.AddAlert(fmt.Sprintf(`{"id":"5%d","openedAt":%d}`, i, 10-i))
	}
	s.AddAlert(`{"id":"5x","openedAt":8,"closedAt":9,"status":"OK"}`)
	for _, tt := range []struct{ query, ids, next string }{
		{"", "50 51 52 53 54", ""},
		{"?limit=2", "50 51", "52"},
		{"?limit=2&nextId=52", "52 53", "54"},
		{"?limit=2&nextId=54", "54", ""},
		{"?withClosed=true&limit=4", "50 51 52 5x", "53"},
		{"?nextId=5x", "53 54", ""},
		{"?nextId=none", "", ""},
	} {
		status, answer := call(t, s, "GET", alerts+tt.query, "")
		var page struct {
			Alerts []struct{ ID string }
			NextID *string
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil || status != 200 {
			t.Fatal(status, answer, err)
		}
		var ids []string
		for _, a := range page.Alerts {
			ids = append(ids, a.ID)
		}
		next := ""
		if page.NextID != nil {
			next = *page.NextID
		}
		if got := strings.Join(ids, " "); got != tt.ids || next != tt.next || (page.NextID != nil) != (tt.next != "") {
			t.Errorf("%s: %s, next %s; want %s, next %s", tt.query, got, next, tt.ids, tt.next)
		}
	}
}

func TestTheLifeOfAnAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mackereltest.New()
		defer s.Close()
		id := s.AddAlert(`{"type":"check","monitorId":"2C","status":"WARNING","message":"DISK"}`)
		opened := time.Now().Unix()
		time.Sleep(time.Minute)
		s.SetAlertStatus(id, "CRITICAL")
		time.Sleep(time.Minute)
		status, answer := call(t, s, "POST", alerts+"/"+id+"/close", `{"reason":"fixed"}`)
		want := fmt.Sprintf(`{"id":%q,"status":"OK","monitorId":"2C","type":"check","message":"DISK","reason":"fixed","openedAt":%d,"closedAt":%d,"memo":""}`, id, opened, opened+120)
		if status != 200 {
			t.Errorf("%d", status)
		}
		sameJSON(t, answer, want)
		sameJSON(t, string(s.Alerts()[0]), want)
		_, answer = call(t, s, "GET", alerts+"/"+id+"/logs", "")
		var logs struct {
			Logs []struct {
				Status, Trigger string
				CreatedAt       int64
			}
		}
		if err := json.Unmarshal([]byte(answer), &logs); err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(logs.Logs)
		if want := fmt.Sprintf("[{OK manual %d} {CRITICAL monitoring %d} {WARNING monitoring %d}]", opened+120, opened+60, opened); got != want {
			t.Errorf("the log is %s, want %s", got, want)
		}
		if status, answer := call(t, s, "PUT", alerts+"/"+id, `{"memo":"see\nticket"}`); status != 200 || answer != fmt.Sprintf(`{"id":%q,"memo":"see\nticket"}`, id) {
			t.Errorf("%d %s", status, answer)
		}
	})
}

// An alert that is closed from the start has its close in the log.
func TestTheLogOfAnAlertThatIsClosedAlready(t *testing.T) {
	s := newServer(t)
	for reason, trigger := range map[string]string{``: "monitoring", `,"reason":"r"`: "manual"} {
		id := s.AddAlert(`{"status":"OK","openedAt":1,"closedAt":2` + reason + `}`)
		_, answer := call(t, s, "GET", alerts+"/"+id+"/logs", "")
		if !strings.Contains(answer, `"createdAt":2`) || !strings.Contains(answer, `"trigger":"`+trigger+`"`) {
			t.Errorf("closed by %s: %s", trigger, answer)
		}
	}
}

// Ten thousand alerts are quick to add and to list, in any order of their opening.
func BenchmarkTenThousandAlerts(b *testing.B) {
	for b.Loop() {
		s := mackereltest.New()
		for i := range 10_000 {
			s.AddAlert(fmt.Sprintf(`{"openedAt":%d}`, 1+i*7919%10_000))
		}
		c, err := mackerel.NewClient(s.MemoryConfig())
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range c.ListAlerts(b.Context(), mackerel.ListAlertsOptions{WithClosed: true}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatalf("%d alerts", n)
		}
		s.Close()
	}
}

func TestMonitorsHostsAndUsers(t *testing.T) {
	s := newServer(t)
	s.AddUsers("5U")
	s.AddMonitor(`{"id":"2M","type":"host","name":"CPU"}`)
	s.AddCheck(`{"id":"2C","name":"disk"}`)
	s.AddHost(`{"id":"4H","name":"app01","roles":{"Shop":["app"]}}`)
	s.AddHost(`{"id":"4I","name":"app02","status":"poweroff"}`)
	s.AddService(`{"name":"Shop","roles":["app"]}`)
	s.AddService(`{"name":"Blog","memo":"m"}`)
	for path, want := range map[string]string{
		"/monitors":              `{"monitors":[{"id":"2M","type":"host","name":"CPU"}]}`,
		"/monitors/2M":           `{"monitor":{"id":"2M","type":"host","name":"CPU"}}`,
		"/monitoring/checks":     `{"checks":[{"id":"2C","name":"disk"}]}`,
		"/monitoring/checks/2C":  `{"check":{"id":"2C","name":"disk"}}`,
		"/hosts":                 `{"hosts":[{"id":"4H","name":"app01","status":"working","roles":{"Shop":["app"]}}]}`,
		"/hosts?status=poweroff": `{"hosts":[{"id":"4I","name":"app02","status":"poweroff"}]}`,
		"/hosts/4I":              `{"host":{"id":"4I","name":"app02","status":"poweroff"}}`,
		"/services":              `{"services":[{"name":"Shop","memo":"","roles":["app"]},{"name":"Blog","memo":"m","roles":[]}]}`,
		"/org":                   `{"name":"mackereltest","displayName":null}`,
		"/users":                 `{"users":[{"id":"5U","screenName":"5U","email":"5U@example.com","authority":"collaborator"}]}`,
	} {
		status, answer := call(t, s, "GET", "/api/v0"+path, "")
		if status != 200 {
			t.Errorf("%s: %d", path, status)
		}
		sameJSON(t, answer, want)
	}
	s.SetHostStatus("4H", "standby")
	if _, answer := call(t, s, "GET", "/api/v0/hosts/4H", ""); !strings.Contains(answer, `"status":"standby"`) {
		t.Error(answer)
	}
}
