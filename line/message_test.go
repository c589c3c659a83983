package line_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// TestTextFromAlertsIsOnlyText lets the fake check the messages: LINE's text has no markup that could be written by mistake.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range append([]string{"{mention}", " \t\u3000", "a\u2028b"}, servicetest.Hostile...) {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			d, _ := notify(t, servicetest.Everywhere(text))
			if m := d.Messages[0]; len(d.Messages) != 1 || m.Type != "flex" || m.Bubble.Footer.Contents[0].Action.URI != "https://mackerel.io/orgs/x/alerts/5A" {
				t.Errorf("%+v", d.Messages)
			}
			d, _ = notify(t, servicetest.Everywhere(text), plain)
			if m := d.Messages[0]; len(d.Messages) != 1 || m.Type != "text" || !strings.HasSuffix(m.Text, "\nhttps://mackerel.io/orgs/x/alerts/5A") {
				t.Errorf("%+v", d.Messages)
			}
		})
	}
}

// TestLimits sends memos that are as long as possible, one character longer, and far too long.
func TestLimits(t *testing.T) {
	message := func(memo string) line.Message {
		return line.Message{Title: "T", Memo: mackerel.Fact{Label: "M", Value: memo}}
	}
	empty, _ := send(t, message("x"))
	frame := len(empty.Messages[0].Contents) - 1
	for _, c := range []struct {
		name, unit          string
		width, limit, frame int // of a unit as it is sent
		configure           func(*line.Config)
	}{
		{"a text of ASCII", "a", 1, 5000, units("T\nM: "), plain},
		{"a text of Japanese", "障", 1, 5000, units("T\nM: "), plain},
		{"a text of emoji", "🔥", 2, 5000, units("T\nM: "), plain},
		{"a text of families", "👨‍👩‍👧", 8, 5000, units("T\nM: "), plain},
		{"a bubble of ASCII", "a", 1, 30000, frame, func(*line.Config) {}},
		{"a bubble of Japanese", "障", 3, 30000, frame, func(*line.Config) {}},
		{"a bubble of emoji", "🔥", 4, 30000, frame, func(*line.Config) {}},
		{"a bubble of quotes", `"`, 2, 30000, frame, func(*line.Config) {}},
		{"a bubble of line breaks", "x\ny", 4, 30000, frame, func(*line.Config) {}},
		{"a bubble of angle brackets", "<", 1, 30000, frame, func(*line.Config) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fits := (c.limit - c.frame) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				d, receipt := send(t, message(strings.Repeat(c.unit, n)), c.configure)
				m := d.Messages[0]
				if length := max(units(m.Text), len(m.Contents)); length > c.limit || length < c.limit-10 {
					t.Errorf("%d of %q have the length %d", n, c.unit, length)
				}
				if cut := servicetest.CutFields(receipt.Cuts) == "memo"; cut != (n > fits) {
					t.Errorf("%d of %q: %+v", n, c.unit, receipt.Cuts)
				}
				if m.Type == "flex" && m.AltText != "T" {
					t.Errorf("the alternative text is %.200q", m.AltText)
				}
			}
		})
	}
}

func TestTheAlternativeTextIsOneLine(t *testing.T) {
	fact := func(value string) []mackerel.Fact { return []mackerel.Fact{{Label: "L", Value: value}} }
	for _, c := range []struct {
		name string
		m    line.Message
		want string
		cut  bool
	}{
		{"title and first line", line.Message{Title: "T", Text: "one\ntwo", URL: "https://x.test/"}, "T: one", false},
		{"a title alone", line.Message{Title: "T", Facts: fact("v")}, "T", false},
		{"150 units are whole", line.Message{Title: "T", Text: strings.Repeat("🔥", 73) + "x"}, "T: " + strings.Repeat("🔥", 73) + "x", false},
		{"151 units are cut", line.Message{Title: "T", Text: strings.Repeat("🔥", 74)}, "T: " + strings.Repeat("🔥", 73) + "…", true},
		{"a long title leaves no room", line.Message{Title: strings.Repeat("x", 148), Text: "one"}, strings.Repeat("x", 148), true},
		{"a title is cut in its middle", line.Message{Title: strings.Repeat("x", 151), Text: "one"}, strings.Repeat("x", 75) + "…" + strings.Repeat("x", 74), true},
		{"a text without a title", line.Message{Text: "one\ntwo"}, "one", false},
		{"a fact", line.Message{Facts: append(fact(" "), fact("v")...)}, "L: v", false},
		{"a memo", line.Message{Memo: mackerel.Fact{Label: "M", Value: "m"}}, "M: m", false},
		{"a link", line.Message{URL: "https://x.test/", Image: "https://x.test/a.png"}, "https://x.test/", false},
		{"a link of 150 units", line.Message{URL: "https://x.test/" + strings.Repeat("a", 135)}, "https://x.test/" + strings.Repeat("a", 135), false},
		{"a long link is not cut", line.Message{URL: "https://x.test/" + strings.Repeat("a", 136)}, "line", false},
		{"a picture", line.Message{Image: "https://x.test/a.png"}, "line", false},
		{"control characters", line.Message{Title: "\x01"}, "line", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, receipt := send(t, c.m)
			if alt := d.Messages[0].AltText; alt != c.want || (servicetest.CutFields(receipt.Cuts) == "altText") != c.cut {
				t.Errorf("%q, want %q; cuts %+v", alt, c.want, receipt.Cuts)
			}
			if _, receipt := send(t, c.m, plain); len(receipt.Cuts) != 0 {
				t.Errorf("plain text has no alternative text: %+v", receipt.Cuts)
			}
		})
	}
}

// TestATapOpensAFact looks at what the screen shows and at what a tap does.
func TestATapOpensAFact(t *testing.T) {
	a := alert
	a.Host = &mackerel.Host{Name: "app01", URL: "https://mackerel.io/orgs/x/hosts/1", Roles: []mackerel.Role{{FullName: "Shop: app"}}}
	a.Facts = []mackerel.Fact{
		{Label: "Runbook", Value: "7", URL: "https://wiki.test/ 手順"}, {Label: "Script", Value: "x", URL: "javascript:alert(1)"},
		{Label: "Long", Value: "l", URL: "https://x.test/" + strings.Repeat("a", 1000-14)},
	}
	for language, labels := range map[mackerel.Language][]string{
		mackerel.English: {"Open in Mackerel", "Open"}, mackerel.Japanese: {"Mackerelで開く", "開く"},
	} {
		d, _ := notify(t, a, func(c *line.Config) { c.Text.Language = language })
		got := make(map[string]linetest.Action)
		for _, row := range d.Messages[0].Bubble.Body.Contents[0].Contents {
			if value := row.Contents[1]; value.Action != nil {
				got[value.Text] = *value.Action
			}
		}
		want := map[string]linetest.Action{
			"app01": {Type: "uri", Label: labels[0], URI: "https://mackerel.io/orgs/x/hosts/1"},
			"7":     {Type: "uri", Label: labels[1], URI: "https://wiki.test/%20%E6%89%8B%E9%A0%86"},
		}
		if !maps.Equal(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
		if texts := d.Messages[0].Texts(); strings.Count(strings.Join(texts, "\n"), labels[0]) != 1 || texts[len(texts)-1] != labels[0] {
			t.Errorf("%q", texts)
		}
	}
	if d, _ := notify(t, a, plain); strings.Contains(d.Messages[0].Text, "hosts/1") {
		t.Errorf("%q", d.Messages[0].Text)
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	a := servicetest.Everywhere(strings.Repeat("障害🔥 & <b> ", 3_000))
	a.Monitor.Name, a.Host, a.ImageURL = "CPU & memory", nil, ""
	d, receipt := notify(t, a)
	if texts := d.Messages[0].Texts(); texts[1] != "[CRITICAL] CPU & memory" || texts[len(texts)-1] != "Open in Mackerel" || servicetest.CutFields(receipt.Cuts) != "altText facts memo text" {
		t.Errorf("%.100q, %+v", texts, receipt.Cuts)
	}
	d, receipt = notify(t, a, plain)
	if m := d.Messages[0]; !strings.HasPrefix(m.Text, "[CRITICAL] CPU & memory\n") || !strings.HasSuffix(m.Text, "\n"+a.URL) || servicetest.CutFields(receipt.Cuts) != "facts text memo" {
		t.Errorf("%.100q, %+v", m.Text, receipt.Cuts)
	}
	long := strings.Repeat("x ", 30_000)
	m := line.Message{Title: long, Text: long, Facts: []mackerel.Fact{{Label: "F", Value: long}}, Memo: mackerel.Fact{Label: "M", Value: long}, URL: long, Image: long}
	if _, receipt := send(t, m); servicetest.CutFields(receipt.Cuts) != "altText url title memo text facts" {
		t.Errorf("%+v", receipt.Cuts)
	}
	if _, receipt := send(t, m, plain); servicetest.CutFields(receipt.Cuts) != "url title facts text memo" {
		t.Errorf("%+v", receipt.Cuts)
	}
}

func TestPartsOfABubble(t *testing.T) {
	for _, c := range []struct {
		name    string
		message line.Message
		want    string // in the bubble
		never   string
	}{
		{"a picture must be https", line.Message{Title: "T", Image: "http://x.test/a.png"}, `"text":"T"`, `"hero"`},
		{"a picture is shown", line.Message{Title: "T", Image: "https://x.test/a.png"}, `"hero":{"type":"image","url":"https://x.test/a.png"`, "\x00"},
		{"a picture's address may be too long", line.Message{Title: "T", Image: "https://x.test/" + strings.Repeat("a", 2000)}, `"text":"T"`, `"hero"`},
		{"a link is a button", line.Message{URL: "https://x.test/?a&b"}, `"action":{"type":"uri","label":"Open","uri":"https://x.test/?a&b"}`, "\x00"},
		{"a button has its label", line.Message{URL: "https://x.test/", URLLabel: "アラートを開く"}, `"label":"アラートを開く"`, "\x00"},
		{"a blank label is not used", line.Message{URL: "https://x.test/", URLLabel: " "}, `"label":"Open"`, "\x00"},
		{"an address that runs is text", line.Message{URL: "javascript:alert(1)"}, `"text":"javascript:alert(1)"`, `"footer"`},
		{"the longest address is a button", line.Message{URL: "https://x.test/" + strings.Repeat("a", 1000-15)}, `"uri":"https://x.test/aaa`, `"text"`},
		{"a longer address is text", line.Message{URL: "https://x.test/" + strings.Repeat("a", 1000-14)}, `"text":"https://x.test/aaa`, `"footer"`},
		{"a light head has dark letters", line.Message{Title: "T", Color: "#F2A900"}, `"color":"#000000"`, "\x00"},
		{"a dark head has light letters", line.Message{Title: "T", Color: "#D7263D"}, `"color":"#FFFFFF"`, "\x00"},
		{"a black head has light letters", line.Message{Title: "T", Color: "#0A0A0A"}, `"color":"#FFFFFF"`, "\x00"},
		{"a green head has dark letters", line.Message{Title: "T", Color: "#1DB446"}, `"color":"#000000"`, "\x00"},
		{"a head without a colour is gray", line.Message{Title: "T"}, `"backgroundColor":"#777777"`, "\x00"},
		{"a message without a title has no head", line.Message{Text: "x"}, `"text":"x"`, `"styles"`},
		{"a fact without a label is a value", line.Message{Facts: []mackerel.Fact{{Value: "v"}}}, `"text":"v"`, "\x00"},
		{"a fact without a value is left out", line.Message{Title: "T", Facts: []mackerel.Fact{{Label: "L"}}}, `"text":"T"`, `"L"`},
		{"a fact with a blank value is left out", line.Message{Title: "T", Facts: []mackerel.Fact{{Label: "L", Value: " "}}}, `"text":"T"`, `"L"`},
		{"blank texts are left out", line.Message{Title: "T", Text: " \n\u3000"}, `"text":"T"`, `"body"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, receipt := send(t, c.message)
			if bubble := string(d.Messages[0].Contents); !strings.Contains(bubble, c.want) || strings.Contains(bubble, c.never) || len(receipt.Cuts) != 0 {
				t.Errorf("%s, %+v", bubble, receipt.Cuts)
			}
		})
	}
}

// TestPlainTextShowsTheAddressOfThePicture: it is the first to go if the text is too long.
func TestPlainTextShowsTheAddressOfThePicture(t *testing.T) {
	m := line.Message{Title: "T", Facts: []mackerel.Fact{{Label: "L", Value: "v"}}, URL: "https://x.test/", Image: "https://x.test/ 図.png"}
	d, _ := send(t, m, plain, func(c *line.Config) { c.Text.Language = mackerel.Japanese })
	if got, want := d.Messages[0].Text, "T\nL: v\nグラフ: https://x.test/%20%E5%9B%B3.png\nhttps://x.test/"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	m.Text = strings.Repeat("x", 4970)
	d, receipt := send(t, m, plain)
	if got := d.Messages[0].Text; strings.Contains(got, "png") || !strings.Contains(got, m.Text+"\nL: v\nhttps://x.test/") || servicetest.CutFields(receipt.Cuts) != "facts" {
		t.Errorf("%.60q, %+v", got, receipt.Cuts)
	}
}

func TestAMessageOfTheCallersHasTheFormatOfTheConfig(t *testing.T) {
	for format, want := range map[line.Format]string{"": "text", line.FormatFlex: "flex", line.FormatText: "text"} {
		if d, _ := send(t, line.Message{Format: format, Title: "T"}, plain); d.Messages[0].Type != want {
			t.Errorf("%q: %+v", format, d.Messages[0])
		}
	}
}

func TestRawMessagesFollow(t *testing.T) {
	const object = `{"type":"textV2","text":"{all} look","substitution":{"all":{"type":"mention","mentionee":{"type":"all"}}}}`
	mention := jsontext.Value(" " + object)
	for title, count := range map[string]int{"T": 2, "": 1} {
		fake, n := start(t)
		if _, err := n.Send(t.Context(), line.Message{Title: title, Raw: []jsontext.Value{mention}}); err != nil {
			t.Fatal(err)
		}
		if messages := fake.Deliveries()[0].Messages; len(messages) != count || messages[count-1].Text != "{all} look" || !strings.Contains(string(fake.Requests()[0].Body), object) {
			t.Errorf("%+v", messages)
		}
	}
}

func TestWhatIsNotSent(t *testing.T) {
	object := jsontext.Value(`{}`)
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m line.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]line.Message{
		"Message: empty":                   {Title: " \n", Image: " ", Facts: []mackerel.Fact{{Label: "L", Value: " "}}},
		`Format: must be "flex" or "text"`: {Title: "T", Format: "html"},
		"URLLabel: 21 characters":          {Title: "T", URLLabel: strings.Repeat("開", 21)},
		"Color: must be #RRGGBB":           {Title: "T", Color: "red"},
		"Raw: 5 items, and at most 4":      {Title: "T", Raw: []jsontext.Value{object, object, object, object, object}},
		"Raw[0]: must be a JSON object":    {Raw: []jsontext.Value{jsontext.Value(`{"type"`)}},
		"Raw[1]: must be a JSON object":    {Raw: []jsontext.Value{object, jsontext.Value(`"x"`)}},
		"Raw[2]: must be a JSON object":    {Raw: []jsontext.Value{object, object, jsontext.Value("{\"text\":\"\xff\"}")}},
		"RetryKey: must be a UUID":         {Title: "T", RetryKey: "5A"},
	})
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"", "T", "\x00", "\xff", " \u3000", "障", "👩‍💻", "https://x.test/\xff", "javascript:x", `"\`} {
		f.Add(s, strings.Repeat(s, 50), "https://x.test/"+s, true)
		f.Add(s, s, s, false)
	}
	f.Fuzz(func(t *testing.T, title, memo, address string, flex bool) {
		m := line.Message{
			Format: line.FormatText, Title: title, Text: memo, Facts: []mackerel.Fact{{Label: title, Value: memo}},
			Memo: mackerel.Fact{Label: title, Value: memo}, URL: address, Image: address,
		}
		if flex {
			m.Format = line.FormatFlex
		}
		_, n := start(t)
		if _, err := n.Send(t.Context(), m); err != nil && strings.TrimSpace(title+memo+address) != "" {
			t.Fatal(err)
		}
	})
}
