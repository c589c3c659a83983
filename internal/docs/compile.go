package docs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A compiler checks the types of Go blocks.
type compiler struct {
	fset     *token.FileSet
	importer types.Importer
	packages map[string]goPackage // by import path
	given    *ast.File            // given.go
	imports  map[string]string    // of given.go: the path of each package, by its name
}

// A goPackage is what the go command says about a package.
type goPackage struct {
	ImportPath, Name, Dir, Export string
	GoFiles                       []string
}

// newCompiler lets the go command compile this package, which imports everything that pages may use.
func newCompiler() (*compiler, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Name,Dir,Export,GoFiles", ".")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	c := &compiler{fset: token.NewFileSet(), packages: make(map[string]goPackage), imports: make(map[string]string)}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		c.packages[p.ImportPath] = p
	}
	c.importer = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(c.packages[path].Export)
	})
	if c.given, err = parser.ParseFile(c.fset, "given.go", nil, 0); err != nil {
		return nil, err
	}
	for _, spec := range c.given.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		c.imports[c.packages[path].Name] = path
	}
	return c, nil
}

const module = "github.com/mackerel-notify/mackerel"

// compile returns what is wrong with a Go block. A block that begins with "package" is a program. Any other block is a
// fragment: it may use what given.go declares, and lines of three dots stand for code that is left out.
func (c *compiler) compile(page string, b Block) []string {
	if strings.HasPrefix(b.Code, "package ") {
		f, err := parser.ParseFile(c.fset, fmt.Sprintf("%s:%d", page, b.Line), b.Code, 0)
		if err != nil {
			return []string{err.Error()}
		}
		return c.check(f)
	}
	f, err := c.fragment(page, b)
	if err != nil {
		return []string{err.Error()}
	}
	return slices.DeleteFunc(c.check(c.given, f), func(problem string) bool {
		return strings.Contains(problem, "declared and not used") // the text goes on where the fragment ends
	})
}

// leftOut matches a line of three dots.
var leftOut = regexp.MustCompile(`(?m)^[ \t]*\.\.\.$`)

// fragment makes a file of a fragment: of declarations, or else of statements in a function.
func (c *compiler) fragment(page string, b Block) (*ast.File, error) {
	code := leftOut.ReplaceAllString(b.Code, "")
	line := fmt.Sprintf("\n//line %s:%d\n", page, b.Line)
	before, after := "package docs;", ""
	f, err := parser.ParseFile(c.fset, "", before+line+code, 0)
	if err != nil {
		before, after = "package docs; func _() {", "}"
		if f, err = parser.ParseFile(c.fset, "", before+line+code+after, 0); err != nil {
			return nil, err
		}
	}
	imports := "package docs;"
	for _, name := range neededBy(f) {
		if path, ok := c.imports[name]; ok {
			imports += "import " + strconv.Quote(path) + ";"
		}
	}
	before = strings.Replace(before, "package docs;", imports, 1)
	return parser.ParseFile(c.fset, "", before+line+code+after, 0)
}

// neededBy returns the names that a file uses and does not declare.
func neededBy(f *ast.File) []string {
	var names []string
	for _, ident := range f.Unresolved {
		names = append(names, ident.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// check returns all problems that the files of a package have.
func (c *compiler) check(files ...*ast.File) []string {
	var problems []string
	config := types.Config{Importer: c.importer, Error: func(err error) { problems = append(problems, err.Error()) }}
	_, _ = config.Check("docs", c.fset, files, nil) // Error gets every error
	return problems
}

// exists reports whether a link of a comment leads to a package, an exported name, a method or a field.
func (c *compiler) exists(l *comment.DocLink, importPath string) bool {
	p, err := c.importer.Import(cmp.Or(l.ImportPath, importPath))
	if err != nil {
		return false
	}
	if l.Name == "" {
		return true
	}
	if l.Recv == "" {
		return p.Scope().Lookup(l.Name) != nil
	}
	recv := p.Scope().Lookup(l.Recv)
	if recv == nil {
		return false
	}
	member, _, _ := types.LookupFieldOrMethod(recv.Type(), true, p, l.Name)
	return member != nil
}
