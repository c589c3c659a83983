package linetest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/line/linetest"
)

func newServer(t *testing.T) *linetest.Server {
	t.Helper()
	s := linetest.NewServer()
	t.Cleanup(s.Close)
	return s
}

func request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, linetest.MemoryBaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+linetest.Token)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func do(t *testing.T, s *linetest.Server, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// push sends messages, written as they are in JSON, to the group.
func push(t *testing.T, s *linetest.Server, messages string) (int, string) {
	t.Helper()
	resp, body := do(t, s, request(t, http.MethodPost, "/v2/bot/message/push", `{"to":"`+linetest.GroupID+`","messages":[`+messages+`]}`))
	return resp.StatusCode, body
}

func flex(bubble string) string { return `{"type":"flex","altText":"a","contents":` + bubble + `}` }

func bodyOf(contents string) string {
	return flex(`{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[` + contents + `]}}`)
}

func TestMessagesThatAreAccepted(t *testing.T) {
	for _, m := range []string{
		`{"type":"text","text":"` + strings.Repeat("障", 5000) + `"}`,
		`{"type":"text","text":"` + strings.Repeat("🔥", 2500) + `"}`,
		`{"type":"textV2","text":"{a}","substitution":{"a":{"type":"mention","mentionee":{"type":"all"}}}}`,
		`{"type":"image","originalContentUrl":"https://x.test/a.png","previewImageUrl":"https://x.test/b.png"}`,
		bodyOf(`{"type":"text","text":"x","color":"#FF0000CC","size":"12px"},{"type":"separator"}`),
		bodyOf(`{"type":"button","action":{"type":"uri","label":"電話","uri":"https://x.test"}}`),
		bodyOf(`{"type":"image","url":"https://x.test/a.png","aspectRatio":"20:13"}`),
	} {
		if status, body := push(t, newServer(t), m); status != http.StatusOK {
			t.Errorf("%.200s: %d %s", m, status, body)
		}
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	long := strings.Repeat("a", 5001)
	for name, c := range map[string]struct{ messages, property string }{
		"no message":                    {``, "messages"},
		"six messages":                  {strings.Repeat(`{"type":"text","text":"x"},`, 5) + `{"type":"text","text":"x"}`, "messages"},
		"no type":                       {`{"text":"x"}`, "messages[0].type"},
		"an unknown type":               {`{"type":"sticker"}`, "messages[0].type"},
		"a type that is a number":       {`{"type":1}`, "messages[0].type"},
		"no text":                       {`{"type":"text"}`, "messages[0].text"},
		"a blank text":                  {`{"type":"text","text":" \n"}`, "messages[0].text"},
		"a text of 5001 units":          {`{"type":"text","text":"` + long + `"}`, "messages[0].text"},
		"2501 emoji":                    {`{"type":"text","text":"` + strings.Repeat("🔥", 2501) + `"}`, "messages[0].text"},
		"an unknown member":             {`{"type":"text","text":"x","Text":"y"}`, "messages[0].Text"},
		"a text that is null":           {`{"type":"text","text":null}`, "messages[0].text"},
		"a member twice":                {`{"type":"text","text":"x","text":"y"}`, "messages[0]"},
		"a message that is a string":    {`"x"`, "messages[0]"},
		"the second is wrong":           {`{"type":"text","text":"x"},{"type":"text","text":""}`, "messages[1].text"},
		"a long alternative text":       {`{"type":"flex","altText":"` + long[:401] + `","contents":{"type":"bubble"}}`, "messages[0].altText"},
		"a large bubble":                {bodyOf(`{"type":"text","text":"` + strings.Repeat("障", 10000) + `"}`), "messages[0].contents"},
		"a carousel":                    {flex(`{"type":"carousel","contents":[]}`), "messages[0].contents.type"},
		"an empty text in a bubble":     {bodyOf(`{"type":"text","text":""}`), "messages[0].contents.body.contents[0].text"},
		"a colour's name":               {bodyOf(`{"type":"text","text":"x","color":"red"}`), "messages[0].contents.body.contents[0].color"},
		"a wrap that is a string":       {bodyOf(`{"type":"text","text":"x","wrap":"true"}`), "messages[0].contents.body.contents[0].wrap"},
		"a flex that is a half":         {bodyOf(`{"type":"text","text":"x","flex":1.5}`), "messages[0].contents.body.contents[0].flex"},
		"contents that are an object":   {flex(`{"type":"bubble","body":{"type":"box","layout":"vertical","contents":{}}}`), "messages[0].contents.body.contents"},
		"a body that is a text":         {flex(`{"type":"bubble","body":{"type":"text","text":"x"}}`), "messages[0].contents.body.type"},
		"a picture over http":           {bodyOf(`{"type":"image","url":"http://x.test/a.png"}`), "messages[0].contents.body.contents[0].url"},
		"a link that runs":              {bodyOf(`{"type":"button","action":{"type":"uri","label":"x","uri":"javascript:x"}}`), "messages[0].contents.body.contents[0].action.uri"},
		"a long link":                   {bodyOf(`{"type":"button","action":{"type":"uri","label":"x","uri":"https://x.test/` + long[:1000] + `"}}`), "messages[0].contents.body.contents[0].action.uri"},
		"a long label":                  {bodyOf(`{"type":"button","action":{"type":"uri","label":"` + long[:21] + `","uri":"https://x.test"}}`), "messages[0].contents.body.contents[0].action.label"},
		"a style that is unknown":       {flex(`{"type":"bubble","styles":{"head":{}}}`), "messages[0].contents.styles.head"},
		"a background that is no color": {flex(`{"type":"bubble","styles":{"header":{"backgroundColor":"#fff"}}}`), "messages[0].contents.styles.header.backgroundColor"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			status, body := push(t, s, c.messages)
			var e struct {
				Message string
				Details []struct{ Message, Property string }
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				t.Fatal(err)
			}
			if status != 400 || e.Message != "The request body has 1 error(s)" || len(e.Details) != 1 || e.Details[0].Property != c.property {
				t.Errorf("%d %s", status, body)
			}
			if len(s.Deliveries()) != 0 {
				t.Error("it was accepted all the same")
			}
		})
	}
}

const hello = `"messages":[{"type":"text","text":"hello"}]`

func TestOtherRefusals(t *testing.T) {
	user := `"` + linetest.UserID + `"`
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		message            string
	}{
		"no token":                 {"POST", "push", `{}`, map[string]string{"Authorization": ""}, 401, "Authentication failed due to"},
		"another token":            {"POST", "push", `{}`, map[string]string{"Authorization": "Bearer x"}, 401, "Authentication failed due to"},
		"an unknown path":          {"POST", "reply", `{}`, nil, 404, "Not found"},
		"another method":           {"GET", "push", ``, nil, 404, "Not found"},
		"another type":             {"POST", "push", `{}`, map[string]string{"Content-Type": "text/plain"}, 415, "The content type, text/plain, is not supported"},
		"a large body":             {"POST", "push", strings.Repeat(" ", 2<<20) + `{}`, nil, 413, "too large"},
		"no JSON":                  {"POST", "push", `{`, nil, 400, "could not be parsed as JSON"},
		"no destination":           {"POST", "push", `{` + hello + `}`, nil, 400, "1 error(s)"},
		"a list to push to":        {"POST", "push", `{"to":[` + user + `],` + hello + `}`, nil, 400, "1 error(s)"},
		"a stranger":               {"POST", "push", `{"to":"U1",` + hello + `}`, nil, 400, "Failed to send messages"},
		"an unknown member":        {"POST", "push", `{"to":` + user + `,"notify":true,` + hello + `}`, nil, 400, "1 error(s)"},
		"nobody":                   {"POST", "multicast", `{"to":[],` + hello + `}`, nil, 400, "1 error(s)"},
		"a group among many":       {"POST", "multicast", `{"to":["` + linetest.GroupID + `"],` + hello + `}`, nil, 400, "1 error(s)"},
		"a user twice":             {"POST", "multicast", `{"to":[` + user + `,` + user + `],` + hello + `}`, nil, 400, "1 error(s)"},
		"a broadcast to somebody":  {"POST", "broadcast", `{"to":` + user + `,` + hello + `}`, nil, 400, "1 error(s)"},
		"a key that is no UUID":    {"POST", "broadcast", `{` + hello + `}`, map[string]string{"X-Line-Retry-Key": "1"}, 400, "retry key is invalid"},
		"a key where none belongs": {"GET", "quota", ``, map[string]string{"X-Line-Retry-Key": "123e4567-e89b-42d3-a456-426614174000"}, 400, "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, c.method, "/v2/bot/message/"+c.path, c.body)
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			resp, body := do(t, newServer(t), r)
			if resp.StatusCode != c.status || !strings.Contains(body, c.message) || resp.Header.Get("X-Line-Request-Id") == "" {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
}

func TestARetryKeyWorksOnce(t *testing.T) {
	const key = "123e4567-e89b-42d3-a456-426614174000"
	s := newServer(t)
	send := func(body string) *http.Response {
		r := request(t, http.MethodPost, "/v2/bot/message/broadcast", body)
		r.Header.Set("X-Line-Retry-Key", key)
		resp, _ := do(t, s, r)
		return resp
	}
	if got := send(`{"messages":[]}`).StatusCode; got != 400 {
		t.Fatal(got)
	}
	first := send(`{` + hello + `}`)
	again := send(`{` + hello + `}`)
	if first.StatusCode != http.StatusOK || again.StatusCode != http.StatusConflict || len(s.Deliveries()) != 1 {
		t.Errorf("%d, then %d", first.StatusCode, again.StatusCode)
	}
	if got, want := again.Header.Get("X-Line-Accepted-Request-Id"), first.Header.Get("X-Line-Request-Id"); got != want || got == again.Header.Get("X-Line-Request-Id") {
		t.Errorf("accepted as %q, want %q", got, want)
	}
	s.Advance(24*time.Hour - time.Second)
	if got := send(`{` + hello + `}`).StatusCode; got != 409 {
		t.Errorf("a second before the day is over: %d", got)
	}
	s.Advance(time.Second)
	if got := send(`{` + hello + `}`).StatusCode; got != 200 {
		t.Errorf("a day later: %d", got)
	}
}

func TestQuotaCountsPeople(t *testing.T) {
	s := newServer(t)
	s.AddDestination("U"+strings.Repeat("1", 32), 1)
	s.SetQuota(7, 0)
	for i, c := range []struct {
		path, body string
		status     int
		used       string
	}{
		{"push", `{"to":"` + linetest.GroupID + `",` + hello + `}`, 200, `{"totalUsage":3}`},
		{"broadcast", `{` + hello + `}`, 200, `{"totalUsage":5}`},
		{"push", `{"to":"` + linetest.GroupID + `",` + hello + `}`, 429, `{"totalUsage":5}`},
		{"multicast", `{"to":["` + linetest.UserID + `"],` + hello + `}`, 200, `{"totalUsage":6}`},
	} {
		resp, body := do(t, s, request(t, http.MethodPost, "/v2/bot/message/"+c.path, c.body))
		if resp.StatusCode != c.status {
			t.Errorf("%d: %d %s", i, resp.StatusCode, body)
		}
		if _, used := do(t, s, request(t, http.MethodGet, "/v2/bot/message/quota/consumption", "")); used != c.used {
			t.Errorf("%d: %s, want %s", i, used, c.used)
		}
	}
	if _, quota := do(t, s, request(t, http.MethodGet, "/v2/bot/message/quota", "")); quota != `{"type":"limited","value":7}` {
		t.Error(quota)
	}
	s.SetQuota(-1, 9)
	if _, quota := do(t, s, request(t, http.MethodGet, "/v2/bot/message/quota", "")); quota != `{"type":"none"}` {
		t.Error(quota)
	}
}

func TestRateLimit(t *testing.T) {
	s := newServer(t)
	s.SetClock(func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) })
	quota := func() int {
		resp, _ := do(t, s, request(t, http.MethodGet, "/v2/bot/message/quota", ""))
		return resp.StatusCode
	}
	s.SetRateLimit(3)
	for range 3 {
		if got := quota(); got != 200 {
			t.Fatal(got)
		}
	}
	if got := quota(); got != 429 {
		t.Errorf("the fourth request in a second: %d", got)
	}
	if status, body := push(t, s, `{"type":"text","text":"x"}`); status != 200 {
		t.Errorf("another call has a limit of its own: %d %s", status, body)
	}
	s.Advance(time.Second)
	if got := quota(); got != 200 {
		t.Errorf("a second later: %d", got)
	}
}

func TestAddDestinationWantsAnID(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a LINE ID was taken for an id")
		}
	}()
	newServer(t).AddDestination("@mackerel", 1)
}
