package provider

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// Content is an alert in words: the same fields in the same order on every service. What an alert does not have is
// empty. Each thing is said once.
type Content struct {
	Status  string          // OK, WARNING, CRITICAL, UNKNOWN or CLOSED; "" for events without a status
	Subject string          // one line: what the alert is about, or the whole title of an event without a status
	Title   string          // one line: the status in brackets and the subject
	Text    string          // lines; the first says how bad it is
	Brief   string          // the first line of Text without what stands in brackets at its end
	Facts   []mackerel.Fact // labelled lines, in the order they are shown
	Memo    mackerel.Fact   // while the alert is open
	URL     string
	Graph   mackerel.Fact // the address of the graph, labelled for services that show no images
}

// maxFacts is how many facts Words usually adds to those of the alert, with the graph that a service may add.
const maxFacts = 12

// Words puts an alert into words.
func Words(a mackerel.Alert, t mackerel.Text) Content {
	w := newWriter(t)
	w.facts = make([]mackerel.Fact, 0, maxFacts+len(a.Facts))
	c := Content{
		Status: a.StatusLabel(), URL: Address(a.URL), Graph: fact(w.labels.graph, Address(a.ImageURL)),
	}
	c.Title = w.title(a, c.Status)
	c.Subject = withoutStatus(c.Title, c.Status)
	switch {
	case a.Event == mackerel.EventDigest:
		w.digest(a)
	case c.Status != "":
		w.alert(a, c.Status)
	default:
		w.event(a)
	}
	c.Text, c.Brief, c.Facts = strings.Join(w.lines, "\n"), cmp.Or(w.brief, firstOf(w.lines)), w.facts
	if memo := strings.TrimSpace(memo(a)); c.Status == "" || !a.Closed() {
		c.Memo = fact(w.labels.memo, memo)
	}
	return c
}

// fact is empty without a value.
func fact(label, value string) mackerel.Fact {
	if value == "" {
		return mackerel.Fact{}
	}
	return mackerel.Fact{Label: label, Value: value}
}

func memo(a mackerel.Alert) string {
	if a.Monitor.Memo == "" && a.Group != nil {
		return a.Group.Memo
	}
	return a.Monitor.Memo
}

func firstOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// A writer collects the lines and facts of one alert.
type writer struct {
	labels   *labels
	japanese bool
	loc      *time.Location
	first    time.Time // the first time of the message
	lines    []string
	brief    string // of the first line, if it differs
	facts    []mackerel.Fact
}

func newWriter(t mackerel.Text) writer {
	w := writer{labels: labelsOf(t.Language), japanese: t.Language == mackerel.Japanese, loc: t.Location}
	if w.loc == nil {
		w.loc = time.Local
	}
	return w
}

func (w *writer) add(label, value string) { w.link(label, value, "") }

// link adds a fact whose value is a link.
func (w *writer) link(label, value, address string) {
	if value != "" {
		w.facts = append(w.facts, mackerel.Fact{Label: label, Value: value, URL: Address(address)})
	}
}

// line adds a line, unless it is empty.
func (w *writer) line(s string) {
	if s != "" {
		w.lines = append(w.lines, s)
	}
}

// in puts what is not empty into brackets, behind a text.
func (w *writer) in(before string, all ...string) string {
	inner := Join(w.labels.list, all...)
	if inner == "" {
		return before
	}
	return before + w.labels.bracket + inner + w.labels.endBracket
}

// title returns the title. Those of alerts are the same in all languages.
func (w *writer) title(a mackerel.Alert, status string) string {
	var title string
	if w.japanese {
		title = oneline.Of(w.japaneseTitle(a))
	}
	switch {
	case title == "":
		return a.Title()
	case status == "":
		return title
	}
	return "[" + status + "] " + title
}

// withoutStatus returns a title without its status.
func withoutStatus(title, status string) string {
	if status == "" {
		return title
	}
	return strings.TrimPrefix(title, "["+status+"] ")
}

// alert writes an alert or an alert group.
func (w *writer) alert(a mackerel.Alert, status string) {
	f := w.firstLine(a, status)
	w.line(f.line)
	w.brief = f.brief
	if !a.Closed() {
		w.line(w.state(a, status))
	}
	w.line(f.rest)
	w.add(w.labels.reason, strings.TrimSpace(a.Reason))
	if !f.measured {
		w.metric(a)
	}
	w.facts = append(w.facts, a.Facts...)
	w.target(a)
	if series := a.Metric.Series(); series != "" && !strings.Contains(a.Title(), "("+series+")") {
		w.add(w.labels.labels, series)
	}
	if f.measured {
		w.metricName(a)
	}
	w.add(w.labels.opened, w.time(a.OpenedAt))
	if a.Closed() {
		w.add(w.labels.closed, w.time(a.ClosedAt))
	}
	w.person(a, status)
	w.add(w.labels.lastState, f.last)
	w.add(w.labels.organization, a.Org)
}

// target says what the alert is about: host, roles, service.
func (w *writer) target(a mackerel.Alert) {
	if h := a.Host; h != nil {
		name := cmp.Or(h.Name, h.ID)
		if name != "" && h.Status != "" && h.Status != "working" {
			name += " (" + h.Status + ")"
		}
		w.link(w.labels.host, name, h.URL)
		w.place(h)
	}
	if a.Service != nil {
		w.link(w.labels.service, a.Service.Name, serviceURL(a))
	}
}

// place adds the roles and the memo of a host.
func (w *writer) place(h *mackerel.Host) {
	for _, r := range h.Roles {
		w.link(w.labels.role, cmp.Or(r.FullName, r.Name), r.URL)
	}
	w.add(w.labels.hostMemo, strings.TrimSpace(h.Memo))
}

// serviceURL returns the page of the service: as a role of the service has it, or beside the page of the alert.
// Mackerel's pages are https://mackerel.io/orgs/<organization>/services/<service> and .../alerts/<alert>.
func serviceURL(a mackerel.Alert) string {
	for _, r := range a.Service.Roles {
		if r.ServiceURL != "" && (r.Service == "" || r.Service == a.Service.Name) {
			return r.ServiceURL
		}
	}
	if org, _, found := strings.Cut(a.URL, "/alerts/"); found && isMackerels(org) && serviceName.MatchString(a.Service.Name) {
		return org + "/services/" + a.Service.Name
	}
	return ""
}

// serviceName is the form of a service's name in Mackerel.
var serviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{1,62}$`)

// person says who did it, unless a line has said it, and what made the status change, unless that is the monitor.
func (w *writer) person(a mackerel.Alert, status string) {
	if status == "CLOSED" {
		return
	}
	if a.User != nil {
		w.add(w.labels.user, a.User.ScreenName)
	}
	if !slices.Contains([]string{"monitor", "monitoring"}, a.Trigger) {
		w.add(w.labels.trigger, a.Trigger)
	}
}
