package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestTheTourTellsItsStory(t *testing.T) {
	var out bytes.Buffer
	tour := tour{out: &out, opened: "../../testdata/webhook/alert-host.json", closed: "../../testdata/webhook/alert-host-recovered.json"}
	if err := tour.run(t.Context(), func(string) string { return "" }); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	rest := out.String()
	for _, line := range []string{
		"created slack", "carrier-pigeon", "is now \"quickstart mail, renamed\"", "deleted", "[CRITICAL] CPU % on app01",
		"delivered, as message 1", "hipchat room ops", "| [info][title][CRITICAL] CPU % on app01[/title]96.5% > 90% (3-point average)",
		"[OK] CPU % on app01, under the same key mackerel-5AlertId001", "HipChat answers 503 to 3 requests", "repeats the call to HipChat", "and 5 requests",
	} {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("%q is missing, or not in its place, in:\n%s", line, &out)
		}
		rest = after
	}
}

func TestTheTourRefusesARoomThatIsNoNumber(t *testing.T) {
	tour := tour{out: new(bytes.Buffer)}
	err := tour.run(t.Context(), func(name string) string { return map[string]string{"CHATWORK_ROOM_ID": "ops"}[name] })
	if err == nil || !strings.Contains(err.Error(), "CHATWORK_ROOM_ID") {
		t.Errorf("got %v", err)
	}
}
