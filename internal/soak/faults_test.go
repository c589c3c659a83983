package soak

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// faults happen to requests over HTTP. A delay of 3 s is shorter than the timeout of an attempt, 15 s is longer.
var faults = []fakehttp.Fault{
	{Status: 429},
	{Status: 429, Header: http.Header{"Retry-After": {"2"}}},
	{Status: 429, Header: http.Header{"Retry-After": {"3600"}}},
	{Status: 408},
	{Status: 400},
	{Status: 400, Body: "invalid_blocks"}, // after which Slack's message is sent once more, without its picture
	{Status: 401},
	{Status: 404},
	{Status: 500},
	{Status: 500, Handled: true},
	{Status: 502, Handled: true},
	{Status: 503},
	{Status: 503, Header: http.Header{"Retry-After": {"3"}}},
	{Status: 504, Handled: true},
	{Break: fakehttp.ResetConnection},
	{Break: fakehttp.ResetConnection, Handled: true},
	{Break: fakehttp.CloseConnection},
	{Break: fakehttp.CloseConnection, Handled: true},
	{Break: fakehttp.Silence},
	{Break: fakehttp.Silence, Handled: true},
	{Delay: 3 * time.Second},
	{Delay: 3 * time.Second, Handled: true},
	{Delay: 15 * time.Second},
	{Delay: 15 * time.Second, Handled: true},
	{Break: fakehttp.HalfBody, Handled: true},
	{Break: fakehttp.HalfChunked, Handled: true},
	{Break: fakehttp.StalledBody, Handled: true},
	{Break: fakehttp.EndlessBody, Handled: true},
}

// bodyFaults is how many of the last faults spoil the body of the answer. An answer without a body is whole to its
// client; the fault would harm the next request on the connection, which may be about another alert.
const bodyFaults = 4

// mailFaults happen to sessions of SMTP.
var mailFaults = []emailtest.Fault{
	{At: emailtest.AtConnect, Break: fakehttp.CloseConnection},
	{At: emailtest.AtConnect, Reply: "421 too busy"},
	{At: emailtest.AtHello, Reply: "451 try later"},
	{At: emailtest.AtAuth, Reply: "535 no such user"},
	{At: emailtest.AtMail, Reply: "451 try later"},
	{At: emailtest.AtMail, Break: fakehttp.Silence},
	{At: emailtest.AtRcpt, Reply: "450 busy"},
	{At: emailtest.AtRcpt, Reply: "550 no such user"},
	{At: emailtest.AtData, Reply: "451 try later"},
	{At: emailtest.AtData, Break: fakehttp.CloseConnection},
	{At: emailtest.AtBody, Break: fakehttp.CloseConnection},
	{At: emailtest.AtContent, Reply: "451 try later"},
	{At: emailtest.AtContent, Reply: "554 refused"},
	{At: emailtest.AtContent, Break: fakehttp.CloseConnection},
	{At: emailtest.AtContent, Break: fakehttp.CloseConnection, Handled: true},
	{At: emailtest.AtContent, Break: fakehttp.Silence},
	{At: emailtest.AtContent, Break: fakehttp.Silence, Handled: true},
	{At: emailtest.AtQuit, Break: fakehttp.CloseConnection},
}

// A plan has the fault of each request of a call, as an index into faults or mailFaults; -1 is no fault.
type plan []int

// newPlan returns a plan without a fault for two calls of five.
func (l *lane) newPlan(r *rand.Rand) plan {
	if r.IntN(5) < 2 {
		return nil
	}
	kinds := len(faults)
	switch {
	case l.mail != nil:
		kinds = len(mailFaults)
	case l.bodiless:
		kinds -= bodyFaults
	}
	p := make(plan, 4)
	for i := range p {
		if p[i] = -1; r.IntN(5) < 3 {
			p[i] = r.IntN(kinds)
		}
	}
	return p
}

// A trip is a request for an alert, as it arrived.
type trip struct {
	fault   int  // -1 is none
	handled bool // the service has handled it
	told    bool // the service's own answer was sent whole
}

// definite reports whether the answer proved that nothing was done.
func (t trip) definite() bool {
	return t.fault >= 0 && faults[t.fault].Break == 0 && faults[t.fault].Status/100 == 4
}

// A gate is in front of a fake. It applies the faults that are planned for the alert that a request is about.
type gate struct {
	service http.Handler

	mu    sync.Mutex
	plans map[string]plan // by marker, without the faults that have happened
	trips map[string][]*trip
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	fault, t := g.arrive(markerIn(r.URL.String() + string(body)))
	server := fakehttp.NewServer(g.service)
	defer server.Close()
	defer func() { // also if the fault ends the handler
		g.mu.Lock()
		defer g.mu.Unlock()
		t.handled = server.Requests()[0].Handled
	}()
	server.Inject(fault)
	server.ServeHTTP(w, r)
	g.mu.Lock()
	defer g.mu.Unlock()
	t.told = fault.Status == 0 && fault.Break == 0
}

// arrive notes a request and returns its fault. The zero Fault does nothing.
func (g *gate) arrive(marker string) (fakehttp.Fault, *trip) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &trip{fault: -1}
	g.trips[marker] = append(g.trips[marker], t)
	if p := g.plans[marker]; len(p) > 0 {
		t.fault, g.plans[marker] = p[0], p[1:]
	}
	if t.fault < 0 {
		return fakehttp.Fault{}, t
	}
	return faults[t.fault], t
}

// begin sets the plan of a call, and returns how many requests there were for the alert before.
func (g *gate) begin(marker string, p plan) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.plans[marker] = p
	return len(g.trips[marker])
}

// since returns the requests for an alert without the first n.
func (g *gate) since(marker string, n int) []trip {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []trip
	for _, t := range g.trips[marker][n:] {
		all = append(all, *t)
	}
	return all
}
