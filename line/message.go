package line

import (
	"cmp"
	"context"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of a message. See https://developers.line.biz/en/reference/messaging-api/#message-objects and, for how
// characters are counted, https://developers.line.biz/en/docs/messaging-api/text-character-count/. The alternative text
// of a bubble, which lists and notifications show, may have 400 or 1,500 units, depending on the page; ours has at most
// provider.MaxHeadline.
const (
	maxRecipients = 500   // users of a multicast
	maxMessages   = 5     // message objects in one request
	maxText       = 5000  // UTF-16 units of a plain text
	maxBubble     = 30000 // bytes of a bubble's JSON; the page says 30 KB
	maxURI        = 1000  // characters of the address of a button
	maxImageURL   = 2000  // characters of the address of a picture
	maxLabel      = 20    // characters of the label of a button
)

// The limits of a channel for each kind of call. LINE documents 2,000 pushes in a second; what counts for alerts is the
// month's quota, which no wait heals. Of broadcasts it documents 60 in an hour. A broadcast that would have to wait is
// refused, because an alert that comes an hour late is of no use.
// See https://developers.line.biz/en/reference/messaging-api/#rate-limits.
var (
	rate          = transport.Limit{N: 100, Per: time.Second, Gate: time.Second, GateMax: 5 * time.Minute}
	broadcastRate = transport.Limit{N: 60, Per: time.Hour, Gate: time.Minute, Late: transport.Never}
)

// A Format is the form of a message.
type Format string

// The formats.
const (
	FormatFlex Format = "flex" // a bubble with a coloured head and a button
	FormatText Format = "text" // plain text
)

// A Message is a title, text, facts, a memo, a picture and a link, as a bubble or as plain text. All texts are plain in
// both formats, except Raw. The alternative text of a bubble is the title and the first line of the text, at most 150
// UTF-16 units.
type Message struct {
	Format Format // FormatFlex unless set
	Title  string
	Text   string // the first line says how bad it is; lists and notifications show it behind the title
	// Facts are one line each, "label: value". In a bubble, a tap on the value opens the fact's URL.
	Facts    []mackerel.Fact
	Memo     mackerel.Fact
	URL      string // of the button; the last line in plain text, or if it cannot be opened by a button
	URLLabel string // of the button, at most 20 characters; "Open in Mackerel" or "Open" unless set, or in Japanese
	Image    string // URL of a graph; a bubble shows it only if it is https, plain text has the address
	Color    string // of the bubble's head, #RRGGBB; gray unless set

	NotificationDisabled bool // arrives without a sound
	// Raw are message objects in LINE's own form, such as a textV2 with mentions. They are sent as they are, after the
	// message. With the message there are at most 5.
	Raw []jsontext.Value
	// RetryKey is a UUID. LINE accepts one request with a key in 24 hours and drops the others. Unless set, the key is
	// made from [mackerel.WithDeliveryID], or is a random one.
	RetryKey string
}

// DefaultMessage returns the message that a Notifier sends for an alert, without the format and without
// NotificationDisabled, which the Config adds.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	return Message{
		Title: w.Title, Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL, URLLabel: provider.OpenLabel(w.URL, t),
		Image: w.Graph.Value, Color: colors.Of(a),
	}
}

const gray = "#777777"

var colors = provider.PerStatus[string]{
	OK: "#1DB446", Warning: "#F2A900", Critical: "#D7263D", Unknown: gray, Other: gray,
}

// in returns the message in this format, unless the message has a format of its own.
func (m Message) in(f Format) Message {
	m.Format = cmp.Or(m.Format, f)
	return m
}

// key returns the Key of the notifiers with this token and these destinations: a UUID, unless the message has one.
func (t target) key(token mackerel.Secret) func(context.Context, *Message) {
	return func(ctx context.Context, m *Message) {
		if m.RetryKey != "" {
			return
		}
		k := provider.DeliveryKey(ctx, append([]string{name, token.Reveal(), t.path}, t.ids...)...)
		k[6], k[8] = k[6]&0x0f|0x40, k[8]&0x3f|0x80 // version 4 and the variant of RFC 9562
		h := hex.EncodeToString(k[:])
		m.RetryKey = h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}
}

// A body is the body of a push, multicast or broadcast.
type body struct {
	To                   any   `json:"to,omitzero"`
	Messages             []any `json:"messages"`
	NotificationDisabled bool  `json:"notificationDisabled"`
}

// render fills in the body and the retry key of the request.
func (t target) render(r *transport.Request, m Message, c *provider.Cutter) error {
	if err := m.problems().Err(); err != nil {
		return err
	}
	b := body{To: t.to, NotificationDisabled: m.NotificationDisabled}
	object, err := m.object(c)
	if err != nil {
		return err
	}
	if object != nil {
		b.Messages = append(b.Messages, object)
	}
	for _, raw := range m.Raw {
		b.Messages = append(b.Messages, raw)
	}
	r.Header = r.Header.Clone()
	r.Header.Set("X-Line-Retry-Key", cmp.Or(m.RetryKey, "{retry_key}"))
	r.Body, err = provider.EncodeJSON(b)
	return err
}

var (
	colorForm = regexp.MustCompile(`^(|#[0-9A-Fa-f]{6})$`)
	keyForm   = regexp.MustCompile(`^(|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$`)
)

// problems lists what LINE would refuse the message for and what cannot be cut.
func (m Message) problems() (p provider.Problems) {
	provider.OneOf(&p, "Format", m.Format, FormatFlex, FormatText)
	p.Length("URLLabel", m.URLLabel, provider.Runes, maxLabel)
	p.Check("Color", colorForm.MatchString(m.Color), "must be #RRGGBB")
	p.Items("Raw", len(m.Raw), maxMessages-1)
	for i, raw := range m.Raw {
		object := raw.Kind() == '{' && raw.IsValid(jsontext.AllowDuplicateNames(true))
		p.Check("Raw["+strconv.Itoa(i)+"]", object, "must be a JSON object in UTF-8")
	}
	p.Check("RetryKey", keyForm.MatchString(m.RetryKey), "must be a UUID")
	p.Check("Message", len(m.Raw) > 0 || !m.blank(), "empty")
	return p
}

// A textMessage and a flexMessage are message objects.
type textMessage struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type flexMessage struct {
	Type     string `json:"type"`
	AltText  string `json:"altText"`
	Contents bubble `json:"contents"`
}

// object returns the message object, nil if the message has nothing but Raw.
func (m Message) object(c *provider.Cutter) (any, error) {
	switch {
	case m.blank():
		return nil, nil
	case m.Format == FormatText:
		return textMessage{"text", c.Texts(maxText, m.withGraph(c.Language), plainText)}, nil
	}
	alt, _ := c.Headline("altText", m.Title, m.first(), provider.MaxHeadline)
	if blank(alt) {
		alt = name // there is a picture, or a long address, of which a part opens nothing
	}
	b, err := m.fitBubble(c)
	return flexMessage{"flex", alt, b}, err
}

// first returns the text behind the title in the alternative text: the text of the message or, without title and text,
// something else that the message has. LINE refuses an alternative text that is blank.
func (m Message) first() string {
	if !provider.Blank(m.Title, m.Text) {
		return m.Text
	}
	for _, f := range append(slices.Clone(m.Facts), m.Memo) {
		if !provider.Blank(f.Value) {
			return provider.Line(f)
		}
	}
	if provider.UTF16.Len(m.URL) > provider.MaxHeadline {
		return ""
	}
	return m.URL
}

// blank reports whether the message has nothing but Raw.
func (m Message) blank() bool { return provider.Blank(m.Title, m.Text, m.first(), m.URL, m.Image) }

func (m Message) texts() provider.Texts {
	return provider.Texts{Title: m.Title, Text: m.Text, Facts: m.Facts, Memo: m.Memo, URL: m.URL}
}

// withGraph returns the texts of a plain text, which shows the address of the picture in its place.
func (m Message) withGraph(l mackerel.Language) provider.Texts {
	t := m.texts()
	graph := mackerel.Fact{Label: provider.GraphLabel(l), Value: provider.Address(m.Image)}
	t.Facts = append(slices.Clone(t.Facts), graph)
	return t
}

// plainText returns a message as plain text. LINE's clients make links of addresses.
func plainText(t provider.Texts) string {
	return provider.Plain(provider.Join("\n", t.Title, t.Text, provider.Lines(t.Facts), provider.Line(t.Memo), t.URL))
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
