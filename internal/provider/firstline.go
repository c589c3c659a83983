package provider

import (
	"cmp"
	"math"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// A headline is what an alert says first, and what that leaves of its message.
type headline struct {
	line     string // how bad it is, in numbers or in the words of the check
	brief    string // the line without what stands in brackets at its end; "" if that is the same
	rest     string // of the message, below the line
	measured bool   // the line has the metric's value, or there is no value
	last     string // the state before something other than the monitor closed the alert
}

// firstLine returns what an alert says first. The text of a failure never leads an alert that is over.
func (w *writer) firstLine(a mackerel.Alert, status string) headline {
	message := ownMessage(a)
	f := headline{measured: a.Metric == nil || a.Metric.Value == nil}
	switch {
	case status == "CLOSED":
		f.line, f.last = w.closing(a), w.lastState(a, message)
		f.measured = true
	case a.Event == mackerel.EventAlertGroup && message == "":
		f.line = w.groupLine(a)
	case a.Closed():
		w.recovered(a, message, &f)
	case !f.measured && (message == "" || isMetricMessage(a, message)):
		value, notes := w.measured(a)
		f.line, f.brief, f.measured = w.in(value, notes...), value, true
	default:
		f.line, f.rest = cutLine(w.failure(a, message))
	}
	return f
}

// ownMessage returns the message without what the title says: the name of the monitor in front of a check's output, or
// the line that is the title.
func ownMessage(a mackerel.Alert) string {
	message := strings.TrimSpace(a.Message)
	name := strings.TrimSpace(a.Monitor.Name)
	if name == "" && a.Event != mackerel.EventAlertGroup {
		_, rest := cutLine(message)
		return strings.TrimSpace(rest)
	}
	if rest, found := strings.CutPrefix(message, name); found && name != "" && strings.HasPrefix(rest, " - ") {
		return strings.TrimSpace(rest[len(" - "):])
	}
	return message
}

// cutLine returns the first line of a text and the rest.
func cutLine(text string) (first, rest string) {
	i := len(text)
	for _, end := range []byte{'\n', '\r'} { // many times faster than IndexAny
		if at := strings.IndexByte(text[:i], end); at >= 0 {
			i = at
		}
	}
	if i == len(text) {
		return text, ""
	}
	return strings.TrimRight(text[:i], " \t"), strings.TrimLeft(text[i:], "\r\n")
}

// isMetricMessage reports whether a message is what Mackerel writes for a metric, and nothing more: the name of the
// monitor or of the metric, the value, and the threshold that it passed. "backup failed" of the monitor "backup" is
// not.
func isMetricMessage(a mackerel.Alert, message string) bool {
	_, short, _ := strings.Cut(a.Monitor.Name, " - ") // Mackerel names monitors of a service "Shop - orders"
	for _, name := range [...]string{a.Monitor.Name, a.Metric.Label, short} {
		if rest, found := strings.CutPrefix(message, strings.TrimSpace(name)+" "); found && name != "" && isMeasurement(rest) {
			return true
		}
	}
	return false
}

// isMeasurement reports whether a text is a number, or two numbers with < or > between them.
func isMeasurement(s string) bool {
	left, comparison, compared := strings.Cut(s, " ")
	if !compared {
		return isNumber(left)
	}
	operator, right, _ := strings.Cut(comparison, " ")
	return isNumber(left) && (operator == ">" || operator == "<") && isNumber(right)
}

func isNumber(s string) bool {
	digits := strings.Trim(strings.ToLower(s), "0123456789.e+-")
	return digits == "" && strings.ContainsAny(s, "0123456789")
}

// measured returns a metric's value and the threshold that it passed, and for the brackets behind it: over how many
// points the value is an average, and the thresholds that are still to come.
func (w *writer) measured(a mackerel.Alert) (value string, notes []string) {
	m, in := a.Metric, measureOfAlert(a)
	own, average := thresholdOf(a), w.average(a.Monitor.Type, m.Duration)
	critical := w.threshold(a, m.Critical, "critical")
	switch {
	case own == nil || m.Operator == "" || !holds(*m.Value, m.Operator, *own):
		return in.number(*m.Value), []string{average, w.threshold(a, m.Warning, "warning"), critical}
	case a.Status.Fold() == mackerel.StatusWarning:
		return in.compare(*m.Value, m.Operator, *own), []string{average, critical}
	}
	return in.compare(*m.Value, m.Operator, *own), []string{average}
}

// thresholdOf returns the threshold that the status says was passed.
func thresholdOf(a mackerel.Alert) *float64 {
	switch a.Status.Fold() {
	case mackerel.StatusWarning:
		return a.Metric.Warning
	case mackerel.StatusCritical:
		return a.Metric.Critical
	case mackerel.StatusOK, mackerel.StatusUnknown:
	}
	return nil
}

// threshold names a threshold that is not passed: "critical > 90%".
func (w *writer) threshold(a mackerel.Alert, limit *float64, name string) string {
	if limit == nil || a.Metric.Operator == "" {
		return ""
	}
	return w.condition(name) + " " + a.Metric.Operator + " " + measureOfAlert(a).number(*limit)
}

// condition is Mackerel's word for a threshold.
func (w *writer) condition(name string) string {
	if !w.japanese {
		return name
	}
	return map[string]string{"warning": "Warning条件", "critical": "Critical条件"}[name]
}

// average says over how many points a value is an average, for external monitors over how many minutes. A single point
// is not said.
func (w *writer) average(kind string, n int) string {
	switch {
	case n <= 1:
		return ""
	case kind == "external":
		return number(float64(n), 0) + w.pick("-minute average", "分平均")
	}
	return number(float64(n), 0) + w.pick("-point average", "点平均")
}

// unreachable is the message of connectivity monitors.
const unreachable = "unreachable"

func isUnreachable(a mackerel.Alert, message string) bool {
	return a.Monitor.Type == "connectivity" && message == unreachable
}

// failure returns the message of an open alert, in plainer words where Mackerel's own are short.
func (w *writer) failure(a mackerel.Alert, message string) string {
	if isUnreachable(a, message) {
		return w.pick("unreachable: no metrics from mackerel-agent", "unreachable: mackerel-agentからのメトリック投稿がありません")
	}
	if metric := unusual(a, message); metric != "" {
		return w.pick("Most unlike the usual: ", "普段と最も様子が異なるメトリック: ") + metric
	}
	return message
}

// unusual returns the metric that an anomaly detection names: its message is the monitor's name and the metric.
func unusual(a mackerel.Alert, message string) string {
	if a.Monitor.Type != "anomalyDetection" {
		return ""
	}
	metric, found := strings.CutPrefix(message, strings.TrimSpace(a.Monitor.Name)+" ")
	if !found || strings.ContainsAny(metric, " \t\r\n") {
		return ""
	}
	return metric
}

// recovered writes the first line of an alert that its monitor closed: how long it lasted, and what is so now.
func (w *writer) recovered(a mackerel.Alert, message string, f *headline) {
	after := w.lasted(a)
	switch {
	case after == "":
	case a.Status.Fold() == mackerel.StatusOK:
		after = w.pick("Recovered after "+after, after+"で回復")
	default:
		after = w.pick("Closed after "+after, after+"でクローズ")
	}
	var now string
	var notes []string
	metric := unusual(a, message)
	switch {
	case metric != "":
		notes = []string{w.pick("was unusual: ", "普段と異なっていたメトリック: ") + metric}
	case !f.measured && (message == "" || isMetricMessage(a, message)):
		f.measured = true
		now = measureOfAlert(a).number(*a.Metric.Value)
		lowest := w.threshold(a, a.Metric.Warning, "warning")
		notes = []string{cmp.Or(lowest, w.threshold(a, a.Metric.Critical, "critical"))}
	case isFailure(a.Monitor.Type): // the message of a recovery repeats the failure
	default:
		now, f.rest = cutLine(message)
	}
	f.brief = Join(": ", after, now)
	f.line = w.in(f.brief, notes...)
	if f.brief == "" {
		f.line = Join("", notes...)
	}
}

// isFailure reports whether the message of a monitor can only be that of a failure.
func isFailure(kind string) bool { return kind == "connectivity" || kind == "external" }

// state says when an open alert got its present status, if it had another status before.
func (w *writer) state(a mackerel.Alert, status string) string {
	if a.OpenedAt.IsZero() || !a.ChangedAt.After(a.OpenedAt) || status == "" {
		return ""
	}
	at, after := w.since(a.OpenedAt, a.ChangedAt), w.between(a.OpenedAt, a.ChangedAt)
	return w.pick(status+" since "+at+", "+after+" after it opened", at+"に"+status+"へ変化（発生から"+after+"後）")
}

// causes are the triggers that close an alert, in the spellings of webhooks of all years.
var causes = map[string]struct{ english, japanese string }{
	"manual close":   {"Closed by hand", "手動クローズ"},
	"manual":         {"Closed by hand", "手動クローズ"},
	"delete monitor": {"Closed because its monitor was deleted", "監視ルール削除によるクローズ"},
	"monitorDelete":  {"Closed because its monitor was deleted", "監視ルール削除によるクローズ"},
	"retire host":    {"Closed because the host was retired", "ホスト退役によるクローズ"},
	"hostRetire":     {"Closed because the host was retired", "ホスト退役によるクローズ"},
	"delete service": {"Closed because its service was deleted", "サービス削除によるクローズ"},
	"anomaly detection manually retraining": {
		"Closed because anomaly detection was retrained by hand", "ロール内異常検知の手動による再学習によるクローズ",
	},
	"attach external monitoring to a different service": {
		"Closed because the external monitor was attached to a different service", "外形監視に紐付くサービスの変更によるクローズ",
	},
}

// closing says what closed an alert, who, and when.
func (w *writer) closing(a mackerel.Alert) string {
	cause, known := causes[a.Trigger]
	if !known {
		cause.english, cause.japanese = "Closed: "+oneline.Of(a.Trigger), "クローズ: "+oneline.Of(a.Trigger)
	}
	line := w.pick(cause.english, cause.japanese)
	if a.User != nil {
		line = w.in(line, oneline.Of(a.User.ScreenName))
	}
	if after := w.lasted(a); after != "" {
		line += w.pick(", "+after+" after it opened", "、発生から"+after+"後")
	}
	return line
}

// lastState returns the first line of the message that the alert had when it was closed, or else its value.
func (w *writer) lastState(a mackerel.Alert, message string) string {
	hasValue := a.Metric != nil && a.Metric.Value != nil
	if hasValue && (message == "" || isMetricMessage(a, message)) {
		value, _ := w.measured(a)
		return value
	}
	first, _ := cutLine(message)
	return first
}

// groupLine is the first line of an alert group. Its webhook does not list the alerts.
func (w *writer) groupLine(a mackerel.Alert) string {
	after := w.lasted(a)
	switch {
	case !a.Closed() && a.URL != "":
		return w.pick("Its alerts are listed behind the link", "含まれるアラートはリンク先で確認できます")
	case !a.Closed() || after == "":
		return ""
	}
	return w.pick("Closed after "+after, after+"でクローズ")
}

// metric adds the metric with its value, if the first line has something else.
func (w *writer) metric(a mackerel.Alert) {
	label, text := w.metricLabel(a)
	value, notes := w.measured(a)
	w.add(label, Join(" ", text, w.in(value, notes...)))
}

// metricName adds the name of the metric, if the name of the monitor does not have it.
func (w *writer) metricName(a mackerel.Alert) {
	if a.Metric == nil || a.Monitor.Type == "external" {
		return
	}
	if label, text := w.metricLabel(a); !strings.Contains(folded(a.Monitor.Name), folded(a.Metric.Label)) {
		w.add(label, text)
	}
}

// maxExpression is how much of an expression is shown, in characters.
const maxExpression = 200

// metricLabel returns the label and the name of a metric. The name of an expression's metric is the expression.
func (w *writer) metricLabel(a mackerel.Alert) (label, name string) {
	if a.Monitor.Type == "expression" {
		return w.labels.expression, Runes.ShortenPlain(a.Metric.Label, maxExpression)
	}
	return w.labels.metric, a.Metric.Label
}

var foldedMarks = strings.NewReplacer(" ", "", "-", "", "_", "")

// folded returns a name without what makes no difference between the names of a monitor and of its metric.
func folded(name string) string { return strings.ToLower(foldedMarks.Replace(name)) }

// isFinite reports whether a value can be compared and spoken.
func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
