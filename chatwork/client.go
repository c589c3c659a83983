package chatwork

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// DefaultBaseURL is the base URL of the API. A BaseURL without a path gets the path of DefaultBaseURL.
const DefaultBaseURL = "https://api.chatwork.com/v2"

// ClientConfig says with which token to call the API. Token or Source is required.
type ClientConfig struct {
	Token mackerel.Secret `json:"token"` // an API token, sent as X-ChatWorkToken
	// Source returns the token of each call. It gets the context of the call, and is called from many goroutines, so
	// it should keep the token that it has. The refused token is zero at first. If the service refuses a token with
	// 401, the Source is asked once more, with that token as refused, and must not return the same token again. If it
	// returns another token, the call is made again with that token. Call.MaxAttempts and the numbers of OnAttempt
	// then begin anew.
	//
	// An error of the Source is [mackerel.ErrUnavailable], or [mackerel.ErrUnauthorized] if the Source says so. This
	// is a Source over an oauth2.TokenSource of golang.org/x/oauth2, here called tokens, which renews tokens before
	// they expire:
	//
	//	Source: func(context.Context, chatwork.Token) (chatwork.Token, error) {
	//		t, err := tokens.Token()
	//		if err != nil {
	//			return chatwork.Token{}, err
	//		}
	//		return chatwork.BearerToken(mackerel.NewSecret(t.AccessToken)), nil
	//	},
	Source func(ctx context.Context, refused Token) (Token, error) `json:"-"`

	BaseURL string               `json:"base_url,omitzero"` // DefaultBaseURL unless set
	Call    mackerel.CallOptions `json:"-"`
}

// A Client calls the Chatwork API with the token of one account. It is safe for concurrent use. Its methods return a
// *[mackerel.Error] when they fail. What a method does after a lost answer is in the table of the package's
// documentation.
type Client struct {
	service provider.Service
	base    *url.URL
	header  func() http.Header // of requests without a form
	form    func() http.Header // of requests with a form
	source  func(context.Context, Token) (Token, error)
	account mackerel.Secret // what its calls are counted by: the token, or a number if the tokens change
	lane    transport.Lane  // of the account
	limit   atomic.Pointer[RateLimit]
}

// NewClient checks the configuration, without calling the service, and reports all problems as one
// [mackerel.ErrConfig].
func NewClient(c ClientConfig) (*Client, error) {
	var p provider.Problems
	base := c.check(&p)
	if err := p.ConfigError(name); err != nil {
		return nil, err
	}
	return newClient(c, base), nil
}

// check notes all problems, and returns the API's address.
func (c ClientConfig) check(p *provider.Problems) *url.URL {
	switch {
	case c.Source == nil:
		p.Token("Token", c.Token)
	case !c.Token.IsZero():
		p.Add("Source", "set together with Token")
	}
	base := p.Base("BaseURL", c.BaseURL, DefaultBaseURL)
	p.Call(c.Call)
	return base
}

// newClient returns a client for a configuration without problems.
func newClient(c ClientConfig, base *url.URL) *Client {
	client := &Client{
		service: provider.Service{Name: name, DecodeError: decodeError}, base: base, source: c.Source,
		account: c.Token,
	}
	client.service.Connect(c.Call, mackerel.AtLeastOnce, c.Token.Reveal())
	const json, form = "application/json", "application/x-www-form-urlencoded"
	client.header = client.service.Header("Accept", json)
	client.form = client.service.Header("Accept", json, "Content-Type", form)
	if c.Source != nil { // the tokens change; the account is that of this client
		client.account = mackerel.NewSecret("client " + strconv.FormatUint(clients.Add(1), 10))
	}
	client.lane = client.service.Transport().WideLane(accountLimit, base.Host, client.account.Reveal())
	if c.Source == nil {
		APIToken(c.Token).set(client.header())
		APIToken(c.Token).set(client.form())
	}
	return client
}

// clients counts the clients with a Source.
var clients atomic.Uint64

// String returns "chatwork".
func (c *Client) String() string { return name }

// An operation is one row of the API's reference.
type operation struct {
	name   string
	method string
	repeat transport.Repeat
}

// The operations by their method. A post creates something, so it is never repeated after a lost answer. All others may
// be done twice.
func get(name string) operation  { return operation{name, http.MethodGet, transport.Replay} }
func put(name string) operation  { return operation{name, http.MethodPut, transport.Replay} }
func del(name string) operation  { return operation{name, http.MethodDelete, transport.Replay} }
func post(name string) operation { return operation{name, http.MethodPost, transport.Once} }

// call makes one call of the API. See request for the params and decode for T.
func call[T any](ctx context.Context, c *Client, op operation, params any, path ...string) (T, error) {
	var answer T
	r, err := c.request(op, decode(&answer), params, path...)
	if err != nil {
		return answer, err
	}
	_, err = c.call(ctx, r)
	return answer, err
}

// list is call for operations that answer with a list. The list of an answer without content is empty and not nil.
func list[T any](ctx context.Context, c *Client, op operation, params any, path ...string) ([]T, error) {
	items, err := call[[]T](ctx, c, op, params, path...)
	if err == nil && items == nil {
		items = []T{}
	}
	return items, err
}

// request returns the request of an operation. Params are nil or a struct with url tags. They go into the query of a
// GET and into the form of everything else; the service does not read them elsewhere.
func (c *Client) request(
	op operation, judge func(*transport.Result), params any, path ...string,
) (transport.Request, error) {
	if c.base == nil {
		return transport.Request{}, provider.NotMade(name)
	}
	r := transport.Request{
		Op: op.name, Method: op.method, Repeat: op.repeat, Header: c.header(),
		Limit: transport.ReadLimit, Wait: rateWait, Lanes: c.lanes(op, path), Limited: limited, Rank: rank(op),
		Judge: func(r *transport.Result) {
			if seen := readLimit(r.Header); seen != nil {
				c.limit.Store(seen)
			}
			judge(r)
		},
	}
	u, ok := transport.Join(c.base, path...)
	if !ok {
		return r, c.service.Invalid(op.name, "an id is missing")
	}
	r.URL = u
	if params == nil {
		return r, nil
	}
	values, err := query.Values(params)
	switch {
	case err != nil:
		return r, c.service.Invalid(op.name, err.Error())
	case op.method == http.MethodGet:
		u.RawQuery = values.Encode()
	default:
		r.Header, r.Body = c.form(), []byte(values.Encode())
	}
	return r, nil
}

// call sends a request with the client's token.
func (c *Client) call(ctx context.Context, r transport.Request) (transport.Result, error) {
	r, result := c.do(ctx, r)
	return result, c.service.Outcome(r, result)
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// pathID returns an id as an element of a path. Ids below 1 do not exist; request refuses them as missing.
func pathID(n int64) string {
	if n <= 0 {
		return ""
	}
	return id(n)
}
