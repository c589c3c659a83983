package webhooktest

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// What the address of every server has.
const (
	User     = "mackerel"
	Password = "webhooktest-p4ss:w0rd"
	Token    = "webhooktest-token" // in the query, as token
)

// Signing secrets for RequireSignature.
const (
	Secret    = "whsec_d2ViaG9va3Rlc3Qgc2lnbmluZyBzZWNyZXQgbm8uIDE="
	OldSecret = "whsec_d2ViaG9va3Rlc3Qgc2lnbmluZyBzZWNyZXQgbm8uIDI="
)

const path = "/alerts"

// MemoryURL is the address for a client that goes through [fakehttp.Server.Client].
var MemoryURL = address(fakehttp.MemoryURL)

func address(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		panic(err) // the bases are made by fakehttp
	}
	u.User, u.Path, u.RawQuery = url.UserPassword(User, Password), path, url.Values{"token": {Token}}.Encode()
	return u.String()
}

// A Server is a fake receiver of webhooks. It is safe for concurrent use.
type Server struct {
	*fakehttp.Server

	mu         sync.Mutex
	anyBody    bool
	keys       [][]byte
	deliveries []Delivery
	known      map[string][]byte // bodies by webhook-id
}

// A Delivery is a webhook that was accepted.
type Delivery struct {
	Time   time.Time // by the server's clock
	ID     string    // the webhook-id, "" if signatures are not required
	Header http.Header
	Body   []byte         // as it was sent
	Alert  mackerel.Alert // what the body says; zero if it is not one of Mackerel's
}

// NewServer returns a server that requires no signatures. It listens nowhere until HookURL, URL or Client is called; Close
// ends it.
func NewServer() *Server {
	s := &Server{known: make(map[string][]byte)}
	s.Server = fakehttp.NewServer(http.HandlerFunc(s.serve))
	return s
}

// HookURL returns the address on the loopback interface, with user, password and token. As URL, it is not for a
// testing/synctest bubble; see [MemoryURL].
func (s *Server) HookURL() string { return address(s.URL()) }

// RequireSignature makes the server accept only what was signed with one of the secrets, in the form whsec_ and base64. It
// panics if one is not. Without any, signatures are not looked at, as with a new server.
func (s *Server) RequireSignature(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
	for _, secret := range secrets {
		s.keys = append(s.keys, decodeSecret(secret))
	}
}

// AnyBody chooses whether bodies of any form and type are accepted, for senders that do not speak Mackerel's.
func (s *Server) AnyBody(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.anyBody = on
}

// Deliveries returns what was accepted, oldest first and repeats left out.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries)
}

// A refusal is a status and why.
type refusal struct {
	status int
	why    string
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused := s.receive(r)
	if refused == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	switch refused.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="webhooktest"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	fakehttp.WriteJSON(w, refused.status, map[string]string{"error": refused.why})
}

func (s *Server) receive(r *http.Request) *refusal {
	if refused := authorize(r); refused != nil {
		return refused
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	d := Delivery{Time: s.Now(), Header: r.Header.Clone(), Body: body}
	if len(s.keys) > 0 {
		if why := s.verify(r.Header, body); why != "" {
			return &refusal{http.StatusUnauthorized, why}
		}
		d.ID = r.Header.Get(headerID)
	}
	if refused := s.read(r, &d); refused != nil {
		return refused
	}
	if before, repeated := s.known[d.ID]; repeated && d.ID != "" {
		return sameBody(before, body)
	}
	s.known[d.ID] = body
	s.deliveries = append(s.deliveries, d)
	return nil
}

func authorize(r *http.Request) *refusal {
	user, password, _ := r.BasicAuth()
	switch {
	case r.URL.Path != path:
		return &refusal{http.StatusNotFound, "not found"}
	case r.Method != http.MethodPost:
		return &refusal{http.StatusMethodNotAllowed, "method not allowed"}
	case !same(user, User) || !same(password, Password):
		return &refusal{http.StatusUnauthorized, "wrong user or password"}
	case !same(r.URL.Query().Get("token"), Token):
		return &refusal{http.StatusUnauthorized, "wrong token"}
	}
	return nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// read checks that the body is one of Mackerel's.
func (s *Server) read(r *http.Request, d *Delivery) *refusal {
	var err error
	d.Alert, err = mackerel.ParseWebhook(d.Body)
	if s.anyBody {
		return nil
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, "the Content-Type is not application/json"}
	}
	if _, err := fakehttp.Members(d.Body); err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	if err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	var event struct{ Event string }
	if err := json.Unmarshal(d.Body, &event); err != nil || event.Event == "" {
		return &refusal{http.StatusBadRequest, "event is required"}
	}
	return nil
}

// sameBody accepts a repeat that is one.
func sameBody(before, body []byte) *refusal {
	if !bytes.Equal(before, body) {
		return &refusal{http.StatusBadRequest, "the webhook-id was used for another body"}
	}
	return nil
}
