package docs

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryLinkInTheRepositoryLeadsSomewhere(t *testing.T) {
	all := pages(t)
	count := 0
	for _, p := range all {
		for _, l := range p.Links() {
			if l.IsExternal() {
				continue
			}
			count++
			if err := Broken(root, all, l); err != nil {
				t.Error(err)
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d links were found", count)
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	all := []Page{parse("docs/a.md", "# One two\n## 日本語、エラー\n# One two\n")}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "docs", "a.md"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		target string
		broken bool
	}{
		{"a.md", false},
		{"../docs", false},
		{"#one-two", false},
		{"#one-two-1", false},
		{"../docs/a.md#日本語エラー", false},
		{"#One-two", true},
		{"#one-two-2", true},
		{"b.md", true},
		{"../../outside.md", true},
		{"/docs/a.md", true},
	}
	for _, tt := range tests {
		if err := Broken(dir, all, Link{"docs/a.md", 1, tt.target}); (err != nil) != tt.broken {
			t.Errorf("%s: %v", tt.target, err)
		}
	}
}

func TestEveryNameInBracketsExists(t *testing.T) {
	c, err := compilerOnce()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, p := range c.packages {
		if !strings.HasPrefix(path, module) || path == module+"/internal/docs" {
			continue
		}
		count++
		problems, err := c.docLinks(p)
		if err != nil {
			t.Error(err)
		}
		for _, problem := range problems {
			t.Error(problem)
		}
	}
	if count < 30 {
		t.Errorf("only %d packages were found", count)
	}
}

// TestEveryPublicPackageIsChecked looks for packages that given.go does not import.
func TestEveryPublicPackageIsChecked(t *testing.T) {
	c, err := compilerOnce()
	if err != nil {
		t.Fatal(err)
	}
	docs, err := filepath.Glob(filepath.Join(root, "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob(filepath.Join(root, "*", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	private := regexp.MustCompile(`^(internal|examples|benchmarks)\b|^durable/(crash|examples|cmd)$`)
	for _, file := range slices.Concat(docs, deeper) {
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.ToSlash(dir)
		if _, known := c.packages[module+"/"+dir]; !known && !private.MatchString(dir) {
			t.Errorf("%s is not imported by given.go", dir)
		}
	}
}

func TestExternalLinks(t *testing.T) {
	links, err := ExternalLinks(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"https://mackerel.io/api-docs/entry/channels", "https://jepsen.io/analyses/nats-2.12.1"}
	for _, target := range want {
		if !slices.ContainsFunc(links, func(l Link) bool { return l.Target == target }) {
			t.Errorf("%s was not found", target)
		}
	}
	for _, l := range links {
		if strings.Contains(l.Target, "example.com") {
			t.Errorf("%v stands for another address", l)
		}
	}
}

func TestFetch(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/here" {
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	if err := Fetch(t.Context(), s.Client(), Link{Target: s.URL + "/here#there"}); err != nil {
		t.Error(err)
	}
	err := Fetch(t.Context(), s.Client(), Link{File: "a.md", Line: 3, Target: s.URL + "/gone"})
	if err == nil || !strings.Contains(err.Error(), "a.md:3: ") || !strings.Contains(err.Error(), "404") {
		t.Errorf("the error of a page that is gone is %v", err)
	}
}
