package typetalktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
)

func newServer(t *testing.T) *typetalktest.Server {
	t.Helper()
	s := typetalktest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// post posts a form to a path below the base URL, with the token in its header unless there is another header.
func post(t *testing.T, s *typetalktest.Server, path, form string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, typetalktest.MemoryBaseURL+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if header == nil {
		header = []string{"X-Typetalk-Token", typetalktest.Token}
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestThePostIsAnsweredAsDocumented(t *testing.T) {
	s := newServer(t)
	resp, body := post(t, s, "/topics/12345", "message=hello&showLinkMeta=false&replyTo=7&attachments%5B0%5D.fileUrl=https%3A%2F%2Fx.test")
	var answer struct {
		Space, Topic map[string]any
		Post         struct {
			ID        int64
			TopicID   int64
			Message   string
			CreatedAt string
			Account   map[string]any
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || answer.Post.ID != 1 || answer.Post.TopicID != 12345 || answer.Post.Message != "hello" || answer.Topic["name"] != "ops" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if p := s.Posts(typetalktest.TopicID); len(p) != 1 || p[0].Message != "hello" || p[0].ShowLinkMeta || p[0].IgnoreHashtag {
		t.Errorf("%+v", p)
	}
}

func TestWhereTheTokenMayBe(t *testing.T) {
	token := typetalktest.Token
	for name, c := range map[string]struct {
		path, form string
		header     []string
	}{
		"in its own header":  {"/topics/12345", "message=x", []string{"X-Typetalk-Token", token}},
		"as a bearer token":  {"/topics/12345", "message=x", []string{"Authorization", "Bearer " + token}},
		"in the query":       {"/topics/12345?typetalkToken=" + token, "message=x", []string{"X", "x"}},
		"in the form":        {"/topics/12345", "message=x&typetalkToken=" + token, []string{"X", "x"}},
		"the first one wins": {"/topics/12345?typetalkToken=wrong", "message=x", []string{"X-Typetalk-Token", token}},
	} {
		if resp, body := post(t, newServer(t), c.path, c.form, c.header...); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
}

func TestRefusals(t *testing.T) {
	message := func(m string) string { return url.Values{"message": {m}}.Encode() }
	for name, c := range map[string]struct {
		path, form string
		header     []string
		status     int
		words      string // in the body, or in WWW-Authenticate
	}{
		"no token":                 {"/topics/12345", "message=x", []string{"X", "x"}, 401, `error="invalid_request"`},
		"an unknown token":         {"/topics/12345", "message=x", []string{"X-Typetalk-Token", "x"}, 401, `error="invalid_token"`},
		"another topic's token":    {"/topics/12345", "message=x", []string{"X-Typetalk-Token", "token-of-7"}, 403, `error="insufficient_scope"`},
		"an unknown topic":         {"/topics/8", "message=x", nil, 404, "not_found"},
		"a topic that is a word":   {"/topics/ops", "message=x", nil, 404, "not_found"},
		"an unknown path":          {"/spaces/1", "message=x", nil, 404, "not_found"},
		"JSON":                     {"/topics/12345", `{"message":"x"}`, []string{"X-Typetalk-Token", typetalktest.Token, "Content-Type", "application/json"}, 400, "Content-Type"},
		"no message":               {"/topics/12345", "ignoreHashtag=true", nil, 400, "message is required"},
		"a blank message":          {"/topics/12345", message(" \n"), nil, 400, "message is required"},
		"4001 characters":          {"/topics/12345", message(strings.Repeat("障", 4001)), nil, 400, "too long"},
		"2001 emoji":               {"/topics/12345", message(strings.Repeat("🔥", 2001)), nil, 400, "too long"},
		"an unknown field":         {"/topics/12345", "message=x&text=y", nil, 400, "text is unknown"},
		"a sixth file":             {"/topics/12345", "message=x&fileKeys[5]=y", nil, 400, "fileKeys[5] is unknown"},
		"a message twice":          {"/topics/12345", "message=x&message=y", nil, 400, "given twice"},
		"a flag that is a number":  {"/topics/12345", "message=x&ignoreHashtag=1", nil, 400, "true or false"},
		"another flag":             {"/topics/12345", "message=x&showLinkMeta=no", nil, 400, "true or false"},
		"a reply to a word":        {"/topics/12345", "message=x&replyTo=y", nil, 400, "replyTo must be a number"},
		"something in the query":   {"/topics/12345?message=x", "message=x", nil, 400, "message is unknown"},
		"text that is not UTF-8":   {"/topics/12345", "message=%ff", nil, 400, "not UTF-8"},
		"a form that is malformed": {"/topics/12345", "message=%zz", nil, 400, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.AddToken("token-of-7", 7)
			resp, body := post(t, s, c.path, c.form, c.header...)
			if resp.StatusCode != c.status || !strings.Contains(body+resp.Header.Get("WWW-Authenticate"), c.words) {
				t.Errorf("%d %s %s", resp.StatusCode, resp.Header.Get("WWW-Authenticate"), body)
			}
			if len(s.Posts(typetalktest.TopicID)) != 0 {
				t.Error("it was posted all the same")
			}
		})
	}
}

func TestLongestMessages(t *testing.T) {
	for _, m := range []string{strings.Repeat("障", 4000), strings.Repeat("🔥", 2000)} {
		if resp, body := post(t, newServer(t), "/topics/12345", url.Values{"message": {m}}.Encode()); resp.StatusCode != http.StatusOK {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
}

func TestTopicsAndTokens(t *testing.T) {
	s := newServer(t)
	s.AddTopic(7)
	s.RevokeToken(typetalktest.Token)
	if resp, _ := post(t, s, "/topics/7", "message=x"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", resp.StatusCode)
	}
	s.AddToken(typetalktest.Token, 7)
	if resp, _ := post(t, s, "/topics/7", "message=x"); resp.StatusCode != http.StatusOK || len(s.Posts(7)) != 1 || s.Posts(8) != nil {
		t.Errorf("%d, %+v", resp.StatusCode, s.Posts(7))
	}
	if got := s.ChannelURL(7); got != s.URL()+"/api/v1/topics/7?typetalkToken="+typetalktest.Token {
		t.Error(got)
	}
}

func TestMentions(t *testing.T) {
	for message, want := range map[string]string{
		"@all x": "all", "a@b.example @c-d_e": "b.example c-d_e", "＠all": "", "@ x": "", "": "",
	} {
		if got := strings.Join(typetalktest.Mentions(message), " "); got != want {
			t.Errorf("%q calls %q, want %q", message, got, want)
		}
	}
}
