package notifytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// wait is how long the service asks to wait where it asks for something reasonable.
const wait = 7 * time.Second

var gmt = time.FixedZone("GMT", 0)

// waitForms are the ways in which Retry-After asks for 7 seconds. See
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after and #name-date-time-formats there.
func waitForms() map[string]string {
	then := time.Now().Add(wait).In(gmt)
	return map[string]string{
		"seconds":            "7",
		"a date":             then.Format(http.TimeFormat),
		"a date of RFC 850":  then.Format(time.RFC850),
		"a date as C has it": then.Format(time.ANSIC),
	}
}

// waitRows: a service that says when to come back knows better than any back-off, and its word may also be absurd.
func waitRows() []row {
	return []row{
		{name: "a refusal is waited out for exactly as long as it asks, in every form", http: true, repeats: true, check: checkWaitForms},
		{name: "waits in a row are each waited out", http: true, repeats: true, check: checkWaits},
		{name: "a 503 that asks to wait is waited out at least once", http: true, repeats: true, check: checkUnavailableWait},
		{name: "a wait that fits the deadline is waited out", http: true, repeats: true, check: checkWaitFits},
		{name: "a wait beyond the deadline ends the call at once and says how long", http: true, check: checkWaitBeyondDeadline},
		{name: "a wait of hours ends the call at once and says how long", http: true, check: checkWaitTooLong},
		{name: "a wait that makes no sense is not obeyed", http: true, repeats: true, check: checkAbsurdWaits},
	}
}

// wantRetryAfter complains unless the error asks to wait exactly so long.
func (sc *scene) wantRetryAfter(o outcome, in string, want time.Duration) {
	sc.Helper()
	if o.err == nil {
		return // somebody else complains
	}
	var e *mackerel.Error
	switch {
	case !errors.As(o.err, &e):
		sc.Errorf("%s: no *mackerel.Error says how long to wait: %v", in, o.err)
	case e.RetryAfter != want:
		sc.Errorf("%s: RetryAfter is %v; want %v", in, e.RetryAfter, want)
	}
}

// waiting is an answer with a Retry-After header.
func waiting(status int, value string) fakehttp.Fault {
	return fakehttp.Fault{Status: status, Header: http.Header{"Retry-After": {value}}}
}

// checkWaitForms tries both modes: a refusal is proof that nothing was done, so repeating it is safe in either.
func checkWaitForms(s *stage) {
	for _, mode := range modes {
		for form := range waitForms() {
			sc := s.scene()
			sc.env.Delivery = mode
			sc.front.Inject(waiting(http.StatusTooManyRequests, waitForms()[form])) // by the clock as it is by now
			sc.wantWaited(sc.send(sc.notifier()), form, wait)
		}
	}
}

// wantWaited complains unless the call succeeded with one message after exactly so long.
func (sc *scene) wantWaited(o outcome, in string, want time.Duration) {
	sc.Helper()
	sc.wantSuccess(o, in)
	sc.wantAccepted(o, in, 1)
	sc.wantTook(o, in, want)
}

// checkWaits refuses two attempts of three, each with a time of its own.
func checkWaits(s *stage) {
	sc := s.scene()
	sc.front.Inject(refused(7), refused(3))
	sc.wantWaited(sc.send(sc.notifier()), "7 and 3 seconds", 10*time.Second)
}

// checkUnavailableWait: many services ask for patience with a 503 rather than a 429.
func checkUnavailableWait(s *stage) {
	sc := s.scene()
	sc.env.Delivery = mackerel.AtLeastOnce
	sc.front.Inject(waiting(http.StatusServiceUnavailable, "7"))
	sc.wantWaited(sc.send(sc.notifier()), "503", wait)
}

// checkWaitFits sees that a deadline ends only those waits that it is too short for.
func checkWaitFits(s *stage) {
	sc := s.scene()
	ctx, cancel := context.WithTimeout(s.tb.Context(), wait+time.Second)
	defer cancel()
	sc.front.Inject(refused(7))
	sc.wantWaited(sc.deliver(ctx, sc.notifier(), s.alert()), "8 seconds left, 7 to wait", wait)
}

// checkWaitBeyondDeadline: sleeping until the deadline would cost the caller the time and the answer, which says how long
// to wait.
func checkWaitBeyondDeadline(s *stage) {
	for form := range waitForms() {
		sc := s.scene()
		ctx, cancel := context.WithTimeout(s.tb.Context(), wait-2*time.Second)
		defer cancel()
		sc.front.Inject(waiting(http.StatusTooManyRequests, waitForms()[form]))
		o := sc.deliver(ctx, sc.notifier(), s.alert())
		in := "5 seconds left, 7 to wait, as " + form
		sc.wantKind(o, in, mackerel.ErrRateLimited)
		sc.wantTook(o, in, 0)
		sc.wantRetryAfter(o, in, wait)
	}
}

// checkWaitTooLong has no deadline: it is the notifier's own patience that must end.
func checkWaitTooLong(s *stage) {
	for _, c := range []struct {
		status int
		value  string
		want   time.Duration
	}{
		{http.StatusTooManyRequests, "3600", time.Hour},
		{http.StatusTooManyRequests, "86400", 24 * time.Hour},
		{http.StatusTooManyRequests, time.Now().Add(3 * time.Hour).In(gmt).Format(http.TimeFormat), 3 * time.Hour},
		{http.StatusServiceUnavailable, "3600", time.Hour},
	} {
		sc := s.scene()
		sc.env.Delivery = mackerel.AtLeastOnce
		sc.front.Inject(waiting(c.status, c.value))
		o := sc.send(sc.notifier())
		in := fmt.Sprintf("%d with Retry-After %q", c.status, c.value)
		sc.wantKind(o, in, sc.meaning(c.status)...)
		sc.wantTook(o, in, 0)
		sc.wantRetryAfter(o, in, c.want)
	}
}

// absurdWaits mean nothing, or so long that it is the same as nothing.
var absurdWaits = []string{
	"", "0", "-7", "7.5", "1e3", "0x10", "soon", "7 seconds", "99999999999", "99999999999999999999", "-99999999999999999999",
	"Sat, 01 Jan 1994 00:00:00 GMT", "Sun, 31 Dec 9999 23:59:59 GMT", "Mon, 02 Jan 2006", strings.Repeat("9", 4000),
}

// checkAbsurdWaits leaves open whether the notifier waits as it does by itself, or gives up; it must not take the word.
func checkAbsurdWaits(s *stage) {
	for _, value := range absurdWaits {
		sc := s.scene()
		sc.front.Inject(waiting(http.StatusTooManyRequests, value))
		o := sc.send(sc.notifier())
		in := fmt.Sprintf("Retry-After %.40q", value)
		sc.wantKind(o, in, nil, mackerel.ErrRateLimited)
		if o.took > time.Minute {
			sc.Errorf("%s: the call took %v; want less than a minute", in, o.took)
		}
		if after, _ := mackerel.Retry(o.err); after < 0 {
			sc.Errorf("%s: RetryAfter is %v, which is negative", in, after)
		}
	}
}
