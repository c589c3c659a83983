package mackerel

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Describer makes alerts worth sending of the API's alerts: with the names of organization, monitor, host and
// service, with thresholds, and with the message that Mackerel's webhook would have. It is safe for concurrent use.
//
// What was fetched is remembered: up to 10,000 hosts for a minute each, because their status matters, and the names of
// up to 10,000 check monitors. The other monitors are fetched together, at most once a minute, because they may be
// muted. A monitor that was deleted is still known.
type Describer struct {
	client *Client

	mu           sync.Mutex
	organization string
	monitors     map[string]apiMonitor
	monitorsAt   time.Time
	checks       map[string]string
	hosts        map[string]knownHost
	fetching     map[string]chan struct{} // full while something is fetched
}

type knownHost struct {
	host Host
	at   time.Time
}

// How long and how much a Describer remembers.
const (
	rememberHost     = time.Minute
	refreshMonitors  = time.Minute
	maxKnownHosts    = 10_000
	maxKnownMonitors = 10_000
)

// NewDescriber returns a Describer that fetches names with this client.
func NewDescriber(c *Client) *Describer {
	return &Describer{
		client: c, checks: make(map[string]string), hosts: make(map[string]knownHost), fetching: make(map[string]chan struct{}),
	}
}

// Describe returns an alert with what the API says about it. The logs, if the caller has read them with
// [Client.AlertLogs], say why the status changed and when: Trigger and ChangedAt. They may be in any order.
//
// If something cannot be fetched, Describe returns the alert with what is known, and the error. A monitor or a host
// that no longer exists is no error.
func (d *Describer) Describe(ctx context.Context, a APIAlert, logs ...AlertLog) (Alert, error) {
	if d.client == nil {
		return Alert{}, &Error{Provider: provider, Op: "describe alert", Kind: ErrConfig, Message: "not made by NewDescriber"}
	}
	org, orgErr := d.org(ctx)
	m, monitorErr := d.monitor(ctx, a)
	alert := Alert{
		ID: a.ID, Event: EventAlert, Status: a.Status.Fold(), Org: org, Reason: a.Reason,
		Monitor:  Monitor{ID: a.MonitorID, Name: m.title(a), Type: a.Type, Memo: m.Memo, Muted: m.IsMute},
		OpenedAt: a.OpenedAt, ClosedAt: a.ClosedAt, Trigger: "monitor",
	}
	if org != "" && a.ID != "" {
		alert.URL = d.page(org, "alerts", a.ID)
	}
	if m.Service != "" {
		alert.Service = &Service{Name: m.Service}
	}
	alert.Metric = m.metric(a)
	alert.Message = m.message(a, alert)
	alert.applyLogs(logs)
	var hostErr error
	alert.Host, hostErr = d.host(ctx, org, a.HostID)
	return alert, errors.Join(orgErr, monitorErr, hostErr)
}

// page returns the address of a page of the organization.
func (d *Describer) page(org string, elements ...string) string {
	return "https://mackerel.io/orgs/" + org + "/" + strings.Join(elements, "/")
}

// triggers are the words of webhooks for those of logs.
var triggers = map[string]string{
	"monitoring": "monitor", "manual": "manual close", "monitorDelete": "delete monitor", "hostRetire": "retire host",
	"serviceDelete": "delete service", "anomalyDetectionManuallyRetraining": "anomaly detection manually retraining",
	"externalMonitoringServiceChange": "attach external monitoring to a different service",
}

// applyLogs takes trigger and time of the last change from the log: of the oldest of the newest lines that have the
// same status.
func (a *Alert) applyLogs(logs []AlertLog) {
	logs = slices.SortedStableFunc(slices.Values(logs), func(x, y AlertLog) int { return x.CreatedAt.Compare(y.CreatedAt) })
	for i := range slices.Backward(logs) {
		if logs[i].Status.Fold() != a.Status.Fold() {
			break
		}
		a.ChangedAt, a.Trigger = logs[i].CreatedAt, cmp.Or(triggers[logs[i].Trigger], logs[i].Trigger, a.Trigger)
		a.Monitor.Memo = cmp.Or(a.Monitor.Memo, logs[i].Memo)
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

// label finds the place of a label in the name of a query monitor.
var label = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// title returns the name of the monitor, with the labels of the series in it.
func (m apiMonitor) title(a APIAlert) string {
	name := m.Name
	if name == "" && a.Type == "connectivity" {
		name = "connectivity"
	}
	if a.Series == nil {
		return name
	}
	return label.ReplaceAllStringFunc(name, func(place string) string {
		if value, ok := a.Series.Labels[label.FindStringSubmatch(place)[1]]; ok {
			return value
		}
		return place
	})
}

// metric returns what was measured, nil if nothing is known.
func (m apiMonitor) metric(a APIAlert) *Metric {
	metric := Metric{
		Label: cmp.Or(m.MetricName, m.Expression), Value: a.Value, Warning: m.Warning, Critical: m.Critical,
		Operator: m.Operator, Duration: int(min(max(m.Duration, 0), 1e6)),
	}
	if a.Type == "external" {
		metric.Warning, metric.Critical, metric.Operator = m.TimeWarning, m.TimeCritical, ">"
		metric.Label, metric.Duration = "responseTime", int(min(max(m.TimeDuration, 0), 1e6))
	}
	if a.Series != nil {
		metric.Label, metric.Labels = cmp.Or(a.Series.Name, m.Legend), a.Series.Labels
	}
	if a.Value == nil && (metric.Labels == nil || a.Type == "external") && metric.Warning == nil && metric.Critical == nil {
		return nil
	}
	return &metric
}

var httpStatus = regexp.MustCompile(`^[2-5][0-9][0-9]$`)

// message returns what the webhook says.
func (m apiMonitor) message(a APIAlert, alert Alert) string {
	switch {
	case a.Type == "connectivity":
		return "unreachable"
	case a.Type == "external" && httpStatus.MatchString(a.Message):
		if a.Value != nil {
			break // the response time is what is wrong
		}
		return "HTTP request failed - status is " + a.Message
	case a.Message != "":
		return a.Message
	}
	if a.Value == nil {
		return ""
	}
	text := alert.Monitor.Name + " " + strconv.FormatFloat(*a.Value, 'f', -1, 64)
	limit := alert.Metric.Critical
	if alert.Status.Fold() == StatusWarning {
		limit = alert.Metric.Warning
	}
	if alert.Closed() || limit == nil || alert.Metric.Operator == "" {
		return text
	}
	return text + " " + alert.Metric.Operator + " " + strconv.FormatFloat(*limit, 'f', -1, 64)
}

type (
	// An apiMonitorList is an answer with the monitors. Each is read by itself, so that an odd one does not hide the
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

// alone runs a fetch unless it is known already, one fetch of the same thing at a time.
func (d *Describer) alone(ctx context.Context, thing string, known func() bool, fetch func() error) error {
	d.mu.Lock()
	if known() {
		d.mu.Unlock()
		return nil
	}
	turn := d.fetching[thing]
	if turn == nil {
		turn = make(chan struct{}, 1)
		d.fetching[thing] = turn
	}
	d.mu.Unlock()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return &Error{Provider: provider, Op: "describe alert", Kind: ErrUnavailable, Err: context.Cause(ctx)}
	}
	d.mu.Lock()
	done := known()
	d.mu.Unlock()
	if done {
		return nil
	}
	err := fetch()
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.fetching, thing)
	return err
}

func (d *Describer) org(ctx context.Context) (string, error) {
	err := d.alone(ctx, "organization", func() bool { return d.organization != "" }, func() error {
		o, err := d.client.GetOrganization(ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.organization = o.Name
		return err
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.organization, err
}

// monitor returns the monitor of an alert, with nothing but the id if it no longer exists.
func (d *Describer) monitor(ctx context.Context, a APIAlert) (apiMonitor, error) {
	switch {
	case a.MonitorID == "":
		return apiMonitor{}, nil
	case a.Type == "check":
		return d.check(ctx, a.MonitorID)
	}
	known := func() bool { return time.Since(d.monitorsAt) < refreshMonitors }
	err := d.alone(ctx, "monitors", known, func() error { return d.fetchMonitors(ctx, a.MonitorID) })
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.monitors[a.MonitorID], err
}

// fetchMonitors fetches the monitors. Monitors that were deleted are still known, for the close of their alerts. If
// they cannot be fetched, the monitor with the given id is used as it was.
func (d *Describer) fetchMonitors(ctx context.Context, id string) error {
	list, err := call[apiMonitorList](ctx, d.client, listMonitors, nil, "monitors")
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if _, ok := d.monitors[id]; ok && ctx.Err() == nil {
			d.monitorsAt = time.Now() // try again after a minute
			return nil
		}
		return err
	}
	if d.monitors == nil || len(d.monitors) >= maxKnownMonitors {
		d.monitors = make(map[string]apiMonitor)
	}
	for _, raw := range *list.Monitors {
		var m apiMonitor
		_ = json.Unmarshal(raw, &m, lenient) // of a monitor of a new form, what is before the odd member
		d.monitors[m.ID] = m
	}
	d.monitorsAt = time.Now()
	return nil
}

func (d *Describer) check(ctx context.Context, id string) (apiMonitor, error) {
	known := func() bool { _, ok := d.checks[id]; return ok }
	err := d.alone(ctx, "check "+id, known, func() error {
		c, err := call[apiCheckAnswer](ctx, d.client, getCheck, nil, "monitoring", "checks", id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.checks) >= maxKnownMonitors {
			clear(d.checks)
		}
		if d.checks[id] = ""; c.Check != nil {
			d.checks[id] = c.Check.Name
		}
		return nil
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	return apiMonitor{ID: id, Name: d.checks[id]}, err
}

// host returns a host, nil without an id, and with the id only if it no longer exists.
func (d *Describer) host(ctx context.Context, org, id string) (*Host, error) {
	if id == "" {
		return nil, nil
	}
	known := func() bool { h, ok := d.hosts[id]; return ok && time.Since(h.at) < rememberHost }
	err := d.alone(ctx, "host "+id, known, func() error {
		answer, err := call[apiHostAnswer](ctx, d.client, getHost, nil, "hosts", id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		h := Host{ID: id}
		if answer.Host != nil {
			h = d.hostOf(org, *answer.Host)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.hosts) >= maxKnownHosts {
			clear(d.hosts)
		}
		d.hosts[id] = knownHost{h, time.Now()}
		return nil
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	h, ok := d.hosts[id]
	if !ok {
		h.host.ID = id
	}
	h.host.Roles = slices.Clone(h.host.Roles)
	return &h.host, err
}

// hostOf returns a host as a webhook has it.
func (d *Describer) hostOf(org string, h apiHost) Host {
	host := Host{
		ID: h.ID, Name: cmp.Or(h.Name, h.DisplayName), Status: h.Status, Memo: h.Memo, Retired: h.IsRetired,
		URL: d.page(org, "hosts", h.ID),
	}
	var services []string
	for service := range h.Roles {
		services = append(services, service)
	}
	slices.Sort(services)
	for _, service := range services {
		for _, role := range h.Roles[service] {
			page := d.page(org, "services", service)
			host.Roles = append(host.Roles, Role{
				FullName: service + ": " + role, Service: service, Name: role, ServiceURL: page, URL: page + "#role=" + role,
			})
		}
	}
	return host
}
