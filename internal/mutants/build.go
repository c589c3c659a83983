package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// switches is the file that is added to a package. The environment says which mutant is on, and where to write which
// mutants a test comes to.
const switches = `package %s

import (
	"os"
	"reflect"
	"strconv"
	"sync/atomic"
	"time"
)

var (
	mutantID, _ = strconv.Atoi(os.Getenv("MUTANT_ON"))
	mutantLog   = os.Getenv("MUTANT_LOG")
	mutantSeen  [%d]atomic.Bool
)

func mutantOn(id int) bool {
	if mutantLog != "" && !mutantSeen[id].Swap(true) {
		mutantWrite(id)
	}
	return id == mutantID
}

func mutantWrite(id int) {
	f, err := os.OpenFile(mutantLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(strconv.Itoa(id) + "\n")
		f.Close()
	}
	if err != nil {
		panic(err)
	}
}

func mutantZero[T any](id int, v T) T {
	if mutantOn(id) {
		var zero T
		return zero
	}
	return v
}

func mutantMore[T any](id int, v T) T {
	if mutantOn(id) {
		return mutantChange(v)
	}
	return v
}

// It allocates, and the tests of allocations must not notice if it is off.
//
//go:noinline
func mutantChange[T any](v T) T {
	switch r := reflect.ValueOf(&v).Elem(); {
	case r.Type() == reflect.TypeFor[time.Duration]():
		r.SetInt(r.Int() + int64(time.Second))
	case r.CanInt():
		r.SetInt(r.Int() + 1)
	case r.CanUint():
		r.SetUint(r.Uint() + 1)
	case r.CanFloat():
		r.SetFloat(r.Float() + 1)
	case r.Kind() == reflect.String:
		r.SetString(r.String() + "x")
	}
	return v
}
`

// A Tree is a copy of the files of a repository, with the mutants of one package at a time.
type Tree struct{ root, bin string }

// copyTree copies the files that git knows or would add from the repository into a new directory.
func copyTree(ctx context.Context, repository, dir string) (*Tree, error) {
	out, err := run(ctx, repository, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	t := &Tree{root: filepath.Join(dir, "tree"), bin: filepath.Join(dir, "bin")}
	for name := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join(repository, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not committed
		}
		if err != nil {
			return nil, err
		}
		if err := write(filepath.Join(t.root, name), b); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// write writes a file and makes its directory.
func write(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o600)
}

// run runs a command and returns its output. Its error holds the end of what the command wrote.
func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(stdout.String()+stderr.String()))
	}
	return stdout.String(), nil
}

// tail returns the end of a text, at most 4 KB.
func tail(s string) string { return s[max(0, len(s)-4096):] }

// A Package is a package with mutants.
type Package struct {
	module, dir, path, name string // module and dir are directories relative to the tree
	files                   []*file
	mutants                 int
	users                   []user // packages of the module whose tests use it, itself first
}

// A user is a package with tests that use the mutated package.
type user struct {
	path, dir string // dir is absolute
	bin       string
	took      time.Duration
	reached   map[int]bool
}

// load finds the files of a package and the packages whose tests use it.
func (t *Tree) load(ctx context.Context, module, dir string) (*Package, error) {
	out, err := run(ctx, filepath.Join(t.root, dir), "go", "list", "-f", "{{.ImportPath}} {{.Name}} {{join .GoFiles \" \"}}", ".")
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(out)
	p := &Package{module: module, dir: dir, path: fields[0], name: fields[1]}
	for _, name := range fields[2:] {
		source, err := os.ReadFile(filepath.Join(t.root, dir, name))
		if err != nil {
			return nil, err
		}
		f, err := parse(filepath.ToSlash(filepath.Join(dir, name)), source, p.mutants+1)
		if err != nil {
			return nil, err
		}
		p.mutants += len(f.mutants)
		p.files = append(p.files, f)
	}
	return p, t.findUsers(ctx, p)
}

// tooFar are packages whose tests are not asked: examples, and the crash tests, which take minutes.
var tooFar = regexp.MustCompile(`/(examples/|durable/crash$)`)

// findUsers asks go list which tests of the module depend on the package.
func (t *Tree) findUsers(ctx context.Context, p *Package) error {
	out, err := run(ctx, filepath.Join(t.root, p.module), "go", "list", "-test", "-f",
		"{{if .ForTest}}{{.ForTest}}\t{{.Dir}}\t {{join .Deps \" \"}} {{end}}", "./...")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for line := range strings.Lines(out) {
		path, rest, _ := strings.Cut(line, "\t")
		dir, deps, _ := strings.Cut(rest, "\t")
		uses := path == p.path || strings.Contains(deps, " "+p.path+" ") || strings.Contains(deps, " "+p.path+" [")
		if !uses || seen[path] || tooFar.MatchString(path) {
			continue
		}
		seen[path] = true
		u := user{path: path, dir: dir, bin: filepath.Join(t.bin, strings.ReplaceAll(path, "/", "_"))}
		if path == p.path {
			p.users = append([]user{u}, p.users...)
		} else {
			p.users = append(p.users, u)
		}
	}
	return nil
}

var compileError = regexp.MustCompile(`(?m)^([^\s:]+\.go):(\d+):\d+: `)

// install writes the mutants into the tree and builds the test binaries. Mutants that do not compile are dropped.
func (t *Tree) install(ctx context.Context, p *Package) error {
	dir := filepath.Join(t.root, p.dir)
	if err := write(filepath.Join(dir, "zz_mutants.go"), fmt.Appendf(nil, switches, p.name, p.mutants+1)); err != nil {
		return err
	}
	for {
		for _, f := range p.files {
			if err := write(filepath.Join(t.root, f.name), f.mutated()); err != nil {
				return err
			}
		}
		_, err := run(ctx, dir, "go", "build", "-gcflags=-e", ".")
		if err == nil {
			break
		}
		if !p.drop(err.Error()) {
			return err
		}
	}
	for _, u := range p.users {
		if _, err := run(ctx, u.dir, "go", "test", "-vet=off", "-c", "-o", u.bin, "."); err != nil {
			return err
		}
	}
	return nil
}

// drop drops the mutants of the lines of compile errors. It reports whether there were any.
func (p *Package) drop(output string) bool {
	dropped := false
	done := map[string]bool{}
	for _, m := range compileError.FindAllStringSubmatch(output, -1) {
		at := m[1] + ":" + m[2]
		if done[at] {
			continue
		}
		done[at] = true
		line, _ := strconv.Atoi(m[2])
		for _, f := range p.files {
			if filepath.Base(f.name) == filepath.Base(m[1]) {
				dropped = f.drop(line) || dropped
			}
		}
	}
	return dropped
}

// restore puts the files of the package back.
func (t *Tree) restore(p *Package) error {
	for _, f := range p.files {
		if err := write(filepath.Join(t.root, f.name), f.source); err != nil {
			return err
		}
	}
	return os.Remove(filepath.Join(t.root, p.dir, "zz_mutants.go"))
}
