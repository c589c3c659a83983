package webhooktest_test

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

const body = `{"event":"alert","orgName":"acme","message":"disk","alert":{"status":"critical","id":"5Alert"},"later":{}}`

// post sends a body to the fake, changed in some way, and returns the status and the body of the answer.
func post(t *testing.T, s *webhooktest.Server, body string, change func(*http.Request)) (int, string) {
	t.Helper()
	address := s.MemoryConfig().URL.Reveal()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if change != nil {
		change(r)
	}
	a := servicetest.Do(t, s.Client(), r)
	return a.Status, a.Body
}

func TestAWebhookIsAcceptedAndKept(t *testing.T) {
	s := servicetest.Start(t, webhooktest.New())
	if status, answer := post(t, s, body, nil); status != http.StatusNoContent || answer != "" {
		t.Fatalf("%d %s", status, answer)
	}
	all := s.Deliveries()
	if len(all) != 1 || string(all[0].Body) != body || all[0].Alert.ID != "5Alert" || all[0].Time.IsZero() || all[0].ID != "" {
		t.Errorf("kept %+v", all)
	}
}

func TestTheLoopbackAddressLeadsToTheSameServer(t *testing.T) {
	s := servicetest.Start(t, webhooktest.New())
	resp, err := http.Post(s.Config().URL.Reveal(), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent || len(s.Deliveries()) != 1 {
		t.Errorf("%d", resp.StatusCode)
	}
}

func TestWhatACarefulReceiverRefuses(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, tt := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
	}{
		"another path":             {body, func(r *http.Request) { r.URL.Path = "/alert" }, 404},
		"another method":           {body, func(r *http.Request) { r.Method = http.MethodPut }, 405},
		"no user":                  {body, func(r *http.Request) { r.URL.User = nil }, 401},
		"a wrong password":         {body, func(r *http.Request) { r.SetBasicAuth(webhooktest.User, "x") }, 401},
		"a wrong token":            {body, func(r *http.Request) { r.URL.RawQuery = "token=x" }, 401},
		"a form":                   {body, header("Content-Type", "application/x-www-form-urlencoded"), 415},
		"no type":                  {body, func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
		"a revoked token":          {body, func(r *http.Request) { r.URL.RawQuery = "token=old" }, 401},
		"no body":                  {"", nil, 400},
		"half a body":              {body[:20], nil, 400},
		"an array":                 {"[]", nil, 400},
		"no event":                 {`{"orgName":"acme"}`, nil, 400},
		"an event that is null":    {`{"event":null}`, nil, 400},
		"a member twice":           {`{"event":"alert","event":"alert"}`, nil, 400},
		"a member of a wrong type": {`{"event":"alert","message":1}`, nil, 400},
		"bytes that are not UTF-8": {"{\"event\":\"alert\",\"message\":\"\xff\"}", nil, 400},
	} {
		s := servicetest.Start(t, webhooktest.New())
		s.AddToken("old")
		s.RevokeToken("old")
		status, answer := post(t, s, tt.body, tt.change)
		if status != tt.status || !strings.HasPrefix(answer, `{"error":"`) || len(s.Deliveries()) != 0 {
			t.Errorf("%s: %d %s, want %d", name, status, answer, tt.status)
		}
	}
}

func TestAnyBodyIsAcceptedIfAskedFor(t *testing.T) {
	s := servicetest.Start(t, webhooktest.New())
	s.AnyBody(true)
	if status, answer := post(t, s, "text", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }); status != 204 {
		t.Errorf("%d %s", status, answer)
	}
}

// The vector of the libraries of Standard Webhooks.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorSeconds   = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func sign(r *http.Request) {
	r.Header.Set("webhook-id", vectorID)
	r.Header.Set("webhook-timestamp", strconv.Itoa(vectorSeconds))
	r.Header.Set("webhook-signature", vectorSignature)
}

// vectorServer has the vector's secret and its time, off by so much.
func vectorServer(t *testing.T, off time.Duration) *webhooktest.Server {
	t.Helper()
	s := servicetest.Start(t, webhooktest.New())
	s.AnyBody(true)
	s.RequireSignature(webhooktest.Secret, vectorSecret)
	s.SetClock(func() time.Time { return time.Unix(vectorSeconds, 0).Add(off) })
	return s
}

func TestASignatureIsThatOfTheSpecification(t *testing.T) {
	for _, off := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute} {
		s := vectorServer(t, off)
		if status, answer := post(t, s, vectorBody, sign); status != 204 || s.Deliveries()[0].ID != vectorID {
			t.Errorf("%v off: %d %s", off, status, answer)
		}
	}
	s := vectorServer(t, 0)
	status, answer := post(t, s, vectorBody, func(r *http.Request) {
		sign(r)
		r.Header.Set("webhook-signature", "v1a,xxx v1,AAAA "+vectorSignature)
	})
	if status != 204 {
		t.Errorf("among others: %d %s", status, answer)
	}
}

func TestWhatIsNotSignedAsItShouldBeIsRefused(t *testing.T) {
	after := func(change func(http.Header)) func(*http.Request) {
		return func(r *http.Request) { sign(r); change(r.Header) }
	}
	for name, tt := range map[string]struct {
		body   string
		off    time.Duration
		change func(*http.Request)
	}{
		"nothing":                     {vectorBody, 0, nil},
		"no id":                       {vectorBody, 0, after(func(h http.Header) { h.Del("webhook-id") })},
		"no timestamp":                {vectorBody, 0, after(func(h http.Header) { h.Del("webhook-timestamp") })},
		"no signature":                {vectorBody, 0, after(func(h http.Header) { h.Del("webhook-signature") })},
		"two ids":                     {vectorBody, 0, after(func(h http.Header) { h.Add("webhook-id", "x") })},
		"an id with a dot":            {vectorBody, 0, after(func(h http.Header) { h.Set("webhook-id", "a.b") })},
		"a timestamp in milliseconds": {vectorBody, 0, after(func(h http.Header) { h.Set("webhook-timestamp", "1614265330000") })},
		"a timestamp in words":        {vectorBody, 0, after(func(h http.Header) { h.Set("webhook-timestamp", "now") })},
		"a request too old":           {vectorBody, 5*time.Minute + time.Second, after(func(http.Header) {})},
		"a request too new":           {vectorBody, -5*time.Minute - time.Second, after(func(http.Header) {})},
		"another id":                  {vectorBody, 0, after(func(h http.Header) { h.Set("webhook-id", "msg_1") })},
		"another body":                {vectorBody + " ", 0, after(func(http.Header) {})},
		"a signature without version": {vectorBody, 0, after(func(h http.Header) { h.Set("webhook-signature", vectorSignature[3:]) })},
		"a signature in hexadecimal": {vectorBody, 0, after(func(h http.Header) {
			raw, err := base64.StdEncoding.DecodeString(vectorSignature[3:])
			if err != nil {
				t.Fatal(err)
			}
			h.Set("webhook-signature", "v1,"+strconv.Quote(string(raw)))
		})},
	} {
		s := vectorServer(t, tt.off)
		if status, answer := post(t, s, tt.body, tt.change); status != http.StatusUnauthorized || len(s.Deliveries()) != 0 {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

func TestARepeatIsAcceptedAndDropped(t *testing.T) {
	s := vectorServer(t, 0)
	for range 2 {
		if status, answer := post(t, s, vectorBody, sign); status != 204 {
			t.Errorf("%d %s", status, answer)
		}
	}
	if len(s.Requests()) != 2 || len(s.Deliveries()) != 1 {
		t.Errorf("%d deliveries", len(s.Deliveries()))
	}
	s.RequireSignature()
	for range 2 {
		if status, answer := post(t, s, vectorBody, sign); status != 204 {
			t.Errorf("%d %s", status, answer)
		}
	}
	if len(s.Deliveries()) != 3 {
		t.Error("without signatures an id was looked at")
	}
}

func TestASecretOfAnotherFormPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it was taken")
		}
	}()
	servicetest.Start(t, webhooktest.New()).RequireSignature("secret")
}

func TestTheRateIsLimitedIfToldTo(t *testing.T) {
	s := servicetest.Start(t, webhooktest.New())
	s.Documented() // which is no limit
	for range 3 {
		if status, _ := post(t, s, body, nil); status != http.StatusNoContent {
			t.Errorf("%d", status)
		}
	}
	s.SetLimit("messages", 1, time.Minute)
	for _, want := range []int{http.StatusNoContent, http.StatusTooManyRequests} {
		if status, answer := post(t, s, body, nil); status != want {
			t.Errorf("%d %s, want %d", status, answer, want)
		}
	}
	if s.Accepted() != 4 {
		t.Errorf("%d accepted", s.Accepted())
	}
}
