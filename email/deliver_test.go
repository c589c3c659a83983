package email_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// long is an alert whose mail is sent in more than one piece, so that it is cut off within.
func long() mackerel.Alert {
	a := alert()
	a.Message = strings.Repeat("disk full\n", 2000)
	return a
}

// A breakdown is a fault at a step, and how long it takes to be noticed.
type breakdown struct {
	name  string
	fault emailtest.Fault
	after time.Duration
}

func breakdowns(at emailtest.Step) []breakdown {
	all := []breakdown{
		{"a connection closed", emailtest.Fault{Break: emailtest.CloseConnection}, 0},
		{"no answer", emailtest.Fault{Break: emailtest.Silence}, 10 * time.Second},
	}
	if at != emailtest.AtBody {
		all = append(all, breakdown{"a 451", emailtest.Fault{Reply: "451 4.3.0 try later"}, 0}, breakdown{"a 421", emailtest.Fault{Reply: "421 4.3.2 going down"}, 0})
	}
	for i := range all {
		all[i].name, all[i].fault.At = fmt.Sprintf("%s at %s", all[i].name, at), at
	}
	return all
}

// TestWhatWasProvablyNotAccepted: both modes repeat it, and the mail arrives once.
func TestWhatWasProvablyNotAccepted(t *testing.T) {
	for _, at := range before {
		for _, b := range breakdowns(at) {
			for _, mode := range modes {
				t.Run(b.name+", "+mode.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { checkUnavailable(t, b, mode) })
				})
			}
		}
	}
	for _, b := range breakdowns(emailtest.AtContent)[2:] { // an answer, after which nothing is open
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkUnavailable(t, b, mackerel.AtMostOnce) })
		})
	}
}

func checkUnavailable(t *testing.T, b breakdown, mode mackerel.Delivery) {
	s := newServer(t)
	s.Inject(b.fault, b.fault)
	if b.fault.At == emailtest.AtHello && b.fault.Reply[:min(3, len(b.fault.Reply))] == "451" {
		s.Inject(b.fault, b.fault) // a refused EHLO is followed by a HELO
	}
	start := time.Now()
	receipt, err := newNotifier(t, s, email.Config{Call: mackerel.CallOptions{Delivery: mode}}).Deliver(t.Context(), long())
	if err != nil || receipt.Attempts != 3 || len(s.Mails()) != 1 {
		t.Errorf("%+v, %v, %d mails", receipt, err, len(s.Mails()))
	}
	took := time.Since(start)
	if least, most := 2*b.after+750*time.Millisecond, 2*b.after+1500*time.Millisecond; took < least || took > most || receipt.Duration != took {
		t.Errorf("took %v, want %v to %v; the receipt says %v", took, least, most, receipt.Duration)
	}

	b.fault.Times = -1
	s.Inject(b.fault)
	start = time.Now()
	receipt, err = newNotifier(t, s, email.Config{Call: mackerel.CallOptions{Delivery: mode, MaxAttempts: 1}}).Deliver(t.Context(), long())
	e := asError(t, err, mackerel.ErrUnavailable)
	if _, again := mackerel.Retry(err); !again || e.Attempts != 1 || receipt.Attempts != 1 || receipt.ID != "" || time.Since(start) != b.after {
		t.Errorf("%v, %+v, after %v", err, receipt, time.Since(start))
	}
	if want := b.fault.Reply; e.Message != want || (want != "") != (e.Code != "") || (want == "") != (e.Err != nil) {
		t.Errorf("code %q, message %q, cause %v", e.Code, e.Message, e.Err)
	}
}

// TestALostAnswerToAMail is about what comes after the final dot: nobody knows whether the mail was accepted.
func TestALostAnswerToAMail(t *testing.T) {
	for _, handled := range []bool{false, true} {
		for _, b := range breakdowns(emailtest.AtContent)[:2] {
			b.fault.Handled = handled
			accepted := 0
			if handled {
				accepted = 1
			}
			t.Run(fmt.Sprintf("%s, accepted %t", b.name, handled), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newServer(t)
					s.Inject(b.fault)
					receipt, err := newNotifier(t, s, email.Config{Call: mackerel.CallOptions{Delivery: mackerel.AtMostOnce}}).Deliver(t.Context(), alert())
					_ = asError(t, err, mackerel.ErrAmbiguous)
					if _, again := mackerel.Retry(err); again || receipt.Attempts != 1 || len(s.Mails()) != accepted {
						t.Errorf("at most once: %v, %+v, %d mails", err, receipt, len(s.Mails()))
					}
				})
				synctest.Test(t, func(t *testing.T) {
					s := newServer(t)
					s.Inject(b.fault)
					receipt, err := newNotifier(t, s, email.Config{}).Deliver(t.Context(), alert())
					if err != nil || receipt.Attempts != 2 || len(s.Mails()) != accepted+1 {
						t.Errorf("at least once: %v, %+v, %d mails", err, receipt, len(s.Mails()))
					}
					for _, m := range s.Mails() {
						if m.Header.Get("Message-Id") != receipt.ID || string(m.Raw) != string(s.Mails()[0].Raw) {
							t.Errorf("a repeat is another mail: %q", m.Raw)
						}
					}
				})
			})
		}
	}
}

// TestAmbiguitySticks: what may have been accepted once is not made unaccepted by a later refusal.
func TestAmbiguitySticks(t *testing.T) {
	for _, then := range []emailtest.Fault{
		{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted", Times: -1},
		{At: emailtest.AtRcpt, Reply: "550 5.1.1 no such user", Times: -1},
		{At: emailtest.AtConnect, Break: emailtest.CloseConnection, Times: -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, email.Config{Call: mackerel.CallOptions{OnAttempt: func(_ context.Context, a mackerel.Attempt) {
				if a.Number == 1 {
					s.Inject(then)
				}
			}}})
			s.Inject(emailtest.Fault{At: emailtest.AtContent, Handled: true, Break: emailtest.CloseConnection})
			_, err := n.Deliver(t.Context(), alert())
			if e := asError(t, err, mackerel.ErrAmbiguous); e.Attempts != 3 || len(s.Mails()) != 1 {
				t.Errorf("%v, %d mails", err, len(s.Mails()))
			}
		})
	}
}

// TestTroubleAfterTheMail: it is accepted, whatever becomes of the rest of the session.
func TestTroubleAfterTheMail(t *testing.T) {
	for _, b := range breakdowns(emailtest.AtQuit) {
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Inject(b.fault)
				receipt, err := newNotifier(t, s, email.Config{}).Deliver(t.Context(), alert())
				if err != nil || !receipt.Queued || receipt.Attempts != 1 || receipt.Duration > time.Second || len(s.Mails()) != 1 {
					t.Errorf("%v, %+v, %d mails", err, receipt, len(s.Mails()))
				}
			})
		})
	}
}

func TestRefusalsForGood(t *testing.T) {
	for _, test := range []struct {
		at    emailtest.Step
		reply string
		kind  error
	}{
		{emailtest.AtConnect, "554 no service for you", mackerel.ErrInvalid},
		{emailtest.AtConnect, "554 5.7.1 your address is on a list", mackerel.ErrUnauthorized},
		{emailtest.AtStartTLS, "502 5.5.1 not implemented", mackerel.ErrUnsupported},
		{emailtest.AtAuth, "535 5.7.8 wrong", mackerel.ErrUnauthorized},
		{emailtest.AtAuth, "535 wrong", mackerel.ErrUnauthorized},
		{emailtest.AtAuth, "534 5.7.9 too weak", mackerel.ErrUnauthorized},
		{emailtest.AtAuth, "504 no such mechanism", mackerel.ErrUnsupported},
		{emailtest.AtMail, "530 5.7.0 AUTH first", mackerel.ErrUnauthorized},
		{emailtest.AtMail, "550 sender not known", mackerel.ErrInvalid},
		{emailtest.AtMail, "552 5.3.4 too long", mackerel.ErrInvalid},
		{emailtest.AtMail, "555 parameter", mackerel.ErrUnsupported},
		{emailtest.AtRcpt, "550 no such user", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.1 no such user", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.10 null MX", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.101 something else", mackerel.ErrInvalid},
		{emailtest.AtRcpt, "550 5.2.1 mailbox disabled", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.7.1 relaying denied", mackerel.ErrUnauthorized},
		{emailtest.AtRcpt, "551 user not local", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "552 5.2.2 mailbox full", mackerel.ErrInvalid},
		{emailtest.AtRcpt, "553 5.1.3 bad address", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "553 name not allowed", mackerel.ErrInvalid},
		{emailtest.AtData, "554 no valid recipients", mackerel.ErrInvalid},
		{emailtest.AtContent, "550 5.7.1 looks like spam", mackerel.ErrUnauthorized},
		{emailtest.AtContent, "550 no", mackerel.ErrInvalid},
		{emailtest.AtContent, "552 5.3.4 too long", mackerel.ErrInvalid},
		{emailtest.AtContent, "554 5.6.0 malformed", mackerel.ErrInvalid},
	} {
		t.Run(fmt.Sprintf("%s at %s", test.reply, test.at), func(t *testing.T) {
			s := newServer(t)
			s.Inject(emailtest.Fault{At: test.at, Reply: test.reply, Times: -1})
			receipt, err := newNotifier(t, s, email.Config{}).Deliver(t.Context(), alert())
			e := asError(t, err, test.kind)
			if e.Code != test.reply[:3] || e.Message != test.reply || e.Status != 0 || receipt.Attempts != 1 || len(s.Mails()) != 0 {
				t.Errorf("%+v, %+v", e, receipt)
			}
			if _, again := mackerel.Retry(err); again {
				t.Errorf("%v may be repeated", err)
			}
		})
	}
}

// TestRepliesThatAreNone: a success or a question where neither belongs says nothing of the mail before the dot, and after
// it leaves everything open.
func TestRepliesThatAreNone(t *testing.T) {
	for at, kind := range map[emailtest.Step]error{
		emailtest.AtMail: mackerel.ErrUnavailable, emailtest.AtRcpt: mackerel.ErrUnavailable, emailtest.AtContent: mackerel.ErrAmbiguous,
	} {
		s := newServer(t)
		s.Inject(emailtest.Fault{At: at, Reply: "354 go ahead"})
		_, err := newNotifier(t, s, email.Config{Call: mackerel.CallOptions{MaxAttempts: 1}}).Deliver(t.Context(), alert())
		_ = asError(t, err, kind)
	}
}

// errCause is the cause of cancellations.
var errCause = errors.New("shutting down")

func TestCancel(t *testing.T) {
	steps := append(slices.Clone(before), emailtest.AtContent)
	for _, at := range steps {
		t.Run("while waiting for the answer at "+string(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Inject(emailtest.Fault{At: at, Break: emailtest.Silence})
				kind := mackerel.ErrUnavailable
				if at == emailtest.AtContent {
					kind = mackerel.ErrAmbiguous
				}
				_ = checkCancel(t, newNotifier(t, s, email.Config{}), kind, 3*time.Second)
			})
		})
	}
	t.Run("while waiting for another attempt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted", Times: -1})
			n := newNotifier(t, s, email.Config{Call: mackerel.CallOptions{MaxAttempts: 30}})
			if e := checkCancel(t, n, mackerel.ErrUnavailable, 3*time.Second); e.Code != "450" {
				t.Errorf("%+v", e)
			}
		})
	})
	t.Run("before the call", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			if e := checkCancel(t, newNotifier(t, s, email.Config{To: []string{hanako, taro}}), mackerel.ErrUnavailable, 0); e.Attempts != 0 || s.Connections() != 0 {
				t.Errorf("%+v, %d connections", e, s.Connections())
			}
		})
	})
}

func checkCancel(t *testing.T, n *email.Notifier, kind error, after time.Duration) *mackerel.Error {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	if after == 0 {
		cancel(errCause)
	}
	time.AfterFunc(after, func() { cancel(errCause) })
	start := time.Now()
	err := n.Notify(ctx, long())
	if took := time.Since(start); took != after || !errors.Is(err, context.Canceled) || !errors.Is(err, errCause) {
		t.Errorf("after %v: %v", took, err)
	}
	return asError(t, err, kind)
}

// TestAWaitThatDoesNotFit is not begun.
func TestAWaitThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted", Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		receipt, err := newNotifier(t, s, email.Config{}).Deliver(ctx, alert())
		_ = asError(t, err, mackerel.ErrUnavailable)
		if receipt.Attempts != 1 || time.Since(start) != 0 {
			t.Errorf("%+v after %v", receipt, time.Since(start))
		}
	})
}

// TestAttemptsAreReported tells of each with what became of it, and nothing that is secret.
func TestAttemptsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		var attempts []mackerel.Attempt
		n := newNotifier(t, s, email.Config{Call: mackerel.CallOptions{OnAttempt: func(_ context.Context, a mackerel.Attempt) { attempts = append(attempts, a) }}})
		s.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted"})
		if err := n.Notify(t.Context(), alert()); err != nil || len(attempts) != 2 {
			t.Fatalf("%v, %+v", err, attempts)
		}
		first, second := attempts[0], attempts[1]
		if first.Provider != "email" || first.Op != "send mail" || first.Number != 1 || first.Wait == 0 || first.Last || !errors.Is(first.Err, mackerel.ErrUnavailable) {
			t.Errorf("%+v", first)
		}
		if second.Number != 2 || second.Wait != 0 || !second.Last || second.Err != nil {
			t.Errorf("%+v", second)
		}
	})
}
