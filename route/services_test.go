package route_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// TestConformance gives the suite a limit within which no repeat fits. With a longer limit Persist makes more requests
// than Env.MaxAttempts, as it should.
func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, chatworktest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.BaseURL, config.Call = e.BaseURL+"/v2", e.Call()
				return persist(t, 1, servicetest.Make(t, chatwork.New, config))
			},
			Fake:    fake,
			Secrets: []string{chatworktest.Token},
		}
	})
}

// caller returns a fake of Twilio and a notifier that calls a phone through it.
func caller(t testing.TB) (*twiliotest.Server, *twilio.Notifier) {
	fake := servicetest.Start(t, twiliotest.New())
	config := fake.MemoryConfig()
	config.Kind = twilio.KindCall
	return fake, servicetest.Make(t, twilio.New, config)
}

func TestAPhoneRingsOnce(t *testing.T) {
	soon := http.Header{"Retry-After": {"1"}}
	for name, fault := range map[string]fakehttp.Fault{
		"the answer is lost":        {Break: fakehttp.ResetConnection, Handled: true},
		"there is no answer":        {Break: fakehttp.Silence, Handled: true},
		"Twilio answers 503":        {Status: http.StatusServiceUnavailable, Handled: true},
		"a 503 has a Retry-After":   {Status: http.StatusServiceUnavailable, Handled: true, Header: soon},
		"half of the answer is cut": {Break: fakehttp.HalfBody, Handled: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				phone, call := caller(t)
				phone.Inject(fault)
				room := servicetest.Start(t, slacktest.New())
				room.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: 7})
				chat := servicetest.Make(t, slack.New, room.MemoryConfig())
				err := persist(t, time.Hour, chat, call).Notify(t.Context(), alert)
				_ = servicetest.AsError(t, err, mackerel.ErrAmbiguous)
				if _, again := mackerel.Retry(err); again || len(phone.Calls()) != 1 || room.Accepted() != 1 {
					t.Errorf("%v; %d calls, %d messages", err, len(phone.Calls()), room.Accepted())
				}
			})
		})
	}
}

func TestAPhoneThatWasNotReachedIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone, call := caller(t)
		later := http.Header{"Retry-After": {"600"}}
		phone.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: later, Times: 7})
		receipt, err := persist(t, 2*time.Hour, call).Deliver(t.Context(), alert)
		if err != nil || len(phone.Calls()) != 1 || !receipt.Queued {
			t.Errorf("%v, %+v, %d calls", err, receipt, len(phone.Calls()))
		}
		if receipt.Attempts != 8 || receipt.Duration != 70*time.Minute {
			t.Errorf("%+v", receipt)
		}
	})
}

// LINE accepts the message each time, and each answer is lost. The key of all calls is the same, so it is one message.
func TestAServiceThatDropsRepeatsHasTheMessageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := servicetest.Start(t, linetest.New())
		fake.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true, Times: 4})
		n := servicetest.Make(t, line.New, fake.MemoryConfig())
		receipt, err := persist(t, time.Hour, n).Deliver(t.Context(), alert)
		if err != nil || len(fake.Deliveries()) != 1 || receipt.Attempts != 5 || receipt.ID == "" {
			t.Errorf("%v, %+v, %d messages", err, receipt, len(fake.Deliveries()))
		}
	})
}

// The recipients of a mail.
const hanako, taro, jiro = "hanako@example.com", "taro@example.com", "jiro@example.com"

// mail returns a fake of a mail server and a notifier with three recipients.
func mail(t testing.TB, mode mackerel.Delivery) (*emailtest.Server, *email.Notifier) {
	fake := servicetest.Start(t, emailtest.New())
	config := fake.MemoryConfig()
	config.To, config.Call.Delivery = []string{hanako, taro, jiro}, mode
	return fake, servicetest.Make(t, email.New, config)
}

// recipients returns who got a mail, in the order of the mails.
func recipients(fake *emailtest.Server) (all []string) {
	for _, m := range fake.Mails() {
		all = append(all, m.To...)
	}
	return all
}

func TestOnlyTheRecipientsWithoutAMailGetAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := mail(t, mackerel.AtMostOnce)
		fake.Inject(
			emailtest.Fault{At: emailtest.AtContent, Recipient: hanako, Break: fakehttp.CloseConnection, Handled: true},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Reply: "450 4.7.1 greylisted", Times: 10},
		)
		receipt, err := persist(t, time.Hour, n).Deliver(t.Context(), alert)
		if got := recipients(fake); !slices.Equal(got, []string{hanako, jiro, taro}) {
			t.Errorf("the mails went to %q", got)
		}
		got := failed(err)
		if !slices.Equal(got, []string{"email to " + hanako}) || !errors.Is(err, mackerel.ErrAmbiguous) {
			t.Errorf("failed: %q, %v", got, err)
		}
		if ids := strings.Fields(receipt.ID); len(ids) != 2 || ids[0] == ids[1] || !receipt.Queued || receipt.Attempts != 11 {
			t.Errorf("%+v", receipt)
		}
	})
}

func TestAReceiptKeepsTheMailsThatWereAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := mail(t, mackerel.AtLeastOnce)
		fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Reply: "450 4.7.1 greylisted", Times: -1})
		receipt, err := persist(t, time.Minute, n).Deliver(t.Context(), alert)
		if got := failed(err); !slices.Equal(got, []string{"email to taro@example.com"}) {
			t.Errorf("failed: %q, %v", got, err)
		}
		if len(strings.Fields(receipt.ID)) != 2 || !receipt.Queued || receipt.Attempts <= 3 {
			t.Errorf("%+v", receipt)
		}
	})
}

// Without a session the error has no recipients, and the whole mail is repeated. Then a recipient is refused.
func TestRecipientsMayFailAtARepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := mail(t, mackerel.AtLeastOnce)
		fake.Inject(
			emailtest.Fault{At: emailtest.AtConnect, Break: fakehttp.CloseConnection, Times: 3},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: taro, Reply: "450 4.7.1 greylisted", Times: 3},
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: jiro, Reply: "550 5.1.1 no such user", Times: -1},
		)
		room := servicetest.Start(t, chatworktest.New())
		chat := servicetest.Make(t, chatwork.New, room.MemoryConfig())
		err := persist(t, time.Hour, n, chat).Notify(t.Context(), alert)
		if got := recipients(fake); !slices.Equal(got, []string{hanako, taro}) || room.Accepted() != 1 {
			t.Errorf("the mails went to %q", got)
		}
		if got := failed(err); !slices.Equal(got, []string{"email to jiro@example.com"}) {
			t.Errorf("failed: %q, %v", got, err)
		}
	})
}

// A room whose limit is used up, a service that is down for a quarter of an hour, and a network that is gone for a
// minute.
func TestEachServiceGetsTheAlertWhenItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, pager := servicetest.Start(t, chatworktest.New()), servicetest.Start(t, pagerdutytest.New())
		hook := servicetest.Start(t, slacktest.New())
		room.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"300"}}})
		pager.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Times: -1})
		hook.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: -1})
		time.AfterFunc(time.Minute, pager.Clear)
		time.AfterFunc(15*time.Minute, hook.Clear)
		n := persist(t, time.Hour, servicetest.Make(t, chatwork.New, room.MemoryConfig()),
			servicetest.Make(t, pagerduty.New, pager.MemoryConfig()), servicetest.Make(t, slack.New, hook.MemoryConfig()))
		receipt, err := n.Deliver(t.Context(), alert)
		requests := len(room.Requests()) + len(pager.Requests()) + len(hook.Requests())
		if err != nil || room.Accepted() != 1 || pager.Accepted() != 1 || hook.Accepted() != 1 {
			t.Errorf("%v; %d, %d, %d messages", err, room.Accepted(), pager.Accepted(), hook.Accepted())
		}
		if receipt.Attempts != requests {
			t.Errorf("%+v; %d requests", receipt, requests)
		}
		if got := len(room.Requests()); got != 2 || receipt.Duration < 15*time.Minute || receipt.Duration > 17*time.Minute {
			t.Errorf("%d requests to the room, %v in all", got, receipt.Duration)
		}
	})
}

// Slack takes one message in a second. Alerts that do not get a turn within MaxTurn are refused with the time of their
// turn, without a request.
func TestAnAlertWithoutATurnWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := servicetest.Start(t, slacktest.New())
		config := fake.MemoryConfig()
		config.Call.Pace, config.Call.MaxTurn = mackerel.Pace{N: 1, Per: time.Second}, 3*time.Second
		n := persist(t, time.Hour, servicetest.Make(t, slack.New, config))
		done := make(chan error)
		for range 30 {
			go func() { done <- n.Notify(t.Context(), alert) }()
		}
		for range 30 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if got := len(fake.Requests()); got != 30 || fake.Accepted() != 30 {
			t.Errorf("%d requests, %d messages", got, fake.Accepted())
		}
	})
}
