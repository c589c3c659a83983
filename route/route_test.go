package route_test

import (
	"context"
	"testing"
	"testing/synctest"
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

// The receipt of a Multi says that the alert was skipped if all have skipped it.
func TestTheReceiptOfAMulti(t *testing.T) {
	skips := func(monitor string) mackerel.Notifier {
		return must(t)(route.Match(new(bell), route.Rule{Monitors: []string{monitor}}))
	}
	hosts := must(t)(route.Match(new(bell), route.Rule{Hosts: []string{"x"}}))
	for _, tt := range []struct {
		name    string
		all     mackerel.Notifier
		skipped string
	}{
		{"all skip for one reason", mackerel.Multi(skips("x"), skips("y")), "another monitor"},
		{"all skip for two reasons", mackerel.Multi(skips("x"), hosts), "another monitor; another host"},
		{"one skips, one tells", mackerel.Multi(skips("x"), &bell{takes: time.Second}), ""},
		{"one tells, one skips", mackerel.Multi(&bell{takes: time.Second}, skips("x")), ""},
		{"one skips, one fails", mackerel.Multi(skips("x"), &bell{takes: time.Second, fail: invalid}), ""},
		{"no Multi", &bell{takes: time.Second}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := must(t)(route.Match(tt.all, route.Rule{Statuses: []mackerel.Status{"critical"}}))
				r, _ := n.Deliver(t.Context(), incident("1", "critical"))
				if r.Skipped != tt.skipped || (r.Duration == time.Second) != (tt.skipped == "") {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

func TestThePreviewOfMatchHasWhatMatches(t *testing.T) {
	n := must(t)(route.Match(new(shown), route.Rule{Statuses: []mackerel.Status{"critical"}}))
	p, err := n.Preview(mackerel.Digest([]mackerel.Alert{incident("1", "critical"), incident("2", "warning"), incident("3", "critical")}))
	if err != nil || len(p.Requests) != 1 || p.Requests[0].Body != "[CRITICAL] 2 alerts: 2 CRITICAL" {
		t.Errorf("%+v, %v", p, err)
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
	var none *route.Notifier
	_, err = none.Preview(alert)
	_ = servicetest.AsError(t, err, mackerel.ErrConfig)
	if none.String() != "nil" {
		t.Errorf("the name is %q", none.String())
	}
}
