package receiver_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

// BenchmarkHandler compares the handler, with a notifier that returns at once, with a handler that reads and parses the
// body. The requests come over loopback from 32 clients, and no body comes twice.
func BenchmarkHandler(b *testing.B) {
	full, err := receiver.New(receiver.Config{
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return nil }),
		User:     mackerel.NewSecret("mackerel"), Password: mackerel.NewSecret("p4ss"),
	})
	if err != nil {
		b.Fatal(err)
	}
	plain := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if _, odd := mackerel.ParseWebhook(body); err != nil || odd != nil {
			b.Error(err, odd)
		}
	})
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{{"plain", plain}, {"receiver", full}} {
		b.Run(c.name, func(b *testing.B) { benchmark(b, c.handler) })
	}
}

func benchmark(b *testing.B, handler http.Handler) {
	webhook, err := os.ReadFile("../testdata/webhook/alert-host.json")
	if err != nil {
		b.Fatal(err)
	}
	before, after, ok := strings.Cut(string(webhook), `"orgName": "`)
	if !ok {
		b.Fatal("the webhook has another form")
	}
	url := strings.Replace(serve(b, handler).URL, "//", "//mackerel:p4ss@", 1)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	number := make(chan int, 1)
	number <- 0
	b.ReportAllocs()
	b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := <-number
			number <- n + 1
			status, err := send(client, url, before+`"orgName": "`+strconv.Itoa(n)+after)
			if err != nil || status != http.StatusOK {
				b.Error(status, err)
			}
		}
	})
}
