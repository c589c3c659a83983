package emailtest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A Step is a point of a session at which something can go wrong.
type Step string

// The steps. At most of them the fault stands in place of the reply to the command of this name.
const (
	AtConnect  Step = "connect" // in place of the greeting
	AtHello    Step = "EHLO"
	AtStartTLS Step = "STARTTLS"
	AtAuth     Step = "AUTH"
	AtMail     Step = "MAIL"
	AtRcpt     Step = "RCPT"
	AtData     Step = "DATA"
	AtBody     Step = "body"    // after the first line of the mail, where no reply belongs; for a Break only
	AtContent  Step = "content" // in place of the reply to the whole mail
	AtReset    Step = "RSET"
	AtQuit     Step = "QUIT"
)

// A Fault is something that goes wrong at a step.
type Fault struct {
	At Step
	// Recipient is the address whose transaction goes wrong, from RCPT on; "" is any.
	Recipient string
	// Times is how often: 0 is once, less than 0 is until Clear.
	Times int
	// Reply is the server's reply, such as "550 5.1.1 no such user". After a 421 the connection is closed.
	Reply string
	// Handled lets the server accept the mail first, so that only its answer is lost; for AtContent only.
	Handled bool
	// Break is what happens to the connection in place of a Reply: CloseConnection, or Silence until the server is
	// closed.
	Break fakehttp.Break
}

var (
	steps   = []Step{AtConnect, AtHello, AtStartTLS, AtAuth, AtMail, AtRcpt, AtData, AtBody, AtContent, AtReset, AtQuit}
	replies = regexp.MustCompile(`^[2-5][0-9][0-9] [ -~]*$`)
)

func (f Fault) check() {
	switch {
	case !slices.Contains(steps, f.At):
		panic("emailtest: Fault.At: unknown step " + string(f.At))
	case f.Break != 0 && f.Break != fakehttp.CloseConnection && f.Break != fakehttp.Silence:
		panic("emailtest: Fault.Break: must be CloseConnection or Silence")
	case f.Break == 0 && (!replies.MatchString(f.Reply) || f.At == AtBody):
		panic("emailtest: Fault.Reply: must be three digits, a blank and words, unless there is a Break")
	case f.Handled && f.At != AtContent:
		panic("emailtest: Fault.Handled: for AtContent only")
	}
}

// Inject adds faults after those that are still pending. Of the pending faults that match a step, the first one counts.
// It panics if a fault could never be applied.
func (s *Server) Inject(faults ...Fault) {
	for _, f := range faults {
		f.check()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Clear drops all pending faults.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f Fault) matches(at Step, recipients []string) bool {
	isRecipient := func(r string) bool { return strings.EqualFold(r, f.Recipient) }
	return f.At == at && (f.Recipient == "" || slices.ContainsFunc(recipients, isRecipient))
}

// fault returns the fault for a step and counts it as used.
func (s *Server) fault(at Step, recipients []string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.matches(at, recipients) })
	if i < 0 {
		return Fault{}, false
	}
	f := s.faults[i]
	switch {
	case f.Times < 0:
	case f.Times > 1:
		s.faults[i].Times--
	default:
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return f, true
}
