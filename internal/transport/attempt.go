package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// RoundTrip is one attempt, up to the last byte of the answer.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	caller := req.Context()
	if err := caller.Err(); err != nil {
		return nil, err // the caller gave up just now: nothing is attempted
	}
	c.Attempts++
	c.started, c.start, c.answered, c.final = true, time.Now(), false, false
	c.Err, c.RetryAfter = nil, 0
	ctx, watch, cancel := c.watched(caller)
	defer cancel()
	req, err := c.sign(ctx, c.withBody(req))
	if err != nil {
		return nil, err
	}
	trace := newTracer()
	resp, err := c.base.RoundTrip(watch.send(httptrace.WithClientTrace(ctx, &trace.ClientTrace), req))
	if err == nil && resp == nil {
		err = errNoResponse
	}
	if err != nil {
		c.failed(caller, stalled(ctx, err), trace.provesNothingSent())
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
	if c.again == nil {
		return req
	}
	_ = req.Body.Close() // a reader of memory
	r := *req
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(c.again)), int64(len(c.again)), nil
	return &r
}

var errNoResponse = errors.New("the RoundTripper returned nothing")

// What the trace of an attempt has shown.
const (
	untraced  uint32 = iota // nothing: the RoundTripper does not trace
	looking                 // a connection was asked for
	connected               // there is or was one: from here on everything is possible
)

// A tracer watches one attempt look for a connection. Each attempt has its own, because a dial that is left over from an
// earlier one may still report; it is atomic, because a caller's RoundTripper may have goroutines.
type tracer struct {
	httptrace.ClientTrace
	state atomic.Uint32
}

func newTracer() *tracer {
	t := new(tracer)
	t.GetConn = func(string) { t.state.CompareAndSwap(untraced, looking) } // net/http may look again after it had one
	t.GotConn = func(httptrace.GotConnInfo) { t.state.Store(connected) }
	return t
}

// provesNothingSent reports whether a connection was asked for and none was got. Without a trace nothing is known.
func (t *tracer) provesNothingSent() bool { return t.state.Load() == looking }

// failed settles an attempt without an answer.
func (c *call) failed(ctx context.Context, err error, notSent bool) {
	c.Class = Classify(0, c.r.Repeat == Replay)
	if notSent {
		c.Class, c.final = Unavailable, unfixable(err)
	}
	if errors.Is(err, errNotPublic) {
		c.Class, err = Invalid, errNotPublic
	}
	c.Err = c.lostAnswer(ctx, err)
}

// judge settles an attempt that was answered. A body that could not be read whole makes a success doubtful; of any
// other answer the status says enough.
func (c *call) judge(ctx context.Context, bodyErr error) {
	repeatable := c.r.Repeat == Replay
	c.Class = Classify(c.Status, repeatable)
	switch {
	case bodyErr != nil:
		c.Body, c.Err = nil, c.lostAnswer(ctx, bodyErr)
		if c.Class == Done {
			c.Class, c.final = Classify(0, repeatable), errors.As(bodyErr, new(tooLarge)) || c.r.Sink.spent()
		}
	case c.Status >= 300 && c.Status < 400:
		c.Err = c.fault(redirectError(c.Header.Get("Location")))
	}
	if c.r.Judge != nil {
		c.r.Judge(&c.Result)
	}
	switch {
	case c.Class == Done:
		c.Err = nil
	case c.Class == Ambiguous && repeatable:
		c.Class = Unavailable
	}
	c.readWait()
}

// limit is how much of the current answer is read, in bytes. What a client lists may be long, but no error is.
func (c *call) limit() int64 {
	limit := orDefault(c.r.Limit, MessageLimit)
	if Classify(c.Status, true) != Done {
		limit = min(limit, MessageLimit)
	}
	return limit
}

// tooLarge is the error of a body over its limit in bytes.
type tooLarge int64 //nolint:errname // as it reads where it is made

func (e tooLarge) Error() string { return fmt.Sprintf("the answer is larger than %d bytes", int64(e)) }

// readBody reads a body to its end and closes it. It never returns a part. That a length of 0 is true only net/http
// itself can say, with NoBody; in a response made by hand it is a member that was left out.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.Body == nil || resp.Body == http.NoBody {
		return []byte{}, nil
	}
	defer resp.Body.Close()
	n := resp.ContentLength
	if n > limit {
		return nil, tooLarge(limit)
	}
	if n > 0 {
		b := make([]byte, n)
		_, err := io.ReadFull(resp.Body, b)
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = tooLarge(limit)
	}
	return b, err
}
