package chatwork_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

const serverProcess = "CHATWORK_BENCHMARK_SERVER"

// TestMain is also the server of the benchmarks, in a process of its own: it ends when its standard input does.
func TestMain(m *testing.M) {
	if os.Getenv(serverProcess) == "" {
		os.Exit(m.Run())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // until l is closed
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"message_id":"1234567890123456789"}`)
	}))
}

func startServer(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverProcess+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
			b.Error(err)
		}
	})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(addr)
}

// BenchmarkNotify compares Notify, rendering included, with net/http posting the same prepared body. The two take turns
// in short blocks, so that the machine's moods hit both; it reports the ratio of the medians.
func BenchmarkNotify(b *testing.B) {
	for _, goroutines := range []int{1, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			base := startServer(b)
			raw, notify := rawPost(b, base), notifyPost(b, base)
			block := max(16, 8*goroutines)
			var raws, notifies []float64
			for b.Loop() {
				raws = append(raws, timeBlock(b, goroutines, block, raw))
				notifies = append(notifies, timeBlock(b, goroutines, block, notify))
			}
			b.ReportMetric(median(raws), "raw-µs/op")
			b.ReportMetric(median(notifies), "notify-µs/op")
			b.ReportMetric(median(notifies)/median(raws), "ratio")
			if goroutines == 1 {
				b.ReportMetric(testing.AllocsPerRun(200, func() { check(b, notify()) })-testing.AllocsPerRun(200, func() { check(b, raw()) }), "more-allocs")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func check(b *testing.B, err error) {
	if err != nil {
		b.Error(err)
	}
}

func timeBlock(b *testing.B, goroutines, n int, f func() error) float64 {
	var wg sync.WaitGroup
	start := time.Now()
	for range goroutines {
		wg.Go(func() {
			for range n / goroutines {
				check(b, f())
			}
		})
	}
	wg.Wait()
	return float64(time.Since(start).Microseconds()) / float64(n)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// rawPost is the least that a careful program does by hand: a timeout, a status, and a body read to its end.
func rawPost(b *testing.B, base string) func() error {
	n, err := chatwork.New(chatwork.Config{Token: mackerel.NewSecret("benchmark-token"), RoomID: 1, BaseURL: base})
	if err != nil {
		b.Fatal(err)
	}
	p, err := n.Preview(sample.Alerts()[0].Alert)
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(p.Requests[0].Body)
	if _, err := url.ParseQuery(string(body)); err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	b.Cleanup(client.CloseIdleConnections)
	return func() error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/rooms/1/messages", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("X-ChatWorkToken", "benchmark-token")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.ReadAll(resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	}
}

func notifyPost(b *testing.B, base string) func() error {
	n, err := chatwork.New(chatwork.Config{Token: mackerel.NewSecret("benchmark-token"), RoomID: 1, BaseURL: base})
	if err != nil {
		b.Fatal(err)
	}
	a := sample.Alerts()[0].Alert
	return func() error { return n.Notify(context.Background(), a) }
}
