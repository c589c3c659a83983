package typetalktest

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// What a new server has: a bot with a token, and one topic in which it may post.
const (
	Token   = "typetalktest-bot-token"
	TopicID = 12345
)

// MemoryBaseURL is the base URL for a client that goes through [fakehttp.Server.Client]. With that client any other host
// leads to the fake too.
const MemoryBaseURL = fakehttp.MemoryURL + basePath

const basePath = "/api/v1"

// maxMessage is the longest message, in UTF-16 units.
const maxMessage = 4000

// A Post is a message that stands in a topic.
type Post struct {
	ID            int64
	Message       string
	IgnoreHashtag bool // no tags were made of it
	ShowLinkMeta  bool // what its links lead to is shown
	CreatedAt     time.Time
}

// A Server is a fake of Typetalk. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu     sync.Mutex
	tokens map[string]int64 // the topic of each, 0 for all
	topics map[int64][]Post
	ids    int64
}

// NewServer returns a server that knows [Token] and has the topic [TopicID]. It listens nowhere until BaseURL, URL or
// Client is called; Close ends it.
func NewServer() *Server {
	s := &Server{tokens: map[string]int64{Token: 0}, topics: map[int64][]Post{TopicID: nil}}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// BaseURL returns the base URL of the API on the loopback interface, such as "http://127.0.0.1:50123/api/v1". As URL, it
// is not for a testing/synctest bubble; see [MemoryBaseURL].
func (s *Server) BaseURL() string { return s.URL() + basePath }

// ChannelURL returns the address of a topic as a Mackerel channel held it, with [Token] in its query. As URL, it is not
// for a testing/synctest bubble.
func (s *Server) ChannelURL(topicID int64) string {
	return s.BaseURL() + "/topics/" + strconv.FormatInt(topicID, 10) + "?typetalkToken=" + Token
}

// AddToken adds a token, for one topic only unless that is 0.
func (s *Server) AddToken(token string, topicID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = topicID
}

// RevokeToken makes a token unknown.
func (s *Server) RevokeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}

// AddTopic adds an empty topic.
func (s *Server) AddTopic(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics[id] = nil
}

// Posts returns what stands in a topic, oldest first; nil if there is no such topic.
func (s *Server) Posts(topicID int64) []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.topics[topicID])
}

// mention is an @ and a name after it, wherever it stands: Typetalk wants a blank before it, and a fake had better not
// rely on that.
var mention = regexp.MustCompile(`@([0-9A-Za-z_.-]+)`)

// Mentions returns the names that a message calls, "all" among them.
func Mentions(message string) []string {
	var names []string
	for _, m := range mention.FindAllStringSubmatch(message, -1) {
		names = append(names, m[1])
	}
	return names
}

// A refusal is an answer that is no success.
type refusal struct {
	status            int
	code, description string
}

func (e *refusal) Error() string { return e.description }

func badRequest(description string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", description}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	topicID, post, err := s.post(r)
	var e *refusal
	switch {
	case err == nil:
		fakehttp.WriteJSON(w, http.StatusOK, answer(topicID, post))
	case errors.As(err, &e) && (e.status == http.StatusUnauthorized || e.status == http.StatusForbidden):
		w.Header().Set("WWW-Authenticate", `Bearer error="`+e.code+`", error_description="`+e.description+`"`)
		w.WriteHeader(e.status)
	default:
		if e == nil {
			e = badRequest(err.Error())
		}
		fakehttp.WriteJSON(w, e.status, map[string]string{"error": e.code, "error_description": e.description})
	}
}

var errNotFound = &refusal{http.StatusNotFound, "not_found", "Not found"}

func (s *Server) post(r *http.Request) (topicID int64, p Post, err error) {
	digits, found := strings.CutPrefix(r.URL.EscapedPath(), basePath+"/topics/")
	topicID, err = strconv.ParseInt(digits, 10, 64)
	if !found || err != nil || r.Method != http.MethodPost {
		return 0, p, errNotFound
	}
	fields, err := fakehttp.DecodeForm(r, fields()...)
	if err != nil {
		return 0, p, err
	}
	query, err := fakehttp.DecodeQuery(r, tokenParam)
	if err != nil {
		return 0, p, err
	}
	if err := s.authorize(r, query, fields, topicID); err != nil {
		return 0, p, err
	}
	if _, known := s.topics[topicID]; !known {
		return 0, p, errNotFound
	}
	if p, err = readPost(fields); err != nil {
		return 0, p, err
	}
	s.ids++
	p.ID, p.CreatedAt = s.ids, s.Now()
	s.topics[topicID] = append(s.topics[topicID], p)
	return topicID, p, nil
}

const tokenParam = "typetalkToken"

// authorize looks for the token where Typetalk does.
func (s *Server) authorize(r *http.Request, query, fields url.Values, topicID int64) error {
	token := r.Header.Get("X-Typetalk-Token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); token == "" && ok {
		token = bearer
	}
	for _, v := range []url.Values{query, fields} {
		if token == "" {
			token = v.Get(tokenParam)
		}
	}
	only, known := s.tokens[token]
	switch {
	case token == "":
		return &refusal{http.StatusUnauthorized, "invalid_request", "Access token was not specified"}
	case !known:
		return &refusal{http.StatusUnauthorized, "invalid_token", "The access token is not found"}
	case only != 0 && only != topicID:
		return &refusal{http.StatusForbidden, "insufficient_scope", "The access token is not for this topic"}
	}
	return nil
}

// fields are those of the method's page.
func fields() []string {
	names := []string{"message", "replyTo", "showLinkMeta", "ignoreHashtag", tokenParam}
	for i := range 5 {
		n := "[" + strconv.Itoa(i) + "]"
		names = append(names, "fileKeys"+n, "talkIds"+n, "attachments"+n+".fileUrl", "attachments"+n+".fileName")
	}
	return names
}

func readPost(fields url.Values) (Post, error) {
	p := Post{Message: fields.Get("message")}
	switch {
	case strings.TrimSpace(p.Message) == "":
		return p, badRequest("message is required")
	case len(utf16.Encode([]rune(p.Message))) > maxMessage:
		return p, badRequest("message is too long")
	}
	if id := fields.Get("replyTo"); id != "" {
		if _, err := strconv.ParseInt(id, 10, 64); err != nil {
			return p, badRequest("replyTo must be a number")
		}
	}
	var err error
	if p.ShowLinkMeta, err = flag(fields, "showLinkMeta", true); err != nil {
		return p, err
	}
	p.IgnoreHashtag, err = flag(fields, "ignoreHashtag", false)
	return p, err
}

func flag(fields url.Values, name string, otherwise bool) (bool, error) {
	switch fields.Get(name) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		return otherwise, nil
	}
	return false, badRequest(name + " must be true or false")
}

// answer is what the method's page shows, as far as a bot's post has it.
func answer(topicID int64, p Post) map[string]any {
	const begun = "2014-06-24T02:32:29Z"
	at := p.CreatedAt.UTC().Format(time.RFC3339)
	return map[string]any{
		"space": map[string]any{"key": "fake", "name": "Fake", "enabled": true, "imageUrl": "https://example.com/space.png"},
		"topic": map[string]any{
			"id": topicID, "name": "ops", "suggestion": "ops", "isDirectMessage": false, "lastPostedAt": at,
			"createdAt": begun, "updatedAt": begun, "description": "",
		},
		"post": map[string]any{
			"id": p.ID, "topicId": topicID, "replyTo": nil, "message": p.Message, "mention": nil,
			"account": map[string]any{
				"id": 1, "name": "mackerel+", "fullName": "mackerel", "suggestion": "mackerel", "isBot": true,
				"imageUrl": "https://example.com/bot.png", "createdAt": begun, "updatedAt": begun,
			},
			"attachments": []any{}, "likes": []any{}, "talks": []any{}, "links": []any{}, "createdAt": at, "updatedAt": at,
		},
		"mentions": []any{}, "exceedsAttachmentLimit": false, "directMessage": nil,
	}
}
