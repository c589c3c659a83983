package durable_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/durable"
)

// A collector exports what waits in a store. Prometheus calls Collect when it scrapes, so nothing runs in between.
type collector struct {
	store *durable.Store
}

var (
	waiting = gauge("waiting", "Alerts that are not delivered.")
	oldest  = gauge("oldest_seconds", "Age of the oldest alert that is not delivered.")
	dead    = gauge("dead_letters", "Alerts that were given up.")

	// rate() of this counter is how many alerts a second the workers are given.
	deliveries = prometheus.NewDesc("mackerel_queue_deliveries_total",
		"How often workers were given an alert, with repeats.", []string{"queue"}, nil)
)

func gauge(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("mackerel_queue_"+name, help, []string{"queue"}, nil)
}

func (c collector) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, descriptions)
}

func (c collector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // shorter than a scrape may take
	defer cancel()
	stats, err := c.store.Stats(ctx)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(waiting, err) // the scrape fails, which is an alarm of its own
		return
	}
	for _, q := range stats.Queues {
		send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64) {
			metrics <- prometheus.MustNewConstMetric(d, kind, value, q.Queue)
		}
		send(waiting, prometheus.GaugeValue, float64(q.Waiting))
		send(oldest, prometheus.GaugeValue, q.Oldest.Truncate(time.Minute).Seconds()) // to the minute
		send(deliveries, prometheus.CounterValue, float64(q.Deliveries))
		send(dead, prometheus.GaugeValue, float64(q.DeadLetters))
	}
}

// The numbers of a store as metrics of Prometheus. A program serves the handler at /metrics.
func ExampleStore_Stats_prometheus() {
	store, stop := exampleStore()
	defer stop()
	buryOne(store, "pager")
	slack, err := store.Queue("slack")
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if err := slack.Notify(context.Background(), mackerel.Alert{ID: id}); err != nil {
			log.Fatal(err)
		}
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{store})
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	scrape := httptest.NewRecorder()
	handler.ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	fmt.Print(scrape.Body)

	// Output:
	// # HELP mackerel_queue_dead_letters Alerts that were given up.
	// # TYPE mackerel_queue_dead_letters gauge
	// mackerel_queue_dead_letters{queue="pager"} 1
	// mackerel_queue_dead_letters{queue="slack"} 0
	// # HELP mackerel_queue_deliveries_total How often workers were given an alert, with repeats.
	// # TYPE mackerel_queue_deliveries_total counter
	// mackerel_queue_deliveries_total{queue="pager"} 1
	// mackerel_queue_deliveries_total{queue="slack"} 0
	// # HELP mackerel_queue_oldest_seconds Age of the oldest alert that is not delivered.
	// # TYPE mackerel_queue_oldest_seconds gauge
	// mackerel_queue_oldest_seconds{queue="pager"} 0
	// mackerel_queue_oldest_seconds{queue="slack"} 0
	// # HELP mackerel_queue_waiting Alerts that are not delivered.
	// # TYPE mackerel_queue_waiting gauge
	// mackerel_queue_waiting{queue="pager"} 0
	// mackerel_queue_waiting{queue="slack"} 2
}

// exampleStore opens a store in a server of its own. Package embedded does this for programs.
func exampleStore() (store *durable.Store, stop func()) {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: dir, DontListen: true, NoSigs: true, NoLog: true, SyncAlways: true})
	if err != nil {
		log.Fatal(err)
	}
	s.Start()
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		log.Fatal(err)
	}
	store, err = durable.Open(context.Background(), conn, durable.Config{Create: true})
	if err != nil {
		log.Fatal(err)
	}
	return store, func() { conn.Close(); s.Shutdown(); s.WaitForShutdown(); _ = os.RemoveAll(dir) }
}

// buryOne makes a dead letter: the service refuses the alert.
func buryOne(store *durable.Store, queue string) {
	ctx, stop := context.WithCancel(context.Background())
	worker, err := store.NewWorker(durable.WorkerConfig{
		Queue: queue,
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
			return &mackerel.Error{Provider: queue, Op: "post", Kind: mackerel.ErrUnauthorized}
		}),
		OnResult: func(context.Context, durable.Result) { stop() },
	})
	if err != nil {
		log.Fatal(err)
	}
	q, err := store.Queue(queue)
	if err != nil {
		log.Fatal(err)
	}
	if err := q.Notify(ctx, mackerel.Alert{ID: "c"}); err != nil {
		log.Fatal(err)
	}
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
