package main

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

func start(t *testing.T) (*fanout, *bytes.Buffer) {
	t.Helper()
	services, err := newServices()
	t.Cleanup(services.close)
	if err != nil {
		t.Fatal(err)
	}
	out := new(bytes.Buffer)
	return &fanout{out: out, services: services}, out
}

// names are the services in the order of the table.
var names = []string{
	"chatwork", "hipchat", "slack", "teams", "line", "typetalk", "twilio", "pagerduty", "opsgenie", "jsm", "webhook",
	"email", "eventbridge",
}

func TestTheFanOutTellsItsStory(t *testing.T) {
	t.Parallel()
	f, out := start(t)
	if err := f.run(t.Context(), newAlert()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rest := out.String()
	for _, line := range []string{
		"One alert, 13 services", "[CRITICAL] CPU % on app01", "SERVICE", "chatwork     delivered", "hipchat      delivered", "memo cut from",
		"twilio       queued     CA", "pagerduty    delivered", "13 of 13 have it", "pagerduty failed at first", "4 attempts in all",
		"What the services have now", "Each has one message",
	} {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("%q is missing, or not in its place, in:\n%s", line, out)
		}
		rest = after
	}
}

func TestEveryServiceHasOneMessageAndOnlyTheServiceThatFailedIsCalledAgain(t *testing.T) {
	t.Parallel()
	f, out := start(t)
	if err := f.run(t.Context(), newAlert()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, s := range f.services {
		if n := s.fake.Accepted(); n != 1 {
			t.Errorf("%v has %d messages", s.notifier, n)
		}
		fake, overHTTP := s.fake.(interface{ Requests() []fakehttp.Request })
		if !overHTTP {
			continue
		}
		want := 1
		if _, failed := s.fake.(*pagerdutytest.Server); failed {
			want = 4 // three are refused, and the fourth is accepted
		}
		if n := len(fake.Requests()); n != want {
			t.Errorf("%v got %d requests, want %d", s.notifier, n, want)
		}
	}
}

func TestTheTableIsStraightAndComplete(t *testing.T) {
	t.Parallel()
	f, out := start(t)
	notifiers, err := f.services.persistent(patience)
	if err != nil {
		t.Fatal(err)
	}
	f.table(mackerel.DeliverAll(t.Context(), newAlert(), notifiers...))
	table, _, _ := strings.Cut(out.String(), "\n\n")
	lines := strings.Split(table, "\n")
	before, _, _ := strings.Cut(lines[0], "TIME")
	edge := len(before + "TIME") // the numbers stand flush to the right
	var got []string
	for _, line := range lines[1:] {
		r := []rune(line)
		got = append(got, strings.Fields(line)[0])
		if len(r) < edge || !strings.HasSuffix(string(r[:edge]), " ms") || len(r) > 120 {
			t.Errorf("this line is crooked or too long: %s", line)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("got %q", got)
	}
}

func TestAFailureThatWillStayIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	f, out := start(t)
	var fake *slacktest.Server
	for _, s := range f.services {
		if slack, is := s.fake.(*slacktest.Server); is {
			fake = slack
		}
	}
	fake.Inject(fakehttp.Fault{Status: http.StatusForbidden, Body: "invalid_token", Times: -1})
	err := f.run(t.Context(), newAlert())
	if !errors.Is(err, mackerel.ErrUnauthorized) || errors.Is(err, mackerel.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if n := len(fake.Requests()); n != 1 {
		t.Errorf("Slack got %d requests", n)
	}
	if !strings.Contains(out.String(), "12 of 13 have it") || strings.Contains(out.String(), "Each has one message") {
		t.Errorf("it does not say that a service has no message:\n%s", out)
	}
	for _, s := range f.services {
		if _, refused := s.fake.(*slacktest.Server); !refused && s.fake.Accepted() != 1 {
			t.Errorf("%v has %d messages", s.notifier, s.fake.Accepted())
		}
	}
}

func TestAServiceWithoutAMessageIsAnError(t *testing.T) {
	f, out := start(t)
	err := f.count() // before anything was sent
	if err == nil || !strings.Contains(err.Error(), "chatwork room") || strings.Contains(out.String(), "Each has one message") {
		t.Errorf("got %v and:\n%s", err, out)
	}
}

func TestARowSaysInAWordWhatBecameOfIt(t *testing.T) {
	cut := []mackerel.Cut{{Field: "memo", Unit: "runes", From: 9, To: 5}, {Field: "facts", Unit: "runes", From: 3, To: 1}}
	for name, test := range map[string]struct {
		result          mackerel.Result
		status, remarks string
	}{
		"delivered and whole":     {mackerel.Result{}, "delivered", ""},
		"delivered, shortened":    {mackerel.Result{Receipt: mackerel.Receipt{Cuts: cut}}, "delivered", "memo and facts cut from 12 to 6 runes"},
		"cut in two units":        {mackerel.Result{Receipt: mackerel.Receipt{Cuts: append(cut, mackerel.Cut{Field: "facts", Unit: "items", From: 9, To: 8})}}, "delivered", "memo and facts cut from 12 to 6 runes, facts cut from 9 to 8 items"},
		"taken by the service":    {mackerel.Result{Receipt: mackerel.Receipt{Queued: true}}, "queued", ""},
		"not meant for it":        {mackerel.Result{Receipt: mackerel.Receipt{Skipped: "no call on recovery"}}, "skipped", "no call on recovery"},
		"refused":                 {mackerel.Result{Err: &mackerel.Error{Kind: mackerel.ErrNotFound}}, "FAILED", "not found"},
		"failed in some own way":  {mackerel.Result{Err: errors.New("no such file")}, "FAILED", ""},
		"failed after shortening": {mackerel.Result{Receipt: mackerel.Receipt{Cuts: cut}, Err: &mackerel.Error{Kind: mackerel.ErrInvalid}}, "FAILED", "invalid request"},
	} {
		t.Run(name, func(t *testing.T) {
			if s, r := status(test.result), remarks(test.result); s != test.status || r != test.remarks {
				t.Errorf("got %q and %q", s, r)
			}
		})
	}
}
