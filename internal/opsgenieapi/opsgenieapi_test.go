package opsgenieapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
)

func TestConfigIsCheckedAsAWhole(t *testing.T) {
	_, err := opsgenieapi.New(opsgenieapi.Dialect{Name: "genie"}, opsgenieapi.Config{
		APIKey: mackerel.NewSecret("two words"), BaseURL: "https://x.test/?apiKey=s3cret",
		Responders: []opsgenieapi.Responder{{Type: "team", Name: "web"}, {Type: "all", ID: "x"}},
		Tags:       []string{"ok", "", strings.Repeat("障", 51)},
		Priorities: map[mackerel.Status]opsgenieapi.Priority{"critical": "P0", "warning": "P3"},
		Level:      "loud", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxWait: -1},
	})
	e := asError(t, err, mackerel.ErrConfig)
	for _, want := range []string{
		"APIKey: ", "BaseURL: ", "Responders[1]: ", "Tags[1]: ", "Tags[2]: ", "Priorities[critical]: ", "Level: ", "Text.Language: ", "Call.MaxWait: ",
	} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q is not in %q", want, e.Message)
		}
	}
	for _, not := range []string{"s3cret", "two words", "Responders[0]", "Tags[0]", "[warning]"} {
		if strings.Contains(e.Message, not) {
			t.Errorf("%q is in %q", not, e.Message)
		}
	}
}

func TestResponders(t *testing.T) {
	for _, c := range []struct {
		name      string
		responder opsgenieapi.Responder
		ok        bool
	}{
		{"a team by name", opsgenieapi.Responder{Type: "team", Name: "web"}, true},
		{"a schedule by id", opsgenieapi.Responder{Type: "schedule", ID: "1"}, true},
		{"an escalation by name", opsgenieapi.Responder{Type: "escalation", Name: "night"}, true},
		{"a user by address", opsgenieapi.Responder{Type: "user", Username: "hanako@example.com"}, true},
		{"a user by id", opsgenieapi.Responder{Type: "user", ID: "1"}, true},
		{"a user by name", opsgenieapi.Responder{Type: "user", Name: "hanako"}, false},
		{"a team by address", opsgenieapi.Responder{Type: "team", Username: "web@example.com"}, false},
		{"a team by both", opsgenieapi.Responder{Type: "team", ID: "1", Name: "web"}, false},
		{"nobody", opsgenieapi.Responder{Type: "team"}, false},
		{"no type", opsgenieapi.Responder{Name: "web"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, opsgenieapi.Config{})
			_, err := n.Send(t.Context(), opsgenieapi.Message{Title: "T", Responders: []opsgenieapi.Responder{c.responder}})
			if (err == nil) != c.ok || err != nil && (!errors.Is(err, mackerel.ErrInvalid) || len(s.HTTP.Requests()) > 0) {
				t.Errorf("%v, %d requests", err, len(s.HTTP.Requests()))
			}
		})
	}
}

func TestWhatIsRefusedBeforeItIsSent(t *testing.T) {
	for _, c := range []struct {
		name    string
		message opsgenieapi.Message
		op      string
		want    string
	}{
		{"no title", opsgenieapi.Message{Alias: "a"}, "create alert", "Title: required"},
		{"a blank title", opsgenieapi.Message{Title: " \n"}, "create alert", "Title: required"},
		{"a close without an alias", opsgenieapi.Message{Action: "close"}, "close alert", "Alias: required"},
		{"a note without an alias", opsgenieapi.Message{Action: "note", Text: "x"}, "add note", "Alias: required"},
		{"a note without words", opsgenieapi.Message{Action: "note", Alias: "a"}, "add note", "Text: required"},
		{"an alias that climbs", opsgenieapi.Message{Action: "close", Alias: ".."}, "close alert", "Alias: cannot be part of an address"},
		{"an action that is none", opsgenieapi.Message{Action: "snooze"}, "send message", `Action: "snooze" is none`},
		{"a priority that is none", opsgenieapi.Message{Title: "T", Priority: "P6"}, "create alert", `Priority: "P6" is none`},
		{"an alias that is too long", opsgenieapi.Message{Title: "T", Alias: strings.Repeat("🔥", 257)}, "create alert", "Alias: 514 characters, and at most 512 are allowed"},
		{"too many responders", opsgenieapi.Message{Title: "T", Responders: make([]opsgenieapi.Responder, 51)}, "create alert", "Responders: 51, and at most 50 are allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			r, err := newNotifier(t, s, opsgenieapi.Config{}).Send(t.Context(), c.message)
			e := asError(t, err, mackerel.ErrInvalid)
			if e.Op != c.op || !strings.HasPrefix(e.Message, c.want) || r.Provider != "genie" || r.Queued {
				t.Errorf("%+v, %+v", e, r)
			}
			if got := s.HTTP.Requests(); len(got) != 0 {
				t.Errorf("%d requests", len(got))
			}
		})
	}
}

// TestByAlias does everything that can be done to an alert, under an alias that has to be escaped.
func TestByAlias(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, opsgenieapi.Config{})
	alias := "障害/ a?b#c%2F"
	for _, action := range []opsgenieapi.Action{"", opsgenieapi.ActionCreate, "acknowledge", "note", "close"} {
		r, err := n.Send(t.Context(), opsgenieapi.Message{Action: action, Alias: alias, Title: "T", Text: string(action)})
		if err != nil || !r.Queued || r.ID == "" || r.Attempts != 1 {
			t.Fatalf("%s: %v, %+v", action, err, r)
		}
	}
	a := only(t, s)
	if a.Alias != alias || a.Count != 2 || !a.Acknowledged || !a.Closed {
		t.Errorf("%+v", a)
	}
	if got := strings.Join(a.Notes, "|"); got != "T\nacknowledge|T\nnote|T\nclose" {
		t.Errorf("%q", got)
	}
	for _, r := range s.HTTP.Requests()[2:] {
		if r.Query != "identifierType=alias" {
			t.Errorf("%s?%s", r.Path, r.Query)
		}
	}
}

// TestRepeats: what has an alias is repeated in either mode and is there once; the rest are messages like any other.
func TestRepeats(t *testing.T) {
	lost := fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}
	create := opsgenieapi.Message{Alias: "a", Title: "T"}
	for _, c := range []struct {
		name     string
		message  opsgenieapi.Message
		delivery mackerel.Delivery
		requests int
		ok       bool
	}{
		{"a creation at most once", create, mackerel.AtMostOnce, 2, true},
		{"a creation at least once", create, mackerel.AtLeastOnce, 2, true},
		{"a close at most once", opsgenieapi.Message{Action: "close", Alias: "a"}, mackerel.AtMostOnce, 2, true},
		{"an acknowledgement at most once", opsgenieapi.Message{Action: "acknowledge", Alias: "a"}, mackerel.AtMostOnce, 2, true},
		{"a creation without an alias at most once", opsgenieapi.Message{Title: "T"}, mackerel.AtMostOnce, 1, false},
		{"a creation without an alias by default", opsgenieapi.Message{Title: "T"}, 0, 2, true},
		{"a note at most once", opsgenieapi.Message{Action: "note", Alias: "a", Text: "x"}, mackerel.AtMostOnce, 1, false},
		{"a note by default", opsgenieapi.Message{Action: "note", Alias: "a", Text: "x"}, 0, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.HTTP.Inject(lost)
				n := newNotifier(t, s, opsgenieapi.Config{Call: mackerel.CallOptions{Delivery: c.delivery}})
				r, err := n.Send(t.Context(), c.message)
				if r.Attempts != c.requests || (err == nil) != c.ok || r.Queued != c.ok {
					t.Errorf("%v, %+v", err, r)
				}
				if err != nil && !errors.Is(err, mackerel.ErrAmbiguous) {
					t.Error(err)
				}
			})
		})
	}
}

func TestErrorsOfTheService(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   error
		code   string
		want   string
	}{
		{"a wrong key", 401, `{"message":"Could not authenticate","took":0.1,"requestId":"r"}`, mackerel.ErrUnauthorized, "", "Could not authenticate"},
		{"a plan that does not have it", 403, `{"message":"no","code":40301}`, mackerel.ErrUnauthorized, "40301", "no"},
		{"fields that are wrong", 422, `{"message":"no.","errors":{"tags":"x","alias":"y"}}`, mackerel.ErrInvalid, "", "no. alias: y tags: x"},
		{"an answer of a proxy's", 502, `<html>`, mackerel.ErrUnavailable, "", ""},
		{"a 200 is not the documented success", 200, `{"result":"done","requestId":"r"}`, mackerel.ErrUnavailable, "", ""},
		{"a 202 without a request's id", 202, `{"result":"Request will be processed"}`, mackerel.ErrUnavailable, "", ""},
		{"a 202 of a proxy's", 202, `ok`, mackerel.ErrUnavailable, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.HTTP.Inject(fakehttp.Fault{Status: c.status, Body: c.body})
			n := newNotifier(t, s, opsgenieapi.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
			r, err := n.Send(t.Context(), opsgenieapi.Message{Alias: "a", Title: "T"})
			if e := asError(t, err, c.kind); e.Code != c.code || e.Message != c.want || e.Status != c.status || r.ID != "" || r.Queued {
				t.Errorf("%+v, %+v", e, r)
			}
		})
	}
}

func TestThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.SetLimit(1)
		start := time.Now()
		patient := newNotifier(t, s, opsgenieapi.Config{Call: mackerel.CallOptions{MaxWait: time.Minute}})
		for range 2 {
			if _, err := patient.Send(t.Context(), opsgenieapi.Message{Alias: "a", Title: "T"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("%v", took)
		}
		_, err := newNotifier(t, s, opsgenieapi.Config{}).Send(t.Context(), opsgenieapi.Message{Alias: "a", Title: "T"})
		if e := asError(t, err, mackerel.ErrRateLimited); e.RetryAfter != time.Minute {
			t.Errorf("%+v", e)
		}
	})
}

// TestFollow waits for what becomes of a request.
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
		{"at once", create, 0, nil, "", false, 2, 0},
		{"after a while", create, 3, nil, "", false, 5, 3 * time.Second},
		{"never", create, 100, mackerel.ErrUnavailable, "Request not found", true, 11, 9 * time.Second},
		{"a close of what is not open is done", opsgenieapi.Message{Action: "close", Alias: "b"}, 1, nil, "", false, 3, time.Second},
		{"a note to what is not open fails", opsgenieapi.Message{Action: "note", Alias: "b", Text: "x"}, 1, mackerel.ErrInvalid, "Alert does not exist", false, 3, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.SetPending(c.pending)
				r, err := newNotifier(t, s, opsgenieapi.Config{Follow: true}).Send(t.Context(), c.message)
				if c.kind == nil && err != nil {
					t.Fatal(err)
				}
				if c.kind != nil && !strings.Contains(asError(t, err, c.kind).Message, c.words) {
					t.Error(err)
				}
				if r.Queued != c.queued || r.Attempts != c.attempts || r.Duration != c.took || r.ID == "" {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

func TestAFollowedFailureNamesTheOperation(t *testing.T) {
	s := newServer(t)
	s.SetPending(0)
	_, err := newNotifier(t, s, opsgenieapi.Config{Follow: true}).Send(t.Context(), opsgenieapi.Message{Action: "acknowledge", Alias: "b"})
	if e := asError(t, err, mackerel.ErrInvalid); e.Error() != "genie: acknowledge alert: 200: Alert does not exist (invalid request)" {
		t.Error(e)
	}
}

func TestRequestStatus(t *testing.T) {
	for _, flat := range []string{
		`{"data":{"success":true,"action":"Create","processedAt":"2017-05-24T14:24:20.844Z","isSuccess":true,"status":"Created alert","alertId":"i","alias":"a"},"took":0.02,"requestId":"r"}`,
		`{"action":"Create","processedAt":"2017-05-24T14:24:20.844Z","isSuccess":true,"status":"Created alert","alertId":"i","alias":"a"}`,
	} {
		s := newServer(t)
		s.HTTP.Inject(fakehttp.Fault{Status: 200, Body: flat})
		got, err := newNotifier(t, s, opsgenieapi.Config{}).RequestStatus(t.Context(), "r/1")
		want := opsgenieapi.RequestStatus{
			Action: "Create", Success: true, Status: "Created alert", AlertID: "i", Alias: "a", ProcessedAt: time.Date(2017, 5, 24, 14, 24, 20, 844e6, time.UTC),
		}
		if err != nil || got != want {
			t.Errorf("%v, %+v", err, got)
		}
		if r := s.HTTP.Requests()[0]; r.Method != http.MethodGet || r.Path != "/v2/alerts/requests/r%2F1" {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}

func TestRequestStatusThatIsNone(t *testing.T) {
	for _, c := range []struct {
		name   string
		id     string
		status int
		body   string
		kind   error
	}{
		{"no id", "", 200, "", mackerel.ErrInvalid},
		{"no status in it", "r", 200, `{"data":{"status":"x"}}`, mackerel.ErrUnavailable},
		{"no JSON", "r", 200, `x`, mackerel.ErrUnavailable},
		{"another success", "r", 202, `{"isSuccess":true}`, mackerel.ErrUnavailable},
		{"a wrong key", "r", 401, `{"message":"no"}`, mackerel.ErrUnauthorized},
		{"a limit", "r", 429, `{"message":"no"}`, mackerel.ErrRateLimited},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.HTTP.Inject(fakehttp.Fault{Status: c.status, Body: c.body, Times: -1})
				_, err := newNotifier(t, s, opsgenieapi.Config{}).RequestStatus(t.Context(), c.id)
				if e := asError(t, err, c.kind); e.Op != "get request status" {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

func TestNoSecretComesBack(t *testing.T) {
	s := newServer(t)
	s.HTTP.Inject(
		fakehttp.Fault{Status: 202, Body: `{"requestId":"` + key + `"}`},
		fakehttp.Fault{Status: 200, Body: `{"isSuccess":false,"status":"` + key + `","alias":"` + key + `","alertId":"` + key + `","action":"` + key + `"}`, Times: 2},
	)
	n := newNotifier(t, s, opsgenieapi.Config{Follow: true})
	r, err := n.Send(t.Context(), opsgenieapi.Message{Alias: "a", Title: "T"})
	if e := asError(t, err, mackerel.ErrInvalid); strings.Contains(e.Error()+r.ID, key) || r.ID == "" {
		t.Errorf("%v, %+v", err, r)
	}
	got, err := n.RequestStatus(t.Context(), "r")
	if err != nil || strings.Contains(got.Action+got.Alias+got.AlertID+got.Status, key) {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestConfigurationOfAMessage(t *testing.T) {
	team, user := opsgenieapi.Responder{Type: "team", Name: "web"}, opsgenieapi.Responder{Type: "user", Username: "hanako@example.com"}
	s := newServer(t)
	n := newNotifier(t, s, opsgenieapi.Config{Responders: []opsgenieapi.Responder{team}, Tags: []string{"mackerel", "web"}})
	for _, m := range []opsgenieapi.Message{
		{Title: "T"}, {Title: "T", Responders: []opsgenieapi.Responder{user}, Tags: []string{"night", "web"}},
	} {
		if _, err := n.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	all := s.Alerts()
	if all[0].Responders[0].Name != "web" || strings.Join(all[0].Tags, " ") != "mackerel web" || all[0].Priority != "P3" {
		t.Errorf("%+v", all[0])
	}
	if len(all[1].Responders) != 1 || all[1].Responders[0].Username == "" || strings.Join(all[1].Tags, " ") != "night web mackerel" {
		t.Errorf("%+v", all[1])
	}
}
