package docs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEveryCommandExists(t *testing.T) {
	s, err := newShell(root)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, p := range pages(t) {
		for _, m := range commandSpan.FindAllStringSubmatch(p.Text, -1) {
			count++
			for _, problem := range s.check(p.Name, m[1]) {
				t.Errorf("%s: %s", p.Name, problem)
			}
		}
		for _, b := range p.Blocks {
			if b.Language != "sh" {
				continue
			}
			count++
			for _, problem := range s.check(p.Name, b.Code) {
				t.Errorf("%s:%d: %s", p.Name, b.Line, problem)
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d commands were found", count)
	}
}

func TestCommandsThatDoNotExistAreFound(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"Makefile":              "check: test\n",
		"examples/demo/main.go": `package main; var _ = flag.String("lang", "", "")`,
		"testdata/a.json":       "{}",
	}
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := newShell(dir)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		commands string
		want     []string
	}{
		{"go run ./examples/demo -lang ja # a comment\nmake check\ngo test ./...", nil},
		{"go run ./demo # in the folder of the page", nil},
		{"go run ./examples/gone", []string{"no such folder: ./examples/gone"}},
		{"A=1 go run ./examples/demo -long", []string{"examples/demo has no flag -long"}},
		{"cd x && make chekc", []string{"no such target of the Makefile: chekc"}},
		{"curl http://localhost \\\n --data @testdata/b.json", []string{"no such file: testdata/b.json"}},
		{"cat testdata/a.json", nil},
	}
	for _, tt := range tests {
		if got := s.check("examples/README.md", tt.commands); !slices.Equal(got, tt.want) {
			t.Errorf("%s: the problems are %q, want %q", tt.commands, got, tt.want)
		}
	}
}
