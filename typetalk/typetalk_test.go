package typetalk_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

var critical = mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical, Message: "disk full"}

func TestConformance(t *testing.T) {
	notifytest.Run(t, harness(func(*typetalk.Config) {}))
}

func TestConformanceOfAnAddressInOne(t *testing.T) {
	notifytest.RunVariant(t, harness(inOne))
}

func harness(configure func(*typetalk.Config)) func(testing.TB) notifytest.Harness {
	return func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, typetalktest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.BaseURL, config.Call = e.BaseURL+"/api/v1", e.Call()
				configure(&config)
				return servicetest.Make(t, typetalk.New, config)
			},
			Fake:    fake,
			Count:   fake.Accepted,
			Secrets: []string{typetalktest.Token},
		}
	}
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
		return start(t, func(c *typetalk.Config) {
			c.Text, c.RawPrefix = text, map[mackerel.Status]string{
				mackerel.StatusCritical: ":rotating_light: @all", mackerel.StatusOK: ":white_check_mark:",
			}
		})
	}))
}

func TestConfigurations(t *testing.T) {
	secret := mackerel.NewSecret
	address := func(s string) typetalk.Config {
		return typetalk.Config{URL: secret("https://x.test/api/v1/topics/" + s)}
	}
	servicetest.Configs(t, typetalk.New, "secret-token", []servicetest.ConfigCase[typetalk.Config]{
		{Name: "a token, a topic and a base URL are enough", Config: typetalk.Config{Token: secret("secret-token"), TopicID: 1, BaseURL: "https://x.test/api/v1"}},
		{Name: "an address alone is enough", Config: address("1?typetalkToken=secret-token")},
		{Name: "there is no default base URL", Config: typetalk.Config{Token: secret("t"), TopicID: 1}, Want: []string{"BaseURL: required"}},
		{Name: "a topic has a positive number", Config: typetalk.Config{Token: secret("t"), TopicID: -1, BaseURL: "https://x.test"}, Want: []string{"TopicID: required"}},
		{Name: "a base URL has no query", Config: typetalk.Config{Token: secret("t"), TopicID: 1, BaseURL: "https://x.test/?secret-token"}, Want: []string{"BaseURL: a base URL with a query"}},
		{Name: "an address goes without a token", Config: typetalk.Config{Token: secret("t"), URL: address("1?typetalkToken=secret-token").URL}, Want: []string{"URL: set together with Token"}},
		{Name: "an address goes without a topic", Config: typetalk.Config{TopicID: 1, URL: address("1?typetalkToken=secret-token").URL}, Want: []string{"URL: set together with"}},
		{Name: "an address goes without a base URL", Config: typetalk.Config{BaseURL: "https://x.test", URL: address("1?typetalkToken=secret-token").URL}, Want: []string{"URL: set together with"}},
		{Name: "an address has a token", Config: address("1"), Want: []string{"URL: the query must be typetalkToken="}},
		{Name: "an address has nothing but a token", Config: address("1?typetalkToken=secret-token&x=y"), Want: []string{"URL: the query must be typetalkToken="}},
		{Name: "an address has one token", Config: address("1?typetalkToken=secret-token&typetalkToken=u"), Want: []string{"URL: the query must be typetalkToken="}},
		{Name: "the query can be read", Config: address("1?typetalkToken=secret-token&%zz"), Want: []string{"URL: the query must be typetalkToken="}},
		{Name: "the token can be sent", Config: address("1?typetalkToken=secret-token%20b"), Want: []string{"URL[typetalkToken]: has a blank"}},
		{Name: "an address has a topic", Config: address("ops?typetalkToken=secret-token"), Want: []string{"URL: the path must end in /topics/ and digits"}},
		{Name: "an address has no user", Config: typetalk.Config{URL: secret("https://u:secret-token@x.test/topics/1?typetalkToken=t")}, Want: []string{"URL: has a user name"}},
		{Name: "an address is a URL", Config: address("%zz?typetalkToken=secret-token"), Want: []string{"URL: not a URL"}},
		{Name: "all problems are told at once, in the order of the fields", Config: typetalk.Config{
			RawPrefix: map[mackerel.Status]string{"ok": strings.Repeat("🔥", 2000/2+1), "critical": strings.Repeat("a", 2000+1)},
			Level:     "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxAttempts: -1},
		}, Want: []string{
			"Token: required", "TopicID: required", "RawPrefix[critical]: 2001 characters", "RawPrefix[ok]: 2002 characters",
			"BaseURL: required", "Level: ", "Text.Language: ", "Call.MaxAttempts: ",
		}},
	})
}

// TestTheTokenIsInAHeaderOnly looks at the request for each way to configure the token. Servers log addresses.
func TestTheTokenIsInAHeaderOnly(t *testing.T) {
	for _, c := range []struct {
		name, header, value string
		configure           func(*typetalk.Config)
	}{
		{"a bot's token", "X-Typetalk-Token", typetalktest.Token, func(*typetalk.Config) {}},
		{"a token in the address", "X-Typetalk-Token", typetalktest.Token, inOne},
		{"an OAuth2 access token", "Authorization", "Bearer " + typetalktest.Token, func(c *typetalk.Config) { c.OAuth = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, n := start(t, c.configure)
			receipt, err := n.Deliver(t.Context(), critical)
			if err != nil || receipt.ID != "1" || n.String() != "typetalk topic 12345" {
				t.Errorf("%s: %+v, %v", n, receipt, err)
			}
			r := fake.Requests()[0]
			if r.Path != "/api/v1/topics/12345" || r.Query != "" || r.Header.Get(c.header) != c.value {
				t.Errorf("%s?%s with %v", r.Path, r.Query, r.Header)
			}
			if r.Header.Del(c.header); r.Header.Get("X-Typetalk-Token")+r.Header.Get("Authorization") != "" || strings.Contains(string(r.Body), typetalktest.Token) {
				t.Errorf("the token is in another place too: %v, %s", r.Header, r.Body)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	challenge := func(parameters string) http.Header { return http.Header{"Www-Authenticate": {parameters}} }
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *typetalk.Config) { c.Call.MaxAttempts = 1 })
	}, []servicetest.Answer{
		{Name: "a post with an id is success", Status: 200, Body: `{"post":{"id":7},"space":null}`},
		{Name: "another status is not success", Status: 201, Body: `{"post":{"id":7}}`, Kind: mackerel.ErrAmbiguous},
		{Name: "no body is not success", Status: 200, Kind: mackerel.ErrAmbiguous},
		{Name: "a page is not success", Status: 200, Body: "ok", Kind: mackerel.ErrAmbiguous},
		{Name: "null is not success", Status: 200, Body: "null", Kind: mackerel.ErrAmbiguous},
		{Name: "a list is not success", Status: 200, Body: "[]", Kind: mackerel.ErrAmbiguous},
		{Name: "a post without an id is not success", Status: 200, Body: `{"post":{}}`, Kind: mackerel.ErrAmbiguous},
		{Name: "an id in words is not success", Status: 200, Body: `{"post":{"id":"1"}}`, Kind: mackerel.ErrAmbiguous},
		{Name: "an error in a 200 is not success", Status: 200, Body: `{"error":"e","error_description":"d"}`, Kind: mackerel.ErrAmbiguous, Code: "e", Message: "d"},
		{
			Name: "an expired token", Status: 401, Header: challenge(`Bearer error="invalid_token", error_description="The access token expired"`),
			Kind: mackerel.ErrUnauthorized, Code: "invalid_token", Message: "The access token expired",
		},
		{
			Name: "an unknown token may be a 400", Status: 400, Header: challenge(`Bearer realm="api",error="invalid_token", error_description="The access token is not found"`),
			Body: "{}", Kind: mackerel.ErrUnauthorized, Code: "invalid_token", Message: "The access token is not found",
		},
		{Name: "a missing scope may be a 400", Status: 400, Header: challenge(`Bearer error=insufficient_scope`), Kind: mackerel.ErrUnauthorized, Code: "insufficient_scope", Message: "insufficient_scope"},
		{
			Name: "the header counts and not the body", Status: 400, Header: challenge(`Bearer error="invalid_request", error_description="a \"quoted\" word, and a comma"`),
			Body: "<html>", Kind: mackerel.ErrInvalid, Code: "invalid_request", Message: `a "quoted" word, and a comma`,
		},
		{
			Name: "the body counts if the header has no reason", Status: 400, Header: challenge(`Basic realm="x"`),
			Body: `{"error":"invalid_request","error_description":"message is too long"}`, Kind: mackerel.ErrInvalid, Code: "invalid_request", Message: "message is too long",
		},
		{Name: "a limit stays a limit", Status: 429, Header: challenge(`Bearer error="invalid_token"`), Kind: mackerel.ErrRateLimited, Code: "invalid_token", Message: "invalid_token"},
		{Name: "there may be no reason", Status: 400, Kind: mackerel.ErrInvalid},
		{Name: "a page has no reason", Status: 404, Body: "<html>", Kind: mackerel.ErrNotFound},
	})
}

func TestPrefixes(t *testing.T) {
	prefixes := map[mackerel.Status]string{"CRITICAL": "@all :rotating_light:"}
	fake, n := start(t, func(c *typetalk.Config) { c.RawPrefix = prefixes })
	prefixes[mackerel.StatusOK] = "@all" // the notifier has a copy
	for _, c := range []struct {
		alert mackerel.Alert
		want  string
	}{
		{mackerel.Alert{Status: mackerel.StatusCritical, Message: "x"}, "@all :rotating_light: [CRITICAL] x"},
		{mackerel.Alert{Status: mackerel.StatusOK, Message: "x"}, "[OK] x"},
		{mackerel.Alert{Event: mackerel.EventHostRegister, Status: mackerel.StatusCritical, Host: &mackerel.Host{Name: "app01"}}, "Host app01 registered"},
	} {
		if err := n.Notify(t.Context(), c.alert); err != nil {
			t.Fatal(err)
		}
		p := servicetest.Last(t, fake, fake.Posts(typetalktest.TopicID))
		if got, _, _ := strings.Cut(p.Message, "\n"); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestEditSeesThePrefixAndMayEmptyIt(t *testing.T) {
	p, _ := notify(t, critical, func(c *typetalk.Config) {
		c.RawPrefix = map[mackerel.Status]string{mackerel.StatusCritical: "@all"}
		c.Edit = func(m *typetalk.Message, _ mackerel.Alert) error {
			m.Title, m.Raw = "was "+m.Raw, ""
			return nil
		}
	})
	if called := p.Mentions(); len(called) > 0 || p.Message != "was ＠all" {
		t.Errorf("it calls %q and says %q", called, p.Message)
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m typetalk.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]typetalk.Message{
		"Message: empty": {Title: " \n"},
		"Raw: 2001 characters, and at most 2000 are allowed": {Raw: strings.Repeat("a", 2000+1), Title: "T"},
	})
}
