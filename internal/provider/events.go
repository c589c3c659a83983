package provider

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// japaneseTitle returns the title of an event, an alert group or a digest in Japanese, and "" for an alert, whose title
// is the same in all languages.
func (w *writer) japaneseTitle(a mackerel.Alert) string {
	host, monitor := "", "監視ルール "+cmp.Or(a.Monitor.Name, a.Monitor.ID)
	if a.Host != nil {
		host = cmp.Or(a.Host.Name, a.Host.ID)
	}
	muted := ""
	if a.Monitor.Muted {
		muted = "ミュート中"
	}
	switch a.Event {
	case mackerel.EventAlertGroup:
		if a.Group == nil {
			return "アラートグループ"
		}
		return "アラートグループ " + a.Group.Name
	case mackerel.EventDigest:
		return w.japaneseCount(a)
	case mackerel.EventHostStatus:
		return w.in("ホスト "+host+hostChange(a), userName(a))
	case mackerel.EventHostRegister:
		return w.in("ホスト "+host+" が登録されました", userName(a))
	case mackerel.EventHostRetire:
		return w.in("ホスト "+host+" が退役しました", userName(a))
	case mackerel.EventMonitorCreate:
		return w.in(monitor+" が作成されました", userName(a), muted)
	case mackerel.EventMonitorUpdate:
		return w.in(monitor+" が更新されました", userName(a), muted)
	case mackerel.EventMonitorDelete:
		return w.in(monitor+" が削除されました", userName(a), muted)
	case mackerel.EventSample:
		return "テスト通知"
	case "", mackerel.EventAlert:
	}
	return ""
}

func userName(a mackerel.Alert) string {
	if a.User == nil {
		return ""
	}
	return a.User.ScreenName
}

// hostChange follows the host's name in a Japanese title.
func hostChange(a mackerel.Alert) string {
	switch {
	case a.Host == nil || a.Host.Status == "":
		return " のステータスが変わりました"
	case a.Host.FromStatus == "":
		return ": " + a.Host.Status
	}
	return ": " + a.Host.FromStatus + " → " + a.Host.Status
}

// sampleMessage is the message of Mackerel's Test button.
const sampleMessage = "Sample Notification from Mackerel"

// event writes an event that is no alert: what follows from it, and what it is about.
func (w *writer) event(a mackerel.Alert) {
	named := true // the title names the user
	message := strings.TrimSpace(a.Message)
	switch a.Event {
	case mackerel.EventHostStatus, mackerel.EventHostRegister:
		if a.Host != nil {
			w.line(w.consequence(a.Host.Status))
		}
	case mackerel.EventHostRetire:
		w.line(w.pick("Its open alerts are closed automatically", "関連するアラートは自動的に閉じられます"))
	case mackerel.EventMonitorCreate, mackerel.EventMonitorUpdate, mackerel.EventMonitorDelete:
		w.monitor(a)
	case mackerel.EventSample:
		if message == "" || message == sampleMessage {
			message = w.pick("Mackerel can reach this channel", "Mackerelからの通知が届いています")
		}
	default:
		named = false
	}
	w.line(message)
	w.facts = append(w.facts, a.Facts...)
	w.add(w.labels.reason, strings.TrimSpace(a.Reason))
	if a.Event == mackerel.EventHostStatus || a.Event == mackerel.EventHostRegister || a.Event == mackerel.EventHostRetire {
		if a.Host != nil {
			w.place(a.Host)
		}
	} else {
		w.target(a)
	}
	w.add(w.labels.opened, w.time(a.OpenedAt))
	if !named {
		w.add(w.labels.user, userName(a))
	}
	w.add(w.labels.organization, a.Org)
}

// consequence says what a status of a host means for its alerts.
// See https://mackerel.io/docs/entry/howto/alerts.
func (w *writer) consequence(status string) string {
	var meaning string
	switch status {
	case "working":
		meaning = w.pick("monitored, alerts are notified", "監視・通知されます")
	case "standby":
		meaning = w.pick("monitored, alerts are not notified", "監視されますが、通知されません")
	case "maintenance", "poweroff":
		meaning = w.pick("not monitored, no alerts", "監視も通知もされません")
	default:
		return ""
	}
	return status + ": " + meaning
}

// settings are the settings of a monitor that a message shows. A monitor may have secrets in its settings: headers, a
// request body, and a user or a token in its address. They are not read, and of the address only the place is shown.
type settings struct {
	Metric     string `json:"metric"`
	Service    string `json:"service"`
	Expression string `json:"expression"`
	Query      string `json:"query"`
	URL        string `json:"url"`
	Method     string `json:"method"`

	Operator                        string   `json:"operator"`
	Warning                         *float64 `json:"warning"`
	Critical                        *float64 `json:"critical"`
	Duration                        float64  `json:"duration"`
	ResponseTimeWarning             *float64 `json:"responseTimeWarning"`
	ResponseTimeCritical            *float64 `json:"responseTimeCritical"`
	ResponseTimeDuration            float64  `json:"responseTimeDuration"`
	WarningSensitivity              string   `json:"warningSensitivity"`
	CriticalSensitivity             string   `json:"criticalSensitivity"`
	MissingDurationWarning          float64  `json:"missingDurationWarning"`
	MissingDurationCritical         float64  `json:"missingDurationCritical"`
	MaxCheckAttempts                float64  `json:"maxCheckAttempts"`
	CertificationExpirationWarning  *float64 `json:"certificationExpirationWarning"`
	CertificationExpirationCritical *float64 `json:"certificationExpirationCritical"`
	SkipCertificateVerification     bool     `json:"skipCertificateVerification"`
	AlertStatusOnGone               string   `json:"alertStatusOnGone"`
	Scopes                          []string `json:"scopes"`
	ExcludeScopes                   []string `json:"excludeScopes"`
	NotificationInterval            float64  `json:"notificationInterval"` // minutes
}

// monitorSettings reads the settings in the webhook. A member of a wrong type is left out.
func monitorSettings(raw []byte) (s settings) {
	var body struct {
		Monitor map[string]jsontext.Value `json:"monitor"`
	}
	if len(raw) == 0 || !DecodeJSON(raw, &body) {
		return s
	}
	for name, value := range body.Monitor {
		one, err := EncodeJSON(map[string]jsontext.Value{name: value})
		if err == nil {
			_ = DecodeJSON(one, &s) // a member of another type is not shown
		}
	}
	return s
}

// monitor writes what a monitor is: its type and target, and its settings as facts.
func (w *writer) monitor(a mackerel.Alert) {
	s := monitorSettings(a.Raw)
	kind := a.Monitor.Type
	w.line(Join(": ", w.kind(kind), s.target(kind)))
	if a.Monitor.Muted {
		w.add(w.labels.muted, w.pick("alerts occur, notifications are not sent", "アラートは発生しますが、通知されません"))
	}
	w.add(w.labels.threshold, w.thresholds(kind, s))
	w.add(w.labels.sensitivity, w.both(named(s.WarningSensitivity), named(s.CriticalSensitivity)))
	w.add(w.labels.interruption, w.both(w.minutes(s.MissingDurationWarning), w.minutes(s.MissingDurationCritical)))
	if s.MaxCheckAttempts > 1 {
		w.add(w.labels.attempts, number(s.MaxCheckAttempts, 0))
	}
	w.add(w.labels.certificate, w.certificate(s))
	w.add(w.labels.gone, s.AlertStatusOnGone)
	w.add(w.labels.scope, strings.Join(append(s.Scopes, s.service()...), ", "))
	w.add(w.labels.excluded, strings.Join(s.ExcludeScopes, ", "))
	w.add(w.labels.interval, strings.TrimSpace(w.minutes(s.NotificationInterval)))
}

// service returns the service that a monitor belongs to.
func (s settings) service() []string {
	if s.Service == "" {
		return nil
	}
	return []string{s.Service}
}

// kind is Mackerel's word for a type of monitors.
func (w *writer) kind(kind string) string {
	switch kind {
	case "connectivity":
		return w.pick("Connectivity", "死活監視")
	case "host":
		return w.pick("Host metric", "ホストメトリック監視")
	case "service":
		return w.pick("Service metric", "サービスメトリック監視")
	case "external":
		return w.pick("External URL", "外形監視")
	case "expression":
		return w.pick("Expression", "式による監視")
	case "anomalyDetection":
		return w.pick("Anomaly detection for roles", "ロール内異常検知")
	case "query":
		return w.pick("Query", "クエリによる監視")
	case "check":
		return w.pick("Check", "チェック監視")
	}
	return oneline.Of(kind)
}

// target returns what a monitor looks at.
func (s settings) target(kind string) string {
	if kind == "external" {
		return Join(" ", oneline.Of(s.Method), placeOf(s.URL))
	}
	return Runes.Shorten(oneline.Of(cmp.Or(s.Expression, s.Query, s.Metric)), maxExpression)
}

// placeOf returns an address without what may be secret: user, password, query and fragment. It returns "" if the
// address cannot be read.
func placeOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// thresholds writes "warning > 80%, critical > 90.5%, 3-point average".
func (w *writer) thresholds(kind string, s settings) string {
	in := measureOf(kind, s.Metric, kind == "host")
	warning, critical, operator, over := s.Warning, s.Critical, s.Operator, s.Duration
	if kind == "external" {
		warning, critical, operator, over = s.ResponseTimeWarning, s.ResponseTimeCritical, ">", s.ResponseTimeDuration
	}
	var parts []string
	add := func(name string, limit *float64) {
		if limit != nil && operator != "" {
			parts = append(parts, w.condition(name)+" "+oneline.Of(operator)+" "+in.number(*limit))
		}
	}
	add("warning", warning)
	add("critical", critical)
	if len(parts) == 0 {
		return ""
	}
	if isFinite(over) && over > 1 && over < 1e6 {
		parts = append(parts, w.average(kind, int(over)))
	}
	return strings.Join(parts, w.labels.list)
}

// both writes what goes for warning and critical, as far as it is set; each begins with a blank.
func (w *writer) both(warning, critical string) string {
	if warning != "" {
		warning = w.pick("warning", "Warning") + warning
	}
	if critical != "" {
		critical = w.pick("critical", "Critical") + critical
	}
	return Join(w.labels.list, warning, critical)
}

func named(s string) string {
	if s == "" {
		return ""
	}
	return " " + oneline.Of(s)
}

// minutes writes a number of minutes behind a blank, unless that is less than a minute or more than 190 years.
func (w *writer) minutes(n float64) string {
	if !isFinite(n) || n < 1 || n > 1e8 {
		return ""
	}
	return " " + w.labels.duration(minutes(n))
}

// certificate says when a certificate is close enough to its end for an alert.
func (w *writer) certificate(s settings) string {
	days := func(n *float64) string {
		if n == nil {
			return ""
		}
		return " < " + strconv.FormatFloat(*n, 'f', -1, 64) + w.pick(" days", "日")
	}
	unverified := ""
	if s.SkipCertificateVerification {
		unverified = w.pick("not verified", "検証なし")
	}
	return Join(w.labels.list, w.both(days(s.CertificationExpirationWarning), days(s.CertificationExpirationCritical)), unverified)
}
