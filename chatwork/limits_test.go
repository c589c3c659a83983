package chatwork_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

func TestTheLastRateLimitCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{MaxAttempts: 1})
		if got, known := c.RateLimit(); known {
			t.Errorf("before the first call it is %+v", got)
		}
		start := time.Now()
		limit := func(remaining int) chatwork.RateLimit {
			return chatwork.RateLimit{Limit: 300, Remaining: remaining, Reset: start.Add(5 * time.Minute), Seen: time.Now()}
		}
		check := func(what string, want chatwork.RateLimit) {
			t.Helper()
			got, known := c.RateLimit()
			if !known || got.Limit != want.Limit || got.Remaining != want.Remaining || !got.Reset.Equal(want.Reset) || !got.Seen.Equal(want.Seen) {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		post(t, c, "x")
		check("after a message", limit(299))
		time.Sleep(time.Second)
		if _, err := c.GetMe(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("after a reading", limit(298))
		if _, err := c.GetTask(t.Context(), room, 1); !errors.Is(err, mackerel.ErrNotFound) {
			t.Fatal(err)
		}
		check("after an error", limit(297))
		seen := limit(297)
		time.Sleep(time.Second)
		for _, f := range []fakehttp.Fault{
			{Status: 503},
			{Status: 503, Header: http.Header{"X-Ratelimit-Limit": {"300"}, "X-Ratelimit-Remaining": {"many"}, "X-Ratelimit-Reset": {"1"}}},
		} {
			s.Inject(f)
			if _, err := c.GetMe(t.Context()); err == nil {
				t.Fatal("no error")
			}
			check("after an answer that does not say it", seen)
		}
	})
}

func TestTheLastRateLimitCanBeReadWhileCallsRun(t *testing.T) {
	_, c := newClient(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.GetMe(t.Context()); err != nil {
				t.Error(err)
			}
			c.RateLimit()
		})
	}
	wg.Wait()
	if got, known := c.RateLimit(); !known || got.Limit != 300 || got.Remaining < 292 || got.Remaining > 299 {
		t.Errorf("got %+v, %v", got, known)
	}
}

func TestTheTwoLimitsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(t, mackerel.CallOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for range 5 {
			post(t, c, "x")
			if _, err := c.CreateTask(t.Context(), room, chatwork.CreateTaskParams{Body: "x", ToIDs: []int64{123}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, call := range []func() error{
			func() error {
				_, err := c.PostMessage(ctx, room, chatwork.PostMessageParams{Body: "x"})
				return err
			},
			func() error {
				_, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{Body: "x", ToIDs: []int64{123}})
				return err
			},
		} {
			err := call()
			if after, _ := mackerel.Retry(err); !errors.Is(err, mackerel.ErrRateLimited) || !chatwork.IsRoomLimit(err) || after != chatwork.RoomWindow {
				t.Errorf("the room's limit is %v, again after %v", err, after)
			}
		}
		if got, _ := c.RateLimit(); got.Remaining != 300-12 {
			t.Errorf("of the general limit %d are left", got.Remaining)
		}
		var err error
		for err == nil {
			_, err = c.GetMe(ctx)
		}
		if !errors.Is(err, mackerel.ErrRateLimited) || chatwork.IsRoomLimit(err) {
			t.Errorf("the general limit is %v", err)
		}
		if got, _ := c.RateLimit(); got.Remaining != 0 {
			t.Errorf("of the general limit %d are left, and it is exceeded", got.Remaining)
		}
		if chatwork.IsRoomLimit(nil) || chatwork.IsRoomLimit(mackerel.ErrRateLimited) {
			t.Error("what is no answer of Chatwork's passes for its room's limit")
		}
	})
}

func TestATaskWaitsForTheRoomWithinItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{})
		start := time.Now()
		for range 11 {
			if _, err := c.CreateTask(t.Context(), room, chatwork.CreateTaskParams{Body: "x", ToIDs: []int64{123}}); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited != chatwork.RoomWindow || len(s.Tasks(room)) != 11 {
			t.Errorf("11 tasks took %v, and there are %d", waited, len(s.Tasks(room)))
		}
	})
}
