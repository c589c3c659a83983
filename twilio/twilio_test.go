package twilio_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// newServer is reached through its client and [twiliotest.MemoryBaseURL], so that it works in a bubble too.
func newServer(t testing.TB) *twiliotest.Server {
	t.Helper()
	s := twiliotest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// complete adds what is the same in most tests, and what leads to the fake.
func complete(s *twiliotest.Server, c twilio.Config) twilio.Config {
	c.AccountSID, c.From, c.To, c.BaseURL = twiliotest.AccountSID, twiliotest.From, to, twiliotest.MemoryBaseURL
	if c.APIKeySID == "" {
		c.AuthToken = mackerel.NewSecret(twiliotest.AuthToken)
	}
	c.Call.Client = s.Client()
	return c
}

func newNotifier(t testing.TB, s *twiliotest.Server, c twilio.Config) *twilio.Notifier {
	t.Helper()
	n, err := twilio.New(complete(s, c))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// asError returns err as the module's error, which must be of this kind.
func asError(t testing.TB, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("%v (%T), want %v", err, err, kind)
	}
	return e
}

// wantKind fails unless err is the module's error, of this kind.
func wantKind(t testing.TB, err, kind error) {
	t.Helper()
	if e := asError(t, err, kind); e.Kind != kind {
		t.Errorf("%+v", e)
	}
}

func wantContains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in %.600q", p, text)
		}
	}
}

var alert = mackerel.Alert{
	ID: "5A", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, Message: "CPU 99 > 90",
	URL: "https://mackerel.io/orgs/x/alerts/5A",
}

func TestSMS(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, twilio.Config{Kind: twilio.KindSMS, StatusCallback: mackerel.NewSecret("https://example.com/told?key=1")})
	receipt, err := n.Deliver(t.Context(), alert)
	if err != nil || receipt.ID != "SM00000000000000000000000000000001" || !receipt.Queued || receipt.Provider != "twilio" {
		t.Errorf("%+v, %v", receipt, err)
	}
	want := twiliotest.Message{
		SID: receipt.ID, To: to, From: twiliotest.From, Body: "[CRITICAL] CPU %\nCPU 99 > 90\n" + alert.URL,
		StatusCallback: "https://example.com/told?key=1",
	}
	got := s.Messages()[0]
	if got.Time = (time.Time{}); got != want || len(s.Calls()) != 0 {
		t.Errorf("%+v", got)
	}
	if n.String() != "twilio SMS to ...5678" {
		t.Error(n)
	}
}

func TestSpokenCall(t *testing.T) {
	for _, c := range []struct {
		name, twiml string
		config      twilio.Config
	}{
		{"the alert's own words", `<Response><Say language="en-US">[CRITICAL] CPU %&#xA;CPU 99 &gt; 90</Say></Response>`, twilio.Config{}},
		{
			"in Japanese", `<Response><Say language="ja-JP">[CRITICAL] CPU %&#xA;CPU 99 &gt; 90</Say></Response>`,
			twilio.Config{Text: mackerel.Text{Language: mackerel.Japanese}},
		},
		{
			"the same words for every alert", `<Response><Say language="ja-JP" voice="Polly.Mizuki">障害です</Say></Response>`,
			twilio.Config{Say: "障害です", Language: "ja-JP", Voice: "Polly.Mizuki"},
		},
		{
			"words and a language of a function", `<Response><Say language="fr-FR">panne</Say></Response>`,
			twilio.Config{Language: "en-GB", Message: func(mackerel.Alert) (twilio.Message, error) {
				return twilio.Message{Text: "panne", Language: "fr-FR"}, nil
			}},
		},
		{
			"TwiML of a function", `<Response><Play>https://example.com/siren.mp3</Play></Response>`,
			twilio.Config{Message: func(mackerel.Alert) (twilio.Message, error) {
				return twilio.Message{Title: "unheard", RawTwiML: `<Response><Play>https://example.com/siren.mp3</Play></Response>`}, nil
			}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			c.config.Kind = twilio.KindCall
			n := newNotifier(t, s, c.config)
			receipt, err := n.Deliver(t.Context(), alert)
			if err != nil || receipt.ID != "CA00000000000000000000000000000001" || !receipt.Queued {
				t.Errorf("%+v, %v", receipt, err)
			}
			if got := s.Calls()[0]; got.TwiML != c.twiml || got.URL != "" || got.To != to {
				t.Errorf("%+v", got)
			}
			if n.String() != "twilio call to ...5678" {
				t.Error(n)
			}
		})
	}
}

// TestTwiMLDocument has Mackerel's rule: the alert's ID is appended to an address without a query, and to no other.
func TestTwiMLDocument(t *testing.T) {
	for _, c := range []struct{ name, address, id, want string }{
		{"no query", "https://example.com/voice", "5A", "https://example.com/voice?alertId=5A"},
		{"no path", "https://example.com", "5A", "https://example.com?alertId=5A"},
		{"a query", "https://example.com/voice?team=web", "5A", "https://example.com/voice?team=web"},
		{"an empty query", "https://example.com/voice?", "5A", "https://example.com/voice?"},
		{"an ID that is none of Mackerel's", "https://example.com/voice", "a&b=c d#", "https://example.com/voice?alertId=a%26b%3Dc+d%23"},
		{"no ID", "https://example.com/voice", "", "https://example.com/voice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, twilio.Config{Kind: twilio.KindTwiML, TwiMLURL: mackerel.NewSecret(c.address)})
			a := alert
			a.ID = c.id
			if err := n.Notify(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if got := s.Calls()[0]; got.URL != c.want || got.Method != http.MethodGet || got.TwiML != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestWhoIsCalled: nobody is woken up to hear that all is well.
func TestWhoIsCalled(t *testing.T) {
	closed := alert
	closed.ClosedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name      string
		alert     mackerel.Alert
		level     mackerel.Level
		call, sms bool
	}{
		{"a critical alert", alert, "", true, true},
		{"a warning", mackerel.Alert{Status: mackerel.StatusWarning}, "", true, true},
		{"a warning, at critical only", mackerel.Alert{Status: mackerel.StatusWarning}, mackerel.LevelCritical, false, false},
		{"an unknown alert, at critical only", mackerel.Alert{Status: mackerel.StatusUnknown}, mackerel.LevelCritical, true, true},
		{"a recovery", mackerel.Alert{Status: "OK"}, "", false, true},
		{"an alert closed by hand", closed, "", false, true},
		{"an alert group", mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "CRITICAL"}, "", true, true},
		{"a host's change", mackerel.Alert{Event: mackerel.EventHostStatus, Status: mackerel.StatusCritical}, "", false, true},
		{"the Test button", mackerel.Alert{Event: mackerel.EventSample}, "", true, true},
		{"an event of the future", mackerel.Alert{Event: "rain"}, "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, k := range []struct {
				config twilio.Config
				want   bool
			}{
				{twilio.Config{Kind: twilio.KindSMS}, c.sms}, {twilio.Config{Kind: twilio.KindCall}, c.call},
				{twilio.Config{Kind: twilio.KindTwiML, TwiMLURL: mackerel.NewSecret("https://example.com/voice")}, c.call},
			} {
				s := newServer(t)
				k.config.Level = c.level
				receipt, err := newNotifier(t, s, k.config).Deliver(t.Context(), c.alert)
				if sent := len(s.Requests()) == 1; err != nil || sent != k.want || (receipt.Skipped == "") != k.want {
					t.Errorf("%s: sent is %t, %+v, %v", k.config.Kind, sent, receipt, err)
				}
			}
		})
	}
}

// TestNothingIsRepeatedBlindly: by default no telephone rings twice.
func TestNothingIsRepeatedBlindly(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    fakehttp.Fault
		delivery mackerel.Delivery
		kind     error
		requests int
		calls    int
		again    bool
	}{
		{"a lost answer", fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}, 0, mackerel.ErrAmbiguous, 1, 1, false},
		{"a lost request", fakehttp.Fault{Break: fakehttp.ResetConnection}, 0, mackerel.ErrAmbiguous, 1, 0, false},
		{"silence", fakehttp.Fault{Break: fakehttp.Silence, Handled: true}, 0, mackerel.ErrAmbiguous, 1, 1, false},
		{"a 503", fakehttp.Fault{Status: 503, Handled: true}, 0, mackerel.ErrAmbiguous, 1, 1, false},
		{"a 200", fakehttp.Fault{Status: 200, Body: `{"sid":"CA1"}`, Handled: true}, 0, mackerel.ErrAmbiguous, 1, 1, false},
		{"a 201 without a SID", fakehttp.Fault{Status: 201, Body: `{}`, Handled: true}, 0, mackerel.ErrAmbiguous, 1, 1, false},
		{"a 429", fakehttp.Fault{Status: 429}, 0, nil, 2, 1, false},
		{"a 429 that stays", fakehttp.Fault{Status: 429, Times: -1}, 0, mackerel.ErrRateLimited, 3, 0, true},
		{"a lost answer, at least once", fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}, mackerel.AtLeastOnce, nil, 2, 2, false},
		{"silence for ever, at least once", fakehttp.Fault{Break: fakehttp.Silence, Times: -1}, mackerel.AtLeastOnce, mackerel.ErrAmbiguous, 3, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Inject(c.fault)
				n := newNotifier(t, s, twilio.Config{Kind: twilio.KindCall, Call: mackerel.CallOptions{Delivery: c.delivery}})
				receipt, err := n.Deliver(t.Context(), alert)
				if !errors.Is(err, c.kind) || receipt.Queued != (err == nil) {
					t.Errorf("%+v, %v", receipt, err)
				}
				if len(s.Requests()) != c.requests || len(s.Calls()) != c.calls || receipt.Attempts != c.requests {
					t.Errorf("%d requests, %d calls", len(s.Requests()), len(s.Calls()))
				}
				if _, again := mackerel.Retry(err); again != c.again {
					t.Errorf("Retry says %t", again)
				}
				if s.Requests()[0].Header.Get("Idempotency-Key") != "" {
					t.Error("there is a key, for which net/http would repeat the request by itself")
				}
			})
		})
	}
}

func TestClosedPortIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		n := newNotifier(t, s, twilio.Config{Kind: twilio.KindCall})
		s.Close()
		receipt, err := n.Deliver(t.Context(), alert)
		if wantKind(t, err, mackerel.ErrUnavailable); receipt.Attempts != 3 {
			t.Errorf("%+v", receipt)
		}
	})
}

func TestWaitsAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"11"}}})
		start := time.Now()
		err := newNotifier(t, s, twilio.Config{Kind: twilio.KindSMS}).Notify(t.Context(), alert)
		if took := time.Since(start); err != nil || took != 11*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		config         twilio.Config
		user, password string
	}{
		"the account's own": {twilio.Config{}, twiliotest.AccountSID, twiliotest.AuthToken},
		"an API key's": {
			twilio.Config{APIKeySID: twiliotest.APIKeySID, APIKeySecret: mackerel.NewSecret(twiliotest.APIKeySecret)},
			twiliotest.APIKeySID, twiliotest.APIKeySecret,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c.config.Kind = twilio.KindSMS
			n := newNotifier(t, s, c.config)
			if err := n.Notify(t.Context(), alert); err != nil {
				t.Fatal(err)
			}
			r := s.Requests()[0]
			credentials := base64.StdEncoding.EncodeToString([]byte(c.user + ":" + c.password))
			if got := r.Header.Get("Authorization"); got != "Basic "+credentials || r.Path != "/2010-04-01/Accounts/"+twiliotest.AccountSID+"/Messages.json" {
				t.Errorf("%s with %s", r.Path, got)
			}
			quoting := `{"code":20003,"message":"not ` + c.password + ` or ` + credentials + `","status":401}`
			s.Inject(fakehttp.Fault{Status: 401, Body: quoting})
			e := asError(t, n.Notify(t.Context(), alert), mackerel.ErrUnauthorized)
			if e.Code != "20003" || strings.Contains(e.Message, c.password) || strings.Contains(e.Message, credentials[:20]) {
				t.Errorf("%+v", e)
			}
			s.SetKey(c.user, "changed")
			e = asError(t, n.Notify(t.Context(), alert), mackerel.ErrUnauthorized)
			wantContains(t, e.Error(), "twilio: create message: 401: Authenticate")
		})
	}
}

// TestAddressesAreSecrets has credentials in both addresses and a service that quotes them.
func TestAddressesAreSecrets(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, twilio.Config{
		Kind: twilio.KindTwiML, TwiMLURL: mackerel.NewSecret("https://bot:voice-password@example.com/v?key=voice-key"),
		StatusCallback: mackerel.NewSecret("https://bot:callback-password@example.com/c?key=callback-key"),
	})
	p, err := n.Preview(alert)
	if err != nil {
		t.Fatal(err)
	}
	s.Inject(fakehttp.Fault{Status: 400, Body: `{"code":21205,"message":"Url is not valid: https://bot:voice-password@example.com/v?key=voice-key, callback-key"}`})
	refused := n.Notify(t.Context(), alert)
	for _, shown := range []string{fmt.Sprintf("%+v", p), fmt.Sprintf("%+v", refused), fmt.Sprintf("%+v %#v", n, n)} {
		for _, secret := range []string{"voice-password", "voice-key", "callback-password", "callback-key"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s is in %s", secret, shown)
			}
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, twilio.Config{Kind: twilio.KindSMS})
	s.Inject(fakehttp.Fault{Status: 400, Body: `{"code":21610,"message":"Attempt to send to unsubscribed recipient","more_info":"https://www.twilio.com/docs/errors/21610","status":400}`})
	if e := asError(t, n.Notify(t.Context(), alert), mackerel.ErrInvalid); e.Code != "21610" || e.Message != "Attempt to send to unsubscribed recipient" {
		t.Errorf("%+v", e)
	}
	c := complete(s, twilio.Config{Kind: twilio.KindSMS})
	c.From = "+15005550006"
	other, err := twilio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if e := asError(t, other.Notify(t.Context(), alert), mackerel.ErrInvalid); e.Code != "21606" {
		t.Errorf("%+v", e)
	}
}

func TestConfigProblems(t *testing.T) {
	secret := mackerel.NewSecret
	for _, c := range []struct {
		name, want string
		change     func(*twilio.Config)
	}{
		{"an unknown kind", `Kind: must be "sms", "call" or "twiml"`, func(c *twilio.Config) { c.Kind = "fax" }},
		{"an account's name", "AccountSID: not AC", func(c *twilio.Config) { c.AccountSID = "acme" }},
		{"no credentials", "AuthToken: required", func(c *twilio.Config) { c.AuthToken = mackerel.Secret{} }},
		{"both credentials", "AuthToken: set together with an API key", func(c *twilio.Config) { c.APIKeySID = twiliotest.APIKeySID }},
		{"a key without a secret", "APIKeySecret: required", func(c *twilio.Config) { c.APIKeySID = twiliotest.APIKeySID }},
		{"a secret without a key", "APIKeySID: not SK", func(c *twilio.Config) { c.APIKeySecret = secret("x") }},
		{"a national number", "To: not a number in E.164", func(c *twilio.Config) { c.To = "090-1234-5678" }},
		{"a name that calls", "From: not a number in E.164", func(c *twilio.Config) { c.Kind, c.From = twilio.KindCall, "Mackerel" }},
		{"a long name", "From: not a number in E.164", func(c *twilio.Config) { c.From = "MackerelAlert" }},
		{"a length beyond the limit", "MaxLength: must be between 1 and 1600", func(c *twilio.Config) { c.MaxLength = 1601 }},
		{"a length of a call", "MaxLength: is for the kind sms", func(c *twilio.Config) { c.Kind, c.MaxLength = twilio.KindCall, 70 }},
		{"an SMS that speaks", "Say: is for the kind call", func(c *twilio.Config) { c.Say = "x" }},
		{"an SMS with a language", "Language: is for the kind call", func(c *twilio.Config) { c.Language = "ja-JP" }},
		{"an SMS with a voice", "Voice: is for the kind call", func(c *twilio.Config) { c.Voice = "alice" }},
		{"a blank to say", "Say: blank", func(c *twilio.Config) { c.Kind, c.Say = twilio.KindCall, " " }},
		{"words twice", "Say: set together with Message", func(c *twilio.Config) {
			c.Kind, c.Say, c.Message = twilio.KindCall, "x", func(mackerel.Alert) (twilio.Message, error) { return twilio.Message{}, nil }
		}},
		{"no document", "TwiMLURL: required", func(c *twilio.Config) { c.Kind = twilio.KindTwiML }},
		{"a document of an SMS", "TwiMLURL: is for the kind twiml", func(c *twilio.Config) { c.TwiMLURL = secret("https://x.test") }},
		{"a document that is a file", "TwiMLURL: not an http or https URL", func(c *twilio.Config) { c.Kind, c.TwiMLURL = twilio.KindTwiML, secret("file:///x") }},
		{"a callback that is none", "StatusCallback: not an http or https URL", func(c *twilio.Config) { c.StatusCallback = secret("x") }},
		{"a base URL that is none", "BaseURL: ", func(c *twilio.Config) { c.BaseURL = "api.twilio.com" }},
		{"an unknown level", "Level: ", func(c *twilio.Config) { c.Level = "warning" }},
		{"a negative wait", "Call.MaxWait: ", func(c *twilio.Config) { c.Call.MaxWait = -1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			config := complete(s, twilio.Config{Kind: twilio.KindSMS})
			c.change(&config)
			_, err := twilio.New(config)
			wantContains(t, asError(t, err, mackerel.ErrConfig).Message, c.want)
		})
	}
	_, err := twilio.New(twilio.Config{})
	wantContains(t, asError(t, err, mackerel.ErrConfig).Message, "AccountSID: ", "AuthToken: ", "Kind: ", "To: ", "From: ")
}

func TestSendersOfSMS(t *testing.T) {
	for _, from := range []string{"Mackerel", "12345", "+819000000000"} {
		s := newServer(t)
		s.AddNumber(from)
		c := complete(s, twilio.Config{Kind: twilio.KindSMS})
		c.From = from
		n, err := twilio.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Notify(t.Context(), alert); err != nil || s.Messages()[0].From != from {
			t.Errorf("%s: %v", from, err)
		}
	}
}

func TestMessageFunctionFails(t *testing.T) {
	wrong := errors.New("no template")
	s := newServer(t)
	n := newNotifier(t, s, twilio.Config{Kind: twilio.KindCall, Message: func(mackerel.Alert) (twilio.Message, error) {
		return twilio.Message{}, wrong
	}})
	_, err := n.Preview(alert)
	for _, err := range []error{n.Notify(t.Context(), alert), err} {
		if wantKind(t, err, mackerel.ErrInvalid); !errors.Is(err, wrong) {
			t.Error(err)
		}
	}
}

// TestFormEncoding: the plus of a number must not arrive as a blank.
func TestFormEncoding(t *testing.T) {
	s := newServer(t)
	if err := newNotifier(t, s, twilio.Config{Kind: twilio.KindSMS}).Notify(t.Context(), alert); err != nil {
		t.Fatal(err)
	}
	body := string(s.Requests()[0].Body)
	wantContains(t, body, "To=%2B819012345678", "From=%2B815012345678")
	if form, err := url.ParseQuery(body); err != nil || len(form) != 3 {
		t.Errorf("%v, %v", form, err)
	}
}
