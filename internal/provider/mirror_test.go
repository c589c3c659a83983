package provider_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// Every option reaches the transport: each of these changes what a call does.
func TestTheOptionsReachTheTransport(t *testing.T) {
	var attempts []mackerel.Attempt
	var agent string
	var timeLeft time.Duration
	s := service(mackerel.CallOptions{
		Client: &http.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			agent = r.Header.Get("User-Agent")
			deadline, _ := r.Context().Deadline()
			timeLeft = time.Until(deadline)
			return response(503, ""), nil
		})},
		Timeout: time.Hour, MaxAttempts: 2, MaxWait: time.Millisecond, Delivery: mackerel.AtLeastOnce, UserAgent: "me/1",
		OnAttempt: func(_ context.Context, a mackerel.Attempt) { attempts = append(attempts, a) },
	}, mackerel.AtMostOnce).As("chatwork.Notifier(1)")
	r := post(t)
	r.Header = s.Header()()
	if _, err := s.Do(t.Context(), r); err == nil {
		t.Error("503 is no error")
	}
	check(t, "User-Agent", agent, "me/1")
	check(t, "timeout", timeLeft.Round(time.Minute), time.Hour)
	check(t, "attempts", len(attempts), 2)
	check(t, "provider, operation and number", attempts[1].Provider+" "+attempts[1].Op, "chatwork post message")
	check(t, "notifier", attempts[1].Notifier, "chatwork.Notifier(1)")
	check(t, "wait", attempts[0].Wait <= time.Millisecond, true)
}
