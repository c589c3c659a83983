package pagerduty_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

// newServer is reached through its client and [pagerdutytest.MemoryBaseURL], so that it works in a bubble too.
func newServer(t *testing.T) *pagerdutytest.Server {
	t.Helper()
	s := pagerdutytest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *pagerdutytest.Server, c pagerduty.Config) *pagerduty.Notifier {
	t.Helper()
	c.RoutingKey, c.BaseURL = mackerel.NewSecret(pagerdutytest.RoutingKey), pagerdutytest.MemoryBaseURL
	c.Call.Client = s.Client()
	n, err := pagerduty.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// only returns the one incident that there is.
func only(t *testing.T, s *pagerdutytest.Server) pagerdutytest.Incident {
	t.Helper()
	all := s.Incidents(pagerdutytest.RoutingKey)
	if len(all) != 1 {
		t.Fatalf("%d incidents: %+v", len(all), all)
	}
	return all[0]
}

// asError returns err as the module's error, which must be of this kind.
func asError(t *testing.T, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("%v (%T), want %v", err, err, kind)
	}
	return e
}

func alert(status mackerel.Status) mackerel.Alert {
	return mackerel.Alert{ID: "5A", Status: status, Monitor: mackerel.Monitor{Name: "CPU %"}, Host: &mackerel.Host{Name: "app01"}}
}

func TestConfigIsCheckedAsAWhole(t *testing.T) {
	_, err := pagerduty.New(pagerduty.Config{
		RoutingKey: mackerel.NewSecret("R0123456789"), BaseURL: "ftp://x", Level: "loud", Text: mackerel.Text{Language: "fr"},
		Severities: map[mackerel.Status]pagerduty.Severity{"critical": "fatal", "ok": "info"},
		Call:       mackerel.CallOptions{MaxAttempts: -1},
	})
	e := asError(t, err, mackerel.ErrConfig)
	for _, want := range []string{"RoutingKey: ", "BaseURL: ", "Level: ", "Text.Language: ", "Severities[critical]: ", "Call.MaxAttempts: "} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q is not in %q", want, e.Message)
		}
	}
	if strings.Contains(e.Message, "R0123456789") || strings.Contains(e.Message, "[ok]") {
		t.Errorf("%q", e.Message)
	}
}

func TestRoutingKeys(t *testing.T) {
	for _, c := range []struct{ name, key, want string }{
		{"none is required", "", "required"},
		{"32 letters and digits are one", strings.Repeat("aZ09", 8), ""},
		{"31 are none", strings.Repeat("a", 31), "32 letters and digits"},
		{"33 are none", strings.Repeat("a", 33), "32 letters and digits"},
		{"a dash is none", strings.Repeat("a", 31) + "-", "32 letters and digits"},
		{"a line break is none", strings.Repeat("a", 31) + "\n", "32 letters and digits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := pagerduty.New(pagerduty.Config{RoutingKey: mackerel.NewSecret(c.key)})
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := asError(t, err, mackerel.ErrConfig); !strings.Contains(e.Message, c.want) {
				t.Errorf("%q", e.Message)
			}
		})
	}
}

func TestDefaultAddress(t *testing.T) {
	key := mackerel.NewSecret(pagerdutytest.RoutingKey)
	for base, want := range map[string]string{
		"":                  "https://events.pagerduty.com/v2/enqueue",
		pagerduty.EUBaseURL: "https://events.eu.pagerduty.com/v2/enqueue",
		"http://proxy/pd/":  "http://proxy/pd/enqueue",
	} {
		n, err := pagerduty.New(pagerduty.Config{RoutingKey: key, BaseURL: base})
		if err != nil {
			t.Fatal(err)
		}
		p, err := n.Preview(mackerel.Alert{})
		if err != nil || p.Requests[0].URL != want {
			t.Errorf("%v, %+v; want %s", err, p, want)
		}
	}
}

// TestAnAlertIsOneIncident follows an alert from its opening to its end, and to the next one of the same monitor.
func TestAnAlertIsOneIncident(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, pagerduty.Config{})
	for _, status := range []mackerel.Status{"warning", "CRITICAL", "warning", "ok"} {
		r, err := n.Deliver(t.Context(), alert(status))
		if err != nil || r.ID != "mackerel-5A" || r.Provider != "pagerduty" || r.Queued || r.Attempts != 1 {
			t.Fatalf("%s: %v, %+v", status, err, r)
		}
	}
	i := only(t, s)
	if i.Key != "mackerel-5A" || i.Status != pagerdutytest.Resolved || len(i.Events) != 4 {
		t.Errorf("%+v", i)
	}
	if got := i.Events[0].Payload.Severity + " " + i.Events[1].Payload.Severity; got != "warning critical" {
		t.Error(got)
	}
	if i.Events[3].Payload != nil || i.Events[3].EventAction != "resolve" {
		t.Errorf("%+v", i.Events[3])
	}
}

func TestWhatIsSkipped(t *testing.T) {
	for _, c := range []struct {
		name   string
		config pagerduty.Config
		alert  mackerel.Alert
		want   string
	}{
		{"a warning, for critical only", pagerduty.Config{Level: mackerel.LevelCritical}, alert("warning"), "critical only"},
		{"a recovery, if incidents are kept open", pagerduty.Config{KeepOpen: true}, alert("ok"), "kept open"},
		{"a host's change of status", pagerduty.Config{}, mackerel.Alert{Event: mackerel.EventHostStatus}, "hostStatus"},
		{"a monitor's change", pagerduty.Config{}, mackerel.Alert{Event: mackerel.EventMonitorUpdate}, "monitorUpdate"},
		{"the test button", pagerduty.Config{}, mackerel.Alert{Event: mackerel.EventSample}, "sample"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, c.config)
			r, err := n.Deliver(t.Context(), c.alert)
			if err != nil || !strings.Contains(r.Skipped, c.want) || r.Provider != "pagerduty" {
				t.Errorf("%v, %+v", err, r)
			}
			p, err := n.Preview(c.alert)
			if err != nil || p.Skipped != r.Skipped || len(p.Requests) != 0 {
				t.Errorf("%v, %+v", err, p)
			}
			if got := s.Requests(); len(got) != 0 {
				t.Errorf("%d requests", len(got))
			}
		})
	}
}

func TestARecoveryIsSentForCriticalOnlyToo(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, pagerduty.Config{Level: mackerel.LevelCritical})
	for _, status := range []mackerel.Status{"warning", "critical", "warning", "ok"} {
		if err := n.Notify(t.Context(), alert(status)); err != nil {
			t.Fatal(err)
		}
	}
	if i := only(t, s); i.Status != pagerdutytest.Resolved || len(i.Events) != 2 {
		t.Errorf("%+v", i)
	}
}

func TestAGroupIsAnIncidentOfItsOwn(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, pagerduty.Config{})
	group := mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "WARNING", Group: &mackerel.AlertGroup{ID: "5A", Name: "db"}}
	for _, a := range []mackerel.Alert{alert("critical"), group} {
		if err := n.Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	group.Status = "OK"
	if err := n.Notify(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	all := s.Incidents(pagerdutytest.RoutingKey)
	if len(all) != 2 || all[0].Status != pagerdutytest.Triggered || all[1].Status != pagerdutytest.Resolved || all[1].Key != "mackerel-group-5A" {
		t.Errorf("%+v", all)
	}
}

func TestAcknowledgeAndResolveByHand(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, pagerduty.Config{})
	if err := n.Notify(t.Context(), alert("critical")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func() (mackerel.Receipt, error)
		want pagerdutytest.Status
	}{
		{func() (mackerel.Receipt, error) { return n.Acknowledge(t.Context(), alert("").Key()) }, pagerdutytest.Acknowledged},
		{func() (mackerel.Receipt, error) { return n.Resolve(t.Context(), alert("").Key()) }, pagerdutytest.Resolved},
	} {
		if r, err := step.do(); err != nil || r.ID != "mackerel-5A" {
			t.Fatalf("%v, %+v", err, r)
		}
		if i := only(t, s); i.Status != step.want {
			t.Errorf("%s, want %s", i.Status, step.want)
		}
	}
	if _, err := n.Resolve(t.Context(), "nobody's"); err != nil || s.Dropped() != 1 {
		t.Errorf("%v, %d dropped", err, s.Dropped())
	}
}

func TestWhatIsRefusedBeforeItIsSent(t *testing.T) {
	for _, c := range []struct {
		name    string
		message pagerduty.Message
		op      string
		want    string
	}{
		{"no title", pagerduty.Message{Key: "k"}, "trigger event", "Title: required"},
		{"a blank title", pagerduty.Message{Key: "k", Title: " \u3000\n"}, "trigger event", "Title: required"},
		{"an acknowledgement without a key", pagerduty.Message{Action: pagerduty.ActionAcknowledge}, "acknowledge event", "Key: required"},
		{"a resolution without a key", pagerduty.Message{Action: pagerduty.ActionResolve}, "resolve event", "Key: required"},
		{"an action that is none", pagerduty.Message{Action: "snooze", Title: "T"}, "snooze event", `Action: "snooze" is none`},
		{"a severity that is none", pagerduty.Message{Title: "T", Severity: "fatal"}, "trigger event", `Severity: "fatal" is none`},
		{"a key that is too long", pagerduty.Message{Title: "T", Key: strings.Repeat("障", 256)}, "trigger event", "Key: 256 characters, and at most 255 are allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			r, err := newNotifier(t, s, pagerduty.Config{}).Send(t.Context(), c.message)
			e := asError(t, err, mackerel.ErrInvalid)
			if e.Op != c.op || e.Message != c.want || e.Attempts != 0 || r.Provider != "pagerduty" {
				t.Errorf("%+v, %+v", e, r)
			}
			if got := s.Requests(); len(got) != 0 {
				t.Errorf("%d requests", len(got))
			}
		})
	}
	if _, err := newNotifier(t, newServer(t), pagerduty.Config{}).Send(t.Context(), pagerduty.Message{Title: "T", Key: strings.Repeat("障", 255)}); err != nil {
		t.Error(err)
	}
}

func TestMessageFunction(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, pagerduty.Config{
		Severities: map[mackerel.Status]pagerduty.Severity{"Critical": pagerduty.SeverityInfo},
		Message: func(a mackerel.Alert) (pagerduty.Message, error) {
			if a.ID == "bad" {
				return pagerduty.Message{}, errors.New("no words")
			}
			m := pagerduty.DefaultMessage(a, mackerel.Text{})
			m.Class = "mine"
			return m, nil
		},
	})
	for _, status := range []mackerel.Status{"critical", "warning"} {
		if err := n.Notify(t.Context(), alert(status)); err != nil {
			t.Fatal(err)
		}
	}
	i := only(t, s)
	if p := i.Events[0].Payload; p.Class != "mine" || p.Severity != "info" {
		t.Errorf("%+v", p)
	}
	if p := i.Events[1].Payload; p.Severity != "warning" {
		t.Errorf("%+v", p)
	}
	if e := asError(t, n.Notify(t.Context(), mackerel.Alert{ID: "bad"}), mackerel.ErrInvalid); e.Op != "make message" {
		t.Errorf("%+v", e)
	}
	if _, err := n.Preview(mackerel.Alert{ID: "bad"}); err == nil {
		t.Error("a preview without a message")
	}
	if n.String() != "pagerduty" {
		t.Error(n.String())
	}
}
