package route

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// A Rule says which alerts a notifier is told. An alert matches if it matches each field that is set; of a list, it is
// enough to match one entry. Names are compared as they are, in upper and lower case.
type Rule struct {
	Events   []mackerel.Event  `json:"events,omitzero"`   // the event of an alert is EventAlert
	Statuses []mackerel.Status `json:"statuses,omitzero"` // in any case; events without a status do not match
	Monitors []string          `json:"monitors,omitzero"` // names or ids
	Services []string          `json:"services,omitzero"` // of the host's roles, or of the monitor
	Roles    []string          `json:"roles,omitzero"`    // "Shop: app"; the blank may be missing
	Hosts    []string          `json:"hosts,omitzero"`    // names or ids
	Labels   map[string]string `json:"labels,omitzero"`   // of the series of a query monitor; all must be there
	// Func is for everything else. It may be nil.
	Func func(mackerel.Alert) bool `json:"-"`
}

// Match returns a notifier that passes on the alerts that match the rule. Other alerts are skipped; Skipped of the
// receipt says which field does not match. A [mackerel.Digest] becomes a digest of the alerts that match. The rule is
// copied.
//
// A status that this version does not know is refused, because it is a slip more often than a new status. For a new
// status, use Func.
func Match(n mackerel.Notifier, rule Rule) (*Notifier, error) {
	var problems []string
	if rule.empty() {
		problems = append(problems, "rule: empty, so that every alert would match")
	}
	problems = append(problems, rule.problems()...)
	rule = rule.clone()
	return wrap(filtered(n, rule.mismatch, rule.mismatch), "match", problems...)
}

func (r Rule) empty() bool {
	lists := len(r.Events) + len(r.Statuses) + len(r.Monitors) + len(r.Services) + len(r.Roles) + len(r.Hosts)
	return lists+len(r.Labels) == 0 && r.Func == nil
}

// problems lists the statuses that no alert has.
func (r Rule) problems() (all []string) {
	for _, s := range r.Statuses {
		switch s.Fold() {
		case mackerel.StatusOK, mackerel.StatusWarning, mackerel.StatusCritical, mackerel.StatusUnknown:
		default:
			all = append(all, "Statuses: "+strconv.Quote(string(s))+" is not ok, warning, critical or unknown")
		}
	}
	return all
}

func (r Rule) clone() Rule {
	r.Events, r.Statuses, r.Monitors = slices.Clone(r.Events), slices.Clone(r.Statuses), slices.Clone(r.Monitors)
	r.Services, r.Roles, r.Hosts = slices.Clone(r.Services), slices.Clone(r.Roles), slices.Clone(r.Hosts)
	r.Labels = maps.Clone(r.Labels)
	return r
}

// Matches reports whether an alert matches the rule.
func (r Rule) Matches(a mackerel.Alert) bool { return r.mismatch(a) == "" }

// mismatch says which field does not match, "" if all do.
func (r Rule) mismatch(a mackerel.Alert) string {
	host := a.Host
	if host == nil {
		host = new(mackerel.Host)
	}
	var roles []string
	for _, role := range host.Roles {
		full := role.FullName
		if role.Service != "" && role.Name != "" {
			full = role.Service + ":" + role.Name
		}
		roles = append(roles, withoutBlank(full))
	}
	var statuses []mackerel.Status
	if a.StatusLabel() != "" {
		statuses = append(statuses, a.Status.Fold())
	}
	switch {
	case misses(r.Events, cmp.Or(a.Event, mackerel.EventAlert)):
		return "another event"
	case misses(folded(r.Statuses), statuses...):
		return "another status"
	case misses(r.Monitors, a.Monitor.Name, a.Monitor.ID):
		return "another monitor"
	case len(r.Services) > 0 && !slices.ContainsFunc(r.Services, func(s string) bool { return services(a)[s] }):
		return "another service"
	case misses(withoutBlanks(r.Roles), roles...):
		return "another role"
	case misses(r.Hosts, host.Name, host.ID):
		return "another host"
	case !hasLabels(a.Metric, r.Labels):
		return "other labels"
	case r.Func != nil && !r.Func(a):
		return "Func returned false"
	}
	return ""
}

// misses reports whether a list is set and has no entry that is among the values.
func misses[T ~string](list []T, values ...T) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(entry T) bool { return entry != "" && slices.Contains(values, entry) })
}

func folded(statuses []mackerel.Status) []mackerel.Status {
	all := make([]mackerel.Status, len(statuses))
	for i, s := range statuses {
		all[i] = s.Fold()
	}
	return all
}

// withoutBlank returns the name of a role as the API has it: "Shop:app".
func withoutBlank(role string) string { return strings.Replace(role, ": ", ":", 1) }

func withoutBlanks(roles []string) []string {
	all := make([]string, len(roles))
	for i, r := range roles {
		all[i] = withoutBlank(r)
	}
	return all
}

func hasLabels(m *mackerel.Metric, labels map[string]string) bool {
	for name, value := range labels {
		if m == nil {
			return false
		}
		if has, ok := m.Labels[name]; !ok || has != value {
			return false
		}
	}
	return true
}

// filtered returns a notifier that skips alerts, and says why. Preview asks show, which remembers nothing.
func filtered(n mackerel.Notifier, skip, show func(mackerel.Alert) string) Notifier {
	return Notifier{
		inner: n,
		rule: func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) (mackerel.Receipt, error) {
			a, why := pass(a, skip)
			if why != "" {
				return mackerel.Receipt{Skipped: why}, nil
			}
			return deliver(ctx, a, n)
		},
		show: func(a mackerel.Alert) (mackerel.Alert, string) { return pass(a, show) },
	}
}

// pass returns an alert that is not skipped, or says why it is. Of a digest it returns a digest of the alerts that are
// not skipped. If all are skipped, it says why the last is.
func pass(digest mackerel.Alert, skip func(mackerel.Alert) string) (passed mackerel.Alert, why string) {
	if digest.Event != mackerel.EventDigest {
		return digest, skip(digest)
	}
	var left []mackerel.Alert
	for _, a := range digest.Alerts {
		if reason := skip(a); reason != "" {
			why = reason
			continue
		}
		left = append(left, a)
	}
	switch len(left) {
	case 0:
		return digest, cmp.Or(why, "a digest of no alerts")
	case len(digest.Alerts):
		return digest, ""
	}
	return mackerel.Digest(left), ""
}
