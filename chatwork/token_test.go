package chatwork_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// tokens is a Source that returns one token after the other, and the last token again and again.
type tokens struct {
	list    []chatwork.Token
	asked   int
	refused []chatwork.Token
}

func (s *tokens) next(_ context.Context, refused chatwork.Token) (chatwork.Token, error) {
	s.asked++
	s.refused = append(s.refused, refused)
	t := s.list[0]
	if len(s.list) > 1 {
		s.list = s.list[1:]
	}
	return t, nil
}

func apiToken(s string) chatwork.Token { return chatwork.APIToken(mackerel.NewSecret(s)) }
func bearer(s string) chatwork.Token   { return chatwork.BearerToken(mackerel.NewSecret(s)) }

func TestEachKindOfTokenGoesIntoItsHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		configure          func(*chatwork.ClientConfig)
		api, authorization string
	}{
		"an API token":               {func(c *chatwork.ClientConfig) { c.Token = mackerel.NewSecret("abcdef") }, "abcdef", ""},
		"an API token from a source": {from(chatwork.StaticToken(apiToken("abcdef"))), "abcdef", ""},
		"a bearer token":             {from(chatwork.StaticToken(bearer("abcdef"))), "", "Bearer abcdef"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, c := connect(t, tt.configure)
			if _, err := c.GetMe(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) {
				t.Errorf("the fake took it: %v", err)
			}
			if _, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: "x"}); !errors.Is(err, mackerel.ErrUnauthorized) {
				t.Errorf("the fake took it: %v", err)
			}
			for _, r := range fake.Requests() {
				if r.Header.Get("X-ChatWorkToken") != tt.api || r.Header.Get("Authorization") != tt.authorization {
					t.Errorf("%s has the header %v", r.Method, r.Header)
				}
				if _, has := r.Header[http.CanonicalHeaderKey("X-ChatWorkToken")]; has != (tt.api != "") {
					t.Errorf("%s has an empty API token", r.Method)
				}
			}
			if n := len(fake.Requests()); n != 2 {
				t.Errorf("%d requests: the same token was tried again", n)
			}
		})
	}
}

func TestATokenThatIsRefusedIsAskedForOnceMore(t *testing.T) {
	source := &tokens{list: []chatwork.Token{apiToken("expired-token"), apiToken(chatworktest.Token)}}
	fake, c := connect(t, from(source.next))
	n := servicetest.Make(t, chatwork.New, chatwork.Config{Client: c, RoomID: room})
	r, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"})
	if err != nil || r.Attempts != 2 || len(fake.Messages(room)) != 1 {
		t.Errorf("got %+v, %v, %d messages", r, err, len(fake.Messages(room)))
	}
	if source.asked != 2 || source.refused[0] != (chatwork.Token{}) || source.refused[1] != apiToken("expired-token") {
		t.Errorf("asked %d times, told that %v was refused", source.asked, source.refused)
	}
	if _, err := c.NewMessages(t.Context(), room); err != nil || source.asked != 3 {
		t.Errorf("got %v after asking %d times: a call that is never repeated may be after a refusal", err, source.asked)
	}
}

// A call has only its own token in its header, and hides it in its error.
func TestATokenOfAnotherKindReplacesTheFirst(t *testing.T) {
	source := &tokens{list: []chatwork.Token{bearer("expired-token"), apiToken("abcdef-secret")}}
	fake, c := connect(t, from(source.next))
	fake.Inject(fakehttp.Fault{Status: 401})
	fake.Inject(fakehttp.Fault{Status: 403, Body: `{"errors":["abcdef-secret may not read"]}`})
	_, err := c.LatestMessages(t.Context(), room)
	if want := "chatwork: list messages: 403: [redacted] may not read (not authorized, 2 attempts)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	header := lastRequest(t, fake).Header
	if header.Get("X-ChatWorkToken") != "abcdef-secret" || header.Get("Authorization") != "" {
		t.Errorf("sent %v", header)
	}
}

func TestATokenIsNotAskedForAThirdTime(t *testing.T) {
	source := &tokens{list: []chatwork.Token{bearer("first-token"), bearer("second-token"), apiToken(chatworktest.Token)}}
	fake, c := connect(t, from(source.next))
	_, err := c.LatestMessages(t.Context(), room)
	e := (*mackerel.Error)(nil)
	if !errors.As(err, &e) || e.Kind != mackerel.ErrUnauthorized || e.Attempts != 2 || e.Message != "Invalid API token" {
		t.Errorf("got %v", err)
	}
	if source.asked != 2 || len(fake.Requests()) != 2 {
		t.Errorf("asked %d times for %d requests", source.asked, len(fake.Requests()))
	}
}

func TestOnlyARefusedTokenIsAskedForAgain(t *testing.T) {
	for _, status := range []int{400, 403, 404, 503} {
		source := &tokens{list: []chatwork.Token{apiToken(chatworktest.Token)}}
		fake, c := connect(t, from(source.next), once)
		fake.Inject(fakehttp.Fault{Status: status})
		if _, err := c.LatestMessages(t.Context(), room); err == nil || source.asked != 1 {
			t.Errorf("%d: %v after asking %d times", status, err, source.asked)
		}
	}
}

func TestASourceThatFails(t *testing.T) {
	unreachable := errors.New("Post https://oauth.example.com/token?client_secret=hidden: no route to host")
	for _, tt := range []struct {
		name   string
		source func(context.Context, chatwork.Token) (chatwork.Token, error)
		kind   error
		want   string
	}{
		{
			"cannot be reached: later perhaps", func(context.Context, chatwork.Token) (chatwork.Token, error) { return chatwork.Token{}, unreachable },
			mackerel.ErrUnavailable, "chatwork: list messages: no token: the connection failed (unavailable)",
		},
		{
			"has no right any more", func(context.Context, chatwork.Token) (chatwork.Token, error) {
				return chatwork.Token{}, fmt.Errorf("consent withdrawn: %w", mackerel.ErrUnauthorized)
			},
			mackerel.ErrUnauthorized, "chatwork: list messages: no token: consent withdrawn: not authorized (not authorized)",
		},
		{
			"gives a token and an error", func(context.Context, chatwork.Token) (chatwork.Token, error) {
				return apiToken(chatworktest.Token), unreachable
			},
			mackerel.ErrUnavailable, "chatwork: list messages: no token: the connection failed (unavailable)",
		},
		{
			"gives nothing", func(context.Context, chatwork.Token) (chatwork.Token, error) { return chatwork.Token{}, nil },
			mackerel.ErrUnauthorized, "chatwork: list messages: the token of the Source is empty, or has a blank or a character beyond ASCII (not authorized)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake, c := connect(t, from(tt.source))
			_, err := c.LatestMessages(t.Context(), room)
			if !errors.Is(err, tt.kind) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if len(fake.Requests()) != 0 {
				t.Error("a request was made")
			}
		})
	}
}

func TestASourceThatFailsTheSecondTimeSaysWhy(t *testing.T) {
	asked := 0
	_, c := connect(t, from(func(context.Context, chatwork.Token) (chatwork.Token, error) {
		if asked++; asked == 2 {
			return chatwork.Token{}, errors.New("the refresh token is gone")
		}
		return apiToken("expired-token"), nil
	}))
	_, err := c.LatestMessages(t.Context(), room)
	want := "chatwork: list messages: 401: Invalid API token: no token: the refresh token is gone (not authorized)"
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
		fake, c := connect(t, from(chatwork.StaticToken(bearer(secret))))
		fake.Inject(fakehttp.Fault{Status: http.StatusBadRequest, Body: body})
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
	if set, none := token.String(), (chatwork.Token{}).String(); set != "[redacted]" || none != "" {
		t.Errorf("a token is %q, no token is %q", set, none)
	}
}
