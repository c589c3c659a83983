package pagerduty_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

func TestErrorsOfTheService(t *testing.T) {
	ambiguous := `{"status":"success","message":"Event processed"}`
	for _, c := range []struct {
		name       string
		status     int
		body       string
		kind       error
		code, want string
	}{
		{"an invalid event", 400, `{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}`, mackerel.ErrInvalid, "invalid event", "Event object is invalid: Invalid routing key"},
		{"several problems", 400, `{"status":"invalid event","message":"m","errors":["a","b"]}`, mackerel.ErrInvalid, "invalid event", "m: a, b"},
		{"an answer of a proxy's", 400, `<html>`, mackerel.ErrInvalid, "", ""},
		{"a 200 is not the documented success", 200, ambiguous, mackerel.ErrUnavailable, "success", "Event processed"},
		{"a 202 that says no success is none", 202, `{"status":"queued"}`, mackerel.ErrUnavailable, "queued", ""},
		{"a 202 of a proxy's is none", 202, `<html>`, mackerel.ErrUnavailable, "", ""},
		{"a failure", 500, `{"status":"internal","message":"oops"}`, mackerel.ErrUnavailable, "internal", "oops"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Status: c.status, Body: c.body})
			n := newNotifier(t, s, pagerduty.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
			r, err := n.Deliver(t.Context(), alert("critical"))
			if e := asError(t, err, c.kind); e.Code != c.code || e.Message != c.want || e.Status != c.status || r.ID != "" {
				t.Errorf("%+v, %+v", e, r)
			}
		})
	}
}

func TestAnUnknownKeyIsRefused(t *testing.T) {
	s := newServer(t)
	n, err := pagerduty.New(pagerduty.Config{
		RoutingKey: mackerel.NewSecret(strings.Repeat("e", 32)), BaseURL: pagerdutytest.MemoryBaseURL,
		Call: mackerel.CallOptions{Client: s.Client()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := asError(t, n.Notify(t.Context(), alert("critical")), mackerel.ErrInvalid); !strings.Contains(e.Message, "Invalid routing key") || e.Attempts != 1 {
		t.Errorf("%+v", e)
	}
}

// TestRefusalsForTheRate is about time: PagerDuty says nothing, so the advice counts.
func TestRefusalsForTheRate(t *testing.T) {
	for _, c := range []struct {
		name    string
		maxWait time.Duration
		header  http.Header
		took    time.Duration
		after   time.Duration // of the error, 0 for success
	}{
		{"the advice is longer than the usual patience", 0, nil, 0, pagerduty.RateWait},
		{"a patient caller waits", 30 * time.Second, nil, 30 * time.Second, 0},
		{"what the service says comes first", 0, http.Header{"Retry-After": {"3"}}, 3 * time.Second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Inject(fakehttp.Fault{Status: 429, Header: c.header, Body: "Request Limit Exceeded"})
				n := newNotifier(t, s, pagerduty.Config{Call: mackerel.CallOptions{MaxWait: c.maxWait}})
				r, err := n.Deliver(t.Context(), alert("critical"))
				if after, _ := mackerel.Retry(err); after != c.after || r.Duration != c.took {
					t.Errorf("%v, %+v", err, r)
				}
				if (err != nil) != (c.after > 0) || err != nil && !errors.Is(err, mackerel.ErrRateLimited) {
					t.Error(err)
				}
			})
		})
	}
}

func TestTheRateOfTheFakeIsFelt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.SetLimit(1)
		n := newNotifier(t, s, pagerduty.Config{Call: mackerel.CallOptions{MaxWait: time.Minute}})
		start := time.Now()
		for range 2 {
			if err := n.Notify(t.Context(), alert("critical")); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 2*pagerduty.RateWait {
			t.Errorf("%v", took)
		}
	})
}

// TestRepeats: what has a key is repeated in either mode and is one event to whoever is paged; what has none is a message
// like any other.
func TestRepeats(t *testing.T) {
	lost := fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true}
	for _, c := range []struct {
		name      string
		key       string
		delivery  mackerel.Delivery
		kind      error
		requests  int
		incidents int
	}{
		{"a key at most once", "k", mackerel.AtMostOnce, nil, 2, 1},
		{"a key at least once", "k", mackerel.AtLeastOnce, nil, 2, 1},
		{"no key at most once", "", mackerel.AtMostOnce, mackerel.ErrAmbiguous, 1, 1},
		{"no key at least once", "", 0, nil, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Inject(lost)
				n := newNotifier(t, s, pagerduty.Config{Call: mackerel.CallOptions{Delivery: c.delivery}})
				r, err := n.Send(t.Context(), pagerduty.Message{Key: c.key, Title: "T"})
				if (err == nil) != (c.kind == nil) || c.kind != nil && !errors.Is(err, c.kind) {
					t.Errorf("%v", err)
				}
				if r.Attempts != c.requests || len(s.Requests()) != c.requests || len(s.Incidents(pagerdutytest.RoutingKey)) != c.incidents {
					t.Errorf("%+v, %d incidents", r, len(s.Incidents(pagerdutytest.RoutingKey)))
				}
			})
		})
	}
}

func TestTheReceiptHasAKeyThatWasMadeUp(t *testing.T) {
	s := newServer(t)
	r, err := newNotifier(t, s, pagerduty.Config{}).Send(t.Context(), pagerduty.Message{Title: "T"})
	if err != nil || r.ID == "" || r.ID != only(t, s).Key {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestTheKeyOfTheServiceDoesNotComeBack(t *testing.T) {
	s := newServer(t)
	s.Inject(fakehttp.Fault{Status: 202, Body: `{"status":"success","dedup_key":"` + pagerdutytest.RoutingKey + `"}`})
	r, err := newNotifier(t, s, pagerduty.Config{}).Send(t.Context(), pagerduty.Message{Title: "T"})
	if err != nil || r.ID != "[redacted]" {
		t.Errorf("%v, %+v", err, r)
	}
}
