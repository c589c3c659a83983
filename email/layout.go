package email

import (
	"cmp"
	"html"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A layout is a message that is made into its two forms.
type layout struct {
	Message
	subject  string
	language mackerel.Language
	cut      []mackerel.Cut // of the subject
}

// newLayout makes the subject of the title.
func newLayout(m Message, language mackerel.Language) *layout {
	l := &layout{Message: m, language: language}
	c := provider.Cutter{Unit: provider.Runes}
	l.subject, _ = c.Headline("title", m.Title, "", maxTitle)
	l.cut = c.Cuts
	l.Title = provider.Runes.ShortenMiddle(m.Title, maxBodyTitle)
	if l.Image = provider.Address(m.Image); !provider.Linkable(l.Image, maxLink) {
		l.Image = ""
	}
	return l
}

// texts returns the texts of the body. The body has the title only if the subject does not have all of it, or if the
// body would have no text: lists of mails show the subject and the beginning of the body side by side.
func (l *layout) texts() provider.Texts {
	t := provider.Texts{Text: l.Text, Facts: l.Facts, Memo: l.Memo, URL: l.URL}
	if len(l.cut) > 0 || provider.Blank(l.Text, l.Memo.Value, l.RawHTML) && !l.hasFacts() {
		t.Title = l.Title
	}
	return t
}

func (l *layout) hasFacts() bool {
	return slices.ContainsFunc(l.Facts, func(f mackerel.Fact) bool { return !provider.Blank(f.Value) })
}

// cuts returns all cuts, by those of the body. The title of the subject and the title of the body are one field.
func (l *layout) cuts(body []mackerel.Cut) []mackerel.Cut {
	if slices.ContainsFunc(body, func(c mackerel.Cut) bool { return c.Field == "title" }) {
		return body
	}
	return append(l.cut, body...)
}

// plain returns the text/plain form, with blank lines between its parts. A title comes after the text, so that the body
// begins with the first line of the text.
func (l *layout) plain(t provider.Texts) string {
	return provider.Join("\n\n", t.Text, t.Title, provider.Lines(t.Facts), provider.Line(t.Memo), t.URL, l.Image) + "\n"
}

// html returns the text/html form. All styles are inline, because many mail programs ignore other CSS. Only the picture
// is loaded from elsewhere.
func (l *layout) html(t provider.Texts) string {
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
	write("", l.RawHTML, "")
	write("<p>", escape(t.Text), "</p>")
	write("<p>", escape(t.Title), "</p>")
	write("<table>\n", rows(t.Facts), "</table>")
	write("<p>", escape(provider.Line(t.Memo)), "</p>")
	write("<p>", link(t.URL, escape(t.URL)), "</p>")
	write("<p>", picture(l.Image, t.URL), "</p>")
	b.WriteString("</div>\n</body>\n</html>\n")
	return b.String()
}

// rows returns the facts as the rows of a table. The value of a fact with a URL is a link.
func rows(facts []mackerel.Fact) string {
	var b strings.Builder
	for _, f := range facts {
		b.WriteString(`<tr><th align="left" valign="top" style="padding-right:12px">` + escape(f.Label) + "</th>")
		b.WriteString("<td>" + link(f.URL, escape(f.Value)) + "</td></tr>\n")
	}
	return b.String()
}

// link makes HTML a link to a page, if the address can be a link.
func link(address, inner string) string {
	if inner == "" || !provider.Linkable(address, maxLink) {
		return inner
	}
	return `<a href="` + html.EscapeString(address) + `">` + inner + "</a>"
}

func picture(image, address string) string {
	if image == "" {
		return ""
	}
	return link(address, `<img src="`+html.EscapeString(image)+`" alt="`+html.EscapeString(image)+`">`)
}

// escape returns plain text as HTML.
func escape(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n")
}
