package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// memory is how much a test binary may have, in KB: a loop that no longer ends may fill the machine before its time
// is over.
const memory = 4 << 20

// baseline runs each test binary without a mutant. It measures the time and notes which mutants the tests come to. Tests
// of other packages that fail are left out.
func (p *Package) baseline(ctx context.Context, r *report) error {
	var users []user
	for i, u := range p.users {
		began := time.Now()
		out, failed := u.test(ctx, 10*time.Minute, "MUTANT_LOG="+u.log())
		u.took = time.Since(began)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case failed && i == 0:
			return fmt.Errorf("the tests of %s fail without a mutant:\n%s", u.path, tail(out))
		case failed:
			r.printf("left out, because its tests fail without a mutant: %s\n%s\n", u.path, tail(out))
			continue
		}
		if err := u.readLog(); err != nil {
			return err
		}
		users = append(users, u)
	}
	// The tests of the package itself, which are the first, kill the most.
	slices.SortFunc(users[min(1, len(users)):], func(a, b user) int { return cmp.Compare(a.took, b.took) })
	p.users = users
	return nil
}

// log returns the name of the file to which the tests write the mutants that they come to.
func (u *user) log() string { return u.bin + ".log" }

func (u *user) readLog() error {
	b, err := os.ReadFile(u.log())
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	u.reached = map[int]bool{}
	for _, id := range strings.Fields(string(b)) {
		n, err := strconv.Atoi(id)
		if err != nil {
			return err
		}
		u.reached[n] = true
	}
	return nil
}

// test runs the test binary in its directory, until a test fails. It reports whether a test failed or did not end in time.
func (u *user) test(ctx context.Context, limit time.Duration, env string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	temp, err := os.MkdirTemp(filepath.Dir(u.bin), "t")
	if err != nil {
		return err.Error(), true
	}
	defer func() { _ = os.RemoveAll(temp) }() // a test that was killed has not removed its files
	c := exec.CommandContext(ctx, "/bin/sh", "-c", `ulimit -v "$1"; shift; exec "$@"`, "sh",
		strconv.Itoa(memory), u.bin, "-test.failfast", "-test.short", "-test.timeout="+limit.String())
	c.Dir = u.dir
	c.Env = append(os.Environ(), env, "TMPDIR="+temp)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	out := &output{failed: cancel}
	c.Stdout, c.Stderr = out, out
	err = c.Run()
	return out.String(), err != nil
}

// An output is what a test binary writes. When a test has failed, those that run beside it need not end.
type output struct {
	bytes.Buffer
	failed func()
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Buffer.Write(b)
	if bytes.Contains(o.Bytes(), []byte("--- FAIL: ")) {
		o.failed()
	}
	return n, err
}

// An outcome says what the tests made of a mutant.
type outcome int

const (
	notRun outcome = iota
	killed
	survived
	notReached
)

// try runs the tests that come to the mutant until a test fails.
func (p *Package) try(ctx context.Context, m *Mutant) outcome {
	result := notReached
	if ctx.Err() != nil {
		return notRun
	}
	for i := range p.users {
		u := &p.users[i]
		if !u.reached[m.ID] {
			continue
		}
		_, failed := u.test(ctx, 5*u.took+5*time.Second, "MUTANT_ON="+strconv.Itoa(m.ID))
		if ctx.Err() != nil {
			return notRun
		}
		if failed {
			return killed
		}
		result = survived
	}
	return result
}

// tryAll tries mutants, several at a time, until the context ends. It calls done with each outcome.
func (p *Package) tryAll(ctx context.Context, mutants []*Mutant, jobs int, done func(*Mutant, outcome)) {
	next := make(chan *Mutant)
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for m := range next {
				done(m, p.try(ctx, m))
			}
		})
	}
	for _, m := range mutants {
		next <- m // a try ends at once when the context has ended
	}
	close(next)
	workers.Wait()
}

// moduleOf returns the directory of the module that a directory of the tree is in, relative to the tree.
func (t *Tree) moduleOf(dir string) string {
	for dir != "." {
		if _, err := os.Stat(filepath.Join(t.root, dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return dir
}
