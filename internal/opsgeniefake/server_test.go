package opsgeniefake_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/opsgeniefake"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
)

// start returns a fake with Opsgenie's dialect.
func start(t *testing.T) *opsgeniefake.Server {
	t.Helper()
	return servicetest.Start(t, opsgeniefake.New(opsgeniefake.Dialect{Base: "/v2", Key: "key"}))
}

// call makes a request below the path of the API, with headers in place of the usual ones.
func call(t *testing.T, s *opsgeniefake.Server, method, path, body string, header ...string) servicetest.Answered {
	t.Helper()
	header = append([]string{"Authorization", "GenieKey key", "Content-Type", "application/json"}, header...)
	return servicetest.Call(t, s.Client(), method, "http://fake.test/v2"+path, body, header...)
}

// list returns a JSON array of n items.
func list(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

func quoted(n int) string { return `"` + strings.Repeat("障", n) + `"` }

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		field string
		value func(n int) string
		most  int
	}{
		{"message", quoted, 130}, {"alias", quoted, 512}, {"description", quoted, 15000}, {"entity", quoted, 512},
		{"source", quoted, 100}, {"user", quoted, 100}, {"note", quoted, 25000},
		{"details", func(n int) string { return `{"a":` + quoted(n-1) + `}` }, 8000},
		{"tags", func(n int) string { return list(n, `"t"`) }, 20},
		{"tags", func(n int) string { return list(1, quoted(n)) }, 50},
		{"actions", func(n int) string { return list(n, `"a"`) }, 10},
		{"actions", func(n int) string { return list(1, quoted(n)) }, 50},
		{"responders", func(n int) string { return list(n, `{"type":"team","id":"1"}`) }, 50},
		{"visibleTo", func(n int) string { return list(n, `{"type":"user","username":"u"}`) }, 50},
	} {
		t.Run(c.field, func(t *testing.T) {
			for n, want := range map[int]int{c.most: 202, c.most + 1: 422} {
				body := `{"message":"m","` + c.field + `":` + c.value(n) + `}`
				if c.field == "message" {
					body = `{"message":` + c.value(n) + `}`
				}
				a := call(t, start(t), http.MethodPost, "/alerts", body)
				if a.Status != want || want == 422 && !strings.Contains(a.Body, `"`+c.field+`":"can not`) {
					t.Errorf("%d: %+v", n, a)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"no JSON", "POST", "/alerts", `{`, 400, "Could not parse"},
		{"no body", "POST", "/alerts", ``, 400, "missing"},
		{"no message", "POST", "/alerts", `{}`, 422, `"message":"Message can not be empty."`},
		{"a member twice", "POST", "/alerts", `{"message":"m","alias":"a","alias":"b"}`, 422, `"alias":"is given twice"`},
		{"an unknown member", "POST", "/alerts", `{"message":"m","teams":[]}`, 422, `"teams":"is unknown"`},
		{"a detail that is a number", "POST", "/alerts", `{"message":"m","details":{"a":1}}`, 422, `"details.a":"must be a string"`},
		{"an unknown priority", "POST", "/alerts", `{"message":"m","priority":"p1"}`, 422, "should be one of [ P1, P2, P3, P4, P5 ]"},
		{"a responder without a name", "POST", "/alerts", `{"message":"m","responders":[{"type":"team"}]}`, 422, "responders"},
		{"a team by address", "POST", "/alerts", `{"message":"m","responders":[{"type":"team","username":"u"}]}`, 422, "responders"},
		{"a schedule in visibleTo", "POST", "/alerts", `{"message":"m","visibleTo":[{"type":"schedule","id":"1"}]}`, 422, "visibleTo"},
		{"an empty note", "POST", "/alerts/a/notes", `{}`, 422, "Note can not be empty"},
		{"a note without a body", "POST", "/alerts/a/notes", ``, 400, "missing"},
		{"a note that is too long", "POST", "/alerts/a/close", `{"note":` + quoted(25001) + `}`, 422, "25000"},
		{"a source that is too long", "POST", "/alerts/a/close", `{"source":` + quoted(101) + `,"user":` + quoted(101) + `}`, 422, `"source":"can not be longer than 100 characters","user":"can not`},
		{"an unknown identifierType", "POST", "/alerts/a/close?identifierType=name", ``, 422, "identifierType"},
		{"an unknown parameter", "POST", "/alerts/a/close?apiKey=x", ``, 422, "apiKey"},
		{"an unknown verb", "POST", "/alerts/a/snooze", `{}`, 404, "Not found"},
		{"another method", "GET", "/alerts", ``, 405, "Method not allowed"},
		{"a path that only begins with alerts", "POST", "/alertsx", `{"message":"m"}`, 404, "Not found"},
		{"another resource", "POST", "/heartbeats", `{}`, 404, "Not found"},
		{"the status of an unknown request", "GET", "/alerts/requests/x", ``, 404, "not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t)
			s.Strict(true)
			a := call(t, s, c.method, c.path, c.body)
			if a.Status != c.status || !strings.Contains(a.Body, c.want) || !strings.Contains(a.Body, `"requestId":"`+a.Header.Get("X-Request-Id")+`"`) {
				t.Errorf("%+v", a)
			}
			if p := s.Problems(); len(p) != 1 || len(s.Alerts()) != 0 || s.Accepted() != 0 {
				t.Errorf("%q, %d accepted", p, s.Accepted())
			}
		})
	}
}

func TestASlashAtTheEndOfAPathCountsForNothing(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/alerts/", "/alerts/a/acknowledge/?identifierType=alias", "/alerts/a/close/?identifierType=alias"} {
		if a := call(t, s, http.MethodPost, path, `{"message":"m","alias":"a"}`); a.Status != http.StatusAccepted {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if alerts := s.Alerts(); len(alerts) != 1 || !alerts[0].Closed {
		t.Errorf("%+v", alerts)
	}
	if a := call(t, s, http.MethodPost, "/alerts//", `{"message":"m"}`); a.Status != http.StatusNotFound {
		t.Errorf("two slashes: %+v", a)
	}
}

func TestKeysAndTypes(t *testing.T) {
	for _, c := range []struct {
		name   string
		header []string
		status int
	}{
		{"an unknown key", []string{"Authorization", "GenieKey other"}, 401},
		{"a revoked key", []string{"Authorization", "GenieKey revoked"}, 401},
		{"another scheme", []string{"Authorization", "Basic key"}, 401},
		{"a second key", []string{"Authorization", "GenieKey second"}, 202},
		{"a body in another type", []string{"Content-Type", "text/plain"}, 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t)
			s.AddToken("second", "revoked")
			s.RevokeToken("revoked")
			if a := call(t, s, http.MethodPost, "/alerts", `{"message":"m"}`, c.header...); a.Status != c.status {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestUnknownMembersAreIgnoredUnlessTheFakeIsStrict sends what the official client sends.
func TestUnknownMembersAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s := start(t)
	call(t, s, http.MethodPost, "/alerts", `{"message":"m","alias":"a","teams":[],"details":null}`)
	for _, verb := range []string{"acknowledge", "notes", "close"} {
		body := `{"IdentifierType":"alias","IdentifierValue":"a","user":"u","source":"s","note":"` + verb + `"}`
		if a := call(t, s, http.MethodPost, "/alerts/a/"+verb+"?identifierType=alias&apiKey=x", body); a.Status != http.StatusAccepted {
			t.Errorf("%s: %+v", verb, a)
		}
	}
	if a := s.Alerts()[0]; !a.Acknowledged || !a.Closed || strings.Join(a.Notes, " ") != "acknowledge notes close" {
		t.Errorf("%+v", a)
	}
}

// TestAlerts goes through the life of alerts with the same alias.
func TestAlerts(t *testing.T) {
	s := start(t)
	s.SetPending(0)
	for _, step := range []struct {
		path, body, status string
		accepted           int // so far
	}{
		{"/alerts/a/close?identifierType=alias", "", "Alert does not exist", 1},
		{"/alerts", `{"message":"one","alias":"a","priority":"P5","note":"n"}`, "Created alert", 2},
		{"/alerts", `{"message":"two","alias":"a","priority":"P1"}`, "Created alert", 2},
		{"/alerts/a/close", "", "Alert does not exist", 3}, // the alias is taken for an id
		{"/alerts/a/close?identifierType=tiny", "", "Alert does not exist", 4},
		{"/alerts/a/acknowledge?identifierType=alias", "", "Acknowledged alert", 5},
		{"/alerts/a/close?identifierType=alias", `{"note":"done","user":"u","source":"s"}`, "Closed alert", 6},
		{"/alerts/a/notes?identifierType=alias", `{"note":"late"}`, "Alert does not exist", 7},
		{"/alerts", `{"message":"three","alias":"a"}`, "Created alert", 8},
		{"/alerts", `{"message":"four"}`, "Created alert", 9},
	} {
		a := call(t, s, http.MethodPost, step.path, step.body)
		if a.Status != http.StatusAccepted || s.Accepted() != step.accepted {
			t.Fatalf("%+v: %+v, %d accepted", step, a, s.Accepted())
		}
		a = call(t, s, http.MethodGet, "/alerts/requests/"+a.Header.Get("X-Request-Id"), "")
		if !strings.Contains(a.Body, `"status":"`+step.status+`"`) {
			t.Errorf("%+v: %+v", step, a)
		}
	}
	all := s.Alerts()
	if len(all) != 3 || all[1].Closed || all[2].Alias != all[2].ID || all[1].Priority != "P3" {
		t.Fatalf("%+v", all)
	}
	a := all[0]
	if a.Message != "one" || a.Priority != "P5" || a.Count != 2 || !a.Acknowledged || !a.Closed || strings.Join(a.Notes, " ") != "n done" {
		t.Errorf("%+v", a)
	}
	if call(t, s, http.MethodPost, "/alerts/"+all[1].ID+"/close", ""); !s.Alerts()[1].Closed {
		t.Errorf("%+v is not closed by its id", all[1])
	}
}

func TestTheRateOfAKeyIsLimitedIfToldTo(t *testing.T) {
	s := start(t)
	s.AddToken("second")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	for range 100 {
		if a := call(t, s, http.MethodPost, "/alerts", `{"message":"m"}`); a.Status != http.StatusAccepted {
			t.Fatalf("%+v", a)
		}
	}
	s.Documented()
	s.SetLimit("requests", 10, time.Second)
	for range 10 {
		if a := call(t, s, http.MethodPost, "/alerts", `{"message":"m"}`); a.Header.Get("X-RateLimit-State") != "OK" {
			t.Fatalf("%+v", a)
		}
	}
	a := call(t, s, http.MethodPost, "/alerts", `{"message":"m"}`)
	if h := a.Header; a.Status != 429 || h.Get("X-RateLimit-State") != "THROTTLED" || h.Get("X-RateLimit-Period-In-Sec") != "1" {
		t.Errorf("%+v", a)
	}
	if a := call(t, s, http.MethodPost, "/alerts", `{"message":"m"}`, "Authorization", "GenieKey second"); a.Status != http.StatusAccepted {
		t.Errorf("another key: %+v", a)
	}
	s.Advance(time.Second)
	if a := call(t, s, http.MethodPost, "/alerts", `{"message":"m"}`); a.Status != http.StatusAccepted {
		t.Errorf("%+v", a)
	}
}

// TestDialects goes to the two public fakes on the loopback interface.
func TestDialects(t *testing.T) {
	opsgenie, jsm := servicetest.Start(t, opsgenietest.New()), servicetest.Start(t, jsmtest.New())
	for _, c := range []struct{ name, base, key, status string }{
		{"opsgenie", opsgenie.Config().BaseURL, opsgenietest.APIKey, `{"data":{"action":"Create",`},
		{"jsm", jsm.Config().BaseURL, jsmtest.APIKey, `{"action":"Create",`},
	} {
		call := func(method, path, body string) servicetest.Answered {
			return servicetest.Call(t, http.DefaultClient, method, c.base+path, body, "Authorization", "GenieKey "+c.key, "Content-Type", "application/json")
		}
		a := call(http.MethodPost, "/alerts", `{"message":"m"}`)
		if a.Status != http.StatusAccepted || !strings.HasPrefix(a.Body, `{"requestId":"`) {
			t.Fatalf("%s: %+v", c.name, a)
		}
		path := "/alerts/requests/" + a.Header.Get("X-Request-Id")
		if a = call(http.MethodGet, path, ""); a.Status != 404 || a.Header.Get("X-Opsgenie-Errortype") != "RequestNotProcessed" {
			t.Errorf("%s: %+v", c.name, a)
		}
		if a = call(http.MethodGet, path, ""); a.Status != http.StatusOK || !strings.HasPrefix(a.Body, c.status) {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}
