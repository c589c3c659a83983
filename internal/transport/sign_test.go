package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// stamp signs with the moment.
func stamp(r *http.Request) error {
	r.Header.Add("X-Signature", strconv.FormatInt(time.Now().Unix(), 10))
	return nil
}

func TestEveryAttemptIsSignedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, fakehttp.Fault{Break: fakehttp.ResetConnection})
		r := post(t, fakehttp.MemoryURL)
		r.Sign = stamp
		start := time.Now()
		check(t, "class", transport.New("test", through(pipe(t, s))).Do(t.Context(), r).Class, transport.Done)
		all := s.Requests()
		check(t, "requests", len(all), 3)
		for i, request := range all {
			signed := request.Header.Values("X-Signature")
			check(t, "signatures", len(signed), 1)
			check(t, "body", string(request.Body), map[bool]string{false: "disk full"}[i == 1]) // reset before it was read
			check(t, "signature "+strconv.Itoa(i), signed[0], strconv.FormatInt(request.Time.Unix(), 10))
		}
		check(t, "waited", all[1].Time.Sub(start), 7*time.Second)
		check(t, "the request's own header", r.Header.Get("X-Signature"), "")
	})
}

func TestASignatureThatFailsIsProofThatNothingWasSent(t *testing.T) {
	s := newServer(t)
	broken := errors.New("no credentials")
	for _, repeat := range []transport.Repeat{transport.Once, transport.Message, transport.Replay} {
		r := post(t, s.URL())
		r.Repeat = repeat
		fails := 2
		r.Sign = func(*http.Request) error {
			if fails--; fails >= 0 {
				return broken
			}
			return nil
		}
		o := options{MaxAttempts: 1, Delivery: transport.AtMostOnce}
		result := transport.New("test", o).Do(t.Context(), r)
		check(t, "class", result.Class, transport.Unavailable)
		check(t, "error", result.Err.Error(), "not signed: no credentials")
		check(t, "cause", errors.Is(result.Err, broken), true)
		check(t, "requests", len(s.Requests()), 0)
	}
}

func TestASignatureThatFailsForAMomentCostsOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		calls := 0
		r := post(t, fakehttp.MemoryURL)
		r.Sign = func(*http.Request) error {
			if calls++; calls == 1 {
				return errors.New("no credentials yet")
			}
			return nil
		}
		result := transport.New("test", through(pipe(t, s))).Do(t.Context(), r)
		check(t, "class", result.Class, transport.Done)
		check(t, "attempts", result.Attempts, 2)
		check(t, "requests", len(s.Requests()), 1)
	})
}

func TestASignatureThatFailsAfterALostAnswerLeavesItAmbiguous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
		calls := 0
		r := post(t, fakehttp.MemoryURL)
		r.Sign = func(*http.Request) error {
			if calls++; calls > 1 {
				return errors.New("expired")
			}
			return nil
		}
		result := transport.New("test", through(pipe(t, s))).Do(t.Context(), r)
		check(t, "class", result.Class, transport.Ambiguous)
		check(t, "attempts", result.Attempts, 3)
	})
}

func TestASignerHasTheTimeOfTheAttemptAndOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		r := post(t, fakehttp.MemoryURL)
		r.Sign = func(r *http.Request) error {
			<-r.Context().Done()
			return r.Context().Err()
		}
		o := through(pipe(t, s))
		o.Timeout, o.MaxAttempts = 3*time.Second, 1
		tr := transport.New("test", o)
		result := tr.Do(t.Context(), r)
		check(t, "class", result.Class, transport.Unavailable)
		check(t, "error", result.Err.Error(), "no answer within 3s")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		result = tr.Do(ctx, r)
		check(t, "class of a cancelled call", result.Class, transport.Unavailable)
		check(t, "its cause", errors.Is(result.Err, context.DeadlineExceeded), true)
		check(t, "requests", len(s.Requests()), 0)
	})
}

func TestWhatASignerSaysIsCleaned(t *testing.T) {
	s := newServer(t)
	r := post(t, s.URL())
	for _, err := range []error{
		errors.New("bad key hunter2-secret"),
		&url.Error{Op: "Get", URL: "http://169.254.170.2/hunter2-secret", Err: errors.New("refused")},
		errors.New("Get http://169.254.170.2/hunter2-secret: refused"),
	} {
		r.Sign = func(*http.Request) error { return err }
		result := transport.New("test", options{MaxAttempts: 1}, "hunter2-secret").Do(t.Context(), r)
		if text := result.Err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "169.254") || !strings.HasPrefix(text, "not signed: ") {
			t.Errorf("got %q", text)
		}
	}
	r.Sign = func(r *http.Request) error { r.Header.Set("X-Signature", "a\nb"); return nil }
	result := transport.New("test", options{MaxAttempts: 1}).Do(t.Context(), r)
	check(t, "a header with a line break", result.Class, transport.Unavailable)
	check(t, "requests", len(s.Requests()), 0)
}

func TestManyCallsAtOnceAreSignedEachForItself(t *testing.T) {
	s := newServer(t)
	r := post(t, s.URL())
	r.Sign = func(r *http.Request) error {
		r.URL.RawQuery = "signed=1"
		return stamp(r)
	}
	tr := transport.New("test", options{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { tr.Do(t.Context(), r) })
	}
	all.Wait()
	check(t, "the request's own query", r.URL.RawQuery, "")
	for _, request := range s.Requests() {
		check(t, "query", request.Query, "signed=1")
		check(t, "signatures", len(request.Header.Values("X-Signature")), 1)
	}
	check(t, "requests", len(s.Requests()), 50)
}

func TestHeaderProblemKnowsWhatCannotBeSent(t *testing.T) {
	for _, c := range []struct {
		name, value string
		fine        bool
	}{
		{"X-Token", "a b", true}, {"Authorization", "Bearer x", true}, {"x-token", "", true}, {"X-Ü", "a", false}, {"", "a", false},
		{"X Token", "a", false}, {"X-Token", "a\r\nb", false}, {"host", "a", false}, {"Content-Length", "1", false},
		{"Transfer-Encoding", "chunked", false}, {"user-agent", "a", false},
	} {
		problem := transport.HeaderProblem(c.name, c.value)
		if (problem == "") != c.fine || strings.Contains(problem, "\n") {
			t.Errorf("%q: %q gives %q", c.name, c.value, problem)
		}
	}
}
