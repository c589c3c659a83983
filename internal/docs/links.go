package docs

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A Link is an address that a page or a Go file of the repository has.
type Link struct {
	File   string // its path in the repository, with slashes
	Line   int
	Target string // as it is written: a path, an anchor or a URL
}

// IsExternal reports whether the target is on another server.
func (l Link) IsExternal() bool {
	return strings.HasPrefix(l.Target, "https://") || strings.HasPrefix(l.Target, "http://")
}

// String returns "file:line: target".
func (l Link) String() string { return fmt.Sprintf("%s:%d: %s", l.File, l.Line, l.Target) }

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan     = regexp.MustCompile("`[^`]+`")
)

// Links returns the links of the page's text, in their order.
func (p Page) Links() []Link {
	var links []Link
	for i, line := range strings.Split(p.Text, "\n") {
		for _, m := range markdownLink.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, "code"), -1) {
			links = append(links, Link{p.Name, i + 1, m[1]})
		}
	}
	return links
}

// Anchors returns the anchors of the page's headings, as GitHub makes them.
func (p Page) Anchors() []string {
	var anchors []string
	for _, h := range p.Headings() {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h.Text)
		for n, first := 1, anchor; slices.Contains(anchors, anchor); n++ {
			anchor = fmt.Sprintf("%s-%d", first, n)
		}
		anchors = append(anchors, anchor)
	}
	return anchors
}

// A Heading is a line of a page that begins with #.
type Heading struct {
	Level int // the number of #
	Text  string
}

// Headings returns the headings of the page, in their order.
func (p Page) Headings() []Heading {
	var all []Heading
	for line := range strings.Lines(p.Text) {
		text := strings.TrimLeft(line, "#")
		if level := len(line) - len(text); level > 0 && strings.HasPrefix(text, " ") {
			all = append(all, Heading{level, strings.TrimSpace(text)})
		}
	}
	return all
}

// Broken returns an error if the target of an internal link is not there. A target that ends outside of the repository
// is broken.
func Broken(root string, pages []Page, l Link) error {
	file, anchor, _ := strings.Cut(l.Target, "#")
	name := l.File
	if file != "" {
		name = path.Join(path.Dir(l.File), file)
	}
	if strings.HasPrefix(name, "..") || path.IsAbs(file) {
		return fmt.Errorf("%v: not in the repository", l)
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
		return fmt.Errorf("%v: no such file", l)
	}
	if anchor == "" {
		return nil
	}
	i := slices.IndexFunc(pages, func(p Page) bool { return p.Name == name })
	if i < 0 || !slices.Contains(pages[i].Anchors(), anchor) {
		return fmt.Errorf("%v: no such heading", l)
	}
	return nil
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"` + "`" + `]+`)

// ExternalLinks returns the addresses of other servers that the pages and the comments of Go files below a folder have.
func ExternalLinks(root string) ([]Link, error) {
	pages, err := Pages(root)
	if err != nil {
		return nil, err
	}
	var links []Link
	for _, p := range pages {
		for _, l := range p.Links() {
			if l.IsExternal() {
				links = append(links, l)
			}
		}
	}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		found, err := linksOfComments(root, name)
		links = append(links, found...)
		return err
	})
	return slices.DeleteFunc(links, func(l Link) bool { return isExample(l.Target) }), err
}

// linksOfComments returns the addresses in the comments of a Go file.
func linksOfComments(root, name string) ([]Link, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	name, err = filepath.Rel(root, name)
	if err != nil {
		return nil, err
	}
	var links []Link
	for _, group := range f.Comments {
		for _, c := range group.List {
			for _, target := range webAddress.FindAllString(c.Text, -1) {
				target = trimSentence(target)
				links = append(links, Link{filepath.ToSlash(name), fset.Position(c.Pos()).Line, target})
			}
		}
	}
	return links, nil
}

// trimSentence leaves out what ends the sentence around an address.
func trimSentence(target string) string {
	target = strings.TrimRight(target, ".,;:'")
	if !strings.Contains(target, "(") {
		target = strings.TrimRight(target, ".,;:')")
	}
	return target
}

// example matches the addresses that stand for others: reserved names, this machine, what is left out by three dots.
var example = regexp.MustCompile(`//([^/]*@|[^/]*\.)?(example\.(com|org|net)|[a-z.]*\.test|localhost|127\.|host\b)` +
	`|//(your-|fake)|\.\.\.|XXXX|T/B/X|[{$<|]|//$`)

// notPages are the beginnings of addresses that no browser can open, each with the reason.
var notPages = map[string]string{
	"https://www.hipchat.com/docs/":   "the comment says that the pages are gone",
	"https://hooks.slack.com/":        "takes messages only",
	"https://api.chatwork.com":        "the base of an API",
	"https://api.mackerelio.com":      "the base of an API",
	"https://kcps-mackerel.io":        "the base of an API",
	"https://mackerel.io/orgs/":       "needs a login",
	"https://mackerel.io/embed/":      "a graph that was made up",
	"https://api.line.me":             "the base of an API",
	"https://api.twilio.com":          "the base of an API",
	"https://api.opsgenie.com":        "the base of an API",
	"https://api.eu.opsgenie.com":     "the base of an API",
	"https://events.pagerduty.com":    "the base of an API",
	"https://events.eu.pagerduty.com": "the base of an API",
	"https://typetalk.com":            "the service has ended",
}

func isExample(target string) bool {
	for beginning := range notPages {
		if strings.HasPrefix(target, beginning) {
			return true
		}
	}
	return example.MatchString(target)
}

// Fetch asks for an external link and returns an error if the answer is not a success. The page may have moved.
func Fetch(ctx context.Context, client *http.Client, l Link) error {
	target, _, _ := strings.Cut(l.Target, "#")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return fmt.Errorf("%v: %w", l, err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (mackerel-notify links)") // some servers refuse Go's
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%v: %w", l, err)
	}
	err = resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		err = errors.Join(fmt.Errorf("%v: %s", l, resp.Status), err)
	}
	return err
}

// unlinked matches a name in brackets that go doc shows with the brackets, because it found nothing to link to.
// Words in capitals only are labels of messages, such as [CRITICAL].
var unlinked = regexp.MustCompile(`\[\*?(?:[a-z0-9]+\.)?[A-Z]\w*[a-z]\w*(?:\.\w+)*\]`)

// docLinks returns the problems of the links in the documentation of a package: names in brackets that do not exist.
func (c *compiler) docLinks(p goPackage) ([]string, error) {
	d, err := c.documentation(p)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, text := range texts(d) {
		for _, problem := range c.textLinks(d.Parser().Parse(text), p.ImportPath) {
			problems = append(problems, p.ImportPath+": "+problem)
		}
	}
	return problems, nil
}

// documentation reads the comments of a package.
func (c *compiler) documentation(p goPackage) (*doc.Package, error) {
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return doc.NewFromFiles(c.fset, files, p.ImportPath)
}

// texts returns all comments that go doc shows.
func texts(d *doc.Package) []string {
	all := []string{d.Doc}
	values := slices.Concat(d.Consts, d.Vars)
	funcs := slices.Clone(d.Funcs)
	for _, t := range d.Types {
		all = append(all, t.Doc)
		values = slices.Concat(values, t.Consts, t.Vars)
		funcs = slices.Concat(funcs, t.Funcs, t.Methods)
	}
	for _, v := range values {
		all = append(all, v.Doc)
	}
	for _, f := range funcs {
		all = append(all, f.Doc)
	}
	return all
}

// textLinks returns the problems of the links in a comment.
func (c *compiler) textLinks(d *comment.Doc, importPath string) []string {
	var problems []string
	each(d.Content, func(t comment.Text) {
		switch t := t.(type) {
		case comment.Plain:
			for _, name := range unlinked.FindAllString(string(t), -1) {
				problems = append(problems, name+" is no link")
			}
		case *comment.DocLink:
			if !c.exists(t, importPath) {
				name := strings.Trim(t.Recv+"."+t.Name, ".")
				problems = append(problems, fmt.Sprintf("[%s %s] does not exist", t.ImportPath, name))
			}
		}
	})
	return problems
}

// each calls f with each text of the blocks.
func each(blocks []comment.Block, f func(comment.Text)) {
	for _, b := range blocks {
		switch b := b.(type) {
		case *comment.Paragraph:
			for _, t := range b.Text {
				f(t)
			}
		case *comment.Heading:
			for _, t := range b.Text {
				f(t)
			}
		case *comment.List:
			for _, item := range b.Items {
				each(item.Content, f)
			}
		}
	}
}
