package chatwork

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// name is the service in errors and receipts.
const name = "chatwork"

// DefaultBaseURL is where the API is, https only.
const DefaultBaseURL = "https://api.chatwork.com/v2"

// RoomWindow is how long to wait after "Rate limit for message posting per room exceeded.": 10 messages and tasks may
// be posted to a room in 10 seconds, and the answer to the next one has no header that says when.
// See https://developer.chatwork.com/docs/endpoints.
const RoomWindow = 10 * time.Second

// roomLimitText is the answer's text, the one that decides something: by the headers the room's limit cannot be told
// from the general one of 300 calls in 5 minutes.
const roomLimitText = "Rate limit for message posting per room exceeded."

// ClientConfig says as whom to call the API. Token or Source is required.
type ClientConfig struct {
	Token mackerel.Secret `json:"token"` // an API token, sent as X-ChatWorkToken
	// Source is asked for the token of each call, with the call's context and from many goroutines, so it should keep what
	// it has. If a token is refused with 401, it is asked once more, see [Refused], and the call is made again if the token
	// is another one; Call.MaxAttempts and the numbers of OnAttempt then begin anew. What it fails with is
	// [mackerel.ErrUnavailable], unless it is [mackerel.ErrUnauthorized] itself. For an oauth2.TokenSource of
	// golang.org/x/oauth2, here called tokens, this is all:
	//
	//	Source: func(context.Context) (chatwork.Token, error) {
	//		t, err := tokens.Token()
	//		if err != nil {
	//			return chatwork.Token{}, err
	//		}
	//		return chatwork.BearerToken(mackerel.NewSecret(t.AccessToken)), nil
	//	},
	Source  func(context.Context) (Token, error) `json:"-"`
	BaseURL string                               `json:"base_url,omitzero"` // DefaultBaseURL unless set
	Pace    *Pace                                `json:"-"`                 // lets calls wait for their turn; nil does not
	Call    mackerel.CallOptions                 `json:"-"`
}

// A Client calls the Chatwork API with one account's token. It is safe for concurrent use. Its methods return a
// *[mackerel.Error] when they fail; none is repeated that could be carried out twice, unless its comment says so.
type Client struct {
	service provider.Service
	base    *url.URL
	get     func() http.Header
	form    func() http.Header
	source  func(context.Context) (Token, error) // nil if the token is in the headers
	pace    *Pace                                // nil if calls do not wait
	limit   lastLimit
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
	c.checkToken(p)
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	base, problem := transport.ParseBase(c.BaseURL)
	p.Add("BaseURL", problem)
	p.Call(c.Call)
	if len(*p) > before {
		return nil
	}
	if c.Pace != nil {
		c.Call = c.Pace.options(c.Call)
	}
	client := &Client{service: provider.Service{Name: name, DecodeError: decodeError}, base: base, source: c.Source, pace: c.Pace}
	client.service.Connect(c.Call, mackerel.AtLeastOnce, c.Token.Reveal())
	client.get = client.service.Header("Accept", "application/json")
	client.form = client.service.Header("Accept", "application/json", "Content-Type", "application/x-www-form-urlencoded")
	if c.Source == nil {
		APIToken(c.Token).set(client.get())
		APIToken(c.Token).set(client.form())
	}
	return client
}

// String names the service, not the account.
func (c *Client) String() string { return name }

// decodeError reads {"errors":["...", ...]}.
func decodeError(_ int, body []byte) (code, message string) {
	var e struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	return "", strings.Join(e.Errors, " ")
}

// roomLimit reads the one limit that no header tells.
func roomLimit(r *transport.Result) time.Duration {
	if _, text := decodeError(r.Status, r.Body); r.Class == transport.RateLimited && text == roomLimitText {
		return RoomWindow
	}
	return 0
}

// An operation is one row of the API's reference: what it is called, how it is sent, and what doing it twice means.
type operation struct {
	name   string
	method string
	repeat transport.Repeat
}

// call makes one call of the API. Params, nil or a struct with url tags, go into the query of a GET and the form of
// everything else; the service no longer reads them elsewhere. An answer without content leaves T empty.
func call[T any](ctx context.Context, c *Client, op operation, params any, path ...string) (T, error) {
	var answer T
	r, err := c.request(op, params, path...)
	if err != nil {
		return answer, err
	}
	r.Judge = c.watch(decodeInto(&answer))
	_, err = c.do(ctx, r)
	return answer, err
}

// list is call for what answers with a list: it is empty, never nil, where the answer has no content.
func list[T any](ctx context.Context, c *Client, op operation, params any, path ...string) ([]T, error) {
	items, err := call[[]T](ctx, c, op, params, path...)
	if err == nil && items == nil {
		items = []T{}
	}
	return items, err
}

// documented is an answer that can tell whether it is what the reference says: most have an id.
type documented interface{ documented() bool }

// one is call for what answers with one thing. An answer without content, or without the thing's id, is not the
// documented one: a caller must never take it for a thing that is empty.
func one[T documented](ctx context.Context, c *Client, op operation, params any, path ...string) (T, error) {
	var answer T
	r, err := c.request(op, params, path...)
	if err != nil {
		return answer, err
	}
	r.Judge = c.watch(decodeOne(&answer))
	_, err = c.do(ctx, r)
	return answer, err
}

// decodeInto decodes a success. 204 stands for an empty list, and for nothing to say.
func decodeInto[T any](answer *T) func(*transport.Result) {
	return func(r *transport.Result) {
		*answer = *new(T)
		if r.Status != http.StatusNoContent {
			provider.JSON(answer)(r)
		}
	}
}

// decodeOne is decodeInto for one thing, which must be there.
func decodeOne[T documented](answer *T) func(*transport.Result) {
	decode := decodeInto(answer)
	return func(r *transport.Result) {
		decode(r)
		if r.Class == transport.Done && (r.Status == http.StatusNoContent || !(*answer).documented()) {
			provider.Undocumented(r)
		}
	}
}

func (c *Client) request(op operation, params any, path ...string) (transport.Request, error) {
	r := transport.Request{
		Op: op.name, Method: op.method, Repeat: op.repeat, Header: c.get(), Limit: transport.ReadLimit, Wait: roomLimit,
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
	if err != nil {
		return r, c.service.Invalid(op.name, err.Error())
	}
	if op.method == http.MethodGet {
		u.RawQuery = values.Encode()
		return r, nil
	}
	r.Header, r.Body = c.form(), []byte(values.Encode())
	return r, nil
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// pathID is an id as an element of a path. There is none below 1; such an element is refused as missing.
func pathID(n int64) string {
	if n <= 0 {
		return ""
	}
	return id(n)
}
