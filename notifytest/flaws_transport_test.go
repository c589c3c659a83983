package notifytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// Spoilers that several rows find.
var (
	alwaysRepeat     = changeEnv(func(e *notifytest.Env) { e.Delivery = mackerel.AtLeastOnce })
	lostUnavailable  = changeKind(mackerel.ErrAmbiguous, mackerel.ErrUnavailable)
	unsentAmbiguous  = changeKind(mackerel.ErrUnavailable, mackerel.ErrAmbiguous)
	swallowErrors    = changeError(func(*mackerel.Error) error { return nil })
	forgetWait       = changeError(func(e *mackerel.Error) error { e.RetryAfter = 0; return e })
	tellNegativeWait = func(h *notifytest.Harness) {
		makeAttempts(1)(h)
		changeError(func(e *mackerel.Error) error { e.RetryAfter = -time.Second; return e })(h)
	}
	trustLastAnswer = changeError(func(e *mackerel.Error) error {
		if e.Status == http.StatusTooManyRequests {
			e.Kind = mackerel.ErrRateLimited
		}
		return e
	})
	joinUnavailable = changeError(func(e *mackerel.Error) error { return errors.Join(e, mackerel.ErrUnavailable) })
	followRedirects = changeTrip(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		return (&http.Client{Transport: next}).Do(r)
	})
	ignoreContexts = changeTrip(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		return next.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	})
)

// makeAttempts ignores MaxAttempts.
func makeAttempts(n int) spoiler { return changeEnv(func(e *notifytest.Env) { e.MaxAttempts = n }) }

func successFlaws() flaws {
	return flaws{
		"an alert is one message that the service accepts*": {
			{"it does nothing", "accepted 0 messages", notify(notifyNothing)},
			{"it sends everything twice", "accepted 2 messages", notify(notifyTwice)},
			{"it fails", "want nil", refuse(func(mackerel.Alert) bool { return true })},
			{"it panics", "it panicked: oops", changeAlert(func(*mackerel.Alert) { panic("oops") })},
			{"it ends its goroutine", "it ended its goroutine", changeAlert(func(*mackerel.Alert) { runtime.Goexit() })},
			{"it asks a second time", "2 requests arrived", changeTrip(probeFirst)},
		},
	}
}

func probeFirst(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	probe := r.Clone(r.Context())
	probe.Method, probe.Body = http.MethodHead, http.NoBody
	if resp, err := next.RoundTrip(probe); err == nil {
		resp.Body.Close()
	}
	return next.RoundTrip(r)
}

func statusFlaws() flaws {
	return flaws{
		"every status from 200 to 599 has its kind of error": {
			{
				"a refusal is ErrNotFound", "is mackerel.ErrNotFound; want mackerel.ErrInvalid",
				changeKind(mackerel.ErrInvalid, mackerel.ErrNotFound),
			},
			{
				"an error has no kind", "errors.Is finds no error of package mackerel; want mackerel.ErrInvalid",
				changeKind(mackerel.ErrInvalid, errors.New("failed")),
			},
			{"an error has two kinds", "is mackerel.ErrInvalid and mackerel.ErrUnavailable; want", joinUnavailable},
			{"a 599 is a success", "status 599", changeError(func(e *mackerel.Error) error {
				if e.Status == 599 {
					return nil
				}
				return e
			})},
			{"the error tells the other mode", "with mackerel.AtLeastOnce; want true", changeError(func(e *mackerel.Error) error {
				e.Delivery = mackerel.AtLeastOnce + mackerel.AtMostOnce - e.Delivery
				return e
			})},
			{"it makes more attempts than allowed", "2 requests arrived", makeAttempts(3)},
			{"a special status is unknown", "status 409", func(h *notifytest.Harness) {
				h.Statuses = map[int]error{http.StatusConflict: nil}
			}},
		},
		"informational answers before the answer change nothing": {
			{"an informational answer is the answer", "want nil", changeTrip(failInformational)},
			{"an informational answer is repeated", "accepted 2 messages", notify(notifyTwice)},
		},
		"an answer that switches protocols is a lost answer": {
			{"a 101 is a success", "the error is nil; want mackerel.ErrAmbiguous", swallowErrors},
		},
	}
}

func failInformational(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { return errors.New("not the answer") },
	})))
}

func deliveryFlaws() flaws {
	const atMostOnce = "AtMostOnce sends one message if "
	const atLeastOnce = "AtLeastOnce repeats the message until it is accepted if "
	const forever = "AtLeastOnce ends with ErrAmbiguous if at every attempt "
	dedup := func(h *notifytest.Harness) { h.Dedups = true }
	return flaws{
		atMostOnce + "*": {{"it repeats with AtMostOnce", "", notify(notifyAgain)}},
		atMostOnce + "the service accepts the message and answers 500": {
			{"it repeats in every mode", "accepted 2 messages", alwaysRepeat},
		},
		atMostOnce + "the connection is * accepted": {
			{"a lost answer is taken for a refusal", "is mackerel.ErrUnavailable; want mackerel.ErrAmbiguous", lostUnavailable},
			{"a lost answer is taken for a success", "the error is nil; want mackerel.Err", swallowErrors},
			{"the key is in the error of a lost answer", "the error shows the secret", notify(notifyTellingKey)},
			{"without a trace it claims that nothing was sent", "without httptrace", changeTrip(claimUnsent)},
		},
		atMostOnce + "the service neither accepts the message nor answers": {
			{"no answer is a success", "accepted 0 messages", swallowErrors},
		},
		atMostOnce + "a used connection is reset": {
			{"net/http repeats because of a header", "accepted 2 messages", changeRequest(func(r *http.Request) {
				r.Header.Set("Idempotency-Key", "1")
			})},
		},
		atMostOnce + "a socket is reset": {{"it repeats after a reset", "accepted 2 messages", notify(notifyAgain)}},
		atLeastOnce + "*":                {{"it never repeats", "want nil", makeAttempts(1)}},
		atLeastOnce + "the connection is closed after the message is accepted": {
			{"the service does not drop the repeat", "the service drops repeats", dedup},
		},
		atLeastOnce + "the service answers 500 and does not accept the message": {
			{"it claims success", "accepted 0 messages", notify(notifyNothing)},
		},
		forever + "*": {
			{"lost answers are ErrUnavailable", "is mackerel.ErrUnavailable; want mackerel.ErrAmbiguous", lostUnavailable},
			{"it makes two attempts of three", "2 requests arrived", makeAttempts(2)},
		},
		forever + "the connection is closed after the message is accepted": {
			{"the service does not drop repeats", "the service drops repeats", dedup},
		},
		"a lost answer followed by refusals stays ErrAmbiguous": {
			{"the last answer decides", "is mackerel.ErrRateLimited; want mackerel.ErrAmbiguous", trustLastAnswer},
		},
		"a lost answer followed by a wait that is too long stays ErrAmbiguous": {
			{"the last answer decides, too", "is mackerel.ErrRateLimited; want mackerel.ErrAmbiguous", trustLastAnswer},
			{"the wait is forgotten", "RetryAfter is 0s", forgetWait},
		},
	}
}

// claimUnsent tells the notifier that a request found no connection if it does not see the connection itself.
func claimUnsent(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	seen := false
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { seen = true }}
	resp, err := next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if !seen {
		httptrace.ContextClientTrace(r.Context()).GetConn("")
	}
	return resp, err
}

func connectFlaws() flaws {
	return flaws{
		"a connection that cannot be made is ErrUnavailable": {
			{"a failed dial is ErrAmbiguous", "is mackerel.ErrAmbiguous; want mackerel.ErrUnavailable", unsentAmbiguous},
			{"the key is in the error of a failed dial", "the error shows the secret", notify(notifyTellingKey)},
			{"Basic credentials are in the error of a failed dial", "the error shows the secret", func(h *notifytest.Harness) {
				sendBasic(h)
				changeError(func(e *mackerel.Error) error { return fmt.Errorf("%w: %s", e, basicKey) })(h)
			}},
		},
		"a connection that is made at the third attempt carries one message": {
			{"it gives up when it is refused", "want nil", makeAttempts(1)},
		},
		"a closed port is ErrUnavailable": {
			{"a closed port is ErrAmbiguous", "is mackerel.ErrAmbiguous; want mackerel.ErrUnavailable", unsentAmbiguous},
		},
	}
}

// dropRetryAfter drops some Retry-After headers.
func dropRetryAfter(some func(status int, value string) bool) spoiler {
	return changeAnswer(func(resp *http.Response) {
		if some(resp.StatusCode, resp.Header.Get("Retry-After")) {
			resp.Header.Del("Retry-After")
		}
	})
}

func waitFlaws() flaws {
	return flaws{
		"a call waits exactly as long as a refusal asks for": {
			{"it waits a second more", "took 8s; want 7s", notifyAfter(time.Second)},
			{"it reads no dates", time.RFC850 + ": the call took 1s", dropRetryAfter(func(_ int, value string) bool {
				_, err := strconv.Atoi(value)
				return err != nil
			})},
		},
		"a call waits after each refusal, and its receipt counts the waits": {
			{"it waits once only", "want nil", makeAttempts(2)},
			{"the receipt counts one attempt", "is 1; want 3", changeReceipt(func(r *mackerel.Receipt) { r.Attempts = 1 })},
			{"the receipt leaves out the waits", "is 0s", changeReceipt(func(r *mackerel.Receipt) { r.Duration = 0 })},
		},
		"AtLeastOnce waits as long as a 503 asks for": {
			{"it reads the wait of a 429 only", "took 1s; want 7s", dropRetryAfter(func(status int, _ string) bool {
				return status != http.StatusTooManyRequests
			})},
		},
		"a call waits if the wait ends before its deadline": {
			{"it leaves the deadline a margin", "want nil", notify(notifyInFiveSeconds)},
		},
		"a wait beyond the deadline is at once an error that tells the wait": {
			{"it ignores the deadline", "the error is nil; want mackerel.Err", notify(notifyWithoutCancel)},
			{"it waits until the deadline", "took 4s; want 0s", notifyAfter(4 * time.Second)},
			{"it does not tell the wait", "RetryAfter is 0s; want 7s", forgetWait},
			{"its error cannot tell the wait", "no *mackerel.Error", changeError(func(e *mackerel.Error) error {
				return e.Kind
			})},
		},
		"a wait of hours is at once an error that tells the wait": {
			{"it waits for hours", "did not return within 10m0s", notifyAfter(time.Hour)},
			{"it does not tell the hours", "RetryAfter is 0s; want 1h0m0s", forgetWait},
		},
		"a call does not wait for an absurd Retry-After": {
			{"it waits two minutes", "less than a minute", notifyAfter(2 * time.Minute)},
			{"it tells a negative wait", "is negative", tellNegativeWait},
		},
		"a call makes MaxAttempts requests and does not wait after the last": {
			{"it makes an attempt too many", "2 requests arrived; want 1", makeAttempts(2)},
		},
	}
}

func notifyInFiveSeconds(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return n.Notify(ctx, a)
}

func cancelFlaws() flaws {
	return flaws{
		"a * ends a call at once *": {
			{"it ignores its context", "the error is not context", notify(notifyWithoutCancel)},
			{"it loses the cause", "the error is not the context's cause", changeError(func(e *mackerel.Error) error {
				for _, err := range []error{context.Canceled, context.DeadlineExceeded} {
					if errors.Is(e.Err, err) {
						e.Err = err
					}
				}
				return e
			})},
			{"the key is in the error of a cancelled call", "the error shows the secret", notify(notifyTellingKey)},
		},
		"a * ends a call at once while it waits for the answer": {
			{"it says that nothing was sent", "want mackerel.ErrAmbiguous, because", lostUnavailable},
			{"it takes its time to stop", "took 13s; want 3s", changeError(func(e *mackerel.Error) error {
				time.Sleep(10 * time.Second)
				return e
			})},
		},
		"a * ends a call at once before it begins": {
			{"it says that a message may have been sent", "is mackerel.ErrAmbiguous, but", unsentAmbiguous},
			{"it sends all the same", "accepted 1 messages", notify(notifyWithoutCancel)},
		},
	}
}

func answerFlaws() flaws {
	return flaws{
		"a redirect to another host is refused, and no request arrives there": {
			{"it follows redirects", "a request was sent to the other host", followRedirects},
		},
		"a redirect within the host is refused": {
			{"it follows redirects within the host", "requests arrived; want 1", followRedirects},
		},
		"a redirect to no valid address is refused": {
			{"it follows redirects to no address", "requests arrived; want 1", followRedirects},
			{
				"a redirect to no address is ErrNotFound", "is mackerel.ErrNotFound; want mackerel.ErrInvalid",
				changeKind(mackerel.ErrInvalid, mackerel.ErrNotFound),
			},
		},
		"an endless answer is not read to its end": {
			{"it reads to the end", "took all", changeAnswer(func(resp *http.Response) {
				_, _ = io.Copy(io.Discard, resp.Body) // the flaw is to read, and an error ends it
			})},
		},
		"no memory is taken for an answer of a huge Content-Length": {
			{"it believes the Content-Length", "it panicked", changeAnswer(func(resp *http.Response) {
				_, _ = io.ReadFull(resp.Body, make([]byte, max(0, resp.ContentLength))) // the flaw is to allocate
			})},
		},
		"a call ends if the service never answers": {
			{"it has no timeout of its own", "did not return within 10m0s by itself", ignoreContexts},
			{"it ignores its context, too", "after its context was cancelled", ignoreContexts},
			{"it never returns", "the row cannot end: deadlock", notify(notifyNever)},
		},
		"a call ends if the answer arrives a byte per second": {
			{"it reads as long as something arrives", "did not return within 10m0s by itself", ignoreContexts},
		},
	}
}
