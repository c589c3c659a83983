package fakehttp_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// newFake returns a fake that accepts everything but what is refused by its path.
func newFake(t *testing.T) *fakehttp.Server {
	t.Helper()
	var s *fakehttp.Server
	s = fakehttp.NewFake(func(w http.ResponseWriter, r *http.Request) error {
		switch r.URL.Path {
		case "/refused":
			return &fakehttp.Refusal{Status: 403, Header: http.Header{"x-why": {"no"}}, Body: "forbidden", Problem: "not for you"}
		case "/json":
			return fakehttp.RefuseJSON(429, map[string]string{"error": "<slow>"}, "too fast", "Retry-After", "7")
		case "/wrong":
			return errors.New("wrong field")
		}
		s.Accept()
		w.WriteHeader(http.StatusNoContent)
		return nil
	}, func(err error) *fakehttp.Refusal {
		return &fakehttp.Refusal{Status: 400, Body: "bad request", Problem: err.Error()}
	}, fakehttp.Limit{Lane: "posts", N: 2, Per: time.Minute}, fakehttp.Limit{Lane: "calls"})
	t.Cleanup(s.Close)
	return s
}

func TestRefusals(t *testing.T) {
	s := newFake(t)
	for path, want := range map[string]string{
		"/refused": "403 forbidden no ", "/json": `429 {"error":"<slow>"}  7`, "/wrong": "400 bad request  ", "/": "204   ",
	} {
		resp, err := s.Client().Get(fakehttp.MemoryURL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		got := strings.Join([]string{resp.Status[:3], string(body), resp.Header.Get("X-Why"), resp.Header.Get("Retry-After")}, " ")
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
	}
	problems := strings.Join(s.Problems(), "|")
	for _, want := range []string{"403: not for you", "429: too fast", "400: wrong field"} {
		if !strings.Contains(problems, want) {
			t.Errorf("%q is not in %q", want, problems)
		}
	}
	if s.Accepted() != 1 {
		t.Errorf("%d accepted", s.Accepted())
	}
}

func TestAFakeLimitsNothingUnlessToldTo(t *testing.T) {
	s := newFake(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	for range 100 {
		if a := s.Take("posts", "room"); !a.OK || a.N != 0 {
			t.Fatalf("%+v", a)
		}
	}
	s.Documented()
	for i, want := range []fakehttp.Allowance{
		{OK: true, N: 2, Remaining: 1, Reset: now.Add(time.Minute), Wait: time.Minute},
		{OK: true, N: 2, Remaining: 0, Reset: now.Add(time.Minute), Wait: time.Minute},
		{OK: false, N: 2, Remaining: 0, Reset: now.Add(time.Minute), Wait: time.Minute},
	} {
		if got := s.Take("posts", "room"); got != want {
			t.Errorf("take %d: %+v, want %+v", i, got, want)
		}
	}
	if a := s.Take("posts", "another room"); !a.OK {
		t.Errorf("another key: %+v", a)
	}
	if a := s.Take("calls", ""); !a.OK || a.N != 0 {
		t.Errorf("a lane without a documented limit: %+v", a)
	}
	s.Advance(59*time.Second + time.Millisecond)
	if a := s.Take("posts", "room"); a.OK || a.RetryAfter() != "1" {
		t.Errorf("before the end of the window: %+v, %s", a, a.RetryAfter())
	}
	s.Advance(time.Second)
	if a := s.Take("posts", "room"); !a.OK || a.Remaining != 1 {
		t.Errorf("after the end of the window: %+v", a)
	}
	s.SetLimit("posts", 0, time.Second)
	if a := s.Take("posts", "room"); a.OK {
		t.Errorf("with a limit of 0: %+v", a)
	}
}

func TestTokens(t *testing.T) {
	s := newFake(t)
	s.AddToken("a", "b")
	s.RevokeToken("a")
	if s.HasToken("a") || !s.HasToken("b") || s.HasToken("") {
		t.Error("the tokens are not those that were added and not revoked")
	}
	if s.IsStrict() {
		t.Error("it is strict at first")
	}
	s.Strict(true)
	if !s.IsStrict() {
		t.Error("it is not strict")
	}
}

func TestALogReturnsCopies(t *testing.T) {
	var l fakehttp.Log[int]
	if got := l.All(); len(got) != 0 {
		t.Errorf("the zero Log has %v", got)
	}
	l.Add(1)
	l.All()[0] = 7
	l.Add(2)
	if got := l.All(); len(got) != 2 || got[0] != 1 || got[1] != 2 {
		t.Errorf("got %v", got)
	}
}
