package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// An htmlReader reads a message in HTML.
type htmlReader struct {
	blocks blocks
	look   run       // the look of the text that comes next
	open   richText  // the paragraph that is open
	row    *fact     // of the table that is open
	cell   *richText // of the row
}

// readHTML reads the HTML that notifiers write: paragraphs, line breaks, links, bold and slanting text, pictures, and
// tables of two columns. A row of a table, with a heading and a cell, is a fact.
func readHTML(text string) (blocks, error) {
	dec := xml.NewDecoder(strings.NewReader("<div>" + text + "</div>")) // closes elements that have no end, such as img
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var p htmlReader
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			p.endParagraph()
			return p.blocks, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			p.start(token)
		case xml.EndElement:
			p.end(token.Name.Local)
		case xml.CharData:
			p.text(strings.ReplaceAll(string(token), "\n", " ")) // a line break in HTML is a blank
		}
	}
}

func (p *htmlReader) start(e xml.StartElement) {
	switch e.Name.Local {
	case "a":
		p.look.URL = attribute(e, "href")
	case "b", "strong":
		p.look.Bold = true
	case "i", "em":
		p.look.Italic = true
	case "br":
		p.text("\n")
	case "p":
		p.endParagraph()
	case "img":
		p.endParagraph()
		p.blocks.picture(attribute(e, "src"))
	case "tr":
		p.endParagraph()
		p.row = &fact{}
	}
	switch {
	case p.row == nil:
	case e.Name.Local == "th":
		p.cell, p.look.Bold = &p.row.Label, true
	case e.Name.Local == "td":
		p.cell = &p.row.Value
	}
}

func (p *htmlReader) end(name string) {
	switch name {
	case "a":
		p.look.URL = ""
	case "b", "strong":
		p.look.Bold = false
	case "i", "em":
		p.look.Italic = false
	case "p":
		p.endParagraph()
	case "th", "td":
		p.cell, p.look.Bold = nil, false
	case "tr":
		if p.row != nil {
			p.blocks.fact(*p.row)
		}
		p.row = nil
	}
}

// text adds text to the cell or the paragraph that is open. Blanks between rows and at the beginning of a line are not
// shown.
func (p *htmlReader) text(s string) {
	r := p.look
	if r.Text = s; p.cell != nil {
		*p.cell = append(*p.cell, r)
		return
	}
	if n := len(p.open); p.row != nil || n > 0 && p.open[n-1].Text == "\n" {
		r.Text = strings.TrimLeft(s, " ")
	}
	if r.Text != "" {
		p.open = append(p.open, r)
	}
}

func (p *htmlReader) endParagraph() {
	p.blocks.text("", p.open)
	p.open = nil
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
