package transport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strings"
	"sync/atomic"
)

// roundTrip makes an attempt, from its signature to the last byte of the answer. The outcome is in c.Result; what it
// returns is for go-retryablehttp.
func (c *call) roundTrip(req *http.Request) (*http.Response, error) {
	caller := req.Context()
	if !c.begin(caller) {
		return nil, caller.Err()
	}
	ctx, watch, cancel := c.watched(caller)
	defer cancel()
	req, err := c.sign(ctx, c.withBody(req))
	if err != nil {
		return nil, err
	}
	trace := newTracer(c.mostConnections(), cancel)
	resp, err := c.base.RoundTrip(watch.send(httptrace.WithClientTrace(ctx, &trace.ClientTrace), req))
	if err == nil && resp == nil {
		err = errNoResponse
	}
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		c.answered, c.Status, c.Header = true, resp.StatusCode, resp.Header
		_ = resp.Body.Close() // the connection itself
		err = errSwitched
	}
	if err != nil {
		c.failed(caller, stalled(ctx, err), trace)
		return nil, err
	}
	c.answered, c.Status, c.Header = true, resp.StatusCode, resp.Header
	c.Body, err = c.receive(resp, watch)
	resp.Body = http.NoBody
	c.judge(caller, stalled(ctx, err))
	return resp, nil
}

// withBody returns the request with the body that Again has given, if it has.
func (c *call) withBody(req *http.Request) *http.Request {
	if c.body == nil {
		return req
	}
	_ = req.Body.Close() // a reader of memory
	r := *req
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(c.body)), int64(len(c.body)), nil
	return &r
}

var (
	errNoResponse = errors.New("the RoundTripper returned nothing")
	errSwitched   = errors.New("the server switched protocols")
	errProxy      = errors.New("the proxy refused the connection")
)

// sign returns the request to send. Each attempt is signed by itself, since a signature may contain the time. A copy
// is signed: all calls share the request's header and URL, and the signer of the AWS SDK writes into both.
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
	c.Class, c.Err = Unavailable, c.unsigned(ctx, req.Context(), err)
	return nil, err
}

// unsigned says why an attempt was not signed. It prefers the end of the caller's context and of the attempt's time
// to the words of the signer.
func (c *call) unsigned(ctx, caller context.Context, err error) error {
	if ctx.Err() != nil { // as it is after the end of the caller's
		return c.r.Clean.lost(caller, c.t.timeout, err)
	}
	err = c.r.Clean.Fault(err) // an error of the signer's own may contain an address
	return &fault{"not signed: " + err.Error(), func() error { return err }}
}

// A tracer watches how an attempt gets its connection. Each attempt has its own tracer, because the dial of an earlier
// attempt may still go on. The fields are atomic, because a caller's RoundTripper may use goroutines.
type tracer struct {
	httptrace.ClientTrace
	wanted atomic.Bool // a connection was asked for
	got    atomic.Bool // a connection was found; the request may have been sent
	reused atomic.Bool // the connection has served another request before
	number atomic.Int64
}

// newTracer returns a tracer that ends the attempt if it is about to be sent on more than most connections.
func newTracer(most int64, end context.CancelFunc) *tracer {
	t := new(tracer)
	t.GetConn = func(string) { t.wanted.Store(true) }
	t.GotConn = func(info httptrace.GotConnInfo) {
		t.got.Store(true)
		t.reused.Store(info.Reused)
		if t.number.Add(1) > most {
			end()
		}
	}
	return t
}

// mostConnections returns on how many connections net/http may send an attempt. A request with a body is sent on
// another connection only if nothing of it was sent on the first. A request without a body is repeated in other cases
// too: once for an operation that may be repeated, because kept connections break, and never for any other.
func (c *call) mostConnections() int64 {
	switch {
	case len(c.r.Body) > 0 || c.r.Stream != nil:
		return math.MaxInt64
	case c.once():
		return 1
	}
	return 2
}

// provesNothingSent reports whether a connection was asked for and never found. A RoundTripper that does not trace
// proves nothing.
func (t *tracer) provesNothingSent() bool { return t.wanted.Load() && !t.got.Load() }

// failed decides what an attempt without an answer means. If the connection was a kept one, all others in the pool may
// be dead for the same reason, so the next attempt dials.
func (c *call) failed(caller context.Context, err error, trace *tracer) {
	c.Class, c.unsure = Classify(0, c.r.Repeat == Replay), true
	if trace.provesNothingSent() {
		c.Class, c.unsure, c.final = Unavailable, false, unfixable(err)
	}
	if c.refusedByProxy(err, trace) {
		if strings.Contains(strings.ToLower(err.Error()), "authenticat") {
			c.Class, c.final = Unauthorized, true
		}
		err = errProxy
	}
	if trace.reused.Load() {
		c.base = c.t.ways.fresh
	}
	if errors.Is(err, errNotPublic) {
		c.Class, err = Invalid, errNotPublic
	}
	c.Err = c.r.Clean.lost(caller, c.t.timeout, err)
}

// refusedByProxy reports whether err is what a proxy answered to CONNECT. net/http makes an error of the bare words of the
// answer, which the proxy is free to choose: they may quote its credentials, so they are not shown.
func (c *call) refusedByProxy(err error, trace *tracer) bool {
	tp, ok := c.base.(*http.Transport)
	if !ok || tp.Proxy == nil || !trace.provesNothingSent() || reflect.TypeOf(err) != reflect.TypeOf(errProxy) {
		return false
	}
	proxy, _ := tp.Proxy(&http.Request{URL: c.r.URL}) // if it had failed, no connection would have been asked for
	return proxy != nil
}

// judge decides what an answer means. A success whose body cannot be read whole is like a lost answer. Of all other
// answers the status is enough.
func (c *call) judge(caller context.Context, bodyErr error) {
	repeatable := c.r.Repeat == Replay
	c.Class, c.unsure = Classify(c.Status, repeatable), Classify(c.Status, false) == Ambiguous
	switch {
	case bodyErr != nil && c.Class == Done && c.r.AnyBody:
		c.Body = nil
	case bodyErr != nil && c.Class == Done:
		c.Class, c.unsure = Classify(0, repeatable), true
		c.final = errors.As(bodyErr, new(tooLarge)) || c.r.Sink.spent()
		fallthrough
	case bodyErr != nil:
		c.Body, c.Err = nil, c.r.Clean.lost(caller, c.t.timeout, bodyErr)
	case c.Status >= 300 && c.Status < 400:
		c.Err = c.r.Clean.Fault(redirectError(c.Header.Get("Location")))
	}
	if before := c.Class; c.r.Judge != nil {
		c.r.Judge(&c.Result)
		c.unsure = c.Class == Ambiguous || c.Class == before && c.unsure
	}
	switch {
	case c.Class == Done:
		c.Err = nil
	case c.Class == Ambiguous && repeatable:
		c.Class = Unavailable
	}
	c.readWait()
}

// receive reads the body of an answer to its end, and closes it: a success into the sink if there is one, anything else
// into memory. Of an error it reads at most MessageLimit.
func (c *call) receive(resp *http.Response, w *watch) ([]byte, error) {
	if resp.Body == nil || resp.Body == http.NoBody {
		return []byte{}, nil
	}
	defer resp.Body.Close()
	limit, sink := cmp.Or(c.r.Limit, MessageLimit), c.r.Sink
	if Classify(resp.StatusCode, true) != Done {
		limit, sink = min(limit, MessageLimit), nil
	}
	if sink != nil {
		limit = sink.Limit
	}
	if resp.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if sink != nil {
		return []byte{}, sink.fill(watchedBody{resp.Body, w, false})
	}
	return readBody(resp, limit)
}

// tooLarge is the error of a body over this limit in bytes.
type tooLarge int64 //nolint:errname // as it reads where it is made

func (e tooLarge) Error() string { return fmt.Sprintf("the answer is larger than %d bytes", int64(e)) }

// readBody returns the whole body or an error. It does not trust a ContentLength of 0: custom RoundTrippers often
// leave it unset.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if n := resp.ContentLength; n > 0 {
		b := make([]byte, n)
		_, err := io.ReadFull(resp.Body, b)
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if int64(len(b)) > limit {
		err = tooLarge(limit)
	}
	return b, err
}
