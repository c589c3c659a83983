package typetalk

import (
	"cmp"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// judge accepts only the documented success: a 200 with the id of the post.
func judge(r *transport.Result) {
	id := postID(r.Body)
	switch {
	case r.Class != transport.Done:
		judgeRefusal(r)
	case r.Status != http.StatusOK, id == "":
		provider.Undocumented(r)
	default:
		r.ID = id
	}
}

// judgeRefusal puts the reason of a refusal, which is in a header, in the place of the body, where decodeError finds
// it. A bad token was seen to be answered with 400 and with 401; both are Unauthorized.
func judgeRefusal(r *transport.Result) {
	if challenge := r.Header.Get("WWW-Authenticate"); challengeParam(challenge, "error") != "" {
		r.Body = []byte(challenge)
	}
	code, _ := decodeError(r.Status, r.Body)
	if r.Class == transport.Invalid && (code == "invalid_token" || code == "insufficient_scope") {
		r.Class = transport.Unauthorized
	}
}

// postID reads the id in {"post":{"id":1234}}. It returns "" if the answer has no such id.
func postID(body []byte) string {
	var answer struct {
		Post struct {
			ID int64 `json:"id"`
		} `json:"post"`
	}
	if !provider.DecodeJSON(body, &answer) || answer.Post.ID <= 0 {
		return ""
	}
	return strconv.FormatInt(answer.Post.ID, 10)
}

// decodeError reads a challenge, such as Bearer error="invalid_token", error_description="...", or the JSON of an
// OAuth2 error, which has members of the same names. Without a description, the code is also the message.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if !provider.DecodeJSON(body, &e) {
		e.Error, e.Description = challengeParam(string(body), "error"), challengeParam(string(body), "error_description")
	}
	return e.Error, cmp.Or(e.Description, e.Error)
}

// params finds the parameters of a challenge. A value is a token, or a quoted string in which a backslash quotes the
// next character (RFC 9110, section 11.2).
var params = regexp.MustCompile(`([0-9A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))`)

var quoted = regexp.MustCompile(`\\(.)`)

// challengeParam returns the value of a parameter in a WWW-Authenticate header, "" if the header does not have it.
func challengeParam(header, param string) string {
	for _, m := range params.FindAllStringSubmatch(header, -1) {
		if strings.EqualFold(m[1], param) {
			return quoted.ReplaceAllString(m[2], "$1") + m[3]
		}
	}
	return ""
}
