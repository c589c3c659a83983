package provider_test

import (
	"context"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// The transport must not know the root package, so it has types of its own that say the same. They are held equal here.
func TestTheTransportMirrorsTheRoot(t *testing.T) {
	pairs := []struct{ root, transport reflect.Type }{
		{reflect.TypeFor[mackerel.CallOptions](), reflect.TypeFor[transport.Options]()},
		{reflect.TypeFor[mackerel.Attempt](), reflect.TypeFor[transport.Attempt]()},
	}
	for _, p := range pairs {
		check(t, p.root.String()+": fields", p.transport.NumField(), p.root.NumField())
		for i := range min(p.root.NumField(), p.transport.NumField()) {
			ours, theirs := p.root.Field(i), p.transport.Field(i)
			check(t, p.root.String()+": the name of a field", theirs.Name, ours.Name)
			check(t, ours.Name+": kind", theirs.Type.Kind(), ours.Type.Kind())
			if ours.Type.PkgPath() != reflect.TypeFor[mackerel.Attempt]().PkgPath() && ours.Name != "OnAttempt" {
				check(t, ours.Name+": type", theirs.Type, ours.Type)
			}
		}
	}
	hook := reflect.TypeFor[transport.Options]().Field(6).Type
	check(t, "parameters of OnAttempt", hook, reflect.TypeFor[func(context.Context, transport.Attempt)]())
}

func TestTheTransportMirrorsTheDeliveries(t *testing.T) {
	check(t, "AtLeastOnce", mackerel.Delivery(transport.AtLeastOnce), mackerel.AtLeastOnce)
	check(t, "AtMostOnce", mackerel.Delivery(transport.AtMostOnce), mackerel.AtMostOnce)
	check(t, "kind", reflect.TypeFor[transport.Delivery]().Kind(), reflect.TypeFor[mackerel.Delivery]().Kind())
}

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
	}, mackerel.AtMostOnce)
	r := post(t)
	r.Header = s.Header()()
	if _, err := s.Do(t.Context(), r); err == nil {
		t.Error("503 is no error")
	}
	check(t, "User-Agent", agent, "me/1")
	check(t, "timeout", timeLeft.Round(time.Minute), time.Hour)
	check(t, "attempts", len(attempts), 2)
	check(t, "provider, operation and number", attempts[1].Provider+" "+attempts[1].Op, "chatwork post message")
	check(t, "wait", attempts[0].Wait <= time.Millisecond, true)
}
