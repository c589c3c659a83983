package hipchattest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// What a new server has: one token, which may do everything in every room, and one room. [fakehttp.Server.RevokeToken]
// revokes the Token.
const (
	Token    = "hipchattest-token"
	RoomID   = 1234
	RoomName = "ops"
)

// basePath is the path of the API.
const basePath = "/v2"

// The lanes of the limits. Calls are counted for each token, messages for each room and each person.
const (
	callLane    = "calls"
	messageLane = "messages"
)

// An Access is what a token may do.
type Access struct {
	Label  string   // shown as the sender of its messages
	Scopes []string // as HipChat writes them: "send_notification"
	Room   int64    // the only room of the token, 0 for all
}

// A Server is a fake of a HipChat server. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu     sync.Mutex
	access map[string]Access // by token
	rooms  []*room
	users  []*user
	ids    int // of messages
}

// New returns a server with the token [Token] and the room [RoomName]. Close ends it.
func New() *Server {
	s := &Server{access: make(map[string]Access)}
	s.Server = fakehttp.NewFake(s.serve, refuseBody,
		fakehttp.Limit{Lane: callLane, N: 500, Per: 5 * time.Minute},
		fakehttp.Limit{Lane: messageLane, N: 30, Per: time.Minute})
	s.AddToken(Token, Access{Label: "Mackerel", Scopes: []string{
		"admin_room", "send_message", "send_notification", "view_group",
		"view_messages", "view_room",
	}})
	s.AddRoom(RoomID, RoomName)
	return s
}

// Config returns the configuration of a notifier that sends to [RoomName] of the fake over the loopback interface.
func (s *Server) Config() hipchat.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that sends to [RoomName] of the fake in memory, for
// testing/synctest.
func (s *Server) MemoryConfig() hipchat.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) hipchat.Config {
	return hipchat.Config{
		Token: mackerel.NewSecret(Token), Room: RoomName, BaseURL: base + basePath,
		Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// AddToken makes a token valid, or changes what it may do.
func (s *Server) AddToken(token string, a Access) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Scopes = slices.Clone(a.Scopes)
	s.access[token] = a
	s.Server.AddToken(token)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{header: w.Header(), query: r.URL.Query(), r: r}
	if err := s.authenticate(c); err != nil {
		return err
	}
	e, err := route(c)
	if err != nil {
		return err
	}
	if err := s.authorize(c, e); err != nil {
		return err
	}
	if _, err := strict.Query(r, !s.IsStrict(), append([]string{"auth_token", "auth_test"}, e.query...)...); err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	if c.query.Get("auth_test") == "true" {
		fakehttp.WriteJSON(w, http.StatusAccepted, accepted)
		return nil
	}
	answer, err := e.serve(s, c)
	switch {
	case err != nil:
		return err
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		fakehttp.WriteJSON(w, http.StatusOK, answer)
	}
	return nil
}

// accepted is the answer to auth_test.
var accepted = map[string]any{"success": map[string]any{
	"code": 202, "message": "This auth_token has access to use this method.", "type": "Accepted",
}}

// authenticate finds out what the token may do, and counts the call.
func (s *Server) authenticate(c *call) error {
	token, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		token = c.query.Get("auth_token")
	}
	if !s.HasToken(token) {
		return refuse(http.StatusUnauthorized, "Invalid OAuth session")
	}
	c.access = s.access[token]
	return s.take(c, callLane, token, "X-Ratelimit")
}

// take counts a request, and says in the header of the answer what is left. The time of the reset is in whole seconds,
// rounded up. Without a limit there is no header.
func (s *Server) take(c *call, lane, key, family string) error {
	a := s.Take(lane, key)
	if a.N > 0 {
		reset := a.Reset.Add(time.Second - time.Nanosecond).Unix()
		c.header.Set(family+"-Limit", strconv.Itoa(a.N))
		c.header.Set(family+"-Remaining", strconv.Itoa(a.Remaining))
		c.header.Set(family+"-Reset", strconv.FormatInt(reset, 10))
	}
	if !a.OK {
		return refuse(http.StatusTooManyRequests, "Rate limit exceeded")
	}
	return nil
}

// refuse returns a refusal in the form that HipChat's have.
func refuse(status int, message string) *fakehttp.Refusal {
	return refuseWith(status, message, map[string]any{"message": message})
}

// refuseWith returns a refusal with these members of the error, besides those that every error has.
func refuseWith(status int, problem string, members map[string]any) *fakehttp.Refusal {
	members["code"], members["type"] = status, http.StatusText(status)
	return fakehttp.RefuseJSON(status, map[string]any{"error": members}, problem)
}
