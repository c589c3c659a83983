package transport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

var errNotNow = errors.New("450 not now")

// Try follows the rules of a Message over HTTP.
func TestTry(t *testing.T) {
	certificate := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	for _, test := range []struct {
		name     string
		classes  []transport.Class // of the attempts; the last is repeated
		err      error
		mode     transport.Delivery
		attempts int
		class    transport.Class
	}{
		{"a success", []transport.Class{done}, nil, 0, 1, done},
		{"a refusal for good", []transport.Class{invalid}, errNotNow, 0, 1, invalid},
		{"a refusal for now, and then a success", []transport.Class{unavailable, done}, nil, transport.AtMostOnce, 2, done},
		{"refusals for now", []transport.Class{unavailable}, errNotNow, transport.AtMostOnce, 3, unavailable},
		{"a lost answer, at least once", []transport.Class{ambiguous, done}, nil, 0, 2, done},
		{"a lost answer, at most once", []transport.Class{ambiguous, done}, errNotNow, transport.AtMostOnce, 1, ambiguous},
		{"a lost answer, and then refusals", []transport.Class{ambiguous, unavailable}, errNotNow, 0, 3, ambiguous},
		{"a certificate that is not good", []transport.Class{unavailable}, certificate, 0, 1, unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reported []transport.Attempt
				tr := transport.New("email", options{Delivery: test.mode, OnAttempt: func(_ context.Context, a transport.Attempt) { reported = append(reported, a) }})
				n := 0
				r := tr.Try(t.Context(), transport.Request{Op: "send mail"}, func(context.Context) transport.Attempted {
					n++
					return transport.Attempted{Class: test.classes[min(n, len(test.classes))-1], Err: test.err}
				})
				if n != test.attempts || r.Attempts != n || r.Class != test.class || !errors.Is(r.Err, test.err) {
					t.Errorf("%d attempts, %+v", n, r)
				}
				if len(reported) != n || reported[0].Op != "send mail" || !reported[n-1].Last || reported[n-1].Wait != 0 || n > 1 && reported[0].Wait == 0 {
					t.Errorf("%+v", reported)
				}
			})
		})
	}
}

// An attempt says how long to wait, how long it has waited for its turns, and that no other attempt is of use.
func TestTryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reported []transport.Attempt
		tr := transport.New("email", options{OnAttempt: func(_ context.Context, a transport.Attempt) { reported = append(reported, a) }})
		attempts := []transport.Attempted{
			{Class: unavailable, Err: errNotNow, RetryAfter: 7 * time.Second, Waited: 3 * time.Second},
			{Class: unavailable, Err: errNotNow, Final: true},
		}
		start, n := time.Now(), 0
		r := tr.Try(t.Context(), transport.Request{Op: "send mail"}, func(context.Context) transport.Attempted {
			a := attempts[n]
			time.Sleep(a.Waited + time.Second)
			n++
			return a
		})
		check(t, "attempts", r.Attempts, 2)
		check(t, "waited", r.Waited, 3*time.Second)
		check(t, "time", time.Since(start), 12*time.Second)
		check(t, "the wait of the first attempt for its turns", reported[0].Waited, 3*time.Second)
		check(t, "the duration of the first attempt", reported[0].Duration, time.Second)
		check(t, "the wait after the first attempt", reported[0].Wait, 7*time.Second)
	})
}

// After the end of the context there is no attempt. A wait ends with the context. A wait that is too long is not begun.
func TestTryAndTheContext(t *testing.T) {
	cause := errors.New("shutting down")
	refuse := func(context.Context) transport.Attempted {
		return transport.Attempted{Class: unavailable, Err: errNotNow}
	}
	synctest.Test(t, func(t *testing.T) {
		tr := transport.New("email", options{MaxAttempts: 100})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(cause) })
		start := time.Now()
		r := tr.Try(ctx, transport.Request{Op: "send mail"}, refuse)
		if time.Since(start) != 10*time.Second || r.Attempts < 2 || r.Class != unavailable || !errors.Is(r.Err, cause) || !errors.Is(r.Err, context.Canceled) {
			t.Errorf("%+v after %v", r, time.Since(start))
		}
		if r = tr.Try(ctx, transport.Request{Op: "send mail"}, refuse); r.Attempts != 0 || r.Class != unavailable || !errors.Is(r.Err, cause) {
			t.Errorf("%+v", r)
		}
		short, release := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer release()
		start = time.Now()
		if r = tr.Try(short, transport.Request{Op: "send mail"}, refuse); r.Attempts != 1 || time.Since(start) != 0 || !errors.Is(r.Err, errNotNow) {
			t.Errorf("%+v after %v", r, time.Since(start))
		}
	})
}

func TestLost(t *testing.T) {
	tr := transport.New("email", options{Timeout: 4 * time.Second}, "secret-password")
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	for want, err := range map[string]error{
		"no answer within 4s": timeout, "what is [redacted]": errors.New("what is secret-password"), "the connection failed": errors.New("alert@example.com"),
	} {
		if got := tr.Lost(t.Context(), err); got == nil || got.Error() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if tr.Lost(t.Context(), nil) != nil || tr.Timeout() != 4*time.Second || tr.Delivery() != transport.AtLeastOnce {
		t.Errorf("%v, %v, %v", tr.Lost(t.Context(), nil), tr.Timeout(), tr.Delivery())
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("shutting down")
	cancel(cause)
	if got := tr.Lost(ctx, timeout); !errors.Is(got, context.Canceled) || !errors.Is(got, cause) {
		t.Error(got)
	}
	check(t, "no error, after the end of the context", tr.Lost(ctx, nil), nil)
}
