package settings

import (
	"context"

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

// A service makes notifiers from the JSON of its Config.
type service struct {
	config   func() any // a pointer to a new Config
	notifier func(config any, call mackerel.CallOptions) (mackerel.Deliverer, error)
}

// Elsewhere is the "service" of channels that Mackerel itself tells.
const Elsewhere = "mackerel"

// services are the services by their names in the configuration.
var services = map[string]service{
	"chatwork": of(chatwork.New, func(c *chatwork.Config) *mackerel.CallOptions { return &c.Call }),
	"email":    of(email.New, func(c *email.Config) *mackerel.CallOptions { return &c.Call }),
	"eventbridge": of(func(c eventBridge) (*eventbridge.Notifier, error) {
		if c.AccessKeyID.IsZero() || c.SecretAccessKey.IsZero() {
			return nil, &mackerel.Error{Kind: mackerel.ErrConfig, Message: "access_key_id, secret_access_key: required"}
		}
		c.Credentials = c
		return eventbridge.New(c.Config)
	}, func(c *eventBridge) *mackerel.CallOptions { return &c.Call }),
	"hipchat":   of(hipchat.New, func(c *hipchat.Config) *mackerel.CallOptions { return &c.Call }),
	"jsm":       of(jsm.New, func(c *jsm.Config) *mackerel.CallOptions { return &c.Call }),
	"line":      of(line.New, func(c *line.Config) *mackerel.CallOptions { return &c.Call }),
	"opsgenie":  of(opsgenie.New, func(c *opsgenie.Config) *mackerel.CallOptions { return &c.Call }),
	"pagerduty": of(pagerduty.New, func(c *pagerduty.Config) *mackerel.CallOptions { return &c.Call }),
	"slack":     of(slack.New, func(c *slack.Config) *mackerel.CallOptions { return &c.Call }),
	"teams":     of(teams.New, func(c *teams.Config) *mackerel.CallOptions { return &c.Call }),
	"twilio":    of(twilio.New, func(c *twilio.Config) *mackerel.CallOptions { return &c.Call }),
	"typetalk":  of(typetalk.New, func(c *typetalk.Config) *mackerel.CallOptions { return &c.Call }),
	"webhook":   of(webhook.New, func(c *webhook.Config) *mackerel.CallOptions { return &c.Call }),
	Elsewhere: {
		config:   func() any { return new(struct{}) },
		notifier: func(any, mackerel.CallOptions) (mackerel.Deliverer, error) { return nil, nil },
	},
}

// of returns a service. Its notifiers do not repeat what failed for now, beyond the attempts of a call.
func of[C any, N mackerel.Deliverer](
	construct func(C) (N, error), callOf func(*C) *mackerel.CallOptions,
) service {
	return service{
		config: func() any { return new(C) },
		notifier: func(config any, call mackerel.CallOptions) (mackerel.Deliverer, error) {
			c := config.(*C)
			*callOf(c) = call
			return construct(*c)
		},
	}
}

// eventBridge is the configuration of EventBridge with credentials, which the AWS SDK has in other places.
type eventBridge struct {
	eventbridge.Config
	AccessKeyID     mackerel.Secret `json:"access_key_id"`
	SecretAccessKey mackerel.Secret `json:"secret_access_key"`
	SessionToken    mackerel.Secret `json:"session_token,omitzero"` // of temporary credentials, which end after some hours
}

// Retrieve returns the credentials.
func (c eventBridge) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: c.AccessKeyID.Reveal(), SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
	}, nil
}

// A channel is a notifier with the name that the channel has in the configuration, so that reports name it.
type channel struct {
	mackerel.Deliverer
	name string
}

func (c *channel) String() string { return "channel " + c.name }
