package chatwork_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// harness returns the harness of a notifier whose client is made by the function.
func harness(t testing.TB, secret string, client func(chatwork.ClientConfig) chatwork.ClientConfig) notifytest.Harness {
	fake := servicetest.Start(t, chatworktest.New())
	fake.AddAccessToken(accessToken, chatworktest.AccountID)
	return notifytest.Harness{
		New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			config := fake.MemoryClientConfig()
			config.BaseURL, config.Call = e.BaseURL+"/v2", e.Call()
			c := servicetest.Make(t, chatwork.NewClient, client(config))
			return servicetest.Make(t, chatwork.New, chatwork.Config{Client: c, RoomID: room})
		},
		Fake:    fake,
		Count:   fake.Accepted,
		Secrets: []string{secret},
	}
}

const accessToken = "access-token-of-oauth"

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		return harness(t, chatworktest.Token, func(c chatwork.ClientConfig) chatwork.ClientConfig { return c })
	})
}

func TestConformanceWithASource(t *testing.T) {
	notifytest.RunVariant(t, func(t testing.TB) notifytest.Harness {
		return harness(t, accessToken, func(c chatwork.ClientConfig) chatwork.ClientConfig {
			c.Token, c.Source = mackerel.Secret{}, chatwork.StaticToken(chatwork.BearerToken(mackerel.NewSecret(accessToken)))
			return c
		})
	})
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
		return start(t, func(c *chatwork.Config) {
			c.Text, c.SelfUnread = text, true
			c.Mentions = map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {To: []int64{1, 2}}}
		})
	}))
}

func TestConfigurations(t *testing.T) {
	_, client := connect(t)
	secret := mackerel.NewSecret("secret-token")
	mentions := func(to ...int64) map[mackerel.Status]chatwork.Mention {
		return map[mackerel.Status]chatwork.Mention{mackerel.StatusWarning: {To: []int64{1}}, mackerel.StatusOK: {To: to}}
	}
	servicetest.Configs(t, chatwork.New, "secret-token", []servicetest.ConfigCase[chatwork.Config]{
		{Name: "a token and a room are enough", Config: chatwork.Config{Token: secret, RoomID: 1}},
		{Name: "a client and a room are enough", Config: chatwork.Config{Client: client, RoomID: 1}},
		{Name: "a token and a room are required", Want: []string{"Token: required", "RoomID: required"}},
		{Name: "a client has its own token, address and options", Config: chatwork.Config{Client: client, RoomID: 1, Token: secret},
			Want: []string{"Client: set together with Token, BaseURL or Call"}},
		{Name: "a client has its own address", Config: chatwork.Config{Client: client, RoomID: 1, BaseURL: "ftp://x.test"},
			Want: []string{"Client: set together with Token, BaseURL or Call"}},
		{Name: "a client has its own options", Config: chatwork.Config{Client: client, RoomID: 1, Call: mackerel.CallOptions{MaxAttempts: 1}},
			Want: []string{"Client: set together with Token, BaseURL or Call"}},
		{Name: "a mention must leave room for the alert", Config: chatwork.Config{Token: secret, RoomID: 1, Mentions: mentions(slices.Repeat([]int64{1}, 6000)...)},
			Want: []string{"Mentions[ok]: 36001 bytes, and at most 32767 are allowed"}},
		{Name: "all problems are told at once, in the order of the fields", Config: chatwork.Config{
			Token: mackerel.NewSecret("secret-token\n"), RoomID: -1, Mentions: mentions(5, 0), BaseURL: "ftp://secret-token", Level: "x",
			Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxWait: -1},
		}, Want: []string{"Token: has a blank", "RoomID: required", "Mentions[ok].To[1]: must be positive", "BaseURL: ", "Level: ", "Text.Language: ", "Call.MaxWait: "}},
	})
	servicetest.Configs(t, chatwork.NewClient, "secret-token", []servicetest.ConfigCase[chatwork.ClientConfig]{
		{Name: "a token is enough for a client", Config: chatwork.ClientConfig{Token: secret}},
		{Name: "a source is enough for a client", Config: chatwork.ClientConfig{Source: chatwork.StaticToken(chatwork.APIToken(secret))}},
		{Name: "a client has a token or a source", Config: chatwork.ClientConfig{Token: secret, Source: chatwork.StaticToken(chatwork.APIToken(secret))},
			Want: []string{"Source: set together with Token"}},
		{Name: "all problems of a client are told at once", Config: chatwork.ClientConfig{
			Token: mackerel.NewSecret("secret-token\n"), BaseURL: "api.chatwork.com", Call: mackerel.CallOptions{Timeout: -1},
		}, Want: []string{"Token: has a blank", "BaseURL: ", "Call.Timeout: "}},
	})
}

func TestAClientMustBeMadeByNewClient(t *testing.T) {
	n, err := chatwork.New(chatwork.Config{Client: new(chatwork.Client), RoomID: 1})
	if !errors.Is(err, mackerel.ErrConfig) || n != nil {
		t.Errorf("%v, %v", n, err)
	}
}

func TestAddresses(t *testing.T) {
	for base, want := range map[string]string{
		"":                 "https://api.chatwork.com/v2/rooms/1/messages",
		"http://proxy":     "http://proxy/v2/rooms/1/messages",
		"http://proxy/cw/": "http://proxy/cw/rooms/1/messages",
	} {
		_, n := start(t, func(c *chatwork.Config) { c.BaseURL, c.RoomID = base, 1 })
		if p, err := n.Preview(mackerel.Alert{Message: "x"}); err != nil || p.Requests[0].URL != want {
			t.Errorf("%v, %+v; want %s", err, p, want)
		}
		config := chatwork.ClientConfig{Token: mackerel.NewSecret("t"), BaseURL: base}
		_, n = start(t, func(c *chatwork.Config) {
			*c = chatwork.Config{Client: servicetest.Make(t, chatwork.NewClient, config), RoomID: 1}
		})
		if p, err := n.Preview(mackerel.Alert{Message: "x"}); err != nil || p.Requests[0].URL != want {
			t.Errorf("with a client: %v, %+v; want %s", err, p, want)
		}
	}
}

func TestMentions(t *testing.T) {
	for status, want := range map[mackerel.Status]string{
		"critical":             "[To:7][To:8]\n[info]",
		"Unknown":              "[toall]\n[info]",
		"ok":                   "[info]",
		"status-of-the-future": "[info]",
	} {
		m, _ := notify(t, mackerel.Alert{Status: status, Message: "x"}, func(c *chatwork.Config) {
			c.Mentions = map[mackerel.Status]chatwork.Mention{
				"CRITICAL": {To: []int64{7, 8}}, mackerel.StatusUnknown: {To: []int64{9}, All: true},
			}
		})
		if !strings.HasPrefix(m.Body, want) {
			t.Errorf("%s: %q, want it to begin with %q", status, m.Body, want)
		}
	}
}

func TestEditSeesWhatTheConfigAddsAndMayEmptyIt(t *testing.T) {
	m, _ := notify(t, mackerel.Alert{Status: mackerel.StatusCritical, Message: "x"}, func(c *chatwork.Config) {
		c.Mentions, c.SelfUnread = map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {To: []int64{7}, All: true}}, true
		c.Edit = func(m *chatwork.Message, _ mackerel.Alert) error {
			m.Text = fmt.Sprint(m.Mention, m.SelfUnread)
			m.Mention, m.SelfUnread, m.Raw = chatwork.Mention{}, false, "[hr]"
			return nil
		}
	})
	if want := "[hr]\n[info][title][CRITICAL] x[/title]{[7] true} true[/info]"; m.Body != want || m.SelfUnread {
		t.Errorf("%q, unread %t, want %q", m.Body, m.SelfUnread, want)
	}
}

func TestMentionsOfAConfigCannotBeChanged(t *testing.T) {
	to := []int64{7}
	fake, n := start(t, func(c *chatwork.Config) {
		c.Mentions = map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {To: to}}
		c.Edit = func(m *chatwork.Message, _ mackerel.Alert) error {
			m.Mention.To[0]++
			return nil
		}
	})
	to[0] = 99
	for range 2 {
		if err := n.Notify(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical}); err != nil {
			t.Fatal(err)
		}
		if m := servicetest.Last(t, fake, fake.Messages(room)); !strings.HasPrefix(m.Body, "[To:8]\n") {
			t.Errorf("%q", m.Body)
		}
	}
}

func TestTheReceiptHasTheMessagesID(t *testing.T) {
	m, receipt := notify(t, mackerel.Alert{Status: mackerel.StatusCritical, Message: "disk full"})
	if receipt.ID != m.MessageID || receipt.Attempts != 1 || m.Body != "[info][CRITICAL] disk full[/info]" || m.SelfUnread {
		t.Errorf("%+v, %+v", receipt, m)
	}
}

func TestAnswers(t *testing.T) {
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *chatwork.Config) { c.Call.MaxAttempts = 1 })
	}, []servicetest.Answer{
		{Name: "an id is success", Status: 200, Body: `{"message_id":"1234567890123456789"}`},
		{Name: "blanks and other members do not matter", Status: 200, Body: `{ "message_id" : "12", "x": 1 }`},
		{Name: "an empty object is not success", Status: 200, Body: `{}`, Kind: mackerel.ErrAmbiguous},
		{Name: "an id that is a number is success", Status: 200, Body: `{"message_id":1234567890123456789}`},
		{Name: "an id that is a fraction is not success", Status: 200, Body: `{"message_id":1.5}`, Kind: mackerel.ErrAmbiguous},
		{Name: "an id that is null is not success", Status: 200, Body: `{"message_id":null}`, Kind: mackerel.ErrAmbiguous},
		{Name: "an id that is no text is not success", Status: 200, Body: "{\"message_id\":\"\xff\"}", Kind: mackerel.ErrAmbiguous},
		{Name: "a page is not success", Status: 200, Body: "<html>Sign in</html>", Kind: mackerel.ErrAmbiguous},
		{Name: "an empty 200 is not success", Status: 200, Kind: mackerel.ErrAmbiguous},
		{Name: "a 204 is not success", Status: 204, Kind: mackerel.ErrAmbiguous},
		{Name: "a wrong body", Status: 400, Body: `{"errors":["Parameter 'body' is required"]}`, Kind: mackerel.ErrInvalid, Message: "Parameter 'body' is required"},
		{Name: "several errors are joined", Status: 400, Body: `{"errors":["a","b"]}`, Kind: mackerel.ErrInvalid, Message: "a b"},
		{Name: "errors of another form are kept", Status: 400, Body: `{"errors":{"body":"x"}}`, Kind: mackerel.ErrInvalid, Message: "body: x"},
		{Name: "a wrong token", Status: 401, Body: `{"errors":["Invalid API token"]}`, Kind: mackerel.ErrUnauthorized, Message: "Invalid API token"},
		{Name: "a quoted token is redacted", Status: 400, Body: `{"errors":["token chatworktest-api-token"]}`, Kind: mackerel.ErrInvalid, Message: "token [redacted]"},
		{Name: "a room of others", Status: 403, Kind: mackerel.ErrUnauthorized},
		{Name: "an unknown room", Status: 404, Kind: mackerel.ErrNotFound},
		{Name: "a limit", Status: 429, Body: `{"errors":["Rate limit exceeded"]}`, Kind: mackerel.ErrRateLimited, Message: "Rate limit exceeded"},
		{Name: "a failure of Chatwork's", Status: 500, Kind: mackerel.ErrAmbiguous},
	})
}

func TestRoomsOfOneTokenShareAClient(t *testing.T) {
	var attempts []mackerel.Attempt
	fake, c := connect(t, func(c *chatwork.ClientConfig) { c.Call.OnAttempt = servicetest.Record(&attempts) })
	second := fake.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleMember}})
	for _, id := range []int64{room, second} {
		n := servicetest.Make(t, chatwork.New, chatwork.Config{Client: c, RoomID: id})
		if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil || n.String() != fmt.Sprint("chatwork room ", id) {
			t.Errorf("%v: %v", n, err)
		}
		if got := attempts[len(attempts)-1].Notifier; got != n.String() {
			t.Errorf("the attempt of %v is of %q", n, got)
		}
	}
	if _, err := c.GetMe(t.Context()); err != nil || attempts[2].Notifier != "" {
		t.Errorf("a call of the client is of %q, %v", attempts[2].Notifier, err)
	}
	if len(fake.Messages(room)) != 1 || len(fake.Messages(second)) != 1 || fake.Connections() != 1 {
		t.Errorf("not a message in each room over one connection, but over %d", fake.Connections())
	}
}

func TestNotifierWaitsForTheLimitOfItsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t)
		fake.Documented()
		start := time.Now()
		for range 25 {
			if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited != 2*10*time.Second || fake.Accepted() != 25 {
			t.Errorf("%d messages took %v", fake.Accepted(), waited)
		}
	})
}

func TestThePreviewOfASourceHasNoToken(t *testing.T) {
	_, c := connect(t, from(func(context.Context, chatwork.Token) (chatwork.Token, error) {
		t.Error("a preview asks for a token")
		return chatwork.Token{}, nil
	}))
	n := servicetest.Make(t, chatwork.New, chatwork.Config{Client: c, RoomID: room})
	if p, err := n.Preview(mackerel.Alert{Message: "x"}); err != nil || len(p.Requests) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}
