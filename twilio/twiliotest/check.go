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
)

// Limits, as https://www.twilio.com/docs/voice/api/call-resource and https://www.twilio.com/docs/errors/21617 have
// them.
const (
	maxTwiML = 4000 // bytes
	maxBody  = 1600 // characters
)

// A resource is what can be created under an account.
type resource struct {
	lane, prefix string // the prefix is that of its SIDs
	// parameters are the documented parameters that alerting may need.
	parameters []string
	// The codes differ for a number to reach that is missing, and for a number of the account's that is missing or
	// unknown.
	noTo, noFrom, badFrom int
	create                func(s *Server, sid string, form url.Values) error
}

// resources are the resources by their path. StatusCallbackEvent is repeated for each event.
var resources = map[string]resource{
	"/Calls.json": {"calls", "CA", []string{
		"To", "From", "Url", "Twiml", "ApplicationSid", "Method", "StatusCallback", "StatusCallbackEvent...",
		"StatusCallbackMethod", "FallbackUrl", "FallbackMethod", "Timeout", "TimeLimit", "MachineDetection",
		"CallReason",
	}, 21201, 21213, 21212, (*Server).createCall},
	"/Messages.json": {"messages", "SM", []string{
		"To", "From", "MessagingServiceSid", "Body", "MediaUrl...", "StatusCallback", "ValidityPeriod", "SmartEncoded",
	}, 21604, 21603, 21606, (*Server).createMessage},
}

func (s *Server) createCall(sid string, form url.Values) error {
	c := Call{
		Time: s.Now(), SID: sid, To: form.Get("To"), From: form.Get("From"), URL: form.Get("Url"),
		Method: form.Get("Method"), TwiML: form.Get("Twiml"), StatusCallback: form.Get("StatusCallback"),
	}
	if err := c.read(form.Get("ApplicationSid")); err != nil {
		return err
	}
	s.calls.Add(c)
	return nil
}

// read checks what the call does, and notes what it says.
func (c *Call) read(application string) error {
	switch {
	case c.Method != "" && c.Method != http.MethodGet && c.Method != http.MethodPost:
		return badRequest(21206, "The 'Method' must be GET or POST.")
	case c.URL != "" && host(c.URL) == "":
		return badRequest(21205, "Url is not a valid URL: "+c.URL)
	case c.URL+c.TwiML+application == "":
		return badRequest(21200, "One of Url, Twiml and ApplicationSid is required.")
	case c.URL == "" && c.TwiML != "":
		c.Method = ""
		return c.readTwiML()
	}
	c.Method = cmp.Or(c.Method, http.MethodPost)
	c.TwiML = "" // Twilio ignores it beside a Url
	return nil
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

func (s *Server) createMessage(sid string, form url.Values) error {
	body := form.Get("Body")
	switch {
	case strings.TrimSpace(body) == "" && form.Get("MediaUrl") == "":
		return badRequest(21602, "Message body is required.")
	case Characters(body) > maxBody:
		return badRequest(21617, "The concatenated message body exceeds the 1600 character limit.")
	}
	s.messages.Add(Message{
		Time: s.Now(), SID: sid, To: form.Get("To"), From: form.Get("From"), Body: body, MediaURLs: form["MediaUrl"],
		MessagingServiceSID: form.Get("MessagingServiceSid"), StatusCallback: form.Get("StatusCallback"),
	})
	return nil
}

// Characters returns the length of a message's body as this fake counts it.
func Characters(body string) int {
	n := len(utf16.Encode([]rune(body)))
	for _, double := range []string{"^", "{", "}", `\`, "[", "~", "]", "|", "€", "\f"} {
		n += strings.Count(body, double)
	}
	return n
}

// checkNumbers refuses a call or message without a valid number at both ends.
func (s *Server) checkNumbers(form url.Values, kind resource) error {
	to, from, callback := form.Get("To"), form.Get("From"), form.Get("StatusCallback")
	// A messaging service chooses the number.
	chosen := from == "" && kind.lane == "messages" && serviceForm.MatchString(form.Get("MessagingServiceSid"))
	switch {
	case to == "":
		return badRequest(kind.noTo, "A 'To' phone number is required.")
	case !numberForm.MatchString(to):
		return badRequest(21211, "The 'To' number "+to+" is not a valid phone number.")
	case from == "" && !chosen:
		return badRequest(kind.noFrom, "A 'From' phone number is required.")
	case !chosen && !slices.Contains(s.numbers, from):
		return badRequest(kind.badFrom, "The 'From' number "+from+" is not a phone number of this account.")
	case callback != "" && (host(callback) == "" || strings.Contains(host(callback), "_")):
		return badRequest(21609, "The 'StatusCallback' URL "+callback+" is not a valid URL.")
	}
	return nil
}

var (
	numberForm  = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	serviceForm = regexp.MustCompile(`^MG[0-9a-f]{32}$`)
)

// host returns the host of an http or https address, "" if it is not such an address.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.Host
}
