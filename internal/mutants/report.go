package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// A report prints what became of the mutants, and compares the survivors with those that have a reason.
type report struct {
	w       io.Writer
	reasons map[string]string // by the key of the mutant
	failed  error             // what writing to w failed with
	took    time.Duration     // for trying mutants

	mu        sync.Mutex
	unnamed   int                 // survivors without a reason
	explained int                 // survivors of the directory with a reason
	count     [notReached + 1]int // outcomes of the directory
}

// readReasons reads the list of survivors: the key of a mutant in a line, and below it the reason, indented.
func readReasons(text string) (map[string]string, error) {
	reasons := map[string]string{}
	var keys []string
	for n, line := range strings.Split(text, "\n") {
		indented := strings.HasPrefix(line, "\t")
		switch line = strings.TrimSpace(line); {
		case line == "":
			keys = nil
		case strings.HasPrefix(line, "#") && !indented:
		case !indented:
			if _, twice := reasons[line]; twice {
				return nil, fmt.Errorf("survivors.txt:%d: %s is listed twice", n+1, line)
			}
			reasons[line] = ""
			keys = append(keys, line)
		case len(keys) == 0:
			return nil, fmt.Errorf("survivors.txt:%d: a reason of no mutant", n+1)
		default:
			for _, key := range keys {
				reasons[key] = strings.TrimSpace(reasons[key] + " " + line)
			}
		}
	}
	for key, reason := range reasons {
		if reason == "" {
			return nil, fmt.Errorf("survivors.txt: no reason for %s", key)
		}
	}
	return reasons, nil
}

func (r *report) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(r.w, format, args...); err != nil {
		r.failed = err
	}
}

// add counts an outcome, and prints a survivor that has no reason. Several goroutines may call it.
func (r *report) add(m *Mutant, o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, listed := r.reasons[m.Key]
	lives := o == survived || o == notReached
	r.count[o]++
	switch {
	case o == killed && listed:
		r.printf("killed; if it is so again, its reason can go: %s\n", m.Key)
	case lives && listed:
		r.explained++
	case lives:
		r.unnamed++
		r.printf("%s\n\tline %d: %s\n", m.Key, m.Line, map[outcome]string{
			survived: "no test notices", notReached: "no test comes here"}[o])
	}
}

// sum prints the numbers of a directory.
func (r *report) sum(dir string) {
	r.printf("%s: %d killed, %d survived (%d with a reason), %d not reached, %d not run\n", dir,
		r.count[killed], r.count[survived]+r.count[notReached], r.explained, r.count[notReached], r.count[notRun])
	r.count, r.explained = [notReached + 1]int{}, 0
}

// gone prints the listed survivors of the package's files that are no mutants any more.
func (r *report) gone(p *Package) {
	for _, f := range p.files {
		if f.mutants == nil {
			continue
		}
		for key := range r.reasons {
			here := strings.HasPrefix(key, f.name+" ")
			if here && !slices.ContainsFunc(f.mutants, func(m *Mutant) bool { return m.Key == key }) {
				r.printf("gone, so its reason can go: %s\n", key)
			}
		}
	}
}

// result returns an error if a survivor has no reason.
func (r *report) result() error {
	if r.unnamed > 0 {
		return fmt.Errorf("%d mutants survived without a reason in survivors.txt", r.unnamed)
	}
	return r.failed
}
