package line

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// The limits of a message. See https://developers.line.biz/en/reference/messaging-api/#message-objects and, for how
// characters are counted, https://developers.line.biz/en/docs/messaging-api/text-character-count/.
const (
	MaxMessages = 5     // message objects in one request
	MaxText     = 5000  // UTF-16 units of a plain text
	MaxAltText  = 400   // UTF-16 units of what stands for a bubble in lists and notifications; newer pages say 1,500
	MaxBubble   = 30000 // bytes of a bubble's JSON; the page says 30 KB
	MaxURI      = 1000  // characters of the address of a button
	MaxImageURL = 2000  // characters of the address of a picture
	MaxLabel    = 20    // characters of the label of a button
)

// A Format is what a message is drawn as.
type Format string

// The formats.
const (
	FormatFlex Format = "flex" // a bubble with a coloured head and a button
	FormatText Format = "text" // plain text
)

func (f Format) known() bool { return f == "" || f == FormatFlex || f == FormatText }

// A Message is one message: a title, text, lines of facts, a memo, a picture and a link. All of it is plain text, in
// either format, but for Raw.
type Message struct {
	Format   Format // the Config's unless set
	Title    string
	Text     string
	Facts    []mackerel.Fact // one line each, "label: value"
	Memo     mackerel.Fact   // cut first if the message is too long
	URL      string          // of the button; in plain text, or if it is none for a button, the last line
	URLLabel string          // of the button, at most MaxLabel; "Open" unless set
	Image    string          // URL of a picture; a bubble shows it only if it is https
	Color    string          // of the bubble's head, "#RRGGBB"; gray unless set

	NotificationDisabled bool // arrive without a sound
	// Raw are message objects in LINE's own form that are sent after this one, such as a textV2 with mentions. They are
	// sent as they are; with this one there are at most MaxMessages.
	Raw []json.RawMessage
	// RetryKey is a UUID under which LINE accepts one message in 24 hours and drops all others; a random one for each
	// call unless set.
	RetryKey string
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL, URLLabel: "Open", Image: w.Graph.Value,
		Color: colorOf(provider.Rating(a)),
	}
	if t.Language == mackerel.Japanese {
		m.URLLabel = "開く"
	}
	return m
}

// gray is the colour of what has no status, or an unknown one, or one newer than this package.
const gray = "#777777"

func colorOf(s mackerel.Status) string {
	switch s {
	case mackerel.StatusOK:
		return "#1DB446"
	case mackerel.StatusWarning:
		return "#F2A900"
	case mackerel.StatusCritical:
		return "#D7263D"
	case mackerel.StatusUnknown:
	}
	return gray
}

var colorForm = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// problems lists what LINE is certain to refuse and no cut can mend.
func (m Message) problems() provider.Problems {
	var p provider.Problems
	if !m.Format.known() {
		p.Add("Format", `must be "flex" or "text"`)
	}
	if m.Color != "" && !colorForm.MatchString(m.Color) {
		p.Add("Color", "not of the form #RRGGBB")
	}
	if provider.Runes.Len(m.URLLabel) > MaxLabel {
		p.Add("URLLabel", "more than "+strconv.Itoa(MaxLabel)+" characters")
	}
	if m.RetryKey != "" && !keyForm.MatchString(m.RetryKey) {
		p.Add("RetryKey", "not a UUID")
	}
	if len(m.Raw) > MaxMessages-1 {
		p.Add("Raw", "more than "+strconv.Itoa(MaxMessages-1)+" messages")
	}
	for i, raw := range m.Raw {
		if !json.Valid(raw) || !utf8.Valid(raw) || bytes.TrimLeft(raw, " \t\r\n")[0] != '{' {
			p.Add("Raw["+strconv.Itoa(i)+"]", "not a JSON object")
		}
	}
	if len(m.Raw) == 0 && blank(m.lines(provider.Lines(m.Facts))) {
		p.Add("Message", "empty")
	}
	return p
}

// sendBody is the body of push, multicast and broadcast.
type sendBody struct {
	To                   any               `json:"to,omitzero"`
	Messages             []json.RawMessage `json:"messages"`
	NotificationDisabled bool              `json:"notificationDisabled"`
}

type textMessage struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type flexMessage struct {
	Type     string          `json:"type"`
	AltText  string          `json:"altText"`
	Contents json.RawMessage `json:"contents"`
}

// objects are the message objects, ours first, and what was cut from it.
func (m Message) objects() ([]json.RawMessage, []mackerel.Cut, error) {
	whole := m.lines(provider.Lines(m.Facts))
	if blank(whole) {
		return m.Raw, nil, nil
	}
	var object any
	var cuts []mackerel.Cut
	if m.Format == FormatText {
		text, c := m.fitText()
		object, cuts = textMessage{"text", text}, c
	} else {
		bubble, c := m.fitBubble()
		object, cuts = flexMessage{"flex", provider.UTF16.Shorten(whole, MaxAltText), json.RawMessage(bubble)}, c
	}
	ours, err := provider.EncodeJSON(object)
	return append([]json.RawMessage{ours}, m.Raw...), cuts, err
}

func (m Message) fitText() (string, []mackerel.Cut) {
	facts := provider.Lines(m.Facts)
	return provider.UTF16.Fit(MaxText, func() string { return m.lines(facts) },
		provider.Part{Field: "memo", Text: &m.Memo.Value}, provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "facts", Text: &facts}, provider.Part{Field: "image", Text: &m.Image},
		provider.Part{Field: "title", Text: &m.Title}, provider.Part{Field: "url", Text: &m.URL},
	)
}

// fitBubble measures the bubble as it will be sent, quoting and all.
func (m Message) fitBubble() (string, []mackerel.Cut) {
	facts, link, address := provider.JoinFacts(m.Facts), "", m.URL
	if provider.Linkable(address, MaxURI) {
		link, address = address, ""
	}
	return provider.Bytes.Fit(MaxBubble, func() string { return m.bubble(facts, link, address) },
		provider.Part{Field: "memo", Text: &m.Memo.Value}, provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "facts", Text: &facts}, provider.Part{Field: "url", Text: &address},
		provider.Part{Field: "title", Text: &m.Title},
	)
}

// lines is the message as plain text, in which clients make links of addresses.
func (m Message) lines(facts string) string {
	image := m.Image
	if blank(image) {
		image = ""
	}
	return provider.Plain(provider.Join("\n", m.Title, m.Text, facts, provider.Line(m.Memo), image, m.URL))
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// label is what stands on the button.
func (m Message) label() string { return cmp.Or(strings.TrimSpace(provider.Plain(m.URLLabel)), "Open") }
