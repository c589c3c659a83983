package rules

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
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

// against returns a function that makes a service's notifier against its fake.
func against[C any, N mackerel.Deliverer, F fakeOf[C]](start func() F, create func(C) (N, error)) func(*testing.T, func(context.Context, mackerel.Attempt)) mackerel.Deliverer {
	return func(t *testing.T, onAttempt func(context.Context, mackerel.Attempt)) mackerel.Deliverer {
		t.Helper()
		fake := start()
		t.Cleanup(fake.Close)
		config := fake.MemoryConfig()
		reflect.ValueOf(&config).Elem().FieldByName("Call").FieldByName("OnAttempt").Set(reflect.ValueOf(onAttempt))
		n, err := create(config)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

var notifiers = map[string]func(*testing.T, func(context.Context, mackerel.Attempt)) mackerel.Deliverer{
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
			n := start(t, func(_ context.Context, a mackerel.Attempt) { attempts = append(attempts, a) })
			_, err := n.Deliver(t.Context(), mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical, Message: "x"})
			if err != nil || len(attempts) != 1 {
				t.Fatalf("%d attempts, %v", len(attempts), err)
			}
			if a, want := attempts[0], fmt.Sprint(n); a.Notifier != want || want == "" || a.Provider != service {
				t.Errorf("the attempt is of %q and %q, want %q and %q", a.Provider, a.Notifier, service, want)
			}
		})
	}
}
