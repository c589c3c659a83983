package main

import (
	"embed"
	"html/template"
	"io"
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

//go:embed alerts.json page.html page.css
var files embed.FS

// A page is what page.html shows.
type page struct {
	Language mackerel.Language
	Theme    string // auto, light or dark; auto unless set
	Rows     []row
	Form     *form // of the live page; nil if the page is written to a file
}

// A form is what the live page asks for, and what it says about the answer.
type form struct {
	Body    string // as it was pasted, or of the sample
	Sample  string // the name of the sample; empty if the body was pasted
	Samples []entry
	Problem string // why the body is not drawn, or not as a whole
	Detail  string // the error, in English
}

// Words returns the words of the page itself.
func (p page) Words() words { return wordsOf(p.Language) }

// CSS returns the style sheet, which is a part of the page.
func (page) CSS() (template.CSS, error) {
	css, err := files.ReadFile("page.css")
	return template.CSS(css), err //nolint:gosec // our own file
}

// Themes returns the choices of the switch.
func (p page) Themes() []theme {
	w := p.Words()
	return []theme{{"auto", w.Auto, p.Theme == "" || p.Theme == "auto"}, {"light", w.Light, p.Theme == "light"},
		{"dark", w.Dark, p.Theme == "dark"}}
}

// A theme is one choice of the switch between light and dark.
type theme struct {
	ID, Label string
	Chosen    bool
}

// render writes the page.
func render(w io.Writer, p page) error {
	functions := template.FuncMap{
		"pieces":   func(text string) []piece { return pieces(text, p.Language) },
		"linkable": linkable,
	}
	t, err := template.New("page.html").Funcs(functions).ParseFS(files, "page.html")
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// A piece is a part of a text in one language.
type piece struct {
	Text string
	Lang mackerel.Language // empty if it is the language of the text around it
}

const (
	kana  = `\p{Han}\p{Hiragana}\p{Katakana}ー`
	signs = `\x{3000}-\x{303f}\x{ff01}-\x{ff60}・` // punctuation and full-width letters
)

// japanese finds Japanese words, with the blanks and digits between them.
var japanese = regexp.MustCompile(`[` + kana + `](?:[\s\d]*[` + kana + signs + `])*`)

// pieces marks the Japanese words in a text of another language. A browser draws Chinese characters by the language.
func pieces(text string, language mackerel.Language) (all []piece) {
	if language == mackerel.Japanese {
		return []piece{{Text: text}}
	}
	end := 0
	for _, at := range japanese.FindAllStringIndex(text, -1) {
		if before := text[end:at[0]]; before != "" {
			all = append(all, piece{Text: before})
		}
		all = append(all, piece{text[at[0]:at[1]], mackerel.Japanese})
		end = at[1]
	}
	if end < len(text) {
		all = append(all, piece{Text: text[end:]})
	}
	return all
}

// linkable reports whether the page links to an address. An address of another kind could be a program.
func linkable(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

// A drawn is a list of blocks with the language of their texts, for the template.
type drawn struct {
	Language mackerel.Language
	Blocks   blocks
}

// With returns blocks in the language of the page.
func (p page) With(b blocks) drawn { return drawn{p.Language, b} }

// With returns other blocks in the same language.
func (d drawn) With(b blocks) drawn { return drawn{d.Language, b} }
