package rules_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/typetalk/typetalktest"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// A fakeOf is the fake of a service with this Config.
type fakeOf[C any] interface {
	Close()
	MemoryConfig() C
}

// A maker makes a service's notifier, against a fake that it also returns.
type maker func(*testing.T, mackerel.CallOptions) (n mackerel.Deliverer, fake any)

// against returns the maker of a service. Of the options, OnAttempt and MaxAttempts are used.
func against[C any, N mackerel.Deliverer, F fakeOf[C]](start func() F, create func(C) (N, error)) maker {
	return func(t *testing.T, options mackerel.CallOptions) (mackerel.Deliverer, any) {
		t.Helper()
		fake := start()
		t.Cleanup(fake.Close)
		config := fake.MemoryConfig()
		call := reflect.ValueOf(&config).Elem().FieldByName("Call").Addr().Interface().(*mackerel.CallOptions)
		call.OnAttempt, call.MaxAttempts = options.OnAttempt, options.MaxAttempts
		n, err := create(config)
		if err != nil {
			t.Fatal(err)
		}
		return n, fake
	}
}

var critical = mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical, Message: "x"}

var notifiers = map[string]maker{
	"chatwork":    against(chatworktest.New, chatwork.New),
	"email":       against(emailtest.New, email.New),
	"eventbridge": against(eventbridgetest.New, eventbridge.New),
	"hipchat":     against(hipchattest.New, hipchat.New),
	"jsm":         against(jsmtest.New, jsm.New),
	"line":        against(linetest.New, line.New),
	"opsgenie":    against(opsgenietest.New, opsgenie.New),
	"pagerduty":   against(pagerdutytest.New, pagerduty.New),
	"slack":       against(slacktest.New, slack.New),
	"teams":       against(teamstest.New, teams.New),
	"twilio":      against(twiliotest.New, twilio.New),
	"typetalk":    against(typetalktest.New, typetalk.New),
	"webhook":     against(webhooktest.New, webhook.New),
}

func TestAnAttemptNamesItsNotifier(t *testing.T) {
	for service, start := range notifiers {
		t.Run(service, func(t *testing.T) {
			var attempts []mackerel.Attempt
			n, _ := start(t, mackerel.CallOptions{OnAttempt: servicetest.Record(&attempts)})
			_, err := n.Deliver(t.Context(), critical)
			if err != nil || len(attempts) != 1 {
				t.Fatalf("%d attempts, %v", len(attempts), err)
			}
			if a, want := attempts[0], fmt.Sprint(n); a.Notifier != want || want == "" || a.Provider != service {
				t.Errorf("the attempt is of %q and %q, want %q and %q", a.Provider, a.Notifier, service, want)
			}
		})
	}
}

// The id in an answer is the text of somebody else. It is cleaned like the words of an error.
func TestTheIDOfAReceiptIsCleaned(t *testing.T) {
	id := `a\u001b[31m\nb\u202e` + strings.Repeat("c", 10_000)
	for service, answer := range map[string]fakehttp.Fault{
		"chatwork":    {Status: 200, Body: `{"message_id":"` + id + `"}`},
		"eventbridge": {Status: 200, Body: `{"FailedEntryCount":0,"Entries":[{"EventId":"` + id + `"}]}`},
		"jsm":         {Status: 202, Body: `{"requestId":"` + id + `"}`},
		"line":        {Status: 200, Body: `{"sentMessages":[{"id":"` + id + `"}]}`},
		"opsgenie":    {Status: 202, Body: `{"requestId":"` + id + `"}`},
		"pagerduty":   {Status: 202, Body: `{"status":"success","dedup_key":"` + id + `"}`},
		"twilio":      {Status: 201, Body: `{"sid":"` + id + `"}`},
	} {
		t.Run(service, func(t *testing.T) {
			n, fake := notifiers[service](t, mackerel.CallOptions{MaxAttempts: 1})
			fake.(interface{ Inject(...fakehttp.Fault) }).Inject(answer)
			r, err := n.Deliver(t.Context(), critical)
			if err != nil || !strings.HasPrefix(r.ID, "a [31m b ccc") || len(r.ID) > 512 || strings.ContainsFunc(r.ID, unicode.IsControl) {
				t.Errorf("%v, and the id is %q", err, r.ID)
			}
		})
	}
}
