package transport_test

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// bubbleStart is the time at which a bubble begins.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// epoch returns a Unix time after the beginning of the bubble, as a server with a skewed clock writes it.
func epoch(skew, after time.Duration) string {
	return strconv.FormatInt(bubbleStart.Add(skew+after).Unix(), 10)
}

func date(layout string, after time.Duration) string { return bubbleStart.Add(after).Format(layout) }

// resetAt is the header of a limit without the calls that are left.
func resetAt(value string) http.Header { return http.Header{"X-Ratelimit-Reset": {value}} }

// leftUntil is the header of a limit with the calls that are left.
func leftUntil(left, value string) http.Header {
	return http.Header{"X-Ratelimit-Remaining": {left}, "X-Ratelimit-Reset": {value}}
}

// want is the wait between two attempts; 0 is the default wait, for an answer that does not say.
var waitTests = []struct {
	name   string
	skew   time.Duration // of the server's clock
	status int
	header http.Header
	want   time.Duration
}{
	{"Retry-After in seconds", 0, 429, after("7"), 7 * time.Second},
	{"Retry-After of a 503", 0, 503, after("7"), 7 * time.Second},
	{"Retry-After of a 408", 0, 408, after("7"), 7 * time.Second},
	{"Retry-After as an HTTP date", 0, 429, after(date(http.TimeFormat, 9*time.Second)), 9 * time.Second},
	{"Retry-After as an RFC 850 date", 0, 429, after(date("Monday, 02-Jan-06 15:04:05 GMT", 9*time.Second)), 9 * time.Second},
	{"Retry-After as ANSI C writes dates", 0, 429, after(date(time.ANSIC, 9*time.Second)), 9 * time.Second},
	{"Retry-After as a date, the server's clock being ahead", time.Hour, 429, after(date(http.TimeFormat, time.Hour+9*time.Second)), 9 * time.Second},
	{"Retry-After as a date, the server's clock being behind", -24 * time.Hour, 429, after(date(http.TimeFormat, -24*time.Hour+9*time.Second)), 9 * time.Second},
	{"Retry-After as a date, the server having no clock", 0, 429, http.Header{"Date": {""}, "Retry-After": {date(http.TimeFormat, 9*time.Second)}}, 9 * time.Second},
	{"Retry-After in the past", 0, 429, after(date(http.TimeFormat, -time.Minute)), 0},
	{"Retry-After in the past, of a 503", 0, 503, after(date(http.TimeFormat, -time.Minute)), 0},
	{"a Retry-After of 0", 0, 429, after("0"), 0},
	{"a negative Retry-After", 0, 429, after("-5"), 0},
	{"Retry-After in words", 0, 429, after("soon"), 0},
	{"Retry-After before a reset", 0, 429, http.Header{"Retry-After": {"3"}, "X-Ratelimit-Reset": {epoch(0, 9*time.Second)}}, 3 * time.Second},

	{"a reset, as Jira writes it", 50 * time.Second, 429, leftUntil("0", "2000-01-01T00:01Z"), 10 * time.Second},
	{"a reset, as Chatwork writes it", 0, 429, leftUntil("0", epoch(0, 12*time.Second)), 12 * time.Second},
	{"a reset, the server's clock being ahead", 90 * time.Minute, 429, resetAt(epoch(90*time.Minute, 12*time.Second)), 12 * time.Second},
	{"a reset, the server's clock being behind", -90 * time.Minute, 429, resetAt(epoch(-90*time.Minute, 12*time.Second)), 12 * time.Second},
	{"a reset of a limit that was not reached", 0, 429, leftUntil("12", epoch(0, 12*time.Second)), 0},
	{"a reset of a limit that was overdrawn", 0, 429, leftUntil("-1", epoch(0, 12*time.Second)), 12 * time.Second},
	{"a reset of a failure, which every answer has", 0, 503, leftUntil("0", epoch(0, 12*time.Second)), 0},
	{"a reset in the past", 0, 429, resetAt(epoch(0, -time.Second)), 0},
	{"a reset in more than an hour", 0, 429, resetAt(epoch(0, time.Hour+time.Second)), 0},
	{"a reset in milliseconds", 0, 429, resetAt(epoch(0, 12*time.Second) + "000"), 0},
	{"a reset in seconds from now", 0, 429, resetAt("12"), 12 * time.Second},
	{"a negative reset", 0, 429, resetAt("-12"), 0},
	{"a reset that overflows a time", 0, 429, resetAt(strconv.FormatInt(math.MaxInt64, 10)), 0},
	{"a reset that overflows everything", 0, 429, resetAt("99999999999999999999999999"), 0},
	{"HipChat's rate limit is used up", 0, 429, http.Header{
		"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {epoch(0, 14*time.Second)},
		"X-Floodcontrol-Remaining": {"20"}, "X-Floodcontrol-Reset": {epoch(0, 3*time.Second)},
	}, 14 * time.Second},
	{"HipChat's flood control is used up", 0, 429, http.Header{
		"X-Ratelimit-Remaining": {"80"}, "X-Ratelimit-Reset": {epoch(0, 14*time.Second)},
		"X-Floodcontrol-Remaining": {"0"}, "X-Floodcontrol-Reset": {epoch(0, 3*time.Second)},
	}, 3 * time.Second},
	{"both of HipChat's are used up", 0, 429, http.Header{
		"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {epoch(0, 2*time.Second)},
		"X-Floodcontrol-Remaining": {"0"}, "X-Floodcontrol-Reset": {epoch(0, 3*time.Second)},
	}, 3 * time.Second},
	{"both of HipChat's are in the past", 0, 429, http.Header{
		"X-Ratelimit-Reset": {epoch(0, -2*time.Second)}, "X-Floodcontrol-Reset": {epoch(0, -3*time.Second)},
	}, 0},
	{"a negative period", 0, 429, http.Header{"X-Ratelimit-Period-In-Sec": {"-11"}}, 0},
	{"the period of Opsgenie's limit", 0, 429, http.Header{"X-Ratelimit-Period-In-Sec": {"11"}}, 11 * time.Second},
	{"no header about a wait", 0, 429, nil, 0},
}

func TestWaits(t *testing.T) {
	for _, tt := range waitTests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Advance(tt.skew)
			s.Inject(fault{Status: tt.status, Header: tt.header})
			var waits []time.Duration
			tr := transport.New("chatwork", options{
				Client:    s.Client(),
				OnAttempt: func(_ context.Context, a transport.Attempt) { waits = append(waits, a.Wait) },
			})
			start := time.Now()
			r := tr.Do(t.Context(), post(t, fakehttp.MemoryURL))
			check(t, "class", r.Class, done)
			check(t, "RetryAfter in the end", r.RetryAfter, 0)
			if tt.want > 0 {
				check(t, "wait", time.Since(start), tt.want)
			} else if w := time.Since(start); w < 250*time.Millisecond || w > 500*time.Millisecond {
				t.Errorf("waited for %v, want 250 to 500 ms", w)
			}
			check(t, "attempts and the wait after the last", [2]time.Duration{time.Duration(len(waits)), waits[1]}, [2]time.Duration{2, 0})
			check(t, "the wait that OnAttempt was told", waits[0], time.Since(start))
		})
	}
}

func TestTheServicesOwnWait(t *testing.T) {
	tests := []struct {
		name string
		hook time.Duration
		want time.Duration
	}{
		{"comes first", 10 * time.Second, 10 * time.Second},
		{"is silent: the headers count", 0, 3 * time.Second},
		{"is negative: the headers count", -time.Hour, 3 * time.Second},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(fault{Status: 429, Body: "room limit", Header: after("3")})
			request := post(t, fakehttp.MemoryURL)
			request.Wait = func(r *transport.Result) time.Duration {
				check(t, "what the hook sees", string(r.Body), "room limit")
				check(t, "the class it sees", r.Class, limited)
				return tt.hook
			}
			start := time.Now()
			r := do(t, s, options{}, request)
			check(t, "class", r.Class, done)
			check(t, "wait", time.Since(start), tt.want)
		})
	}
}

// Wait is called only if the call may be repeated.
func TestNoWaitIsReadOfAFinalAnswer(t *testing.T) {
	for _, status := range []int{200, 301, 400, 401, 404, 501} {
		request := post(t, fakehttp.MemoryURL)
		request.Wait = func(*transport.Result) time.Duration { t.Errorf("asked about a %d", status); return 0 }
		tr := transport.New("chatwork", through(roundTripFunc(func(*http.Request) (*http.Response, error) {
			resp := response(status, answer)
			resp.Header.Set("Retry-After", "5")
			return resp, nil
		})))
		r := tr.Do(t.Context(), request)
		check(t, "RetryAfter", r.RetryAfter, 0)
		check(t, "attempts", r.Attempts, 1)
	}
}

// A wait that is longer than MaxWait or the deadline allows is not begun.
func TestWaitsThatAreTooLong(t *testing.T) {
	tests := []struct {
		name     string
		fault    fault
		maxWait  time.Duration
		deadline time.Duration
		class    transport.Class
		after    time.Duration
		attempts int
		elapsed  time.Duration
	}{
		{"just within MaxWait", refusal(429, "15"), 0, 0, done, 0, 2, 15 * time.Second},
		{"just over MaxWait", refusal(429, "16"), 0, 0, limited, 16 * time.Second, 1, 0},
		{"over a MaxWait that was set", refusal(429, "3"), 2 * time.Second, 0, limited, 3 * time.Second, 1, 0},
		{"within a MaxWait that was set", refusal(429, "60"), time.Minute, 0, done, 0, 2, time.Minute},
		{"within the deadline", refusal(429, "9"), 0, 10 * time.Second, done, 0, 2, 9 * time.Second},
		{"until the very deadline", refusal(429, "10"), 0, 10 * time.Second, limited, 10 * time.Second, 1, 0},
		{"beyond the deadline", refusal(429, "11"), 0, 10 * time.Second, limited, 11 * time.Second, 1, 0},
		{"absurd", refusal(429, "2147483647"), 0, 0, limited, math.MaxInt32 * time.Second, 1, 0},
		{"more than 31 bits", refusal(429, "4000000000"), 0, 0, limited, 4000000000 * time.Second, 1, 0},
		{"more than a duration can hold", refusal(429, "99999999999"), 0, 0, limited, 9223372036 * time.Second, 1, 0},
		{"more than 64 bits", refusal(429, "99999999999999999999999999"), 0, 0, limited, 9223372036 * time.Second, 1, 0},
		{"a date so far away that a duration cannot hold it", refusal(429, "Fri, 31 Dec 9999 23:59:59 GMT"), 0, 0, limited, math.MaxInt64, 1, 0},
		{"absurd, and no bound to it", refusal(429, "Fri, 31 Dec 9999 23:59:59 GMT"), math.MaxInt64, time.Hour, limited, math.MaxInt64, 1, 0},
		{"after a failure that says nothing definite", refusal(503, "3600"), 0, 0, ambiguous, time.Hour, 1, 0},
		{"our own, beyond the deadline", fault{Status: 429}, 0, 100 * time.Millisecond, limited, 0, 1, 0},
		{"our own, over MaxWait: it is shortened", fault{Status: 429}, time.Nanosecond, 0, done, 0, 2, 0},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(tt.fault)
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if tt.deadline > 0 {
				ctx, cancel = context.WithTimeout(ctx, tt.deadline)
			}
			defer cancel()
			var last transport.Attempt
			start := time.Now()
			r := transport.New("chatwork", options{
				Client: s.Client(), MaxWait: tt.maxWait,
				OnAttempt: func(_ context.Context, a transport.Attempt) { last = a },
			}).Do(ctx, post(t, fakehttp.MemoryURL))
			check(t, "class", r.Class, tt.class)
			check(t, "RetryAfter", r.RetryAfter, tt.after)
			check(t, "attempts", r.Attempts, tt.attempts)
			check(t, "time", time.Since(start).Truncate(time.Microsecond), tt.elapsed)
			check(t, "the last attempt is last", last.Last, true)
			check(t, "the wait after it", last.Wait, 0)
		})
	}
}

func TestExponentialWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const attempts = 9
		var waits [attempts][]time.Duration
		s := newServer(t)
		s.Inject(fault{Status: 429, Times: -1})
		tr := transport.New("chatwork", options{
			Client: s.Client(), MaxAttempts: attempts,
			OnAttempt: func(_ context.Context, a transport.Attempt) { waits[a.Number-1] = append(waits[a.Number-1], a.Wait) },
		})
		for range 100 {
			tr.Do(t.Context(), post(t, fakehttp.MemoryURL))
		}
		longest := 500 * time.Millisecond
		for i, all := range waits[:attempts-1] {
			different := map[time.Duration]bool{}
			for _, w := range all {
				different[w] = true
				if w < longest/2 || w > longest {
					t.Errorf("after attempt %d: waited for %v, want %v to %v", i+1, w, longest/2, longest)
				}
			}
			if len(different) < 90 {
				t.Errorf("after attempt %d: only %d different waits of 100", i+1, len(different))
			}
			longest = min(2*longest, transport.DefaultMaxWait)
		}
	})
}

func TestManyAttempts(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(fault{Status: 429, Times: -1})
		r := send(t, s, options{MaxAttempts: 100, MaxWait: math.MaxInt64})
		check(t, "attempts", r.Attempts, 100)
	})
}

var errOperator = errors.New("the operator pressed the button")

func TestCancel(t *testing.T) {
	tests := []struct {
		name     string
		fault    fault
		after    time.Duration // when the context is cancelled
		class    transport.Class
		status   int
		attempts int
		retry    time.Duration
	}{
		{"before anything", fault{}, 0, unavailable, 0, 0, 0},
		{"while there is no answer", fault{Break: fakehttp.Silence, Handled: true}, 3 * time.Second, ambiguous, 0, 1, 0},
		{"while the body is read", fault{Break: fakehttp.StalledBody, Handled: true}, 3 * time.Second, ambiguous, 200, 1, 0},
		{"while the body of a refusal is read", fault{Status: 429, Break: fakehttp.StalledBody}, 3 * time.Second, limited, 429, 1, 0},
		{"while waiting for the next attempt", refusal(429, "12"), 7 * time.Second, limited, 429, 1, 12 * time.Second},
		{"while waiting after a failure", refusal(503, "12"), 7 * time.Second, ambiguous, 503, 1, 12 * time.Second},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(tt.fault)
			ctx, cancel := context.WithCancelCause(t.Context())
			if tt.after == 0 {
				cancel(errOperator)
			}
			time.AfterFunc(tt.after, func() { cancel(errOperator) })
			last := tt.attempts == 0
			start := time.Now()
			r := transport.New("chatwork", options{
				Client: s.Client(), OnAttempt: func(_ context.Context, a transport.Attempt) { last = a.Last },
			}).Do(ctx, post(t, fakehttp.MemoryURL))
			check(t, "time", time.Since(start), tt.after)
			check(t, "another attempt was announced", !last, tt.retry > 0)
			check(t, "class", r.Class, tt.class)
			check(t, "status", r.Status, tt.status)
			check(t, "attempts", r.Attempts, tt.attempts)
			check(t, "RetryAfter", r.RetryAfter, tt.retry)
			if !errors.Is(r.Err, context.Canceled) || !errors.Is(r.Err, errOperator) {
				t.Errorf("the error is %v, want that it was cancelled, and why", r.Err)
			}
			check(t, "words", r.Err.Error(), "context canceled: the operator pressed the button")
		})
	}
}

func TestADialIsLimitedInTime(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		ended := make(chan struct{}) // net/http goes on dialing after the call has returned
		defer close(ended)
		o := through(dialing(pipe(t, s), -1, func() (net.Conn, error) {
			<-ended
			return nil, net.ErrClosed
		}))
		o.MaxAttempts, o.Delivery = 1, transport.AtMostOnce
		start := time.Now()
		r := transport.New("twilio", o).Do(t.Context(), post(t, fakehttp.MemoryURL))
		check(t, "time", time.Since(start), transport.DefaultTimeout)
		check(t, "class", r.Class, unavailable)
	})
}

// The caller's deadline is context.DeadlineExceeded. The attempt's timeout is another error.
func TestTheCallersDeadlineIsNotATimeout(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(fault{Break: fakehttp.Silence, Times: -1})
		tr := transport.New("chatwork", options{Client: s.Client(), MaxAttempts: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		r := tr.Do(ctx, post(t, fakehttp.MemoryURL))
		check(t, "the caller's deadline", errors.Is(r.Err, context.DeadlineExceeded), true)
		check(t, "words", r.Err.Error(), "context deadline exceeded")

		r = tr.Do(t.Context(), post(t, fakehttp.MemoryURL))
		check(t, "the attempt's deadline is the caller's", errors.Is(r.Err, context.DeadlineExceeded), false)
		var timeout net.Error
		check(t, "the attempt's deadline is a timeout", errors.As(r.Err, &timeout) && timeout.Timeout(), true)
	})
}

// There is no attempt after a wait during which the context ended.
func TestNoAttemptIsMadeInVain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	o := through(roundTripFunc(func(*http.Request) (*http.Response, error) {
		calls++
		return response(429, ""), nil
	}))
	o.MaxWait = time.Nanosecond
	o.OnAttempt = func(context.Context, transport.Attempt) { cancel() } // the next attempt is decided at this time
	for range 20 {
		r := transport.New("chatwork", o).Do(ctx, post(t, fakehttp.MemoryURL))
		check(t, "it was cancelled", errors.Is(r.Err, context.Canceled), true)
	}
	check(t, "requests", calls, 1)
}
