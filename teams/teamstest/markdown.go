package teamstest

import (
	"regexp"
	"strings"
)

// A Link is a link or a picture that the Markdown of a card makes.
type Link struct{ URL, Label string }

// Links returns the links and pictures in the Markdown of the card, from top to bottom. Clients read Markdown
// differently, so Links takes for a link what any of them may take for one: also with blanks before the address, and a
// line that defines what [x] links to. The buttons are in Actions.
func (c Card) Links() []Link {
	var all []Link
	for _, text := range appendTexts(nil, c.Body) {
		all = append(all, links(text)...)
	}
	return all
}

var (
	// An empty line ends a paragraph, and no link goes over it.
	target     = regexp.MustCompile(`\][ \t]*\n?[ \t]*\(\s*<?([^\s()<>]*)[^)]*\)`)
	definition = regexp.MustCompile(`(?m)^[ \t]*\[((?:[^\[\]\n]|\n[^\[\]\n])+)\][ \t]*:\s*<?([^\s<>]+)`)
	autolink   = regexp.MustCompile(`<([A-Za-z][0-9A-Za-z+.\-]+:[^\s<>]*|[!-;=?A-~]+@[^\s<>]+)>`)
	escaped    = regexp.MustCompile("\\\\[!-/:-@\\[-`{-~]")
)

// private is the first of 128 characters without a meaning. They stand for characters behind a backslash.
const private = '\ue000'

// links returns the links in one text: those with a label, those in angle brackets, and definitions.
func links(text string) []Link {
	text = escaped.ReplaceAllStringFunc(text, func(s string) string { return string(private + rune(s[1])) })
	var all []Link
	for _, at := range target.FindAllStringSubmatchIndex(text, -1) {
		if label, ok := labelBefore(text[:at[0]]); ok {
			all = append(all, Link{unmask(text[at[2]:at[3]]), unmask(label)})
		}
	}
	for _, m := range autolink.FindAllStringSubmatch(text, -1) {
		all = append(all, Link{URL: unmask(m[1])})
	}
	for _, m := range definition.FindAllStringSubmatch(text, -1) {
		all = append(all, Link{unmask(m[2]), unmask(m[1])})
	}
	return all
}

// labelBefore returns the label that a closing bracket behind the text ends. It reports false if no bracket begins the
// label.
func labelBefore(text string) (label string, ok bool) {
	open := 1
	for i := len(text) - 1; i >= 0; i-- {
		switch text[i] {
		case ']':
			open++
		case '[':
			if open--; open == 0 {
				return text[i+1:], true
			}
		}
	}
	return "", false
}

// unmask writes the characters that had a backslash.
func unmask(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= private && r < private+128 {
			return r - private
		}
		return r
	}, text)
}
