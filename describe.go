package mackerel

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Describer makes alerts worth sending of the API's alerts: with the names of organization, monitor, host and
// service, with thresholds, and with the message that Mackerel's webhook would have. It is safe for concurrent use.
//
// What was fetched is remembered: up to 10,000 hosts for a minute each, because their status matters, and the names
// of the organization and of up to 10,000 check monitors for an hour. The other monitors are fetched together, at most
// once a minute, because they may be muted. If an alert has a monitor that is not known, which may be new, it is at
// most once in ten seconds. A monitor that was deleted is still known. After a request that failed, its error is
// returned for ten seconds without another request.
type Describer struct {
	client       *Client
	organization *memory[string]
	monitors     *memory[map[string]apiMonitor] // has one key
	checks       *memory[string]
	hosts        *memory[apiHost]
}

// How long and how much a Describer remembers.
const (
	rememberName     = time.Hour
	rememberHost     = time.Minute
	refreshMonitors  = time.Minute
	refreshForNew    = 10 * time.Second // if an alert has a monitor that is not known
	maxKnownHosts    = 10_000
	maxKnownMonitors = 10_000
)

// NewDescriber returns a Describer that fetches names with this client.
func NewDescriber(c *Client) *Describer {
	return &Describer{
		client:       c,
		organization: newMemory[string](1, rememberName),
		monitors:     newMemory[map[string]apiMonitor](1, refreshMonitors),
		checks:       newMemory[string](maxKnownMonitors, rememberName),
		hosts:        newMemory[apiHost](maxKnownHosts, rememberHost),
	}
}

// Describe returns an alert with what the API says about it. The logs, if the caller has read them with
// [Client.AlertLogs], say why the status changed and when: Trigger and ChangedAt. They may be in any order.
//
// The API does not say who closed an alert, and has no image of it: User and ImageURL are empty. As in a webhook, an
// alert that was closed by hand has no Metric.Value.
//
// If something cannot be fetched, Describe returns the alert with what is known, and the error. A monitor or a host
// that no longer exists is no error.
func (d *Describer) Describe(ctx context.Context, a APIAlert, logs ...AlertLog) (Alert, error) {
	if d.client == nil {
		return Alert{}, &Error{Provider: provider, Op: describeOp, Kind: ErrConfig, Message: "not made by NewDescriber"}
	}
	org, orgErr := d.org(ctx)
	m, monitorErr := d.monitor(ctx, a)
	h, hostErr := d.host(ctx, a.HostID)
	alert := Alert{
		ID: a.ID, Event: EventAlert, Status: a.Status.Fold(), Org: org, Reason: a.Reason,
		Monitor: Monitor{
			ID: a.MonitorID, Name: m.title(a), Type: cmp.Or(a.Type, m.Type), Memo: m.Memo, Muted: m.IsMute,
		},
		Host: d.hostOf(org, a.HostID, h), URL: d.page(org, "alerts", a.ID),
		OpenedAt: a.OpenedAt, ClosedAt: a.ClosedAt, Trigger: "monitor",
	}
	if m.Service != "" {
		alert.Service = &Service{Name: m.Service}
	}
	if a.Reason != "" && a.Closed() {
		alert.Trigger = closedByHand
	}
	alert.applyLogs(logs)
	measured := a
	if alert.Trigger == closedByHand {
		measured.Value = nil
	}
	alert.Metric = m.metric(measured)
	alert.Message = cmp.Or(m.message(a, alert), alert.Message)
	return alert, errors.Join(orgErr, monitorErr, hostErr)
}

// describeOp is the operation in errors that are not those of a request.
const describeOp = "describe alert"

// page returns the address of a page of the organization, "" if its name or an element is not known.
func (d *Describer) page(org string, elements ...string) string {
	if org == "" || slices.Contains(elements, "") {
		return ""
	}
	site := "https://mackerel.io"
	if d.client.base != nil && d.client.base.Host == hostOfKCPS {
		site = "https://" + hostOfKCPS
	}
	path := make([]string, 0, len(elements))
	for _, e := range elements {
		path = append(path, url.PathEscape(e))
	}
	return site + "/orgs/" + url.PathEscape(org) + "/" + strings.Join(path, "/")
}

// hostOfKCPS has the API for customers of KCPS (see [DefaultBaseURL]). That it has their pages as well is not
// documented.
const hostOfKCPS = "kcps-mackerel.io"

// closedByHand is the trigger of an alert that a person closed, in the words of webhooks.
const closedByHand = "manual close"

// triggers are the words of webhooks for those of logs.
var triggers = map[string]string{
	"monitoring": "monitor", "manual": closedByHand, "monitorDelete": "delete monitor", "hostRetire": "retire host",
	"serviceDelete": "delete service", "anomalyDetectionManuallyRetraining": "anomaly detection manually retraining",
	"externalMonitoringServiceChange": "attach external monitoring to a different service",
}

// applyLogs takes the trigger and the time of the last change from the log: from the oldest of the newest lines that
// have the alert's status. What a check said is that of the newest line.
func (a *Alert) applyLogs(logs []AlertLog) {
	byTime := func(x, y AlertLog) int { return x.CreatedAt.Compare(y.CreatedAt) }
	logs = slices.SortedStableFunc(slices.Values(logs), byTime)
	for _, l := range slices.Backward(logs) {
		if l.Status.Fold() != a.Status.Fold() {
			break
		}
		a.ChangedAt, a.Trigger = l.CreatedAt, cmp.Or(triggers[l.Trigger], l.Trigger, a.Trigger)
		a.Monitor.Memo, a.Message = cmp.Or(a.Monitor.Memo, l.Memo), cmp.Or(a.Message, l.Message)
	}
}

// An apiMonitor is a monitor as the API lists it, with what an alert shows. Members differ by type.
type apiMonitor struct {
	ID           string   `json:"id"`
	Type         string   `json:"type"`
	Name         string   `json:"name"`
	Memo         string   `json:"memo"`
	IsMute       bool     `json:"isMute"`
	Service      string   `json:"service"`
	MetricName   string   `json:"metric"`
	Expression   string   `json:"expression"`
	Legend       string   `json:"legend"`
	Operator     string   `json:"operator"`
	Warning      *float64 `json:"warning"`
	Critical     *float64 `json:"critical"`
	Duration     float64  `json:"duration"`
	TimeWarning  *float64 `json:"responseTimeWarning"`
	TimeCritical *float64 `json:"responseTimeCritical"`
	TimeDuration float64  `json:"responseTimeDuration"`
}

// label finds the place of a label in the name or the legend of a query monitor.
var label = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// fill returns a text with the labels of the series in it. The place of an unknown label stays as it is.
func (a APIAlert) fill(text string) string {
	if a.Series == nil {
		return text
	}
	return label.ReplaceAllStringFunc(text, func(place string) string {
		if value, ok := a.Series.Labels[label.FindStringSubmatch(place)[1]]; ok {
			return value
		}
		return place
	})
}

// title returns the name of the monitor. Monitors of connectivity may have no name.
func (m apiMonitor) title(a APIAlert) string {
	if m.Name == "" && a.Type == "connectivity" {
		return "connectivity"
	}
	return a.fill(m.Name)
}

// metric returns what was measured, nil if nothing is known.
func (m apiMonitor) metric(a APIAlert) *Metric {
	metric := Metric{
		Label: cmp.Or(m.MetricName, m.Expression), Value: a.Value, Warning: m.Warning, Critical: m.Critical,
		Operator: m.Operator, Duration: wholeDuration(m.Duration),
	}
	if a.Type == "external" {
		metric.Label, metric.Warning, metric.Critical = "responseTime", m.TimeWarning, m.TimeCritical
		metric.Operator, metric.Duration = ">", wholeDuration(m.TimeDuration)
	}
	if a.Series != nil {
		metric.Label, metric.Labels = cmp.Or(a.fill(m.Legend), a.Series.Name), maps.Clone(a.Series.Labels)
	}
	if metric.Value == nil && metric.Warning == nil && metric.Critical == nil && a.Series == nil {
		return nil
	}
	return &metric
}

func wholeDuration(n float64) int { return int(min(max(n, 0), 1e6)) }

// violated returns the threshold that the value violates, nil if it violates no threshold, as with the status UNKNOWN
// and an interruption of a service metric.
func (m *Metric) violated(s Status) *float64 {
	if m == nil || m.Value == nil {
		return nil
	}
	limit := map[Status]*float64{StatusWarning: m.Warning, StatusCritical: m.Critical}[s.Fold()]
	if limit == nil {
		return nil
	}
	if m.Operator == ">" && *m.Value > *limit || m.Operator == "<" && *m.Value < *limit {
		return limit
	}
	return nil
}

var httpStatus = regexp.MustCompile(`^[2-5][0-9][0-9]$`)

// message returns what the webhook says: "CPU % 96.5 > 90" of an open alert, and "CPU % 12.5" after a recovery.
func (m apiMonitor) message(a APIAlert, alert Alert) string {
	switch status := httpStatus.MatchString(a.Message) && a.Type == "external"; {
	case a.Type == "connectivity":
		return "unreachable"
	case status && a.Value != nil: // the response time is what is wrong
	case status && (!alert.Closed() || a.Message >= "400"):
		return "HTTP request failed - status is " + a.Message
	case a.Message != "":
		return a.Message
	}
	if a.Value == nil {
		return ""
	}
	value := shortNumber(*a.Value)
	text := strings.TrimSpace(alert.Monitor.Name + " " + value)
	limit := alert.Metric.violated(alert.Status)
	if alert.Closed() || limit == nil {
		return text
	}
	if shortNumber(*limit) == value { // a difference that is not seen makes the message wrong
		text = strings.TrimSuffix(text, value) + strconv.FormatFloat(*a.Value, 'f', -1, 64)
	}
	return text + " " + alert.Metric.Operator + " " + shortNumber(*limit)
}

// shortNumber writes a number with two decimals, as Mackerel does, or with what is left of it if that would be 0.
func shortNumber(v float64) string {
	s := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
	if s == "0" || s == "-0" {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return s
}

type (
	// An apiMonitorList is an answer with the monitors. Each is read by itself: an odd monitor does not hide the
	// others.
	apiMonitorList struct {
		Monitors *[]jsontext.Value `json:"monitors"`
	}
	apiCheckAnswer struct {
		Check *struct {
			Name string `json:"name"`
		} `json:"check"`
	}
	apiHostAnswer struct {
		Host *apiHost `json:"host"`
	}
	apiHost struct {
		ID          string              `json:"id"`
		Name        string              `json:"name"`
		DisplayName string              `json:"displayName"`
		Status      string              `json:"status"`
		Memo        string              `json:"memo"`
		IsRetired   bool                `json:"isRetired"`
		Roles       map[string][]string `json:"roles"`
	}
)

func (l apiMonitorList) complete() bool { return l.Monitors != nil }
func (a apiCheckAnswer) complete() bool { return a.Check != nil }
func (a apiHostAnswer) complete() bool  { return a.Host != nil }

var (
	listMonitors = operation{name: "list monitors", method: http.MethodGet, repeat: transport.Replay}
	getCheck     = operation{name: "get check monitor", method: http.MethodGet, repeat: transport.Replay}
	getHost      = operation{name: "get host", method: http.MethodGet, repeat: transport.Replay}
)

func (d *Describer) org(ctx context.Context) (string, error) {
	return d.organization.get(ctx, "", func(string) (string, error) {
		o, err := d.client.GetOrganization(ctx)
		return o.Name, err
	})
}

// monitor returns the monitor of an alert, an empty one if it is not known.
func (d *Describer) monitor(ctx context.Context, a APIAlert) (apiMonitor, error) {
	switch {
	case a.MonitorID == "":
		return apiMonitor{}, nil
	case a.Type == "check":
		name, err := d.check(ctx, a.MonitorID)
		return apiMonitor{Name: name}, err
	}
	fetch := func(old map[string]apiMonitor) (map[string]apiMonitor, error) { return d.fetchMonitors(ctx, old) }
	all, err := d.monitors.get(ctx, "", fetch)
	m, ok := all[a.MonitorID]
	if !ok && err == nil {
		d.monitors.expire("", refreshForNew)
		all, err = d.monitors.get(ctx, "", fetch)
		m, ok = all[a.MonitorID]
	}
	if ok && ctx.Err() == nil {
		return m, nil // as it was, if monitors cannot be fetched now
	}
	return m, err
}

// fetchMonitors returns all monitors, and with them those that were deleted, for the close of their alerts.
func (d *Describer) fetchMonitors(ctx context.Context, old map[string]apiMonitor) (map[string]apiMonitor, error) {
	list, err := call[apiMonitorList](ctx, d.client, listMonitors, nil, "monitors")
	if err != nil {
		return nil, err
	}
	all := make(map[string]apiMonitor, len(*list.Monitors))
	if len(old) < maxKnownMonitors {
		maps.Copy(all, old)
	}
	for _, raw := range *list.Monitors {
		var m apiMonitor
		_ = json.Unmarshal(raw, &m, lenient) // of a monitor of a new form, what is before the odd member
		all[m.ID] = m
	}
	return all, nil
}

// check returns the name of a check monitor, "" if it no longer exists.
func (d *Describer) check(ctx context.Context, id string) (string, error) {
	return d.checks.get(ctx, id, func(old string) (string, error) {
		answer, err := call[apiCheckAnswer](ctx, d.client, getCheck, nil, "monitoring", "checks", id)
		switch {
		case errors.Is(err, ErrNotFound):
			return old, nil
		case err != nil:
			return "", err
		}
		return answer.Check.Name, nil
	})
}

// host returns a host, an empty one if it does not exist.
func (d *Describer) host(ctx context.Context, id string) (apiHost, error) {
	if id == "" {
		return apiHost{}, nil
	}
	return d.hosts.get(ctx, id, func(apiHost) (apiHost, error) {
		answer, err := call[apiHostAnswer](ctx, d.client, getHost, nil, "hosts", id)
		switch {
		case errors.Is(err, ErrNotFound):
			return apiHost{}, nil
		case err != nil:
			return apiHost{}, err
		}
		return *answer.Host, nil
	})
}

// hostOf returns a host as a webhook has it: nil without an id, and with the id alone if nothing else is known.
func (d *Describer) hostOf(org, id string, h apiHost) *Host {
	switch {
	case id == "":
		return nil
	case h.ID == "":
		return &Host{ID: id}
	}
	host := Host{
		ID: h.ID, Name: cmp.Or(h.Name, h.DisplayName), Status: h.Status, Memo: h.Memo, Retired: h.IsRetired,
		URL: d.page(org, "hosts", h.ID),
	}
	for _, service := range slices.Sorted(maps.Keys(h.Roles)) {
		for _, name := range h.Roles[service] {
			host.Roles = append(host.Roles, d.role(org, service, name))
		}
	}
	return &host
}

func (d *Describer) role(org, service, name string) Role {
	r := Role{
		FullName: service + ": " + name, Service: service, Name: name, ServiceURL: d.page(org, "services", service),
	}
	if r.ServiceURL != "" {
		r.URL = r.ServiceURL + "#role=" + url.PathEscape(name)
	}
	return r
}
