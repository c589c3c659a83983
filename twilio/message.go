package twilio

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of a message.
const (
	maxBody  = 1600 // characters of an SMS (https://www.twilio.com/docs/errors/21617)
	maxTwiML = 4000 // bytes of RawTwiML; characters on https://www.twilio.com/docs/voice/api/call-resource
	maxSay   = 3000 // bytes of the TwiML of a text; the limit of Polly (https://www.twilio.com/docs/errors/13521)
)

// maxAttribute is the limit of a language and of a voice, in bytes. It is our own: escaped, the two leave room for the
// text in maxSay.
const maxAttribute = 100

// A Message is what an SMS or a call says. All texts are plain, except RawTwiML.
type Message struct {
	Title string
	Text  string
	URL   string // only in an SMS: an address is of no use when it is spoken

	Language string // of a call, such as "ja-JP"
	Voice    string // of a call, such as "Polly.Mizuki"
	// RawTwiML is what a call does in place of saying the title and the text, sent as it is; at most 4,000 bytes, never
	// cut.
	RawTwiML string
	AlertID  string // of a call to a TwiML document: appended to the document's address
}

// DefaultMessage returns the message that a Notifier sends for an alert, without the language and the voice, which the
// Config adds. It has only the title, the text and the link, because an SMS and a call are billed by their length.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	return Message{Title: w.Title, Text: w.Message, URL: w.URL, AlertID: a.ID}
}

// spoken returns the message with this language and this voice, unless the message has its own.
func (m Message) spoken(language, voice string) Message {
	m.Language, m.Voice = cmp.Or(m.Language, language), cmp.Or(m.Voice, voice)
	return m
}

// A form is the body of the request that creates a message or a call. If a call has both Url and Twiml, Twilio ignores
// Twiml. See https://www.twilio.com/docs/messaging/api/message-resource and
// https://www.twilio.com/docs/voice/api/call-resource.
type form struct {
	To             string `url:"To"`
	From           string `url:"From"`
	Body           string `url:"Body,omitempty"`
	TwiML          string `url:"Twiml,omitempty"`
	URL            string `url:"Url,omitempty"`
	Method         string `url:"Method,omitempty"` // of Url; POST unless set
	StatusCallback string `url:"StatusCallback,omitempty"`
}

// render fills in the body of the request.
func (c Config) render(r *transport.Request, m Message) (cuts []mackerel.Cut, err error) {
	if err := c.problems(m).Err(); err != nil {
		return nil, err
	}
	f := form{To: c.To, From: c.From, StatusCallback: c.StatusCallback.Reveal()}
	switch c.Kind {
	case KindSMS:
		f.Body, cuts = m.body(cmp.Or(c.MaxLength, maxBody))
	case KindCall:
		f.TwiML, cuts, err = m.twiML()
	case KindTwiML:
		f.URL, f.Method = withAlertID(c.TwiMLURL.Reveal(), m.AlertID), http.MethodGet
	}
	if err != nil {
		return nil, err
	}
	values, err := query.Values(f)
	r.Body = []byte(values.Encode())
	return cuts, err
}

// problems lists what Twilio would refuse the message for and what cannot be cut.
func (c Config) problems(m Message) (p provider.Problems) {
	words := []string{m.Title, m.Text}
	switch c.Kind {
	case KindTwiML:
		return nil
	case KindSMS:
		words = append(words, m.URL)
	case KindCall:
		p.Length("Language", m.Language, provider.Bytes, maxAttribute)
		p.Length("Voice", m.Voice, provider.Bytes, maxAttribute)
		p.Length("RawTwiML", m.RawTwiML, provider.Bytes, maxTwiML)
		words = append(words, m.RawTwiML)
	}
	p.Check("Message", !provider.Blank(words...), "empty")
	return p
}

// body renders the message as the body of an SMS.
func (m Message) body(limit int) (string, []mackerel.Cut) {
	return characters.Fit(limit, func() string {
		return provider.Plain(provider.Join("\n", m.Title, m.Text, m.URL))
	},
		provider.Part{Field: "text", Text: &m.Text}, provider.Part{Field: "title", Text: &m.Title},
		provider.Part{Field: "url", Text: &m.URL},
	)
}

// characters is what maxBody counts: UTF-16 units, and a character of the extension table of GSM twice. For texts
// beyond the alphabet of GSM that is exact, for others it is at least what Twilio may count.
var characters = provider.Unit{
	Name: "characters",
	Len: func(s string) (n int) {
		for _, r := range s {
			n += charactersOf(r)
		}
		return n
	},
	Size: charactersOf,
}

func charactersOf(r rune) int {
	if r > 0xffff {
		return 2
	}
	switch r {
	case '^', '{', '}', '\\', '[', '~', ']', '|', '€', '\f':
		return 2
	}
	return 1
}

// A response is a TwiML document that says a text. See https://www.twilio.com/docs/voice/twiml/say.
type response struct {
	XMLName struct{} `xml:"Response"`
	Say     say      `xml:"Say"`
}

type say struct {
	Language string `xml:"language,attr,omitempty"` // en-US unless set
	Voice    string `xml:"voice,attr,omitempty"`
	Text     string `xml:",chardata"`
}

// twiML renders the message as what a call does.
func (m Message) twiML() (document string, cuts []mackerel.Cut, err error) {
	if m.RawTwiML != "" {
		return m.RawTwiML, nil, nil
	}
	r := response{Say: say{Language: m.Language, Voice: m.Voice}}
	document, cuts = provider.Bytes.Fit(maxSay, func() string {
		var encoded []byte
		r.Say.Text = provider.Plain(provider.Join("\n", m.Title, m.Text))
		encoded, err = xml.Marshal(r)
		return string(encoded)
	}, provider.Part{Field: "text", Text: &m.Text}, provider.Part{Field: "title", Text: &m.Title})
	return document, cuts, err
}

// withAlertID appends the alert's ID to an address that has no query, as Mackerel's channel does.
func withAlertID(address, id string) string {
	if id == "" || strings.Contains(address, "?") {
		return address
	}
	return address + "?alertId=" + url.QueryEscape(id)
}
