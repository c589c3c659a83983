// Package notifytest is a conformance suite for notifiers. It tries what every [mackerel.Notifier] promises, against a
// fake of the notifier's service with faults in front of it. All notifiers of this module pass the suite. Try your own
// notifier in the same way:
//
//	func TestConformance(t *testing.T) {
//		notifytest.Run(t, func(t testing.TB) notifytest.Harness {
//			return notifytest.Harness{
//				New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
//					return &Pager{URL: e.BaseURL, Key: "secret-key", Client: e.Client, Delivery: e.Delivery, Attempts: e.MaxAttempts}
//				},
//				Fake:    newFakePager(), // an http.Handler that has a method Accepted() int
//				Secrets: []string{"secret-key"},
//			}
//		})
//	}
//
// # What is tried
//
// Each row of the suite is a subtest. Its name says what must hold. The rows are about:
//
//   - Outcomes: each HTTP status has its kind of error. If an answer is lost, the delivery mode decides whether the
//     message is sent again, and the error does not claim more than is known.
//   - Time: waits are as long as the service asks for. A context, a deadline or the notifier's own timeout ends the
//     call.
//   - Answers: redirects are refused, and an endless answer is not read to its end.
//   - Secrets: no credential is in an error, a receipt, a preview or the printed notifier.
//   - Messages: every event, status and text is accepted, and a digest is accepted or skipped with a reason. Cut texts are
//     reported, and what says how bad it is stays. Receipts and previews are true.
//   - The program around: the alert is not changed, calls may run at the same time, no goroutine stays behind, and
//     nothing is written to standard output, standard error or the log. Run the suite with -race to see more of this.
//
// # What a failure prints
//
// The output begins with a summary. It says how many rows failed, which two repairs clear most of them, and then the
// other repairs. Below it, each failed row prints what it has found, under the numbers of its repairs. A failed row
// ends after all rows were tried, so the time that is printed for it is too long.
//
// # What New, Fake and Count may not do
//
// Most rows run in a testing/synctest bubble, over connections in memory. Waits take no real time there and are
// measured exactly. The harness of such a row is made inside its bubble, so New, Fake and Count must not wait for
// anything outside the bubble: no socket, and no goroutine or channel of another test. A few rows use a loopback port
// in real time; without a Fake, all rows run in real time.
//
// One row replaces os.Stdout, os.Stderr and the output of package log while it runs. Do not run it in parallel with
// tests that write there.
package notifytest

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// A Harness is a notifier to try and a fake of its service. A notifier that speaks HTTP needs New, Fake and Secrets,
// and Count unless the fake has a method Accepted. The other fields are for services that differ from most.
type Harness struct {
	// New returns a notifier that sends to the fake. It is configured so that an open critical alert is exactly one
	// message. Required.
	New func(t testing.TB, e Env) mackerel.Notifier
	// Fake is the service without faults; the suite adds the faults. It should refuse what the real service refuses. If
	// Fake is nil, the service does not speak HTTP: the rows that need HTTP are skipped, and New and Count use a fake
	// of their own.
	Fake http.Handler
	// Count returns how many messages the fake has accepted. Repeats that the fake drops are not counted. If Count is
	// nil, Fake must have a method Accepted() int, which is used instead.
	Count func() int
	// Secrets are the credentials that the notifier sends, each at least 6 bytes long. The suite first proves that each
	// secret is in a request, in any encoding, and then searches for it everywhere else.
	Secrets []string
	// Keys are secrets that are never sent, for example keys that sign requests. Each is at least 6 bytes long.
	Keys []string
	// Dedups says that the service drops repeats of a message. The notifier may then repeat a message in either
	// delivery mode, and may report a lost answer as ErrUnavailable.
	Dedups bool
	// SingleAttempt says that the notifier makes one attempt and leaves repeating to its caller. Env.MaxAttempts has no
	// effect, and the rows about repeats are skipped.
	SingleAttempt bool
	// Statuses are the HTTP statuses that mean something else to this service than to others. The value is a sentinel
	// error of package mackerel, or nil for success. The suite answers with the status and a body that the service does
	// not document.
	Statuses map[int]error
}

// Env is the environment in which a notifier is to work.
type Env struct {
	BaseURL     string            // of the fake, without a slash at the end; empty without HTTP
	Client      *http.Client      // for all requests; nil without HTTP
	Delivery    mackerel.Delivery // zero is the notifier's default
	MaxAttempts int               // requests per message, at most; 0 is the notifier's default
	// Pace is mackerel.Unpaced, so that calls do not wait for their turn. It is zero, the notifier's own pace, for the
	// rows that try the pace. A notifier without a pace ignores it.
	Pace mackerel.Pace
}

// Call returns e as the options that every notifier of this module takes.
func (e Env) Call() mackerel.CallOptions {
	return mackerel.CallOptions{Client: e.Client, Delivery: e.Delivery, MaxAttempts: e.MaxAttempts, Pace: e.Pace}
}

// Run tries a notifier with all rows. The harness function returns a Harness with a fresh fake. Run calls it several
// times, for most rows inside a bubble; it may use t.Cleanup. If the first row fails, which sends an alert without any
// fault, the other rows are not tried.
func Run(t *testing.T, harness func(t testing.TB) Harness) {
	t.Helper()
	try(t, harness, allRows())
}

// RunVariant tries another configuration of a notifier that [Run] tries already: other credentials, another form of the
// message, a key that signs. It runs only the rows whose result can depend on what is sent, that is on the message, the
// credentials or the key: success, secrets, delivery modes and lost answers, alerts, texts, receipts and previews.
//
// It leaves out the rows whose result depends only on the transport that all configurations share: statuses,
// connections, waits, contexts, redirects, endless answers, goroutines and output. Use Run for a configuration that
// repeats requests or reads answers in another way.
func RunVariant(t *testing.T, harness func(t testing.TB) Harness) {
	t.Helper()
	try(t, harness, variantRows())
}

func try(t *testing.T, harness func(t testing.TB) Harness, rows []row) {
	t.Helper()
	h := harness(t)
	if problem := h.problem(); problem != "" {
		t.Fatal(problem)
	}
	var all report
	for i, r := range rows {
		passed := all.try(t, r.name, func(t *testing.T, s *stage) {
			if reason := r.skip(h); reason != "" {
				t.Skip(reason)
			}
			s.harness, s.linger = harness, 5*time.Second
			r.run(t, s, h.Fake != nil)
		})
		if i == 0 && !passed {
			break
		}
	}
	all.end(t)
}

// allRows returns all rows in the order in which they are tried.
func allRows() []row {
	return slices.Concat(
		variantRows(), statusRows(), connectRows(), waitRows(), paceRows(), cancelRows(), answerRows(), processRows(),
	)
}

// variantRows returns the rows of RunVariant. The first row must pass before the others are tried.
func variantRows() []row {
	return slices.Concat(successRows(), secretRows(), deliveryRows(), alertRows(), textRows(), receiptRows())
}

// problem says why a harness cannot be used, "" if it can.
func (h Harness) problem() string {
	_, counts := h.Fake.(counter)
	switch {
	case h.New == nil:
		return "the Harness has no New"
	case h.Count == nil && !counts:
		return "the Harness has no Count, and its Fake has no method Accepted() int"
	}
	for _, s := range slices.Concat(h.Secrets, h.Keys) {
		if len(s) < minSecret {
			return "the Harness has a secret of less than 6 bytes, which ordinary words may contain"
		}
	}
	return ""
}

// A counter is a fake that counts the messages it has accepted.
type counter interface{ Accepted() int }

// count returns how many messages the fake has accepted.
func (h Harness) count() int {
	if h.Count != nil {
		return h.Count()
	}
	return h.Fake.(counter).Accepted()
}
