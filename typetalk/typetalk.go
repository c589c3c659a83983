// Package typetalk carries alerts to topics of Typetalk, a chat service of Nulab's that ended on 2025-12-01, or of
// software that has the same API, version 1 (https://developer.nulab.com/docs/typetalk/api/1/post-message/).
//
// A [Notifier] posts one message per alert: the prefix for its status, if there is one, and the title, and below them
// the text, the facts, the memo and the link.
//
//	n, err := typetalk.New(typetalk.Config{
//		Token:   mackerel.NewSecret(os.Getenv("TYPETALK_TOKEN")), // of a bot, or an OAuth2 access token
//		TopicID: 12345,
//		BaseURL: "https://typetalk.example.com/api/v1",
//	})
//	err = n.Notify(ctx, alert)
//
// The address that a Typetalk channel of Mackerel's had can be used as it is: see [Config].URL.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Typetalk has no key to drop repeats by: if an answer is lost and the message
// is posted again, it may stand in the topic twice. With [mackerel.AtMostOnce] it stands there at most once, and the
// error is [mackerel.ErrAmbiguous]. Success is a 200 with the post's id, which is the receipt's ID.
//
// # Limits
//
// Typetalk documents no rate limit. One message is sent per second to a topic, which is a guess; faster alerts wait for
// their turn: see [mackerel.Pace]. A message that is refused all the same is sent again after the time that the answer
// asks for, within Call.MaxWait and the context's deadline. Beyond that the error is [mackerel.ErrRateLimited] and says
// how long to wait.
//
// A message has at most 4,000 characters, counted as UTF-16 units. Longer messages are cut: what matters least goes
// first, and the status, the monitor and the host stay. The receipt says what was cut. An address that takes more than
// half of a message is left out. A prefix and Message.Raw have at most 2,000 characters and are never cut.
//
// # Text
//
// Text from alerts cannot mention anybody, and Typetalk is told to make no tags of the number signs in a message: see
// [Escape]. Only Config.RawPrefix and Message.Raw are in Typetalk's markup.
//
// # Service
//
// Mackerel's documentation of its API does not list the Typetalk channel since 2025-12-10. There is no default BaseURL,
// because a token should not be sent to the service's former address.
//
// Not documented: whether a character beyond the Basic Multilingual Plane counts once or twice, so it counts twice
// here; the bodies of errors, so the reason is taken from the header WWW-Authenticate, and from the body only if the
// header has no reason; and whether there are links that show another text, so [Escape] prevents them.
package typetalk

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "typetalk"

// Config says where and with which token to post. Either Token, TopicID and BaseURL are required, or URL, which
// contains all three.
type Config struct {
	Token   mackerel.Secret `json:"token,omitzero"`    // of a bot, or an OAuth2 access token with the scope topic.post
	OAuth   bool            `json:"oauth,omitzero"`    // the token is an OAuth2 access token
	TopicID int64           `json:"topic_id,omitzero"` // the digits after /topics/ in the topic's address
	// URL is an address as Mackerel's channel had it:
	// https://typetalk.example.com/api/v1/topics/12345?typetalkToken=... The token is taken out of it and sent in a
	// header, because servers log addresses.
	URL mackerel.Secret `json:"url,omitzero"`
	// RawPrefix is put in front of the title, by the alert's status, as Mackerel's channel did. It is in Typetalk's
	// markup, such as ":rotating_light:" or "@all", and sent as it is. A status that is not in the map has no prefix.
	RawPrefix map[mackerel.Status]string `json:"raw_prefix,omitzero"`
	BaseURL   string                     `json:"base_url,omitzero"` // of the API, up to /api/v1; there is no default

	Level mackerel.Level                       `json:"level,omitzero"` // which alerts are sent; all unless set
	Text  mackerel.Text                        `json:"text,omitzero"`  // language and time zone of the messages
	Edit  func(*Message, mackerel.Alert) error `json:"-"`              // changes the message of an alert before it is sent
	Call  mackerel.CallOptions                 `json:"-"`              // attempts, waits and the http.Client
}

// A Notifier posts alerts to one topic. It is safe for concurrent use.
type Notifier struct{ flow provider.Flow[Message] }

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the service, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	address := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	prefixes := provider.ByStatus(c.RawPrefix)
	n := &Notifier{provider.Flow[Message]{
		Service: provider.Service{Name: name, Notifier: name + " topic " + path.Base(address.Path), DecodeError: decodeError},
		Skip:    provider.ByLevel(c.Level),
		Message: func(a mackerel.Alert) Message {
			m := DefaultMessage(a, c.Text)
			m.Raw = prefixes[provider.Rating(a)]
			return m
		},
		Edit:   c.Edit,
		Render: render,
		Unit:   provider.UTF16,
		Text:   c.Text,
	}}
	n.flow.Connect(c.Call, mackerel.AtLeastOnce, c.Token.Reveal())
	credential := []string{"X-Typetalk-Token", c.Token.Reveal()}
	if c.OAuth {
		credential = []string{"Authorization", "Bearer " + c.Token.Reveal()}
	}
	header := n.flow.Header(append(credential,
		"Accept", "application/json", "Content-Type", "application/x-www-form-urlencoded")...)
	lanes := n.flow.Lanes(rate, address.String(), c.Token.Reveal())
	n.flow.Request = func() transport.Request {
		return transport.Request{
			Op: "post message", Method: http.MethodPost, URL: address, Header: header(), Repeat: transport.Message,
			Lanes: lanes, Judge: judge,
		}
	}
	return n, nil
}

// check notes all problems, and returns the address of the topic. The token in a URL becomes the Token.
func (c *Config) check(p *provider.Problems) (topic *url.URL) {
	inOne := !c.URL.IsZero()
	if inOne {
		topic = c.takeApart(p)
	} else {
		p.Token("Token", c.Token)
		p.Require("TopicID", c.TopicID > 0)
	}
	for _, status := range slices.Sorted(maps.Keys(c.RawPrefix)) {
		p.Length("RawPrefix["+string(status)+"]", c.RawPrefix[status], provider.UTF16, maxRaw)
	}
	if !inOne {
		if base := p.Base("BaseURL", c.BaseURL, ""); base != nil {
			topic, _ = transport.Join(base, "topics", strconv.FormatInt(c.TopicID, 10)) // can always be joined
		}
	}
	p.Common(c.Level, c.Text, c.Call)
	return topic
}

// tokenParam is the parameter of the query that has the token.
const tokenParam = "typetalkToken"

var topicPath = regexp.MustCompile(`/topics/[0-9]+$`)

// takeApart makes the token in the URL the Token, and returns the address without it. No problem quotes a part of the
// address.
func (c *Config) takeApart(p *provider.Problems) *url.URL {
	alone := c.Token.IsZero() && c.TopicID == 0 && c.BaseURL == ""
	p.Check("URL", alone, "set together with Token, TopicID or BaseURL, which it contains")
	u := p.Hook("URL", c.URL)
	if u == nil {
		return nil
	}
	params, err := url.ParseQuery(u.RawQuery)
	switch {
	case err != nil || len(params) != 1 || len(params[tokenParam]) != 1:
		p.Add("URL", "the query must be "+tokenParam+"=... and nothing else")
	case !topicPath.MatchString(u.Path):
		p.Add("URL", "the path must end in /topics/ and digits")
	case u.User != nil:
		p.Add("URL", "has a user name beside the token")
	default:
		c.Token = mackerel.NewSecret(params.Get(tokenParam))
		p.Token("URL["+tokenParam+"]", c.Token)
		u.RawQuery = ""
	}
	return u
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.flow.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and returns the outcome. The receipt's ID is the id of the post.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	return n.flow.Deliver(ctx, a)
}

// Send posts a message that the caller has made. Texts that are too long are cut, and the receipt says so. A message
// that is empty, or that Typetalk is certain to refuse, is [mackerel.ErrInvalid] and is not sent.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	return n.flow.Send(ctx, m)
}

// Preview returns what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) { return n.flow.Preview(a) }

// String returns "typetalk topic 12345".
func (n *Notifier) String() string { return n.flow.Notifier }
