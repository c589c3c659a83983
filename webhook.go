package mackerel

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ParseWebhook reads the body of a webhook of Mackerel, of any event and of any year
// (https://mackerel.io/docs/entry/howto/alerts/webhook). It also reads the detail of an event on Amazon EventBridge,
// which has the same form, and what [Alert.MarshalJSON] writes. The alert keeps a copy of the body in Raw, without a
// byte order mark and white space around it.
//
// ParseWebhook may return both an alert and an error. If members have the wrong JSON type, the error is [ErrOddMember]
// and [ErrInvalid], and names them. The rest of the alert is filled. There is no alert only if the body is not a JSON
// object; then the error is ErrInvalid only.
//
// An event that this package does not know is no error. If the body does not name its event, the event follows from the
// members alert, alertGroup and fromStatus, and is empty without them.
func ParseWebhook(body []byte) (Alert, error) {
	a, problem := parse(body)
	if problem == "" {
		return a, nil
	}
	e := &Error{Provider: provider, Op: "parse webhook", Kind: ErrInvalid, Message: problem}
	if a.received != nil {
		e.Err = ErrOddMember
	}
	return a, e
}

// ErrOddMember means that there is an alert, although members of its JSON have the wrong type: those that the error of
// [ParseWebhook] names are empty in the alert.
var ErrOddMember = errors.New("the rest was read")

// UnmarshalJSON is [ParseWebhook]. If members have the wrong JSON type, it returns an error and fills the rest of the
// alert. After any other error the alert is unchanged. A JSON null does nothing.
func (a *Alert) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	parsed, err := ParseWebhook(b)
	if parsed.Raw != nil {
		*a = parsed
	}
	return err
}

// MarshalJSON writes the alert as Mackerel's webhook for its event, which [ParseWebhook] reads.
//
// An alert that was received is written as Raw: byte for byte if it was not changed, and otherwise with the members
// changed that were changed in the alert. Everything else in Raw stays as it was and where it was, also members that
// this package does not know. A Raw that is not a JSON object is ignored.
//
// Mackerel's JSON has no place for some fields of some events. They are added as the members "facts" and "alerts" and in
// the object "alert", so that an alert can be kept in a queue. An alert that is read again differs in this:
//
//   - Fractions of a second are lost. The time 1970-01-01T00:00:00Z is lost, because 0 means no time.
//   - Bytes that are not UTF-8 become U+FFFD. Metric values that are infinite or NaN are lost.
//   - Times are in UTC, and the status is in lower case.
//   - An empty Event is [EventAlert], an empty Status of an alert or alert group is [StatusUnknown], an empty URL of a
//     host event is the URL of the host, and a Metric without any value is nil.
//   - Monitor.Muted is false unless the event is that of a monitor. Alerts are nil unless the event is a digest.
func (a Alert) MarshalJSON() ([]byte, error) {
	r := a.received
	if r == nil || !bytes.Equal(r.raw, a.Raw) { // the caller has set Raw
		parsed, _ := parse(a.Raw)
		r = parsed.received
	}
	if r == nil {
		return a.marshalNew()
	}
	a.received = r
	before, after := r.body, a.body(r.series)
	changed, err := change(r.raw, &before, &after)
	if r.noEvent && !bytes.Equal(changed, r.raw) {
		before.Event = "" // the event is written now: the change may remove the members that it followed from
		changed, err = change(r.raw, &before, &after)
	}
	return changed, err
}

// marshalNew writes an alert that was not received. A buffer that grows as it is written costs ten times the JSON of a
// long text, so it has room from the start.
func (a Alert) marshalNew() ([]byte, error) {
	body := a.body(false)
	var b bytes.Buffer
	b.Grow(newBodySize + a.textSize()/3*4) // a json.Encoder keeps a quarter of its buffer free
	err := json.MarshalWrite(&b, &body, lenient)
	return b.Bytes(), err
}

// newBodySize is the room for the JSON of an ordinary alert, in bytes.
const newBodySize = 2 << 10

// textSize returns how many bytes the texts that may be long have as JSON. A text that it misses makes the buffer grow.
func (a Alert) textSize() int {
	n := 0
	add := func(texts ...string) {
		for _, s := range texts {
			n += quotedSize(s)
		}
	}
	add(a.Org, a.Message, a.Reason, a.Monitor.Name, a.Monitor.Memo)
	if h := a.Host; h != nil {
		add(h.Name, h.Memo)
	}
	if s := a.Service; s != nil {
		add(s.Name, s.Memo)
	}
	if g := a.Group; g != nil {
		add(g.Name, g.Memo)
	}
	for _, f := range a.Facts {
		add(f.Label, f.Value)
		n += len(`{"label":"","value":""},`)
	}
	return n
}

// quotedSize returns the size of s in JSON without the quotes. Bytes that are not UTF-8 are counted as one byte.
func quotedSize(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c >= ' ' && c != '"' && c != '\\':
		case c < ' ' && !strings.ContainsRune("\b\t\n\f\r", rune(c)):
			n += len(`\u0000`) - 1
		default:
			n++
		}
	}
	return n
}

// A received is what a webhook was, before any change to the alert.
type received struct {
	raw     []byte      // as in Alert.Raw
	body    webhookBody // made of the alert, not of raw
	series  bool        // the metric's labels are in "series"
	noEvent bool        // raw has no "event"

	isOpen   *bool
	status   Status
	closedAt time.Time
}

// parse returns the alert, and what is wrong with the body in words. Without an alert, received is nil.
func parse(body []byte) (a Alert, problem string) { return parseWith(new(problems), body) }

// parseWith notes the members of a wrong type in p.
func parseWith(p *problems, body []byte) (a Alert, problem string) {
	raw := jsontext.Value(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))))
	switch {
	case len(raw) == 0:
		return a, "the body is empty"
	case raw.Kind() == '{':
	case raw.IsValid(lenient):
		return a, "the body is " + kindName(raw.Kind()) + " where an object belongs"
	default:
		return a, fmt.Sprintf("the body is not JSON, it begins with %+q", raw[:min(len(raw), maxBeginBytes)])
	}
	var b webhookBody
	if err := json.Unmarshal(raw, &b, lenient, json.WithUnmarshalers(p.unmarshalers())); err != nil {
		return a, brokenJSON(err)
	}
	a = b.alert(p)
	a.Raw = bytes.Clone(raw)
	a.received = &received{
		raw: a.Raw, series: b.Metric == nil && b.Series != nil, noEvent: b.Event == "",
		status: a.Status, closedAt: a.ClosedAt,
	}
	if b.Alert != nil && !b.stateInGroup(a.Event) {
		a.received.isOpen = b.Alert.IsOpen
	}
	a.received.body = a.body(a.received.series)
	return a, p.list()
}

// maxBeginBytes is how much an error shows of a body that is not JSON.
const maxBeginBytes = 24

func brokenJSON(err error) string {
	var e *jsontext.SyntacticError
	if errors.As(err, &e) {
		return fmt.Sprintf("the body is broken JSON near byte %d: %v", e.ByteOffset, e.Err)
	}
	return "the body is broken JSON: " + err.Error()
}

// webhookBody is the JSON of Mackerel's webhooks: the members of all events. Members that some events always have, even
// if they are empty, are pointers; nil is left out. To be null, a member that may also be left out is two pointers.
type webhookBody struct {
	Org        *string         `json:"orgName,omitzero"`
	Event      Event           `json:"event"`
	Type       string          `json:"type,omitzero"` // of the monitor, since 2024
	Message    *string         `json:"message,omitzero"`
	Memo       *string         `json:"memo,omitzero"` // of the monitor
	User       **webhookUser   `json:"user,omitzero"`
	ImageURL   *string         `json:"imageUrl"`
	FromStatus *string         `json:"fromStatus,omitzero"`
	Host       *webhookHost    `json:"host,omitzero"`
	Service    *webhookService `json:"service,omitzero"`
	Metric     *webhookSeries  `json:"metric,omitzero"`
	Series     *webhookSeries  `json:"series,omitzero"`
	Alert      *webhookAlert   `json:"alert,omitzero"`
	Group      *webhookGroup   `json:"alertGroup,omitzero"`
	Setting    *webhookSetting `json:"alertGroupSetting,omitzero"`
	Monitor    *webhookMonitor `json:"monitor,omitzero"` // of a monitor event
	Facts      []webhookFact   `json:"facts,omitzero"`   // this package's own
	Alerts     []webhookDigest `json:"alerts,omitzero"`  // this package's own
}

type (
	webhookUser struct {
		ID         string `json:"id"`
		ScreenName string `json:"screenName"`
	}
	webhookHost struct {
		ID        string        `json:"id"`
		Name      string        `json:"name"`
		URL       string        `json:"url"`
		Type      string        `json:"type,omitzero"` // "unknown" in all of Mackerel's examples
		Status    string        `json:"status"`
		Memo      string        `json:"memo"`
		IsRetired *bool         `json:"isRetired"`
		Roles     []webhookRole `json:"roles"`
	}
	// In 2014 roles had fullname, serviceUrl and roleUrl only.
	webhookRole struct {
		FullName    string `json:"fullname"`
		ServiceName string `json:"serviceName"`
		RoleName    string `json:"roleName"`
		ServiceURL  string `json:"serviceUrl"`
		RoleURL     string `json:"roleUrl"`
	}
	webhookService struct {
		ID    string        `json:"id"`
		Memo  string        `json:"memo"`
		Name  string        `json:"name"`
		OrgID string        `json:"orgId"`
		Roles []webhookRole `json:"roles"`
	}
	// The documentation shows this object of query monitors without the name of the member; the API calls it series.
	webhookSeries struct {
		Labels map[string]string `json:"labels"`
		Name   string            `json:"name"`
	}
	// Times are in seconds since 1970, createdAt is in milliseconds. Members of metrics are left out for monitors that
	// measure nothing; metricValue is left out when an alert was closed by hand.
	webhookAlert struct {
		ID                *string   `json:"id,omitzero"`
		URL               *string   `json:"url,omitzero"`
		OpenedAt          *float64  `json:"openedAt,omitzero"`
		ClosedAt          **float64 `json:"closedAt,omitzero"`
		CreatedAt         *float64  `json:"createdAt,omitzero"` // deprecated, but the only time in the oldest webhooks
		Status            *string   `json:"status,omitzero"`    // lower case
		IsOpen            *bool     `json:"isOpen,omitzero"`
		StatusChangedAt   *float64  `json:"statusChangedAt,omitzero"` // since 2025
		Trigger           *string   `json:"trigger,omitzero"`
		Reason            string    `json:"reason,omitzero"`    // this package's own
		MonitorID         string    `json:"monitorId,omitzero"` // this package's own, named as in the API
		MonitorName       *string   `json:"monitorName,omitzero"`
		MetricLabel       string    `json:"metricLabel,omitzero"`
		MetricValue       *float64  `json:"metricValue,omitzero"`
		CriticalThreshold *float64  `json:"criticalThreshold,omitzero"`
		WarningThreshold  *float64  `json:"warningThreshold,omitzero"`
		MonitorOperator   string    `json:"monitorOperator,omitzero"`
		Duration          *float64  `json:"duration,omitzero"`
	}
	// All times are in seconds here.
	webhookGroup struct {
		ID        string    `json:"id"`
		URL       *string   `json:"url,omitzero"`
		Status    *string   `json:"status,omitzero"` // upper case
		CreatedAt *float64  `json:"createdAt,omitzero"`
		ClosedAt  **float64 `json:"closedAt,omitzero"`
	}
	webhookSetting struct {
		ID   string `json:"id"`
		URL  string `json:"url"`
		Name string `json:"name"`
		Memo string `json:"memo"`
	}
	// The settings of the monitor are members of this object, too. They differ by type, and stay in Raw.
	webhookMonitor struct {
		ID     string `json:"id"`
		Type   string `json:"type"`
		Name   string `json:"name"`
		IsMute *bool  `json:"isMute"`
		Memo   string `json:"memo"`
	}
	webhookFact struct {
		Label string `json:"label"`
		Value string `json:"value"`
		URL   string `json:"url,omitzero"`
	}
	// An alert of a digest is a webhook of its own.
	webhookDigest struct{ raw jsontext.Value }
)

// alert makes the alert without Raw. It reads the members of all events whatever the event is, because members may be
// added at any time and only those of alerts are documented.
func (b *webhookBody) alert(p *problems) Alert {
	alert := orZero(b.Alert)
	a := Alert{
		ID:        orZero(alert.ID),
		Event:     b.event(),
		Org:       orZero(b.Org),
		Message:   orZero(b.Message),
		Metric:    b.metric(p),
		Host:      b.host(),
		Group:     b.group(),
		ImageURL:  orZero(b.ImageURL),
		Trigger:   orZero(alert.Trigger),
		Reason:    alert.Reason,
		ChangedAt: p.time("alert.statusChangedAt", alert.StatusChangedAt, time.Second),
	}
	if s := b.Service; s != nil {
		a.Service = &Service{ID: s.ID, Name: s.Name, Memo: s.Memo, OrgID: s.OrgID, Roles: rolesOf(s.Roles)}
	}
	for _, f := range b.Facts {
		a.Facts = append(a.Facts, Fact(f))
	}
	if a.Event == EventDigest {
		a.Alerts = b.alerts(p)
	}
	if u := orZero(b.User); u != nil {
		a.User = &User{ID: u.ID, ScreenName: u.ScreenName}
	}
	a.Monitor = Monitor{ID: alert.MonitorID, Name: orZero(alert.MonitorName), Type: b.Type, Memo: orZero(b.Memo)}
	if m := b.Monitor; m != nil && a.Event.ofMonitor() {
		a.Monitor = Monitor{ID: m.ID, Name: m.Name, Type: m.Type, Memo: m.Memo, Muted: orZero(m.IsMute)}
	}
	b.state(&a, p)
	return a
}

// alerts returns the alerts of a digest, which are no digests themselves.
func (b *webhookBody) alerts(p *problems) []Alert {
	if p.nested || len(b.Alerts) == 0 {
		return nil
	}
	all := make([]Alert, len(b.Alerts))
	for i, d := range b.Alerts {
		one, problem := parseWith(&problems{nested: true}, d.raw)
		if all[i] = one; problem != "" {
			p.add("alerts["+strconv.Itoa(i)+"]", problem)
		}
	}
	return all
}

// UnmarshalJSONFrom keeps a value as it is.
func (w *webhookDigest) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	w.raw = v.Clone()
	return err
}

// MarshalJSONTo writes the value.
func (w webhookDigest) MarshalJSONTo(e *jsontext.Encoder) error { return e.WriteValue(w.raw) }

// digestBody returns the alerts of a digest.
func (a Alert) digestBody() []webhookDigest {
	if a.Event != EventDigest {
		return nil
	}
	var all []webhookDigest
	for _, one := range undigested(a.Alerts) {
		if raw, err := one.MarshalJSON(); err == nil { // fails only for a text that no alert can have
			all = append(all, webhookDigest{raw})
		}
	}
	return all
}

// event returns what the body says has happened, or what follows from members that only one event has.
func (b *webhookBody) event() Event {
	switch {
	case b.Event != "":
		return b.Event
	case b.Alert != nil:
		return EventAlert
	case b.Group != nil:
		return EventAlertGroup
	case orZero(b.FromStatus) != "":
		return EventHostStatus
	}
	return ""
}

// stateInGroup reports whether the status, the URL and the times are those of the object alertGroup.
func (b *webhookBody) stateInGroup(event Event) bool {
	return b.Group != nil && (event == EventAlertGroup || b.Alert == nil)
}

// state fills what the objects alert and alertGroup both have.
func (b *webhookBody) state(a *Alert, p *problems) {
	if b.stateInGroup(a.Event) {
		g := b.Group
		a.Status, a.URL = Status(orZero(g.Status)), orZero(g.URL)
		a.OpenedAt = p.time("alertGroup.createdAt", g.CreatedAt, time.Second)
		a.ClosedAt = p.time("alertGroup.closedAt", orZero(g.ClosedAt), time.Second)
	} else {
		alert := orZero(b.Alert)
		a.Status, a.URL = Status(orZero(alert.Status)), orZero(alert.URL)
		a.OpenedAt = p.time("alert.openedAt", alert.OpenedAt, time.Second)
		a.ClosedAt = p.time("alert.closedAt", orZero(alert.ClosedAt), time.Second)
		if created := p.time("alert.createdAt", alert.CreatedAt, time.Millisecond); a.OpenedAt.IsZero() {
			a.OpenedAt = created
		}
	}
	a.Status = Status(strings.ToLower(string(a.Status)))
	if a.URL == "" && a.Host != nil && a.Event.ofHost() {
		a.URL = a.Host.URL
	}
}

// ofHost reports whether the event is about a host: then the page to open is the host's.
func (e Event) ofHost() bool {
	return e == EventHostStatus || e == EventHostRegister || e == EventHostRetire
}

// ofMonitor reports whether the event has the object monitor. Events that this package does not know are taken to
// have it.
func (e Event) ofMonitor() bool {
	switch e {
	case "", EventAlert, EventAlertGroup, EventHostStatus, EventHostRegister, EventHostRetire, EventSample, EventDigest:
		return false
	default:
		return true
	}
}

// metric returns nil if nothing was measured.
func (b *webhookBody) metric(p *problems) *Metric {
	alert, series := orZero(b.Alert), cmp.Or(b.Metric, b.Series)
	m := Metric{
		Label:    alert.MetricLabel,
		Value:    alert.MetricValue,
		Warning:  alert.WarningThreshold,
		Critical: alert.CriticalThreshold,
		Operator: alert.MonitorOperator,
		Duration: p.whole("alert.duration", alert.Duration),
	}
	if series != nil {
		m.Label = cmp.Or(m.Label, series.Name)
		m.Labels = make(map[string]string)
		maps.Copy(m.Labels, series.Labels)
	}
	numbers := m.Value != nil || m.Warning != nil || m.Critical != nil || m.Duration != 0
	if !numbers && m.Label == "" && m.Operator == "" && m.Labels == nil {
		return nil
	}
	return &m
}

func (b *webhookBody) host() *Host {
	h := orZero(b.Host)
	if b.Host == nil && orZero(b.FromStatus) == "" {
		return nil
	}
	return &Host{
		ID: h.ID, Name: h.Name, URL: h.URL, Type: h.Type, Status: h.Status, FromStatus: orZero(b.FromStatus),
		Memo: h.Memo, Retired: orZero(h.IsRetired), Roles: rolesOf(h.Roles),
	}
}

func rolesOf(roles []webhookRole) []Role {
	var all []Role
	for _, r := range roles {
		all = append(all, Role{
			FullName: r.FullName, Service: r.ServiceName, Name: r.RoleName, ServiceURL: r.ServiceURL, URL: r.RoleURL,
		})
	}
	return all
}

func (b *webhookBody) group() *AlertGroup {
	if b.Group == nil && b.Setting == nil {
		return nil
	}
	s := orZero(b.Setting)
	return &AlertGroup{ID: orZero(b.Group).ID, SettingID: s.ID, SettingURL: s.URL, Name: s.Name, Memo: s.Memo}
}

// body is the inverse of webhookBody.alert. Members that Mackerel always sends for an event are written even if they
// are empty, all others only if they are not. With series, the labels of the metric are in "series", otherwise in
// "metric". The result shares no memory with the alert.
func (a Alert) body(series bool) webhookBody {
	a.Event = cmp.Or(a.Event, EventAlert)
	own := a.Event == EventAlert
	b := webhookBody{
		Org:      text(a.Org, a.Event != EventSample),
		Event:    a.Event,
		Message:  text(a.Message, own || a.Event == EventSample),
		User:     a.userBody(),
		ImageURL: text(a.ImageURL, false),
		Alert:    a.alertBody(),
		Alerts:   a.digestBody(),
		Group:    a.groupBody(),
	}
	if m := a.Monitor; a.Event.ofMonitor() {
		b.Monitor = &webhookMonitor{m.ID, m.Type, m.Name, &m.Muted, m.Memo}
	} else {
		b.Type, b.Memo = m.Type, text(m.Memo, own)
	}
	if h := a.Host; h != nil {
		retired := h.Retired
		b.FromStatus = text(h.FromStatus, a.Event == EventHostStatus)
		b.Host = &webhookHost{h.ID, h.Name, h.URL, h.Type, h.Status, h.Memo, &retired, rolesBody(h.Roles)}
	}
	if s := a.Service; s != nil {
		b.Service = &webhookService{s.ID, s.Memo, s.Name, s.OrgID, rolesBody(s.Roles)}
	}
	if g := a.Group; g != nil {
		b.Setting = &webhookSetting{g.SettingID, g.SettingURL, g.Name, g.Memo}
	}
	if labels := a.seriesBody(); series {
		b.Series = labels
	} else {
		b.Metric = labels
	}
	b.Facts = slices.Grow(b.Facts, len(a.Facts))
	for _, f := range a.Facts {
		b.Facts = append(b.Facts, webhookFact(f))
	}
	return b
}

// userBody is null for events that have a user, if nobody is known.
func (a Alert) userBody() **webhookUser {
	if a.User == nil && (a.Event == EventAlertGroup || a.Event == EventSample) {
		return nil
	}
	u := new(*webhookUser)
	if a.User != nil {
		*u = &webhookUser{a.User.ID, a.User.ScreenName}
	}
	return u
}

func (a Alert) seriesBody() *webhookSeries {
	if a.Metric == nil || a.Metric.Labels == nil {
		return nil
	}
	return &webhookSeries{maps.Clone(a.Metric.Labels), a.Metric.Label}
}

// rolesBody is an empty array if there are no roles.
func rolesBody(roles []Role) []webhookRole {
	all := make([]webhookRole, 0, len(roles))
	for _, r := range roles {
		all = append(all, webhookRole{r.FullName, r.Service, r.Name, r.ServiceURL, r.URL})
	}
	return all
}

// alertBody is complete for an alert. For other events it has what they have no place for, and is often nil.
func (a Alert) alertBody() *webhookAlert {
	own := a.Event == EventAlert
	b := webhookAlert{
		ID: text(a.ID, own), StatusChangedAt: seconds(a.ChangedAt), Trigger: text(a.Trigger, own), Reason: a.Reason,
	}
	if a.Event != EventAlertGroup || a.Group == nil {
		a.addState(&b)
	}
	if !a.Event.ofMonitor() {
		b.MonitorID, b.MonitorName = a.Monitor.ID, text(a.Monitor.Name, own)
	}
	if m := a.Metric; m != nil {
		b.MetricLabel, b.MonitorOperator = m.Label, m.Operator
		b.MetricValue, b.CriticalThreshold, b.WarningThreshold = finite(m.Value), finite(m.Critical), finite(m.Warning)
		if m.Duration != 0 {
			d := float64(m.Duration)
			b.Duration = &d
		}
	}
	if b == (webhookAlert{}) {
		return nil
	}
	return &b
}

// addState adds what alert groups have in the object alertGroup. The URL of a host event is the host's.
func (a Alert) addState(b *webhookAlert) {
	own := a.Event == EventAlert
	if !a.Event.ofHost() || a.Host == nil || a.URL != a.Host.URL {
		b.URL = text(a.URL, own)
	}
	b.OpenedAt, b.ClosedAt = seconds(a.OpenedAt), secondsOrNull(a.ClosedAt, own)
	if !a.OpenedAt.IsZero() {
		created := float64(a.OpenedAt.UnixMilli())
		b.CreatedAt = &created
	}
	b.Status = text(string(a.Status), false)
	if own {
		open := !a.Closed()
		b.Status, b.IsOpen = text(string(a.Status.Fold()), true), &open
	}
}

func (a Alert) groupBody() *webhookGroup {
	if a.Group == nil {
		return nil
	}
	if a.Event != EventAlertGroup {
		return &webhookGroup{ID: a.Group.ID}
	}
	return &webhookGroup{
		ID: a.Group.ID, URL: text(a.URL, true), Status: text(a.Status.Label(), true), CreatedAt: seconds(a.OpenedAt),
		ClosedAt: secondsOrNull(a.ClosedAt, true),
	}
}

// text leaves an empty string out, unless the member is always there.
func text(s string, always bool) *string {
	if s == "" && !always {
		return nil
	}
	return &s
}

// finite leaves out numbers that JSON does not have.
func finite(f *float64) *float64 {
	if f == nil || math.IsNaN(*f) || math.IsInf(*f, 0) {
		return nil
	}
	v := *f
	return &v
}

// seconds are those since 1970.
func seconds(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	s := float64(t.Unix())
	return &s
}

func secondsOrNull(t time.Time, always bool) **float64 {
	if t.IsZero() && !always {
		return nil
	}
	s := seconds(t)
	return &s
}
