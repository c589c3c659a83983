package opsgeniefake_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/opsgeniefake"
)

func newServer(t *testing.T) *opsgeniefake.Server {
	t.Helper()
	s := opsgeniefake.New("/v2", "key", false)
	t.Cleanup(s.HTTP.Close)
	return s
}

func call(t *testing.T, s *opsgeniefake.Server, method, path, contentType, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, fakehttp.MemoryURL+"/v2"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "GenieKey key")
	r.Header.Set("Content-Type", contentType)
	resp, err := s.HTTP.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

// list is a JSON array of so many items.
func list(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

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
				resp, answer := call(t, newServer(t), "POST", "/alerts", "application/json", body)
				if resp.StatusCode != want || want == 422 && !strings.Contains(answer, `"`+c.field+`":"can not`) {
					t.Errorf("%d: %d %s", n, resp.StatusCode, answer)
				}
			}
		})
	}
}

func quoted(n int) string { return `"` + strings.Repeat("障", n) + `"` }

func TestWhatItRefuses(t *testing.T) {
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
		want                                  string
	}{
		{"no JSON", "POST", "/alerts", "application/json", `{`, 400, "Could not parse"},
		{"no body", "POST", "/alerts", "application/json", ``, 400, "missing"},
		{"another type", "POST", "/alerts", "text/plain", `{"message":"m"}`, 415, "Unsupported"},
		{"no message", "POST", "/alerts", "application/json", `{}`, 422, `"message":"is required"`},
		{"an empty message", "POST", "/alerts", "application/json", `{"message":""}`, 422, "can not be empty"},
		{"an unknown member", "POST", "/alerts", "application/json", `{"message":"m","teams":[]}`, 422, `"teams":"is unknown"`},
		{"a detail that is no text", "POST", "/alerts", "application/json", `{"message":"m","details":{"a":1}}`, 422, `"details.a":"must be a string"`},
		{"a priority that is none", "POST", "/alerts", "application/json", `{"message":"m","priority":"p1"}`, 422, "should be one of [ P1, P2, P3, P4, P5 ]"},
		{"a responder without a name", "POST", "/alerts", "application/json", `{"message":"m","responders":[{"type":"team"}]}`, 422, "responders"},
		{"a team by address", "POST", "/alerts", "application/json", `{"message":"m","responders":[{"type":"team","username":"u"}]}`, 422, "responders"},
		{"a schedule that is to see it", "POST", "/alerts", "application/json", `{"message":"m","visibleTo":[{"type":"schedule","id":"1"}]}`, 422, "visibleTo"},
		{"a note without words", "POST", "/alerts/a/notes", "application/json", `{}`, 422, "Note can not be empty"},
		{"a note without a body", "POST", "/alerts/a/notes", "application/json", ``, 400, "missing"},
		{"a note that is too long", "POST", "/alerts/a/close", "application/json", `{"note":` + quoted(25001) + `}`, 422, "25000"},
		{"an identifier that is none", "POST", "/alerts/a/close?identifierType=name", "application/json", ``, 422, "identifierType"},
		{"an unknown query", "POST", "/alerts/a/close?apiKey=x", "application/json", ``, 422, "apiKey"},
		{"an unknown verb", "POST", "/alerts/a/snooze", "application/json", `{}`, 404, "Not found"},
		{"another method", "GET", "/alerts", "", ``, 405, "Method not allowed"},
		{"a path that only begins alike", "POST", "/alertsx", "application/json", `{"message":"m"}`, 404, "Not found"},
		{"the status of nothing", "GET", "/alerts/requests/x", "", ``, 404, "not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			resp, answer := call(t, s, c.method, c.path, c.contentType, c.body)
			if resp.StatusCode != c.status || !strings.Contains(answer, c.want) || !strings.Contains(answer, `"requestId":"`+resp.Header.Get("X-Request-Id")+`"`) {
				t.Errorf("%d %s", resp.StatusCode, answer)
			}
			if len(s.Alerts()) != 0 {
				t.Error("it was kept all the same")
			}
		})
	}
}

// TestLife goes through the life of two alerts with the same alias.
func TestLife(t *testing.T) {
	s := newServer(t)
	s.SetPending(0)
	for _, step := range []struct{ path, body, status string }{
		{"/alerts/a/close?identifierType=alias", "", "Alert does not exist"},
		{"/alerts", `{"message":"one","alias":"a","priority":"P5","note":"n"}`, "Created alert"},
		{"/alerts", `{"message":"two","alias":"a","priority":"P1"}`, "Created alert"},
		{"/alerts/a/close?identifierType=alias", `{"note":"done","user":"u","source":"s"}`, "Closed alert"},
		{"/alerts/a/notes?identifierType=alias", `{"note":"late"}`, "Alert does not exist"},
		{"/alerts", `{"message":"three","alias":"a"}`, "Created alert"},
		{"/alerts", `{"message":"four"}`, "Created alert"},
	} {
		resp, answer := call(t, s, "POST", step.path, "application/json", step.body)
		if resp.StatusCode != http.StatusAccepted {
			t.Fatal(resp.StatusCode, answer)
		}
		_, answer = call(t, s, "GET", "/alerts/requests/"+resp.Header.Get("X-Request-Id"), "", "")
		if !strings.Contains(answer, `"status":"`+step.status+`"`) {
			t.Errorf("%+v: %s", step, answer)
		}
	}
	all := s.Alerts()
	if len(all) != 3 {
		t.Fatalf("%+v", all)
	}
	if a := all[0]; a.Message != "one" || a.Priority != "P5" || a.Count != 2 || !a.Closed || strings.Join(a.Notes, " ") != "n done" {
		t.Errorf("%+v", a)
	}
	if all[1].Closed || all[2].Alias != all[2].ID {
		t.Errorf("%+v", all)
	}
	if resp, _ := call(t, s, "POST", "/alerts/"+all[1].ID+"/close", "application/json", ""); resp.StatusCode != http.StatusAccepted || !s.Alerts()[1].Closed {
		t.Errorf("%+v", s.Alerts()[1])
	}
}

func TestThrottling(t *testing.T) {
	s := newServer(t)
	s.SetLimit(1)
	for _, want := range []struct {
		status        int
		state, period string
	}{{202, "OK", ""}, {429, "THROTTLED", "60"}} {
		resp, _ := call(t, s, "POST", "/alerts", "application/json", `{"message":"m"}`)
		if h := resp.Header; resp.StatusCode != want.status || h.Get("X-RateLimit-State") != want.state || h.Get("X-RateLimit-Period-In-Sec") != want.period {
			t.Errorf("%d %v", resp.StatusCode, h)
		}
	}
}
