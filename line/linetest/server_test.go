package linetest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

const key = "123e4567-e89b-42d3-a456-426614174000"

// call makes a call of the API. The header is given as names and values in turn.
func call(t *testing.T, s *linetest.Server, method, path, body string, header ...string) servicetest.Answered {
	t.Helper()
	header = append([]string{"Authorization", "Bearer " + linetest.Token, "Content-Type", "application/json; charset=UTF-8"}, header...)
	return servicetest.Call(t, s.Client(), method, fakehttp.MemoryURL+"/v2/bot/message/"+path, body, header...)
}

// push sends messages to the group.
func push(t *testing.T, s *linetest.Server, messages string) servicetest.Answered {
	t.Helper()
	return call(t, s, "POST", "push", `{"to":"`+linetest.GroupID+`","messages":[`+messages+`]}`)
}

func flex(bubble string) string { return `{"type":"flex","altText":"a","contents":` + bubble + `}` }

func within(contents string) string {
	return flex(`{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[` + contents + `]}}`)
}

func TestGoodMessages(t *testing.T) {
	for _, m := range []string{
		`{"type":"text","text":"` + strings.Repeat("障", 5000) + `"}`, `{"type":"text","text":"` + strings.Repeat("🔥", 2500) + `"}`,
		`{"type":"textV2","text":"{a}","substitution":{"a":{"type":"mention","mentionee":{"type":"all"}}}}`,
		`{"type":"image","originalContentUrl":"https://x.test/a.png","previewImageUrl":"https://x.test/b.png"}`,
		`{"type":"flex","altText":"` + strings.Repeat("a", 1500) + `","contents":{"type":"bubble"}}`,
		within(`{"type":"text","text":"x","color":"#FF0000CC","size":"12px","margin":"none"},{"type":"separator"}`),
		within(`{"type":"button","action":{"type":"uri","label":"電話","uri":"https://x.test"},"style":"link","height":"sm"}`),
		within(`{"type":"text","text":"x","action":{"type":"uri","uri":"https://x.test"}}`),
		within(`{"type":"image","url":"https://x.test/a.png","aspectRatio":"20:13","aspectMode":"fit"}`),
	} {
		s := servicetest.Start(t, linetest.New())
		s.Strict(true)
		if a := push(t, s, m); a.Status != http.StatusOK {
			t.Errorf("%.200s: %+v", m, a)
		}
	}
}

func TestADeliveryIsKeptAsSent(t *testing.T) {
	s := servicetest.Start(t, linetest.New())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	bubble := `{"type":"bubble","footer":{"type":"box","layout":"vertical","contents":[{"type":"button","action":{"type":"uri","label":"l","uri":"https://x.test"}}]},
		"header":{"type":"box","layout":"vertical","contents":[{"type":"text","text":"h"}]}, "body":{"type":"box","layout":"vertical","contents":[]}}`
	a := call(t, s, "POST", "push", `{"to":"`+linetest.RoomID+`","messages":[`+flex(bubble)+`,{"type":"text","text":"x"}],"notificationDisabled":true}`, "X-Line-Retry-Key", key)
	if a.Status != http.StatusOK || !strings.HasPrefix(a.Body, `{"sentMessages":[{"id":"460000000000000001"`) || s.Accepted() != 1 {
		t.Fatalf("%+v", a)
	}
	d := s.Deliveries()[0]
	if d.Call != "push" || !slices.Equal(d.To, []string{linetest.RoomID}) || !d.NotificationDisabled || d.RetryKey != key || !d.Time.Equal(now) {
		t.Errorf("%+v", d)
	}
	if m := d.Messages[0]; string(m.Contents) != bubble || !slices.Equal(m.Texts(), []string{"a", "h", "l"}) || !slices.Equal(d.Messages[1].Texts(), []string{"x"}) {
		t.Errorf("%+v", d.Messages)
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	long := strings.Repeat("a", 5001)
	const in = "messages[0].contents.body.contents[0]"
	for name, c := range map[string]struct{ messages, property string }{
		"no message":                      {``, "messages"},
		"six messages":                    {strings.Repeat(`{"type":"text","text":"x"},`, 5) + `{"type":"text","text":"x"}`, "messages"},
		"no type":                         {`{"text":"x"}`, "messages[0].type"},
		"an unknown type":                 {`{"type":"sticker"}`, "messages[0].type"},
		"no text":                         {`{"type":"text"}`, "messages[0].text"},
		"a blank text":                    {`{"type":"text","text":" \n"}`, "messages[0].text"},
		"a text of 5001 units":            {`{"type":"text","text":"` + long + `"}`, "messages[0].text"},
		"2501 emoji":                      {`{"type":"text","text":"` + strings.Repeat("🔥", 2501) + `"}`, "messages[0].text"},
		"an unknown member":               {`{"type":"text","text":"x","Text":"y"}`, "messages[0].Text"},
		"the second is wrong":             {`{"type":"text","text":"x"},{"type":"text","text":""}`, "messages[1].text"},
		"a picture without a preview":     {`{"type":"image","originalContentUrl":"https://x.test/a.png"}`, "messages[0].previewImageUrl"},
		"no alternative text":             {`{"type":"flex","contents":{"type":"bubble"}}`, "messages[0].altText"},
		"a long alternative text":         {`{"type":"flex","altText":"` + long[:1501] + `","contents":{"type":"bubble"}}`, "messages[0].altText"},
		"no contents":                     {`{"type":"flex","altText":"a"}`, "messages[0].contents"},
		"contents that are a string":      {flex(`"x"`), "messages[0].contents"},
		"a large bubble":                  {within(`{"type":"text","text":"` + strings.Repeat("障", 10000) + `"}`), "messages[0].contents"},
		"a carousel":                      {flex(`{"type":"carousel"}`), "messages[0].contents.type"},
		"a size of another kind":          {flex(`{"type":"bubble","size":"xl"}`), "messages[0].contents.size"},
		"an empty text in a bubble":       {within(`{"type":"text","text":""}`), in + ".text"},
		"a colour's name":                 {within(`{"type":"text","text":"x","color":"red"}`), in + ".color"},
		"a style of a button's in a text": {within(`{"type":"text","text":"x","style":"primary"}`), in + ".style"},
		"a style of a text's in a button": {within(`{"type":"button","style":"italic","action":{"type":"uri","label":"x","uri":"https://x.test"}}`), in + ".style"},
		"a box without contents":          {flex(`{"type":"bubble","body":{"type":"box","layout":"vertical"}}`), "messages[0].contents.body.contents"},
		"a body that is a text":           {flex(`{"type":"bubble","body":{"type":"text","text":"x"}}`), "messages[0].contents.body.type"},
		"a hero of an unknown type":       {flex(`{"type":"bubble","hero":{"type":"video"}}`), "messages[0].contents.hero.type"},
		"a picture over http":             {within(`{"type":"image","url":"http://x.test/a.png"}`), in + ".url"},
		"a button without an action":      {within(`{"type":"button"}`), in + ".action"},
		"a button without a label":        {within(`{"type":"button","action":{"type":"uri","uri":"https://x.test"}}`), in + ".action.label"},
		"a link of a text that runs":      {within(`{"type":"text","text":"x","action":{"type":"uri","label":"x","uri":"javascript:x"}}`), in + ".action.uri"},
		"a long label of a text":          {within(`{"type":"text","text":"x","action":{"type":"uri","label":"` + long[:21] + `","uri":"https://x.test"}}`), in + ".action.label"},
		"an action of another type":       {within(`{"type":"button","action":{"type":"message","label":"x"}}`), in + ".action.type"},
		"a link that runs":                {within(`{"type":"button","action":{"type":"uri","label":"x","uri":"javascript:x"}}`), in + ".action.uri"},
		"a long link":                     {within(`{"type":"button","action":{"type":"uri","label":"x","uri":"https://x.test/` + long[:1000] + `"}}`), in + ".action.uri"},
		"a long label":                    {within(`{"type":"button","action":{"type":"uri","label":"` + long[:21] + `","uri":"https://x.test"}}`), in + ".action.label"},
		"a style that is unknown":         {flex(`{"type":"bubble","styles":{"head":{}}}`), "messages[0].contents.styles.head"},
		"a background without a colour":   {flex(`{"type":"bubble","styles":{"header":{"backgroundColor":"#fff"}}}`), "messages[0].contents.styles.header.backgroundColor"},
	} {
		t.Run(name, func(t *testing.T) {
			s := servicetest.Start(t, linetest.New())
			s.Strict(true)
			a := push(t, s, c.messages)
			var e struct {
				Message string                               `json:"message"`
				Details []struct{ Message, Property string } `json:"details"`
			}
			if err := json.Unmarshal([]byte(a.Body), &e, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(err)
			}
			if a.Status != 400 || e.Message != "The request body has 1 error(s)" || len(e.Details) != 1 || e.Details[0].Property != c.property || e.Details[0].Message == "" {
				t.Errorf("%+v, want %s", a, c.property)
			}
			if s.Accepted() != 0 || len(s.Problems()) != 1 || !strings.Contains(s.Problems()[0], c.property) {
				t.Errorf("%d were accepted, %q", s.Accepted(), s.Problems())
			}
		})
	}
}

const hello = `"messages":[{"type":"text","text":"hello"}]`

func TestOtherRefusals(t *testing.T) {
	user := `"` + linetest.UserID + `"`
	many := "[" + strings.Repeat(user+",", 500) + user + "]"
	for name, c := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		message            string
	}{
		"no token":                       {"POST", "push", `{}`, []string{"Authorization", ""}, 401, "Authentication failed due to"},
		"another token":                  {"POST", "push", `{}`, []string{"Authorization", "Bearer x"}, 401, "Authentication failed due to"},
		"an unknown path":                {"POST", "reply", `{}`, nil, 404, "Not found"},
		"another method":                 {"GET", "push", ``, nil, 404, "Not found"},
		"a query":                        {"POST", "push?to=x", `{}`, nil, 404, "Not found"},
		"another type":                   {"POST", "push", `{}`, []string{"Content-Type", "text/plain"}, 415, "content type"},
		"no JSON":                        {"POST", "push", `{`, nil, 400, "could not be parsed as JSON"},
		"no destination":                 {"POST", "push", `{` + hello + `}`, nil, 400, "Failed to send messages"},
		"a list to push to":              {"POST", "push", `{"to":[` + user + `],` + hello + `}`, nil, 400, "1 error(s)"},
		"an unknown destination":         {"POST", "push", `{"to":"U1",` + hello + `}`, nil, 400, "Failed to send messages"},
		"an unknown member":              {"POST", "push", `{"to":` + user + `,"notify":true,` + hello + `}`, nil, 400, "1 error(s)"},
		"no users":                       {"POST", "multicast", `{"to":[],` + hello + `}`, nil, 400, "1 error(s)"},
		"501 users":                      {"POST", "multicast", `{"to":` + many + `,` + hello + `}`, nil, 400, "Size must be"},
		"a group among many":             {"POST", "multicast", `{"to":["` + linetest.GroupID + `"],` + hello + `}`, nil, 400, "the id of a user"},
		"a user twice":                   {"POST", "multicast", `{"to":[` + user + `,` + user + `],` + hello + `}`, nil, 400, "given twice"},
		"a broadcast with a destination": {"POST", "broadcast", `{"to":` + user + `,` + hello + `}`, nil, 400, "1 error(s)"},
		"a key that is not a UUID":       {"POST", "broadcast", `{` + hello + `}`, []string{"X-Line-Retry-Key", "1"}, 400, "retry key is invalid"},
		"a key where none belongs":       {"GET", "quota", ``, []string{"X-Line-Retry-Key", key}, 400, "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := servicetest.Start(t, linetest.New())
			s.Strict(true)
			a := call(t, s, c.method, c.path, c.body, c.header...)
			if a.Status != c.status || !strings.Contains(a.Body, c.message) || a.Header.Get("X-Line-Request-Id") == "" || s.Accepted() != 0 {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestWhatTheSDKSends has null for a list, as line-bot-sdk-go writes it, and members that the fake does not know.
func TestWhatTheSDKSends(t *testing.T) {
	s := servicetest.Start(t, linetest.New())
	messages := within(`{"type":"text","text":"x","flex":0,"wrap":false,"maxLines":0,"scaling":false,"gravity":"top"}`)
	body := `{"to":"` + linetest.GroupID + `","messages":[` + messages + `],"notificationDisabled":false,"customAggregationUnits":null,"new":1}`
	if a := call(t, s, "POST", "push", body); a.Status != http.StatusOK {
		t.Errorf("%+v", a)
	}
}

func TestARetryKeyWorksOnceADay(t *testing.T) {
	s := servicetest.Start(t, linetest.New())
	send := func(body string) servicetest.Answered {
		return call(t, s, "POST", "push", body, "X-Line-Retry-Key", key)
	}
	body := `{"to":"` + linetest.UserID + `",` + hello + `}`
	if a := send(`{"messages":[]}`); a.Status != 400 {
		t.Fatalf("%+v", a)
	}
	first, again := send(body), send(body)
	if first.Status != http.StatusOK || again.Status != http.StatusConflict || s.Accepted() != 1 || !strings.Contains(again.Body, `"id":"460000000000000001"`) {
		t.Errorf("%+v, then %+v", first, again)
	}
	if got, want := again.Header.Get("X-Line-Accepted-Request-Id"), first.Header.Get("X-Line-Request-Id"); got != want || got == again.Header.Get("X-Line-Request-Id") {
		t.Errorf("accepted as %q, want %q", got, want)
	}
	s.Advance(24*time.Hour - time.Second)
	if a := send(body); a.Status != http.StatusConflict {
		t.Errorf("a second before the day is over: %+v", a)
	}
	s.Advance(2 * time.Second)
	if a := send(body); a.Status != http.StatusOK {
		t.Errorf("a day later: %+v", a)
	}
}

func TestTheQuotaCountsPeople(t *testing.T) {
	s := servicetest.Start(t, linetest.New())
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
		{"push", `{"to":"` + linetest.UserID + `",` + hello + `}`, 200, `{"totalUsage":7}`},
	} {
		if a := call(t, s, "POST", c.path, c.body); a.Status != c.status {
			t.Errorf("%d: %+v", i, a)
		}
		if a := call(t, s, "GET", "quota/consumption", ""); a.Body != c.used {
			t.Errorf("%d: %+v, want %s", i, a, c.used)
		}
	}
	if a := call(t, s, "GET", "quota", ""); a.Body != `{"type":"limited","value":7}` {
		t.Errorf("%+v", a)
	}
	s.SetQuota(-1, 9)
	if a := call(t, s, "GET", "quota", ""); a.Body != `{"type":"none"}` {
		t.Errorf("%+v", a)
	}
}

func TestTheRateIsLimitedIfToldTo(t *testing.T) {
	s := servicetest.Start(t, linetest.New())
	s.SetClock(func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) })
	s.Documented()
	for i := range 61 {
		a := call(t, s, "POST", "broadcast", `{`+hello+`}`)
		if refused := a.Status == 429; refused != (i == 60) {
			t.Errorf("broadcast %d: %+v", i+1, a)
		}
	}
	if a := push(t, s, `{"type":"text","text":"x"}`); a.Status != 200 {
		t.Errorf("another call has a limit of its own: %+v", a)
	}
}
