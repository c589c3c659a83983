package notifytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A row is one promise and the check of it.
type row struct {
	name    string // a sentence
	check   func(*stage)
	http    bool // it needs faults, or a look at the requests
	repeats bool // it needs more than one attempt
	sockets bool // it runs on a loopback port in real time
}

// skip says why a row cannot be tried with a harness, "" if it can.
func (r row) skip(h Harness) string {
	switch {
	case r.http && h.Fake == nil:
		return "the service does not speak HTTP"
	case r.repeats && h.SingleAttempt:
		return "the notifier makes a single attempt"
	}
	return ""
}

// A reporter takes the complaints of a check. A *testing.T is one; the tests of this package have another.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// run tries a row in a bubble or on sockets. The stage has its harness; without a reporter, complaints go to t.
func (r row) run(t *testing.T, s stage, speaksHTTP bool) {
	check := func(t *testing.T) {
		s.tb = t
		if s.reporter == nil {
			s.reporter = t
		}
		r.check(&s)
		s.summarize()
	}
	if s.bubble = speaksHTTP && !r.sockets; s.bubble {
		synctest.Test(t, check)
		return
	}
	check(t)
}

// A stage is where one row is tried.
type stage struct {
	reporter
	tb      testing.TB // for what the harness does
	harness func(testing.TB) Harness
	linger  time.Duration // how long a goroutine may take to end after a call, on sockets
	bubble  bool
	alerts  int // made so far
	errors  int // complaints so far
}

// patience is how long a call may take without a deadline of its own.
func (s *stage) patience() time.Duration {
	if s.bubble {
		return 10 * time.Minute // which takes no time
	}
	return 20 * time.Second
}

// maxErrors is how many complaints of one row are worth reading.
const maxErrors = 10

// Errorf reports a complaint, and of the eleventh and later ones only the number.
func (s *stage) Errorf(format string, args ...any) {
	s.Helper()
	if s.errors++; s.errors <= maxErrors {
		s.reporter.Errorf(format, args...)
	}
}

func (s *stage) summarize() {
	if s.errors > maxErrors {
		s.reporter.Errorf("and %d more", s.errors-maxErrors)
	}
}

// alert returns an open critical alert, with an ID that no other alert of the row has.
func (s *stage) alert() mackerel.Alert {
	s.alerts++
	a := full()
	a.ID = fmt.Sprintf("notifytest%d", s.alerts)
	return a
}

// A scene is a fresh harness behind a server with faults. A row may have several.
type scene struct {
	*stage
	Harness
	env   Env
	front *fakehttp.Server // nil if the service does not speak HTTP
}

// scene makes a scene that ends with the row.
func (s *stage) scene() *scene {
	return s.sceneBehind(func(service http.Handler) http.Handler { return service })
}

// sceneBehind makes a scene with something of the row's own between the faults and the service.
func (s *stage) sceneBehind(wrap func(http.Handler) http.Handler) *scene {
	sc := &scene{stage: s, Harness: s.harness(s.tb), env: Env{MaxAttempts: 3}}
	if sc.Fake == nil {
		return sc
	}
	sc.front = fakehttp.NewServer(wrap(sc.Fake))
	s.tb.Cleanup(sc.front.Close)
	if s.bubble {
		sc.env.BaseURL, sc.env.Client = fakehttp.MemoryURL, sc.front.Client()
		return sc
	}
	pool := &http.Transport{MaxIdleConnsPerHost: crowd}
	s.tb.Cleanup(pool.CloseIdleConnections)
	sc.env.BaseURL, sc.env.Client = sc.front.URL(), &http.Client{Transport: pool}
	return sc
}

// notifier makes a notifier for the scene as it is.
func (sc *scene) notifier() mackerel.Notifier {
	sc.tb.Helper()
	n := sc.New(sc.tb, sc.env)
	if n == nil {
		sc.tb.Fatal("Harness.New returned nil")
	}
	return n
}

// requests returns the requests that arrived so far, nil if they cannot be seen.
func (sc *scene) requests() []fakehttp.Request {
	if sc.front == nil {
		return nil
	}
	return sc.front.Requests()
}

// An outcome is what came of one call.
type outcome struct {
	receipt  *mackerel.Receipt // nil if the notifier gives none
	err      error
	took     time.Duration
	requests []fakehttp.Request // that it made
	accepted int                // by the service
}

// send makes one call for an alert of its own and waits for its end.
func (sc *scene) send(n mackerel.Notifier) outcome { return sc.deliver(sc.tb.Context(), n, sc.alert()) }

// deliver makes one call and waits for its end: Deliver if the notifier has it, Notify otherwise.
func (sc *scene) deliver(ctx context.Context, n mackerel.Notifier, a mackerel.Alert) outcome {
	sc.Helper()
	return sc.observe(ctx, func(ctx context.Context) (*mackerel.Receipt, error) {
		if d, ok := n.(mackerel.Deliverer); ok {
			receipt, err := d.Deliver(ctx, a)
			return &receipt, err
		}
		return nil, n.Notify(ctx, a)
	})
}

// observe runs a call and notes what came of it.
func (sc *scene) observe(ctx context.Context, call func(context.Context) (*mackerel.Receipt, error)) outcome {
	sc.Helper()
	requests, accepted, start := len(sc.requests()), sc.Count(), time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var o outcome
	done := make(chan string, 1)
	go func() {
		problem := "it ended its goroutine"
		defer func() { done <- problem }()
		problem = catch(func() { o.receipt, o.err = call(ctx) })
	}()
	if problem := sc.await(done, cancel); problem != "" {
		sc.Errorf("the call did not return: %s", problem)
		o.err = errBroken
	}
	o.took = time.Since(start)
	o.requests, o.accepted = sc.requests()[requests:], sc.Count()-accepted
	return o
}

// errBroken stands for the error of a call that ended in some other way than returning.
var errBroken = errors.New("the call did not return")

// catch runs f and says how it panicked, "" if it did not.
func catch(f func()) (problem string) {
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprintf("it panicked: %v\n%s", p, debug.Stack())
		}
	}()
	f()
	return ""
}

// await waits for the end of a call, and takes more and more away from one that does not end: first its context, then
// the service.
func (sc *scene) await(done <-chan string, cancel context.CancelFunc) string {
	sc.Helper()
	take := []func(){cancel, func() {
		if sc.front != nil {
			sc.front.Close()
		}
	}}
	for i, when := range []string{"by itself", "after its context was cancelled"} {
		timer := time.NewTimer(sc.patience())
		select {
		case problem := <-done:
			timer.Stop()
			return problem
		case <-timer.C:
			sc.Errorf("the call did not return within %v %s", sc.patience(), when)
			take[i]()
		}
	}
	return <-done
}
