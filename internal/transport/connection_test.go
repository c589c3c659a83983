package transport_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
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
	tr := transport.New("chatwork", transport.Options{MaxWait: time.Millisecond}) // the shared connections
	other := transport.New("slack", transport.Options{MaxWait: time.Millisecond})
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
		io.WriteString(w, "short")
	case "/chunks":
		io.WriteString(w, body)
		http.NewResponseController(w).Flush()
		io.WriteString(w, body)
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

// An alert that fans out to many leaves as many connections for the next one; net/http's default would leave two.
func TestTheSharedPoolIsSizedForFanOut(t *testing.T) {
	const calls = 50
	var together sync.WaitGroup
	s := fakehttp.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		together.Done()
		together.Wait()
	}))
	t.Cleanup(s.Close)
	tr := transport.New("chatwork", transport.Options{})
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

// A lost answer costs its own connection, not those of everybody else: go-retryablehttp would close them all.
func TestAFailingCallLeavesTheOthersConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		tr := transport.New("chatwork", transport.Options{Client: s.Client()})
		s.Inject(fakehttp.Fault{Path: "/broken", Break: fakehttp.Silence, Times: -1})
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

func TestWhatMustNotArriveTwiceDialsAfresh(t *testing.T) {
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
	for _, tt := range tests {
		t.Run(tt.name+", through the shared transport", func(t *testing.T) {
			s := newServer(t)
			fiveCalls(t, transport.Options{Delivery: tt.delivery}, s.URL(), tt.repeat)
			check(t, "connections", s.Connections(), tt.want)
		})
		t.Run(tt.name+", through a caller's transport", func(t *testing.T) {
			s := newServer(t)
			tp := &http.Transport{}
			defer tp.CloseIdleConnections()
			o := through(tp)
			o.Delivery = tt.delivery
			fiveCalls(t, o, s.URL(), tt.repeat)
			check(t, "connections", s.Connections(), tt.want)
			check(t, "DisableKeepAlives of the caller's", tp.DisableKeepAlives, false)
		})
		t.Run(tt.name+", through a caller's RoundTripper", func(t *testing.T) {
			s := newServer(t)
			tp := &http.Transport{}
			defer tp.CloseIdleConnections()
			o := through(wrapped(tp))
			o.Delivery = tt.delivery
			fiveCalls(t, o, s.URL(), tt.repeat)
			check(t, "connections", s.Connections(), tt.want)
		})
	}
}

func TestWhatMustNotArriveTwiceDialsAfreshOverHTTP2(t *testing.T) {
	for delivery, want := range map[transport.Delivery]int64{transport.AtLeastOnce: 1, transport.AtMostOnce: 5} {
		var connections atomic.Int64
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			check(t, "protocol", r.Proto, "HTTP/2.0")
			io.WriteString(w, answer)
		}))
		s.EnableHTTP2 = true
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
		s.StartTLS()
		fiveCalls(t, transport.Options{Client: s.Client(), Delivery: delivery}, s.URL, transport.Message)
		s.Close()
		check(t, "connections", connections.Load(), want)
	}
}

// net/http goes on dialing for a call that was given up, and keeps the connection for the next one. By then it is stale.
func TestWhatMustNotArriveTwiceTakesNoConnectionLeftOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
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
		io.WriteString(w, answer)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	r := transport.New("chatwork", transport.Options{Client: s.Client()}).Do(t.Context(), get(t, s.URL, transport.Once))
	check(t, "class", r.Class, done)
}

func fiveCalls(t *testing.T, o transport.Options, base string, repeat transport.Repeat) {
	tr := transport.New("chatwork", o)
	for range 5 {
		r := post(t, base)
		r.Repeat = repeat
		check(t, "class", tr.Do(t.Context(), r).Class, done)
	}
}

// A GET that consumes, on a kept connection that the server closes when it has handled the request: net/http repeats it.
func TestNetHTTPDoesNotReplay(t *testing.T) {
	consume := func(t *testing.T) transport.Request { return get(t, fakehttp.MemoryURL, transport.Once) }
	withKey := func(t *testing.T) transport.Request {
		r := post(t, fakehttp.MemoryURL)
		r.Repeat, r.Header = transport.Once, http.Header{"Idempotency-Key": {"k"}}
		return r
	}
	direct := func(rt http.RoundTripper) http.RoundTripper { return rt }
	tests := []struct {
		name    string
		request func(*testing.T) transport.Request
		through func(http.RoundTripper) http.RoundTripper
	}{
		{"a GET that consumes", consume, direct},
		{"a GET that consumes, through a caller's RoundTripper", consume, wrapped},
		{"a creation with an Idempotency-Key", withKey, direct},
		{"a creation with an Idempotency-Key, through a caller's RoundTripper", withKey, wrapped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				tr := transport.New("chatwork", through(tt.through(s.Client().Transport)))
				tr.Do(t.Context(), get(t, fakehttp.MemoryURL, transport.Replay)) // leaves a connection behind
				s.Inject(fakehttp.Fault{Break: fakehttp.CloseConnection, Handled: true})
				r := tr.Do(t.Context(), tt.request(t))
				check(t, "requests", len(s.Requests()), 2)
				check(t, "class", r.Class, ambiguous)
			})
		})
	}
}

// The same as above with net/http alone, so that the test above is known to test something.
func TestNetHTTPWouldReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for range 2 {
			resp, err := s.Client().Get(fakehttp.MemoryURL)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			s.Inject(fakehttp.Fault{Break: fakehttp.CloseConnection, Handled: true})
		}
		check(t, "requests of two calls", len(s.Requests()), 3)
	})
}

func TestOnceThroughARoundTripperIsSentAsItWouldBeDirectly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for _, rt := range []http.RoundTripper{s.Client().Transport, wrapped(s.Client().Transport)} {
			tr := transport.New("chatwork", through(rt))
			tr.Do(t.Context(), get(t, fakehttp.MemoryURL, transport.Once))
			r := post(t, fakehttp.MemoryURL)
			r.Repeat, r.Body = transport.Once, nil
			tr.Do(t.Context(), r)
		}
		all := s.Requests()
		for i := range 2 {
			if direct, wrapped := all[i], all[i+2]; !reflect.DeepEqual(direct.Header, wrapped.Header) {
				t.Errorf("%s: the headers are %v directly and %v through a RoundTripper", direct.Method, direct.Header, wrapped.Header)
			}
		}
	})
}

func TestTheCallersClientIsCopied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		client := s.Client()
		client.Timeout = 2 * time.Second
		client.CheckRedirect = func(*http.Request, []*http.Request) error { panic("redirects are ours to refuse") }
		before := *client
		s.Inject(fakehttp.Fault{Status: 302, Header: http.Header{"Location": {"/elsewhere"}}})
		tr := transport.New("chatwork", transport.Options{Client: client})
		check(t, "class", tr.Do(t.Context(), post(t, fakehttp.MemoryURL)).Class, invalid)
		if client.Transport != before.Transport || client.Jar != before.Jar || client.Timeout != before.Timeout || client.CheckRedirect == nil {
			t.Errorf("the client was changed: %+v", client)
		}
	})
}

func TestTheShorterTimeoutWins(t *testing.T) {
	tests := []struct {
		name            string
		client, options time.Duration
		want            time.Duration
	}{
		{"neither is set", 0, 0, 10 * time.Second},
		{"only the client's, shorter than the default", 2 * time.Second, 0, 2 * time.Second},
		{"only the client's, longer than the default", time.Minute, 0, 10 * time.Second},
		{"only ours", 0, time.Minute, time.Minute},
		{"the client's is shorter", 2 * time.Second, 3 * time.Second, 2 * time.Second},
		{"ours is shorter", 30 * time.Second, 20 * time.Second, 20 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Inject(fakehttp.Fault{Break: fakehttp.Silence})
				client := s.Client()
				client.Timeout = tt.client
				start := time.Now()
				r := transport.New("chatwork", transport.Options{Client: client, Timeout: tt.options, MaxAttempts: 1}).Do(t.Context(), post(t, fakehttp.MemoryURL))
				check(t, "time", time.Since(start), tt.want)
				check(t, "error", r.Err.Error(), "no answer within "+tt.want.String())
			})
		})
	}
}

func TestTheCallersJar(t *testing.T) {
	s := fakehttp.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Path: "/"})
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}, Jar: jar}
	defer client.CloseIdleConnections()
	tr := transport.New("chatwork", transport.Options{Client: client, MaxWait: time.Millisecond})
	r := post(t, s.URL())
	tr.Do(t.Context(), r)

	s.Inject(fakehttp.Fault{Status: 429, Times: 2})
	tr.Do(t.Context(), r)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { tr.Do(t.Context(), r) })
	}
	wg.Wait()
	for i, got := range s.Requests() {
		want := "a=b"
		if i == 0 {
			want = ""
		}
		check(t, "cookies, which must not add up", got.Header.Get("Cookie"), want)
	}
	check(t, "members of the shared header", len(r.Header), 1)
}

// A RoundTripper must not write into the header, but some do, and all calls share it.
func TestARoundTripperThatWritesIntoTheHeader(t *testing.T) {
	limited := func(*http.Request) (*http.Response, error) { return response(429, ""), nil }
	o := through(roundTripFunc(func(r *http.Request) (*http.Response, error) {
		r.Header.Add("Traceparent", "00-1")
		if n := len(r.Header["Traceparent"]); n != 1 {
			t.Errorf("an attempt has %d of them", n)
		}
		return limited(r)
	}))
	o.MaxWait = time.Millisecond
	tr := transport.New("chatwork", o)
	r := post(t, fakehttp.MemoryURL)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { tr.Do(t.Context(), r) })
	}
	wg.Wait()
	check(t, "members of the shared header", len(r.Header), 1)
}

func TestEveryAttemptSendsTheSameBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(lostAnswer, unavailable503)
		r := post(t, fakehttp.MemoryURL)
		r.Body = []byte(strings.Repeat("サーバ", 10_000))
		check(t, "class", transport.New("chatwork", transport.Options{Client: s.Client()}).Do(t.Context(), r).Class, done)
		for _, got := range s.Requests() {
			check(t, "the body is the same", string(got.Body), string(r.Body))
			check(t, "Content-Length", got.Header.Get("Content-Length"), "90000")
		}
	})
}

// Users who pass a client to set its timeout alone still get connections that are kept.
func TestAClientWithoutATransport(t *testing.T) {
	s := newServer(t)
	for range 3 {
		tr := transport.New("chatwork", transport.Options{Client: &http.Client{Timeout: 3 * time.Second}})
		check(t, "class", tr.Do(t.Context(), post(t, s.URL())).Class, done)
	}
	check(t, "connections", s.Connections(), 1)
}

func TestAHeaderThatCannotBeSent(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
	}{
		{"a value with a line break", http.Header{"X-Token": {"secret-value\r\nX-Other: 1"}}},
		{"a second value with a NUL", http.Header{"X-Token": {"fine", "secret-value\x00"}}},
		{"a name with a blank", http.Header{"X Token": {"secret-value"}}},
		{"a name with a colon", http.Header{"X-Token:": {"secret-value"}}},
		{"a name beyond ASCII", http.Header{"X-Tökén": {"secret-value"}}},
		{"an empty name", http.Header{"": {"secret-value"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := through(roundTripFunc(func(*http.Request) (*http.Response, error) {
				t.Error("it was sent")
				return response(200, answer), nil
			}))
			request := post(t, fakehttp.MemoryURL)
			request.Header = tt.header
			r := transport.New("chatwork", o).Do(t.Context(), request)
			check(t, "class", r.Class, invalid)
			check(t, "attempts", r.Attempts, 0)
			if strings.Contains(r.Err.Error(), "secret") {
				t.Errorf("the error quotes the value: %v", r.Err)
			}
		})
	}
}
