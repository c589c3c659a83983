package pagerdutytest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
	"github.com/mackerel-notify/mackerel/pagerduty"
)

// RoutingKey is the integration key that a new server knows.
const RoutingKey = "pagerdutytest0routingkey00000000"

// basePath is the path of the API.
const basePath = "/v2"

// lane is the lane of the only limit. See https://developer.pagerduty.com/docs/events-api-v2-rate-limits.
const lane = "events"

// A Server is a fake of the Events API. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu        sync.Mutex
	incidents map[string][]*Incident // by routing key, oldest first
	last      map[string][]byte      // the body of the last event, by routing key and dedup key
	made      int                    // dedup keys
	dropped   int
}

// New returns a server with the token [RoutingKey]. Close ends it.
func New() *Server {
	s := &Server{incidents: make(map[string][]*Incident), last: make(map[string][]byte)}
	s.Server = fakehttp.NewFake(s.serve, refuseBody, fakehttp.Limit{Lane: lane, N: 120, Per: time.Minute})
	s.AddToken(RoutingKey)
	return s
}

// Config returns the configuration of a notifier that sends to the fake over the loopback interface.
func (s *Server) Config() pagerduty.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that sends to the fake in memory, for testing/synctest.
func (s *Server) MemoryConfig() pagerduty.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) pagerduty.Config {
	return pagerduty.Config{
		RoutingKey: mackerel.NewSecret(RoutingKey), BaseURL: base + basePath, Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// Incidents returns the incidents of an integration key, oldest first.
func (s *Server) Incidents(routingKey string) []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Incident
	for _, i := range s.incidents[routingKey] {
		all = append(all, Incident{i.Key, i.Status, slices.Clone(i.Events)})
	}
	return all
}

// Dropped returns how many events were accepted and did nothing, because no incident with their key was open.
func (s *Server) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// A Status is the status of an incident.
type Status string

// The statuses of incidents.
const (
	Triggered    Status = "triggered"
	Acknowledged Status = "acknowledged"
	Resolved     Status = "resolved"
)

// An Incident is one incident with its events.
type Incident struct {
	Key    string // dedup_key, given or made by the server
	Status Status
	Events []Event // oldest first; the first event opened the incident
}

// An Event is an event as it was sent.
type Event struct {
	RoutingKey  string   `json:"routing_key"`
	EventAction string   `json:"event_action"`
	DedupKey    string   `json:"dedup_key,omitzero"` // made by the server if there was none
	Payload     *Payload `json:"payload,omitzero"`   // nil if there was none
	Images      []Image  `json:"images,omitzero"`
	Links       []Link   `json:"links,omitzero"`
	Client      string   `json:"client,omitzero"`
	ClientURL   string   `json:"client_url,omitzero"`
}

// A Payload is what an event says.
type Payload struct {
	Summary       string         `json:"summary"`
	Source        string         `json:"source"`
	Severity      string         `json:"severity"`
	Timestamp     string         `json:"timestamp,omitzero"`
	Component     string         `json:"component,omitzero"`
	Group         string         `json:"group,omitzero"`
	Class         string         `json:"class,omitzero"`
	CustomDetails map[string]any `json:"custom_details,omitzero"`
}

// An Image is a picture of an incident.
type Image struct {
	Src  string `json:"src"`
	Href string `json:"href,omitzero"`
	Alt  string `json:"alt,omitzero"`
}

// A Link is a link of an incident.
type Link struct {
	Href string `json:"href"`
	Text string `json:"text,omitzero"`
}

// refuse returns a refusal in PagerDuty's form.
func refuse(status int, kind, message string, problems ...string) *fakehttp.Refusal {
	answer := map[string]any{"status": kind, "message": message, "errors": problems}
	return fakehttp.RefuseJSON(status, answer, strings.Join(problems, "; "))
}

func invalidEvent(problems ...string) *fakehttp.Refusal {
	return refuse(http.StatusBadRequest, "invalid event", "Event object is invalid", problems...)
}

// refuseBody refuses a body that cannot be decoded.
func refuseBody(err error) *fakehttp.Refusal {
	if field := new(strict.FieldError); errors.As(err, &field) {
		return invalidEvent(field.Error())
	}
	const unrecognized = "Event object format is unrecognized"
	refusal := refuse(http.StatusBadRequest, "Unrecognized object", unrecognized, "JSON parse error")
	refusal.Problem = err.Error()
	return refusal
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	switch {
	case r.URL.Path != basePath+"/enqueue":
		return &fakehttp.Refusal{Status: http.StatusNotFound, Problem: "no such path: " + r.URL.Path}
	case r.Method != http.MethodPost:
		return &fakehttp.Refusal{
			Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {http.MethodPost}}, Problem: r.Method,
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	e, err := s.read(r, body)
	if err != nil {
		return err
	}
	fakehttp.WriteJSON(w, http.StatusAccepted, map[string]any{
		"status": "success", "message": "Event processed", "dedup_key": s.process(e, body),
	})
	return nil
}

// read returns the event in a request that PagerDuty would accept.
func (s *Server) read(r *http.Request, body []byte) (e Event, err error) {
	if len(body) > maxBody {
		const tooLarge = "Event object is too large"
		return e, refuse(http.StatusRequestEntityTooLarge, "invalid event", tooLarge, "more than 512 KB")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := strict.JSON(r, &e, !s.IsStrict()); err != nil {
		return e, err
	}
	problems := e.problems()
	switch {
	case len(problems) > 0:
		return e, invalidEvent(problems...)
	case !s.HasToken(e.RoutingKey):
		return e, invalidEvent("Invalid routing key")
	case !s.Take(lane, e.RoutingKey).OK:
		return e, &fakehttp.Refusal{
			Status: http.StatusTooManyRequests, Body: "Request Limit Exceeded", Problem: "too many events",
		}
	}
	return e, nil
}

// process does what an event asks for, and returns its key.
func (s *Server) process(e Event, body []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.DedupKey == "" {
		s.made++
		e.DedupKey = "made-up-" + strconv.Itoa(s.made)
	}
	if key := e.RoutingKey + e.DedupKey; !bytes.Equal(s.last[key], body) {
		s.last[key] = body
		s.Accept()
	}
	incident := s.open(e)
	if incident == nil {
		s.dropped++
		return e.DedupKey
	}
	incident.Events = append(incident.Events, e)
	switch e.EventAction {
	case "acknowledge":
		incident.Status = Acknowledged
	case "resolve":
		incident.Status = Resolved
	}
	return e.DedupKey
}

// open returns the open incident of an event, which a trigger opens if there is none.
func (s *Server) open(e Event) *Incident {
	for _, i := range s.incidents[e.RoutingKey] {
		if i.Key == e.DedupKey && i.Status != Resolved {
			return i
		}
	}
	if e.EventAction != "trigger" {
		return nil
	}
	opened := &Incident{Key: e.DedupKey, Status: Triggered}
	s.incidents[e.RoutingKey] = append(s.incidents[e.RoutingKey], opened)
	return opened
}
