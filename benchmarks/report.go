package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// how is the part of the report that does not depend on the numbers.
//
//go:embed how.md
var how string

// why is the part of the report that explains budgets that are missed.
//
//go:embed why.md
var why string

// write writes RESULTS.md and its plots to a folder.
func write(r Results, budgets []Budget, folder string) error {
	var d document
	d.line("# Benchmarks\n")
	d.line("This page is written by `make bench-report`, which fails if a budget is missed. Do not edit it.\n")
	m := r.Machine
	d.line("%s, %s, %s, %d processors (%s), load %s at the start. %d turns of %s for each side; the run took %s.\n",
		m.Date, m.Go, m.System, m.Processors, m.Processor, m.Load, m.Rounds, m.Turn, m.Took)
	d.line("%s", how)
	d.budgets(budgets)
	d.line("%s", why)
	d.messages(r)
	d.parts(r)
	d.extremes(r)
	d.programs(r)
	if err := os.WriteFile(filepath.Join(folder, "RESULTS.md"), []byte(d.String()), 0o644); err != nil {
		return err
	}
	return plots(r, folder)
}

// A document is Markdown.
type document struct{ strings.Builder }

func (d *document) line(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

// table writes a table whose columns are to the right, except the first ones.
func (d *document) table(left int, head []string, rows [][]string) {
	d.line("| %s |", strings.Join(head, " | "))
	d.line("|%s%s", strings.Repeat("---|", left), strings.Repeat("---:|", len(head)-left))
	for _, row := range rows {
		d.line("| %s |", strings.Join(row, " | "))
	}
	d.line("")
}

func (d *document) budgets(budgets []Budget) {
	met := 0
	var rows [][]string
	for _, b := range budgets {
		state, why := "**missed**", b.Why
		if b.Met() {
			state, why = "met", ""
			met++
		}
		rows = append(rows, []string{b.What, state, why, b.value(b.Limit), b.value(b.Measured)})
	}
	d.line("## Budgets\n")
	d.line("%d of %d budgets are met.\n", met, len(budgets))
	d.table(3, []string{"what", "state", "why", "budget", "measured"}, rows)
}

func (d *document) messages(r Results) {
	d.line("## One message\n")
	d.line("![CPU per message](cpu.svg)\n")
	d.line("![Time per message](time.svg)\n")
	for _, name := range r.cases("messages") {
		var rows [][]string
		for _, row := range r.Rows {
			if row.Part == "messages" && row.Case == name {
				rows = append(rows, []string{
					row.Subject, spread(row.Wall), spread(row.CPU), fmt.Sprintf("%.0f µs", row.Ours.CPU),
					fmt.Sprintf("%+.0f", row.Ours.Allocations-row.Base.Allocations),
					fmt.Sprintf("%+.1f KB", (row.Ours.Bytes-row.Base.Bytes)/1000), trimmed(row.Ours.Connections),
					took(row.OursTimes.P50), took(row.OursTimes.P99), took(row.BaseTimes.P50), took(row.BaseTimes.P99),
				})
			}
		}
		d.line("### %s\n", upper(name))
		d.table(1, []string{
			"", "time", "CPU", "CPU", "allocations", "bytes", "new connections", "p50", "p99", "raw p50", "raw p99",
		}, rows)
	}
}

// parts writes the tables of everything that is compared but messages.
func (d *document) parts(r Results) {
	for _, part := range []struct{ name, title, text, subject string }{
		{"fan-out", "One alert to many", fanoutText, "notifiers"},
		{"receive", "Receiving", receiveText, "beside"},
		{"channels", "Channels", channelsText, "beside"},
	} {
		d.line("## %s\n", part.title)
		d.line("%s\n", part.text)
		var rows [][]string
		for _, row := range r.Rows {
			if row.Part == part.name {
				rows = append(rows, []string{
					row.Case, row.Subject, spread(row.Wall), spread(row.CPU), took(row.Ours.Wall), took(row.Base.Wall),
					fmt.Sprintf("%.1f", row.Ours.Allocations), fmt.Sprintf("%.1f", row.Base.Allocations),
					fmt.Sprintf("%.1f KB", row.Ours.Bytes/1000), trimmed(row.Ours.Connections), trimmed(row.Base.Connections),
				})
			}
		}
		d.table(2, []string{
			"", part.subject, "time", "CPU", "ours", "base", "allocations", "base", "bytes", "new connections", "base",
		}, rows)
	}
}

func (d *document) extremes(r Results) {
	d.line("## Long and hostile texts\n")
	d.line("%s\n", longText)
	d.line("![Long texts](long.svg)\n")
	sizes := r.sizes()
	var rows [][]string
	for i, l := range r.Long {
		if i%len(sizes) == 0 {
			rows = append(rows, []string{l.Subject, l.Text})
		}
		last := &rows[len(rows)-1]
		*last = append(*last, took(l.Milliseconds*1000), fmt.Sprintf("%.1f MB", l.Megabytes))
	}
	head := []string{"", "text"}
	for _, size := range sizes {
		head = append(head, fmt.Sprintf("%g MB", float64(size)/1e6), "allocated")
	}
	d.table(2, head, rows)

	d.line("## Idle notifiers\n")
	d.line("%s\n", memoryText)
	rows = nil
	for i, m := range r.Memory {
		rows = append(rows, []string{
			m.Subject, fmt.Sprintf("%.1f KB", m.New/1000), fmt.Sprintf("%.1f KB", m.Used/1000),
			fmt.Sprintf("%.0f", r.Lanes[i].Allocations),
		})
	}
	d.table(1, []string{"", "new", "after a message", "allocations of a message at the default pace"}, rows)
}

func (d *document) programs(r Results) {
	d.line("## A hello program\n")
	d.line("%s\n", sizeText)
	var rows [][]string
	for _, p := range r.Programs {
		base := r.program(rawProgram, p.Go)
		rows = append(rows, []string{
			p.Name, p.Go, fmt.Sprintf("%.2f MB", float64(p.Size)/1e6), fmt.Sprintf("%.2f×", float64(p.Size)/float64(base.Size)),
			fmt.Sprint(p.Packages), fmt.Sprint(p.Modules),
		})
	}
	d.table(2, []string{"program", "Go", "size", "beside raw", "packages", "modules"}, rows)
	for _, p := range r.Programs {
		if p.Name == rawProgram {
			v2 := float64(r.program(rawJSONv2, p.Go).Size-p.Size) / 1e6
			v1 := float64(r.program(rawJSON, p.Go).Size-p.Size) / 1e6
			d.line("On %s, `encoding/json` adds %.2f MB to raw, and its second version adds %.2f MB.\n", p.Go, v1, v2)
		}
	}
}

// cases returns the cases of a part, in their order.
func (r *Results) cases(part string) (names []string) {
	for _, row := range r.Rows {
		if row.Part == part && !slices.Contains(names, row.Case) {
			names = append(names, row.Case)
		}
	}
	return names
}

// sizes returns the lengths of the long texts, in their order.
func (r *Results) sizes() (all []int) {
	for _, l := range r.Long {
		if !slices.Contains(all, l.Size) {
			all = append(all, l.Size)
		}
	}
	return all
}

// spread writes a ratio with its quartiles.
func spread(q Quartiles) string { return fmt.Sprintf("%.2f× (%.2f–%.2f)", q.Median, q.Low, q.High) }

// took writes a time in microseconds.
func took(µs float64) string {
	switch {
	case µs < 10:
		return fmt.Sprintf("%.1f µs", µs)
	case µs < 1000:
		return fmt.Sprintf("%.0f µs", µs)
	case µs < 1e6:
		return fmt.Sprintf("%.1f ms", µs/1000)
	}
	return fmt.Sprintf("%.1f s", µs/1e6)
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// plots draws the plots of the report.
func plots(r Results, folder string) error {
	for _, p := range []struct {
		file  string
		chart chart
	}{
		{"cpu.svg", r.cpuChart()},
		{"time.svg", r.timeChart()},
		{"size.svg", r.sizeChart()},
	} {
		if len(p.chart.bars) == 0 {
			continue
		}
		drawn, err := p.chart.plot()
		if err == nil {
			err = drawTo(filepath.Join(folder, p.file), drawn, vg.Points(float64(90+22*len(p.chart.bars))))
		}
		if err != nil {
			return err
		}
	}
	if err := r.fanoutPlot(filepath.Join(folder, "fanout.svg")); err != nil {
		return err
	}
	return r.longPlot(filepath.Join(folder, "long.svg"))
}

// isOurs reports whether a subject is of this module.
func isOurs(name string) bool {
	return slices.ContainsFunc(ours, func(s subject) bool { return s.name == name })
}

// cpuChart shows the ratios of CPU time without latency.
func (r *Results) cpuChart() chart {
	c := chart{
		title: "CPU time of one message beside net/http posting the same bytes", axis: "times net/http; lower is better",
		mark: 1,
	}
	for _, row := range r.Rows {
		if row.Part == "messages" && row.Case == fastCase {
			b := bar{row.Subject, row.CPU.Median, row.CPU, grey}
			if isOurs(row.Subject) {
				b.color = blue
			}
			c.bars = append(c.bars, b)
		}
	}
	return c
}

// timeChart shows the 99th percentile of the time at 20 ms latency. That of net/http is the median of all raw posts.
func (r *Results) timeChart() chart {
	c := chart{
		title: "Time of one message at 20 ms latency, 64 goroutines: 99th percentile", axis: "ms; lower is better",
		mark: float64(latency.Milliseconds()),
	}
	var bases []float64
	for _, row := range r.Rows {
		if row.Part == "messages" && row.Case == "20 ms latency, 64 goroutines" {
			bases = append(bases, row.BaseTimes.P99/1000)
			b := bar{label: row.Subject, value: row.OursTimes.P99 / 1000, color: grey}
			if isOurs(row.Subject) {
				b.color = blue
			}
			c.bars = append(c.bars, b)
		}
	}
	if len(bases) > 0 {
		c.bars = append(c.bars, bar{label: "net/http", value: quartiles(bases).Median, color: faint})
	}
	return c
}

// sizeChart shows the sizes of the hello programs.
func (r *Results) sizeChart() chart {
	c := chart{title: "Size of a program that sends one message", axis: "MB; lower is better"}
	for _, p := range r.Programs {
		b := bar{label: p.Name + ", " + p.Go, value: float64(p.Size) / 1e6, color: blue}
		if strings.HasPrefix(p.Name, rawProgram) {
			b.color = grey
		}
		c.bars = append(c.bars, b)
	}
	return c
}

// fanoutPlot shows the time that a notifier takes as a part of a DeliverAll.
func (r *Results) fanoutPlot(file string) error {
	us, base := curve{label: "DeliverAll", color: blue}, curve{label: "raw posts in goroutines", color: grey}
	for i, n := range fanouts {
		row, ok := r.row("fan-out", "DeliverAll", fmt.Sprint(n))
		if !ok {
			return nil
		}
		x := float64(fanouts[i])
		us.points = append(us.points, plotter.XY{X: x, Y: row.Ours.Wall})
		base.points = append(base.points, plotter.XY{X: x, Y: row.Base.Wall})
	}
	p, err := curves("One alert to many rooms at once", "notifiers", "µs per notifier", []curve{us, base})
	if err != nil {
		return err
	}
	p.Y.Min, p.Y.Tick.Marker = 0, plot.TickerFunc(ticks)
	return drawTo(file, p, vg.Points(300))
}

// longPlot shows for each service the text that takes longest.
func (r *Results) longPlot(file string) error {
	colors := []curve{{color: blue}, {color: orange}, {color: green}, {color: purple}, {color: red}}
	if len(r.Long) == 0 {
		return nil
	}
	var all []curve
	for i, kind := range kinds {
		c := colors[i%len(colors)]
		c.label = kind.name
		for _, size := range r.sizes() {
			slowest := 0.0
			for _, l := range r.Long {
				if l.Subject == kind.name && l.Size == size {
					slowest = max(slowest, l.Milliseconds)
				}
			}
			c.points = append(c.points, plotter.XY{X: float64(size) / 1e6, Y: slowest})
		}
		all = append(all, c)
	}
	p, err := curves("Delivering an alert with a long text: the slowest of all texts", "MB of text", "ms", all)
	if err != nil {
		return err
	}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	return drawTo(file, p, vg.Points(320))
}
