package mackerel

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// StatusLabel returns the status of an alert, an alert group or a digest in the form in which its Title shows it: OK,
// WARNING, CRITICAL or UNKNOWN, or a status that this package does not know. It is CLOSED if something other than the
// monitor closed the alert, such as a person or the retirement of the host: it is not known whether the monitor would
// say OK. It is "" for other events, which have no status.
func (a Alert) StatusLabel() string {
	switch a.Event {
	case "", EventAlert, EventAlertGroup:
	case EventDigest:
		if a.Status == "" {
			return "" // of events that have no status
		}
	default:
		return ""
	}
	switch a.Trigger {
	case "", "monitor", "monitoring":
	default:
		if a.Closed() {
			return "CLOSED"
		}
	}
	return oneline.Of(a.Status.Label())
}

// Title returns the alert in one line, in English: "[CRITICAL] CPU % on app01", "[CLOSED] CPU % on app01", "[WARNING]
// alert group db", "Host app01: working -> maintenance by hanako", "Monitor CPU updated by hanako (muted)". The words
// around the names are ASCII, because one character beyond GSM-7 halves the length of an SMS. The names are not cut.
// Alerts of several series of one monitor have the labels of their series in the title, unless the name of the monitor
// has the value of a label.
func (a Alert) Title() string {
	switch a.Event {
	case "", EventAlert:
		return "[" + a.StatusLabel() + "] " + a.subject()
	case EventAlertGroup:
		return "[" + a.StatusLabel() + "] " + oneline.Of(a.groupName())
	case EventDigest:
		if status := a.StatusLabel(); status != "" {
			return "[" + status + "] " + a.digestCount()
		}
		return a.digestCount()
	case EventHostStatus:
		return oneline.Of("Host " + a.hostName() + a.hostChange() + a.byUser())
	case EventHostRegister:
		return oneline.Of("Host " + a.hostName() + " registered" + a.byUser())
	case EventHostRetire:
		return oneline.Of("Host " + a.hostName() + " retired" + a.byUser())
	case EventMonitorCreate:
		return oneline.Of("Monitor " + a.monitorName() + " created" + a.byUser() + a.muted())
	case EventMonitorUpdate:
		return oneline.Of("Monitor " + a.monitorName() + " updated" + a.byUser() + a.muted())
	case EventMonitorDelete:
		return oneline.Of("Monitor " + a.monitorName() + " deleted" + a.byUser() + a.muted())
	case EventSample:
		return "Test notification"
	}
	return oneline.Of("Event " + string(a.Event))
}

// subject names in one line what an alert is about: the monitor by its name, or the first line of the message, or the
// monitor's ID. Alerts of the API have no name of a monitor. The host or the labels of the series follow.
func (a Alert) subject() string {
	name := oneline.Of(a.Monitor.Name)
	if name == "" {
		first, _, _ := strings.Cut(strings.TrimSpace(a.Message), "\n")
		name = cmp.Or(oneline.Of(first), oneline.Of(a.Monitor.ID), "alert")
	}
	if host := oneline.Of(a.hostName()); host != "" {
		return name + " on " + host
	}
	if series := a.Metric.Series(); series != "" && !a.Metric.namedBy(name) {
		return name + " (" + series + ")"
	}
	return name
}

// namedBy reports whether a name has the value of a label as a word. The name of a query monitor may have labels in it,
// which Mackerel fills in.
func (m *Metric) namedBy(name string) bool {
	for _, value := range m.Labels {
		if value != "" && hasWord(name, value) {
			return true
		}
	}
	return false
}

func hasWord(s, word string) bool {
	for from := 0; ; from++ {
		at := strings.Index(s[from:], word)
		if at < 0 {
			return false
		}
		from += at
		last, _ := utf8.DecodeLastRuneInString(s[:from])
		next, _ := utf8.DecodeRuneInString(s[from+len(word):])
		if !inWord(last) && !inWord(next) {
			return true
		}
	}
}

// inWord reports whether r belongs to the same word as a letter beside it. Japanese has no blanks between words.
func inWord(r rune) bool { return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

func (a Alert) monitorName() string { return cmp.Or(a.Monitor.Name, a.Monitor.ID) }

func (a Alert) hostName() string {
	if a.Host == nil {
		return ""
	}
	return cmp.Or(a.Host.Name, a.Host.ID)
}

// hostChange follows the host's name in a title: ": working -> maintenance", or what is known of it.
func (a Alert) hostChange() string {
	switch {
	case a.Host == nil || a.Host.Status == "":
		return " status changed"
	case a.Host.FromStatus == "":
		return ": " + a.Host.Status
	}
	return ": " + a.Host.FromStatus + " -> " + a.Host.Status
}

func (a Alert) groupName() string {
	if a.Group == nil || a.Group.Name == "" {
		return "alert group"
	}
	return "alert group " + a.Group.Name
}

func (a Alert) byUser() string {
	if a.User == nil || a.User.ScreenName == "" {
		return ""
	}
	return " by " + a.User.ScreenName
}

func (a Alert) muted() string {
	if !a.Monitor.Muted {
		return ""
	}
	return " (muted)"
}
