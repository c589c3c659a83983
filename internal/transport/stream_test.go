package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// streamed returns a post with a Stream.
func streamed(t testing.TB, base, body string) transport.Request {
	r := post(t, base)
	r.Body, r.Repeat = nil, transport.Once
	r.Stream = &transport.Stream{Length: int64(len(body)), Open: func() io.Reader { return struct{ io.Reader }{strings.NewReader(body)} }}
	return r
}

// into returns a get with a Sink.
func into(t testing.TB, base string, w io.Writer, limit int64) transport.Request {
	r := get(t, base, transport.Replay)
	r.Sink = &transport.Sink{Writer: w, Limit: limit}
	return r
}

func TestAStreamIsOpenedForEachAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(fault{Status: 429, Times: 2})
		body := strings.Repeat("0123456789", 10000)
		r := streamed(t, fakehttp.MemoryURL, body)
		r.Header = http.Header{"Content-Type": {"text/plain"}}
		result := do(t, s, options{}, r)
		check(t, "class", result.Class, done)
		check(t, "attempts", result.Attempts, 3)
		for i, got := range s.Requests() {
			if string(got.Body) != body || got.Header.Get("Content-Length") != "100000" {
				t.Errorf("attempt %d sent %d bytes, declared as %s", i+1, len(got.Body), got.Header.Get("Content-Length"))
			}
		}
	})
}

func TestProgressEndsWithTheCall(t *testing.T) {
	var body io.ReadCloser
	rt := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		body = r.Body
		if _, err := io.ReadFull(body, make([]byte, 4)); err != nil {
			return nil, err
		}
		return response(http.StatusForbidden, "enough"), nil // and the rest of the body is not read
	})
	var told []int64
	r := streamed(t, fakehttp.MemoryURL, "0123456789")
	r.Stream.Progress = func(sent int64) { told = append(told, sent) }
	check(t, "class", transport.New("test", through(rt)).Do(t.Context(), r).Class, unauthorized)
	if n, err := body.Read(make([]byte, 4)); n != 0 || err == nil {
		t.Errorf("after the call %d bytes could be read, %v", n, err)
	}
	if len(told) != 1 || told[0] != 4 {
		t.Errorf("told %v", told)
	}
}

func TestProgressOfARealUploadEndsAtItsLength(t *testing.T) {
	s := newServer(t)
	var last atomic.Int64
	r := streamed(t, s.URL(), strings.Repeat("x", 1<<20))
	r.Stream.Progress = func(sent int64) {
		if last.Swap(sent) >= sent {
			t.Errorf("told %d twice", sent)
		}
	}
	check(t, "class", transport.New("test", options{}).Do(t.Context(), r).Class, done)
	check(t, "at last told", last.Load(), 1<<20)
}

func TestABodyThatIsShorterThanItsLengthIsNoSuccess(t *testing.T) {
	s := newServer(t)
	r := streamed(t, s.URL(), "short")
	r.Stream.Length = 10
	result := transport.New("test", options{}).Do(t.Context(), r)
	check(t, "class", result.Class, ambiguous)
	if result.Err == nil {
		t.Error("no error")
	}
}

func TestASinkTakesASuccessAndNothingElse(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   fault
		limit   int64
		class   transport.Class
		written string
		body    string
		tries   int
	}{
		{"a success", fault{Status: 200, Body: "0123456789"}, 100, done, "0123456789", "", 1},
		{"at the limit", fault{Status: 200, Body: "0123456789"}, 10, done, "0123456789", "", 1},
		{"beyond the limit, as it says", fault{Status: 200, Body: "0123456789"}, 9, unavailable, "", "", 1},
		{"without end", fault{Status: 200, Body: "0123456789", Break: fakehttp.EndlessBody}, 12, unavailable, "0123456789  ", "", 1},
		{"nothing", fault{Status: 200}, 0, done, "", "", 1},
		{"a half body", fault{Status: 200, Body: "0123456789", Break: fakehttp.HalfBody}, 100, unavailable, "01234", "", 1},
		{"a half body without a length", fault{Status: 200, Body: "0123456789", Break: fakehttp.HalfChunked}, 100, unavailable, "01234", "", 1},
		{"a half body of just the limit", fault{Status: 200, Body: "0123456789", Break: fakehttp.HalfChunked}, 5, unavailable, "01234", "", 1},
		{"no byte of a body and then a success", fault{Status: 200, Body: "x", Break: fakehttp.HalfBody}, 100, done, answer, "", 2},
		{"an error", fault{Status: 404, Body: "not here"}, 100, notFound, "", "not here", 1},
		{"a redirect", fault{Status: 307, Header: http.Header{"Location": {"http://elsewhere.test/"}}, Body: "go"}, 100, invalid, "", "go", 1},
		{"an error and then a success", fault{Status: 503, Body: "later"}, 100, done, answer, "", 2},
		{"a lost answer and then a success", fault{Break: fakehttp.CloseConnection}, 100, done, answer, "", 2},
	} {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(tt.fault)
			var w bytes.Buffer
			r := into(t, fakehttp.MemoryURL, &w, tt.limit)
			result := do(t, s, options{}, r)
			check(t, "class", result.Class, tt.class)
			check(t, "written", w.String(), tt.written)
			check(t, "counted", r.Sink.Written, int64(len(tt.written)))
			check(t, "body", string(result.Body), tt.body)
			check(t, "attempts", result.Attempts, tt.tries)
		})
	}
}

type brokenWriter struct{ after int }

var errFull = errors.New("the disk is full")

func (w *brokenWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.after)
	if w.after -= n; n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestTheErrorOfASinksWriterIsFound(t *testing.T) {
	s := newServer(t)
	result := transport.New("test", options{}).Do(t.Context(), into(t, s.URL(), &brokenWriter{5}, 100))
	if !errors.Is(result.Err, errFull) || result.Attempts != 1 || result.Class != unavailable {
		t.Errorf("%v, %v, %d attempts", result.Class, result.Err, result.Attempts)
	}
}

// drip answers with n bytes, one at a time.
func drip(n int, every time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range n {
			select {
			case <-time.After(every):
			case <-r.Context().Done():
				return
			}
			if _, err := io.WriteString(w, "x"); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush() // fails only if the client has gone
		}
	})
}

func TestATransferIsLimitedInSilenceNotInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			every   time.Duration
			written int64
			class   transport.Class
		}{{900 * time.Millisecond, 20, done}, {1100 * time.Millisecond, 0, unavailable}} {
			s := fakehttp.NewServer(drip(20, tt.every))
			var w bytes.Buffer
			r := into(t, fakehttp.MemoryURL, &w, 100)
			result := do(t, s, options{Timeout: time.Second, MaxAttempts: 1}, r)
			check(t, "class", result.Class, tt.class)
			check(t, "written", r.Sink.Written, tt.written)
			if tt.class != done && result.Err.Error() != "nothing moved for 1s" {
				t.Errorf("the error is %v", result.Err)
			}
			s.Close()
		}
	})
}

func TestAnAnswerThatComesWithTheEndOfTheTimeCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := through(roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return response(200, answer), nil
		}))
		o.Timeout = time.Second
		check(t, "class", transport.New("test", o).Do(t.Context(), into(t, fakehttp.MemoryURL, io.Discard, 100)).Class, done)
	})
}

func TestSilenceIsNotACancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		options := through(rt)
		options.Timeout, options.MaxAttempts = time.Second, 1
		result := transport.New("test", options).Do(t.Context(), into(t, fakehttp.MemoryURL, io.Discard, 1))
		if result.Err.Error() != "nothing moved for 1s" || errors.Is(result.Err, context.Canceled) {
			t.Errorf("the error is %v", result.Err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		result = transport.New("test", options).Do(ctx, into(t, fakehttp.MemoryURL, io.Discard, 1))
		if !errors.Is(result.Err, context.DeadlineExceeded) {
			t.Errorf("the caller's deadline is %v", result.Err)
		}
	})
}
