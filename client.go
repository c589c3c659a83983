package mackerel

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// UserAgent is the User-Agent header of all requests, with the version of this module, unless [CallOptions] has
// another.
const UserAgent = "mackerel-notify/0.1.0"

// DefaultBaseURL is the address of Mackerel's API. KCPS customers use https://kcps-mackerel.io.
const DefaultBaseURL = "https://api.mackerelio.com"

// provider is the name of Mackerel itself in errors.
const provider = "mackerel"

// ClientConfig configures a [Client]. APIKey is required.
type ClientConfig struct {
	APIKey  Secret      `json:"api_key"`           // of an organization; changes need Write permission
	BaseURL string      `json:"base_url,omitzero"` // DefaultBaseURL unless set; may have a path
	Call    CallOptions `json:"-"`                 // Delivery has no effect, because no operation is a message
}

// A Client calls Mackerel's API (https://mackerel.io/api-docs/) with the key of one organization. It is safe for
// concurrent use. Its methods return an *[Error] when they fail. After a lost answer, requests that read, replace or
// delete are repeated; requests that create are not.
type Client struct {
	transport *transport.Transport
	base      *url.URL
	header    func() http.Header
}

// NewClient returns a client. It checks the configuration without calling the API, and lists all problems in one
// [ErrConfig].
func NewClient(c ClientConfig) (*Client, error) {
	var problems []string
	if c.APIKey.IsZero() {
		problems = append(problems, "APIKey: required")
	} else if !transport.ValidCredential(c.APIKey.Reveal()) {
		problems = append(problems, "APIKey: has a blank, a line break or a character beyond ASCII")
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	base, problem := transport.ParseBase(c.BaseURL)
	if problem != "" {
		problems = append(problems, "BaseURL: "+problem)
	}
	o := options(c.Call)
	if problems = append(problems, o.Problems()...); len(problems) > 0 {
		return nil, &Error{Provider: provider, Op: "configure", Kind: ErrConfig, Message: strings.Join(problems, "; ")}
	}
	t := transport.New(provider, o, c.APIKey.Reveal())
	return &Client{
		transport: t, base: base,
		header: t.Header("X-Api-Key", c.APIKey.Reveal(), "Accept", "application/json", "Content-Type", "application/json"),
	}, nil
}

// String returns "mackerel". A printed client does not show its key.
func (c *Client) String() string { return provider }

// options are the caller's options as the transport takes them.
func options(c CallOptions) transport.Options {
	o := transport.Options{
		Client: c.Client, Timeout: c.Timeout, MaxAttempts: c.MaxAttempts, MaxWait: c.MaxWait,
		Delivery: transport.Delivery(c.Delivery), UserAgent: c.UserAgent,
	}
	if o.UserAgent == "" {
		o.UserAgent = UserAgent
	}
	if c.OnAttempt != nil {
		o.OnAttempt = func(ctx context.Context, a transport.Attempt) { c.OnAttempt(ctx, Attempt(a)) }
	}
	return o
}

// An operation is one of the API's operations: its name in errors, its method, and what it means to repeat it.
type operation struct {
	name   string
	method string
	repeat transport.Repeat
}

// An answer reports whether it has the documented members, because an empty object is valid JSON, too.
type answer interface{ complete() bool }

// call sends one request below /api/v0 and decodes the answer.
func call[T answer](ctx context.Context, c *Client, op operation, body []byte, path ...string) (T, error) {
	answer, _, err := do[T](ctx, c, op, body, path...)
	return answer, err
}

// do is call, and also returns the number of attempts.
func do[T answer](ctx context.Context, c *Client, op operation, body []byte, path ...string) (T, int, error) {
	var answer T
	u, ok := transport.Join(c.base, append([]string{"api", "v0"}, path...)...)
	if !ok {
		return answer, 0, &Error{Provider: provider, Op: op.name, Kind: ErrInvalid, Message: "ID: missing or not an id"}
	}
	r := c.transport.Do(ctx, transport.Request{
		Op: op.name, Method: op.method, URL: u, Header: c.header(), Body: body, Repeat: op.repeat, Limit: transport.ReadLimit,
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
	return *new(T), r.Attempts, c.failure(op, r)
}

var errUndocumented = errors.New("the answer is not the documented one")

// failure makes an Error of the result of a failed operation.
func (c *Client) failure(op operation, r transport.Result) error {
	return &Error{
		Provider:   provider,
		Op:         op.name,
		Status:     r.Status,
		Message:    c.transport.Clean().Line(errorMessage(r.Body)),
		RetryAfter: r.RetryAfter,
		Attempts:   r.Attempts,
		Delivery:   Delivery(r.Delivery),
		Kind:       kinds[r.Class],
		Err:        r.Err,
	}
}

var kinds = map[transport.Class]error{
	transport.Ambiguous:    ErrAmbiguous,
	transport.Invalid:      ErrInvalid,
	transport.Unauthorized: ErrUnauthorized,
	transport.NotFound:     ErrNotFound,
	transport.RateLimited:  ErrRateLimited,
	transport.Unavailable:  ErrUnavailable,
	transport.Unsupported:  ErrUnsupported,
}

// errorMessage reads both forms of an error body: {"error":{"message":"..."}} and {"error":"..."}. Any other body, such
// as a proxy's page, has no message.
func errorMessage(body []byte) string {
	var e struct {
		Error jsontext.Value `json:"error"`
	}
	if json.Unmarshal(body, &e, lenient) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(e.Error, &text, lenient) == nil {
		return text
	}
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(e.Error, &object, lenient) != nil {
		return ""
	}
	return object.Message
}
