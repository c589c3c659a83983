package twiliotest_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

const (
	calls    = "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Calls.json"
	messages = "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Messages.json"
)

// An answer has what calls, messages and errors have.
type answer struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	SID      string `json:"sid"`
	Status   any    `json:"status"` // a number of an error, a word of a call or message
	URI      string `json:"uri"`
}

// call posts a form. The header is given as names and values in turn.
func call(t *testing.T, s *twiliotest.Server, path, form string, header ...string) (int, answer) {
	t.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte(twiliotest.AccountSID + ":" + twiliotest.AuthToken))
	header = append([]string{"Authorization", "Basic " + basic, "Content-Type", "application/x-www-form-urlencoded"}, header...)
	got := servicetest.Call(t, s.Client(), http.MethodPost, fakehttp.MemoryURL+path, form, header...)
	var a answer
	if err := json.Unmarshal([]byte(got.Body), &a); err != nil {
		t.Fatalf("%v in %s", err, got.Body)
	}
	return got.Status, a
}

// form writes names and values, with the numbers that every request needs.
func form(keyValues ...string) string {
	v := url.Values{"To": {twiliotest.To}, "From": {twiliotest.From}}
	for i := 0; i+1 < len(keyValues); i += 2 {
		v.Set(keyValues[i], keyValues[i+1])
	}
	return v.Encode()
}

func TestCallsAreKept(t *testing.T) {
	s := servicetest.Start(t, twiliotest.New())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	for _, f := range []string{
		form("Twiml", `<?xml version="1.0" encoding="UTF-8"?><Response><Say>one &amp; </Say><Pause/><Say language="ja-JP">二</Say></Response>`),
		form("Url", "https://x.test/voice", "Method", "GET", "Twiml", "ignored", "StatusCallback", "https://x.test/told"),
		form("Url", "http://x.test"),
		form("ApplicationSid", "AP1"),
	} {
		status, a := call(t, s, calls, f)
		if status != 201 || a.Status != "queued" || !strings.HasPrefix(a.SID, "CA") || len(a.SID) != 34 || a.URI != strings.TrimSuffix(calls, ".json")+"/"+a.SID+".json" {
			t.Errorf("%s: %d %+v", f, status, a)
		}
	}
	got := s.Calls()
	if len(got) != 4 || got[0].SID == got[1].SID || len(s.Messages()) != 0 || s.Accepted() != 4 {
		t.Fatalf("%+v", got)
	}
	if c := got[0]; c.Said != "one & 二" || c.Language != "en-US" || c.Method != "" || c.To != twiliotest.To || !c.Time.Equal(now) {
		t.Errorf("%+v", c)
	}
	if c := got[1]; c.URL != "https://x.test/voice" || c.Method != http.MethodGet || c.TwiML != "" || c.StatusCallback != "https://x.test/told" {
		t.Errorf("%+v", c)
	}
	if c := got[2]; c.Method != http.MethodPost {
		t.Errorf("%+v", c)
	}
}

func TestMessagesAreKept(t *testing.T) {
	s := servicetest.Start(t, twiliotest.New())
	for _, body := range []string{"x", strings.Repeat("障", 1600), strings.Repeat("🔥", 800), strings.Repeat("[", 800)} {
		status, a := call(t, s, messages, form("Body", body))
		if status != 201 || a.Status != "queued" || !strings.HasPrefix(a.SID, "SM") || len(a.SID) != 34 {
			t.Errorf("%.20q: %d %+v", body, status, a)
		}
	}
	if got := s.Messages(); len(got) != 4 || got[0].Body != "x" || got[0].From != twiliotest.From || s.Accepted() != 4 {
		t.Errorf("%d messages", len(got))
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		path, form string
		status     int
		code       int
	}{
		"a call to no number":         {calls, form("To", "", "Url", "https://x.test"), 400, 21201},
		"a call to a national number": {calls, form("To", "090-1234-5678", "Url", "https://x.test"), 400, 21211},
		"a call from no number":       {calls, form("From", "", "Url", "https://x.test"), 400, 21213},
		"a call from another number":  {calls, form("From", "+15005550006", "Url", "https://x.test"), 400, 21212},
		"a call that does nothing":    {calls, form(), 400, 21200},
		"a call to a file":            {calls, form("Url", "file:///x"), 400, 21205},
		"an unknown method":           {calls, form("Url", "https://x.test", "Method", "get"), 400, 21206},
		"a callback without a host":   {calls, form("Url", "https://x.test", "StatusCallback", "x"), 400, 21609},
		"a callback with underscores": {calls, form("Url", "https://a_b.test", "StatusCallback", "https://a_b.test"), 400, 21609},
		"long TwiML":                  {calls, form("Twiml", "<Response>"+strings.Repeat("x", 3980)+"</Response>"), 400, 21200},
		"TwiML that is text":          {calls, form("Twiml", "hello"), 400, 12100},
		"TwiML with an ampersand":     {calls, form("Twiml", "<Response><Say>a & b</Say></Response>"), 400, 12100},
		"TwiML that does not end":     {calls, form("Twiml", "<Response><Say>"), 400, 12100},
		"TwiML of another kind":       {calls, form("Twiml", "<Say>x</Say>"), 400, 12100},
		"two documents":               {calls, form("Twiml", "<Response/><Response/>"), 400, 12100},
		"an unknown parameter":        {calls, form("Url", "https://x.test", "Body", "x"), 400, 20001},
		"a parameter in another case": {calls, form("url", "https://x.test"), 400, 20001},
		"a parameter twice":           {calls, form("Url", "https://x.test") + "&Url=x", 400, 20001},
		"a message to no number":      {messages, form("To", "", "Body", "x"), 400, 21604},
		"a message from no number":    {messages, form("From", "", "Body", "x"), 400, 21603},
		"a message from another":      {messages, form("From", "Mackerel", "Body", "x"), 400, 21606},
		"a message without a body":    {messages, form(), 400, 21602},
		"a blank message":             {messages, form("Body", " \n"), 400, 21602},
		"1601 characters":             {messages, form("Body", strings.Repeat("障", 1601)), 400, 21617},
		"801 emoji":                   {messages, form("Body", strings.Repeat("🔥", 801)), 400, 21617},
		"801 brackets":                {messages, form("Body", strings.Repeat("]", 801)), 400, 21617},
		"another account":             {strings.Replace(calls, "AC0", "AC1", 1), form("Url", "https://x.test"), 404, 20404},
		"an unknown resource":         {strings.Replace(calls, "Calls", "Faxes", 1), form(), 404, 20404},
		"another version":             {strings.Replace(calls, "2010", "2008", 1), form(), 404, 20404},
		"something in the query":      {calls + "?To=x", form("Url", "https://x.test"), 404, 20404},
	} {
		t.Run(name, func(t *testing.T) {
			s := servicetest.Start(t, twiliotest.New())
			s.Strict(true)
			status, a := call(t, s, c.path, c.form)
			if status != c.status || a.Code != c.code || a.Message == "" || a.Status != float64(status) || !strings.HasSuffix(a.MoreInfo, "/"+strconv.Itoa(c.code)) {
				t.Errorf("%d %+v", status, a)
			}
			if s.Accepted() != 0 || len(s.Problems()) != 1 {
				t.Errorf("%d were accepted, %q", s.Accepted(), s.Problems())
			}
		})
	}
}

// TestWhatTheSDKsSend has a repeated parameter, as twilio-go writes it, and one that the fake does not know.
func TestWhatTheSDKsSend(t *testing.T) {
	s := servicetest.Start(t, twiliotest.New())
	body := form("Url", "https://x.test", "SipAuthUsername", "x") + "&StatusCallbackEvent=initiated&StatusCallbackEvent=answered"
	if status, a := call(t, s, calls, body); status != 201 {
		t.Errorf("%d %+v", status, a)
	}
}

// TestMessagesWithPicturesAndServices has messages as Twilio's libraries write them.
func TestMessagesWithPicturesAndServices(t *testing.T) {
	s := servicetest.Start(t, twiliotest.New())
	s.Strict(true)
	const service = "MG0123456789abcdef0123456789abcdef"
	bodies := []string{
		form() + "&MediaUrl=https%3A%2F%2Fx.test%2F1&MediaUrl=https%3A%2F%2Fx.test%2F2",
		form("From", "", "Body", "x", "MessagingServiceSid", service),
	}
	for _, body := range bodies {
		if status, a := call(t, s, messages, body); status != 201 {
			t.Errorf("%s: %d %+v", body, status, a)
		}
	}
	if got := s.Messages(); len(got) != 2 || len(got[0].MediaURLs) != 2 || got[1].MessagingServiceSID != service {
		t.Errorf("%+v", got)
	}
	for body, code := range map[string]int{
		form("From", "", "Body", "x", "MessagingServiceSid", "MG1"):                          21603,
		form("From", "", "Body", "x", "MessagingServiceSid", service, "StatusCallback", "x"): 21609,
		form("From", "+15005550006", "Body", "x", "MessagingServiceSid", service):            21606,
	} {
		if status, a := call(t, s, messages, body); status != 400 || a.Code != code {
			t.Errorf("%s: %d %+v", body, status, a)
		}
	}
}

func TestTokens(t *testing.T) {
	s := servicetest.Start(t, twiliotest.New())
	s.AddToken("SKsecond", "x")
	s.AddToken("SKrevoked", "x")
	s.RevokeToken("SKrevoked")
	for credentials, want := range map[string]int{
		twiliotest.AccountSID + ":" + twiliotest.AuthToken:   201,
		twiliotest.APIKeySID + ":" + twiliotest.APIKeySecret: 201,
		twiliotest.APIKeySID + ":" + twiliotest.AuthToken:    401,
		"SKsecond:x":  201,
		"SKunknown:x": 401,
		"SKrevoked:x": 401,
		"SKrevoked:":  401,
	} {
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
		status, a := call(t, s, messages, form("Body", "x"), "Authorization", basic)
		if status != want || status == 401 && a.Code != 20003 {
			t.Errorf("%s: %d %+v", credentials, status, a)
		}
	}
	if status, _ := call(t, s, messages, form("Body", "x"), "Authorization", ""); status != 401 {
		t.Errorf("without credentials: %d", status)
	}
	if status, a := call(t, s, messages, `{"Body":"x"}`, "Content-Type", "application/json"); status != 400 || !strings.Contains(a.Message, "Content-Type") {
		t.Errorf("JSON: %d %+v", status, a)
	}
}

func TestLanesLimitIfToldTo(t *testing.T) {
	s := servicetest.Start(t, twiliotest.New())
	s.SetLimit("calls", 1, time.Hour)
	s.SetLimit("messages", 1, time.Hour)
	for _, want := range []int{201, 429} {
		for path, f := range map[string]string{calls: form("Url", "https://x.test"), messages: form("Body", "x")} {
			if status, a := call(t, s, path, f); status != want || want == 429 && a.Code != 20429 {
				t.Errorf("%s: %d %+v, want %d", path, status, a, want)
			}
		}
	}
}
