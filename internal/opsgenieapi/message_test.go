package opsgenieapi_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
)

var units = []struct {
	name, unit string
	width      int // in UTF-16 units
}{{"ASCII", "a", 1}, {"Japanese", "障", 1}, {"emoji", "🔥", 2}}

// TestLimits sends every text as long as possible, one character longer, and far too long.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		field string // as in a Cut
		limit int
		frame int // units that are not the text's
		put   func(*opsgenieapi.Message, string)
		get   func(t *testing.T, m opsgenieapi.Message) (string, mackerel.Receipt)
	}{
		{"the description's memo", "memo", opsgenieapi.MaxDescription, len("M: "), func(m *opsgenieapi.Message, s string) { m.Memo = mackerel.Fact{Label: "M", Value: s} }, description},
		{"the description's text", "text", opsgenieapi.MaxDescription, 0, func(m *opsgenieapi.Message, s string) { m.Text = s }, description},
		{"the details", "facts", opsgenieapi.MaxDetails, len(`{"f":""}`), func(m *opsgenieapi.Message, s string) { m.Facts = []mackerel.Fact{{Label: "f", Value: s}} }, details},
		{"the entity", "entity", opsgenieapi.MaxEntity, 0, func(m *opsgenieapi.Message, s string) { m.Entity = s }, entity},
		{"the source", "source", opsgenieapi.MaxSource, 0, func(m *opsgenieapi.Message, s string) { m.Source = s }, source},
		{"a tag", "tags", opsgenieapi.MaxTag, 0, func(m *opsgenieapi.Message, s string) { m.Tags = []string{s} }, tag},
		{"a note", "text", opsgenieapi.MaxNote, len("T\n"), func(m *opsgenieapi.Message, s string) { m.Action, m.Alias, m.Text = "close", "a", s }, note},
	} {
		for _, u := range units {
			t.Run(c.name+" in "+u.name, func(t *testing.T) {
				fits := (c.limit - c.frame) / u.width
				for _, n := range []int{fits, fits + 1, 60_000} {
					m := opsgenieapi.Message{Title: "T"}
					c.put(&m, strings.Repeat(u.unit, n))
					got, r := c.get(t, m)
					if strings.ContainsRune(got, utf8.RuneError) || length(got) > c.limit {
						t.Errorf("%d units", length(got))
					}
					if n == fits {
						if len(r.Cuts) != 0 || !strings.Contains(got, strings.Repeat(u.unit, n)) {
							t.Errorf("%d units fit and were cut: %+v", n*u.width, r.Cuts)
						}
						continue
					}
					if len(r.Cuts) != 1 || r.Cuts[0].Field != c.field || r.Cuts[0].From != n*u.width || !strings.Contains(got, "…") || length(got) < c.limit-c.frame-2 {
						t.Errorf("%d units are left: %+v", length(got), r.Cuts)
					}
				}
			})
		}
	}
}

func description(t *testing.T, m opsgenieapi.Message) (string, mackerel.Receipt) {
	a, r := send(t, m)
	return a.Description, r
}

func details(t *testing.T, m opsgenieapi.Message) (string, mackerel.Receipt) {
	a, r := send(t, m)
	return `{"f":"` + a.Details["f"] + `"}`, r
}

func entity(t *testing.T, m opsgenieapi.Message) (string, mackerel.Receipt) {
	a, r := send(t, m)
	return a.Entity, r
}

func source(t *testing.T, m opsgenieapi.Message) (string, mackerel.Receipt) {
	a, r := send(t, m)
	return a.Source, r
}

func tag(t *testing.T, m opsgenieapi.Message) (string, mackerel.Receipt) {
	a, r := send(t, m)
	return a.Tags[0], r
}

// note closes an alert that was opened for the purpose.
func note(t *testing.T, m opsgenieapi.Message) (string, mackerel.Receipt) {
	s := newServer(t)
	n := newNotifier(t, s, opsgenieapi.Config{})
	if _, err := n.Send(t.Context(), opsgenieapi.Message{Alias: m.Alias, Title: "T"}); err != nil {
		t.Fatal(err)
	}
	r, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return only(t, s).Notes[0], r
}

func TestATitleThatDoesNotFitIsTheDescriptionsStart(t *testing.T) {
	for _, u := range units {
		fits := opsgenieapi.MaxMessage / u.width
		title := strings.Repeat(u.unit, fits)
		a, r := send(t, opsgenieapi.Message{Title: title, Text: "text"})
		if a.Message != title || a.Description != "text" || len(r.Cuts) != 0 {
			t.Errorf("%s: %+v, %+v", u.name, a, r.Cuts)
		}
		title += u.unit
		a, r = send(t, opsgenieapi.Message{Title: title, Text: "text"})
		if length(a.Message) > opsgenieapi.MaxMessage || !strings.HasSuffix(a.Message, "…") || a.Description != title+"\n\ntext" || fields(r.Cuts) != "title" {
			t.Errorf("%s: %+v, %+v", u.name, a, r.Cuts)
		}
	}
}

// TestWhatIsLeftOfALongAlert: the title and the link survive, and what goes, goes in order.
func TestWhatIsLeftOfALongAlert(t *testing.T) {
	long := strings.Repeat("障害🔥 ", 20_000)
	m := opsgenieapi.Message{
		Title: "[CRITICAL] T", Text: long, Facts: []mackerel.Fact{{Label: "a", Value: "1"}, {Label: "b", Value: long}, {Label: "c", Value: "3"}},
		Memo: mackerel.Fact{Label: "M", Value: "m"}, URL: "https://mackerel.io/a", Tags: strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 20 21"),
	}
	a, r := send(t, m)
	if got := fields(r.Cuts); got != "memo,text,facts,facts,tags" {
		t.Errorf("%+v", r.Cuts)
	}
	if a.Message != m.Title || !strings.HasSuffix(a.Description, "\n\n"+m.URL) || a.Details["a"] != "1" || a.Details["c"] != "" || len(a.Tags) != 20 {
		t.Errorf("%+v", a)
	}
	m.Title = strings.Repeat("題", 20_000)
	a, r = send(t, m)
	if got := fields(r.Cuts); got != "title,memo,text,title,facts,facts,tags" || !strings.HasSuffix(a.Description, "…\n\n"+m.URL) {
		t.Errorf("%+v", r.Cuts)
	}
}

func TestControlCharactersAreReplaced(t *testing.T) {
	a, _ := send(t, opsgenieapi.Message{Title: "a\x00b\xff", Text: "c\r\nd\x1b", Entity: "\x07", Facts: []mackerel.Fact{{Label: "e\x00", Value: "\x00"}}, URL: "u\x00"})
	if a.Message != "a\uFFFDb\uFFFD" || a.Description != "c\nd\uFFFD\n\nu\uFFFD" || a.Entity != "\uFFFD" || a.Details["e\uFFFD"] != "\uFFFD" {
		t.Errorf("%+v", a)
	}
}

func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range []string{
		"<!channel>", "<at>all</at>", "[toall]", `"; DROP`, "</b>", "a\u202eb", `"},"alias":"x"`, "障害「高負荷」", "👩‍💻🇯🇵", "a, b",
	} {
		t.Run(text, func(t *testing.T) {
			a, _ := send(t, opsgenieapi.Message{
				Alias: text, Title: text, Text: text, Memo: mackerel.Fact{Label: text, Value: text}, URL: text, Entity: text, Source: text,
				Facts: []mackerel.Fact{{Label: text, Value: text}}, Tags: []string{text}, Responders: []opsgenieapi.Responder{{Type: "team", Name: text}},
			})
			shown := strings.ReplaceAll(text, "\u202e", "\uFFFD") // what would turn its line around is not wanted
			want := shown + "\n\n" + shown + ": " + shown + "\n\n" + shown
			if a.Alias != text || a.Message != shown || a.Description != want || a.Entity != shown || a.Source != shown || a.Details[shown] != shown || a.Tags[0] != shown || a.Responders[0].Name != text {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestPriorities(t *testing.T) {
	for status, want := range map[mackerel.Status]opsgenieapi.Priority{
		"CRITICAL": "P1", "warning": "P3", "unknown": "P2", "": "P2", "purple": "P2",
	} {
		if m := opsgenieapi.DefaultMessage(mackerel.Alert{Status: status}, mackerel.Text{}); m.Priority != want || m.Action != opsgenieapi.ActionCreate {
			t.Errorf("%q: %+v", status, m)
		}
	}
}

func TestEntities(t *testing.T) {
	for _, c := range []struct {
		name  string
		alert mackerel.Alert
		want  string
	}{
		{"a host by its name", mackerel.Alert{Host: &mackerel.Host{ID: "1", Name: "app01"}, Service: &mackerel.Service{Name: "Shop"}}, "app01"},
		{"a host by its id", mackerel.Alert{Host: &mackerel.Host{ID: "1"}}, "1"},
		{"a service", mackerel.Alert{Host: &mackerel.Host{}, Service: &mackerel.Service{Name: "Shop"}}, "Shop"},
		{"nothing", mackerel.Alert{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m := opsgenieapi.DefaultMessage(c.alert, mackerel.Text{}); m.Entity != c.want {
				t.Errorf("%q", m.Entity)
			}
		})
	}
}

// FuzzMessage sends whatever it is given: what is not refused beforehand is accepted.
func FuzzMessage(f *testing.F) {
	f.Add("T", "text", "label", "alias", "create", uint16(1))
	f.Add("障害", "\x00\x1b\xff", "\r\n", "a/b", "close", uint16(60000))
	f.Add("", "x", "", "..", "note", uint16(0))
	f.Fuzz(func(t *testing.T, title, text, label, alias, action string, times uint16) {
		s := newServer(t)
		times = min(times, uint16(60_000/(len(text)+len(label)+1))) // long enough for every limit
		r, err := newNotifier(t, s, opsgenieapi.Config{}).Send(t.Context(), opsgenieapi.Message{
			Action: opsgenieapi.Action(action), Alias: alias, Title: title, Text: strings.Repeat(text, int(times)),
			Facts: []mackerel.Fact{{Label: label, Value: text}, {Label: text, Value: strings.Repeat(label, int(times))}},
			Memo:  mackerel.Fact{Label: label, Value: text}, URL: text, Entity: text, Source: label, Tags: []string{text, label},
		})
		if err != nil && (r.Attempts > 0 || asError(t, err, mackerel.ErrInvalid) == nil) {
			t.Fatal(err)
		}
	})
}
