package services

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// TestPausesAfterRefusals lets a service refuse every request without saying for how long. The pause in front of the
// next request doubles up to the longest, or stays.
func TestPausesAfterRefusals(t *testing.T) {
	for _, s := range []struct {
		name           string
		first, longest time.Duration
	}{
		{"slack", second, 5 * minute},
		{"teams", 15 * second, 5 * minute},
		{"line", second, 5 * minute},
		{"hipchat", minute, minute},
		{"typetalk", minute, minute},
		{"opsgenie", minute, minute},
		{"jsm", minute, minute},
		{"pagerduty", 30 * second, 30 * second},
		{"twilio", second, 5 * minute},
		{"twilio call", second, 5 * minute},
	} {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, f := services[s.name](t, paced, func(c *mackerel.CallOptions) { c.MaxAttempts = 1 })
				f.Inject(servicetest.Refusing(http.StatusTooManyRequests, ""))
				var got, want []time.Duration
				last := time.Now()
				for i, a := range alerts(12) {
					err := n.Notify(t.Context(), a)
					if servicetest.AsError(t, err, mackerel.ErrRateLimited); i > 2 { // before, the pace may be slower
						got = append(got, time.Since(last))
						want = append(want, min(s.first<<(i-1), s.longest))
					}
					last = time.Now()
				}
				if !slices.Equal(got, want) || len(f.Requests()) != 12 {
					t.Errorf("%d requests, %v apart, want %v", len(f.Requests()), got, want)
				}
			})
		})
	}
}
