package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

func TestTheAnswerToAnOutcome(t *testing.T) {
	type answer = func(context.Context, int) error
	for _, c := range []struct {
		name   string
		answer answer
		status int
		after  string
		err    error
		lost   int // calls of Undelivered
		again  int // calls of the notifier when the body comes again
	}{
		{"delivered", nil, 200, "", nil, 0, 0},
		{"a refusal for now", returns(errForNow), 503, "30", errForNow, 0, 1},
		{"a failure for now without a time", returns(fail(mackerel.ErrUnavailable, 0)), 503, "5", mackerel.ErrUnavailable, 0, 1},
		{"a refusal for good", returns(errForGood), 200, "", errForGood, 1, 1},
		{"an error of another library", returns(errForeign), 200, "", errForeign, 1, 1},
		{"a lost answer that may not be repeated", returns(errMayHaveRung), 200, "", errMayHaveRung, 1, 0},
		{"a lost answer that may be repeated", returns(errMayBeThere), 503, "5", errMayBeThere, 0, 1},
		{"a panic", func(context.Context, int) error { panic("s3cret") }, 200, "", mackerel.ErrAmbiguous, 1, 0},
		{"the end of the goroutine", func(context.Context, int) error {
			runtime.Goexit()
			return nil
		}, 200, "", mackerel.ErrAmbiguous, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, receiver.Config{}, c.answer)
			w := h.want(t, c.status, body)
			if got := w.Header().Get("Retry-After"); got != c.after {
				t.Errorf("Retry-After: %q, want %q", got, c.after)
			}
			if r := h.last(); !errors.Is(r.Err, c.err) || r.Status != c.status || r.Repeat || r.Alert.ID != "5A" {
				t.Errorf("OnRequest got %+v", r)
			}
			h.wantCalls(t, 1, c.lost)
			for _, err := range h.lostErrors() {
				if !errors.Is(err, c.err) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("Undelivered got %v", err)
				}
			}
			h.want(t, 200, body)
			if got := h.calls() - 1; got != c.again {
				t.Errorf("the body that came again made %d calls, want %d", got, c.again)
			}
			if r := h.last(); r.Repeat != (c.again == 0) {
				t.Errorf("OnRequest got %+v", r)
			}
		})
	}
}

func TestAPanicIsReportedWithItsStack(t *testing.T) {
	h := newHarness(t, receiver.Config{}, func(context.Context, int) error {
		var none *mackerel.Alert
		_ = none.ID
		return nil
	})
	h.want(t, 200, body)
	p, ok := errors.AsType[*receiver.PanicError](h.last().Err)
	if !ok || !strings.Contains(string(p.Stack), "delivery_test.go") || !strings.Contains(h.last().Err.Error(), "nil pointer") {
		t.Errorf("got %v, %+v", h.last().Err, p)
	}
	if got := (&receiver.PanicError{Value: "s3cret"}).Error(); got != "a value of type string" {
		t.Errorf("got %s", got)
	}
}

func TestWithoutUndeliveredTheErrorIsThatOfTheNotifier(t *testing.T) {
	var got error
	h, err := receiver.New(receiver.Config{
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return errForGood }), Open: true,
		OnRequest: func(_ context.Context, r receiver.Request) { got = r.Err },
	})
	if err != nil {
		t.Fatal(err)
	}
	(&harness{Handler: h}).want(t, 200, body)
	if got != errForGood {
		t.Errorf("got %v", got)
	}
}

// The hook must neither end the program nor keep a place or the body.
func TestAnUndeliveredThatDoesNotReturn(t *testing.T) {
	for name, hook := range map[string]func(){
		"panics":             func() { panic("s3cret") },
		"ends the goroutine": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			var last receiver.Request
			h, err := receiver.New(receiver.Config{
				Notifier: &recorder{answer: returns(errForGood)}, Open: true,
				Undelivered: func(context.Context, mackerel.Alert, error) { hook() },
				OnRequest:   func(_ context.Context, r receiver.Request) { last = r },
			})
			if err != nil {
				t.Fatal(err)
			}
			both := &harness{Handler: h}
			both.want(t, 200, body)
			p, ok := errors.AsType[*receiver.PanicError](last.Err)
			if !errors.Is(last.Err, errForGood) || ok != (name == "panics") || ok && p.Value != "s3cret" {
				t.Errorf("OnRequest got %v", last.Err)
			}
			if strings.Contains(last.Err.Error(), "s3cret") {
				t.Errorf("a secret in %v", last.Err)
			}
			both.want(t, 200, body)
			if last.Err != nil || last.Repeat {
				t.Errorf("after the hook, OnRequest got %+v", last)
			}
			if err := h.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// The hook belongs to the delivery, so no more than 64 hooks run.
func TestAnUndeliveredKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hooks atomic.Int32
		h, err := receiver.New(receiver.Config{
			Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return errForGood }),
			Undelivered: func(ctx context.Context, _ mackerel.Alert, _ error) {
				hooks.Add(1)
				<-ctx.Done()
			},
			Open: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		all := &harness{Handler: h}
		var wg sync.WaitGroup
		for n := range 100 {
			wg.Go(func() { all.post(numbered(n)) })
		}
		synctest.Wait()
		if n := hooks.Load(); n != 64 {
			t.Errorf("%d hooks run", n)
		}
		wg.Wait()
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestASlowDeliveryGoesOn(t *testing.T) {
	for _, c := range []struct {
		name string
		took time.Duration
		err  error
		lost int
	}{
		{"and succeeds", time.Minute, nil, 0},
		{"and fails for now, which Mackerel does not learn", time.Minute, errForNow, 1},
		{"and fails for good", time.Minute, errForGood, 1},
		{"until Timeout", time.Hour, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, start := newHarness(t, receiver.Config{}, takes(c.took, c.err)), time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				h.want(t, 202, body, func(r *http.Request) { *r = *r.WithContext(ctx) })
				cancel()
				if took := time.Since(start); took != 5*time.Second || h.last().Err != nil {
					t.Errorf("answered after %v with %v", took, h.last().Err)
				}
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != min(c.took, 10*time.Minute) {
					t.Errorf("took %v", took)
				}
				h.wantCalls(t, 1, c.lost)
			})
		})
	}
}

func TestAnEqualBodyUnderWayGetsItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, takes(4*time.Second, errForNow))
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				h.want(t, 503, body)
			})
		}
		wg.Wait()
		h.wantCalls(t, 1, 0)
	})
}

func TestAnEqualBodyWaitsForItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, takes(8*time.Second, nil))
		var wg sync.WaitGroup
		wg.Go(func() { h.want(t, 202, body) })
		time.Sleep(4 * time.Second)
		h.want(t, 200, body)
		wg.Wait()
		h.wantCalls(t, 1, 0)
		if !h.last().Repeat {
			t.Error("the second request is no repeat")
		}
	})
}

func TestDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, nil)
		h.want(t, 200, body)
		h.want(t, 200, body+" ")
		h.wantCalls(t, 2, 0) // not byte for byte
		time.Sleep(time.Minute)
		h.want(t, 200, body)
		h.wantCalls(t, 2, 0)
		time.Sleep(time.Nanosecond)
		h.want(t, 200, body)
		h.wantCalls(t, 3, 0)
		time.Sleep(time.Minute)
		h.want(t, 200, body)
		h.wantCalls(t, 3, 0)
	})
}

func TestDeliveryIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, returns(errForNow, errForNow, nil, nil))
		for _, wait := range []time.Duration{4*time.Minute + 30*time.Second, time.Minute, time.Minute, 10 * time.Minute} {
			time.Sleep(wait)
			h.post(body)
		}
		if h.ids[0] == "" || h.ids[0] != h.ids[1] || h.ids[1] != h.ids[2] {
			t.Errorf("the repeats have the ids %q", h.ids)
		}
		if h.ids[3] == h.ids[2] {
			t.Error("the reminder has the id of the alert")
		}
		h.post(sample)
		if h.ids[4] == h.ids[3] {
			t.Error("two bodies have one id")
		}
	})
}

func TestOfAMultiOnlyWhatFailedIsRepeated(t *testing.T) {
	works := &recorder{}
	limited := &recorder{answer: returns(errForNow, errForNow)}
	phone := &recorder{answer: returns(errMayHaveRung)}
	gone := &recorder{answer: returns(errForGood)}
	h := newHarness(t, receiver.Config{Notifier: mackerel.Multi(works, limited, phone, gone)}, nil)
	wantCalls := func(want ...int) {
		t.Helper()
		for i, r := range []*recorder{works, limited, phone, gone} {
			if got := r.calls(); got != want[i] {
				t.Errorf("notifier %d was called %d times, want %d", i, got, want[i])
			}
		}
	}
	h.want(t, 503, body)
	wantCalls(1, 1, 1, 1)
	lost := h.lostErrors()
	if len(lost) != 1 || len(mackerel.Failures(lost[0])) != 2 || errors.Is(lost[0], mackerel.ErrRateLimited) {
		t.Errorf("Undelivered got %v", lost)
	}
	h.want(t, 503, body)
	wantCalls(1, 2, 1, 2)
	h.want(t, 200, body)
	wantCalls(1, 3, 1, 2)
	h.want(t, 200, body)
	wantCalls(1, 3, 1, 2)
	if got := h.lostErrors(); len(got) != 1 || !h.last().Repeat {
		t.Errorf("Undelivered got %v", got)
	}
}

func TestSixtyFourDeliveriesRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, takes(time.Minute, nil))
		var wg sync.WaitGroup
		for n := range 64 {
			wg.Go(func() { h.want(t, 202, numbered(n)) })
		}
		synctest.Wait()
		start := time.Now()
		w := h.want(t, 503, numbered(64))
		if took := time.Since(start); took != 5*time.Second || w.Header().Get("Retry-After") != "5" {
			t.Errorf("answered after %v, Retry-After %q", took, w.Header().Get("Retry-After"))
		}
		wg.Wait()
		h.wantCalls(t, 64, 0)
		time.Sleep(time.Minute - 2*time.Second - 5*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		// It gets a place after 2 s, although its sender has gone.
		h.want(t, 202, numbered(64), func(r *http.Request) { *r = *r.WithContext(ctx) })
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		h.wantCalls(t, 65, 0)
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, takes(time.Minute, nil))
		h.want(t, 202, body)
		drained := make(chan error, 1)
		go func() { drained <- h.Drain(t.Context()) }()
		synctest.Wait()
		if w := h.want(t, 503, sample); w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		start := time.Now()
		if err := <-drained; err != nil || time.Since(start) != 55*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		h.wantCalls(t, 1, 0)
	})
}

func TestTwoDrainsBothEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, takes(time.Minute, nil))
		h.want(t, 202, body)
		var drains sync.WaitGroup
		for range 2 {
			drains.Go(func() {
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		drains.Wait()
	})
}

func TestDrainOfAHandlerThatIsIdle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := newHarness(t, receiver.Config{}, nil)
	for range 64 { // a select chooses at random
		if err := h.Drain(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheEndOfDrainEndsDeliveries(t *testing.T) {
	deaf := func(context.Context, int) error {
		time.Sleep(time.Hour)
		return nil
	}
	for name, c := range map[string]struct {
		answer func(context.Context, int) error
		took   time.Duration
		lost   int
	}{
		"a notifier that listens":         {takes(time.Minute, nil), 10 * time.Second, 2},
		"a notifier that does not listen": {deaf, 11 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, receiver.Config{}, c.answer)
				var wg sync.WaitGroup
				for n := range 2 {
					wg.Go(func() { h.want(t, 202, numbered(n)) })
				}
				wg.Wait()
				cause := errors.New("the service is restarted")
				ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
				defer cancel()
				start := time.Now()
				err := h.Drain(ctx)
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, mackerel.ErrUnavailable) ||
					!strings.Contains(err.Error(), "2 deliveries") || time.Since(start) != c.took {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				h.wantCalls(t, 2, c.lost)
				for _, err := range h.lostErrors() {
					if !errors.Is(err, cause) {
						t.Errorf("Undelivered got %v", err)
					}
				}
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
