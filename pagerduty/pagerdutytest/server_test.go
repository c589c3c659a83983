package pagerdutytest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

func newServer(t *testing.T) *pagerdutytest.Server {
	t.Helper()
	s := pagerdutytest.NewServer()
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, s *pagerdutytest.Server, method, path, contentType, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, pagerdutytest.MemoryBaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
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

// enqueue sends an event for the known key.
func enqueue(t *testing.T, s *pagerdutytest.Server, rest string) (int, string) {
	t.Helper()
	return call(t, s, "POST", "/enqueue", "application/json", `{"routing_key":"`+pagerdutytest.RoutingKey+`",`+rest+`}`)
}

// trigger is an event with more in its payload, and after it.
func trigger(payload, rest string) string {
	return `"event_action":"trigger","payload":{"source":"app01"` + payload + `}` + rest
}

const good = `,"summary":"s","severity":"error"`

func TestWhatItTakes(t *testing.T) {
	for _, c := range []struct{ name, event string }{
		{"the least", trigger(good, "")},
		{"a summary of 1024 characters", trigger(`,"severity":"info","summary":"`+strings.Repeat("障", 1024)+`"`, "")},
		{"a key of 255 characters", trigger(good, `,"dedup_key":"`+strings.Repeat("k", 255)+`"`)},
		{"everything", trigger(good+`,"timestamp":"2015-07-17T08:42:58.315+0000","component":"c","group":"g","class":"x","custom_details":{"a":[1,{"b":true}]}`,
			`,"images":[{"src":"https://x.test/a","href":"https://x.test","alt":"a"}],"links":[{"href":"http://x.test/","text":"t"}],"client":"c","client_url":"u"`)},
		{"a time with a colon in its offset", trigger(good+`,"timestamp":"2026-01-01T00:00:00+09:00"`, "")},
		{"a resolution of nothing", `"event_action":"resolve","dedup_key":"k"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := enqueue(t, newServer(t), c.event)
			if status != 202 || !strings.Contains(answer, `"status":"success"`) || !strings.Contains(answer, `"dedup_key":"`) {
				t.Errorf("%d %.300s", status, answer)
			}
		})
	}
}

func TestWhatItRefuses(t *testing.T) {
	for _, c := range []struct{ name, event, want string }{
		{"no payload", `"event_action":"trigger"`, "'payload' is missing or blank"},
		{"no summary", trigger(`,"severity":"error"`, ""), "payload.summary is required"},
		{"a blank summary", trigger(`,"summary":" ","severity":"error"`, ""), "'summary' is missing or blank"},
		{"a summary of 1025 characters", trigger(`,"severity":"info","summary":"`+strings.Repeat("a", 1025)+`"`, ""), "'summary' is too long (maiximum is 1024 characters)"},
		{"a summary of 513 emoji", trigger(`,"severity":"info","summary":"`+strings.Repeat("🔥", 513)+`"`, ""), "'summary' is too long"},
		{"a severity in capitals", trigger(`,"summary":"s","severity":"Error"`, ""), "'severity' is invalid"},
		{"a time that is none", trigger(good+`,"timestamp":"yesterday"`, ""), "'timestamp' is invalid"},
		{"details that are no object", trigger(good+`,"custom_details":"x"`, ""), "payload.custom_details must be an object"},
		{"an unknown action", `"event_action":"snooze","dedup_key":"k"`, "'event_action' is invalid"},
		{"a key of 256 characters", `"event_action":"resolve","dedup_key":"` + strings.Repeat("k", 256) + `"`, "'dedup_key' is too long"},
		{"an acknowledgement without a key", `"event_action":"acknowledge"`, "'dedup_key' is missing or blank"},
		{"an image without TLS", trigger(good, `,"images":[{"src":"http://x.test/a"}]`), "'images[0].src' is not an https URL"},
		{"an image without an address", trigger(good, `,"images":[{}]`), "images[0].src is required"},
		{"a link without an address", trigger(good, `,"links":[{"href":"x"}]`), "'links[0].href' is not a URL"},
		{"a member of version 1", trigger(good, `,"details":{}`), "details is unknown"},
		{"a member in the wrong place", trigger(good+`,"images":[]`, ""), "payload.images is unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			status, answer := enqueue(t, s, c.event)
			if status != 400 || !strings.Contains(answer, c.want) || !strings.Contains(answer, `"status":"invalid event"`) {
				t.Errorf("%d %.300s", status, answer)
			}
			if len(s.Incidents(pagerdutytest.RoutingKey)) != 0 {
				t.Error("it was kept all the same")
			}
		})
	}
}

func TestRequestsThatAreNoEvents(t *testing.T) {
	key := func(k string) string {
		return `{"routing_key":"` + k + `","event_action":"resolve","dedup_key":"k"}`
	}
	for _, c := range []struct {
		name, method, path, contentType, body string
		status                                int
		want                                  string
	}{
		{"no JSON", "POST", "/enqueue", "application/json", `{"routing_key":`, 400, `"status":"Unrecognized object"`},
		{"another type", "POST", "/enqueue", "text/plain", key(pagerdutytest.RoutingKey), 400, "wrong Content-Type"},
		{"a short key", "POST", "/enqueue", "application/json", key("short"), 400, "Length of 'routing_key' is incorrect (should be 32 characters)"},
		{"a key with a dash", "POST", "/enqueue", "application/json", key(strings.Repeat("-", 32)), 400, "non-alphanumeric"},
		{"an unknown key", "POST", "/enqueue", "application/json", key(strings.Repeat("f", 32)), 400, "Invalid routing key"},
		{"a body that is too large", "POST", "/enqueue", "application/json", strings.Repeat(" ", 512001), 413, "512 KB"},
		{"another method", "GET", "/enqueue", "", "", 405, "Not Allowed"},
		{"another path", "POST", "/change/enqueue", "application/json", "{}", 404, "not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := call(t, newServer(t), c.method, c.path, c.contentType, c.body)
			if status != c.status || !strings.Contains(answer, c.want) {
				t.Errorf("%d %.300s", status, answer)
			}
		})
	}
}

// TestIncidents goes through the life of two incidents with the same key.
func TestIncidents(t *testing.T) {
	s := newServer(t)
	for _, event := range []string{
		`"event_action":"acknowledge","dedup_key":"k"`, // dropped
		trigger(good, `,"dedup_key":"k"`),
		trigger(good, `,"dedup_key":"k"`),
		`"event_action":"acknowledge","dedup_key":"k"`,
		`"event_action":"resolve","dedup_key":"k"`,
		`"event_action":"resolve","dedup_key":"k"`, // dropped
		trigger(good, `,"dedup_key":"k"`),
		trigger(good, ""),
	} {
		if status, answer := enqueue(t, s, event); status != 202 {
			t.Fatal(status, answer)
		}
	}
	all := s.Incidents(pagerdutytest.RoutingKey)
	if len(all) != 3 || s.Dropped() != 2 {
		t.Fatalf("%+v, %d dropped", all, s.Dropped())
	}
	if all[0].Status != pagerdutytest.Resolved || len(all[0].Events) != 4 || all[1].Status != pagerdutytest.Triggered || all[1].Key != "k" || all[2].Key != "made-up-1" {
		t.Errorf("%+v", all)
	}
}

func TestLimitPerKey(t *testing.T) {
	s := newServer(t)
	other := strings.Repeat("b", 32)
	s.AddKey(other)
	s.SetLimit(1)
	for _, c := range []struct {
		key  string
		want int
	}{{pagerdutytest.RoutingKey, 202}, {pagerdutytest.RoutingKey, 429}, {other, 202}} {
		status, answer := call(t, s, "POST", "/enqueue", "application/json", `{"routing_key":"`+c.key+`","event_action":"resolve","dedup_key":"k"}`)
		if status != c.want || status == 429 && !strings.Contains(answer, "Request Limit Exceeded") {
			t.Errorf("%d %s", status, answer)
		}
	}
	s.Advance(time.Minute)
	if status, _ := enqueue(t, s, trigger(good, "")); status != 202 {
		t.Error(status)
	}
	if got := s.BaseURL(); !strings.HasPrefix(got, "http://127.0.0.1:") || !strings.HasSuffix(got, "/v2") {
		t.Error(got)
	}
}
