package twilio_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// The alphabet of GSM and its extension table (3GPP TS 23.038, section 6.2.1).
const (
	gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

	extension = "\f^{}\\[~]|€"
)

// isGSM reports whether all characters of a text are in the alphabet of GSM.
func isGSM(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(gsm+extension, r) })
}

// parts returns in how many parts an SMS is sent and billed. A part ends before a character of two places that has no
// room for both.
func parts(body string) int {
	size, one, several := func(r rune) int { return len(utf16.Encode([]rune{r})) }, 70, 67
	if isGSM(body) {
		size, one, several = func(r rune) int { return twiliotest.Characters(string(r)) }, 160, 153
	}
	total, parts, room := 0, 1, several
	for _, r := range body {
		total += size(r)
		if room < size(r) {
			parts, room = parts+1, several
		}
		room -= size(r)
	}
	if total <= one {
		return 1
	}
	return parts
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) }

// names returns the texts of an alert that are not ours.
func names(a mackerel.Alert) string {
	all := []string{a.Title(), a.Message}
	for _, one := range a.Alerts {
		all = append(all, names(one))
	}
	return strings.Join(all, " ")
}

func pointer(v float64) *float64 { return &v }

// more are alerts as Mackerel's webhooks have them that no sample has.
func more() []sample.Entry {
	opened := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	alert := func(name, kind, monitor, message string, change func(*mackerel.Alert)) sample.Entry {
		a := mackerel.Alert{
			ID: "5Alert001", Org: "acme", URL: "https://mackerel.io/orgs/acme/alerts/5Alert001", OpenedAt: opened, Trigger: "monitor",
			Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Type: kind, Name: monitor}, Message: message,
		}
		change(&a)
		return sample.Entry{Name: name, Alert: a}
	}
	metric := func(label string, value, limit float64, points int) *mackerel.Metric {
		return &mackerel.Metric{Label: label, Value: pointer(value), Operator: ">", Critical: pointer(limit), Duration: points}
	}
	over := func(a *mackerel.Alert, status mackerel.Status, after time.Duration) {
		a.Status, a.ClosedAt = status, opened.Add(after)
	}
	app, db := &mackerel.Host{ID: "4HostId0001", Name: "app01"}, &mackerel.Host{ID: "4HostId0002", Name: "db01"}
	return []sample.Entry{
		alert("a response time", "external", "top page", "top page 5230.4 > 5000", func(a *mackerel.Alert) {
			a.Metric, a.Service = metric("responseTime", 5230.4, 5000, 3), &mackerel.Service{Name: "Shop"}
		}),
		alert("connectivity is back", "connectivity", "connectivity", "unreachable", func(a *mackerel.Alert) {
			over(a, mackerel.StatusOK, 12*time.Minute)
			a.Host = db
		}),
		alert("an anomaly is over", "anomalyDetection", "app roles", "app roles cpu.iowait.percentage", func(a *mackerel.Alert) {
			over(a, mackerel.StatusOK, 25*time.Minute)
			a.Host = app
		}),
		alert("a monitor was deleted", "host", "CPU %", "CPU % 91", func(a *mackerel.Alert) {
			over(a, mackerel.StatusOK, time.Hour)
			a.Host, a.Trigger, a.User = app, "delete monitor", &mackerel.User{ScreenName: "hanako"}
		}),
		alert("bytes", "host", "memory", "memory 7523450880 > 7000000000", func(a *mackerel.Alert) {
			a.Host, a.Metric = app, metric("memory.used", 7523450880, 7000000000, 1)
		}),
		alert("an alert group is closed", "", "", "", func(a *mackerel.Alert) {
			over(a, mackerel.StatusOK, time.Hour)
			a.Event, a.Group = mackerel.EventAlertGroup, &mackerel.AlertGroup{ID: "5Grp001", Name: "db"}
		}),
		alert("a monitor of an external URL was moved", "external", "top page", "", func(a *mackerel.Alert) {
			over(a, mackerel.StatusOK, time.Hour)
			a.Trigger = "attach external monitoring to a different service"
		}),
		alert("a long output", "check", "check-log", "check-log - "+strings.Repeat("ERROR [worker] {timeout} ", 100), func(a *mackerel.Alert) {
			a.Host = app
		}),
		alert("a long output of a Japanese monitor", "check", "ログ監視", strings.Repeat("ERROR ", 100), func(a *mackerel.Alert) {
			a.Host = app
		}),
		alert("a long output in Japanese", "check", "check-log", strings.Repeat("接続できません ", 100), func(a *mackerel.Alert) {
			a.Host = app
		}),
	}
}

// TestPartsOfAnSMS: each part is billed.
func TestPartsOfAnSMS(t *testing.T) {
	for _, e := range append(sample.Alerts(), more()...) {
		for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
			t.Run(e.Name+"/"+string(language), func(t *testing.T) {
				fake, _ := notify(t, e.Alert, func(c *twilio.Config) { c.Text = mackerel.Text{Language: language, Location: sample.Zone} })
				body := fake.Messages()[0].Body
				a := e.Alert
				title, link, _ := strings.Cut(body, "\nhttp")
				most := 2
				if language == mackerel.English && isASCII(names(a)) && len(a.Message) < 160 {
					most = 1
				}
				if n := parts(body); n > most {
					t.Errorf("%d parts, want %d: %q", n, most, body)
				}
				if strings.HasPrefix(body, "[") || strings.Contains(title, "\n") || strings.Contains(body, "…") {
					t.Errorf("%q", body)
				}
				if a.URL != "" && "http"+link != a.URL {
					t.Errorf("the link is http%s, want %s", link, a.URL)
				}
			})
		}
	}
}

// TestEnglishOfOursIsInTheAlphabetOfGSM compares an SMS in English with the same alert in ASCII.
func TestEnglishOfOursIsInTheAlphabetOfGSM(t *testing.T) {
	checked := 0
	for _, e := range append(sample.Alerts(), more()...) {
		m := twilio.DefaultMessage(e.Alert, mackerel.Text{Location: sample.Zone})
		if !isASCII(names(e.Alert)) {
			continue
		}
		checked++
		if !isASCII(m.Title + m.Text + m.URL) {
			t.Errorf("%s: %+v", e.Name, m)
		}
	}
	if checked < 15 {
		t.Errorf("only %d alerts are in ASCII", checked)
	}
}
