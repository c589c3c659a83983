package main

import (
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// A drawing is about what a person would see. It is made from the request alone, as the service would make it: what is
// not in the request cannot be in the picture.
type drawing struct {
	Phone   phone
	Color   string // of the bar or head
	Mention string // in front of the message
	Title   richText
	Body    body
	Graph   string // address of the picture
	Buttons []string
	Small   []string // at the bottom: keys, priorities, footers
}

// A phone is what the lock screen of a phone shows of a message, or what a voice says. It is empty for programs.
type phone struct {
	Subject string // of a mail, in a line of its own
	Text    string
	Spoken  int // how often a voice says the text; 0 for what is read
}

// A richText is text of which parts may be links. It may have line breaks.
type richText []run

// A run is a part of a richText that has one look.
type run struct {
	Text    string
	URL     string // of a link
	Mention bool
}

// plain returns text without links.
func plain(text string) richText {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return richText{{Text: text}}
}

// String returns the text without its links.
func (l richText) String() string {
	var b strings.Builder
	for _, r := range l {
		b.WriteString(r.Text)
	}
	return strings.TrimSpace(b.String())
}

// isBlank reports whether there is no text to see.
func (l richText) isBlank() bool { return l.String() == "" }

// A body is what stands below the title, in its order.
type body []block

// A block is a line, or facts in a row.
type block struct {
	Line  richText
	Facts []mackerel.Fact
}

func (b *body) line(l richText) {
	if !l.isBlank() {
		*b = append(*b, block{Line: l})
	}
}

func (b *body) text(s string) { b.line(plain(s)) }

// address adds a link that shows its address.
func (b *body) address(s string) { b.line(richText{{Text: s, URL: s}}) }

// addressLast adds a text whose last line may be an address.
func (b *body) addressLast(text string) {
	before, last := "", text
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		before, last = text[:i], text[i+1:]
	}
	if !strings.HasPrefix(last, "https://") {
		b.text(text)
		return
	}
	b.text(before)
	b.address(last)
}

func (b *body) fact(label, value, address string) {
	if value == "" {
		return
	}
	if n := len(*b); n == 0 || (*b)[n-1].Facts == nil {
		*b = append(*b, block{})
	}
	last := &(*b)[len(*b)-1]
	last.Facts = append(last.Facts, mackerel.Fact{Label: label, Value: value, URL: address})
}

func (d *drawing) small(label, value string) {
	if value != "" {
		d.Small = append(d.Small, label+": "+value)
	}
}

// firstLine returns the first line of a text.
func firstLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return first
}
