package transport

import (
	"context"
	"net/http"
)

// sign returns the request as it is to be sent. A signature may say when it was made, so each attempt has its own. What
// is signed is a clone, because all calls share the request's header and URL, and the AWS SDK's signer writes into both.
func (c *call) sign(ctx context.Context, req *http.Request) (*http.Request, error) {
	if c.r.Sign == nil {
		return req, nil
	}
	signed := req.Clone(ctx)
	err := c.r.Sign(signed)
	if err == nil {
		err = checkHeader(signed.Header)
	}
	if err == nil {
		return signed, nil
	}
	if req.Body != nil {
		_ = req.Body.Close() // a reader of memory; a RoundTripper closes it even if it sends nothing
	}
	c.Class, c.Err = Unavailable, c.unsigned(ctx, req.Context(), err)
	return nil, err
}

// unsigned says why an attempt was not signed: the caller's context, the attempt's time, or what the signer says.
func (c *call) unsigned(ctx, caller context.Context, err error) error {
	if caller.Err() != nil || ctx.Err() != nil {
		return c.lostAnswer(caller, err)
	}
	err = c.fault(err) // not the signer's own: that may hold an address
	return &fault{"not signed: " + err.Error(), func() error { return err }}
}
