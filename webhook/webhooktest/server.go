package webhooktest

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
	"github.com/mackerel-notify/mackerel/webhook"
)

// The parts of the address of every fake. A token is the parameter "token" of the query.
const (
	User     = "mackerel"
	Password = "webhooktest-p4ss:w0rd"
	Token    = "webhooktest-token"
)

// Signing secrets for RequireSignature.
const (
	Secret    = "whsec_d2ViaG9va3Rlc3Qgc2lnbmluZyBzZWNyZXQgbm8uIDE="
	OldSecret = "whsec_d2ViaG9va3Rlc3Qgc2lnbmluZyBzZWNyZXQgbm8uIDI="
)

const path = "/alerts"

// lane is the only lane. Receivers have no documented limit.
const lane = "messages"

// A Server is a fake receiver of webhooks. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server
	deliveries fakehttp.Log[Delivery]

	mu      sync.Mutex
	anyBody bool
	keys    [][]byte
	known   map[string][]byte // bodies by webhook-id
}

// New returns a server with the user [User] and the token [Token], which requires no signatures. Close ends it.
func New() *Server {
	s := &Server{known: make(map[string][]byte)}
	s.Server = fakehttp.NewFake(s.serve, badRequest, fakehttp.Limit{Lane: lane})
	s.AddToken(Token)
	return s
}

// Config returns the configuration of a notifier that sends to the fake over the loopback interface.
func (s *Server) Config() webhook.Config { return config(s.URL()) }

// MemoryConfig returns the configuration of a notifier that sends to the fake in memory, for testing/synctest.
func (s *Server) MemoryConfig() webhook.Config {
	c := config(fakehttp.MemoryURL)
	c.Call.Client = s.Client()
	return c
}

func config(base string) webhook.Config {
	u, err := url.Parse(base)
	if err != nil {
		panic(err) // fakehttp makes the bases
	}
	u.User, u.Path, u.RawQuery = url.UserPassword(User, Password), path, url.Values{"token": {Token}}.Encode()
	return webhook.Config{URL: mackerel.NewSecret(u.String()), Call: mackerel.CallOptions{Pace: mackerel.Unpaced}}
}

// RequireSignature makes the fake accept only what was signed with one of the secrets, in the form whsec_ and base64.
// It panics if a secret has another form. Without secrets no signature is checked, as at first.
func (s *Server) RequireSignature(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
	for _, secret := range secrets {
		s.keys = append(s.keys, decodeSecret(secret))
	}
}

// AnyBody chooses whether bodies of any form and type are accepted, not only Mackerel's.
func (s *Server) AnyBody(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.anyBody = on
}

// Deliveries returns what was accepted, oldest first, without repeats.
func (s *Server) Deliveries() []Delivery { return s.deliveries.All() }

// A Delivery is a webhook that was accepted.
type Delivery struct {
	Time   time.Time // by the server's clock
	ID     string    // the webhook-id, "" if signatures are not required
	Header http.Header
	Body   []byte         // as it was sent
	Alert  mackerel.Alert // what the body says; zero if it is not one of Mackerel's
}

func refuse(status int, why string, header ...string) *fakehttp.Refusal {
	return fakehttp.RefuseJSON(status, map[string]string{"error": why}, why, header...)
}

func badRequest(err error) *fakehttp.Refusal { return refuse(http.StatusBadRequest, err.Error()) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if err := s.authorize(r); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Delivery{Time: s.Now(), Header: r.Header.Clone(), Body: body}
	if len(s.keys) > 0 {
		if why := s.verify(r.Header, body); why != "" {
			return unauthorized(why)
		}
		d.ID = r.Header.Get(headerID)
	}
	if err := s.read(r, &d); err != nil {
		return err
	}
	if before, repeated := s.known[d.ID]; repeated && d.ID != "" && !bytes.Equal(before, body) {
		return errors.New("the webhook-id was used for another body")
	} else if !repeated || d.ID == "" {
		s.known[d.ID] = body
		s.deliveries.Add(d)
		s.Accept()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func unauthorized(why string) *fakehttp.Refusal {
	return refuse(http.StatusUnauthorized, why, "WWW-Authenticate", `Basic realm="webhooktest"`)
}

func (s *Server) authorize(r *http.Request) error {
	user, password, _ := r.BasicAuth()
	switch {
	case r.URL.Path != path:
		return refuse(http.StatusNotFound, "not found")
	case r.Method != http.MethodPost:
		return refuse(http.StatusMethodNotAllowed, "method not allowed", "Allow", http.MethodPost)
	case !same(user, User) || !same(password, Password):
		return unauthorized("wrong user or password")
	case !s.HasToken(r.URL.Query().Get("token")):
		return unauthorized("wrong token")
	}
	if a := s.Take(lane, ""); !a.OK {
		return refuse(http.StatusTooManyRequests, "too many requests", "Retry-After", a.RetryAfter())
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// read reads Mackerel's body.
func (s *Server) read(r *http.Request, d *Delivery) (err error) {
	d.Alert, err = mackerel.ParseWebhook(d.Body)
	if s.anyBody {
		return nil
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "the Content-Type is not application/json")
	}
	var members struct {
		Event *string `json:"event"`
	}
	if err := strict.Unmarshal(d.Body, &members, true); err != nil {
		return err
	}
	if members.Event == nil || *members.Event == "" {
		return errors.New("event is required")
	}
	return err
}
