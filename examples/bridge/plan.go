package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
	"github.com/mackerel-notify/mackerel/route"
)

// planPath is put behind the path of the receiver.
const planPath = "/plan"

// maxPlanned is the longest body of a question, in bytes. The receiver has the same limit.
const maxPlanned = 1 << 20

// planFile prints who would be told about an alert.
func (b *bridge) planFile(ctx context.Context, out io.Writer, name string) error {
	body, err := os.ReadFile(name) //nolint:gosec // the file is the user's own choice
	if err != nil {
		return err
	}
	a, err := mackerel.ParseWebhook(body)
	if err != nil && !errors.Is(err, mackerel.ErrOddMember) {
		return fmt.Errorf("%s: %w", name, err)
	}
	p, err := b.router.Plan(ctx, a)
	if err != nil {
		return err
	}
	fmt.Fprint(out, p)
	return nil
}

// A planner answers who would be told about an alert, to those who know the secrets of the webhook. A POST has a body of
// Mackerel's. A GET has the alert in its query: monitor (an id), service and status.
type planner struct {
	router *route.Router
	isAt   func(path string) bool
	knows  func(user, password string) bool // nil if the path is the only secret
}

// newPlanner returns nil if the webhook has no secret.
func newPlanner(c receiver.Config, r *route.Router) *planner {
	if c.Path.IsZero() && c.Password.IsZero() {
		return nil
	}
	p := &planner{router: r, isAt: equal(c.Path.Reveal() + planPath)}
	if !c.Password.IsZero() {
		user, password := equal(c.User.Reveal()), equal(c.Password.Reveal())
		p.knows = func(u, p string) bool {
			userOK, passwordOK := user(u), password(p) // both are compared: the time does not tell which is wrong
			return userOK && passwordOK
		}
	}
	return p
}

// equal returns a function that compares with a secret in constant time. The secret is in a func, where fmt does not
// print it.
func equal(secret string) func(string) bool {
	want := sha256.Sum256([]byte(secret))
	return func(s string) bool {
		got := sha256.Sum256([]byte(s))
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}
}

// ServeHTTP answers a request whose path was compared.
func (p *planner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); p.knows != nil && !p.knows(user, password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="mackerel", charset="UTF-8"`)
		http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
		return
	}
	a, status, why := asked(w, r)
	if status != http.StatusOK {
		http.Error(w, cmp.Or(why, http.StatusText(status)), status)
		return
	}
	plan, err := p.router.Plan(r.Context(), a)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, plan.String()) //nolint:gosec // it is no HTML; and the sender may be gone
}

// asked returns the alert of a question, or the status of the answer and perhaps what is wrong.
func asked(w http.ResponseWriter, r *http.Request) (a mackerel.Alert, status int, why string) {
	switch r.Method {
	case http.MethodGet:
		q := r.URL.Query()
		if why := misspelled(q); why != "" {
			return mackerel.Alert{}, http.StatusBadRequest, why
		}
		return imagined(q), http.StatusOK, ""
	case http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPlanned))
		if err != nil {
			return mackerel.Alert{}, http.StatusRequestEntityTooLarge, ""
		}
		a, err := mackerel.ParseWebhook(body)
		if err != nil && !errors.Is(err, mackerel.ErrOddMember) {
			return mackerel.Alert{}, http.StatusBadRequest, ""
		}
		return a, http.StatusOK, ""
	}
	w.Header().Set("Allow", "GET, POST")
	return mackerel.Alert{}, http.StatusMethodNotAllowed, ""
}

// misspelled says which part of a question has no meaning, "" if each part has. Otherwise the answer would be the plan of
// another alert.
func misspelled(q url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains([]string{"monitor", "service", "status"}, name) {
			return fmt.Sprintf("%.80q: must be monitor, service or status", name)
		}
	}
	switch s := mackerel.Status(q.Get("status")); s.Fold() {
	case mackerel.StatusOK, mackerel.StatusWarning, mackerel.StatusCritical, mackerel.StatusUnknown:
		return ""
	default:
		return fmt.Sprintf("status: %.80q: must be ok, warning, critical or unknown", string(s))
	}
}

// imagined returns an alert with the fields that decide who is told.
func imagined(q url.Values) mackerel.Alert {
	monitor := q.Get("monitor")
	a := mackerel.Alert{
		Status:  mackerel.Status(cmp.Or(q.Get("status"), string(mackerel.StatusCritical))),
		Monitor: mackerel.Monitor{ID: monitor, Name: monitor},
	}
	if name := q.Get("service"); name != "" {
		a.Service = &mackerel.Service{Name: name}
	}
	return a
}
