package transport_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestAttemptsWithOneKeyAreRepeatedInEitherMode(t *testing.T) {
	for _, mode := range []transport.Delivery{transport.AtLeastOnce, transport.AtMostOnce} {
		for _, lost := range []int{1, 3} {
			bubble(t, func(t *testing.T, s *fakehttp.Server) {
				f := lostAnswer
				f.Times = lost
				s.Inject(f)
				r := post(t, fakehttp.MemoryURL)
				r.Repeat = transport.Keyed
				result := do(t, s, options{Delivery: mode}, r)
				check(t, "attempts", result.Attempts, min(lost+1, 3))
				check(t, "the mode", result.Delivery, mode)
				check(t, "class", result.Class, map[int]transport.Class{1: done, 3: ambiguous}[lost])
				check(t, "connections", s.Connections(), min(lost+1, 3))
			})
		}
	}
}

func TestARefusedBodyIsReplacedOnce(t *testing.T) {
	final := fault{Status: 400, Body: "nothing helps"}
	tests := []struct {
		name     string
		faults   []fault
		options  options
		class    transport.Class
		attempts int
		bodies   []string
	}{
		{"at once", []fault{badRequest}, options{}, done, 2, []string{"disk full", "disk"}},
		{"even after the last attempt", []fault{badRequest}, options{MaxAttempts: 1}, done, 2, []string{"disk full", "disk"}},
		{"at most once", []fault{badRequest}, options{Delivery: transport.AtMostOnce}, done, 2, []string{"disk full", "disk"}},
		{"after a lost answer", []fault{lostAnswer, badRequest}, options{}, done, 3, []string{"disk full", "disk full", "disk"}},
		{"and repeated as it is then", []fault{badRequest, tooMany}, options{}, done, 3, []string{"disk full", "disk", "disk"}},
		{"after all attempts", []fault{tooMany, tooMany, badRequest}, options{}, done, 4, []string{"disk full", "disk full", "disk full", "disk"}},
		{"and has no further attempts than the call", []fault{badRequest, tooMany, tooMany}, options{}, limited, 3, []string{"disk full", "disk", "disk"}},
		{"and if it is refused too, an earlier lost answer counts", []fault{lostAnswer, badRequest, badRequest}, options{}, ambiguous, 3, []string{"disk full", "disk full", "disk"}},
		{"but not after a lost answer that ends the call", []fault{lostAnswer, badRequest}, options{Delivery: transport.AtMostOnce}, ambiguous, 1, []string{"disk full"}},
		{"but not again", []fault{badRequest, badRequest}, options{}, invalid, 2, []string{"disk full", "disk"}},
		{"but not for another refusal", []fault{{Status: 401}}, options{}, unauthorized, 1, []string{"disk full"}},
		{"but not without another body", []fault{final}, options{}, invalid, 1, []string{"disk full"}},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			s.Inject(tt.faults...)
			r := post(t, fakehttp.MemoryURL)
			r.Again = func(refused *transport.Result) ([]byte, bool) {
				check(t, "status of the refusal", refused.Status, 400)
				return []byte("disk"), string(refused.Body) != final.Body
			}
			signed := 0
			r.Sign = func(*http.Request) error { signed++; return nil }
			result := do(t, s, tt.options, r)
			check(t, "class", result.Class, tt.class)
			check(t, "attempts", result.Attempts, tt.attempts)
			check(t, "signatures", signed, tt.attempts)
			requests := s.Requests()
			check(t, "requests", len(requests), len(tt.bodies))
			for i, want := range tt.bodies {
				check(t, "body", string(requests[i].Body), want)
			}
		})
	}
}

func TestABodyIsNotReplacedAfterTheEndOfTheContext(t *testing.T) {
	bubble(t, func(t *testing.T, s *fakehttp.Server) {
		s.Inject(badRequest)
		ctx, cancel := context.WithCancel(t.Context())
		r := post(t, fakehttp.MemoryURL)
		r.Judge = func(*transport.Result) { cancel() }
		r.Again = func(*transport.Result) ([]byte, bool) {
			t.Error("another body is asked for")
			return nil, false
		}
		result := transport.New("chatwork", options{Client: s.Client()}).Do(ctx, r)
		check(t, "class", result.Class, invalid)
		check(t, "error", result.Err, nil)
	})
}
