package email

import (
	"cmp"
	"html"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A layout is a message on its way to both of its forms. Its texts are plain.
type layout struct {
	Message
	title, facts, url, image string
	lang                     string
}

// plain is the text/plain form, with blank lines between its parts.
func (l *layout) plain() string {
	return provider.Join("\n\n", l.title, l.Text, provider.Lines(provider.SplitFacts(l.facts)), provider.Line(l.Memo), l.url, l.image) + "\n"
}

// html is the text/html form. Mail programs know little of CSS: everything is inline and needs nothing from elsewhere but
// the picture.
func (l *layout) html() string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"" + cmp.Or(l.lang, "en") + "\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n")
	b.WriteString(`<div style="font-family:sans-serif;font-size:14px;line-height:1.5`)
	if l.Color != "" {
		b.WriteString(";border-left:5px solid " + l.Color + ";padding-left:12px")
	}
	b.WriteString("\">\n")
	write := func(before, text, after string) {
		if text != "" {
			b.WriteString(before + text + after + "\n")
		}
	}
	write(`<h1 style="font-size:18px;margin:0 0 8px">`, escape(l.title), "</h1>")
	write("", l.RawHTML, "")
	write("<p>", escape(l.Text), "</p>")
	write("<table>\n", l.rows(), "</table>")
	write("<p>", escape(provider.Line(l.Memo)), "</p>")
	write("<p>", l.link(escape(l.url)), "</p>")
	write("<p>", l.picture(), "</p>")
	b.WriteString("</div>\n</body>\n</html>\n")
	return b.String()
}

// rows are the facts as the rows of a table.
func (l *layout) rows() string {
	var b strings.Builder
	for _, f := range provider.SplitFacts(l.facts) {
		b.WriteString(`<tr><th align="left" valign="top" style="padding-right:12px">` + escape(f.Label) + "</th><td>" + escape(f.Value) + "</td></tr>\n")
	}
	return b.String()
}

// link puts HTML behind a link to the page, if the address can be one.
func (l *layout) link(inner string) string {
	if inner == "" || !provider.Linkable(l.url, maxLink) {
		return inner
	}
	return `<a href="` + html.EscapeString(l.url) + `">` + inner + "</a>"
}

func (l *layout) picture() string {
	if l.image == "" {
		return ""
	}
	return l.link(`<img src="` + html.EscapeString(l.image) + `" alt="` + html.EscapeString(l.image) + `">`)
}

// escape makes HTML of plain text.
func escape(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n")
}
