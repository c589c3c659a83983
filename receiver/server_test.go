package receiver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/receiver"
	"github.com/mackerel-notify/mackerel/webhook"
)

// serve starts a server on loopback with the handler.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// send posts a body and returns the status.
func send(client *http.Client, url, body string) (int, error) {
	resp, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// loop makes a receiver whose notifier sends to the receiver itself.
func loop(t *testing.T, relay bool) (h *harness, url string, calls *atomic.Int32) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	calls = new(atomic.Int32)
	itself, err := webhook.New(webhook.Config{
		URL: mackerel.NewSecret(s.URL),
		Edit: func(m *webhook.Message, _ mackerel.Alert) error { // no two bodies are equal
			m.Raw = fmt.Appendf(nil, `{"event":"alert","hop":%d}`, calls.Add(1))
			if calls.Load() > 20 {
				return mackerel.ErrSkip
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return newHarness(t, receiver.Config{Notifier: itself, Relay: relay}, nil), s.URL, calls
}

func TestALoopEnds(t *testing.T) {
	h, url, calls := loop(t, false)
	if status, err := send(http.DefaultClient, url, body); status != 200 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	lost := h.lostErrors()
	if calls.Load() != 1 || len(lost) != 1 || !errors.Is(lost[0], mackerel.ErrInvalid) {
		t.Errorf("%d calls, Undelivered got %v", calls.Load(), lost)
	}
	if !strings.Contains(h.requests[0].Err.Error(), "Config.Relay") || h.requests[0].Status != http.StatusConflict {
		t.Errorf("OnRequest got %+v", h.requests[0])
	}
}

func TestARelayIsTaken(t *testing.T) {
	h, url, calls := loop(t, true)
	if status, err := send(http.DefaultClient, url, body); status != 200 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	if calls.Load() != 21 || len(h.lostErrors()) != 0 {
		t.Errorf("%d calls, Undelivered got %v", calls.Load(), h.lostErrors())
	}
}

// dial sends the header of a request and the beginning of its body.
func dial(t *testing.T, url, beginning string) net.Conn {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len(body), beginning)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestABodyThatStopsIsAnsweredInTime(t *testing.T) {
	for status, c := range map[int]receiver.Config{
		http.StatusRequestTimeout: {},
		http.StatusUnauthorized:   {User: mackerel.NewSecret("u"), Password: mackerel.NewSecret("p")},
	} {
		c.Answer = 50 * time.Millisecond
		h := newHarness(t, c, nil)
		conn := dial(t, serve(t, h).URL, body[:10])
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != status {
			t.Errorf("%d: %+v, %v", status, resp, err)
		}
		h.wantCalls(t, 0, 0)
	}
}

// A body that ends before its length may be a part of an alert, also if it is JSON.
func TestABodyThatEndsEarlyIsNotDelivered(t *testing.T) {
	h := newHarness(t, receiver.Config{}, nil)
	conn := dial(t, serve(t, h).URL, "{}")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if h.wantCalls(t, 0, 0); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the status is %d", answer.StatusCode)
	}
	if err := h.last().Err; err == nil || !strings.Contains(err.Error(), "the body ended early") {
		t.Errorf("OnRequest got %v", err)
	}
}

// The deadline of the body must not end a connection that is used again.
func TestAConnectionIsUsedAgain(t *testing.T) {
	release := make(chan struct{})
	end := sync.OnceFunc(func() { close(release) })
	defer end()
	h := newHarness(t, receiver.Config{Answer: 50 * time.Millisecond}, func(context.Context, int) error {
		<-release
		return nil
	})
	conn := dial(t, serve(t, h).URL, body)
	r := bufio.NewReader(conn)
	for n := range 3 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != http.StatusAccepted {
			t.Fatalf("%d: %+v, %v", n, resp, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if n == 2 {
			break
		}
		_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(numbered(n)), numbered(n))
		if err != nil {
			t.Fatal(err)
		}
	}
	end()
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	h.hooks.Lock()
	defer h.hooks.Unlock()
	if err := errors.Join(h.ends...); err != nil {
		t.Errorf("the deadline of the body ended a request: %v", err)
	}
}

// A deadlines remembers the deadlines of a request.
type deadlines struct {
	http.ResponseWriter

	set []time.Time
}

func (d *deadlines) SetReadDeadline(end time.Time) error {
	d.set = append(d.set, end)
	return nil
}

// While the server waits for the answer of the handler, it reads. If the deadline of the body were left, the end of it
// would cancel the context of the request.
func TestTheDeadlineOfTheBodyEndsWithTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &deadlines{ResponseWriter: httptest.NewRecorder()}
		h := newHarness(t, receiver.Config{}, func(context.Context, int) error { return nil })
		start := time.Now()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if want := []time.Time{start.Add(5 * time.Second), {}}; !slices.EqualFunc(w.set, want, time.Time.Equal) {
			t.Errorf("the deadlines were %v, want %v", w.set, want)
		}
	})
}

func TestASenderThatGoesAwayDoesNotStopTheDelivery(t *testing.T) {
	began, delivered := make(chan struct{}), make(chan error, 1)
	gone := make(chan struct{})
	h := newHarness(t, receiver.Config{}, func(ctx context.Context, _ int) error {
		close(began)
		<-gone
		delivered <- ctx.Err()
		return nil
	})
	over := make(chan struct{})
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		context.AfterFunc(r.Context(), func() { close(gone) })
		h.ServeHTTP(w, r)
		close(over)
	}))
	conn := dial(t, s.URL, body)
	<-began
	_ = conn.Close()
	if err := <-delivered; err != nil {
		t.Error(err)
	}
	<-over
	h.wantCalls(t, 1, 0)
}

// storm is how many bodies the clients of the storm send.
const storm, clients = 5000, 32

// TestAStorm sends bodies from several clients while the notifier fails at random. Each body is sent again until it is
// taken, as long as the answer is 503.
func TestAStorm(t *testing.T) {
	n := &flaky{delivered: make(map[string]int)}
	lost := make(map[string]int)
	var mu sync.Mutex
	h, err := receiver.New(receiver.Config{
		Notifier: n, Open: true, Answer: 2 * time.Millisecond,
		Undelivered: func(_ context.Context, a mackerel.Alert, _ error) {
			mu.Lock()
			defer mu.Unlock()
			lost[a.ID]++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for job := range jobs {
				n.sendUntilTaken(t, client, s.URL, numbered(job))
			}
		})
	}
	for job := range storm {
		jobs <- job
	}
	close(jobs)
	wg.Wait()
	client.CloseIdleConnections()
	s.Close()
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	n.check(t, lost)
	servicetest.WantNoGoroutine(t, "receiver.(*Handler)")
}

// flaky fails at random, and is slow at random.
type flaky struct {
	mu            sync.Mutex
	delivered     map[string]int // by the id of the alert
	running, most int
}

func (f *flaky) Notify(_ context.Context, a mackerel.Alert) error {
	f.mu.Lock()
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.running--
	}()
	switch rand.IntN(10) {
	case 0:
		return errForNow
	case 1:
		return errForGood
	case 2:
		<-time.After(4 * time.Millisecond)
		return errForNow
	case 3:
		panic("at random")
	case 4:
		<-time.After(4 * time.Millisecond)
	}
	f.mu.Lock()
	f.delivered[a.ID]++
	f.mu.Unlock()
	return nil
}

// sendUntilTaken sends a body until the answer is not 503.
func (f *flaky) sendUntilTaken(t *testing.T, client *http.Client, url, body string) {
	for {
		status, err := send(client, url, body)
		switch {
		case err != nil:
			t.Error(err)
			return
		case status == http.StatusOK || status == http.StatusAccepted:
			return
		case status != http.StatusServiceUnavailable:
			t.Errorf("status %d", status)
			return
		}
	}
}

func (f *flaky) check(t *testing.T, lost map[string]int) {
	if f.most > 64 {
		t.Errorf("%d deliveries ran at a time", f.most)
	}
	for job := range storm {
		id := strconv.Itoa(job)
		if f.delivered[id]+lost[id] != 1 {
			t.Errorf("%s: delivered %d times, reported %d times", id, f.delivered[id], lost[id])
		}
	}
	t.Logf("%d delivered, %d reported, at most %d at a time", len(f.delivered), len(lost), f.most)
}
