package teamstest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/teams"
)

// The parts of the workflow's address. Whoever has the Signature can post. [fakehttp.Server.RevokeToken] revokes it.
const (
	Workflow  = "0fa4e5b7c3d24c1e9b8a7d6c5e4f3a2b"
	Signature = "tEaM5-tEsT_SiGnAtUrE0123456789abcdefghijklmn"
)

// The address of the workflow without its host and signature, as it must be sent.
const (
	path        = "/powerautomate/automations/direct/workflows/" + Workflow + "/triggers/manual/paths/invoke"
	query       = "api-version=1&sp=" + permissions + "&sv=" + version + "&sig="
	permissions = "%2Ftriggers%2Fmanual%2Frun"
	version     = "1.0"
)

// lane is the lane of the only limit that the trigger has.
const lane = "runs"

// A Server is a fake of one workflow. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server
	runs fakehttp.Log[Run]
}

// New returns a server with one workflow, whose token is [Signature]. Close ends it.
func New() *Server {
	s := new(Server)
	s.Server = fakehttp.NewFake(s.serve, invalidContent, fakehttp.Limit{Lane: lane, N: 4500, Per: 5 * time.Minute})
	s.AddToken(Signature)
	return s
}

// Config returns the configuration of a notifier that posts to the fake over the loopback interface.
func (s *Server) Config() teams.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that posts to the fake in memory, for testing/synctest.
func (s *Server) MemoryConfig() teams.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) teams.Config {
	u := mackerel.NewSecret(base + path + "?" + query + Signature)
	return teams.Config{URL: u, Call: mackerel.CallOptions{Pace: mackerel.Unpaced}}
}

// Runs returns the run history, oldest first: a run for every request that was accepted.
func (s *Server) Runs() []Run { return s.runs.All() }

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

// A Run is one run of the workflow.
type Run struct {
	Time    time.Time // by the server's clock
	Card    Card      // what was posted; zero if nothing was posted
	Problem string    // why nothing was posted, "" if it was
}

// refuse returns the answer of {"error":{"code":"...","message":"..."}}.
func refuse(status int, code, message string) *fakehttp.Refusal {
	e := map[string]string{"code": code, "message": message}
	return fakehttp.RefuseJSON(status, map[string]any{"error": e}, code+": "+message)
}

func invalidContent(err error) *fakehttp.Refusal {
	return refuse(http.StatusBadRequest, "InvalidRequestContent", err.Error())
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if err := s.authorize(r); err != nil {
		return err
	}
	body, err := read(r)
	if err != nil {
		return err
	}
	run := Run{Time: s.Now()}
	if card, err := post(body, !s.IsStrict()); err != nil {
		run.Problem = err.Error()
	} else {
		run.Card = card
		s.Accept()
	}
	s.runs.Add(run)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// authorize checks the method, the address and the limit.
func (s *Server) authorize(r *http.Request) error {
	given, err := url.ParseQuery(r.URL.RawQuery)
	sent := strings.Split(r.URL.RawQuery, "&")
	signature := given.Get("sig")
	switch {
	case r.Method != http.MethodPost:
		return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method is "+r.Method+".")
	case r.URL.EscapedPath() != path:
		return refuse(http.StatusNotFound, "WorkflowNotFound", "The workflow could not be found.")
	case err != nil || given.Get("api-version") == "":
		return refuse(http.StatusBadRequest, "MissingApiVersionParameter",
			"The api-version query parameter (?api-version=) is required for all requests.")
	case signature == "":
		return refuse(http.StatusUnauthorized, "DirectApiAuthorizationRequired",
			"The request must be authenticated only by Shared Access scheme.")
	case !slices.Contains(sent, "sp="+permissions) || !slices.Contains(sent, "sv="+version) || !s.HasToken(signature):
		return refuse(http.StatusUnauthorized, "AuthorizationFailed", "The authentication credentials are not valid.")
	case !s.Take(lane, path).OK:
		return refuse(http.StatusTooManyRequests, "TooManyRequests", "The trigger was called too often.")
	}
	return nil
}

// read returns the body of a request.
func read(r *http.Request) ([]byte, error) {
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, errors.New("the content type is not application/json in UTF-8")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !jsontext.Value(body).IsValid() {
		return nil, errors.New("the content is not JSON")
	}
	return body, nil
}
