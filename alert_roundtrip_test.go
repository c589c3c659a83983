package mackerel_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Any alert survives its JSON, and so does any change of one alert into another.
func TestAlertsSurviveTheirJSON(t *testing.T) {
	for seed := range uint64(1000) {
		checkRoundTrip(t, seed, "a\u2028 \"<文字>\"")
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func checkRoundTrip(t *testing.T, seed uint64, text string) {
	t.Helper()
	r := &alertMaker{Rand: rand.New(rand.NewPCG(seed, 0)), text: text}
	a, other := r.alert(), r.alert()
	back, err := mackerel.ParseWebhook(marshalAlert(t, a))
	if err != nil {
		t.Fatal(err)
	}
	sameAlert(t, back, asReadBack(a))
	other.Raw = back.Raw
	if back, err = mackerel.ParseWebhook(marshalAlert(t, other)); err != nil {
		t.Fatal(err)
	}
	sameAlert(t, back, asReadBack(other))
}

// asReadBack is what the comment of MarshalJSON says about what changes.
func asReadBack(a mackerel.Alert) mackerel.Alert {
	if a.Event == "" {
		a.Event = mackerel.EventAlert
	}
	a.Status = mackerel.Status(strings.ToLower(string(a.Status)))
	if a.Event == mackerel.EventAlert || a.Event == mackerel.EventAlertGroup && a.Group != nil {
		a.Status = a.Status.Fold()
	}
	for _, at := range []*time.Time{&a.OpenedAt, &a.ClosedAt, &a.ChangedAt} {
		*at = at.Truncate(time.Second).UTC()
	}
	ofHost := a.Event == mackerel.EventHostStatus || a.Event == mackerel.EventHostRegister || a.Event == mackerel.EventHostRetire
	if ofHost && a.URL == "" && a.Host != nil {
		a.URL = a.Host.URL
	}
	switch a.Event {
	case mackerel.EventMonitorCreate, mackerel.EventMonitorUpdate, mackerel.EventMonitorDelete, "downtimeStart":
	default:
		a.Monitor.Muted = false
	}
	if a.Event != mackerel.EventDigest {
		a.Alerts = nil
	}
	if a.Metric != nil && reflect.DeepEqual(*a.Metric, mackerel.Metric{}) {
		a.Metric = nil
	}
	return a
}

func marshalAlert(t *testing.T, a mackerel.Alert) []byte {
	t.Helper()
	b, err := a.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) {
		t.Fatalf("not JSON: %s", b)
	}
	return b
}

// An alertMaker makes alerts with any of their fields set.
type alertMaker struct {
	*rand.Rand
	text string // among the texts
}

func (r *alertMaker) some() bool { return r.IntN(2) == 0 }

func (r *alertMaker) string() string {
	return []string{"", "", "x", "y", r.text}[r.IntN(5)]
}

func (r *alertMaker) float() *float64 {
	return []*float64{nil, float(0), float(-1.5), float(1e300), float(0.1)}[r.IntN(5)]
}

func (r *alertMaker) time() time.Time {
	return []time.Time{{}, opened, opened.Add(1999 * time.Millisecond), closed.In(time.FixedZone("JST", 9*3600))}[r.IntN(4)]
}

func (r *alertMaker) roles() (roles []mackerel.Role) {
	for range r.IntN(3) {
		roles = append(roles, mackerel.Role{
			FullName: r.string(), Service: r.string(), Name: r.string(), ServiceURL: r.string(), URL: r.string(),
		})
	}
	return roles
}

func (r *alertMaker) alert() mackerel.Alert {
	events := []mackerel.Event{
		"", mackerel.EventAlert, mackerel.EventAlertGroup, mackerel.EventHostStatus, mackerel.EventHostRegister,
		mackerel.EventHostRetire, mackerel.EventMonitorCreate, mackerel.EventMonitorUpdate, mackerel.EventMonitorDelete,
		mackerel.EventSample, mackerel.EventDigest, "downtimeStart",
	}
	statuses := []mackerel.Status{"", "ok", "WARNING", "critical", "Unknown", "paused"}
	a := mackerel.Alert{
		ID: r.string(), Event: events[r.IntN(len(events))], Status: statuses[r.IntN(len(statuses))], Org: r.string(), URL: r.string(),
		Monitor: mackerel.Monitor{ID: r.string(), Name: r.string(), Type: r.string(), Memo: r.string(), Muted: r.some()},
		Message: r.string(), ImageURL: r.string(), Trigger: r.string(), Reason: r.string(),
		OpenedAt: r.time(), ClosedAt: r.time(), ChangedAt: r.time(),
	}
	r.addObjects(&a)
	for range r.IntN(3) {
		if one, err := mackerel.ParseWebhook([]byte(`{"event":"alert","alert":{"id":"` + strings.Repeat("5", r.IntN(3)) + `"}}`)); err == nil {
			a.Alerts = append(a.Alerts, one)
		}
	}
	return a
}

func (r *alertMaker) addObjects(a *mackerel.Alert) {
	if r.some() {
		a.Metric = &mackerel.Metric{
			Label: r.string(), Value: r.float(), Warning: r.float(), Critical: r.float(), Operator: r.string(), Duration: r.IntN(3) - 1,
		}
		if r.some() {
			a.Metric.Labels = map[string]string{r.string(): r.string(), "k": r.string()}
		}
	}
	for range r.IntN(3) {
		a.Facts = append(a.Facts, mackerel.Fact{Label: r.string(), Value: r.string(), URL: r.string()})
	}
	if r.some() {
		a.Host = &mackerel.Host{
			ID: r.string(), Name: r.string(), URL: r.string(), Type: r.string(), Status: r.string(), FromStatus: r.string(),
			Memo: r.string(), Retired: r.some(), Roles: r.roles(),
		}
	}
	if r.some() {
		a.Service = &mackerel.Service{ID: r.string(), Name: r.string(), Memo: r.string(), OrgID: r.string(), Roles: r.roles()}
	}
	if r.some() {
		a.Group = &mackerel.AlertGroup{
			ID: r.string(), SettingID: r.string(), SettingURL: r.string(), Name: r.string(), Memo: r.string(),
		}
	}
	if r.some() {
		a.User = &mackerel.User{ID: r.string(), ScreenName: r.string()}
	}
}
