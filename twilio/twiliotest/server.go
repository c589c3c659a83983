package twiliotest

import (
	"errors"
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

// What a new server has: one account with an auth token and an API key, and one number to call from.
const (
	AccountSID   = "AC0123456789abcdef0123456789abcdef"
	AuthToken    = "twiliotest-auth-token"
	APIKeySID    = "SK0123456789abcdef0123456789abcdef"
	APIKeySecret = "twiliotest-key-secret"
	From         = "+815012345678"
)

// MemoryBaseURL is the base URL for a client that goes through [fakehttp.Server.Client]. With that client any other host
// leads to the fake too, api.twilio.com included.
const MemoryBaseURL = fakehttp.MemoryURL

const basePath = "/2010-04-01/Accounts/"

// A Call is a call that was asked for.
type Call struct {
	SID            string
	To, From       string
	URL            string // of the TwiML document, "" if the TwiML came along
	Method         string // in which URL is fetched
	TwiML          string // as it was sent; "" if there is a URL
	Said           string // the text of all Say verbs in the TwiML, unescaped
	Language       string // of the first Say
	StatusCallback string
	Time           time.Time
}

// A Message is an SMS that was asked for.
type Message struct {
	SID            string
	To, From       string
	Body           string
	StatusCallback string
	Time           time.Time
}

// A Server is a fake of Twilio. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu       sync.Mutex
	keys     map[string]string // secrets by SID
	numbers  map[string]bool
	calls    []Call
	messages []Message
}

// NewServer returns a server with the account [AccountSID], which has [AuthToken], the key [APIKeySID] and the number
// [From]. It listens nowhere until BaseURL, URL or Client is called; Close ends it.
func NewServer() *Server {
	s := &Server{
		keys: map[string]string{AccountSID: AuthToken, APIKeySID: APIKeySecret}, numbers: map[string]bool{From: true},
	}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// BaseURL returns the base URL of the API on the loopback interface. It is URL, which other services have a path below,
// and like that not for a testing/synctest bubble; see [MemoryBaseURL].
func (s *Server) BaseURL() string { return s.URL() }

// SetKey changes the secret of a SID, an API key's or the account's own. With an empty secret it is revoked.
func (s *Server) SetKey(sid, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[sid] = secret
}

// AddNumber adds a number, short code or sender's name to call or text from.
func (s *Server) AddNumber(number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers[number] = true
}

// Calls returns the calls that were asked for, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Messages returns the messages that were asked for, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// A refusal is an answer that is no success.
type refusal struct {
	status, code int
	message      string
}

func (e *refusal) Error() string { return e.message }

func badRequest(code int, message string) *refusal {
	return &refusal{http.StatusBadRequest, code, message}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, err := s.answer(r)
	if err == nil {
		fakehttp.WriteJSON(w, http.StatusCreated, answer)
		return
	}
	var e *refusal
	if !errors.As(err, &e) {
		e = badRequest(20001, err.Error())
	}
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	fakehttp.WriteJSON(w, e.status, map[string]any{
		"code": e.code, "message": e.message, "status": e.status,
		"more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(e.code),
	})
}

func (s *Server) answer(r *http.Request) (any, error) {
	user, password, _ := r.BasicAuth()
	if secret := s.keys[user]; secret == "" || secret != password {
		return nil, &refusal{http.StatusUnauthorized, 20003, "Authenticate"}
	}
	path, found := strings.CutPrefix(r.URL.EscapedPath(), basePath)
	account, resource, _ := strings.Cut(path, "/")
	notFound := &refusal{http.StatusNotFound, 20404, "The requested resource " + r.URL.Path + " was not found"}
	if !found || account != AccountSID || r.Method != http.MethodPost || r.URL.RawQuery != "" {
		return nil, notFound
	}
	switch resource {
	case "Calls.json":
		return s.createCall(r)
	case "Messages.json":
		return s.createMessage(r)
	}
	return nil, notFound
}

// checkNumbers refuses a call or message that has nowhere to go to or come from. The codes differ between the two.
func (s *Server) checkNumbers(form url.Values, codes numberCodes) error {
	to, from := form.Get("To"), form.Get("From")
	switch {
	case to == "":
		return badRequest(codes.noTo, "A 'To' phone number is required.")
	case !numberForm.MatchString(to):
		return badRequest(21211, "The 'To' number "+to+" is not a valid phone number.")
	case from == "":
		return badRequest(codes.noFrom, "A 'From' phone number is required.")
	case !s.numbers[from]:
		return badRequest(codes.badFrom, "The 'From' number "+from+" is not a phone number of this account.")
	}
	return checkCallback(form.Get("StatusCallback"))
}

type numberCodes struct{ noTo, noFrom, badFrom int }

// checkCallback refuses what cannot be asked, a host with an underscore among it.
func checkCallback(address string) error {
	if address == "" {
		return nil
	}
	if u, err := url.Parse(address); err != nil || !isHTTP(u) || strings.Contains(u.Hostname(), "_") {
		return badRequest(21609, "The 'StatusCallback' URL "+address+" is not a valid URL.")
	}
	return nil
}

func isHTTP(u *url.URL) bool { return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" }

func sid(kind string, n int) string { return fmt.Sprintf("%s%032x", kind, n) }
