// Benchmarks measures this module beside net/http and beside other clients, and checks budgets. It writes a report with
// plots, and fails if a budget is missed. It is a module of its own so that what it compares with is not a dependency of
// the library. It needs Linux, whose getrusage and SSL_CERT_FILE it uses.
//
// Everything takes turns within one run, because the noise of a machine is larger than the differences. Times cannot be
// compared between machines. Ratios and allocations can.
//
//	make bench-report
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if os.Getenv(serverProcess) != "" {
		exit(serve())
	}
	o := options{destinations: 1000, sizes: []int{10_000, 1_000_000, 10_000_000}}
	flag.IntVar(&o.rounds, "rounds", 12, "how many turns each side of a comparison has")
	flag.DurationVar(&o.turn, "turn", 100*time.Millisecond, "how long a turn takes")
	flag.StringVar(&o.root, "root", "..", "the `folder` of the library's module")
	releases := flag.String("go", "", "the `releases` of Go that build the hello programs, with blanks between them")
	out := flag.String("o", ".", "the `folder` to write the report to")
	from := flag.String("from", "", "write the report from the results in this `file`, without measuring")
	flag.Parse()
	if flag.NArg() > 0 {
		exit(fmt.Errorf("what is %q?", flag.Args()))
	}
	o.releases = strings.Fields(*releases)
	exit(report(o, *out, *from))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options say how much to measure.
type options struct {
	rounds       int
	turn         time.Duration
	root         string
	releases     []string // without them, no hello program is built
	destinations int      // of the measurements of memory
	sizes        []int    // of long texts, in bytes
}

// report measures, or reads what was measured, and writes it to a folder. It fails if a budget is missed.
func report(o options, out, from string) error {
	var r Results
	var err error
	if from == "" {
		r, err = measure(o)
	} else {
		r, err = load(from)
	}
	if err != nil {
		return err
	}
	budgets := r.budgets()
	if err := errors.Join(save(r, filepath.Join(out, "results.json")), write(r, budgets, out)); err != nil {
		return err
	}
	return missed(budgets)
}

func load(file string) (r Results, err error) {
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

func save(r Results, file string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
