package transport

import (
	"net/http"
	"strconv"
	"time"
)

// maxReset is the longest time to a reset that is believed. The limits known here have windows of five minutes at the
// most; beyond an hour a clock is wrong.
const maxReset = time.Hour

// readWait fills RetryAfter from the answer: the service's own way first, then the usual headers.
func (c *call) readWait() {
	switch c.Class {
	case Done, Invalid, Unauthorized, NotFound, Unsupported:
		return
	case RateLimited, Unavailable, Ambiguous:
	}
	if c.r.Wait != nil {
		c.RetryAfter = max(0, c.r.Wait(&c.Result))
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = headerWait(c.Header, c.Class == RateLimited)
	}
}

// headerWait reads how long to wait: Retry-After in seconds or as any HTTP date and, of an answer that refused for a
// limit, the reset of the limit that is used up (an absolute time) or the length of its period. The server's Date is
// the clock. It returns 0 if there is nothing to believe.
func headerWait(h http.Header, limited bool) time.Duration {
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	if d := retryAfter(h.Get("Retry-After"), now); d > 0 || !limited {
		return d
	}
	d := max(
		reset(h, "X-Ratelimit-Remaining", "X-Ratelimit-Reset", now),
		reset(h, "X-Floodcontrol-Remaining", "X-Floodcontrol-Reset", now),
	)
	if d == 0 {
		d = seconds(h.Get("X-Ratelimit-Period-In-Sec"))
	}
	return d
}

func retryAfter(value string, now time.Time) time.Duration {
	if d := seconds(value); d > 0 {
		return d
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}

// seconds parses a number of seconds small enough to be multiplied.
func seconds(value string) time.Duration {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// reset returns the time to the reset of a limit, unless its remaining quota shows that it was another one.
func reset(h http.Header, remaining, at string, now time.Time) time.Duration {
	if left, err := strconv.Atoi(h.Get(remaining)); err == nil && left > 0 {
		return 0
	}
	epoch, err := strconv.ParseInt(h.Get(at), 10, 64)
	if err != nil {
		return 0
	}
	d := time.Unix(epoch, 0).Sub(now)
	if epoch <= int64(maxReset/time.Second) { // a proxy or an old server that means a delay
		d = time.Duration(epoch) * time.Second
	}
	if d > maxReset {
		return 0
	}
	return max(0, d)
}
