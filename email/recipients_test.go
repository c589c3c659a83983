package email_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

var three = email.Config{To: []string{hanako, "Taro <" + taro + ">", jiro}}

// TestEveryRecipientHasAMailOfTheirOwn over one connection, and does not see the others.
func TestEveryRecipientHasAMailOfTheirOwn(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, three)
	receipt, err := n.Deliver(t.Context(), alert())
	if err != nil || recipients(s) != hanako+" "+taro+" "+jiro || s.Connections() != 1 || receipt.Attempts != 1 {
		t.Fatalf("%v, %+v, %s, %d connections", err, receipt, recipients(s), s.Connections())
	}
	var ids []string
	for _, m := range s.Mails() {
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

// TestARefusedRecipientCostsTheOthersNothing, wherever it happens, and only that one is tried again.
func TestARefusedRecipientCostsTheOthersNothing(t *testing.T) {
	for name, fault := range map[string]emailtest.Fault{
		"no such user":          {At: emailtest.AtRcpt, Reply: "550 5.1.1 no such user", Times: -1},
		"a refused mail":        {At: emailtest.AtContent, Reply: "554 5.6.0 no", Times: -1},
		"greylisted":            {At: emailtest.AtRcpt, Reply: "450 4.7.1 greylisted", Times: -1},
		"a 421":                 {At: emailtest.AtRcpt, Reply: "421 4.7.0 too much", Times: -1},
		"a connection closed":   {At: emailtest.AtData, Break: emailtest.CloseConnection, Times: -1},
		"no answer":             {At: emailtest.AtRcpt, Break: emailtest.Silence, Times: -1},
		"a lost answer at last": {At: emailtest.AtContent, Break: emailtest.CloseConnection, Times: -1},
	} {
		for at, to := range three.To {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					checkOneRefused(t, fault, at, strings.Trim(to[strings.IndexByte(to, '<')+1:], "<>"))
				})
			})
		}
	}
}

func checkOneRefused(t *testing.T, fault emailtest.Fault, at int, address string) {
	s := newServer(t)
	fault.Recipient = address
	s.Inject(fault)
	n := newNotifier(t, s, three)
	receipt, err := n.Deliver(t.Context(), alert())
	if got := recipients(s); strings.Contains(got, address) || len(s.Mails()) != 2 || len(strings.Fields(receipt.ID)) != 2 || !receipt.Queued {
		t.Fatalf("%v, %+v, %q", err, receipt, got)
	}
	failures := mackerel.Failures(err)
	if len(failures) != 1 || failures[0].Notifier.(*email.Notifier).String() != "email to "+address || !strings.HasPrefix(err.Error(), "email to "+address+": send mail: ") {
		t.Fatalf("%v, failures %+v", err, failures)
	}
	var e *mackerel.Error
	if !errors.As(err, &e) || e.Attempts != receipt.Attempts || len(kinds(err)) != 1 {
		t.Errorf("%+v, %+v", e, receipt)
	}

	s.Clear() // the recipient's mailbox is mended
	if err := failures[0].Notifier.Notify(t.Context(), alert()); err != nil || len(s.Mails()) != 3 || s.Mails()[2].To[0] != address {
		t.Errorf("%v, %q", err, recipients(s))
	}
	again := newServer(t)
	if err := newNotifier(t, again, three).Notify(t.Context(), alert()); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Mails()[2].Header.Get("Message-Id"), again.Mails()[at].Header.Get("Message-Id"); got != want {
		t.Errorf("the mail to one alone has the Message-ID %s, the one to all %s", got, want)
	}
}

// TestRefusedForNow: who was accepted at the first attempt gets no second mail at the next ones.
func TestRefusedForNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "450 4.7.1 greylisted"},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: jiro, Reply: "450 4.7.1 greylisted", Times: 2},
		)
		receipt, err := newNotifier(t, s, three).Deliver(t.Context(), alert())
		if err != nil || receipt.Attempts != 3 || recipients(s) != taro+" "+hanako+" "+jiro {
			t.Errorf("%v, %+v, %q", err, receipt, recipients(s))
		}
	})
}

// TestDifferentFailures are told apart, in the order of the recipients.
func TestDifferentFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "550 5.1.1 no such user", Times: -1},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Reply: "450 4.7.1 greylisted", Times: -1},
			emailtest.Fault{At: emailtest.AtContent, Recipient: jiro, Break: emailtest.CloseConnection, Times: -1},
		)
		receipt, err := newNotifier(t, s, three).Deliver(t.Context(), alert())
		want := []error{mackerel.ErrNotFound, mackerel.ErrUnavailable, mackerel.ErrAmbiguous}
		failures := mackerel.Failures(err)
		if len(failures) != 3 || receipt.ID != "" || receipt.Queued || receipt.Attempts != 3 {
			t.Fatalf("%v, %+v", err, receipt)
		}
		for i, f := range failures {
			_ = asError(t, f.Err, want[i])
		}
		if e := asError(t, failures[0].Err, mackerel.ErrNotFound); e.Attempts != 1 {
			t.Errorf("who was refused for good was asked %d times", e.Attempts)
		}
		if _, again := mackerel.Retry(err); !again {
			t.Error("nothing may be repeated")
		}
	})
}

// TestASessionThatFails has one error, whole as it is: nobody got the mail, and a repeat sends nobody two.
func TestASessionThatFails(t *testing.T) {
	for _, at := range []emailtest.Step{emailtest.AtConnect, emailtest.AtStartTLS, emailtest.AtAuth} {
		s := newServer(t)
		s.Inject(emailtest.Fault{At: at, Reply: "454 4.7.0 not now", Times: -1})
		receipt, err := newNotifier(t, s, email.Config{To: three.To, Call: mackerel.CallOptions{MaxAttempts: 1}}).Deliver(t.Context(), alert())
		if len(mackerel.Failures(err)) != 0 || err.Error() != "email: send mail: 454 4.7.0 not now (unavailable)" || receipt.Attempts != 1 {
			t.Errorf("%v, %+v", err, receipt)
		}
	}
}

// TestASessionThatFailsForSome: when it fails at the second attempt, somebody has the mail already.
func TestASessionThatFailsForSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		var c email.Config
		c.To = three.To
		c.Call.OnAttempt = func(context.Context, mackerel.Attempt) {
			s.Inject(emailtest.Fault{At: emailtest.AtConnect, Break: emailtest.CloseConnection, Times: -1})
		}
		s.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "450 4.7.1 greylisted"})
		_, err := newNotifier(t, s, c).Deliver(t.Context(), alert())
		failures := mackerel.Failures(err)
		if len(failures) != 1 || !strings.HasPrefix(err.Error(), "email to hanako@example.com: ") || recipients(s) != taro+" "+jiro {
			t.Errorf("%v, %q", err, recipients(s))
		}
	})
}

// TestCancelAmongRecipients leaves those without the mail who were still waiting for it.
func TestCancelAmongRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(emailtest.Fault{At: emailtest.AtContent, Recipient: taro, Break: emailtest.Silence})
		ctx, cancel := context.WithCancelCause(t.Context())
		n := newNotifier(t, s, three)
		done := make(chan error)
		go func() { done <- n.Notify(ctx, alert()) }()
		synctest.Wait()
		cancel(errCause)
		failures := mackerel.Failures(<-done)
		if len(failures) != 2 || recipients(s) != hanako {
			t.Fatalf("%+v, %q", failures, recipients(s))
		}
		for i, kind := range []error{mackerel.ErrAmbiguous, mackerel.ErrUnavailable} {
			_ = asError(t, failures[i].Err, kind)
			if !errors.Is(failures[i].Err, errCause) {
				t.Errorf("%v: not the cause", failures[i].Err)
			}
		}
	})
}

// TestMultiOfMails: the failures within a Multi are those of single recipients.
func TestMultiOfMails(t *testing.T) {
	s := newServer(t)
	s.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Reply: "550 5.1.1 no such user"})
	other := newServer(t)
	err := mackerel.Multi(newNotifier(t, s, three), newNotifier(t, other, email.Config{})).Notify(t.Context(), alert())
	failures := mackerel.Failures(err)
	if len(failures) != 1 || failures[0].Notifier.Notify(t.Context(), alert()) != nil {
		t.Fatal(err)
	}
	if recipients(s) != hanako+" "+jiro+" "+taro || recipients(other) != hanako {
		t.Errorf("%q, %q", recipients(s), recipients(other))
	}
}
