// Package sample holds the alerts that the golden requests of every provider show: the same ones everywhere, so that
// two providers can be laid side by side.
package sample

import (
	"time"

	"github.com/mackerel-notify/mackerel"
)

// An Entry is one alert with a name fit for a file.
type Entry struct {
	Name  string
	Alert mackerel.Alert
}

// Zone is where the samples are read: nine hours ahead of UTC, as Japan is, without needing a time zone database.
var Zone = time.FixedZone("JST", 9*60*60)

var opened = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Alerts returns the samples, made anew for each call: an open warning, a critical one with memo and graph, an unknown,
// a recovery, a manual close, an alert group, a host's change of status, and the least that a person writes by hand.
func Alerts() []Entry {
	return []Entry{
		{"warning", warning()},
		{"critical", critical()},
		{"unknown", unknown()},
		{"recovery", recovery()},
		{"manual-close", manualClose()},
		{"alert-group", alertGroup()},
		{"host-status", hostStatus()},
		{"minimal", mackerel.Alert{Status: mackerel.StatusCritical, Message: "backup failed"}},
	}
}

func warning() mackerel.Alert {
	return mackerel.Alert{
		ID: "5SampleWarn", Event: mackerel.EventAlert, Status: mackerel.StatusWarning, Org: "acme",
		URL:     "https://mackerel.io/orgs/acme/alerts/5SampleWarn",
		Monitor: mackerel.Monitor{Name: "CPU %", Type: "host"},
		Message: "CPU % 84.2 > 80",
		Metric:  metric("cpu%", 84.2, 80, 90),
		Host:    host(), Trigger: "monitor", OpenedAt: opened,
	}
}

func critical() mackerel.Alert {
	return mackerel.Alert{
		ID: "5SampleCrit", Event: mackerel.EventAlert, Status: mackerel.StatusCritical, Org: "株式会社エーシーエムイー",
		URL:      "https://mackerel.io/orgs/acme/alerts/5SampleCrit",
		Monitor:  mackerel.Monitor{Name: "応答時間 <p99> & 障害", Type: "external", Memo: "手順書 7 を参照。\n1. [toall] せずに当番へ\n2. 再起動"},
		Message:  "HTTP request failed - status is 503",
		Metric:   metric("応答時間", 5031.5, 1000, 3000),
		Service:  &mackerel.Service{ID: "4SvcShop", Name: "Shop"},
		ImageURL: "https://mackerel.io/embed/public/alert/sample.png", Trigger: "monitor", OpenedAt: opened,
	}
}

func unknown() mackerel.Alert {
	return mackerel.Alert{
		ID: "5SampleUnkn", Event: mackerel.EventAlert, Status: mackerel.StatusUnknown, Org: "acme",
		URL:     "https://mackerel.io/orgs/acme/alerts/5SampleUnkn",
		Monitor: mackerel.Monitor{Name: "check-ntpoffset", Type: "check"},
		Message: "NTP UNKNOWN: timed out\n  at </b> <script>",
		Host:    host(), Trigger: "monitor", OpenedAt: opened,
	}
}

func recovery() mackerel.Alert {
	a := warning()
	a.Status, a.Message = mackerel.StatusOK, "CPU % 12.5"
	a.Metric = metric("cpu%", 12.5, 80, 90)
	a.ClosedAt = opened.Add(65 * time.Minute)
	return a
}

func manualClose() mackerel.Alert {
	a := critical()
	a.Status, a.Trigger, a.ClosedAt = mackerel.StatusOK, "manual close", opened.Add(26*time.Hour)
	a.Metric.Value = nil
	a.User = &mackerel.User{ID: "5UserHanako", ScreenName: "hanako"}
	a.Reason = "計画停止"
	return a
}

func alertGroup() mackerel.Alert {
	return mackerel.Alert{
		Event: mackerel.EventAlertGroup, Status: mackerel.StatusCritical, Org: "acme",
		URL: "https://mackerel.io/orgs/acme/alert-groups/5SampleGrp",
		Group: &mackerel.AlertGroup{
			ID: "5SampleGrp", SettingID: "4SetDb", Name: "データベース", Memo: "primary first",
			SettingURL: "https://mackerel.io/orgs/acme/alert-group-settings/4SetDb",
		},
		OpenedAt: opened,
	}
}

func hostStatus() mackerel.Alert {
	h := host()
	h.FromStatus, h.Status = "working", "maintenance"
	return mackerel.Alert{
		Event: mackerel.EventHostStatus, Org: "acme", URL: h.URL, Host: h,
		User: &mackerel.User{ID: "5UserHanako", ScreenName: "hanako"},
	}
}

func host() *mackerel.Host {
	return &mackerel.Host{
		ID: "4HostApp01", Name: "app01", URL: "https://mackerel.io/orgs/acme/hosts/4HostApp01", Status: "working",
		Roles: []mackerel.Role{{
			FullName: "Shop: app", Service: "Shop", Name: "app", ServiceURL: "https://mackerel.io/orgs/acme/services/Shop",
			URL: "https://mackerel.io/orgs/acme/services/Shop#role=app",
		}},
	}
}

func metric(label string, value, warning, critical float64) *mackerel.Metric {
	return &mackerel.Metric{
		Label: label, Value: &value, Warning: &warning, Critical: &critical, Operator: ">", Duration: 3,
	}
}
