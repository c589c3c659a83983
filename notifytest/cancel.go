package notifytest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// errCause is the cause of every context that ends.
var errCause = errors.New("the on-call service is shutting down")

// A stop ends a context after some time.
type stop struct {
	name  string
	err   error // of the context, when it has ended
	start func(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc)
}

var stops = []stop{
	{"a cancelled context", context.Canceled, cancelAfter},
	{"a deadline", context.DeadlineExceeded, endAfter},
}

func endAfter(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, after, errCause)
}

func cancelAfter(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if after == 0 {
		cancel(errCause)
	}
	timer := time.AfterFunc(after, func() { cancel(errCause) })
	return ctx, func() { timer.Stop(); cancel(nil) }
}

// A phase is a point of a call at which its context ends.
type phase struct {
	name      string
	needs     needs // withRepeats if the call waits for its next attempt
	after     time.Duration
	out       bool // the request was sent and no definite answer has arrived
	mayFinish bool // the status has arrived, which may be all that the notifier needs
	prepare   func(*scene)
}

func phases() []phase {
	inject := func(f fakehttp.Fault) func(*scene) { return func(sc *scene) { sc.front.Inject(f) } }
	silence := inject(fakehttp.Fault{Break: fakehttp.Silence, Handled: true})
	stall := inject(fakehttp.Fault{Break: fakehttp.StalledBody, Handled: true})
	unavailable := inject(waiting(http.StatusServiceUnavailable, "10"))
	return []phase{
		{"before it begins", anyNotifier, 0, false, false, func(*scene) {}},
		{"while it connects", overHTTP, 3 * time.Second, false, false, (*scene).neverConnect},
		{"while it waits for the answer", overHTTP, 3 * time.Second, true, false, silence},
		{"while it reads the answer", overHTTP, 3 * time.Second, true, true, stall},
		{"while it waits after a refusal", withRepeats, 4 * time.Second, false, false, inject(refused(10))},
		{"while it waits after a lost answer", withRepeats, 4 * time.Second, true, false, unavailable},
	}
}

// neverConnect makes every dial last as long as the row, or until the service is closed. A dial must not end with the
// request, because net/http goes on dialing for other requests.
func (sc *scene) neverConnect() {
	sc.dialBy(func(dialer) dialer {
		return func(context.Context, string, string) (net.Conn, error) {
			select {
			case <-sc.tb.Context().Done():
			case <-sc.shut:
			}
			return nil, errors.New("the network is down")
		}
	})
}

// cancelRows end the context of a call at every point of the call.
func cancelRows() []row {
	var all []row
	for _, p := range phases() {
		for i, st := range stops {
			if i > 0 && p.needs == withRepeats {
				continue // a call does not begin a wait that is longer than its deadline
			}
			check := func(s *stage) { p.check(s, st) }
			all = append(all, row{st.name + " ends a call at once " + p.name, p.needs, endWithContext, check})
		}
	}
	return all
}

func (p phase) check(s *stage, st stop) {
	for _, mode := range modes {
		if mode == mackerel.AtMostOnce && p.needs == withRepeats && p.out {
			continue // there is no wait, because the message is not sent again
		}
		sc := s.sceneIn(mode)
		p.prepare(sc)
		ctx, release := st.start(s.tb.Context(), p.after)
		o := sc.deliver(ctx, s.alert())
		release()
		if o.err != nil || !p.mayFinish {
			p.judge(o, st)
		}
	}
}

// judge checks the moment of the return, the context's error and cause, and that the kind of the error claims no more
// than is known of the message.
func (p phase) judge(o outcome, st stop) {
	o.wantTook(p.after)
	o.wantNoSecret()
	if !errors.Is(o.err, st.err) {
		o.errorf("the error is not %v: %v", st.err, o.err)
	}
	if !errors.Is(o.err, errCause) {
		o.errorf("the error is not the context's cause: %v", o.err)
	}
	ambiguous := errors.Is(o.err, mackerel.ErrAmbiguous)
	if ambiguous && !p.out {
		o.errorFor(returnUnavailable, "%s, but the message cannot have been accepted: %v", got(o.err), o.err)
	}
	if !ambiguous && p.out && !o.Dedups {
		o.errorFor(returnAmbiguous, "%s; want mackerel.ErrAmbiguous, because the message may have been accepted: %v",
			got(o.err), o.err)
	}
	if !p.out {
		o.wantAccepted(0)
	}
	if p.after == 0 {
		o.wantRequests(0)
	}
}
