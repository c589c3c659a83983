package opsgenietest

import (
	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/opsgeniefake"
	"github.com/mackerel-notify/mackerel/opsgenie"
)

// APIKey is the API key that a new server knows.
const APIKey = "opsgenietest-api-key"

// basePath is the path of the API.
const basePath = "/v2"

// A Server is a fake of one account. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server
	api *opsgeniefake.Server
}

// New returns a server with the token [APIKey]. Close ends it.
func New() *Server {
	api := opsgeniefake.New(opsgeniefake.Dialect{Base: basePath, Key: APIKey})
	return &Server{api.Server, api}
}

// Config returns the configuration of a notifier that sends to the fake over the loopback interface.
func (s *Server) Config() opsgenie.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that sends to the fake in memory, for testing/synctest.
func (s *Server) MemoryConfig() opsgenie.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) opsgenie.Config {
	return opsgenie.Config{
		APIKey: mackerel.NewSecret(APIKey), BaseURL: base + basePath, Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// SetPending sets how many times the status of a later request is not found before it is found: once unless set.
func (s *Server) SetPending(times int) { s.api.SetPending(times) }

// Alerts returns all alerts, oldest first, closed alerts included.
func (s *Server) Alerts() []Alert {
	var all []Alert
	for _, a := range s.api.Alerts() {
		all = append(all, Alert(a))
	}
	return all
}

// An Alert is an alert with everything that was done to it.
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

// A Responder is someone who is told of an alert.
type Responder = struct{ Type, ID, Name, Username string }
