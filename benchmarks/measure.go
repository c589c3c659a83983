package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A contest compares two ways to do the same work.
type contest struct {
	Part    string // of the report
	Case    string
	Subject string
	workers int // goroutines that work at the same time
	each    int // pieces of work in one call, such as the notifiers of a DeliverAll
	subject send
	base    send
}

// A Cost is what a piece of work costs on the average of a turn. Times are in microseconds.
type Cost struct {
	Wall, CPU          float64
	Allocations, Bytes float64
	Connections        float64 // that were made
}

// A Row is the outcome of a contest.
type Row struct {
	Part, Case, Subject string
	Work                int       // pieces of work of the subject, all turns together
	Ours, Base          Cost      // medians of the turns
	Wall, CPU           Quartiles // of the turns' ratios of the subject to its base
	OursTimes           Times
	BaseTimes           Times
}

// Quartiles are the quartiles of a sample.
type Quartiles struct{ Low, Median, High float64 }

// Times are percentiles of the times that calls took, in microseconds.
type Times struct{ P50, P99 float64 }

// A meter measures contests.
type meter struct {
	rounds      int
	turn        time.Duration         // how long a turn takes, on the average of both sides of a contest
	connections func() (int64, error) // how many connections were made so far
}

// measured is what the turns of one side of a contest have cost.
type measured struct {
	turns []Cost
	times []time.Duration
}

// run measures the contests in turns: in each round every contest has a turn of its base and a turn of its subject,
// one after the other. So what disturbs the machine for a while disturbs all of them. Which of the two is first changes
// from round to round.
func (m *meter) run(contests []contest) ([]Row, error) {
	calls := make([]int, len(contests))
	for i, c := range contests {
		n, err := m.calls(c)
		if err != nil {
			return nil, fmt.Errorf("%s, %s, %s: %w", c.Part, c.Case, c.Subject, err)
		}
		calls[i] = n
	}
	sides := make([][2]measured, len(contests))
	for round := range m.rounds {
		for i, c := range contests {
			for k := range 2 {
				side := (round + k) % 2
				if err := m.take(&sides[i][side], c, [2]send{c.base, c.subject}[side], calls[i]); err != nil {
					return nil, fmt.Errorf("%s, %s, %s: %w", c.Part, c.Case, c.Subject, err)
				}
			}
		}
	}
	rows := make([]Row, len(contests))
	for i, c := range contests {
		rows[i] = row(c, calls[i]*m.rounds, sides[i][0], sides[i][1])
	}
	return rows, nil
}

// calls returns how many calls fit into a turn, on the average of both sides: both make the same number of calls in each
// turn, also if one side is much slower. It also warms both sides up: connections are made, and caches are filled.
func (m *meter) calls(c contest) (int, error) {
	few := max(2*c.workers, 2)
	n := 0
	for start := time.Now(); ; {
		for _, f := range []send{c.base, c.subject} {
			if _, err := work(f, c.workers, few); err != nil {
				return 0, err
			}
		}
		n += few
		if elapsed := time.Since(start); elapsed > m.turn {
			return max(int(float64(n)*2*float64(m.turn)/float64(elapsed)), c.workers), nil
		}
	}
}

// take adds one turn of one side of a contest.
func (m *meter) take(side *measured, c contest, f send, calls int) error {
	runtime.GC() // so that a turn does not clean up after another
	connections, err := m.connections()
	if err != nil {
		return err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	times, err := work(f, c.workers, calls)
	wall := time.Since(start)
	cpu = cpuTime() - cpu
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	now, err := m.connections()
	if err != nil {
		return err
	}
	n := float64(calls * c.each)
	side.times = append(side.times, times...)
	side.turns = append(side.turns, Cost{
		Wall: microseconds(wall) / n, CPU: microseconds(cpu) / n,
		Allocations: float64(after.Mallocs-before.Mallocs) / n, Bytes: float64(after.TotalAlloc-before.TotalAlloc) / n,
		Connections: float64(now-connections) / n,
	})
	return nil
}

// work makes so many calls in so many goroutines and returns how long each call took.
func work(f send, workers, calls int) ([]time.Duration, error) {
	times, errs := make([]time.Duration, calls), make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < calls && errs[w] == nil; i += workers {
				start := time.Now()
				errs[w] = f(context.Background())
				times[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	return times, errors.Join(errs...)
}

// cpuTime returns the time that all threads of this process have used, in user mode and in the kernel.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// row makes the numbers of a contest from its turns.
func row(c contest, calls int, base, subject measured) Row {
	r := Row{
		Part: c.Part, Case: c.Case, Subject: c.Subject, Work: calls * c.each,
		Ours: medians(subject.turns), Base: medians(base.turns),
		OursTimes: percentiles(subject.times), BaseTimes: percentiles(base.times),
	}
	var wall, cpu []float64
	for i, t := range subject.turns {
		wall = append(wall, t.Wall/base.turns[i].Wall)
		cpu = append(cpu, t.CPU/base.turns[i].CPU)
	}
	r.Wall, r.CPU = quartiles(wall), quartiles(cpu)
	return r
}

func medians(turns []Cost) Cost {
	of := func(field func(Cost) float64) float64 {
		values := make([]float64, len(turns))
		for i, t := range turns {
			values[i] = field(t)
		}
		return quartiles(values).Median
	}
	mean := 0.0 // of connections: their median would hide the turn in which a pool was filled
	for _, t := range turns {
		mean += t.Connections / float64(len(turns))
	}
	return Cost{
		Wall: of(func(c Cost) float64 { return c.Wall }), CPU: of(func(c Cost) float64 { return c.CPU }),
		Allocations: of(func(c Cost) float64 { return c.Allocations }),
		Bytes:       of(func(c Cost) float64 { return c.Bytes }), Connections: mean,
	}
}

func percentiles(times []time.Duration) Times {
	values := make([]float64, len(times))
	for i, t := range times {
		values[i] = microseconds(t)
	}
	slices.Sort(values)
	return Times{quantile(values, 0.5), quantile(values, 0.99)}
}

func quartiles(values []float64) Quartiles {
	sorted := slices.Sorted(slices.Values(values))
	return Quartiles{quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)}
}

// quantile returns the value below which the fraction q of sorted values is. Between two values it interpolates.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
