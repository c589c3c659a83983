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

// TestLimits sends each text as long as possible, one character longer, and far too long. The details have the whole
// title if it was cut.
func TestLimits(t *testing.T) {
	for _, field := range []struct {
		name  string
		limit int
		put   func(*pagerduty.Message, string)
		get   func(*pagerdutytest.Payload) string
	}{
		{"summary", 1024, func(m *pagerduty.Message, s string) { m.Title = s }, func(p *pagerdutytest.Payload) string { return p.Summary }},
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
						if length(got) != n*u.width || len(r.Cuts) != 0 || len(e.Payload.CustomDetails) != 0 {
							t.Errorf("%d characters fit and were cut: %+v", n, r.Cuts)
						}
						continue
					}
					want := mackerel.Cut{Field: field.name, Unit: "utf-16 units", From: n * u.width, To: length(got)}
					if len(r.Cuts) != 1 || r.Cuts[0] != want || length(got) > field.limit || length(got) < field.limit-2 || !utf8.ValidString(got) {
						t.Errorf("%d units are left: %+v", length(got), r.Cuts)
					}
					if title := e.Payload.CustomDetails["Message"]; field.name == "summary" && title != m.Title {
						t.Errorf("the details have %.50v", title)
					}
				}
			})
		}
	}
}

// TestTheDetailsHaveWhatTheSummaryDoesNotSay: nothing is lost, and nothing is said twice.
func TestTheDetailsHaveWhatTheSummaryDoesNotSay(t *testing.T) {
	long := strings.Repeat("障害 ", 400)
	for _, c := range []struct {
		name, title, text string
		summary           string // or how it begins, before …
		message           any    // of the details
	}{
		{"a title alone", "[CRITICAL] T", "", "[CRITICAL] T", nil},
		{"one line", "[CRITICAL] T", "down", "[CRITICAL] T: down", nil},
		{"more lines", "[CRITICAL] T", "down\r\nsince 10:00\n\nfor good", "[CRITICAL] T: down", "since 10:00\n\nfor good"},
		{"a long line", "[CRITICAL] T", long + "\nend", "[CRITICAL] T: 障害 障害…", long + "\nend"},
		{"a long title", "[CRITICAL] " + long + "on app01", "down\nend", "[CRITICAL] 障害 障害…", "[CRITICAL] " + long + "on app01\ndown\nend"},
		{"a title without room for the line", strings.Repeat("T", 145), "it is down", strings.Repeat("T", 145), "it is down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, _ := send(t, pagerduty.Message{Title: c.title, Text: c.text})
			begins, cut := strings.CutSuffix(c.summary, "…")
			summary := e.Payload.Summary
			if summary != c.summary && (!cut || !strings.HasPrefix(summary, begins) || !strings.Contains(summary, "…")) {
				t.Errorf("the summary is %q", summary)
			}
			if e.Payload.CustomDetails["Message"] != c.message {
				t.Errorf("the details have %q", e.Payload.CustomDetails["Message"])
			}
			if _, line, _ := strings.Cut(summary, "] T: "); cut && line != "" && length(summary) > 150 {
				t.Errorf("the summary has %d units", length(summary))
			}
			if strings.Contains(c.title, "app01") && !strings.HasSuffix(summary, "on app01") {
				t.Errorf("the summary is %q", summary)
			}
		})
	}
}

func TestDetailsAreInTheLanguageOfTheMessage(t *testing.T) {
	a := mackerel.Alert{
		ID: "5A", Status: "critical", Message: "down\nfor good", Org: "acme", Monitor: mackerel.Monitor{Name: "disk", Memo: "call"},
		OpenedAt: time.Unix(1, 0), ImageURL: "http://x.test/g.png", Host: &mackerel.Host{Name: "app01"},
	}
	for language, want := range map[mackerel.Language]string{
		mackerel.English:  "Graph=h Host=a Memo=c Message=f Opened=1 Organization=a",
		mackerel.Japanese: "オーガニゼーション=a グラフ=h ホスト=a メッセージ=f メモ=c 発生=1",
	} {
		e := notify(t, []mackerel.Alert{a}, func(c *pagerduty.Config) { c.Text.Language = language })[0].Events[0]
		if got := firsts(e.Payload.CustomDetails); got != want {
			t.Errorf("%s: %s", language, got)
		}
	}
}

func TestPagesOfHostRoleAndServiceAreLinks(t *testing.T) {
	a := mackerel.Alert{
		ID: "5A", Status: "critical", URL: "https://mackerel.io/orgs/acme/alerts/5A",
		Host: &mackerel.Host{Name: "app01", URL: "https://x.test/h", Roles: []mackerel.Role{
			{FullName: "Shop: app", URL: "https://x.test/r"}, {FullName: "Shop: web"},
		}},
		Service: &mackerel.Service{Name: "Shop"},
	}
	e := notify(t, []mackerel.Alert{a})[0].Events[0]
	want := []pagerdutytest.Link{
		{Href: "https://x.test/h", Text: "Host: app01"}, {Href: "https://x.test/r", Text: "Role: Shop: app"},
		{Href: "https://mackerel.io/orgs/acme/services/Shop", Text: "Service: Shop"},
	}
	if !slices.Equal(e.Links, want) || e.Payload.CustomDetails["Role"] != "Shop: app\nShop: web" {
		t.Errorf("%+v, %v", e.Links, e.Payload.CustomDetails)
	}
}

func TestTheFactsOfTheCallerStayAsTheyAre(t *testing.T) {
	facts := []mackerel.Fact{{Label: "a", Value: "b"}, {Label: "c", Value: "d"}}
	send(t, pagerduty.Message{Title: "T", Facts: facts[:1], URL: "javascript:x"})
	if facts[1].Label != "c" {
		t.Errorf("%+v", facts)
	}
}

func TestADigestIsSkipped(t *testing.T) {
	fake, n := start(t)
	r, err := n.Deliver(t.Context(), mackerel.Digest(append(alerts("critical"), alerts("warning")...)))
	if err != nil || !strings.Contains(r.Skipped, "digest") || len(fake.Requests()) != 0 {
		t.Errorf("%v, %+v", err, r)
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
		{"first what matters least", pagerduty.Message{Facts: []mackerel.Fact{fact("Organization", long), fact("Host", "h")}, Memo: fact("M", "m")}, "facts", "Host=h M=m", 0, 0},
		{"then lines of the text after the fifth", pagerduty.Message{Text: "1\n2\n3\n4\n5\n" + long, Memo: fact("M", "m")}, "text", "M=m Message=2", 0, 0},
		{"then facts after the tenth", pagerduty.Message{Text: "t", Facts: append(slices.Repeat([]mackerel.Fact{fact("a", "1")}, 10), fact("b", long)), Memo: fact("M", "m")}, "facts", "M=m a=1 b=障", 0, 0},
		{"then the memo", pagerduty.Message{Text: "t\nu", Memo: fact("M", strings.Repeat("障\n", 200_000)), Facts: []mackerel.Fact{fact("Opened", "o")}, Images: images[:1], Links: links[:1]}, "memo", "M=障 Message=u Opened=o", 1, 1},
		{"then a long first line", pagerduty.Message{Text: long, Memo: fact("M", "m"), Facts: []mackerel.Fact{fact("Opened", "o"), fact("a", "a")}, Images: images[:1]}, "summary facts text", "M=m Message=障 a=a", 1, 0},
		{"then other facts", pagerduty.Message{Text: "t\nu", Facts: []mackerel.Fact{fact("a", long), fact("b", "b"), fact("Host", "h")}, Links: links[:1]}, "facts", "Host=h Message=u a=障", 0, 1},
		{"too many images", pagerduty.Message{Text: "t\nu", Images: images, Links: links[:1]}, "images", "Message=u", 0, 1},
		{"too many links without an image", pagerduty.Message{Text: "t\nu", Links: links}, "links", "Message=u", 0, 0},
		{"too many links, after the images", pagerduty.Message{Text: "t\nu", Images: images[:1], Links: links}, "images links", "Message=u", 0, 0},
		{"of the text no more than needed", pagerduty.Message{Text: long, Images: images, Links: links[:1]}, "summary images text", "Message=障", 0, 1},
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
			if !strings.HasPrefix(e.Payload.Summary, "[CRITICAL] T") || e.ClientURL != "https://mackerel.io/a" {
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
		Title: "a\x00b\r\nc\xff", Text: "x\n\x1b[31m\r\nz", Source: "\x07", Images: []pagerduty.Image{{Src: "https://x.test/", Alt: "\x00"}},
	})
	got := []any{e.Payload.Summary, e.Payload.CustomDetails["Message"], e.Payload.Source, e.Images[0].Alt}
	if want := []any{"a b c\uFFFD: x", "\uFFFD[31m\nz", "\uFFFD", "\uFFFD"}; !slices.Equal(got, want) {
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
		{"an address with blanks is encoded", pagerduty.Message{URL: "https://x.test/a b", Links: []pagerduty.Link{{Href: "http://x.test/障"}}}, "https://x.test/a%20b", nil, nil, []link{{Href: "http://x.test/%E9%9A%9C"}}},
		{"an image without TLS is left out", pagerduty.Message{Images: []pagerduty.Image{{Src: "http://x.test/a.png"}, {Src: "HTTPS://x.test/b.png", Href: "javascript:x"}}}, "", nil, []image{{Src: "HTTPS://x.test/b.png"}}, nil},
		{"an image may be a link", pagerduty.Message{Images: []pagerduty.Image{{Src: "https://x.test/", Href: "https://y.test/", Alt: "a"}}}, "", nil, []image{{Src: "https://x.test/", Href: "https://y.test/", Alt: "a"}}, nil},
		{"a link to no address is left out", pagerduty.Message{Links: []pagerduty.Link{{Href: "/x"}, {Href: "javascript:x"}, {Href: "http://x.test/", Text: "t"}}}, "", nil, nil, []link{{Href: "http://x.test/", Text: "t"}}},
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

func TestAnAlertWithoutPagesHasNoImagesAndLinks(t *testing.T) {
	m := pagerduty.DefaultMessage(mackerel.Alert{Message: "x", Org: "acme"}, mackerel.Text{})
	if len(m.Facts) != 1 || len(m.Images)+len(m.Links) != 0 {
		t.Errorf("%+v, %+v, %+v", m.Facts, m.Images, m.Links)
	}
}

// TestLinksThatJustFit fills an event with links to the last byte, and then adds a byte.
func TestLinksThatJustFit(t *testing.T) {
	size := func(lengths ...int) (bytes int, cut string) {
		fake, n := start(t)
		m := pagerduty.Message{Title: "T"}
		for _, length := range lengths {
			m.Links = append(m.Links, pagerduty.Link{Href: "https://x.test/" + strings.Repeat("a", length)})
		}
		r, err := n.Send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return len(fake.Requests()[0].Body), servicetest.CutFields(r.Cuts)
	}
	one, _ := size(900)
	two, _ := size(900, 900)
	lengths := slices.Repeat([]int{900}, 1+(512000-one)/(two-one))
	lengths[0] += (512000 - one) % (two - one)
	if bytes, cut := size(lengths...); bytes != 512000 || cut != "" {
		t.Errorf("%d bytes, cut %q", bytes, cut)
	}
	lengths[0]++
	if bytes, cut := size(lengths...); bytes > 1000 || cut != "links" {
		t.Errorf("%d bytes, cut %q", bytes, cut)
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
		if provider.EmptyLine(title) && errors.Is(err, mackerel.ErrInvalid) {
			return
		}
		if err != nil {
			t.Fatalf("%v: %q", err, fake.Problems())
		}
	})
}
