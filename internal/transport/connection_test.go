package transport_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestConnectionsAreReused(t *testing.T) {
	s := fakehttp.NewServer(http.HandlerFunc(answerOfEveryKind))
	t.Cleanup(s.Close)
	tr := transport.New("chatwork", options{MaxWait: time.Millisecond}) // with the shared pool
	other := transport.New("slack", options{MaxWait: time.Millisecond})
	for range 3 {
		for _, kind := range []string{"length", "chunks", "empty", "gzip", "missing", "failing", "limited", "elsewhere"} {
			r := post(t, s.URL())
			r.URL = parse(t, s.URL()+"/"+kind)
			tr.Do(t.Context(), r)
			other.Do(t.Context(), r)
		}
	}
	check(t, "connections", s.Connections(), 1)
	if n := len(s.Requests()); n < 50 {
		t.Errorf("only %d requests were made", n)
	}
}

func answerOfEveryKind(w http.ResponseWriter, r *http.Request) {
	body := strings.Repeat("x", 10_000)
	switch r.URL.Path {
	case "/length":
		say(w, "short")
	case "/chunks":
		say(w, body)
		http.NewResponseController(w).Flush()
		say(w, body)
	case "/empty":
		w.WriteHeader(http.StatusNoContent)
	case "/gzip":
		writeGzip(w, body)
	case "/missing":
		http.Error(w, body, http.StatusNotFound)
	case "/failing":
		http.Error(w, body, http.StatusServiceUnavailable)
	case "/limited":
		http.Error(w, body, http.StatusTooManyRequests)
	case "/elsewhere":
		http.Redirect(w, r, "/length", http.StatusFound)
	}
}

// After fifty calls at once there are fifty idle connections. The default of net/http would keep two.
func TestTheSharedPoolIsSizedForFanOut(t *testing.T) {
	const calls = 50
	var together sync.WaitGroup
	s := fakehttp.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		together.Done()
		together.Wait()
	}))
	t.Cleanup(s.Close)
	tr := transport.New("chatwork", options{})
	for range 3 {
		together.Add(calls)
		var wg sync.WaitGroup
		for range calls {
			wg.Go(func() { check(t, "class", tr.Do(t.Context(), post(t, s.URL())).Class, done) })
		}
		wg.Wait()
	}
	check(t, "connections", s.Connections(), calls)
}

// A failing call closes its own connection only. go-retryablehttp would close all idle connections.
func TestAFailingCallLeavesTheOthersConnections(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		tr := transport.New("chatwork", options{Client: s.Client()})
		s.Inject(fault{Path: "/broken", Break: fakehttp.Silence, Times: -1})
		tr.Do(t.Context(), post(t, fakehttp.MemoryURL))
		broken := post(t, fakehttp.MemoryURL)
		broken.URL = parse(t, "http://other.test/broken")
		for range 3 {
			check(t, "class of the broken", tr.Do(t.Context(), broken).Class, ambiguous)
			check(t, "class of the good", tr.Do(t.Context(), post(t, fakehttp.MemoryURL)).Class, done)
		}
		check(t, "connections, nine of them to the broken host", s.Connections(), 1+9)
	})
}

func TestAtMostOnceDialsAfresh(t *testing.T) {
	tests := []struct {
		name     string
		repeat   transport.Repeat
		delivery transport.Delivery
		want     int
	}{
		{"messages at least once share a connection", transport.Message, transport.AtLeastOnce, 1},
		{"messages at most once have one each", transport.Message, transport.AtMostOnce, 5},
		{"what is done once has one each", transport.Once, transport.AtLeastOnce, 5},
		{"what may be done twice shares a connection", transport.Replay, transport.AtMostOnce, 1},
	}
	direct := func(tp *http.Transport) options { return through(tp) }
	behind := func(tp *http.Transport) options { return through(wrapped(tp)) }
	for _, tt := range tests {
		for over, options := range map[string]func(*http.Transport) options{
			"the shared pool":         func(*http.Transport) options { return options{} },
			"a caller's transport":    direct,
			"a caller's RoundTripper": behind,
		} {
			t.Run(tt.name+", through "+over, func(t *testing.T) {
				s := newServer(t)
				tp := &http.Transport{}
				defer tp.CloseIdleConnections()
				o := options(tp)
				o.Delivery = tt.delivery
				fiveCalls(t, o, s.URL(), tt.repeat)
				check(t, "connections", s.Connections(), tt.want)
				check(t, "DisableKeepAlives of the caller's", tp.DisableKeepAlives, false)
			})
		}
	}
}

func TestAtMostOnceDialsAfreshOverHTTP2(t *testing.T) {
	for delivery, want := range map[transport.Delivery]int64{transport.AtLeastOnce: 1, transport.AtMostOnce: 5} {
		var connections atomic.Int64
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			check(t, "protocol", r.Proto, "HTTP/2.0")
			say(w, answer)
		}))
		s.EnableHTTP2 = true
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		s.StartTLS()
		fiveCalls(t, options{Client: s.Client(), Delivery: delivery}, s.URL, transport.Message)
		s.Close()
		check(t, "connections", connections.Load(), want)
	}
}

// net/http goes on dialing for a call that was cancelled, and keeps the connection for the next call.
func TestAtMostOnceTakesNoConnectionLeftOver(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		tp := pipe(t, s)
		dial := tp.DialContext
		slow := make(chan struct{})
		tp.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			<-slow
			return dial(ctx, network, addr)
		}
		o := through(tp)
		o.Delivery = transport.AtMostOnce
		tr := transport.New("twilio", o)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		check(t, "class of the call that is given up", tr.Do(ctx, post(t, fakehttp.MemoryURL)).Class, unavailable)
		close(slow)
		synctest.Wait()
		check(t, "class", tr.Do(t.Context(), post(t, fakehttp.MemoryURL)).Class, done)
		check(t, "connections", s.Connections(), 2)
	})
}

func TestAGetOverHTTP2HasNoBody(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check(t, "length of the body", r.ContentLength, 0)
		say(w, answer)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	r := transport.New("chatwork", options{Client: s.Client()}).Do(t.Context(), get(t, s.URL, transport.Once))
	check(t, "class", r.Class, done)
}

func fiveCalls(t *testing.T, o options, base string, repeat transport.Repeat) {
	tr := transport.New("chatwork", o)
	for range 5 {
		r := post(t, base)
		r.Repeat = repeat
		check(t, "class", tr.Do(t.Context(), r).Class, done)
	}
}

// If the server handles a request on a kept connection and closes it, net/http repeats a GET by itself.
func TestNetHTTPDoesNotReplay(t *testing.T) {
	consume := func(t *testing.T) transport.Request { return get(t, fakehttp.MemoryURL, transport.Once) }
	withKey := func(t *testing.T) transport.Request {
		r := post(t, fakehttp.MemoryURL)
		r.Repeat, r.Header = transport.Once, http.Header{"Idempotency-Key": {"k"}}
		return r
	}
	direct := func(rt http.RoundTripper) http.RoundTripper { return rt }
	untraced := func(rt http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(r *http.Request) (*http.Response, error) {
			return rt.RoundTrip(r.WithContext(context.Background()))
		})
	}
	tests := []struct {
		name    string
		request func(*testing.T) transport.Request
		through func(http.RoundTripper) http.RoundTripper
	}{
		{"a GET that consumes", consume, direct},
		{"a GET that consumes, through a caller's RoundTripper", consume, wrapped},
		{"a GET that consumes, through a RoundTripper that does not trace", consume, untraced},
		{"a creation with an Idempotency-Key", withKey, direct},
		{"a creation with an Idempotency-Key, through a caller's RoundTripper", withKey, wrapped},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			tr := transport.New("chatwork", through(tt.through(s.Client().Transport)))
			tr.Do(t.Context(), get(t, fakehttp.MemoryURL, transport.Replay)) // leaves an idle connection
			s.Inject(fault{Break: fakehttp.CloseConnection, Handled: true})
			r := tr.Do(t.Context(), tt.request(t))
			check(t, "requests", len(s.Requests()), 2)
			check(t, "class", r.Class, ambiguous)
		})
	}
}

// What may be done twice is repeated by net/http at once if a kept connection has died. It costs no attempt.
func TestNetHTTPReplaysAReading(t *testing.T) {
	for name, way := range map[string]func(http.RoundTripper) http.RoundTripper{
		"directly": func(rt http.RoundTripper) http.RoundTripper { return rt }, "through a RoundTripper": wrapped,
	} {
		inBubble(t, name, func(t *testing.T, s *fakehttp.Server) {
			tr := transport.New("chatwork", through(way(s.Client().Transport)))
			tr.Do(t.Context(), get(t, fakehttp.MemoryURL, transport.Replay)) // leaves an idle connection
			s.Inject(fault{Break: fakehttp.CloseConnection})
			r := tr.Do(t.Context(), get(t, fakehttp.MemoryURL, transport.Replay))
			check(t, "class", r.Class, done)
			check(t, "attempts", r.Attempts, 1)
			check(t, "requests", len(s.Requests()), 3)
		})
	}
}

// An attempt that failed on a new connection says nothing about the pool. The next attempt keeps its connection.
func TestAConnectionAfterAFailureIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(lostAnswer)
		tr := transport.New("chatwork", options{Client: s.Client()})
		check(t, "attempts", tr.Do(t.Context(), post(t, fakehttp.MemoryURL)).Attempts, 2)
		check(t, "attempts of the next call", tr.Do(t.Context(), post(t, fakehttp.MemoryURL)).Attempts, 1)
		check(t, "connections", s.Connections(), 2)
	})
}

func TestOnceThroughARoundTripperIsSentAsItWouldBeDirectly(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		for _, rt := range []http.RoundTripper{s.Client().Transport, wrapped(s.Client().Transport)} {
			tr := transport.New("chatwork", through(rt))
			tr.Do(t.Context(), get(t, fakehttp.MemoryURL, transport.Once))
			r := post(t, fakehttp.MemoryURL)
			r.Repeat, r.Body = transport.Once, nil
			tr.Do(t.Context(), r)
			r = post(t, fakehttp.MemoryURL)
			r.Repeat, r.Method = transport.Once, http.MethodGet
			tr.Do(t.Context(), r)
		}
		all := s.Requests()
		for i := range 3 {
			direct, wrapped := all[i], all[i+3]
			if !reflect.DeepEqual(direct.Header, wrapped.Header) {
				t.Errorf("%s: the headers are %v directly and %v through a RoundTripper", direct.Method, direct.Header, wrapped.Header)
			}
			check(t, "body of "+direct.Method, string(wrapped.Body), string(direct.Body))
		}
	})
}
