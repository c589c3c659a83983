package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// An htmlPage is what a message in HTML shows.
type htmlPage struct {
	body  body   // a row of a table, with a heading and a cell, is a fact
	graph string // address of the picture

	href string   // of the link that is open
	row  *[2]run  // of the table that is open
	cell *run     // of the row
	open richText // the last line
}

// readHTML reads the HTML that notifiers write: paragraphs, line breaks, links, tables of two columns and pictures.
func readHTML(text string) (htmlPage, error) {
	dec := xml.NewDecoder(strings.NewReader("<div>" + text + "</div>")) // closes elements that have no end, such as img
	dec.Strict, dec.AutoClose, dec.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var p htmlPage
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			p.endLine()
			return p, nil
		}
		if err != nil {
			return htmlPage{}, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			p.start(token)
		case xml.EndElement:
			p.end(token.Name.Local)
		case xml.CharData:
			p.text(string(token))
		}
	}
}

func (p *htmlPage) start(e xml.StartElement) {
	switch e.Name.Local {
	case "a":
		p.href = attribute(e, "href")
	case "img":
		p.graph = attribute(e, "src")
	case "br", "p":
		p.endLine()
	case "tr":
		p.row = new([2]run)
	case "th":
		p.cell = &p.row[0]
	case "td":
		p.cell = &p.row[1]
	}
}

func (p *htmlPage) end(name string) {
	switch name {
	case "a":
		p.href = ""
	case "p":
		p.endLine()
	case "th", "td":
		p.cell = nil
	case "tr":
		p.body.fact(p.row[0].Text, p.row[1].Text, p.row[1].URL)
		p.row = nil
	}
}

// text adds text to the cell or the line that is open. Line breaks in HTML are blanks.
func (p *htmlPage) text(s string) {
	s = strings.ReplaceAll(s, "\n", " ")
	switch {
	case p.cell != nil:
		p.cell.Text, p.cell.URL = p.cell.Text+s, p.href
	case strings.TrimSpace(s) != "":
		p.open = append(p.open, run{Text: s, URL: p.href})
	}
}

func (p *htmlPage) endLine() {
	if !p.open.isBlank() {
		p.open[0].Text = strings.TrimLeft(p.open[0].Text, " ")
		p.body.line(p.open)
	}
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
