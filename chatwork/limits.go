package chatwork

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// The limits of the service. That of a room counts messages and tasks together, which count against that of the account
// too. The answer to a call beyond the limit of the account says when the limit is reset. 30 calls in 5 minutes are
// left to what is written. See https://developer.chatwork.com/docs/endpoints.
var (
	accountLimit = transport.Limit{N: 300, Per: 5 * time.Minute, Gate: time.Minute, Spare: 30}
	roomLimit    = transport.Limit{N: 10, Per: 10 * time.Second, Gate: 10 * time.Second}
)

// lanes returns the lanes of an operation: that of the account, and before it that of the room to which it posts.
func (c *Client) lanes(op operation, path []string) []transport.Lane {
	if op.method == http.MethodPost && len(path) == 3 && (path[2] == "messages" || path[2] == "tasks") {
		room := c.service.Transport().Lane(roomLimit, c.base.Host, c.account.Reveal(), path[1])
		return []transport.Lane{room, c.lane}
	}
	return []transport.Lane{c.lane}
}

// rank returns the place of an operation in the queues. Alerts go first.
func rank(op operation) uint8 {
	if op.method == http.MethodGet {
		return transport.RankRead
	}
	return transport.RankUsual
}

// limited says which lane a refusal was for: the first is the room's.
func limited(r *transport.Result) int {
	if rateWait(r) > 0 {
		return 0
	}
	return 1
}

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
