package mackerel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// storm returns alerts of one organization: two are critical, and there is an alert of each other status and the event
// of a host.
func storm() []mackerel.Alert {
	page := func(id string) string { return "https://mackerel.io/orgs/acme/alerts/" + id }
	return []mackerel.Alert{
		{ID: "1", Org: "acme", URL: page("1a"), Status: "critical", Monitor: mackerel.Monitor{Name: "disk"}, OpenedAt: opened.Add(time.Minute)},
		{ID: "2", Org: "acme", URL: page("1b"), Status: "CRITICAL", Monitor: mackerel.Monitor{Name: "disk"}, OpenedAt: opened},
		{ID: "3", Org: "acme", URL: page("2"), Status: "ok", Trigger: "manual close", ClosedAt: closed},
		{ID: "4", Org: "acme", URL: page("3"), Status: "warning", ChangedAt: closed},
		{ID: "5", Org: "acme", URL: page("4"), Status: "ok"},
		{ID: "6", Org: "acme", URL: page("5"), Status: ""},
		{Event: mackerel.EventHostRegister, Org: "acme", URL: "https://mackerel.io/orgs/acme/hosts/7"},
	}
}

func TestDigest(t *testing.T) {
	d := mackerel.Digest(storm())
	if got, want := d.Title(), "[CRITICAL] 7 alerts: 2 CRITICAL, 1 WARNING, 1 UNKNOWN, 1 OK, 1 CLOSED, 1 of other events"; got != want {
		t.Errorf("the title is %q, want %q", got, want)
	}
	if d.Event != mackerel.EventDigest || d.Status != mackerel.StatusCritical || d.Closed() || d.Org != "acme" || len(d.Alerts) != 7 {
		t.Errorf("the digest is %+v", d)
	}
	if !d.OpenedAt.Equal(opened) || !d.ChangedAt.Equal(closed) || !d.ClosedAt.IsZero() {
		t.Errorf("the times are %v, %v and %v", d.OpenedAt, d.ChangedAt, d.ClosedAt)
	}
	if want := "https://mackerel.io/orgs/acme"; d.URL != want {
		t.Errorf("the page is %q, want %q", d.URL, want)
	}
}

func TestADigestOfTwoOrganizations(t *testing.T) {
	at := func(org string, seconds int64) mackerel.Alert {
		return mackerel.Alert{Org: org, OpenedAt: time.Unix(seconds, 0)}
	}
	d := mackerel.Digest([]mackerel.Alert{at("acme", 5), at("other", 3), at("acme", 9)})
	if d.Org != "" || d.OpenedAt.Unix() != 3 {
		t.Errorf("the organization is %q, since %v", d.Org, d.OpenedAt)
	}
}

func TestTheStatusOfADigest(t *testing.T) {
	all := storm()
	for _, tt := range []struct {
		alerts []mackerel.Alert
		want   mackerel.Status
		closed bool
	}{
		{[]mackerel.Alert{all[2], all[4]}, "ok", true},
		{[]mackerel.Alert{all[2], all[2]}, "ok", true}, // closed by hand
		{[]mackerel.Alert{all[4], all[5]}, "unknown", false},
		{[]mackerel.Alert{all[5], all[3]}, "warning", false},
		{[]mackerel.Alert{all[6], all[6]}, "", false},
		{[]mackerel.Alert{{Status: "critical", ClosedAt: closed}, {Status: "critical", ClosedAt: closed}}, "critical", true},
	} {
		if d := mackerel.Digest(tt.alerts); d.Status != tt.want || d.Closed() != tt.closed {
			t.Errorf("%s: the status is %q and closed is %t", d.Title(), d.Status, d.Closed())
		}
	}
}

func TestADigestOfEventsHasNoStatus(t *testing.T) {
	d := mackerel.Digest([]mackerel.Alert{{Event: mackerel.EventHostStatus}, {Event: mackerel.EventHostRetire}})
	if got, want := d.Title(), "2 alerts: 2 of other events"; got != want || d.StatusLabel() != "" {
		t.Errorf("the title is %q, want %q, and the status %q", got, want, d.StatusLabel())
	}
}

func TestADigestOfAStatusOfTomorrow(t *testing.T) {
	event := mackerel.Alert{Event: mackerel.EventHostStatus}
	d := mackerel.Digest([]mackerel.Alert{event, {Status: "paused"}, event, {Status: "paused"}})
	if got, want := d.Title(), "4 alerts: 2 PAUSED, 2 of other events"; !strings.HasSuffix(got, want) {
		t.Errorf("the title is %q, want %q", got, want)
	}
}

func TestTheDigestOfFew(t *testing.T) {
	if d := mackerel.Digest(nil); d.Event != "" || d.Alerts != nil {
		t.Errorf("of nothing: %+v", d)
	}
	if d := mackerel.Digest(storm()[:1]); d.ID != "1" || d.Event != "" {
		t.Errorf("of a single alert: %+v", d)
	}
	all := storm()
	nested := mackerel.Digest([]mackerel.Alert{mackerel.Digest(all[:3]), all[3], mackerel.Digest(all[4:])})
	if got, want := nested.Title(), mackerel.Digest(all).Title(); got != want {
		t.Errorf("of digests: %q, want %q", got, want)
	}
	nested.Alerts[0].ID = "changed"
	if all[0].ID != "1" {
		t.Error("a digest shares its list with the caller's")
	}
}

func TestTheURLOfADigest(t *testing.T) {
	for _, tt := range []struct{ first, second, want string }{
		{"https://mackerel.io/orgs/acme/alerts/1a", "https://mackerel.io/orgs/acme/alerts/1b", "https://mackerel.io/orgs/acme/alerts"},
		{"https://mackerel.io/orgs/acme/alerts/1", "https://mackerel.io/orgs/acme/alerts/1", "https://mackerel.io/orgs/acme/alerts/1"},
		{"https://mackerel.io/orgs/acme/alerts/1", "https://mackerel.io/orgs/other/alerts/1", "https://mackerel.io/orgs"},
		{"https://mackerel.io/orgs/acme/alerts/1", "https://mackerel.io/orgs/acme/alerts/12", "https://mackerel.io/orgs/acme/alerts"},
		{"https://mackerel.io/orgs/acme/alerts/12", "https://mackerel.io/orgs/acme/alerts/1", "https://mackerel.io/orgs/acme/alerts"},
		{"https://mackerel.io/a", "https://mackerel.io/b", ""},
		{"https://mackerel.io/a", "https://example.com/a", ""},
		{"https://mackerel.io/a/b", "", ""},
		{"", "", ""},
	} {
		a, b := mackerel.Alert{URL: tt.first}, mackerel.Alert{URL: tt.second}
		if got := mackerel.Digest([]mackerel.Alert{a, b}).URL; got != tt.want {
			t.Errorf("of %q and %q: %q, want %q", tt.first, tt.second, got, tt.want)
		}
	}
}

func TestTheKeyOfADigest(t *testing.T) {
	all := storm()
	key := mackerel.Digest(all).Key()
	if key != "mackerel-bc3bc00827e48c0f2aa961c278ee166c" { // the same in every version
		t.Errorf("the key is %s", key)
	}
	if again := mackerel.Digest(storm()).Key(); again != key || !keyForm.MatchString(key) {
		t.Errorf("the keys are %q and %q", key, again)
	}
	all[3].Status = mackerel.StatusOK
	if mackerel.Digest(all).Key() == key {
		t.Error("another state has the same key")
	}
	if mackerel.Digest(all[:6]).Key() == mackerel.Digest(all).Key() {
		t.Error("less alerts have the same key")
	}
}

// A digest can be kept in a queue, with the alerts as they were received.
func TestADigestSurvivesItsJSON(t *testing.T) {
	d := mackerel.Digest([]mackerel.Alert{webhooks["alert-host"], webhooks["alert-group"], storm()[0]})
	received, err := mackerel.ParseWebhook([]byte(`{"event":"alert","unknown":[1],"alert":{"id":"9","status":"warning","isOpen":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	d.Alerts = append(d.Alerts, received)
	body := marshalAlert(t, d)
	back, err := mackerel.ParseWebhook(body)
	if err != nil || back.Title() != d.Title() || back.Key() != d.Key() {
		t.Fatalf("%s became %+v, %v", body, back, err)
	}
	for i, a := range back.Alerts {
		sameAlert(t, a, asReadBack(d.Alerts[i]))
	}
	if !strings.Contains(string(body), `"unknown":[1]`) {
		t.Errorf("a member of an alert is lost: %s", body)
	}
	back.Alerts[3].Status = mackerel.StatusCritical
	again := string(marshalAlert(t, back))
	if !strings.Contains(again, `"unknown":[1],"alert":{"id":"9","status":"critical"`) {
		t.Errorf("a change of an alert in a digest became %s", again)
	}
}

func TestADigestWithOddMembers(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(`{"event":"digest","alerts":[7,{"alert":{"id":7}},{"event":"digest","alerts":[{"alert":{"id":"x"}}]},{"alert":{"id":"5"}}]}`))
	if err == nil || !strings.Contains(err.Error(), "alerts[0]: a number where an object belongs") || !strings.Contains(err.Error(), "alerts[0]: alert.id") {
		t.Errorf("the error is %v", err)
	}
	if len(a.Alerts) != 3 || a.Alerts[1].Alerts != nil || a.Alerts[2].ID != "5" {
		t.Errorf("the alerts are %+v", a.Alerts)
	}
	if a, err = mackerel.ParseWebhook([]byte(`{"event":"alertGroup","alerts":[{"alert":{"id":"5"}}]}`)); err != nil || a.Alerts != nil {
		t.Errorf("of another event: %+v, %v", a.Alerts, err)
	}
}
