package peers

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"

	twilioclient "github.com/twilio/twilio-go/client"
	peer "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

func newTwilio(t *testing.T, kind twilio.Kind) (*twiliotest.Server, *twilio.Notifier) {
	t.Helper()
	s := start(t, twiliotest.New())
	config := s.Config()
	config.Kind, config.Call = kind, once
	n, err := twilio.New(config)
	return s, must(t, n, err)
}

// twilioClient returns the API alone. twilio.RestClient would do the same, but it compiles all products of Twilio.
func twilioClient(t *testing.T, s *twiliotest.Server, user, password string) *peer.ApiService {
	t.Helper()
	client := &twilioclient.Client{
		Credentials: twilioclient.NewCredentials(user, password), HTTPClient: clientTo(t, s.URL()),
	}
	client.SetAccountSid(twiliotest.AccountSID)
	return peer.NewApiServiceWithClient(client)
}

func TestTwilioClientPosts(t *testing.T) {
	for name, credentials := range map[string][2]string{
		"as the account":  {twiliotest.AccountSID, twiliotest.AuthToken},
		"with an API key": {twiliotest.APIKeySID, twiliotest.APIKeySecret},
	} {
		t.Run("a message "+name, func(t *testing.T) {
			s, _ := newTwilio(t, twilio.KindSMS)
			params := new(peer.CreateMessageParams).SetFrom(twiliotest.From).SetTo(twiliotest.To).SetBody("disk full").
				SetStatusCallback("https://example.com/status").SetValidityPeriod(600).SetSmartEncoded(true)
			answer, err := twilioClient(t, s, credentials[0], credentials[1]).CreateMessage(params)
			if err != nil {
				t.Fatal(err)
			}
			messages := s.Messages()
			count(t, "messages", messages, 1)
			equal(t, "body", messages[0].Body, "disk full")
			equal(t, "SID", *answer.Sid, messages[0].SID)
			equal(t, "status", *answer.Status, "queued")
		})
		t.Run("a call "+name, func(t *testing.T) {
			s, _ := newTwilio(t, twilio.KindCall)
			params := new(peer.CreateCallParams).SetFrom(twiliotest.From).SetTo(twiliotest.To).
				SetTwiml("<Response><Say>disk full</Say></Response>").SetStatusCallback("https://example.com/status").
				SetStatusCallbackEvent([]string{"initiated", "ringing", "answered", "completed"}).SetTimeout(30)
			answer, err := twilioClient(t, s, credentials[0], credentials[1]).CreateCall(params)
			if err != nil {
				t.Fatal(err)
			}
			calls := s.Calls()
			count(t, "calls", calls, 1)
			equal(t, "said", calls[0].Said, "disk full")
			equal(t, "SID", *answer.Sid, calls[0].SID)
			equal(t, "status", *answer.Status, "queued")
		})
	}
}

func TestTwilioClientIsRefused(t *testing.T) {
	fault := fakehttp.Fault{
		Status: http.StatusTooManyRequests,
		Body:   `{"code":20429,"message":"Too Many Requests","more_info":"","status":429}`,
	}
	for name, c := range map[string]struct {
		fault        *fakehttp.Fault
		password     string // twiliotest.AuthToken unless set
		from, to     string // twiliotest.From and twiliotest.To unless set
		status, code int
	}{
		"a wrong token":            {password: "wrong", status: http.StatusUnauthorized, code: 20003},
		"a malformed number":       {to: "12", status: http.StatusBadRequest, code: 21211},
		"a number of someone else": {from: "+815000000000", status: http.StatusBadRequest, code: 21606},
		"a fault":                  {fault: &fault, status: http.StatusTooManyRequests, code: 20429},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newTwilio(t, twilio.KindSMS)
			if c.fault != nil {
				s.Inject(*c.fault)
			}
			client := twilioClient(t, s, twiliotest.AccountSID, cmp.Or(c.password, twiliotest.AuthToken))
			params := new(peer.CreateMessageParams).SetBody("disk full").
				SetFrom(cmp.Or(c.from, twiliotest.From)).SetTo(cmp.Or(c.to, twiliotest.To))
			var refused *twilioclient.TwilioRestError
			_, err := client.CreateMessage(params)
			if !errors.As(err, &refused) || refused.Status != c.status || refused.Code != c.code {
				t.Errorf("%v, want a TwilioRestError of %d with code %d", err, c.status, c.code)
			}
			count(t, "messages", s.Messages(), 0)
		})
	}
}

func TestTwilioTypesDecodeOurRequests(t *testing.T) {
	t.Run("messages", func(t *testing.T) {
		s, n := newTwilio(t, twilio.KindSMS)
		eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
			params := decode[peer.CreateMessageParams](t, formAsJSON(t, r.Body))
			equal(t, "from", *params.From, twiliotest.From)
			equal(t, "to", *params.To, twiliotest.To)
			contains(t, "body", *params.Body, twilio.DefaultMessage(a, mackerel.Text{}).Title)
			contains(t, "body", *params.Body, a.URL)
		})
	})
	t.Run("calls", func(t *testing.T) {
		s, n := newTwilio(t, twilio.KindCall)
		eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
			params := decode[peer.CreateCallParams](t, formAsJSON(t, r.Body))
			equal(t, "from", *params.From, twiliotest.From)
			equal(t, "to", *params.To, twiliotest.To)
			calls := s.Calls()
			equal(t, "TwiML", *params.Twiml, calls[len(calls)-1].TwiML)
			contains(t, "said", calls[len(calls)-1].Said, twilio.DefaultMessage(a, mackerel.Text{}).Speech)
		})
	})
}

// formAsJSON returns a form as a JSON object, because the JSON tags of the client's types are the names of the form.
func formAsJSON(t *testing.T, body []byte) []byte {
	t.Helper()
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Fatal(err)
	}
	object := make(map[string]string)
	for name := range form {
		count(t, name, form[name], 1)
		object[name] = form.Get(name)
	}
	b, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
