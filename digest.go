package mackerel

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Digest returns one alert that stands for several, for chats and mail: how many alerts there are of each status, which
// monitors and hosts they are about, and when they opened. Its Event is [EventDigest], its Alerts are the alerts, its
// Status is the worst of theirs (critical, warning, unknown, ok), and its URL is the common start of their URLs.
// Digests among the alerts are replaced by their alerts.
//
// The digest of a single alert is that alert, and the digest of none is the zero Alert. Services that keep incidents
// skip a digest, because each alert has to open and close under a key of its own.
func Digest(alerts []Alert) Alert {
	all := undigested(alerts)
	switch len(all) {
	case 0:
		return Alert{}
	case 1:
		return all[0]
	}
	d := Alert{Event: EventDigest, Alerts: all, Org: all[0].Org, URL: commonURL(all)}
	for _, a := range all {
		if a.Org != d.Org {
			d.Org = ""
		}
		if !a.OpenedAt.IsZero() && (d.OpenedAt.IsZero() || a.OpenedAt.Before(d.OpenedAt)) {
			d.OpenedAt = a.OpenedAt
		}
		d.ClosedAt = later(d.ClosedAt, a.ClosedAt)
		d.ChangedAt = later(d.ChangedAt, a.ChangedAt)
	}
	for _, status := range [...]Status{StatusCritical, StatusWarning, StatusUnknown, StatusOK} {
		if slices.ContainsFunc(all, func(a Alert) bool { return a.StatusLabel() == status.Label() }) {
			d.Status = status
			break
		}
	}
	switch open := slices.ContainsFunc(all, func(a Alert) bool { return !a.Closed() }); {
	case open:
		d.ClosedAt = time.Time{}
	case d.Status == "":
		d.Status = StatusOK // all were closed by something other than their monitors
	}
	return d
}

// undigested returns the alerts in a list of its own, with the alerts of a digest in place of the digest.
func undigested(alerts []Alert) []Alert {
	all := make([]Alert, 0, len(alerts))
	for _, a := range alerts {
		if a.Event == EventDigest {
			all = append(all, undigested(a.Alerts)...)
			continue
		}
		all = append(all, a)
	}
	return all
}

func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t
}

// commonURL returns the common start of the URLs, up to a slash: for alerts of one organization, the page that lists
// its alerts. It is "" if they have no more in common than a server.
func commonURL(alerts []Alert) string {
	common := alerts[0].URL
	for _, a := range alerts[1:] {
		n := 0
		for n < min(len(common), len(a.URL)) && common[n] == a.URL[n] {
			n++
		}
		if n < len(common) || n < len(a.URL) {
			n = strings.LastIndexByte(common[:n], '/') + 1
		}
		common = common[:n]
	}
	_, path, _ := strings.Cut(common, "://")
	if _, path, _ = strings.Cut(path, "/"); path == "" {
		return ""
	}
	return strings.TrimSuffix(common, "/")
}

// A StatusCount is how many alerts have a status.
type StatusCount struct {
	Label string // as [Alert.StatusLabel] returns it; "" for events without a status
	Count int
}

// Tally counts the alerts of a digest by their status, the worst status first. Statuses that this package does not know
// and events without a status come last.
func (a Alert) Tally() []StatusCount {
	tally := []StatusCount{{Label: "CRITICAL"}, {Label: "WARNING"}, {Label: "UNKNOWN"}, {Label: "OK"}, {Label: "CLOSED"}}
	events := 0
	for _, one := range a.Alerts {
		label := one.StatusLabel()
		i := slices.IndexFunc(tally, func(c StatusCount) bool { return c.Label == label })
		switch {
		case label == "":
			events++
		case i < 0:
			tally = append(tally, StatusCount{label, 1})
		default:
			tally[i].Count++
		}
	}
	tally = append(tally, StatusCount{"", events})
	return slices.DeleteFunc(tally, func(c StatusCount) bool { return c.Count == 0 })
}

// digestCount says how many alerts a digest has: "37 alerts: 12 CRITICAL, 20 WARNING, 2 UNKNOWN, 3 OK".
func (a Alert) digestCount() string {
	var counts []string
	for _, c := range a.Tally() {
		counts = append(counts, strconv.Itoa(c.Count)+" "+cmp.Or(c.Label, "of other events"))
	}
	title := strconv.Itoa(len(a.Alerts)) + " alerts"
	if counts == nil {
		return title
	}
	return title + ": " + strings.Join(counts, ", ")
}

// digestKey returns the key of a digest: the same if the same alerts are in the same states.
func (a Alert) digestKey() string {
	parts := make([]string, 0, 1+2*len(a.Alerts))
	parts = append(parts, string(EventDigest))
	for _, one := range a.Alerts {
		parts = append(parts, one.Key(), string(one.Status.Fold()))
	}
	return hashKey(parts...)
}
