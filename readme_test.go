package mackerel_test

import (
	"os"
	"strings"
	"testing"
)

// TestTheQuickStartIsTheCompiledExample takes the first Go block of each README and looks for it in Example_quickStart.
func TestTheQuickStartIsTheCompiledExample(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	compiled := strings.ReplaceAll(string(source), "\n\t", "\n")
	for _, name := range []string{"README.md", "README.ja.md"} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, block, _ := strings.Cut(string(page), "```go\n")
		block, _, ok := strings.Cut(block, "```")
		if !ok || len(block) < 100 {
			t.Fatalf("%s has no Go block", name)
		}
		if !strings.Contains(compiled, block) {
			t.Errorf("the quick start of %s is not that of example_test.go:\n%s", name, block)
		}
	}
}
