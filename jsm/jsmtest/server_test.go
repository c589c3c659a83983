package jsmtest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
)

// call makes a request to the path below the API's with the key, and returns the status and the body of the answer.
func call(t *testing.T, s *jsmtest.Server, key, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, jsmtest.MemoryBaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "GenieKey "+key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestServer(t *testing.T) {
	s := jsmtest.NewServer()
	defer s.Close()
	s.AddKey("another")
	for _, c := range []struct {
		name, key, method, path, body string
		status                        int
		answer                        string
	}{
		{"a creation", jsmtest.APIKey, "POST", "/alerts", `{"message":"m","alias":"a b"}`, 202, `"result":"Request will be processed"`},
		{"the status at first", jsmtest.APIKey, "GET", "/alerts/requests/00000001-4d61-4b65-8a72-000000000001", "", 404, "not be processed"},
		{"the status then", jsmtest.APIKey, "GET", "/alerts/requests/00000001-4d61-4b65-8a72-000000000001", "", 200, `"status":"Created alert"`},
		{"an acknowledgement", "another", "POST", "/alerts/a%20b/acknowledge?identifierType=alias", "", 202, "requestId"},
		{"a close by alias that is taken for an id", jsmtest.APIKey, "POST", "/alerts/a%20b/close", `{}`, 202, "requestId"},
		{"a note", jsmtest.APIKey, "POST", "/alerts/a%20b/notes?identifierType=alias", `{"note":"n"}`, 202, "requestId"},
		{"an unknown key", "nobody's", "POST", "/alerts", `{"message":"m"}`, 401, "Could not authenticate"},
		{"an unknown path", jsmtest.APIKey, "POST", "/heartbeats", `{}`, 404, "Not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := call(t, s, c.key, c.method, c.path, c.body)
			if status != c.status || !strings.Contains(answer, c.answer) {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	a := s.Alerts()
	if len(a) != 1 || a[0].Closed || !a[0].Acknowledged || a[0].Alias != "a b" || a[0].Notes[0] != "n" || a[0].Count != 1 {
		t.Errorf("%+v", a)
	}
}

func TestSettings(t *testing.T) {
	s := jsmtest.NewServer()
	defer s.Close()
	s.SetPending(0)
	s.SetLimit(2)
	call(t, s, jsmtest.APIKey, "POST", "/alerts", `{"message":"m"}`)
	for _, want := range []int{200, 429} {
		if status, answer := call(t, s, jsmtest.APIKey, "GET", "/alerts/requests/00000001-4d61-4b65-8a72-000000000001", ""); status != want {
			t.Errorf("%d %s", status, answer)
		}
	}
	s.Advance(time.Minute)
	s.Inject(fakehttp.Fault{Status: 503})
	for _, want := range []int{503, 202} {
		if status, answer := call(t, s, jsmtest.APIKey, "POST", "/alerts", `{"message":"m"}`); status != want {
			t.Errorf("%d %s", status, answer)
		}
	}
	if got := s.BaseURL(); !strings.HasPrefix(got, "http://127.0.0.1:") || !strings.HasSuffix(got, strings.TrimPrefix(jsmtest.MemoryBaseURL, fakehttp.MemoryURL)) {
		t.Error(got)
	}
}
