package provider_test

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for machines without time zones

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

var (
	update = flag.Bool("update", false, "write testdata/words.txt instead of comparing with it")
	utc    = mackerel.Text{Location: time.UTC}
	opened = time.Date(2026, 1, 31, 15, 4, 5, 999, time.UTC)
)

// alerts returns alerts of all kinds: the samples, the webhooks of the module's tests, and more of this package.
func alerts(t *testing.T) []sample.Entry {
	t.Helper()
	all := sample.Alerts()
	var more []struct {
		Name string
		Body json.RawMessage
	}
	content, err := os.ReadFile("testdata/alerts.json")
	if err == nil {
		err = json.Unmarshal(content, &more)
	}
	for _, m := range more {
		all = append(all, entry(t, m.Name, m.Body))
	}
	files, globErr := filepath.Glob("../../testdata/webhook/*.json")
	if err != nil || globErr != nil || len(files) == 0 {
		t.Fatal(err, globErr, files)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry(t, filepath.Base(file), body))
	}
	return append(all, rare(t)...)
}

// rare returns alerts that are no webhooks of Mackerel's, or rare ones.
func rare(t *testing.T) (all []sample.Entry) {
	t.Helper()
	add := func(name string, a mackerel.Alert) { all = append(all, sample.Entry{Name: name, Alert: a}) }
	one := func(minute int, monitor, host string, status mackerel.Status) mackerel.Alert {
		a := mackerel.Alert{Status: status, Monitor: mackerel.Monitor{Name: monitor}, OpenedAt: opened.Add(time.Duration(minute) * time.Minute)}
		if host != "" {
			a.Host = &mackerel.Host{Name: host}
		}
		return a
	}
	d := mackerel.Digest([]mackerel.Alert{
		one(1, "disk", "a", "critical"), one(0, "disk", "b", "critical"), one(5, "disk", "c", "critical"), one(2, "url", "", "warning"),
		one(3, "", "h", "critical"), {Event: mackerel.EventHostRetire, Host: &mackerel.Host{Name: "z"}, Monitor: mackerel.Monitor{Name: "disk"}},
	})
	d.Message, d.Org, d.Facts = " note ", "acme", []mackerel.Fact{{Label: "team", Value: "web"}}
	add("digest with a note", d)
	add("digest within a minute", mackerel.Digest([]mackerel.Alert{one(1, "disk", "a", "ok"), one(1, "cpu", "a", "ok")}))
	for _, n := range []int{8, 9} {
		var alerts []mackerel.Alert
		for i := range n {
			alerts = append(alerts, one(0, "monitor "+strconv.Itoa(i), "h", "critical"))
		}
		add("digest of "+strconv.Itoa(n)+" monitors", mackerel.Digest(alerts))
	}
	var hosts []mackerel.Alert
	for _, host := range []string{"a", "b", "c", "d", "e"} {
		hosts = append(hosts, one(0, "disk", host, "critical"))
	}
	add("digest of 5 hosts", mackerel.Digest(hosts))
	user := &mackerel.User{ScreenName: "taro"}
	add("host status with more", mackerel.Alert{
		Event: mackerel.EventHostStatus, Host: &mackerel.Host{Name: "h", Status: "standby"}, User: user, Message: "m", Reason: " because ",
		Facts: d.Facts, OpenedAt: opened, Org: "acme",
	})
	add("host status without a host", mackerel.Alert{Event: mackerel.EventHostStatus})
	add("host status without a status", mackerel.Alert{Event: mackerel.EventHostStatus, Host: &mackerel.Host{Name: "h"}})
	add("alert group without a group", mackerel.Alert{Event: mackerel.EventAlertGroup})
	add("sample with words", mackerel.Alert{Event: mackerel.EventSample, Message: "hello"})
	add("sample without words", mackerel.Alert{Event: mackerel.EventSample})
	add("unknown event of a host", mackerel.Alert{
		Event: "moonPhase", Message: "full", User: user, Host: &mackerel.Host{Name: "h", Roles: []mackerel.Role{{FullName: "Shop: app"}}},
	})
	for _, kind := range []string{"expression", "anomalyDetection", "query", "check", "new kind", "external"} {
		add("monitor of the type "+kind, entry(t, "", []byte(`{"event":"monitorUpdate","monitor":{"type":"`+kind+`","name":"m",
			"expression":"avg(x)","operator":">","warning":1,"critical":2,"duration":3,"warningSensitivity":"normal",
			"criticalSensitivity":"insensitive","missingDurationWarning":1,"missingDurationCritical":10,"maxCheckAttempts":2,
			"skipCertificateVerification":true,"url":"https://u:p@x.test/p?q=1","method":"GET","responseTimeCritical":5,
			"responseTimeDuration":2,"certificationExpirationWarning":30}}`)).Alert)
	}
	cpu := func(status mackerel.Status, message string) mackerel.Alert {
		value, limit := 91.5, 90.0
		return mackerel.Alert{
			Status: status, Message: message, Monitor: mackerel.Monitor{Name: "CPU %", Type: "host"},
			Metric: &mackerel.Metric{Label: "cpu.user.percentage", Value: &value, Operator: ">", Critical: &limit},
		}
	}
	by := func(a mackerel.Alert, trigger string) mackerel.Alert { a.Trigger = trigger; return a }
	add("metric with other words", cpu("critical", "CPU % 91.5, and the fan has stopped"))
	add("metric recovered with other words", cpu("ok", "CPU % 80, and the fan turns again"))
	add("metric recovered without times", cpu("ok", "CPU % 91.5"))
	add("metric closed by hand without times", by(cpu("ok", "CPU % 91.5"), "manual"))
	add("metric closed by hand with other words", by(cpu("ok", "the fan has stopped"), "manual"))
	changed := cpu("critical", "")
	changed.ChangedAt = opened
	add("metric that changed and has no time of opening", changed)
	kinds := func(kind, message string, status mackerel.Status) mackerel.Alert {
		return mackerel.Alert{Status: status, Message: message, Monitor: mackerel.Monitor{Name: "m", Type: kind}}
	}
	add("connectivity with other words", kinds("connectivity", "power failure", "critical"))
	add("check that says unreachable", kinds("check", "m - unreachable", "critical"))
	add("check with another dash", kinds("check", "m- broken", "critical"))
	add("anomaly with more words", kinds("anomalyDetection", "m cpu.user and more", "critical"))
	add("anomaly of another name", kinds("anomalyDetection", "cpu.user", "critical"))
	add("anomaly recovered without times", kinds("anomalyDetection", "m cpu.user", "ok"))
	group := mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "critical", Group: &mackerel.AlertGroup{Name: "db"}}
	add("group without a link", group)
	group.URL = "https://mackerel.io/orgs/acme/alert-groups/5G"
	add("group with a link", group)
	group.Message = "one\ntwo"
	add("group with words", group)
	group.Status, group.Message = "ok", ""
	add("group closed without times", group)
	add("monitor with odd settings", entry(t, "", []byte(`{"event":"monitorUpdate","monitor":{"type":"external","name":"m",
		"url":"mailto:secret","method":"GET","warning":1,"duration":1e7,"notificationInterval":100000001,"missingDurationWarning":0.5,
		"scopes":"all"}}`)).Alert)
	add("monitor without an operator", entry(t, "", []byte(`{"event":"monitorUpdate","monitor":{"type":"host","name":"m",
		"metric":"cpu.user.percentage","warning":1,"duration":3,"notificationInterval":1e8}}`)).Alert)
	add("monitor over a million points", entry(t, "", []byte(`{"event":"monitorUpdate","monitor":{"type":"host","name":"m",
		"metric":"cpu.user.percentage","operator":">","warning":1,"duration":1e6}}`)).Alert)
	return all
}

func entry(t *testing.T, name string, body []byte) sample.Entry {
	t.Helper()
	a, err := mackerel.ParseWebhook(body)
	if err != nil {
		t.Fatal(name, err)
	}
	return sample.Entry{Name: name, Alert: a}
}

// TestWords compares the words of all alerts in both languages with testdata/words.txt, which is for people to read.
func TestWords(t *testing.T) {
	var b strings.Builder
	for _, e := range alerts(t) {
		b.WriteString("# " + e.Name + "\n")
		for _, l := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
			text := mackerel.Text{Language: l, Location: sample.Zone}
			w := provider.Words(e.Alert, text)
			for _, line := range []string{w.Title, w.Text, lines(w.Facts), provider.Line(w.Memo), provider.Line(w.Graph), w.URL} {
				if line != "" {
					b.WriteString(line + "\n")
				}
			}
			b.WriteString("SMS: " + provider.Join(": ", w.Status, w.Subject, w.Brief) + "\n")
			said, _ := provider.Speech(e.Alert, text)
			b.WriteString("Call: " + said + "\n\n")
		}
	}
	const file = "testdata/words.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(got), len(wanted)) {
		if got[i] != wanted[i] {
			t.Fatalf("line %d is\n%s\nwant\n%s", i+1, got[i], wanted[i])
		}
	}
	check(t, "number of lines", len(got), len(wanted))
}

func TestADigestInJapaneseSaysEventsInJapanese(t *testing.T) {
	hanako := &mackerel.User{ScreenName: "hanako"}
	d := mackerel.Digest([]mackerel.Alert{
		{Event: mackerel.EventHostRetire, Host: &mackerel.Host{Name: "d"}, User: hanako},
		{Event: mackerel.EventMonitorUpdate, Monitor: mackerel.Monitor{Name: "CPU %", Muted: true}},
		{Event: mackerel.EventSample},
		{Event: mackerel.EventAlertGroup, Status: "critical", Group: &mackerel.AlertGroup{Name: "データベース"}},
		{Status: "critical", Monitor: mackerel.Monitor{Name: "url"}},
	})
	check(t, "text", provider.Words(d, mackerel.Text{Language: mackerel.Japanese}).Text, "CRITICAL アラートグループ データベース、url\n"+
		"ホスト d が退役しました（hanako）、監視ルール CPU % が更新されました（ミュート中）、テスト通知")
}

// lines writes facts with their links.
func lines(facts []mackerel.Fact) string {
	var all []string
	for _, f := range facts {
		all = append(all, provider.Join(" -> ", provider.Line(f), f.URL))
	}
	return strings.Join(all, "\n")
}

// What a phone shows begins with status, monitor and host, in the first 40 characters.
func TestTheOneLineBeginsWithWhatMatters(t *testing.T) {
	for _, e := range alerts(t) {
		for _, l := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
			w := provider.Words(e.Alert, mackerel.Text{Language: l})
			line, _ := (&provider.Cutter{Unit: provider.Runes}).Headline("line", w.Title, w.Text, provider.MaxHeadline)
			seen := provider.Runes.Cut(line, 40)
			names := []string{e.Alert.StatusLabel()}
			if e.Alert.Event == mackerel.EventAlert && e.Alert.Host != nil {
				names = append(names, e.Alert.Monitor.Name, e.Alert.Host.Name)
			}
			for _, name := range names {
				if !strings.Contains(seen, name) {
					t.Errorf("%s: %q is not in %q", e.Name, name, seen)
				}
			}
			if n := provider.Runes.Len(line); n > provider.MaxHeadline {
				t.Errorf("%s: %d characters: %s", e.Name, n, line)
			}
		}
	}
}

// Each line is said once, and no line is empty.
func TestNothingIsSaidTwice(t *testing.T) {
	for _, e := range alerts(t) {
		for _, l := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
			w := provider.Words(e.Alert, mackerel.Text{Language: l})
			said := slices.Concat([]string{w.Title}, strings.Split(w.Text, "\n"))
			for _, f := range w.Facts {
				said = append(said, provider.Line(f))
			}
			for i, s := range said {
				if s == "" && w.Text != "" || slices.Contains(said[:i], s) {
					t.Errorf("%s: line %d is %q in\n%s", e.Name, i, s, strings.Join(said, "\n"))
				}
			}
		}
	}
}

func TestNoSecretOfAMonitorIsShown(t *testing.T) {
	for _, settings := range []string{
		`"url":"https://user:p4ss@shop.example.com/path?token=abc#frag"`,
		`"url":"https://shop.example.com/path;token=abc?p4ss","containsString":"p4ss"`,
		`"url":"shop.example.com?token=abc"`, `"url":"https://%zz:p4ss@x/"`, `"url":"mailto:p4ss@abc"`,
		`"url":7,"headers":[{"name":"Authorization","value":"Basic p4ss"}],"requestBody":"{\"password\":\"p4ss\"}"`,
	} {
		a, err := mackerel.ParseWebhook([]byte(`{"event":"monitorUpdate","monitor":{"type":"external","name":"top",` + settings + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		w := provider.Words(a, mackerel.Text{})
		for _, secret := range []string{"p4ss", "abc", "frag", "Basic", "user"} {
			all := w.Title + w.Text + provider.Lines(w.Facts)
			if strings.Contains(all, secret) && !strings.Contains(settings, "path;token=abc") {
				t.Errorf("%s: %q is in %q", settings, secret, all)
			}
		}
	}
}

// Each of these changes an alert that is critical and otherwise empty, and expects the first line, and the facts.
func TestFirstLines(t *testing.T) {
	type (
		alert   = mackerel.Alert
		monitor = mackerel.Monitor
	)
	metric := func(label string, value, warning, critical float64, operator string) *mackerel.Metric {
		return &mackerel.Metric{Label: label, Value: &value, Warning: &warning, Critical: &critical, Operator: operator}
	}
	noValue := &mackerel.Metric{Label: "cpu%"}
	cpu, hourLater := monitor{Name: "CPU %", Type: "host"}, opened.Add(time.Hour)
	tests := []struct {
		name  string
		alert alert
		want  string
	}{
		{"the numbers in place of Mackerel's message", alert{Monitor: cpu, Message: "CPU % 96.5 > 90", Metric: metric("cpu%", 96.5123, 80, 90, ">")}, "96.51% > 90%"},
		{"the message names the metric", alert{Monitor: cpu, Message: "cpu% 96.5 > 90", Metric: metric("cpu%", 96.5123, 80, 90, ">")}, "96.51% > 90%"},
		{"a message that goes on is kept", alert{Monitor: cpu, Message: "CPU % 96.5 > 90 again", Metric: metric("cpu%", 96.5, 80, 90, ">")}, "CPU % 96.5 > 90 again\nMetric: cpu% 96.5% > 90%"},
		{"a message of two lines is kept", alert{Monitor: cpu, Message: "CPU % 96.5\nx", Metric: metric("cpu%", 96.5, 80, 90, ">")}, "CPU % 96.5\nx\nMetric: cpu% 96.5% > 90%"},
		{"a message that is no number is kept", alert{Monitor: monitor{Name: "backup"}, Message: "backup failed", Metric: metric("x", 1, 0, 0, ">")}, "backup failed\nMetric: x 1 > 0"},
		{"a message without a name is kept", alert{Message: "96.5 > 90", Metric: metric("", 96.5, 80, 90, ">")}, "96.5 > 90"},
		{"a monitor's name is cut off only with its dash", alert{Monitor: monitor{Name: "backup"}, Message: "backup failed"}, "backup failed"},
		{"a monitor's name and a dash", alert{Monitor: monitor{Name: "backup"}, Message: "backup - failed - again"}, "failed - again"},
		{"no value: the message stays", alert{Monitor: cpu, Message: "CPU % 96.5 > 90", Metric: noValue}, "CPU % 96.5 > 90"},
		{"a threshold that was not passed is not said to be", alert{Monitor: cpu, Metric: metric("cpu%", 70, 80, 90, ">")}, "70% (warning > 80%, critical > 90%)"},
		{"an equal threshold was not passed", alert{Monitor: cpu, Metric: metric("cpu%", 90, 80, 90, ">")}, "90% (warning > 80%, critical > 90%)"},
		{"of an unknown status all thresholds", alert{Status: "unknown", Monitor: cpu, Metric: metric("cpu%", 99, 80, 90, ">")}, "99% (warning > 80%, critical > 90%)"},
		{"without an operator the value", alert{Monitor: cpu, Metric: metric("cpu%", 99, 80, 90, "")}, "99%"},
		{"not a number twice", alert{Monitor: cpu, Metric: metric("cpu%", math.NaN(), 80, math.NaN(), ">=")}, "NaN% >= NaN%"},
		{"another operator is taken at its word", alert{Monitor: cpu, Metric: metric("cpu%", 99, 80, 90, ">=")}, "99% >= 90%"},
		{"infinity", alert{Monitor: cpu, Metric: metric("cpu%", math.Inf(1), 80, 90, ">")}, "+Inf% > 90%"},
		{"not a number", alert{Monitor: cpu, Metric: metric("cpu%", math.NaN(), 80, 90, ">")}, "NaN% (warning > 80%, critical > 90%)"},
		{"a metric that the monitor's name does not have", alert{Monitor: monitor{Name: "load"}, Metric: metric("loadavg5", 5, 1, 2, ">")}, "5 > 2\nMetric: loadavg5"},
		{"the name of the metric differs in signs only", alert{Monitor: monitor{Name: "Load-Avg 5"}, Metric: metric("load_avg5", 5, 1, 2, ">")}, "5 > 2"},
		{"closed by hand without a message", alert{Trigger: "manual", ClosedAt: hourLater, Monitor: cpu, Metric: metric("cpu%", 96.5, 80, 90, ">")}, "Closed by hand\nClosed: 2026-01-31 16:04 +00:00\nLast state: 96.5% > 90%"},
		{"a metric of a host, from a webhook that does not say so", alert{Host: &mackerel.Host{Name: "h"}, Metric: metric("memory.used", 2e9, 1e9, 1.5e9, ">")}, "2 GB > 1.5 GB\nHost: h\nMetric: memory.used"},
		{"recovered, of unknown times", alert{Status: "ok", Monitor: cpu, Metric: metric("cpu%", 5, 80, 90, ">")}, "5% (warning > 80%)"},
		{"recovered, by hand", alert{Status: "ok", Monitor: monitor{Name: "backup"}, Message: "done\nin 5 minutes", OpenedAt: opened, ClosedAt: hourLater}, "Recovered after 1h: done\nin 5 minutes\nOpened: 2026-01-31 15:04 +00:00\nClosed: 16:04"},
		{"closed before it opened", alert{Status: "ok", Monitor: monitor{Name: "backup"}, OpenedAt: hourLater, ClosedAt: opened}, "Opened: 2026-01-31 16:04 +00:00\nClosed: 15:04"},
		{"closed without a time of opening", alert{Status: "ok", ClosedAt: opened}, "Closed: 2026-01-31 15:04 +00:00"},
		{"critical and closed", alert{OpenedAt: opened, ClosedAt: hourLater, Message: "t\nx"}, "Closed after 1h: x\nOpened: 2026-01-31 15:04 +00:00\nClosed: 16:04"},
		{"a change of status on another day", alert{Message: "t\nx", OpenedAt: opened, ChangedAt: opened.Add(51 * time.Hour)}, "x\nCRITICAL since 2026-02-02 18:04, 2d 3h after it opened\nOpened: 2026-01-31 15:04 +00:00"},
		{"a status of tomorrow", alert{Status: "paused", Message: "t\nx", OpenedAt: opened, ChangedAt: hourLater}, "x\nPAUSED since 16:04, 1h after it opened\nOpened: 2026-01-31 15:04 +00:00"},
		{"a trigger of tomorrow", alert{Trigger: "drill", Message: "t\nx"}, "x\nTrigger: drill"},
		{"the trigger of every alert", alert{Trigger: "monitoring", Message: "t\nx"}, "x"},
		{"a person of an open alert", alert{User: &mackerel.User{ScreenName: "hanako"}, Message: "t\nx"}, "x\nBy: hanako"},
		{"a user without a name", alert{User: &mackerel.User{ID: "5User"}, Message: "t\nx"}, "x"},
		{"a host in maintenance", alert{Host: &mackerel.Host{ID: "4Host", Status: "maintenance"}, Message: "t\nx"}, "x\nHost: 4Host (maintenance)"},
		{"a host of which only the status is known", alert{Host: &mackerel.Host{Status: "working"}, Message: "t"}, ""},
		{"roles without names", alert{Host: &mackerel.Host{Roles: []mackerel.Role{{}, {Name: "db"}}}, Message: "t"}, "Role: db"},
		{"labels beside a host", alert{Host: &mackerel.Host{Name: "h"}, Message: "t", Metric: &mackerel.Metric{Labels: map[string]string{"b": "2", "a": "1"}}}, "Host: h\nLabels: a=1, b=2"},
		{"the caller's facts after the metric", alert{Monitor: monitor{Name: "m"}, Message: "x", Facts: []mackerel.Fact{{Label: "F", Value: "1"}}, Metric: metric("l", 5, 1, 2, ">"), Reason: " r "}, "x\nReason: r\nMetric: l 5 > 2\nF: 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.alert.Status == "" {
				tt.alert.Status = mackerel.StatusCritical
			}
			w := provider.Words(tt.alert, utc)
			check(t, "words", provider.Join("\n", w.Text, provider.Lines(w.Facts)), tt.want)
		})
	}
}

// Numbers and thresholds, by the type of the monitor and the name of the metric.
func TestNumbers(t *testing.T) {
	tests := []struct {
		kind, label      string
		value, threshold float64
		want             string
	}{
		{"service", "x", 2.255356387321597, 1.9588528112516932, "2.26 > 1.96"},
		{"service", "x", 90.001, 90, "90.001 > 90"},
		{"service", "x", 90.0041, 90.0012, "90.004 > 90.001"},
		{"service", "x", 0.000123456, 0, "0.000123 > 0"},
		{"service", "x", 0.12, 0.1, "0.12 > 0.1"},
		{"service", "x", 0.99999, 0.5, "1 > 0.5"},
		{"service", "x", 1693212649, 9999, "1,693,212,649 > 9999"},
		{"service", "x", -0.0001, -1234567.891, "-0.0001 > -1,234,567.89"},
		{"service", "x", 1e21, 12345, "1,000,000,000,000,000,000,000 > 12,345"},
		{"service", "x", math.Nextafter(1, 2), 1, "1.0000000000000002 > 1"},
		{"service", "memory.used", 7523450880, 7e9, "7,523,450,880 > 7,000,000,000"},
		{"service", "error%", 5, 1, "5% > 1%"},
		{"host", "custom.cpu.user.percentage", 5, 1, "5% > 1%"},
		{"host", "memory.used", 999, 1, "999 B > 1 B"},
		{"host", "memory.used", 1000, 999, "1 kB > 0.999 kB"},
		{"host", "filesystem.sda1.used", 2e12, 1.5e12, "2 TB > 1.5 TB"},
		{"host", "filesystem.sda1.free", 2e12, 1, "2,000,000,000,000 > 1"},
		{"host", "interface.eth0.rxBytes.delta", 12.3e6, 1e6, "12.3 MB/s > 1 MB/s"},
		{"host", "disk.sda.reads.delta", 120, 100, "120 iops > 100 iops"},
		{"host", "custom.memory.used", 120, 100, "120 > 100"},
		{"external", "responseTime", 5230.4, 5000, "5230.4 ms > 5000 ms"},
		{"expression", "avg(cpu%", 5, 1, "5 > 1"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			a := mackerel.Alert{
				Status: "critical", Monitor: mackerel.Monitor{Name: "m", Type: tt.kind},
				Metric: &mackerel.Metric{Label: tt.label, Value: &tt.value, Critical: &tt.threshold, Operator: ">"},
			}
			check(t, "first line", provider.Words(a, utc).Text, tt.want)
			a.Metric.Value, a.Metric.Critical, a.Metric.Operator = &tt.threshold, &tt.value, "<"
			left, right, _ := strings.Cut(tt.want, " > ")
			check(t, "the other way round", provider.Words(a, utc).Text, right+" < "+left)
		})
	}
}

// FuzzComparison checks that a comparison that is drawn is true, and that its numbers are those of the alert.
func FuzzComparison(f *testing.F) {
	f.Add(90.001, 90.0, true)
	f.Add(1e-300, 0.0, true)
	f.Add(-5.0, -4.999999999, false)
	f.Add(1e300, 1e299, false)
	f.Fuzz(func(t *testing.T, value, threshold float64, above bool) {
		if math.IsInf(value, 0) || math.IsInf(threshold, 0) || math.IsNaN(value) || math.IsNaN(threshold) {
			return
		}
		operator := map[bool]string{true: ">", false: "<"}[above]
		a := mackerel.Alert{Status: "critical", Monitor: mackerel.Monitor{Name: "m"}, Metric: &mackerel.Metric{Value: &value, Critical: &threshold, Operator: operator}}
		text := provider.Words(a, utc).Text
		left, right, drawn := strings.Cut(text, " "+operator+" ")
		if passed := above && value > threshold || !above && value < threshold; !passed {
			if !strings.Contains(text, "(critical") {
				t.Errorf("%g %s %g is drawn as passed: %s", value, operator, threshold, text)
			}
			return
		}
		x, y := parse(t, left), parse(t, right)
		if !drawn || above && x <= y || !above && x >= y || far(x, value) || far(y, threshold) {
			t.Errorf("%g %s %g is %s", value, operator, threshold, text)
		}
	})
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// far reports whether a rounded number is not near the number.
func far(rounded, v float64) bool { return math.Abs(rounded-v) > math.Max(0.00501*math.Abs(v), 1e-307) }

func TestDurations(t *testing.T) {
	tests := []struct {
		after             time.Duration
		english, japanese string
	}{
		{time.Nanosecond, "0s", "0秒"},
		{40 * time.Second, "40s", "40秒"},
		{time.Minute, "1m", "1分"},
		{5*time.Minute + 10*time.Second, "5m 10s", "5分10秒"},
		{9*time.Minute + 59*time.Second, "9m 59s", "9分59秒"},
		{10*time.Minute + 59*time.Second, "10m", "10分"},
		{time.Hour, "1h", "1時間"},
		{time.Hour + 59*time.Second, "1h", "1時間"},
		{23*time.Hour + 59*time.Minute + 59*time.Second, "23h 59m", "23時間59分"},
		{24 * time.Hour, "1d", "1日"},
		{51*time.Hour + 30*time.Minute, "2d 3h", "2日3時間"},
		{1000 * 24 * time.Hour, "1000d", "1000日"},
	}
	for _, tt := range tests {
		a := mackerel.Alert{Status: mackerel.StatusOK, OpenedAt: opened, ClosedAt: opened.Add(tt.after)}
		check(t, "English", provider.Words(a, utc).Text, "Recovered after "+tt.english)
		check(t, "Japanese", provider.Words(a, mackerel.Text{Language: mackerel.Japanese}).Text, tt.japanese+"で回復")
	}
}

// Of later times only what differs from the first is written. The clocks of Berlin went forward that night.
func TestTimes(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
	for after, want := range map[time.Duration]string{
		10 * time.Minute: "Closed: 01:40", time.Hour: "Closed: 2026-03-29 03:30 +02:00", -2 * time.Hour: "Closed: 2026-03-28 23:30",
	} {
		w := provider.Words(mackerel.Alert{Status: mackerel.StatusOK, OpenedAt: at, ClosedAt: at.Add(after)}, mackerel.Text{Location: berlin})
		check(t, "times", provider.Lines(w.Facts), "Opened: 2026-03-29 01:30 +01:00\n"+want)
	}
	got := provider.Words(mackerel.Alert{OpenedAt: opened}, mackerel.Text{}).Facts[0].Value
	check(t, "in the zone of the process", got, opened.Local().Format("2006-01-02 15:04 -07:00"))
}

func TestTheMemo(t *testing.T) {
	group := &mackerel.AlertGroup{Name: "db", Memo: "of the group"}
	monitor := mackerel.Monitor{Memo: "\n of the monitor\n"}
	tests := []struct {
		name  string
		alert mackerel.Alert
		want  string
	}{
		{"of the monitor", mackerel.Alert{Monitor: monitor, Group: group}, "of the monitor"},
		{"of the group", mackerel.Alert{Group: group}, "of the group"},
		{"of nothing but blanks", mackerel.Alert{Monitor: mackerel.Monitor{Memo: " \n"}}, ""},
		{"of an alert that is over", mackerel.Alert{Status: "ok", Monitor: monitor}, ""},
		{"of a monitor that was changed, with a status that such an event does not have", mackerel.Alert{Event: mackerel.EventMonitorUpdate, Status: "ok", Monitor: monitor}, "of the monitor"},
		{"of a monitor that was deleted", mackerel.Alert{Event: mackerel.EventMonitorDelete, Monitor: monitor}, "of the monitor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, "memo", provider.Words(tt.alert, mackerel.Text{}).Memo.Value, tt.want) })
	}
}

func TestWordsOfNothing(t *testing.T) {
	for _, a := range []mackerel.Alert{{}, {Status: "ok"}, {Event: mackerel.EventDigest}, {Event: mackerel.EventAlertGroup}} {
		w := provider.Words(a, mackerel.Text{})
		check(t, "words", w.Text+w.Brief+provider.Lines(w.Facts)+provider.Line(w.Memo)+w.URL, "")
		check(t, "a title", w.Title != "", true)
		check(t, "an empty memo", w.Memo, mackerel.Fact{})
		check(t, "an empty graph", w.Graph, mackerel.Fact{})
	}
}

// Mackerel's isOpen says more than a time of closing.
func TestAnOpenAlertHasNoTimeOfClosing(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(`{"event":"alert","alert":{"status":"critical","isOpen":true,"openedAt":1767225600,"closedAt":1767229200}}`))
	if err != nil || a.Closed() || a.ClosedAt.IsZero() {
		t.Fatalf("%v, %+v", err, a)
	}
	check(t, "of an alert", provider.Lines(provider.Words(a, utc).Facts), "Opened: 2026-01-01 00:00 +00:00")
	a.Event = mackerel.EventAlertGroup
	check(t, "of an alert group", provider.Words(a, utc).Text, "")
}

func TestAHostWithoutANameHasNoStatus(t *testing.T) {
	w := provider.Words(mackerel.Alert{Host: &mackerel.Host{Status: "standby"}}, mackerel.Text{})
	check(t, "facts", provider.Lines(w.Facts), "")
}

func TestThePageOfAServiceIsThatOfARoleOfTheService(t *testing.T) {
	w := provider.Words(mackerel.Alert{Service: &mackerel.Service{Name: "Shop", Roles: []mackerel.Role{
		{Service: "Blog", ServiceURL: "https://x.test/blog"}, {Service: "Shop", ServiceURL: "https://x.test/shop"},
	}}}, mackerel.Text{})
	check(t, "page", w.Facts[0].URL, "https://x.test/shop")
}

// Text that comes after the title is not repeated, and every other text stays.
func TestTheTitleIsNotSaidTwice(t *testing.T) {
	for message, want := range map[string]string{"backup failed\n": "", " backup failed\non tape 3": "on tape 3", "": ""} {
		check(t, "text", provider.Words(mackerel.Alert{Message: message}, mackerel.Text{}).Text, want)
	}
	a := mackerel.Alert{Monitor: mackerel.Monitor{Name: "backup"}, Message: "backup"}
	check(t, "of a monitor that is called like the message", provider.Words(a, mackerel.Text{}).Text, "backup")
}

func TestWordsLeaveTheAlertAlone(t *testing.T) {
	a := mackerel.Alert{Facts: append(make([]mackerel.Fact, 0, 10), mackerel.Fact{Label: "a", Value: "b"}), Org: "acme"}
	provider.Words(a, mackerel.Text{})
	check(t, "behind the facts", a.Facts[:2][1], mackerel.Fact{})
}

func TestLabels(t *testing.T) {
	japanese := mackerel.Text{Language: mackerel.Japanese}
	check(t, "status", provider.StatusLabel(mackerel.Text{})+provider.StatusLabel(japanese), "Statusステータス")
	check(t, "graph", provider.GraphLabel("")+provider.GraphLabel(mackerel.Japanese), "Graphグラフ")
	check(t, "message", provider.MessageLabel("")+provider.MessageLabel(mackerel.Japanese), "Messageメッセージ")
	for address, want := range map[string]string{
		"https://mackerel.io/orgs/acme": "Open in MackerelMackerelで開く", "https://kcps.mackerel.io/x": "Open in MackerelMackerelで開く",
		"https://mackerel.io.evil.test/": "Open開く", "https://wiki.example.com/": "Open開く", "mackerel.io": "Open開く",
	} {
		check(t, address, provider.OpenLabel(address, mackerel.Text{})+provider.OpenLabel(address, japanese), want)
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string]string{
		"":                                    "",
		" https://example.com/a b ":           "https://example.com/a%20b",
		"https://example.com/手順?q=壱#二":        "https://example.com/%E6%89%8B%E9%A0%86?q=%E5%A3%B1#%E4%BA%8C",
		"https://例え.test/手":                   "https://例え.test/%E6%89%8B",
		"https://例え.test":                     "https://例え.test",
		"HTTP://x.test/%E6%89%8B?a=b+c&d=%zz": "HTTP://x.test/%E6%89%8B?a=b+c&d=%zz",
		"手順書":                                 "手順書",
		"https://x.test/a\nb 手":               "https://x.test/a\nb%20%E6%89%8B",
		"https://x.test/\xff手":                "https://x.test/\xff手",
		"https://x.test/\u202egnp":            "https://x.test/\u202egnp",
	} {
		check(t, address, provider.Address(address), want)
	}
}
