package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestRedirectsAreRefused(t *testing.T) {
	locations := []struct {
		name, location, words string
	}{
		{"to another host", "http://evil.test/", "redirect to evil.test refused"},
		{"to another port, with credentials and a token", "https://user:hunter2@evil.test:8443/p?token=hunter2", "redirect to evil.test:8443 refused"},
		{"to the same host", "/elsewhere?token=hunter2", "redirects are refused"},
		{"without a scheme", "//evil.test/hunter2", "redirect to evil.test refused"},
		{"to what is no URL", "http://[::1/%zz?token=hunter2", "redirects are refused"},
		{"to what is no URL of HTTP", "javascript:alert('hunter2')", "redirects are refused"},
		{"to a host that turns the line around", "http://evil\u202etset.test/", "redirect to evil tset.test refused"},
		{"to a host that turns the line around, escaped", "http://evil%E2%80%AEtset.test/", "redirect to evil tset.test refused"},
		{"to a host of invalid UTF-8", "http://evil%FF.test/", "redirect to evil\uFFFD.test refused"},
		{"to a host that is the secret", "http://s3cr3t-t0ken.evil.test/", "redirect to [redacted].evil.test refused"},
		{"to nowhere", "", "redirects are refused"},
	}
	for status := 300; status <= 308; status++ {
		for _, tt := range locations {
			t.Run(strconv.Itoa(status)+" "+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer(t) // all hosts are this one
					s.Inject(fault{Status: status, Header: http.Header{"Location": {tt.location}}})
					r := transport.New("chatwork", options{Client: s.Client()}, "s3cr3t-t0ken").Do(t.Context(), post(t, fakehttp.MemoryURL))
					check(t, "requests", len(s.Requests()), 1)
					check(t, "class", r.Class, invalid)
					check(t, "status", r.Status, status)
					check(t, "words", r.Err.Error(), tt.words)
				})
			})
		}
	}
}

func TestALocationWithoutARedirectIsNoError(t *testing.T) {
	for _, status := range []int{201, 400} {
		bubble(t, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(fault{Status: status, Header: http.Header{"Location": {"http://elsewhere.test/"}}})
			r := send(t, s, options{})
			check(t, "status", r.Status, status)
			check(t, "error", r.Err, nil)
		})
	}
}

// sending returns a handler that sends the body as the path says.
func sending(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		case "/gzip":
			writeGzip(w, body)
			return
		}
		w.WriteHeader(status)
		http.NewResponseController(w).Flush() // without a length the body is sent in chunks
		say(w, body)
	})
}

func TestBodiesAreCapped(t *testing.T) {
	tests := []struct {
		name   string
		status int
		limit  int64
		size   int
		whole  bool
		class  transport.Class
		words  string
	}{
		{"an answer of no bytes", 200, 0, 0, true, done, ""},
		{"an answer to a message, at the cap", 200, 0, 64 << 10, true, done, ""},
		{"an answer to a message, over the cap", 200, 0, 64<<10 + 1, false, ambiguous, "the answer is larger than 65536 bytes"},
		{"a list, beyond the cap of messages", 200, 1 << 20, 1 << 20, true, done, ""},
		{"a list, over its cap", 200, 1 << 20, 1<<20 + 1, false, ambiguous, "the answer is larger than 1048576 bytes"},
		{"an error, at the cap", 404, 1 << 20, 64 << 10, true, notFound, ""},
		{"an error where a list was expected, over the cap of errors", 404, 1 << 20, 64<<10 + 1, false, notFound, "the answer is larger than 65536 bytes"},
		{"an error, over a smaller cap", 404, 10, 11, false, notFound, "the answer is larger than 10 bytes"},
	}
	for _, tt := range tests {
		for _, path := range []string{"/length", "/chunks", "/gzip"} {
			if path == "/gzip" && tt.status != 200 {
				continue
			}
			t.Run(tt.name+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					body := strings.Repeat("x", tt.size)
					s := fakehttp.NewServer(sending(tt.status, body))
					defer s.Close()
					request := post(t, fakehttp.MemoryURL)
					request.URL, request.Limit = parse(t, fakehttp.MemoryURL+path), tt.limit
					r := do(t, s, options{}, request)
					check(t, "class", r.Class, tt.class)
					check(t, "attempts", r.Attempts, 1)
					check(t, "there is a body", r.Body != nil, tt.whole)
					if tt.whole && string(r.Body) != body {
						t.Errorf("the body has %d bytes, want %d", len(r.Body), len(body))
					}
					if got := words(r.Err); got != tt.words {
						t.Errorf("the error is %q, want %q", got, tt.words)
					}
				})
			})
		}
	}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A custom RoundTripper may leave fields empty that net/http always sets.
func TestResponsesMadeByHand(t *testing.T) {
	body := func() io.ReadCloser { return io.NopCloser(strings.NewReader(answer)) }
	tests := []struct {
		name string
		resp *http.Response
		err  error
		body string
		want transport.Class
	}{
		{"a length that was left out", &http.Response{StatusCode: http.StatusOK, Body: body()}, nil, answer, done},
		{"a length that is not known", &http.Response{StatusCode: http.StatusOK, Body: body(), ContentLength: -1}, nil, answer, done},
		{"a length that is too small", &http.Response{StatusCode: http.StatusOK, Body: body(), ContentLength: 5}, nil, answer[:5], done},
		{"a length that is too large", &http.Response{StatusCode: http.StatusOK, Body: body(), ContentLength: 500}, nil, "", ambiguous},
		{"no body at all", &http.Response{StatusCode: http.StatusNoContent}, nil, "", done},
		{"nothing at all", nil, nil, "", ambiguous},
		{"both an answer and an error", &http.Response{StatusCode: http.StatusOK, Body: body()}, errors.New("odd"), "", ambiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := through(roundTripFunc(func(*http.Request) (*http.Response, error) { return tt.resp, tt.err }))
			o.MaxAttempts = 1
			r := transport.New("chatwork", o).Do(t.Context(), post(t, fakehttp.MemoryURL))
			check(t, "class", r.Class, tt.want)
			check(t, "body", string(r.Body), tt.body)
		})
	}
}

func TestEveryBodyIsClosed(t *testing.T) {
	for _, status := range []int{200, 204, 302, 404, 429, 500} {
		for _, body := range []string{answer, strings.Repeat("x", 64<<10+1)} {
			var open int
			o := through(roundTripFunc(func(*http.Request) (*http.Response, error) {
				open++
				resp := response(status, "")
				resp.Body = &closing{strings.NewReader(body), func() { open-- }}
				return resp, nil
			}))
			o.MaxAttempts = 1
			transport.New("chatwork", o).Do(t.Context(), post(t, fakehttp.MemoryURL))
			check(t, "open bodies", open, 0)
		}
	}
}

type closing struct {
	io.Reader
	closed func()
}

func (c *closing) Close() error {
	c.closed()
	return nil
}

// A later attempt without an answer does not change Status, Header and Body.
func TestTheLastAnswerIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(fault{Status: 503, Body: "busy", Header: http.Header{"X-Request-Id": {"7"}}})
		s.Inject(lostAnswer, lostAnswer)
		r := send(t, s, options{})
		check(t, "status", r.Status, 503)
		check(t, "header", r.Header.Get("X-Request-Id"), "7")
		if !bytes.Equal(r.Body, []byte("busy")) {
			t.Errorf("body: %q", r.Body)
		}
		check(t, "there is an error", r.Err != nil, true)
	})
}

func TestABodyThatDoesNotMatterMayBeLost(t *testing.T) {
	for name, f := range map[string]fault{
		"half of it": {Status: 200, Body: "long enough", Break: fakehttp.HalfBody}, "endless": {Status: 202, Break: fakehttp.EndlessBody},
		"half of a failure": {Status: 500, Body: "long enough", Break: fakehttp.HalfBody}, "none of it": {Status: 200, Body: "whole"},
	} {
		inBubble(t, name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(f)
			r := post(t, fakehttp.MemoryURL)
			r.AnyBody = true
			result := do(t, s, options{MaxAttempts: 1}, r)
			check(t, "class", result.Class, map[bool]transport.Class{true: done, false: ambiguous}[f.Status < 300])
			check(t, "there is a body", result.Body != nil, f.Break == 0)
			check(t, "there is an error", result.Err != nil, f.Status >= 300)
		})
	}
}
