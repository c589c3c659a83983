package hipchat

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A Message is one notification: a title that links to URL, text, lines of facts, a memo and a picture. All of it is
// plain text that is escaped when it is sent, but for Raw and what the Card itself documents as HTML.
type Message struct {
	Format   Format   // FormatHTML unless set, or FormatText if there are mentions
	Mentions []string // mention names, with or without the @; in HTML they are left out
	Color    Color    // ColorYellow unless set
	Notify   bool     // disturb people
	Title    string
	Text     string
	Facts    []mackerel.Fact // one line each, "label: value"
	Memo     mackerel.Fact   // cut first if the message is too long
	URL      string          // what the title links to; in plain text the last line
	Image    string          // URL of a picture; one that is not http or https is left out
	Raw      string          // in the message's format, sent as it is in front of the title and never cut
	AttachTo string          // id of the message in the room to show this one with, which a history has
	Card     *Card
}

// maxLink is the longest address, escaped and in characters, that is a link. What is longer is cut like other text.
const maxLink = 2000

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. It has no mentions and no card; those come from the Config. Events without a status are gray and
// disturb nobody.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	look := lookOf(provider.Rating(a))
	return Message{
		Color: look.color, Notify: look.notify, Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo,
		URL: w.URL, Image: w.Graph.Value,
	}
}

// A look is what a status looks like.
type look struct {
	color   Color
	lozenge Lozenge
	notify  bool
}

// lookOf draws statuses that are newer than this package as unknown ones.
func lookOf(s mackerel.Status) look {
	switch s {
	case "":
		return look{ColorGray, LozengeDefault, false}
	case mackerel.StatusOK:
		return look{ColorGreen, LozengeSuccess, false}
	case mackerel.StatusWarning:
		return look{ColorYellow, LozengeCurrent, false}
	case mackerel.StatusCritical:
		return look{ColorRed, LozengeError, true}
	case mackerel.StatusUnknown:
	}
	return look{ColorGray, LozengeDefault, true}
}

func (m Message) format() Format {
	if m.Format == "" && len(m.Mentions) > 0 {
		return FormatText
	}
	return cmp.Or(m.Format, FormatHTML)
}

// body renders the message in at most MaxMessage characters, and says what was cut for that.
func (m Message) body(f Format) (string, []mackerel.Cut) {
	facts := provider.Lines(m.Facts)
	link, address := "", m.URL
	if linkable(address) {
		link, address = address, ""
	}
	render := func() string { return m.html(facts, link, address) }
	if f == FormatText {
		render = func() string { return m.text(facts, link, address) }
	}
	return provider.Runes.Fit(MaxMessage, render,
		provider.Part{Field: "memo", Text: &m.Memo.Value}, provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "facts", Text: &facts}, provider.Part{Field: "url", Text: &address},
		provider.Part{Field: "title", Text: &m.Title},
	)
}

// html writes the title as a link; an address that cannot be one stands below, as text.
func (m Message) html(facts, link, address string) string {
	title, picture := element("b", m.Title), ""
	if link != "" {
		link = EscapeHTML(link)
		title = `<a href="` + link + `">` + cmp.Or(title, link) + `</a>`
	}
	if linkable(m.Image) {
		picture = `<img src="` + EscapeHTML(m.Image) + `">`
	}
	return provider.Join("<br>",
		m.Raw, title, EscapeHTML(m.Text), EscapeHTML(facts), element("i", provider.Line(m.Memo)), EscapeHTML(address), picture)
}

func element(tag, text string) string {
	if text == "" {
		return ""
	}
	return "<" + tag + ">" + EscapeHTML(text) + "</" + tag + ">"
}

// text writes the mentions first, and addresses in lines of their own, where clients make links of them.
func (m Message) text(facts, link, address string) string {
	body := EscapeText(provider.Join("\n", m.Title, m.Text, facts, provider.Line(m.Memo), address))
	picture := m.Image
	if !linkable(picture) {
		picture = ""
	}
	return provider.Join("\n", mentionLine(m.Mentions), m.Raw, body, plainLink(link), plainLink(picture))
}

// plainLink writes an address so that nothing in it mentions anybody.
func plainLink(address string) string { return strings.ReplaceAll(address, "@", "%40") }

// linkable reports whether an address may be a link. Escaped it may be several times as long.
func linkable(address string) bool {
	return provider.Linkable(address, maxLink) && provider.Runes.Len(EscapeHTML(address)) <= maxLink
}

func mentionLine(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("@" + strings.TrimPrefix(n, "@"))
	}
	return b.String()
}

// checkMentions notes what can be nobody's mention name.
func checkMentions(p *provider.Problems, mentions map[mackerel.Status][]string) {
	for _, status := range slices.Sorted(maps.Keys(mentions)) {
		for _, n := range mentions[status] {
			if n = strings.TrimPrefix(n, "@"); n == "" || strings.ContainsFunc(n, notInMention) {
				p.Add("Mentions["+string(status)+"]", "not a mention name")
			}
		}
	}
}

func notInMention(r rune) bool { return r == '@' || unicode.IsSpace(r) || unicode.IsControl(r) }
