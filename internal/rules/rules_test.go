// Package rules holds what DESIGN.md says about the module as a whole.
package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mackerel-notify/mackerel"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// Kinds of packages, as DESIGN.md tells them apart.
const (
	root      = "root"
	transport = "transport"
	provider  = "provider"
	oneline   = "oneline"
	wire      = "wire"      // what two services have in common
	wirefake  = "wire fake" // what their fakes have
	strict    = "strict"    // how fakes read requests
	service   = "service"
	upper     = "upper" // what is built on notifiers of any service
	fake      = "fake"
	fakehttp  = "fakehttp"
	suite     = "notifytest"
	example   = "example"
	helper    = "test helper" // compiled by tests only
)

func kind(importPath string) string {
	rel := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	switch {
	case rel == "":
		return root
	case rel == "internal/transport", rel == "internal/provider", rel == "internal/oneline":
		return path.Base(rel)
	case rel == "internal/opsgenieapi":
		return wire
	case rel == "internal/opsgeniefake":
		return wirefake
	case rel == "internal/strict":
		return strict
	case strings.HasPrefix(rel, "internal/"):
		return helper
	case strings.HasPrefix(rel, "examples/"):
		return example
	case rel == fakehttp, rel == suite:
		return rel
	case rel == "route", rel == "receiver", rel == "watch", rel == "provision":
		return upper
	case strings.HasSuffix(rel, "test"):
		return fake
	}
	return service
}

// The packages of JSON, of which encoding/json will be what they are when Go 1.26 leaves support.
var jsonPackages = []string{"github.com/go-json-experiment/json", "github.com/go-json-experiment/json/jsontext"}

// may is the graph: which kinds of this module's packages a package may import, and which packages of other modules. A
// fake may also import its own service, for the type of its Config.
var may = map[string]struct{ kinds, others []string }{
	root:      {[]string{transport, oneline}, jsonPackages},
	oneline:   {nil, nil},
	transport: {nil, append(jsonPackages, "github.com/hashicorp/go-retryablehttp")},
	provider:  {[]string{root, transport, oneline}, append(jsonPackages, "github.com/clipperhouse/uax29/v2/graphemes")},
	wire:      {[]string{root, provider, transport}, jsonPackages},
	service:   {[]string{root, provider, transport, oneline, wire}, append(jsonPackages, "github.com/google/go-querystring/query")},
	upper:     {[]string{root}, jsonPackages},
	strict:    {nil, jsonPackages},
	wirefake:  {[]string{root, fakehttp, strict}, jsonPackages},
	fake:      {[]string{root, fakehttp, strict, wirefake}, jsonPackages},
	fakehttp:  {nil, jsonPackages},
	suite:     {[]string{root, fakehttp}, jsonPackages},
	example:   {[]string{root, service, upper, fake, fakehttp, example}, append(jsonPackages, "github.com/aws/aws-sdk-go-v2/aws")},
	helper:    {[]string{root, fakehttp, helper}, jsonPackages},
}

// signer are the packages that sign requests to AWS.
var signer = []string{"github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/signer/v4"}

// beyond are the packages of other modules that one package alone may import.
var beyond = map[string][]string{
	module + "/email":       {"github.com/wneessen/go-mail"},
	module + "/eventbridge": signer,

	module + "/eventbridge/eventbridgetest": signer, // it signs each request again, and compares
}

func TestImportsFollowTheGraph(t *testing.T) {
	packages := list(t, "./...")
	if len(packages) < 10 {
		t.Fatalf("only %d packages: the list is not the module's", len(packages))
	}
	for _, p := range packages {
		allowed := may[kind(p.ImportPath)]
		for _, imported := range p.Imports {
			switch own := strings.HasPrefix(imported, module); {
			case own && imported == path.Dir(p.ImportPath) && kind(p.ImportPath) == fake: // for the type of its Config
			case own && !slices.Contains(allowed.kinds, kind(imported)):
				t.Errorf("%s (%s) must not import %s (%s)", p.ImportPath, kind(p.ImportPath), imported, kind(imported))
			case !own && strings.Contains(imported, ".") && !slices.Contains(slices.Concat(allowed.others, beyond[p.ImportPath]), imported):
				t.Errorf("%s (%s) must not import %s", p.ImportPath, kind(p.ImportPath), imported)
			}
		}
	}
}

func TestTheRootCompilesNoOtherModulesThanRetryablehttpAndJSON(t *testing.T) {
	var got []string
	for _, p := range list(t, "-deps", ".") {
		if !p.Standard && !strings.HasPrefix(p.ImportPath, module) && !strings.HasPrefix(p.ImportPath, jsonPackages[0]) {
			got = append(got, p.ImportPath)
		}
	}
	slices.Sort(got)
	want := []string{"github.com/hashicorp/go-cleanhttp", "github.com/hashicorp/go-retryablehttp"}
	if !slices.Equal(got, want) {
		t.Errorf("the root compiles %q, want %q", got, want)
	}
}

func TestEventbridgeCompilesTheSignerAndNoServiceOfTheSDK(t *testing.T) {
	const sdk, smithy = "github.com/aws/aws-sdk-go-v2/", "github.com/aws/smithy-go"
	found := false
	for _, p := range list(t, "-deps", "./eventbridge") {
		if !strings.HasPrefix(p.ImportPath, "github.com/aws/") {
			continue
		}
		found = found || p.ImportPath == sdk+"aws/signer/v4"
		rel, isSDK := strings.CutPrefix(p.ImportPath, sdk)
		if part, _, _ := strings.Cut(rel, "/"); isSDK && part != "aws" && part != "internal" || !isSDK && !strings.HasPrefix(p.ImportPath, smithy) {
			t.Errorf("it compiles %s", p.ImportPath)
		}
	}
	if !found {
		t.Error("it does not compile the signer")
	}
}

// A fake takes the type of its Config from its service, and the constants that fill the Config. If it took other types
// or limits, a mistake in them would be on both sides, and no test would see it.
func TestFakesTakeNothingButTheConfigOfTheirService(t *testing.T) {
	allowed := []string{"Config", "ClientConfig", "KindSMS"}
	for _, p := range list(t, "./...") {
		of := path.Dir(p.ImportPath)
		if kind(p.ImportPath) != fake || kind(of) != service || !slices.Contains(p.Imports, of) {
			continue
		}
		service := path.Base(of)
		files, err := filepath.Glob(filepath.Join("../..", service, service+"test", "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", p.ImportPath, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, name := range selected(t, file, service) {
				if !slices.Contains(allowed, name) {
					t.Errorf("%s takes %s.%s", file, service, name)
				}
			}
		}
	}
}

// selected returns the names that a file takes from a package.
func selected(t *testing.T, file, pkg string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				names = append(names, s.Sel.Name)
			}
		}
		return true
	})
	return names
}
