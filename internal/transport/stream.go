package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// A Stream is a request's body that is read while it is sent, so that it need not be in memory. The time limit of an
// attempt then begins anew with each read: it limits silence, not the whole transfer.
type Stream struct {
	Length int64 // in bytes, exactly, and more than 0
	// Open returns the body from its start. It is called for each attempt. The readers must not share a position,
	// because an attempt that is over may still read.
	Open func() io.Reader
	// Progress, if set, is called with the number of bytes that net/http has read in the current attempt. It is
	// called in a goroutine of net/http's, and never after Do has returned.
	Progress func(sent int64)
}

// A Sink takes the body of a success while it arrives. The time limit is that of a [Stream]. After something was
// written there is no other attempt, which would write the same again. Other answers go into the Result.
type Sink struct {
	Writer  io.Writer
	Limit   int64 // in bytes; a longer body is not written beyond it, and counts as a lost answer
	Written int64 // in bytes, set when Do has returned
}

var errOver = errors.New("the attempt is over")

// A watch ends an attempt that streams when nothing was read for too long.
type watch struct {
	limit  time.Duration
	timer  *time.Timer
	stream *Stream // nil if only the answer is streamed

	mu   sync.Mutex
	over bool
	sent int64
}

// watched returns the context of an attempt, and the watch if it streams. The context ends with the attempt's time;
// it must be cancelled.
func (c *call) watched(ctx context.Context) (context.Context, *watch, context.CancelFunc) {
	limit := c.t.timeout
	if c.r.Stream == nil && c.r.Sink == nil {
		ctx, cancel := context.WithTimeout(ctx, limit)
		return ctx, nil, cancel
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{limit: limit, stream: c.r.Stream}
	w.timer = time.AfterFunc(limit, func() { cancel(timeoutError("nothing moved for " + limit.String())) })
	return ctx, w, func() {
		w.end()
		cancel(nil)
	}
}

// end waits until a running Progress has returned. After that Progress is not called any more.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

// moved notes that n bytes were read: of the request if out is true, else of the answer.
func (w *watch) moved(n int, out bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return errOver
	}
	w.timer.Reset(w.limit)
	if out && n > 0 {
		w.sent += int64(n)
		if w.stream.Progress != nil {
			w.stream.Progress(w.sent)
		}
	}
	return nil
}

// stalled returns the watch's timeout if it ended the attempt, else err. Without it, a RoundTripper's error would
// look as if the caller had cancelled.
func stalled(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var timeout timeoutError
	if errors.As(context.Cause(ctx), &timeout) {
		return timeout
	}
	return err
}

// A watchedBody tells a watch what is read from a body.
type watchedBody struct {
	io.ReadCloser
	w   *watch
	out bool // the body is a request's
}

func (b watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if over := b.w.moved(n, b.out); over != nil {
		return 0, over
	}
	return n, err
}

// send returns the request with the attempt's context and, if it streams, with a body that is watched.
func (w *watch) send(ctx context.Context, req *http.Request) *http.Request {
	req = req.WithContext(ctx)
	if w != nil && w.stream != nil {
		req.Body, req.GetBody = watchedBody{req.Body, w, true}, nil
	}
	return req
}

// fill writes the body to the Writer, up to the limit.
func (s *Sink) fill(body io.Reader) error {
	n, err := io.Copy(s.Writer, io.LimitReader(body, s.Limit))
	s.Written += n
	if err != nil {
		return err
	}
	var more [1]byte
	switch _, err := io.ReadFull(body, more[:]); {
	case err == nil:
		return tooLarge(s.Limit)
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

// spent reports whether something was written.
func (s *Sink) spent() bool { return s != nil && s.Written > 0 }
