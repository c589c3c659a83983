package mackereltest

import (
	"math/bits"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The API keys of a new server.
const (
	APIKey         = "mackereltest-api-key"           // may read and write
	ReadOnlyAPIKey = "mackereltest-read-only-api-key" // may read
)

// A Permission is what an API key may do.
type Permission int

// The permissions.
const (
	Read Permission = iota + 1
	ReadWrite
)

// lane is the only lane. No limit is documented for these requests.
const lane = "requests"

// A Server is a fake of one organization. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu           sync.Mutex
	keys         map[string]Permission
	organization string
	users        map[string]bool
	userOrder    []string
	channels     []*channel
	groups       []*group
	alerts       map[string]*alert
	newest       []*alert // the alerts in the order in which they are listed
	monitors     []entry
	checks       []entry
	hosts        []entry
	services     []service
	ids          uint64 // the number of generated ids
	stringErrors bool
}

// New returns a server that has only the default notification group. Close ends it.
func New() *Server {
	s := &Server{
		keys: map[string]Permission{APIKey: ReadWrite, ReadOnlyAPIKey: Read}, users: make(map[string]bool),
		alerts: make(map[string]*alert), organization: "mackereltest",
	}
	s.groups = []*group{newDefaultGroup()}
	s.Server = fakehttp.NewFake(s.serve, s.badRequest, fakehttp.Limit{Lane: lane})
	return s
}

// Config returns the configuration of a client that reaches the fake over the loopback interface.
func (s *Server) Config() mackerel.ClientConfig {
	return mackerel.ClientConfig{
		APIKey: mackerel.NewSecret(APIKey), BaseURL: s.URL(), Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// MemoryConfig returns the configuration of a client that reaches the fake in memory, for testing/synctest.
func (s *Server) MemoryConfig() mackerel.ClientConfig {
	return mackerel.ClientConfig{
		APIKey: mackerel.NewSecret(APIKey), BaseURL: fakehttp.MemoryURL,
		Call: mackerel.CallOptions{Client: s.Client(), Pace: mackerel.Unpaced},
	}
}

// AddToken adds an API key, or changes its permission.
func (s *Server) AddToken(key string, p Permission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = p
}

// RevokeToken removes an API key.
func (s *Server) RevokeToken(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// AddUsers adds users to the organization. The userIds of a channel must be users of the organization.
func (s *Server) AddUsers(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if !s.users[id] {
			s.userOrder = append(s.userOrder, id)
		}
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

// An operation is an entry of the API's reference. In the path, * stands for an id.
type operation struct {
	method, path string
	need         Permission
	serve        func(s *Server, r *http.Request, id string) (any, error)
}

// operations lists the API. Every other path is a 404, also without a key. Mackerel has no GET for a single channel.
var operations = []operation{
	{"GET", "/api/v0/channels", Read, (*Server).listChannels},
	{"POST", "/api/v0/channels", ReadWrite, (*Server).createChannel},
	{"PUT", "/api/v0/channels/*", ReadWrite, (*Server).updateChannel},
	{"DELETE", "/api/v0/channels/*", ReadWrite, (*Server).deleteChannel},
	{"GET", "/api/v0/notification-groups", Read, (*Server).listGroups},
	{"POST", "/api/v0/notification-groups", ReadWrite, (*Server).createGroup},
	{"PUT", "/api/v0/notification-groups/*", ReadWrite, (*Server).updateGroup},
	{"DELETE", "/api/v0/notification-groups/*", ReadWrite, (*Server).deleteGroup},
	{"GET", "/api/v0/alerts", Read, (*Server).listAlerts},
	{"GET", "/api/v0/alerts/*", Read, (*Server).getAlert},
	{"PUT", "/api/v0/alerts/*", ReadWrite, (*Server).setMemo},
	{"POST", "/api/v0/alerts/*/close", ReadWrite, (*Server).closeAlert},
	{"GET", "/api/v0/alerts/*/logs", Read, (*Server).listLogs},
	{"GET", "/api/v0/monitors", Read, (*Server).listMonitors},
	{"GET", "/api/v0/monitors/*", Read, (*Server).getMonitor},
	{"GET", "/api/v0/monitoring/checks", Read, (*Server).listChecks},
	{"GET", "/api/v0/monitoring/checks/*", Read, (*Server).getCheck},
	{"GET", "/api/v0/hosts", Read, (*Server).listHosts},
	{"GET", "/api/v0/hosts/*", Read, (*Server).getHost},
	{"GET", "/api/v0/services", Read, (*Server).listServices},
	{"GET", "/api/v0/users", Read, (*Server).listUsers},
	{"GET", "/api/v0/org", Read, (*Server).getOrganization},
}

// serve answers a request. The server is locked meanwhile.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range operations {
		if matches, _ := path.Match(op.path, r.URL.Path); !matches || op.method != r.Method {
			continue
		}
		if err := s.authorize(r, op.need); err != nil {
			return err
		}
		answer, err := op.serve(s, r, idIn(op.path, r.URL.Path))
		if err != nil {
			return err
		}
		if op.need == ReadWrite {
			s.Accept()
		}
		fakehttp.WriteJSON(w, http.StatusOK, answer)
		return nil
	}
	return s.refuse(http.StatusNotFound, "Not found.")
}

// idIn returns the element of a path that stands where the pattern has *, or "".
func idIn(pattern, path string) string {
	elements := strings.Split(path, "/")
	for i, e := range strings.Split(pattern, "/") {
		if e == "*" && i < len(elements) {
			return elements[i]
		}
	}
	return ""
}

// authorize refuses as Mackerel does. The 401 for an unknown key is not in Mackerel's documentation.
func (s *Server) authorize(r *http.Request, need Permission) error {
	key := r.Header.Get("X-Api-Key")
	a := s.Take(lane, key)
	switch have, known := s.keys[key]; {
	case !known:
		return s.refuse(http.StatusUnauthorized, "Authentication failed. Please try with valid Api Key.")
	case have < need:
		return s.refuse(http.StatusForbidden, "The API key has no write permission.")
	case !a.OK:
		refusal := s.refuse(http.StatusTooManyRequests, "The number of requests per minute is exceeded.")
		refusal.Header.Set("Retry-After", a.RetryAfter())
		return refusal
	}
	return nil
}

// refuse returns an error in the form that StringErrors has chosen.
func (s *Server) refuse(status int, message string) *fakehttp.Refusal {
	var body any = map[string]string{"message": message}
	if s.stringErrors {
		body = message
	}
	return fakehttp.RefuseJSON(status, map[string]any{"error": body}, message)
}

func (s *Server) badRequest(err error) *fakehttp.Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuse(http.StatusBadRequest, err.Error())
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
