package docs

import (
	"go/doc/comment"
	"strings"
	"testing"
)

// TestTheCodeOfThePackageCommentsCompiles checks the code that go doc shows first, like the fragments of a page.
func TestTheCodeOfThePackageCommentsCompiles(t *testing.T) {
	c, err := compilerOnce()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, p := range c.packages {
		if !strings.HasPrefix(path, module) {
			continue
		}
		d, err := c.documentation(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range d.Parser().Parse(d.Doc).Content {
			code, ok := block.(*comment.Code)
			if !ok || notGo(path, code.Text) {
				continue
			}
			count++
			for _, problem := range c.compile(path, Block{Line: 1, Language: "go", Code: code.Text}) {
				t.Error(problem)
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d blocks were found", count)
	}
}

// notGo reports whether a block is a table, a file or a drawing. The code of eventbridge needs a module of AWS that this
// module does not have.
func notGo(path, text string) bool {
	return !strings.Contains(text, "(") || strings.Contains(text, "->") || path == module+"/eventbridge"
}
