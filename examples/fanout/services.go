package main

import (
	"errors"
	"net/http"
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
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/route"
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
	fake     interface {
		Close()
		Accepted() int // how many messages people would have
	}
}

type services []service

// newServices starts all fakes. After an error, the caller still has to close what is returned.
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

// persistent returns the notifiers. Each repeats what may be repeated, for as long as the limit says.
func (all services) persistent(limit time.Duration) ([]mackerel.Notifier, error) {
	var notifiers []mackerel.Notifier
	var errs []error
	for _, s := range all {
		n, err := route.Persist(s.notifier, limit)
		notifiers, errs = append(notifiers, n), append(errs, err)
	}
	return notifiers, errors.Join(errs...)
}

func (all services) close() {
	for _, s := range all {
		s.fake.Close()
	}
}

func newChatwork() (service, error) {
	s := chatworktest.New()
	n, err := chatwork.New(s.Config())
	return service{n, s}, err
}

func newHipChat() (service, error) {
	s := hipchattest.New()
	n, err := hipchat.New(s.Config())
	return service{n, s}, err
}

func newSlack() (service, error) {
	s := slacktest.New()
	n, err := slack.New(s.Config())
	return service{n, s}, err
}

func newTeams() (service, error) {
	s := teamstest.New()
	n, err := teams.New(s.Config())
	return service{n, s}, err
}

func newLINE() (service, error) {
	s := linetest.New()
	n, err := line.New(s.Config())
	return service{n, s}, err
}

func newTypetalk() (service, error) {
	s := typetalktest.New()
	n, err := typetalk.New(s.Config())
	return service{n, s}, err
}

// newTwilio makes a call, because the alert is open. No call is made for its recovery.
func newTwilio() (service, error) {
	s := twiliotest.New()
	config := s.Config()
	config.Kind = twilio.KindCall
	n, err := twilio.New(config)
	return service{n, s}, err
}

// newPagerDuty is down for three requests, which is one call with all its attempts.
func newPagerDuty() (service, error) {
	const attempts = 3
	s := pagerdutytest.New()
	s.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: attempts})
	config := s.Config()
	config.Call.MaxAttempts = attempts
	n, err := pagerduty.New(config)
	return service{n, s}, err
}

func newOpsgenie() (service, error) {
	s := opsgenietest.New()
	n, err := opsgenie.New(s.Config())
	return service{n, s}, err
}

func newJSM() (service, error) {
	s := jsmtest.New()
	n, err := jsm.New(s.Config())
	return service{n, s}, err
}

// newWebhook signs what it sends. Without a signature there is no id.
func newWebhook() (service, error) {
	s := webhooktest.New()
	s.RequireSignature(webhooktest.Secret)
	config := s.Config()
	config.SigningSecrets = []mackerel.Secret{mackerel.NewSecret(webhooktest.Secret)}
	n, err := webhook.New(config)
	return service{n, s}, err
}

// newEmail has one recipient. Each of several recipients would get a separate mail.
func newEmail() (service, error) {
	s := emailtest.New()
	n, err := email.New(s.Config())
	return service{n, s}, err
}

// newEventBridge has credentials that never change. A program that runs on AWS takes those of aws-sdk-go-v2/config.
func newEventBridge() (service, error) {
	s := eventbridgetest.New()
	n, err := eventbridge.New(s.Config())
	return service{n, s}, err
}
