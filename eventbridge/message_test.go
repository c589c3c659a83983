package eventbridge_test

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// The form of https://mackerel.io/docs/entry/howto/alerts/eventbridge.
func TestTheDetailOfMackerelsOwnEventComesOutAgain(t *testing.T) {
	body, err := os.ReadFile("../testdata/webhook/alert-eventbridge.json")
	if err != nil {
		t.Fatal(err)
	}
	e, _ := notify(t, parse(t, string(body)))
	if want := strings.TrimSpace(string(body)); e.Detail != want {
		t.Errorf("got  %s\nwant %s", e.Detail, want)
	}
}

func TestTheDetailIsTheWebhookWithoutWhatEventsDoNotHave(t *testing.T) {
	onEC2 := func(c *eventbridge.Config) { c.ResourceInfo = onEC2 }
	e, _ := notify(t, parse(t, `{"orgName":"acme","event":"alert","type":"check","message":"<LOG> & 7","memo":"x","user":null,
		"imageUrl":"https://example.com/x.png","host":{"id":"4H"},"future":[1.0],"alert":{"id":"5A","status":"critical"}}`), onEC2)
	const want = `{"orgName":"acme","event":"alert","message":"<LOG> & 7","memo":"x","host":{"id":"4H"},"future":[1.0],` +
		`"alert":{"id":"5A","status":"critical"},"resourceInfo":{"service":"ec2","region":"ap-northeast-1","accountId":null,` +
		`"resourceType":"instance","resourceId":"i-0123456789abcdef0"}}`
	if e.Detail != want {
		t.Errorf("got  %s\nwant %s", e.Detail, want)
	}
	e, _ = notify(t, mackerel.Alert{Status: "ok", User: &mackerel.User{ScreenName: "hanako"}}, onEC2)
	d := detail(t, e)
	_, message := d["message"]
	_, info := d["resourceInfo"]
	if message || info || d["user"] == nil {
		t.Errorf("got %v", d)
	}
}

func TestAResourceThatIsKnownReplacesTheReceivedOne(t *testing.T) {
	a := parse(t, `{"event":"alert","resourceInfo":{"resourceId":"i-old"},"alert":{}}`)
	if e, _ := notify(t, a); !strings.Contains(e.Detail, `"resourceInfo":{"resourceId":"i-old"}`) {
		t.Errorf("got %s", e.Detail)
	}
	e, _ := notify(t, a, func(c *eventbridge.Config) {
		c.ResourceInfo = func(mackerel.Alert) *eventbridge.ResourceInfo { return &eventbridge.ResourceInfo{ResourceID: "i-new"} }
	})
	if strings.Count(e.Detail, "resourceInfo") != 1 || !strings.Contains(e.Detail, "i-new") {
		t.Errorf("got %s", e.Detail)
	}
}

func TestTheTimeIsThatOfTheLastChange(t *testing.T) {
	opened := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		alert mackerel.Alert
		want  time.Time
	}{
		{mackerel.Alert{OpenedAt: opened}, opened},
		{mackerel.Alert{OpenedAt: opened, ClosedAt: opened.Add(time.Hour)}, opened.Add(time.Hour)},
		{mackerel.Alert{ClosedAt: opened, ChangedAt: opened.Add(1500 * time.Millisecond)}, opened.Add(1500 * time.Millisecond)},
	} {
		if e, _ := notify(t, tt.alert); !e.Time.Equal(tt.want) {
			t.Errorf("got %v, want %v", e.Time, tt.want)
		}
	}
}

func TestRawIsSentAsItIs(t *testing.T) {
	fake, n := start(t)
	if _, err := n.Send(t.Context(), eventbridge.Message{Source: "com.example", DetailType: "T", Raw: []byte(`{"a": 1.0}`)}); err != nil {
		t.Fatal(err)
	}
	if e := servicetest.Last(t, fake, fake.Events(eventbridgetest.DefaultBus)); e.Detail != `{"a": 1.0}` {
		t.Errorf("put %+v", e)
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t, func(c *eventbridge.Config) { c.MaxEntry = 1000 })
	message := func(change func(*eventbridge.Message)) eventbridge.Message {
		m := eventbridge.DefaultMessage(mackerel.Alert{})
		change(&m)
		return m
	}
	servicetest.Refused(t, fake, func(m eventbridge.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]eventbridge.Message{
		"Source: required; DetailType: required": {},
		`Source: begins with "aws."`:             message(func(m *eventbridge.Message) { m.Source = "aws.ec2" }),
		"DetailType: 129 characters":             message(func(m *eventbridge.Message) { m.DetailType = strings.Repeat("a", 129) }),
		"Raw: must be a JSON object":             message(func(m *eventbridge.Message) { m.Raw = []byte("[]") }),
		"Raw: must be a JSON obj":                message(func(m *eventbridge.Message) { m.Raw = []byte("null") }),
		"Raw: must be a JSON":                    message(func(m *eventbridge.Message) { m.Raw = []byte("{") }),
		"Raw: must be a":                         message(func(m *eventbridge.Message) { m.Raw = []byte{} }),
		"the entry has 1033 bytes, and at most 1000 are allowed": message(func(m *eventbridge.Message) {
			m.Raw = []byte(`{"a":"` + strings.Repeat("a", 1000) + `"}`)
		}),
	})
}

// size returns the size of an event as EventBridge calculates it, without a time.
func size(e eventbridgetest.Event) int {
	return len(e.Source) + len(e.DetailType) + len(e.Detail) + len(strings.Join(e.Resources, ""))
}

func TestAnEntryMayBeAsLargeAsTheLimit(t *testing.T) {
	fake, n := start(t)
	raw := func(size int) eventbridge.Message {
		rest := len("ST") + len("arn:a") + 14 + len(`{"a":""}`)
		return eventbridge.Message{
			Source: "S", DetailType: "T", Resources: []string{"arn:a"}, Time: time.Unix(1, 0), Raw: []byte(`{"a":"` + strings.Repeat("a", size-rest) + `"}`),
		}
	}
	if _, err := n.Send(t.Context(), raw(999_999)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if got := size(servicetest.Last(t, fake, fake.Events(eventbridgetest.DefaultBus))); got != 999_999-14 {
		t.Errorf("%d bytes were put", got)
	}
	_, err := n.Send(t.Context(), raw(999_999+1))
	if e := servicetest.AsError(t, err, mackerel.ErrInvalid); e.Attempts != 0 {
		t.Errorf("beyond the limit: %v", e)
	}
}

func TestALongTextIsCutAsLittleAsPossible(t *testing.T) {
	for name, unit := range map[string]string{"ASCII": "abcdefghi ", "Japanese": "障害", "emoji": "🔥👩‍💻🇯🇵", "quotes": "\"\\\n\x00"} {
		a := mackerel.Alert{
			ID: "5A", Status: "critical", URL: "https://mackerel.io/orgs/acme/alerts/5A", Message: "disk full",
			Monitor: mackerel.Monitor{Name: "disk", Memo: strings.Repeat(unit, 30_000/len(unit))},
		}
		e, r := notify(t, a, func(c *eventbridge.Config) { c.MaxEntry = 20_000 })
		if len(r.Cuts) != 1 || r.Cuts[0].Field != "memo" || r.Cuts[0].From != len(a.Monitor.Memo) || r.Cuts[0].To >= r.Cuts[0].From {
			t.Fatalf("%s: %+v", name, r)
		}
		if got := size(e); got > 20_000 || got < 20_000-len(unit)*8 {
			t.Errorf("%s: %d bytes were put", name, got)
		}
		d := detail(t, e)
		if memo, _ := d["memo"].(string); !strings.HasSuffix(memo, "…") || strings.ContainsRune(memo, utf8.RuneError) || d["message"] != "disk full" {
			t.Errorf("%s: the memo is %.100q", name, memo)
		}
	}
}

func TestMemosAreCutFirstAndNamesLast(t *testing.T) {
	long := strings.Repeat("障", 1000)
	a := mackerel.Alert{
		ID: "5A", Status: "critical", Message: long, Monitor: mackerel.Monitor{Name: "disk", Memo: long}, Reason: long,
		Facts: []mackerel.Fact{{Label: "a", Value: long + "1"}, {Label: "b", Value: long}}, Host: &mackerel.Host{Name: "app01", Memo: long},
		Service: &mackerel.Service{Name: "Shop", Memo: long}, Group: &mackerel.AlertGroup{Name: "db", Memo: long}, Metric: &mackerel.Metric{Label: long},
	}
	order := []string{"memo", "host memo", "service memo", "message", "facts", "reason", "metric"}
	for limit, cut := range map[int]int{16_500: 3, 14_000: 4, 11_000: 5, 8000: 5, 5000: 6, 1000: 7} { // a text has 3000 bytes
		e, r := notify(t, a, func(c *eventbridge.Config) { c.MaxEntry = limit })
		if got, want := servicetest.CutFields(r.Cuts), strings.Join(order[:cut], " "); got != want || size(e) < limit-10 {
			t.Errorf("%d: cut were %s, to %d; want %s", limit, got, size(e), want)
		}
		for _, name := range []string{`"5A"`, `"critical"`, `"disk"`, `"app01"`, `"Shop"`, `"db"`} {
			if !strings.Contains(e.Detail, name) {
				t.Errorf("%d: %s is not in %s", limit, name, e.Detail)
			}
		}
	}
	if a.Host.Memo != long || a.Service.Memo != long || a.Group.Memo != long || a.Facts[1].Value != long || a.Metric.Label != long {
		t.Error("the caller's alert was changed")
	}
}

// Each text is cut if it is the one that is too long, and the receipt names it.
func TestEachTextCanBeCut(t *testing.T) {
	long := strings.Repeat("a", 6000)
	host := func(h mackerel.Host) mackerel.Alert { return mackerel.Alert{Host: &h} }
	role := func(r mackerel.Role) mackerel.Alert { return host(mackerel.Host{Roles: []mackerel.Role{r}}) }
	for field, alerts := range map[string][]mackerel.Alert{
		"facts":        {{Facts: []mackerel.Fact{{Label: long}}}, {Facts: []mackerel.Fact{{Value: long}}}},
		"group":        {{Group: &mackerel.AlertGroup{Name: long}}, {Group: &mackerel.AlertGroup{ID: long}}},
		"host":         {host(mackerel.Host{Status: long}), host(mackerel.Host{Name: long}), host(mackerel.Host{URL: long}), host(mackerel.Host{ID: long})},
		"id":           {{ID: long}},
		"memo":         {{Monitor: mackerel.Monitor{Memo: long}}, {Group: &mackerel.AlertGroup{Memo: long}}},
		"monitor":      {{Monitor: mackerel.Monitor{Name: long}}, {Event: mackerel.EventMonitorCreate, Monitor: mackerel.Monitor{Type: long}}, {Monitor: mackerel.Monitor{ID: long}}},
		"organization": {{Org: long}},
		"roles": {
			role(mackerel.Role{FullName: long}), role(mackerel.Role{Name: long}), role(mackerel.Role{Service: long}),
			role(mackerel.Role{URL: long}), role(mackerel.Role{ServiceURL: long}),
		},
		"service": {{Service: &mackerel.Service{Name: long}}, {Service: &mackerel.Service{ID: long}}},
		"trigger": {{Trigger: long}},
		"url":     {{URL: long}},
		"user":    {{User: &mackerel.User{ScreenName: long}}},
	} {
		for i, a := range alerts {
			e, r := notify(t, a, func(c *eventbridge.Config) { c.MaxEntry = 5000 })
			if servicetest.CutFields(r.Cuts) != field || size(e) > 5000 || size(e) < 4990 {
				t.Errorf("%s %d: %d bytes were put, %+v", field, i, size(e), r.Cuts)
			}
			if field != "roles" {
				continue
			}
			if r := a.Host.Roles[0]; len(r.FullName+r.Name+r.Service+r.URL+r.ServiceURL) != len(long) {
				t.Errorf("the caller's role was changed: %.100v", r)
			}
		}
	}
}

// Thousands of facts would be too much without any text in them.
func TestTooManyFactsLeaveTheFirst(t *testing.T) {
	const n, limit = 2000, 20_000
	facts := make([]mackerel.Fact, n)
	for i := range facts {
		facts[i] = mackerel.Fact{Label: "l", Value: "v"}
	}
	e, r := notify(t, mackerel.Alert{ID: "5A", Facts: facts}, func(c *eventbridge.Config) { c.MaxEntry = limit })
	kept := len(parse(t, e.Detail).Facts)
	if want := (mackerel.Cut{Field: "facts", Unit: "bytes", From: 2 * n, To: 2 * kept}); len(r.Cuts) != 1 || r.Cuts[0] != want {
		t.Errorf("%d facts are left: %+v", kept, r.Cuts)
	}
	if got := size(e); got > limit || got < limit-5000 {
		t.Errorf("%d bytes were put", got)
	}
}

func TestAnythingOfAMegabyteIsCut(t *testing.T) {
	e, r := notify(t, servicetest.Everywhere(strings.Repeat("障", 70_000)))
	if got := size(e); got > 999_999 || got < 999_000 || !strings.Contains(e.Detail, `"5A"`) {
		t.Errorf("%d bytes were put: %.100s, %+v", got, e.Detail, r.Cuts)
	}
	long := strings.Repeat("a", 1<<20)
	for name, a := range map[string]mackerel.Alert{
		"an id": {ID: long}, "an address": {ID: "5A", URL: long}, "a monitor": {Monitor: mackerel.Monitor{ID: long, Name: long, Type: long}},
		"a host": {Host: &mackerel.Host{ID: long, Name: long, URL: long, Status: long, Roles: []mackerel.Role{{Name: long}}}},
	} {
		if e, r := notify(t, a); len(r.Cuts) == 0 || size(e) > 999_999 {
			t.Errorf("%s: %d bytes were put, %+v", name, size(e), r.Cuts)
		}
	}
}

func TestEveryTextArrivesAsItIs(t *testing.T) {
	for _, text := range append(servicetest.Hostile, strings.Repeat("🔥", 1000)) {
		text = strings.ToValidUTF8(text, "\uFFFD")
		e, _ := notify(t, servicetest.Everywhere(text))
		got := parse(t, e.Detail)
		for _, field := range []string{
			got.Org, got.Message, got.Monitor.Name, got.Monitor.Memo, got.Host.Name, got.Facts[0].Label, got.Facts[0].Value, got.Reason,
		} {
			if field != text {
				t.Errorf("%.40q arrived as %.40q", text, field)
			}
		}
		if got.Status != mackerel.StatusCritical {
			t.Errorf("%.40q made it %s", text, got.Status)
		}
	}
}
