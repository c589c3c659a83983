// Package opsgenieapi is the alert API that Opsgenie and Jira Service Management share. The packages opsgenie and jsm
// are built on it. They declare Message and RequestStatus once more, with documentation, and convert them: the compiler
// refuses the conversion if the fields are not the same.
package opsgenieapi

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Dialect is what differs between the two services.
type Dialect struct {
	Name    string // as in errors and receipts
	BaseURL string // the default
	Status  int    // the status of the answer to a request that was accepted; 0 if any 2xx is
}

// Config is the Config of both packages.
type Config struct {
	APIKey     mackerel.Secret
	Responders []Responder
	Tags       []string
	Priorities map[mackerel.Status]Priority
	KeepOpen   bool
	Follow     bool
	BaseURL    string
	Level      mackerel.Level
	Text       mackerel.Text
	Edit       func(*Message, mackerel.Alert) error
	Call       mackerel.CallOptions
}

// A Notifier sends alerts to one account. It is safe for concurrent use.
type Notifier struct {
	provider.Flow[Message]

	poll   provider.Service // asks for the status of a request, with as many attempts as that may take
	base   *url.URL
	header func() http.Header
	follow bool
}

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(d Dialect, c Config) (*Notifier, error) {
	var p provider.Problems
	base := c.check(&p, d.BaseURL)
	if err := p.ConfigError(d.Name); err != nil {
		return nil, err
	}
	service := provider.Service{Name: d.Name, Notifier: d.Name, DecodeError: decodeError}
	n := &Notifier{poll: service, base: base, follow: c.Follow}
	n.Flow = provider.Flow[Message]{
		Service: service,
		Skip:    provider.Incidents(c.Level, c.KeepOpen),
		Message: c.message(),
		Edit:    c.Edit,
		Render:  n.render,
		Unit:    provider.UTF16,
		Text:    c.Text,
		Settle:  n.settle,
	}
	key := c.APIKey.Reveal()
	n.Connect(c.Call, mackerel.AtLeastOnce, key)
	c.Call.MaxAttempts = followAttempts
	n.poll.Connect(c.Call, mackerel.AtLeastOnce, key)
	credentials := []string{"Authorization", "GenieKey " + key, "Accept", "application/json"}
	n.header = n.Header(credentials...)
	header := n.Header(append(credentials, "Content-Type", "application/json")...)
	lanes := n.Lanes(rate, base.Host, key)
	n.Request = func() transport.Request {
		return transport.Request{Method: http.MethodPost, Header: header(), Lanes: lanes, Judge: judge(d.Status)}
	}
	return n, nil
}

// check notes all problems, and returns the address of the API.
func (c Config) check(p *provider.Problems, standard string) *url.URL {
	p.Token("APIKey", c.APIKey)
	checkResponders(p, c.Responders)
	p.Items("Tags", len(c.Tags), maxTags)
	for i, tag := range c.Tags {
		field := "Tags[" + strconv.Itoa(i) + "]"
		p.Require(field, tag != "")
		p.Length(field, tag, provider.UTF16, maxTag)
	}
	for _, status := range slices.Sorted(maps.Keys(c.Priorities)) {
		field := "Priorities[" + string(status) + "]"
		p.Require(field, c.Priorities[status] != "")
		c.Priorities[status].check(p, field)
	}
	base := p.Base("BaseURL", c.BaseURL, standard)
	p.Without("BaseURL", base, "alerts")
	p.Common(c.Level, c.Text, c.Call)
	return base
}

// message returns the Message of the flow. Every message has slices of its own, which Edit may change.
func (c Config) message() func(mackerel.Alert) Message {
	responders, tags, priorities := slices.Clone(c.Responders), slices.Clone(c.Tags), provider.ByStatus(c.Priorities)
	return func(a mackerel.Alert) Message {
		m := DefaultMessage(a, c.Text)
		if priority, ok := priorities[provider.Rating(a)]; ok {
			m.Priority = priority
		}
		m.Responders, m.Tags = slices.Clone(responders), slices.Clone(tags)
		return m
	}
}
