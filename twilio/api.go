package twilio

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// apiVersion is the path below which the API is.
const apiVersion = "2010-04-01"

var (
	accountForm = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	keyForm     = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	numberForm  = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)     // E.164
	senderForm  = regexp.MustCompile(`^[0-9A-Za-z+_& -]{1,11}$`) // a short code or a sender's name
)

// checkAccount notes what is wrong with the account and its credentials.
func (c Config) checkAccount(p *provider.Problems) {
	if !accountForm.MatchString(c.AccountSID) {
		p.Add("AccountSID", "not AC and 32 hexadecimal digits")
	}
	if c.APIKeySID == "" && c.APIKeySecret.IsZero() {
		p.Token("AuthToken", c.AuthToken)
		return
	}
	if !c.AuthToken.IsZero() {
		p.Add("AuthToken", "set together with an API key")
	}
	if !keyForm.MatchString(c.APIKeySID) {
		p.Add("APIKeySID", "not SK and 32 hexadecimal digits")
	}
	p.Token("APIKeySecret", c.APIKeySecret)
}

// checkKind notes what is wrong with the numbers and with the fields of the kinds.
func (c Config) checkKind(p *provider.Problems) {
	sms := c.Kind == KindSMS
	if !sms && c.Kind != KindCall && c.Kind != KindTwiML {
		p.Add("Kind", `must be "sms", "call" or "twiml"`)
	}
	if !numberForm.MatchString(c.To) {
		p.Add("To", "not a number in E.164, such as +819000000000")
	}
	if !numberForm.MatchString(c.From) && (!sms || !senderForm.MatchString(c.From)) {
		p.Add("From", "not a number in E.164, such as +815000000000")
	}
	if c.MaxLength < 0 || c.MaxLength > MaxBody {
		p.Add("MaxLength", "must be between 1 and "+strconv.Itoa(MaxBody))
	}
	switch {
	case c.Say != "" && c.Message != nil:
		p.Add("Say", "set together with Message")
	case c.Say != "" && blank(c.Say):
		p.Add("Say", "blank")
	}
	for _, f := range []struct {
		name string
		set  bool
		kind Kind
	}{
		{"MaxLength", c.MaxLength != 0, KindSMS}, {"Say", c.Say != "", KindCall}, {"Language", c.Language != "", KindCall},
		{"Voice", c.Voice != "", KindCall}, {"TwiMLURL", !c.TwiMLURL.IsZero(), KindTwiML},
	} {
		if f.set && f.kind != c.Kind {
			p.Add(f.name, "is for the kind "+string(f.kind))
		}
	}
	if c.Kind == KindTwiML {
		p.Require("TwiMLURL", !c.TwiMLURL.IsZero())
	}
}

// credentials are those of the API key or, without one, of the account itself.
func (c Config) credentials() (user string, password mackerel.Secret) {
	if c.APIKeySID != "" {
		return c.APIKeySID, c.APIKeySecret
	}
	return c.AccountSID, c.AuthToken
}

func basic(user string, password mackerel.Secret) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password.Reveal()))
}

// form is what is posted, of a message and of a call. If a call has both Url and Twiml, Twilio ignores Twiml.
// See https://www.twilio.com/docs/messaging/api/message-resource and https://www.twilio.com/docs/voice/api/call-resource.
type form struct {
	To             string `url:"To"`
	From           string `url:"From"`
	Body           string `url:"Body,omitempty"`
	Twiml          string `url:"Twiml,omitempty"`
	URL            string `url:"Url,omitempty"`
	Method         string `url:"Method,omitempty"` // of Url; POST unless set
	StatusCallback string `url:"StatusCallback,omitempty"`
}

// request renders the message in the way of the notifier's kind.
func (n *Notifier) request(m Message) (transport.Request, []mackerel.Cut, error) {
	op, f := "create call", n.form
	var cuts []mackerel.Cut
	problem := ""
	switch n.kind {
	case KindSMS:
		op = "create message"
		f.Body, cuts, problem = m.sms(n.length)
	case KindCall:
		f.Twiml, cuts, problem = m.twiml(n.language, n.voice)
	case KindTwiML:
		f.URL, f.Method = withAlertID(n.twiml.Reveal(), m.AlertID), http.MethodGet
	}
	if problem != "" {
		return transport.Request{}, nil, n.service.Invalid(op, problem)
	}
	f.StatusCallback = n.callback.Reveal()
	values, err := query.Values(f)
	if err != nil {
		return transport.Request{}, nil, n.service.Invalid(op, err.Error())
	}
	return transport.Request{
		Op: op, Method: http.MethodPost, URL: n.url, Header: n.header(), Body: []byte(values.Encode()),
		Repeat: transport.Message, Judge: judgeCreated,
	}, cuts, nil
}

// judgeCreated accepts nothing but a 201 with the SID of what was made.
func judgeCreated(r *transport.Result) {
	if r.Class == transport.Done && (r.Status != http.StatusCreated || sidOf(r.Body) == "") {
		provider.Undocumented(r)
	}
}

func sidOf(body []byte) string {
	var answer struct {
		SID string `json:"sid"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.SID
}

// decodeError reads {"code":21211,"message":"...","more_info":"https://...","status":400}.
// See https://www.twilio.com/docs/errors.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	if e.Code != 0 {
		code = strconv.Itoa(e.Code)
	}
	return code, e.Message
}
