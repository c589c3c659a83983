package transport

import (
	"cmp"
	"context"
	"errors"
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

	base http.RoundTripper // of the next attempt
	body []byte            // in place of the request's, once Again has given it
	lost bool              // an attempt may have been carried out
	due  bool              // an attempt is to begin
	turn Turn
	late *late // why an attempt that was due got no turn

	// The current attempt.
	start    time.Time
	answered bool
	unsure   bool // it may have been carried out
	final    bool // another attempt would end in the same way
}

func (t *Transport) newCall(r Request) *call {
	r.Clean = cmp.Or(r.Clean, t.clean)
	c := &call{t: t, r: r, base: t.ways.pooled, due: true}
	switch r.Repeat {
	case Replay:
		c.Delivery = AtLeastOnce
	case Once:
		c.Delivery = AtMostOnce
	default:
		c.Delivery = t.delivery
	}
	if c.once() {
		c.base = t.ways.fresh
	}
	return c
}

// once reports whether a second attempt after a lost answer could do it twice and must not be made.
func (c *call) once() bool { return c.Delivery == AtMostOnce && c.r.Repeat != Keyed }

type callKey struct{}

// callOf returns the call that run has put into the context.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) } //nolint:forcetypeassert // run makes it

// newRetrier returns the client that makes the attempts of all calls of a transport. The state of a call is in its
// context, because CheckRetry gets nothing else that belongs to the call.
//
// The defaults of go-retryablehttp are not used. It would write URLs to stderr and into errors, wait as long as any
// Retry-After says, forget the last answer when it is cancelled, and close all idle connections after each failure.
func newRetrier(jar http.CookieJar, maxAttempts int) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: &http.Client{Transport: attempts{}, Jar: jar, CheckRedirect: refuseRedirect},
		RetryMax:   maxAttempts, // not reached: again stops before
		CheckRetry: func(ctx context.Context, _ *http.Response, _ error) (bool, error) {
			return callOf(ctx).again(ctx), nil
		},
		Backoff: func(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
			return 0 // again has waited
		},
		PrepareRetry: func(r *http.Request) error {
			r.Header = callOf(r.Context()).header()
			return nil
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// attempts is the RoundTripper below go-retryablehttp. It has no CloseIdleConnections, which would be called.
type attempts struct{}

func (attempts) RoundTrip(r *http.Request) (*http.Response, error) {
	return callOf(r.Context()).roundTrip(r)
}

func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// run makes the attempts and leaves the outcome in c.Result.
func (c *call) run(ctx context.Context) {
	c.turn.enter(c.t, c.r.Rank, c.r.Lanes)
	defer c.turn.Close()
	var err error
	if c.r.Serial == "" || c.turn.n == 0 {
		err = c.attempts(ctx)
	} else {
		err = c.inOrder(ctx)
	}
	c.settle(ctx, err)
}

// inOrder makes the attempts when all earlier calls with the same Serial have ended. A call that is not the first about
// its subject goes after all calls that are.
func (c *call) inOrder(ctx context.Context) error {
	serial := Turn{p: c.turn.p, w: c.turn.w, latest: c.turn.latest}
	defer serial.Close()
	if serial.add(c.t.WideLane(Limit{N: 1}, c.r.Lanes[0].key, c.r.Serial)) {
		c.turn.w.rank = RankUsual
	}
	if !c.got(serial.take(ctx)) {
		return nil
	}
	return c.attempts(ctx)
}

// got reports whether a call has got its turn, and notes why if not.
func (c *call) got(err error) bool {
	errors.As(err, &c.late)
	return err == nil
}

// attempts makes the attempts. It returns what has kept go-retryablehttp from an attempt.
func (c *call) attempts(ctx context.Context) error {
	req, err := c.request(context.WithValue(ctx, callKey{}, c))
	if err != nil {
		return err
	}
	resp, err := c.t.retry.Do(req)
	if resp != nil {
		_ = resp.Body.Close() // http.NoBody
	}
	return err
}

var blank = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

func (c *call) request(ctx context.Context) (*retryablehttp.Request, error) {
	if err := checkHeader(c.r.Header); err != nil {
		return nil, err
	}
	req := &retryablehttp.Request{Request: blank.WithContext(ctx)} // which copies it
	req.Method, req.URL, req.Host, req.Header = c.r.Method, c.r.URL, c.r.URL.Host, c.header()
	req.Close = c.once()
	c.setBody(req)
	c.forbidReplay(req.Request)
	return req, nil
}

// header returns the header of an attempt. All calls share that of the request. It is copied where a cookie jar or a
// caller's RoundTripper may write into it; otherwise cookies would add up from one attempt to the next.
func (c *call) header() http.Header {
	if c.t.jar == nil && c.t.ways.std {
		return c.r.Header
	}
	return c.r.Header.Clone()
}

// setBody gives a request a body that go-retryablehttp can rewind. SetBody does not fail for a body of these types.
func (c *call) setBody(req *retryablehttp.Request) {
	switch s := c.r.Stream; {
	case s != nil:
		_ = req.SetBody(func() (io.Reader, error) { return s.Open(), nil })
		req.ContentLength = s.Length
	case len(c.r.Body) > 0:
		_ = req.SetBody(c.r.Body)
	}
}

// forbidReplay keeps net/http from repeating the request by itself, which it does without a pause and without a limit:
// on a connection from a pool that breaks, and over HTTP/2 if the service resets the stream. It cannot repeat a body
// that it cannot read again. Requests without a body are limited by the tracer; a caller's RoundTripper may not trace,
// so a GET through it gets a body that net/http does not know to be empty.
func (c *call) forbidReplay(r *http.Request) {
	r.GetBody = nil
	if c.once() && !c.t.ways.std && c.r.Method == http.MethodGet {
		r.Body = emptyBody{}
	}
}

// emptyBody is an empty body that net/http, unlike http.NoBody, does not know to be empty.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }

// begin begins an attempt. It returns false if the context has ended.
func (c *call) begin(ctx context.Context) bool {
	if ctx.Err() != nil || !c.got(c.turn.take(ctx)) {
		return false
	}
	c.Waited += c.turn.waited
	c.Attempts++
	c.due, c.start, c.answered, c.unsure, c.final = false, time.Now(), false, false, false
	c.Err, c.RetryAfter = nil, 0
	return true
}

// again decides what the attempt that has ended means for the call. It returns true if another attempt is due, after
// waiting for it.
func (c *call) again(ctx context.Context) bool {
	if c.due { // no attempt was begun
		return false
	}
	c.leave()
	wait, again := c.next(ctx)
	again = again || c.replace(ctx)
	refused := c.Class == RateLimited
	if c.lost = c.lost || c.unsure || c.Class == Ambiguous; c.lost {
		c.Class = c.sticky()
	}
	c.report(ctx, wait, !again)
	c.due = again
	c.turn.pause(ctx, wait, refused) // 0 if there is no other attempt
	return again
}

// sticky returns the class of a call of which an attempt may have been carried out. Only a success is certain. What may
// be done twice stays unavailable. A POST with a key that was refused in the end may have been accepted before.
func (c *call) sticky() Class {
	switch {
	case c.Class == Done:
		return Done
	case c.r.Repeat != Replay:
		return Ambiguous
	case c.r.Method != http.MethodPost:
		return c.Class
	case c.Class == RateLimited || c.Class == Unavailable:
		return Unavailable
	}
	return Ambiguous
}

// settle says why an attempt that was due was not begun: the context has ended, or net/http refused the request with
// err. The class is that of the last attempt, if there was one.
func (c *call) settle(ctx context.Context, err error) {
	switch {
	case !c.due:
		return
	case c.late != nil:
		c.tooLate()
		return
	}
	class, cause := Invalid, c.r.Clean.Fault(err)
	if ctx.Err() != nil {
		class, cause = Unavailable, c.r.Clean.cancelled(ctx)
	}
	c.Err = cause
	if c.Attempts == 0 {
		c.Class = class
	}
}

// tooLate ends a call whose turn does not come in time. If there were attempts, their outcome stays.
func (c *call) tooLate() {
	c.RetryAfter = c.late.after
	if c.Attempts == 0 {
		c.Class, c.Err = c.late.class, c.late
	}
}

// next reports whether another attempt is allowed, may end better than this attempt, and can begin in time. wait is how
// long to wait for it.
func (c *call) next(ctx context.Context) (wait time.Duration, again bool) {
	if c.final || c.Attempts >= c.t.maxAttempts || ctx.Err() != nil || !c.repeatable() {
		return 0, false
	}
	wait = cmp.Or(c.RetryAfter, c.backoff())
	deadline, bounded := ctx.Deadline()
	if wait > c.t.maxWait || bounded && !time.Now().Add(wait).Before(deadline) {
		return 0, false
	}
	return wait, true
}

// replace reports whether the service has refused the body and there is another body to send at once.
func (c *call) replace(ctx context.Context) bool {
	if c.r.Again == nil || c.body != nil || c.Class != Invalid || ctx.Err() != nil {
		return false
	}
	body, again := c.r.Again(&c.Result)
	c.body = body
	return again
}

func (c *call) repeatable() bool {
	switch c.Class {
	case RateLimited, Unavailable:
		return true
	case Ambiguous:
		return !c.once()
	default:
		return false
	}
}

// firstWait is the longest wait after the first attempt, if the service does not ask for one. It doubles with each
// attempt.
const firstWait = 500 * time.Millisecond

func (c *call) backoff() time.Duration {
	d := min(firstWait<<min(c.Attempts-1, 10), c.t.maxWait)
	return d/2 + rand.N(d/2+1) //nolint:gosec // it need not be hard to guess
}

// pause waits until d is over or the context ends.
func pause(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (c *call) report(ctx context.Context, wait time.Duration, last bool) {
	if c.t.onAttempt == nil {
		return
	}
	a := Attempt{
		Provider: c.t.provider, Notifier: c.r.Notifier, Op: c.r.Op, Number: c.Attempts,
		Start: c.start, Duration: time.Since(c.start), Err: c.Err, Wait: wait, Waited: c.turn.waited, Last: last,
	}
	if c.answered {
		a.Status = c.Status
	}
	c.t.onAttempt(ctx, a)
}
