package provider

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Content is an alert in words: the same fields in the same order on every service. What an alert does not have is
// empty.
type Content struct {
	Title   string          // one line, with the status in front
	Message string          // as Mackerel or the caller wrote it
	Facts   []mackerel.Fact // labelled lines, in the order they are shown
	Memo    mackerel.Fact   // what goes first if there is not enough room
	URL     string
	Graph   mackerel.Fact // the address of the graph, labelled for services that show no images
}

// maxFacts is how many facts Words adds to those of the alert, with the graph that a service may add.
const maxFacts = 12

// Words puts an alert into words.
func Words(a mackerel.Alert, t mackerel.Text) Content {
	w := writer{labels: labelsOf(t.Language), loc: t.Location, facts: make([]mackerel.Fact, 0, maxFacts+len(a.Facts))}
	if w.loc == nil {
		w.loc = time.Local
	}
	w.metric(a)
	w.facts = append(w.facts, a.Facts...)
	w.target(a)
	w.times(a)
	w.person(a)
	w.add(w.labels.organization, a.Org)
	c := Content{
		Title: a.Title(), Message: strings.TrimSpace(a.Message), Facts: w.facts, URL: a.URL,
		Memo: fact(w.labels.memo, strings.TrimSpace(memo(a))), Graph: fact(w.labels.graph, a.ImageURL),
	}
	if title, ok := strings.CutSuffix(c.Title, c.Message); ok && a.Monitor.Name == "" && strings.HasSuffix(title, "] ") {
		c.Message = "" // it is the title already
	}
	return c
}

// StatusLabel is the label of the status, for services that show it apart from the title.
func StatusLabel(t mackerel.Text) string { return labelsOf(t.Language).status }

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

// writer collects the facts of one alert.
type writer struct {
	labels *labels
	loc    *time.Location
	facts  []mackerel.Fact
}

func (w *writer) add(label, value string) {
	if value != "" {
		w.facts = append(w.facts, mackerel.Fact{Label: label, Value: value})
	}
}

// metric reads "cpu% 96.5 > 90": the threshold is the one that the status says was passed, none for ok.
func (w *writer) metric(a mackerel.Alert) {
	m := a.Metric
	if m == nil || m.Value == nil {
		return // a name without a value says nothing
	}
	text := m.Label + " " + Number(*m.Value)
	if limit := threshold(a); limit != nil && m.Operator != "" {
		text += " " + m.Operator + " " + Number(*limit)
	}
	w.add(w.labels.metric, strings.TrimSpace(text))
}

func threshold(a mackerel.Alert) *float64 {
	switch a.Status.Fold() {
	case mackerel.StatusWarning:
		return a.Metric.Warning
	case mackerel.StatusCritical:
		return a.Metric.Critical
	case mackerel.StatusOK, mackerel.StatusUnknown:
	}
	return nil
}

// Number writes a measured value without an exponent or needless zeros.
func Number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// target says what the alert is about: host, roles, service.
func (w *writer) target(a mackerel.Alert) {
	if h := a.Host; h != nil {
		name := cmp.Or(h.Name, h.ID)
		if name != "" && h.Status != "" {
			name += " (" + h.Status + ")"
		}
		w.add(w.labels.host, name)
		w.add(w.labels.role, roles(h.Roles))
	}
	if a.Service != nil {
		w.add(w.labels.service, a.Service.Name)
	}
}

func roles(all []mackerel.Role) string {
	var names []string
	for _, r := range all {
		names = append(names, cmp.Or(r.FullName, r.Name))
	}
	return Join(", ", names...)
}

// times says when it opened, and when and after how long it closed.
func (w *writer) times(a mackerel.Alert) {
	w.add(w.labels.opened, w.time(a.OpenedAt))
	closed := w.time(a.ClosedAt)
	if closed != "" && a.ClosedAt.After(a.OpenedAt) && !a.OpenedAt.IsZero() {
		closed += " (" + w.labels.duration(a.ClosedAt.Sub(a.OpenedAt)) + ")"
	}
	w.add(w.labels.closed, closed)
}

// timeLayout shows the offset, so that nobody has to know where the message was written.
const timeLayout = "2006-01-02 15:04:05 -07:00"

func (w *writer) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(w.loc).Format(timeLayout)
}

// person says who did it and why. The everyday trigger is not worth a line.
func (w *writer) person(a mackerel.Alert) {
	if a.User != nil {
		w.add(w.labels.user, a.User.ScreenName)
	}
	if a.Trigger != "monitor" && a.Trigger != "monitoring" {
		w.add(w.labels.trigger, a.Trigger)
	}
	w.add(w.labels.reason, a.Reason)
}

// labels are the words of one language.
type labels struct {
	metric, host, role, service, opened, closed, user, trigger, reason, organization, memo, graph, status string
	day, hour, minute, second, gap                                                                        string
}

var (
	english = &labels{
		metric: "Metric", host: "Host", role: "Role", service: "Service", opened: "Opened", closed: "Closed",
		user: "By", trigger: "Trigger", reason: "Reason", organization: "Organization", memo: "Memo", graph: "Graph", status: "Status",
		day: "d", hour: "h", minute: "m", second: "s", gap: " ",
	}
	japanese = &labels{
		metric: "メトリック", host: "ホスト", role: "ロール", service: "サービス", opened: "発生", closed: "終了",
		user: "操作者", trigger: "契機", reason: "理由", organization: "オーガニゼーション", memo: "メモ", graph: "グラフ", status: "ステータス",
		day: "日", hour: "時間", minute: "分", second: "秒", gap: "",
	}
)

func labelsOf(l mackerel.Language) *labels {
	if l == mackerel.Japanese {
		return japanese
	}
	return english
}

// duration writes the largest unit and the next: "2d 3h", "5m 10s", "40s".
func (l *labels) duration(d time.Duration) string {
	s := int64(d / time.Second)
	parts := []struct {
		n    int64
		unit string
	}{{s / 86400, l.day}, {s / 3600 % 24, l.hour}, {s / 60 % 60, l.minute}, {s % 60, l.second}}
	first := 0
	for first < len(parts)-1 && parts[first].n == 0 {
		first++
	}
	words := strconv.FormatInt(parts[first].n, 10) + parts[first].unit
	if first+1 < len(parts) && parts[first+1].n > 0 {
		words += l.gap + strconv.FormatInt(parts[first+1].n, 10) + parts[first+1].unit
	}
	return words
}
