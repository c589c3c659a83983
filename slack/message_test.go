package slack_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// TestTextFromAlertsIsOnlyText puts what could be more than text into every field at once.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range servicetest.Hostile {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			m, _ := notify(t, servicetest.Everywhere(text))
			if called := m.Mentions(); len(called) > 0 {
				t.Errorf("it calls %q", called)
			}
			for _, l := range m.Links() {
				if strings.Contains(l.URL, "evil.test") && l.Label != "" || strings.HasPrefix(l.URL, "#") {
					t.Errorf("it links to %+v", l)
				}
			}
			if l := m.Links()[0]; l.URL != "https://mackerel.io/orgs/x/alerts/5A" || !strings.HasPrefix(l.Label, "[CRITICAL] ") {
				t.Errorf("the title is %+v", l)
			}
			for _, section := range sections(m) {
				if bare := slacktest.Unescape(section); slack.Escape(bare) != section && len(m.Links()) == 1 {
					t.Errorf("%q is not escaped once", section)
				}
			}
		})
	}
}

// TestTheTextIsWhatTheAlertSays undoes the escaping: but for that and control characters nothing may differ.
func TestTheTextIsWhatTheAlertSays(t *testing.T) {
	text := "a < b && c > d | \"e\" 'f' *g* `h` ~i~ _j_ 障害"
	m, _ := send(t, slack.Message{Title: text, Text: text + "\n" + text, Memo: mackerel.Fact{Label: "M", Value: text}})
	if want := text + ": " + text; slacktest.Unescape(m.Text) != want || m.Attachments[0].Fallback != m.Text {
		t.Errorf("%q and %q", m.Text, m.Attachments[0].Fallback)
	}
	if got := sections(m); len(got) != 2 || slacktest.Unescape(got[0]) != text || slacktest.Unescape(got[1]) != "*M:* "+text {
		t.Errorf("%q", got)
	}
	for _, a := range m.Attachments {
		for _, b := range a.Blocks {
			if b.Text.Type != "mrkdwn" || b.Text.Verbatim == nil || !*b.Text.Verbatim {
				t.Errorf("%+v: Slack would look for names in it", b.Text)
			}
		}
	}
}

func TestTitles(t *testing.T) {
	for _, c := range []struct{ name, url, title, want string }{
		{"a title is a link", "https://x.test/?a=1&b=2", "T", "<https://x.test/?a=1&amp;b=2|T>"},
		{"what would end the address does not", "https://x.test/a>b<c|d", "T", "<https://x.test/a%3Eb%3Cc%7Cd|T>"},
		{"what would end the label does not", "https://x.test/", "a>b<c|d&e", "<https://x.test/|a&gt;b&lt;c｜d&amp;e>"},
		{"a line break in a label is a blank", "https://x.test/", "a\r\nb", "<https://x.test/|a b>"},
		{"a title without an address is text", "", "a|b<c", "a|b&lt;c"},
		{"an address without a title shows itself", "https://x.test/", "", "<https://x.test/>"},
		{"an address that runs is no link", "javascript:alert(1)", "T", "T"},
		{"blanks in an address are encoded", "https://x.test/ <!here>", "T", "<https://x.test/%20%3C!here%3E|T>"},
		{"Japanese in an address is encoded", "https://x.test/障害", "T", "<https://x.test/%E9%9A%9C%E5%AE%B3|T>"},
		{"an address with a line break is no link", "https://x.test/\n<!here>", "T", "T"},
		{"a path is no link", "/orgs/x", "T", "T"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := send(t, slack.Message{Title: c.title, URL: c.url})
			if m.Text != c.want {
				t.Errorf("%q, want %q", m.Text, c.want)
			}
			if c.url != "" && !strings.Contains(m.Text, "<http") && slacktest.Unescape(sections(m)[0]) != c.url {
				t.Errorf("the address is nowhere: %+v", m)
			}
		})
	}
}

func TestAddressesInTextAreLinksToThemselves(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an address is a link", "see https://x.test/a?b=1&c=2 now", "see <https://x.test/a?b=1&amp;c=2> now"},
		{"the end of a sentence is not in it", "see https://x.test/a. (https://x.test/b)", "see <https://x.test/a>. (<https://x.test/b>)"},
		{"Japanese may follow", "https://x.test/手順を参照。", "<https://x.test/>手順を参照。"},
		{"a bracket ends it", "https://x.test/a<!here>", "<https://x.test/a>&lt;!here&gt;"},
		{"a bar ends it", "https://x.test/a|mackerel.io", "<https://x.test/a>|mackerel.io"},
		{"a scheme alone is none", "https:// http://.", "https:// http://."},
		{"other schemes are none", "javascript:x ftp://x.test/", "javascript:x ftp://x.test/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := send(t, slack.Message{Title: "T", Text: "a\n" + c.text})
			if got := sections(m); len(got) != 1 || got[0] != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	m, _ := send(t, slack.Message{Title: "T", Text: strings.Repeat("x", 2980) + " https://x.test/abcdefgh"})
	if len(m.Links()) != 0 {
		t.Errorf("an address that was cut is a link: %+v", m.Links())
	}
}

func TestPartsOfAMessage(t *testing.T) {
	facts := []mackerel.Fact{{Label: "A", Value: "1"}, {Label: "B"}, {Value: "2"}}
	long := strings.Repeat("long ", 40) + "line"
	for _, c := range []struct {
		name    string
		message slack.Message
		text    string
		want    []string
	}{
		{"the line is title, first line and mention", slack.Message{Title: "T", Text: "a\nb", Mention: "@here"}, "T: a <!here>", []string{"b"}},
		{"one line of text needs no attachment", slack.Message{Title: "T", Text: "a", Color: "good"}, "T: a", nil},
		{"a title needs no attachment", slack.Message{Title: "T & U", Color: "danger"}, "T &amp; U", nil},
		{"a first line that is too long is below as a whole", slack.Message{Title: "T", Text: long + "\nb"}, "T: " + strings.Repeat("long ", 29) + "l…", []string{long + "\nb"}},
		{"there may be no room for the first line", slack.Message{Title: strings.Repeat("t", 145), Text: "123456789\nb"}, strings.Repeat("t", 145), []string{"123456789\nb"}},
		{"raw text stands above, as it is", slack.Message{Title: "T", Raw: "<@U1> *x*", Text: "a\nb"}, "T: a", []string{"<@U1> *x*", "b"}},
		{"facts are lines", slack.Message{Title: "T", Facts: facts}, "T", []string{"*A:* 1\n2"}},
		{"a memo without a value is left out", slack.Message{Title: "T", Memo: mackerel.Fact{Label: "M"}, Text: "a\nb"}, "T: a", []string{"b"}},
		{"blanks alone are no section", slack.Message{Title: "T", Text: " \n", Raw: "\t"}, "T", nil},
		{"blanks alone are no title", slack.Message{Title: " ", Color: "good", Mention: "@here"}, "<!here>", nil},
		{"a title may be missing", slack.Message{Text: "a"}, "a", nil},
		{"facts may stand alone", slack.Message{Facts: facts}, "", []string{"*A:* 1\n2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, receipt := send(t, c.message)
			if got := sections(m); m.Text != c.text || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				t.Errorf("%q, %q, want %q, %q", m.Text, got, c.text, c.want)
			}
			if (len(m.Attachments) > 0) != (c.want != nil) || len(receipt.Cuts) != 0 {
				t.Errorf("%+v, %+v", m.Attachments, receipt.Cuts)
			}
		})
	}
}

func TestFactsWithAnAddressAreLinks(t *testing.T) {
	for _, c := range []struct{ name, address, value, want string }{
		{"the value is the link", "https://x.test/?a=1&b=2", "app01", "*Host:* <https://x.test/?a=1&amp;b=2|app01>"},
		{"what would end the link does not", "https://x.test/a>b|c", "a>b|c\nd", "*Host:* <https://x.test/a%3Eb%7Cc|a&gt;b｜c d>"},
		{"blanks in an address are encoded", "https://x.test/a <!here>", "x", "*Host:* <https://x.test/a%20%3C!here%3E|x>"},
		{"Japanese in an address is encoded", "https://x.test/障", "障", "*Host:* <https://x.test/%E9%9A%9C|障>"},
		{"an address that runs is no link", "javascript:alert(1)", "app01", "*Host:* app01"},
		{"a long address is a link", "https://x.test/" + strings.Repeat("&", 296) + "abc", "x", "*Host:* <https://x.test/" + strings.Repeat("&amp;", 296) + "abc|x>"},
		{"a longer address is no link", "https://x.test/" + strings.Repeat("&", 296) + "abcd", "app01", "*Host:* app01"},
		{"an address without a value is nothing", "https://x.test/", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := send(t, slack.Message{Title: "T", Facts: []mackerel.Fact{{Label: "Host", Value: c.value, URL: c.address}}})
			if got := strings.Join(sections(m), "\n"); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestPicturesThatSlackCannotFetchAreLines(t *testing.T) {
	for address, public := range map[string]bool{
		"https://mackerel.io/embed/public/x.png": true, "http://8.8.8.8/x.png": true, "https://[2606:4700::1]/x.png": true,
		"https://localhost/x.png": false, "http://10.1.2.3/x.png": false, "http://127.0.0.1:8080/x.png": false, "http://[::1]/x.png": false,
		"http://[fd00::1]/x.png": false, "http://169.254.1.1/x": false, "https://graph/x.png": false, "https://graph.corp.internal/x": false,
		"https://nas.local/x.png": false, "data:image/png;base64,AA": false, "https://x.test/a b.png": true, "https://x.test/障.png": true,
		"https://x.test/" + strings.Repeat("a", 3000): false,
	} {
		m, receipt := notify(t, mackerel.Alert{Message: "x", ImageURL: address})
		if got := len(pictures(m)) == 1; got != public {
			t.Errorf("%.60s: a picture is %t", address, got)
		}
		if shown := strings.Join(sections(m), "\n"); !public && !strings.Contains(shown, "Graph:") && servicetest.CutFields(receipt.Cuts) != "facts" {
			t.Errorf("%.60s: its address is nowhere in %q", address, shown)
		}
	}
}

func TestAnAlertWithoutAGraphHasNoFactForIt(t *testing.T) {
	if m := slack.DefaultMessage(mackerel.Alert{Message: "x"}, mackerel.Text{}); len(m.Facts) != 0 {
		t.Errorf("%+v", m.Facts)
	}
}

func TestStatusesLookDifferent(t *testing.T) {
	for _, c := range []struct {
		alert mackerel.Alert
		color string
	}{
		{mackerel.Alert{Status: mackerel.StatusOK}, "#2EB67D"}, {mackerel.Alert{Status: "WARNING"}, "#ECB22E"},
		{mackerel.Alert{Status: mackerel.StatusCritical}, "#E01E5A"}, {mackerel.Alert{Status: mackerel.StatusUnknown}, "#9E9E9E"},
		{mackerel.Alert{}, "#9E9E9E"}, {mackerel.Alert{Status: "muted"}, "#9E9E9E"}, {mackerel.Alert{Event: mackerel.EventMonitorUpdate, Status: "ok"}, "#9E9E9E"},
		{mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "CRITICAL"}, "#E01E5A"},
	} {
		c.alert.Org = "acme" // so that there is an attachment
		m, _ := notify(t, c.alert)
		if len(m.Attachments) != 1 || m.Attachments[0].Color != c.color {
			t.Errorf("%+v: %+v", c.alert, m.Attachments)
		}
	}
}

// TestLimits sends each text as long as possible, one character longer, and far too long.
func TestLimits(t *testing.T) {
	for _, field := range []struct {
		name  string
		limit int // what is left for the text itself
		put   func(*slack.Message, string)
	}{
		{"title", 4000, func(m *slack.Message, s string) { m.Title = s }},
		{"text", 3000, func(m *slack.Message, s string) { m.Text = s }},
		{"facts", 3000 - len("*F:* "), func(m *slack.Message, s string) { m.Facts = []mackerel.Fact{{Label: "F", Value: s}} }},
		{"memo", 3000 - len("*M:* "), func(m *slack.Message, s string) { m.Memo = mackerel.Fact{Label: "M", Value: s} }},
	} {
		for _, unit := range []struct {
			text  string
			width int // as it is sent
		}{{"a", 1}, {"障", 1}, {"🔥", 1}, {"&", 5}, {"<", 4}} {
			t.Run(field.name+" of "+unit.text, func(t *testing.T) {
				fits := field.limit / unit.width
				for _, n := range []int{fits, fits + 1, 1000, 100_000} {
					m := slack.Message{Title: "T"}
					field.put(&m, strings.Repeat(unit.text, n))
					_, receipt := send(t, m)
					checkCut(t, receipt, field.name, n, fits)
				}
			})
		}
	}
}

// checkCut fails if a text of n characters, of which so many fit, was not cut as little as possible.
func checkCut(t *testing.T, receipt mackerel.Receipt, field string, n, fits int) {
	t.Helper()
	if n <= fits {
		if len(receipt.Cuts) != 0 {
			t.Errorf("%d characters fit and were cut: %+v", n, receipt.Cuts)
		}
		return
	}
	if len(receipt.Cuts) != 1 {
		t.Fatalf("cuts: %+v", receipt.Cuts)
	}
	c := receipt.Cuts[0] // of facts and memos the label and a separator count too, and their frame does not
	if c.Field != field || c.Unit != "runes" || c.From < n || c.From > n+2 || c.To > fits+len("*F:* ") || c.To < fits-1 {
		t.Errorf("%+v, and %d fit", c, fits)
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	for _, unit := range []string{"障", "a b ", "👩‍💻", "<&>"} {
		a := servicetest.Everywhere(strings.Repeat(unit, 1000*10))
		a.Monitor.Name, a.Host = "CPU & memory", nil
		m, receipt := notify(t, a, func(c *slack.Config) { c.Mentions = map[mackerel.Status]string{mackerel.StatusCritical: "@channel"} })
		start, end := "<https://mackerel.io/orgs/x/alerts/5A|[CRITICAL] CPU &amp; memory>: "+slack.Escape(unit), "… <!channel>"
		if !strings.HasPrefix(m.Text, start) || !strings.HasSuffix(m.Text, end) {
			t.Errorf("%q", m.Text)
		}
		if got := servicetest.CutFields(receipt.Cuts); got != "text facts memo" {
			t.Errorf("cut: %s", got)
		}
		for _, section := range sections(m) {
			if n := utf8.RuneCountInString(section); n > 3000 || n < 3000-20 {
				t.Errorf("a section of %d characters", n)
			}
		}
	}
}

func TestALongTitleKeepsItsLinkAndMention(t *testing.T) {
	a := mackerel.Alert{
		Status: mackerel.StatusCritical, URL: "https://x.test/" + strings.Repeat("a", 1400), Message: "disk full",
		Monitor: mackerel.Monitor{Name: strings.Repeat("障害|", 9000)},
	}
	mention := strings.Repeat("あ", 2000)
	m, receipt := notify(t, a, func(c *slack.Config) { c.Mentions = map[mackerel.Status]string{mackerel.StatusCritical: mention} })
	if !strings.HasPrefix(m.Text, "<https://x.test/a") || !strings.Contains(m.Text, "|[CRITICAL] 障害") || !strings.HasSuffix(m.Text, "障害｜> "+mention) {
		t.Errorf("%q", m.Text)
	}
	if n := utf8.RuneCountInString(m.Text); n != 4000 || servicetest.CutFields(receipt.Cuts) != "title" {
		t.Errorf("%d characters, %+v", n, receipt.Cuts)
	}
	if got := sections(m); len(got) != 1 || got[0] != "disk full" {
		t.Errorf("%q", got)
	}
}

// TestTheFirstLineMakesRoomForALongMention has a first line that is longer when it is escaped. It fits, and then it
// does not.
func TestTheFirstLineMakesRoomForALongMention(t *testing.T) {
	text, mention := strings.Repeat("&", 140), strings.Repeat("あ", 2000)
	path := strings.Repeat("a", 4000-len("<https://x.test/|T>: ")-len("&amp;")*140-len(" ")-2000)
	message := slack.Message{Title: "T", Text: text, URL: "https://x.test/" + path, Mention: mention}
	m, receipt := send(t, message)
	if !strings.HasSuffix(m.Text, "|T>: "+slack.Escape(text)+" "+mention) || len(m.Attachments)+len(receipt.Cuts) != 0 {
		t.Errorf("%q, %+v", m.Text, receipt.Cuts)
	}
	message.URL += "a"
	m, receipt = send(t, message)
	if !strings.HasSuffix(m.Text, "|T> "+mention) || len(receipt.Cuts) != 0 {
		t.Errorf("%q, %+v", m.Text, receipt.Cuts)
	}
	if got := sections(m); len(got) != 1 || slacktest.Unescape(got[0]) != text {
		t.Errorf("%q", got)
	}
}

// TestHugeTexts sends a title and a first line of megabytes.
func TestHugeTexts(t *testing.T) {
	huge := strings.Repeat("障害 <", 10<<20/8)
	m, receipt := send(t, slack.Message{Title: huge, Text: huge, URL: "https://x.test/", Mention: "@here"})
	if !strings.HasPrefix(m.Text, "<https://x.test/|障害 ") || !strings.HasSuffix(m.Text, "&lt;> <!here>") || utf8.RuneCountInString(m.Text) > 4000 {
		t.Errorf("%.50q", m.Text)
	}
	n := utf8.RuneCountInString(huge)
	if servicetest.CutFields(receipt.Cuts) != "title text" || receipt.Cuts[0].From != n || receipt.Cuts[1].From != n {
		t.Errorf("%+v of %d", receipt.Cuts, n)
	}
	m, receipt = send(t, slack.Message{Title: "T", Text: huge})
	if !strings.HasPrefix(m.Text, "T: 障害 &lt;") || !strings.HasSuffix(m.Text, "…") || servicetest.CutFields(receipt.Cuts) != "text" {
		t.Errorf("%.50q, %+v", m.Text, receipt.Cuts)
	}
}

func TestManyFacts(t *testing.T) {
	var a mackerel.Alert
	for i := range 1000 {
		a.Facts = append(a.Facts, mackerel.Fact{Label: fmt.Sprint("label", i), Value: "value"})
	}
	m, receipt := notify(t, a)
	if got := sections(m)[0]; !strings.HasPrefix(got, "*label0:* value\n*label1:* value\n") || servicetest.CutFields(receipt.Cuts) != "facts" {
		t.Errorf("%.100q, %+v", got, receipt.Cuts)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"<!channel>", "&lt;", "&", "<<a|b>>", "\r\n\x00", "\xff<", "障害", "http://x.test/|<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := slack.Escape(text)
		if strings.ContainsAny(escaped, "<>\r") || !utf8.ValidString(escaped) {
			t.Errorf("Escape(%q) = %q", text, escaped)
		}
		again := slack.Escape(slacktest.Unescape(escaped))
		if again != escaped {
			t.Errorf("Escape(%q) = %q, and %q of what that shows", text, escaped, again)
		}
	})
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"<!here>", "https://x.test/<a|b>", "https://x.test/a…", "|>", " \n", "\xff", "障害", "@channel", strings.Repeat("&<", 3000)} {
		f.Add(s, s, "https://x.test/"+s)
		f.Add("T", "https://x.test/ "+s, s)
	}
	f.Fuzz(func(t *testing.T, title, text, address string) {
		m := slack.Message{
			Color: "good", Title: title, Text: text, Facts: []mackerel.Fact{{Label: title, Value: text, URL: address}}, Memo: mackerel.Fact{Label: "M", Value: text},
			URL: address, Image: address, Mention: "<@U1>",
		}
		posted, _ := send(t, m)
		if called := posted.Mentions(); len(called) != 1 {
			t.Errorf("it calls %q", called)
		}
		for _, l := range posted.Links() {
			if !strings.HasPrefix(strings.ToLower(l.URL), "http") {
				t.Errorf("it links to %+v", l)
			}
		}
	})
}
