package opsgenieapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/opsgenie"
)

func TestConformance(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		notifytest.Run(t, func(t testing.TB) notifytest.Harness {
			fake := p.start(t).fake
			return notifytest.Harness{
				New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
					return servicetest.Make(t, p.create, opsgenieapi.Config{
						APIKey: mackerel.NewSecret(p.key), BaseURL: e.BaseURL + p.base, Call: e.Call(),
					})
				},
				Fake:    fake,
				Secrets: []string{p.key},
				Dedups:  true,
			}
		})
	})
}

func TestGolden(t *testing.T) {
	team := map[string]opsgenieapi.Responder{
		"opsgenie": {Type: "team", Name: "web"}, "jsm": {Type: "team", ID: "4513b7ea-3b91-438f-b7e4-e3e54af9147c"},
	}
	for _, p := range products {
		variants := servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
			s := p.start(t, func(c *opsgenieapi.Config) {
				c.Responders, c.Tags, c.Text = []opsgenieapi.Responder{team[p.name]}, []string{"mackerel"}, text
			})
			return s.fake, s
		})
		for i := range variants {
			variants[i].Name = p.name + "/" + variants[i].Name
		}
		servicetest.Golden(t, variants)
	}
}

func TestConfigurations(t *testing.T) {
	key := mackerel.NewSecret("key")
	each(t, func(t *testing.T, p product) {
		servicetest.Configs(t, p.create, "two words", []servicetest.ConfigCase[opsgenieapi.Config]{
			{Name: "a key is enough", Config: opsgenieapi.Config{APIKey: key}},
			{Name: "a key is required", Want: []string{"APIKey: required"}},
			{Name: "20 tags of 50 characters are allowed", Config: opsgenieapi.Config{
				APIKey: key, Tags: strings.Fields(strings.Repeat(strings.Repeat("障", 50)+" ", 20)),
			}},
			{Name: "51 responders and 21 tags are too many", Config: opsgenieapi.Config{
				APIKey: key, Tags: strings.Fields(strings.Repeat("a ", 21)), Responders: repeat(51, opsgenieapi.Responder{Type: "team", ID: "1"}),
			}, Want: []string{"Responders: 51 items, and at most 50 are allowed", "Tags: 21 items, and at most 20 are allowed"}},
			{Name: "an address is that of the API", Config: opsgenieapi.Config{APIKey: key, BaseURL: "https://x.test/v2/alerts"},
				Want: []string{"BaseURL: must be without the last part, /alerts"}},
			{Name: "all problems are told at once, in the order of the fields", Config: opsgenieapi.Config{
				APIKey: mackerel.NewSecret("two words"), Responders: []opsgenieapi.Responder{{Type: "team", Name: "web"}, {Type: "all", ID: "x"}},
				Tags:       []string{"ok", "", strings.Repeat("障", 51)},
				Priorities: map[mackerel.Status]opsgenieapi.Priority{"critical": "P0", "warning": "P3", "ok": ""},
				BaseURL:    "https://x.test/?apiKey=s3cret", Level: "loud", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxWait: -1},
			}, Want: []string{
				"APIKey: has a blank", "Responders[1].Type: must be", "Tags[1]: required", "Tags[2]: 51 characters, and at most 50 are allowed",
				`Priorities[critical]: must be "P1", "P2", "P3", "P4" or "P5"`, "Priorities[ok]: required",
				"BaseURL: ", "Level: ", "Text.Language: ", "Call.MaxWait: ",
			}},
		})
	})
}

func repeat[T any](n int, v T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestAddresses(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		addresses := map[string]map[string]string{
			"opsgenie": {
				"": "https://api.opsgenie.com/v2/alerts", opsgenie.EUBaseURL: "https://api.eu.opsgenie.com/v2/alerts",
				"http://proxy/": "http://proxy/v2/alerts", "http://proxy/og": "http://proxy/og/alerts",
			},
			"jsm": {
				"":             "https://api.atlassian.com/jsm/ops/integration/v2/alerts",
				"http://proxy": "http://proxy/jsm/ops/integration/v2/alerts", "http://proxy/jsm/": "http://proxy/jsm/alerts",
			},
		}
		for base, want := range addresses[p.name] {
			n := p.start(t, func(c *opsgenieapi.Config) { c.BaseURL = base })
			if preview, err := n.Preview(mackerel.Alert{}); err != nil || preview.Requests[0].URL != want || n.String() != p.name {
				t.Errorf("%v, %+v of %s; want %s", err, preview, n, want)
			}
		}
	})
}

func TestResponders(t *testing.T) {
	for _, c := range []struct {
		name      string
		responder opsgenieapi.Responder
		kind      error
	}{
		{"a team by name", opsgenieapi.Responder{Type: "team", Name: "web"}, nil},
		{"a schedule by id", opsgenieapi.Responder{Type: "schedule", ID: "1"}, nil},
		{"an escalation by name", opsgenieapi.Responder{Type: "escalation", Name: "night"}, nil},
		{"a user by address", opsgenieapi.Responder{Type: "user", Username: "hanako@example.com"}, nil},
		{"a user by id", opsgenieapi.Responder{Type: "user", ID: "1"}, nil},
		{"a user by name", opsgenieapi.Responder{Type: "user", Name: "hanako"}, mackerel.ErrInvalid},
		{"a user by id and address", opsgenieapi.Responder{Type: "user", ID: "1", Username: "hanako@example.com"}, mackerel.ErrInvalid},
		{"a team by address", opsgenieapi.Responder{Type: "team", Username: "web@example.com"}, mackerel.ErrInvalid},
		{"a team by name and address", opsgenieapi.Responder{Type: "team", Name: "web", Username: "web@example.com"}, mackerel.ErrInvalid},
		{"a user by id and name", opsgenieapi.Responder{Type: "user", ID: "1", Name: "hanako"}, mackerel.ErrInvalid},
		{"a team by id and name", opsgenieapi.Responder{Type: "team", ID: "1", Name: "web"}, mackerel.ErrInvalid},
		{"a team without id and name", opsgenieapi.Responder{Type: "team"}, mackerel.ErrInvalid},
		{"no type", opsgenieapi.Responder{Name: "web"}, mackerel.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startOpsgenie(t)
			_, err := s.send(opsgenieapi.Message{Title: "T", Responders: []opsgenieapi.Responder{c.responder}})
			if !errors.Is(err, c.kind) || err == nil && s.alerts()[0].Responders[0] != c.responder {
				t.Errorf("%v, %+v", err, s.alerts())
			}
			if err != nil && len(s.fake.Requests()) != 0 {
				t.Error("it was sent all the same")
			}
		})
	}
}

// TestAnAlertIsOneAlert follows an alert from its opening to its end.
func TestAnAlertIsOneAlert(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		s := p.start(t)
		for _, a := range alerts("warning", "CRITICAL", "ok") {
			r, err := s.Deliver(t.Context(), a)
			if err != nil || r.ID == "" || r.Provider != p.name || !r.Queued || r.Attempts != 1 {
				t.Fatalf("%s: %v, %+v", a.Status, err, r)
			}
		}
		all := s.alerts()
		if len(all) != 1 || all[0].Alias != "mackerel-5A" || all[0].Count != 2 || !all[0].Closed {
			t.Fatalf("%+v", all)
		}
		if a := all[0]; a.Priority != "P3" || a.Message != "[WARNING] CPU % on app01" || !strings.HasPrefix(a.Notes[0], "[OK] CPU % on app01") {
			t.Errorf("%+v", a)
		}
	})
}

func TestRecoveries(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		statuses := alerts("warning", "critical", "ok")
		all := notify(t, p, statuses, func(c *opsgenieapi.Config) { c.Level = mackerel.LevelCritical })
		if len(all) != 1 || all[0].Priority != "P1" || !all[0].Closed {
			t.Errorf("of critical alerts only: %+v", all)
		}
		if all = notify(t, p, statuses, func(c *opsgenieapi.Config) { c.KeepOpen = true }); len(all) != 1 || all[0].Closed {
			t.Errorf("with KeepOpen: %+v", all)
		}
	})
}

func TestTheNoteOfACloseSaysHowLongTheAlertLasted(t *testing.T) {
	opened := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	a := mackerel.Alert{
		ID: "5A", Status: "critical", Message: "unreachable", Monitor: mackerel.Monitor{Name: "connectivity", Memo: "call"},
		Host: &mackerel.Host{Name: "db01"}, OpenedAt: opened, URL: "https://mackerel.io/orgs/acme/alerts/5A",
	}
	over := a
	over.Status, over.ClosedAt, over.Trigger, over.Reason = "ok", opened.Add(12*time.Minute), "manual close", "moved"
	over.User = &mackerel.User{ScreenName: "hanako"}
	each(t, func(t *testing.T, p product) {
		all := notify(t, p, []mackerel.Alert{a, over}, func(c *opsgenieapi.Config) { c.Text.Location = time.UTC })
		const want = `[CLOSED] connectivity on db01
Closed by hand (hanako), 12m after it opened
Reason: moved
Host: db01
Opened: 2026-01-01 10:00 +00:00
Closed: 10:12
Last state: unreachable
https://mackerel.io/orgs/acme/alerts/5A`
		if len(all) != 1 || len(all[0].Notes) != 1 || all[0].Notes[0] != want {
			t.Errorf("%+v", all)
		}
	})
}

func TestADigestIsSkipped(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		s := p.start(t)
		r, err := s.Deliver(t.Context(), mackerel.Digest(append(alerts("critical"), alerts("warning")...)))
		if err != nil || !strings.Contains(r.Skipped, "digest") || len(s.fake.Requests()) != 0 {
			t.Errorf("%v, %+v", err, r)
		}
	})
}

func TestAlertsMadeByHandAreAlertsOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		s := p.start(t)
		for _, message := range []string{"backup failed", "disk full", "backup failed"} {
			if _, err := s.Deliver(t.Context(), mackerel.Alert{Status: "critical", Message: message}); err != nil {
				t.Fatal(err)
			}
		}
		if all := s.alerts(); len(all) != 2 || all[0].Count != 2 {
			t.Errorf("%+v", all)
		}
		_, err := s.Deliver(t.Context(), mackerel.Alert{Status: "ok", Message: "backup failed"})
		if e := servicetest.AsError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Error(), "Alert.ID") {
			t.Errorf("the close: %v", e)
		}
	})
}

func TestAGroupIsAnAlertOfItsOwn(t *testing.T) {
	group := mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "WARNING", Group: &mackerel.AlertGroup{ID: "5A", Name: "db"}}
	over := group
	over.Status = "OK"
	all := notify(t, products[0], append(alerts("critical"), group, over))
	if len(all) != 2 || all[0].Closed || !all[1].Closed || all[1].Alias != "mackerel-group-5A" {
		t.Errorf("%+v", all)
	}
}

// TestByAlias does all that can be done to an alert, under an alias that has to be escaped.
func TestByAlias(t *testing.T) {
	const alias = "障害/ a?b#c%2F"
	each(t, func(t *testing.T, p product) {
		s := p.start(t)
		for range 2 {
			if _, err := s.send(opsgenieapi.Message{Alias: alias, Title: "T"}); err != nil {
				t.Fatal(err)
			}
		}
		for note, do := range map[string]func(ctx context.Context, alias, note string) (mackerel.Receipt, error){
			"acknowledge": s.Acknowledge, "notes": s.AddNote,
		} {
			if r, err := do(t.Context(), alias, note); err != nil || !r.Queued || r.ID == "" {
				t.Fatalf("%s: %v, %+v", note, err, r)
			}
		}
		if _, err := s.CloseAlert(t.Context(), alias, "close"); err != nil {
			t.Fatal(err)
		}
		a := servicetest.Last(t, s.fake, s.alerts())
		if a.Alias != alias || a.Count != 2 || !a.Acknowledged || !a.Closed || len(a.Notes) != 3 || a.Notes[2] != "close" {
			t.Errorf("%+v", a)
		}
		for _, r := range s.fake.Requests()[2:] {
			if body := string(r.Body); r.Query != "identifierType=alias" || body != `{"note":"`+r.Path[strings.LastIndex(r.Path, "/")+1:]+`"}` {
				t.Errorf("%s?%s: %s", r.Path, r.Query, body)
			}
		}
	})
}

func TestEditSeesWhatTheConfigAddsAndMayEmptyIt(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		team := []opsgenieapi.Responder{{Type: "team", Name: "web"}}
		configure := func(c *opsgenieapi.Config) {
			c.Responders, c.Tags = team, []string{"mackerel", "web"}
			c.Priorities = map[mackerel.Status]opsgenieapi.Priority{"Critical": opsgenieapi.P4}
		}
		a := notify(t, p, alerts("critical", "ok"), configure)[0]
		if a.Priority != "P4" || a.Responders[0].Name != "web" || strings.Join(a.Tags, " ") != "mackerel web" || !a.Closed {
			t.Errorf("%+v", a)
		}
		s := p.start(t, configure, func(c *opsgenieapi.Config) {
			c.Edit = func(m *opsgenieapi.Message, _ mackerel.Alert) error {
				m.Entity, m.Priority = string(m.Priority)+m.Responders[0].Name, ""
				m.Responders[0].Name, m.Tags[1] = "edited", "edited"
				m.Responders, m.Tags = nil, append(m.Tags, "night")
				return nil
			}
		})
		for _, id := range []string{"1", "2"} {
			if err := s.Notify(t.Context(), mackerel.Alert{ID: id, Status: mackerel.StatusCritical}); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range s.alerts() {
			if a.Entity != "P4web" || a.Priority != "P3" || a.Responders != nil || strings.Join(a.Tags, " ") != "mackerel edited night" {
				t.Errorf("%+v", a)
			}
		}
		if team[0].Name != "web" {
			t.Errorf("the configuration was changed: %+v", team)
		}
	})
}

func TestSendAddsNothing(t *testing.T) {
	s := startOpsgenie(t, func(c *opsgenieapi.Config) {
		c.Responders, c.Tags = []opsgenieapi.Responder{{Type: "team", Name: "web"}}, []string{"mackerel"}
	})
	if _, err := s.send(opsgenieapi.Message{Title: "T"}); err != nil {
		t.Fatal(err)
	}
	if a := s.alerts()[0]; a.Responders != nil || a.Tags != nil {
		t.Errorf("%+v", a)
	}
}

func TestAnswers(t *testing.T) {
	const answer = `{"result":"Request will be processed","took":0.1,"requestId":"r"}`
	cases := []servicetest.Answer{
		{Name: "a 202 with the id of the request is success", Status: 202, Body: answer},
		{Name: "a 202 without an id is not success", Status: 202, Body: `{"result":"done"}`, Kind: mackerel.ErrUnavailable},
		{Name: "a 202 of a proxy is not success", Status: 202, Body: `ok`, Kind: mackerel.ErrUnavailable},
		{Name: "a wrong key", Status: 401, Body: `{"message":"Could not authenticate"}`, Kind: mackerel.ErrUnauthorized, Message: "Could not authenticate"},
		{Name: "a plan without the feature", Status: 403, Body: `{"message":"no","code":40301}`, Kind: mackerel.ErrUnauthorized, Code: "40301", Message: "no"},
		{Name: "wrong fields", Status: 422, Body: `{"message":"no.","errors":{"tags":"x","alias":"y"}}`, Kind: mackerel.ErrInvalid, Message: "no. alias: y tags: x"},
		{Name: "a page of a proxy", Status: 502, Body: `<html>`, Kind: mackerel.ErrUnavailable},
	}
	others := map[string]servicetest.Answer{
		"opsgenie": {Name: "a 200 is not success", Status: 200, Body: answer, Kind: mackerel.ErrUnavailable},
		"jsm":      {Name: "a 200 is success", Status: 200, Body: answer},
	}
	each(t, func(t *testing.T, p product) {
		servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
			s := p.start(t, func(c *opsgenieapi.Config) { c.Call.MaxAttempts = 1 })
			return s.fake, s
		}, append(cases[:len(cases):len(cases)], others[p.name]))
	})
}

func TestLostAnswers(t *testing.T) {
	create := opsgenieapi.Message{Alias: "a", Title: "T"}
	for _, c := range []struct {
		name     string
		message  opsgenieapi.Message
		delivery mackerel.Delivery
		requests int
		kind     error
	}{
		{"a creation at most once", create, mackerel.AtMostOnce, 2, nil},
		{"a creation at least once", create, mackerel.AtLeastOnce, 2, nil},
		{"a close at most once", opsgenieapi.Message{Action: "close", Alias: "a"}, mackerel.AtMostOnce, 2, nil},
		{"an acknowledge at most once", opsgenieapi.Message{Action: "acknowledge", Alias: "a"}, mackerel.AtMostOnce, 2, nil},
		{"a creation without an alias at most once", opsgenieapi.Message{Title: "T"}, mackerel.AtMostOnce, 1, mackerel.ErrAmbiguous},
		{"a creation without an alias by default", opsgenieapi.Message{Title: "T"}, 0, 2, nil},
		{"a note at most once", opsgenieapi.Message{Action: "note", Alias: "a", Text: "x"}, mackerel.AtMostOnce, 1, mackerel.ErrAmbiguous},
		{"a note by default", opsgenieapi.Message{Action: "note", Alias: "a", Text: "x"}, 0, 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startOpsgenie(t, func(config *opsgenieapi.Config) { config.Call.Delivery = c.delivery })
				s.fake.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
				r, err := s.send(c.message)
				if r.Attempts != c.requests || !errors.Is(err, c.kind) || r.Queued != (err == nil) {
					t.Errorf("%v, %+v", err, r)
				}
			})
		})
	}
}

// TestACloseWaitsForTheCreation lets the first request fail: the alert must not be created after it was closed.
func TestACloseWaitsForTheCreation(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		synctest.Test(t, func(t *testing.T) {
			s := p.start(t, func(c *opsgenieapi.Config) { c.Call.Pace = mackerel.Pace{} })
			s.fake.Inject(fakehttp.Fault{Status: 503})
			var sent sync.WaitGroup
			for _, a := range alerts("critical", "ok") {
				sent.Go(func() {
					if err := s.Notify(t.Context(), a); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait() // so that the order of the calls is known
			}
			sent.Wait()
			if all := s.alerts(); len(all) != 1 || !all[0].Closed {
				t.Errorf("%+v", all)
			}
		})
	})
}

func TestWaitsAfterA429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startJSM(t, func(c *opsgenieapi.Config) { c.Call.MaxWait = time.Minute })
		s.fake.SetLimit("requests", 1, time.Minute)
		start := time.Now()
		for range 2 {
			if _, err := s.send(opsgenieapi.Message{Alias: "a", Title: "T"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("%v", took)
		}
	})
}

func TestFollow(t *testing.T) {
	create := opsgenieapi.Message{Alias: "a", Title: "T"}
	for _, c := range []struct {
		name     string
		message  opsgenieapi.Message
		pending  int
		kind     error
		words    string
		queued   bool
		attempts int
		took     time.Duration
	}{
		{"the status is there at once", create, 0, nil, "", false, 2, 0},
		{"the status is there after a while", create, 3, nil, "", false, 5, 3 * time.Second},
		{"the status is never there", create, 100, mackerel.ErrUnavailable, "get request status: 404: Request not found", true, 11, 9 * time.Second},
		{"a close of an alert that is not open is done", opsgenieapi.Message{Action: "close", Alias: "b"}, 1, nil, "", false, 3, time.Second},
		{"a note to an alert that is not open fails", opsgenieapi.Message{Action: "note", Alias: "b", Text: "x"}, 1, mackerel.ErrInvalid, "add note: 200: Alert does not exist (invalid request, 2 attempts)", false, 3, time.Second},
	} {
		each(t, func(t *testing.T, p product) {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var attempts []mackerel.Attempt
					s := p.start(t, func(config *opsgenieapi.Config) {
						config.Follow, config.Call.OnAttempt = true, servicetest.Record(&attempts)
					})
					s.fake.SetPending(c.pending)
					r, err := s.send(c.message)
					if c.kind == nil && err != nil {
						t.Fatal(err)
					}
					if c.kind != nil && !strings.HasPrefix(servicetest.AsError(t, err, c.kind).Error(), p.name+": "+c.words) {
						t.Error(err)
					}
					for _, a := range attempts {
						if a.Notifier != p.name {
							t.Errorf("the attempt to %s is of %q", a.Op, a.Notifier)
						}
					}
					if r.Queued != c.queued || r.Attempts != c.attempts || r.Duration != c.took || r.ID == "" {
						t.Errorf("%+v", r)
					}
				})
			})
		})
	}
}

func TestRequestStatus(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		s := p.start(t)
		s.fake.SetPending(0)
		r, err := s.Deliver(t.Context(), alerts("critical")[0])
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.status(r.ID)
		want := opsgenieapi.RequestStatus{
			Action: "Create", Success: true, Status: "Created alert", AlertID: s.alerts()[0].ID, Alias: "mackerel-5A", ProcessedAt: got.ProcessedAt,
		}
		if err != nil || got != want || got.ProcessedAt.IsZero() {
			t.Errorf("%v, %+v", err, got)
		}
	})
}

// TestACloseThatWasNotCarriedOutIsAnError: only a close that finds no open alert has nothing to do.
func TestACloseThatWasNotCarriedOutIsAnError(t *testing.T) {
	s := startOpsgenie(t, func(c *opsgenieapi.Config) { c.Follow = true })
	s.fake.Inject(
		fakehttp.Fault{Status: 202, Body: `{"requestId":"r"}`},
		fakehttp.Fault{Status: 200, Body: `{"isSuccess":false,"status":"Alert is locked"}`},
	)
	_, err := s.send(opsgenieapi.Message{Action: "close", Alias: "a"})
	if e := servicetest.AsError(t, err, mackerel.ErrInvalid); e.Message != "Alert is locked" || e.Op != "close alert" {
		t.Errorf("%+v", e)
	}
}

func TestTheStatusOfAnEarlierAnswerIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startOpsgenie(t)
		s.fake.Inject(
			fakehttp.Fault{Status: 203, Body: `{"isSuccess":true,"status":"Created alert","alertId":"i"}`},
			servicetest.Refusing(401, `{"message":"no"}`),
		)
		got, err := s.status("r")
		if servicetest.AsError(t, err, mackerel.ErrUnauthorized); got != (opsgenieapi.RequestStatus{}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestALimitOfStatusesIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startOpsgenie(t)
		s.fake.Inject(
			fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"5"}}},
			fakehttp.Fault{Status: 200, Body: `{"isSuccess":true}`},
		)
		begin := time.Now()
		if _, err := s.status("r"); err != nil || time.Since(begin) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func TestAZeroNotifierHasNoStatuses(t *testing.T) {
	_, err := new(opsgenie.Notifier).RequestStatus(t.Context(), "r")
	servicetest.AsError(t, err, mackerel.ErrConfig)
	_, err = new(jsm.Notifier).RequestStatus(t.Context(), "r")
	servicetest.AsError(t, err, mackerel.ErrConfig)
}

func TestFormsOfARequestStatus(t *testing.T) {
	s := startOpsgenie(t)
	for _, body := range []string{
		`{"data":{"success":true,"action":"Create","processedAt":"2017-05-24T14:24:20.844Z","isSuccess":true,"status":"Created alert","alertId":"i","alias":"a"},"took":0.02,"requestId":"r"}`,
		`{"action":"Create","processedAt":"2017-05-24T14:24:20.844Z","isSuccess":true,"status":"Created alert","alertId":"i","alias":"a"}`,
	} {
		s.fake.Inject(fakehttp.Fault{Status: 200, Body: body})
		got, err := s.status("r/1")
		want := opsgenieapi.RequestStatus{
			Action: "Create", Success: true, Status: "Created alert", AlertID: "i", Alias: "a", ProcessedAt: time.Date(2017, 5, 24, 14, 24, 20, 844e6, time.UTC),
		}
		if err != nil || got != want {
			t.Errorf("%v, %+v", err, got)
		}
	}
	if r := s.fake.Requests()[0]; r.Method != http.MethodGet || r.Path != "/v2/alerts/requests/r%2F1" {
		t.Errorf("%s %s", r.Method, r.Path)
	}
}

func TestAnswersThatAreNoRequestStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		id     string
		status int
		body   string
		kind   error
	}{
		{"no id", "", 200, "", mackerel.ErrInvalid},
		{"no success in it", "r", 200, `{"data":{"status":"x"}}`, mackerel.ErrUnavailable},
		{"no JSON", "r", 200, `x`, mackerel.ErrUnavailable},
		{"another 2xx", "r", 202, `{"isSuccess":true}`, mackerel.ErrUnavailable},
		{"a wrong key", "r", 401, `{"message":"no"}`, mackerel.ErrUnauthorized},
		{"a limit", "r", 429, `{"message":"no"}`, mackerel.ErrRateLimited},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startOpsgenie(t)
				s.fake.Inject(servicetest.Refusing(c.status, c.body))
				_, err := s.status(c.id)
				if e := servicetest.AsError(t, err, c.kind); e.Op != "get request status" {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

func TestNoSecretComesBack(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		s := p.start(t, func(c *opsgenieapi.Config) { c.Follow = true })
		s.fake.Inject(
			fakehttp.Fault{Status: 202, Body: `{"requestId":"` + p.key + `"}`},
			fakehttp.Fault{Status: 200, Body: strings.ReplaceAll(`{"isSuccess":false,"status":"K","alias":"K","alertId":"K","action":"K"}`, "K", p.key), Times: 2},
		)
		r, err := s.send(opsgenieapi.Message{Alias: "a", Title: "T"})
		if e := servicetest.AsError(t, err, mackerel.ErrInvalid); strings.Contains(e.Error()+r.ID, p.key) || r.ID == "" {
			t.Errorf("%v, %+v", err, r)
		}
		got, err := s.status("r")
		if err != nil || got.Status == "" || strings.Contains(got.Action+got.Alias+got.AlertID+got.Status, p.key) {
			t.Errorf("%v, %+v", err, got)
		}
	})
}

func TestWhatIsNotSent(t *testing.T) {
	s := startOpsgenie(t)
	servicetest.Refused(t, s.fake, func(m opsgenieapi.Message) error { _, err := s.send(m); return err }, map[string]opsgenieapi.Message{
		"Title: required": {Alias: "a", Title: " \n\x15"},
		"Alias: required": {Action: "close"},
		"Alias: required (the close of an alert without names needs Alert.ID); Text: required": {Action: "note"},
		"Text: required":                             {Action: "note", Alias: "a"},
		"Alias: cannot be part of an address":        {Action: "close", Alias: ".."},
		"Alias: cannot be part of an addr":           {Action: "close", Alias: "."},
		`Action: must be "create", "acknowledge", "`: {Action: "snooze", Alias: "a"},
		`Priority: must be "P1", "P2", "P3", "P4" o`: {Title: "T", Priority: "P6"},
		"Alias: 514 characters, and at most 512 are": {Title: "T", Alias: strings.Repeat("🔥", 257)},
		"Responders: 51 items, and at most 50 are a": {Title: "T", Responders: make([]opsgenieapi.Responder, 51)},
	})
	send(t, products[0], opsgenieapi.Message{Title: "T", Alias: strings.Repeat("🔥", 256)})
	for action, op := range map[opsgenieapi.Action]string{
		"": "create alert", "acknowledge": "acknowledge alert", "note": "add note", "close": "close alert", "snooze": "send message",
	} {
		_, err := s.send(opsgenieapi.Message{Action: action})
		if e := servicetest.AsError(t, err, mackerel.ErrInvalid); e.Op != op {
			t.Errorf("%s is %q, want %q", action, e.Op, op)
		}
	}
}

func TestANoteNeedsOneText(t *testing.T) {
	one := mackerel.Fact{Label: "L", Value: "x"}
	for field, m := range map[string]opsgenieapi.Message{
		"title": {Title: "x"}, "text": {Text: "x"}, "facts": {Facts: []mackerel.Fact{one}}, "memo": {Memo: one}, "url": {URL: "https://x.test/"},
	} {
		m.Action, m.Alias = opsgenieapi.ActionAddNote, "a"
		if a, _ := send(t, products[0], opsgenieapi.Message{Title: "T", Alias: "a"}, m); len(a.Notes) != 1 || !strings.Contains(a.Notes[0], "x") {
			t.Errorf("%s: %q", field, a.Notes)
		}
	}
}

func TestAnErrorOfEditIsReturned(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		spoiled := errors.New("spoiled")
		s := p.start(t, func(c *opsgenieapi.Config) {
			c.Edit = func(*opsgenieapi.Message, mackerel.Alert) error { return spoiled }
		})
		if err := s.Notify(t.Context(), mackerel.Alert{Message: "x"}); !errors.Is(err, spoiled) || len(s.fake.Requests()) != 0 {
			t.Errorf("%v, %d requests", err, len(s.fake.Requests()))
		}
	})
}

// TestIncidentsAreKeyed: package route must not hold or join their alerts.
func TestIncidentsAreKeyed(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		if k, ok := p.start(t).notifier.(interface{ Keyed() bool }); !ok || !k.Keyed() {
			t.Error("it is not keyed")
		}
	})
}

func TestBothPackagesHaveTheConstants(t *testing.T) {
	want := []opsgenieapi.Priority{"P1", "P2", "P3", "P4", "P5"}
	for i, p := range []opsgenieapi.Priority{opsgenie.PriorityP1, opsgenie.PriorityP2, opsgenie.PriorityP3, opsgenie.PriorityP4, opsgenie.PriorityP5} {
		if p != want[i] {
			t.Errorf("opsgenie: %s, want %s", p, want[i])
		}
	}
	for i, p := range []opsgenieapi.Priority{jsm.PriorityP1, jsm.PriorityP2, jsm.PriorityP3, jsm.PriorityP4, jsm.PriorityP5} {
		if p != want[i] {
			t.Errorf("jsm: %s, want %s", p, want[i])
		}
	}
	if opsgenie.ActionCreate != opsgenieapi.ActionCreate || jsm.ActionCreate != opsgenieapi.ActionCreate {
		t.Error("ActionCreate is another action")
	}
}
