package chatworktest

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// What a new server has: one account with a token, in one room besides its own.
const (
	Token     = "chatworktest-api-token"
	AccountID = 123
	RoomID    = 567890123
)

const basePath = "/v2"

// The lanes of the limits.
const (
	calls = "calls" // by token
	room  = "room"  // by room, for messages and tasks together
)

// A Server is a fake of the Chatwork API. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu       sync.Mutex
	owners   map[string]owner // by credential
	accounts map[int64]*Account
	rooms    []*chat
	seen     map[place]int               // how many messages of a room were read with force=0
	contacts map[int64][]contact         // by the account whose contacts they are
	incoming map[int64][]IncomingRequest // by the account that is asked
	offers   map[string]offer            // by path
	retained time.Duration               // how old a message may be for the plan to show it, 0 for any age
	taken    map[thing]bool
	made     map[string]int64 // how many ids claim has made, by kind
}

// New returns a server with the account [AccountID], "John Smith", whose token is [Token], and with the room
// [RoomID], in which the account is alone. Close ends it.
func New() *Server {
	s := &Server{
		owners: make(map[string]owner), accounts: make(map[int64]*Account),
		contacts: make(map[int64][]contact), incoming: make(map[int64][]IncomingRequest),
		seen: make(map[place]int), offers: make(map[string]offer), taken: make(map[thing]bool),
		made: make(map[string]int64),
	}
	s.Server = fakehttp.NewFake(s.serve, invalid,
		fakehttp.Limit{Lane: calls, N: 300, Per: 5 * time.Minute},
		fakehttp.Limit{Lane: room, N: 10, Per: 10 * time.Second})
	s.AddAccount(johnSmith)
	s.AddToken(Token, AccountID)
	s.AddRoom(Room{
		RoomID: RoomID, Name: "Group Chat Name", Members: map[int64]Role{AccountID: RoleAdmin},
	})
	return s
}

// Config returns the configuration of a notifier that posts to the room [RoomID] over the loopback interface.
func (s *Server) Config() chatwork.Config {
	c := s.ClientConfig()
	return chatwork.Config{Token: c.Token, RoomID: RoomID, BaseURL: c.BaseURL, Call: c.Call}
}

// MemoryConfig returns the configuration of a notifier that posts to the room [RoomID] in memory, for testing/synctest.
func (s *Server) MemoryConfig() chatwork.Config {
	c := s.MemoryClientConfig()
	return chatwork.Config{Token: c.Token, RoomID: RoomID, BaseURL: c.BaseURL, Call: c.Call}
}

// ClientConfig returns the configuration of a client that calls the fake over the loopback interface.
func (s *Server) ClientConfig() chatwork.ClientConfig {
	return chatwork.ClientConfig{
		Token: mackerel.NewSecret(Token), BaseURL: s.URL() + basePath, Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// MemoryClientConfig returns the configuration of a client that calls the fake in memory, for testing/synctest.
func (s *Server) MemoryClientConfig() chatwork.ClientConfig {
	return chatwork.ClientConfig{
		Token: mackerel.NewSecret(Token), BaseURL: fakehttp.MemoryURL + basePath,
		Call: mackerel.CallOptions{Client: s.Client(), Pace: mackerel.Unpaced},
	}
}

// A thing is what has an id. Things of different kinds may have the same id.
type thing struct {
	kind string
	id   int64
}

// What the ids of new things begin after. Those of messages have 19 digits, which no floating-point number can hold.
const (
	beforeIDs        = 1_000_000
	beforeMessageIDs = 1_990_000_000_000_000_000
)

// claim returns an id for a new thing of a kind: the given id or, if that is taken or not an id, a new one.
func (s *Server) claim(kind string, id int64) int64 {
	for id <= 0 || s.taken[thing{kind, id}] {
		s.made[kind]++
		id = s.made[kind] + beforeIDs
		if kind == "message" {
			id = s.made[kind] + beforeMessageIDs
		}
	}
	s.taken[thing{kind, id}] = true
	return id
}

func text(id int64) string { return strconv.FormatInt(id, 10) }

// refuse returns the refusal of a request, with the text in {"errors":["..."]}.
func refuse(status int, text string) *fakehttp.Refusal {
	return fakehttp.RefuseJSON(status, object{"errors": []string{text}}, text)
}

// invalid refuses a request for what is wrong with its parameters.
func invalid(err error) *fakehttp.Refusal {
	text := err.Error()
	if field := (*strict.FieldError)(nil); errors.As(err, &field) {
		text = "Parameter '" + field.Field + "' " + field.Problem
	}
	return refuse(http.StatusBadRequest, text)
}

// The refusals that more than one operation has. The texts that Chatwork does not document are made up.
var (
	errToken        = refuse(http.StatusUnauthorized, "Invalid API token")
	errEndpoint     = refuse(http.StatusNotFound, "Invalid Endpoint or HTTP method")
	errCallLimit    = refuse(http.StatusTooManyRequests, "Rate limit exceeded")
	errRoomLimit    = refuse(http.StatusTooManyRequests, "Rate limit for message posting per room exceeded.")
	errNoPermission = refuse(http.StatusForbidden, "You don't have permission to send/edit message.")
	errNoRoom       = refuse(http.StatusForbidden, "You don't have permission to access this room.")
	errNotAdmin     = refuse(http.StatusForbidden, "You don't have permission to do this.")
	errNotGroup     = refuse(http.StatusBadRequest, "This room is not a group chat")
)

// serve answers a request. Every request counts for the limit of its token, also if the token is unknown.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, downloads) {
		s.download(w, r)
		return nil
	}
	token := credential(r)
	if !s.takeCall(w.Header(), token) {
		return errCallLimit
	}
	op, ids := match(r)
	if op == nil {
		return errEndpoint
	}
	account := s.owner(token)
	if account == nil {
		return errToken
	}
	c := &call{token: token, account: account, ids: ids, header: w.Header(), host: r.Host}
	if err := s.prepare(c, op, r); err != nil {
		return err
	}
	answer, err := op.serve(s, c)
	switch {
	case err != nil:
		return err
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	fakehttp.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// takeCall counts a request and, if calls are limited, writes the headers of the limit.
func (s *Server) takeCall(h http.Header, token string) bool {
	a := s.Take(calls, token)
	if a.N > 0 {
		h.Set("X-Ratelimit-Limit", strconv.Itoa(a.N))
		h.Set("X-Ratelimit-Remaining", strconv.Itoa(a.Remaining))
		h.Set("X-Ratelimit-Reset", text(a.Reset.Add(time.Second-1).Unix())) // in whole seconds, rounded up
	}
	return a.OK
}

// An object is a JSON object of an answer.
type object map[string]any
