package chatworktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// What a new server has: one account with a token, in one room besides its own.
const (
	Token     = "chatworktest-api-token"
	AccountID = 123
	RoomID    = 567890123
)

// MemoryBaseURL is the base URL for a client that goes through [fakehttp.Server.Client]. With that client any other host
// leads to the fake too, api.chatwork.com included.
const MemoryBaseURL = fakehttp.MemoryURL + basePath

const basePath = "/v2"

// The limits of https://developer.chatwork.com/docs/endpoints. The room's is for messages and tasks together.
const (
	callLimit  = 300
	callWindow = 5 * time.Minute
	postLimit  = 10
	postWindow = 10 * time.Second
)

// A Server is a fake of the Chatwork API. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	calls *fakehttp.Window // by token
	posts *fakehttp.Window // by room

	mu       sync.Mutex
	tokens   map[string]*Account
	accounts map[int64]*Account
	rooms    []*room
	seen     map[place]int // how many messages of a room force=0 has given
	contacts []contact
	incoming []incomingRequest
	offers   []offer       // addresses of files
	retained time.Duration // how old a message may be for the plan to show it, 0 for any age
	ids      int64         // how many ids were generated, but for those of messages
	posted   int64         // how many ids of messages were generated
}

// NewServer returns a server with the account [AccountID], "John Smith", whose token is [Token], and with the room
// [RoomID], in which the account is alone. It listens nowhere until BaseURL, URL or Client is called; Close ends it.
func NewServer() *Server {
	s := &Server{
		calls:    fakehttp.NewWindow(callLimit, callWindow),
		posts:    fakehttp.NewWindow(postLimit, postWindow),
		tokens:   make(map[string]*Account),
		accounts: make(map[int64]*Account),
		seen:     make(map[place]int),
	}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	s.AddAccount(johnSmith)
	s.SetToken(Token, AccountID)
	s.AddRoom(Room{RoomID: RoomID, Name: "Group Chat Name", Members: map[int64]Role{AccountID: RoleAdmin}})
	return s
}

// BaseURL returns the base URL of the API on the loopback interface, such as "http://127.0.0.1:50123/v2". As URL, it is
// not for a testing/synctest bubble; see [MemoryBaseURL].
func (s *Server) BaseURL() string { return s.URL() + basePath }

// SetToken gives an account a token, in addition to those it has, or with the account 0 revokes the token. It panics if
// there is no such account.
func (s *Server) SetToken(token string, accountID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if accountID == 0 {
		delete(s.tokens, token)
		return
	}
	s.tokens[token] = s.mustAccount("SetToken", accountID)
}

// bearer is what is before an access token of OAuth 2.0 in its header, and in the server's list of tokens.
const bearer = "Bearer "

// SetAccessToken is SetToken for an access token of OAuth 2.0, which goes into the header Authorization. It has all
// scopes. To revoke it is what its end after some minutes comes to.
func (s *Server) SetAccessToken(token string, accountID int64) { s.SetToken(bearer+token, accountID) }

// credential is what a request has for a token. Of two, none is.
func credential(r *http.Request) string {
	token, access := r.Header.Get("X-ChatWorkToken"), r.Header.Get("Authorization")
	switch {
	case access == "" && !strings.HasPrefix(token, bearer):
		return token
	case token == "" && strings.HasPrefix(access, bearer):
		return access
	}
	return ""
}

// refuse refuses a token. Of OAuth's it says more.
// See https://developer.chatwork.com/docs/oauth.
func refuse(h http.Header, token string) error {
	if strings.HasPrefix(token, bearer) {
		h.Set("Www-Authenticate", `Bearer error="invalid_token", error_description="The access token expired"`)
	}
	return errToken
}

// An apiError is a refusal: a status, and the text in {"errors":["..."]}.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

var (
	errToken        = &apiError{http.StatusUnauthorized, "Invalid API token"}
	errEndpoint     = &apiError{http.StatusNotFound, "Invalid Endpoint or HTTP method"}
	errCallLimit    = &apiError{http.StatusTooManyRequests, "Rate limit exceeded"}
	errPostLimit    = &apiError{http.StatusTooManyRequests, "Rate limit for message posting per room exceeded."}
	errNoPermission = &apiError{http.StatusForbidden, "You don't have permission to send/edit message."}
	errNoRoom       = &apiError{http.StatusForbidden, "You don't have permission to access this room."}
)

// serve answers one request. The server is locked meanwhile.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, downloads) {
		s.download(w, r)
		return
	}
	answer, err := s.handle(w.Header(), r)
	switch {
	case err != nil:
		writeError(w, err)
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// handle returns the answer of the operation, nil for one without content. Every request counts for the limit of its
// token, even if that is unknown, so that every answer has the headers.
func (s *Server) handle(h http.Header, r *http.Request) (any, error) {
	token := credential(r)
	if !s.take(h, token) {
		return nil, errCallLimit
	}
	op, ids := match(r)
	if op == nil {
		return nil, errEndpoint
	}
	account := s.tokens[token]
	if account == nil {
		return nil, refuse(h, token)
	}
	c := &call{token: token, account: account, ids: ids, header: h, host: r.Host}
	if err := s.prepare(c, op, r); err != nil {
		return nil, err
	}
	return op.serve(s, c)
}

// take counts a request and writes the headers. The window begins with a whole second, because the header that says
// when it ends cannot say it any finer.
func (s *Server) take(h http.Header, token string) bool {
	remaining, reset, ok := s.calls.Take(token, s.Now().Truncate(time.Second))
	h.Set("X-Ratelimit-Limit", strconv.Itoa(callLimit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(remaining))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	return ok
}

func writeError(w http.ResponseWriter, err error) {
	status, text := http.StatusBadRequest, err.Error()
	var refusal *apiError
	var field *fakehttp.FieldError
	switch {
	case errors.As(err, &refusal):
		status = refusal.status
	case errors.As(err, &field):
		text = "Parameter '" + field.Field + "' " + field.Problem
	}
	writeJSON(w, status, map[string][]string{"errors": {text}})
}

// writeJSON answers in ASCII: like Chatwork it writes everything else as \uXXXX, surrogate pairs included.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("chatworktest: " + err.Error()) // a mistake in the fake
	}
	const hex = "0123456789abcdef"
	var ascii []byte
	for _, r := range string(bytes.TrimSuffix(text.Bytes(), []byte("\n"))) {
		if r < 0x80 {
			ascii = append(ascii, byte(r))
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			ascii = append(ascii, '\\', 'u', hex[u>>12], hex[u>>8&15], hex[u>>4&15], hex[u&15])
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(ascii) // fails only if the client has gone
}
