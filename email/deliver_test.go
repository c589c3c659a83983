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
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// before are the steps before the final dot of a mail was sent. A connection that is lost there proves that the mail
// was not accepted.
var before = []emailtest.Step{
	emailtest.AtConnect, emailtest.AtHello, emailtest.AtStartTLS, emailtest.AtAuth, emailtest.AtMail, emailtest.AtRcpt,
	emailtest.AtData, emailtest.AtBody,
}

// long is an alert whose mail is sent in several pieces.
func long() mackerel.Alert {
	a := alert()
	a.Message = strings.Repeat("disk full\n", 2000)
	return a
}

// A breakdown is a fault, and how long it takes to be noticed.
type breakdown struct {
	name  string
	fault emailtest.Fault
	after time.Duration
}

// breakdowns returns two breaks and two refusals for now. At the body of a mail no reply belongs.
func breakdowns(at emailtest.Step) []breakdown {
	all := []breakdown{
		{"a connection closed", emailtest.Fault{Break: fakehttp.CloseConnection}, 0},
		{"no answer", emailtest.Fault{Break: fakehttp.Silence}, 10 * time.Second},
		{"a 451", emailtest.Fault{Reply: "451 4.3.0 try later"}, 0},
		{"a 421", emailtest.Fault{Reply: "421 4.3.2 going down"}, 0},
	}
	if at == emailtest.AtBody {
		all = all[:2]
	}
	for i := range all {
		all[i].name, all[i].fault.At = fmt.Sprintf("%s at %s", all[i].name, at), at
	}
	return all
}

func TestWhatWasProvablyNotAcceptedIsSentAgain(t *testing.T) {
	for _, mode := range []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce} {
		all := breakdowns(emailtest.AtContent)[2:] // a refusal after the final dot proves it too
		for _, at := range before {
			all = append(all, breakdowns(at)...)
		}
		for _, b := range all {
			t.Run(b.name+", "+mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { checkUnavailable(t, b, mode) })
			})
		}
	}
}

func checkUnavailable(t *testing.T, b breakdown, mode mackerel.Delivery) {
	fake, n := start(t, func(c *email.Config) { c.Call.Delivery = mode })
	fake.Inject(b.fault, b.fault)
	began := time.Now()
	receipt, err := n.Deliver(t.Context(), long())
	if err != nil || receipt.Attempts != 3 || fake.Accepted() != 1 {
		t.Errorf("%+v, %v, %d mails", receipt, err, fake.Accepted())
	}
	took := time.Since(began)
	if least, most := 2*b.after+750*time.Millisecond, 2*b.after+1500*time.Millisecond; took < least || took > most || receipt.Duration != took {
		t.Errorf("took %v, want %v to %v; the receipt says %v", took, least, most, receipt.Duration)
	}

	fake, n = start(t, func(c *email.Config) { c.Call.Delivery, c.Call.MaxAttempts = mode, 1 })
	b.fault.Times = -1
	fake.Inject(b.fault)
	began = time.Now()
	receipt, err = n.Deliver(t.Context(), long())
	e := servicetest.AsError(t, err, mackerel.ErrUnavailable)
	if _, again := mackerel.Retry(err); !again || e.Attempts != 1 || receipt.Attempts != 1 || receipt.ID != "" || time.Since(began) != b.after {
		t.Errorf("%v, %+v, after %v", err, receipt, time.Since(began))
	}
	if want := b.fault.Reply; e.Message != want || (want != "") != (e.Code != "") || (want == "") != (e.Err != nil) {
		t.Errorf("code %q, message %q, cause %v", e.Code, e.Message, e.Err)
	}
}

// TestALostAnswerToAMailIsAmbiguous is about what comes after the final dot.
func TestALostAnswerToAMailIsAmbiguous(t *testing.T) {
	for _, handled := range []bool{false, true} {
		for _, b := range breakdowns(emailtest.AtContent)[:2] {
			b.fault.Handled = handled
			t.Run(fmt.Sprintf("%s, accepted %t", b.name, handled), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { checkAmbiguous(t, b) })
			})
		}
	}
}

func checkAmbiguous(t *testing.T, b breakdown) {
	accepted := 0
	if b.fault.Handled {
		accepted = 1
	}
	fake, n := start(t, func(c *email.Config) { c.Call.Delivery = mackerel.AtMostOnce })
	fake.Inject(b.fault)
	receipt, err := n.Deliver(t.Context(), alert())
	_ = servicetest.AsError(t, err, mackerel.ErrAmbiguous)
	if _, again := mackerel.Retry(err); again || receipt.Attempts != 1 || fake.Accepted() != accepted {
		t.Errorf("at most once: %v, %+v, %d mails", err, receipt, fake.Accepted())
	}

	fake, n = start(t)
	fake.Inject(b.fault)
	receipt, err = n.Deliver(t.Context(), alert())
	if err != nil || receipt.Attempts != 2 || fake.Accepted() != accepted+1 {
		t.Errorf("at least once: %v, %+v, %d mails", err, receipt, fake.Accepted())
	}
	for _, m := range fake.Mails() {
		if m.Header.Get("Message-Id") != receipt.ID || string(m.Raw) != string(fake.Mails()[0].Raw) {
			t.Errorf("a repeat is another mail: %q", m.Raw)
		}
	}
}

func TestALaterRefusalDoesNotEndAmbiguity(t *testing.T) {
	for _, then := range []emailtest.Fault{
		{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted", Times: -1},
		{At: emailtest.AtRcpt, Reply: "550 5.1.1 no such user", Times: -1},
		{At: emailtest.AtConnect, Break: fakehttp.CloseConnection, Times: -1},
	} {
		synctest.Test(t, func(t *testing.T) {
			var fake *emailtest.Server
			fake, n := start(t, func(c *email.Config) {
				c.Call.OnAttempt = func(_ context.Context, a mackerel.Attempt) {
					if a.Number == 1 {
						fake.Inject(then)
					}
				}
			})
			fake.Inject(emailtest.Fault{At: emailtest.AtContent, Handled: true, Break: fakehttp.CloseConnection})
			_, err := n.Deliver(t.Context(), alert())
			if e := servicetest.AsError(t, err, mackerel.ErrAmbiguous); e.Attempts != 3 || fake.Accepted() != 1 {
				t.Errorf("%v, %d mails", err, fake.Accepted())
			}
			if _, again := mackerel.Retry(err); !again {
				t.Errorf("%v may not be repeated", err)
			}
		})
	}
}

func TestTroubleAfterTheMailDoesNotMatter(t *testing.T) {
	for _, b := range breakdowns(emailtest.AtQuit) {
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, n := start(t)
				fake.Inject(b.fault)
				receipt, err := n.Deliver(t.Context(), alert())
				if err != nil || !receipt.Queued || receipt.Attempts != 1 || receipt.Duration > time.Second || fake.Accepted() != 1 {
					t.Errorf("%v, %+v, %d mails", err, receipt, fake.Accepted())
				}
			})
		})
	}
}

// errCause is the cause of cancellations.
var errCause = errors.New("shutting down")

// checkCancel cancels a call after some time. The call must end at that moment.
func checkCancel(t *testing.T, n *email.Notifier, kind error, after time.Duration) *mackerel.Error {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	if after == 0 {
		cancel(errCause)
	}
	time.AfterFunc(after, func() { cancel(errCause) })
	began := time.Now()
	err := n.Notify(ctx, long())
	if took := time.Since(began); took != after || !errors.Is(err, context.Canceled) || !errors.Is(err, errCause) {
		t.Errorf("after %v: %v", took, err)
	}
	return servicetest.AsError(t, err, kind)
}

func TestCancel(t *testing.T) {
	for _, at := range append(slices.Clone(before), emailtest.AtContent) {
		t.Run("while waiting for the answer at "+string(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, n := start(t)
				fake.Inject(emailtest.Fault{At: at, Break: fakehttp.Silence})
				kind := mackerel.ErrUnavailable
				if at == emailtest.AtContent {
					kind = mackerel.ErrAmbiguous
				}
				_ = checkCancel(t, n, kind, 3*time.Second)
			})
		})
	}
	t.Run("while waiting for another attempt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, n := start(t, func(c *email.Config) { c.Call.MaxAttempts = 30 })
			fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted", Times: -1})
			if e := checkCancel(t, n, mackerel.ErrUnavailable, 3*time.Second); e.Code != "450" {
				t.Errorf("%+v", e)
			}
		})
	})
	t.Run("while waiting for another attempt after a lost answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, n := start(t, func(c *email.Config) { c.Call.MaxAttempts = 30 })
			fake.Inject(emailtest.Fault{At: emailtest.AtContent, Break: fakehttp.CloseConnection, Times: -1})
			_ = checkCancel(t, n, mackerel.ErrAmbiguous, 3*time.Second+time.Millisecond)
		})
	})
	t.Run("before the call", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, n := start(t, three)
			if e := checkCancel(t, n, mackerel.ErrUnavailable, 0); e.Attempts != 0 || fake.Connections() != 0 {
				t.Errorf("%+v, %d connections", e, fake.Connections())
			}
		})
	})
}

func TestAWaitThatDoesNotFitIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t)
		fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted", Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		receipt, err := n.Deliver(ctx, alert())
		_ = servicetest.AsError(t, err, mackerel.ErrUnavailable)
		if receipt.Attempts != 1 || time.Since(began) != 0 {
			t.Errorf("%+v after %v", receipt, time.Since(began))
		}
	})
}

func TestAttemptsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []mackerel.Attempt
		fake, n := start(t, func(c *email.Config) { c.Call.OnAttempt = servicetest.Record(&attempts) })
		fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "450 4.2.0 greylisted"})
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

func TestEachRecipientGetsASeparateMailOverOneConnection(t *testing.T) {
	fake, n := start(t, three)
	receipt, err := n.Deliver(t.Context(), alert())
	if err != nil || recipients(fake) != hanako+" "+taro+" "+jiro || fake.Connections() != 1 || receipt.Attempts != 1 {
		t.Fatalf("%v, %+v, %s, %d connections", err, receipt, recipients(fake), fake.Connections())
	}
	var ids []string
	for _, m := range fake.Mails() {
		ids = append(ids, m.Header.Get("Message-Id"))
		if to, err := m.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != m.To[0] || m.From != "alert@example.com" {
			t.Errorf("%s: %v, %v", m.To, to, err)
		}
	}
	if receipt.ID != strings.Join(ids, " ") || ids[0] == ids[1] || ids[1] == ids[2] {
		t.Errorf("%q, the receipt says %q", ids, receipt.ID)
	}
	if n.String() != "email to hanako@example.com and 2 more" {
		t.Error(n)
	}
}

func TestARefusedRecipientDoesNotKeepTheOthersFromTheirMail(t *testing.T) {
	for name, fault := range map[string]emailtest.Fault{
		"no such user":          {At: emailtest.AtRcpt, Reply: "550 5.1.1 no such user", Times: -1},
		"a refused mail":        {At: emailtest.AtContent, Reply: "554 5.6.0 no", Times: -1},
		"greylisted":            {At: emailtest.AtRcpt, Reply: "450 4.7.1 greylisted", Times: -1},
		"a 421":                 {At: emailtest.AtRcpt, Reply: "421 4.7.0 too much", Times: -1},
		"a connection closed":   {At: emailtest.AtData, Break: fakehttp.CloseConnection, Times: -1},
		"no answer":             {At: emailtest.AtRcpt, Break: fakehttp.Silence, Times: -1},
		"a lost answer at last": {At: emailtest.AtContent, Break: fakehttp.CloseConnection, Times: -1},
	} {
		for _, address := range []string{hanako, taro, jiro} {
			t.Run(name, func(t *testing.T) {
				fault.Recipient = address
				synctest.Test(t, func(t *testing.T) { checkOneRefused(t, fault) })
			})
		}
	}
}

func checkOneRefused(t *testing.T, fault emailtest.Fault) {
	address := fault.Recipient
	edited := 0
	edit := func(c *email.Config) {
		c.Edit = func(*email.Message, mackerel.Alert) error { edited++; return nil }
	}
	fake, n := start(t, three, edit)
	fake.Inject(fault)
	receipt, err := n.Deliver(t.Context(), alert())
	if got := recipients(fake); strings.Contains(got, address) || fake.Accepted() != 2 || len(strings.Fields(receipt.ID)) != 2 || !receipt.Queued {
		t.Fatalf("%v, %+v, %q", err, receipt, got)
	}
	failures := mackerel.Failures(err)
	if len(failures) != 1 || !strings.HasPrefix(err.Error(), "email to "+address+": send mail: ") {
		t.Fatalf("%v, failures %+v", err, failures)
	}
	var e *mackerel.Error
	if !errors.As(err, &e) || e.Attempts != receipt.Attempts {
		t.Errorf("%+v, %+v", e, receipt)
	}

	only, ok := failures[0].Notifier.(*email.Notifier)
	if !ok || only.String() != "email to "+address {
		t.Fatalf("the failure's notifier is %v", failures[0].Notifier)
	}
	if p, err := only.Preview(alert()); err != nil || len(p.Requests) != 1 || p.Requests[0].Header.Get("To") == "" {
		t.Errorf("%+v, %v", p, err)
	}
	fake.Clear() // the recipient can be reached again
	if err := only.Notify(t.Context(), alert()); err != nil || fake.Accepted() != 3 || fake.Mails()[2].To[0] != address || edited != 3 {
		t.Errorf("%v, %q, edited %d times", err, recipients(fake), edited)
	}
}

func TestWhoHasTheMailGetsNoSecondAtALaterAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, three)
		fake.Inject(
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "450 4.7.1 greylisted"},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: jiro, Reply: "450 4.7.1 greylisted", Times: 2},
		)
		receipt, err := n.Deliver(t.Context(), alert())
		if err != nil || receipt.Attempts != 3 || recipients(fake) != taro+" "+hanako+" "+jiro {
			t.Errorf("%v, %+v, %q", err, receipt, recipients(fake))
		}
	})
}

func TestFailuresAreInTheOrderOfTheRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, three)
		fake.Inject(
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "550 5.1.1 no such user", Times: -1},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Reply: "450 4.7.1 greylisted", Times: -1},
			emailtest.Fault{At: emailtest.AtContent, Recipient: jiro, Break: fakehttp.CloseConnection, Times: -1},
		)
		receipt, err := n.Deliver(t.Context(), alert())
		failures := mackerel.Failures(err)
		if len(failures) != 3 || receipt.ID != "" || receipt.Queued || receipt.Attempts != 3 {
			t.Fatalf("%v, %+v", err, receipt)
		}
		for i, kind := range []error{mackerel.ErrNotFound, mackerel.ErrUnavailable, mackerel.ErrAmbiguous} {
			_ = servicetest.AsError(t, failures[i].Err, kind)
		}
		if e := servicetest.AsError(t, failures[0].Err, mackerel.ErrNotFound); e.Attempts != 1 {
			t.Errorf("who was refused for good was asked for %d times", e.Attempts)
		}
		if _, again := mackerel.Retry(err); !again {
			t.Error("nothing may be repeated")
		}
	})
}

// TestA421EndsTheConnection: the other mails go over another connection, within the same attempt.
func TestA421EndsTheConnection(t *testing.T) {
	fake, n := start(t, three, func(c *email.Config) { c.Call.MaxAttempts = 1 })
	fake.Inject(emailtest.Fault{At: emailtest.AtContent, Recipient: hanako, Reply: "421 4.7.0 going down"})
	err := n.Notify(t.Context(), alert())
	if len(mackerel.Failures(err)) != 1 || recipients(fake) != taro+" "+jiro || fake.Connections() != 2 {
		t.Errorf("%v, %q, %d connections", err, recipients(fake), fake.Connections())
	}
}

func TestASessionThatFailsIsOneError(t *testing.T) {
	for _, at := range []emailtest.Step{emailtest.AtConnect, emailtest.AtStartTLS, emailtest.AtAuth} {
		fake, n := start(t, three, func(c *email.Config) { c.Call.MaxAttempts = 1 })
		fake.Inject(emailtest.Fault{At: at, Reply: "454 4.7.0 not now", Times: -1})
		receipt, err := n.Deliver(t.Context(), alert())
		if len(mackerel.Failures(err)) != 0 || err.Error() != "email: send mail: 454 4.7.0 not now (unavailable)" || receipt.Attempts != 1 {
			t.Errorf("%v, %+v", err, receipt)
		}
	}
}

func TestASecondSessionThatFailsIsAFailureOfThoseWithoutTheMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fake *emailtest.Server
		fake, n := start(t, three, func(c *email.Config) {
			c.Call.OnAttempt = func(context.Context, mackerel.Attempt) {
				fake.Inject(emailtest.Fault{At: emailtest.AtConnect, Break: fakehttp.CloseConnection, Times: -1})
			}
		})
		fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "450 4.7.1 greylisted"})
		err := n.Notify(t.Context(), alert())
		if len(mackerel.Failures(err)) != 1 || !strings.HasPrefix(err.Error(), "email to hanako@example.com: ") || recipients(fake) != taro+" "+jiro {
			t.Errorf("%v, %q", err, recipients(fake))
		}
	})
}

func TestCancelAmongRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, three)
		fake.Inject(emailtest.Fault{At: emailtest.AtContent, Recipient: taro, Break: fakehttp.Silence})
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { done <- n.Notify(ctx, alert()) }()
		synctest.Wait()
		cancel(errCause)
		failures := mackerel.Failures(<-done)
		if len(failures) != 2 || recipients(fake) != hanako {
			t.Fatalf("%+v, %q", failures, recipients(fake))
		}
		for i, kind := range []error{mackerel.ErrAmbiguous, mackerel.ErrUnavailable} {
			_ = servicetest.AsError(t, failures[i].Err, kind)
			if !errors.Is(failures[i].Err, errCause) {
				t.Errorf("%v: not the cause", failures[i].Err)
			}
		}
	})
}

// TestARefusalForGoodStaysItselfAfterACancel: it is not the cancel that keeps the recipient from the mail.
func TestARefusalForGoodStaysItselfAfterACancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, three)
		fake.Inject(
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "550 5.1.1 no such user"},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Break: fakehttp.Silence},
		)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCause) })
		failures := mackerel.Failures(n.Notify(ctx, alert()))
		if len(failures) != 3 || !errors.Is(failures[1].Err, errCause) || !errors.Is(failures[2].Err, errCause) {
			t.Fatalf("%v", failures)
		}
		if e := servicetest.AsError(t, failures[0].Err, mackerel.ErrNotFound); e.Err != nil || e.Code != "550" {
			t.Errorf("%v", e)
		}
	})
}

func TestFailuresWithinAMultiAreThoseOfSingleRecipients(t *testing.T) {
	fake, n := start(t, three)
	fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Reply: "550 5.1.1 no such user"})
	other, m := start(t)
	failures := mackerel.Failures(mackerel.Multi(n, m).Notify(t.Context(), alert()))
	if len(failures) != 1 || failures[0].Notifier.Notify(t.Context(), alert()) != nil {
		t.Fatalf("%+v", failures)
	}
	if recipients(fake) != hanako+" "+jiro+" "+taro || recipients(other) != hanako {
		t.Errorf("%q, %q", recipients(fake), recipients(other))
	}
}
