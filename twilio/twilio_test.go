package twilio_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, harness(func(*twilio.Config) {}, twiliotest.AuthToken))
}

func TestConformanceOfCallsByAnAPIKey(t *testing.T) {
	notifytest.RunVariant(t, harness(func(c *twilio.Config) { calling(c); byKey(c) }, twiliotest.APIKeySecret))
}

func TestConformanceOfTwiMLDocuments(t *testing.T) {
	notifytest.RunVariant(t, harness(func(c *twilio.Config) {
		c.Kind, c.TwiMLURL = twilio.KindTwiML, mackerel.NewSecret("https://u:twiml-password@example.com/twiml")
		c.StatusCallback = mackerel.NewSecret("https://example.com/told?key=callback-key")
	}, twiliotest.AuthToken, "twiml-password", "callback-key"))
}

func harness(configure func(*twilio.Config), secrets ...string) func(testing.TB) notifytest.Harness {
	return func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, twiliotest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.BaseURL, config.Call = e.BaseURL, e.Call()
				configure(&config)
				return servicetest.Make(t, twilio.New, config)
			},
			Fake:    fake,
			Secrets: secrets,
		}
	}
}

// byKey configures an API key in place of the account's token.
func byKey(c *twilio.Config) {
	c.AuthToken = mackerel.Secret{}
	c.APIKeySID, c.APIKeySecret = twiliotest.APIKeySID, mackerel.NewSecret(twiliotest.APIKeySecret)
}

func TestGolden(t *testing.T) {
	variant := func(name string, language mackerel.Language, configure func(*twilio.Config)) servicetest.Variant {
		return servicetest.Variant{Name: name, Start: func(t testing.TB) (servicetest.Fake, servicetest.Notifier) {
			return start(t, configure, func(c *twilio.Config) { c.Text = mackerel.Text{Language: language, Location: sample.Zone} })
		}}
	}
	servicetest.Golden(t, []servicetest.Variant{
		variant("sms-en", mackerel.English, func(*twilio.Config) {}),
		variant("sms-ja", mackerel.Japanese, func(*twilio.Config) {}),
		variant("call-en", mackerel.English, calling),
		variant("call-ja", mackerel.Japanese, func(c *twilio.Config) { calling(c); c.Voice = "Polly.Mizuki" }),
		variant("twiml", mackerel.English, document),
	})
}

func TestConfigurations(t *testing.T) {
	fake := servicetest.Start(t, twiliotest.New())
	secret := mackerel.NewSecret
	var cases []servicetest.ConfigCase[twilio.Config]
	for _, c := range []struct {
		name      string
		configure func(*twilio.Config)
		want      []string
	}{
		{"an SMS may have a sender's name", func(c *twilio.Config) { c.From = "Mackerel" }, nil},
		{"an SMS may have a short code", func(c *twilio.Config) { c.From = "12345" }, nil},
		{"a kind is one of three", func(c *twilio.Config) { c.Kind = "fax" }, []string{`Kind: must be "sms", "call" or "twiml"`}},
		{"credentials are required", func(c *twilio.Config) { c.AuthToken = secret("") }, []string{"AuthToken: required"}},
		{"there is one pair of credentials", func(c *twilio.Config) {
			token := c.AuthToken
			byKey(c)
			c.AuthToken = token
		}, []string{"AuthToken: set together with an API key"}},
		{"an API key has a secret", func(c *twilio.Config) { byKey(c); c.APIKeySecret = secret("") }, []string{"APIKeySecret: required"}},
		{"an API key has a SID", func(c *twilio.Config) { byKey(c); c.APIKeySID = "" }, []string{"APIKeySID: must be SK and 32 hexadecimal digits"}},
		{"a national number is refused", func(c *twilio.Config) { c.To = "090-1234-5678" }, []string{"To: must be a number in E.164"}},
		{"a name cannot call", func(c *twilio.Config) { calling(c); c.From = "Mackerel" }, []string{"From: must be a number in E.164"}},
		{"a name has at most 11 characters", func(c *twilio.Config) { c.From = "MackerelAlert" }, []string{"From: must be a number in E.164"}},
		{"an SMS has at most 1600 characters", func(c *twilio.Config) { c.MaxLength = 1601 }, []string{"MaxLength: must be from 1 to 1600"}},
		{"a call has no length", func(c *twilio.Config) { calling(c); c.MaxLength = 70 }, []string{`MaxLength: only for the kind "sms"`}},
		{"an SMS does not speak", func(c *twilio.Config) { c.Say, c.Language, c.Voice = "x", "ja-JP", "alice" }, []string{
			`Say: only for the kind "call"`, `Language: only for the kind "call"`, `Voice: only for the kind "call"`,
		}},
		{"a call says something", func(c *twilio.Config) { calling(c); c.Say = " \n" }, []string{"Say: must not be blank"}},
		{"a language and a voice are short", func(c *twilio.Config) {
			calling(c)
			c.Language, c.Voice = strings.Repeat("x", 101), strings.Repeat("障", 34)
		}, []string{"Language: 101 bytes, and at most 100 are allowed", "Voice: 102 bytes"}},
		{"a document is required", func(c *twilio.Config) { c.Kind = twilio.KindTwiML }, []string{"TwiMLURL: required"}},
		{"an SMS has no document", func(c *twilio.Config) { c.TwiMLURL = secret("https://x.test") }, []string{`TwiMLURL: only for the kind "twiml"`}},
		{"a document is not a file", func(c *twilio.Config) { c.Kind, c.TwiMLURL = twilio.KindTwiML, secret("file:///secret-token") }, []string{"TwiMLURL: not an http or https URL"}},
		{"all problems are told at once, in the order of the fields", func(c *twilio.Config) {
			*c = twilio.Config{
				AuthToken: secret("secret-token\n"), StatusCallback: secret("x"), MaxLength: -1, Say: " ", TwiMLURL: secret("y"),
				BaseURL: "api.twilio.com", Level: "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxWait: -1},
			}
		}, []string{
			"Kind: required", "AccountSID: ", "AuthToken: has a blank", "From: ", "To: ", "StatusCallback: ", "MaxLength: must",
			"MaxLength: only", "Say: must not be blank", "Say: only", "TwiMLURL: only", "TwiMLURL: not", "BaseURL: ", "Level: ", "Text.Language: ", "Call.MaxWait: ",
		}},
	} {
		config := fake.MemoryConfig()
		c.configure(&config)
		cases = append(cases, servicetest.ConfigCase[twilio.Config]{Name: c.name, Config: config, Want: c.want})
	}
	servicetest.Configs(t, twilio.New, "secret-token", cases)
}

func TestAnSMSHasASender(t *testing.T) {
	for _, from := range []string{"Mackerel", "12345"} {
		fake, n := start(t, func(c *twilio.Config) { c.From = from })
		fake.AddNumber(from)
		receipt, err := n.Deliver(t.Context(), alert)
		if got := servicetest.Last(t, fake, fake.Messages()); err != nil || got.From != from || got.SID != receipt.ID || !receipt.Queued {
			t.Errorf("%+v, %+v, %v", got, receipt, err)
		}
		if n.String() != "twilio SMS to ...5678" {
			t.Errorf("the name is %s", n)
		}
	}
}

// spoken returns the TwiML that says a text twice. The attributes are those of Say.
func spoken(attributes, text string) string {
	say := "<Say" + attributes + ">" + text + "</Say>"
	return "<Response>" + say + `<Pause length="1"></Pause>` + say + "</Response>"
}

func TestWhatACallSays(t *testing.T) {
	edit := func(f func(*twilio.Message)) func(*twilio.Config) {
		return func(c *twilio.Config) {
			c.Edit = func(m *twilio.Message, _ mackerel.Alert) error { f(m); return nil }
		}
	}
	configured := func(c *twilio.Config) { c.Say, c.Language, c.Voice = "panne", "fr-FR", "alice" }
	for _, c := range []struct {
		name       string
		configure  func(*twilio.Config)
		configure2 func(*twilio.Config)
		want       string
	}{
		{
			"the alert in words", calling, calling,
			spoken(` language="en-US"`, "Mackerel alert. Critical. C P U percent. C P U 99 above 90."),
		},
		{"the same words for every alert", configured, calling, spoken(` language="fr-FR" voice="alice"`, "panne")},
		{"Edit sees what the Config adds", configured, edit(func(m *twilio.Message) {
			m.Speech = strings.Join([]string{m.Speech, m.Language, m.Voice, m.AlertID}, "|")
		}), spoken(` language="fr-FR" voice="alice"`, "panne|fr-FR|alice|5A")},
		{"Edit may empty what the Config adds", configured, edit(func(m *twilio.Message) {
			*m = twilio.Message{Title: "T"}
		}), spoken("", "T.")},
		{"without a speech, title and text are said as words", configured, edit(func(m *twilio.Message) {
			m.Speech = " "
		}), spoken(` language="fr-FR" voice="alice"`, "Critical, C P U percent. C P U 99 above 90.")},
		{"the words are those of the language", calling, edit(func(m *twilio.Message) {
			m.Speech, m.Language = "", "ja-JP"
		}), spoken(` language="ja-JP"`, "CRITICAL CPU パーセント。CPU 99、90を超過。")},
		{"signs without words are said as they are", calling, edit(func(m *twilio.Message) {
			*m = twilio.Message{Title: "🔥", Text: "->>"}
		}), spoken("", "To.")},
		{"signs alone are said as they are", calling, edit(func(m *twilio.Message) {
			*m = twilio.Message{Title: "🔥"}
		}), spoken("", "🔥")},
		{"Edit may write TwiML", calling, edit(func(m *twilio.Message) {
			m.RawTwiML = `<Response><Play>https://example.com/siren.mp3</Play></Response>`
		}), `<Response><Play>https://example.com/siren.mp3</Play></Response>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, receipt := notify(t, alert, calling, c.configure, c.configure2)
			got := servicetest.Last(t, fake, fake.Calls())
			if got.TwiML != c.want || got.URL != "" || got.To != twiliotest.To || got.SID != receipt.ID || !receipt.Queued {
				t.Errorf("%+v, %+v", got, receipt)
			}
		})
	}
}

// TestACutOfTheSpeechIsToldOfTheSpeechThatIsSaid: Edit may say something else, and a text message says nothing.
func TestACutOfTheSpeechIsToldOfTheSpeechThatIsSaid(t *testing.T) {
	a := alert
	a.Host = &mackerel.Host{Name: strings.Repeat("host ", 30)}
	edited := func(c *twilio.Config) {
		c.Edit = func(m *twilio.Message, _ mackerel.Alert) error { m.Speech = "x"; return nil }
	}
	if _, receipt := notify(t, a, calling); servicetest.CutFields(receipt.Cuts) != "speech" {
		t.Errorf("a call: %+v", receipt.Cuts)
	}
	for name, configure := range map[string]func(*twilio.Config){"another speech": edited, "an SMS": func(c *twilio.Config) { c.Kind = twilio.KindSMS }} {
		if _, receipt := notify(t, a, calling, configure); len(receipt.Cuts) != 0 {
			t.Errorf("%s: %+v", name, receipt.Cuts)
		}
	}
}

func TestAMessageOfTheCallersHasTheLanguageAndVoiceOfTheConfig(t *testing.T) {
	configure := func(c *twilio.Config) { c.Language, c.Voice, c.Say = "ja-JP", "Polly.Mizuki", "unheard" }
	for want, m := range map[string]twilio.Message{
		spoken(` language="ja-JP" voice="Polly.Mizuki"`, "x"): {Speech: "x"},
		spoken(` language="en-GB" voice="alice"`, "x"):        {Speech: "x", Language: "en-GB", Voice: "alice"},
	} {
		fake, _ := send(t, m, calling, configure)
		if got := servicetest.Last(t, fake, fake.Calls()); got.TwiML != want {
			t.Errorf("%q, want %q", got.TwiML, want)
		}
	}
}

// TestTheAlertIDIsAppended tries the rule of Mackerel's channel: only an address without a query gets the alert's ID.
func TestTheAlertIDIsAppended(t *testing.T) {
	for _, c := range []struct{ name, address, id, want string }{
		{"no query", "https://example.com/voice", "5A", "https://example.com/voice?alertId=5A"},
		{"no path", "https://example.com", "5A", "https://example.com?alertId=5A"},
		{"a query", "https://example.com/voice?team=web", "5A", "https://example.com/voice?team=web"},
		{"an empty query", "https://example.com/voice?", "5A", "https://example.com/voice?"},
		{"an ID that is not Mackerel's", "https://example.com/voice", "a&b=c d#", "https://example.com/voice?alertId=a%26b%3Dc+d%23"},
		{"no ID", "https://example.com/voice", "", "https://example.com/voice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := alert
			a.ID = c.id
			fake, _ := notify(t, a, document, func(config *twilio.Config) { config.TwiMLURL = mackerel.NewSecret(c.address) })
			got := servicetest.Last(t, fake, fake.Calls())
			if got.URL != c.want || got.Method != http.MethodGet || got.TwiML != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

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
		{"a digest", mackerel.Digest([]mackerel.Alert{closed, alert}), "", true, true},
		{"a digest of alerts that are over", mackerel.Digest([]mackerel.Alert{closed, closed}), "", false, true},
		{"a digest of an alert that is over and another event", mackerel.Digest([]mackerel.Alert{closed, {Event: mackerel.EventHostStatus}}), "", false, true},
		{"a digest of warnings, at critical only", mackerel.Digest([]mackerel.Alert{{Status: "OK"}, {Status: mackerel.StatusWarning}}), mackerel.LevelCritical, false, false},
		{"a digest of other events", mackerel.Digest([]mackerel.Alert{{Event: mackerel.EventHostStatus}, {Event: mackerel.EventHostRetire}}), "", false, true},
		{"a host's change", mackerel.Alert{Event: mackerel.EventHostStatus, Status: mackerel.StatusCritical}, "", false, true},
		{"the Test button", mackerel.Alert{Event: mackerel.EventSample}, "", true, true},
		{"an event of the future", mackerel.Alert{Event: "rain"}, "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, configure := range map[string]func(*twilio.Config){"sms": func(*twilio.Config) {}, "call": calling, "twiml": document} {
				want := c.call
				if kind == "sms" {
					want = c.sms
				}
				fake, receipt := notify(t, c.alert, configure, func(config *twilio.Config) { config.Level = c.level })
				if sent := fake.Accepted() == 1; sent != want || (receipt.Skipped == "") != want {
					t.Errorf("%s: sent is %t, %+v", kind, sent, receipt)
				}
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *twilio.Config) { c.Call.MaxAttempts = 1 })
	}, []servicetest.Answer{
		{Name: "201 with a SID is success", Status: 201, Body: `{"sid":"SM1"}`},
		{Name: "201 without a SID is not success", Status: 201, Body: `{}`, Kind: mackerel.ErrAmbiguous},
		{Name: "201 with a page is not success", Status: 201, Body: "<html>", Kind: mackerel.ErrAmbiguous},
		{Name: "200 is not success", Status: 200, Body: `{"sid":"SM1"}`, Kind: mackerel.ErrAmbiguous},
		{Name: "a number that has unsubscribed", Status: 400, Body: `{"code":21610,"message":"Attempt to send to unsubscribed recipient","more_info":"https://www.twilio.com/docs/errors/21610","status":400}`, Kind: mackerel.ErrInvalid, Code: "21610", Message: "Attempt to send to unsubscribed recipient"},
		{Name: "wrong credentials", Status: 401, Body: `{"code":20003,"message":"Authenticate"}`, Kind: mackerel.ErrUnauthorized, Code: "20003", Message: "Authenticate"},
		{Name: "words without a code", Status: 404, Body: `{"message":"not found"}`, Kind: mackerel.ErrNotFound, Message: "not found"},
		{Name: "too many requests", Status: 429, Body: `{"code":20429,"message":"Too Many Requests"}`, Kind: mackerel.ErrRateLimited, Code: "20429", Message: "Too Many Requests"},
		{Name: "a page says nothing", Status: 503, Body: "<html>", Kind: mackerel.ErrAmbiguous},
	})
}

func TestNothingIsRepeatedAfterALostAnswerByDefault(t *testing.T) {
	for mode, want := range map[mackerel.Delivery]int{0: 1, mackerel.AtMostOnce: 1, mackerel.AtLeastOnce: 2} {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, n := start(t, calling, func(c *twilio.Config) { c.Call.Delivery = mode })
				fake.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
				receipt, err := n.Deliver(t.Context(), alert)
				if errors.Is(err, mackerel.ErrAmbiguous) != (want == 1) || receipt.Queued != (err == nil) || len(fake.Calls()) != want {
					t.Errorf("%d calls, %+v, %v", len(fake.Calls()), receipt, err)
				}
			})
		})
	}
}

func TestThePace(t *testing.T) {
	for _, c := range []struct {
		name      string
		configure func(*twilio.Config)
		n         int
		took      time.Duration
	}{
		{"ten SMS in 30 seconds", func(*twilio.Config) {}, 11, 30 * time.Second},
		{"one call in a second", calling, 2, time.Second},
		{"one call to a document in a second", document, 2, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, n := start(t, c.configure, paced)
				begin := time.Now()
				for range c.n {
					if err := n.Notify(t.Context(), alert); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(begin); took != c.took {
					t.Errorf("%d took %v, want %v", c.n, took, c.took)
				}
			})
		})
	}
}

// TestARefusalStopsAllMessagesOfTheAccount: a 429 is about all requests of an account.
func TestARefusalStopsAllMessagesOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, paced, func(c *twilio.Config) { c.Call.MaxAttempts = 1 })
		config := fake.MemoryConfig()
		paced(&config)
		config.To = "+819000000001"
		other := servicetest.Make(t, twilio.New, config)
		fake.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}})
		servicetest.AsError(t, n.Notify(t.Context(), alert), mackerel.ErrRateLimited)
		begin := time.Now()
		if err := other.Notify(t.Context(), alert); err != nil || time.Since(begin) != 20*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}
