package email

import (
	"cmp"
	"html"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A layout is a message that is made into its two forms. Its texts are plain.
type layout struct {
	Message
	title, facts, url, image      string
	moreText, moreFacts, moreMemo int // bytes that there is no room for
	language                      mackerel.Language
}

// newLayout makes the texts of a message plain, and the title short enough.
func newLayout(m Message, language mackerel.Language) (*layout, []mackerel.Cut) {
	l := &layout{Message: m, title: oneLine(m.Title), url: oneLine(m.URL), language: language}
	l.facts, l.moreFacts = provider.Bytes.JoinFacts(m.Facts, maxMail)
	l.Text, l.moreText = provider.Bytes.Plain(provider.Trim(m.Text), maxMail)
	l.Memo.Label = oneLine(m.Memo.Label)
	l.Memo.Value, l.moreMemo = provider.Bytes.Plain(m.Memo.Value, maxMail)
	if image := oneLine(m.Image); provider.Linkable(image, maxLink) {
		l.image = image
	}
	_, cuts := provider.Runes.Fit(maxTitle, func() string { return l.title }, provider.Part{Field: "title", Text: &l.title})
	return l, cuts
}

// parts returns the texts in the order in which they are cut.
func (l *layout) parts() []provider.Part {
	return []provider.Part{
		{Field: "memo", Text: &l.Memo.Value, Rest: l.moreMemo}, {Field: "text", Text: &l.Text, Rest: l.moreText},
		{Field: "facts", Text: &l.facts, Rest: l.moreFacts}, {Field: "url", Text: &l.url},
	}
}

// plain returns the text/plain form, with blank lines between its parts.
func (l *layout) plain() string {
	facts := provider.Lines(provider.SplitFacts(l.facts))
	return provider.Join("\n\n", l.title, l.Text, facts, provider.Line(l.Memo), l.url, l.image) + "\n"
}

// html returns the text/html form. All styles are inline, because many mail programs ignore other CSS. Only the picture
// is loaded from elsewhere.
func (l *layout) html() string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"" + string(cmp.Or(l.language, mackerel.English)) + "\">\n")
	b.WriteString("<head><meta charset=\"utf-8\"></head>\n<body>\n")
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

// rows returns the facts as the rows of a table.
func (l *layout) rows() string {
	var b strings.Builder
	for _, f := range provider.SplitFacts(l.facts) {
		b.WriteString(`<tr><th align="left" valign="top" style="padding-right:12px">` + escape(f.Label) + "</th>")
		b.WriteString("<td>" + escape(f.Value) + "</td></tr>\n")
	}
	return b.String()
}

// link makes HTML a link to the page, if the address can be a link.
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

// escape returns plain text as HTML.
func escape(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n")
}
