package transport

import (
	"context"
	"errors"
	"os"
	"time"
)

// Try makes a call in another protocol than HTTP, by the rules of [Transport.Do] for messages: it counts and reports the
// attempts, decides whether there is another, and waits before it, as long as the options and the context allow. The
// function makes one attempt and says what came of it, in an error that is fit to be printed (see [Transport.Lost]);
// within which time is its own affair.
func (t *Transport) Try(ctx context.Context, op string, attempt func(context.Context) (Class, error)) Result {
	c := &call{t: t, r: Request{Op: op, Repeat: Message}}
	c.Delivery = t.options.Delivery
	for ctx.Err() == nil {
		c.Attempts++
		c.started, c.start, c.RetryAfter = true, time.Now(), 0
		c.Class, c.Err = attempt(ctx)
		c.final = unfixable(c.Err)
		if again, _ := c.check(ctx, nil, nil); !again { // it returns no errors
			return c.Result
		}
		pause(ctx, c.wait)
	}
	if c.Attempts == 0 {
		c.Class = Unavailable
	}
	c.Err = c.cancelled(ctx)
	return c.Result
}

// pause waits, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Lost says why an attempt has no usable answer, without anything secret: the caller's context, the attempt's time, or
// what err says. A nil error stays nil.
func (t *Transport) Lost(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // of a connection
		err = context.DeadlineExceeded
	}
	c := &call{t: t, r: Request{}}
	return c.lostAnswer(ctx, err)
}

// Timeout is the limit of one attempt.
func (t *Transport) Timeout() time.Duration { return t.options.Timeout }

// Delivery is the mode of messages.
func (t *Transport) Delivery() Delivery { return t.options.Delivery }
