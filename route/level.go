package route

import (
	"sync"

	"github.com/mackerel-notify/mackerel"
)

// Level returns a notifier that applies Mackerel's full rule for the level of a notification group. At
// [mackerel.LevelCritical] it passes on the statuses critical and unknown, it leaves out warnings, and it passes on a
// recovery only if the alert was critical or unknown before. Events that are no alerts are passed on at every level.
//
// The Level of a notifier's Config has no memory, and so sends every recovery. This notifier remembers in the process
// whether an alert was critical, for the last 100,000 alerts, by their [mackerel.Alert.Key]. The recovery of an alert
// that it does not know is passed on: after a restart, a recovery too many is better than an incident that stays open.
func Level(n mackerel.Notifier, level mackerel.Level) (*Notifier, error) {
	var problems []string
	switch level {
	case mackerel.LevelAll, mackerel.LevelCritical:
	default:
		problems = append(problems, "level: must be all or critical")
	}
	if level != mackerel.LevelCritical {
		return wrap(Notifier{inner: n, rule: passOn}, "level", problems...)
	}
	s := severe{critical: newMemory[bool](maxRemembered)}
	return wrap(filtered(n, s.skip, s.show), "level", problems...)
}

// opened reports whether an alert has the status with which it opened. If it has a time of opening and no time of the
// change, that is not known.
func opened(a mackerel.Alert) bool {
	return a.ChangedAt.Equal(a.OpenedAt) || !a.ChangedAt.IsZero() && a.ChangedAt.Before(a.OpenedAt)
}

// severe remembers which alerts were critical or unknown.
type severe struct {
	mu       sync.Mutex
	critical *memory[bool]
}

// skip says why an alert is not told at the level critical, and remembers its status.
func (s *severe) skip(a mackerel.Alert) string { return s.ask(a, s.critical.set) }

// show is skip for a preview, which remembers nothing.
func (s *severe) show(a mackerel.Alert) string { return s.ask(a, func(string, bool) {}) }

func (s *severe) ask(a mackerel.Alert, set func(key string, critical bool)) string {
	if a.StatusLabel() == "" {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := a.Key()
	was, known := s.critical.get(key)
	switch a.Status.Fold() {
	case mackerel.StatusOK:
		if known && !was {
			return "a recovery, and the alert was never critical"
		}
	case mackerel.StatusWarning:
		if !known && opened(a) {
			set(key, false)
		}
		return "a warning, and the level is critical only"
	default:
		set(key, true)
	}
	return ""
}
