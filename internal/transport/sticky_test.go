package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

var (
	lostAnswer     = fault{Break: fakehttp.ResetConnection, Handled: true}
	tooMany        = refusal(429, "7")
	badRequest     = fault{Status: 400, Body: "no"}
	unavailable503 = fault{Status: 503}
)

// After an attempt that may have been carried out, only a success clears the ambiguity.
func TestAmbiguitySticks(t *testing.T) {
	tests := []struct {
		name     string
		faults   []fault
		class    transport.Class
		status   int
		attempts int
		after    time.Duration
	}{
		{"a lost answer, then too many requests", []fault{lostAnswer, tooMany, tooMany}, ambiguous, 429, 3, 7 * time.Second},
		{"503, then too many requests", []fault{unavailable503, tooMany, tooMany}, ambiguous, 429, 3, 7 * time.Second},
		{"a lost answer, then a wrong request", []fault{lostAnswer, badRequest}, ambiguous, 400, 2, 0},
		{"a lost answer, then success", []fault{lostAnswer}, done, 200, 2, 0},
		{"a lost answer, too many requests, then success", []fault{lostAnswer, tooMany}, done, 200, 3, 0},
		{"too many requests, then a wrong request", []fault{tooMany, badRequest}, invalid, 400, 2, 0},
		{"too many requests, then a lost answer", []fault{tooMany, lostAnswer}, done, 200, 3, 0},
		{"too many requests, then only lost answers", []fault{tooMany, lostAnswer, lostAnswer}, ambiguous, 429, 3, 0},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(tt.faults...)
			r := send(t, s, options{})
			check(t, "class", r.Class, tt.class)
			check(t, "status", r.Status, tt.status)
			check(t, "attempts", r.Attempts, tt.attempts)
			check(t, "RetryAfter", r.RetryAfter, tt.after)
		})
	}
}

// What carries a key may be done twice. A refusal after a lost answer is no proof that nothing was done.
func TestAKeyThatIsRefusedAfterALostAnswerMayHaveBeenAccepted(t *testing.T) {
	tests := []struct {
		name   string
		method string
		faults []fault
		class  transport.Class
	}{
		{"a lost answer, then a wrong request", http.MethodPost, []fault{lostAnswer, badRequest}, ambiguous},
		{"a lost answer, then a wrong token", http.MethodPost, []fault{lostAnswer, {Status: 401}}, ambiguous},
		{"503, then a missing room", http.MethodPost, []fault{unavailable503, {Status: 404}}, ambiguous},
		{"a lost answer, then too many requests", http.MethodPost, []fault{lostAnswer, tooMany, tooMany}, unavailable},
		{"only lost answers", http.MethodPost, []fault{lostAnswer, lostAnswer, lostAnswer}, unavailable},
		{"too many requests, then a wrong request", http.MethodPost, []fault{tooMany, badRequest}, invalid},
		{"a deletion: a lost answer, then not there", http.MethodDelete, []fault{lostAnswer, {Status: 404}}, notFound},
		{"a reading: a lost answer, then a wrong token", http.MethodGet, []fault{lostAnswer, {Status: 401}}, unauthorized},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(tt.faults...)
			r := post(t, fakehttp.MemoryURL)
			r.Method, r.Repeat = tt.method, transport.Replay
			check(t, "class", do(t, s, options{}, r).Class, tt.class)
		})
	}
}

func TestAmbiguitySticksWhereNothingWasSentInTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(lostAnswer)
		tp := pipe(t, s)
		attempts := 0
		tr := transport.New("chatwork", options{
			Client:    &http.Client{Transport: tp},
			OnAttempt: func(context.Context, transport.Attempt) { attempts++; s.Close() },
		})
		r := tr.Do(t.Context(), post(t, fakehttp.MemoryURL))
		check(t, "class after a lost answer and two refused connections", r.Class, ambiguous)
		check(t, "attempts", attempts, 3)
		if !errors.Is(r.Err, syscall.ECONNREFUSED) {
			t.Errorf("the error is %v, want what happened last", r.Err)
		}
	})
}

// An operation that may be done twice is never ambiguous.
func TestReplayIsNeverAmbiguous(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(lostAnswer, tooMany, tooMany)
		r := do(t, s, options{}, get(t, fakehttp.MemoryURL, transport.Replay))
		check(t, "class", r.Class, limited)

		request := get(t, fakehttp.MemoryURL, transport.Replay)
		request.Judge = func(r *transport.Result) { r.Class = ambiguous }
		r = do(t, s, options{}, request)
		check(t, "class of undocumented answers", r.Class, unavailable)
		check(t, "attempts", r.Attempts, 3)
	})
}

// net/http and a caller's RoundTripper may look for a second connection within one attempt. If there is no second
// connection, the request may still have been sent on the first.
func TestAConnectionThatWasGotIsNeverForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(lostAnswer)
		tp := pipe(t, s)
		twice := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			again := r.Clone(r.Context())
			if resp, err := tp.RoundTrip(r); err == nil {
				return resp, nil
			}
			s.Close()
			again.Body = io.NopCloser(strings.NewReader("disk full"))
			return tp.RoundTrip(again)
		})
		o := through(twice)
		o.MaxAttempts = 1
		r := transport.New("chatwork", o).Do(t.Context(), post(t, fakehttp.MemoryURL))
		check(t, "requests that the service handled", handledBy(s), 1)
		check(t, "class", r.Class, ambiguous)
	})
}

func TestJudge(t *testing.T) {
	classAs := func(c transport.Class) func(*transport.Result) {
		return func(r *transport.Result) { r.Class = c }
	}
	tests := []struct {
		name     string
		fault    fault
		judge    func(*transport.Result)
		class    transport.Class
		attempts int
		err      bool
	}{
		{"a refusal that is judged a success is a success", fault{Status: 409, Times: -1}, classAs(done), done, 1, false},
		{"a success that is judged invalid is refused", fault{Status: 200, Times: -1}, classAs(invalid), invalid, 1, false},
		{"an undocumented success is ambiguous and sent again", fault{Status: 200, Times: -1}, classAs(ambiguous), ambiguous, 3, false},
		{"a 500 that is judged invalid is refused", fault{Status: 500, Times: -1}, classAs(invalid), invalid, 1, false},
		{"a 429 that is judged invalid is not waited for", fault{Status: 429, Times: -1}, classAs(invalid), invalid, 1, false},
		{"a redirect that is documented is no error", fault{Status: 302, Header: http.Header{"Location": {"/"}}, Times: -1}, classAs(done), done, 1, false},
		{"a status that is judged a success needs no body", fault{Status: 409, Break: fakehttp.HalfBody, Times: -1}, classAs(done), done, 1, false},
		{"half a success is ambiguous before it is judged", fault{Status: 200, Break: fakehttp.HalfBody, Times: -1}, func(r *transport.Result) {
			if r.Class == done || r.Body != nil {
				r.Class = invalid
			}
		}, ambiguous, 3, true},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(tt.fault)
			request := post(t, fakehttp.MemoryURL)
			request.Judge = tt.judge
			r := do(t, s, options{}, request)
			check(t, "class", r.Class, tt.class)
			check(t, "attempts", r.Attempts, tt.attempts)
			check(t, "there is an error", r.Err != nil, tt.err)
		})
	}
}

// What Judge makes of an answer decides whether it may have been carried out.
func TestAJudgedAnswerBeforeARefusal(t *testing.T) {
	leave := func(*transport.Result) {}
	as := func(c transport.Class) func(*transport.Result) {
		return func(r *transport.Result) { r.Class = c }
	}
	tests := []struct {
		name   string
		status int
		judge  func(*transport.Result)
		class  transport.Class
	}{
		{"a 503", 503, leave, ambiguous},
		{"a 503 that is judged a refusal", 503, as(limited), invalid},
		{"a 429", 429, leave, invalid},
		{"a success that is judged ambiguous", 200, as(ambiguous), ambiguous},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(fault{Status: tt.status}, badRequest)
			r := post(t, fakehttp.MemoryURL)
			r.Repeat = transport.Replay
			r.Judge = func(r *transport.Result) {
				if r.Status == tt.status {
					tt.judge(r)
				}
			}
			result := do(t, s, options{}, r)
			check(t, "class", result.Class, tt.class)
			check(t, "attempts", result.Attempts, 2)
		})
	}
}

func TestTheIDOfAResultIsCleaned(t *testing.T) {
	s := newServer(t)
	r := post(t, s.URL())
	r.Judge = func(r *transport.Result) { r.ID = "1\nhunter2" }
	check(t, "id", transport.New("test", options{}, "hunter2").Do(t.Context(), r).ID, "1 [redacted]")
}
