package transport_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestOnAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(
			fault{Status: 429, Header: http.Header{"Retry-After": {"5"}}, Delay: time.Second},
			fault{Break: fakehttp.ResetConnection, Handled: true, Delay: 2 * time.Second},
			fault{Delay: 3 * time.Second},
		)
		var got []transport.Attempt
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "the caller's")
		transport.New("chatwork", options{
			Client: s.Client(),
			OnAttempt: func(ctx context.Context, a transport.Attempt) {
				check(t, "the context", ctx.Value(key{}), any("the caller's"))
				got = append(got, a)
			},
		}).Do(ctx, post(t, fakehttp.MemoryURL))
		if len(got) != 3 {
			t.Fatalf("%d attempts: %+v", len(got), got)
		}
		if err := got[1].Err; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the second attempt's error is %v", err)
		}
		if w := got[1].Wait; w < 500*time.Millisecond || w > time.Second {
			t.Errorf("the second wait is %v", w)
		}
		at := func(i int) time.Time { return s.Requests()[i].Time }
		want := []transport.Attempt{
			{Number: 1, Start: bubbleStart, Duration: time.Second, Status: 429, Wait: 5 * time.Second},
			{Number: 2, Start: at(1), Duration: 2 * time.Second, Err: got[1].Err, Wait: got[1].Wait},
			{Number: 3, Start: at(2), Duration: 3 * time.Second, Status: 200, Last: true},
		}
		for i := range want {
			want[i].Provider, want[i].Op = "chatwork", "post message"
			want[i].Start, got[i].Start = want[i].Start.UTC().Round(0), got[i].Start.UTC().Round(0)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("attempts:\n%+v\nwant:\n%+v", got, want)
		}
	})
}

// Only the goroutine of a panic can recover it.
func TestOnAttemptRunsInTheCallersGoroutine(t *testing.T) {
	s := newServer(t)
	tr := transport.New("chatwork", options{OnAttempt: func(context.Context, transport.Attempt) { panic("here") }})
	defer func() { check(t, "what was recovered", recover(), any("here")) }()
	tr.Do(t.Context(), post(t, s.URL()))
}

// The test runs itself in a second process, whose standard error it reads.
func TestNothingIsWrittenToStandardError(t *testing.T) {
	if os.Getenv("TRANSPORT_CHILD") == "" {
		var out, errs strings.Builder
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "TRANSPORT_CHILD=1")
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "calls were made") {
			t.Fatalf("%v\n%s", err, &out)
		}
		check(t, "standard error", errs.String(), "")
		return
	}
	for _, f := range []fault{
		{}, {Status: 429}, {Status: 500}, {Status: 302, Header: http.Header{"Location": {"http://[::1/%zz"}}},
		{Break: fakehttp.ResetConnection}, {Break: fakehttp.CloseConnection}, {Break: fakehttp.HalfBody}, {Break: fakehttp.EndlessBody},
	} {
		s := newServer(t)
		f.Times = -1
		s.Inject(f)
		tr := transport.New("chatwork", options{MaxWait: time.Millisecond}, "s3cr3t-t0ken")
		tr.Do(t.Context(), post(t, s.URL()+"/s3cr3t-t0ken"))
		s.Close()
		tr.Do(t.Context(), post(t, s.URL()+"/s3cr3t-t0ken"))
	}
	both := through(roundTripFunc(func(*http.Request) (*http.Response, error) { return response(200, answer), errors.New("odd") }))
	both.MaxWait = time.Millisecond
	transport.New("chatwork", both).Do(t.Context(), post(t, fakehttp.MemoryURL))
	t.Log("calls were made")
}
