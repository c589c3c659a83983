package notifytest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

const eitherMode = "an alert is one message that the service accepts, in either mode"

func basicFlaws() []flaw {
	return []flaw{
		{"it does nothing", "an alert is one message that the service accepts, over a socket", "accepted 0 messages", notifying(
			func(context.Context, mackerel.Alert, mackerel.Notifier) error { return nil },
		)},
		{"it sends everything twice", eitherMode, "accepted 2 messages", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				return errors.Join(n.Notify(ctx, a), n.Notify(ctx, a))
			},
		)},
		{"it fails", eitherMode, "want success", notifying(
			func(context.Context, mackerel.Alert, mackerel.Notifier) error { return invalid() },
		)},
		{"it panics", eitherMode, "it panicked: oops", notifying(
			func(context.Context, mackerel.Alert, mackerel.Notifier) error { panic("oops") },
		)},
		{"it ends its goroutine", eitherMode, "it ended its goroutine", notifying(
			func(context.Context, mackerel.Alert, mackerel.Notifier) error {
				(&testing.B{}).SkipNow()
				return nil
			},
		)},
		{"it asks a second time", eitherMode, "2 requests arrived", traveling(
			func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				probe := r.Clone(r.Context())
				probe.Method, probe.Body = http.MethodHead, http.NoBody
				if resp, err := next.RoundTrip(probe); err == nil {
					resp.Body.Close()
				}
				return next.RoundTrip(r)
			},
		)},
	}
}

func statusFlaws() []flaw {
	const table = "every status from 200 to 599 has its kind of error, at least once"
	return []flaw{
		{"every status is the request's fault", table, "is not exactly one of", failing(func(e *mackerel.Error) error {
			e.Kind = mackerel.ErrInvalid
			return e
		})},
		{"an error has no kind", table, "is not exactly one of", failing(func(*mackerel.Error) error { return errors.New("failed") })},
		{"an error has two kinds", table, "is not exactly one of", failing(func(e *mackerel.Error) error {
			return errors.Join(e, mackerel.ErrUnavailable)
		})},
		{"a 599 is a success", table, "status 599", failing(func(e *mackerel.Error) error {
			if e.Status == 599 {
				return nil
			}
			return e
		})},
		{"the error is said to be of the other mode", "every status from 200 to 599 has its kind of error, at most once", "Retry says", failing(func(e *mackerel.Error) error {
			e.Delivery = mackerel.AtLeastOnce + mackerel.AtMostOnce - e.Delivery
			return e
		})},
		{"one attempt is not enough for it", table, "2 requests arrived", misled(func(e *notifytest.Env) { e.MaxAttempts = 3 })},
		{"a special status is not known", table, "status 409", func(h *notifytest.Harness) {
			h.Statuses = map[int]error{409: nil}
		}},
		{"an informational answer is the answer", "informational answers before the answer change nothing", "want success", traveling(
			func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				return next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
					Got1xxResponse: func(int, textproto.MIMEHeader) error { return errors.New("not the answer") },
				})))
			},
		)},
		{"an informational answer is sent again", "informational answers before the answer change nothing", "accepted 2 messages", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				return errors.Join(n.Notify(ctx, a), n.Notify(ctx, a))
			},
		)},
		{"a 101 is a success", "an answer that only switches protocols is as good as lost", "success; want", failing(
			func(*mackerel.Error) error { return nil },
		)},
	}
}

func deliveryFlaws() []flaw {
	repeating := misled(func(e *notifytest.Env) { e.Delivery = mackerel.AtLeastOnce })
	impatient := misled(func(e *notifytest.Env) { e.MaxAttempts = 1 })
	twice := notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		if n.Notify(ctx, a) == nil {
			return nil
		}
		return n.Notify(ctx, a)
	})
	lastCounts := failing(func(e *mackerel.Error) error {
		if e.Status == http.StatusTooManyRequests {
			e.Kind = mackerel.ErrRateLimited
		}
		return e
	})
	const kept = "at most once, a reset on a connection in use before does not repeat it"
	return []flaw{
		{"it repeats although it must not", "at most once, * does not repeat it", "", twice},
		{"it repeats whatever the mode is", "at most once, a 500 after the message was accepted does not repeat it", "accepted 2 messages", repeating},
		{"a lost answer is taken for a refusal", "at most once, a connection * accepted does not repeat it", "is not exactly one of",
			saying(mackerel.ErrAmbiguous, mackerel.ErrUnavailable)},
		{"a lost answer is taken for a success", "at most once, a connection * accepted does not repeat it", "success; want",
			failing(func(*mackerel.Error) error { return nil })},
		{"a stalled answer of a service that accepted nothing is a success", "at most once, no answer to a message that was not accepted does not repeat it",
			"accepted 0 messages", failing(func(*mackerel.Error) error { return nil })},
		{"it never repeats", "at least once, * repeats it until it is accepted", "want success", impatient},
		{"the service takes repeats for news", "at least once, a connection closed after the message was accepted repeats it until it is accepted",
			"to a service that drops repeats", func(h *notifytest.Harness) { h.Dedups = true }},
		{"the service takes all repeats for news", "at least once, a connection closed after the message was accepted at every attempt is ambiguous",
			"to a service that drops repeats", func(h *notifytest.Harness) { h.Dedups = true }},
		{"it repeats and believes a success of nothing", "at least once, a 500 instead * repeats it until it is accepted", "accepted 0 messages",
			notifying(func(context.Context, mackerel.Alert, mackerel.Notifier) error { return nil })},
		{"what stays lost is unavailable", "at least once, * at every attempt is ambiguous", "is not exactly one of",
			saying(mackerel.ErrAmbiguous, mackerel.ErrUnavailable)},
		{"it makes two attempts of three", "at least once, * at every attempt is ambiguous", "2 requests arrived",
			misled(func(e *notifytest.Env) { e.MaxAttempts = 2 })},
		{"net/http repeats because of a header", kept, "accepted 2 messages", traveling(
			func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				r.Header.Set("Idempotency-Key", "1")
				return next.RoundTrip(r)
			},
		)},
		{"it repeats after a socket was reset", "at most once, a reset of a socket does not repeat it", "accepted 2 messages", twice},
		{"the last answer counts", "a lost answer followed by refusals stays ambiguous", "is not exactly one of", lastCounts},
		{"the last answer counts for the wait, too", "a lost answer followed by a wait too long stays ambiguous", "is not exactly one of", lastCounts},
		{"the wait is forgotten", "a lost answer followed by a wait too long stays ambiguous", "RetryAfter is 0s", failing(
			func(e *mackerel.Error) error { e.RetryAfter = 0; return e },
		)},
		{"it makes an attempt too many", "as many attempts are made as asked for", "2 requests arrived; want 1",
			misled(func(e *notifytest.Env) { e.MaxAttempts++ })},
		{"what cannot be reached is ambiguous", "a connection that cannot be made is unavailable, not ambiguous", "is not exactly one of",
			saying(mackerel.ErrUnavailable, mackerel.ErrAmbiguous)},
		{"it gives up when it is refused", "a connection that is made at the third attempt carries the message once", "want success", impatient},
		{"a closed port is ambiguous", "a closed port is unavailable, not ambiguous", "is not exactly one of",
			saying(mackerel.ErrUnavailable, mackerel.ErrAmbiguous)},
	}
}

// without drops the Retry-After headers that some function chooses.
func without(some func(status int, value string) bool) func(*notifytest.Harness) {
	return hearing(func(resp *http.Response) {
		if some(resp.StatusCode, resp.Header.Get("Retry-After")) {
			resp.Header.Del("Retry-After")
		}
	})
}

// slow makes the notifier take its time.
func slow(d time.Duration) func(*notifytest.Harness) {
	return notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		time.Sleep(d)
		return n.Notify(ctx, a)
	})
}

func waitFlaws() []flaw {
	const forms = "a refusal is waited out for exactly as long as it asks, in every form"
	const beyond = "a wait beyond the deadline ends the call at once and says how long"
	const hours = "a wait of hours ends the call at once and says how long"
	forgetful := failing(func(e *mackerel.Error) error { e.RetryAfter = 0; return e })
	return []flaw{
		{"it waits a second more", forms, "took 8s; want 7s", slow(time.Second)},
		{"it reads no dates", forms, "a date of RFC 850: the call took 1s", without(func(_ int, value string) bool {
			_, err := strconv.Atoi(value)
			return err != nil
		})},
		{"it waits once only", "waits in a row are each waited out", "want success", misled(func(e *notifytest.Env) { e.MaxAttempts = 2 })},
		{"it reads the wait of a 429 only", "a 503 that asks to wait is waited out at least once", "took 1s; want 7s", without(
			func(status int, _ string) bool { return status != http.StatusTooManyRequests },
		)},
		{"it leaves the deadline a margin", "a wait that fits the deadline is waited out", "want success", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				return n.Notify(ctx, a)
			},
		)},
		{"it knows no deadline", beyond, "success; want", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				return n.Notify(context.WithoutCancel(ctx), a)
			},
		)},
		{"it waits until the deadline", beyond, "took 4s; want 0s", slow(4 * time.Second)},
		{"it does not say how long", beyond, "RetryAfter is 0s; want 7s", forgetful},
		{"its error cannot say how long", beyond, "no *mackerel.Error", failing(func(e *mackerel.Error) error { return e.Kind })},
		{"it waits for hours", hours, "did not return within 10m0s", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				time.Sleep(time.Hour)
				return n.Notify(ctx, a)
			},
		)},
		{"it does not say how many hours", hours, "RetryAfter is 0s; want 1h0m0s", forgetful},
		{"it waits a while for nonsense", "a wait that makes no sense is not obeyed", "less than a minute", slow(2 * time.Minute)},
		{"it wants to go back in time", "a wait that makes no sense is not obeyed", "is negative", notifying(
			func(context.Context, mackerel.Alert, mackerel.Notifier) error {
				return &mackerel.Error{Kind: mackerel.ErrRateLimited, RetryAfter: -time.Second}
			},
		)},
	}
}

func cancelFlaws() []flaw {
	return []flaw{
		{"it knows no context", "a * ends it at once", "the error is not context", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				return n.Notify(context.WithoutCancel(ctx), a)
			},
		)},
		{"it loses the cause", "a * ends it at once", "the error is not the context's cause", failing(func(e *mackerel.Error) error {
			if errors.Is(e.Err, context.Canceled) {
				e.Err = context.Canceled
			}
			if errors.Is(e.Err, context.DeadlineExceeded) {
				e.Err = context.DeadlineExceeded
			}
			return e
		})},
		{"it takes its time to stop", "a cancelled context while waiting for the answer ends it at once", "took 13s; want 3s", slowAfter(10 * time.Second)},
		{"it says that nothing was sent", "a * while waiting for the answer ends it at once", "is not ErrAmbiguous", saying(mackerel.ErrAmbiguous, mackerel.ErrUnavailable)},
		{"it says that it may have been sent", "a cancelled context before the call ends it at once", "is ErrAmbiguous, and", saying(mackerel.ErrUnavailable, mackerel.ErrAmbiguous)},
		{"it sends all the same", "a cancelled context before the call ends it at once", "accepted 1 messages", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				return errors.Join(n.Notify(context.WithoutCancel(ctx), a), ctx.Err(), context.Cause(ctx))
			},
		)},
	}
}

// slowAfter makes the notifier take its time when it has ended.
func slowAfter(d time.Duration) func(*notifytest.Harness) {
	return notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		defer time.Sleep(d)
		return n.Notify(ctx, a)
	})
}

func answerFlaws() []flaw {
	following := traveling(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		return (&http.Client{Transport: next}).Do(r)
	})
	deaf := traveling(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		return next.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	})
	return []flaw{
		{"it follows redirects", "a redirect to another host is refused, and nothing arrives there", "a request was sent to the other host", following},
		{"it follows redirects within the host", "a redirect within the host is refused", "requests arrived; want 1", following},
		{"it tries to follow redirects to nowhere", "a redirect to nowhere is refused", "success; want", following},
		{"it reads to the end", "an answer without end is not read to its end", "took all", hearing(func(resp *http.Response) {
			_, _ = io.Copy(io.Discard, resp.Body) // however it ends
		})},
		{"it makes room for what is said to come", "an answer said to be enormous is not believed", "it panicked", hearing(func(resp *http.Response) {
			_, _ = io.ReadFull(resp.Body, make([]byte, max(0, resp.ContentLength))) // however it ends
		})},
		{"it has no patience of its own", "a service that never answers is given up", "did not return within 10m0s by itself", deaf},
		{"it ignores its context, too", "a service that never answers is given up", "after its context was cancelled", deaf},
		{"it reads as long as something comes", "an answer that trickles is given up", "did not return within 10m0s by itself", deaf},
	}
}
