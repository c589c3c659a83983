package mackerel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// named is a notifier with a name, as those of the services are.
type named struct {
	name string
	err  error
}

func (n *named) Notify(context.Context, mackerel.Alert) error { return n.err }
func (n *named) String() string                               { return n.name }

func (n *named) Deliver(context.Context, mackerel.Alert) (mackerel.Receipt, error) {
	return mackerel.Receipt{Provider: n.name, ID: "7"}, n.err
}

func limited(after time.Duration) error {
	return &mackerel.Error{Provider: "a", Op: "post", Status: 429, RetryAfter: after, Kind: mackerel.ErrRateLimited}
}

func TestMultiNotifiesAllAndNamesThoseThatFailed(t *testing.T) {
	bad, worse := &named{"room 2", limited(3 * time.Second)}, &named{"room 3", limited(time.Minute)}
	inner := mackerel.Multi(&named{"room 4", nil}, worse)
	err := mackerel.Multi(&named{"room 1", nil}, bad, nil, inner).Notify(t.Context(), mackerel.Alert{})
	failures := mackerel.Failures(fmt.Errorf("notifying: %w", err))
	var who []mackerel.Notifier
	for _, f := range failures {
		who = append(who, f.Notifier)
	}
	if want := []mackerel.Notifier{bad, nil, worse}; !slices.Equal(who, want) {
		t.Errorf("failed: %v, want %v", who, want)
	}
	if !errors.Is(err, mackerel.ErrConfig) {
		t.Errorf("nothing says that a notifier is nil: %v", err)
	}
	if after, again := mackerel.Retry(err); !again || after != time.Minute {
		t.Errorf("Retry gives %v, %v", after, again)
	}
	if got, want := failures[0].Error(), "room 2: post: 429: Too Many Requests (rate limited, retry after 3s)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A constructor that failed leaves a nil pointer, which is not a nil interface.
func TestANilInDisguiseCostsOnlyItself(t *testing.T) {
	var pointer *named
	works := &named{"room 1", nil}
	results := mackerel.DeliverAll(t.Context(), mackerel.Alert{}, works, pointer, mackerel.NotifierFunc(nil), nil)
	if results[0].Err != nil || results[0].Receipt.ID != "7" {
		t.Errorf("the notifier that works: %+v", results[0])
	}
	failed := results.Failed()
	if len(failed) != 3 {
		t.Fatalf("failed: %+v", failed)
	}
	for _, r := range failed {
		if !errors.Is(r.Err, mackerel.ErrConfig) {
			t.Errorf("%T: %v", r.Notifier, r.Err)
		}
	}
	if text := results.Err().Error(); strings.Count(text, "the notifier is nil") != 3 {
		t.Errorf("the error reads %q", text)
	}
}

func TestWhatTheErrorOfADeliverySays(t *testing.T) {
	failed := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return errors.New("it is closed") })
	for want, n := range map[string]mackerel.Notifier{
		"it is closed":         failed,
		"room 1: it is closed": &named{"room 1", errors.New("it is closed")},
		"room 1: post: 429: Too Many Requests (rate limited, retry after 3s)": &named{"room 1", limited(3 * time.Second)},
		"mackerel: notify: the notifier is nil (invalid configuration)":       (*named)(nil),
	} {
		if err := mackerel.Multi(n).Notify(t.Context(), mackerel.Alert{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestDeliveryIDs(t *testing.T) {
	ctx := mackerel.WithDeliveryID(t.Context(), "one")
	again := mackerel.WithDeliveryID(ctx, "two")
	if mackerel.DeliveryID(t.Context()) != "" || mackerel.DeliveryID(ctx) != "one" || mackerel.DeliveryID(again) != "two" {
		t.Errorf("got %q, %q", mackerel.DeliveryID(ctx), mackerel.DeliveryID(again))
	}
}

func TestNamesOfDeliveries(t *testing.T) {
	for d, want := range map[mackerel.Delivery]string{
		0: "default", mackerel.AtLeastOnce: "at least once", mackerel.AtMostOnce: "at most once", 3: "default",
	} {
		if d.String() != want {
			t.Errorf("%d is %q, want %q", d, d, want)
		}
	}
}

func TestMultiOfSuccessesIsNil(t *testing.T) {
	if err := mackerel.Multi(&named{}, &named{}).Notify(t.Context(), mackerel.Alert{}); err != nil {
		t.Error(err)
	}
	if err := mackerel.Multi().Notify(t.Context(), mackerel.Alert{}); err != nil {
		t.Error(err)
	}
	if mackerel.Failures(nil) != nil || mackerel.Failures(errors.New("of another kind")) != nil {
		t.Error("failures without a Multi")
	}
}

func TestMultiCopiesItsList(t *testing.T) {
	list := []mackerel.Notifier{&named{}}
	m := mackerel.Multi(list...)
	list[0] = &named{"", errors.New("changed behind its back")}
	if err := m.Notify(t.Context(), mackerel.Alert{}); err != nil {
		t.Error(err)
	}
}

func TestUnwrapReturnsTheNotifiersOfAMulti(t *testing.T) {
	a, inner := &named{name: "a"}, mackerel.Multi(&named{})
	m := mackerel.Multi(a, nil, inner)
	got := mackerel.Unwrap(m)
	if len(got) != 3 || got[0] != a || got[1] != nil || len(mackerel.Unwrap(got[2])) != 1 {
		t.Errorf("got %v", got)
	}
	got[0] = nil
	if mackerel.Unwrap(m)[0] != a {
		t.Error("the list of the Multi was changed")
	}
	if mackerel.Unwrap(a) != nil || mackerel.Unwrap(nil) != nil || mackerel.Unwrap(mackerel.Multi()) != nil {
		t.Error("notifiers without a Multi")
	}
}

func TestDeliverAllRunsAllAtOnceAndKeepsTheOrder(t *testing.T) {
	started := make(chan struct{}, 2)
	both := make(chan struct{})
	meet := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
		started <- struct{}{}
		<-both
		return nil
	})
	go func() {
		<-started
		<-started
		close(both)
	}()
	results := mackerel.DeliverAll(t.Context(), mackerel.Alert{}, meet, &named{"r", nil}, meet)
	if len(results) != 3 || results[1].Receipt.ID != "7" || results[1].Receipt.Provider != "r" {
		t.Errorf("got %+v", results)
	}
}

func TestOneFailureCancelsNobody(t *testing.T) {
	failed := make(chan struct{})
	first := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error {
		defer close(failed)
		return errors.New("failed at once")
	})
	second := mackerel.NotifierFunc(func(ctx context.Context, _ mackerel.Alert) error {
		<-failed
		return ctx.Err()
	})
	results := mackerel.DeliverAll(t.Context(), mackerel.Alert{}, first, second)
	if results[0].Err == nil || results[1].Err != nil {
		t.Errorf("got %v and %v", results[0].Err, results[1].Err)
	}
}

func TestAPanicIsRaisedAgainAfterAllHaveEnded(t *testing.T) {
	panicking := make(chan struct{})
	ended := false
	defer func() {
		if r := recover(); r != "boom" {
			t.Errorf("recovered %v", r)
		}
		if !ended {
			t.Error("the other notifier had not ended")
		}
	}()
	mackerel.DeliverAll(t.Context(), mackerel.Alert{},
		mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { defer close(panicking); panic("boom") }),
		mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { <-panicking; ended = true; return nil }),
	)
}

func TestANotifierThatEndsItsGoroutineHasNotSucceeded(t *testing.T) {
	exit := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { runtime.Goexit(); return nil })
	if r := mackerel.DeliverAll(t.Context(), mackerel.Alert{}, exit); r[0].Err == nil {
		t.Error("it passes for a success")
	}
}
