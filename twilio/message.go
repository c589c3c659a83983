package twilio

import (
	"cmp"
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// The limits.
const (
	// MaxBody is the longest SMS, in characters, those counted twice that take two places in the alphabet of GSM or are
	// beyond the Basic Multilingual Plane. See https://www.twilio.com/docs/errors/21617.
	MaxBody = 1600
	// MaxTwiML is the longest TwiML that a call takes, in bytes. The page says characters.
	// See https://www.twilio.com/docs/voice/api/call-resource.
	MaxTwiML = 4000
	// MaxSay is the longest TwiML that this package writes, in bytes: the voices of Polly speak no more than 3,000 of text.
	// See https://www.twilio.com/docs/errors/13521.
	MaxSay = 3000
)

// A Message is what an SMS or a call says. All of it is plain text but for RawTwiML.
type Message struct {
	Title string
	Text  string // cut first if the message is too long
	URL   string // in an SMS only: nobody wants to hear an address

	Language string // of a call: "ja-JP"; the Config's unless set
	RawTwiML string // of a call: what it does, in place of saying the title and the text; sent as it is and never cut
	AlertID  string // of a call to a TwiML document: what is appended to its address; the alert's ID unless set
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. It is short: the title, what Mackerel or the caller wrote, and the link. A part of an SMS costs money,
// and a call time; the facts and the memo are behind the link.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	return Message{Title: w.Title, Text: w.Message, URL: w.URL, AlertID: a.ID}
}

// sms renders the message as the body of an SMS.
func (m Message) sms(most int) (body string, cuts []mackerel.Cut, problem string) {
	body, cuts = characters.Fit(most, func() string {
		return provider.Plain(provider.Join("\n", m.Title, m.Text, m.URL))
	},
		provider.Part{Field: "text", Text: &m.Text}, provider.Part{Field: "title", Text: &m.Title},
		provider.Part{Field: "url", Text: &m.URL},
	)
	if blank(body) {
		return "", nil, "Message: empty"
	}
	return body, cuts, ""
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// characters counts as Twilio may: what takes two places in the alphabet of GSM twice, and the rest by UTF-16 units,
// which is exact for all that does not fit that alphabet and safe for what does.
var characters = func() provider.Unit {
	u := provider.UTF16
	u.Name, u.Len = "characters", smsLen
	return u
}()

// doubles are the characters of GSM's extension table.
const doubles = "^{}\\[~]|€\f"

func smsLen(s string) int {
	n := provider.UTF16.Len(s)
	for _, r := range s {
		if strings.ContainsRune(doubles, r) {
			n++
		}
	}
	return n
}

// A response is a TwiML document that speaks. See https://www.twilio.com/docs/voice/twiml/say.
type response struct {
	XMLName struct{} `xml:"Response"`
	Say     say      `xml:"Say"`
}

type say struct {
	Language string `xml:"language,attr"`
	Voice    string `xml:"voice,attr,omitempty"`
	Text     string `xml:",chardata"`
}

// twiml renders the message as what a call does.
func (m Message) twiml(language, voice string) (document string, cuts []mackerel.Cut, problem string) {
	if m.RawTwiML != "" {
		if len(m.RawTwiML) > MaxTwiML {
			problem = "RawTwiML: " + strconv.Itoa(len(m.RawTwiML)) + " bytes, and at most " + strconv.Itoa(MaxTwiML) + " are allowed"
		}
		return m.RawTwiML, nil, problem
	}
	if blank(provider.Plain(m.Title + m.Text)) {
		return "", nil, "Message: empty"
	}
	r := response{Say: say{Language: cmp.Or(m.Language, language), Voice: voice}}
	document, cuts = provider.Bytes.Fit(MaxSay, func() string {
		r.Say.Text = provider.Plain(provider.Join("\n", m.Title, m.Text))
		encoded, err := xml.Marshal(r)
		if err != nil { // strings always encode
			return ""
		}
		return string(encoded)
	}, provider.Part{Field: "text", Text: &m.Text}, provider.Part{Field: "title", Text: &m.Title})
	if len(document) > MaxSay {
		return "", nil, "Language, Voice: too long"
	}
	return document, cuts, ""
}
