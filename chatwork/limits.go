package chatwork

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A RateLimit is what the service last said of the general limit on calls, 300 in 5 minutes, as the headers of every
// answer have it. The limit on posting to one room has no such headers: see [IsRoomLimit].
// See https://developer.chatwork.com/docs/endpoints.
type RateLimit struct {
	Limit     int       // calls in one window
	Remaining int       // calls left in it
	Reset     time.Time // when the window ends, by the service's clock and to the second
	Seen      time.Time // when this client was told, by its own clock
}

// RateLimit returns what the last answer said of the general limit, and false if no answer has said anything yet. It
// makes no request, and may be called at any time. Of answers to calls that ran at the same time, the one that came
// last counts.
func (c *Client) RateLimit() (last RateLimit, known bool) {
	c.limit.mu.Lock()
	defer c.limit.mu.Unlock()
	return c.limit.last, !c.limit.last.Seen.IsZero()
}

// lastLimit is the rate limit last seen.
type lastLimit struct {
	mu   sync.Mutex
	last RateLimit
}

// see reads the headers of an answer. One that lacks any of the three, or has something else there, changes nothing.
func (l *lastLimit) see(h http.Header) {
	if h.Get("X-Ratelimit-Limit") == "" {
		return
	}
	limit, err1 := strconv.Atoi(h.Get("X-Ratelimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	reset, err3 := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return
	}
	seen := RateLimit{Limit: limit, Remaining: remaining, Reset: time.Unix(reset, 0), Seen: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = seen
}

// watch returns a Judge that looks at the rate limit of every answer before it judges.
func (c *Client) watch(judge func(*transport.Result)) func(*transport.Result) {
	return func(r *transport.Result) {
		c.limit.see(r.Header)
		judge(r)
	}
}

// IsRoomLimit reports whether a call was refused for the limit of its room, 10 messages and tasks in 10 seconds, and not
// for the general one, 300 calls in 5 minutes. Both are [mackerel.ErrRateLimited]; after the one, other rooms can still
// be posted to.
func IsRoomLimit(err error) bool {
	var e *mackerel.Error
	return errors.As(err, &e) && e.Provider == name && e.Status == http.StatusTooManyRequests && e.Message == roomLimitText
}
