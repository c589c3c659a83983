// Package opsgeniefake is the fake of the alert API that Opsgenie and Jira Service Management share. The packages
// opsgenietest and jsmtest are built on it. They declare Alert once more, with documentation, and convert it.
package opsgeniefake

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// A Dialect is what differs between the two services.
type Dialect struct {
	Base string // the path of the API
	Key  string // the API key that a new server knows
	Bare bool   // the status of a request has no "data" around it
}

// lane is the lane of the only limit.
const lane = "requests"

// A Server is a fake of one account. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	dialect Dialect

	mu       sync.Mutex
	pending  int
	alerts   []*Alert
	requests map[string]*request // by id, those that were accepted
	received int                 // requests
}

// New returns a server that knows one key. Close ends it.
func New(d Dialect) *Server {
	s := &Server{dialect: d, pending: 1, requests: make(map[string]*request)}
	s.Server = fakehttp.NewFake(s.serve, nil, fakehttp.Limit{Lane: lane}) // the numbers are not published
	s.AddToken(d.Key)
	return s
}

// SetPending sets how often the status of a request is not found before it is found.
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

// A refusal is an answer that refuses a request, without the id of the request.
type refusal struct {
	status  int
	message string
	errors  map[string]string // by field
}

func (r *refusal) Error() string { return r.message }

var errNotFound = &refusal{status: http.StatusNotFound, message: "Not found"}

// serve puts the id of the request into the header and the body of every answer.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received++
	id := fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.received, s.received)
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("X-Response-Time", "0.001")
	w.Header().Set("X-RateLimit-State", "OK")
	status, answer, err := s.answer(w.Header(), r, id)
	if err != nil {
		return refuse(err, id)
	}
	answer["took"], answer["requestId"] = 0.001, id
	fakehttp.WriteJSON(w, status, answer)
	return nil
}

func refuse(err error, id string) *fakehttp.Refusal {
	r := &refusal{status: http.StatusBadRequest, message: "Could not parse request body: " + err.Error()}
	errors.As(err, &r)
	answer, words := map[string]any{"message": r.message, "took": 0.001, "requestId": id}, []string{r.message}
	if len(r.errors) > 0 {
		answer["errors"] = r.errors
	}
	for _, field := range slices.Sorted(maps.Keys(r.errors)) {
		words = append(words, field+": "+r.errors[field])
	}
	return fakehttp.RefuseJSON(r.status, answer, strings.Join(words, " "))
}

func (s *Server) answer(header http.Header, r *http.Request, id string) (int, map[string]any, error) {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "GenieKey ")
	if !ok || !s.HasToken(key) {
		return 0, nil, &refusal{status: http.StatusUnauthorized, message: "Could not authenticate"}
	}
	if a := s.Take(lane, key); !a.OK {
		header.Set("X-RateLimit-State", "THROTTLED")
		header.Set("X-RateLimit-Reason", "ACCOUNT")
		header.Set("X-RateLimit-Period-In-Sec", a.RetryAfter())
		return 0, nil, &refusal{status: http.StatusTooManyRequests, message: "TooManyRequests"}
	}
	path := s.path(r)
	switch {
	case path == nil:
		return 0, nil, errNotFound
	case len(path) == 3 && path[1] == "requests" && r.Method == http.MethodGet:
		return s.requestStatus(header, path[2])
	case r.Method != http.MethodPost:
		return 0, nil, &refusal{status: http.StatusMethodNotAllowed, message: "Method not allowed"}
	case len(path) == 1:
		return s.create(r, id)
	case len(path) == 3:
		return s.act(r, id, path[1], path[2])
	}
	return 0, nil, errNotFound
}

// path returns the elements of the path from "alerts" on, unescaped, or nil if it does not lead to alerts. A slash at
// the end counts for nothing: the vendor's client for Node.js writes it.
func (s *Server) path(r *http.Request) []string {
	below, ok := strings.CutPrefix(r.URL.EscapedPath(), s.dialect.Base+"/")
	path := strings.Split(strings.TrimSuffix(below, "/"), "/")
	for i, element := range path {
		name, err := url.PathUnescape(element)
		if path[i] = name; err != nil {
			return nil
		}
	}
	if !ok || path[0] != "alerts" {
		return nil
	}
	return path
}

// decode decodes a body into what v points to. A body that is not JSON is a 400, a wrong member a 422.
func (s *Server) decode(r *http.Request, v any) error {
	if r.ContentLength == 0 {
		return &refusal{status: http.StatusBadRequest, message: "Request body is missing"}
	}
	err := strict.JSON(r, v, !s.IsStrict())
	var field *strict.FieldError
	switch {
	case errors.Is(err, strict.ErrContentType):
		return &refusal{status: http.StatusUnsupportedMediaType, message: "Unsupported media type"}
	case errors.As(err, &field):
		return problems{field.Field: field.Problem}.refusal()
	}
	return err
}

// A request is a request that was accepted, and its outcome.
type request struct {
	action  string
	success bool
	status  string
	alert   *Alert // nil if the request changed no alert
	alias   string
	at      time.Time
	pending int // how often its status is not found yet
}

// accept keeps a request.
func (s *Server) accept(id string, r request) (int, map[string]any, error) {
	r.at, r.pending = s.Now(), s.pending
	s.requests[id] = &r
	return http.StatusAccepted, map[string]any{"result": "Request will be processed"}, nil
}

func (s *Server) requestStatus(header http.Header, id string) (int, map[string]any, error) {
	r := s.requests[id]
	if r == nil || r.pending > 0 {
		if r != nil {
			r.pending--
			header.Set("X-Opsgenie-Errortype", "RequestNotProcessed") // the official client asks again only then
		}
		const message = "Request not found. It might not be processed, yet."
		return 0, nil, &refusal{status: http.StatusNotFound, message: message}
	}
	data := map[string]any{
		"success": r.success, "isSuccess": r.success, "action": r.action, "status": r.status, "alias": r.alias,
		"processedAt":   r.at.UTC().Format("2006-01-02T15:04:05.000Z"),
		"integrationId": "c9cec2cb-e782-4ebb-bc1d-1b2fa703cf03",
	}
	if r.alert != nil {
		data["alertId"] = r.alert.ID
	}
	if s.dialect.Bare {
		return http.StatusOK, data, nil
	}
	return http.StatusOK, map[string]any{"data": data}, nil
}
