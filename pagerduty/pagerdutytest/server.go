package pagerdutytest

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// RoutingKey is the integration key that a new server knows.
const RoutingKey = "pagerdutytest0routingkey00000000"

// MemoryBaseURL is the base URL for a client that goes through [fakehttp.Server.Client].
const MemoryBaseURL = fakehttp.MemoryURL + basePath

const basePath = "/v2"

// The limit of https://developer.pagerduty.com/docs/events-api-v2-rate-limits.
const (
	rateLimit  = 120
	rateWindow = time.Minute
)

// maxBody is the size of an event in bytes.
const maxBody = 512000

// A Status is where an incident stands.
type Status string

// The statuses of incidents.
const (
	Triggered    Status = "triggered"
	Acknowledged Status = "acknowledged"
	Resolved     Status = "resolved"
)

// An Incident is what became of one trigger and all the events that followed with its key.
type Incident struct {
	Key    string // dedup_key, given or made up
	Status Status
	Events []Event // oldest first; the first one opened it
}

// A Server is a fake of the Events API. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu        sync.Mutex
	rate      *fakehttp.Window
	incidents map[string][]*Incident // by routing key, oldest first
	made      int                    // keys made up
	dropped   int
}

// NewServer returns a server that knows [RoutingKey]. It listens nowhere until BaseURL, URL or Client is called; Close
// ends it.
func NewServer() *Server {
	s := &Server{incidents: map[string][]*Incident{RoutingKey: nil}, rate: fakehttp.NewWindow(rateLimit, rateWindow)}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// BaseURL returns the base URL of the API on the loopback interface. As URL, it is not for a testing/synctest bubble; see
// [MemoryBaseURL].
func (s *Server) BaseURL() string { return s.URL() + basePath }

// AddKey makes another integration key known.
func (s *Server) AddKey(routingKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.incidents[routingKey] = append([]*Incident(nil), s.incidents[routingKey]...)
}

// SetLimit changes how many events a key may send in a minute, which is 120, and forgets what was counted.
func (s *Server) SetLimit(events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate = fakehttp.NewWindow(events, rateWindow)
}

// Incidents returns what the events for a key have come to, oldest first.
func (s *Server) Incidents(routingKey string) []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Incident, 0, len(s.incidents[routingKey]))
	for _, i := range s.incidents[routingKey] {
		all = append(all, Incident{i.Key, i.Status, slices.Clone(i.Events)})
	}
	return all
}

// Dropped returns how many events were accepted and had nothing to act on.
func (s *Server) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path != basePath+"/enqueue":
		http.NotFound(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	default:
		s.enqueue(w, r)
	}
}

func (s *Server) enqueue(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) > maxBody {
		refuse(w, http.StatusRequestEntityTooLarge, "invalid event", "Event object is too large", "the body is larger than 512 KB")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	e, problems := readEvent(r, body)
	switch {
	case problems == nil:
	case problems[0] == notJSON:
		refuse(w, http.StatusBadRequest, "Unrecognized object", "Event object format is unrecognized", notJSON)
		return
	default:
		refuse(w, http.StatusBadRequest, "invalid event", "Event object is invalid", problems...)
		return
	}
	if _, known := s.incidents[e.RoutingKey]; !known {
		refuse(w, http.StatusBadRequest, "invalid event", "Event object is invalid", "Invalid routing key")
		return
	}
	if _, _, ok := s.rate.Take(e.RoutingKey, s.Now()); !ok {
		http.Error(w, "Request Limit Exceeded", http.StatusTooManyRequests)
		return
	}
	fakehttp.WriteJSON(w, http.StatusAccepted, map[string]any{
		"status": "success", "message": "Event processed", "dedup_key": s.process(e),
	})
}

func refuse(w http.ResponseWriter, status int, kind, message string, problems ...string) {
	fakehttp.WriteJSON(w, status, map[string]any{"status": kind, "message": message, "errors": problems})
}

// process does what an event asks for and returns its key.
func (s *Server) process(e Event) string {
	if e.DedupKey == "" {
		s.made++
		e.DedupKey = "made-up-" + strconv.Itoa(s.made)
	}
	all := s.incidents[e.RoutingKey]
	i := slices.IndexFunc(all, func(i *Incident) bool { return i.Key == e.DedupKey && i.Status != Resolved })
	switch {
	case i < 0 && e.EventAction != "trigger":
		s.dropped++
		return e.DedupKey
	case i < 0:
		i = len(all)
		all = append(all, &Incident{Key: e.DedupKey, Status: Triggered})
		s.incidents[e.RoutingKey] = all
	}
	all[i].Events = append(all[i].Events, e)
	switch e.EventAction {
	case "acknowledge":
		all[i].Status = Acknowledged
	case "resolve":
		all[i].Status = Resolved
	}
	return e.DedupKey
}
