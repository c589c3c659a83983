package line

import (
	"context"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A Quota is how many messages the account can send in this month, and how many it has sent.
type Quota struct {
	Type       string `json:"type"`       // "limited", or "none" for a plan without a limit
	Value      int64  `json:"value"`      // messages per month; 0 without a limit
	TotalUsage int64  `json:"totalUsage"` // messages that the account has sent in this month; approximate, as LINE says
}

// Remaining returns how many messages are left in this month. It reports false for a plan without a limit.
func (q Quota) Remaining() (messages int64, limited bool) {
	if q.Type != "limited" {
		return 0, false
	}
	return max(0, q.Value-q.TotalUsage), true
}

// Quota reads the month's quota and how much of it is used, in two calls. Both may be repeated.
// See https://developers.line.biz/en/reference/messaging-api/#get-quota.
func (n *Notifier) Quota(ctx context.Context) (Quota, error) {
	if n.read == nil {
		return Quota{}, provider.NotMade(name)
	}
	var quota, consumption Quota
	if _, err := n.flow.Do(ctx, n.read("get quota", &quota, "quota")); err != nil {
		return Quota{}, err
	}
	read := n.read("get quota consumption", &consumption, "quota", "consumption")
	if _, err := n.flow.Do(ctx, read); err != nil {
		return Quota{}, err
	}
	quota.TotalUsage = consumption.TotalUsage
	return quota, nil
}
