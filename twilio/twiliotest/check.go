package twiliotest

import (
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

// Limits, as https://www.twilio.com/docs/voice/api/call-resource and https://www.twilio.com/docs/errors/21617 have
// them.
const (
	maxTwiML = 4000 // bytes
	maxBody  = 1600 // characters
)

// The documented parameters that alerting may need. StatusCallbackEvent is repeated for each event.
var (
	callParameters = []string{
		"To", "From", "Url", "Twiml", "ApplicationSid", "Method", "StatusCallback", "StatusCallbackEvent...",
		"StatusCallbackMethod", "FallbackUrl", "FallbackMethod", "Timeout", "TimeLimit", "MachineDetection",
		"CallReason",
	}
	messageParameters = []string{"To", "From", "Body", "StatusCallback", "ValidityPeriod", "SmartEncoded"}
)

// readCall returns the call that a request asks for.
func (s *Server) readCall(r *http.Request) (Call, error) {
	if err := s.take("calls"); err != nil {
		return Call{}, err
	}
	form, err := strict.Form(r, !s.IsStrict(), callParameters...)
	if err != nil {
		return Call{}, err
	}
	if err := s.checkNumbers(form, 21201, 21213, 21212); err != nil {
		return Call{}, err
	}
	c := Call{
		To: form.Get("To"), From: form.Get("From"), URL: form.Get("Url"), Method: form.Get("Method"),
		TwiML: form.Get("Twiml"), StatusCallback: form.Get("StatusCallback"),
	}
	switch {
	case c.Method != "" && c.Method != http.MethodGet && c.Method != http.MethodPost:
		return c, badRequest(21206, "The 'Method' must be GET or POST.")
	case c.URL != "" && host(c.URL) == "":
		return c, badRequest(21205, "Url is not a valid URL: "+c.URL)
	case c.URL+c.TwiML+form.Get("ApplicationSid") == "":
		return c, badRequest(21200, "One of Url, Twiml and ApplicationSid is required.")
	case c.URL == "" && c.TwiML != "":
		c.Method = ""
		return c, c.readTwiML()
	case c.Method == "":
		c.Method = http.MethodPost
	}
	c.TwiML = "" // Twilio ignores it beside a Url
	return c, nil
}

// A verb is an element of a TwiML document.
type verb struct {
	XMLName  xml.Name
	Language string `xml:"language,attr"`
	Text     string `xml:",chardata"`
	Verbs    []verb `xml:",any"`
}

// readTwiML checks that the TwiML is one XML document with a Response, and notes what it says.
func (c *Call) readTwiML() error {
	if len(c.TwiML) > maxTwiML {
		return badRequest(21200, "Twiml must be at most 4000 characters.")
	}
	var response, second verb
	d := xml.NewDecoder(strings.NewReader(c.TwiML))
	if d.Decode(&response) != nil || response.XMLName.Local != "Response" || !errors.Is(d.Decode(&second), io.EOF) {
		return badRequest(12100, "Document parse failure")
	}
	c.hear(response.Verbs)
	return nil
}

// hear notes the text of all Say verbs and the language of the first.
func (c *Call) hear(verbs []verb) {
	for _, v := range verbs {
		if v.XMLName.Local == "Say" {
			c.Said += v.Text
			c.Language = cmp.Or(c.Language, v.Language, "en-US")
		}
		c.hear(v.Verbs)
	}
}

// readMessage returns the message that a request asks for.
func (s *Server) readMessage(r *http.Request) (Message, error) {
	if err := s.take("messages"); err != nil {
		return Message{}, err
	}
	form, err := strict.Form(r, !s.IsStrict(), messageParameters...)
	if err != nil {
		return Message{}, err
	}
	if err := s.checkNumbers(form, 21604, 21603, 21606); err != nil {
		return Message{}, err
	}
	m := Message{
		To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"), StatusCallback: form.Get("StatusCallback"),
	}
	switch {
	case strings.TrimSpace(m.Body) == "":
		return m, badRequest(21602, "Message body is required.")
	case Characters(m.Body) > maxBody:
		return m, badRequest(21617, "The concatenated message body exceeds the 1600 character limit.")
	}
	return m, nil
}

// Characters returns the length of a message's body as this fake counts it.
func Characters(body string) int {
	n := len(utf16.Encode([]rune(body)))
	for _, double := range []string{"^", "{", "}", `\`, "[", "~", "]", "|", "€", "\f"} {
		n += strings.Count(body, double)
	}
	return n
}

// checkNumbers refuses a call or message without a valid number at both ends. The codes differ between the two.
func (s *Server) checkNumbers(form url.Values, noTo, noFrom, badFrom int) error {
	to, from, callback := form.Get("To"), form.Get("From"), form.Get("StatusCallback")
	switch {
	case to == "":
		return badRequest(noTo, "A 'To' phone number is required.")
	case !numberForm.MatchString(to):
		return badRequest(21211, "The 'To' number "+to+" is not a valid phone number.")
	case from == "":
		return badRequest(noFrom, "A 'From' phone number is required.")
	case !slices.Contains(s.numbers, from):
		return badRequest(badFrom, "The 'From' number "+from+" is not a phone number of this account.")
	case callback != "" && (host(callback) == "" || strings.Contains(host(callback), "_")):
		return badRequest(21609, "The 'StatusCallback' URL "+callback+" is not a valid URL.")
	}
	return nil
}

var numberForm = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// host returns the host of an http or https address, "" if it is not such an address.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.Host
}
