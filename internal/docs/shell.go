package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// A shell checks commands: that their programs, make targets, flags and files exist.
type shell struct {
	root    string
	targets map[string]bool // of the Makefile
	top     map[string]bool // the files and folders of root
}

var makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)

func newShell(root string) (*shell, error) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return nil, err
	}
	s := &shell{root: root, targets: make(map[string]bool), top: make(map[string]bool)}
	for _, m := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		s.targets[m[1]] = true
	}
	entries, err := os.ReadDir(root)
	for _, e := range entries {
		s.top[e.Name()] = true
	}
	return s, err
}

// check returns what is wrong with the commands of a page. They run in the folder of the page or in the root.
func (s *shell) check(page, commands string) []string {
	commands = strings.ReplaceAll(commands, "\\\n", " ")
	var problems []string
	for line := range strings.Lines(commands) {
		line, _, _ = strings.Cut(line, " #")
		for _, command := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune("|&;", r) }) {
			if problem := s.command(path.Dir(page), strings.Fields(command)); problem != "" {
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// command returns what is wrong with a command, "" if nothing is.
func (s *shell) command(dir string, words []string) string {
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:] // a variable of the environment
	}
	if len(words) < 2 {
		return ""
	}
	switch {
	case words[0] == "make":
		return s.makes(words[1:])
	case words[0] == "go" && (words[1] == "run" || words[1] == "build" || words[1] == "test"):
		return s.packages(dir, words[1:])
	}
	for _, word := range words[1:] {
		word = strings.TrimPrefix(word, "@") // a file whose content curl sends
		first, _, deep := strings.Cut(word, "/")
		if deep && s.top[first] && !s.exists(dir, word) {
			return "no such file: " + word
		}
	}
	return ""
}

func (s *shell) makes(targets []string) string {
	for _, target := range targets {
		if !strings.Contains(target, "=") && !s.targets[target] {
			return "no such target of the Makefile: " + target
		}
	}
	return ""
}

// packages checks the packages of a go command, and the flags of a program that it runs.
func (s *shell) packages(dir string, words []string) string {
	for i, word := range words {
		name, ok := strings.CutPrefix(word, "./")
		name = strings.TrimSuffix(name, "...")
		switch {
		case !ok:
			continue
		case !s.exists(dir, name):
			return "no such folder: " + word
		case words[0] == "run":
			return s.flags(dir, name, words[i+1:])
		}
	}
	return ""
}

var flagName = regexp.MustCompile(`^--?([a-z][a-z0-9-]*)$`)

// flags checks that the source of a program has the names of all flags.
func (s *shell) flags(dir, program string, words []string) string {
	files, err := filepath.Glob(filepath.Join(s.find(dir, program), "*.go"))
	if err != nil {
		return err.Error()
	}
	var source strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		source.Write(content)
	}
	for _, word := range words {
		if m := flagName.FindStringSubmatch(word); m != nil && !strings.Contains(source.String(), `"`+m[1]+`"`) {
			return fmt.Sprintf("%s has no flag %s", program, word)
		}
	}
	return ""
}

func (s *shell) exists(dir, name string) bool {
	_, err := os.Stat(s.find(dir, name))
	return err == nil
}

// find returns the path of a file in the folder of a page or, if it is not there, in the root.
func (s *shell) find(dir, name string) string {
	here := filepath.Join(s.root, filepath.FromSlash(dir), filepath.FromSlash(name))
	if _, err := os.Stat(here); err == nil {
		return here
	}
	return filepath.Join(s.root, filepath.FromSlash(name))
}

// commandSpan matches commands within the text of a page.
var commandSpan = regexp.MustCompile("`((?:go (?:run|build|test) \\./|make )[^`]*)`")
