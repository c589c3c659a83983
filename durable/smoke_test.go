package durable_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

func start(t *testing.T) *durable.Store {
	t.Helper()
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: t.TempDir(), DontListen: true, NoSigs: true, SyncAlways: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("not ready")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); s.Shutdown(); s.WaitForShutdown() })
	store, err := durable.Open(t.Context(), conn, durable.Config{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestSmoke(t *testing.T) {
	store := start(t)
	in, _ := store.Queue("in")
	var qs []mackerel.Notifier
	type rec struct{ key, msg string }
	got := map[string]map[string][]string{}
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 3 {
		name := fmt.Sprint("d", i)
		q, err := store.Queue(name)
		if err != nil {
			t.Fatal(err)
		}
		qs = append(qs, q)
		got[name] = map[string][]string{}
		n := mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
			if rand.N(20) == 0 {
				return &mackerel.Error{Kind: mackerel.ErrUnavailable, RetryAfter: 100 * time.Millisecond}
			}
			mu.Lock()
			defer mu.Unlock()
			got[name][a.ID] = append(got[name][a.ID], a.Message)
			return nil
		})
		for range 3 {
			w, err := store.NewWorker(durable.WorkerConfig{Queue: name, Notifier: n})
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				if err := w.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for range 2 {
		w, err := store.NewWorker(durable.WorkerConfig{Queue: "in", Notifier: mackerel.Multi(qs...)})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	begin := time.Now()
	const keys, events = 50, 20
	for e := range events {
		for k := range keys {
			if err := in.Notify(t.Context(), mackerel.Alert{ID: fmt.Sprint("k", k), Message: fmt.Sprintf("%03d", e)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Log("published", time.Since(begin))
	for {
		mu.Lock()
		n := 0
		for _, d := range got {
			for _, l := range d {
				n += len(l)
			}
		}
		mu.Unlock()
		if n >= 3*keys*events || time.Since(begin) > 60*time.Second {
			t.Log("delivered", n, time.Since(begin))
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	cancel()
	wg.Wait()
	for name, d := range got {
		for key, l := range d {
			last := ""
			for _, m := range l {
				if m <= last {
					t.Errorf("%s %s: %s after %s", name, key, m, last)
				}
				last = m
			}
			if len(l) != events {
				t.Errorf("%s %s: %d", name, key, len(l))
			}
		}
	}
}
