package main

import (
	"errors"
	"net/http"

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

// A service is a notifier and the fake that it talks to.
type service struct {
	notifier mackerel.Notifier
	fake     interface{ Close() }
	count    func() int // the messages that people would have
}

type services []service

// newServices starts all fakes. With an error, those that were started are returned all the same, to be closed.
func newServices() (services, error) {
	var all services
	var errs []error
	for _, start := range []func() (service, error){
		newChatwork, newHipChat, newSlack, newTeams, newLINE, newTypetalk, newTwilio,
		newPagerDuty, newOpsgenie, newJSM, newWebhook, newEmail, newEventBridge,
	} {
		s, err := start()
		all, errs = append(all, s), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func (all services) notifiers() []mackerel.Notifier {
	var notifiers []mackerel.Notifier
	for _, s := range all {
		notifiers = append(notifiers, s.notifier)
	}
	return notifiers
}

func (all services) close() {
	for _, s := range all {
		s.fake.Close()
	}
}

func newChatwork() (service, error) {
	s := chatworktest.New()
	n, err := chatwork.New(s.Config())
	return service{n, s, s.Accepted}, err
}

func newHipChat() (service, error) {
	s := hipchattest.New()
	n, err := hipchat.New(s.Config())
	return service{n, s, s.Accepted}, err
}

func newSlack() (service, error) {
	s := slacktest.NewServer()
	n, err := slack.New(slack.Config{URL: mackerel.NewSecret(s.WebhookURL())})
	return service{n, s, func() int { return len(s.Messages()) }}, err
}

func newTeams() (service, error) {
	s := teamstest.New()
	n, err := teams.New(s.Config())
	return service{n, s, s.Accepted}, err
}

func newLINE() (service, error) {
	s := linetest.New()
	n, err := line.New(s.Config())
	return service{n, s, s.Accepted}, err
}

func newTypetalk() (service, error) {
	s := typetalktest.New()
	n, err := typetalk.New(s.Config())
	return service{n, s, s.Accepted}, err
}

// newTwilio makes a call, because the alert is open. No call is made for its recovery.
func newTwilio() (service, error) {
	s := twiliotest.New()
	config := s.Config()
	config.Kind = twilio.KindCall
	n, err := twilio.New(config)
	return service{n, s, s.Accepted}, err
}

// newPagerDuty is down for as long as one call tries: for three requests, about a second.
func newPagerDuty() (service, error) {
	const attempts = 3
	s := pagerdutytest.New()
	s.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: attempts})
	config := s.Config()
	config.Call.MaxAttempts = attempts
	n, err := pagerduty.New(config)
	return service{n, s, s.Accepted}, err
}

func newOpsgenie() (service, error) {
	s := opsgenietest.New()
	n, err := opsgenie.New(s.Config())
	return service{n, s, s.Accepted}, err
}

func newJSM() (service, error) {
	s := jsmtest.New()
	n, err := jsm.New(s.Config())
	return service{n, s, s.Accepted}, err
}

// newWebhook signs what it sends, which is what gives it an id.
func newWebhook() (service, error) {
	s := webhooktest.NewServer()
	s.RequireSignature(webhooktest.Secret)
	n, err := webhook.New(webhook.Config{
		URL: mackerel.NewSecret(s.HookURL()), SigningSecrets: []mackerel.Secret{mackerel.NewSecret(webhooktest.Secret)},
	})
	return service{n, s, func() int { return len(s.Deliveries()) }}, err
}

// newEmail has one recipient. Each of several recipients would get a separate mail.
func newEmail() (service, error) {
	s := emailtest.New()
	n, err := email.New(s.Config())
	return service{n, s, s.Accepted}, err
}

// newEventBridge has credentials that never change. A program that runs on AWS takes those of aws-sdk-go-v2/config.
func newEventBridge() (service, error) {
	s := eventbridgetest.New()
	n, err := eventbridge.New(s.Config())
	return service{n, s, s.Accepted}, err
}
