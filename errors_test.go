package mackerel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

func TestErrorReadsServiceOperationStatusWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  mackerel.Error
		want string
	}{
		{"the service's own words",
			mackerel.Error{Provider: "chatwork", Op: "post message", Status: 401, Message: "Invalid API token", Attempts: 1, Kind: mackerel.ErrUnauthorized},
			"chatwork: post message: 401: Invalid API token (not authorized)"},
		{"a status without words, attempts and a wait",
			mackerel.Error{Provider: "chatwork", Op: "post message", Status: 429, RetryAfter: 10 * time.Second, Attempts: 3, Kind: mackerel.ErrRateLimited},
			"chatwork: post message: 429: Too Many Requests (rate limited, 3 attempts, retry after 10s)"},
		{"no answer at all",
			mackerel.Error{Provider: "hipchat", Op: "send", Attempts: 1, Kind: mackerel.ErrAmbiguous, Err: io.ErrUnexpectedEOF},
			"hipchat: send: unexpected EOF (may have been done)"},
		{"made by hand without a kind", mackerel.Error{Provider: "p", Op: "o"}, "p: o"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestErrorIsItsKindAndItsCause(t *testing.T) {
	err := fmt.Errorf("notifying: %w", &mackerel.Error{Kind: mackerel.ErrAmbiguous, Err: context.Canceled})
	var e *mackerel.Error
	if !errors.Is(err, mackerel.ErrAmbiguous) || !errors.Is(err, context.Canceled) || !errors.As(err, &e) || errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("%v is not what it should be", err)
	}
}

func TestRetry(t *testing.T) {
	of := func(kind error, d mackerel.Delivery, after time.Duration) error {
		return &mackerel.Error{Kind: kind, Delivery: d, RetryAfter: after}
	}
	for _, tt := range []struct {
		name  string
		err   error
		after time.Duration
		again bool
	}{
		{"no error", nil, 0, false},
		{"rate limited", of(mackerel.ErrRateLimited, mackerel.AtMostOnce, time.Minute), time.Minute, true},
		{"unavailable", of(mackerel.ErrUnavailable, mackerel.AtMostOnce, 0), 0, true},
		{"ambiguous where twice is better than never", of(mackerel.ErrAmbiguous, mackerel.AtLeastOnce, time.Second), time.Second, true},
		{"ambiguous where once is the limit", of(mackerel.ErrAmbiguous, mackerel.AtMostOnce, time.Second), 0, false},
		{"ambiguous in an unknown mode", of(mackerel.ErrAmbiguous, 0, 0), 0, false},
		{"invalid", of(mackerel.ErrInvalid, mackerel.AtLeastOnce, time.Second), 0, false},
		{"unavailable because it was cancelled", &mackerel.Error{Kind: mackerel.ErrUnavailable, Err: context.Canceled}, 0, true},
		{"wrapped", fmt.Errorf("x: %w", of(mackerel.ErrRateLimited, 0, time.Second)), time.Second, true},
		{"joined: any, and the longest wait of those that may be repeated",
			errors.Join(of(mackerel.ErrInvalid, 0, time.Hour), of(mackerel.ErrRateLimited, 0, time.Second), of(mackerel.ErrUnavailable, 0, time.Minute)), time.Minute, true},
		{"joined: the longest wait is the first", errors.Join(of(mackerel.ErrRateLimited, 0, time.Minute), of(mackerel.ErrUnavailable, 0, 0)), time.Minute, true},
		{"joined: the longest wait is in the middle, within another join",
			errors.Join(of(mackerel.ErrUnavailable, 0, time.Second), errors.Join(of(mackerel.ErrRateLimited, 0, time.Hour)), of(mackerel.ErrRateLimited, 0, time.Minute)), time.Hour, true},
		{"joined: what may have rung a phone is not repeated with the rest",
			errors.Join(of(mackerel.ErrUnavailable, 0, time.Second), fmt.Errorf("x: %w", of(mackerel.ErrAmbiguous, mackerel.AtMostOnce, 0))), 0, false},
		{"joined: deliveries are repeated one by one", errors.Join(
			&mackerel.DeliveryError{Err: of(mackerel.ErrUnavailable, 0, time.Second)},
			&mackerel.DeliveryError{Err: of(mackerel.ErrAmbiguous, mackerel.AtMostOnce, 0)}), time.Second, true},
		{"a bare sentinel of somebody's own notifier", fmt.Errorf("x: %w", mackerel.ErrUnavailable), 0, true},
		{"an error that says nothing", errors.New("x"), 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if after, again := mackerel.Retry(tt.err); after != tt.after || again != tt.again {
				t.Errorf("got %v, %v, want %v, %v", after, again, tt.after, tt.again)
			}
		})
	}
}

func TestAnErrorLogsItsFields(t *testing.T) {
	full := &mackerel.Error{
		Provider: "chatwork", Op: "post message", Status: 429, Code: "E7", Message: "slow down", RetryAfter: time.Second, Attempts: 2,
		Kind: mackerel.ErrRateLimited, Err: context.Canceled,
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{full, `err.kind="rate limited" err.provider=chatwork err.op="post message" err.status=429 err.code=E7 err.message="slow down" ` +
			`err.cause="context canceled" err.attempts=2 err.retry_after=1s`},
		{&mackerel.Error{Provider: "slack", Op: "configure", Kind: mackerel.ErrConfig, Message: "URL: required"},
			`err.kind="invalid configuration" err.provider=slack err.op=configure err.message="URL: required"`},
	} {
		var out strings.Builder
		slog.New(slog.NewTextHandler(&out, nil)).Error("x", "err", c.err)
		if got := strings.TrimSpace(out.String()); !strings.HasSuffix(got, "msg=x "+c.want) {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// emptyError is an error like those of other programs that may wrap another error.
type emptyError struct{}

func (emptyError) Error() string { return "it failed" }
func (emptyError) Unwrap() error { return nil }

func TestAnErrorThatWrapsNothingForbidsNoRepeat(t *testing.T) {
	if after, again := mackerel.Retry(errors.Join(emptyError{}, limited(3*time.Second))); !again || after != 3*time.Second {
		t.Errorf("Retry gives %v, %v", after, again)
	}
	if _, again := mackerel.Retry(emptyError{}); again {
		t.Error("Retry recommends to repeat an error that it does not know")
	}
}

// Of errors that are joined without a Multi, one that must not be repeated forbids it for the whole.
func TestRetryOfJoinedErrors(t *testing.T) {
	rang := &mackerel.Error{Provider: "phone", Kind: mackerel.ErrAmbiguous, Delivery: mackerel.AtMostOnce}
	invalid := &mackerel.Error{Provider: "room", Kind: mackerel.ErrInvalid}
	later := limited(3 * time.Second)
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"refused for good":                     {errors.Join(invalid, invalid), false},
		"refused for good and for now":         {errors.Join(invalid, later), true},
		"refused for now and for good":         {errors.Join(later, invalid), true},
		"a phone that may have rung":           {errors.Join(later, rang), false},
		"a phone that may have rung, at first": {errors.Join(rang, later), false},
		"a sentinel":                           {fmt.Errorf("mine: %w", mackerel.ErrRateLimited), true},
		"another sentinel":                     {mackerel.ErrUnavailable, true},
		"a sentinel of what is for good":       {mackerel.ErrInvalid, false},
	} {
		after, again := mackerel.Retry(tt.err)
		if again != tt.want || after != 0 && !tt.want {
			t.Errorf("%s: Retry gives %v, %v", name, after, again)
		}
	}
}
