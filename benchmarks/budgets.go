package main

import (
	"fmt"
	"math"
	"strings"
)

// A Budget is a limit that this module has set itself.
type Budget struct {
	What     string
	Limit    float64
	Measured float64
	Unit     string // "×", "allocations", ...
	Why      string // why it may be missed
}

// Met reports whether the budget is kept. What was not measured is not kept.
func (b Budget) Met() bool { return b.Measured <= b.Limit }

// The cases and programs that budgets are about.
const (
	slowCase = "20 ms latency, sequential"
	fastCase = "no latency, sequential"
)

// newRelease is the release of Go whose hello program has a budget.
const newRelease = "go1.27"

// budgets compares the results with the budgets. A part that was not measured has none.
func (r *Results) budgets() (all []Budget) {
	for _, name := range []string{chatworkNotify, hipchatNotify, slackNotify, pagerdutyNotify, webhookNotify} {
		all = append(all, r.messageBudgets(name)...)
	}
	if row, ok := r.row("messages", fastCase, chatworkSend); ok {
		extra := row.Ours.Allocations - row.Base.Allocations
		all = append(all, Budget{"allocations more than raw, " + chatworkSend, 18, extra, "", whyAllocations})
	}
	if row, ok := r.row("fan-out", "DeliverAll", "1300"); ok {
		all = append(all, Budget{"time of DeliverAll to 1,300 notifiers of one host", 1.3, row.Wall.Median, "×", whyFanout})
	}
	for _, m := range r.Memory {
		all = append(all, Budget{"memory of an idle notifier, " + m.Subject, 10, max(m.New, m.Used) / 1000, "KB", ""})
	}
	return append(all, r.sizeBudgets()...)
}

// messageBudgets are those of one notifier.
func (r *Results) messageBudgets(name string) (all []Budget) {
	cpu := 1.35
	if name == chatworkNotify {
		cpu = 1.15
	}
	if row, ok := r.row("messages", slowCase, name); ok {
		all = append(all,
			Budget{"time at 20 ms latency, " + name, 1.01, row.Wall.Median, "×", whyLatency},
			Budget{"CPU at 20 ms latency, " + name, cpu, row.CPU.Median, "×", whyCPU})
	}
	if row, ok := r.row("messages", fastCase, name); ok {
		all = append(all,
			Budget{"CPU without latency, " + name, cpu, row.CPU.Median, "×", whyCPU},
			Budget{"allocations more than raw, " + name, 18, row.Ours.Allocations - row.Base.Allocations, "", whyAllocations})
		for _, lane := range r.Lanes {
			if lane.Subject == name {
				all = append(all, Budget{
					"allocations more than raw, default pace, " + name, 60, lane.Allocations - row.Base.Allocations, "", whyAllocations,
				})
			}
		}
	}
	for _, c := range []struct {
		suffix string
		limit  float64
	}{{"sequential", 0}, {"64 goroutines", 0.05}} {
		if most, ok := r.connections(name, c.suffix); ok {
			all = append(all, Budget{"new connections per message, " + c.suffix + ", " + name, c.limit, most, "", ""})
		}
	}
	return all
}

// connections returns the most new connections per message of a subject in the cases whose names end like this.
func (r *Results) connections(name, suffix string) (most float64, ok bool) {
	for _, row := range r.Rows {
		if row.Part == "messages" && row.Subject == name && strings.HasSuffix(row.Case, suffix) {
			most, ok = max(most, row.Ours.Connections), true
		}
	}
	return most, ok
}

// sizeBudgets compare the hello programs with programs that do the same by hand. Without the release of Go they are
// missed.
func (r *Results) sizeBudgets() (all []Budget) {
	for _, pair := range [][2]string{{chatworkHello, rawProgram}, {slackHello, rawJSON}} {
		ratio := float64(r.program(pair[0], newRelease).Size) / float64(r.program(pair[1], newRelease).Size)
		what := fmt.Sprintf("size of the hello program %s beside %s, %s", pair[0], pair[1], newRelease)
		all = append(all, Budget{what, 1.3, ratio, "×", whySize})
	}
	return all
}

// program returns a hello program that a release of Go has built, and the zero Program if it was not built.
func (r *Results) program(name, release string) Program {
	for _, p := range r.Programs {
		if p.Name == name && (p.Go == release || strings.HasPrefix(p.Go, release+".")) {
			return p
		}
	}
	return Program{}
}

// missed returns an error that names the budgets that are missed.
func missed(budgets []Budget) error {
	var names []string
	for _, b := range budgets {
		if !b.Met() {
			names = append(names, fmt.Sprintf("%s: %s, budget %s", b.What, b.value(b.Measured), b.value(b.Limit)))
		}
	}
	if names == nil {
		return nil
	}
	return fmt.Errorf("%d of %d budgets are missed:\n%s", len(names), len(budgets), strings.Join(names, "\n"))
}

// value writes a number of the budget with its unit.
func (b Budget) value(v float64) string {
	switch {
	case math.IsNaN(v):
		return "not measured"
	case b.Unit == "×":
		return fmt.Sprintf("%.3f×", v)
	}
	return strings.TrimSpace(trimmed(v) + " " + b.Unit)
}

// trimmed writes a number with three decimals at most.
func trimmed(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}
