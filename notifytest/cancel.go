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

// errCause is the cause of every cancellation here.
var errCause = errors.New("the on-call service is shutting down")

// A stop is a way in which a context ends after some time.
type stop struct {
	name  string
	err   error // what the context's Err returns then
	start func(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc)
}

var stops = []stop{
	{"a cancelled context", context.Canceled, func(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		if after == 0 {
			cancel(errCause)
		}
		timer := time.AfterFunc(after, func() { cancel(errCause) })
		return ctx, func() { timer.Stop(); cancel(nil) }
	}},
	{"a context past its deadline", context.DeadlineExceeded, func(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeoutCause(ctx, after, errCause)
	}},
}

// A phase is where a call is when its context ends.
type phase struct {
	name      string
	after     time.Duration
	http      bool
	repeats   bool
	deadline  bool // a deadline can end it: a wait that does not fit is not begun
	out       bool // the request has gone out, and no definite answer came
	mayFinish bool // the status had come, which may be all that the notifier needs
	prepare   func(*scene)
}

func phases() []phase {
	inject := func(f ...fakehttp.Fault) func(*scene) { return func(sc *scene) { sc.front.Inject(f...) } }
	return []phase{
		{name: "before the call", deadline: true, prepare: func(*scene) {}},
		{name: "while connecting", after: 3 * time.Second, http: true, deadline: true, prepare: (*scene).neverConnect},
		{
			name: "while waiting for the answer", after: 3 * time.Second, http: true, deadline: true, out: true,
			prepare: inject(fakehttp.Fault{Break: fakehttp.Silence, Handled: true}),
		},
		{
			name: "while reading the answer", after: 3 * time.Second, http: true, deadline: true, out: true, mayFinish: true,
			prepare: inject(fakehttp.Fault{Break: fakehttp.StalledBody, Handled: true}),
		},
		{name: "while waiting after a refusal", after: 4 * time.Second, http: true, repeats: true, prepare: inject(refused(10))},
		{
			name: "while waiting after a lost answer", after: 4 * time.Second, http: true, repeats: true, out: true,
			prepare: inject(waiting(http.StatusServiceUnavailable, "10")),
		},
	}
}

// neverConnect makes every dial take as long as the row. Net/http goes on dialing when the request is cancelled, and does
// not cancel the dial's context.
func (sc *scene) neverConnect() {
	sc.dialBy(func(dialer) dialer {
		return func(context.Context, string, string) (net.Conn, error) {
			<-sc.tb.Context().Done()
			return nil, sc.tb.Context().Err()
		}
	})
}

// cancelRows end a call's context at every point of the call. The caller is waiting, often to shut down.
func cancelRows() []row {
	var all []row
	for _, p := range phases() {
		for _, st := range stops {
			if st.err == context.DeadlineExceeded && !p.deadline { //nolint:errorlint // it is the sentinel itself
				continue
			}
			all = append(all, row{
				name: st.name + " " + p.name + " ends it at once", http: p.http, repeats: p.repeats,
				check: func(s *stage) { p.check(s, st) },
			})
		}
	}
	return all
}

// check ends the context in one phase, under either mode.
func (p phase) check(s *stage, st stop) {
	for _, mode := range modes {
		if mode == mackerel.AtMostOnce && p.repeats && p.out {
			continue // it does not wait then
		}
		sc := s.scene()
		sc.env.Delivery = mode
		p.prepare(sc)
		n := sc.notifier()
		ctx, release := st.start(s.tb.Context(), p.after)
		o := sc.deliver(ctx, n, s.alert())
		release()
		p.judge(sc, o, mode.String(), st)
	}
}

// judge asks for the exact moment, for the context's error and its cause, and for what is known of the message.
func (p phase) judge(sc *scene, o outcome, in string, st stop) {
	if o.err == nil && p.mayFinish {
		return
	}
	sc.wantTook(o, in, p.after)
	if !errors.Is(o.err, st.err) {
		sc.Errorf("%s: the error is not %v: %v", in, st.err, o.err)
	}
	if !errors.Is(o.err, errCause) {
		sc.Errorf("%s: the error is not the context's cause: %v", in, o.err)
	}
	ambiguous := errors.Is(o.err, mackerel.ErrAmbiguous)
	if ambiguous && !p.out {
		sc.Errorf("%s: the error is ErrAmbiguous, and nothing can have been delivered: %v", in, o.err)
	}
	if !ambiguous && p.out && !sc.Dedups {
		sc.Errorf("%s: the error is not ErrAmbiguous, and the message may have been delivered: %v", in, o.err)
	}
	if !p.out {
		sc.wantAccepted(o, in, 0)
	}
	if p.name == "before the call" {
		sc.wantRequests(o, in, 0)
	}
}
