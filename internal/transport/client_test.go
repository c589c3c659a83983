package transport_test

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestTheCallersClientIsCopied(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		client := s.Client()
		client.Timeout = 2 * time.Second
		client.CheckRedirect = func(*http.Request, []*http.Request) error { panic("redirects are ours to refuse") }
		before := *client
		s.Inject(fault{Status: 302, Header: http.Header{"Location": {"/elsewhere"}}})
		tr := transport.New("chatwork", options{Client: client})
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
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(fault{Break: fakehttp.Silence})
			client := s.Client()
			client.Timeout = tt.client
			start := time.Now()
			r := transport.New("chatwork", options{Client: client, Timeout: tt.options, MaxAttempts: 1}).Do(t.Context(), post(t, fakehttp.MemoryURL))
			check(t, "time", time.Since(start), tt.want)
			check(t, "error", r.Err.Error(), "no answer within "+tt.want.String())
		})
	}
}

func TestTheCallersJar(t *testing.T) {
	s := fakehttp.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b", Path: "/"})
		say(w, answer)
	}))
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}, Jar: jar}
	defer client.CloseIdleConnections()
	tr := transport.New("chatwork", options{Client: client, MaxWait: time.Millisecond})
	r := post(t, s.URL())
	tr.Do(t.Context(), r)

	s.Inject(fault{Status: 429, Times: 2})
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

// A RoundTripper must not write into the header, which all calls share, but some do.
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

// A client with nothing but a timeout uses the shared pool.
func TestAClientWithoutATransport(t *testing.T) {
	s := newServer(t)
	for range 3 {
		tr := transport.New("chatwork", options{Client: &http.Client{Timeout: 3 * time.Second}})
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
		{"a name with a blank and without a value", http.Header{"X Token": nil}},
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
			tr := transport.New("chatwork", o)
			request.Serial, request.Lanes = "a", []transport.Lane{tr.Lane(transport.Limit{N: 1, Per: time.Second}, "key")}
			check(t, "error of an event", words(tr.Do(t.Context(), request).Err), r.Err.Error())
		})
	}
}
