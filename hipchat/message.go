package hipchat

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
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
	Card     *Card
}

// maxLink is the longest address, escaped and in characters, that is a link. What is longer is cut like other text.
const maxLink = 2000

// maxAttributes and maxAttributeValue, in characters, keep a default card from becoming longer than the message.
const (
	maxAttributes     = 6
	maxAttributeValue = 250
)

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. It has no mentions and no card; those come from the Config. Events without a status are gray and
// disturb nobody.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	look := lookOf(rating(a))
	m := Message{
		Color: look.color, Notify: look.notify, Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo,
		URL: w.URL, Image: w.Graph.Value,
	}
	return m
}

// DefaultCard is the alert as a card: title, link, text, the status and the first five facts. Its ID is the alert's Key
// and the status, so that a card sent twice is known as one.
func DefaultCard(a mackerel.Alert, t mackerel.Text) *Card {
	w := provider.Words(a, t)
	c := &Card{
		ID: a.Key() + ":" + string(cmp.Or(rating(a), mackerel.Status(a.Event))), Style: CardApplication, Format: CardMedium,
		Title: w.Title,
	}
	if linkable(w.URL) {
		c.URL = w.URL
	}
	if linkable(w.Graph.Value) && provider.Runes.Len(w.Graph.Value) <= MaxThumbnailURL {
		c.Thumbnail = &Thumbnail{URL: w.Graph.Value}
	}
	if text := join("\n", w.Message, w.Memo.Value); text != "" {
		c.Description = Description{Value: text, Format: FormatText}
	}
	if status := rating(a); status != "" {
		c.addAttribute(statusLabel(t), status.Label(), lookOf(status).lozenge)
	}
	for _, f := range w.Facts {
		c.addAttribute(f.Label, f.Value, "")
	}
	return c
}

func (c *Card) addAttribute(label, value string, style Lozenge) {
	if label == "" || len(c.Attributes) == maxAttributes {
		return
	}
	c.Attributes = append(c.Attributes, Attribute{
		Label: provider.Runes.Shorten(label, MaxAttributeLabel),
		Value: AttributeValue{Label: provider.Runes.Shorten(value, maxAttributeValue), Style: style},
	})
}

func statusLabel(t mackerel.Text) string {
	if t.Language == mackerel.Japanese {
		return "ステータス"
	}
	return "Status"
}

// rating is the status of an alert or alert group, "" for other events: a host that was registered is not unknown.
func rating(a mackerel.Alert) mackerel.Status {
	switch a.Event { //nolint:exhaustive // the others have none
	case "", mackerel.EventAlert, mackerel.EventAlertGroup:
		return a.Status.Fold()
	}
	return ""
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
	facts := m.facts()
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

// facts are the lines of facts, not yet escaped.
func (m Message) facts() string {
	lines := make([]string, len(m.Facts))
	for i, f := range m.Facts {
		lines[i] = f.Label + ": " + f.Value
	}
	return strings.Join(lines, "\n")
}

func (m Message) memo() string {
	if m.Memo.Value == "" {
		return ""
	}
	return m.Memo.Label + ": " + m.Memo.Value
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
	return join("<br>",
		m.Raw, title, EscapeHTML(m.Text), EscapeHTML(facts), element("i", m.memo()), EscapeHTML(address), picture)
}

func element(tag, text string) string {
	if text == "" {
		return ""
	}
	return "<" + tag + ">" + EscapeHTML(text) + "</" + tag + ">"
}

// text writes the mentions first, and addresses in lines of their own, where clients make links of them.
func (m Message) text(facts, link, address string) string {
	body := EscapeText(join("\n", m.Title, m.Text, facts, m.memo(), address))
	picture := m.Image
	if !linkable(picture) {
		picture = ""
	}
	return join("\n", mentionLine(m.Mentions), m.Raw, body, plainLink(link), plainLink(picture))
}

// plainLink writes an address so that nothing in it mentions anybody.
func plainLink(address string) string { return strings.ReplaceAll(address, "@", "%40") }

// linkable reports whether an address may be a link: http or https, without blanks, and not out of proportion.
func linkable(address string) bool {
	if address == "" || strings.ContainsFunc(address, unicode.IsSpace) {
		return false
	}
	_, problem := transport.ParseURL(address)
	return problem == "" && provider.Runes.Len(EscapeHTML(address)) <= maxLink
}

// join leaves out what is empty.
func join(separator string, lines ...string) string {
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), separator)
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

// foldMentions copies the mentions, with the statuses in the form in which they are looked up.
func foldMentions(mentions map[mackerel.Status][]string) map[mackerel.Status][]string {
	folded := make(map[mackerel.Status][]string, len(mentions))
	for status, names := range mentions {
		folded[status.Fold()] = slices.Clone(names)
	}
	return folded
}

func foldNotify(notify map[mackerel.Status]bool) map[mackerel.Status]bool {
	folded := make(map[mackerel.Status]bool, len(notify))
	for status, on := range notify {
		folded[status.Fold()] = on
	}
	return folded
}
