package benchmarks

import (
	"slices"
	"testing"
	"time"
)

// A candidate is one way to do the work of a benchmark.
type candidate struct {
	name string
	run  func() error
}

// compare runs the candidates in turns of several runs each, and reports the median time and the allocations of each.
// It also compares the first candidate with each other one: "ours/flat" is the median of the turns' ratios of time, and
// "allocs-over-flat" is how many allocations ours makes more. A run makes so many calls, and all numbers are per call.
func compare(b *testing.B, runs, calls int, candidates ...candidate) {
	b.Helper()
	times := make([][]float64, len(candidates))
	for b.Loop() {
		for i, c := range candidates {
			times[i] = append(times[i], microseconds(b, runs, c.run)/float64(calls))
		}
	}
	b.ReportMetric(0, "ns/op") // of all candidates together, which means nothing
	ours := candidates[0]
	allocsOfOurs := allocations(b, ours.run) / float64(calls)
	for i, c := range candidates {
		allocs := allocations(b, c.run) / float64(calls)
		b.ReportMetric(median(times[i]), c.name+"-µs")
		b.ReportMetric(allocs, c.name+"-allocs")
		if i > 0 {
			b.ReportMetric(median(ratios(times[0], times[i])), ours.name+"/"+c.name)
			b.ReportMetric(allocsOfOurs-allocs, "allocs-over-"+c.name)
		}
	}
}

// microseconds returns the time of one run, as the mean of several.
func microseconds(b *testing.B, runs int, run func() error) float64 {
	b.Helper()
	start := time.Now()
	for range runs {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(time.Since(start).Nanoseconds()) / 1000 / float64(runs)
}

// allocations returns how many allocations the process makes during one run, in all goroutines.
func allocations(b *testing.B, run func() error) float64 {
	b.Helper()
	return testing.AllocsPerRun(50, func() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	})
}

func ratios(ours, base []float64) []float64 {
	all := make([]float64, len(ours))
	for i := range ours {
		all[i] = ours[i] / base[i]
	}
	return all
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
