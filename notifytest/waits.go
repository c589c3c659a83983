package notifytest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// waitRows answer with Retry-After. The service knows best when to come back, but its header can also be absurd.
func waitRows() []row {
	return []row{
		{"a call waits exactly as long as a refusal asks for", withRepeats, waitAsTold, checkWaitForms},
		{"a call waits after each refusal, and its receipt counts the waits", withRepeats, waitAsTold, checkWaits},
		{"AtLeastOnce waits as long as a 503 asks for", withRepeats, waitAsTold, checkUnavailableWait},
		{"a call waits if the wait ends before its deadline", withRepeats, waitAsTold, checkWaitFits},
		{"a wait beyond the deadline is at once an error that tells the wait", overHTTP, tellWait, checkWaitBeyondDeadline},
		{"a wait of hours is at once an error that tells the wait", overHTTP, tellWait, checkWaitTooLong},
		{"a call does not wait for an absurd Retry-After", withRepeats, waitAsTold, checkAbsurdWaits},
		{"a call makes MaxAttempts requests and does not wait after the last", withRepeats, limitAttempts, checkAttempts},
	}
}

// waiting is an answer with a Retry-After header.
func waiting(status int, retryAfter string) fakehttp.Fault {
	return fakehttp.Fault{Status: status, Header: http.Header{"Retry-After": {retryAfter}}}
}

// refused is a 429 that asks to wait.
func refused(seconds int) fakehttp.Fault {
	return waiting(http.StatusTooManyRequests, strconv.Itoa(seconds))
}

// wait is a wait that a notifier accepts.
const wait = 7 * time.Second

// waitForms are the forms of Retry-After: a number of seconds, "", or a layout of a date. See
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after and #name-date-time-formats there.
var waitForms = []string{"", http.TimeFormat, time.RFC850, time.ANSIC}

// waitIn returns a Retry-After of this form. A date counts from now.
func waitIn(form string, wait time.Duration) string {
	if form == "" {
		return strconv.Itoa(int(wait.Seconds()))
	}
	return time.Now().Add(wait).In(time.FixedZone("GMT", 0)).Format(form)
}

// wantWaited checks that one message was accepted after exactly that time.
func (o outcome) wantWaited(want time.Duration) {
	if o.err != nil {
		o.errorFor(repeatLost, "%s; want nil: %v", got(o.err), o.err)
		return
	}
	o.wantAccepted(1)
	o.wantTook(want)
}

// checkWaitForms tries every form of Retry-After in both modes. A refused message was not accepted, so both modes may
// send it again.
func checkWaitForms(s *stage) {
	for _, mode := range modes {
		for _, form := range waitForms {
			sc := s.sceneIn(mode)
			sc.in += ", Retry-After as " + form
			sc.front.Inject(waiting(http.StatusTooManyRequests, waitIn(form, wait)))
			sc.send().wantWaited(wait)
		}
	}
}

func checkWaits(s *stage) {
	sc := s.scene()
	sc.front.Inject(refused(7), refused(3))
	o := sc.send()
	o.wantWaited(10 * time.Second)
	o.wantReceipt()
	if o.receipt != nil && o.receipt.Duration != o.took {
		o.errorFor(trueReceipt, "Receipt.Duration is %v of a call that took %v", o.receipt.Duration, o.took)
	}
}

func checkUnavailableWait(s *stage) {
	sc := s.sceneIn(mackerel.AtLeastOnce)
	sc.front.Inject(waiting(http.StatusServiceUnavailable, "7"))
	sc.send().wantWaited(wait)
}

func checkWaitFits(s *stage) {
	sc := s.scene()
	ctx, cancel := context.WithTimeout(s.tb.Context(), wait+time.Second)
	defer cancel()
	sc.front.Inject(refused(7))
	sc.deliver(ctx, s.alert()).wantWaited(wait)
}

// checkWaitBeyondDeadline asks for a wait that does not fit. A call that waits until its deadline loses the time and
// the service's answer.
func checkWaitBeyondDeadline(s *stage) {
	ctx, cancel := context.WithTimeout(s.tb.Context(), wait-2*time.Second)
	defer cancel()
	for _, form := range waitForms {
		s.scene().giveUp(ctx, http.StatusTooManyRequests, form, wait)
	}
}

// checkWaitTooLong sets no deadline: the notifier must have a limit of its own.
func checkWaitTooLong(s *stage) {
	for _, form := range waitForms {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			s.sceneIn(mackerel.AtLeastOnce).giveUp(s.tb.Context(), status, form, time.Hour)
		}
		s.scene().giveUp(s.tb.Context(), http.StatusTooManyRequests, form, 24*time.Hour)
	}
}

// giveUp checks that a call that is asked to wait ends at once with an error that tells the wait.
func (sc *scene) giveUp(ctx context.Context, status int, form string, wait time.Duration) {
	retryAfter := waitIn(form, wait)
	sc.in = fmt.Sprintf("%d with Retry-After %q", status, retryAfter)
	sc.front.Inject(waiting(status, retryAfter))
	o := sc.deliver(ctx, sc.alert())
	o.wantKind(o.meaning(status)...)
	o.wantTook(0)
	o.wantRetryAfter(wait)
}

// absurdWaits have no meaning, or ask for centuries.
var absurdWaits = []string{
	"", "0", "-7", "7.5", "1e3", "0x10", "soon", "7 seconds",
	"99999999999", "99999999999999999999", "-99999999999999999999", strings.Repeat("9", 4000),
	"Sat, 01 Jan 1994 00:00:00 GMT", "Sun, 31 Dec 9999 23:59:59 GMT", "Mon, 02 Jan 2006",
}

// checkAbsurdWaits allows the notifier to wait as it does without the header, or to give up.
func checkAbsurdWaits(s *stage) {
	for _, value := range absurdWaits {
		sc := s.scene()
		sc.in = fmt.Sprintf("Retry-After %.40q", value)
		sc.front.Inject(waiting(http.StatusTooManyRequests, value))
		o := sc.send()
		o.wantKind(nil, mackerel.ErrRateLimited)
		if o.took > time.Minute {
			o.errorf("the call took %v; want less than a minute", o.took)
		}
		if after, _ := mackerel.Retry(o.err); after < 0 {
			o.errorFor(tellWait, "RetryAfter is %v, which is negative", after)
		}
	}
}

func checkAttempts(s *stage) {
	for _, attempts := range []int{1, 2, 5} {
		sc := s.scene()
		sc.in, sc.env.MaxAttempts = fmt.Sprintf("MaxAttempts %d", attempts), attempts
		fault := refused(1)
		fault.Times = -1
		sc.front.Inject(fault)
		o := sc.send()
		o.wantKind(mackerel.ErrRateLimited)
		o.wantRequests(attempts)
		o.wantTook(time.Duration(attempts-1) * time.Second)
	}
}
