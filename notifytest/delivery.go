package notifytest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A loss is a way to lose an answer.
type loss struct {
	name   string
	fault  fakehttp.Fault
	status bool // the status came, so a service that needs no more than that has answered
}

// losses returns every way: whether the service has accepted the message or not, a client cannot tell.
func losses() []loss {
	return []loss{
		{name: "a connection reset before the message was read", fault: fakehttp.Fault{Break: fakehttp.ResetConnection}},
		{name: "a connection reset after the message was accepted", fault: fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}},
		{name: "a connection closed before the message was accepted", fault: fakehttp.Fault{Break: fakehttp.CloseConnection}},
		{name: "a connection closed after the message was accepted", fault: fakehttp.Fault{Break: fakehttp.CloseConnection, Handled: true}},
		{name: "no answer to a message that was not accepted", fault: fakehttp.Fault{Break: fakehttp.Silence}},
		{name: "no answer to a message that was accepted", fault: fakehttp.Fault{Break: fakehttp.Silence, Handled: true}},
		{name: "half an answer", fault: fakehttp.Fault{Break: fakehttp.HalfBody, Handled: true}, status: true},
		{name: "half an answer in chunks", fault: fakehttp.Fault{Break: fakehttp.HalfChunked, Handled: true}, status: true},
		{name: "an answer that stalls", fault: fakehttp.Fault{Break: fakehttp.StalledBody, Handled: true}, status: true},
		{name: "a 500 instead of the message's acceptance", fault: fakehttp.Fault{Status: 500}},
		{name: "a 500 after the message was accepted", fault: fakehttp.Fault{Status: 500, Handled: true}},
		{name: "a 502 after the message was accepted", fault: fakehttp.Fault{Status: 502, Handled: true}},
		{name: "a 503 instead of the message's acceptance", fault: fakehttp.Fault{Status: 503}},
		{name: "a 503 after the message was accepted", fault: fakehttp.Fault{Status: 503, Handled: true}},
		{name: "a 504 after the message was accepted", fault: fakehttp.Fault{Status: 504, Handled: true}},
	}
}

// deliveryRows are the heart of the suite. A client that has lost an answer cannot know whether the message arrived; what
// it does then is the delivery mode's to say, and what it reports must not claim more than it knows.
func deliveryRows() []row {
	var all []row
	for _, l := range losses() {
		all = append(all,
			row{name: "at most once, " + l.name + " does not repeat it", http: true, check: l.checkAtMostOnce},
			row{name: "at least once, " + l.name + " repeats it until it is accepted", http: true, repeats: true, check: l.checkRecovery},
			row{name: "at least once, " + l.name + " at every attempt is ambiguous", http: true, check: l.checkForever},
		)
	}
	return append(all,
		row{name: "at most once, a reset on a connection in use before does not repeat it", http: true, check: checkKept},
		row{name: "at most once, a reset of a socket does not repeat it", http: true, sockets: true, check: checkSocketReset},
		row{name: "a lost answer followed by refusals stays ambiguous", http: true, check: checkSticky},
		row{name: "a lost answer followed by a wait too long stays ambiguous", http: true, repeats: true, check: checkStickyWait},
		row{name: "as many attempts are made as asked for", http: true, repeats: true, check: checkAttempts},
	)
}

// scenes returns two scenes, of which the second goes through a client that hides from the notifier how far it got.
func (s *stage) scenes(mode mackerel.Delivery) map[string]*scene {
	seen, blind := s.scene(), s.scene()
	blind.env.Client = &http.Client{Transport: untraced{blind.env.Client.Transport}}
	all := map[string]*scene{"through net/http": seen, "through a transport that does not trace": blind}
	for _, sc := range all {
		sc.env.Delivery = mode
	}
	return all
}

// An untraced RoundTripper hides httptrace's hooks from the one below, as one that mocks or wraps may.
type untraced struct{ base http.RoundTripper }

func (u untraced) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := u.base.RoundTrip(r.WithContext(blindContext{r.Context()})) //nolint:contextcheck // it wraps the request's own
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// A blindContext is a context without its values.
type blindContext struct{ context.Context } //nolint:containedctx // it is a context itself

func (blindContext) Value(any) any { return nil }

// checkAtMostOnce: after a lost answer, a message sent again may be read twice, or be a second phone call at night.
func (l loss) checkAtMostOnce(s *stage) {
	for in, sc := range s.scenes(mackerel.AtMostOnce) {
		sc.front.Inject(l.fault)
		o := sc.send(sc.notifier())
		sc.wantKind(o, in, l.ends(sc, sc.Dedups)...)
		switch {
		case o.err == nil || l.fault.Handled:
			sc.wantAccepted(o, in, 1)
		case !sc.Dedups:
			sc.wantAccepted(o, in, 0)
		}
		if !sc.Dedups {
			sc.wantRequests(o, in, 1)
		}
	}
}

// ends returns the kinds with which a call may end, nil among them if it may have succeeded.
func (l loss) ends(sc *scene, recovers bool) []error {
	ends := sc.lost()
	if l.status || recovers {
		ends = append(ends, nil)
	}
	return ends
}

// checkRecovery lets the service fail until the last attempt. An alert that nobody reads is worse than one read twice.
func (l loss) checkRecovery(s *stage) {
	for in, sc := range s.scenes(mackerel.AtLeastOnce) {
		l.fault.Times = sc.env.MaxAttempts - 1
		sc.front.Inject(l.fault)
		o := sc.send(sc.notifier())
		sc.wantSuccess(o, in)
		if o.accepted < 1 || o.accepted > sc.env.MaxAttempts {
			sc.Errorf("%s: the service accepted %d messages; want 1, and no more than there are attempts", in, o.accepted)
		}
		if sc.Dedups {
			sc.wantAccepted(o, in+", to a service that drops repeats", 1)
		}
	}
}

// checkForever: when every answer was lost, the message may have arrived as often as it was sent, and the error says so.
func (l loss) checkForever(s *stage) {
	for in, sc := range s.scenes(mackerel.AtLeastOnce) {
		l.fault.Times = -1
		sc.front.Inject(l.fault)
		o := sc.send(sc.notifier())
		sc.wantKind(o, in, l.ends(sc, false)...)
		if o.err != nil {
			sc.wantRequests(o, in, sc.attempts())
		}
		if sc.Dedups && o.accepted > 1 {
			sc.wantAccepted(o, in+", to a service that drops repeats", 1)
		}
	}
}

// attempts is how many requests a call that fails is to make.
func (sc *scene) attempts() int {
	if sc.SingleAttempt {
		return 1
	}
	return sc.env.MaxAttempts
}

// checkKept finds net/http repeating by itself: it does so on a connection that was kept, if the request has a header
// that it takes for a key of idempotency.
func checkKept(s *stage) {
	for in, sc := range s.scenes(mackerel.AtMostOnce) {
		n := sc.notifier()
		sc.wantSuccess(sc.send(n), in)
		checkReset(sc, n, in)
	}
}

// checkSocketReset is the one reset that the kernel makes, and not a pipe in memory.
func checkSocketReset(s *stage) {
	sc := s.scene()
	sc.env.Delivery = mackerel.AtMostOnce
	checkReset(sc, sc.notifier(), "on a socket")
}

// checkReset loses the answer to a message that the service has accepted.
func checkReset(sc *scene, n mackerel.Notifier, in string) {
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
	o := sc.send(n)
	sc.wantAccepted(o, in, 1)
	allowed := sc.lost()
	if sc.Dedups {
		allowed = append(allowed, nil)
	}
	sc.wantKind(o, in, allowed...)
}

// refused is an answer of 429 that asks to wait so many seconds.
func refused(seconds int) fakehttp.Fault {
	return fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {strconv.Itoa(seconds)}}}
}

// checkSticky: that the last answer was a refusal says nothing about the first attempt, which may have been accepted.
func checkSticky(s *stage) {
	sc := s.scene()
	sc.env.Delivery = mackerel.AtLeastOnce
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}, refused(1), refused(1))
	o := sc.send(sc.notifier())
	sc.wantKind(o, "reset, 429, 429", sc.lostThenRefused()...)
	sc.wantRequests(o, "reset, 429, 429", sc.attempts())
}

// lostThenRefused are the ends of a call whose first answer was lost and whose last was a refusal.
func (h Harness) lostThenRefused() []error {
	if h.Dedups {
		return append(h.lost(), mackerel.ErrRateLimited)
	}
	return h.lost()
}

// checkStickyWait asks for two things at once: that it may have arrived, and when it can be tried again.
func checkStickyWait(s *stage) {
	sc := s.scene()
	sc.env.Delivery = mackerel.AtLeastOnce
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}, refused(3600))
	o := sc.send(sc.notifier())
	sc.wantKind(o, "reset, 429 for an hour", sc.lostThenRefused()...)
	sc.wantRequests(o, "reset, 429 for an hour", 2)
	sc.wantRetryAfter(o, "reset, 429 for an hour", time.Hour)
}

// checkAttempts sees that MaxAttempts counts requests, the first one included, and that none is slept after.
func checkAttempts(s *stage) {
	for _, attempts := range []int{1, 2, 5} {
		sc := s.scene()
		sc.env.MaxAttempts = attempts
		fault := refused(1)
		fault.Times = -1
		sc.front.Inject(fault)
		o := sc.send(sc.notifier())
		in := strconv.Itoa(attempts) + " attempts, all refused for a second"
		sc.wantKind(o, in, mackerel.ErrRateLimited)
		sc.wantRequests(o, in, attempts)
		sc.wantTook(o, in, time.Duration(attempts-1)*time.Second)
	}
}
