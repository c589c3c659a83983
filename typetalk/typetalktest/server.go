package typetalktest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
	"github.com/mackerel-notify/mackerel/typetalk"
)

// What a new server has: the token of a bot, which may post in every topic, and one topic.
// [fakehttp.Server.RevokeToken] revokes the Token.
const (
	Token   = "typetalktest-bot-token"
	TopicID = 12345
)

// basePath is the path of the API.
const basePath = "/api/v1"

// tokenParam is the parameter that may have the token.
const tokenParam = "typetalkToken"

// A Server is a fake of Typetalk. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu     sync.Mutex
	only   map[string]int64 // the topic of each token that is for one topic only
	topics map[int64][]Post
	ids    int64
}

// New returns a server with the token [Token] and the topic [TopicID]. Close ends it.
func New() *Server {
	s := &Server{only: make(map[string]int64), topics: map[int64][]Post{TopicID: nil}}
	s.Server = fakehttp.NewFake(s.serve, func(err error) *fakehttp.Refusal { return badRequest(err.Error()) })
	s.AddToken(Token, 0)
	return s
}

// Config returns the configuration of a notifier that posts to [TopicID] of the fake over the loopback interface.
func (s *Server) Config() typetalk.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that posts to [TopicID] of the fake in memory, for
// testing/synctest.
func (s *Server) MemoryConfig() typetalk.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) typetalk.Config {
	return typetalk.Config{
		Token: mackerel.NewSecret(Token), TopicID: TopicID, BaseURL: base + basePath,
		Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// AddToken makes a token valid, for one topic only unless topicID is 0.
func (s *Server) AddToken(token string, topicID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.only[token] = topicID
	s.Server.AddToken(token)
}

// AddTopic adds an empty topic.
func (s *Server) AddTopic(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics[id] = nil
}

// Posts returns the messages of a topic, oldest first. It returns nil if there is no such topic.
func (s *Server) Posts(topicID int64) []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.topics[topicID])
}

// A Post is a message in a topic.
type Post struct {
	ID            int64
	Message       string
	IgnoreHashtag bool // words that begin with a number sign do not become tags
	CreatedAt     time.Time
}

// refuse returns an answer with an error object as OAuth2 has it.
func refuse(status int, code, description string) *fakehttp.Refusal {
	return fakehttp.RefuseJSON(status, map[string]string{"error": code, "error_description": description}, description)
}

func badRequest(description string) *fakehttp.Refusal {
	return refuse(http.StatusBadRequest, "invalid_request", description)
}

func notFound() *fakehttp.Refusal { return refuse(http.StatusNotFound, "not_found", "Not found") }

// challenge returns an answer whose reason is in a header, with an empty body.
func challenge(status int, code, description string) *fakehttp.Refusal {
	reason := `Bearer error="` + code + `", error_description="` + description + `"`
	return &fakehttp.Refusal{Status: status, Header: http.Header{"WWW-Authenticate": {reason}}, Problem: description}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	digits, found := strings.CutPrefix(r.URL.EscapedPath(), basePath+"/topics/")
	topicID, err := strconv.ParseInt(digits, 10, 64)
	if !found || err != nil || r.Method != http.MethodPost {
		return notFound()
	}
	form, err := strict.Form(r, !s.IsStrict(), fields()...)
	if err != nil {
		return err
	}
	query, err := strict.Query(r, !s.IsStrict(), tokenParam)
	if err != nil {
		return err
	}
	if err := s.authorize(token(r, query, form), topicID); err != nil {
		return err
	}
	p, err := readPost(form)
	if err != nil {
		return err
	}
	fakehttp.WriteJSON(w, http.StatusOK, answer(topicID, s.keep(topicID, p)))
	return nil
}

// token looks for the token where Typetalk does.
func token(r *http.Request, query, form url.Values) string {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, token := range []string{r.Header.Get("X-Typetalk-Token"), bearer, query.Get(tokenParam)} {
		if token != "" {
			return token
		}
	}
	return form.Get(tokenParam)
}

// authorize checks that the token may post in the topic, and that the topic exists.
func (s *Server) authorize(token string, topicID int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, exists := s.topics[topicID]
	switch only := s.only[token]; {
	case token == "":
		return challenge(http.StatusUnauthorized, "invalid_request", "Access token was not specified")
	case !s.HasToken(token):
		return challenge(http.StatusUnauthorized, "invalid_token", "The access token is not found")
	case only != 0 && only != topicID:
		return challenge(http.StatusForbidden, "insufficient_scope", "The access token is not for this topic")
	case !exists:
		return notFound()
	}
	return nil
}

func (s *Server) keep(topicID int64, p Post) Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	p.ID, p.CreatedAt = s.ids, s.Now()
	s.topics[topicID] = append(s.topics[topicID], p)
	s.Accept()
	return p
}

// answer has the members of the page's example that a program needs.
func answer(topicID int64, p Post) map[string]any {
	return map[string]any{
		"topic": map[string]any{"id": topicID},
		"post": map[string]any{
			"id": p.ID, "topicId": topicID, "message": p.Message, "createdAt": p.CreatedAt.UTC().Format(time.RFC3339),
		},
	}
}
