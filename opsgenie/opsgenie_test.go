package opsgenie_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
)

// newServer is reached through its client and [opsgenietest.MemoryBaseURL], so that it works in a bubble too.
func newServer(t *testing.T) *opsgenietest.Server {
	t.Helper()
	s := opsgenietest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *opsgenietest.Server, c opsgenie.Config) *opsgenie.Notifier {
	t.Helper()
	c.APIKey, c.BaseURL = mackerel.NewSecret(opsgenietest.APIKey), opsgenietest.MemoryBaseURL
	c.Call.Client = s.Client()
	n, err := opsgenie.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// only returns the one alert that there is.
func only(t *testing.T, s *opsgenietest.Server) opsgenietest.Alert {
	t.Helper()
	all := s.Alerts()
	if len(all) != 1 {
		t.Fatalf("%d alerts: %+v", len(all), all)
	}
	return all[0]
}

func alert(status mackerel.Status) mackerel.Alert {
	return mackerel.Alert{ID: "5A", Status: status, Monitor: mackerel.Monitor{Name: "CPU %"}, Host: &mackerel.Host{Name: "app01"}}
}

func TestNewReportsEverything(t *testing.T) {
	_, err := opsgenie.New(opsgenie.Config{
		Responders: []opsgenie.Responder{{Type: "team"}}, Priorities: map[mackerel.Status]opsgenie.Priority{"ok": "P0"}, BaseURL: "x",
	})
	if !errors.Is(err, mackerel.ErrConfig) {
		t.Fatal(err)
	}
	for _, want := range []string{"opsgenie: configure: APIKey: required", "Responders[0]: ", "Priorities[ok]: ", "BaseURL: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for base, want := range map[string]string{
		"":                 "https://api.opsgenie.com/v2/alerts",
		opsgenie.EUBaseURL: "https://api.eu.opsgenie.com/v2/alerts",
		"http://proxy/og/": "http://proxy/og/alerts",
	} {
		n, err := opsgenie.New(opsgenie.Config{APIKey: mackerel.NewSecret("key"), BaseURL: base})
		if err != nil {
			t.Fatal(err)
		}
		p, err := n.Preview(mackerel.Alert{})
		if err != nil || p.Requests[0].URL != want || p.Requests[0].Header.Get("Authorization") != "GenieKey [redacted]" {
			t.Errorf("%v, %+v; want %s", err, p, want)
		}
	}
}

// TestAnAlertIsOneAlert follows an alert from its opening to its end.
func TestAnAlertIsOneAlert(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, opsgenie.Config{})
	for _, status := range []mackerel.Status{"warning", "CRITICAL", "warning", "ok"} {
		r, err := n.Deliver(t.Context(), alert(status))
		if err != nil || r.ID == "" || r.Provider != "opsgenie" || !r.Queued || r.Attempts != 1 {
			t.Fatalf("%s: %v, %+v", status, err, r)
		}
	}
	a := only(t, s)
	if a.Alias != "mackerel-5A" || !a.Closed || a.Count != 3 || a.Message != "[WARNING] CPU % on app01" || a.Priority != "P3" {
		t.Errorf("%+v", a)
	}
	if want := []string{"[OK] CPU % on app01\nHost: app01"}; !reflect.DeepEqual(a.Notes, want) {
		t.Errorf("%q", a.Notes)
	}
}

func TestWhatIsSkipped(t *testing.T) {
	for _, c := range []struct {
		name   string
		config opsgenie.Config
		alert  mackerel.Alert
		want   string
	}{
		{"a warning, for critical only", opsgenie.Config{Level: mackerel.LevelCritical}, alert("warning"), "critical only"},
		{"a recovery, if alerts are kept open", opsgenie.Config{KeepOpen: true}, alert("ok"), "kept open"},
		{"a host's change of status", opsgenie.Config{}, mackerel.Alert{Event: mackerel.EventHostStatus}, "hostStatus"},
		{"the test button", opsgenie.Config{}, mackerel.Alert{Event: mackerel.EventSample}, "sample"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, c.config)
			r, err := n.Deliver(t.Context(), c.alert)
			if err != nil || !strings.Contains(r.Skipped, c.want) || r.Provider != "opsgenie" || r.Queued {
				t.Errorf("%v, %+v", err, r)
			}
			p, err := n.Preview(c.alert)
			if err != nil || p.Skipped != r.Skipped || len(p.Requests) != 0 || len(s.Requests()) != 0 {
				t.Errorf("%v, %+v, %d requests", err, p, len(s.Requests()))
			}
		})
	}
}

func TestARecoveryIsSentForCriticalOnlyToo(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, opsgenie.Config{Level: mackerel.LevelCritical})
	for _, status := range []mackerel.Status{"warning", "critical", "warning", "ok"} {
		if err := n.Notify(t.Context(), alert(status)); err != nil {
			t.Fatal(err)
		}
	}
	if a := only(t, s); !a.Closed || a.Count != 1 || a.Priority != "P1" {
		t.Errorf("%+v", a)
	}
}

func TestByHand(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, opsgenie.Config{})
	if err := n.Notify(t.Context(), alert("critical")); err != nil {
		t.Fatal(err)
	}
	key := alert("").Key()
	for _, do := range []func() (mackerel.Receipt, error){
		func() (mackerel.Receipt, error) { return n.Acknowledge(t.Context(), key, "") },
		func() (mackerel.Receipt, error) { return n.AddNote(t.Context(), key, "disk ordered") },
		func() (mackerel.Receipt, error) { return n.CloseAlert(t.Context(), key, "done") },
	} {
		if r, err := do(); err != nil || !r.Queued {
			t.Fatalf("%v, %+v", err, r)
		}
	}
	if a := only(t, s); !a.Acknowledged || !a.Closed || !reflect.DeepEqual(a.Notes, []string{"disk ordered", "done"}) {
		t.Errorf("%+v", a)
	}
}

func TestFollow(t *testing.T) {
	s := newServer(t)
	s.SetPending(0)
	r, err := newNotifier(t, s, opsgenie.Config{Follow: true}).Deliver(t.Context(), alert("critical"))
	if err != nil || r.Queued || r.Attempts != 2 {
		t.Fatalf("%v, %+v", err, r)
	}
	got, err := newNotifier(t, s, opsgenie.Config{}).RequestStatus(t.Context(), r.ID)
	if err != nil || !got.Success || got.AlertID != only(t, s).ID || got.Alias != "mackerel-5A" || got.Action != "Create" || got.ProcessedAt.IsZero() {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestMessageFunction(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, opsgenie.Config{
		Priorities: map[mackerel.Status]opsgenie.Priority{"Critical": opsgenie.PriorityP4}, Tags: []string{"a"},
		Responders: []opsgenie.Responder{{Type: "team", ID: "1"}},
		Message: func(a mackerel.Alert) (opsgenie.Message, error) {
			if a.ID == "bad" {
				return opsgenie.Message{}, errors.New("no words")
			}
			m := opsgenie.DefaultMessage(a, mackerel.Text{})
			m.Entity = "mine"
			return m, nil
		},
	})
	for _, status := range []mackerel.Status{"critical", "ok"} {
		if err := n.Notify(t.Context(), alert(status)); err != nil {
			t.Fatal(err)
		}
	}
	if a := only(t, s); a.Entity != "mine" || a.Priority != "P4" || a.Responders[0].ID != "1" || a.Tags[0] != "a" || !a.Closed {
		t.Errorf("%+v", a)
	}
	if err := n.Notify(t.Context(), mackerel.Alert{ID: "bad"}); !errors.Is(err, mackerel.ErrInvalid) {
		t.Error(err)
	}
	if _, err := n.Preview(mackerel.Alert{ID: "bad"}); err == nil {
		t.Error("a preview without a message")
	}
	if n.String() != "opsgenie" {
		t.Error(n.String())
	}
}

// TestEveryFieldOfAMessageIsSent fills the fields one after the other: each has to change the request.
func TestEveryFieldOfAMessageIsSent(t *testing.T) {
	for _, m := range []opsgenie.Message{
		{Alias: "x"}, {Priority: "P1"}, {Text: "x"}, {Facts: []mackerel.Fact{{Label: "x", Value: "y"}}}, {Memo: mackerel.Fact{Label: "x", Value: "y"}},
		{URL: "x"}, {Entity: "x"}, {Source: "x"}, {Responders: []opsgenie.Responder{{Type: "team", ID: "x"}}}, {Tags: []string{"x"}},
	} {
		s := newServer(t)
		n := newNotifier(t, s, opsgenie.Config{})
		m.Title = "T"
		for _, m := range []opsgenie.Message{{Title: "T"}, m} {
			if _, err := n.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		if all := s.Requests(); bytes.Equal(all[0].Body, all[1].Body) {
			t.Errorf("%+v is sent as %s", m, all[1].Body)
		}
	}
}

func TestDefaultMessageIsWhole(t *testing.T) {
	for _, s := range sample.Alerts() {
		m, want := opsgenie.DefaultMessage(s.Alert, mackerel.Text{}), opsgenieapi.DefaultMessage(s.Alert, mackerel.Text{})
		if string(m.Action) != string(want.Action) || m.Alias != want.Alias || string(m.Priority) != string(want.Priority) ||
			m.Title != want.Title || m.Text != want.Text || !reflect.DeepEqual(m.Facts, want.Facts) || m.Memo != want.Memo ||
			m.URL != want.URL || m.Entity != want.Entity || m.Source != want.Source {
			t.Errorf("%+v, want %+v", m, want)
		}
	}
}

func TestConstantsAreThoseOfTheWire(t *testing.T) {
	got := []int{
		opsgenie.MaxMessage, opsgenie.MaxAlias, opsgenie.MaxDescription, opsgenie.MaxResponders, opsgenie.MaxTags, opsgenie.MaxTag, opsgenie.MaxDetails,
		opsgenie.MaxEntity, opsgenie.MaxSource, opsgenie.MaxNote, opsgenie.FollowAttempts, int(opsgenie.FollowWait),
	}
	want := []int{
		opsgenieapi.MaxMessage, opsgenieapi.MaxAlias, opsgenieapi.MaxDescription, opsgenieapi.MaxResponders, opsgenieapi.MaxTags,
		opsgenieapi.MaxTag, opsgenieapi.MaxDetails, opsgenieapi.MaxEntity, opsgenieapi.MaxSource, opsgenieapi.MaxNote,
		opsgenieapi.FollowAttempts, int(opsgenieapi.FollowWait),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for action, want := range map[opsgenie.Action]opsgenieapi.Action{
		opsgenie.ActionCreate: opsgenieapi.ActionCreate, opsgenie.ActionAcknowledge: opsgenieapi.ActionAcknowledge,
		opsgenie.ActionAddNote: opsgenieapi.ActionAddNote, opsgenie.ActionClose: opsgenieapi.ActionClose,
	} {
		if string(action) != string(want) {
			t.Errorf("%s, want %s", action, want)
		}
	}
	if got := opsgenie.PriorityP1 + opsgenie.PriorityP2 + opsgenie.PriorityP3 + opsgenie.PriorityP4 + opsgenie.PriorityP5; got != "P1P2P3P4P5" {
		t.Error(got)
	}
}

func TestGoldenRequests(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		for _, s := range sample.Alerts() {
			t.Run(string(language)+"/"+s.Name, func(t *testing.T) {
				n := newNotifier(t, newServer(t), opsgenie.Config{
					Responders: []opsgenie.Responder{{Type: "team", Name: "web"}}, Tags: []string{"mackerel"},
					Text: mackerel.Text{Language: language, Location: sample.Zone},
				})
				p, err := n.Preview(s.Alert)
				if err != nil || len(p.Cuts) != 0 {
					t.Fatalf("%v, %+v", err, p)
				}
				text := bytes.NewBufferString(p.Skipped)
				for _, r := range p.Requests {
					text.WriteString(r.Method + " " + r.URL + "\n\n")
					if err := json.Indent(text, []byte(r.Body), "", "  "); err != nil {
						t.Fatal(err)
					}
				}
				text.WriteByte('\n')
				golden.Check(t, "golden/"+string(language)+"/"+s.Name+".txt", text.Bytes())
				if err := n.Notify(t.Context(), s.Alert); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
