package typetalk

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A destination is a topic and the token to post there.
type destination struct {
	url     *url.URL
	token   mackerel.Secret
	topicID string
}

// destination reads either way of saying where, and notes what is wrong.
func (c Config) destination(p *provider.Problems) destination {
	if !c.URL.IsZero() {
		if !c.Token.IsZero() || c.TopicID != 0 || c.BaseURL != "" {
			p.Add("URL", "set together with Token, TopicID or BaseURL, which it holds")
		}
		return fromURL(p, c.URL)
	}
	p.Token("Token", c.Token)
	if c.TopicID <= 0 {
		p.Add("TopicID", "required: the digits after topics in the topic's address")
	}
	base, problem := transport.ParseBase(c.BaseURL)
	p.Add("BaseURL", problem)
	if problem != "" {
		return destination{}
	}
	id := strconv.FormatInt(c.TopicID, 10)
	u, _ := transport.Join(base, "topics", id) // of a word and digits, so always good
	return destination{u, c.Token, id}
}

const tokenParam = "typetalkToken"

var topicPath = regexp.MustCompile(`/topics/([0-9]+)$`)

// fromURL takes the token out of the address. No problem quotes anything of it.
func fromURL(p *provider.Problems, s mackerel.Secret) destination {
	u := p.Hook("URL", s)
	if u == nil {
		return destination{}
	}
	params, err := url.ParseQuery(u.RawQuery)
	topic := topicPath.FindStringSubmatch(u.Path)
	switch {
	case err != nil || len(params) != 1 || len(params[tokenParam]) != 1:
		p.Add("URL", "the query must be "+tokenParam+"=... and nothing else")
	case topic == nil:
		p.Add("URL", "the path must end in /topics/ and digits")
	case u.User != nil:
		p.Add("URL", "has a user's name besides the token")
	}
	token := mackerel.NewSecret(params.Get(tokenParam))
	p.Token("URL's "+tokenParam, token)
	if len(*p) > 0 || topic == nil {
		return destination{}
	}
	u.RawQuery = ""
	return destination{u, token, topic[1]}
}

// form is what is posted.
type form struct {
	Message       string `url:"message"`
	IgnoreHashtag bool   `url:"ignoreHashtag"`
}

// postID reads {"post":{"id":1234}} out of the answer, "" if that is not in it.
func postID(body []byte) string {
	var answer struct {
		Post struct {
			ID int64 `json:"id"`
		} `json:"post"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Post.ID <= 0 {
		return ""
	}
	return strconv.FormatInt(answer.Post.ID, 10)
}

// judgePosted accepts a success only with the id of a post in it. The reason of a refusal is in a header, with a body
// that may be empty: it takes the body's place, for decodeError to find it. A token that is none is the same whatever
// the status says, 400 and 401 both occur.
func judgePosted(r *transport.Result) {
	if r.Class == transport.Done {
		if r.Status != http.StatusOK || postID(r.Body) == "" {
			provider.Undocumented(r)
		}
		return
	}
	if challenge := r.Header.Get("WWW-Authenticate"); challengeParam(challenge, "error") != "" {
		r.Body = []byte(challenge)
	}
	code, _ := decodeError(r.Status, r.Body)
	if r.Class == transport.Invalid && (code == "invalid_token" || code == "insufficient_scope") {
		r.Class = transport.Unauthorized
	}
}

// decodeError reads a challenge as judgePosted leaves it, Bearer error="invalid_token", error_description="...", or the
// JSON of an OAuth2 error, which has the same two.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &e) == nil {
		return e.Error, e.Description
	}
	return challengeParam(string(body), "error"), challengeParam(string(body), "error_description")
}

// params are the parameters of a challenge: a quoted string, in which a backslash quotes the next character, or a token
// (RFC 9110, section 11.2).
var params = regexp.MustCompile(`([0-9A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))`)

var unquote = regexp.MustCompile(`\\(.)`)

// challengeParam returns a parameter of a WWW-Authenticate header, "" if it has none of that name.
func challengeParam(header, param string) string {
	for _, m := range params.FindAllStringSubmatch(header, -1) {
		if strings.EqualFold(m[1], param) {
			return unquote.ReplaceAllString(m[2], "$1") + m[3]
		}
	}
	return ""
}
