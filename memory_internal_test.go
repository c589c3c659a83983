package mackerel

import (
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
		if err != nil || got != i || len(m.known) > 3 || len(m.fetching) != 0 {
			t.Fatalf("%d, %v; %d known, %d being fetched", got, err, len(m.known), len(m.fetching))
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
