package soak

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// markerOf returns the marker of an alert, which survives every encoding. A call may say it as the first word of a
// sentence, with a capital letter: see markerIn.
func markerOf(n int) string { return fmt.Sprintf("soak%08dx", n) }

var markers = regexp.MustCompile(`(?i)soak[0-9]{8}x`)

// markerIn returns the marker in a text that a service has.
func markerIn(text string) string { return strings.ToLower(markers.FindString(text)) }

// anyAlert returns an alert that opens, another event, an alert made by hand, or a digest.
func anyAlert(r *rand.Rand, marker string) mackerel.Alert {
	switch r.IntN(10) {
	case 0:
		return event(r, marker)
	case 1:
		return mackerel.Alert{Status: mackerel.StatusCritical, Message: marker + " backup failed"}
	case 2:
		return mackerel.Alert{ID: marker, Status: mackerel.StatusWarning, Message: marker + " disk is full"}
	case 3:
		return group(marker)
	case 4:
		return digest(marker)
	}
	statuses := []mackerel.Status{
		mackerel.StatusCritical, mackerel.StatusCritical, mackerel.StatusWarning, mackerel.StatusUnknown, "CRITICAL",
	}
	a := monitored(marker, statuses[r.IntN(len(statuses))])
	if r.IntN(5) == 0 {
		return closed(a) // a recovery of an alert that the service has not seen
	}
	if r.IntN(3) == 0 {
		a.ImageURL = "https://mackerel.io/embed/public/embed/graph.png"
	}
	return a
}

func monitored(marker string, status mackerel.Status) mackerel.Alert {
	value, threshold := 96.5, 90.0
	return mackerel.Alert{
		ID: marker, Event: mackerel.EventAlert, Status: status, Org: "example",
		URL:     "https://mackerel.io/orgs/example/alerts/" + marker,
		Monitor: mackerel.Monitor{ID: "4Monitor", Name: "CPU " + marker, Type: "host", Memo: "1. look\n2. restart"},
		Metric:  &mackerel.Metric{Label: "cpu%", Value: &value, Critical: &threshold, Operator: ">", Duration: 3},
		Host:    &mackerel.Host{ID: "4Host", Name: "app01"}, Trigger: "monitor",
		OpenedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func group(marker string) mackerel.Alert {
	return mackerel.Alert{
		Event: mackerel.EventAlertGroup, Status: mackerel.StatusCritical, Org: "example",
		Group: &mackerel.AlertGroup{ID: marker, Name: "databases " + marker},
	}
}

// digest returns a digest, which incident services skip.
func digest(marker string) mackerel.Alert {
	return mackerel.Digest([]mackerel.Alert{monitored(marker, mackerel.StatusCritical), group(marker)})
}

func event(r *rand.Rand, marker string) mackerel.Alert {
	events := []mackerel.Event{
		mackerel.EventHostStatus, mackerel.EventHostRegister, mackerel.EventHostRetire,
		mackerel.EventMonitorCreate, mackerel.EventMonitorUpdate, mackerel.EventMonitorDelete, mackerel.EventSample,
	}
	return mackerel.Alert{
		ID: marker, Event: events[r.IntN(len(events))], Org: "example", Message: marker + " test",
		Monitor: mackerel.Monitor{ID: "4Monitor", Name: "CPU " + marker},
		Host:    &mackerel.Host{ID: "4Host", Name: "app " + marker, Status: "working", FromStatus: "standby"},
		User:    &mackerel.User{ScreenName: "hanako"},
	}
}

// closed returns the alert as it is when it is over.
func closed(a mackerel.Alert) mackerel.Alert {
	a.Status = mackerel.StatusOK
	a.ClosedAt = time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	return a
}
