package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

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
	s := hipchattest.NewServer()
	n, err := hipchat.New(hipchat.Config{
		Token: mackerel.NewSecret(hipchattest.Token), Room: hipchattest.RoomName, BaseURL: s.BaseURL(),
	})
	return service{n, s, func() int { return len(s.Messages(hipchattest.RoomID)) }}, err
}

func newSlack() (service, error) {
	s := slacktest.NewServer()
	n, err := slack.New(slack.Config{URL: mackerel.NewSecret(s.WebhookURL())})
	return service{n, s, func() int { return len(s.Messages()) }}, err
}

func newTeams() (service, error) {
	s := teamstest.NewServer()
	n, err := teams.New(teams.Config{URL: mackerel.NewSecret(s.WebhookURL())})
	return service{n, s, func() int { return len(s.Cards()) }}, err
}

func newLINE() (service, error) {
	s := linetest.NewServer()
	n, err := line.New(line.Config{
		Token: mackerel.NewSecret(linetest.Token), To: []string{linetest.GroupID}, BaseURL: s.BaseURL(),
	})
	return service{n, s, func() int { return len(s.Deliveries()) }}, err
}

func newTypetalk() (service, error) {
	s := typetalktest.NewServer()
	n, err := typetalk.New(typetalk.Config{
		Token: mackerel.NewSecret(typetalktest.Token), TopicID: typetalktest.TopicID, BaseURL: s.BaseURL(),
	})
	return service{n, s, func() int { return len(s.Posts(typetalktest.TopicID)) }}, err
}

// newTwilio is a call. There is one because the alert is open; its end would ring nobody's telephone.
func newTwilio() (service, error) {
	s := twiliotest.NewServer()
	n, err := twilio.New(twilio.Config{
		Kind: twilio.KindCall, AccountSID: twiliotest.AccountSID, AuthToken: mackerel.NewSecret(twiliotest.AuthToken),
		From: twiliotest.From, To: "+819012345678", BaseURL: s.BaseURL(),
	})
	return service{n, s, func() int { return len(s.Calls()) }}, err
}

// newPagerDuty is down for as long as one call tries: for three requests, about a second.
func newPagerDuty() (service, error) {
	const attempts = 3
	s := pagerdutytest.NewServer()
	s.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable, Times: attempts})
	n, err := pagerduty.New(pagerduty.Config{
		RoutingKey: mackerel.NewSecret(pagerdutytest.RoutingKey), BaseURL: s.BaseURL(),
		Call: mackerel.CallOptions{MaxAttempts: attempts},
	})
	return service{n, s, func() int { return len(s.Incidents(pagerdutytest.RoutingKey)) }}, err
}

func newOpsgenie() (service, error) {
	s := opsgenietest.NewServer()
	n, err := opsgenie.New(opsgenie.Config{APIKey: mackerel.NewSecret(opsgenietest.APIKey), BaseURL: s.BaseURL()})
	return service{n, s, func() int { return len(s.Alerts()) }}, err
}

func newJSM() (service, error) {
	s := jsmtest.NewServer()
	n, err := jsm.New(jsm.Config{APIKey: mackerel.NewSecret(jsmtest.APIKey), BaseURL: s.BaseURL()})
	return service{n, s, func() int { return len(s.Alerts()) }}, err
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

// newEmail has one recipient. Several would get a mail each, and fail each by itself.
func newEmail() (service, error) {
	s := emailtest.NewServer()
	n, err := email.New(email.Config{
		Host: s.Host(), Port: s.Port(), TLSConfig: s.TLSConfig(),
		Username: emailtest.Username, Password: mackerel.NewSecret(emailtest.Password),
		From: "Mackerel <alert@example.com>", To: []string{"hanako@example.com"},
	})
	return service{n, s, func() int { return len(s.Mails()) }}, err
}

// newEventBridge has credentials that never change. A program that runs on AWS takes those of aws-sdk-go-v2/config.
func newEventBridge() (service, error) {
	s := eventbridgetest.NewServer()
	credentials := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: eventbridgetest.AccessKeyID, SecretAccessKey: eventbridgetest.SecretAccessKey, SessionToken: eventbridgetest.SessionToken,
		}, nil
	}
	n, err := eventbridge.New(eventbridge.Config{
		Region: eventbridgetest.Region, Credentials: aws.CredentialsProviderFunc(credentials), BaseURL: s.URL(),
	})
	return service{n, s, func() int { return len(s.Events(eventbridgetest.DefaultBus)) }}, err
}
