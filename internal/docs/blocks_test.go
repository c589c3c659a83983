package docs

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the folder of the repository.
const root = "../.."

var compilerOnce = sync.OnceValues(newCompiler)

func pages(t *testing.T) []Page {
	t.Helper()
	all, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "README.ja.md", "durable/README.md", "docs/testing.md"} {
		if !slices.ContainsFunc(all, func(p Page) bool { return p.Name == name && len(p.Blocks) > 0 }) {
			t.Fatalf("%s has no code blocks", name)
		}
	}
	return all
}

func TestEveryGoBlockCompiles(t *testing.T) {
	c, err := compilerOnce()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		for _, b := range p.Blocks {
			if b.Language != "go" {
				continue
			}
			for _, problem := range c.compile(p.Name, b) {
				t.Error(problem)
			}
		}
	}
}

func TestTheCompilerFindsMistakes(t *testing.T) {
	c, err := compilerOnce()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, code, problem string }{
		{"a name that does not exist", "room.Tell(ctx, alert)\n", "a.md:7: room.Tell undefined"},
		{"a variable that nothing declares", "err = nobody.Notify(ctx, alert)\n", "a.md:7: undefined: nobody"},
		{"a wrong type", "x := 1\nroom.Notify(x, alert)\n", "a.md:8: cannot use x"},
		{"a mistake in a declaration", "func f() { room.Tell() }\n", "a.md:7: room.Tell undefined"},
		{"no Go", "room.Notify(\n", "expected"},
		{"a program with a variable too many", "package main\n\nfunc main() { x := 1 }\n", "declared and not used: x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := c.compile("a.md", Block{Line: 7, Language: "go", Code: tt.code})
			if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, tt.problem) }) {
				t.Errorf("the problems are %q, want one with %q", problems, tt.problem)
			}
		})
	}
	right := Block{Line: 7, Language: "go", Code: "x, err := room.Deliver(ctx, alert)\n...\n"}
	if problems := c.compile("a.md", right); len(problems) > 0 {
		t.Errorf("a fragment that is right has the problems %q", problems)
	}
}

// TestEveryBlockHasALanguage keeps a block from being checked by no test: what has no language is output.
func TestEveryBlockHasALanguage(t *testing.T) {
	known := []string{"go", "sh", "json", ""}
	for _, p := range pages(t) {
		for _, b := range p.Blocks {
			if !slices.Contains(known, b.Language) {
				t.Errorf("%s:%d: the language %q is checked by no test", p.Name, b.Line, b.Language)
			}
			if b.Language == "json" && !json.Valid([]byte(b.Code)) {
				t.Errorf("%s:%d: not valid JSON", p.Name, b.Line)
			}
			if b.Language == "" && (strings.Contains(b.Code, ":= ") || strings.Contains(b.Code, "go run ")) {
				t.Errorf("%s:%d: code without a language", p.Name, b.Line)
			}
		}
	}
}
