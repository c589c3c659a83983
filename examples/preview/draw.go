package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// A drawing is about what a person would see. It is made from the request alone, as the service would make it: what is
// not in the request cannot be in the drawing.
type drawing struct {
	Phone  phone
	Blocks blocks
}

// A phone is what the lock screen of a phone shows of a message, or what a voice says. It is empty for programs.
type phone struct {
	Subject string // of a mail, in a line of its own
	Text    string
	Spoken  int // how often a voice says the text; 0 for what is read
}

// Blocks are the parts of a drawing, from top to bottom.
type blocks []block

// A block is a part of a drawing: a text, facts, a picture, buttons, JSON, or a frame with blocks in it.
type block struct {
	Look    string // a class of page.css, such as "title" or "bar"
	Color   string // of the bar or the head, #RRGGBB
	Text    richText
	Facts   []fact
	Picture string // the address
	Buttons []run
	Code    string
	Blocks  blocks
}

// A fact is a label and a value in two columns.
type fact struct {
	Label, Value richText
	API          bool // the label is a name of the service's API, and English
}

// A richText is a text whose parts have different looks. It may have line breaks.
type richText []run

// A run is a part of a richText with one look.
type run struct {
	Text    string
	URL     string // of a link
	Bold    bool
	Italic  bool
	Mention bool
	Ink     string // the colour, #RRGGBB; that of the theme unless set
}

// plain returns a text without links.
func plain(text string) richText { return richText{{Text: text}} }

var address = regexp.MustCompile(`https?://[!-~]*[^\s.,;:!?'")\]\x80-\x{10ffff}]`)

// linked returns a text in which addresses are links, as in services that look for addresses themselves.
func linked(text string) (t richText) {
	end := 0
	for _, at := range address.FindAllStringIndex(text, -1) {
		t = append(t, run{Text: text[end:at[0]]}, run{Text: text[at[0]:at[1]], URL: text[at[0]:at[1]]})
		end = at[1]
	}
	return append(t, run{Text: text[end:]})
}

// String returns the text without its links.
func (t richText) String() string {
	var b strings.Builder
	for _, r := range t {
		b.WriteString(r.Text)
	}
	return b.String()
}

// trim returns the text without blanks and line breaks at its ends, nil if nothing is left.
func (t richText) trim() richText {
	for len(t) > 0 {
		if t[0].Text = strings.TrimLeft(t[0].Text, " \n"); t[0].Text != "" {
			break
		}
		t = t[1:]
	}
	for len(t) > 0 {
		last := &t[len(t)-1]
		if last.Text = strings.TrimRight(last.Text, " \n"); last.Text != "" {
			return t
		}
		t = t[:len(t)-1]
	}
	return nil
}

// text adds a text, unless it is blank.
func (b *blocks) text(look string, t richText) {
	if t = t.trim(); t != nil {
		*b = append(*b, block{Look: look, Text: t})
	}
}

// frame adds blocks with a bar, a border or a background around them, unless there are none.
func (b *blocks) frame(look, color string, inner blocks) {
	if len(inner) > 0 {
		*b = append(*b, block{Look: look, Color: color, Blocks: inner})
	}
}

// picture adds a picture, unless there is no address.
func (b *blocks) picture(address string) {
	if address != "" {
		*b = append(*b, block{Look: "picture", Picture: address})
	}
}

// buttons adds buttons in a row, unless there are none.
func (b *blocks) buttons(look string, buttons []run) {
	if len(buttons) > 0 {
		*b = append(*b, block{Look: look, Buttons: buttons})
	}
}

// fact adds a fact, below the last one if that is the last block.
func (b *blocks) fact(f fact) {
	if f.Value = f.Value.trim(); f.Value == nil {
		return
	}
	if n := len(*b); n == 0 || (*b)[n-1].Facts == nil {
		*b = append(*b, block{Look: "facts"})
	}
	last := &(*b)[len(*b)-1]
	last.Facts = append(last.Facts, f)
}

// members adds members of the request as facts: names, each followed by its value.
func (b *blocks) members(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		b.fact(fact{Label: plain(pairs[i]), Value: plain(pairs[i+1]), API: true})
	}
}

// code adds a JSON value, indented.
func (b *blocks) code(value string) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(value), "", "  "); err != nil {
		return err
	}
	*b = append(*b, block{Look: "code", Code: indented.String()})
	return nil
}

// firstLine returns the first line of a text.
func firstLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return first
}

// join puts blanks between texts that are not empty.
func join(texts ...string) string {
	return strings.Join(strings.Fields(strings.Join(texts, " ")), " ")
}
