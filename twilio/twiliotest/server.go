package twiliotest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
	"github.com/mackerel-notify/mackerel/twilio"
)

// The account of a new server, its API key, and its number. To is the number that Config reaches. Every number can be
// reached.
const (
	AccountSID   = "AC0123456789abcdef0123456789abcdef"
	AuthToken    = "twiliotestauthtoken0000000000001"
	APIKeySID    = "SK0123456789abcdef0123456789abcdef"
	APIKeySecret = "twiliotestkeysecret0000000000002"
	From         = "+815012345678"
	To           = "+819012345678"
)

// basePath is the path of the account in the API.
const basePath = "/2010-04-01/Accounts/" + AccountSID

// A Server is a fake of Twilio. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server
	calls    fakehttp.Log[Call]
	messages fakehttp.Log[Message]

	mu      sync.Mutex
	secrets map[string]string // by SID
	numbers []string
	created int
}

// New returns a server with the account [AccountSID], which has the token [AuthToken], the API key [APIKeySID] and the
// number [From]. Close ends it.
func New() *Server {
	s := &Server{secrets: map[string]string{AccountSID: AuthToken, APIKeySID: APIKeySecret}, numbers: []string{From}}
	s.Server = fakehttp.NewFake(s.serve, func(err error) *fakehttp.Refusal { return badRequest(20001, err.Error()) },
		fakehttp.Limit{Lane: "calls"}, fakehttp.Limit{Lane: "messages"})
	return s
}

// Config returns the configuration of a notifier that sends SMS to [To] through the fake over the loopback interface.
func (s *Server) Config() twilio.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that sends SMS to [To] through the fake in memory, for
// testing/synctest.
func (s *Server) MemoryConfig() twilio.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) twilio.Config {
	return twilio.Config{
		Kind: twilio.KindSMS, AccountSID: AccountSID, AuthToken: mackerel.NewSecret(AuthToken), From: From, To: To,
		BaseURL: base, Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// AddToken makes the secret of a SID valid, in place of an older secret. The SID is that of the account or of an API
// key.
func (s *Server) AddToken(sid, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[sid] = secret
}

// RevokeToken makes the secret of a SID invalid.
func (s *Server) RevokeToken(sid string) { s.AddToken(sid, "") }

// AddNumber gives the account a number, a short code or the name of a sender.
func (s *Server) AddNumber(number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers = append(s.numbers, number)
}

// Calls returns the calls that were created, oldest first.
func (s *Server) Calls() []Call { return s.calls.All() }

// Messages returns the messages that were created, oldest first.
func (s *Server) Messages() []Message { return s.messages.All() }

// A Call is a call that was created.
type Call struct {
	Time           time.Time // by the server's clock
	SID            string
	To, From       string
	URL            string // of the TwiML document, "" if the TwiML was sent
	Method         string // of the request for URL
	TwiML          string // as it was sent, "" if there is a URL
	Said           string // the text of all Say verbs in the TwiML, unescaped
	Language       string // of the first Say
	StatusCallback string
}

// A Message is an SMS or MMS that was created.
type Message struct {
	Time                time.Time // by the server's clock
	SID                 string
	To, From            string
	MessagingServiceSID string // of the service that chooses the number, if there is no From
	Body                string
	MediaURLs           []string // of the pictures of an MMS
	StatusCallback      string
}

// refuse returns the answer with one of Twilio's codes (https://www.twilio.com/docs/errors).
func refuse(status, code int, message string, header ...string) *fakehttp.Refusal {
	return fakehttp.RefuseJSON(status, map[string]any{
		"code": code, "message": message, "status": status,
		"more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code),
	}, message, header...)
}

func badRequest(code int, message string) *fakehttp.Refusal {
	return refuse(http.StatusBadRequest, code, message)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, password, _ := r.BasicAuth()
	if secret := s.secrets[user]; secret == "" || secret != password {
		return refuse(http.StatusUnauthorized, 20003, "Authenticate", "WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	path, inAccount := strings.CutPrefix(r.URL.EscapedPath(), basePath)
	kind, known := resources[path]
	if !inAccount || !known || r.Method != http.MethodPost || r.URL.RawQuery != "" {
		return refuse(http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
	}
	if !s.Take(kind.lane, AccountSID).OK {
		return refuse(http.StatusTooManyRequests, 20429, "Too Many Requests")
	}
	form, err := strict.Form(r, !s.IsStrict(), kind.parameters...)
	if err != nil {
		return err
	}
	if err := s.checkNumbers(form, kind); err != nil {
		return err
	}
	s.created++
	sid := fmt.Sprintf("%s%032x", kind.prefix, s.created)
	if err := kind.create(s, sid, form); err != nil {
		return err
	}
	s.Accept()
	fakehttp.WriteJSON(w, http.StatusCreated, map[string]any{
		"sid": sid, "account_sid": AccountSID, "to": form.Get("To"), "from": form.Get("From"), "status": "queued",
		"direction": "outbound-api", "api_version": "2010-04-01",
		"uri": strings.TrimSuffix(r.URL.Path, ".json") + "/" + sid + ".json",
	})
	return nil
}
