package crash

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// refusals are faults after which the service has not done anything.
var refusals = []fakehttp.Fault{
	{Status: 429, Header: http.Header{"Retry-After": {"1"}}},
	{Status: 500},
	{Status: 503},
	{Status: 503},
	{Break: fakehttp.ResetConnection},
}

// losses are faults after which the service has done what it was asked for, and the client does not know it. The delay
// is long enough for a kill between the two.
var losses = []fakehttp.Fault{
	{Status: 500, Handled: true},
	{Break: fakehttp.ResetConnection, Handled: true},
	{Break: fakehttp.CloseConnection, Handled: true},
	{Delay: 200 * time.Millisecond, Handled: true},
	{Delay: 200 * time.Millisecond, Handled: true},
}

var mailRefusals = []emailtest.Fault{
	{At: emailtest.AtConnect, Break: fakehttp.CloseConnection},
	{At: emailtest.AtMail, Reply: "451 try later"},
	{At: emailtest.AtContent, Reply: "451 try later"},
}

var mailLoss = emailtest.Fault{At: emailtest.AtContent, Break: fakehttp.CloseConnection, Handled: true}

// An arrival is a request for an alert, as it came.
type arrival struct {
	n                int // of the alert
	worker, delivery string
	begun, ended     time.Time
	handled          bool // the service accepted it
	told             bool // its answer was sent
	definite         bool // the answer says that nothing was done
}

// A gate is in front of a fake. It spoils some of the requests, and notes all.
type gate struct {
	service
	part float64 // of the requests that are spoiled
	lose bool    // also answers are lost

	fake http.Handler
	post *emailtest.Server

	mu       sync.Mutex
	random   *rand.Rand
	arrivals []arrival
	// lostAnswers is how many answers of the mail server were lost at most.
	lostAnswers int
}

func newGate(s service, part float64, lose bool, seed uint64) *gate {
	g := &gate{service: s, part: part, lose: lose, random: rand.New(rand.NewPCG(seed, uint64(len(s.name))))}
	if s.name != mail {
		g.fake = s.fake()
		return g
	}
	g.post = newPost()
	return g
}

func newPost() *emailtest.Server {
	s := emailtest.New()
	s.Hide("STARTTLS", "AUTH")
	return s
}

// open returns the address of the gate.
func (g *gate) open(t *testing.T) string {
	if g.post != nil {
		t.Cleanup(func() { g.post.Close() })
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go g.pass(l)
		return l.Addr().String()
	}
	front := httptest.NewServer(g)
	t.Cleanup(front.Close)
	return strings.TrimPrefix(front.URL, "http://")
}

// pass leads the connections to the mail server, of which it spoils some.
func (g *gate) pass(l net.Listener) {
	for {
		in, err := l.Accept()
		if err != nil {
			return // the test has ended
		}
		out, err := net.Dial("tcp", g.spoil())
		if err != nil {
			_ = in.Close()
			return
		}
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
	}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := arrival{begun: time.Now(), worker: r.Header.Get(headerWorker), delivery: r.Header.Get(headerDelivery)}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if a.n, err = strconv.Atoi(r.Header.Get(headerAlert)); err != nil || r.Method == http.MethodGet {
		g.fake.ServeHTTP(w, r)
		return
	}
	fault, spoiled := g.draw()
	a.told = fault.Status == 0 && fault.Break == 0
	a.definite = !fault.Handled && fault.Status/100 == 4
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &status{ResponseWriter: w}
		g.fake.ServeHTTP(answer, r)
		// LINE's 409 says that it has accepted the alert before.
		a.handled = answer.code < 300 || answer.code == http.StatusConflict
	})
	defer func() { // also if the fault ends the handler
		a.ended = time.Now()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.arrivals = append(g.arrivals, a)
	}()
	if !spoiled {
		service(w, r)
		return
	}
	server := fakehttp.NewServer(service)
	defer server.Close()
	server.Inject(fault)
	server.ServeHTTP(w, r)
}

// draw returns what happens to a request.
func (g *gate) draw() (f fakehttp.Fault, spoiled bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.random.Float64() >= g.part {
		return f, false
	}
	faults := refusals
	if g.lose && g.random.IntN(2) == 0 {
		faults = losses
	}
	return faults[g.random.IntN(len(faults))], true
}

// spoil spoils a mail now and then, and returns the address of the server. Several are sent at a time, so it may be any of them.
func (g *gate) spoil() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.random.Float64() >= g.part:
	case g.lose && g.random.IntN(2) == 0:
		g.post.Inject(mailLoss)
		g.lostAnswers++
	default:
		g.post.Inject(mailRefusals[g.random.IntN(len(mailRefusals))])
	}
	return net.JoinHostPort(g.post.Host(), strconv.Itoa(g.post.Port()))
}

// all returns what has arrived.
func (g *gate) all() []arrival {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.post == nil {
		return g.arrivals
	}
	var all []arrival
	for _, m := range g.post.Mails() {
		worker, _, _ := strings.Cut(m.From, "@")
		all = append(all, arrival{
			n: numberIn(m.Subject + m.Text), worker: worker, // the Message-ID depends on the sender
			begun: m.Time, ended: m.Time, handled: true, told: true,
		})
	}
	return all
}

// clear forgets what has arrived, so that a long run needs little memory. Nothing is under way.
func (g *gate) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrivals, g.lostAnswers = nil, 0
	if g.post == nil {
		g.fake = g.service.fake()
		return
	}
	g.post.Close()
	g.post = newPost()
}

// A status notes the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
