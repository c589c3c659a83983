package twiliotest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

const (
	to       = "+819012345678"
	calls    = "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Calls.json"
	messages = "/2010-04-01/Accounts/" + twiliotest.AccountSID + "/Messages.json"
)

func newServer(t *testing.T) *twiliotest.Server {
	t.Helper()
	s := twiliotest.NewServer()
	t.Cleanup(s.Close)
	return s
}

func request(t *testing.T, path, form string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, twiliotest.MemoryBaseURL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(twiliotest.AccountSID, twiliotest.AuthToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// An answer is what is common to all answers.
type answer struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	SID      string `json:"sid"`
	Status   any    `json:"status"` // of an error a number, of a call or message a word
	URI      string `json:"uri"`
}

func do(t *testing.T, s *twiliotest.Server, r *http.Request) (int, answer) {
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
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return resp.StatusCode, a
}

// form writes pairs of keys and values, with the numbers that every request needs.
func form(keyValues ...string) string {
	v := url.Values{"To": {to}, "From": {twiliotest.From}}
	for i := 0; i+1 < len(keyValues); i += 2 {
		v.Set(keyValues[i], keyValues[i+1])
	}
	return v.Encode()
}

func TestCallsAreKept(t *testing.T) {
	s := newServer(t)
	for _, f := range []string{
		form("Twiml", `<?xml version="1.0" encoding="UTF-8"?><Response><Say>one &amp; </Say><Pause/><Say language="ja-JP">二</Say></Response>`),
		form("Url", "https://x.test/voice", "Method", "GET", "Twiml", "ignored", "StatusCallback", "https://x.test/told"),
		form("Url", "http://x.test"),
		form("ApplicationSid", "AP1"),
	} {
		status, a := do(t, s, request(t, calls, f))
		if status != 201 || a.Status != "queued" || !strings.HasPrefix(a.SID, "CA") || len(a.SID) != 34 || !strings.HasSuffix(a.URI, a.SID+".json") {
			t.Errorf("%s: %d %+v", f, status, a)
		}
	}
	got := s.Calls()
	if len(got) != 4 || got[0].SID == got[1].SID || len(s.Messages()) != 0 {
		t.Fatalf("%+v", got)
	}
	if got[0].Said != "one & 二" || got[0].Language != "en-US" || got[0].Method != "" || got[0].To != to {
		t.Errorf("%+v", got[0])
	}
	if got[1].URL != "https://x.test/voice" || got[1].Method != http.MethodGet || got[1].TwiML != "" || got[1].StatusCallback != "https://x.test/told" {
		t.Errorf("%+v", got[1])
	}
	if got[2].Method != http.MethodPost {
		t.Errorf("%+v", got[2])
	}
}

func TestMessagesAreKept(t *testing.T) {
	s := newServer(t)
	for _, body := range []string{"x", strings.Repeat("障", 1600), strings.Repeat("🔥", 800), strings.Repeat("[", 800)} {
		status, a := do(t, s, request(t, messages, form("Body", body)))
		if status != 201 || a.Status != "queued" || !strings.HasPrefix(a.SID, "SM") || len(a.SID) != 34 {
			t.Errorf("%.20q: %d %+v", body, status, a)
		}
	}
	if got := s.Messages(); len(got) != 4 || got[0].Body != "x" || got[0].From != twiliotest.From {
		t.Errorf("%d messages", len(got))
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		path, form string
		status     int
		code       int
	}{
		"a call to nobody":            {calls, form("To", "", "Url", "https://x.test"), 400, 21201},
		"a call to a national number": {calls, form("To", "090-1234-5678", "Url", "https://x.test"), 400, 21211},
		"a call from nobody":          {calls, form("From", "", "Url", "https://x.test"), 400, 21213},
		"a call from another number":  {calls, form("From", "+15005550006", "Url", "https://x.test"), 400, 21212},
		"a call that does nothing":    {calls, form(), 400, 21200},
		"a call to a file":            {calls, form("Url", "file:///x"), 400, 21205},
		"an unknown method":           {calls, form("Url", "https://x.test", "Method", "get"), 400, 21206},
		"a callback without a host":   {calls, form("Url", "https://x.test", "StatusCallback", "x"), 400, 21609},
		"a callback with underscores": {calls, form("Url", "https://x.test", "StatusCallback", "https://a_b.test"), 400, 21609},
		"long TwiML":                  {calls, form("Twiml", "<Response>"+strings.Repeat("x", 4000)+"</Response>"), 400, 21200},
		"TwiML that is text":          {calls, form("Twiml", "hello"), 400, 12100},
		"TwiML with an ampersand":     {calls, form("Twiml", "<Response><Say>a & b</Say></Response>"), 400, 12100},
		"TwiML that does not end":     {calls, form("Twiml", "<Response><Say>"), 400, 12100},
		"TwiML of another kind":       {calls, form("Twiml", "<Say>x</Say>"), 400, 12100},
		"two documents":               {calls, form("Twiml", "<Response/><Response/>"), 400, 12100},
		"an unknown parameter":        {calls, form("Url", "https://x.test", "Body", "x"), 400, 20001},
		"a parameter in another case": {calls, form("url", "https://x.test"), 400, 20001},
		"a parameter twice":           {calls, form("Url", "https://x.test") + "&Url=x", 400, 20001},
		"a message to nobody":         {messages, form("To", "", "Body", "x"), 400, 21604},
		"a message from nobody":       {messages, form("From", "", "Body", "x"), 400, 21603},
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
			s := newServer(t)
			status, a := do(t, s, request(t, c.path, c.form))
			if status != c.status || a.Code != c.code || a.Message == "" || a.Status != float64(status) || !strings.HasSuffix(a.MoreInfo, "/"+strconv.Itoa(c.code)) {
				t.Errorf("%d %+v", status, a)
			}
			if len(s.Calls())+len(s.Messages()) != 0 {
				t.Error("it was accepted all the same")
			}
		})
	}
}

func TestWhoIsLetIn(t *testing.T) {
	for name, c := range map[string]struct {
		user, password string
		status         int
	}{
		"the account":               {twiliotest.AccountSID, twiliotest.AuthToken, 201},
		"a key":                     {twiliotest.APIKeySID, twiliotest.APIKeySecret, 201},
		"a key with another secret": {twiliotest.APIKeySID, twiliotest.AuthToken, 401},
		"a stranger":                {"SK1", "x", 401},
		"a revoked key":             {"SKrevoked", "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.SetKey("SKrevoked", "")
			r := request(t, messages, form("Body", "x"))
			r.SetBasicAuth(c.user, c.password)
			if status, a := do(t, s, r); status != c.status || status == 401 && a.Code != 20003 {
				t.Errorf("%d %+v", status, a)
			}
		})
	}
	r := request(t, messages, form("Body", "x"))
	r.Header.Del("Authorization")
	if status, _ := do(t, newServer(t), r); status != 401 {
		t.Errorf("nobody: %d", status)
	}
}

func TestABodyMustBeAForm(t *testing.T) {
	r := request(t, messages, `{"Body":"x"}`)
	r.Header.Set("Content-Type", "application/json")
	if status, a := do(t, newServer(t), r); status != 400 || !strings.Contains(a.Message, "Content-Type") {
		t.Errorf("%d %+v", status, a)
	}
}
