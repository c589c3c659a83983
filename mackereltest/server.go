package mackereltest

import (
	"errors"
	"math/bits"
	"net/http"
	"sync"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The API keys of a new server.
const (
	APIKey         = "mackereltest-api-key"           // may read and write
	ReadOnlyAPIKey = "mackereltest-read-only-api-key" // may read
)

// A Permission is what an API key may do.
type Permission int

// The permissions of API keys. Mackerel has no keys that may only write.
const (
	NoPermission Permission = iota // the key is unknown
	Read
	ReadWrite
)

// A Server is a fake of Mackerel's API with one organization. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu           sync.Mutex
	keys         map[string]Permission
	users        map[string]bool
	channels     []*channel
	ids          uint64 // the number of generated ids
	stringErrors bool
}

// NewServer returns a server without channels and users. It does not listen before URL or Client is called. Close
// ends it.
func NewServer() *Server {
	s := &Server{
		keys:  map[string]Permission{APIKey: ReadWrite, ReadOnlyAPIKey: Read},
		users: make(map[string]bool),
	}
	s.Server = fakehttp.NewServer(s.routes())
	return s
}

// SetPermission adds an API key, changes its permission, or removes it with NoPermission.
func (s *Server) SetPermission(key string, p Permission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = p
}

// AddUsers adds users to the organization. The userIds of a channel must be users of the organization.
func (s *Server) AddUsers(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.users[id] = true
	}
}

// StringErrors switches between the two forms of error body that Mackerel has had: {"error":"..."} if on is true, and
// {"error":{"message":"..."}}, the form of today, if it is false. For other bodies, inject a fault.
func (s *Server) StringErrors(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stringErrors = on
}

// routes lists the endpoints. Every other path is a 404, also without a key. Mackerel has no GET for a single channel.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.writeError(w, &apiError{http.StatusNotFound, "Not found."})
	})
	mux.Handle("GET /api/v0/channels", s.endpoint(Read, s.listChannels))
	mux.Handle("POST /api/v0/channels", s.endpoint(ReadWrite, s.createChannel))
	mux.Handle("PUT /api/v0/channels/{id}", s.endpoint(ReadWrite, s.updateChannel))
	mux.Handle("DELETE /api/v0/channels/{id}", s.endpoint(ReadWrite, s.deleteChannel))
	return mux
}

// An apiError is a refusal with a status. Any other error of an endpoint is a 400.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return e.message }

// endpoint checks the key and answers with what serve returns, while the server is locked.
func (s *Server) endpoint(need Permission, serve func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.authorize(r, need); err != nil {
			s.writeError(w, err)
			return
		}
		answer, err := serve(r)
		if err != nil {
			s.writeError(w, err)
			return
		}
		fakehttp.WriteJSON(w, http.StatusOK, answer)
	})
}

// authorize refuses as Mackerel does. The 401 for an unknown key is not in Mackerel's documentation.
func (s *Server) authorize(r *http.Request, need Permission) error {
	switch have := s.keys[r.Header.Get("X-Api-Key")]; {
	case have == NoPermission:
		return &apiError{http.StatusUnauthorized, "Authentication failed. Please try with valid Api Key."}
	case have < need:
		return &apiError{http.StatusForbidden, "The API key has no write permission."}
	}
	return nil
}

func (s *Server) writeError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var refusal *apiError
	if errors.As(err, &refusal) {
		status = refusal.status
	}
	var body any = map[string]string{"message": err.Error()}
	if s.stringErrors {
		body = err.Error()
	}
	fakehttp.WriteJSON(w, status, map[string]any{"error": body})
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID returns an id that looks like Mackerel's: eleven characters of base 62. Every new server returns the same ids
// in the same order. No id is repeated, because step and the number of ids have no common factor.
func (s *Server) newID() string {
	const all, step = 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62, 519_283_746_152_839_479
	s.ids++
	high, low := bits.Mul64(s.ids, step)
	n := bits.Rem64(high, low, all)
	id := []byte("4..........")
	for i := 1; i < len(id); i++ {
		id[i] = base62[n%62]
		n /= 62
	}
	if s.find(string(id)) >= 0 { // taken by AddChannel
		return s.newID()
	}
	return string(id)
}
