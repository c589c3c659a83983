package chatwork

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Token is a credential of one account, together with the header that it is sent in. It prints as [redacted]. Tokens
// can be compared. The zero Token is no token.
// See https://developer.chatwork.com/docs/oauth and https://developer.chatwork.com/docs/getting-started.
type Token struct {
	secret mackerel.Secret
	bearer bool
}

// APIToken returns the API token of an account, which is sent as X-ChatWorkToken. It does not expire.
func APIToken(s mackerel.Secret) Token { return Token{secret: s} }

// BearerToken returns an access token of OAuth 2.0, which is sent as Authorization: Bearer. It expires after minutes.
func BearerToken(s mackerel.Secret) Token { return Token{secret: s, bearer: true} }

// String returns "[redacted]", or "" for the zero Token.
func (t Token) String() string { return t.secret.String() }

// set puts the token into a header.
func (t Token) set(h http.Header) {
	if t.bearer {
		h.Set("Authorization", "Bearer "+t.secret.Reveal())
		return
	}
	h.Set("X-ChatWorkToken", t.secret.Reveal())
}

// StaticToken returns a Source of [ClientConfig] that always returns the same token. It is for programs that end before
// the token expires.
func StaticToken(t Token) func(ctx context.Context, refused Token) (Token, error) {
	return func(context.Context, Token) (Token, error) { return t, nil }
}

// do sends a request with the client's token. If the service refuses the token of a Source with 401, which proves that
// nothing was done, do asks the Source for another token and sends the request again. It returns the request as it was
// sent last, whose Clean knows the token.
func (c *Client) do(ctx context.Context, r transport.Request) (transport.Request, transport.Result) {
	if c.source == nil {
		return r, c.service.Transport().Do(ctx, r)
	}
	token, problem := c.token(ctx, Token{})
	if problem != nil {
		return r, *problem
	}
	sent := withToken(r, token)
	result := c.service.Transport().Do(ctx, sent)
	if result.Class != transport.Unauthorized || result.Status != http.StatusUnauthorized {
		return sent, result
	}
	renewed, problem := c.token(ctx, token)
	if problem != nil {
		result.Err = problem.Err
	}
	if problem != nil || renewed == token {
		return sent, result
	}
	sent = withToken(r, renewed)
	again := c.service.Transport().Do(ctx, sent)
	again.Attempts += result.Attempts
	return sent, again
}

// withToken returns a request with a token that only this call knows.
func withToken(r transport.Request, t Token) transport.Request {
	r.Header = r.Header.Clone()
	t.set(r.Header)
	r.Clean = transport.NewCleaner(t.secret.Reveal())
	return r
}

var errTokenForm = errors.New("the token of the Source is empty, or has a blank or a character beyond ASCII")

// token asks the Source for a token. If there is no usable token, it returns the result of the call in its place.
func (c *Client) token(ctx context.Context, refused Token) (Token, *transport.Result) {
	t, err := c.source(ctx, refused)
	clean := transport.NewCleaner(t.secret.Reveal())
	switch {
	case err == nil && transport.ValidCredential(t.secret.Reveal()):
		return t, nil
	case err == nil:
		return Token{}, &transport.Result{Class: transport.Unauthorized, Err: errTokenForm}
	case errors.Is(err, mackerel.ErrUnauthorized):
		return Token{}, &transport.Result{Class: transport.Unauthorized, Err: noToken(clean.Fault(err))}
	default: // the token may be good, and the same call may work later
		return Token{}, &transport.Result{Class: transport.Unavailable, Err: noToken(clean.Fault(err))}
	}
}

func noToken(err error) error { return fmt.Errorf("no token: %w", err) }
