package eventbridgetest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// What a new server has: a region, one set of credentials, and the account's default bus.
const (
	Region          = "ap-northeast-1"
	AccessKeyID     = "AKIDEVENTBRIDGETEST"
	SecretAccessKey = "eventbridgetest/Secret+AccessKey"
	SessionToken    = "eventbridgetest-session-token" // required, as with all credentials that expire
	DefaultBus      = "default"
)

// An Event is an event on a bus, as it was put there.
type Event struct {
	ID         string // a UUID; the first event of every server has the same
	Received   time.Time
	Source     string
	DetailType string
	Detail     string // JSON
	Resources  []string
	Time       time.Time // as it was sent; Received if it was not
}

// A Server is a fake of EventBridge in one region and account. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu       sync.Mutex
	buses    map[string][]Event
	put      int      // events so far, dropped ones included
	failures []string // codes for the entries to come
}

// NewServer returns a server that has [DefaultBus]. It listens nowhere until URL or Client is called; Close ends it.
func NewServer() *Server {
	s := &Server{buses: map[string][]Event{DefaultBus: nil}}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// AddBus adds an event bus, unless there is one. It is then found by its name and by any ARN that ends with it.
func (s *Server) AddBus(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buses[name] = slices.Clone(s.buses[name])
}

// Events returns what is on a bus, oldest first; nil if there is no such bus.
func (s *Server) Events(bus string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.buses[bus])
}

// FailEntries lets the next entries fail within a 200, one for each code, such as ThrottlingException or InternalFailure.
func (s *Server) FailEntries(codes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, codes...)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	output, err := s.answer(r)
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.put))
	status, answer := http.StatusOK, any(output)
	if err != nil {
		var e *apiError
		if !errors.As(err, &e) {
			e = &apiError{"InternalException", err.Error()}
		}
		status, answer = e.status(), map[string]string{"__type": e.code, "message": e.message}
	}
	fakehttp.WriteJSON(&amzJSON{ResponseWriter: w}, status, answer)
}

// amzJSON gives answers their own content type.
type amzJSON struct{ http.ResponseWriter }

func (w *amzJSON) WriteHeader(status int) {
	w.Header().Set("Content-Type", contentType)
	w.ResponseWriter.WriteHeader(status)
}

const (
	contentType = "application/x-amz-json-1.1"
	target      = "AWSEvents.PutEvents"
)

// An apiError is a refusal of the whole request.
type apiError struct{ code, message string }

func (e *apiError) Error() string { return e.code + ": " + e.message }

func (e *apiError) status() int {
	if e.code == "InternalException" {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func (s *Server) answer(r *http.Request) (*output, error) {
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/" || r.URL.RawQuery != "" || r.Header.Get("X-Amz-Target") != target:
		return nil, &apiError{"UnknownOperationException", "The requested operation is not recognized by the service."}
	case r.Header.Get("Content-Type") != contentType:
		return nil, &apiError{"SerializationException", "The Content-Type is not " + contentType}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := verify(r, body, s.Now()); err != nil {
		return nil, err
	}
	var in input
	if err := fakehttp.UnmarshalJSON(body, &in); err != nil {
		return nil, &apiError{"SerializationException", err.Error()}
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return s.putEvents(in), nil
}

// putEvents puts each entry on its bus, or says why not.
func (s *Server) putEvents(in input) *output {
	out := &output{}
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
	}
	return out
}

// keep puts an event on its bus if there is one, and returns its id in any case.
func (s *Server) keep(e entry) string {
	s.put++
	id := fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.put, s.put)
	now := s.Now()
	event := Event{
		ID: id, Received: now, Time: now, Source: e.Source, DetailType: e.DetailType, Detail: e.Detail, Resources: e.Resources,
	}
	if e.Time != nil {
		event.Time = time.UnixMilli(int64(*e.Time * 1000)).UTC()
	}
	bus := DefaultBus
	if e.EventBusName != "" {
		bus = e.EventBusName[strings.LastIndexByte(e.EventBusName, '/')+1:]
	}
	if events, ok := s.buses[bus]; ok {
		s.buses[bus] = append(events, event)
	}
	return id
}
