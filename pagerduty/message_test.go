package pagerduty_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

// send sends a message and returns what it was paged with.
func send(t *testing.T, m pagerduty.Message) (pagerdutytest.Event, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	r, err := newNotifier(t, s, pagerduty.Config{}).Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Requests()[0].Body); n > pagerduty.MaxBody {
		t.Errorf("%d bytes", n)
	}
	return only(t, s).Events[0], r
}

// everywhere returns an alert that has the text in every field that a message shows as text.
func everywhere(text string) mackerel.Alert {
	value := 1.0
	return mackerel.Alert{
		ID: "5A", Status: mackerel.StatusCritical, Org: text, URL: "https://mackerel.io/orgs/x/alerts/5A", Message: text,
		Monitor: mackerel.Monitor{Name: text, Memo: text, Type: text}, Metric: &mackerel.Metric{Label: text, Value: &value},
		Facts:   []mackerel.Fact{{Label: text, Value: text}},
		Host:    &mackerel.Host{Name: text, URL: "https://mackerel.io/h", Status: text, Roles: []mackerel.Role{{FullName: text, Service: text}}},
		Service: &mackerel.Service{Name: text},
		User:    &mackerel.User{ScreenName: text},
		Trigger: text, Reason: text,
		ImageURL: "https://mackerel.io/g.png",
	}
}

var units = []struct {
	name, unit string
	width      int // in UTF-16 units
}{{"ASCII", "a", 1}, {"Japanese", "障", 1}, {"emoji", "🔥", 2}}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

func TestLimitOfTheSummary(t *testing.T) {
	for _, u := range units {
		t.Run(u.name, func(t *testing.T) {
			fits := pagerduty.MaxSummary / u.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				e, r := send(t, pagerduty.Message{Title: strings.Repeat(u.unit, n)})
				if got := length(e.Payload.Summary); got > pagerduty.MaxSummary || n == fits && got != n*u.width || n > fits && got < pagerduty.MaxSummary-2 {
					t.Errorf("%d of %d units", got, n*u.width)
				}
				if n == fits && len(r.Cuts) != 0 || n > fits && (len(r.Cuts) != 1 || r.Cuts[0].Field != "title" || r.Cuts[0].From != n*u.width) {
					t.Errorf("%d: %+v", n, r.Cuts)
				}
				if strings.ContainsRune(e.Payload.Summary, utf8.RuneError) {
					t.Error("half a character")
				}
			}
		})
	}
}

// TestLimitOfTheBody sends memos that make an event as long as possible, one byte longer, and far too long.
func TestLimitOfTheBody(t *testing.T) {
	frame := frameOf(t, pagerduty.Message{Title: "T", Memo: mackerel.Fact{Label: "M", Value: "m"}}) - 1
	for _, u := range units {
		t.Run(u.name, func(t *testing.T) {
			fits := (pagerduty.MaxBody - frame) / len(u.unit)
			for _, n := range []int{fits, fits + 1, 2 * fits} {
				e, r := send(t, pagerduty.Message{Title: "T", Memo: mackerel.Fact{Label: "M", Value: strings.Repeat(u.unit, n)}})
				memo, _ := e.Payload.CustomDetails["M"].(string)
				if n <= fits {
					if len(memo) != n*len(u.unit) || len(r.Cuts) != 0 {
						t.Errorf("%d bytes of memo fit and were cut: %+v", n*len(u.unit), r.Cuts)
					}
					continue
				}
				if len(memo) < pagerduty.MaxBody-frame-8 || !strings.HasSuffix(memo, "…") {
					t.Errorf("%d bytes are left", len(memo))
				}
				if len(r.Cuts) != 1 || r.Cuts[0].Field != "memo" || r.Cuts[0].Unit != "bytes" || r.Cuts[0].From != n*len(u.unit) || r.Cuts[0].To != len(memo) {
					t.Errorf("%+v", r.Cuts)
				}
			}
		})
	}
}

// frameOf is how many bytes an event has.
func frameOf(t *testing.T, m pagerduty.Message) int {
	t.Helper()
	s := newServer(t)
	if _, err := newNotifier(t, s, pagerduty.Config{}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return len(s.Requests()[0].Body)
}

func fields(cuts []mackerel.Cut) string {
	names := make([]string, len(cuts))
	for i, c := range cuts {
		names[i] = c.Field
	}
	return strings.Join(names, ",")
}

// TestThePageIsNeverLost takes away as much as it must, in the documented order.
func TestThePageIsNeverLost(t *testing.T) {
	long := strings.Repeat("障", 250_000)
	many := make([]pagerduty.Link, 5000)
	images := make([]pagerduty.Image, 5000)
	for i := range many {
		many[i].Href = "https://x.test/" + strings.Repeat("a", 100)
		images[i].Src = "https://x.test/" + strings.Repeat("a", 100)
	}
	fact := func(label, value string) mackerel.Fact { return mackerel.Fact{Label: label, Value: value} }
	for _, c := range []struct {
		name    string
		message pagerduty.Message
		want    string // fields that are cut
		kept    string // first characters of the custom details that are left, by their names
	}{
		{"a long memo goes", pagerduty.Message{Text: "t", Memo: fact("M", long), Images: images[:1], Links: many[:1]}, "memo", "M=障 message=t"},
		{"then the text", pagerduty.Message{Text: long, Memo: fact("M", "m"), Facts: []mackerel.Fact{fact("a", "a")}, Images: images[:1]}, "memo,text", "a=a message=障"},
		{"then the facts from the last on", pagerduty.Message{Text: "t", Facts: []mackerel.Fact{fact("a", long), fact("b", "b")}, Links: many[:1]}, "text,facts,facts", "a=障"},
		{"too many images go", pagerduty.Message{Text: "t", Images: images, Links: many[:1]}, "images", "message=t"},
		{"too many links go, after the images", pagerduty.Message{Text: "t", Images: images[:1], Links: many}, "images,links", "message=t"},
		{"of the text there is as much as there is room for", pagerduty.Message{Text: long, Images: images, Links: many[:1]}, "images,text", "message=障"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.message.Title, c.message.URL = "[CRITICAL] T", "https://mackerel.io/a"
			e, r := send(t, c.message)
			if fields(r.Cuts) != c.want || firsts(e.Payload.CustomDetails) != c.kept {
				t.Errorf("%+v, %s", r.Cuts, firsts(e.Payload.CustomDetails))
			}
			if !strings.Contains(c.want, "images") && len(e.Images) != len(c.message.Images) || !strings.Contains(c.want, "links") && len(e.Links) != len(c.message.Links) {
				t.Errorf("%d images, %d links", len(e.Images), len(e.Links))
			}
			if strings.Contains(c.want, "images") && e.Images != nil || strings.Contains(c.want, "links") && e.Links != nil {
				t.Errorf("%d images, %d links", len(e.Images), len(e.Links))
			}
			if e.Payload.Summary != "[CRITICAL] T" || e.ClientURL != "https://mackerel.io/a" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// firsts shows custom details by their names and first characters.
func firsts(details map[string]any) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(details)) {
		text, _ := details[name].(string)
		first, _ := utf8.DecodeRuneInString(text)
		all = append(all, name+"="+string(first))
	}
	return strings.Join(all, " ")
}

// TestLongNames puts a thousand characters, and fifteen thousand, into every field at once.
func TestLongNames(t *testing.T) {
	for _, n := range []int{1000, 15_000} {
		s := newServer(t)
		if err := newNotifier(t, s, pagerduty.Config{}).Notify(t.Context(), everywhere(strings.Repeat("障", n))); err != nil {
			t.Fatal(err)
		}
		e := only(t, s).Events[0]
		if !strings.HasPrefix(e.Payload.Summary, "[CRITICAL] 障") || e.ClientURL != "https://mackerel.io/orgs/x/alerts/5A" {
			t.Errorf("%.100s, %s", e.Payload.Summary, e.ClientURL)
		}
	}
}

// TestTextFromAlertsIsOnlyText: what is read back is what was written, and nothing has become a member or a line.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range []string{
		"<!channel>", "<at>all</at>", "[toall]", `"; DROP`, "</b>", "a\u202eb", `"},"event_action":"resolve"`, "障害「高負荷」", "👩‍💻🇯🇵", "{{x}}",
	} {
		t.Run(text, func(t *testing.T) {
			s := newServer(t)
			if err := newNotifier(t, s, pagerduty.Config{}).Notify(t.Context(), everywhere(text)); err != nil {
				t.Fatal(err)
			}
			e := only(t, s).Events[0]
			p := e.Payload
			text := strings.ReplaceAll(text, "\u202e", "\uFFFD") // what would turn its line around is not wanted
			if p.Summary != "[CRITICAL] "+text+" on "+text || p.Source != text || p.Component != text || p.Group != text || p.Class != text {
				t.Errorf("%+v", p)
			}
			if p.CustomDetails["message"] != text || p.CustomDetails[text] != text || p.CustomDetails["Memo"] != text || e.Links[0].Text != text {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestControlCharactersAreReplaced(t *testing.T) {
	e, _ := send(t, pagerduty.Message{Title: "a\x00b\r\nc\xff", Text: "x\x1b[31m\r\ny", Source: "\x07"})
	if got := e.Payload.Summary; got != "a\uFFFDb\nc\uFFFD" {
		t.Errorf("%q", got)
	}
	if got := e.Payload.CustomDetails["message"]; got != "x\uFFFD[31m\ny" {
		t.Errorf("%q", got)
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name    string
		message pagerduty.Message
		want    string // the event's client_url, images, links and the detail "url"
	}{
		{"an address leads back", pagerduty.Message{URL: "https://x.test/?a=1&b=2"}, `"https://x.test/?a=1&b=2",null,null,null`},
		{"one that runs is a detail", pagerduty.Message{URL: "javascript:alert(1)"}, `"",null,null,"javascript:alert(1)"`},
		{"one that is too long is a detail", pagerduty.Message{URL: "https://x.test/" + strings.Repeat("a", 2000)}, `"",null,null,"https://x.test/` + strings.Repeat("a", 2000) + `"`},
		{"an image without TLS is left out", pagerduty.Message{Images: []pagerduty.Image{{Src: "http://x.test/a.png"}, {Src: "HTTPS://x.test/b.png", Href: "javascript:x"}}}, `"",[{"src":"HTTPS://x.test/b.png"}],null,null`},
		{"a link that is none is left out", pagerduty.Message{Links: []pagerduty.Link{{Href: "/x"}, {Href: "http://x.test/ y"}, {Href: "http://x.test/", Text: "t"}}}, `"",null,[{"href":"http://x.test/","text":"t"}],null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.message.Title = "T"
			e, _ := send(t, c.message)
			var got []string
			for _, v := range []any{e.ClientURL, e.Images, e.Links, e.Payload.CustomDetails["url"]} {
				got = append(got, string(mustJSON(t, v)))
			}
			if joined := strings.Join(got, ","); joined != c.want {
				t.Errorf("got  %s\nwant %s", joined, c.want)
			}
		})
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return []byte(strings.TrimSpace(b.String()))
}

func TestSeverities(t *testing.T) {
	for _, c := range []struct {
		name   string
		status mackerel.Status
		want   pagerduty.Severity
	}{
		{"critical", "CRITICAL", pagerduty.SeverityCritical},
		{"a warning", "warning", pagerduty.SeverityWarning},
		{"unknown is an error", "unknown", pagerduty.SeverityError},
		{"no status is an error", "", pagerduty.SeverityError},
		{"a newer status is an error", "purple", pagerduty.SeverityError},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m := pagerduty.DefaultMessage(alert(c.status), mackerel.Text{}); m.Severity != c.want || m.Action != "" {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestPlacesOfAnAlert(t *testing.T) {
	for _, c := range []struct {
		name                 string
		alert                mackerel.Alert
		source, group, stamp string
	}{
		{"nothing is known", mackerel.Alert{}, "mackerel", "", ""},
		{"a host with a role", mackerel.Alert{Host: &mackerel.Host{ID: "h", Roles: []mackerel.Role{{}, {Service: "Shop"}}}}, "h", "Shop", ""},
		{"a service", mackerel.Alert{Service: &mackerel.Service{Name: "Shop"}, Org: "acme"}, "Shop", "Shop", ""},
		{"an organization", mackerel.Alert{Org: "acme"}, "acme", "", ""},
		{"the time of opening", mackerel.Alert{OpenedAt: time.Unix(1, 5e6)}, "mackerel", "", "1970-01-01T00:00:01.005Z"},
		{"the time of the change comes first", mackerel.Alert{OpenedAt: time.Unix(1, 0), ChangedAt: time.Unix(2, 0).In(sample.Zone)}, "mackerel", "", "1970-01-01T00:00:02.000Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, _ := send(t, pagerduty.DefaultMessage(c.alert, mackerel.Text{}))
			if p := e.Payload; p.Source != c.source || p.Group != c.group || p.Timestamp != c.stamp {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestDefaultMessageLeavesTheAlert(t *testing.T) {
	for _, s := range sample.Alerts() {
		before := string(mustJSON(t, s.Alert))
		if err := newNotifier(t, newServer(t), pagerduty.Config{}).Notify(t.Context(), s.Alert); err != nil {
			t.Fatal(err)
		}
		if after := string(mustJSON(t, s.Alert)); after != before {
			t.Errorf("%s became %s", before, after)
		}
	}
}

// FuzzMessage sends whatever it is given: if there is a title, the event is accepted.
func FuzzMessage(f *testing.F) {
	f.Add("T", "text", "memo", "label", "https://x.test/", uint16(1))
	f.Add("障害", "\x00\x1b\xff", "\r\n", "", "javascript:x", uint16(60000))
	f.Fuzz(func(t *testing.T, title, text, memo, label, address string, times uint16) {
		s := newServer(t)
		times = min(times, uint16(600_000/(len(text)+10))) // long enough for the limit
		_, err := newNotifier(t, s, pagerduty.Config{}).Send(t.Context(), pagerduty.Message{
			Key: "k", Title: title, Text: strings.Repeat(text, int(times)), Memo: mackerel.Fact{Label: label, Value: memo},
			Facts: []mackerel.Fact{{Label: text, Value: memo}, {Label: label, Value: text}}, URL: address, Source: memo,
			Images: []pagerduty.Image{{Src: address, Alt: text}}, Links: []pagerduty.Link{{Href: address, Text: text}},
		})
		if strings.TrimSpace(title) == "" {
			if e := asError(t, err, mackerel.ErrInvalid); e.Attempts > 0 {
				t.Error(err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Requests()[0].Body); n > pagerduty.MaxBody {
			t.Errorf("%d bytes", n)
		}
	})
}
