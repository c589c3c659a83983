package eventbridgetest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// What a new server has: a region, one set of credentials, and the account's default bus.
const (
	Region          = "ap-northeast-1"
	AccessKeyID     = "AKIDEVENTBRIDGETEST"
	SecretAccessKey = "eventbridgetest/Secret+AccessKey"
	SessionToken    = "eventbridgetest-session-token" // required, as with all credentials that expire
	DefaultBus      = "default"
)

const (
	// lane is the lane of the only limit.
	lane = "requests"
	// perSecond is the limit of Region, in requests
	// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
	perSecond = 1200

	contentType = "application/x-amz-json-1.1"
	target      = "AWSEvents.PutEvents"
)

// A Server is a fake of EventBridge in one region and account. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu       sync.Mutex
	buses    map[string][]Event
	put      int      // events so far, those for unknown buses included
	failures []string // codes of the entries to come
}

// New returns a server with the bus [DefaultBus] and the token [SessionToken]. Close ends it.
func New() *Server {
	s := &Server{buses: map[string][]Event{DefaultBus: nil}}
	s.Server = fakehttp.NewFake(s.serve, serialization, fakehttp.Limit{Lane: lane, N: perSecond, Per: time.Second})
	s.AddToken(SessionToken)
	return s
}

// Config returns the configuration of a notifier that puts events on [DefaultBus] of the fake over the loopback
// interface.
func (s *Server) Config() eventbridge.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that puts events on [DefaultBus] of the fake in memory, for
// testing/synctest.
func (s *Server) MemoryConfig() eventbridge.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) eventbridge.Config {
	retrieve := func(context.Context) (aws.Credentials, error) { return credentials(SessionToken), nil }
	return eventbridge.Config{
		Region: Region, BaseURL: base, Credentials: aws.CredentialsProviderFunc(retrieve),
		Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

func credentials(token string) aws.Credentials {
	return aws.Credentials{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, SessionToken: token}
}

// AddBus adds an event bus, unless there is one of this name. Entries name it, or give any ARN that ends with the name.
func (s *Server) AddBus(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buses[name] = slices.Clone(s.buses[name])
}

// FailEntries lets the next entries fail within a 200, one for each code, such as ThrottlingException or
// InternalFailure.
func (s *Server) FailEntries(codes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, codes...)
}

// Events returns what is on a bus, oldest first; nil if there is no such bus.
func (s *Server) Events(bus string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.buses[bus])
}

// An Event is an event on a bus, as it was put there.
type Event struct {
	ID         string    // a UUID; the first event of every server has the same
	Received   time.Time // by the server's clock
	Source     string
	DetailType string
	Detail     string // JSON
	Resources  []string
	Time       time.Time // as it was sent; Received if it was not sent
}

// refuse returns the refusal of a whole request.
func refuse(code, message string) *fakehttp.Refusal {
	body := map[string]string{"__type": code, "message": message}
	return fakehttp.RefuseJSON(http.StatusBadRequest, body, code+": "+message, "Content-Type", contentType)
}

func serialization(err error) *fakehttp.Refusal { return refuse("SerializationException", err.Error()) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, err := s.read(r)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(s.putEvents(in))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(answer) // fails only if the client has gone
	return nil
}

// read returns the entries of a request that is not refused as a whole.
func (s *Server) read(r *http.Request) (in input, err error) {
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/" || r.URL.RawQuery != "" || r.Header.Get("X-Amz-Target") != target:
		return in, refuse("UnknownOperationException", "The requested operation is not recognized by the service.")
	case r.Header.Get("Content-Type") != contentType:
		return in, refuse("SerializationException", "The Content-Type is not "+contentType)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return in, err
	}
	if err := s.verify(r, body); err != nil {
		return in, err
	}
	if !s.Take(lane, "").OK {
		return in, refuse("ThrottlingException", "Rate exceeded")
	}
	if err := strict.Unmarshal(body, &in, !s.IsStrict()); err != nil {
		return in, err
	}
	return in, in.check()
}

// putEvents puts each entry on its bus, or says why the entry fails.
func (s *Server) putEvents(in input) output {
	var out output
	for _, e := range in.Entries {
		code, message := e.problem()
		if code == "" && len(s.failures) > 0 {
			code, message = s.failures[0], "The entry failed."
			s.failures = s.failures[1:]
		}
		if code != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, result{ErrorCode: code, ErrorMessage: message})
			continue
		}
		out.Entries = append(out.Entries, result{EventID: s.keep(e)})
		s.Accept()
	}
	return out
}

// keep puts an event on its bus, if there is such a bus, and returns the event's id in either case.
func (s *Server) keep(e entry) string {
	s.put++
	now := s.Now()
	event := Event{
		ID: fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.put, s.put), Received: now, Time: now,
		Source: e.Source, DetailType: e.DetailType, Detail: e.Detail, Resources: e.Resources,
	}
	if e.Time != nil {
		event.Time = time.UnixMilli(int64(*e.Time * 1000)).UTC()
	}
	bus := cmp.Or(e.EventBusName, DefaultBus)
	bus = bus[strings.LastIndexByte(bus, '/')+1:] // an ARN ends with the name
	if events, ok := s.buses[bus]; ok {
		s.buses[bus] = append(events, event)
	}
	return event.ID
}
