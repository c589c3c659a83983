package chatwork_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// inBubbleWith is newClient for any configuration, through the client that works where time is synctest's.
func inBubbleWith(t *testing.T, c chatwork.ClientConfig) (*chatworktest.Server, *chatwork.Client) {
	t.Helper()
	s := chatworktest.NewServer()
	t.Cleanup(s.Close)
	if c.Source == nil {
		c.Token = mackerel.NewSecret(chatworktest.Token)
	}
	c.BaseURL, c.Call.Client = chatworktest.MemoryBaseURL, s.Client()
	client, err := chatwork.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, client
}

// A tokens is a Source that hands out one token after the other, the last one again and again.
type tokens struct {
	mu      sync.Mutex
	list    []chatwork.Token
	asked   int
	refused []chatwork.Token
}

func (s *tokens) next(ctx context.Context) (chatwork.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if t, ok := chatwork.Refused(ctx); ok {
		s.refused = append(s.refused, t)
	}
	t := s.list[0]
	if len(s.list) > 1 {
		s.list = s.list[1:]
	}
	return t, nil
}

func apiToken(s string) chatwork.Token { return chatwork.APIToken(mackerel.NewSecret(s)) }
func bearer(s string) chatwork.Token   { return chatwork.BearerToken(mackerel.NewSecret(s)) }

func TestEachKindOfTokenGoesIntoItsHeader(t *testing.T) {
	for _, tt := range []struct {
		name, api, authorization string
		config                   chatwork.ClientConfig
	}{
		{"an API token", "abcdef", "", chatwork.ClientConfig{Token: mackerel.NewSecret("abcdef")}},
		{"an API token from a source", "abcdef", "", chatwork.ClientConfig{Source: chatwork.StaticToken(apiToken("abcdef"))}},
		{"a bearer token", "", "Bearer abcdef", chatwork.ClientConfig{Source: chatwork.StaticToken(bearer("abcdef"))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := chatworktest.NewServer()
			defer s.Close()
			tt.config.BaseURL = s.BaseURL()
			c, err := chatwork.NewClient(tt.config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.LatestMessages(t.Context(), room); !errors.Is(err, mackerel.ErrUnauthorized) {
				t.Errorf("the fake took it: %v", err)
			}
			if _, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: "x"}); !errors.Is(err, mackerel.ErrUnauthorized) {
				t.Errorf("the fake took it: %v", err)
			}
			for _, r := range s.Requests() {
				if r.Header.Get("X-ChatWorkToken") != tt.api || r.Header.Get("Authorization") != tt.authorization {
					t.Errorf("%s has the header %v", r.Method, r.Header)
				}
			}
			if n := len(s.Requests()); n != 2 {
				t.Errorf("%d requests: the same token was tried again", n)
			}
		})
	}
}

func TestATokenThatIsRefusedIsAskedForOnceMore(t *testing.T) {
	source := &tokens{list: []chatwork.Token{apiToken("expired-token"), apiToken(chatworktest.Token)}}
	s, c := inBubbleWith(t, chatwork.ClientConfig{Source: source.next})
	n, err := chatwork.New(chatwork.Config{Client: c, RoomID: room})
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"})
	if err != nil || r.Attempts != 2 || len(s.Messages(room)) != 1 {
		t.Errorf("got %+v, %v, %d messages", r, err, len(s.Messages(room)))
	}
	if source.asked != 2 || len(source.refused) != 1 || source.refused[0] != apiToken("expired-token") {
		t.Errorf("asked %d times, told that %v was refused", source.asked, source.refused)
	}
	if _, err := c.NewMessages(t.Context(), room); err != nil || source.asked != 3 {
		t.Errorf("got %v after asking %d times: a call that is never repeated may be after a refusal", err, source.asked)
	}
}

func TestAnAccessTokenThatExpiresIsRenewed(t *testing.T) {
	source := &tokens{list: []chatwork.Token{bearer("first-access-token"), bearer("first-access-token"), bearer("second-access-token")}}
	s, c := inBubbleWith(t, chatwork.ClientConfig{Source: source.next})
	s.SetAccessToken("first-access-token", chatworktest.AccountID)
	post(t, c, "one")
	s.SetAccessToken("first-access-token", 0)
	s.SetAccessToken("second-access-token", chatworktest.AccountID)
	post(t, c, "two")
	if n := len(s.Messages(room)); n != 2 || source.asked != 3 {
		t.Errorf("%d messages after asking %d times", n, source.asked)
	}
}

func TestATokenIsNotAskedForAThirdTime(t *testing.T) {
	source := &tokens{list: []chatwork.Token{bearer("first-token"), bearer("second-token"), apiToken(chatworktest.Token)}}
	s, c := inBubbleWith(t, chatwork.ClientConfig{Source: source.next})
	_, err := c.LatestMessages(t.Context(), room)
	e := (*mackerel.Error)(nil)
	if !errors.As(err, &e) || e.Kind != mackerel.ErrUnauthorized || e.Attempts != 2 || e.Message != "Invalid API token" {
		t.Errorf("got %v", err)
	}
	if source.asked != 2 || len(s.Requests()) != 2 {
		t.Errorf("asked %d times for %d requests", source.asked, len(s.Requests()))
	}
}

func TestOnlyARefusedTokenIsAskedForAgain(t *testing.T) {
	for _, status := range []int{400, 403, 404, 503} {
		source := &tokens{list: []chatwork.Token{apiToken(chatworktest.Token)}}
		s, c := inBubbleWith(t, chatwork.ClientConfig{Source: source.next, Call: mackerel.CallOptions{MaxAttempts: 1}})
		s.Inject(fakehttp.Fault{Status: status})
		if _, err := c.LatestMessages(t.Context(), room); err == nil || source.asked != 1 {
			t.Errorf("%d: %v after asking %d times", status, err, source.asked)
		}
	}
}

func TestASourceThatFails(t *testing.T) {
	unreachable := errors.New("Post https://oauth.example.com/token?client_secret=hidden: no route to host")
	for _, tt := range []struct {
		name   string
		source func(context.Context) (chatwork.Token, error)
		kind   error
		want   string
	}{
		{
			"cannot be reached: later perhaps", func(context.Context) (chatwork.Token, error) { return chatwork.Token{}, unreachable },
			mackerel.ErrUnavailable, "chatwork: list messages: no token: the connection failed (unavailable)",
		},
		{
			"has no right any more", func(context.Context) (chatwork.Token, error) {
				return chatwork.Token{}, fmt.Errorf("consent withdrawn: %w", mackerel.ErrUnauthorized)
			},
			mackerel.ErrUnauthorized, "chatwork: list messages: no token: consent withdrawn: not authorized (not authorized)",
		},
		{
			"gives nothing", func(context.Context) (chatwork.Token, error) { return chatwork.Token{}, nil },
			mackerel.ErrUnauthorized, "chatwork: list messages: the Source's token is empty, or has a blank, a line break or a character beyond ASCII (not authorized)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := inBubbleWith(t, chatwork.ClientConfig{Source: tt.source})
			_, err := c.LatestMessages(t.Context(), room)
			if !errors.Is(err, tt.kind) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if len(s.Requests()) != 0 {
				t.Error("a request was made")
			}
		})
	}
}

func TestASourceThatFailsTheSecondTimeSaysWhy(t *testing.T) {
	asked := 0
	_, c := inBubbleWith(t, chatwork.ClientConfig{Source: func(context.Context) (chatwork.Token, error) {
		if asked++; asked == 2 {
			return chatwork.Token{}, errors.New("the refresh token is gone")
		}
		return apiToken("expired-token"), nil
	}})
	_, err := c.LatestMessages(t.Context(), room)
	want := "chatwork: list messages: 401: Invalid API token: chatwork: list messages: no token: the refresh token is gone (unavailable) (not authorized)"
	if !errors.Is(err, mackerel.ErrUnauthorized) || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestTheTokenOfASourceIsInNoError(t *testing.T) {
	const secret = "a-secret-of-one-call"
	for _, body := range []string{
		`{"errors":["token ` + secret + ` is no good"]}`,
		`{"errors":["` + strings.Repeat("x", 505) + ` ` + secret + `"]}`,
	} {
		s, c := inBubbleWith(t, chatwork.ClientConfig{Source: chatwork.StaticToken(bearer(secret))})
		s.Inject(fakehttp.Fault{Status: http.StatusBadRequest, Body: body})
		_, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: "x"})
		text := fmt.Sprintf("%v %+v %#v", err, err, err)
		if err == nil || strings.Contains(text, secret[:6]) {
			t.Errorf("got %s", text)
		}
	}
	token := bearer(secret)
	if text := fmt.Sprintf("%v %+v %#v %s %q %v", token, token, token, token, token, struct{ t chatwork.Token }{token}); strings.Contains(text, secret) {
		t.Errorf("a token prints as %s", text)
	}
}

func TestOneCredentialIsRequired(t *testing.T) {
	source := chatwork.StaticToken(bearer("abcdef"))
	_, err := chatwork.NewClient(chatwork.ClientConfig{Token: mackerel.NewSecret("abcdef"), Source: source})
	if !errors.Is(err, mackerel.ErrConfig) || !strings.Contains(err.Error(), "Source: set together with Token") {
		t.Errorf("got %v", err)
	}
	if _, err := chatwork.NewClient(chatwork.ClientConfig{}); !errors.Is(err, mackerel.ErrConfig) {
		t.Errorf("got %v", err)
	}
}

func TestAPreviewWithASourceHasNoToken(t *testing.T) {
	_, c := inBubbleWith(t, chatwork.ClientConfig{Source: func(context.Context) (chatwork.Token, error) {
		t.Error("a preview asks for a token")
		return chatwork.Token{}, nil
	}})
	n, err := chatwork.New(chatwork.Config{Client: c, RoomID: room})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := n.Preview(mackerel.Alert{Message: "x"}); err != nil || len(p.Requests) != 1 {
		t.Errorf("got %+v, %v", p, err)
	}
}

// The notifier of a client with a Source promises what every other one does.
func TestConformanceWithASource(t *testing.T) {
	const access = "access-token-of-oauth"
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := chatworktest.NewServer()
		t.Cleanup(fake.Close)
		fake.SetAccessToken(access, chatworktest.AccountID)
		var turn sync.Mutex
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				c, err := chatwork.NewClient(chatwork.ClientConfig{
					Source: chatwork.StaticToken(bearer(access)), BaseURL: e.BaseURL + "/v2", Call: e.Call(),
				})
				if err != nil {
					t.Fatal(err)
				}
				n, err := chatwork.New(chatwork.Config{Client: c, RoomID: room})
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Fake: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				turn.Lock()
				defer turn.Unlock()
				fake.Advance(chatwork.CallWindow)
				fake.ServeHTTP(w, r)
			}),
			Count:   func() int { return len(fake.Messages(room)) },
			Secrets: []string{access},
		}
	})
}
