package eventbridge_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// digest returns the digest of so many critical alerts whose memos have so many bytes.
func digest(n, memo int) mackerel.Alert {
	alerts := make([]mackerel.Alert, n)
	for i := range alerts {
		alerts[i] = mackerel.Alert{
			ID: strconv.Itoa(1_000_000 + i), Status: mackerel.StatusCritical,
			Monitor: mackerel.Monitor{Name: "disk", Memo: strings.Repeat("m", memo)},
		}
	}
	return mackerel.Digest(alerts)
}

func TestADigestIsPutWithAllItsAlerts(t *testing.T) {
	var alerts []mackerel.Alert
	for _, s := range sample.Alerts() {
		if s.Alert.Event != mackerel.EventDigest {
			alerts = append(alerts, s.Alert)
		}
	}
	e, r := notify(t, mackerel.Digest(alerts))
	got := parse(t, e.Detail)
	if len(got.Alerts) != len(alerts) || len(r.Cuts) != 0 {
		t.Fatalf("%d of %d alerts, %+v", len(got.Alerts), len(alerts), r.Cuts)
	}
	for i, a := range got.Alerts {
		if a.Title() != alerts[i].Title() || a.Message != alerts[i].Message || a.ImageURL != alerts[i].ImageURL {
			t.Errorf("%q arrived as %q", alerts[i].Title(), a.Title())
		}
	}
}

func TestAHugeDigestLosesItsLastAlerts(t *testing.T) {
	for _, limit := range []int{0, 20_000, 20_001, 20_002} {
		d := digest(5000, 2000)
		e, r := notify(t, d, func(c *eventbridge.Config) { c.MaxEntry = limit })
		kept := parse(t, e.Detail).Alerts
		if want := (mackerel.Cut{Field: "alerts", Unit: "items", From: 5000, To: len(kept)}); len(r.Cuts) != 1 || r.Cuts[0] != want {
			t.Errorf("%d alerts are left: %+v", len(kept), r.Cuts)
		}
		for i, a := range kept {
			if a.ID != d.Alerts[i].ID || a.Monitor.Memo != d.Alerts[i].Monitor.Memo {
				t.Errorf("the alert %d is %s with a memo of %d bytes", i, a.ID, len(a.Monitor.Memo))
			}
		}
		one, err := d.Alerts[0].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if limit == 0 {
			limit = 999_999
		}
		if got := size(e); got > limit || got+len(one)+len(",") <= limit {
			t.Errorf("%d bytes were put, and an alert has %d", got, len(one))
		}
		if len(d.Alerts) != 5000 || d.Alerts[0].Monitor.Memo != strings.Repeat("m", 2000) {
			t.Error("the caller's alert was changed")
		}
	}
}

func TestADigestMayBeAsLargeAsTheLimit(t *testing.T) {
	d := digest(3, 1000)
	e, _ := notify(t, d)
	for less, want := range []int{3, 2} {
		e, r := notify(t, d, func(c *eventbridge.Config) { c.MaxEntry = size(e) - less })
		if kept := parse(t, e.Detail).Alerts; len(kept) != want || len(r.Cuts) != less {
			t.Errorf("%d bytes less than it has: %d alerts, %+v", less, len(kept), r.Cuts)
		}
	}
}

func TestALongAlertDoesNotTakeTheRoomOfTheOthers(t *testing.T) {
	d := digest(40, 500)
	d.Alerts[0].Monitor.Memo = strings.Repeat("障", 1_000_000)
	e, r := notify(t, d)
	kept := parse(t, e.Detail).Alerts
	if len(kept) != 40 || len(r.Cuts) != 1 || r.Cuts[0].Field != "alerts" || r.Cuts[0].Unit != "bytes" || r.Cuts[0].From < 3_000_000 {
		t.Fatalf("%d alerts, %+v", len(kept), r.Cuts)
	}
	whole, err1 := d.Alerts[0].MarshalJSON()
	short, err2 := kept[0].MarshalJSON()
	if err1 != nil || err2 != nil || r.Cuts[0].From != len(whole) || r.Cuts[0].To != len(short) {
		t.Errorf("%+v; the alert had %d bytes and has %d; %v, %v", r.Cuts, len(whole), len(short), err1, err2)
	}
	if memo := kept[0].Monitor.Memo; !strings.HasSuffix(memo, "障…") || len(memo) < 490_000 || kept[39].Monitor.Memo != d.Alerts[39].Monitor.Memo {
		t.Errorf("the memos have %d and %d bytes", len(memo), len(kept[39].Monitor.Memo))
	}
}

// If the texts of an alert cannot be cut enough, the alert and those after it are left out.
func TestADigestFitsWhateverItsAlertsHave(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	for name, change := range map[string]func(*mackerel.Alert){
		"the address of an image": func(d *mackerel.Alert) { d.Alerts[1].ImageURL = "https://x.test/" + long },
		"texts of the digest":     func(d *mackerel.Alert) { d.Message = long },
		"digests":                 func(d *mackerel.Alert) { d.Alerts[1] = digest(2000, 1000) },
	} {
		d := digest(3, 10)
		change(&d)
		e, r := notify(t, d)
		if got := parse(t, e.Detail); size(e) > 999_999 || len(got.Alerts) > 1 || len(r.Cuts) == 0 || r.Cuts[len(r.Cuts)-1].From != 3 {
			t.Errorf("%s: %d bytes, %d alerts, %+v", name, size(e), len(got.Alerts), r.Cuts)
		}
	}
}

// Only a digest has alerts.
func TestAlertsOfAnotherEventAreNotPut(t *testing.T) {
	d := digest(5000, 2000)
	d.Event = mackerel.EventAlert
	if e, r := notify(t, d); len(r.Cuts) != 0 || strings.Contains(e.Detail, `"alerts"`) {
		t.Errorf("%d bytes, %+v", len(e.Detail), r.Cuts)
	}
}
