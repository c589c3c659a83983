package provider

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// How much of a digest is shown: lines, and names in each.
const (
	maxGroups = 8
	maxNames  = 3
)

// japaneseCount says how many alerts a digest has.
func (w *writer) japaneseCount(a mackerel.Alert) string {
	var counts []string
	for _, c := range a.Tally() {
		counts = append(counts, cmp.Or(c.Label, "その他のイベント")+" "+strconv.Itoa(c.Count))
	}
	return Join(": ", "アラート"+strconv.Itoa(len(a.Alerts))+"件", Join("、", counts...))
}

// A group is a line of a digest: the alerts of one status that one monitor has on several hosts, or those without a
// host.
type group struct {
	status, monitor string // monitor is "" for alerts without a host
	names           []string
	count           int
}

// digest writes the alerts of a digest: grouped by status and monitor, the worst first, then the largest.
func (w *writer) digest(a mackerel.Alert) {
	groups := w.groupsOf(a)
	for _, g := range groups[:min(len(groups), maxGroups)] {
		w.line(w.group(g))
	}
	if len(groups) > maxGroups {
		rest := 0
		for _, g := range groups[maxGroups:] {
			rest += g.count
		}
		w.line(w.pick("and "+strconv.Itoa(rest)+" more", "ほか"+strconv.Itoa(rest)+"件"))
	}
	w.line(strings.TrimSpace(a.Message))
	w.facts = append(w.facts, a.Facts...)
	w.add(w.labels.opened, w.period(a))
	w.add(w.labels.organization, a.Org)
}

// groupsOf returns the lines of a digest. The titles of events and alert groups follow the language.
func (w *writer) groupsOf(a mackerel.Alert) []*group {
	var groups []*group
	at := make(map[[2]string]*group)
	for _, one := range a.Alerts {
		key := [2]string{one.StatusLabel(), ""}
		name := withoutStatus(w.title(one, key[0]), key[0])
		if host := hostOf(one); host != "" && key[0] != "" && one.Monitor.Name != "" {
			key[1], name = oneline.Of(one.Monitor.Name), oneline.Of(host)
		}
		g := at[key]
		if g == nil {
			g = &group{status: key[0], monitor: key[1]}
			at[key] = g
			groups = append(groups, g)
		}
		if g.count++; len(g.names) < maxNames {
			g.names = append(g.names, name)
		}
	}
	order := make(map[string]int)
	for i, c := range a.Tally() {
		order[c.Label] = i
	}
	slices.SortStableFunc(groups, func(x, y *group) int {
		return cmp.Or(cmp.Compare(order[x.status], order[y.status]), cmp.Compare(y.count, x.count))
	})
	return groups
}

func hostOf(a mackerel.Alert) string {
	if a.Host == nil {
		return ""
	}
	return cmp.Or(a.Host.Name, a.Host.ID)
}

// group writes "CRITICAL connectivity on db01, db02, db03 and 9 more".
func (w *writer) group(g *group) string {
	names := strings.Join(g.names, w.labels.list)
	if more := g.count - len(g.names); more > 0 {
		names += w.pick(" and "+strconv.Itoa(more)+" more", "、ほか"+strconv.Itoa(more)+"件")
	}
	if g.monitor != "" {
		names = g.monitor + w.pick(" on ", ": ") + names
	}
	return Join(" ", g.status, names)
}

// period says when the first and the last alert of a digest opened.
func (w *writer) period(a mackerel.Alert) string {
	var from, to time.Time
	for _, one := range a.Alerts {
		if t := one.OpenedAt; !t.IsZero() {
			if from.IsZero() || t.Before(from) {
				from = t
			}
			if t.After(to) {
				to = t
			}
		}
	}
	start := w.time(from)
	if start == "" {
		return ""
	}
	if end := w.time(to); !strings.Contains(start, " "+end+" ") { // the same minute
		return start + w.pick(" to ", " 〜 ") + end
	}
	return start
}
