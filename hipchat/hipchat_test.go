package hipchat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, harness())
}

func TestConformanceOfPlainTextWithCards(t *testing.T) {
	notifytest.RunVariant(t, harness(mentioning("all"), withCard))
}

func harness(configure ...func(*hipchat.Config)) func(testing.TB) notifytest.Harness {
	return func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, hipchattest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.BaseURL, config.Call = e.BaseURL, e.Call()
				for _, f := range configure {
					f(&config)
				}
				return servicetest.Make(t, hipchat.New, config)
			},
			Fake:    fake,
			Count:   fake.Accepted,
			Secrets: []string{hipchattest.Token},
		}
	}
}

func TestGolden(t *testing.T) {
	variants := servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
		return start(t, func(c *hipchat.Config) { c.Text = text })
	})
	for name, configure := range map[string]func(*hipchat.Config){
		"card": withCard,
		"text": func(c *hipchat.Config) {
			c.From, c.Mentions = "Mackerel", map[mackerel.Status][]string{
				mackerel.StatusOK: {"here"}, mackerel.StatusWarning: {"here"}, mackerel.StatusUnknown: {"here"},
				mackerel.StatusCritical: {"all", "@hanako"},
			}
		},
	} {
		variants = append(variants, servicetest.Variant{Name: name, Start: func(t testing.TB) (servicetest.Fake, servicetest.Notifier) {
			return start(t, configure, func(c *hipchat.Config) {
				c.Text.Location = sample.Zone
				if c.Card {
					c.Text.Language = mackerel.Japanese
				}
			})
		}})
	}
	servicetest.Golden(t, variants)
}

func TestConfigurations(t *testing.T) {
	_, shared := connect(t)
	config := func(change func(*hipchat.Config)) hipchat.Config {
		c := hipchat.Config{Token: mackerel.NewSecret("secret-token"), Room: "ops", BaseURL: "https://hipchat.example.com"}
		change(&c)
		return c
	}
	servicetest.Configs(t, hipchat.New, "secret-token", []servicetest.ConfigCase[hipchat.Config]{
		{Name: "a token, a room and a base URL are enough", Config: config(func(*hipchat.Config) {})},
		{Name: "a client and a room are enough", Config: hipchat.Config{Client: shared, Room: "ops"}},
		{Name: "a room may be long", Config: config(func(c *hipchat.Config) { c.Room = strings.Repeat("障", 100) })},
		{Name: "a room may be too long", Config: config(func(c *hipchat.Config) { c.Room = strings.Repeat("障", 100+1) }), Want: []string{"Room: 101 characters"}},
		{Name: "a dot is not a room", Config: config(func(c *hipchat.Config) { c.Room = "." }), Want: []string{"Room: cannot be part of an address"}},
		{Name: "two dots are not a room", Config: config(func(c *hipchat.Config) { c.Room = ".." }), Want: []string{"Room: cannot be part of an address"}},
		{Name: "a client is made by NewClient", Config: hipchat.Config{Client: new(hipchat.Client), Room: "ops"}, Want: []string{"not made by the package's constructor"}},
		{Name: "a client has the token", Config: config(func(c *hipchat.Config) { c.Client, c.BaseURL = shared, "" }), Want: []string{"Client: set together with"}},
		{Name: "a client has the base URL", Config: config(func(c *hipchat.Config) { c.Client, c.Token = shared, mackerel.Secret{} }), Want: []string{"Client: set together with"}},
		{Name: "a client has the options", Config: hipchat.Config{Client: shared, Room: "ops", Call: mackerel.CallOptions{MaxAttempts: 1}}, Want: []string{"Client: set together with"}},
		{Name: "a mention is a name", Config: config(func(c *hipchat.Config) {
			c.Mentions = map[mackerel.Status][]string{"critical": {"@all", "hana@ko"}, "ok": {"@"}, "unknown": {"two words"}, "warning": {"a\x00"}}
		}), Want: []string{"Mentions[critical][1]: must be a mention name", "Mentions[ok][0]: ", "Mentions[unknown][0]: ", "Mentions[warning][0]: "}},
		{Name: "all problems are told at once, in the order of the fields", Config: hipchat.Config{
			Token: mackerel.NewSecret("secret-token x"), Mentions: map[mackerel.Status][]string{"critical": {"@", "two words"}},
			From: strings.Repeat("障", 64+1), Level: "loud", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{Timeout: -1},
		}, Want: []string{
			"Token: has a blank", "Room: required", "Mentions[critical][0]: ", "Mentions[critical][1]: ", "From: 65 characters", "BaseURL: required",
			"Level: ", "Text.Language: ", "Call.Timeout: ",
		}},
	})
}

func TestSeveralRoomsOfOneClient(t *testing.T) {
	fake, client := connect(t)
	fake.AddRoom(2, "dev")
	for _, room := range []string{"ops", "dev"} {
		n := servicetest.Make(t, hipchat.New, hipchat.Config{Client: client, Room: room})
		if err := n.Notify(t.Context(), mackerel.Alert{Status: mackerel.StatusOK}); err != nil || n.String() != "hipchat room "+room {
			t.Errorf("%s: %v", n, err)
		}
	}
	if len(fake.Messages(hipchattest.RoomID)) != 1 || len(fake.Messages(2)) != 1 {
		t.Error("each room gets its message")
	}
}

func TestConfigFromJSON(t *testing.T) {
	const text = `{"token":"t-1234567","room":"夜間","notify":{"warning":true},"mentions":{"critical":["all"]},"from":"m","card":true,
		"base_url":"https://hipchat.example.com","level":"critical","text":{"language":"ja","time_zone":"UTC"}}`
	var c hipchat.Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	servicetest.Make(t, hipchat.New, c)
	if c.Token.Reveal() != "t-1234567" || !c.Notify["warning"] || c.Mentions["critical"][0] != "all" || !c.Card {
		t.Errorf("%+v", c)
	}
	wantMissing(t, mustJSON(t, c), "t-1234567")
	wantMissing(t, mustJSON(t, hipchat.Config{Room: "ops"}), "mentions", "notify")
}

func TestNotifyPerStatus(t *testing.T) {
	own := map[mackerel.Status]bool{"WARNING": true, mackerel.StatusCritical: false}
	fake, n := start(t, func(c *hipchat.Config) { c.Notify = own })
	own[mackerel.StatusOK] = true // the notifier has a copy
	for _, c := range []struct {
		alert mackerel.Alert
		want  bool
	}{
		{mackerel.Alert{Status: mackerel.StatusOK}, false}, {mackerel.Alert{Status: mackerel.StatusWarning}, true},
		{mackerel.Alert{Status: mackerel.StatusCritical}, false}, {mackerel.Alert{Status: mackerel.StatusUnknown}, true},
		{mackerel.Alert{Event: mackerel.EventHostRegister, Status: mackerel.StatusWarning}, false},
	} {
		if err := n.Notify(t.Context(), c.alert); err != nil {
			t.Fatal(err)
		}
		if m := last(t, fake); m.Notify != c.want {
			t.Errorf("%+v: %t", c.alert, m.Notify)
		}
	}
}

func TestMentionsPerStatus(t *testing.T) {
	names := []string{"@all", "hanako"}
	fake, n := start(t, withCard, func(c *hipchat.Config) {
		c.Mentions = map[mackerel.Status][]string{"Critical": names, "unknown": {"here"}}
	})
	names[0] = "changed" // the notifier has a copy
	for _, c := range []struct {
		alert         mackerel.Alert
		start, format string
	}{
		{mackerel.Alert{Status: mackerel.StatusCritical}, "[CRITICAL] alert\n@all @hanako", "text"},
		{mackerel.Alert{Status: mackerel.StatusOK}, "<b>[OK]", "html"},
		{mackerel.Alert{Event: mackerel.EventHostRetire, Host: &mackerel.Host{Name: "app01"}}, "<b>Host app01", "html"},
	} {
		if err := n.Notify(t.Context(), c.alert); err != nil {
			t.Fatal(err)
		}
		if m := last(t, fake); !strings.HasPrefix(m.Text, c.start) || m.Format != c.format || m.Card == nil {
			t.Errorf("%s %q %s", m.Format, m.Text, m.Card)
		}
	}
}

func TestEditSeesWhatTheConfigAddsAndMayEmptyIt(t *testing.T) {
	edited := false
	fake, n := start(t, mentioning("all", "here"), withCard, func(c *hipchat.Config) {
		c.From, c.Notify = "agent", map[mackerel.Status]bool{mackerel.StatusCritical: false}
		c.Edit = func(m *hipchat.Message, _ mackerel.Alert) error {
			edited = strings.Join(m.Mentions, " ") == "all here" && m.From == "agent" && !m.Notify && m.Card != nil
			m.Mentions[0] = "changed" // the message has a copy
			m.Mentions, m.From, m.Notify, m.Card, m.Color = nil, "", true, nil, hipchat.ColorPurple
			return nil
		}
	})
	for range 2 {
		if err := n.Notify(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical}); err != nil || !edited {
			t.Fatalf("%v, %t", err, edited)
		}
	}
	if m := last(t, fake); m.Format != "html" || m.From != "Mackerel" || !m.Notify || m.Card != nil || m.Color != "purple" {
		t.Errorf("%+v", m)
	}
}

// TestAnswers has the error bodies that are on record, and what a proxy may answer in the server's place.
func TestAnswers(t *testing.T) {
	schema := strings.Repeat(`{"type":"object"},`, 2_000)
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *hipchat.Config) { c.Call.MaxAttempts = 1 })
	}, []servicetest.Answer{
		{Name: "a 204 is success", Status: 204},
		{Name: "a proxy's 200 is not success", Status: 200, Body: "<html>log in</html>", Kind: mackerel.ErrAmbiguous},
		{Name: "the answer to auth_test is not success", Status: 202, Body: `{"success":{"code":202}}`, Kind: mackerel.ErrAmbiguous},
		{
			Name: "a token of version 1", Status: 401, Body: `{"error":{"code":401,"message":"Invalid OAuth session","type":"Unauthorized"}}`,
			Kind: mackerel.ErrUnauthorized, Message: "Invalid OAuth session",
		},
		{
			Name: "a bad card, with the schema and no message", Status: 400,
			Body: `{"error":{"code":400,"description":"Value {value!r} is not of type {expected_type!r}","expected_type":[` + schema + `"null"],"field":"card","type":"Bad Request"}}`,
			Kind: mackerel.ErrInvalid, Message: "card: Value {value!r} is not of type {expected_type!r}",
		},
		{Name: "a description without a field", Status: 400, Body: `{"error":{"code":400,"description":"no","message":""}}`, Kind: mackerel.ErrInvalid, Message: "no"},
		{Name: "an OAuth error", Status: 400, Body: `{"error":"invalid_grant"}`, Kind: mackerel.ErrInvalid, Message: "invalid_grant"},
		{Name: "a message that is not a string", Status: 400, Body: `{"error":{"message":{"a":1},"field":2}}`, Kind: mackerel.ErrInvalid, Message: `{"error":{"message":{"a":1},"field":2}}`},
		{Name: "a list", Status: 400, Body: `{"error":["x"]}`, Kind: mackerel.ErrInvalid, Message: "x"},
		{Name: "an unknown room", Status: 404, Body: `{"error":{"code":404,"message":"Room not found","type":"Not Found"}}`, Kind: mackerel.ErrNotFound, Message: "Room not found"},
		{Name: "a proxy's page", Status: 400, Body: "<html><h1>Bad Request</h1>", Kind: mackerel.ErrInvalid},
		{Name: "no body", Status: 403, Kind: mackerel.ErrUnauthorized},
		{Name: "a body that is too long", Status: 400, Body: `{"error":{"message":"` + strings.Repeat("x", 1<<20) + `"}}`, Kind: mackerel.ErrInvalid},
	})
}

func TestALimitBeyondMaxWaitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t)
		fake.Documented()
		for range 30 {
			if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
				t.Fatal(err)
			}
		}
		begin := time.Now()
		e := servicetest.AsError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrRateLimited)
		if e.RetryAfter != time.Minute || e.Attempts != 1 || time.Since(begin) != 0 {
			t.Errorf("%+v after %v", e, time.Since(begin))
		}
		fake.Advance(e.RetryAfter)
		if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	longHTML := &hipchat.Card{ID: "1", Style: hipchat.CardLink, Title: "t", Description: hipchat.Description{
		Value: strings.Repeat("<br>", 251), Format: hipchat.FormatHTML, // is never cut
	}}
	servicetest.Refused(t, fake, func(m hipchat.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]hipchat.Message{
		"Message: empty":                      {},
		"Format: must be \"html\" or":         {Format: "markdown", Title: "T"},
		"Mentions[0]: must be a mention name": {Mentions: []string{"two words"}, Title: "T"},
		"Color: must be":                      {Color: "Red", Title: "T"},
		"From: 65 characters":                 {From: strings.Repeat("障", 64+1), Title: "T"},
		"Message: 10004 characters, and at":   {Raw: strings.Repeat("<br>", 2501), Title: "T", Text: "x"},
		"AttachTo: 37 characters":             {AttachTo: strings.Repeat("a", 36+1), Title: "T"},
		"Card.Style: must be":                 {Card: &hipchat.Card{ID: "1", Style: "poster", Title: "t"}, Title: "T"},
		"Card.ID: required; Card.Style: re":   {Card: &hipchat.Card{Title: "t"}, Title: "T"},
		"Card.Description.Value: 1004 char":   {Card: longHTML, Title: "T"},
	})
}
