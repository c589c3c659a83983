package hipchat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// TestTextFromAlertsIsOnlyText puts what could be more than text into every field at once, in both formats and on a
// card.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	plain := func(m *hipchat.Message, _ mackerel.Alert) error { // without a title in front of the text
		m.Format, m.Title = hipchat.FormatText, ""
		return nil
	}
	for _, text := range append([]string{"/code x", " \t/quote x", "javascript:alert(1)", "&am &#"}, servicetest.Hostile...) {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			a := servicetest.Everywhere(text)
			m, _ := notify(t, a, withCard) // checks the HTML
			if m.Format != "html" || strings.Contains(string(m.Card), `\u0000`) || strings.Contains(string(m.Card), `\u001b`) {
				t.Errorf("%s; the card is %s", m.Format, m.Card)
			}
			m, _ = notify(t, a, mentioning("all"))
			if m.Format != "text" || strings.Count(m.Text, "@") != 1 || !strings.Contains(m.Text, "\n@all\n") {
				t.Errorf("%q does not mention @all alone", m.Text)
			}
			m, _ = notify(t, a, func(c *hipchat.Config) { c.Edit = plain })
			if strings.Contains(m.Text, "@") || strings.HasPrefix(strings.TrimSpace(m.Text), "/") {
				t.Errorf("%q mentions somebody or is a command", m.Text)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ name, url, html, text string }{
		{"an address is a link", "https://x.test/?a=1&b=2", `<a href="https://x.test/?a=1&amp;b=2"><b>T</b></a>`, "T\nhttps://x.test/?a=1&b=2"},
		{"quotes stay within", `https://x.test/"'<`, `<a href="https://x.test/&quot;&#39;&lt;"><b>T</b></a>`, "T\nhttps://x.test/\"'<"},
		{"a mention in an address mentions nobody", "https://x.test/@all", `<a href="https://x.test/@all"><b>T</b></a>`, "T\nhttps://x.test/%40all"},
		{"an address that runs is text", "javascript:alert(1)", "<b>T</b><br>javascript:alert(1)", "T\njavascript:alert(1)"},
		{"blanks in an address are encoded", "https://x.test/ @all", `<a href="https://x.test/%20@all"><b>T</b></a>`, "T\nhttps://x.test/%20%40all"},
		{"Japanese in an address is encoded", "https://x.test/夜", `<a href="https://x.test/%E5%A4%9C"><b>T</b></a>`, "T\nhttps://x.test/%E5%A4%9C"},
		{"an address that is no link mentions nobody", "x.test/ @all", "<b>T</b><br>x.test/ @all", "T\nx.test/ ＠all"},
		{"a path is text", "/orgs/x", "<b>T</b><br>/orgs/x", "T\n/orgs/x"},
		{"an address may be missing", "", "<b>T</b>", "T"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for format, want := range map[hipchat.Format]string{hipchat.FormatHTML: c.html, hipchat.FormatText: c.text} {
				if m, _ := send(t, hipchat.Message{Format: format, Title: "T", URL: c.url}); m.Text != want {
					t.Errorf("%s: %q, want %q", format, m.Text, want)
				}
			}
		})
	}
}

func TestPartsOfAMessage(t *testing.T) {
	for _, c := range []struct {
		name    string
		message hipchat.Message
		want    string
	}{
		{"raw HTML stands in front, as it is", hipchat.Message{Raw: "<i>x</i>", Title: "T"}, "<i>x</i><br><b>T</b>"},
		{"a link without a title shows itself", hipchat.Message{URL: "https://x.test/?a&b"}, `<a href="https://x.test/?a&amp;b">https://x.test/?a&amp;b</a>`},
		{"a picture that is not at an http address is left out", hipchat.Message{Title: "T", Image: "data:image/png;base64,AA"}, "<b>T</b>"},
		{"mentions are left out of HTML", hipchat.Message{Format: hipchat.FormatHTML, Mentions: []string{"all"}, Title: "T"}, "<b>T</b>"},
		{"raw text may be a command", hipchat.Message{Format: hipchat.FormatText, Raw: "/code x"}, "/code x"},
		{"a mention has one @", hipchat.Message{Mentions: []string{"@all", "hanako"}, Title: "T"}, "T\n@all @hanako"},
		{"mentions are behind the first line", hipchat.Message{Mentions: []string{"all"}, Title: "T", Text: "1\n2", URL: "/x"}, "T\n1\n@all\n2\n/x"},
		{"a slash begins no command behind the first line", hipchat.Message{Mentions: []string{"all"}, Title: "T", Text: "1\n/2"}, "T\n1\n@all\n/2"},
		{"a slash begins no command behind mentions", hipchat.Message{Mentions: []string{"all"}, Memo: mackerel.Fact{Value: "/x"}}, "@all\n/x"},
		{"a slash at the start is full-width", hipchat.Message{Format: hipchat.FormatText, Memo: mackerel.Fact{Value: "/x"}}, "／x"},
		{"a fact may be a link", hipchat.Message{Facts: []mackerel.Fact{{Label: "Host", Value: "a<b", URL: "https://x.test/?a&b"}}}, `Host: <a href="https://x.test/?a&amp;b">a&lt;b</a>`},
		{"a fact without a label may be a link", hipchat.Message{Facts: []mackerel.Fact{{Value: "a", URL: "https://x.test/"}}}, `<a href="https://x.test/">a</a>`},
		{"a fact whose address runs is text", hipchat.Message{Facts: []mackerel.Fact{{Label: "Host", Value: "a", URL: "javascript:alert(1)"}}}, "Host: a"},
		{"a picture's address is a line", hipchat.Message{Format: hipchat.FormatText, Title: "T", Image: "https://x.test/@a.png"}, "T\nhttps://x.test/%40a.png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m, _ := send(t, c.message); m.Text != c.want {
				t.Errorf("%q, want %q", m.Text, c.want)
			}
		})
	}
}

// TestLimitOfAMessage sends memos that make a message as long as possible, one character longer, and far too long.
func TestLimitOfAMessage(t *testing.T) {
	frame := utf8.RuneCountInString("<b>T</b><br><i>M: </i>")
	for _, unit := range []struct {
		text  string
		width int // as it is sent
	}{{"a", 1}, {"障", 1}, {"🔥", 1}, {"&", 5}, {`"`, 6}, {"'", 5}} {
		t.Run(unit.text, func(t *testing.T) {
			fits := (10000 - frame) / unit.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				m, receipt := send(t, hipchat.Message{Title: "T", Memo: mackerel.Fact{Label: "M", Value: strings.Repeat(unit.text, n)}})
				if length := utf8.RuneCountInString(m.Text); length > 10000 || length < 10000-10 {
					t.Errorf("%d: %d characters", n, length)
				}
				if cut := servicetest.CutFields(receipt.Cuts) == "memo"; cut != (n > fits) {
					t.Errorf("%d: %+v", n, receipt.Cuts)
				}
			}
		})
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	for _, configure := range []func(*hipchat.Config){func(*hipchat.Config) {}, mentioning("all")} {
		a := servicetest.Everywhere(strings.Repeat("障害🔥 & <b> ", 2_000))
		a.Monitor.Name, a.Host = "CPU & memory", nil
		m, receipt := notify(t, a, configure)
		wantContains(t, m.Text, "[CRITICAL] CPU", a.URL)
		if n := utf8.RuneCountInString(m.Text); n > 10000 || n < 10000-100 {
			t.Errorf("%d characters", n)
		}
		if got := servicetest.CutFields(receipt.Cuts); got != "facts memo text" {
			t.Errorf("cut: %s", got)
		}
	}
}

func TestLongAddresses(t *testing.T) {
	for name, c := range map[string]struct{ address, message, cut string }{
		"a long address": {"https://x.test/" + strings.Repeat("a", 100_000), "<b>T</b>", "url"},
		"the longest link": {
			"https://x.test/" + strings.Repeat("a", 1985),
			`<a href="https://x.test/` + strings.Repeat("a", 1985) + `"><b>T</b></a><br><img src="https://x.test/` + strings.Repeat("a", 1985) + `">`, "",
		},
		"an address that is long when sent":  {"https://x.test/" + strings.Repeat(`"`, 1900), "<b>T</b>", "url"},
		"an address that is short as a text": {"https://x.test/" + strings.Repeat(`"`, 400), "<b>T</b><br>https://x.test/" + strings.Repeat("&quot;", 400), ""},
	} {
		m, receipt := send(t, hipchat.Message{Title: "T", URL: c.address, Image: c.address})
		if got := servicetest.CutFields(receipt.Cuts); m.Text != c.message || got != c.cut {
			t.Errorf("%s: %.100q, cut %s", name, m.Text, got)
		}
	}
}

func TestStatusesLookDifferent(t *testing.T) {
	for _, c := range []struct {
		name    string
		alert   mackerel.Alert
		color   string
		notify  bool
		lozenge string
	}{
		{"ok is green", mackerel.Alert{Status: mackerel.StatusOK}, "green", false, "lozenge-success"},
		{"a warning is yellow", mackerel.Alert{Status: mackerel.StatusWarning}, "yellow", false, "lozenge-current"},
		{"critical is red and disturbs", mackerel.Alert{Status: "CRITICAL"}, "red", true, "lozenge-error"},
		{"unknown is gray and disturbs", mackerel.Alert{Status: mackerel.StatusUnknown}, "gray", true, "lozenge"},
		{"a close by hand is neutral", mackerel.Alert{Status: mackerel.StatusOK, Trigger: "manual close"}, "gray", false, "lozenge"},
		{"a close by hand while critical disturbs nobody", mackerel.Alert{Status: "CRITICAL", ClosedAt: time.Unix(1, 0), Trigger: "manual close"}, "gray", false, "lozenge"},
		{"no status is unknown", mackerel.Alert{}, "gray", true, "lozenge"},
		{"a newer status is drawn as unknown", mackerel.Alert{Status: "muted"}, "gray", true, "lozenge"},
		{"a group has a status", mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "CRITICAL"}, "red", true, "lozenge-error"},
		{"a registered host disturbs nobody", mackerel.Alert{Event: mackerel.EventHostRegister}, "gray", false, ""},
		{"a newer event disturbs nobody", mackerel.Alert{Event: "rain"}, "gray", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := notify(t, c.alert, withCard)
			if m.Color != c.color || m.Notify != c.notify {
				t.Errorf("%s, %v", m.Color, m.Notify)
			}
			if c.lozenge == "" {
				wantMissing(t, string(m.Card), "lozenge")
			} else {
				wantContains(t, string(m.Card), `"style":"`+c.lozenge+`"`)
			}
		})
	}
}

func TestADefaultCardFits(t *testing.T) {
	for _, unit := range []string{"a", "障", "🔥", "👩‍💻"} {
		a := servicetest.Everywhere(strings.Repeat(unit, 5_000))
		a.ImageURL, a.URL = "https://x.test/"+strings.Repeat("a", 250), "not a link"
		m, receipt := notify(t, a, withCard)
		var card hipchat.Card
		if err := json.Unmarshal(m.Card, &card); err != nil {
			t.Fatal(err)
		}
		if card.Thumbnail != nil || card.URL != "" || len(card.Attributes) != 6 {
			t.Errorf("%+v", card)
		}
		if n := utf8.RuneCountInString(string(m.Card)); n > 5_000 {
			t.Errorf("the card has %d characters", n)
		}
		wantContains(t, servicetest.CutFields(receipt.Cuts), "card.title card.description")
	}
}

func TestADefaultCardHasWhatCardsTake(t *testing.T) {
	a := mackerel.Alert{
		Message: "x", ImageURL: "https://x.test/" + strings.Repeat("a", 250-len("https://x.test/")),
		Facts: []mackerel.Fact{{Label: "Runbook", Value: "open", URL: "https://x.test/"}, {Label: "Trap", Value: "x", URL: "javascript:alert(1)"}},
	}
	card := hipchat.DefaultCard(a, mackerel.Text{})
	if card.Thumbnail == nil || card.Thumbnail.URL != a.ImageURL {
		t.Errorf("the picture is %+v", card.Thumbnail)
	}
	for _, attribute := range card.Attributes {
		if want := map[string]string{"Runbook": "https://x.test/"}[attribute.Label]; attribute.Value.URL != want {
			t.Errorf("%s links to %q, want %q", attribute.Label, attribute.Value.URL, want)
		}
	}
	if a.ImageURL += "a"; hipchat.DefaultCard(a, mackerel.Text{}).Thumbnail != nil {
		t.Error("the address of the picture is longer than HipChat takes")
	}
}

func TestCardIDs(t *testing.T) {
	for _, c := range []struct {
		alert mackerel.Alert
		want  string
	}{
		{mackerel.Alert{ID: "5A", Status: "CRITICAL"}, "mackerel-5A:critical"},
		{mackerel.Alert{ID: "5A", Status: mackerel.StatusOK}, "mackerel-5A:ok"},
		{mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "OK", Group: &mackerel.AlertGroup{ID: "5G"}}, "mackerel-group-5G:ok"},
		{mackerel.Alert{ID: "5H", Event: mackerel.EventHostRetire}, "mackerel-5H:hostRetire"},
	} {
		if got := hipchat.DefaultCard(c.alert, mackerel.Text{}).ID; got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, strings.Repeat(s, 100), "https://x.test/"+s, true)
		f.Add(s, s, s, false)
	}
	f.Add("T", strings.Repeat("<&", 6000), "https://x.test/@", false)
	f.Fuzz(func(t *testing.T, title, memo, address string, plain bool) {
		m := hipchat.Message{Title: title, Text: title, Memo: mackerel.Fact{Label: title, Value: memo}, URL: address, Image: address}
		if plain {
			m.Format = hipchat.FormatText
		}
		fake, n := start(t)
		if _, err := n.Send(t.Context(), m); err != nil {
			if strings.TrimSpace(title+memo+address) != "" {
				t.Fatalf("%v: %q", err, fake.Problems())
			}
			return
		}
		sent := last(t, fake)
		if plain && (strings.Contains(sent.Text, "@") || strings.HasPrefix(strings.TrimSpace(sent.Text), "/")) {
			t.Errorf("%q", sent.Text)
		}
	})
}
