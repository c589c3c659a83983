package provider_test

import (
	"slices"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

var (
	opened = time.Date(2026, 1, 31, 15, 4, 5, 999, time.UTC)
	tokyo  = time.FixedZone("JST", 9*60*60)
)

// everything has all that a message can show.
func everything() mackerel.Alert {
	value, warning, critical := 96.5, 80.0, 90.0
	return mackerel.Alert{
		ID: "5Alert", Status: mackerel.StatusCritical, Org: "acme", URL: "https://mackerel.io/alerts/5Alert",
		Monitor: mackerel.Monitor{Name: "CPU %", Memo: "\nsee the runbook\n"}, Message: "  high load\n",
		Metric:  &mackerel.Metric{Label: "cpu%", Value: &value, Warning: &warning, Critical: &critical, Operator: ">"},
		Facts:   []mackerel.Fact{{Label: "Runbook", Value: "7"}, {Label: "Owner", Value: "ops"}},
		Host:    &mackerel.Host{ID: "4Host", Name: "app01", Status: "working", Roles: []mackerel.Role{{FullName: "Shop: app"}, {Name: "db"}, {}}},
		Service: &mackerel.Service{Name: "Shop"}, User: &mackerel.User{ScreenName: "hanako"},
		Trigger: "manual close", Reason: "planned", ImageURL: "https://mackerel.io/embed/graph.png",
		OpenedAt: opened, ClosedAt: opened.Add(65 * time.Minute),
	}
}

func TestWordsOfEverything(t *testing.T) {
	tests := []struct {
		name string
		text mackerel.Text
		want provider.Content
	}{
		{"in English", mackerel.Text{Location: time.UTC}, provider.Content{
			Facts: []mackerel.Fact{
				{Label: "Metric", Value: "cpu% 96.5 > 90"},
				{Label: "Runbook", Value: "7"}, {Label: "Owner", Value: "ops"},
				{Label: "Host", Value: "app01 (working)"}, {Label: "Role", Value: "Shop: app, db"}, {Label: "Service", Value: "Shop"},
				{Label: "Opened", Value: "2026-01-31 15:04:05 +00:00"}, {Label: "Closed", Value: "2026-01-31 16:09:05 +00:00 (1h 5m)"},
				{Label: "By", Value: "hanako"}, {Label: "Trigger", Value: "manual close"}, {Label: "Reason", Value: "planned"},
				{Label: "Organization", Value: "acme"},
			},
			Memo:  mackerel.Fact{Label: "Memo", Value: "see the runbook"},
			Graph: mackerel.Fact{Label: "Graph", Value: "https://mackerel.io/embed/graph.png"},
		}},
		{"in Japanese, where it is the next day", mackerel.Text{Language: mackerel.Japanese, Location: tokyo}, provider.Content{
			Facts: []mackerel.Fact{
				{Label: "メトリック", Value: "cpu% 96.5 > 90"},
				{Label: "Runbook", Value: "7"}, {Label: "Owner", Value: "ops"},
				{Label: "ホスト", Value: "app01 (working)"}, {Label: "ロール", Value: "Shop: app, db"}, {Label: "サービス", Value: "Shop"},
				{Label: "発生", Value: "2026-02-01 00:04:05 +09:00"}, {Label: "終了", Value: "2026-02-01 01:09:05 +09:00 (1時間5分)"},
				{Label: "操作者", Value: "hanako"}, {Label: "契機", Value: "manual close"}, {Label: "理由", Value: "planned"},
				{Label: "オーガニゼーション", Value: "acme"},
			},
			Memo:  mackerel.Fact{Label: "メモ", Value: "see the runbook"},
			Graph: mackerel.Fact{Label: "グラフ", Value: "https://mackerel.io/embed/graph.png"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := provider.Words(everything(), tt.text)
			if !slices.Equal(got.Facts, tt.want.Facts) {
				t.Errorf("facts:\n%q\nwant:\n%q", got.Facts, tt.want.Facts)
			}
			check(t, "memo", got.Memo, tt.want.Memo)
			check(t, "graph", got.Graph, tt.want.Graph)
			check(t, "title", got.Title, "[CRITICAL] CPU % on app01")
			check(t, "message", got.Message, "high load")
			check(t, "URL", got.URL, "https://mackerel.io/alerts/5Alert")
		})
	}
}

func TestWordsOfNothing(t *testing.T) {
	c := provider.Words(mackerel.Alert{}, mackerel.Text{})
	check(t, "facts", len(c.Facts), 0)
	check(t, "memo", c.Memo, mackerel.Fact{})
	check(t, "graph", c.Graph, mackerel.Fact{})
	check(t, "message", c.Message, "")
	check(t, "title", c.Title, "[UNKNOWN] alert")
}

// Each of these changes one thing in an alert that is otherwise empty, and expects one fact, or none.
func TestWordsFactByFact(t *testing.T) {
	value, limit := 0.0, 1e-7
	far := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	none := mackerel.Fact{}
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  mackerel.Fact
	}{
		{"zero is a value", mackerel.Alert{Metric: &mackerel.Metric{Label: "free", Value: &value}}, mackerel.Fact{Label: "Metric", Value: "free 0"}},
		{"a value without a label", mackerel.Alert{Metric: &mackerel.Metric{Value: &value}}, mackerel.Fact{Label: "Metric", Value: "0"}},
		{"a label without a value", mackerel.Alert{Metric: &mackerel.Metric{Label: "free"}}, none},
		{"a warning shows its own threshold", mackerel.Alert{Status: "WARNING", Metric: &mackerel.Metric{Label: "free", Value: &value, Warning: &limit, Operator: "<"}}, mackerel.Fact{Label: "Metric", Value: "free 0 < 0.0000001"}},
		{"a threshold without an operator", mackerel.Alert{Status: "warning", Metric: &mackerel.Metric{Label: "free", Value: &value, Warning: &limit}}, mackerel.Fact{Label: "Metric", Value: "free 0"}},
		{"a warning does not show the critical threshold", mackerel.Alert{Status: "warning", Metric: &mackerel.Metric{Label: "free", Value: &value, Critical: &limit, Operator: "<"}}, mackerel.Fact{Label: "Metric", Value: "free 0"}},
		{"ok has passed no threshold", mackerel.Alert{Status: "ok", Metric: &mackerel.Metric{Label: "free", Value: &value, Warning: &limit, Critical: &limit, Operator: "<"}}, mackerel.Fact{Label: "Metric", Value: "free 0"}},
		{"a host without a name is its id", mackerel.Alert{Host: &mackerel.Host{ID: "4Host"}}, mackerel.Fact{Label: "Host", Value: "4Host"}},
		{"a host of which only the status is known", mackerel.Alert{Host: &mackerel.Host{Status: "working"}}, none},
		{"roles without names", mackerel.Alert{Host: &mackerel.Host{Roles: []mackerel.Role{{}, {}}}}, none},
		{"closed without a time of opening", mackerel.Alert{ClosedAt: far}, mackerel.Fact{Label: "Closed", Value: "2026-03-29 01:30:00 +00:00"}},
		{"closed by every monitor's trigger", mackerel.Alert{Trigger: "monitor"}, none},
		{"the trigger in its other spelling", mackerel.Alert{Trigger: "monitoring"}, none},
		{"a user without a name", mackerel.Alert{User: &mackerel.User{ID: "5User"}}, none},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var want []mackerel.Fact
			if tt.want != none {
				want = append(want, tt.want)
			}
			if got := provider.Words(tt.alert, mackerel.Text{Location: time.UTC}).Facts; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestClosedBeforeItOpened(t *testing.T) {
	a := mackerel.Alert{OpenedAt: opened, ClosedAt: opened.Add(-time.Hour)}
	facts := provider.Words(a, mackerel.Text{Location: time.UTC}).Facts
	check(t, "closed, without a duration", facts[1].Value, "2026-01-31 14:04:05 +00:00")
}

func TestDurations(t *testing.T) {
	tests := []struct {
		after             time.Duration
		english, japanese string
	}{
		{time.Nanosecond, "0s", "0秒"},
		{40 * time.Second, "40s", "40秒"},
		{time.Minute, "1m", "1分"},
		{5*time.Minute + 10*time.Second, "5m 10s", "5分10秒"},
		{time.Hour, "1h", "1時間"},
		{time.Hour + 59*time.Second, "1h", "1時間"},
		{23*time.Hour + 59*time.Minute + 59*time.Second, "23h 59m", "23時間59分"},
		{24 * time.Hour, "1d", "1日"},
		{51*time.Hour + 30*time.Minute, "2d 3h", "2日3時間"},
		{1000 * 24 * time.Hour, "1000d", "1000日"},
	}
	for _, tt := range tests {
		a := mackerel.Alert{OpenedAt: opened, ClosedAt: opened.Add(tt.after)}
		for text, want := range map[mackerel.Text]string{{Location: time.UTC}: tt.english, {Language: mackerel.Japanese, Location: time.UTC}: tt.japanese} {
			got := provider.Words(a, text).Facts[1].Value
			check(t, "closed", got, a.ClosedAt.Format("2006-01-02 15:04:05 -07:00")+" ("+want+")")
		}
	}
}

func TestTimesInTheProcessesOwnZone(t *testing.T) {
	got := provider.Words(mackerel.Alert{OpenedAt: opened}, mackerel.Text{}).Facts[0].Value
	check(t, "opened", got, opened.Local().Format("2006-01-02 15:04:05 -07:00"))
}

func TestTheMemo(t *testing.T) {
	group := &mackerel.AlertGroup{Name: "db", Memo: "of the group"}
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  string
	}{
		{"of the monitor", mackerel.Alert{Monitor: mackerel.Monitor{Memo: "of the monitor"}, Group: group}, "of the monitor"},
		{"of the group", mackerel.Alert{Group: group}, "of the group"},
		{"of nothing but blanks", mackerel.Alert{Monitor: mackerel.Monitor{Memo: " \n"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, "memo", provider.Words(tt.alert, mackerel.Text{}).Memo.Value, tt.want) })
	}
}

func TestTheMessageIsNotSaidTwice(t *testing.T) {
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  string
	}{
		{"the message is all that the title has", mackerel.Alert{Message: "backup failed\n"}, ""},
		{"the message goes on", mackerel.Alert{Message: "backup failed\non tape 3"}, "backup failed\non tape 3"},
		{"the monitor is called like the message", mackerel.Alert{Monitor: mackerel.Monitor{Name: "backup"}, Message: "backup"}, "backup"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, "message", provider.Words(tt.alert, mackerel.Text{}).Message, tt.want) })
	}
}

func TestWordsLeaveTheAlertAlone(t *testing.T) {
	a := everything()
	a.Facts = append(make([]mackerel.Fact, 0, 10), a.Facts...) // room to write into
	provider.Words(a, mackerel.Text{})
	check(t, "behind the facts", a.Facts[:3][2], mackerel.Fact{})
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 12: "12", 96.50: "96.5", -1.25: "-1.25", 1e21: "1000000000000000000000", 1e-7: "0.0000001"} {
		check(t, "number", provider.Number(v), want)
	}
}

func TestStatusLabel(t *testing.T) {
	check(t, "in English", provider.StatusLabel(mackerel.Text{}), "Status")
	check(t, "in Japanese", provider.StatusLabel(mackerel.Text{Language: mackerel.Japanese}), "ステータス")
}
