package twilio

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

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

// What fits into two parts of an SMS, each of which is billed. A part of several has 7 bytes less for its text, in
// which its number stands. See https://www.twilio.com/docs/glossary/what-sms-character-limit.
const (
	twoParts     = 2 * 153 // characters of the alphabet of GSM
	twoPartsUCS2 = 2 * 67  // UTF-16 units of all other texts
)

// The limits. Carriers filter more than about 15 messages in 30 seconds between two numbers, and Twilio queues what it
// takes for hours. A 429 means that an account has too many requests under way; their number is not published. Calls
// are made one in a second: what exceeds that would wait at Twilio, where it cannot be cancelled.
// See https://www.twilio.com/docs/errors/20429 and https://www.twilio.com/docs/glossary/what-is-cps.
var (
	messageRate = transport.Limit{N: 10, Per: 30 * time.Second}
	callRate    = transport.Limit{N: 1, Per: time.Second, Gate: time.Second, GateMax: 5 * time.Minute}
	accountRate = transport.Limit{N: 10, Gate: time.Second, GateMax: 5 * time.Minute}
)

// lanes returns the lanes of messages between the two numbers, or of the calls of an account.
func (c Config) lanes(s *provider.Service, host string) []transport.Lane {
	if c.Kind != KindSMS {
		return s.Lanes(callRate, host, c.AccountSID, "calls")
	}
	account := s.Transport().WideLane(accountRate, host, c.AccountSID, "messages")
	return append(s.Lanes(messageRate, host, c.AccountSID, c.From, c.To), account)
}

// limited says that a refusal was for the limit of the account, the last lane.
func limited(*transport.Result) int { return 1 }

// maxAttribute is the limit of a language and of a voice, in bytes. It is our own: escaped, the two leave room for the
// text in maxSay.
const maxAttribute = 100

// A Message is what an SMS or a call says. All texts are plain, except RawTwiML.
type Message struct {
	Title string // of an SMS: "CRITICAL: CPU % on app01"
	Text  string // of an SMS, behind the title; unless Config.MaxLength is set, what fits into two parts
	URL   string // of an SMS, in a line of its own; sent whole or not at all

	// Speech is what a call says, twice, as it is. Unless set, a call says Title and Text in words, without signs.
	Speech   string
	Language string // of a call, such as "ja-JP"
	Voice    string // of a call, such as "Polly.Mizuki"
	// RawTwiML is what a call does in place of saying the Speech, sent as it is; at most 4,000 bytes, never cut.
	RawTwiML string
	AlertID  string // of a call to a TwiML document: appended to the document's address

	made speech // the Speech that DefaultMessage has made
}

// A speech is a text in words, with what was cut to make it short enough.
type speech struct {
	words string
	cut   mackerel.Cut
}

// DefaultMessage returns the message that a Notifier sends for an alert, without the language and the voice, which the
// Config adds.
//
// An SMS has the title, the first line of what there is to say, and the link. The status has no brackets, because an
// SMS counts each bracket twice.
//
// A call says the status, the monitor, the host and the first line in words, without addresses and signs: "Mackerel
// alert. Critical. C P U percent, on app 01. 96.5 percent, above 90 percent." It has at most 300 bytes of English or
// 120 characters of Japanese. What does not fit is left out by whole words, and the receipt says so. How voices really
// say it was not tried.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	m := sms(a, t)
	words, cut := provider.Speech(a, t)
	m.Speech, m.made = words, speech{words, cut}
	return m
}

// sms returns the DefaultMessage without what a call says.
func sms(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	return Message{Title: provider.Join(": ", w.Status, w.Subject), Text: w.Brief, URL: w.URL, AlertID: a.ID}
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
func (c Config) render(r *transport.Request, m Message, cut *provider.Cutter) (err error) {
	if err := c.problems(m).Err(); err != nil {
		return err
	}
	f := form{To: c.To, From: c.From, StatusCallback: c.StatusCallback.Reveal()}
	switch c.Kind {
	case KindSMS:
		f.Body = m.body(c.limit(m), cut)
	case KindCall:
		f.TwiML, err = m.twiML(cut)
	case KindTwiML:
		f.URL, f.Method = withAlertID(c.TwiMLURL.Reveal(), m.AlertID), http.MethodGet
	}
	if err != nil {
		return err
	}
	values, err := query.Values(f)
	r.Body = []byte(values.Encode())
	return err
}

// limit returns the limit of an SMS in characters. Unless it is configured, the text is cut to what two parts have
// beside the title and the link. What does not fit into two parts is cut, so its characters do not count.
func (c Config) limit(m Message) int {
	if c.MaxLength > 0 {
		return c.MaxLength
	}
	var beginnings strings.Builder
	for _, text := range []string{m.Title, m.Text, m.URL} {
		beginning, _ := characters.Limit(text, twoParts)
		beginnings.WriteString(beginning)
	}
	parts := twoParts
	if strings.ContainsFunc(beginnings.String(), isNotGSM) {
		parts = twoPartsUCS2
	}
	if strings.ContainsFunc(beginnings.String(), isWide) {
		parts-- // of two places at the end of the first part, the second may be too little for a character
	}
	return min(maxBody, max(parts, characters.Len(lines(m.Title, provider.Address(m.URL)))))
}

// problems lists what Twilio would refuse the message for and what cannot be cut.
func (c Config) problems(m Message) (p provider.Problems) {
	words := []string{m.Title, m.Text}
	switch c.Kind {
	case KindTwiML:
		return nil
	case KindSMS:
		if words = append(words, m.URL); provider.Blank(m.Title, m.Text) {
			p.Length("URL", lines(m.URL), characters, cmp.Or(c.MaxLength, maxBody))
		}
	case KindCall:
		p.Length("Language", m.Language, provider.Bytes, maxAttribute)
		p.Length("Voice", m.Voice, provider.Bytes, maxAttribute)
		p.Length("RawTwiML", m.RawTwiML, provider.Bytes, maxTwiML)
		words = append(words, m.Speech, m.RawTwiML)
	}
	p.Check("Message", !provider.Blank(words...), "empty")
	return p
}

// body renders the message as the body of an SMS. A link that does not fit is left out as a whole: a part of a link
// opens nothing.
func (m Message) body(limit int, c *provider.Cutter) string {
	if m.URL = provider.Address(m.URL); !m.linkFits(limit) {
		c.Cuts = append(c.Cuts, mackerel.Cut{Field: "url", Unit: characters.Name, From: characters.Len(m.URL)})
		m.URL = ""
	}
	words := lines(provider.Join(": ", m.Title, m.Text))
	body := c.Fit(limit, func() string { return lines(provider.Join(": ", m.Title, m.Text), m.URL) },
		provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "title", Text: &m.Title, Cut: provider.CutMiddle})
	if provider.Blank(body) { // there is no room for an ellipsis, and maybe not for the first character
		return cmp.Or(characters.Cut(provider.Trim(words), limit), characters.Cut(characters.Ellipsis, limit))
	}
	return body
}

// linkFits reports whether the whole link fits beside the title, for which the text is cut. A title that is too long by
// itself is cut in any case. The title, or the text of a message without a title, is then cut for a link that takes at
// most half of the SMS, so that the status stays.
func (m Message) linkFits(limit int) bool {
	words, isCut := m.Title, characters.Len(lines(m.Title)) > limit
	if provider.Blank(m.Title) {
		words, isCut = m.Text, true
	}
	return characters.Len(lines(words, m.URL)) <= limit || isCut && characters.Len(lines(m.URL)) <= limit/2
}

// lines returns texts as lines of plain text.
func lines(texts ...string) string { return provider.Plain(provider.Join("\n", texts...)) }

// characters is what maxBody counts: UTF-16 units, and a character of the extension table of GSM twice. For texts
// beyond the alphabet of GSM that is exact, for others it is at least what Twilio may count.
//
// The ellipsis is three dots. The character for it is not in the alphabet of GSM: it would halve the length of a part.
var characters = provider.Unit{
	Name: "characters", Ellipsis: "...",
	Len: func(s string) (n int) {
		for _, r := range s {
			n += charactersOf(r)
		}
		return n
	},
	Size: charactersOf,
}

func charactersOf(r rune) int {
	if isWide(r) {
		return 2
	}
	return 1
}

// isWide reports whether a character takes two places.
func isWide(r rune) bool { return r > 0xffff || strings.ContainsRune(gsmExtension, r) }

// The alphabet of GSM and its extension table, whose characters take two places (3GPP TS 23.038, section 6.2.1). The
// form feed of the table is left out: [provider.Plain] replaces it.
const (
	gsmAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "^{}\\[~]|€"
)

func isNotGSM(r rune) bool {
	return !strings.ContainsRune(gsmAlphabet, r) && !strings.ContainsRune(gsmExtension, r)
}

// A response is a TwiML document that says a text twice: the first words are easily missed. See
// https://www.twilio.com/docs/voice/twiml/say.
type response struct {
	XMLName struct{} `xml:"Response"`
	Say     []any
}

type say struct {
	XMLName  struct{} `xml:"Say"`
	Language string   `xml:"language,attr,omitempty"` // en-US unless set
	Voice    string   `xml:"voice,attr,omitempty"`
	Text     string   `xml:",chardata"`
}

type pause struct {
	XMLName struct{} `xml:"Pause"`
	Length  int      `xml:"length,attr"` // seconds
}

// twiML renders the message as what a call does.
func (m Message) twiML(c *provider.Cutter) (document string, err error) {
	if m.RawTwiML != "" {
		return m.RawTwiML, nil
	}
	speech := m.speech()
	if speech.cut.Field != "" {
		c.Cuts = append(c.Cuts, speech.cut)
	}
	part := provider.Part{Field: "speech", Text: &speech.words}
	document, cuts := provider.Bytes.Fit(maxSay, func() string {
		var encoded []byte
		s := say{Language: m.Language, Voice: m.Voice, Text: provider.Plain(speech.words)}
		encoded, err = xml.Marshal(response{Say: []any{s, pause{Length: 1}, s}})
		return string(encoded)
	}, part)
	c.Cuts = append(c.Cuts, cuts...)
	return document, err
}

// speech returns what a call says in one pass. It is never blank.
func (m Message) speech() speech {
	switch {
	case m.Speech == m.made.words && m.Speech != "":
		return m.made
	case !provider.Blank(m.Speech):
		return speech{words: m.Speech}
	}
	language := mackerel.English
	if strings.HasPrefix(m.Language, "ja") {
		language = mackerel.Japanese
	}
	words, cut := provider.SpeechOf(language, m.Title, m.Text)
	if words == "" { // there are only signs
		return speech{words: lines(m.Title, m.Text)}
	}
	return speech{words, cut}
}

// withAlertID appends the alert's ID to an address that has no query, as Mackerel's channel does.
func withAlertID(address, id string) string {
	if id == "" || strings.Contains(address, "?") {
		return address
	}
	return address + "?alertId=" + url.QueryEscape(id)
}
