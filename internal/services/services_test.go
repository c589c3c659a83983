// Package services tests all services in the same way: what happens in a storm, what endless texts cost, what receipts and
// attempts say. It has tests only.
package services

import (
	"reflect"
	"strings"
	"testing"
	"time"

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

// A notifier is what the tests need of every notifier.
type notifier interface {
	mackerel.Deliverer
	mackerel.Previewer
}

// A fake is what the tests need of every fake.
type fake interface {
	Accepted() int
	Inject(faults ...fakehttp.Fault)
	Requests() []fakehttp.Request
	SetLimit(lane string, n int, per time.Duration)
	Close()
}

// A start makes a notifier that reaches a fake of its own in memory. The functions change its options.
type start func(t testing.TB, change ...func(*mackerel.CallOptions)) (notifier, fake)

// starts returns the start of a service, or of a further form of its messages.
func starts[F interface {
	fake
	MemoryConfig() C
}, C any, N notifier](
	create func() F, build func(C) (N, error), configure ...func(*C),
) start {
	return func(t testing.TB, change ...func(*mackerel.CallOptions)) (notifier, fake) {
		f := servicetest.Start(t, create())
		config := f.MemoryConfig()
		for _, set := range configure {
			set(&config)
		}
		call := reflect.ValueOf(&config).Elem().FieldByName("Call").Addr().Interface().(*mackerel.CallOptions)
		for _, set := range change {
			set(call)
		}
		return servicetest.Make(t, build, config), f
	}
}

// paced lets a notifier keep its own pace.
func paced(c *mackerel.CallOptions) { c.Pace = mackerel.Pace{} }

var services = map[string]start{
	"chatwork":  starts(chatworktest.New, chatwork.New),
	"slack":     starts(slacktest.New, slack.New),
	"teams":     starts(teamstest.New, teams.New),
	"line":      starts(linetest.New, line.New),
	"line text": starts(linetest.New, line.New, func(c *line.Config) { c.Format = line.FormatText }),
	"hipchat":   starts(hipchattest.New, hipchat.New),
	"hipchat text": starts(hipchattest.New, hipchat.New, func(c *hipchat.Config) {
		c.Card, c.Mentions = true, map[mackerel.Status][]string{mackerel.StatusCritical: {"all"}}
	}),
	"typetalk":    starts(typetalktest.New, typetalk.New),
	"twilio":      starts(twiliotest.New, twilio.New),
	"twilio call": starts(twiliotest.New, twilio.New, func(c *twilio.Config) { c.Kind = twilio.KindCall }),
	"pagerduty":   starts(pagerdutytest.New, pagerduty.New),
	"opsgenie":    starts(opsgenietest.New, opsgenie.New),
	"jsm":         starts(jsmtest.New, jsm.New),
	"email":       starts(newMailFake, email.New),
	"eventbridge": starts(eventbridgetest.New, eventbridge.New),
	"webhook":     starts(webhooktest.New, webhook.New),
}

// mailFake is the fake of a server for mail, as the tests need it. The command MAIL stands for a request.
type mailFake struct{ *emailtest.Server }

func newMailFake() mailFake { return mailFake{emailtest.New()} }

func (f mailFake) Requests() (all []fakehttp.Request) {
	for _, command := range f.Commands() {
		if strings.HasPrefix(command, "MAIL") {
			all = append(all, fakehttp.Request{})
		}
	}
	return all
}

// Inject makes the server refuse mails. Its refusals name no time.
func (f mailFake) Inject(faults ...fakehttp.Fault) {
	for range faults {
		f.Server.Inject(emailtest.Fault{At: emailtest.AtMail, Reply: "451 4.7.0 too many mails"})
	}
}
