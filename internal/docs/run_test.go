package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

// TestTheTestsOfThePagesPass runs the blocks that are complete files of tests, as a newcomer would: each in a folder of
// its own, in a module that takes the library from this clone.
func TestTheTestsOfThePagesPass(t *testing.T) {
	dir := newModule(t)
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.Blocks {
			if !strings.HasPrefix(b.Code, "package ") || !strings.Contains(b.Code, "*testing.T)") {
				continue
			}
			count++
			file := filepath.Join(dir, fmt.Sprintf("page%d", count), "page_test.go")
			write(t, file, fmt.Sprintf("//line %s:%d\n%s", p.Name, b.Line, b.Code))
		}
	}
	if count < 4 {
		t.Errorf("only %d tests were found", count)
	}
	cmd := exec.Command("go", "test", "./...")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestTheProgramsOfTheQuickStartSayWhatIsMissing runs the first programs of the README without credentials.
func TestTheProgramsOfTheQuickStartSayWhatIsMissing(t *testing.T) {
	want := []string{"chatwork: configure: Token", "mackerel: configure: APIKey"}
	for _, p := range pages(t) {
		if p.Name != "README.md" {
			continue
		}
		dir := newModule(t)
		count := 0
		for _, b := range p.Blocks {
			if !strings.HasPrefix(b.Code, "package main") {
				continue
			}
			program := filepath.Join(dir, fmt.Sprint("program", count))
			write(t, filepath.Join(program, "main.go"), b.Code)
			cmd := exec.Command("go", "run", ".")
			cmd.Dir, cmd.Env = program, append(os.Environ(), "CHATWORK_TOKEN=", "MACKEREL_APIKEY=")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want[min(count, len(want)-1)]) {
				t.Errorf("program %d prints %q, want %q", count+1, out, want)
			}
			count++
		}
		if count != len(want) {
			t.Errorf("%d programs, want %d", count, len(want))
		}
	}
}

// TestTheChangelogBeginsWithThisVersion compares the first entry with the version that requests carry.
func TestTheChangelogBeginsWithThisVersion(t *testing.T) {
	_, version, _ := strings.Cut(mackerel.UserAgent, "/")
	for _, p := range pages(t) {
		if p.Name != "CHANGELOG.md" {
			continue
		}
		if first := p.Headings()[1].Text; first != "["+version+"]" && !strings.HasPrefix(first, "["+version+"] ") {
			t.Errorf("the first entry is %q, but the version is %s", first, version)
		}
	}
}

// newModule makes a module that requires what this module requires, and returns its folder.
func newModule(t *testing.T) string {
	t.Helper()
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), strings.ReplaceAll(string(content), "=> ../..", "=> "+repository))
	}
	return dir
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
