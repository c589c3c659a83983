package route_test

import (
	"context"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/route"
)

// A previewed notifier shows what it would send.
type previewed struct{ script }

func (*previewed) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	return &mackerel.Preview{Skipped: "preview of " + a.ID}, nil
}

func TestPreviewIsThatOfTheNotifierInside(t *testing.T) {
	p, err := persist(t, time.Hour, &previewed{}).Preview(alert)
	if err != nil || p.Skipped != "preview of 5A" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, n := range []mackerel.Notifier{&script{}, mackerel.Multi(&previewed{}, &previewed{})} {
		p, err := persist(t, time.Hour, n).Preview(alert)
		if e := servicetest.AsError(t, err, mackerel.ErrUnsupported); p != nil || e.Provider != "route" {
			t.Errorf("%+v, %+v", p, e)
		}
	}
}

func TestTheNameIsThatOfTheNotifierInside(t *testing.T) {
	plain := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return nil })
	var pointer *script
	for want, n := range map[string]mackerel.Notifier{
		"chatwork room 7":       &script{name: "chatwork room 7"},
		"mackerel.NotifierFunc": plain,
		"a, b, nil, nil":        mackerel.Multi(&script{name: "a"}, mackerel.Multi(&script{name: "b"}, nil), pointer),
		"mackerel.multi":        mackerel.Multi(),
		"room":                  persist(t, time.Hour, &script{name: "room"}),
	} {
		if got := persist(t, time.Hour, n).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAReceiptOfANotifierWithoutReceiptsHasTheTime(t *testing.T) {
	n := mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return nil })
	receipt, err := persist(t, time.Hour, n).Deliver(t.Context(), alert)
	if err != nil || receipt.Provider != "" || receipt.Attempts != 0 || receipt.Duration <= 0 {
		t.Errorf("%v, %+v", err, receipt)
	}
}

func TestTheZeroValueIsAnError(t *testing.T) {
	var n route.Notifier
	_ = servicetest.AsError(t, n.Notify(t.Context(), alert), mackerel.ErrConfig)
	_, err := n.Preview(alert)
	_ = servicetest.AsError(t, err, mackerel.ErrConfig)
	if n.String() != "nil" {
		t.Errorf("the name is %q", n.String())
	}
}
