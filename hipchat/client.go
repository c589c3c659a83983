package hipchat

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "hipchat"

// MaxRoom is the longest name of a room, in characters.
const MaxRoom = 100

// apiVersion is the path element below which the API is. Version 1, at /v1, is another API.
const apiVersion = "v2"

// ClientConfig says as whom to call which server. Token and BaseURL are required.
type ClientConfig struct {
	Token   mackerel.Secret      `json:"token"`    // of a room, a person or an add-on; sent as a bearer token
	BaseURL string               `json:"base_url"` // the server, with or without /v2: https://hipchat.example.com
	Call    mackerel.CallOptions `json:"-"`
}

// A Client calls one HipChat server with one token. It is safe for concurrent use. Its methods return a
// *[mackerel.Error] when they fail. A room is given by its numeric id or by its name, whatever characters that has.
type Client struct {
	service provider.Service
	token   mackerel.Secret
	base    *url.URL
	get     func() http.Header
	json    func() http.Header
}

// NewClient checks the configuration, without calling the API, and reports all problems as one [mackerel.ErrConfig].
func NewClient(c ClientConfig) (*Client, error) {
	var p provider.Problems
	client := c.client(&p)
	return client, p.Err(name)
}

// client notes what is wrong, and returns nil if anything is.
func (c ClientConfig) client(p *provider.Problems) *Client {
	before := len(*p)
	p.Token("Token", c.Token)
	base, problem := transport.ParseBase(c.BaseURL)
	p.Add("BaseURL", problem)
	p.Call(c.Call)
	if len(*p) > before {
		return nil
	}
	if path.Base(base.Path) != apiVersion {
		base, _ = transport.Join(base, apiVersion)
	}
	client := &Client{service: provider.Service{Name: name, DecodeError: decodeError}, token: c.Token, base: base}
	client.service.Connect(c.Call, mackerel.AtLeastOnce, c.Token.Reveal())
	// Never as the query's auth_token: servers log URLs.
	client.get = client.service.Header("Authorization", "Bearer "+c.Token.Reveal(), "Accept", "application/json")
	client.json = client.service.Header("Authorization", "Bearer "+c.Token.Reveal(), "Accept", "application/json",
		"Content-Type", "application/json")
	return client
}

// String names the service, not the account.
func (c *Client) String() string { return name }

// decodeError reads {"error":{"code":400,"message":"...","type":"..."}}; the code is the status again. The error of a
// card has a description in place of the message, which does not name the field, and an OAuth error is a mere string.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Error any `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	details, ok := e.Error.(map[string]any)
	if !ok {
		message, _ = e.Error.(string)
		return "", message
	}
	if message, _ = details["message"].(string); message != "" {
		return "", message
	}
	field, _ := details["field"].(string)
	message, _ = details["description"].(string)
	return "", provider.Join(": ", field, message)
}

// An operation is one row of the API's reference: what it is called, how it is sent, and what doing it twice means.
type operation struct {
	name   string
	method string
	repeat transport.Repeat
}

// request makes a request. Params, if not nil, go into the query of a GET, by their url tags, and into the body of
// everything else as JSON.
func (c *Client) request(op operation, params any, elements ...string) (transport.Request, error) {
	r := transport.Request{Op: op.name, Method: op.method, Repeat: op.repeat, Header: c.get()}
	u, ok := transport.Join(c.base, elements...)
	if !ok {
		return r, c.service.Invalid(op.name, elements[0]+": missing, or cannot be part of a URL")
	}
	r.URL = u
	var err error
	if op.method == http.MethodGet {
		r.Limit = transport.ReadLimit
		u.RawQuery, err = encodeQuery(params)
	} else {
		r.Header = c.json()
		r.Body, err = provider.EncodeJSON(params)
	}
	if err != nil {
		return r, c.service.Invalid(op.name, err.Error())
	}
	return r, nil
}

func encodeQuery(params any) (string, error) {
	values, err := query.Values(params)
	return values.Encode(), err
}

// documented is an answer that can tell whether it is what the reference says.
type documented interface{ documented() bool }

// one gets one thing. An answer without what makes it that thing is not the documented one: a caller must never take it
// for a thing that is empty.
func one[T documented](ctx context.Context, c *Client, op operation, path ...string) (T, error) {
	var answer T
	r, err := c.request(op, nil, path...)
	if err != nil {
		return answer, err
	}
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

// judgeStatus accepts this status only: a proxy's 200 is no success.
func judgeStatus(status int) func(*transport.Result) {
	return func(r *transport.Result) {
		if r.Class == transport.Done && r.Status != status {
			provider.Undocumented(r)
		}
	}
}

// sendRequest is request for a call whose success is a 204.
func (c *Client) sendRequest(op operation, params any, path ...string) (transport.Request, error) {
	r, err := c.request(op, params, path...)
	r.Judge = judgeStatus(http.StatusNoContent)
	return r, err
}

func (c *Client) send(ctx context.Context, op operation, params any, path ...string) error {
	r, err := c.sendRequest(op, params, path...)
	if err != nil {
		return err
	}
	_, err = c.service.Do(ctx, r)
	return err
}
