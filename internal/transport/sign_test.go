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
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(refusal(429, "7"), fault{Break: fakehttp.ResetConnection})
		r := post(t, fakehttp.MemoryURL)
		r.Sign = stamp
		start := time.Now()
		check(t, "class", do(t, s, options{}, r).Class, done)
		all := s.Requests()
		check(t, "requests", len(all), 3)
		for i, request := range all {
			signed := request.Header.Values("X-Signature")
			check(t, "signatures", len(signed), 1)
			check(t, "signature "+strconv.Itoa(i), signed[0], strconv.FormatInt(request.Time.Unix(), 10))
		}
		check(t, "waited", all[1].Time.Sub(start), 7*time.Second)
		check(t, "the request's own header", r.Header.Get("X-Signature"), "")
	})
}

func TestASignatureThatFails(t *testing.T) {
	errBroken := errors.New("no credentials")
	tests := []struct {
		name               string
		repeat             transport.Repeat
		fault              fault  // of the first request
		signer             string // what it does in each attempt: "f" for fail
		class              transport.Class
		attempts, requests int
	}{
		{"always, once", transport.Once, fault{}, "fff", unavailable, 3, 0},
		{"always, a message", transport.Message, fault{}, "fff", unavailable, 3, 0},
		{"always, a replay", transport.Replay, fault{}, "fff", unavailable, 3, 0},
		{"in the first attempt only", transport.Message, fault{Status: 200}, "f", done, 2, 1},
		{"after a lost answer", transport.Message, lostAnswer, ".ff", ambiguous, 3, 1},
		{"between a lost answer and a success", transport.Message, lostAnswer, ".f", done, 3, 2},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			if tt.requests > 0 {
				s.Inject(tt.fault)
			}
			r := post(t, fakehttp.MemoryURL)
			r.Repeat = tt.repeat
			calls := 0
			r.Sign = func(*http.Request) error {
				if calls++; calls <= len(tt.signer) && tt.signer[calls-1] == 'f' {
					return errBroken
				}
				return nil
			}
			result := do(t, s, options{}, r)
			check(t, "class", result.Class, tt.class)
			check(t, "attempts", result.Attempts, tt.attempts)
			check(t, "requests", len(s.Requests()), tt.requests)
			if tt.class != done {
				check(t, "error", result.Err.Error(), "not signed: no credentials")
				check(t, "the cause is found", errors.Is(result.Err, errBroken), true)
			}
		})
	}
}

func TestASignerHasTheTimeOfTheAttemptAndOfTheCaller(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		r := post(t, fakehttp.MemoryURL)
		r.Sign = func(r *http.Request) error {
			<-r.Context().Done()
			return r.Context().Err()
		}
		o := through(pipe(t, s))
		o.Timeout, o.MaxAttempts = 3*time.Second, 1
		tr := transport.New("test", o)
		result := tr.Do(t.Context(), r)
		check(t, "class", result.Class, unavailable)
		check(t, "error", result.Err.Error(), "no answer within 3s")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		result = tr.Do(ctx, r)
		check(t, "class of a cancelled call", result.Class, unavailable)
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
		text := result.Err.Error()
		check(t, "it says that nothing was signed", strings.HasPrefix(text, "not signed: "), true)
		if strings.Contains(text, "hunter2") || strings.Contains(text, "169.254") {
			t.Errorf("got %q", text)
		}
	}
	r.Sign = func(r *http.Request) error { r.Header.Set("X-Signature", "a\nb"); return nil }
	result := transport.New("test", options{MaxAttempts: 1}).Do(t.Context(), r)
	check(t, "a header with a line break", result.Class, unavailable)
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

func TestHeaderProblem(t *testing.T) {
	for _, c := range []struct {
		name, value string
		fine        bool
	}{
		{"X-Token", "a b", true}, {"Authorization", "Bearer x", true}, {"x-token", "", true}, {"X-Ü", "a", false}, {"", "a", false},
		{"X-Token", "a\tb", true}, {"X-Token", "a\x7f", false}, {"X-Token\x7f", "a", false},
		{"X Token", "a", false}, {"X-Token", "a\r\nb", false}, {"host", "a", false}, {"Content-Length", "1", false},
		{"Transfer-Encoding", "chunked", false}, {"user-agent", "a", false},
	} {
		problem := transport.HeaderProblem(c.name, c.value)
		if (problem == "") != c.fine || strings.Contains(problem, "\n") {
			t.Errorf("%q: %q gives %q", c.name, c.value, problem)
		}
	}
}
