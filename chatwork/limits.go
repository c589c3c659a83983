package chatwork

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// The limits of the service. The limit of a room counts messages and tasks together.
// See https://developer.chatwork.com/docs/endpoints.
const (
	callLimit  = 300 // calls of an account in a callWindow
	callWindow = 5 * time.Minute
	roomLimit  = 10 // messages and tasks in one room in a roomWindow
	roomWindow = 10 * time.Second
)

// A RateLimit is what the service last said about the limit on calls of an account. It is in the headers of every
// answer. The limit of a room has no such headers: see [IsRoomLimit].
// See https://developer.chatwork.com/docs/endpoints.
type RateLimit struct {
	Limit     int       // calls in one window
	Remaining int       // calls left in the window
	Reset     time.Time // end of the window, by the service's clock and to the second
	Seen      time.Time // when the answer came, by the client's clock
}

// RateLimit returns what the last answer said about the limit on calls. It reports false if no answer has said anything
// yet. It makes no request. Of answers to calls that ran at the same time, the answer that came last counts.
func (c *Client) RateLimit() (last RateLimit, known bool) {
	if seen := c.limit.Load(); seen != nil {
		return *seen, true
	}
	return RateLimit{}, false
}

// readLimit reads the headers of an answer. It returns nil if one of the three is missing or is no number.
func readLimit(h http.Header) *RateLimit {
	if h.Get("X-Ratelimit-Limit") == "" {
		return nil
	}
	limit, err1 := strconv.Atoi(h.Get("X-Ratelimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	reset, err3 := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil
	}
	return &RateLimit{Limit: limit, Remaining: remaining, Reset: time.Unix(reset, 0), Seen: time.Now()}
}

// IsRoomLimit reports whether a call was refused for the limit of its room, and not for the limit of the
// account. Both are [mackerel.ErrRateLimited]. After the limit of one room, other rooms can still be posted to.
func IsRoomLimit(err error) bool {
	var e *mackerel.Error
	return errors.As(err, &e) && e.Provider == name &&
		e.Status == http.StatusTooManyRequests && e.Message == roomLimitText
}
