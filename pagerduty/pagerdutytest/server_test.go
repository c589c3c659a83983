package pagerdutytest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

const address = "http://fake.test/v2/enqueue"

// post posts a body to the fake.
func post(t *testing.T, s *pagerdutytest.Server, body string) servicetest.Answered {
	t.Helper()
	return servicetest.Call(t, s.Client(), http.MethodPost, address, body, "Content-Type", "application/json")
}

// enqueue posts an event with a known key.
func enqueue(t *testing.T, s *pagerdutytest.Server, rest string) servicetest.Answered {
	t.Helper()
	return post(t, s, `{"routing_key":"`+pagerdutytest.RoutingKey+`",`+rest+`}`)
}

// trigger returns an event with more in its payload, and after it.
func trigger(payload, rest string) string {
	return `"event_action":"trigger","payload":{"source":"app01"` + payload + `}` + rest
}

const good = `,"summary":"s","severity":"error"`

func TestGoodEvents(t *testing.T) {
	for _, c := range []struct{ name, event string }{
		{"the least", trigger(good, "")},
		{"a summary of 1024 characters", trigger(`,"severity":"info","summary":"`+strings.Repeat("障", 1024)+`"`, "")},
		{"a key of 255 characters", trigger(good, `,"dedup_key":"`+strings.Repeat("k", 255)+`"`)},
		{"all fields", trigger(good+`,"timestamp":"2015-07-17T08:42:58.315+0000","component":"c","group":"g","class":"x","custom_details":{"a":[1,{"b":true}]}`,
			`,"images":[{"src":"https://x.test/a","href":"https://x.test","alt":"a"}],"links":[{"href":"http://x.test/","text":"t"}],"client":"c","client_url":"u"`)},
		{"a time with a colon in its offset", trigger(good+`,"timestamp":"2026-01-01T00:00:00+09:00"`, "")},
		{"a resolve of nothing", `"event_action":"resolve","dedup_key":"k"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, pagerdutytest.New())
			s.Strict(true)
			a := enqueue(t, s, c.event)
			if a.Status != http.StatusAccepted || !strings.Contains(a.Body, `"status":"success"`) || !strings.Contains(a.Body, `"dedup_key":"`) {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, event, want string }{
		{"no payload", `"event_action":"trigger"`, "'payload' is missing or blank"},
		{"no summary", trigger(`,"severity":"error"`, ""), "'summary' is missing or blank"},
		{"a blank source", `"event_action":"trigger","payload":{"source":" "` + good + `}`, "'source' is missing or blank"},
		{"a summary of 1025 characters", trigger(`,"severity":"info","summary":"`+strings.Repeat("a", 1025)+`"`, ""), "'summary' is too long (maiximum is 1024 characters)"},
		{"a summary of 513 emoji", trigger(`,"severity":"info","summary":"`+strings.Repeat("🔥", 513)+`"`, ""), "'summary' is too long"},
		{"a severity in capitals", trigger(`,"summary":"s","severity":"Error"`, ""), "'severity' is invalid"},
		{"another timestamp", trigger(good+`,"timestamp":"yesterday"`, ""), "'timestamp' is invalid"},
		{"details that are a string", trigger(good+`,"custom_details":"x"`, ""), "payload.custom_details must be an object"},
		{"an unknown action", `"event_action":"snooze","dedup_key":"k"`, "'event_action' is invalid"},
		{"a key of 256 characters", `"event_action":"resolve","dedup_key":"` + strings.Repeat("k", 256) + `"`, "'dedup_key' is too long"},
		{"an acknowledge without a key", `"event_action":"acknowledge"`, "'dedup_key' is missing or blank"},
		{"an image without TLS", trigger(good, `,"images":[{"src":"http://x.test/a"}]`), "'images[0].src' is not an https URL"},
		{"a link without a host", trigger(good, `,"links":[{"href":"x"}]`), "'links[0].href' is not a URL"},
		{"a member twice", trigger(good, `,"client":"a","client":"b"`), "client is given twice"},
		{"an unknown member", trigger(good, `,"details":{}`), "details is unknown"},
		{"a member in the wrong place", trigger(good+`,"images":[]`, ""), "payload.images is unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, pagerdutytest.New())
			s.Strict(true)
			a := enqueue(t, s, c.event)
			if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, c.want) || !strings.Contains(a.Body, `"status":"invalid event"`) {
				t.Errorf("%+v", a)
			}
			if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0], c.want) || s.Accepted() != 0 || len(s.Incidents(pagerdutytest.RoutingKey)) != 0 {
				t.Errorf("%q, %d accepted", p, s.Accepted())
			}
		})
	}
}

func TestUnknownMembersAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s := servicetest.Start(t, pagerdutytest.New())
	if a := enqueue(t, s, trigger(good+`,"component":null`, `,"details":{},"links":null`)); a.Status != http.StatusAccepted {
		t.Errorf("%+v", a)
	}
}

func TestRequestsThatAreNoEvents(t *testing.T) {
	resolve := func(key string) string {
		return `{"routing_key":"` + key + `","event_action":"resolve","dedup_key":"k"}`
	}
	for _, c := range []struct {
		name, method, address, contentType, body string
		status                                   int
		want                                     string
	}{
		{"no JSON", http.MethodPost, address, "application/json", `{"routing_key":`, 400, `"errors":["JSON parse error"],"message":"Event object format is unrecognized"`},
		{"another type", http.MethodPost, address, "text/plain", resolve(pagerdutytest.RoutingKey), 400, `"status":"Unrecognized object"`},
		{"a short key", http.MethodPost, address, "application/json", resolve("short"), 400, "Length of 'routing_key' is incorrect (should be 32 characters)"},
		{"a key with a dash", http.MethodPost, address, "application/json", resolve(strings.Repeat("-", 32)), 400, "non-alphanumeric"},
		{"an unknown key", http.MethodPost, address, "application/json", resolve(strings.Repeat("f", 32)), 400, "Invalid routing key"},
		{"a body that is too large", http.MethodPost, address, "application/json", strings.Repeat(" ", 512_001), 413, "512 KB"},
		{"a body that is just not too large", http.MethodPost, address, "application/json", resolve(pagerdutytest.RoutingKey) + strings.Repeat(" ", 512_000-len(resolve(pagerdutytest.RoutingKey))), 202, "success"},
		{"another method", http.MethodGet, address, "", "", 405, ""},
		{"another path", http.MethodPost, "http://fake.test/v2/change/enqueue", "application/json", "{}", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, pagerdutytest.New())
			a := servicetest.Call(t, s.Client(), c.method, c.address, c.body, "Content-Type", c.contentType)
			if a.Status != c.status || !strings.Contains(a.Body, c.want) {
				t.Errorf("%d %.300s", a.Status, a.Body)
			}
		})
	}
}

// TestIncidents goes through the life of incidents with the same key.
func TestIncidents(t *testing.T) {
	s := servicetest.Start(t, pagerdutytest.New())
	for _, step := range []struct {
		event    string
		accepted int // so far
	}{
		{`"event_action":"acknowledge","dedup_key":"k"`, 1}, // dropped
		{trigger(good, `,"dedup_key":"k"`), 2},
		{trigger(good, `,"dedup_key":"k"`), 2}, // a repeat
		{`"event_action":"acknowledge","dedup_key":"k"`, 3},
		{`"event_action":"resolve","dedup_key":"k"`, 4},
		{`"event_action":"resolve","dedup_key":"k"`, 4}, // a repeat, and dropped
		{trigger(good, `,"dedup_key":"k"`), 5},
		{trigger(good, ""), 6},
		{trigger(good, ""), 7},
	} {
		if a := enqueue(t, s, step.event); a.Status != http.StatusAccepted || s.Accepted() != step.accepted {
			t.Fatalf("%s: %+v, %d accepted", step.event, a, s.Accepted())
		}
	}
	all := s.Incidents(pagerdutytest.RoutingKey)
	if len(all) != 4 || s.Dropped() != 2 {
		t.Fatalf("%+v, %d dropped", all, s.Dropped())
	}
	if all[0].Status != pagerdutytest.Resolved || len(all[0].Events) != 4 || all[1].Status != pagerdutytest.Triggered || all[1].Key != "k" || all[3].Key != "made-up-2" {
		t.Errorf("%+v", all)
	}
	if all := s.Incidents("unknown"); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestTheRateOfAKeyIsLimitedIfToldTo(t *testing.T) {
	s := servicetest.Start(t, pagerdutytest.New())
	other := strings.Repeat("b", 32)
	s.AddToken(other)
	resolve := `"event_action":"resolve","dedup_key":"k"`
	for range 200 {
		if a := enqueue(t, s, resolve); a.Status != http.StatusAccepted {
			t.Fatalf("%+v", a)
		}
	}
	s.Documented()
	for range 120 {
		if a := enqueue(t, s, resolve); a.Status != http.StatusAccepted {
			t.Fatalf("%+v", a)
		}
	}
	if a := enqueue(t, s, resolve); a.Status != http.StatusTooManyRequests || a.Body != "Request Limit Exceeded" {
		t.Errorf("%+v", a)
	}
	if a := post(t, s, `{"routing_key":"`+other+`",`+resolve+`}`); a.Status != http.StatusAccepted {
		t.Errorf("another key: %+v", a)
	}
	s.Advance(time.Minute)
	if a := enqueue(t, s, resolve); a.Status != http.StatusAccepted {
		t.Errorf("%+v", a)
	}
}
