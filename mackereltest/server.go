package mackereltest

import (
	"errors"
	"math/bits"
	"net/http"
	"sync"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The keys that a new server knows.
const (
	APIKey         = "mackereltest-api-key"           // may read and write
	ReadOnlyAPIKey = "mackereltest-read-only-api-key" // may read
)

// A Permission is what an API key may do.
type Permission int

// The permissions of API keys. Mackerel knows no key that only writes.
const (
	NoPermission Permission = iota // as good as unknown
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
	ids          uint64 // how many were generated
	stringErrors bool
}

// NewServer returns a server without channels and users. It listens nowhere until URL or Client is called; Close ends
// it.
func NewServer() *Server {
	s := &Server{
		keys:  map[string]Permission{APIKey: ReadWrite, ReadOnlyAPIKey: Read},
		users: make(map[string]bool),
	}
	s.Server = fakehttp.NewServer(s.routes())
	return s
}

// SetPermission adds an API key, changes what it may do or, with NoPermission, removes it.
func (s *Server) SetPermission(key string, p Permission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = p
}

// AddUsers makes users members of the organization, so that a channel's userIds may name them.
func (s *Server) AddUsers(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.users[id] = true
	}
}

// StringErrors chooses between the two forms of error body that Mackerel has had: {"error":{"message":"..."}}, which is
// today's and the default, and {"error":"..."}. For others inject a fault.
func (s *Server) StringErrors(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stringErrors = on
}

// routes lists the endpoints. Everything else is a 404, even to somebody without a key, and even the path of a single
// channel, which Mackerel lets nobody GET.
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

// An apiError is a refusal with a status of its own. Any other error of an endpoint is a 400.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return e.message }

// endpoint checks the key and answers with what serve returns. The server is locked meanwhile.
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

// authorize gives the answers that Mackerel gives: an unknown key is a 401, which its documentation does not mention.
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

// newID returns an id that looks like Mackerel's, eleven characters of base 62. Every new server returns the same ones in
// the same order. Because the step has no factor in common with the number of ids, none comes twice.
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
