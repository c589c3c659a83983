package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/internal/sample"
)

// TestServicesAreTwins holds that any two services have the same sections of documentation and the same order of
// declarations, and that no limit is exported. Opsgenie and Jira Service Management share a wire, so what renders and
// judges is not in their folders.
func TestServicesAreTwins(t *testing.T) {
	for _, p := range list(t, "./...") {
		if kind(p.ImportPath) != service {
			continue
		}
		name := path.Base(p.ImportPath)
		main, messages := parse(t, name, name+".go"), parse(t, name, "message.go")
		if got := sections(main); len(got) < 4 || !slices.Equal(got[:4], []string{"Delivery", "Limits", "Text", "Service"}) {
			t.Errorf("%s: the sections are %q", name, got)
		}
		inOrder(t, main, "name", "Config", "Notifier", "New", "check", "Notify", "Deliver", "Send", "Preview", "String")
		inOrder(t, messages, "Message", "DefaultMessage", "render", "problems")
		files, err := filepath.Glob(filepath.Join("../..", name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, d := range declared(parse(t, name, filepath.Base(file))) {
				if strings.HasPrefix(d, "Max") {
					t.Errorf("%s exports %s", file, d)
				}
			}
		}
	}
}

func TestFakesAreTwins(t *testing.T) {
	for _, p := range list(t, "./...") {
		if kind(p.ImportPath) != fake || kind(path.Dir(p.ImportPath)) != service {
			continue
		}
		folder := strings.TrimPrefix(p.ImportPath, module+"/")
		documentation := parse(t, folder, "doc.go")
		if got := sections(documentation); !slices.Equal(got, []string{"What it refuses", "What it decides"}) {
			t.Errorf("%s: the sections are %q", folder, got)
		}
		if lines := strings.Count(documentation.Doc.Text(), "\n\t"); lines > 8 {
			t.Errorf("%s: the example has %d lines", folder, lines)
		}
		inOrder(t, parse(t, folder, "server.go"), "Server", "New", "Config", "MemoryConfig")
	}
}

// TestGoldenFilesAreOfSamples finds golden requests of samples that no longer exist, which no other test reads.
func TestGoldenFilesAreOfSamples(t *testing.T) {
	known := map[string]bool{}
	for _, s := range sample.Alerts() {
		known[s.Name+".txt"] = true
	}
	found := 0
	for _, pattern := range []string{"../../*/testdata/golden/*/*", "../opsgenieapi/testdata/golden/*/*/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found += len(files)
		for _, file := range files {
			if !known[filepath.Base(file)] {
				t.Errorf("%s is of no sample", file)
			}
		}
	}
	if found == 0 {
		t.Error("there are no golden files")
	}
}

func parse(t *testing.T, folder, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", folder, file), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var section = regexp.MustCompile(`(?m)^# (.+)$`)

// sections returns the headings in the documentation of a package.
func sections(f *ast.File) (names []string) {
	for _, m := range section.FindAllStringSubmatch(f.Doc.Text(), -1) {
		names = append(names, m[1])
	}
	return names
}

// declared returns the names that a file declares, in their order, methods without their types.
func declared(f *ast.File) (names []string) {
	for _, d := range f.Decls {
		if function, ok := d.(*ast.FuncDecl); ok {
			names = append(names, function.Name.Name)
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				names = append(names, n.Name.Name)
				return false
			case *ast.ValueSpec:
				names = append(names, n.Names[0].Name)
				return false
			}
			return true
		})
	}
	return names
}

// inOrder checks that a file declares names in this order. A name that the file does not declare is left out.
func inOrder(t *testing.T, f *ast.File, names ...string) {
	t.Helper()
	all := declared(f)
	names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(all, name) })
	got := slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(names, name) })
	if !slices.Equal(slices.Compact(got), names) {
		t.Errorf("package %s declares %q, want the order %q", f.Name.Name, got, names)
	}
}
