package transport_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// BenchmarkOverhead compares a call with the same call over plain net/http. The two alternate in short turns, because the
// noise of a machine is larger than the difference. "ratio" is the median of the turns' ratios of time, "extra-allocs" is
// per call. The server runs in the same process, so its allocations are in both.
func BenchmarkOverhead(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		drain(r.Body)
		say(w, answer)
	}))
	defer s.Close()
	tr := transport.New("chatwork", options{})
	request := post(b, s.URL)
	raw := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: transport.DefaultTimeout}
	defer raw.CloseIdleConnections()
	through := func() {
		if r := tr.Do(b.Context(), request); r.Class != transport.Done {
			b.Fatal(r.Err)
		}
	}
	direct := func() { postRaw(b, raw, request) }

	const turn = 50
	var ratios []float64
	var extra, calls int64
	for b.Loop() {
		rawTime, rawAllocs := measure(direct, turn)
		ourTime, ourAllocs := measure(through, turn)
		ratios = append(ratios, float64(ourTime)/float64(rawTime))
		extra, calls = extra+ourAllocs-rawAllocs, calls+turn
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(float64(extra)/float64(calls), "extra-allocs")
}

func postRaw(b *testing.B, client *http.Client, r transport.Request) {
	req, err := http.NewRequestWithContext(context.Background(), r.Method, r.URL.String(), bytes.NewReader(r.Body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		b.Fatal(err)
	}
}

func measure(call func(), times int) (time.Duration, int64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range times {
		call()
	}
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	return elapsed, int64(after.Mallocs - before.Mallocs)
}
