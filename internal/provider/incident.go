package provider

import (
	"strconv"

	"github.com/mackerel-notify/mackerel"
)

// SkipIncident says why a service that keeps incidents is not told of an event, "" if it is. It takes alerts and alert
// groups, which open and close under a key of their own. What is over is told whatever the level, unless incidents are
// to be kept open: an incident that nobody closes is worse than a close of one that never was.
func SkipIncident(level mackerel.Level, keepOpen bool, a mackerel.Alert) string {
	switch {
	case Rating(a) == "":
		return "the event " + strconv.Quote(string(a.Event)) + ", and the service takes only alerts"
	case !a.Closed():
		return Skip(level, a)
	case keepOpen:
		return "the alert is over, and what it opened is kept open"
	}
	return ""
}
