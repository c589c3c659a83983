package email

import (
	"cmp"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A step is a part of a session in which the server may refuse.
type step uint8

const (
	opening   step = iota // the session: greeting, EHLO, STARTTLS, AUTH
	beginning             // a mail: MAIL
	naming                // its recipient: RCPT
	sending               // its content: DATA
	ending                // after the final dot
)

// classes are the codes and enhanced codes of refusals for good that do not mean Invalid.
// See https://www.rfc-editor.org/rfc/rfc4954#section-6 and https://www.iana.org/assignments/smtp-enhanced-status-codes.
var classes = map[string]transport.Class{
	"502": transport.Unsupported, "504": transport.Unsupported, "555": transport.Unsupported, // commands, parameters
	"530": transport.Unauthorized, "534": transport.Unauthorized, "535": transport.Unauthorized, "538": transport.Unauthorized,

	"5.1.1": transport.NotFound, "5.1.2": transport.NotFound, "5.1.3": transport.NotFound, // no such mailbox or host
	"5.1.6": transport.NotFound, "5.1.10": transport.NotFound, "5.2.1": transport.NotFound, // no mailbox any more
}

// enhanced is an enhanced code of a refusal for good (https://www.rfc-editor.org/rfc/rfc3463).
var enhanced = regexp.MustCompile(`^5\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// classOf returns the class of a reply that is not the expected one. 4yz may work later, 5yz will not
// (https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1). An enhanced code says more than the code. 5.7.z is the
// server's policy or security.
func classOf(at step, reply *textproto.Error) transport.Class {
	exact := enhanced.FindString(reply.Msg)
	byEnhanced, exactly := classes[exact]
	byCode, known := classes[strconv.Itoa(reply.Code)]
	switch {
	case reply.Code/100 == 4:
		return transport.Unavailable
	case reply.Code/100 != 5: // no refusal
		return lostAt(at)
	case exactly:
		return byEnhanced
	case known:
		return byCode
	case strings.HasPrefix(exact, "5.7."):
		return transport.Unauthorized
	case at == naming && exact == "" && (reply.Code == 550 || reply.Code == 551):
		return transport.NotFound
	}
	return transport.Invalid
}

// throttles reports whether a refusal is for too much mail, so that other mails would be refused too: 421 and 432 (too
// many connections or mails), 454 in the words of Amazon SES, and any 4yz to MAIL. A 4yz to RCPT concerns its
// recipient, for example a mailbox that is full or a greylist.
// See https://learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements and
// https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html.
func throttles(at step, reply *textproto.Error) bool {
	switch reply.Code {
	case 421, 432:
		return true
	case 454:
		return at == beginning || strings.Contains(strings.ToLower(reply.Msg), "throttling")
	}
	return at == beginning && reply.Code/100 == 4
}

// lostAt returns the class of a missing answer. Only after the final dot may the mail have been accepted.
func lostAt(at step) transport.Class {
	if at == ending {
		return transport.Ambiguous
	}
	return transport.Unavailable
}

// line returns a reply as the body of a result.
func line(reply *textproto.Error) []byte { return []byte(strconv.Itoa(reply.Code) + " " + reply.Msg) }

// decodeError reads the code and the words of a reply. The code is a part of the words too.
func decodeError(_ int, body []byte) (code, message string) {
	code, _, _ = strings.Cut(string(body), " ")
	return code, string(body)
}

// lanes are what the mails of one account of a server share.
type lanes struct{ mails, connections transport.Lane }

// rate is the limit of an account of Microsoft 365, which also takes three connections at a time. Others have limits of
// a day, or do not say. See https://learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements.
var rate = transport.Limit{N: 30, Per: time.Minute, Gate: time.Minute, GateMax: 10 * time.Minute}

func (c Config) lanes(t *transport.Transport) lanes {
	account := cmp.Or(c.Username, c.From)
	return lanes{
		mails:       t.Lane(rate, c.address(), account),
		connections: t.WideLane(transport.Limit{N: 1}, c.address(), account),
	}
}
