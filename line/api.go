package line

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

var (
	idForm  = regexp.MustCompile(`^[UCR][0-9a-f]{32}$`)
	keyForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

func isID(s string) bool { return idForm.MatchString(s) }

// newRetryKey is a random UUID of version 4.
func newRetryKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, as crypto/rand promises
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// An answer is what may come back from sending, for better or worse.
type answer struct {
	SentMessages []struct {
		ID string `json:"id"`
	} `json:"sentMessages"`
	Message string `json:"message"`
	Details []struct {
		Message  string `json:"message"`
		Property string `json:"property"`
	} `json:"details"`
}

// readAnswer returns nil unless the body is an object of this kind.
func readAnswer(body []byte) *answer {
	var a *answer
	if json.Unmarshal(body, &a) != nil {
		return nil
	}
	return a
}

// sentID is the id of the first message, which is ours, "" if the answer has none.
func sentID(body []byte) string {
	if a := readAnswer(body); a != nil && len(a.SentMessages) > 0 {
		return a.SentMessages[0].ID
	}
	return ""
}

// decodeError reads {"message":"...","details":[{"message":"...","property":"messages[0].text"}]}.
func decodeError(_ int, body []byte) (code, message string) {
	a := readAnswer(body)
	if a == nil {
		return "", ""
	}
	words := []string{a.Message}
	for _, d := range a.Details {
		words = append(words, provider.Join(" ", d.Property, d.Message))
	}
	return "", provider.Join(": ", words[0], provider.Join("; ", words[1:]...))
}

// quotaWords are in the answer to a message beyond the month's quota.
// See https://developers.line.biz/en/reference/messaging-api/#error-messages.
const quotaWords = "monthly limit"

// judgeSent reads the two statuses that mean something else to LINE than to others. A 409 says that an earlier attempt
// with the same retry key was accepted; a 429 may be the month's quota, which is as final as a 402.
func judgeSent(r *transport.Result) {
	switch {
	case r.Status == http.StatusConflict:
		r.Class = transport.Done
	case r.Class == transport.RateLimited && overQuota(r.Body):
		r.Class = transport.Unauthorized
	case r.Class == transport.Done && (r.Status != http.StatusOK || readAnswer(r.Body) == nil):
		provider.Undocumented(r)
	}
}

// judgePushed also wants the message's id. To be strict costs nothing: asked again, LINE answers 409.
func judgePushed(r *transport.Result) {
	judgeSent(r)
	if r.Class == transport.Done && r.Status == http.StatusOK && sentID(r.Body) == "" {
		provider.Undocumented(r)
	}
}

func overQuota(body []byte) bool {
	a := readAnswer(body)
	return a != nil && strings.Contains(strings.ToLower(a.Message), quotaWords)
}

// A Quota is how many messages the account may send in this month, and how many it has sent.
type Quota struct {
	Type       string // "limited", or "none" for a plan without a limit
	Value      int64  // messages per month; 0 if there is no limit
	TotalUsage int64  // messages sent in this month, by anybody with this account; approximate, says LINE
}

// Remaining is how many messages are left in this month. It is false for a plan without a limit.
func (q Quota) Remaining() (messages int64, limited bool) {
	if q.Type != "limited" {
		return 0, false
	}
	return max(0, q.Value-q.TotalUsage), true
}

// Quota reads the month's quota and what is used of it, in two calls that may be repeated.
// See https://developers.line.biz/en/reference/messaging-api/#get-quota.
func (n *Notifier) Quota(ctx context.Context) (Quota, error) {
	var quota struct {
		Type  string `json:"type"`
		Value int64  `json:"value"`
	}
	var consumption struct {
		TotalUsage int64 `json:"totalUsage"`
	}
	if err := n.read(ctx, "get quota", &quota, "quota"); err != nil {
		return Quota{}, err
	}
	if err := n.read(ctx, "get quota consumption", &consumption, "quota", "consumption"); err != nil {
		return Quota{}, err
	}
	return Quota{quota.Type, quota.Value, consumption.TotalUsage}, nil
}

func (n *Notifier) read(ctx context.Context, op string, v any, path ...string) error {
	u, _ := transport.Join(n.base, append([]string{"v2", "bot", "message"}, path...)...) // of fixed elements, so always good
	h := n.header().Clone()
	h.Del("Content-Type")
	_, err := n.service.Do(ctx, transport.Request{
		Op: op, Method: http.MethodGet, URL: u, Header: h, Repeat: transport.Replay, Judge: provider.JSON(v),
	})
	return err
}
