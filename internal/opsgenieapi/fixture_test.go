package opsgenieapi_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
	"github.com/mackerel-notify/mackerel/internal/opsgeniefake"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/opsgenie/opsgenietest"
)

// A fake is what the tests need of the two fakes.
type fake interface {
	servicetest.Fake
	http.Handler
	SetLimit(lane string, n int, per time.Duration)
	SetPending(times int)
}

// A notifier is what the tests need of the two notifiers.
type notifier interface {
	mackerel.Deliverer
	mackerel.Previewer
	fmt.Stringer
	Acknowledge(ctx context.Context, alias, note string) (mackerel.Receipt, error)
	AddNote(ctx context.Context, alias, note string) (mackerel.Receipt, error)
	CloseAlert(ctx context.Context, alias, note string) (mackerel.Receipt, error)
}

// A subject is a notifier and its fake, with their methods whose types differ between the packages.
type subject struct {
	notifier

	fake   fake
	send   func(opsgenieapi.Message) (mackerel.Receipt, error)
	status func(requestID string) (opsgenieapi.RequestStatus, error)
	alerts func() []opsgeniefake.Alert
}

// A product is one of the two packages.
type product struct {
	name   string
	key    string // that the fake knows
	base   string // the path of the API
	create func(opsgenieapi.Config) (notifier, error)
	// start returns a notifier that reaches its fake in memory, configured further by each of the functions.
	start          func(t testing.TB, configure ...func(*opsgenieapi.Config)) subject
	defaultMessage func(mackerel.Alert, mackerel.Text) opsgenieapi.Message
}

var products = []product{
	{
		name: "opsgenie", key: opsgenietest.APIKey, base: "/v2",
		create: func(c opsgenieapi.Config) (notifier, error) { return newOpsgenie(c) },
		start:  startOpsgenie,
		defaultMessage: func(a mackerel.Alert, t mackerel.Text) opsgenieapi.Message {
			return opsgenieapi.Message(opsgenie.DefaultMessage(a, t))
		},
	},
	{
		name: "jsm", key: jsmtest.APIKey, base: "/jsm/ops/integration/v2",
		create: func(c opsgenieapi.Config) (notifier, error) { return newJSM(c) },
		start:  startJSM,
		defaultMessage: func(a mackerel.Alert, t mackerel.Text) opsgenieapi.Message {
			return opsgenieapi.Message(jsm.DefaultMessage(a, t))
		},
	},
}

// each runs a test for both products.
func each(t *testing.T, test func(*testing.T, product)) {
	t.Helper()
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

// copyFields copies the fields of one configuration into those of another with the same names, except Edit.
func copyFields(to, from any) {
	source, target := reflect.ValueOf(from), reflect.ValueOf(to).Elem()
	for i := range source.NumField() {
		if name := source.Type().Field(i).Name; name != "Edit" {
			target.FieldByName(name).Set(source.Field(i))
		}
	}
}

func newOpsgenie(c opsgenieapi.Config) (*opsgenie.Notifier, error) {
	var config opsgenie.Config
	copyFields(&config, c)
	if c.Edit != nil {
		config.Edit = func(m *opsgenie.Message, a mackerel.Alert) error { return c.Edit((*opsgenieapi.Message)(m), a) }
	}
	return opsgenie.New(config)
}

func newJSM(c opsgenieapi.Config) (*jsm.Notifier, error) {
	var config jsm.Config
	copyFields(&config, c)
	if c.Edit != nil {
		config.Edit = func(m *jsm.Message, a mackerel.Alert) error { return c.Edit((*opsgenieapi.Message)(m), a) }
	}
	return jsm.New(config)
}

// configured returns the configuration of a fake with the changes.
func configured(memory any, configure []func(*opsgenieapi.Config)) (c opsgenieapi.Config) {
	copyFields(&c, memory)
	for _, f := range configure {
		f(&c)
	}
	return c
}

func startOpsgenie(t testing.TB, configure ...func(*opsgenieapi.Config)) subject {
	t.Helper()
	s := servicetest.Start(t, opsgenietest.New())
	n := servicetest.Make(t, newOpsgenie, configured(s.MemoryConfig(), configure))
	return subject{
		notifier: n, fake: s,
		send: func(m opsgenieapi.Message) (mackerel.Receipt, error) {
			return n.Send(t.Context(), opsgenie.Message(m))
		},
		status: func(requestID string) (opsgenieapi.RequestStatus, error) {
			status, err := n.RequestStatus(t.Context(), requestID)
			return opsgenieapi.RequestStatus(status), err
		},
		alerts: func() (all []opsgeniefake.Alert) {
			for _, a := range s.Alerts() {
				all = append(all, opsgeniefake.Alert(a))
			}
			return all
		},
	}
}

func startJSM(t testing.TB, configure ...func(*opsgenieapi.Config)) subject {
	t.Helper()
	s := servicetest.Start(t, jsmtest.New())
	n := servicetest.Make(t, newJSM, configured(s.MemoryConfig(), configure))
	return subject{
		notifier: n, fake: s,
		send: func(m opsgenieapi.Message) (mackerel.Receipt, error) {
			return n.Send(t.Context(), jsm.Message(m))
		},
		status: func(requestID string) (opsgenieapi.RequestStatus, error) {
			status, err := n.RequestStatus(t.Context(), requestID)
			return opsgenieapi.RequestStatus(status), err
		},
		alerts: func() (all []opsgeniefake.Alert) {
			for _, a := range s.Alerts() {
				all = append(all, opsgeniefake.Alert(a))
			}
			return all
		},
	}
}

// notify sends alerts one after the other and returns what they have come to.
func notify(t *testing.T, p product, alerts []mackerel.Alert, configure ...func(*opsgenieapi.Config)) []opsgeniefake.Alert {
	t.Helper()
	s := p.start(t, configure...)
	for _, a := range alerts {
		if err := s.Notify(t.Context(), a); err != nil {
			t.Fatalf("%v: %q", err, s.fake.Problems())
		}
	}
	return s.alerts()
}

// send sends messages one after the other, and returns the last alert and the last receipt.
func send(t *testing.T, p product, messages ...opsgenieapi.Message) (opsgeniefake.Alert, mackerel.Receipt) {
	t.Helper()
	s := p.start(t)
	var receipt mackerel.Receipt
	for _, m := range messages {
		var err error
		if receipt, err = s.send(m); err != nil {
			t.Fatalf("%v: %q", err, s.fake.Problems())
		}
	}
	return servicetest.Last(t, s.fake, s.alerts()), receipt
}

// alerts returns one alert with each status in turn.
func alerts(statuses ...mackerel.Status) []mackerel.Alert {
	var all []mackerel.Alert
	for _, status := range statuses {
		all = append(all, mackerel.Alert{
			ID: "5A", Status: status, Monitor: mackerel.Monitor{Name: "CPU %"}, Host: &mackerel.Host{Name: "app01"},
		})
	}
	return all
}
