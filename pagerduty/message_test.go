package pagerduty_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

var units = []struct {
	text  string
	width int // in UTF-16 units
}{{"a", 1}, {"障", 1}, {"🔥", 2}}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

// TestLimits sends each text as long as possible, one character longer, and far too long.
func TestLimits(t *testing.T) {
	for _, field := range []struct {
		name  string
		limit int
		put   func(*pagerduty.Message, string)
		get   func(*pagerdutytest.Payload) string
	}{
		{"title", 1024, func(m *pagerduty.Message, s string) { m.Title = s }, func(p *pagerdutytest.Payload) string { return p.Summary }},
		{"source", 512, func(m *pagerduty.Message, s string) { m.Source = s }, func(p *pagerdutytest.Payload) string { return p.Source }},
		{"component", 512, func(m *pagerduty.Message, s string) { m.Component = s }, func(p *pagerdutytest.Payload) string { return p.Component }},
		{"group", 512, func(m *pagerduty.Message, s string) { m.Group = s }, func(p *pagerdutytest.Payload) string { return p.Group }},
		{"class", 512, func(m *pagerduty.Message, s string) { m.Class = s }, func(p *pagerdutytest.Payload) string { return p.Class }},
	} {
		for _, u := range units {
			t.Run(field.name+" of "+u.text, func(t *testing.T) {
				fits := field.limit / u.width
				for _, n := range []int{fits, fits + 1, 100_000} {
					m := pagerduty.Message{Title: "T"}
					field.put(&m, strings.Repeat(u.text, n))
					e, r := send(t, m)
					got := field.get(e.Payload)
					if n == fits {
						if length(got) != n*u.width || len(r.Cuts) != 0 {
							t.Errorf("%d characters fit and were cut: %+v", n, r.Cuts)
						}
						continue
					}
					want := mackerel.Cut{Field: field.name, Unit: "utf-16 units", From: n * u.width, To: length(got)}
					if len(r.Cuts) != 1 || r.Cuts[0] != want || length(got) > field.limit || length(got) < field.limit-2 || !utf8.ValidString(got) {
						t.Errorf("%d units are left: %+v", length(got), r.Cuts)
					}
				}
			})
		}
	}
}

// TestLimitOfTheBody sends memos that make an event as long as possible, one character longer, and far too long.
func TestLimitOfTheBody(t *testing.T) {
	body := func(memo string) (int, string, []mackerel.Cut) {
		fake, n := start(t)
		r, err := n.Send(t.Context(), pagerduty.Message{Title: "T", Memo: mackerel.Fact{Label: "M", Value: memo}})
		if err != nil {
			t.Fatal(err)
		}
		left, _ := fake.Incidents(pagerdutytest.RoutingKey)[0].Events[0].Payload.CustomDetails["M"].(string)
		return len(fake.Requests()[0].Body), left, r.Cuts
	}
	frame, _, _ := body("m")
	frame-- // without the memo
	for _, u := range units {
		t.Run(u.text, func(t *testing.T) {
			fits := (512000 - frame) / len(u.text)
			for _, n := range []int{fits, fits + 1, 2 * fits} {
				size, memo, cuts := body(strings.Repeat(u.text, n))
				if n == fits {
					if len(memo) != n*len(u.text) || len(cuts) != 0 {
						t.Errorf("%d bytes of memo fit and were cut: %+v", n*len(u.text), cuts)
					}
					continue
				}
				want := mackerel.Cut{Field: "memo", Unit: "bytes", From: n * len(u.text), To: len(memo)}
				if size > 512000 || size < 512000-8 || !strings.HasSuffix(memo, "…") || len(cuts) != 1 || cuts[0] != want {
					t.Errorf("%d bytes, of the memo %d: %+v", size, len(memo), cuts)
				}
			}
		})
	}
}

// TestWhatIsCutOfALargeEvent takes away in the documented order, and never the page itself.
func TestWhatIsCutOfALargeEvent(t *testing.T) {
	long := strings.Repeat("障", 250_000)
	links, images := make([]pagerduty.Link, 5000), make([]pagerduty.Image, 5000)
	for i := range links {
		links[i].Href = "https://x.test/" + strings.Repeat("a", 100)
		images[i].Src = links[i].Href
	}
	fact := func(label, value string) mackerel.Fact { return mackerel.Fact{Label: label, Value: value} }
	for _, c := range []struct {
		name          string
		message       pagerduty.Message
		cuts          string
		details       string // the names and first characters of those that are left
		images, links int
	}{
		{"first the memo", pagerduty.Message{Text: "t", Memo: fact("M", long), Images: images[:1], Links: links[:1]}, "memo", "M=障 message=t", 1, 1},
		{"then the text", pagerduty.Message{Text: long, Memo: fact("M", "m"), Facts: []mackerel.Fact{fact("a", "a")}, Images: images[:1]}, "memo text", "a=a message=障", 1, 0},
		{"then the facts from the last one on", pagerduty.Message{Text: "t", Facts: []mackerel.Fact{fact("a", long), fact("b", "b")}, Links: links[:1]}, "text facts", "a=障", 0, 1},
		{"too many images", pagerduty.Message{Text: "t", Images: images, Links: links[:1]}, "images", "message=t", 0, 1},
		{"too many links, after the images", pagerduty.Message{Text: "t", Images: images[:1], Links: links}, "images links", "message=t", 0, 0},
		{"of the text no more than needed", pagerduty.Message{Text: long, Images: images, Links: links[:1]}, "images text", "message=障", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.message.Title, c.message.URL = "[CRITICAL] T", "https://mackerel.io/a"
			e, r := send(t, c.message)
			if got := servicetest.CutFields(r.Cuts); got != c.cuts || firsts(e.Payload.CustomDetails) != c.details {
				t.Errorf("%+v, %s", r.Cuts, firsts(e.Payload.CustomDetails))
			}
			for _, cut := range r.Cuts {
				if cut.Unit == "items" && (cut.To != 0 || cut.From != len(c.message.Images) && cut.From != len(c.message.Links)) {
					t.Errorf("%+v", cut)
				}
			}
			if len(e.Images) != c.images || len(e.Links) != c.links {
				t.Errorf("%d images, %d links", len(e.Images), len(e.Links))
			}
			if e.Payload.Summary != "[CRITICAL] T" || e.ClientURL != "https://mackerel.io/a" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// firsts returns the names and first characters of custom details.
func firsts(details map[string]any) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(details)) {
		text, _ := details[name].(string)
		first, _ := utf8.DecodeRuneInString(text)
		all = append(all, name+"="+string(first))
	}
	return strings.Join(all, " ")
}

// TestTextFromAlertsIsOnlyText reads back what was written: nothing has become a member or has got lost.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range servicetest.Hostile {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			e := notify(t, []mackerel.Alert{servicetest.Everywhere(text)})[0].Events[0]
			p, plain := e.Payload, provider.Plain(text)
			source := provider.UTF16.Shorten(strings.TrimSpace(plain), 512)
			if p.Source != source || !strings.HasPrefix(p.Summary, "[CRITICAL] ") || p.Severity != "critical" {
				t.Errorf("%+v", p)
			}
			if got := p.CustomDetails["Memo"]; got != strings.TrimSpace(plain) {
				t.Errorf("the memo is %.100q", got)
			}
			if e.EventAction != "trigger" || e.DedupKey != "mackerel-5A" || e.ClientURL != "https://mackerel.io/orgs/x/alerts/5A" {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestControlCharactersAreReplaced(t *testing.T) {
	e, _ := send(t, pagerduty.Message{
		Title: "a\x00b\r\nc\xff", Text: "x\x1b[31m\r\ny", Source: "\x07", Images: []pagerduty.Image{{Src: "https://x.test/", Alt: "\x00"}},
	})
	got := []any{e.Payload.Summary, e.Payload.CustomDetails["message"], e.Payload.Source, e.Images[0].Alt}
	if want := []any{"a\uFFFDb\nc\uFFFD", "x\uFFFD[31m\ny", "\uFFFD", "\uFFFD"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A time that cannot be written costs the time, not the page.
func TestYears(t *testing.T) {
	for year, want := range map[int]string{-1: "", 0: "0000-07-01T00:00:00.000Z", 9999: "9999-07-01T00:00:00.000Z", 10000: "", 292000: ""} {
		e, _ := send(t, pagerduty.Message{Title: "T", Timestamp: time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC)})
		if e.Payload.Timestamp != want {
			t.Errorf("%d: got %q, want %q", year, e.Payload.Timestamp, want)
		}
	}
}

func TestAddressesOfAnEvent(t *testing.T) {
	type image = pagerdutytest.Image
	type link = pagerdutytest.Link
	fits := "https://x.test/" + strings.Repeat("a", 2000-len("https://x.test/"))
	for _, c := range []struct {
		name    string
		message pagerduty.Message
		url     string
		detail  any // "url"
		images  []image
		links   []link
	}{
		{"an address is the link to the alert", pagerduty.Message{URL: "https://x.test/?a=1&b=2"}, "https://x.test/?a=1&b=2", nil, nil, nil},
		{"an address that runs is a detail", pagerduty.Message{URL: "javascript:alert(1)"}, "", "javascript:alert(1)", nil, nil},
		{"an address of 2000 characters is the link", pagerduty.Message{URL: fits}, fits, nil, nil, nil},
		{"an address that is too long is a detail", pagerduty.Message{URL: fits + "a"}, "", fits + "a", nil, nil},
		{"an image without TLS is left out", pagerduty.Message{Images: []pagerduty.Image{{Src: "http://x.test/a.png"}, {Src: "HTTPS://x.test/b.png", Href: "javascript:x"}}}, "", nil, []image{{Src: "HTTPS://x.test/b.png"}}, nil},
		{"an image may be a link", pagerduty.Message{Images: []pagerduty.Image{{Src: "https://x.test/", Href: "https://y.test/", Alt: "a"}}}, "", nil, []image{{Src: "https://x.test/", Href: "https://y.test/", Alt: "a"}}, nil},
		{"a link to no address is left out", pagerduty.Message{Links: []pagerduty.Link{{Href: "/x"}, {Href: "http://x.test/ y"}, {Href: "http://x.test/", Text: "t"}}}, "", nil, nil, []link{{Href: "http://x.test/", Text: "t"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.message.Title = "T"
			e, _ := send(t, c.message)
			if e.ClientURL != c.url || e.Payload.CustomDetails["url"] != c.detail || !slices.Equal(e.Images, c.images) || !slices.Equal(e.Links, c.links) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestAGraphIsAnImageOrADetail(t *testing.T) {
	for address, image := range map[string]bool{"https://x.test/g.png": true, "http://x.test/g.png": false} {
		e := notify(t, []mackerel.Alert{{Message: "x", ImageURL: address}})[0].Events[0]
		if detail := e.Payload.CustomDetails["Graph"] == address; detail == image || (len(e.Images) == 1) != image {
			t.Errorf("%+v", e)
		}
	}
}

func TestSeverities(t *testing.T) {
	for status, want := range map[mackerel.Status]string{
		"CRITICAL": "critical", "warning": "warning", "unknown": "error", "": "error", "purple": "error",
	} {
		if got := notify(t, alerts(status))[0].Events[0].Payload.Severity; got != want {
			t.Errorf("%q: %s, want %s", status, got, want)
		}
	}
	if e, _ := send(t, pagerduty.Message{Title: "T"}); e.Payload.Severity != "error" {
		t.Errorf("an event without a severity: %s", e.Payload.Severity)
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

func FuzzMessage(f *testing.F) {
	f.Add("T", "text", "memo", "label", "https://x.test/", uint16(1))
	f.Add("障害", "\x00\x1b\xff", "\r\n", "", "javascript:x", uint16(60000))
	f.Fuzz(func(t *testing.T, title, text, memo, label, address string, times uint16) {
		fake, n := start(t)
		times = min(times, uint16(600_000/(len(text)+10))) // long enough for the limit
		_, err := n.Send(t.Context(), pagerduty.Message{
			Key: "k", Title: title, Text: strings.Repeat(text, int(times)), Memo: mackerel.Fact{Label: label, Value: memo},
			Facts: []mackerel.Fact{{Label: text, Value: memo}, {Label: label, Value: text}}, URL: address, Source: memo,
			Images: []pagerduty.Image{{Src: address, Alt: text}}, Links: []pagerduty.Link{{Href: address, Text: text}},
		})
		if strings.TrimSpace(title) == "" && errors.Is(err, mackerel.ErrInvalid) {
			return
		}
		if err != nil {
			t.Fatalf("%v: %q", err, fake.Problems())
		}
	})
}
