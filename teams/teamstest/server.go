package teamstest

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The parts of the workflow's address. Whoever has the signature can post.
const (
	Workflow  = "0fa4e5b7c3d24c1e9b8a7d6c5e4f3a2b"
	Signature = "tEaM5-tEsT_SiGnAtUrE0123456789abcdefghijklmn"
)

// Path and Query are the address of the workflow but for its host, as they are to be sent.
const (
	Path  = "/powerautomate/automations/direct/workflows/" + Workflow + "/triggers/manual/paths/invoke"
	Query = "api-version=1&sp=" + permissions + "&sv=" + version + "&sig=" + Signature
)

const (
	permissions = "%2Ftriggers%2Fmanual%2Frun"
	version     = "1.0"
)

// MemoryURL is the workflow's address for a client that goes through [fakehttp.Server.Client].
const MemoryURL = fakehttp.MemoryURL + Path + "?" + Query

// A Server is a fake of one workflow. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu       sync.Mutex
	runs     []Run
	refusal  *refusal
	response *response
}

// A Run is one run of the workflow.
type Run struct {
	Time    time.Time // by the server's clock
	Body    json.RawMessage
	Card    Card   // what was posted; empty if nothing was
	Problem string // why nothing was posted, "" if it was
}

type response struct {
	status int
	body   string
}

// NewServer returns a server with the workflow at [Path]. It listens nowhere until WebhookURL, URL or Client is called;
// Close ends it.
func NewServer() *Server {
	s := new(Server)
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// WebhookURL returns the workflow's address on the loopback interface. As URL, it is not for a testing/synctest bubble;
// see [MemoryURL].
func (s *Server) WebhookURL() string { return s.URL() + Path + "?" + Query }

// Runs returns the run history, oldest first: one for every request that was accepted.
func (s *Server) Runs() []Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.runs)
}

// Cards returns the cards that were posted, oldest first.
func (s *Server) Cards() []Card {
	var cards []Card
	for _, r := range s.Runs() {
		if r.Problem == "" {
			cards = append(cards, r.Card)
		}
	}
	return cards
}

// Respond gives the workflow a Response action at its end: it then answers with this instead of an empty 202.
func (s *Server) Respond(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.response = &response{status, body}
}

// Refuse lets the workflow answer with an error of this code, such as "WorkflowTriggerIsNotEnabled", whatever it is
// sent, until Refuse(""). It panics if it does not know the code.
func (s *Server) Refuse(code string) {
	status, known := statuses[code]
	if !known && code != "" {
		panic("teamstest: Refuse: unknown code " + strconv.Quote(code))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal = nil; known {
		s.refusal = &refusal{status, code, "refused by the test"}
	}
}

// statuses are the codes of errors, and their statuses.
var statuses = map[string]int{
	"MissingApiVersionParameter": 400, "InvalidRequestContent": 400, "WorkflowTriggerIsNotEnabled": 400,
	"DirectApiAuthorizationRequired": 401, "AuthorizationFailed": 401, "WorkflowNotFound": 404, "TooManyRequests": 429,
}

// A refusal is an answer of {"error":{"code":"...","message":"..."}}.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(code, message string) error { return &refusal{statuses[code], code, message} }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := s.accept(r)
	var refused *refusal
	if errors.As(err, &refused) {
		fakehttp.WriteJSON(w, refused.status, map[string]any{
			"error": map[string]string{"code": refused.code, "message": refused.message},
		})
		return
	}
	run := Run{Time: s.Now(), Body: body}
	if run.Card, err = post(body); err != nil {
		run.Card, run.Problem = Card{}, err.Error()
	}
	s.runs = append(s.runs, run)
	if s.response == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.WriteHeader(s.response.status)
	_, _ = io.WriteString(w, s.response.body) // fails only if the client has gone
}

// accept returns the body of a request that starts a run, or a *refusal.
func (s *Server) accept(r *http.Request) ([]byte, error) {
	if err := checkAddress(r); err != nil {
		return nil, err
	}
	if s.refusal != nil {
		return nil, s.refusal
	}
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, refuse("InvalidRequestContent", "The content type is not application/json in UTF-8.")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !json.Valid(body) {
		return nil, refuse("InvalidRequestContent", "The request content is not valid and could not be deserialized.")
	}
	return body, nil
}

func checkAddress(r *http.Request) error {
	given, err := url.ParseQuery(r.URL.RawQuery)
	raw := strings.Split(r.URL.RawQuery, "&")
	switch {
	case r.Method != http.MethodPost:
		return &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "The method is " + r.Method + "."}
	case r.URL.EscapedPath() != Path:
		return refuse("WorkflowNotFound", "The workflow could not be found.")
	case err != nil || given.Get("api-version") == "":
		return refuse("MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case given.Get("sig") == "":
		return refuse("DirectApiAuthorizationRequired", "The request must be authenticated only by Shared Access scheme.")
	case !slices.Contains(raw, "sp="+permissions) || !slices.Contains(raw, "sv="+version) || !slices.Contains(raw, "sig="+Signature):
		return refuse("AuthorizationFailed", "The authentication credentials are not valid.")
	}
	return nil
}
