package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/webhook"
)

// A service is a notifier and how its requests are drawn.
type service struct {
	name     string
	notifier mackerel.Previewer
	draw     func(mackerel.PreviewRequest, words) (drawing, error)
}

// secret stands for every credential. It is in no request on the page: a preview hides it.
var secret = mackerel.NewSecret("fedcba98765432100123456789abcdef")

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIAEXAMPLE000000000", SecretAccessKey: secret.Reveal()}, nil
}

func newServices(text mackerel.Text) ([]service, error) {
	chat, err := newChats(text)
	if err != nil {
		return nil, err
	}
	ops, err := newOps(text)
	return append(chat, ops...), err
}

// newChats makes the services in which people talk, or are talked to.
func newChats(text mackerel.Text) ([]service, error) {
	var errs []error
	add := func(n mackerel.Previewer, err error) mackerel.Previewer {
		errs = append(errs, err)
		return n
	}
	services := []service{
		{"Chatwork", add(chatwork.New(chatwork.Config{
			Token: secret, RoomID: 206123456, Text: text,
			Mentions: map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {To: []int64{1484814}}},
		})), drawChatwork},
		{"HipChat", add(hipchat.New(hipchat.Config{
			Token: secret, Room: "ops", BaseURL: "https://hipchat.example.com", Text: text,
		})), drawHipChat},
		{"Slack", add(slack.New(slack.Config{
			URL: mackerel.NewSecret("https://hooks.slack.com/services/T0000/B0000/0123456789abcdef"), Text: text,
			Mentions: map[mackerel.Status]string{mackerel.StatusCritical: "@here"},
		})), drawSlack},
		{"Microsoft Teams", add(teams.New(teams.Config{
			URL:  mackerel.NewSecret("https://example.com/workflows/1/triggers/manual/paths/invoke?sig=0123456789abcdef"),
			Text: text,
		})), drawTeams},
		{"LINE", add(line.New(line.Config{
			Token: secret, To: []string{"C0123456789abcdef0123456789abcdef"}, Text: text,
		})), drawLINE},
		{"Typetalk", add(typetalk.New(typetalk.Config{
			Token: secret, TopicID: 12345, BaseURL: "https://typetalk.example.com/api/v1", Text: text,
			RawPrefix: map[mackerel.Status]string{mackerel.StatusCritical: "@all"},
		})), drawTypetalk},
		{"Twilio: SMS", add(twilio.New(twilio.Config{
			Kind: twilio.KindSMS, AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: secret,
			From: "+815000000000", To: "+819000000000", Text: text,
		})), drawSMS},
		{"Twilio: call", add(twilio.New(twilio.Config{
			Kind: twilio.KindCall, AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: secret,
			From: "+815000000000", To: "+819000000000", Text: text,
		})), drawCall},
	}
	return services, errors.Join(errs...)
}

// newOps makes the services that are more than chat: incidents, programs and mail.
func newOps(text mackerel.Text) ([]service, error) {
	var errs []error
	add := func(n mackerel.Previewer, err error) mackerel.Previewer {
		errs = append(errs, err)
		return n
	}
	services := []service{
		{"PagerDuty", add(pagerduty.New(pagerduty.Config{RoutingKey: secret, Text: text})), drawPagerDuty},
		{"Opsgenie", add(opsgenie.New(opsgenie.Config{APIKey: secret, Text: text})), drawOpsgenie},
		{"Jira Service Management", add(jsm.New(jsm.Config{APIKey: secret, Text: text})), drawOpsgenie},
		{"Webhook", add(webhook.New(webhook.Config{
			URL: mackerel.NewSecret("https://hook.example.com/0123456789abcdef"),
		})), drawWebhook},
		{"Email", add(email.New(email.Config{
			Host: "smtp.example.com", From: "Mackerel <alert@example.com>", To: []string{"ops@example.com"}, Text: text,
		})), drawEmail},
		{"Amazon EventBridge", add(eventbridge.New(eventbridge.Config{
			Region: "ap-northeast-1", Credentials: aws.CredentialsProviderFunc(credentials),
		})), drawEventBridge},
	}
	return services, errors.Join(errs...)
}
