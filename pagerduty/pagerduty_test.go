package pagerduty_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, pagerdutytest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.BaseURL, config.Call = e.BaseURL+"/v2", e.Call()
				return servicetest.Make(t, pagerduty.New, config)
			},
			Fake:    fake,
			Secrets: []string{pagerdutytest.RoutingKey},
			Dedups:  true,
		}
	})
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
		return start(t, func(c *pagerduty.Config) { c.Text = text })
	}))
}

func TestConfigurations(t *testing.T) {
	key := func(s string) pagerduty.Config { return pagerduty.Config{RoutingKey: mackerel.NewSecret(s)} }
	wrong := []string{"RoutingKey: must be an integration key: 32 letters and digits"}
	servicetest.Configs(t, pagerduty.New, "secret-key", []servicetest.ConfigCase[pagerduty.Config]{
		{Name: "32 letters and digits are enough", Config: key(strings.Repeat("aZ09", 8))},
		{Name: "a key is required", Config: key(""), Want: []string{"RoutingKey: required"}},
		{Name: "31 characters are no key", Config: key(strings.Repeat("a", 31)), Want: wrong},
		{Name: "33 characters are no key", Config: key(strings.Repeat("a", 33)), Want: wrong},
		{Name: "a dash is not in a key", Config: key(strings.Repeat("a", 31) + "-"), Want: wrong},
		{Name: "a line break is not in a key", Config: key(strings.Repeat("a", 31) + "\n"), Want: wrong},
		{Name: "an address is that of the API", Config: pagerduty.Config{
			RoutingKey: mackerel.NewSecret(strings.Repeat("a", 32)), BaseURL: pagerduty.EUBaseURL + "/enqueue/",
		}, Want: []string{"BaseURL: must be without the last part, /enqueue"}},
		{Name: "all problems are told at once, in the order of the fields", Config: pagerduty.Config{
			RoutingKey: mackerel.NewSecret("secret-key"),
			Severities: map[mackerel.Status]pagerduty.Severity{"critical": "fatal", "ok": "info", "warning": ""},
			BaseURL:    "ftp://x", Level: "loud", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxAttempts: -1},
		}, Want: []string{
			wrong[0], `Severities[critical]: must be "critical", "error", "warning" or "info"`, "Severities[warning]: required",
			"BaseURL: ", "Level: ", "Text.Language: ", "Call.MaxAttempts: ",
		}},
	})
}

func TestAddresses(t *testing.T) {
	for base, want := range map[string]string{
		"":                  "https://events.pagerduty.com/v2/enqueue",
		pagerduty.EUBaseURL: "https://events.eu.pagerduty.com/v2/enqueue",
		"http://proxy/pd/":  "http://proxy/pd/enqueue",
		"http://proxy":      "http://proxy/v2/enqueue",
		"http://proxy/":     "http://proxy/v2/enqueue",
	} {
		_, n := start(t, func(c *pagerduty.Config) { c.BaseURL = base })
		if p, err := n.Preview(mackerel.Alert{}); err != nil || p.Requests[0].URL != want {
			t.Errorf("%v, %+v; want %s", err, p, want)
		}
	}
}

// TestAnAlertIsOneIncident follows an alert from its opening to its end.
func TestAnAlertIsOneIncident(t *testing.T) {
	fake, n := start(t)
	for _, a := range alerts("warning", "CRITICAL", "warning", "ok") {
		r, err := n.Deliver(t.Context(), a)
		if err != nil || r.ID != "mackerel-5A" || r.Provider != "pagerduty" || r.Queued || r.Attempts != 1 {
			t.Fatalf("%s: %v, %+v", a.Status, err, r)
		}
	}
	all := fake.Incidents(pagerdutytest.RoutingKey)
	if len(all) != 1 || all[0].Key != "mackerel-5A" || all[0].Status != pagerdutytest.Resolved || len(all[0].Events) != 4 {
		t.Fatalf("%+v", all)
	}
	events := all[0].Events
	if got := events[0].Payload.Severity + " " + events[1].Payload.Severity; got != "warning critical" {
		t.Error(got)
	}
	if events[3].Payload != nil || events[3].EventAction != "resolve" {
		t.Errorf("%+v", events[3])
	}
}

func TestRecoveries(t *testing.T) {
	statuses := alerts("warning", "critical", "warning", "ok")
	all := notify(t, statuses, func(c *pagerduty.Config) { c.Level = mackerel.LevelCritical })
	if len(all) != 1 || all[0].Status != pagerdutytest.Resolved || len(all[0].Events) != 2 {
		t.Errorf("of critical alerts only: %+v", all)
	}
	all = notify(t, statuses, func(c *pagerduty.Config) { c.KeepOpen = true })
	if len(all) != 1 || all[0].Status != pagerdutytest.Triggered || len(all[0].Events) != 3 {
		t.Errorf("with KeepOpen: %+v", all)
	}
}

func TestAlertsMadeByHandAreIncidentsOfTheirOwn(t *testing.T) {
	fake, n := start(t)
	for _, message := range []string{"backup failed", "disk full", "backup failed"} {
		if err := n.Notify(t.Context(), mackerel.Alert{Status: "critical", Message: message}); err != nil {
			t.Fatal(err)
		}
	}
	if all := fake.Incidents(pagerdutytest.RoutingKey); len(all) != 2 || len(all[0].Events) != 2 {
		t.Errorf("%+v", all)
	}
	err := n.Notify(t.Context(), mackerel.Alert{Status: "ok", Message: "backup failed"})
	if e := servicetest.AsError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Error(), "Alert.ID") {
		t.Errorf("the close: %v", e)
	}
}

func TestAGroupIsAnIncidentOfItsOwn(t *testing.T) {
	group := mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "WARNING", Group: &mackerel.AlertGroup{ID: "5A", Name: "db"}}
	over := group
	over.Status = "OK"
	all := notify(t, append(alerts("critical"), group, over))
	if len(all) != 2 || all[0].Status != pagerdutytest.Triggered || all[1].Status != pagerdutytest.Resolved || all[1].Key != "mackerel-group-5A" {
		t.Errorf("%+v", all)
	}
}

func TestAcknowledgeAndResolve(t *testing.T) {
	fake, n := start(t)
	if err := n.Notify(t.Context(), alerts("critical")[0]); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func() (mackerel.Receipt, error)
		want pagerdutytest.Status
	}{
		{func() (mackerel.Receipt, error) { return n.Acknowledge(t.Context(), "mackerel-5A") }, pagerdutytest.Acknowledged},
		{func() (mackerel.Receipt, error) { return n.Resolve(t.Context(), "mackerel-5A") }, pagerdutytest.Resolved},
	} {
		if r, err := step.do(); err != nil || r.ID != "mackerel-5A" {
			t.Fatalf("%v, %+v", err, r)
		}
		if i := servicetest.Last(t, fake, fake.Incidents(pagerdutytest.RoutingKey)); i.Status != step.want {
			t.Errorf("%s, want %s", i.Status, step.want)
		}
	}
	if _, err := n.Resolve(t.Context(), "another"); err != nil || fake.Dropped() != 1 {
		t.Errorf("%v, %d dropped", err, fake.Dropped())
	}
}

func TestEditSeesTheSeverityOfTheConfigAndMayChangeIt(t *testing.T) {
	all := notify(t, alerts("critical", "warning"), func(c *pagerduty.Config) {
		c.Severities = map[mackerel.Status]pagerduty.Severity{"Critical": pagerduty.SeverityInfo}
		c.Edit = func(m *pagerduty.Message, _ mackerel.Alert) error {
			m.Class, m.Severity = string(m.Severity), pagerduty.SeverityError
			return nil
		}
	})
	for i, class := range []string{"info", "warning"} {
		if p := all[0].Events[i].Payload; p.Class != class || p.Severity != "error" {
			t.Errorf("%+v, want the class %s", p, class)
		}
	}
}

func TestAnswers(t *testing.T) {
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *pagerduty.Config) { c.Call.MaxAttempts = 1 })
	}, []servicetest.Answer{
		{Name: "success", Status: 202, Body: `{"status":"success","message":"Event processed","dedup_key":"k"}`},
		{Name: "an invalid event", Status: 400, Body: `{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}`, Kind: mackerel.ErrInvalid, Code: "invalid event", Message: "Event object is invalid: Invalid routing key"},
		{Name: "several problems", Status: 400, Body: `{"status":"invalid event","message":"m","errors":["a","b"]}`, Kind: mackerel.ErrInvalid, Code: "invalid event", Message: "m: a, b"},
		{Name: "a page of a proxy", Status: 400, Body: `<html>`, Kind: mackerel.ErrInvalid},
		{Name: "a 200 is not success", Status: 200, Body: `{"status":"success","message":"m"}`, Kind: mackerel.ErrUnavailable, Code: "success", Message: "m"},
		{Name: "a 202 with another status is not success", Status: 202, Body: `{"status":"queued"}`, Kind: mackerel.ErrUnavailable, Code: "queued"},
		{Name: "a 202 of a proxy is not success", Status: 202, Body: `<html>`, Kind: mackerel.ErrUnavailable},
		{Name: "a failure", Status: 500, Body: `{"status":"internal","message":"oops"}`, Kind: mackerel.ErrUnavailable, Code: "internal", Message: "oops"},
	})
}

func TestAnUnknownKeyIsRefused(t *testing.T) {
	_, n := start(t, func(c *pagerduty.Config) { c.RoutingKey = mackerel.NewSecret(strings.Repeat("e", 32)) })
	e := servicetest.AsError(t, n.Notify(t.Context(), alerts("critical")[0]), mackerel.ErrInvalid)
	if !strings.Contains(e.Message, "Invalid routing key") || e.Op != "trigger event" || e.Attempts != 1 {
		t.Errorf("%+v", e)
	}
}

func TestWaitsAfterA429(t *testing.T) {
	for _, c := range []struct {
		name        string
		maxWait     time.Duration
		header      http.Header
		took, after time.Duration // the call, and the wait that the error asks for
		kind        error
	}{
		{"the advised wait is longer than MaxWait is by default", 0, nil, 0, 30 * time.Second, mackerel.ErrRateLimited},
		{"with a longer MaxWait the call waits", 30 * time.Second, nil, 30 * time.Second, 0, nil},
		{"the wait that PagerDuty asks for comes first", 0, http.Header{"Retry-After": {"3"}}, 3 * time.Second, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, n := start(t, func(config *pagerduty.Config) { config.Call.MaxWait = c.maxWait })
				fake.Inject(fakehttp.Fault{Status: 429, Header: c.header, Body: "Request Limit Exceeded"})
				r, err := n.Deliver(t.Context(), alerts("critical")[0])
				if after, _ := mackerel.Retry(err); after != c.after || r.Duration != c.took || !errors.Is(err, c.kind) {
					t.Errorf("%v, %+v", err, r)
				}
			})
		})
	}
}

func TestLostAnswers(t *testing.T) {
	for _, c := range []struct {
		name      string
		key       string
		delivery  mackerel.Delivery
		kind      error
		requests  int
		incidents int
	}{
		{"with a key at most once", "k", mackerel.AtMostOnce, nil, 2, 1},
		{"with a key at least once", "k", mackerel.AtLeastOnce, nil, 2, 1},
		{"without a key at most once", "", mackerel.AtMostOnce, mackerel.ErrAmbiguous, 1, 1},
		{"without a key by default", "", 0, nil, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, n := start(t, func(config *pagerduty.Config) { config.Call.Delivery = c.delivery })
				fake.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
				r, err := n.Send(t.Context(), pagerduty.Message{Key: c.key, Title: "T"})
				got := len(fake.Incidents(pagerdutytest.RoutingKey))
				if !errors.Is(err, c.kind) || r.Attempts != c.requests || got != c.incidents {
					t.Errorf("%v, %+v, %d incidents", err, r, got)
				}
			})
		})
	}
}

// TestACloseWaitsForTheOpening lets the first request fail: the incident must not be opened after it was resolved.
func TestACloseWaitsForTheOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, func(c *pagerduty.Config) { c.Call.Pace = mackerel.Pace{} })
		fake.Inject(fakehttp.Fault{Status: 503})
		var sent sync.WaitGroup
		for _, a := range alerts("critical", "ok") {
			sent.Go(func() {
				if err := n.Notify(t.Context(), a); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // so that the order of the calls is known
		}
		sent.Wait()
		incidents := fake.Incidents(pagerdutytest.RoutingKey)
		if len(incidents) != 1 || incidents[0].Status != pagerdutytest.Resolved || len(incidents[0].Events) != 2 {
			t.Errorf("%+v", incidents)
		}
	})
}

func TestTheReceiptHasTheKeyThatPagerDutyHasMade(t *testing.T) {
	if e, r := send(t, pagerduty.Message{Title: "T"}); r.ID == "" || r.ID != e.DedupKey {
		t.Errorf("%+v, want %s", r, e.DedupKey)
	}
	fake, n := start(t)
	fake.Inject(fakehttp.Fault{Status: 202, Body: `{"status":"success","dedup_key":"` + pagerdutytest.RoutingKey + `"}`})
	if r, err := n.Send(t.Context(), pagerduty.Message{Title: "T"}); err != nil || r.ID != "[redacted]" {
		t.Errorf("a secret comes back: %v, %+v", err, r)
	}
}

// TestIncidentsAreKeyed: package route must not hold or join their alerts.
func TestIncidentsAreKeyed(t *testing.T) {
	if _, n := start(t); !n.Keyed() {
		t.Error("it is not keyed")
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m pagerduty.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]pagerduty.Message{
		"Title: required": {Key: "k"},
		"Key: required":   {Action: pagerduty.ActionAcknowledge},
		`Action: must be "trigger", "acknowledge" or "resolve"`:                                                                          {Action: "snooze", Title: "T"},
		`Severity: must be "critical", "error", "warning" or "info"`:                                                                     {Title: "T", Severity: "fatal"},
		"Key: 256 characters, and at most 255 are allowed; Title: required":                                                              {Title: " \u3000\n\x15", Key: strings.Repeat("障", 256)},
		`Key: required (the close of an alert without names needs Alert.ID); Severity: must be "critical", "error", "warning" or "info"`: {Action: pagerduty.ActionResolve, Severity: "bad"},
	})
	_, err := n.Resolve(t.Context(), "")
	if e := servicetest.AsError(t, err, mackerel.ErrInvalid); e.Op != "resolve event" {
		t.Errorf("%+v", e)
	}
	send(t, pagerduty.Message{Title: "T", Key: strings.Repeat("障", 255)})
}
