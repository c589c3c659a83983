package linetest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
	"github.com/mackerel-notify/mackerel/line"
)

// What a new server has: an account with a token, and as its friends a user, a group of three and a room of two.
const (
	Token   = "linetest-channel-access-token"
	UserID  = "U0123456789abcdef0123456789abcdef"
	GroupID = "C0123456789abcdef0123456789abcdef"
	RoomID  = "R0123456789abcdef0123456789abcdef"
)

const (
	keyLife       = 24 * time.Hour // of a retry key
	maxRecipients = 500
)

// A Server is a fake of the Messaging API. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server
	deliveries fakehttp.Log[Delivery]

	mu       sync.Mutex
	members  map[string]int64 // of each destination
	accepted map[string]accepted
	requests int
	sent     int   // messages, for their ids
	limit    int64 // messages per month, negative for a plan without a limit
	used     int64
}

// accepted is what was accepted with a retry key.
type accepted struct {
	time      time.Time
	requestID string
	answer    map[string]any
}

// New returns a server that knows [Token], [UserID], [GroupID] and [RoomID]. Its account has a plan without a limit.
// Close ends it.
func New() *Server {
	s := &Server{
		members: map[string]int64{UserID: 1, GroupID: 3, RoomID: 2}, accepted: make(map[string]accepted), limit: -1,
	}
	s.Server = fakehttp.NewFake(s.serve, refuseError,
		fakehttp.Limit{Lane: "push", N: 2000, Per: time.Second},
		fakehttp.Limit{Lane: "multicast", N: 200, Per: time.Second},
		fakehttp.Limit{Lane: "broadcast", N: 60, Per: time.Hour})
	s.AddToken(Token)
	return s
}

// Config returns the configuration of a notifier that pushes to [GroupID] through the fake over the loopback interface.
func (s *Server) Config() line.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that pushes to [GroupID] through the fake in memory, for
// testing/synctest.
func (s *Server) MemoryConfig() line.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) line.Config {
	return line.Config{
		Token: mackerel.NewSecret(Token), To: []string{GroupID}, BaseURL: base, Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// AddDestination adds a user, group or room with this number of members. A push counts as many messages.
func (s *Server) AddDestination(id string, members int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[id] = members
}

// SetQuota sets how many messages the account can send in a month, and how many of them are used. A negative limit is a
// plan without a limit, as at first.
func (s *Server) SetQuota(limit, used int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.used = limit, used
}

// Deliveries returns the requests that were accepted, oldest first.
func (s *Server) Deliveries() []Delivery { return s.deliveries.All() }

// A Delivery is a push, multicast or broadcast that was accepted.
type Delivery struct {
	Time                 time.Time // by the server's clock
	Call                 string    // push, multicast or broadcast
	To                   []string  // nil for a broadcast
	Messages             []Message
	NotificationDisabled bool
	RetryKey             string // "" if the request had no key
}

// refuse returns an error of LINE's.
func refuse(status int, message string) *fakehttp.Refusal {
	return fakehttp.RefuseJSON(status, map[string]any{"message": message}, message)
}

// invalid refuses one member of the body.
func invalid(property, problem string) *fakehttp.Refusal {
	return fakehttp.RefuseJSON(http.StatusBadRequest, map[string]any{
		"message": "The request body has 1 error(s)",
		"details": []map[string]string{{"message": problem, "property": property}},
	}, property+": "+problem)
}

func refuseError(err error) *fakehttp.Refusal {
	var field *strict.FieldError
	switch {
	case errors.As(err, &field):
		return invalid(field.Field, field.Problem)
	case errors.Is(err, strict.ErrContentType):
		return refuse(http.StatusUnsupportedMediaType, "The content type is not supported")
	}
	return refuse(http.StatusBadRequest, "The request body could not be parsed as JSON (line: 1, column: 1)")
}

// calls are the calls of the API, by their method and path.
var calls = map[string]func(*Server, *http.Request) (map[string]any, error){
	"POST push":             (*Server).push,
	"POST multicast":        (*Server).multicast,
	"POST broadcast":        (*Server).broadcast,
	"GET quota":             (*Server).quota,
	"GET quota/consumption": (*Server).consumption,
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	w.Header().Set("X-Line-Request-Id", s.requestID())
	answer, err := s.answer(r)
	if err == nil {
		fakehttp.WriteJSON(w, http.StatusOK, answer)
	}
	return err
}

func (s *Server) requestID() string { return fmt.Sprintf("6c696e65-0000-4000-8000-%012x", s.requests) }

func (s *Server) answer(r *http.Request) (map[string]any, error) {
	path, found := strings.CutPrefix(r.URL.EscapedPath(), "/v2/bot/message/")
	call, known := calls[r.Method+" "+path]
	if !found || !known || r.URL.RawQuery != "" {
		return nil, refuse(http.StatusNotFound, "Not found")
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || !s.HasToken(token) {
		return nil, refuse(http.StatusUnauthorized, "Authentication failed due to the following reason: "+
			"invalid token. Confirm that the access token in the authorization header is valid.")
	}
	if !s.Take(path, token).OK {
		return nil, refuse(http.StatusTooManyRequests, "The API rate limit has been exceeded. Try again later.")
	}
	if err := s.checkKey(r); err != nil {
		return nil, err
	}
	return call(s, r)
}

var keyForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// checkKey refuses a retry key that is malformed, that the call does not take, or with which a request was accepted.
func (s *Server) checkKey(r *http.Request) error {
	key := r.Header.Get("X-Line-Retry-Key")
	switch {
	case key == "":
		return nil
	case r.Method != http.MethodPost:
		return refuse(http.StatusBadRequest, "The retry key is not allowed for this API")
	case !keyForm.MatchString(key):
		return refuse(http.StatusBadRequest, "The retry key is invalid")
	}
	before, known := s.accepted[key]
	if !known || s.Now().Sub(before.time) >= keyLife {
		return nil
	}
	answer := maps.Clone(before.answer)
	answer["message"] = "The retry key is already accepted"
	return fakehttp.RefuseJSON(http.StatusConflict, answer, "the retry key is already accepted",
		"X-Line-Accepted-Request-Id", before.requestID)
}

// A body has what all three calls take.
type body struct {
	Messages               []Message `json:"messages"`
	NotificationDisabled   bool      `json:"notificationDisabled"`
	CustomAggregationUnits []string  `json:"customAggregationUnits"`
}

func (s *Server) push(r *http.Request) (map[string]any, error) {
	var b struct {
		To string `json:"to"`
		body
	}
	if err := strict.JSON(r, &b, !s.IsStrict()); err != nil {
		return nil, err
	}
	return s.accept(r, Delivery{Call: "push", To: []string{b.To}}, b.body)
}

func (s *Server) multicast(r *http.Request) (map[string]any, error) {
	var b struct {
		To []string `json:"to"`
		body
	}
	if err := strict.JSON(r, &b, !s.IsStrict()); err != nil {
		return nil, err
	}
	if n := len(b.To); n < 1 || n > maxRecipients {
		return nil, invalid("to", "Size must be between 1 and 500")
	}
	for i, id := range b.To {
		property := strict.Item("to", i)
		if !strings.HasPrefix(id, "U") {
			return nil, invalid(property, "must be the id of a user")
		}
		if slices.Contains(b.To[:i], id) {
			return nil, invalid(property, "is given twice")
		}
	}
	return s.accept(r, Delivery{Call: "multicast", To: b.To}, b.body)
}

func (s *Server) broadcast(r *http.Request) (map[string]any, error) {
	var b body
	if err := strict.JSON(r, &b, !s.IsStrict()); err != nil {
		return nil, err
	}
	return s.accept(r, Delivery{Call: "broadcast"}, b)
}

// accept checks the messages and the destinations, and keeps the delivery.
func (s *Server) accept(r *http.Request, d Delivery, b body) (map[string]any, error) {
	if err := checkMessages(b.Messages, !s.IsStrict()); err != nil {
		return nil, err
	}
	count, known := s.count(d.To)
	switch {
	case !known:
		return nil, refuse(http.StatusBadRequest, "Failed to send messages")
	case s.limit >= 0 && s.used+count > s.limit:
		return nil, refuse(http.StatusTooManyRequests, "You have reached your monthly limit.")
	}
	s.used += count
	d.Time, d.RetryKey = s.Now(), r.Header.Get("X-Line-Retry-Key")
	d.Messages, d.NotificationDisabled = b.Messages, b.NotificationDisabled
	s.deliveries.Add(d)
	s.Accept()
	answer := s.sentMessages(d)
	if d.RetryKey != "" {
		s.accepted[d.RetryKey] = accepted{d.Time, s.requestID(), answer}
	}
	return answer, nil
}

// count returns how many messages of the month a delivery counts. A broadcast counts one per friend. It reports false
// if a destination is unknown.
func (s *Server) count(to []string) (n int64, known bool) {
	if to == nil {
		for id := range s.members {
			if id[0] == 'U' {
				n++
			}
		}
		return n, true
	}
	for _, id := range to {
		members, known := s.members[id]
		if !known {
			return 0, false
		}
		n += members
	}
	return n, true
}

// sentMessages returns the answer to a delivery: the ids of the messages in a push, otherwise an empty object.
func (s *Server) sentMessages(d Delivery) map[string]any {
	if d.Call != "push" {
		return map[string]any{}
	}
	var sent []map[string]string
	for range d.Messages {
		s.sent++
		id := strconv.FormatInt(460_000_000_000_000_000+int64(s.sent), 10)
		sent = append(sent, map[string]string{"id": id, "quoteToken": "quote-" + id})
	}
	return map[string]any{"sentMessages": sent}
}

func (s *Server) quota(*http.Request) (map[string]any, error) {
	if s.limit < 0 {
		return map[string]any{"type": "none"}, nil
	}
	return map[string]any{"type": "limited", "value": s.limit}, nil
}

func (s *Server) consumption(*http.Request) (map[string]any, error) {
	return map[string]any{"totalUsage": s.used}, nil
}
