package mackerel

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// UserAgent is the User-Agent header of all requests, with the version of this module, unless [CallOptions] has
// another.
const UserAgent = "mackerel-notify/0.1.0"

// DefaultBaseURL is the address of Mackerel's API. Customers of KCPS use https://kcps-mackerel.io.
const DefaultBaseURL = "https://api.mackerelio.com"

// provider is the name of Mackerel in errors.
const provider = "mackerel"

// ClientConfig configures a [Client]. APIKey is required.
type ClientConfig struct {
	APIKey  Secret      `json:"api_key"`           // of an organization; with Write permission to change channels
	BaseURL string      `json:"base_url,omitzero"` // DefaultBaseURL unless set; may have a path
	Call    CallOptions `json:"-"`                 // Delivery is not used, because no operation is a message
}

// A Client calls Mackerel's API (https://mackerel.io/api-docs/) with the key of one organization. It is safe for
// concurrent use. The error of a method is an *[Error]. After a lost answer, a client repeats what reads, replaces or
// deletes. It does not repeat what creates.
type Client struct {
	transport *transport.Transport
	base      *url.URL
	header    func() http.Header
	lanes     []transport.Lane
}

// NewClient checks the configuration and reports all problems as one [ErrConfig]. It does not call the API.
func NewClient(c ClientConfig) (*Client, error) {
	var problems []string
	if c.APIKey.IsZero() {
		problems = append(problems, "APIKey: required")
	} else if !transport.ValidCredential(c.APIKey.Reveal()) {
		problems = append(problems, "APIKey: has a blank, a line break or a character beyond ASCII")
	}
	base, problem := transport.ParseBase(cmp.Or(c.BaseURL, DefaultBaseURL))
	if problem != "" {
		problems = append(problems, "BaseURL: "+problem)
	}
	c.Call.UserAgent = cmp.Or(c.Call.UserAgent, UserAgent)
	call := transport.Options[Delivery, Attempt, Pace](c.Call)
	if problems = append(problems, call.Problems()...); len(problems) > 0 {
		return nil, &Error{Provider: provider, Op: "configure", Kind: ErrConfig, Message: strings.Join(problems, "; ")}
	}
	const mediaType = "application/json"
	t := transport.New(provider, call, c.APIKey.Reveal())
	header := t.Header("X-Api-Key", c.APIKey.Reveal(), "Accept", mediaType, "Content-Type", mediaType)
	lanes := []transport.Lane{t.Lane(transport.Limit{}, base.Host, c.APIKey.Reveal())}
	return &Client{transport: t, base: base, header: header, lanes: lanes}, nil
}

// String returns "mackerel". It does not show the key.
func (c *Client) String() string { return provider }

// An operation is one entry of the API's reference.
type operation struct {
	name   string
	method string
	repeat transport.Repeat
	query  string // of the request, encoded
}

// An answer reports whether it has the members that the documentation promises. An empty object does not.
type answer interface{ complete() bool }

// call makes a call to a path below /api/v0 and decodes the answer.
func call[T answer](ctx context.Context, c *Client, op operation, body []byte, path ...string) (T, error) {
	answer, _, err := do[T](ctx, c, op, body, path...)
	return answer, err
}

// do is call. It also returns the number of requests of a call that succeeded.
func do[T answer](ctx context.Context, c *Client, op operation, body []byte, path ...string) (T, int, error) {
	var answer T
	if c.base == nil {
		return answer, 0, &Error{Provider: provider, Op: op.name, Kind: ErrConfig, Message: "not made by NewClient"}
	}
	u, ok := transport.Join(c.base, append([]string{"api", "v0"}, path...)...)
	if !ok {
		return answer, 0, &Error{Provider: provider, Op: op.name, Kind: ErrInvalid, Message: "ID: missing or not an id"}
	}
	u.RawQuery = op.query
	r := c.transport.Do(ctx, transport.Request{
		Op: op.name, Method: op.method, URL: u, Header: c.header(), Body: body,
		Repeat: op.repeat, Limit: transport.ReadLimit, Lanes: c.lanes,
		Judge: func(r *transport.Result) {
			answer = *new(T)
			if r.Class == transport.Done && (json.Unmarshal(r.Body, &answer, lenient) != nil || !answer.complete()) {
				r.Class, r.Err = transport.Ambiguous, errUndocumented
			}
		},
	})
	if r.Class == transport.Done {
		return answer, r.Attempts, nil
	}
	return *new(T), 0, c.failure(op, r)
}

var errUndocumented = errors.New("the answer is not the documented one")

// failure turns the result of a failed operation into an Error. The words of a refusal are in both of Mackerel's forms,
// {"error":{"message":"..."}} and {"error":"..."}, or in that of a proxy.
func (c *Client) failure(op operation, r transport.Result) error {
	clean := c.transport.Clean()
	var code, message string
	if r.Status >= http.StatusBadRequest {
		code, message = transport.ReadError(r.Status, r.Body)
	}
	return &Error{
		Provider:   provider,
		Op:         op.name,
		Status:     r.Status,
		Code:       clean.Line(code),
		Message:    clean.Line(message),
		RetryAfter: r.RetryAfter,
		Attempts:   r.Attempts,
		Delivery:   Delivery(r.Delivery),
		Kind:       r.Class.Kind(),
		Err:        r.Err,
	}
}
