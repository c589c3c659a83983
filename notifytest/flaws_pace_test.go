package notifytest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func paceFlaws() flaws {
	return flaws{
		"thirty calls at the notifier's own pace are thirty messages": {
			{"it refuses what comes fast", "too fast", inTurn(func(_ context.Context, turn time.Duration) error {
				if turn > 10*time.Second {
					return errors.New("too fast")
				}
				return nil
			})},
			{"it waits for an hour", "context deadline exceeded", inTurn(func(ctx context.Context, _ time.Duration) error {
				return waitFor(ctx, time.Hour)
			})},
			{"it drops messages", "accepted 0 of 30", notify(notifyNothing)},
		},
		"a call that waits for its turn ends with its context": {
			{"it waits without its context", "ended after 30s, and its context", inTurn(func(_ context.Context, turn time.Duration) error {
				time.Sleep(turn)
				return nil
			})},
			{"it drops what has to wait", "accepted 1 messages, and 30 calls returned nil", func(h *notifytest.Harness) {
				var calls atomic.Int32
				notify(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
					if calls.Add(1) > 1 {
						return nil
					}
					return n.Notify(ctx, a)
				})(h)
			}},
		},
	}
}

// inTurn gives each call its turn, one in a second, and lets it wait as wait does.
func inTurn(wait func(ctx context.Context, turn time.Duration) error) spoiler {
	return func(h *notifytest.Harness) {
		var calls atomic.Int32
		notify(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
			if err := wait(ctx, time.Duration(calls.Add(1))*time.Second); err != nil {
				return err
			}
			return n.Notify(ctx, a)
		})(h)
	}
}

func waitFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
