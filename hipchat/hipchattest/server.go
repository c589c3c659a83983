package hipchattest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// What a new server has: one token, which may do everything in every room, and one room.
const (
	Token    = "hipchattest-token"
	RoomID   = 1234
	RoomName = "ops"
)

// MemoryBaseURL is the base URL for a client that goes through [fakehttp.Server.Client]. With that client any other host
// leads to the fake too.
const MemoryBaseURL = fakehttp.MemoryURL + basePath

const basePath = "/v2"

// The scopes of tokens that matter to this fake.
const (
	ScopeAdminRoom        = "admin_room"
	ScopeSendMessage      = "send_message"
	ScopeSendNotification = "send_notification" // the only one of a room's own token
	ScopeViewGroup        = "view_group"
	ScopeViewMessages     = "view_messages"
	ScopeViewRoom         = "view_room"
)

// The limits of https://developer.atlassian.com/server/hipchat/hipchat-rest-api-rate-limits/. That of messages is for each
// room and each person, whoever sends there.
const (
	callLimit     = 500 // of an add-on's token
	callWindow    = 5 * time.Minute
	messageLimit  = 30
	messageWindow = time.Minute
)

// An Access is what a token may do.
type Access struct {
	Label  string   // whom its messages are from
	Scopes []string // none: as good as unknown
	Room   int64    // the only room it is for, 0 for all
	Calls  int      // in 5 minutes; 500 unless set, as for an add-on's token, while a person's has 100
}

// A Server is a fake of a HipChat server. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu       sync.Mutex
	tokens   map[string]*token
	rooms    []*room
	users    []*user
	messages window // by room and by person
	open     bool   // unknown members are ignored
	sent     int    // messages, to rooms and people
}

// A window is a limit, and what it is called in headers.
type window struct {
	*fakehttp.Window
	family string
	limit  int
}

func newWindow(family string, limit int, per time.Duration) window {
	return window{fakehttp.NewWindow(limit, per), family, limit}
}

type token struct {
	Access
	calls window
}

// NewServer returns a server that knows [Token] and has the room [RoomName], whose id is [RoomID]. It listens nowhere
// until BaseURL, URL or Client is called; Close ends it.
func NewServer() *Server {
	s := &Server{
		tokens:   make(map[string]*token),
		messages: newWindow("X-Floodcontrol", messageLimit, messageWindow),
	}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	s.SetToken(Token, Access{Label: "Mackerel", Scopes: []string{
		ScopeAdminRoom, ScopeSendMessage, ScopeSendNotification, ScopeViewGroup, ScopeViewMessages, ScopeViewRoom,
	}})
	s.AddRoom(RoomID, RoomName)
	return s
}

// BaseURL returns the base URL of the API on the loopback interface, such as "http://127.0.0.1:50123/v2". As URL, it is
// not for a testing/synctest bubble; see [MemoryBaseURL].
func (s *Server) BaseURL() string { return s.URL() + basePath }

// IgnoreUnknown chooses what becomes of members that a message does not have. HipChat ignores them, as far as can
// be told: there are clients that send their token along. To find misspelt ones a new server refuses them.
func (s *Server) IgnoreUnknown(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = on
}

// SetToken adds a token, changes what it may do or, with a zero Access, revokes it.
func (s *Server) SetToken(value string, a Access) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Scopes = slices.Clone(a.Scopes)
	a.Calls = cmp.Or(a.Calls, callLimit)
	s.tokens[value] = &token{a, newWindow("X-Ratelimit", a.Calls, callWindow)}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, answer, err := s.answer(w.Header(), r)
	switch {
	case err != nil:
		writeError(w, err)
	case answer == nil:
		w.WriteHeader(status)
	default:
		fakehttp.WriteJSON(w, status, answer)
	}
}

func (s *Server) answer(header http.Header, r *http.Request) (status int, answer any, err error) {
	c := &call{header: header, query: r.URL.Query(), r: r}
	if c.token, err = s.authenticate(c); err != nil {
		return 0, nil, err
	}
	if err := c.token.calls.take(header, "", s.Now()); err != nil {
		return 0, nil, err
	}
	e, err := route(c)
	if err != nil {
		return 0, nil, err
	}
	if err := s.authorize(c, e); err != nil {
		return 0, nil, err
	}
	if _, err := fakehttp.DecodeQuery(r, append([]string{"auth_token", "auth_test"}, e.query...)...); err != nil {
		return 0, nil, badRequest(err.Error())
	}
	if c.query.Get("auth_test") == "true" {
		return http.StatusAccepted, accepted, nil
	}
	return e.serve(s, c)
}

// accepted is the answer to auth_test.
var accepted = map[string]any{"success": map[string]any{
	"code": 202, "message": "This auth_token has access to use this method.", "type": "Accepted",
}}

func (s *Server) authenticate(c *call) (*token, error) {
	value, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		value = c.query.Get("auth_token")
	}
	t := s.tokens[value]
	if t == nil || len(t.Scopes) == 0 {
		return nil, &apiError{code: http.StatusUnauthorized, message: "Invalid OAuth session"}
	}
	return t, nil
}

// take counts a request and says so in the answer's header. The window begins with a whole second, because the header
// that says when it ends cannot say it any finer.
func (w window) take(header http.Header, key string, now time.Time) error {
	remaining, reset, ok := w.Take(key, now.Truncate(time.Second))
	header.Set(w.family+"-Limit", strconv.Itoa(w.limit))
	header.Set(w.family+"-Remaining", strconv.Itoa(remaining))
	header.Set(w.family+"-Reset", strconv.FormatInt(reset.Unix(), 10))
	if !ok {
		return &apiError{code: http.StatusTooManyRequests, message: "Rate limit exceeded"}
	}
	return nil
}

// An apiError is a refusal, in the form that all of HipChat's have.
type apiError struct {
	code    int
	message string         // "" for none
	more    map[string]any // other members
}

func (e *apiError) Error() string { return e.message }

func badRequest(message string) *apiError {
	return &apiError{code: http.StatusBadRequest, message: message}
}

func writeError(w http.ResponseWriter, err error) {
	e, ok := err.(*apiError) //nolint:errorlint // endpoints return nothing else
	if !ok {
		e = &apiError{code: http.StatusInternalServerError, message: err.Error()}
	}
	body := map[string]any{"code": e.code, "type": http.StatusText(e.code)}
	if e.message != "" {
		body["message"] = e.message
	}
	for k, v := range e.more {
		body[k] = v
	}
	fakehttp.WriteJSON(w, e.code, map[string]any{"error": body})
}
