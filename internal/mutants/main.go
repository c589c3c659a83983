// Mutants changes the library, one line at a time, and lists the changes that no test notices.
//
//	go run ./internal/mutants [flags] [directory...]
//
// Without directories it takes all places that matter. It works in a copy of the tree. All mutants of a package are
// compiled into its tests at once, and the environment says which mutant is on, so a mutant costs a run of the tests
// and no build. A mutant meets the tests of its own package, then those of the packages of its module that use it, as
// far as they come to the changed line.
//
// Each survivor needs a reason in survivors.txt. The command fails if a survivor has none, and says which reasons are
// no longer needed. On a busy machine a test may fail by itself, and a mutant counts as killed that another run lists.
//
// The tool is our own because github.com/go-gremlins/gremlins, which was tried, changes operators only and removes
// no statement, does not run the tests of other packages short of all of them, builds for each mutant, and has neither
// a budget nor a list of known survivors.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// places are the directories that matter: where an alert could be lost, told twice or told wrong.
var places = []string{
	"internal/oneline", "internal/transport", "internal/provider", ".", "receiver", "route", "watch", "provision", "durable", "durable/embedded",
	"chatwork", "email", "eventbridge", "hipchat", "internal/opsgenieapi", "jsm", "line", "opsgenie", "pagerduty", "slack",
	"teams", "twilio", "typetalk", "webhook",
}

//go:embed survivors.txt
var survivors string

type options struct {
	files  string
	only   string // a file, or ""
	budget time.Duration
	seed   uint64
	jobs   int
	list   bool
	own    bool
	share  time.Duration // of the budget, for one directory
}

func main() {
	var o options
	flag.StringVar(&o.files, "files", "", "only the mutants of files whose names contain one of these words, separated by commas")
	flag.StringVar(&o.only, "only", "", "only the mutants that are listed in this file, such as the output of a run with -own")
	flag.DurationVar(&o.budget, "budget", 0, "the time for trying mutants, shared by the directories; 0 for no limit")
	flag.Uint64Var(&o.seed, "seed", 0, "the order of the mutants; 0 for the order of the source")
	flag.IntVar(&o.jobs, "jobs", 2, "how many mutants are tried at a time")
	flag.BoolVar(&o.list, "list", false, "list the mutants and run no test")
	flag.BoolVar(&o.own, "own", false, "only the tests of the package itself: faster, with more survivors")
	flag.Parse()
	dirs := flag.Args()
	if len(dirs) == 0 {
		dirs = places
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := mutate(ctx, os.Stdout, ".", dirs, survivors, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// mutate runs the mutants of the directories of a repository.
func mutate(ctx context.Context, w io.Writer, repository string, dirs []string, known string, o options) error {
	reasons, err := readReasons(known)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	tree, err := copyTree(ctx, repository, temp)
	if err != nil {
		return err
	}
	r := &report{w: w, reasons: reasons}
	for i, dir := range dirs {
		o.share = (o.budget - r.took) / time.Duration(len(dirs)-i)
		if err := tree.mutatePackage(ctx, filepath.Clean(dir), r, o); err != nil {
			return err
		}
	}
	return r.result()
}

// mutatePackage runs the mutants of one directory.
func (t *Tree) mutatePackage(ctx context.Context, dir string, r *report, o options) error {
	p, err := t.load(ctx, t.moduleOf(dir), dir)
	if err != nil {
		return err
	}
	for _, f := range p.files {
		if !o.picks(f.name) {
			f.mutants = nil
		}
	}
	if err := p.keepOnly(o.only); err != nil {
		return err
	}
	if o.list {
		for _, m := range p.chosen(o) {
			r.printf("%s\n", m.Key)
		}
		return nil
	}
	if o.own {
		p.users = p.users[:min(1, len(p.users))]
	}
	if err := t.install(ctx, p); err != nil {
		return err
	}
	if err := p.baseline(ctx, r); err != nil {
		return err
	}
	began := time.Now()
	if o.budget > 0 {
		limited, cancel := context.WithTimeout(ctx, o.share)
		defer cancel()
		ctx = limited
	}
	p.tryAll(ctx, p.chosen(o), o.jobs, r.add)
	r.took += time.Since(began)
	r.sum(dir)
	if o.only == "" {
		r.gone(p)
	}
	return t.restore(p)
}

// chosen returns the mutants in the order in which they are tried.
func (p *Package) chosen(o options) (mutants []*Mutant) {
	for _, f := range p.files {
		mutants = append(mutants, f.mutants...)
	}
	if o.seed != 0 {
		random := rand.New(rand.NewPCG(o.seed, 0)) // an order that can be repeated
		random.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
	}
	return mutants
}

// keepOnly drops the mutants whose keys are not lines of a file. Without a name it drops none.
func (p *Package) keepOnly(name string) error {
	if name == "" {
		return nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	lines := strings.Split(string(b), "\n")
	for _, f := range p.files {
		f.mutants = slices.DeleteFunc(f.mutants, func(m *Mutant) bool { return !slices.Contains(lines, m.Key) })
	}
	return nil
}

// picks reports whether the mutants of a file are wanted.
func (o options) picks(name string) bool {
	return o.files == "" || slices.ContainsFunc(strings.Split(o.files, ","), func(word string) bool {
		return strings.Contains(name, word)
	})
}
