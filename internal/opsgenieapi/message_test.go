package opsgenieapi_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
	"github.com/mackerel-notify/mackerel/internal/opsgeniefake"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

var units = []struct {
	text  string
	width int // in UTF-16 units
}{{"a", 1}, {"障", 1}, {"🔥", 2}}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

// TestLimits sends each text as long as possible, one character longer, and far too long.
func TestLimits(t *testing.T) {
	type message = opsgenieapi.Message
	type alert = opsgeniefake.Alert
	for _, field := range []struct {
		name, cut string
		limit     int
		frame     string // what counts besides the text
		put       func(*message, string)
		get       func(alert) string
	}{
		{"a memo", "memo", 15000, "M: ", func(m *message, s string) { m.Memo = mackerel.Fact{Label: "M", Value: s} }, func(a alert) string { return a.Description }},
		{"a text", "text", 15000, "", func(m *message, s string) { m.Text = "first\n" + s }, func(a alert) string { return a.Description }},
		{"a detail", "facts", 8000, `{"f":""}`, func(m *message, s string) { m.Facts = []mackerel.Fact{{Label: "f", Value: s}} }, func(a alert) string { return `{"f":"` + a.Details["f"] + `"}` }},
		{"an entity", "entity", 512, "", func(m *message, s string) { m.Entity = s }, func(a alert) string { return a.Entity }},
		{"a source", "source", 100, "", func(m *message, s string) { m.Source = s }, func(a alert) string { return a.Source }},
		{"a tag", "tags", 50, "", func(m *message, s string) { m.Tags = []string{s} }, func(a alert) string { return a.Tags[0] }},
		{"a note", "text", 25000, "T\n", func(m *message, s string) { m.Action, m.Text = "close", s }, func(a alert) string { return a.Notes[0] }},
	} {
		for _, u := range units {
			t.Run(field.name+" of "+u.text, func(t *testing.T) {
				fits := (field.limit - len(field.frame)) / u.width
				for _, n := range []int{fits, fits + 1, 60_000} {
					m := message{Alias: "a", Title: "T"}
					messages := []message{m}
					field.put(&m, strings.Repeat(u.text, n))
					if m.Action == "" {
						messages = nil // m itself creates the alert
					}
					a, r := send(t, products[0], append(messages, m)...)
					got := field.get(a)
					if length(got) > field.limit || !utf8.ValidString(got) {
						t.Errorf("%d units", length(got))
					}
					if n == fits {
						if len(r.Cuts) != 0 || !strings.Contains(got, strings.Repeat(u.text, n)) {
							t.Errorf("%d characters fit and were cut: %+v", n, r.Cuts)
						}
						continue
					}
					if len(r.Cuts) != 1 || r.Cuts[0].Field != field.cut || r.Cuts[0].From != n*u.width || !strings.Contains(got, "…") || length(got) < field.limit-len(field.frame)-2 {
						t.Errorf("%d units are left: %+v", length(got), r.Cuts)
					}
				}
			})
		}
	}
}

func TestTags(t *testing.T) {
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprint("tag", i))
	}
	for _, c := range []struct {
		name       string
		tags, want []string
		cuts       string
	}{
		{"each is sent once", []string{"a", "b", "a"}, []string{"a", "b"}, ""},
		{"an empty tag is not sent", []string{"", "a"}, []string{"a"}, ""},
		{"twenty fit", many, many, ""},
		{"tags that are alike count once", append(many[:19:19], "tag0", "tag19"), many, ""},
		{"the twenty-first is left out", append(many[:20:20], "x"), many, "tags"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, r := send(t, products[0], opsgenieapi.Message{Title: "T", Tags: c.tags})
			if !slices.Equal(a.Tags, c.want) || servicetest.CutFields(r.Cuts) != c.cuts {
				t.Errorf("%q, %+v", a.Tags, r.Cuts)
			}
		})
	}
}

// TestTheDescriptionHasWhatTheMessageDoesNotSay: nothing is lost, and nothing is said twice.
func TestTheDescriptionHasWhatTheMessageDoesNotSay(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		for _, u := range units {
			room := (130 - len("[CRITICAL] T: ")) / u.width
			fits, title := strings.Repeat(u.text, room), strings.Repeat(u.text, 130/u.width)
			for _, c := range []struct{ name, title, text, message, description, cuts string }{
				{"a title alone", "[CRITICAL] T", "", "[CRITICAL] T", "", ""},
				{"a line that fits", "[CRITICAL] T", fits + "\nrest", "[CRITICAL] T: " + fits, "rest", ""},
				{"a line that is too long", "[CRITICAL] T", fits + u.text + "\nrest", "", fits + u.text + "\nrest", "message"},
				{"a title that fits alone", title, "text", title, "text", "message"},
				{"a title that is too long", title + u.text, "text", "", title + u.text + "\n\ntext", "message"},
			} {
				a, r := send(t, p, opsgenieapi.Message{Title: c.title, Text: c.text})
				isCut := c.message == "" && length(a.Message) <= 130 && length(a.Message) >= 128 && strings.Contains(a.Message, "…")
				if a.Message != c.message && !isCut || a.Description != c.description || servicetest.CutFields(r.Cuts) != c.cuts {
					t.Errorf("%s of %s: %+v, %+v", c.name, u.text, a, r.Cuts)
				}
			}
		}
	})
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	long := strings.Repeat("障害🔥 ", 20_000)
	m := opsgenieapi.Message{
		Title: "[CRITICAL] T", Text: long, Facts: []mackerel.Fact{{Label: "a", Value: "1"}, {Label: "b", Value: long}, {Label: "c", Value: "3"}},
		Memo: mackerel.Fact{Label: "M", Value: "m"}, URL: "https://mackerel.io/a", Tags: strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 20 21"),
	}
	a, r := send(t, products[0], m)
	if got := servicetest.CutFields(r.Cuts); got != "message text facts tags" {
		t.Errorf("%+v", r.Cuts)
	}
	begins := strings.HasPrefix(a.Message, m.Title+": 障害") && strings.HasPrefix(a.Description, "障害")
	if !begins || !strings.HasSuffix(a.Description, "…\n\nM: m\n\n"+m.URL) || a.Details["a"] != "1" || a.Details["c"] != "" || len(a.Tags) != 20 {
		t.Errorf("%+v", a)
	}
	m.Title = strings.Repeat("題", 20_000)
	a, r = send(t, products[0], m)
	if got := servicetest.CutFields(r.Cuts); got != "message title text facts tags" {
		t.Errorf("%+v", r.Cuts)
	}
	if !strings.HasPrefix(a.Description, "題") || !strings.HasSuffix(a.Description, "M: m\n\n"+m.URL) || strings.Count(a.Description, "…") != 2 {
		t.Errorf("%+v", a)
	}
}

func TestControlCharactersAreReplaced(t *testing.T) {
	a, _ := send(t, products[0], opsgenieapi.Message{
		Title: "a\x00b\xff", Text: "c\r\nd\x1b", Entity: "\x07", Facts: []mackerel.Fact{{Label: "e\x00", Value: "\x00"}}, URL: "u\x00",
	})
	if a.Message != "a b\uFFFD: c" || a.Description != "d\uFFFD\n\nu\uFFFD" || a.Entity != "\uFFFD" || a.Details["e\uFFFD"] != "\uFFFD" {
		t.Errorf("%+v", a)
	}
}

// TestTextFromAlertsIsOnlyText reads back what was written: nothing has become a member or has got lost.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		for _, text := range servicetest.Hostile {
			t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
				a := notify(t, p, []mackerel.Alert{servicetest.Everywhere(text)})[0]
				memo := "Memo: " + strings.TrimSpace(provider.Plain(text))
				if a.Alias != "mackerel-5A" || a.Priority != "P1" || a.Closed || !strings.HasPrefix(a.Message, "[CRITICAL] ") {
					t.Errorf("%+v", a)
				}
				if length(memo) < 1000 && !strings.HasSuffix("\n\n"+a.Description, "\n\n"+memo+"\n\nhttps://mackerel.io/orgs/x/alerts/5A") {
					t.Errorf("%q is not in %q", memo, a.Description)
				}
			})
		}
	})
}

func TestPriorities(t *testing.T) {
	each(t, func(t *testing.T, p product) {
		for status, want := range map[mackerel.Status]opsgenieapi.Priority{
			"CRITICAL": "P1", "warning": "P3", "unknown": "P2", "": "P2", "purple": "P2",
		} {
			if m := p.defaultMessage(mackerel.Alert{Status: status}, mackerel.Text{}); m.Priority != want || m.Action != opsgenieapi.ActionCreate {
				t.Errorf("%q: %+v", status, m)
			}
		}
	})
}

func TestAnAlertWithoutAGraphHasNoFactForIt(t *testing.T) {
	if m := opsgenieapi.DefaultMessage(mackerel.Alert{Message: "x"}, mackerel.Text{}); len(m.Facts) != 0 {
		t.Errorf("%+v", m.Facts)
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
		{"nothing is known", mackerel.Alert{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m := opsgenieapi.DefaultMessage(c.alert, mackerel.Text{}); m.Entity != c.want {
				t.Errorf("%q", m.Entity)
			}
		})
	}
}

// FuzzMessage sends any message: what is not refused before it is sent is accepted.
func FuzzMessage(f *testing.F) {
	f.Add("T", "text", "label", "alias", "create", uint16(1))
	f.Add("障害", "\x00\x1b\xff", "\r\n", "a/b", "close", uint16(60000))
	f.Add("", "x", "", "..", "note", uint16(0))
	f.Fuzz(func(t *testing.T, title, text, label, alias, action string, times uint16) {
		s := startOpsgenie(t)
		times = min(times, uint16(60_000/(len(text)+len(label)+1))) // long enough for every limit
		r, err := s.send(opsgenieapi.Message{
			Action: opsgenieapi.Action(action), Alias: alias, Title: title, Text: strings.Repeat(text, int(times)),
			Facts: []mackerel.Fact{{Label: label, Value: text}, {Label: text, Value: strings.Repeat(label, int(times))}},
			Memo:  mackerel.Fact{Label: label, Value: text}, URL: text, Entity: text, Source: label, Tags: []string{text, label},
		})
		if err != nil && (r.Attempts > 0 || !errors.Is(err, mackerel.ErrInvalid)) {
			t.Fatalf("%v: %q", err, s.fake.Problems())
		}
	})
}
