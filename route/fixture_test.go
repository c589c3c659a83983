package route_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/route"
)

var alert = mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical, Message: "disk full"}

// A script is a notifier that returns one error after the other, and nil after the last. With forever, it returns the
// last error again and again.
type script struct {
	name    string
	errs    []error
	forever bool
	takes   time.Duration // each try

	mu    sync.Mutex
	begin time.Time
	tries []time.Duration // since the first try
	ids   []string        // the delivery ids of the tries
}

func (s *script) String() string { return s.name }

func (s *script) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := s.Deliver(ctx, a)
	return err
}

func (s *script) Deliver(ctx context.Context, _ mackerel.Alert) (mackerel.Receipt, error) {
	s.mu.Lock()
	if s.begin.IsZero() {
		s.begin = time.Now()
	}
	n := len(s.tries)
	s.tries, s.ids = append(s.tries, time.Since(s.begin)), append(s.ids, mackerel.DeliveryID(ctx))
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return mackerel.Receipt{}, &mackerel.Error{Kind: mackerel.ErrUnavailable, Err: ctx.Err()}
	case <-time.After(s.takes):
	}
	receipt := mackerel.Receipt{Provider: s.name, Attempts: 3, Waited: 4 * time.Second, Duration: s.takes}
	if s.forever {
		n = min(n, len(s.errs)-1)
	}
	if n < len(s.errs) {
		return receipt, s.errs[n]
	}
	receipt.ID = s.name + "-1"
	return receipt, nil
}

// wantTries checks when the tries were made, in seconds since the first.
func (s *script) wantTries(t testing.TB, seconds ...int) {
	t.Helper()
	want := make([]time.Duration, len(seconds))
	for i, n := range seconds {
		want[i] = time.Duration(n) * time.Second
	}
	if !slices.Equal(s.tries, want) {
		t.Errorf("%s: the tries were at %v, want %v", s.name, s.tries, want)
	}
}

// persist returns a notifier by Persist. The test ends if its arguments are refused.
func persist(t testing.TB, limit time.Duration, notifiers ...mackerel.Notifier) *route.Notifier {
	t.Helper()
	inner := notifiers[0]
	if len(notifiers) > 1 {
		inner = mackerel.Multi(notifiers...)
	}
	n, err := route.Persist(inner, limit)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fail returns an error of a service.
func fail(kind error, after ...time.Duration) *mackerel.Error {
	e := &mackerel.Error{Provider: "chat", Op: "post", Kind: kind, Delivery: mackerel.AtLeastOnce}
	for _, d := range after {
		e.RetryAfter = d
	}
	return e
}

// rang returns the error of a phone that may have rung.
func rang() *mackerel.Error {
	return &mackerel.Error{Provider: "phone", Op: "call", Kind: mackerel.ErrAmbiguous, Delivery: mackerel.AtMostOnce}
}

// failed returns the names of the notifiers that an error lists.
func failed(err error) (names []string) {
	for _, f := range mackerel.Failures(err) {
		name := "nil"
		if s, ok := f.Notifier.(interface{ String() string }); ok {
			name = s.String()
		}
		names = append(names, name)
	}
	return names
}
