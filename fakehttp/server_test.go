package fakehttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A counter is a service that answers "answer" with the number of the request.
type counter struct{ calls atomic.Int32 }

func (c *counter) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "answer %02d", c.calls.Add(1))
}

// throughBothDoors runs the test over a loopback socket, and over the pipe in a bubble.
func throughBothDoors(t *testing.T, test func(t *testing.T, s *fakehttp.Server, service *counter, c *http.Client, url string)) {
	t.Helper()
	t.Run("loopback", func(t *testing.T) {
		service := new(counter)
		s := fakehttp.NewServer(service)
		defer s.Close()
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		test(t, s, service, &http.Client{Transport: transport}, s.URL())
	})
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			service := new(counter)
			s := fakehttp.NewServer(service)
			defer s.Close()
			test(t, s, service, s.Client(), fakehttp.MemoryURL)
		})
	})
}

// post sends "sent" and reads at most 1 MiB of the answer.
func post(ctx context.Context, c *http.Client, url string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("sent"))
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(b), err
}

// send sends a request, with names and values of headers in turn, and closes the body of the answer.
func send(t *testing.T, c *http.Client, method, url, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func mustPost(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	status, body, err := post(t.Context(), c, url)
	if err != nil || status != http.StatusOK {
		t.Fatalf("POST: %d, %v; want 200", status, err)
	}
	return body
}

func TestRequestsAreRecordedAsTheyWereSent(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, s *fakehttp.Server, _ *counter, c *http.Client, url string) {
		send(t, c, http.MethodPut, url+"/a%2Fb/c?x=1&y=%20", "body", "X-Token", "secret")
		got := s.Requests()[0]
		line := fmt.Sprint(got.Method, " ", got.Path, " ", got.Query, " ", string(got.Body), " ", got.Header.Get("X-Token"), " ", got.Handled)
		if want := "PUT /a%2Fb/c x=1&y=%20 body secret true"; line != want {
			t.Errorf("recorded %q, want %q", line, want)
		}
		if !strings.HasSuffix(url, got.Host) || got.Host == "" {
			t.Errorf("host is %q, want that of %s", got.Host, url)
		}
		if since := s.RequestsSince(0); len(since) != 1 || len(s.RequestsSince(1)) != 0 || len(s.RequestsSince(2)) != 0 {
			t.Errorf("since none there are %d requests", len(since))
		}
		got.Header.Set("X-Token", "changed")
		got.Body[0] = 'X'
		if again := s.Requests()[0]; string(again.Body) != "body" || again.Header.Get("X-Token") != "secret" {
			t.Error("changing the copy changed the record")
		}
	})
}

func TestOneConnectionServesManyRequests(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, s *fakehttp.Server, _ *counter, c *http.Client, url string) {
		for range 10 {
			mustPost(t, c, url)
		}
		if n := s.Connections(); n != 1 {
			t.Errorf("%d connections for ten requests in a row, want 1", n)
		}
		s.Inject(fakehttp.Fault{Break: fakehttp.CloseConnection})
		if _, _, err := post(t.Context(), c, url); err == nil {
			t.Error("the fault was not applied")
		}
		mustPost(t, c, url)
		if n := s.Connections(); n != 2 {
			t.Errorf("%d connections after one was lost, want 2", n)
		}
	})
}

func TestFiftyAtOnce(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, s *fakehttp.Server, service *counter, c *http.Client, url string) {
		s.Inject(fakehttp.Fault{Status: 429, Times: 10})
		var wg sync.WaitGroup
		var refused atomic.Int32
		for range 50 {
			wg.Go(func() {
				status, _, err := post(t.Context(), c, url)
				if err != nil {
					t.Error(err)
				}
				if status == 429 {
					refused.Add(1)
				}
				s.Requests()
				s.Connections()
				s.Now()
			})
		}
		wg.Wait()
		if len(s.Requests()) != 50 || refused.Load() != 10 || service.calls.Load() != 40 {
			t.Errorf("%d requests, %d refused, %d handled; want 50, 10, 40", len(s.Requests()), refused.Load(), service.calls.Load())
		}
	})
}

func TestTheMemoryClientReachesTheServerUnderAnyURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakehttp.NewServer(new(counter))
		defer s.Close()
		for _, url := range []string{"https://api.example.com/v2/rooms", "http://10.0.0.1:99", fakehttp.MemoryURL} {
			mustPost(t, s.Client(), url)
		}
		if host := s.Requests()[0].Host; host != "api.example.com" {
			t.Errorf("host is %q, want api.example.com", host)
		}
	})
}

func TestTheClock(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, s *fakehttp.Server, _ *counter, c *http.Client, url string) {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		s.SetClock(func() time.Time { return start })
		s.Advance(time.Hour)
		s.Advance(time.Minute)
		resp := send(t, c, http.MethodGet, url, "")
		if got, want := resp.Header.Get("Date"), "Thu, 01 Jan 2026 01:01:00 GMT"; got != want {
			t.Errorf("Date is %q, want %q", got, want)
		}
		if got, want := s.Requests()[0].Time, start.Add(61*time.Minute); !got.Equal(want) || !s.Now().Equal(want) {
			t.Errorf("recorded at %v, now it is %v; want both %v", got, s.Now(), want)
		}
	})
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	throughBothDoors(t, func(t *testing.T, _ *fakehttp.Server, service *counter, c *http.Client, url string) {
		for _, tt := range []struct{ size, status, calls int }{
			{16 << 20, http.StatusOK, 1},
			{16<<20 + 1, http.StatusRequestEntityTooLarge, 1},
		} {
			resp := send(t, c, http.MethodPost, url, strings.Repeat("x", tt.size))
			if resp.StatusCode != tt.status || int(service.calls.Load()) != tt.calls {
				t.Errorf("%d bytes: status %d, handled %d times; want %d, %d", tt.size, resp.StatusCode, service.calls.Load(), tt.status, tt.calls)
			}
		}
	})
}

func TestARequestThatEndsHalfwayIsNotHandled(t *testing.T) {
	service := new(counter)
	s := fakehttp.NewServer(service)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || len(answer) > 0 {
		t.Errorf("answered %q, %v; want nothing", answer, err)
	}
	conn.Close()
	s.Close()
	all := s.Requests()
	if len(all) != 1 || string(all[0].Body) != "half" || all[0].Handled || service.calls.Load() != 0 {
		t.Errorf("recorded %+v, handled %d times; want the half body, not handled", all, service.calls.Load())
	}
}

func TestAServerInFrontOfAnother(t *testing.T) {
	service := new(counter)
	behind := fakehttp.NewServer(service)
	front := fakehttp.NewServer(behind)
	defer front.Close()
	front.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
	if _, _, err := post(t.Context(), http.DefaultClient, front.URL()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset by the one in front", err)
	}
	behind.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection})
	if _, _, err := post(t.Context(), http.DefaultClient, front.URL()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset by the one behind", err)
	}
	mustPost(t, http.DefaultClient, front.URL())
	if len(front.Requests()) != 3 || len(behind.Requests()) != 3 || string(behind.Requests()[2].Body) != "sent" {
		t.Errorf("recorded %d in front and %d behind, want all three with their bodies", len(front.Requests()), len(behind.Requests()))
	}
	behind.Close()
	behind.Inject(fakehttp.Fault{Break: fakehttp.Silence})
	if status, _, err := post(t.Context(), http.DefaultClient, front.URL()); err == nil {
		t.Errorf("got %d of the one behind after its Close, want no answer", status)
	}
}

func TestOutsideItsDoorsAServerAbortsWhatItCannotBreak(t *testing.T) {
	s := fakehttp.NewServer(new(counter))
	s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panic is %v, want http.ErrAbortHandler", p)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

func TestCloseEndsWhatWaits(t *testing.T) {
	for _, fault := range []fakehttp.Fault{
		{Break: fakehttp.Silence}, {Break: fakehttp.StalledBody, Body: "body"}, {Break: fakehttp.EndlessBody},
		{Delay: time.Hour}, {Delay: time.Hour, Handled: true},
	} {
		t.Run(fault.Break.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fakehttp.NewServer(new(counter))
				s.Inject(fault)
				client, start := s.Client(), time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					resp, err := client.Get(fakehttp.MemoryURL)
					if err != nil {
						return
					}
					defer resp.Body.Close()
					if fault.Break == fakehttp.EndlessBody {
						time.Sleep(time.Minute) // the server waits to be read from
					}
					if _, err := io.Copy(io.Discard, resp.Body); err == nil {
						t.Error("the answer came to a good end")
					}
				})
				synctest.Wait()
				s.Close()
				s.Close()
				if d := time.Since(start); d > 0 {
					t.Errorf("Close waited %v", d)
				}
				wg.Wait()
			})
		})
	}
}

func TestCloseWaitsForAHandlerThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := false
		s := fakehttp.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			time.Sleep(10 * time.Minute)
			done = true
		}))
		client := s.Client()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, _, err := post(context.Background(), client, fakehttp.MemoryURL); err == nil {
				t.Error("the answer came after Close")
			}
		})
		synctest.Wait()
		s.Close()
		if !done {
			t.Error("Close returned before the handler did")
		}
		wg.Wait()
	})
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	s := fakehttp.NewServer(new(counter))
	addr := strings.TrimPrefix(s.URL(), "http://")
	transport := &http.Transport{}
	for _, client := range []*http.Client{{Transport: transport}, s.Client()} {
		mustPost(t, client, s.URL())
		s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
		if _, _, err := post(t.Context(), client, s.URL()); err == nil {
			t.Error("the fault was not applied")
		}
	}
	for _, begun := range []string{"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, begun); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	transport.CloseIdleConnections()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
	for _, client := range []*http.Client{{Transport: transport}, s.Client()} {
		if _, _, err := post(t.Context(), client, s.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v after Close, want a refused connection", err)
		}
	}
}

func TestAServerClosedBeforeItsFirstUseRefuses(t *testing.T) {
	s := fakehttp.NewServer(new(counter))
	s.Close()
	if _, _, err := post(t.Context(), s.Client(), fakehttp.MemoryURL); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("memory: got %v, want a refused connection", err)
	}
	if _, _, err := post(t.Context(), http.DefaultClient, s.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("loopback: got %v, want a refused connection", err)
	}
}
