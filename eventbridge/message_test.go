package eventbridge_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

// size is that of an event as EventBridge calculates it, without a time.
func size(e eventbridgetest.Event) int {
	return len(e.Source) + len(e.DetailType) + len(e.Detail) + len(strings.Join(e.Resources, ""))
}

func TestAnEntryMayBeAsLargeAsTheLimitAndNoLarger(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{})
	raw := func(size int) eventbridge.Message {
		rest := len(eventbridge.DefaultSource) + len(eventbridge.DefaultDetailType) + len("arn:a") + len(`{"a":""}`)
		return eventbridge.Message{Resources: []string{"arn:a"}, Raw: []byte(`{"a":"` + strings.Repeat("a", size-rest) + `"}`)}
	}
	if _, err := n.Send(t.Context(), raw(eventbridge.MaxEntry)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if got := size(last(t, s)); got != eventbridge.MaxEntry {
		t.Errorf("%d bytes were put", got)
	}
	_, err := n.Send(t.Context(), raw(eventbridge.MaxEntry+1))
	wantKind(t, err, mackerel.ErrInvalid)
}

func TestALongTextIsCutToTheLimitAndNoFurther(t *testing.T) {
	for name, unit := range map[string]string{"ASCII": "abcdefghi ", "Japanese": "障害", "emoji": "🔥👩‍💻🇯🇵", "quotes": "\"\\\n\x00"} {
		s := newServer(t)
		n := newNotifier(t, s, eventbridge.Config{MaxEntry: 20_000})
		a := mackerel.Alert{
			ID: "5A", Status: "critical", URL: "https://mackerel.io/orgs/acme/alerts/5A", Message: "disk full",
			Monitor: mackerel.Monitor{Name: "disk", Memo: strings.Repeat(unit, 30_000/len(unit))},
		}
		r, err := n.Deliver(t.Context(), a)
		if err != nil || len(r.Cuts) != 1 || r.Cuts[0].Field != "memo" || r.Cuts[0].From != len(a.Monitor.Memo) || r.Cuts[0].To >= r.Cuts[0].From {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		e := last(t, s)
		if got := size(e); got > 20_000 || got < 20_000-len(unit)*8 {
			t.Errorf("%s: %d bytes were put", name, got)
		}
		d := detail(t, e)
		if memo := d["memo"].(string); !strings.HasSuffix(memo, "…") || strings.ContainsRune(memo, utf8.RuneError) || d["message"] != "disk full" {
			t.Errorf("%s: the memo ends in %q", name, memo[len(memo)-20:])
		}
		if a.Monitor.Memo != strings.Repeat(unit, 30_000/len(unit)) {
			t.Error("the caller's alert was changed")
		}
	}
}

func TestTheMemoGoesFirstAndTheNamesStay(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{MaxEntry: 5000})
	long := strings.Repeat("障", 1000)
	a := mackerel.Alert{
		ID: "5A", Status: "critical", Message: long, Monitor: mackerel.Monitor{Name: "disk", Memo: long}, Reason: "r",
		Facts: []mackerel.Fact{{Label: "a", Value: "first"}, {Label: "b", Value: long}}, Host: &mackerel.Host{Name: "app01", Memo: long},
		Service: &mackerel.Service{Name: "Shop", Memo: long}, Group: &mackerel.AlertGroup{Name: "db", Memo: long}, Metric: &mackerel.Metric{Label: "cpu"},
	}
	r, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, c := range r.Cuts {
		fields = append(fields, c.Field)
	}
	if got := strings.Join(fields, ","); got != "memo,memo,host memo,service memo,message" {
		t.Errorf("cut were %s", got)
	}
	sent := last(t, s).Detail
	for _, want := range []string{`"5A"`, `"critical"`, `"disk"`, `"app01"`, `"first"`, `"Shop"`} {
		if !strings.Contains(sent, want) {
			t.Errorf("%s is not in %s", want, sent)
		}
	}
	if a.Host.Memo != long || a.Service.Memo != long || a.Group.Memo != long || a.Facts[1].Value != long {
		t.Error("the caller's alert was changed")
	}
}

func TestWhatCannotBeCutToTheLimitIsNotSent(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{MaxEntry: 1000})
	_, err := n.Deliver(t.Context(), mackerel.Alert{URL: "https://example.com/" + strings.Repeat("a", 2000)})
	if e := asError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Message, "1000") || len(s.Requests()) != 0 {
		t.Errorf("got %v", e)
	}
}

func TestADetailTypeHasAsManyCharactersAsAreAllowed(t *testing.T) {
	for _, unit := range []string{"a", "障"} {
		s := newServer(t)
		n := newNotifier(t, s, eventbridge.Config{DetailType: strings.Repeat(unit, eventbridge.MaxDetailType)})
		if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Error(err)
		}
		if _, err := eventbridge.New(eventbridge.Config{
			Region: "ap-northeast-1", Credentials: credentials, DetailType: strings.Repeat(unit, eventbridge.MaxDetailType+1),
		}); err == nil {
			t.Errorf("%q, one more than allowed: no error", unit)
		}
	}
}

func TestEveryTextArrivesAsItIs(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{})
	for _, text := range []string{
		"<!channel>", "<at>all</at>", "[toall]", `"; DROP`, "</b>", "a\r\nX-Injected: 1", "\u202Egnp.exe", "a\x00b", `","alert":{"status":"ok"}`,
		strings.Repeat("障", 1000), strings.Repeat("🔥", 1000),
	} {
		a := mackerel.Alert{
			Org: text, Message: text, Monitor: mackerel.Monitor{Name: text, Memo: text}, Host: &mackerel.Host{Name: text},
			Facts: []mackerel.Fact{{Label: text, Value: text}}, Reason: text, Status: "critical",
		}
		if err := n.Notify(t.Context(), a); err != nil {
			t.Fatalf("%.40q: %v", text, err)
		}
		got, err := mackerel.ParseWebhook([]byte(last(t, s).Detail))
		if err != nil {
			t.Fatal(err)
		}
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
