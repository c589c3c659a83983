package mackerel

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAMemoryIsBounded(t *testing.T) {
	m := newMemory[int](3, time.Hour)
	for i := range 10 {
		got, err := m.get(t.Context(), strconv.Itoa(i), func(int) (int, error) { return i, nil })
		if err != nil || got != i || len(m.known) != min(i+1, 3) || len(m.fetching) != 0 {
			t.Fatalf("%d, %v; %d known, %d being fetched", got, err, len(m.known), len(m.fetching))
		}
	}
	for range 10 {
		m.expire("9", 0)
		got, err := m.get(t.Context(), "9", func(int) (int, error) { return 9, nil })
		if err != nil || got != 9 || len(m.known) != 3 {
			t.Fatalf("fetched again: %d, %v; %d known", got, err, len(m.known))
		}
	}
	if got, err := m.get(t.Context(), "9", func(int) (int, error) { return -1, nil }); err != nil || got != 9 {
		t.Errorf("the newest was forgotten: %d, %v", got, err)
	}
}

// A fetch that panics, such as in the caller's http.Client, does not keep others from fetching.
func TestAMemoryAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[int](3, time.Hour)
		var all sync.WaitGroup
		all.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = m.get(t.Context(), "k", func(int) (int, error) {
				time.Sleep(time.Second)
				panic("no")
			})
		})
		synctest.Wait()
		all.Go(func() { // waits for the fetch that panics
			if got, err := m.get(t.Context(), "k", func(int) (int, error) { return 1, nil }); err != nil || got != 1 {
				t.Errorf("%d, %v", got, err)
			}
		})
		all.Wait()
	})
}

// After a failure the old value is returned, and the error for ten seconds without another fetch.
func TestAMemoryAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[int](3, time.Minute)
		errDown := errors.New("down")
		fetches := 0
		want := func(ctx context.Context, value int, err error, load func(int) (int, error)) {
			t.Helper()
			got, gotErr := m.get(ctx, "k", func(old int) (int, error) {
				fetches++
				return load(old)
			})
			if got != value || !errors.Is(gotErr, err) {
				t.Errorf("got %d, %v, want %d, %v", got, gotErr, value, err)
			}
		}
		succeed := func(old int) (int, error) { return old + 1, nil }
		fail := func(int) (int, error) {
			time.Sleep(2 * time.Second)
			return -1, errDown
		}
		if m.expire("k", 0); len(m.known) > 0 {
			t.Error("it remembers a key that is not known")
		}
		want(t.Context(), 1, nil, succeed)
		time.Sleep(time.Minute)
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() { want(t.Context(), 1, errDown, fail) })
		synctest.Wait()
		all.Go(func() { want(t.Context(), 1, errDown, succeed) })
		all.Go(func() { want(hasty, 1, context.DeadlineExceeded, succeed) })
		all.Wait()
		time.Sleep(rememberFailure - time.Second)
		m.expire("k", 0)
		want(t.Context(), 1, errDown, succeed)
		if fetches != 2 {
			t.Errorf("%d fetches, want 2", fetches)
		}
		time.Sleep(time.Second)
		want(t.Context(), 2, nil, succeed)
	})
}

// A fetch that succeeds is remembered, also if its caller has given up in the meantime.
func TestAMemoryOfACallerThatGaveUp(t *testing.T) {
	m := newMemory[int](3, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, fetched := range []int{1, 2} {
		got, err := m.get(ctx, "k", func(int) (int, error) { return fetched, nil })
		if got != 1 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	}
}
