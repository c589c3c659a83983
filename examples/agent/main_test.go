package main

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/route"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

func nothing(string) string { return "" }

func TestTheDemonstrationTellsItsStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out, nil, nothing); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	rest := out.String()
	for _, line := range []string{
		"disk /", "load", "93%", "Slack answers 503", "Slack answers 503", "Slack answers 200",
		"told: [CRITICAL] Disk / % on app01", "requests: 4", "told: [OK] Disk / % on app01",
		"3. What the channel shows", "[CRITICAL] Disk / % on app01: 93%", "[OK]", "after 1m: 41%",
	} {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("%q is missing, or not in its place, in:\n%s", line, &out)
		}
		rest = after
	}
	if !strings.Contains(out.String(), "41%, while the alert is being repeated") {
		t.Errorf("the recovery is missing in:\n%s", &out)
	}
}

// A room is an agent, and the channel that it tells.
type room struct {
	*slacktest.Server
	values []string // of one minute each; the last stays; what is no number is an error
	began  time.Time
	every  time.Duration // how often it measures
	log    bytes.Buffer
	agent  *agent
}

func newRoom(t *testing.T, patience time.Duration, values string) *room {
	t.Helper()
	r := &room{Server: slacktest.New(), values: strings.Fields(values), began: time.Now(), every: time.Minute}
	t.Cleanup(r.Close)
	n, err := slack.New(r.MemoryConfig())
	if err != nil {
		t.Fatal(err)
	}
	p, err := route.Persist(n, patience)
	if err != nil {
		t.Fatal(err)
	}
	r.agent = newAgent("app01", p, log.New(&r.log, "", 0), check{"disk /", "Disk", 80, 90, r.measure})
	return r
}

func (r *room) measure() (float64, error) {
	minute := min(int(time.Since(r.began)/time.Minute), len(r.values)-1)
	return strconv.ParseFloat(r.values[minute], 64)
}

// run runs the agent for a time, and returns the statuses that the channel shows.
func (r *room) run(t *testing.T, d time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := r.agent.run(ctx, r.every, 10*time.Second); err != nil {
		t.Error(err)
	}
	var all []string
	for _, m := range r.Messages() {
		status, _, _ := strings.Cut(strings.TrimPrefix(m.Text, "["), "]")
		all = append(all, status)
	}
	return strings.Join(all, ",")
}

// The network is down from the first minute to the eleventh. What happens to the disk is in the values.
func TestTenMinutesWithoutANetwork(t *testing.T) {
	const down = "93 93 93 93 93 93 93 93 93 93 93 93 93 93"
	for name, test := range map[string]struct{ values, want string }{
		"an alert that stays open is told once":                        {"42 93", "CRITICAL"},
		"an alert that closes afterwards is told, and then its close":  {"42 " + down + " 42", "CRITICAL,OK"},
		"an alert that closes meanwhile is told, and then its close":   {"42 93 93 93 93 42", "CRITICAL,OK"},
		"of several states that come meanwhile, only the last is told": {"42 83 93 83 93 42", "WARNING,OK"},
		"an alert that opens again is not told again":                  {"42 93 42 93 42 93", "CRITICAL"},
		"an alert that gets worse is told twice":                       {"42 83 42 93", "WARNING,CRITICAL"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, time.Hour, test.values)
				r.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Times: -1})
				time.AfterFunc(11*time.Minute, r.Clear)
				if got := r.run(t, 30*time.Minute); got != test.want {
					t.Errorf("told %q, want %q\n%s", got, test.want, &r.log)
				}
			})
		})
	}
}

func TestAStateThatFails(t *testing.T) {
	once := fakehttp.Fault{Status: http.StatusForbidden}
	refused := fakehttp.Fault{Status: http.StatusTooManyRequests, Times: -1}
	unknown := fakehttp.Fault{Status: http.StatusBadGateway, Times: -1}
	noAnswer := fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection}
	for name, test := range map[string]struct {
		fault fakehttp.Fault
		want  string
	}{
		"is told after the next measurement":                         {once, "CRITICAL,OK"},
		"is not followed by its recovery, if it certainly was lost":  {refused, ""},
		"is followed by its recovery, if it may have been delivered": {unknown, "OK"},
		"is told twice, if only the answer was lost":                 {noAnswer, "CRITICAL,CRITICAL,OK"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, time.Second, "42 93 93 42")
				r.Inject(test.fault)
				time.AfterFunc(3*time.Minute-time.Second, r.Clear)
				if got := r.run(t, 10*time.Minute); got != test.want {
					t.Errorf("told %q, want %q\n%s", got, test.want, &r.log)
				}
			})
		})
	}
}

func TestAnInterruptGivesMessagesUnderWayTheirTime(t *testing.T) {
	for after, want := range map[time.Duration]string{5 * time.Second: "CRITICAL", time.Minute: ""} {
		synctest.Test(t, func(t *testing.T) {
			r := newRoom(t, time.Hour, "93")
			r.every = time.Second / 4
			r.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Times: -1})
			time.AfterFunc(after, r.Clear)
			start := time.Now()
			if got := r.run(t, time.Second); got != want || time.Since(start) > 12*time.Second {
				t.Errorf("told %q, want %q, in %v", got, want, time.Since(start))
			}
			lost := strings.Count(r.log.String(), "not told: [CRITICAL] Disk on app01")
			if wantLost := 1 - len(r.Messages()); lost != wantLost {
				t.Errorf("the log is\n%s", &r.log)
			}
		})
	}
}

func TestWhatCannotBeMeasuredIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, time.Hour, "42 ? 42")
		if got := r.run(t, 5*time.Minute); got != "UNKNOWN,OK" || !strings.Contains(r.Messages()[0].Text, "invalid syntax") {
			t.Errorf("told %q: %+v", got, r.Messages())
		}
	})
}

func TestAllStatesHaveOneKey(t *testing.T) {
	used := 42.0
	a := newAgent("app01", nil, nil, check{"disk /", "Disk", 80, 90, func() (float64, error) { return used, nil }})
	m, now := a.monitors[0], time.Now()
	key := m.alert.Key()
	for _, used = range []float64{93, 83, 42, 93} {
		now = now.Add(time.Minute)
		if m.look(now); m.alert.Key() != key || !m.alert.ChangedAt.Equal(now) || m.alert.Closed() != (used == 42) {
			t.Errorf("%v%%: %+v", used, m.alert)
		}
	}
	if !m.alert.OpenedAt.Equal(now) {
		t.Errorf("it opened again at %v, and the alert says %v", now, m.alert.OpenedAt)
	}
}

func TestAWrongCommandLine(t *testing.T) {
	var out bytes.Buffer
	args := strings.Fields("-interval 0 -disk-warning 95 -load-warning 9 -patience -1s x")
	err := run(t.Context(), &out, args, nothing)
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("%v", err)
	}
	const secret = "https://hooks.slack.com/services/T000/B000/secret"
	slackURL := func(string) string { return secret }
	err = run(t.Context(), &out, []string{"-disk", "/no/such/folder"}, slackURL)
	if err == nil || strings.Contains(err.Error()+out.String(), secret) {
		t.Errorf("%v\n%s", err, &out)
	}
}
