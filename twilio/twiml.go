package twilio

import (
	"encoding/xml"
	"net/url"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

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
	document, cuts = provider.Bytes.Fit(MaxSay, func() string {
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
