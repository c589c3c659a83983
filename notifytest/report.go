package notifytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A complaint is one thing that a row has found.
type complaint struct {
	repair repair
	text   string
}

// A failure is a row that failed.
type failure struct {
	complaints []complaint
	release    chan []repair // of the report; the row prints its complaints when it has them
	ended      chan struct{} // closed when the row has ended
}

// repairs returns the repairs that the row asks for, each once.
func (f failure) repairs() []repair {
	var all []repair
	for _, c := range f.complaints {
		if !slices.Contains(all, c.repair) {
			all = append(all, c.repair)
		}
	}
	return all
}

// within reports whether the row asks for no other repairs than these.
func (f failure) within(repairs ...repair) bool {
	return !slices.ContainsFunc(f.complaints, func(c complaint) bool { return !slices.Contains(repairs, c.repair) })
}

// A report runs rows and puts a summary before what the failed rows print. For this, a failed row does not end before
// all rows were tried.
type report struct {
	tried    int
	failures []failure
}

// try runs a row as a subtest. It reports whether the row passed, was skipped or was not asked for by -run. A row that
// fails waits for the end of the report.
func (r *report) try(t *testing.T, name string, check func(*testing.T, *stage)) bool {
	failed, ended := make(chan failure), make(chan struct{})
	go func() {
		defer close(ended)
		t.Run(name, func(t *testing.T) {
			var s stage
			r.tried++
			defer func() {
				if t.Skipped() {
					r.tried--
				}
				if t.Failed() && len(s.complaints) == 0 {
					s.complain(mendHarness, "the harness failed")
				}
				if len(s.complaints) > 0 {
					f := failure{s.complaints, make(chan []repair), ended}
					failed <- f
					f.print(t, <-f.release)
				}
			}()
			check(t, &s)
		})
	}()
	select {
	case f := <-failed:
		r.failures = append(r.failures, f)
		return false
	case <-ended:
		return true
	}
}

// end prints the summary, and then lets the failed rows print their complaints, in their order.
func (r *report) end(t *testing.T) {
	t.Helper()
	if len(r.failures) == 0 {
		return
	}
	plan := r.plan()
	t.Error(r.summary(plan))
	for _, f := range r.failures {
		f.release <- plan
		<-f.ended
	}
}

// plan returns all repairs that are asked for. The first two are those that clear most rows; each of the others clears
// most of the rows that are left. A repair clears a row that asks for no repair but this and those before.
func (r *report) plan() []repair {
	var all []repair
	for _, f := range r.failures {
		for _, one := range f.repairs() {
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	plan := r.bestPair(all)
	for len(plan) < len(all) {
		best, most := repair{}, -1
		for _, one := range all {
			if n := r.cleared(append(plan, one)); !slices.Contains(plan, one) && n > most {
				best, most = one, n
			}
		}
		plan = append(plan, best)
	}
	return plan
}

// bestPair returns the two repairs that clear most rows together. The first of them clears more alone.
func (r *report) bestPair(all []repair) []repair {
	if len(all) < 2 {
		return slices.Clip(all)
	}
	var best []repair
	most := -1
	for i, a := range all {
		for _, b := range all[i+1:] {
			if n := r.cleared([]repair{a, b}); n > most {
				best, most = []repair{a, b}, n
			}
		}
	}
	if r.cleared(best[1:]) > r.cleared(best[:1]) {
		slices.Reverse(best)
	}
	return best
}

// cleared returns how many rows ask for no other repairs than these.
func (r *report) cleared(repairs []repair) int {
	n := 0
	for _, f := range r.failures {
		if f.within(repairs...) {
			n++
		}
	}
	return n
}

// summary names the two repairs that clear most rows, and then the others.
func (r *report) summary(plan []repair) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d rows failed. ", len(r.failures), r.tried)
	first := plan[:min(2, len(plan))]
	if len(first) == 1 {
		b.WriteString("One repair clears them all:\n")
	} else {
		fmt.Fprintf(&b, "Begin with these two repairs, which clear %d of them:\n", r.cleared(first))
	}
	for i, one := range plan {
		if i == len(first) {
			b.WriteString("Then go on with:\n")
		}
		fmt.Fprintf(&b, "%3d. %s", i+1, one.what)
		if i >= len(first) {
			fmt.Fprintf(&b, " It clears %d more.", r.cleared(plan[:i+1])-r.cleared(plan[:i]))
		}
		fmt.Fprintf(&b, "\n%s\n", indent(one.how))
	}
	b.WriteString("What each row has found stands below, under the numbers of the repairs.")
	return b.String()
}

// indent puts text below a numbered line.
func indent(text string) string { return "     " + strings.ReplaceAll(text, "\n", "\n     ") }

// maxComplaints is how many complaints of a row are printed for each repair. A table of statuses could make hundreds.
const maxComplaints = 3

// print writes the complaints of a row to its test and fails it. A repair has the number that it has in the plan.
func (f failure) print(t testing.TB, plan []repair) {
	for i, one := range plan {
		if !slices.Contains(f.repairs(), one) {
			continue
		}
		fmt.Fprintf(t.Output(), "Repair %d: %s\n", i+1, one.what)
		n := 0
		for _, c := range f.complaints {
			if c.repair != one {
				continue
			}
			if n++; n <= maxComplaints {
				fmt.Fprintf(t.Output(), "  - %s\n", c.text)
			}
		}
		if n > maxComplaints {
			fmt.Fprintf(t.Output(), "  - and %d more\n", n-maxComplaints)
		}
	}
	t.Fail()
}
