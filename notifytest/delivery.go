package notifytest

import (
	"context"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// modes are the delivery modes.
var modes = []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce}

// A loss is a way in which an answer is lost.
type loss struct {
	name     string // a clause
	answered bool   // the status arrives, and a service whose answer is a status alone has answered
	fault    fakehttp.Fault
}

// losses returns ways with the message accepted and not accepted: a client cannot tell which happened.
func losses() []loss {
	breaks := func(b fakehttp.Break) fakehttp.Fault { return fakehttp.Fault{Break: b} }
	accepts := func(b fakehttp.Break) fakehttp.Fault { return fakehttp.Fault{Break: b, Handled: true} }
	return []loss{
		{"the connection is reset before the message is read", false, breaks(fakehttp.ResetConnection)},
		{"the connection is reset after the message is accepted", false, accepts(fakehttp.ResetConnection)},
		{"the connection is closed before the message is accepted", false, breaks(fakehttp.CloseConnection)},
		{"the connection is closed after the message is accepted", false, accepts(fakehttp.CloseConnection)},
		{"the service neither accepts the message nor answers", false, breaks(fakehttp.Silence)},
		{"the service accepts the message and does not answer", false, accepts(fakehttp.Silence)},
		{"half of the answer arrives", true, accepts(fakehttp.HalfBody)},
		{"half of the answer arrives in chunks", true, accepts(fakehttp.HalfChunked)},
		{"the answer stalls halfway", true, accepts(fakehttp.StalledBody)},
		{"the service answers 500 and does not accept the message", false, fakehttp.Fault{Status: 500}},
		{"the service accepts the message and answers 500", false, fakehttp.Fault{Status: 500, Handled: true}},
		{"the service accepts the message and answers 502", false, fakehttp.Fault{Status: 502, Handled: true}},
		{"the service answers 503 and does not accept the message", false, fakehttp.Fault{Status: 503}},
		{"the service accepts the message and answers 503", false, fakehttp.Fault{Status: 503, Handled: true}},
		{"the service accepts the message and answers 504", false, fakehttp.Fault{Status: 504, Handled: true}},
	}
}

// deliveryRows lose answers. The client then cannot know whether the message was accepted: the delivery mode decides
// whether it sends the message again, and its error must not claim more than it knows.
func deliveryRows() []row {
	var all []row
	for _, l := range losses() {
		all = append(all,
			row{"AtMostOnce sends one message if " + l.name, overHTTP, sendOnce, l.checkAtMostOnce},
			row{"AtLeastOnce repeats the message until it is accepted if " + l.name, withRepeats, repeatLost, l.checkRecovery},
			row{"AtLeastOnce ends with ErrAmbiguous if at every attempt " + l.name, overHTTP, repeatLost, l.checkForever},
		)
	}
	return append(all,
		row{"AtMostOnce sends one message if a used connection is reset", overHTTP, sendOnce, checkUsedConnection},
		row{"AtMostOnce sends one message if a socket is reset", onSockets, sendOnce, checkSocketReset},
		row{"a lost answer followed by refusals stays ErrAmbiguous", overHTTP, repeatLost, checkRefusedLater},
		row{"a lost answer followed by a wait that is too long stays ErrAmbiguous", withRepeats, repeatLost, checkWaitLater},
	)
}

// clients returns a scene with an ordinary client, and another whose client hides httptrace. The notifier of the second
// cannot see how far a request got.
func (s *stage) clients(mode mackerel.Delivery) []*scene {
	ordinary, untraced := s.sceneIn(mode), s.sceneIn(mode)
	untraced.in += ", without httptrace"
	untraced.setTransport(untracedTripper{untraced.env.Client.Transport})
	return []*scene{ordinary, untraced}
}

// An untracedTripper hides the hooks of httptrace from the RoundTripper below, as mocks and wrappers may do.
type untracedTripper struct{ base http.RoundTripper }

func (u untracedTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	return u.base.RoundTrip(r.WithContext(valueless{r.Context()})) //nolint:contextcheck // it wraps the request's context
}

// A valueless context hides the values of another context.
type valueless struct{ context.Context } //nolint:containedctx // it is a context itself

func (valueless) Value(any) any { return nil }

// checkAtMostOnce loses one answer. A repeated message may be read twice, or be a second phone call at night.
func (l loss) checkAtMostOnce(s *stage) {
	for _, sc := range s.clients(mackerel.AtMostOnce) {
		sc.front.Inject(l.fault)
		o := sc.send()
		o.wantKind(l.kinds(sc, sc.Dedups)...)
		o.wantNoSecret()
		switch {
		case o.err == nil || l.fault.Handled:
			o.wantAccepted(1)
		case !sc.Dedups:
			o.wantAccepted(0)
		}
		if !sc.Dedups {
			o.wantRequests(1)
		}
	}
}

// kinds returns the kinds of error that are right after a loss; nil if the call may succeed.
func (l loss) kinds(sc *scene, mayRepeat bool) []error {
	if l.answered || mayRepeat {
		return append(sc.lost(), nil)
	}
	return sc.lost()
}

// checkRecovery loses all answers but the last. An alert that is read twice is better than an alert that is not read.
func (l loss) checkRecovery(s *stage) {
	for _, sc := range s.clients(mackerel.AtLeastOnce) {
		l.fault.Times = sc.env.MaxAttempts - 1
		sc.front.Inject(l.fault)
		o := sc.send()
		o.wantSuccess()
		if o.accepted < 1 || o.accepted > sc.env.MaxAttempts {
			o.errorf("the service accepted %d messages; want at least 1 and at most %d", o.accepted, sc.env.MaxAttempts)
		}
		o.wantNoRepeats()
	}
}

// checkForever loses all answers. The message may have been accepted once per attempt.
func (l loss) checkForever(s *stage) {
	for _, sc := range s.clients(mackerel.AtLeastOnce) {
		l.fault.Times = -1
		sc.front.Inject(l.fault)
		o := sc.send()
		o.wantKind(l.kinds(sc, false)...)
		if o.err != nil {
			o.wantRequests(sc.attempts())
		}
		o.wantNoRepeats()
	}
}

// wantNoRepeats checks that a service that drops repeats has recognized them.
func (o outcome) wantNoRepeats() {
	if o.Dedups && o.accepted > 1 {
		o.errorf("the service drops repeats and accepted %d messages; want 1", o.accepted)
	}
}

// attempts returns how many requests a call makes that fails.
func (sc *scene) attempts() int {
	if sc.SingleAttempt {
		return 1
	}
	return sc.env.MaxAttempts
}

// checkUsedConnection finds repeats by net/http, which repeats a request with an Idempotency-Key header on a connection
// that was used before.
func checkUsedConnection(s *stage) {
	for _, sc := range s.clients(mackerel.AtMostOnce) {
		sc.send().wantSuccess()
		sc.sendReset()
	}
}

// checkSocketReset lets the kernel make the reset, in place of a pipe in memory.
func checkSocketReset(s *stage) {
	sc := s.sceneIn(mackerel.AtMostOnce)
	if sc.Dedups {
		sc.env.MaxAttempts = 1 // a repeat is allowed, and its wait would take real time
	}
	sc.sendReset()
}

// sendReset sends a message that the service accepts. The connection is then reset.
func (sc *scene) sendReset() {
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
	o := sc.send()
	o.wantAccepted(1)
	o.wantKind(loss{}.kinds(sc, sc.Dedups)...)
}

// checkRefusedLater refuses the attempts after a lost answer. The first attempt may still have been accepted.
func checkRefusedLater(s *stage) {
	sc := s.scene()
	sc.sendLost(refused(1), refused(1)).wantRequests(sc.attempts())
}

// checkWaitLater checks that the error tells both: the message may have been accepted, and how long to wait.
func checkWaitLater(s *stage) {
	s.scene().sendLost(refused(3600)).wantRetryAfter(time.Hour)
}

// sendLost sends a message whose first answer is lost and whose other answers are refusals.
func (sc *scene) sendLost(refusals ...fakehttp.Fault) outcome {
	sc.env.Delivery = mackerel.AtLeastOnce
	sc.front.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
	sc.front.Inject(refusals...)
	o := sc.send()
	kinds := sc.lost()
	if sc.Dedups {
		kinds = append(kinds, mackerel.ErrRateLimited)
	}
	o.wantKind(kinds...)
	return o
}
