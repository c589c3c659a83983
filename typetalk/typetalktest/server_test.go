package typetalktest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

const topic = "/api/v1/topics/12345"

// post posts a form, with the token in a header unless other headers are given.
func post(t *testing.T, s *typetalktest.Server, path, form string, header ...string) servicetest.Answered {
	t.Helper()
	if header == nil {
		header = []string{"X-Typetalk-Token", typetalktest.Token}
	}
	header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	return servicetest.Call(t, s.Client(), http.MethodPost, fakehttp.MemoryURL+path, form, header...)
}

func message(text string) string { return url.Values{"message": {text}}.Encode() }

func TestAPostIsKeptAndAnsweredAsDocumented(t *testing.T) {
	s := servicetest.Start(t, typetalktest.New())
	s.Strict(true)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	a := post(t, s, topic, "message=hello&showLinkMeta=false&replyTo=7&attachments%5B0%5D.fileUrl=https%3A%2F%2Fx.test")
	want := `"post":{"createdAt":"2026-01-02T03:04:05Z","id":1,"message":"hello","topicId":12345}`
	if a.Status != http.StatusOK || !strings.Contains(a.Body, want) || s.Accepted() != 1 {
		t.Errorf("%+v", a)
	}
	post := typetalktest.Post{ID: 1, Message: "hello", CreatedAt: now}
	if got := s.Posts(typetalktest.TopicID); !slices.Equal(got, []typetalktest.Post{post}) {
		t.Errorf("%+v", got)
	}
}

func TestWhereTheTokenMayBe(t *testing.T) {
	const token = typetalktest.Token
	for _, c := range []struct {
		name, path, form string
		header           []string
	}{
		{"in its own header", topic, "message=x", []string{"X-Typetalk-Token", token}},
		{"as a bearer token", topic, "message=x", []string{"Authorization", "Bearer " + token}},
		{"in the query", topic + "?typetalkToken=" + token, "message=x", []string{"X", "x"}},
		{"in the form", topic, "message=x&typetalkToken=" + token, []string{"X", "x"}},
		{"the first counts", topic + "?typetalkToken=wrong", "message=x", []string{"Authorization", "Bearer " + token}},
	} {
		if a := post(t, servicetest.Start(t, typetalktest.New()), c.path, c.form, c.header...); a.Status != http.StatusOK {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}

func TestRefusals(t *testing.T) {
	token := func(token string) []string { return []string{"X-Typetalk-Token", token} }
	for _, c := range []struct {
		name, path, form string
		header           []string
		status           int
		words            string // in the body, or in WWW-Authenticate
	}{
		{"no token", topic, "message=x", []string{"X", "x"}, 401, `error="invalid_request"`},
		{"an unknown token", topic, "message=x", token("x"), 401, `error="invalid_token"`},
		{"a revoked token", topic, "message=x", token("revoked"), 401, `error="invalid_token"`},
		{"a token of another topic", topic, "message=x", token("token-of-7"), 403, `error="insufficient_scope"`},
		{"an unknown topic", "/api/v1/topics/8", "message=x", nil, 404, "not_found"},
		{"a topic that is a word", "/api/v1/topics/ops", "message=x", nil, 404, "not_found"},
		{"an unknown path", "/api/v1/spaces/1", "message=x", nil, 404, "not_found"},
		{"JSON", topic, `{"message":"x"}`, append(token(typetalktest.Token), "Content-Type", "application/json"), 400, "Content-Type"},
		{"no message", topic, "ignoreHashtag=true", nil, 400, "message is required"},
		{"a blank message", topic, message(" \n"), nil, 400, "message is required"},
		{"4001 characters", topic, message(strings.Repeat("障", 4001)), nil, 400, "too long"},
		{"2001 emoji", topic, message(strings.Repeat("🔥", 2001)), nil, 400, "too long"},
		{"an unknown field", topic, "message=x&text=y", nil, 400, "text is unknown"},
		{"a sixth file", topic, "message=x&fileKeys[5]=y", nil, 400, "fileKeys[5] is unknown"},
		{"a message twice", topic, "message=x&message=y", nil, 400, "given twice"},
		{"a flag that is a number", topic, "message=x&ignoreHashtag=1", nil, 400, "true or false"},
		{"another flag", topic, "message=x&showLinkMeta=no", nil, 400, "true or false"},
		{"a reply to a word", topic, "message=x&replyTo=y", nil, 400, "replyTo must be a number"},
		{"something in the query", topic + "?message=x", "message=x", nil, 400, "message is unknown"},
		{"text that is not UTF-8", topic, "message=%ff", nil, 400, "not UTF-8"},
		{"a form that is malformed", topic, "message=%zz", nil, 400, "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, typetalktest.New())
			s.Strict(true)
			s.AddToken("token-of-7", 7)
			s.AddToken("revoked", 0)
			s.RevokeToken("revoked")
			a := post(t, s, c.path, c.form, c.header...)
			if a.Status != c.status || !strings.Contains(a.Body+a.Header.Get("WWW-Authenticate"), c.words) {
				t.Errorf("%+v", a)
			}
			if len(s.Posts(typetalktest.TopicID)) != 0 || s.Accepted() != 0 || len(s.Problems()) != 1 {
				t.Errorf("it was posted all the same: %q", s.Problems())
			}
		})
	}
}

func TestUnknownFieldsAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s := servicetest.Start(t, typetalktest.New())
	if a := post(t, s, topic+"?lang=ja", "message=x&text=y"); a.Status != http.StatusOK {
		t.Errorf("%+v %q", a, s.Problems())
	}
}

func TestTheLongestMessages(t *testing.T) {
	for _, text := range []string{strings.Repeat("障", 4000), strings.Repeat("🔥", 2000)} {
		if a := post(t, servicetest.Start(t, typetalktest.New()), topic, message(text)); a.Status != http.StatusOK {
			t.Errorf("%+v", a)
		}
	}
}

func TestTopics(t *testing.T) {
	s := servicetest.Start(t, typetalktest.New())
	s.AddTopic(7)
	if a := post(t, s, "/api/v1/topics/7", "message=x"); a.Status != http.StatusOK || len(s.Posts(7)) != 1 || s.Posts(8) != nil {
		t.Errorf("%+v, %+v", a, s.Posts(7))
	}
}

func TestMentions(t *testing.T) {
	for message, want := range map[string]string{
		"@all x": "[all]", "a@b.example @c-d_e": "[b.example c-d_e]", "＠all": "[]", "@ x": "[]", "": "[]",
	} {
		if got := fmt.Sprint(typetalktest.Post{Message: message}.Mentions()); got != want {
			t.Errorf("%q calls %s, want %s", message, got, want)
		}
	}
}
