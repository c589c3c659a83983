package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A call is one operation with all its attempts.
type call struct {
	t *Transport
	r Request
	Result

	base    roundTripper
	http    http.Client
	retry   retryablehttp.Client
	again   []byte // the body in place of the request's, once Again has given it
	started bool   // an attempt is under way or has just ended; false while waiting for the next

	// of the current attempt
	start    time.Time
	answered bool
	final    bool // no other attempt would fare better

	lost bool          // an earlier or this attempt may have been carried out
	wait time.Duration // decided in check, handed out by backoff
}

func newCall(t *Transport, r Request) *call {
	c := &call{t: t, r: r, base: t.pooled}
	c.Delivery = t.options.Delivery
	switch r.Repeat {
	case Replay:
		c.Delivery = AtLeastOnce
	case Once:
		c.Delivery = AtMostOnce
	case Message:
	}
	if c.Delivery == AtMostOnce {
		c.base = t.fresh
	}
	c.http = http.Client{Transport: c, Jar: t.jar, CheckRedirect: refuseRedirect}
	c.retry = retryablehttp.Client{
		HTTPClient:   &c.http,
		RetryMax:     t.options.MaxAttempts, // check stops before
		CheckRetry:   c.check,
		Backoff:      c.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	if t.jar != nil || !c.base.std {
		c.retry.PrepareRetry = c.renewHeader
	}
	return c
}

func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// renewHeader gives an attempt a header of its own, where a cookie jar or a caller's RoundTripper may write into it: all
// calls share the request's, and cookies would add up from one attempt to the next.
func (c *call) renewHeader(r *http.Request) error {
	r.Header = c.r.Header.Clone()
	return nil
}

// run makes the attempts and leaves the outcome in c.Result.
func (c *call) run(ctx context.Context) {
	req, err := c.request(ctx)
	if err != nil {
		c.Class, c.Err = Invalid, c.fault(err)
		return
	}
	resp, err := c.retry.Do(req)
	if resp != nil {
		_ = resp.Body.Close() // http.NoBody
	}
	switch {
	case c.started: // the last attempt settled it
	case ctx.Err() == nil: // net/http refused the request before its transport saw it
		c.Class, c.Err = Invalid, c.fault(err)
	case c.Attempts == 0:
		c.Class, c.Err = Unavailable, c.cancelled(ctx)
	default: // while waiting: what the last attempt was told stands
		c.Err = c.cancelled(ctx)
	}
}

var blank = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

func (c *call) request(ctx context.Context) (*retryablehttp.Request, error) {
	if err := checkHeader(c.r.Header); err != nil {
		return nil, err
	}
	req := &retryablehttp.Request{Request: blank.WithContext(ctx)} // which copies it
	req.Method, req.URL, req.Host, req.Header = c.r.Method, c.r.URL, c.r.URL.Host, c.r.Header
	req.Close = c.Delivery == AtMostOnce
	if c.retry.PrepareRetry != nil {
		req.Header = req.Header.Clone()
	}
	if err := c.setBody(req); err != nil {
		return nil, err
	}
	if c.Delivery == AtMostOnce && !c.base.std {
		c.forbidReplay(req.Request)
	}
	return req, nil
}

// forbidReplay keeps net/http from repeating a request by itself. It does so on a kept connection, which a caller's
// RoundTripper may have below, with a GET and with whatever has an Idempotency-Key, if it can have the body again.
func (c *call) forbidReplay(r *http.Request) {
	r.GetBody = nil
	if len(c.r.Body) == 0 && c.r.Method == http.MethodGet {
		r.Body = emptyBody{}
	}
}

// emptyBody is a body that, unlike http.NoBody, net/http does not know to be empty.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }

// check decides everything: what this attempt means for the call, whether there is another, and when.
func (c *call) check(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	if !c.started {
		return false, nil
	}
	again := c.replaced(ctx) || c.worthwhile(ctx) && c.fits(ctx)
	c.lost = c.lost || c.Class == Ambiguous
	if c.lost && c.Class != Done {
		c.Class = Ambiguous // whatever this attempt was told, an earlier one may have been carried out
	}
	if !again {
		c.wait = 0
	}
	c.report(ctx, !again)
	c.started = !again
	return again, nil
}

// replaced reports whether the service has refused the body and there is another body to send.
func (c *call) replaced(ctx context.Context) bool {
	if c.r.Again == nil || c.again != nil || c.Class != Invalid || ctx.Err() != nil {
		return false
	}
	body, ok := c.r.Again(&c.Result)
	if ok {
		c.again, c.wait = body, 0
	}
	return ok
}

// worthwhile reports whether another attempt is allowed and could fare better than this one.
func (c *call) worthwhile(ctx context.Context) bool {
	if c.final || c.Attempts >= c.t.options.MaxAttempts || ctx.Err() != nil {
		return false
	}
	switch c.Class {
	case RateLimited, Unavailable:
		return true
	case Ambiguous:
		return c.Delivery == AtLeastOnce
	case Done, Invalid, Unauthorized, NotFound, Unsupported:
	}
	return false
}

// firstWait is the longest wait after the first attempt where the service names none; each later one is twice as long.
const firstWait = 500 * time.Millisecond

// fits decides how long to wait, the service's own word coming first, and reports whether the caller has that long.
func (c *call) fits(ctx context.Context) bool {
	c.wait = c.RetryAfter
	if c.wait == 0 {
		d := min(firstWait<<min(c.Attempts-1, 10), c.t.options.MaxWait)
		c.wait = d/2 + rand.N(d/2+1) //nolint:gosec // nobody gains by guessing it
	}
	deadline, bounded := ctx.Deadline()
	return c.wait <= c.t.options.MaxWait && (!bounded || time.Now().Add(c.wait).Before(deadline))
}

func (c *call) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.wait }

func (c *call) report(ctx context.Context, last bool) {
	if c.t.options.OnAttempt == nil {
		return
	}
	a := Attempt{
		Provider: c.t.provider, Op: c.r.Op, Number: c.Attempts, Start: c.start, Duration: time.Since(c.start),
		Err: c.Err, Wait: c.wait, Last: last,
	}
	if c.answered {
		a.Status = c.Status
	}
	c.t.options.OnAttempt(ctx, a)
}

// lostAnswer says why there is no usable answer: the caller's context, the attempt's time, or what err says.
func (c *call) lostAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return c.cancelled(ctx)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return timeoutError{c.t.options.Timeout}
	}
	return c.fault(err)
}

// cancelled is the context's own error, with its cause if that says more. The cause is cleaned by itself first: it may
// be a *url.Error, of which the context's error would not survive the peeling.
func (c *call) cancelled(ctx context.Context) error {
	err, cause := ctx.Err(), c.fault(context.Cause(ctx))
	if errors.Is(cause, err) {
		return cause
	}
	return c.fault(fmt.Errorf("%w: %w", err, cause))
}

func (c *call) fault(err error) error { return c.cleaner().Fault(err) }

func (c *call) cleaner() *Cleaner {
	if c.r.Clean != nil {
		return c.r.Clean
	}
	return c.t.clean
}
