package twiliotest

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

const (
	maxTwiML = 4000 // bytes
	maxBody  = 1600 // characters
)

var numberForm = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

// callParams and messageParams are the documented parameters that alerting may need.
var (
	callParams = []string{
		"To", "From", "Url", "Twiml", "ApplicationSid", "Method", "StatusCallback", "StatusCallbackEvent", "StatusCallbackMethod",
		"FallbackUrl", "FallbackMethod", "Timeout", "TimeLimit", "MachineDetection", "CallReason",
	}
	messageParams = []string{"To", "From", "Body", "StatusCallback", "ValidityPeriod", "SmartEncoded"}
)

func (s *Server) createCall(r *http.Request) (any, error) {
	form, err := fakehttp.DecodeForm(r, callParams...)
	if err != nil {
		return nil, err
	}
	if err := s.checkNumbers(form, numberCodes{21201, 21213, 21212}); err != nil {
		return nil, err
	}
	c := Call{
		SID: sid("CA", len(s.calls)+1), To: form.Get("To"), From: form.Get("From"), StatusCallback: form.Get("StatusCallback"),
		Time: s.Now(),
	}
	if err := c.setSource(form); err != nil {
		return nil, err
	}
	s.calls = append(s.calls, c)
	return callAnswer(c), nil
}

// setSource says what the call is to do. A Url makes Twilio ignore the Twiml.
func (c *Call) setSource(form url.Values) error {
	method := form.Get("Method")
	if method != "" && method != http.MethodGet && method != http.MethodPost {
		return badRequest(21206, "The 'Method' must be GET or POST.")
	}
	if c.Method = method; method == "" {
		c.Method = http.MethodPost
	}
	c.URL = form.Get("Url")
	switch {
	case c.URL != "":
		if u, err := url.Parse(c.URL); err != nil || !isHTTP(u) {
			return badRequest(21205, "Url is not a valid URL: "+c.URL)
		}
		return nil
	case form.Get("Twiml") != "":
		c.TwiML, c.Method = form.Get("Twiml"), ""
		return c.read()
	case form.Get("ApplicationSid") != "":
		return nil
	}
	return badRequest(21200, "One of Url, Twiml and ApplicationSid is required.")
}

// read parses the TwiML: one document with a Response in it, as strictly as XML is.
func (c *Call) read() error {
	if len(c.TwiML) > maxTwiML {
		return badRequest(21200, "Twiml must be at most 4000 characters.")
	}
	d := xml.NewDecoder(strings.NewReader(c.TwiML))
	var open []string
	for roots := 0; ; {
		token, err := d.Token()
		switch token := token.(type) {
		case xml.StartElement:
			if open = append(open, token.Name.Local); len(open) == 1 {
				roots++
			}
			if open[0] != "Response" || roots > 1 {
				return badRequest(12100, "Document parse failure")
			}
			c.heard(token)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && open[len(open)-1] == "Say" {
				c.Said += string(token)
			}
		}
		switch {
		case errors.Is(err, io.EOF) && roots == 1:
			return nil
		case err != nil:
			return badRequest(12100, "Document parse failure")
		}
	}
}

// heard notes the language of the first Say.
func (c *Call) heard(e xml.StartElement) {
	if e.Name.Local != "Say" || c.Language != "" {
		return
	}
	c.Language = "en-US"
	for _, a := range e.Attr {
		if a.Name.Local == "language" {
			c.Language = a.Value
		}
	}
}

func (s *Server) createMessage(r *http.Request) (any, error) {
	form, err := fakehttp.DecodeForm(r, messageParams...)
	if err != nil {
		return nil, err
	}
	if err := s.checkNumbers(form, numberCodes{21604, 21603, 21606}); err != nil {
		return nil, err
	}
	m := Message{
		SID: sid("SM", len(s.messages)+1), To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"),
		StatusCallback: form.Get("StatusCallback"), Time: s.Now(),
	}
	switch {
	case strings.TrimSpace(m.Body) == "":
		return nil, badRequest(21602, "Message body is required.")
	case Characters(m.Body) > maxBody:
		return nil, badRequest(21617, "The concatenated message body exceeds the 1600 character limit.")
	}
	s.messages = append(s.messages, m)
	return messageAnswer(m), nil
}

// Characters is the length of a message's body as this fake counts it.
func Characters(body string) int {
	n := len(utf16.Encode([]rune(body)))
	for _, double := range []string{"^", "{", "}", `\`, "[", "~", "]", "|", "€", "\f"} {
		n += strings.Count(body, double)
	}
	return n
}

// callAnswer is what the page of the call resource shows, as far as a queued call has it.
func callAnswer(c Call) map[string]any {
	return map[string]any{
		"sid": c.SID, "account_sid": AccountSID, "status": "queued", "to": c.To, "from": c.From, "to_formatted": c.To,
		"from_formatted": c.From, "direction": "outbound-api", "api_version": "2010-04-01", "date_created": nil,
		"date_updated": nil, "start_time": nil, "end_time": nil, "duration": nil, "price": nil, "price_unit": "USD",
		"uri": basePath + AccountSID + "/Calls/" + c.SID + ".json", "subresource_uris": map[string]any{},
	}
}

// messageAnswer is what the page of the message resource shows, as far as a queued message has it.
func messageAnswer(m Message) map[string]any {
	return map[string]any{
		"sid": m.SID, "account_sid": AccountSID, "status": "queued", "to": m.To, "from": m.From, "body": m.Body,
		"direction": "outbound-api", "api_version": "2010-04-01", "date_created": m.Time.UTC().Format(time.RFC1123Z),
		"date_updated": m.Time.UTC().Format(time.RFC1123Z), "date_sent": nil, "num_segments": "1", "num_media": "0",
		"error_code": nil, "error_message": nil, "price": nil, "price_unit": "USD", "messaging_service_sid": nil,
		"uri": basePath + AccountSID + "/Messages/" + m.SID + ".json", "subresource_uris": map[string]any{},
	}
}
