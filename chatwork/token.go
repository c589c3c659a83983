package chatwork

import (
	"context"
	"errors"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Token is a credential of one account, and the header that it goes into. It prints as [redacted]. Tokens are
// comparable; the zero Token is none.
// See https://developer.chatwork.com/docs/oauth and https://developer.chatwork.com/docs/getting-started.
type Token struct {
	secret mackerel.Secret
	bearer bool
}

// APIToken is an account's API token, sent as X-ChatWorkToken. It does not expire.
func APIToken(s mackerel.Secret) Token { return Token{secret: s} }

// BearerToken is an access token of OAuth 2.0, sent as Authorization: Bearer. It expires after some minutes.
func BearerToken(s mackerel.Secret) Token { return Token{secret: s, bearer: true} }

// String returns "[redacted]", or nothing for the zero Token.
func (t Token) String() string { return t.secret.String() }

// set puts the token into a header.
func (t Token) set(h http.Header) {
	if t.bearer {
		h.Set("Authorization", "Bearer "+t.secret.Reveal())
		return
	}
	h.Set("X-ChatWorkToken", t.secret.Reveal())
}

// StaticToken returns a Source of [ClientConfig] for a token that stays what it is, such as a bearer token in a program
// that ends before the token does.
func StaticToken(t Token) func(context.Context) (Token, error) {
	return func(context.Context) (Token, error) { return t, nil }
}

type refusedKey struct{}

// Refused returns the token that the service has just refused, when a Source is asked for the second time within one
// call. A Source that keeps tokens must not return this one again.
func Refused(ctx context.Context) (t Token, ok bool) {
	t, ok = ctx.Value(refusedKey{}).(Token)
	return t, ok
}

// checkToken notes what is wrong with the credential.
func (c ClientConfig) checkToken(p *provider.Problems) {
	switch {
	case c.Source == nil:
		p.Token("Token", c.Token)
	case !c.Token.IsZero():
		p.Add("Source", "set together with Token")
	}
}

// do makes a call with the client's token. One from a Source that is refused with 401 is asked for once more, and if it
// is another one then, the call is made again: a refusal proves that nothing was done.
func (c *Client) do(ctx context.Context, r transport.Request) (transport.Result, error) {
	if c.source == nil {
		return c.send(ctx, r)
	}
	token, err := c.token(ctx, r.Op)
	if err != nil {
		return transport.Result{}, err
	}
	first, err := c.sendAs(ctx, r, token)
	if first.Class != transport.Unauthorized || first.Status != http.StatusUnauthorized {
		return first, err
	}
	renewed, sourceErr := c.token(context.WithValue(ctx, refusedKey{}, token), r.Op)
	if sourceErr != nil || renewed == token {
		return first, because(err, sourceErr)
	}
	second, err := c.sendAs(ctx, r, renewed)
	second.Attempts += first.Attempts
	if e := (*mackerel.Error)(nil); errors.As(err, &e) {
		e.Attempts = second.Attempts
	}
	return second, err
}

// because adds to the error of a refused token why there is no other one.
func because(err, cause error) error {
	if e := (*mackerel.Error)(nil); cause != nil && errors.As(err, &e) {
		e.Err = cause
	}
	return err
}

// token asks the Source. That it fails is no verdict on the token: the same call may work later, unless the Source itself
// says that it is [mackerel.ErrUnauthorized].
func (c *Client) token(ctx context.Context, op string) (Token, error) {
	t, err := c.source(ctx)
	e := &mackerel.Error{Provider: name, Op: op, Kind: mackerel.ErrUnauthorized}
	switch {
	case err != nil:
		e.Message, e.Err = "no token", transport.NewCleaner(t.secret.Reveal()).Fault(err)
		if !errors.Is(err, mackerel.ErrUnauthorized) {
			e.Kind = mackerel.ErrUnavailable
		}
	case !transport.ValidCredential(t.secret.Reveal()):
		e.Message = "the Source's token is empty, or has a blank, a line break or a character beyond ASCII"
	default:
		return t, nil
	}
	return Token{}, e
}

// sendAs sends a request with a token that only this call knows, and so only this call can keep out of its errors.
func (c *Client) sendAs(ctx context.Context, r transport.Request, t Token) (transport.Result, error) {
	r.Header = r.Header.Clone()
	t.set(r.Header)
	r.Clean = transport.NewCleaner(t.secret.Reveal())
	result, err := c.send(ctx, r)
	if e := (*mackerel.Error)(nil); len(result.Body) > 0 && errors.As(err, &e) {
		_, words := decodeError(result.Status, result.Body)
		e.Message = r.Clean.Line(words)
	}
	return result, err
}
