package fakehttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

var faultTests = []struct {
	name    string
	fault   fakehttp.Fault
	status  int    // 0: no answer at all
	body    string // what it begins with
	err     error  // of the request or of reading the answer; nil if all went well
	handled int32
}{
	{"a status is answered in the service's place", fakehttp.Fault{Status: 503, Body: "busy"}, 503, "busy", nil, 0},
	{"the service's answer is replaced", fakehttp.Fault{Status: 500, Body: "oops", Handled: true}, 500, "oops", nil, 1},
	{"the service's answer is left alone", fakehttp.Fault{Handled: true}, 200, "answer 01", nil, 1},
	{"reset before the request was read", fakehttp.Fault{Break: fakehttp.ResetConnection}, 0, "", syscall.ECONNRESET, 0},
	{"reset after the request was handled", fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}, 0, "", syscall.ECONNRESET, 1},
	{"closed before the request was handled", fakehttp.Fault{Break: fakehttp.CloseConnection}, 0, "", io.EOF, 0},
	{"closed after the request was handled", fakehttp.Fault{Break: fakehttp.CloseConnection, Handled: true}, 0, "", io.EOF, 1},
	{"silence", fakehttp.Fault{Break: fakehttp.Silence}, 0, "", context.DeadlineExceeded, 0},
	{"silence after the request was handled", fakehttp.Fault{Break: fakehttp.Silence, Handled: true}, 0, "", context.DeadlineExceeded, 1},
	{"half of the fault's body", fakehttp.Fault{Break: fakehttp.HalfBody, Status: 500, Body: "12345678"}, 500, "1234", io.ErrUnexpectedEOF, 0},
	{"half of the service's body", fakehttp.Fault{Break: fakehttp.HalfBody, Handled: true}, 200, "answ", io.ErrUnexpectedEOF, 1},
	{"half of nothing", fakehttp.Fault{Break: fakehttp.HalfBody}, 200, "", io.ErrUnexpectedEOF, 0},
	{"half of the chunks", fakehttp.Fault{Break: fakehttp.HalfChunked, Body: "12345678"}, 200, "1234", io.ErrUnexpectedEOF, 0},
	{"half of the service's body in chunks", fakehttp.Fault{Break: fakehttp.HalfChunked, Handled: true}, 200, "answ", io.ErrUnexpectedEOF, 1},
	{"a body that stalls", fakehttp.Fault{Break: fakehttp.StalledBody, Handled: true}, 200, "answ", context.DeadlineExceeded, 1},
	{"a body without end", fakehttp.Fault{Break: fakehttp.EndlessBody, Body: "12345678"}, 200, "12345678" + strings.Repeat(" ", 1<<20-8), nil, 0},
	{"the service's body without end", fakehttp.Fault{Break: fakehttp.EndlessBody, Handled: true}, 200, "answer 01" + strings.Repeat(" ", 1<<20-9), nil, 1},
}

func TestFaults(t *testing.T) {
	for _, tt := range faultTests {
		t.Run(tt.name, func(t *testing.T) {
			throughBothDoors(t, func(t *testing.T, s *fakehttp.Server, service *counter, c *http.Client, url string) {
				s.Inject(tt.fault)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				if errors.Is(tt.err, context.DeadlineExceeded) {
					ctx, cancel = context.WithTimeout(t.Context(), 250*time.Millisecond)
				}
				defer cancel()
				status, body, err := post(ctx, c, url)
				if status != tt.status || body != tt.body || !errors.Is(err, tt.err) {
					t.Errorf("got %d, %.20q (%d bytes), %v; want %d, %.20q, %v", status, body, len(body), err, tt.status, tt.body, tt.err)
				}
				if got := service.calls.Load(); got != tt.handled {
					t.Errorf("the service handled %d requests, want %d", got, tt.handled)
				}
				record := s.Requests()[0]
				if record.Handled != (tt.handled > 0) {
					t.Errorf("recorded as handled: %v", record.Handled)
				}
				if unread := tt.name == "reset before the request was read"; (record.Body == nil) != unread {
					t.Errorf("recorded body %q", record.Body)
				}
				mustPost(t, c, url) // the fault is over
			})
		})
	}
}

func TestAFaultsHeaderIsSent(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, s *fakehttp.Server, _ *counter, c *http.Client, url string) {
		s.Inject(fakehttp.Fault{Status: 307, Header: http.Header{"location": {"http://elsewhere.test/"}, "Date": {"never"}}})
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp := send(t, c, http.MethodGet, url, "")
		if resp.StatusCode != http.StatusTemporaryRedirect || resp.Header.Get("Location") != "http://elsewhere.test/" || resp.Header.Get("Date") != "never" {
			t.Errorf("got %d, %v", resp.StatusCode, resp.Header)
		}
	})
}

func TestWhichRequestsAFaultIsFor(t *testing.T) {
	s := fakehttp.NewServer(new(counter))
	defer s.Close()
	s.Inject(
		fakehttp.Fault{Status: 501, Method: http.MethodDelete},
		fakehttp.Fault{Status: 502, Path: "/rooms/*/messages", Times: 2},
		fakehttp.Fault{Status: 503, Path: "/rooms/1/tasks", Times: -1},
	)
	for i, tt := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/rooms/1/files", 200},
		{"POST", "/rooms/1/messages", 502},
		{"POST", "/rooms/1/messages/5", 200},
		{"POST", "/rooms/22/messages", 502},
		{"POST", "/rooms/22/messages", 200},
		{"DELETE", "/rooms/1/tasks", 501},
		{"DELETE", "/rooms/1/tasks", 503},
		{"GET", "/rooms/1/tasks?status=open", 503},
		{"GET", "/rooms/1/tasks", 503},
	} {
		if got := send(t, s.Client(), tt.method, fakehttp.MemoryURL+tt.path, "").StatusCode; got != tt.status {
			t.Errorf("request %d, %s %s: status %d, want %d", i, tt.method, tt.path, got, tt.status)
		}
	}
	s.Clear()
	if got := send(t, s.Client(), "GET", fakehttp.MemoryURL+"/rooms/1/tasks", "").StatusCode; got != 200 {
		t.Errorf("status %d after Clear, want 200", got)
	}
}

func TestMistakesPanic(t *testing.T) {
	s := newFake(t)
	for name, mistake := range map[string]func(){
		"a malformed pattern":          func() { s.Inject(fakehttp.Fault{Path: "/rooms/["}) },
		"a status that cannot be sent": func() { s.Inject(fakehttp.Fault{Status: 101}) },
		"a break that does not exist":  func() { s.Inject(fakehttp.Fault{Break: fakehttp.EndlessBody + 1}) },
		"a lane that does not exist":   func() { s.SetLimit("post", 1, time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it is taken")
				}
			}()
			mistake()
		})
	}
}

func TestADelayComesBeforeTheServiceOrAfterIt(t *testing.T) {
	for _, handled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			service := new(counter)
			s := fakehttp.NewServer(service)
			defer s.Close()
			s.Inject(fakehttp.Fault{Delay: 10 * time.Minute, Handled: handled, Times: 2})
			start := time.Now()
			if body := mustPost(t, s.Client(), fakehttp.MemoryURL); body != "answer 01" || time.Since(start) != 10*time.Minute {
				t.Errorf("got %q after %v, want the service's own answer after ten minutes", body, time.Since(start))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, _, err := post(ctx, s.Client(), fakehttp.MemoryURL); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
			time.Sleep(time.Hour)
			if got := service.calls.Load() == 2; got != handled {
				t.Errorf("Handled %v: the service handled it: %v", handled, got)
			}
		})
	}
}
