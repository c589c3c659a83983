package emailtest

import (
	"regexp"
	"slices"
	"strings"
)

// A Step is a point of a session at which something can go wrong.
type Step string

// The steps.
const (
	AtConnect  Step = "connect"  // instead of the greeting
	AtHello    Step = "EHLO"     // instead of the reply to EHLO, as in the following
	AtStartTLS Step = "STARTTLS" //
	AtAuth     Step = "AUTH"     //
	AtMail     Step = "MAIL"     //
	AtRcpt     Step = "RCPT"     //
	AtData     Step = "DATA"     //
	AtBody     Step = "body"     // after the first line of the mail, where there is no reply; for a Break
	AtContent  Step = "content"  // instead of the reply to the whole mail
	AtReset    Step = "RSET"     //
	AtQuit     Step = "QUIT"     //
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
	// Handled lets the server accept the mail first, so that only its answer is lost; for AtContent.
	Handled bool
	// Break is what happens to the connection instead of a Reply.
	Break Break
}

// Break is a way in which a connection breaks.
type Break int

// The ways in which a connection breaks.
const (
	KeepConnection  Break = iota // it does not
	CloseConnection              // it is closed without another word
	Silence                      // nothing is read or answered any more, until the server is closed
)

var (
	steps   = []Step{AtConnect, AtHello, AtStartTLS, AtAuth, AtMail, AtRcpt, AtData, AtBody, AtContent, AtReset, AtQuit}
	replies = regexp.MustCompile(`^[2-5][0-9][0-9] [ -~]*$`)
)

// Inject adds faults after those that are still pending. Of the pending ones that match, the first counts. It panics if
// a fault could never happen: an unknown step, a Reply that is none.
func (s *Server) Inject(faults ...Fault) {
	for _, f := range faults {
		switch {
		case !slices.Contains(steps, f.At):
			panic("emailtest: Inject: unknown step " + string(f.At))
		case f.Break == KeepConnection && (!replies.MatchString(f.Reply) || f.At == AtBody):
			panic("emailtest: Inject: a fault needs a Break, or a Reply of three digits, a blank and words")
		case f.Handled && f.At != AtContent:
			panic("emailtest: Inject: a mail can be handled AtContent only")
		}
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

// fault returns the fault for a step and counts it as used.
func (s *Server) fault(at Step, recipients []string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f Fault) bool {
		return f.At == at && (f.Recipient == "" || slices.ContainsFunc(recipients, func(r string) bool { return strings.EqualFold(r, f.Recipient) }))
	})
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
