// Package typetalk carries alerts to topics of Typetalk, a chat of Nulab's that has ended, or of what speaks its API.
//
// A [Notifier] posts one message per alert: the prefix for its status if there is one, as Mackerel's own channel had it,
// then the title, the text, the facts, the memo and the link.
//
//	n, err := typetalk.New(typetalk.Config{
//		Token:   mackerel.NewSecret(os.Getenv("TYPETALK_TOKEN")), // of a bot, or an OAuth2 access token
//		TopicID: 12345,
//		BaseURL: "https://typetalk.example.com/api/v1",
//	})
//	err = n.Notify(ctx, alert)
//
// The address that a Mackerel channel held will do as well, as the [Config]'s URL.
//
// # Delivery
//
// The default is [mackerel.AtLeastOnce]. Typetalk has no key to deduplicate by: if an answer is lost and the message is
// posted again, it may stand in the topic twice. With [mackerel.AtMostOnce] it stands there at most once and the error
// is [mackerel.ErrAmbiguous].
//
// # Limits
//
// A message has at most [MaxMessage] characters; what is longer is cut, the memo first, and the receipt says so. Limits
// of rate were never documented.
//
// # Text
//
// Text from alerts cannot mention anybody, and no tag is made of a number sign in it: see [Escape].
//
// # Service
//
// Typetalk ended on 2025-12-01, and Mackerel took its Typetalk channel out of its API's documentation on 2025-12-10.
// There is no default BaseURL, because nobody should send a token to where it was. What this package knows is API
// version 1 as it was documented at https://developer.nulab.com/docs/typetalk/api/1/post-message/.
//
// Not confirmed: whether the limit counts characters beyond the Basic Multilingual Plane once or twice, for which twice is
// taken; the bodies of errors, whose reasons are therefore taken from the header WWW-Authenticate, where they are known
// to be; and whether Typetalk's Markdown has links with a text of their own, which [Escape] prevents.
package typetalk

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "typetalk"

// Config says where and as whom to post: Token, TopicID and BaseURL, or URL, which holds all three.
type Config struct {
	Token   mackerel.Secret `json:"token,omitzero"` // of a bot, or an OAuth2 access token with the scope topic.post
	OAuth   bool            `json:"oauth,omitzero"` // the Token is an OAuth2 access token
	TopicID int64           `json:"topic_id,omitzero"`
	// URL is where and as whom in one, as Mackerel's channel held it:
	// https://typetalk.example.com/api/v1/topics/12345?typetalkToken=... The token is sent in a header all the same, since
	// servers log URLs.
	URL mackerel.Secret `json:"url,omitzero"`
	// RawPrefix stands in front of the title, by the alert's status, in Typetalk's own markup: ":rotating_light:", "@all".
	// A status that is not in it has none. A Message function that sets Raw itself has its way.
	RawPrefix map[mackerel.Status]string `json:"raw_prefix,omitzero"`

	BaseURL string                                `json:"base_url,omitzero"` // up to /api/v1; there is no default
	Level   mackerel.Level                        `json:"level,omitzero"`
	Text    mackerel.Text                         `json:"text,omitzero"`
	Message func(mackerel.Alert) (Message, error) `json:"-"` // DefaultMessage unless set
	Call    mackerel.CallOptions                  `json:"-"`
}

// A Notifier posts alerts to one topic. It is safe for concurrent use.
type Notifier struct {
	service provider.Service
	url     *url.URL
	header  func() http.Header
	topicID string
	prefix  map[mackerel.Status]string
	level   mackerel.Level
	message func(mackerel.Alert) (Message, error)
}

var (
	_ mackerel.Deliverer = (*Notifier)(nil)
	_ mackerel.Previewer = (*Notifier)(nil)
)

// New checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func New(c Config) (*Notifier, error) {
	var p provider.Problems
	d := c.destination(&p)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if err := p.Err(name); err != nil {
		return nil, err
	}
	n := &Notifier{
		service: provider.Service{Name: name, DecodeError: decodeError}, url: d.url, topicID: d.topicID,
		prefix: provider.ByStatus(c.RawPrefix), level: c.Level, message: c.Message,
	}
	n.service.Connect(c.Call, mackerel.AtLeastOnce, d.token.Reveal())
	n.header = n.service.Header("Accept", "application/json", "Content-Type", "application/x-www-form-urlencoded")
	if c.OAuth {
		n.header().Set("Authorization", "Bearer "+d.token.Reveal())
	} else {
		n.header().Set("X-Typetalk-Token", d.token.Reveal())
	}
	if n.message == nil {
		n.message = func(a mackerel.Alert) (Message, error) { return DefaultMessage(a, c.Text), nil }
	}
	return n, nil
}

// Notify posts the alert: [Notifier.Deliver] without the receipt.
func (n *Notifier) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := n.Deliver(ctx, a)
	return err
}

// Deliver posts the alert and says what came of it. The receipt's ID is the post's id.
func (n *Notifier) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return n.service.Skipped(skipped), err
	}
	return n.Send(ctx, m)
}

// Send posts a message that the caller has made. That it is cut to [MaxMessage] is no error; that it is empty is one.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", nil), err
	}
	result, err := n.service.Do(ctx, r)
	return n.service.Receipt(start, result, postID(result.Body), cuts), err
}

// Preview shows what Deliver would send, without sending it.
func (n *Notifier) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	m, skipped, err := n.compose(a)
	if skipped != "" || err != nil {
		return &mackerel.Preview{Skipped: skipped}, err
	}
	r, cuts, err := n.request(m)
	if err != nil {
		return nil, err
	}
	return n.service.Preview(cuts, r), nil
}

// String returns "typetalk topic 123".
func (n *Notifier) String() string { return name + " topic " + n.topicID }

// compose makes the message for an alert, or says why there is none.
func (n *Notifier) compose(a mackerel.Alert) (m Message, skipped string, err error) {
	if skipped = provider.Skip(n.level, a); skipped != "" {
		return Message{}, skipped, nil
	}
	if m, err = n.message(a); err != nil {
		return Message{}, "", n.service.MessageError(err)
	}
	if m.Raw == "" {
		m.Raw = n.prefix[provider.Rating(a)]
	}
	return m, "", nil
}

const opPost = "post message"

// request renders the message. Typetalk makes a tag of "#1" unless it is told to leave it.
func (n *Notifier) request(m Message) (transport.Request, []mackerel.Cut, error) {
	text, cuts := m.body()
	if length := provider.UTF16.Len(text); blank(text) || length > MaxMessage {
		problem := "Message: " + strconv.Itoa(length) + " characters with Raw, and at most " + strconv.Itoa(MaxMessage) + " are allowed"
		if blank(text) {
			problem = "Message: empty"
		}
		return transport.Request{}, nil, n.service.Invalid(opPost, problem)
	}
	values, err := query.Values(form{text, true})
	if err != nil {
		return transport.Request{}, nil, n.service.Invalid(opPost, err.Error())
	}
	return transport.Request{
		Op: opPost, Method: http.MethodPost, URL: n.url, Header: n.header(), Body: []byte(values.Encode()),
		Repeat: transport.Message, Judge: judgePosted,
	}, cuts, nil
}
