package docs

import (
	"go/scanner"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheREADMEsHaveTheSameStructure compares each README.ja.md with the README.md beside it.
func TestTheREADMEsHaveTheSameStructure(t *testing.T) {
	all := pages(t)
	count := 0
	for _, ja := range all {
		folder, found := strings.CutSuffix(ja.Name, "README.ja.md")
		if !found {
			continue
		}
		count++
		t.Run(path.Join(folder, "README"), func(t *testing.T) {
			i := slices.IndexFunc(all, func(p Page) bool { return p.Name == folder+"README.md" })
			if i < 0 {
				t.Fatal("there is no README.md")
			}
			compare(t, all[i], ja)
		})
	}
	if count < 2 {
		t.Errorf("only %d pages in Japanese were found", count)
	}
}

// compare compares headings, code, tables, lists and links.
func compare(t *testing.T, en, ja Page) {
	t.Helper()
	same(t, "levels of the headings", levels(en), levels(ja))
	same(t, "shapes of the text", shape(en), shape(ja))
	same(t, "links", targets(en), targets(ja))
	if len(en.Blocks) != len(ja.Blocks) {
		t.Fatalf("README.md has %d code blocks, README.ja.md %d", len(en.Blocks), len(ja.Blocks))
	}
	for i, b := range en.Blocks {
		if b.Language == "" {
			continue // output, which is in the language of the page
		}
		same(t, "code blocks", bare(b), bare(ja.Blocks[i]))
	}
}

func same(t *testing.T, what string, en, ja []string) {
	t.Helper()
	for i := range max(len(en), len(ja)) {
		if i >= len(en) || i >= len(ja) || en[i] != ja[i] {
			t.Errorf("the %s differ from the %d. on:\nREADME.md    %q\nREADME.ja.md %q",
				what, i+1, en[min(i, len(en)):min(i+3, len(en))], ja[min(i, len(ja)):min(i+3, len(ja))])
			return
		}
	}
}

func levels(p Page) []string {
	var all []string
	for _, h := range p.Headings() {
		all = append(all, strings.Repeat("#", h.Level))
	}
	return all
}

var listItem = regexp.MustCompile(`^ *([-*]|\d+\.) `)

// shape returns a word for each heading, each list item, and each row of a table with the number of its cells.
func shape(p Page) []string {
	var all []string
	for line := range strings.Lines(p.Text) {
		switch {
		case strings.HasPrefix(line, "#"):
			all = append(all, "heading")
		case strings.HasPrefix(line, "|"):
			all = append(all, strings.Repeat("|", strings.Count(line, "|")))
		case listItem.MatchString(line):
			all = append(all, "item")
		}
	}
	return all
}

// targets returns the files that the page links to, sorted, without the other README. Anchors differ by language.
func targets(p Page) []string {
	var all []string
	for _, l := range p.Links() {
		target, _, _ := strings.Cut(l.Target, "#")
		if !strings.HasPrefix(target, "README") && path.Ext(target) != ".png" {
			all = append(all, target)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// language is the member of a configuration that chooses the language of the messages.
var language = regexp.MustCompile(`"language": "(en|ja)"`)

// bare returns the code of a block without what is in the language of the page: its comments, and the language of
// messages.
func bare(b Block) []string {
	if b.Language != "go" {
		var lines []string
		for line := range strings.Lines(b.Code) {
			line, _, _ = strings.Cut(line, " # ")
			lines = append(lines, language.ReplaceAllString(strings.TrimSpace(line), `"language": ""`))
		}
		return lines
	}
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", -1, len(b.Code)), []byte(b.Code), nil, 0)
	var tokens []string
	for {
		_, tok, literal := s.Scan()
		if tok == token.EOF {
			return tokens
		}
		tokens = append(tokens, tok.String()+" "+literal)
	}
}

func TestCommentsAndLanguagesMayDiffer(t *testing.T) {
	tests := []struct {
		name   string
		en, ja Block
		same   bool
	}{
		{"comments", Block{Language: "go", Code: "f(1) // one\n"}, Block{Language: "go", Code: "f(1) // 一つ\n"}, true},
		{"numbers", Block{Language: "go", Code: "f(1)\n"}, Block{Language: "go", Code: "f(2)\n"}, false},
		{"shell comments", Block{Language: "sh", Code: "ls   # a\n"}, Block{Language: "sh", Code: "ls # い\n"}, true},
		{"flags", Block{Language: "sh", Code: "ls -a\n"}, Block{Language: "sh", Code: "ls -b\n"}, false},
		{"languages", Block{Language: "json", Code: `{"language": "en"}`}, Block{Language: "json", Code: `{"language": "ja"}`}, true},
		{"tokens", Block{Language: "json", Code: `{"token": "en"}`}, Block{Language: "json", Code: `{"token": "ja"}`}, false},
	}
	for _, tt := range tests {
		if got := slices.Equal(bare(tt.en), bare(tt.ja)); got != tt.same {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
