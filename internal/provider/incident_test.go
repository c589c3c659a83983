package provider

import (
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

func TestSkipIncident(t *testing.T) {
	over := time.Unix(1, 0)
	for _, c := range []struct {
		name     string
		level    mackerel.Level
		keepOpen bool
		alert    mackerel.Alert
		want     string
	}{
		{"an alert is told", "", false, mackerel.Alert{Status: "CRITICAL"}, ""},
		{"an alert group is told", mackerel.LevelAll, false, mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "WARNING"}, ""},
		{"a warning is not, for critical only", mackerel.LevelCritical, false, mackerel.Alert{Status: "WARNING"}, "a warning, and the level is critical only"},
		{"an unknown is, for critical only", mackerel.LevelCritical, false, mackerel.Alert{}, ""},
		{"a recovery is, for critical only", mackerel.LevelCritical, false, mackerel.Alert{Status: "OK"}, ""},
		{"a warning that is over is a recovery", mackerel.LevelCritical, false, mackerel.Alert{Status: "WARNING", ClosedAt: over}, ""},
		{"a recovery is not, if incidents are kept open", "", true, mackerel.Alert{Status: "ok"}, "the alert is over, and what it opened is kept open"},
		{"an open alert is, even so", "", true, mackerel.Alert{Status: "critical"}, ""},
		{"a host's change is no alert", "", false, mackerel.Alert{Event: mackerel.EventHostStatus, Status: "ok"}, `the event "hostStatus", and the service takes only alerts`},
		{"a newer event is no alert", "", true, mackerel.Alert{Event: "rain"}, `the event "rain", and the service takes only alerts`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := SkipIncident(c.level, c.keepOpen, c.alert); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
