package transport

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// maxReset is the longest time to a reset that is believed. The services' windows have at most five minutes. If a
// reset is further away than an hour, a clock is wrong.
const maxReset = time.Hour

// readWait sets RetryAfter from the answer of a call that may be repeated: with Request.Wait, else from the headers.
func (c *call) readWait() {
	switch c.Class {
	case RateLimited, Unavailable, Ambiguous:
	default:
		return
	}
	if c.r.Wait != nil {
		c.RetryAfter = max(0, c.r.Wait(&c.Result))
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = headerWait(c.Header, c.Class == RateLimited)
	}
}

// headerWait returns how long an answer asks to wait, 0 if it does not say or cannot be right. It reads Retry-After,
// in seconds or as a date. If the answer refuses because of a limit, it also reads when that limit is reset, or the
// length of its period. Times are compared with the server's Date, because the clocks may differ.
func headerWait(h http.Header, limited bool) time.Duration {
	now := clock(h)
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
	t, _ := http.ParseTime(value) // if it is no date, the zero time, which is long ago
	return max(0, t.Sub(now))
}

// seconds parses a number of seconds. A number that is too large for a Duration is the longest Duration; text that is
// not a number is 0.
func seconds(value string) time.Duration {
	n, _ := strconv.ParseUint(value, 10, 64) // with an error, 0 or the largest number
	return time.Duration(min(n, uint64(math.MaxInt64/time.Second))) * time.Second
}

// isoMinute is how Jira Cloud writes a time
// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
const isoMinute = "2006-01-02T15:04Z07:00"

// reset returns the time until a limit is reset, 0 if the limit has not been reached. The header named by at is a
// Unix time in seconds, or in ISO 8601 to the minute.
func reset(h http.Header, remaining, at string, now time.Time) time.Duration {
	if left, err := strconv.Atoi(h.Get(remaining)); err == nil && left > 0 {
		return 0
	}
	epoch, _ := strconv.ParseInt(h.Get(at), 10, 64) // with an error, 0 or too far away
	if t, err := time.Parse(isoMinute, h.Get(at)); err == nil {
		epoch = t.Unix()
	}
	d := time.Unix(epoch, 0).Sub(now)
	if epoch >= 0 && epoch <= int64(maxReset/time.Second) { // a delay, as some proxies and old servers write it
		d = time.Duration(epoch) * time.Second
	}
	if d > maxReset {
		return 0
	}
	return max(0, d)
}

// usedUp returns how long to wait after an answer which says that it was the last within a limit, 0 if it does not.
func usedUp(h http.Header) (wait time.Duration) {
	for _, name := range [...]string{"X-Ratelimit-", "X-Floodcontrol-"} {
		if h.Get(name+"Remaining") == "0" {
			wait = max(wait, reset(h, name+"Remaining", name+"Reset", clock(h)))
		}
	}
	return wait
}

// clock returns the time by the clock of the server that has answered, or by ours if the answer does not say.
func clock(h http.Header) time.Time {
	if now, err := http.ParseTime(h.Get("Date")); err == nil {
		return now
	}
	return time.Now()
}
