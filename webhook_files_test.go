package mackerel_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// webhooks are the alerts that the files in testdata/webhook are read as, by the files' names.
var webhooks = map[string]mackerel.Alert{
	"alert-host": {
		ID: "5AlertId001", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "acme", URL: alertPage("5AlertId001"),
		Monitor: mackerel.Monitor{Name: "CPU %", Type: "host", Memo: "runbook 7"}, Message: "CPU % 96.5 > 90",
		Metric: &mackerel.Metric{
			Label: "cpu%", Value: float(96.5), Warning: float(80.5), Critical: float(90), Operator: ">", Duration: 3,
		},
		Host: app01("working", app...), ImageURL: "https://mackerel.io/embed/public/alert/x.png", Trigger: "monitor",
		OpenedAt: opened, ChangedAt: epoch(1767225660),
	},
	"alert-host-recovered": {
		ID: "5AlertId001", Event: mackerel.EventAlert, Status: mackerel.StatusOK, Org: "acme", URL: alertPage("5AlertId001"),
		Monitor: mackerel.Monitor{Name: "CPU %", Type: "host", Memo: "runbook 7"}, Message: "CPU % 12.5",
		Metric: &mackerel.Metric{
			Label: "cpu%", Value: float(12.5), Warning: float(80.5), Critical: float(90), Operator: ">", Duration: 3,
		},
		Host: app01("working", app...), ImageURL: "https://mackerel.io/embed/public/alert/y.png", Trigger: "monitor",
		OpenedAt: opened, ClosedAt: epoch(1767226500), ChangedAt: epoch(1767226500),
	},
	"alert-service": {
		ID: "5AlertId002", Event: mackerel.EventAlert, Status: mackerel.StatusWarning, Org: "acme", URL: alertPage("5AlertId002"),
		Monitor: mackerel.Monitor{Name: "Shop - orders", Type: "service"}, Message: "orders 0 < 1",
		Metric:  &mackerel.Metric{Label: "orders", Value: float(0), Warning: float(1), Operator: "<", Duration: 1},
		Service: &mackerel.Service{ID: "4SvcId00001", Name: "Shop", Memo: "the shop", OrgID: "4OrgId00001", Roles: app},
		Trigger: "monitor", OpenedAt: opened,
	},
	"alert-external": {
		ID: "5AlertId003", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "acme", URL: alertPage("5AlertId003"),
		Monitor: mackerel.Monitor{Name: "top page", Type: "external"}, Message: "HTTP request failed - status is 503",
		Trigger: "monitor", OpenedAt: opened,
	},
	"alert-external-response-time": {
		ID: "5AlertId013", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "acme", URL: alertPage("5AlertId013"),
		Monitor: mackerel.Monitor{Name: "top page", Type: "external"}, Message: "top page 5230 > 5000",
		Metric: &mackerel.Metric{
			Label: "responseTime", Value: float(5230), Critical: float(5000), Operator: ">", Duration: 3,
		},
		Service: &mackerel.Service{ID: "4SvcId00001", Name: "Shop", OrgID: "4OrgId00001"},
		Trigger: "monitoring", OpenedAt: opened, ChangedAt: opened,
	},
	"alert-check": {
		ID: "5AlertId004", Event: mackerel.EventAlert, Status: mackerel.StatusOK, Org: "acme", URL: alertPage("5AlertId004"),
		Monitor: mackerel.Monitor{Name: "log", Type: "check"}, Message: "LOG OK: 0 warnings",
		Host: app01("working"), Trigger: "monitor", OpenedAt: opened, ClosedAt: closed,
	},
	"alert-connectivity": {
		ID: "5AlertId006", Event: mackerel.EventAlert, Status: mackerel.StatusUnknown, Org: "acme", URL: alertPage("5AlertId006"),
		Monitor: mackerel.Monitor{Name: "connectivity", Type: "connectivity"}, Message: "unreachable",
		Host: &mackerel.Host{
			ID: "4HostId0002", Name: "db01", URL: "https://mackerel.io/orgs/acme/hosts/4HostId0002", Type: "unknown",
			Status: "standby", Memo: "primary",
			Roles: []mackerel.Role{
				{
					FullName: "Shop: db", Service: "Shop", Name: "db",
					ServiceURL: "https://mackerel.io/orgs/acme/services/Shop",
					URL:        "https://mackerel.io/orgs/acme/services/Shop#role=db",
				},
				{
					FullName: "Common: backup", Service: "Common", Name: "backup",
					ServiceURL: "https://mackerel.io/orgs/acme/services/Common",
					URL:        "https://mackerel.io/orgs/acme/services/Common#role=backup",
				},
			},
		},
		Trigger: "monitor", OpenedAt: opened,
	},
	"alert-expression-closed-by-hand": {
		ID: "5AlertId005", Event: mackerel.EventAlert, Status: mackerel.StatusOK, Org: "acme", URL: alertPage("5AlertId005"),
		Monitor: mackerel.Monitor{Name: "load", Type: "expression"}, Message: "load 0.02",
		Metric: &mackerel.Metric{
			Label: "scale(host(4HostId0001, loadavg1), 1)", Warning: float(0), Critical: float(1), Operator: ">", Duration: 1,
		},
		User: hanako, Trigger: "manual close", OpenedAt: opened, ClosedAt: closed,
	},
	"alert-anomaly-detection": {
		ID: "5AlertId007", Event: mackerel.EventAlert, Status: mackerel.StatusWarning, Org: "acme", URL: alertPage("5AlertId007"),
		Monitor: mackerel.Monitor{Name: "roles", Type: "anomalyDetection"}, Message: "roles cpu.iowait.percentage",
		Host: app01("working"), Trigger: "monitor", OpenedAt: opened,
	},
	"alert-query": {
		ID: "5AlertId008", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "acme", URL: alertPage("5AlertId008"),
		Monitor: mackerel.Monitor{Name: "errors of checkout", Type: "query"}, Message: "errors of checkout 12 > 10",
		Metric: &mackerel.Metric{
			Label: "checkout errors", Value: float(12), Critical: float(10), Operator: ">", Duration: 1,
			Labels: map[string]string{"service.name": "checkout", "http.route": "/注文"},
		},
		Trigger: "monitoring", OpenedAt: opened, ChangedAt: opened,
	},
	"alert-query-series": {
		ID: "5AlertId008", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "acme", URL: alertPage("5AlertId008"),
		Monitor: mackerel.Monitor{Name: "errors of checkout", Type: "query"}, Message: "errors of checkout 12 > 10",
		Metric: &mackerel.Metric{
			Label: "http.server.errors", Value: float(12), Critical: float(10), Operator: ">", Duration: 1,
			Labels: map[string]string{"service.name": "checkout", "http.route": "/注文"},
		},
		Trigger: "monitoring", OpenedAt: opened, ChangedAt: opened,
	},
	"alert-japanese": {
		ID: "5AlertId009", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "株式会社ソラ",
		URL: "https://mackerel.io/orgs/sora/alerts/5AlertId009",
		Monitor: mackerel.Monitor{
			Name: "ディスク　監視", Type: "check",
			Memo: "手順書:\r\n1. ログを確認\n2. \"担当者\"へ連絡\n\nhttps://wiki.example.com/手順?a=1&b=2",
		},
		Message: "CRITICAL: ディスク使用率 98% 😱\nバックアップ <失敗> & 再試行\t3回",
		Host: &mackerel.Host{
			ID: "4HostId0003", Name: "本番サーバー・壱", URL: "https://mackerel.io/orgs/sora/hosts/4HostId0003",
			Status: "working", Memo: "東京リージョン\u2028二号棟",
		},
		Trigger: "monitor", OpenedAt: opened,
	},
	"alert-2014": { // no organization, no IDs, no opening but the one in milliseconds
		Event: mackerel.EventAlert, Status: mackerel.StatusCritical, URL: alertPage("2AlertOld01"),
		Monitor: mackerel.Monitor{Name: "unreachable"},
		Host: &mackerel.Host{
			ID: "22D4HostOld", Name: "app01", URL: "https://mackerel.io/orgs/acme/hosts/22D4HostOld", Type: "unknown", Status: "working",
			Roles: []mackerel.Role{{FullName: "Shop: app", ServiceURL: app[0].ServiceURL, URL: app[0].URL}},
		},
		Trigger: "monitor", OpenedAt: epoch(1409823378).Add(983 * time.Millisecond),
	},
	"alert-2016": {
		ID: "2AlertOld02", Event: mackerel.EventAlert, Status: mackerel.StatusOK, Org: "acme", URL: alertPage("2AlertOld02"),
		Monitor: mackerel.Monitor{Name: "loadavg5"},
		Metric: &mackerel.Metric{
			Label: "loadavg5", Value: float(1.4665636), Warning: float(1.4), Critical: float(1.95), Operator: ">", Duration: 9,
		},
		Host: app01("working"), Trigger: "monitor", OpenedAt: epoch(1473129912), ClosedAt: epoch(1473130092),
	},
	"alert-eventbridge": {
		ID: "5AlertId010", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "acme", URL: alertPage("5AlertId010"),
		Monitor: mackerel.Monitor{Name: "CPU %"},
		Metric: &mackerel.Metric{
			Label: "cpu%", Value: float(-0.0015), Critical: float(90), Operator: ">", Duration: 3,
		},
		Host: app01("working"), Trigger: "monitoring", OpenedAt: opened,
	},
	"alert-facts": { // made by a program, not by Mackerel
		ID: "backup-7", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "acme", URL: "https://ci.example.com/jobs/7",
		Monitor: mackerel.Monitor{ID: "2MonId00001", Name: "backup"}, Message: "backup failed",
		Facts:  []mackerel.Fact{{Label: "Job", Value: "7"}, {Label: "Log", Value: "a <b> & c"}},
		Reason: "disk replaced", OpenedAt: opened,
	},
	"alert-group": {
		Event: mackerel.EventAlertGroup, Status: mackerel.StatusWarning, Org: "acme",
		URL: "https://mackerel.io/orgs/acme/alert-groups/5GroupId001",
		Group: &mackerel.AlertGroup{
			ID: "5GroupId001", SettingID: "4GrpSetId01", SettingURL: "https://mackerel.io/orgs/acme/alert-group-settings/4GrpSetId01",
			Name: "db", Memo: "ask the\ndb team",
		},
		OpenedAt: opened,
	},
	"alert-group-closed": {
		Event: mackerel.EventAlertGroup, Status: mackerel.StatusOK, Org: "acme",
		URL: "https://mackerel.io/orgs/acme/alert-groups/5GroupId001",
		Group: &mackerel.AlertGroup{
			ID: "5GroupId001", SettingID: "4GrpSetId01", SettingURL: "https://mackerel.io/orgs/acme/alert-group-settings/4GrpSetId01",
			Name: "db",
		},
		OpenedAt: opened, ClosedAt: epoch(1767229200),
	},
	"host-status": {
		Event: mackerel.EventHostStatus, Org: "acme", URL: "https://mackerel.io/orgs/acme/hosts/4HostId0001",
		Host: &mackerel.Host{
			ID: "4HostId0001", Name: "app01", URL: "https://mackerel.io/orgs/acme/hosts/4HostId0001",
			Status: "maintenance", FromStatus: "working", Roles: app,
		},
		User: hanako,
	},
	"host-register": {
		Event: mackerel.EventHostRegister, Org: "acme", URL: "https://mackerel.io/orgs/acme/hosts/4HostId0001",
		Host: app01("working", app...),
	},
	"host-retire": {
		Event: mackerel.EventHostRetire, Org: "acme", URL: "https://mackerel.io/orgs/acme/hosts/4HostId0001",
		Host: app01("working", app...), User: hanako,
	},
	"monitor-create-host": {
		Event: mackerel.EventMonitorCreate, Org: "acme", User: hanako,
		Monitor: mackerel.Monitor{ID: "2MonId00001", Name: "CPU %", Type: "host", Memo: "runbook 7\nsecond line"},
	},
	"monitor-update-service": {
		Event: mackerel.EventMonitorUpdate, Org: "acme",
		Monitor: mackerel.Monitor{ID: "2MonId00002", Name: "Shop - orders", Type: "service", Muted: true},
	},
	"monitor-update-external": { // its URL is what it watches, not a page to open
		Event: mackerel.EventMonitorUpdate, Org: "acme", User: hanako,
		Monitor: mackerel.Monitor{ID: "2MonId00003", Name: "top page", Type: "external"},
	},
	"monitor-delete-connectivity": {
		Event: mackerel.EventMonitorDelete, Org: "acme", User: hanako,
		Monitor: mackerel.Monitor{ID: "2MonId00004", Name: "connectivity", Type: "connectivity"},
	},
	"sample":      {Event: mackerel.EventSample, Message: "Sample Notification from Mackerel"},
	"sample-2015": {Event: mackerel.EventSample, Message: "Sample Notification from Mackerel"},
	"unknown-event": {
		ID: "5AlertId011", Event: "downtimeStart", Status: "muted", Org: "acme",
		Monitor: mackerel.Monitor{Name: "CPU %"}, User: hanako,
	},
}

// showAlert is every field of the alert but Raw, to be compared and read.
func showAlert(t *testing.T, a mackerel.Alert) string {
	t.Helper()
	a.Raw = nil
	type plain mackerel.Alert // without the methods
	b, err := json.MarshalIndent(plain(a), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sameAlert(t *testing.T, got, want mackerel.Alert) {
	t.Helper()
	if g, w := showAlert(t, got), showAlert(t, want); g != w {
		t.Errorf("got %s\nwant %s", g, w)
	}
}

// sameJSON compares as JSON: the order of members and white space do not count, the spelling of a number does.
func sameJSON(t *testing.T, got, want []byte) {
	t.Helper()
	if g, w := decodeJSON(t, got), decodeJSON(t, want); !reflect.DeepEqual(g, w) {
		t.Errorf("got JSON %s\nwant %s", got, want)
	}
}

func decodeJSON(t testing.TB, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}

func webhookFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "webhook", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func epoch(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

var (
	opened = epoch(1767225600)
	closed = epoch(1767225900)
	hanako = &mackerel.User{ID: "5UserId0001", ScreenName: "hanako"}
	app    = []mackerel.Role{{
		FullName: "Shop: app", Service: "Shop", Name: "app",
		ServiceURL: "https://mackerel.io/orgs/acme/services/Shop",
		URL:        "https://mackerel.io/orgs/acme/services/Shop#role=app",
	}}
)

func float(f float64) *float64 { return &f }

func alertPage(id string) string { return "https://mackerel.io/orgs/acme/alerts/" + id }

func app01(status string, roles ...mackerel.Role) *mackerel.Host {
	return &mackerel.Host{
		ID: "4HostId0001", Name: "app01", URL: "https://mackerel.io/orgs/acme/hosts/4HostId0001", Status: status, Roles: roles,
	}
}
