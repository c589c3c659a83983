// Package docs checks the pages of this repository: every code block, every link and every command, and that the two
// READMEs have the same structure. It is a module of its own, because some blocks need durable or a reader of YAML.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Page is a file in Markdown.
type Page struct {
	Name   string // its path in the repository, with slashes
	Text   string // without its code blocks; the numbers of the lines are the same
	Blocks []Block
}

// A Block is a block of code between lines of three backticks.
type Block struct {
	Line     int    // of the first line of code, from 1
	Language string // "go", "sh", ... or ""
	Code     string // without the indentation of its first line of backticks
}

// Pages returns all pages below a folder, in the order of their names, without those of packages of npm.
func Pages(root string) ([]Page, error) {
	var pages []Page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") { // make peers-npm fills the latter
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		pages = append(pages, parse(filepath.ToSlash(name), string(content)))
		return nil
	})
	return pages, err
}

// parse separates the text of a page from its code blocks.
func parse(name, content string) Page {
	p := Page{Name: name}
	var text strings.Builder
	var block *Block
	indent := ""
	for i, line := range strings.Split(content, "\n") {
		fence := strings.TrimLeft(line, " ")
		switch {
		case !strings.HasPrefix(fence, "```") && block != nil:
			block.Code += strings.TrimPrefix(line, indent) + "\n"
		case !strings.HasPrefix(fence, "```"):
			text.WriteString(line)
		case block != nil:
			p.Blocks = append(p.Blocks, *block)
			block = nil
		default:
			indent = line[:len(line)-len(fence)]
			block = &Block{Line: i + 2, Language: strings.TrimPrefix(fence, "```")}
		}
		text.WriteByte('\n')
	}
	p.Text = text.String()
	return p
}
