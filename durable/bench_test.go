package durable_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// longBody is a webhook of 1.5 KB, which is usual.
func longBody(i int) string {
	return fmt.Sprintf(`{"event":"alert","memo":%q,"alert":{"id":"a%d","status":"critical","monitorName":"cpu"}}`,
		strings.Repeat("What to do about it. ", 66), i)
}

// BenchmarkQueue compares Notify with a raw publish of the same bytes, in turns. Both are on the disk when they return.
func BenchmarkQueue(b *testing.B) {
	conn := connect(b)
	s, err := durable.Open(b.Context(), conn, durable.Config{Create: true, MaxBytes: 8 << 30})
	if err != nil {
		b.Fatal(err)
	}
	js := jetStream(b, conn)
	in := queue(b, s, "in")
	run := hex.EncodeToString([]byte(rand.Text()))
	var raw, ours time.Duration
	for i := 0; b.Loop(); i++ {
		a := received(b, longBody(2*i))
		begin := time.Now()
		if err := in.Notify(b.Context(), a); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(begin)
		m := &nats.Msg{Subject: fmt.Sprintf("mackerel.raw.%024x", i), Data: []byte(longBody(2*i + 1))}
		begin = time.Now()
		if _, err := js.PublishMsg(b.Context(), m, jetstream.WithMsgID(fmt.Sprint(run, i))); err != nil {
			b.Fatal(err)
		}
		raw += time.Since(begin)
	}
	b.ReportMetric(float64(ours)/float64(raw), "x-raw")
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "µs/ours")
}

// BenchmarkWorker compares a worker with calls of the same notifier, which takes 20 ms, with as many at a time.
func BenchmarkWorker(b *testing.B) {
	const alerts, concurrency = 200, 8
	service := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
		timer := time.NewTimer(20 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
		return nil
	})
	s := newStore(b, durable.Config{})
	q := queue(b, s, "q")
	var direct, ours time.Duration
	for b.Loop() {
		begin := time.Now()
		var all sync.WaitGroup
		next := make(chan int, alerts)
		for i := range alerts {
			next <- i
		}
		close(next)
		for range concurrency {
			all.Go(func() {
				for range next {
					_ = service.Notify(b.Context(), mackerel.Alert{})
				}
			})
		}
		all.Wait()
		direct += time.Since(begin)
		for i := range alerts {
			store(b, q, fmt.Sprint("k", i), "m")
		}
		left := make(chan struct{}, alerts)
		begin = time.Now()
		_, stop := run(b, s, durable.WorkerConfig{
			Queue: "q", Notifier: service, Concurrency: concurrency, OnResult: func(context.Context, durable.Result) { left <- struct{}{} },
		})
		for range alerts {
			<-left
		}
		ours += time.Since(begin)
		stop()
	}
	b.ReportMetric(float64(ours)/float64(direct), "x-direct")
}
