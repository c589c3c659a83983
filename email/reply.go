package email

import (
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A step is what was being done when the server refused.
type step uint8

const (
	opening step = iota // the session: greeting, EHLO, STARTTLS, AUTH
	sending             // one mail: MAIL, DATA
	naming              // its recipient: RCPT
	ending              // after the final dot
)

var enhanced = regexp.MustCompile(`^([245])(\.[0-9]{1,3}\.[0-9]{1,3})\b`)

// classOf says what a reply means that is not the one hoped for. What begins with 4 may work later, what begins with 5
// will not (https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1); the enhanced code, if there is one, is more exact
// (https://www.rfc-editor.org/rfc/rfc3463 and https://www.iana.org/assignments/smtp-enhanced-status-codes).
func classOf(at step, reply *textproto.Error) transport.Class {
	switch {
	case reply.Code/100 == 4:
		return transport.Unavailable
	case reply.Code/100 != 5: // not the documented one, and no refusal either
		return lostAt(at)
	}
	exact := ""
	if found := enhanced.FindStringSubmatch(reply.Msg); found != nil {
		exact = found[2]
	}
	switch exact {
	case ".1.1", ".1.2", ".1.3", ".1.6", ".1.10", ".2.1": // no such mailbox, or no longer
		return transport.NotFound
	}
	switch reply.Code {
	case 530, 534, 535, 538: // https://www.rfc-editor.org/rfc/rfc4954#section-6
		return transport.Unauthorized
	case 502, 504, 555: // a command or parameter that the server does not have
		return transport.Unsupported
	case 550, 551:
		if at == naming && exact == "" {
			return transport.NotFound
		}
	}
	if strings.HasPrefix(exact, ".7.") { // the policy or security of the server
		return transport.Unauthorized
	}
	return transport.Invalid
}

// lostAt says what it means that there was no reply, or none that says anything: only after the final dot can the mail
// have been accepted.
func lostAt(at step) transport.Class {
	if at == ending {
		return transport.Ambiguous
	}
	return transport.Unavailable
}

// line is a reply as it stands in a result.
func line(reply *textproto.Error) []byte { return []byte(strconv.Itoa(reply.Code) + " " + reply.Msg) }

// decodeReply reads the code and the words of a reply. The words keep the code, which says more than they do.
func decodeReply(_ int, body []byte) (code, message string) {
	code, _, _ = strings.Cut(string(body), " ")
	return code, string(body)
}
