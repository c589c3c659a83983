package jsmtest

import (
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/opsgeniefake"
)

// APIKey is the key that a new server knows.
const APIKey = "jsmtest-api-key"

// MemoryBaseURL is the base URL for a client that goes through [fakehttp.Server.Client].
const MemoryBaseURL = fakehttp.MemoryURL + basePath

const basePath = "/jsm/ops/integration/v2"

// A Server is a fake of one account. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	api *opsgeniefake.Server
}

// An Alert is what became of one creation and all the requests that followed for it.
type Alert struct {
	ID           string // the server's own
	Alias        string // given, or the ID
	Closed       bool
	Acknowledged bool
	Count        int // creations with its alias while it was open
	Message      string
	Description  string
	Responders   []Responder
	Tags         []string
	Details      map[string]string
	Entity       string
	Source       string
	Priority     string   // P3 unless given
	Notes        []string // oldest first
}

// A Responder is somebody who is told of an alert.
type Responder struct{ Type, ID, Name, Username string }

// NewServer returns a server that knows [APIKey]. It listens nowhere until BaseURL, URL or Client is called; Close ends
// it.
func NewServer() *Server {
	api := opsgeniefake.New(basePath, APIKey, true)
	return &Server{Server: api.HTTP, api: api}
}

// BaseURL returns the base URL of the API on the loopback interface. As URL, it is not for a testing/synctest bubble; see
// [MemoryBaseURL].
func (s *Server) BaseURL() string { return s.URL() + basePath }

// AddKey makes another key known.
func (s *Server) AddKey(key string) { s.api.AddKey(key) }

// SetLimit sets how many requests each key may make in a minute, and forgets what was counted. A new server has no limit.
func (s *Server) SetLimit(requests int) { s.api.SetLimit(requests) }

// SetPending sets how often the status of a request is not found before it is, which is once in a new server. It is for
// requests to come.
func (s *Server) SetPending(times int) { s.api.SetPending(times) }

// Alerts returns all alerts, oldest first, closed ones included.
func (s *Server) Alerts() []Alert {
	var all []Alert
	for _, a := range s.api.Alerts() {
		var responders []Responder
		for _, r := range a.Responders {
			responders = append(responders, Responder(r))
		}
		all = append(all, Alert{
			ID: a.ID, Alias: a.Alias, Closed: a.Closed, Acknowledged: a.Acknowledged, Count: a.Count, Message: a.Message,
			Description: a.Description, Responders: responders, Tags: a.Tags, Details: a.Details, Entity: a.Entity,
			Source: a.Source, Priority: a.Priority, Notes: a.Notes,
		})
	}
	return all
}
