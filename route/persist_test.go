package route_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/route"
)

func TestTheWaitsBetweenTries(t *testing.T) {
	unavailable, limited := fail(mackerel.ErrUnavailable), fail(mackerel.ErrRateLimited, 7*time.Second)
	for _, c := range []struct {
		name  string
		errs  []error
		tries []int
	}{
		{"a success is not repeated", nil, []int{0}},
		{
			"without RetryAfter the wait is 1 s and doubles up to 1 min",
			slices.Repeat([]error{unavailable}, 9), []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243},
		},
		{"RetryAfter is the wait, however long", []error{fail(mackerel.ErrRateLimited, 5*time.Minute)}, []int{0, 300}},
		{"RetryAfter does not double the next wait", []error{unavailable, limited, unavailable}, []int{0, 1, 8, 10}},
		{"a negative RetryAfter is no RetryAfter", []error{fail(mackerel.ErrRateLimited, -time.Hour)}, []int{0, 1}},
		{"a lost answer is repeated at least once", []error{fail(mackerel.ErrAmbiguous)}, []int{0, 1}},
		{
			"joined errors are repeated if one may be, and nothing may have been done",
			[]error{errors.Join(fail(mackerel.ErrInvalid), unavailable)}, []int{0, 1},
		},
		{
			"a sentinel of another notifier is enough",
			[]error{fmt.Errorf("sms: %w: %w", mackerel.ErrUnavailable, io.EOF)}, []int{0, 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &script{name: "chat", errs: c.errs}
				receipt, err := persist(t, time.Hour, n).Deliver(t.Context(), alert)
				n.wantTries(t, c.tries...)
				count, last := len(c.tries), c.tries[len(c.tries)-1]
				want := mackerel.Receipt{
					Provider: "chat", ID: "chat-1", Attempts: 3 * count,
					Waited: time.Duration(4*count) * time.Second, Duration: time.Duration(last) * time.Second,
				}
				if err != nil || fmt.Sprint(receipt) != fmt.Sprint(want) {
					t.Errorf("%v, %+v, want %+v", err, receipt, want)
				}
			})
		})
	}
}

func TestWhatMayNotBeRepeatedIsReturnedAsItIs(t *testing.T) {
	unavailable := fail(mackerel.ErrUnavailable)
	deliveries := mackerel.Multi(&script{errs: []error{rang()}}).Notify(t.Context(), alert)
	for name, err := range map[string]error{
		"a phone that may have rung":                   rang(),
		"a refusal":                                    fail(mackerel.ErrInvalid),
		"a wrong credential":                           fmt.Errorf("chat: %w", fail(mackerel.ErrUnauthorized)),
		"an error that says nothing":                   errors.New("no such file"),
		"deliveries that may not be repeated":          fmt.Errorf("both: %w", deliveries),
		"a phone and a chat that cannot be told apart": errors.Join(rang(), unavailable),
		"the same in another error":                    fmt.Errorf("both: %w", errors.Join(rang(), unavailable)),
		"a call that may have been made":               fmt.Errorf("%w: %w", mackerel.ErrUnavailable, mackerel.ErrAmbiguous),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &script{errs: []error{err}}
				if got := persist(t, time.Hour, n).Notify(t.Context(), alert); got != err {
					t.Errorf("%v, want %v", got, err)
				}
				n.wantTries(t, 0)
			})
		})
	}
}

func TestOnlyWhatFailedIsRepeatedAndNoNotifierWaitsForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		works, phone := &script{name: "works"}, &script{name: "phone", errs: []error{rang()}}
		refuses := &script{name: "refuses", errs: []error{fail(mackerel.ErrInvalid)}}
		quick := &script{name: "quick", errs: []error{
			fail(mackerel.ErrUnavailable), fail(mackerel.ErrRateLimited, 2*time.Second),
		}}
		slow := &script{name: "slow", errs: []error{fail(mackerel.ErrRateLimited, 30*time.Minute)}, takes: time.Minute}
		inner := mackerel.Multi(works, slow)
		receipt, err := persist(t, time.Hour, phone, inner, quick, refuses, nil).Deliver(t.Context(), alert)

		works.wantTries(t, 0)
		phone.wantTries(t, 0)
		refuses.wantTries(t, 0)
		quick.wantTries(t, 0, 1, 3)
		slow.wantTries(t, 0, 31*60)
		if got := failed(err); !slices.Equal(got, []string{"phone", "refuses", "nil"}) {
			t.Errorf("failed: %q", got)
		}
		for _, kind := range []error{mackerel.ErrAmbiguous, mackerel.ErrInvalid, mackerel.ErrConfig} {
			if !errors.Is(err, kind) {
				t.Errorf("%v: not in %v", kind, err)
			}
		}
		if _, again := mackerel.Retry(err); again {
			t.Errorf("%v may be repeated", err)
		}
		want := mackerel.Receipt{Attempts: 3 * 8, Waited: 8 * 4 * time.Second, Duration: 32 * time.Minute}
		if fmt.Sprint(receipt) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", receipt, want)
		}
	})
}

func TestTheErrorReadsAsThatOfAMulti(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scripts := func() []mackerel.Notifier {
			return []mackerel.Notifier{
				&script{name: "phone", errs: []error{rang()}}, &script{name: "works"},
				mackerel.Multi(&script{name: "room", errs: []error{fail(mackerel.ErrUnavailable)}, forever: true}),
			}
		}
		want := mackerel.Multi(scripts()...).Notify(t.Context(), alert)
		got := persist(t, time.Hour, scripts()...).Notify(t.Context(), alert)
		if got == nil || got.Error() != want.Error() || !slices.Equal(failed(got), failed(want)) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// A notifier that is no Multi, but returns the error of a Multi, as a wrapper around a Multi does.
func TestDeliveriesWithinAnErrorAreRepeatedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := &script{name: "phone", errs: []error{rang()}}
		works := &script{name: "works"}
		room := &script{name: "room", errs: []error{fail(mackerel.ErrUnavailable), fail(mackerel.ErrUnavailable)}}
		other := &script{name: "other", errs: []error{fail(mackerel.ErrUnavailable)}, forever: true}
		journal := errors.New("the journal is full")
		calls := 0
		wrapper := mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
			calls++
			err := mackerel.Multi(phone, works, room, other).Notify(ctx, a)
			return errors.Join(fmt.Errorf("wrapped: %w", &mackerel.Error{Kind: mackerel.ErrUnavailable, Err: err}), journal)
		})
		err := persist(t, 5*time.Second, wrapper).Notify(t.Context(), alert)
		if calls != 1 {
			t.Errorf("the wrapper was called %d times", calls)
		}
		phone.wantTries(t, 0)
		works.wantTries(t, 0)
		room.wantTries(t, 0, 1, 3)
		other.wantTries(t, 0, 1, 3)
		if got := failed(err); !slices.Equal(got, []string{"phone", "other"}) || !errors.Is(err, journal) {
			t.Errorf("failed: %q, %v", got, err)
		}
	})
}

func TestAWrapperOfAMultiSucceedsWhenAllDeliveriesHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mackerel.Multi(&script{name: "room", errs: []error{fail(mackerel.ErrUnavailable)}})
		wrapper := mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
			return fmt.Errorf("wrapped: %w", &mackerel.Error{Kind: mackerel.ErrUnavailable, Err: m.Notify(ctx, a)})
		})
		if err := persist(t, time.Hour, wrapper).Notify(t.Context(), alert); err != nil {
			t.Error(err)
		}
	})
}

func TestADeliveryWithoutANotifierIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := &mackerel.DeliveryError{Err: fail(mackerel.ErrUnavailable)}
		n := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return lost })
		err := persist(t, time.Hour, n).Notify(t.Context(), alert)
		if !errors.Is(err, lost.Err) || len(mackerel.Failures(err)) != 1 {
			t.Errorf("got %v", err)
		}
	})
}

// The first try may have been delivered. The last error alone would say that it was not.
func TestAnEarlierTryThatMayHaveBeenDeliveredIsNotForgotten(t *testing.T) {
	for name, last := range map[string]*mackerel.Error{
		"a refusal that stays": fail(mackerel.ErrUnauthorized),
		"a refusal for now":    fail(mackerel.ErrRateLimited, 2*time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lost := fail(mackerel.ErrAmbiguous)
				n := &script{errs: []error{lost, fail(mackerel.ErrUnavailable), last}, forever: true}
				err := persist(t, time.Hour, n).Notify(t.Context(), alert)
				n.wantTries(t, 0, 1, 3)
				if !errors.Is(err, lost) || !errors.Is(err, last) {
					t.Errorf("got %v", err)
				}
				if after, again := mackerel.Retry(err); !again || after != last.RetryAfter {
					t.Errorf("Retry gives %v, %v for %v", after, again, err)
				}
			})
		})
	}
}

// The first try of the whole may have been delivered. At the second try, a delivery within it is refused.
func TestAnEarlierTryOfTheWholeIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, inner := fail(mackerel.ErrAmbiguous), &script{name: "room", errs: []error{fail(mackerel.ErrUnauthorized)}}
		other := &script{name: "other", errs: []error{fail(mackerel.ErrUnavailable)}}
		n := &script{errs: []error{lost, mackerel.Multi(inner, other).Notify(t.Context(), alert)}}
		err := persist(t, time.Hour, n).Notify(t.Context(), alert)
		n.wantTries(t, 0, 1)
		if got := failed(err); !slices.Equal(got, []string{"room"}) || !errors.Is(err, lost) {
			t.Errorf("failed: %q, %v", got, err)
		}
	})
}

func TestALostAnswerIsReturnedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, last := fail(mackerel.ErrAmbiguous), fail(mackerel.ErrAmbiguous)
		n := &script{errs: []error{first, last}, forever: true}
		if err := persist(t, time.Second, n).Notify(t.Context(), alert); err != last {
			t.Errorf("%v, want %v", err, last)
		}
	})
}

func TestASuccessEndsTheDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &script{errs: []error{fail(mackerel.ErrAmbiguous), fail(mackerel.ErrUnavailable)}}
		if err := persist(t, time.Hour, n).Notify(t.Context(), alert); err != nil {
			t.Error(err)
		}
	})
}

func TestTheLimit(t *testing.T) {
	unavailable := fail(mackerel.ErrUnavailable)
	for _, c := range []struct {
		name  string
		limit time.Duration
		err   error
		tries []int
		took  time.Duration
	}{
		{"no repeat begins after it", 11*time.Second - 1, unavailable, []int{0}, 10 * time.Second},
		{"a repeat may begin at it, and is not cut off", 11 * time.Second, unavailable, []int{0, 11}, 21 * time.Second},
		{
			"a wait beyond it is not begun",
			59 * time.Second, fail(mackerel.ErrRateLimited, 50*time.Second), []int{0}, 10 * time.Second,
		},
		{"an hour ends", time.Hour, fail(mackerel.ErrRateLimited, 25*time.Minute), []int{0, 1510, 3020}, 3030 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &script{errs: []error{c.err}, forever: true, takes: 10 * time.Second}
				receipt, err := persist(t, c.limit, n).Deliver(t.Context(), alert)
				n.wantTries(t, c.tries...)
				if err != c.err || receipt.Duration != c.took || receipt.Attempts != 3*len(c.tries) {
					t.Errorf("%v, %+v, want %v", err, receipt, c.took)
				}
			})
		})
	}
}

func TestTheLongestLimitIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &script{errs: []error{fail(mackerel.ErrRateLimited, 48*time.Hour)}}
		if err := persist(t, math.MaxInt64, n).Notify(t.Context(), alert); err != nil {
			t.Error(err)
		}
	})
}

func TestAnAbsurdWaitIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &script{errs: []error{fail(mackerel.ErrRateLimited, math.MaxInt64)}, forever: true}
		receipt, err := persist(t, time.Hour, n).Deliver(t.Context(), alert)
		if !errors.Is(err, mackerel.ErrRateLimited) || receipt.Duration != 0 {
			t.Errorf("%v after %v", err, receipt.Duration)
		}
	})
}

func TestTheContextEndsIt(t *testing.T) {
	cause := errors.New("https://hooks.example.com/secret is shut")
	for _, c := range []struct {
		name  string
		end   func(context.Context) (context.Context, context.CancelFunc)
		errs  []error // that are found in the error
		tries []int
		took  time.Duration
	}{
		{"cancelled during a wait", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			timer := time.AfterFunc(5*time.Second, func() { cancel(cause) })
			return ctx, func() { timer.Stop() }
		}, []error{context.Canceled, cause}, []int{0, 1, 3}, 5 * time.Second},
		{"cancelled before", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, []error{context.Canceled}, []int{0}, 0},
		{"a wait that ends after the deadline is not begun", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 7*time.Second)
		}, []error{context.DeadlineExceeded}, []int{0, 1, 3}, 3 * time.Second},
		{"a deadline that has passed", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, -time.Second)
		}, []error{context.DeadlineExceeded}, []int{0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := c.end(t.Context())
				defer stop()
				last := fail(mackerel.ErrUnavailable)
				room := &script{name: "room", errs: []error{last}, forever: true}
				phone := &script{name: "phone", errs: []error{rang()}}
				receipt, err := persist(t, time.Hour, room, phone).Deliver(ctx, alert)
				room.wantTries(t, c.tries...)
				phone.wantTries(t, 0)
				for _, want := range c.errs {
					if !errors.Is(err, want) {
						t.Errorf("%v is not in %v", want, err)
					}
				}
				if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "secret") {
					t.Errorf("the cause is printed: %s", text)
				}
				if got := failed(err); got[0] != "room" || receipt.Duration != c.took {
					t.Errorf("failed: %q after %v", got, receipt.Duration)
				}
				if _, again := mackerel.Retry(mackerel.Failures(err)[0]); !again || ctx.Err() == nil && !errors.Is(err, last) {
					t.Errorf("the last failure is lost: %v", err)
				}
			})
		})
	}
}

// The context is cancelled during the try, whose error does not say so. The wait would not fit within the limit.
func TestTheErrorSaysThatTheContextWasCancelledAlsoIfTheWaitIsTooLong(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
		cancel()
		return fail(mackerel.ErrRateLimited, time.Hour)
	})
	err := persist(t, time.Minute, n).Notify(ctx, alert)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, mackerel.ErrRateLimited) {
		t.Errorf("got %v", err)
	}
}

// An error that has the context's error already is not changed.
func TestACancelledTryIsReturnedAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n := &script{takes: time.Minute, name: "room"}
		err := persist(t, time.Hour, n).Notify(ctx, alert)
		if e, ok := err.(*mackerel.Error); !ok || !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("got %v (%T)", err, err)
		}
	})
}

func TestAllTriesHaveTheSameDeliveryID(t *testing.T) {
	ids := func(t *testing.T, ctx context.Context) []string {
		a := &script{name: "a", errs: []error{fail(mackerel.ErrUnavailable), fail(mackerel.ErrUnavailable)}}
		b := &script{name: "b", errs: []error{fail(mackerel.ErrUnavailable)}}
		if err := persist(t, time.Hour, a, b).Notify(ctx, alert); err != nil {
			t.Error(err)
		}
		return slices.Compact(append(a.ids, b.ids...))
	}
	synctest.Test(t, func(t *testing.T) {
		if got := ids(t, mackerel.WithDeliveryID(t.Context(), "outbox-7")); !slices.Equal(got, []string{"outbox-7"}) {
			t.Errorf("the caller's id became %q", got)
		}
		first, second := ids(t, t.Context()), ids(t, t.Context())
		if len(first) != 1 || len(second) != 1 || len(first[0]) < 20 || first[0] == second[0] {
			t.Errorf("the ids of two deliveries are %q and %q", first, second)
		}
	})
}

func TestManyDeliveriesAtOnceDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := map[string]bool{}
		var once script
		once.errs = []error{fail(mackerel.ErrUnavailable)}
		n := mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
			once.mu.Lock()
			defer once.mu.Unlock()
			if key := a.ID + mackerel.DeliveryID(ctx); !again[key] {
				again[key] = true
				return fail(mackerel.ErrUnavailable)
			}
			return nil
		})
		p := persist(t, time.Hour, n, n)
		done := make(chan error)
		for i := range 50 {
			go func() { done <- p.Notify(t.Context(), mackerel.Alert{ID: strconv.Itoa(i)}) }()
		}
		for range 50 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if len(again) != 50 {
			t.Errorf("there were %d deliveries", len(again))
		}
	})
}

func TestAPersistInsideOfAPersistRepeatsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &script{errs: []error{fail(mackerel.ErrUnavailable)}, forever: true}
		receipt, err := persist(t, 10*time.Second, persist(t, 2*time.Second, n)).Deliver(t.Context(), alert)
		n.wantTries(t, 0, 1, 2, 3, 5, 6, 10, 11)
		if err == nil || receipt.Duration != 11*time.Second || receipt.Attempts != 24 {
			t.Errorf("%v, %+v", err, receipt)
		}
	})
}

func TestPersistRefusesArgumentsThatCannotWork(t *testing.T) {
	var pointer *script
	for name, c := range map[string]struct {
		n     mackerel.Notifier
		limit time.Duration
		want  string
	}{
		"no notifier":             {nil, time.Hour, "n: the notifier is nil"},
		"a nil pointer":           {pointer, time.Hour, "n: the notifier is nil"},
		"a nil func":              {mackerel.NotifierFunc(nil), time.Hour, "n: the notifier is nil"},
		"a nil notifier of route": {(*route.Notifier)(nil), time.Hour, "n: the notifier is nil"},
		"no limit":                {&script{}, 0, "limit: must be above 0"},
		"both at once":            {nil, -time.Second, "n: the notifier is nil; limit: must be above 0"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := route.Persist(c.n, c.limit)
			e := servicetest.AsError(t, err, mackerel.ErrConfig)
			if want := "route: persist: " + c.want + " (invalid configuration)"; n != nil || e.Error() != want {
				t.Errorf("%v, %v, want %s", n, e, want)
			}
		})
	}
}

func TestANilNotifierInAMultiCostsOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pointer *script
		room := &script{name: "room", errs: []error{fail(mackerel.ErrUnavailable)}}
		err := persist(t, time.Hour, pointer, room, mackerel.NotifierFunc(nil), nil).Notify(t.Context(), alert)
		room.wantTries(t, 0, 1)
		if text := fmt.Sprint(err); strings.Count(text, "the notifier is nil") != 3 || !errors.Is(err, mackerel.ErrConfig) {
			t.Errorf("got %v", err)
		}
	})
}

// A queued is a recipient of a mail.
type queued struct{ receipt mackerel.Receipt }

func (q *queued) Notify(context.Context, mackerel.Alert) error { return nil }
func (q *queued) Deliver(context.Context, mackerel.Alert) (mackerel.Receipt, error) {
	return q.receipt, nil
}

// The receipt of a mail in part has the ids of both mails. It is queued if one of them is. What was delivered in part
// was not skipped.
func TestTheReceiptOfAMailInPart(t *testing.T) {
	for _, tt := range []struct{ first, rest, both mackerel.Receipt }{
		{mackerel.Receipt{ID: "1"}, mackerel.Receipt{ID: "2"}, mackerel.Receipt{ID: "1 2"}},
		{mackerel.Receipt{ID: "1", Queued: true}, mackerel.Receipt{ID: "2"}, mackerel.Receipt{ID: "1 2", Queued: true}},
		{mackerel.Receipt{ID: "1"}, mackerel.Receipt{ID: "2", Queued: true}, mackerel.Receipt{ID: "1 2", Queued: true}},
		{mackerel.Receipt{ID: "1"}, mackerel.Receipt{Skipped: "by Edit"}, mackerel.Receipt{ID: "1"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			mail := &partial{tt.first, &mackerel.DeliveryError{Notifier: &queued{tt.rest}, Err: unavailable}}
			got, err := persist(t, time.Minute, mail).Deliver(t.Context(), alert)
			if err != nil || got.ID != tt.both.ID || got.Queued != tt.both.Queued || got.Skipped != "" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
