package mackereltest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

const path = "/api/v0/channels"

func newServer(t *testing.T) *mackereltest.Server {
	t.Helper()
	s := mackereltest.New()
	t.Cleanup(s.Close)
	return s
}

// call sends a request with the key that may do everything, and returns the status and the body of the answer.
func call(t *testing.T, s *mackereltest.Server, method, path, body string) (int, string) {
	t.Helper()
	return callAs(t, s, mackereltest.APIKey, method, path, body)
}

func callAs(t *testing.T, s *mackereltest.Server, key, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, fakehttp.MemoryURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("Content-Type", "application/json")
	return send(t, s, req)
}

func send(t *testing.T, s *mackereltest.Server, req *http.Request) (int, string) {
	t.Helper()
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	return resp.StatusCode, string(answer)
}

// sameJSON compares two texts as JSON.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// withID puts the id into a text in place of ID.
func withID(text, id string) string { return strings.ReplaceAll(text, "ID", id) }

func TestWhoMayDoWhat(t *testing.T) {
	const unknown = `{"error":{"message":"Authentication failed. Please try with valid Api Key."}}`
	const readOnly = `{"error":{"message":"The API key has no write permission."}}`
	s := newServer(t)
	id := s.AddChannel(`{"type":"chatwork","name":"room"}`)
	s.AddToken("another", mackereltest.Read)
	s.AddToken("gone", mackereltest.ReadWrite)
	s.RevokeToken("gone")
	for _, tt := range []struct {
		name, key, method, path string
		status                  int
		body                    string
	}{
		{"no key", "", "GET", path, 401, unknown},
		{"an unknown key", "mackereltest-api-kez", "GET", path, 401, unknown},
		{"a key that was removed", "gone", "GET", path, 401, unknown},
		{"an unknown key for a change", "x", "DELETE", path + "/" + id, 401, unknown},
		{"a read-only key lists", mackereltest.ReadOnlyAPIKey, "GET", path, 200, ""},
		{"a key added to read lists", "another", "GET", path, 200, ""},
		{"a read-only key creates", mackereltest.ReadOnlyAPIKey, "POST", path, 403, readOnly},
		{"a read-only key updates", mackereltest.ReadOnlyAPIKey, "PUT", path + "/" + id, 403, readOnly},
		{"a read-only key deletes", "another", "DELETE", path + "/" + id, 403, readOnly},
		{"no key on a path that does not exist", "", "GET", "/api/v0/nothing", 404, `{"error":{"message":"Not found."}}`},
		{"one channel cannot be read", mackereltest.APIKey, "GET", path + "/" + id, 404, `{"error":{"message":"Not found."}}`},
		{"an unknown channel is updated", mackereltest.APIKey, "PUT", path + "/none", 404, `{"error":{"message":"Channel Not Found."}}`},
		{"an unknown channel is deleted", mackereltest.APIKey, "DELETE", path + "/none", 404, `{"error":{"message":"Channel Not Found."}}`},
		{"a list with parameters", mackereltest.APIKey, "GET", path + "?limit=1", 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := callAs(t, s, tt.key, tt.method, tt.path, "{}")
			if status != tt.status || tt.body != "" && body != tt.body {
				t.Errorf("got %d %s, want %d %s", status, body, tt.status, tt.body)
			}
		})
	}
	if len(s.Channels()) != 1 {
		t.Error("something was changed")
	}
}

func TestErrorsAsStrings(t *testing.T) {
	s := newServer(t)
	s.StringErrors(true)
	if status, body := call(t, s, "DELETE", path+"/none", ""); status != 404 || body != `{"error":"Channel Not Found."}` {
		t.Errorf("got %d %s", status, body)
	}
	s.StringErrors(false)
	if status, body := call(t, s, "DELETE", path+"/none", ""); status != 404 || body != `{"error":{"message":"Channel Not Found."}}` {
		t.Errorf("got %d %s", status, body)
	}
}

func TestIDsLookLikeMackerelsAndNeverRepeat(t *testing.T) {
	shape := regexp.MustCompile(`^[0-9A-Za-z]{11}$`)
	first, second := newServer(t), newServer(t)
	seen := make(map[string]bool)
	for range 1000 {
		id := first.AddChannel(`{}`)
		if again := second.AddChannel(`{}`); again != id {
			t.Fatalf("two servers gave %s and %s", id, again)
		}
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("id %q is misshapen or was there before", id)
		}
		seen[id] = true
	}
	third := newServer(t)
	id := newServer(t).AddChannel(`{}`)
	third.AddChannel(`{"id":"` + id + `"}`)
	if got := third.AddChannel(`{}`); got == id {
		t.Errorf("%s was given away twice", id)
	}
}

func TestThroughTheLoopbackAsOtherClientsDo(t *testing.T) {
	s := newServer(t)
	id := s.AddChannel(`{"type":"line","name":"a"}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.URL()+path+"/"+id+"?", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", mackereltest.APIKey)
	req.Header.Set("Content-Type", "application/json") // without a body, and with an empty query
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(s.Channels()) != 0 {
		t.Errorf("status %d, %d channels left; want 200, 0", resp.StatusCode, len(s.Channels()))
	}
}

func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mackereltest.New()
		defer s.Close()
		s.Inject(fakehttp.Fault{Delay: 10 * time.Minute})
		start := time.Now()
		if status, body := call(t, s, "GET", path, ""); status != 200 || body != `{"channels":[]}` {
			t.Errorf("got %d %s", status, body)
		}
		if d := time.Since(start); d != 10*time.Minute {
			t.Errorf("took %v", d)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	s := newServer(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			status, body := call(t, s, "POST", path, `{"type":"webhook","name":"n","url":"https://h.example.com"}`)
			var made struct{ ID string }
			if err := json.Unmarshal([]byte(body), &made); status != 200 || err != nil {
				t.Errorf("got %d %s", status, body)
			}
			s.Channels()
			if !slices.Contains(s.DefaultNotificationGroup(), made.ID) {
				t.Errorf("%s is not in the default group", made.ID)
			}
			if status, body := call(t, s, "DELETE", path+"/"+made.ID, ""); status != 200 {
				t.Errorf("got %d %s", status, body)
			}
		})
	}
	wg.Wait()
	if n := len(s.Channels()); n != 0 {
		t.Errorf("%d channels left", n)
	}
}
