package notifytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A row is one promise of a notifier.
type row struct {
	name   string // a sentence that says what must hold
	needs  needs
	repair repair // of complaints that name no other
	check  func(*stage)
}

// needs says which notifiers a row can try, and how.
type needs int

const (
	anyNotifier needs = iota
	overHTTP          // the row injects faults or reads requests
	withRepeats       // as overHTTP, and the notifier makes more than one attempt
	onSockets         // as overHTTP, on a loopback port in real time
)

// skip says why a row cannot be tried with a harness, "" if it can.
func (r row) skip(h Harness) string {
	switch {
	case r.needs != anyNotifier && h.Fake == nil:
		return "the service does not speak HTTP"
	case r.needs == withRepeats && h.SingleAttempt:
		return "the notifier makes a single attempt"
	}
	return ""
}

// run tries a row in a bubble, or in real time. The stage has its harness and linger, and then the complaints.
func (r row) run(t *testing.T, s *stage, speaksHTTP bool) {
	s.repair = r.repair
	check := func(t *testing.T) {
		s.tb = t
		r.check(s)
	}
	if s.bubble = speaksHTTP && r.needs != onSockets; !s.bubble {
		check(t)
		return
	}
	defer func() {
		if p := recover(); p != nil { // a goroutine of the bubble waits forever
			s.complain(endWithContext, fmt.Sprintf("the row cannot end: %v", p))
		}
	}()
	synctest.Test(t, check)
}

// A stage is the run of one row.
type stage struct {
	tb         testing.TB // for the harness
	repair     repair     // of the row
	harness    func(testing.TB) Harness
	linger     time.Duration // how long a goroutine may take to end after a call in real time
	bubble     bool
	alerts     int         // made so far
	complaints []complaint // so far
}

// maxText is how many bytes of a complaint are kept. An error may quote an answer of megabytes.
const maxText = 2000

func (s *stage) complain(r repair, text string) {
	if len(text) > maxText {
		text = fmt.Sprintf("%s... (%d bytes)", text[:maxText], len(text))
	}
	s.complaints = append(s.complaints, complaint{r, strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))})
}

// printable replaces characters that a terminal would obey.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return '\uFFFD'
	}
	return r
}

// patience is how long a call without a deadline may take.
func (s *stage) patience() time.Duration {
	if s.bubble {
		return 10 * time.Minute // in the bubble's time
	}
	return 20 * time.Second
}

// alert returns an open critical alert with an ID that no other alert of the row has.
func (s *stage) alert() mackerel.Alert {
	s.alerts++
	a := full()
	a.ID = fmt.Sprintf("notifytest%d", s.alerts)
	return a
}

// A scene is a fresh harness behind a server that injects faults. A row may have several scenes.
type scene struct {
	*stage
	Harness
	in    string // the case that is tried; each complaint begins with it
	env   Env
	front *fakehttp.Server  // nil without HTTP
	made  mackerel.Notifier // by notifier
	seen  int               // requests that earlier calls made
	shut  chan struct{}     // closed with the service, if a call does not end before
	sieve sieve             // finds the secrets, in the forms that the first requests show
}

// scene makes a scene that ends with the row.
func (s *stage) scene() *scene {
	return s.sceneBehind(func(service http.Handler) http.Handler { return service })
}

// sceneIn makes a scene with a delivery mode.
func (s *stage) sceneIn(mode mackerel.Delivery) *scene {
	sc := s.scene()
	sc.in, sc.env.Delivery = modeName(mode), mode
	return sc
}

// sceneBehind makes a scene with a handler of the row's own between the faults and the fake.
func (s *stage) sceneBehind(wrap func(fake http.Handler) http.Handler) *scene {
	sc := &scene{stage: s, Harness: s.harness(s.tb), env: Env{MaxAttempts: 3, Pace: mackerel.Unpaced}, shut: make(chan struct{})}
	if sc.Fake == nil {
		return sc
	}
	sc.front = fakehttp.NewServer(wrap(sc.Fake))
	s.tb.Cleanup(sc.front.Close)
	if s.bubble {
		sc.env.BaseURL, sc.env.Client = fakehttp.MemoryURL, sc.front.Client()
		return sc
	}
	transport := &http.Transport{}
	s.tb.Cleanup(transport.CloseIdleConnections)
	sc.env.BaseURL, sc.env.Client = sc.front.URL(), &http.Client{Transport: transport}
	return sc
}

// notifier returns the scene's notifier. The first call makes it for the environment as it is by then.
func (sc *scene) notifier() mackerel.Notifier {
	if sc.made == nil {
		sc.made = sc.New(sc.tb, sc.env)
	}
	if sc.made == nil {
		sc.tb.Fatal("Harness.New returned nil")
	}
	return sc.made
}

// setTransport gives the scene a client with another transport, and a new notifier that uses it.
func (sc *scene) setTransport(t http.RoundTripper) {
	sc.env.Client, sc.made = &http.Client{Transport: t}, nil
}

// errorf complains. The repair is that of the row.
func (sc *scene) errorf(format string, args ...any) { sc.errorFor(sc.repair, format, args...) }

// errorFor complains, with a repair of its own.
func (sc *scene) errorFor(r repair, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if sc.in != "" {
		text = sc.in + ": " + text
	}
	sc.complain(r, text)
}
