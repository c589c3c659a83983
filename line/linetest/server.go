package linetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// What a new server has: one account with a token, and as its friends a user, a group of three and a room of two.
const (
	Token   = "linetest-channel-access-token"
	UserID  = "U0123456789abcdef0123456789abcdef"
	GroupID = "C0123456789abcdef0123456789abcdef"
	RoomID  = "R0123456789abcdef0123456789abcdef"
)

// MemoryBaseURL is the base URL for a client that goes through [fakehttp.Server.Client]. With that client any other host
// leads to the fake too, api.line.me included.
const MemoryBaseURL = fakehttp.MemoryURL

const (
	rate    = 2000           // requests per second and call
	keyLife = 24 * time.Hour // of a retry key
	maxBody = 2 << 20        // bytes
)

// A Delivery is one accepted request.
type Delivery struct {
	Call                 string   // push, multicast or broadcast
	To                   []string // nil for a broadcast
	Messages             []json.RawMessage
	NotificationDisabled bool
	RetryKey             string // "" if there was none
	RequestID            string // as in X-Line-Request-Id
	Time                 time.Time
}

// A Server is a fake of the Messaging API. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu         sync.Mutex
	rates      *fakehttp.Window // by call
	tokens     map[string]bool
	members    map[string]int64 // of each destination
	deliveries []Delivery
	accepted   map[string]accepted // by retry key
	requests   int
	sent       int   // messages, for their ids
	limit      int64 // messages per month, negative for none
	used       int64
}

// accepted is what a retry key stands for.
type accepted struct {
	requestID string
	answer    map[string]any
	time      time.Time
}

// NewServer returns a server that knows [Token], [UserID], [GroupID] and [RoomID], with 200 messages left in the month
// for every test to use up. It listens nowhere until BaseURL, URL or Client is called; Close ends it.
func NewServer() *Server {
	s := &Server{
		rates: fakehttp.NewWindow(rate, time.Second), tokens: map[string]bool{Token: true},
		members: map[string]int64{UserID: 1, GroupID: 3, RoomID: 2}, accepted: make(map[string]accepted), limit: 200,
	}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// BaseURL returns the base URL of the API on the loopback interface. It is URL, which other services have a path below,
// and like that not for a testing/synctest bubble; see [MemoryBaseURL].
func (s *Server) BaseURL() string { return s.URL() }

// SetToken adds a channel access token, or revokes it.
func (s *Server) SetToken(token string, valid bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = valid
}

// AddDestination adds a user, group or room with so many members, who are as many messages in a push. It panics if the
// id is not of the form that LINE's ids have.
func (s *Server) AddDestination(id string, members int64) {
	if !idForm.MatchString(id) {
		panic("linetest: " + id + " is no id")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[id] = members
}

// SetQuota sets how many messages the account may send in a month, a negative number for a plan without a limit, and how
// many of them are used.
func (s *Server) SetQuota(limit, used int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.used = limit, used
}

// SetRateLimit changes how many requests one call takes in a second, which is 2,000, and forgets what was counted.
func (s *Server) SetRateLimit(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rates = fakehttp.NewWindow(requests, time.Second)
}

// Deliveries returns what was accepted, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries)
}

var (
	idForm  = regexp.MustCompile(`^[UCR][0-9a-f]{32}$`)
	keyForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// A refusal is an answer that is none of the successes.
type refusal struct {
	status  int
	message string
	details []detail
	header  map[string]string
	more    map[string]any // other members of the body
}

type detail struct {
	Message  string `json:"message"`
	Property string `json:"property"`
}

func (e *refusal) Error() string { return e.message }

// invalid refuses one member of the body.
func invalid(property, problem string) *refusal {
	return &refusal{
		status: http.StatusBadRequest, message: "The request body has 1 error(s)", details: []detail{{problem, property}},
	}
}

// refused is a status with a message and nothing else.
func refused(status int, message string) *refusal { return &refusal{status: status, message: message} }

// A route is one call of the API.
type route struct {
	method string
	sends  bool // it takes a body and a retry key
	serve  func(*Server, *http.Request) (any, error)
}

const prefix = "/v2/bot/message/"

var routes = map[string]route{
	"push":              {http.MethodPost, true, (*Server).push},
	"multicast":         {http.MethodPost, true, (*Server).multicast},
	"broadcast":         {http.MethodPost, true, (*Server).broadcast},
	"quota":             {http.MethodGet, false, (*Server).quota},
	"quota/consumption": {http.MethodGet, false, (*Server).consumption},
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	w.Header().Set("X-Line-Request-Id", s.requestID())
	answer, err := s.answer(r)
	if err == nil {
		fakehttp.WriteJSON(w, http.StatusOK, answer)
		return
	}
	writeError(w, err)
}

func (s *Server) requestID() string { return fmt.Sprintf("6c696e65-0000-4000-8000-%012x", s.requests) }

func writeError(w http.ResponseWriter, err error) {
	var e *refusal
	var field *fakehttp.FieldError
	switch {
	case errors.As(err, &e):
	case errors.As(err, &field):
		e = invalid(field.Field, field.Problem)
	default:
		e = refused(http.StatusBadRequest, "The request body could not be parsed as JSON (line: 1, column: 1)")
	}
	for k, v := range e.header {
		w.Header().Set(k, v)
	}
	body := map[string]any{"message": e.message}
	if len(e.details) > 0 {
		body["details"] = e.details
	}
	for k, v := range e.more {
		body[k] = v
	}
	fakehttp.WriteJSON(w, e.status, body)
}

func (s *Server) answer(r *http.Request) (any, error) {
	path, found := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	call, known := routes[path]
	if !found || !known || call.method != r.Method || r.URL.RawQuery != "" {
		return nil, refused(http.StatusNotFound, "Not found")
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || !s.tokens[token] {
		return nil, refused(http.StatusUnauthorized, "Authentication failed due to the following reason: invalid token. "+
			"Confirm that the access token in the authorization header is valid.")
	}
	if _, _, ok := s.rates.Take(path, s.Now()); !ok {
		return nil, refused(http.StatusTooManyRequests, "The API rate limit has been exceeded. Try again later.")
	}
	if err := s.checkKey(call, r.Header.Get("X-Line-Retry-Key")); err != nil {
		return nil, err
	}
	return call.serve(s, r)
}

// checkKey refuses a retry key that is none, is not allowed here, or has done its work.
func (s *Server) checkKey(call route, key string) error {
	switch {
	case key == "":
		return nil
	case !call.sends:
		return refused(http.StatusBadRequest, "The retry key is not allowed for this API")
	case !keyForm.MatchString(key):
		return refused(http.StatusBadRequest, "The retry key is invalid")
	}
	before, known := s.accepted[key]
	if !known || s.Now().Sub(before.time) >= keyLife {
		return nil
	}
	return &refusal{
		status: http.StatusConflict, message: "The retry key is already accepted",
		header: map[string]string{"X-Line-Accepted-Request-Id": before.requestID}, more: before.answer,
	}
}
