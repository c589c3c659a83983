package hipchat

import (
	"context"
	"net/http"
	"net/url"
	"path"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// maxRoom is the longest name of a room, in characters.
const maxRoom = 100

// version is the element of the path below which the API is.
const version = "v2"

// ClientConfig says which server to call and with which token. Token and BaseURL are required.
type ClientConfig struct {
	Token   mackerel.Secret      `json:"token"`    // of a room, a person or an add-on; sent as a bearer token
	BaseURL string               `json:"base_url"` // of the server, with or without /v2: https://hipchat.example.com
	Call    mackerel.CallOptions `json:"-"`
}

// A Client calls one HipChat server with one token. It is safe for concurrent use. The errors of its methods are
// *[mackerel.Error]. A room is named by its numeric id or by its name, which may have any characters. A call whose
// answer is lost is made again; for [Client.SendRoomNotification] and [Client.SendPrivateMessage] Call.Delivery
// decides.
type Client struct {
	service provider.Service
	token   mackerel.Secret
	base    *url.URL
	header  func() http.Header
}

// NewClient checks the configuration, without calling the service, and reports all problems as one
// [mackerel.ErrConfig].
func NewClient(c ClientConfig) (*Client, error) {
	var p provider.Problems
	p.Token("Token", c.Token)
	base := p.Base("BaseURL", c.BaseURL, "")
	p.Call(c.Call)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	return newClient(c, base), nil
}

// newClient returns a client with a configuration that has been checked.
func newClient(c ClientConfig, base *url.URL) *Client {
	if path.Base(base.Path) != version {
		base, _ = transport.Join(base, version) // a word can always be joined
	}
	client := &Client{service: provider.Service{Name: name}, token: c.Token, base: base}
	client.service.Connect(c.Call, mackerel.AtLeastOnce, c.Token.Reveal())
	// The API also takes the token as auth_token in the query, but servers log addresses.
	client.header = client.service.Header("Authorization", "Bearer "+c.Token.Reveal(),
		"Accept", "application/json", "Content-Type", "application/json")
	return client
}

// String returns "hipchat".
func (c *Client) String() string { return name }

// An operation is a row of the API's reference.
type operation struct {
	name   string
	method string
	repeat transport.Repeat
}

// request returns the request of an operation without its body and query. Its success is a 204.
func (c *Client) request(op operation, elements ...string) (transport.Request, error) {
	if c.base == nil {
		return transport.Request{}, provider.NotMade(name)
	}
	u, ok := transport.Join(c.base, elements...)
	if !ok {
		return transport.Request{}, c.service.Invalid(op.name, elements[0]+": missing, or cannot be part of an address")
	}
	r := transport.Request{
		Op: op.name, Method: op.method, URL: u, Header: c.header(), Repeat: op.repeat, Judge: judge(http.StatusNoContent),
	}
	if op.repeat == transport.Message {
		r.Lanes = c.service.Lanes(rate, append(elements, c.base.Host, c.token.Reveal())...)
	}
	return r, nil
}

// send makes a call with a body, whose success is a 204.
func (c *Client) send(ctx context.Context, op operation, body any, elements ...string) error {
	r, err := c.request(op, elements...)
	if err != nil {
		return err
	}
	if r.Body, err = provider.EncodeJSON(body); err != nil {
		return c.service.Invalid(op.name, err.Error())
	}
	_, err = c.service.Do(ctx, r)
	return err
}

// get makes a call that is answered with a T. Params go into the query by their url tags; nil means no query. An answer
// that decodes to a T without what every T has is not the documented answer.
func get[T interface{ documented() bool }](
	ctx context.Context, c *Client, op operation, params any, elements ...string,
) (answer T, err error) {
	r, err := c.request(op, elements...)
	if err != nil {
		return answer, err
	}
	values, err := query.Values(params)
	if err != nil {
		return answer, c.service.Invalid(op.name, err.Error())
	}
	r.URL.RawQuery, r.Limit = values.Encode(), transport.ReadLimit
	decode := provider.JSON(&answer)
	r.Judge = func(r *transport.Result) {
		if decode(r); r.Class == transport.Done && !answer.documented() {
			provider.Undocumented(r)
		}
	}
	if _, err = c.service.Do(ctx, r); err != nil {
		return *new(T), err
	}
	return answer, nil
}
