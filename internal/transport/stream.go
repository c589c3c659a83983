package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A Stream is a request's body that is read as it is sent, instead of being held in memory. The time limit of an attempt
// is then no limit on all of it but on silence: it begins anew with whatever is read.
type Stream struct {
	Length int64 // in bytes, exactly, and more than 0
	// Open returns the body from its start. It is called for each attempt and must not share a position between them: an
	// attempt that is over may still be reading.
	Open func() io.Reader
	// Progress, if set, is told how many bytes of the current attempt have been taken to be sent, in a goroutine of
	// net/http's, but never after Do has returned.
	Progress func(sent int64)
}

// A Sink takes the body of a success as it arrives. Silence is limited as for a [Stream]. Once something was written to
// it there is no other attempt, which would write it again. Any other answer is read into the Result as usual.
type Sink struct {
	Writer  io.Writer
	Limit   int64 // in bytes; of more, nothing beyond is written, and the answer counts as lost
	Written int64 // in bytes, when Do has returned
}

// stalledError is the end of an attempt that streams and on which nothing moved any more.
type stalledError struct{ after time.Duration }

func (e stalledError) Error() string { return "nothing moved for " + e.after.String() }

// Timeout and Temporary report true: this is a net.Error.
func (e stalledError) Timeout() bool   { return true }
func (e stalledError) Temporary() bool { return true }

var errOver = errors.New("the attempt is over")

// A watch ends an attempt that streams when nothing has moved for too long.
type watch struct {
	limit  time.Duration
	timer  *time.Timer
	stream *Stream // nil if only the answer is streamed

	mu   sync.Mutex
	over bool
	sent int64
}

// watched returns the context of an attempt and, if it streams, its watch. The context ends when the time is over, and
// must be cancelled.
func (c *call) watched(ctx context.Context) (context.Context, *watch, context.CancelFunc) {
	limit := c.t.options.Timeout
	if c.r.Stream == nil && c.r.Sink == nil {
		ctx, cancel := context.WithTimeout(ctx, limit)
		return ctx, nil, cancel
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{limit: limit, stream: c.r.Stream}
	w.timer = time.AfterFunc(limit, func() { cancel(stalledError{limit}) })
	return ctx, w, func() {
		w.end()
		cancel(nil)
	}
}

// end waits for a Progress that is running, and makes it the last.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

// moved notes that n bytes went one way or the other.
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

// stalled is the end of the attempt's time if that is why it failed with err; a RoundTripper may call it a cancelled
// context.
func stalled(ctx context.Context, err error) error {
	if why := (stalledError{}); err != nil && errors.As(context.Cause(ctx), &why) {
		return why
	}
	return err
}

// A watchedBody is a body whose reading is watched: a request's, on its way out, or an answer's.
type watchedBody struct {
	io.ReadCloser
	w   *watch
	out bool
}

func (b watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if over := b.w.moved(n, b.out); over != nil {
		return 0, over
	}
	return n, err
}

// send makes the attempt's request of the call's: the context, and the watched body if it is streamed.
func (w *watch) send(ctx context.Context, req *http.Request) *http.Request {
	req = req.WithContext(ctx)
	if w == nil || w.stream == nil {
		return req
	}
	req.Body = watchedBody{req.Body, w, true}
	if reopen := req.GetBody; reopen != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := reopen()
			return watchedBody{body, w, true}, err
		}
	}
	return req
}

// receive reads an answer to its end: into memory, or a success into the sink if there is one.
func (c *call) receive(resp *http.Response, w *watch) ([]byte, error) {
	if c.r.Sink == nil || Classify(resp.StatusCode, true) != Done {
		return readBody(resp, c.limit())
	}
	if resp.Body == nil {
		return []byte{}, nil
	}
	defer resp.Body.Close()
	if resp.ContentLength > c.r.Sink.Limit {
		return nil, tooLarge(c.r.Sink.Limit)
	}
	return []byte{}, c.r.Sink.fill(watchedBody{resp.Body, w, false})
}

func (s *Sink) fill(body io.Reader) error {
	n, err := io.Copy(s.Writer, io.LimitReader(body, s.Limit))
	s.Written += n
	if err != nil || n < s.Limit {
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

// spent reports whether something was written, so that another attempt would write it again.
func (s *Sink) spent() bool { return s != nil && s.Written > 0 }

// setBody gives a request its body, to be had again for each attempt.
func (c *call) setBody(req *retryablehttp.Request) error {
	switch s := c.r.Stream; {
	case s != nil:
		err := req.SetBody(func() (io.Reader, error) { return s.Open(), nil })
		req.ContentLength = s.Length
		return err
	case len(c.r.Body) > 0:
		return req.SetBody(c.r.Body)
	}
	return nil
}
