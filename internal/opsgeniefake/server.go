// Package opsgeniefake is the fake of the alert API that Opsgenie and Jira Service Management have in common. The
// packages opsgenietest and jsmtest show it under the two addresses, with types of their own, because what is internal
// has no documentation that a reader could see.
package opsgeniefake

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A Server is a fake of one account. It is safe for concurrent use.
type Server struct {
	HTTP *fakehttp.Server

	base string // the path of the API
	flat bool   // a request's status has no data around it

	mu       sync.Mutex
	keys     map[string]bool
	limit    *fakehttp.Window // nil for none
	pending  int
	alerts   []*Alert
	requests map[string]*Request
	sent     int // requests accepted
}

// window is what the limit of requests is for.
const window = time.Minute

// New returns a server that knows one key. The path is that of the API.
func New(base, key string, flat bool) *Server {
	s := &Server{base: base, flat: flat, keys: map[string]bool{key: true}, requests: make(map[string]*Request), pending: 1}
	s.HTTP = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// AddKey makes another key known.
func (s *Server) AddKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = true
}

// SetLimit sets how many requests are taken in a minute.
func (s *Server) SetLimit(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = fakehttp.NewWindow(requests, window)
}

// SetPending sets how often the status of a request is not found before it is.
func (s *Server) SetPending(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = times
}

// Alerts returns all alerts, oldest first.
func (s *Server) Alerts() []Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Alert, 0, len(s.alerts))
	for _, a := range s.alerts {
		copied := *a
		copied.Notes = slices.Clone(a.Notes)
		all = append(all, copied)
	}
	return all
}

// A Request is one that was accepted.
type Request struct {
	action  string
	success bool
	status  string
	alert   *Alert // nil if there is none
	alias   string
	at      time.Time
	pending int
}

// A refusal is an answer that is no success.
type refusal struct {
	status  int
	message string
	errors  map[string]string
}

func (r *refusal) Error() string { return r.message }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	id := fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.sent, s.sent)
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("X-Response-Time", "0.001")
	w.Header().Set("X-RateLimit-State", "OK")
	status, answer, err := s.answer(w.Header(), r, id)
	if err != nil {
		status, answer = err.status, map[string]any{"message": err.message}
		if len(err.errors) > 0 {
			answer["errors"] = err.errors
		}
	}
	answer["took"], answer["requestId"] = 0.001, id
	fakehttp.WriteJSON(w, status, answer)
}

func (s *Server) answer(header http.Header, r *http.Request, id string) (int, map[string]any, *refusal) {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "GenieKey ")
	if !ok || !s.keys[key] {
		return 0, nil, &refusal{status: http.StatusUnauthorized, message: "Could not authenticate"}
	}
	if err := s.take(header, key); err != nil {
		return 0, nil, err
	}
	path, err := s.path(r)
	switch {
	case err != nil:
		return 0, nil, err
	case len(path) == 2 && path[0] == "requests" && r.Method == http.MethodGet:
		return s.requestStatus(path[1])
	case r.Method != http.MethodPost:
		return 0, nil, &refusal{status: http.StatusMethodNotAllowed, message: "Method not allowed"}
	case len(path) == 0:
		return s.create(r, id)
	case len(path) == 2:
		return s.act(r, id, path[0], path[1])
	}
	return 0, nil, errNotFound
}

var errNotFound = &refusal{status: http.StatusNotFound, message: "Not found"}

// take counts a request.
func (s *Server) take(header http.Header, key string) *refusal {
	if s.limit == nil {
		return nil
	}
	now := s.HTTP.Now()
	_, reset, ok := s.limit.Take(key, now)
	if ok {
		return nil
	}
	header.Set("X-RateLimit-State", "THROTTLED")
	header.Set("X-RateLimit-Reason", "ACCOUNT")
	header.Set("X-RateLimit-Period-In-Sec", strconv.Itoa(int((reset.Sub(now)+time.Second-1)/time.Second)))
	return &refusal{status: http.StatusTooManyRequests, message: "You are making too many requests!"}
}

// path returns what is below /alerts, unescaped.
func (s *Server) path(r *http.Request) ([]string, *refusal) {
	below, ok := strings.CutPrefix(r.URL.EscapedPath(), s.base+"/alerts")
	if !ok || below != "" && below[0] != '/' {
		return nil, errNotFound
	}
	var path []string
	for e := range strings.SplitSeq(strings.TrimPrefix(below, "/"), "/") {
		name, err := url.PathUnescape(e)
		if err != nil {
			return nil, errNotFound
		}
		if name != "" {
			path = append(path, name)
		}
	}
	return path, nil
}

// accept notes a request and what became of it.
func (s *Server) accept(id string, r Request) (int, map[string]any, *refusal) {
	r.at, r.pending = s.HTTP.Now(), s.pending
	s.requests[id] = &r
	return http.StatusAccepted, map[string]any{"result": "Request will be processed"}, nil
}

func (s *Server) requestStatus(id string) (int, map[string]any, *refusal) {
	r := s.requests[id]
	if r == nil || r.pending > 0 {
		if r != nil {
			r.pending--
		}
		return 0, nil, &refusal{status: http.StatusNotFound, message: "Request not found. It might not be processed, yet."}
	}
	data := map[string]any{
		"success": r.success, "action": r.action, "processedAt": r.at.UTC().Format("2006-01-02T15:04:05.000Z"),
		"integrationId": "c9cec2cb-e782-4ebb-bc1d-1b2fa703cf03", "isSuccess": r.success, "status": r.status, "alias": r.alias,
	}
	if r.alert != nil {
		data["alertId"] = r.alert.ID
	}
	if s.flat {
		return http.StatusOK, data, nil
	}
	return http.StatusOK, map[string]any{"data": data}, nil
}
