// Package notifytest is the conformance suite of notifiers: what every [mackerel.Notifier] promises, tried against a fake
// of its service with faults in front of it. All notifiers of this module pass it, and anybody else's can be held to the
// same promises:
//
//	func TestConformance(t *testing.T) {
//		notifytest.Run(t, func(t testing.TB) notifytest.Harness {
//			fake := newFakePager()
//			return notifytest.Harness{
//				New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
//					return &Pager{BaseURL: e.BaseURL, Key: "secret-key", Client: e.Client, Delivery: e.Delivery, MaxAttempts: e.MaxAttempts}
//				},
//				Fake:    fake,
//				Count:   fake.Accepted,
//				Secrets: []string{"secret-key"},
//			}
//		})
//	}
//
// # What is tried
//
// Every row is a subtest whose name says what must hold: that a message whose answer was lost is repeated, or not, as
// the delivery mode says; that every status has its kind of error; that a wait is as long as the service asked for and
// ends with the context; that redirects are refused and answers are not read without end; that no secret gets out; that
// texts too long or hostile arrive all the same; that the alert stays as it was, fifty calls at once are fine and no
// goroutine stays behind. The race detector sees more of that.
//
// # Time
//
// Most rows run in a testing/synctest bubble over a connection in memory, where waiting takes no time and can be
// measured exactly. Everything of a row, the harness included, is made inside its bubble; what New and Fake do must not
// wait for anything outside, such as a socket or a goroutine of another test. Some rows run on a loopback port in real
// time. One replaces os.Stdout, os.Stderr and the output of package log for a moment, so Run does not go together with
// tests that write there in parallel.
package notifytest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// A Harness is a notifier to be tried and a fake of the service it talks to. Those two and Count are required for a
// service that speaks HTTP; everything else is for services that are special.
type Harness struct {
	// New returns a notifier that talks to the fake, configured so that an open critical alert is exactly one message.
	New func(t testing.TB, e Env) mackerel.Notifier
	// Fake is the service on a good day; Run puts its faults in front of it. It should reject what the real service would
	// reject, and must not limit rates, since one row sends fifty messages at once: a fake with rate windows can be put
	// forward in time with every request. If it is nil, the service does not speak HTTP; the rows that need it are
	// skipped, and New and Count see to a fake of their own.
	Fake http.Handler
	// Count returns how many messages the fake has accepted. Repeats that it drops by itself do not count.
	Count func() int
	// Secrets are the credentials that the notifier sends, each of at least 6 bytes. Run first proves that each was in a
	// request, in whatever encoding, and then looks for it everywhere else.
	Secrets []string
	// Keys are secrets that never travel, such as one that signs.
	Keys []string
	// Dedups says that the service drops repeats of one message by itself. Then a message may be repeated in either
	// delivery mode, and a lost answer is not ambiguous.
	Dedups bool
	// SingleAttempt says that the notifier leaves repeating to its caller: it makes one attempt whatever Env says, and the
	// rows about repeats are skipped.
	SingleAttempt bool
	// Statuses are the HTTP statuses that mean something else to this service than to others: one of the sentinels of
	// package mackerel, or nil for success. Run answers with them and a body that is not the service's.
	Statuses map[int]error
}

// Env is where and how a notifier is to work.
type Env struct {
	BaseURL     string            // of the fake, without a slash at the end; empty if the service does not speak HTTP
	Client      *http.Client      // to go through, always; nil if the service does not speak HTTP
	Delivery    mackerel.Delivery // zero is the notifier's default
	MaxAttempts int               // requests per message at the most; 0 is the notifier's default
}

// Call returns the environment as the options that every notifier of this module takes.
func (e Env) Call() mackerel.CallOptions {
	return mackerel.CallOptions{Client: e.Client, Delivery: e.Delivery, MaxAttempts: e.MaxAttempts}
}

// Run tries a notifier. The function makes a harness with a fresh fake; it is called at least once for every row, some
// of them in a bubble, and may use t.Cleanup. If the first row, a plain success, fails, the others are not tried.
func Run(t *testing.T, harness func(t testing.TB) Harness) {
	t.Helper()
	h := harness(t)
	if problem := h.problem(); problem != "" {
		t.Fatal(problem)
	}
	for i, r := range rows() {
		passed := t.Run(r.name, func(t *testing.T) {
			if why := r.skip(h); why != "" {
				t.Skip(why)
			}
			r.run(t, stage{harness: harness, linger: 5 * time.Second}, h.Fake != nil)
		})
		if i == 0 && !passed {
			return
		}
	}
}

// problem says what is wrong with a harness, "" if nothing is.
func (h Harness) problem() string {
	switch {
	case h.New == nil:
		return "the Harness has no New"
	case h.Count == nil:
		return "the Harness has no Count"
	}
	for _, s := range slices.Concat(h.Secrets, h.Keys) {
		if len(s) < minSecret {
			return "the Harness has a secret of less than 6 bytes, which would be found in innocent words"
		}
	}
	return ""
}

// rows returns all rows in the order in which they are tried, success first.
func rows() []row {
	var all []row
	for _, group := range [][]row{
		successRows(), secretRows(), statusRows(), deliveryRows(), connectRows(), waitRows(), cancelRows(), answerRows(),
		alertRows(), textRows(), receiptRows(), processRows(),
	} {
		all = append(all, group...)
	}
	return all
}
