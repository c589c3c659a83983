package typetalk_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

// newServer is reached through its client and [typetalktest.MemoryBaseURL], so that it works in a bubble too.
func newServer(t testing.TB) *typetalktest.Server {
	t.Helper()
	s := typetalktest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t testing.TB, s *typetalktest.Server, c typetalk.Config) *typetalk.Notifier {
	t.Helper()
	if c.URL.IsZero() {
		c.Token, c.TopicID, c.BaseURL = mackerel.NewSecret(typetalktest.Token), typetalktest.TopicID, typetalktest.MemoryBaseURL
	}
	c.Call.Client = s.Client()
	n, err := typetalk.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// last returns the newest post of the topic.
func last(t testing.TB, s *typetalktest.Server) typetalktest.Post {
	t.Helper()
	all := s.Posts(typetalktest.TopicID)
	if len(all) == 0 {
		t.Fatal("the topic is empty")
	}
	return all[len(all)-1]
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

func units(s string) int { return len(utf16.Encode([]rune(s))) }

var alert = mackerel.Alert{
	ID: "5A", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, URL: "https://mackerel.io/orgs/x/alerts/5A",
}

const channelURL = typetalktest.MemoryBaseURL + "/topics/12345?typetalkToken=" + typetalktest.Token

// TestTheTokenIsInTheHeader whichever way it was configured: servers log URLs.
func TestTheTokenIsInTheHeader(t *testing.T) {
	for name, c := range map[string]typetalk.Config{
		"by itself":                        {},
		"in the address that Mackerel had": {URL: mackerel.NewSecret(channelURL)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, c)
			receipt, err := n.Deliver(t.Context(), alert)
			if err != nil || receipt.ID != "1" || receipt.Provider != "typetalk" || n.String() != "typetalk topic 12345" {
				t.Errorf("%s: %+v, %v", n, receipt, err)
			}
			r := s.Requests()[0]
			if r.Path != "/api/v1/topics/12345" || r.Query != "" || r.Header.Get("X-Typetalk-Token") != typetalktest.Token {
				t.Errorf("%s?%s with %q", r.Path, r.Query, r.Header.Get("X-Typetalk-Token"))
			}
			if strings.Contains(string(r.Body), typetalktest.Token) || r.Header.Get("Authorization") != "" {
				t.Errorf("the token is elsewhere, too: %s", r.Body)
			}
			p, err := n.Preview(alert)
			if err != nil || p.Requests[0].URL != typetalktest.MemoryBaseURL+"/topics/12345" {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestOAuthToken(t *testing.T) {
	s := newServer(t)
	if err := newNotifier(t, s, typetalk.Config{OAuth: true}).Notify(t.Context(), alert); err != nil {
		t.Fatal(err)
	}
	h := s.Requests()[0].Header
	if h.Get("Authorization") != "Bearer "+typetalktest.Token || h.Get("X-Typetalk-Token") != "" {
		t.Errorf("%v", h)
	}
}

func TestConfigProblems(t *testing.T) {
	secret := mackerel.NewSecret
	for _, c := range []struct {
		name, want string
		config     typetalk.Config
	}{
		{"everything is required", "Token: required; TopicID: required: the digits after topics in the topic's address; BaseURL: required", typetalk.Config{}},
		{"there is no default address", "BaseURL: required", typetalk.Config{Token: secret("t"), TopicID: 1}},
		{"an address of the API has no query", "BaseURL: a base URL with a query", typetalk.Config{Token: secret("t"), TopicID: 1, BaseURL: "https://x.test/api/v1?x=1"}},
		{"not both ways", "URL: set together with Token", typetalk.Config{URL: secret(channelURL), Token: secret("t")}},
		{"an address without a token", "the query must be typetalkToken=", typetalk.Config{URL: secret("https://x.test/api/v1/topics/1")}},
		{"an address with more than a token", "the query must be typetalkToken=", typetalk.Config{URL: secret("https://x.test/api/v1/topics/1?typetalkToken=t&x=y")}},
		{"an address with two tokens", "the query must be typetalkToken=", typetalk.Config{URL: secret("https://x.test/api/v1/topics/1?typetalkToken=t&typetalkToken=u")}},
		{"an address with a token that is none", "URL's typetalkToken: has a blank", typetalk.Config{URL: secret("https://x.test/api/v1/topics/1?typetalkToken=a%20b")}},
		{"an address without a topic", "the path must end in /topics/ and digits", typetalk.Config{URL: secret("https://x.test/api/v1/topics/ops?typetalkToken=t")}},
		{"an address with a user", "has a user's name", typetalk.Config{URL: secret("https://u:p@x.test/api/v1/topics/1?typetalkToken=t")}},
		{"an address that is none", "URL: not a URL", typetalk.Config{URL: secret("https://x.test/%zz")}},
		{"an unknown language", "Text.Language: ", typetalk.Config{Text: mackerel.Text{Language: "fr"}}},
		{"negative attempts", "Call.MaxAttempts: ", typetalk.Config{Call: mackerel.CallOptions{MaxAttempts: -1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := typetalk.New(c.config)
			e := asError(t, err, mackerel.ErrConfig)
			if !strings.Contains(e.Message, c.want) {
				t.Errorf("%q is not in %q", c.want, e.Message)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), "x.test") {
				t.Errorf("%v quotes the address", err)
			}
		})
	}
}

// TestReasons are in a header, and the body may be empty.
func TestReasons(t *testing.T) {
	for _, c := range []struct {
		name          string
		status        int
		header, body  string
		kind          error
		code, message string
	}{
		{"an expired token", 401, `Bearer error="invalid_token", error_description="The access token expired"`, "", mackerel.ErrUnauthorized, "invalid_token", "The access token expired"},
		{"a wrong token as a 400", 400, `Bearer realm="api",error="invalid_token", error_description="The access token is not found"`, "{}", mackerel.ErrUnauthorized, "invalid_token", "The access token is not found"},
		{"a scope that is missing as a 400", 400, `Bearer error=insufficient_scope`, "", mackerel.ErrUnauthorized, "insufficient_scope", ""},
		{"a request that is wrong", 400, `Bearer error="invalid_request", error_description="a \"quoted\" word, and a comma"`, "<html>", mackerel.ErrInvalid, "invalid_request", `a "quoted" word, and a comma`},
		{"a reason in the body", 400, "", `{"error":"invalid_request","error_description":"message is too long"}`, mackerel.ErrInvalid, "invalid_request", "message is too long"},
		{"no reason at all", 400, `Basic realm="x"`, "", mackerel.ErrInvalid, "", ""},
		{"a body that is none", 404, "", "<html>error=\"x\"", mackerel.ErrNotFound, "x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			f := fakehttp.Fault{Status: c.status, Body: c.body, Header: http.Header{}}
			if c.header != "" {
				f.Header.Set("WWW-Authenticate", c.header)
			}
			s.Inject(f)
			e := asError(t, newNotifier(t, s, typetalk.Config{}).Notify(t.Context(), alert), c.kind)
			if e.Code != c.code || e.Message != c.message || e.Op != "post message" || e.Status != c.status {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestFakesRefusals(t *testing.T) {
	s := newServer(t)
	s.AddToken("another-token", 999)
	for token, code := range map[string]string{"unknown-token": "invalid_token", "another-token": "insufficient_scope"} {
		u := strings.Replace(channelURL, typetalktest.Token, token, 1)
		n := newNotifier(t, s, typetalk.Config{URL: mackerel.NewSecret(u)})
		if e := asError(t, n.Notify(t.Context(), alert), mackerel.ErrUnauthorized); e.Code != code || e.Message == "" {
			t.Errorf("%+v", e)
		}
	}
	n := newNotifier(t, s, typetalk.Config{URL: mackerel.NewSecret(strings.Replace(channelURL, "12345", "54321", 1))})
	wantKind(t, n.Notify(t.Context(), alert), mackerel.ErrNotFound)
}

func TestLostAnswers(t *testing.T) {
	for mode, c := range map[mackerel.Delivery]struct {
		posts, attempts int
	}{0: {2, 2}, mackerel.AtLeastOnce: {2, 2}, mackerel.AtMostOnce: {1, 1}} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, typetalk.Config{Call: mackerel.CallOptions{Delivery: mode}})
			s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
			receipt, err := n.Deliver(t.Context(), alert)
			if mode == mackerel.AtMostOnce {
				wantKind(t, err, mackerel.ErrAmbiguous)
			} else if err != nil {
				t.Error(err)
			}
			if posts := len(s.Posts(typetalktest.TopicID)); posts != c.posts || receipt.Attempts != c.attempts {
				t.Errorf("delivery %v: %d posts, %+v", mode, posts, receipt)
			}
		})
	}
}

func TestWaitsAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"9"}}})
		start := time.Now()
		if err := newNotifier(t, s, typetalk.Config{}).Notify(t.Context(), alert); err != nil || time.Since(start) != 9*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestUndocumentedSuccess is ambiguous: the post may stand there.
func TestUndocumentedSuccess(t *testing.T) {
	for _, body := range []string{"", "ok", "null", "[]", `{"post":{}}`, `{"post":{"id":"1"}}`, `{"post":null}`} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 200, Body: body})
		n := newNotifier(t, s, typetalk.Config{Call: mackerel.CallOptions{Delivery: mackerel.AtMostOnce}})
		wantKind(t, n.Notify(t.Context(), alert), mackerel.ErrAmbiguous)
	}
}

func TestPrefixes(t *testing.T) {
	s := newServer(t)
	prefixes := map[mackerel.Status]string{"CRITICAL": "@all :rotating_light:"}
	n := newNotifier(t, s, typetalk.Config{RawPrefix: prefixes, Level: mackerel.LevelCritical})
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
		if got, _, _ := strings.Cut(last(t, s).Message, "\n"); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	receipt, err := n.Deliver(t.Context(), mackerel.Alert{Status: mackerel.StatusWarning})
	if err != nil || receipt.Skipped == "" || len(s.Requests()) != 3 {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestMessageFunction(t *testing.T) {
	s := newServer(t)
	wrong := errors.New("no template")
	n := newNotifier(t, s, typetalk.Config{
		RawPrefix: map[mackerel.Status]string{mackerel.StatusCritical: "@all"},
		Message: func(a mackerel.Alert) (typetalk.Message, error) {
			if a.ID == "" {
				return typetalk.Message{}, wrong
			}
			return typetalk.Message{Raw: "@hanako", Title: a.Title()}, nil
		},
	})
	if err := n.Notify(t.Context(), alert); err != nil || last(t, s).Message != "@hanako [CRITICAL] CPU %" {
		t.Errorf("%q, %v", last(t, s).Message, err)
	}
	if err := n.Notify(t.Context(), mackerel.Alert{}); !errors.Is(err, wrong) || !errors.Is(err, mackerel.ErrInvalid) {
		t.Error(err)
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, typetalk.Config{})
	for want, m := range map[string]typetalk.Message{
		"Message: empty":                    {Title: " \n"},
		"Message: 4001 characters with Raw": {Raw: strings.Repeat("a", 4001), Title: "T"},
	} {
		_, err := n.Send(t.Context(), m)
		if e := asError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Message, want) {
			t.Error(e)
		}
	}
	if len(s.Requests()) != 0 {
		t.Error("a request was made")
	}
}

// TestLimit sends memos that make a message as long as possible, one character longer, and far too long.
func TestLimit(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		width      int
	}{{"ASCII", "a", 1}, {"Japanese", "障", 1}, {"emoji", "🔥", 2}, {"mentions", "@", 1}, {"link brackets", "](", 3}} {
		t.Run(c.name, func(t *testing.T) {
			fits := (typetalk.MaxMessage - units("T\nM: ")) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				s := newServer(t)
				receipt, err := newNotifier(t, s, typetalk.Config{}).Send(t.Context(), typetalk.Message{
					Title: "T", Memo: mackerel.Fact{Label: "M", Value: strings.Repeat(c.unit, n)},
				})
				if err != nil {
					t.Fatal(err)
				}
				if length := units(last(t, s).Message); length > typetalk.MaxMessage || length < typetalk.MaxMessage-5 {
					t.Errorf("%d of %s: %d units", n, c.name, length)
				}
				if cut := len(receipt.Cuts) == 1 && receipt.Cuts[0].Field == "memo"; cut != (n > fits) {
					t.Errorf("%d of %s: %+v", n, c.name, receipt.Cuts)
				}
			}
		})
	}
}

// everywhere returns an alert that has the text in every field that a message shows as text.
func everywhere(text string) mackerel.Alert {
	value := 1.0
	return mackerel.Alert{
		ID: "5A", Status: mackerel.StatusCritical, Org: text, URL: "https://mackerel.io/orgs/@all/alerts/5A", Message: text,
		Monitor: mackerel.Monitor{Name: text, Memo: text}, Metric: &mackerel.Metric{Label: text, Value: &value},
		Facts:   []mackerel.Fact{{Label: text, Value: text}},
		Host:    &mackerel.Host{Name: text, Status: text, Roles: []mackerel.Role{{FullName: text}}},
		Service: &mackerel.Service{Name: text}, User: &mackerel.User{ScreenName: text}, Trigger: text, Reason: text, ImageURL: text,
	}
}

// TestTextFromAlertsIsOnlyText: one mention is in the prefix, and no other.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range []string{
		"@all", "x@hanako", "#1 #ops", "```", "```` ```", "[mackerel.io](https://evil.test)", "[a]\n(b)", "<!channel>", "<at>all</at>",
		"[toall]", `"; DROP`, "</b>", "a\r\nb\rc", "\u202etxt.exe", "a\x00b\x1b[31m\u2028", "a\xff\xed\xa0\x80", "👩‍💻🇯🇵",
		strings.Repeat("障", 1000), strings.Repeat("@all ", 2000),
	} {
		s := newServer(t)
		n := newNotifier(t, s, typetalk.Config{RawPrefix: map[mackerel.Status]string{mackerel.StatusCritical: "@hanako"}})
		if err := n.Notify(t.Context(), everywhere(text)); err != nil {
			t.Errorf("%.40q: %v", text, err)
			continue
		}
		p := last(t, s)
		if names := typetalktest.Mentions(p.Message); len(names) != 1 || names[0] != "hanako" {
			t.Errorf("%.40q calls %v", text, names)
		}
		if strings.Contains(p.Message, "```") || strings.Contains(p.Message, "](") || !p.IgnoreHashtag {
			t.Errorf("%.40q became markup: %q", text, p.Message)
		}
		if !strings.HasSuffix(p.Message, "\nhttps://mackerel.io/orgs/%40all/alerts/5A") || !strings.HasPrefix(p.Message, "@hanako [CRITICAL] ") {
			t.Errorf("%.40q lost the title or the link: %q", text, p.Message)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"https://x.test/?a=1&b=2":     "https://x.test/?a=1&b=2",
		"https://x.test/@all":         "https://x.test/%40all",
		"https://x.test/ @all":        "https://x.test/ ＠all",
		"javascript:alert(1) @all":    "javascript:alert(1) ＠all",
		"https://x.test/\xff":         "https://x.test/\uFFFD",
		"https://user:@all@x.test/#a": "https://user:%40all%40x.test/#a",
	} {
		s := newServer(t)
		if _, err := newNotifier(t, s, typetalk.Config{}).Send(t.Context(), typetalk.Message{Title: "T", URL: address}); err != nil {
			t.Fatal(err)
		}
		if got := last(t, s).Message; got != "T\n"+want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
