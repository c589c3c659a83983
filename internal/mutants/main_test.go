package main

import (
	"context"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const source = `package tiny

import "errors"

var errLong = errors.New("long")

// Check is the code that is changed.
func Check(s string, limit int) error {
	n := 0
	for range s {
		n++
	}
	if n > limit && limit >= 0 {
		return errLong
	}
	return nil
}
`

const test = `package tiny

import "testing"

func TestCheck(t *testing.T) {
	if Check("abcd", 3) == nil || Check("abc", 3) != nil {
		t.Error("wrong")
	}
}
`

// other is a test in another package, which alone finds that negative limits are off.
const other = `package user

import (
	"testing"

	"example.test/tiny"
)

func TestNoLimit(t *testing.T) {
	if tiny.Check("a", -1) != nil {
		t.Error("wrong")
	}
}
`

// repository makes a repository of a module with two packages.
func repository(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds programs")
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module example.test\n\ngo 1.26\n", "tiny/tiny.go": source, "tiny/tiny_test.go": test, "user/user_test.go": other,
	} {
		if err := write(filepath.Join(dir, name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run(t.Context(), dir, "git", "init", "-q"); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMutants(t *testing.T) {
	f, err := parse("tiny/tiny.go", []byte(source), 1)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i, m := range f.mutants {
		if keys = append(keys, strings.TrimPrefix(m.Key, "tiny/tiny.go Check: ")); m.ID != i+1 {
			t.Errorf("%s has the ID %d", m.Key, m.ID)
		}
	}
	want := []string{
		"no loop: s", "removed: n++", "always: n > limit && limit >= 0", "never: n > limit && limit >= 0", "true: n > limit",
		"true: limit >= 0", "boundary: n > limit", "boundary: limit >= 0", "zero: errLong",
	}
	if got := strings.Join(keys, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
	changed := string(f.mutated())
	if _, err := parser.ParseFile(token.NewFileSet(), "", changed, 0); err != nil || strings.Count(changed, "\n") != strings.Count(source, "\n") {
		t.Errorf("%v\n%s", err, changed)
	}
}

func TestASurvivorNeedsAReason(t *testing.T) {
	const (
		survivor = "tiny/tiny.go Check: boundary: limit >= 0"
		reason   = "\n\tIt is for the test.\n\n"
	)
	dir := repository(t)
	for name, c := range map[string]struct{ known, output, err string }{
		"it has none": {"", survivor + "\n\tline 13: no test notices\ntiny: 8 killed, 1 survived (0 with a reason), 0 not reached, 0 not run\n", "1 mutants survived"},
		"reasons that are not needed": {
			survivor + reason + "tiny/tiny.go Check: removed: n++\ntiny/tiny.go Check: removed: n--" + reason,
			"killed; if it is so again, its reason can go: tiny/tiny.go Check: removed: n++\n" +
				"tiny: 8 killed, 1 survived (1 with a reason), 0 not reached, 0 not run\n" +
				"gone, so its reason can go: tiny/tiny.go Check: removed: n--\n", "",
		},
		"a list that cannot be read": {survivor, "", "no reason for " + survivor},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := mutate(t.Context(), &out, dir, []string{"tiny"}, c.known, options{jobs: 2, seed: 3})
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("the error is %v", err)
			}
			if out.String() != c.output {
				t.Errorf("got\n%s", &out)
			}
		})
	}
	if after, err := os.ReadFile(filepath.Join(dir, "tiny/tiny.go")); err != nil || string(after) != source {
		t.Errorf("the repository was changed: %v", err)
	}
}

func TestTestsThatFailWithoutAMutantAreAnError(t *testing.T) {
	dir := repository(t)
	if err := write(filepath.Join(dir, "tiny/tiny_test.go"), []byte(strings.Replace(test, "!= nil", "== nil", 1))); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := mutate(t.Context(), &out, dir, []string{"tiny"}, "", options{jobs: 1})
	if err == nil || !strings.Contains(err.Error(), "fail without a mutant") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheBudgetEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &Package{}
	cancel()
	var outcomes []outcome
	p.tryAll(ctx, []*Mutant{{ID: 1}, {ID: 2}}, 1, func(_ *Mutant, o outcome) { outcomes = append(outcomes, o) })
	if len(outcomes) != 2 || outcomes[0] != notRun || outcomes[1] != notRun {
		t.Errorf("got %v", outcomes)
	}
}

// The output of a run lists mutants, and other lines.
func TestOnlyTheMutantsOfAFile(t *testing.T) {
	dir := repository(t)
	list := filepath.Join(t.TempDir(), "list.txt")
	key := "tiny/tiny.go Check: boundary: n > limit"
	if err := write(list, []byte("\t"+key+"\n"+key+"\n\tline 13: no test notices\ntiny: 5 killed\n")); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := mutate(t.Context(), &out, dir, []string{"tiny"}, "", options{only: list, list: true}); err != nil {
		t.Fatal(err)
	}
	if out.String() != key+"\n" {
		t.Errorf("got %q", &out)
	}
	if err := mutate(t.Context(), &out, dir, []string{"tiny"}, "", options{only: "missing", list: true}); err == nil {
		t.Error("a file that is missing is no error")
	}
}

func TestTheListOfTheRepositoryIsReadable(t *testing.T) {
	if _, err := readReasons(survivors); err != nil {
		t.Error(err)
	}
}
