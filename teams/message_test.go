package teams_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// These find what Markdown would take for more than text. They are written from the syntax, not from Escape. An odd
// number of backslashes in front of a character makes it text.
var (
	live      = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*[*_]|~~`)
	code      = regexp.MustCompile("`[^\n]*`")
	lineStart = regexp.MustCompile(`(?m)^( {0,3}([#>=]|--|[-+]([ \t]|$)|\d+[.)]([ \t]|$))| {4}|\t)`)
	at        = regexp.MustCompile(`(?i)<\s*/?\s*at\b`)
	address   = regexp.MustCompile(`(?i:https?)://[0-9A-Za-z!#$%&'()*+,\-./:;=?@_~]+`)
	emphasis  = regexp.MustCompile(`(?:^|[^0-9A-Za-z_])_+[^_].*_(?:[^0-9A-Za-z_]|$)|\*[^*].*\*|~~`)
)

// markup returns what in a text of a card is more than text, "" if there is nothing.
func markup(text string) string {
	switch bare := address.ReplaceAllString(text, "x"); {
	case len(teamstest.Card{Body: []teamstest.Element{{Type: "TextBlock", Text: text}}}.Links()) > 0:
		return "a link"
	case at.MatchString(text):
		return "a tag"
	case live.MatchString(bare):
		return "emphasis"
	case code.MatchString(text):
		return "code"
	case lineStart.MatchString(text):
		return "a list, a heading, a quote or code"
	}
	for line := range strings.SplitSeq(text, "\n") {
		if emphasis.MatchString(strings.Join(address.FindAllString(line, -1), " ")) {
			return "emphasis in an address"
		}
	}
	return ""
}

// hostile are texts that Markdown and Teams take for more than text.
var hostile = append([]string{
	"<at>花子</at>", "<AT>花子</AT>", "< at>x</ at >", "<at id=\"0\">x</at>", "</at>", "<at>", "&lt;at&gt;花子&lt;/at&gt;",
	"- a\n- b\n* c\n+ d", "1. a\n2) b", "---\n===", "    code\n\tmore", `\* \\* \[x\]`, `\`, "**a** __b__ ~~c~~ ***d***",
	"{{DATE(2026-01-01T00:00:00Z)}} ${x} @{triggerBody()}", strings.Repeat("<at>花子</at>*", 3000),
	"[x] (http://evil.test)", "[x]\t \t(http://evil.test)", "[x]\n(http://evil.test)", "[[x](http://evil.test)](http://evil.test)",
	`[x\](http://evil.test)`, `\[x](http://evil.test)`, `[x]\(http://evil.test)`, `[x](\http://evil.test)`, "[x](<http://evil.test>)",
	"![x](http://evil.test/x.png)", "[![x](http://evil.test)](http://evil.test)", "[x][y]\n[y]: http://evil.test", "[x]\n [x]: <http://evil.test>",
	"[x] :http://evil.test", "https://x.test/[x](http://evil.test)", "https://x.test](http://evil.test) [", "[https://x.test](http://evil.test)",
	"<http://evil.test>", "<mailto:x@evil.test>", "<x@evil.test>", "`<http://evil.test>`", "https://x.test/<http://evil.test/_a_>",
	"https://x.test/_a_/*b*/~~c~~", "https://x.test/_a https://x.test/b_/", "https://x.test/__init__.py", "```\ncode\n```", "~~~\ncode",
}, servicetest.Hostile...)

// TestTextFromAlertsIsOnlyText puts what could be more than text into every field at once.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range hostile {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			card, _ := notify(t, servicetest.Everywhere(text), mentionHanako)
			if got := card.Mentions(); len(got) != 1 {
				t.Errorf("it calls %+v", got)
			}
			for _, shown := range card.Texts() {
				if problem := markup(shown); problem != "" && shown != "<at>花子</at>" {
					t.Errorf("%q is %s", shown, problem)
				}
			}
			if got := card.Actions; len(got) != 1 || got[0].URL != "https://mackerel.io/orgs/x/alerts/5A" {
				t.Errorf("the buttons are %q", got)
			}
		})
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text stays", "CPU % 84.2 > 80 (app-01) #1 - ok ~ 5", "CPU % 84.2 > 80 (app-01) #1 - ok ~ 5"},
		{"brackets stay", "[CRITICAL] CPU % a[0] [toall] a[0][1] [x]", "[CRITICAL] CPU % a[0] [toall] a[0][1] [x]"},
		{"emphasis is text", "a*b_c", `a\*b\_c`},
		{"a line through words is none", "~~a~~", "~\u2060~a~\u2060~"},
		{"code is text", "`a` b", "ˋaˋ b"},
		{"a single backtick stays", "a`b", "a`b"},
		{"a link is text", "[x](http://x.test)", "[x]\u2060(http://x.test)"},
		{"a link with blanks is text", "[x] \t(http://x.test)", "[x]\u2060 \t(http://x.test)"},
		{"a link over two lines is text", "[x]\n (http://x.test)\n(a)", "[x]\n\n\u00a0\u2060(http://x.test)\n\n(a)"},
		{"a picture is text", "![x](y)", "![x]\u2060(y)"},
		{"a definition of a link is text", "[x]: http://x.test\na [y]: b", "[x]\u2060: http://x.test\n\na [y]: b"},
		{"a link in angle brackets is text", "<http://x.test> <a@x.test>", "<\u2060http://x.test> <\u2060a@x.test>"},
		{"comparisons stay", "a <b and <5, 3<4>2 <- x", "a <b and <5, 3<4>2 <- x"},
		{"a backslash is text", `\* \`, "\\\u2060\\* \\\u2060"},
		{"a backslash in a path stays", `C:\Windows\x \ 障`, `C:\Windows\x \ 障`},
		{"a tag is text", "<at>x</at> < / AT >", "＜at>x＜/at> ＜ / AT >"},
		{"other tags and words stay", "<attention> <b> at <a>", "<attention> <b> at <a>"},
		{"every line is a paragraph", "a\nb\r\nc", "a\n\nb\n\nc"},
		{"a list is text", "- a\n1. b\n+ c\n10) d", "\u2060- a\n\n\u20601. b\n\n\u2060+ c\n\n\u206010) d"},
		{"a heading and a quote are text", "# a\n> b", "\u2060# a\n\n\u2060> b"},
		{"numbers and dates are no list", "1.5\n-5.2\n2026-01-02\n+09:00", "1.5\n\n-5.2\n\n2026-01-02\n\n+09:00"},
		{"a ruler is text", "---\n===\n-", "\u2060---\n\n\u2060===\n\n\u2060-"},
		{"blanks at the beginning stay", "  a\n\tb", "\u00a0\u00a0a\n\n\u00a0b"},
		{"control characters are replaced", "a\x00b", "a\uFFFDb"},
		{"nothing is nothing", "", ""},
		{"a line behind a bracket stays", "[CRITICAL]\nCPU (%)", "[CRITICAL]\n\nCPU (%)"},
		{"a backslash in front of Hebrew stays", `\א`, `\א`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := teams.Escape(c.text); got != c.want {
				t.Errorf("Escape(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestAddressesInTextStayAsTheyAre(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an address stays", "see https://x.test/a_b~c/?d_e=*&_f=[CRITICAL] now_", `see https://x.test/a_b~c/?d_e=*&_f=[CRITICAL] now\_`},
		{"an address may end in _", "HTTPS://x.test/_", "HTTPS://x.test/_"},
		{"brackets of an address stay", "https://x.test/wiki/Foo_(bar)_baz)", "https://x.test/wiki/Foo_(bar)%5Fbaz)"},
		{"what would be emphasis is encoded", "https://x.test/__init__.py?a=*b*", "https://x.test/__init%5F%5F.py?a=*b%2A"},
		{"what would be emphasis in two addresses is encoded", "https://x.test/_a https://x.test/b_/", "https://x.test/_a https://x.test/b%5F/"},
		{"what would be a line through words is encoded", "https://x.test/~~a", "https://x.test/~%7Ea"},
		{"within words nothing is encoded", "https://x.test/_/0_9_A_Z_a_z", "https://x.test/_/0_9_A_Z_a_z"},
		{"beside signs _ is encoded", "https://x.test/_/a_/b_:c_@d_~e", "https://x.test/_/a%5F/b%5F:c%5F@d%5F~e"},
		{"in front of what ends an address _ is encoded", "https://x.test/_/a_[ https://x.test/a_` https://x.test/a_{", "https://x.test/_/a%5F[ https://x.test/a%5F` https://x.test/a%5F{"},
		{"another line begins anew", "https://x.test/_a\nhttps://x.test/b_/", "https://x.test/_a\n\nhttps://x.test/b_/"},
		{"emphasis around an address is text", "*https://x.test/a* _b_", `\*https://x.test/a* \_b\_`},
		{"Japanese may follow", "https://x.test/a_b手順_書", `https://x.test/a_b手順\_書`},
		{"a link may not follow", "https://x.test/a[x](http://evil.test)", "https://x.test/a[x]\u2060(http://evil.test)"},
		{"a scheme alone is no address", "https:// _", `https:// \_`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := teams.Escape(c.text); got != c.want {
				t.Errorf("Escape(%q) = %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestEscapingTakesTimeByLength(t *testing.T) {
	for _, unit := range []string{"<", "]", "] ", "[", `\`, "~", "`", "_", "https://x.test/_", "<a", "[x](", "\n- ", "<at", "障"} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		if got := teams.Escape(text); len(got) < len(text)-len("[") || len(got) > 8*len(text) {
			t.Errorf("%q: %d bytes became %d", unit, len(text), len(got))
		}
	}
}

func TestFactsWithAnAddressAreLinks(t *testing.T) {
	for _, c := range []struct{ name, address, value, want string }{
		{"the value is the link", "https://x.test/a_b#role=app", "Shop: app", "[Shop: app](https://x.test/a_b#role=app)"},
		{"what would end the address does not", "https://x.test/)[y](http://evil.test", "app01", "[app01](https://x.test/%29[y]%28http://evil.test)"},
		{"a backslash in an address is encoded", `https://x.test/\)`, "app01", "[app01](https://x.test/%5C%29)"},
		{"what would end the text does not", "https://x.test/", `a](http://evil.test)\`, "[a］\u2060(http://evil.test)\\\u2060](https://x.test/)"},
		{"the text is one line", "https://x.test/", "a\nb*", `[a b\*](https://x.test/)`},
		{"blanks in an address are encoded", "https://x.test/a (b)", "x", "[x](https://x.test/a%20%28b%29)"},
		{"Japanese in an address is encoded", "https://x.test/障", "障", "[障](https://x.test/%E9%9A%9C)"},
		{"an address that runs is no link", "javascript:alert(1)", "app01", "app01"},
		{"a long address is no link", "https://x.test/" + strings.Repeat("a", 2000), "app01", "app01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card, _ := send(t, teams.Message{Title: "T", Facts: []mackerel.Fact{{Label: "Host", Value: c.value, URL: c.address}}})
			if got := card.Texts(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", []string{"T", "Host", c.want}) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if isLink := strings.HasPrefix(c.want, "["); len(card.Links()) > 1 || (len(card.Links()) == 1) != isLink {
				t.Errorf("links: %+v", card.Links())
			}
		})
	}
	for _, text := range hostile {
		card, _ := send(t, teams.Message{Title: "T", Facts: []mackerel.Fact{{Label: text, Value: text, URL: "https://x.test/" + text}}})
		for _, l := range card.Links() {
			if !strings.HasPrefix(l.URL, "https://x.test/") || len(card.Links()) > 1 {
				t.Errorf("%.50q links to %+v", text, card.Links())
			}
		}
	}
}

// TestTheSummaryIsOneLine reads what the list of notifications shows.
func TestTheSummaryIsOneLine(t *testing.T) {
	for _, c := range []struct{ name, title, text, want, cuts string }{
		{"title and first line", "[CRITICAL] a_b", "96% > 90%\nmore", "[CRITICAL] a_b: 96% > 90%", ""},
		{"a title alone", "[CRITICAL] x", "", "[CRITICAL] x", ""},
		{"a tag is text", "<at>x</at>", "y", "＜at>x＜/at>: y", ""},
		{"a long first line is cut", "T", strings.Repeat("a", 200), "T: " + strings.Repeat("a", 146) + "…", "summary"},
		{"a long title is cut in its middle", strings.Repeat("a", 200) + "b", "c", strings.Repeat("a", 75) + "…" + strings.Repeat("a", 73) + "b", "summary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, n := start(t)
			receipt, err := n.Send(t.Context(), teams.Message{Title: c.title, Text: c.text})
			card := posted(t, fake, err)
			var body struct {
				Summary string `json:"summary"`
			}
			if err := json.Unmarshal(fake.Requests()[0].Body, &body); err != nil || body.Summary != c.want {
				t.Errorf("%q, %v, want %q", body.Summary, err, c.want)
			}
			if got := servicetest.CutFields(receipt.Cuts); got != c.cuts || !strings.Contains(strings.Join(card.Texts(), " "), teams.Escape(c.title)) {
				t.Errorf("cut: %s, and the card says %.300q", got, card.Texts())
			}
		})
	}
}

func TestPartsOfAMessage(t *testing.T) {
	fact := func(label, value string) []mackerel.Fact { return []mackerel.Fact{{Label: label, Value: value}} }
	for _, c := range []struct {
		name    string
		message teams.Message
		want    []string
	}{
		{"everything has its place", teams.Message{
			Title: "T", Raw: "**r**", Text: "a\nb\nc", Facts: fact("F", "1"), Memo: mackerel.Fact{Label: "M", Value: "m"}, URL: "https://x.test/", Open: "Go",
			Mentions: []teams.Mention{{ID: "x"}},
		}, []string{"Go", "T", "a", "<at>x</at>", "**r**", "b\n\nc", "F", "1", "M: m"}},
		{"an address that cannot be opened is a line", teams.Message{Title: "T", URL: "javascript:alert(1)"}, []string{"T", "javascript:alert(1)"}},
		{"a long address is one too", teams.Message{URL: "https://x.test/" + strings.Repeat("a", 2000)}, []string{"https://x.test/" + strings.Repeat("a", 2000)}},
		{"a button is not alone", teams.Message{URL: "https://x.test/_"}, []string{"Open", "https://x.test/_"}},
		{"facts without a value are left out", teams.Message{Title: "T", Facts: fact("F", "")}, []string{"T"}},
		{"a memo without a value is left out", teams.Message{Title: "T", Memo: mackerel.Fact{Label: "M"}}, []string{"T"}},
		{"blanks alone are nothing", teams.Message{Title: "T", Text: "\n", Raw: " "}, []string{"T"}},
		{"a button says little", teams.Message{Title: "T", URL: "https://x.test/", Open: strings.Repeat("x", 99)}, []string{strings.Repeat("x", 49) + "…", "T"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			card, _ := send(t, c.message)
			if got := card.Texts(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAddressesOfPicturesAndButtonsAreEncoded(t *testing.T) {
	card, _ := notify(t, mackerel.Alert{Message: "x", ImageURL: "https://x.test/a 障", URL: "https://x.test/b 障"})
	last := card.Body[len(card.Body)-1]
	if want := "https://x.test/a%20%E9%9A%9C"; last.Type != "Image" || last.URL != want {
		t.Errorf("%+v, want %s", last, want)
	}
	if want := "https://x.test/b%20%E9%9A%9C"; len(card.Actions) != 1 || card.Actions[0].URL != want {
		t.Errorf("%+v, want %s", card.Actions, want)
	}
}

func TestAnAlertWithoutAGraphHasNoFactForIt(t *testing.T) {
	if m := teams.DefaultMessage(mackerel.Alert{Message: "x"}, mackerel.Text{}); len(m.Facts) != 0 {
		t.Errorf("%+v", m.Facts)
	}
}

func TestPictures(t *testing.T) {
	for address, shown := range map[string]bool{
		"https://x.test/graph.png": true, "HTTPS://x.test/graph.png": true, "http://x.test/graph.png": false, "https://x.test/a\nb": false,
		"data:image/png;base64,AA": false, "https://x.test/" + strings.Repeat("a", 2000): false,
	} {
		card, _ := notify(t, mackerel.Alert{Message: "x", ImageURL: address})
		last := card.Body[len(card.Body)-1]
		if got := last.Type == "Image" && last.URL == address; got != shown {
			t.Errorf("%.60s: a picture is %t", address, got)
		}
		if !shown && !strings.Contains(strings.Join(card.Texts(), "\n"), "Graph") {
			t.Errorf("%.60s: its address is nowhere", address)
		}
	}
}

// TestLimit sends memos that fill a card. The rest of the card has less than 900 bytes.
func TestLimit(t *testing.T) {
	for _, unit := range []struct {
		text  string
		width int // as it counts
	}{{"a", 1}, {"障", 7}, {"🔥", 14}, {`"`, 4}, {"*", 5}, {"<", 7}, {`\`, 11}} {
		t.Run(unit.text, func(t *testing.T) {
			most, fits := 24<<10/unit.width, (24<<10-900)/unit.width
			for _, n := range []int{fits, most, 1000 * 30} {
				memo := mackerel.Fact{Label: "M", Value: strings.Repeat(unit.text, n)}
				_, receipt := send(t, teams.Message{Title: "T", Memo: memo})
				if n == fits && len(receipt.Cuts) == 0 {
					continue
				}
				if servicetest.CutFields(receipt.Cuts) != "memo" {
					t.Fatalf("%d: %+v", n, receipt.Cuts)
				}
				c := receipt.Cuts[0]
				if c.Unit != "bytes" || c.From != n*len(unit.text) || c.To < (fits-8)*len(unit.text) {
					t.Errorf("%+v, and %d fit", c, fits)
				}
			}
		})
	}
}

func TestWhatIsLeftOfALongAlert(t *testing.T) {
	for _, unit := range []string{"障", "a b ", "👩‍💻", "<at>x</at>", "_*", `"\`, "[x](http://x.test)"} {
		a := servicetest.Everywhere(strings.Repeat(unit, 1000*10))
		a.Monitor.Name, a.Host, a.ImageURL = "CPU & memory", nil, ""
		card, receipt := notify(t, a, mentionHanako)
		got := card.Texts()
		if got[0] != "Open in Mackerel" || got[1] != "[CRITICAL] CPU & memory" || got[3] != "<at>花子</at>" {
			t.Errorf("%.50q", got)
		}
		if first := []rune(strings.Repeat(unit, 100))[:100-len("👩‍💻")]; !strings.HasPrefix(got[2], teams.Escape(string(first))) {
			t.Errorf("the first line is %q", got[2])
		}
		fields := strings.Fields(servicetest.CutFields(receipt.Cuts))
		if slices.Sort(fields); strings.Join(fields, " ") != "facts memo summary text" {
			t.Errorf("cut: %s", fields)
		}
		if strings.ContainsRune(strings.Join(got, ""), utf8.RuneError) {
			t.Error("a character was cut in two")
		}
	}
}

func TestALongTitleLeavesRoomForTheFirstLine(t *testing.T) {
	long := strings.Repeat("障害_", 10<<20/8)
	m := teams.Message{
		Title: "[CRITICAL] " + long + " on app01", Text: "disk full\n" + long, Memo: mackerel.Fact{Label: "M", Value: long}, URL: "x " + long,
		Facts: []mackerel.Fact{{Label: "F", Value: long}},
	}
	card, receipt := send(t, m)
	got := card.Texts()
	if !strings.HasPrefix(got[0], "[CRITICAL] 障害") || !strings.HasSuffix(got[0], " on app01") || got[1] != "disk full" {
		t.Errorf("%.60q", got)
	}
	for _, c := range receipt.Cuts {
		if c.From <= c.To || c.Field == "title" && (c.From != len(m.Title) || c.To > 2<<10) {
			t.Errorf("%+v", c)
		}
	}
	for _, field := range []string{"summary", "title", "text", "memo", "url"} {
		if !strings.Contains(servicetest.CutFields(receipt.Cuts), field) {
			t.Errorf("%s is not said to be cut: %+v", field, receipt.Cuts)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range append([]string{"<\n/at>", `\\*`, "\t# x", "\r\n\x00", "\xff<at", "1", "1.\n", "***", "a ``", "http://x_"}, hostile...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := teams.Escape(text)
		if problem := markup(escaped); problem != "" || !utf8.ValidString(escaped) {
			t.Errorf("Escape(%q) = %q is %s", text, escaped, problem)
		}
	})
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{"<at>花子</at>", "https://x.test/<at>", "|>", " \n", "\xff", "障害", "\x1e\x1f", strings.Repeat(`"*<`, 3000)} {
		f.Add(s, s, "https://x.test/"+s)
		f.Add("T", "https://x.test/ "+s, s)
	}
	f.Fuzz(func(t *testing.T, title, text, address string) {
		card, _ := send(t, teams.Message{
			Title: title, Text: text, Facts: []mackerel.Fact{{Label: title, Value: text, URL: address}}, Memo: mackerel.Fact{Label: "M", Value: text},
			URL: address, Image: address, Mentions: []teams.Mention{{ID: "hanako@example.com", Name: "花子"}},
		})
		if got := card.Mentions(); len(got) != 1 {
			t.Errorf("it calls %+v", got)
		}
		if links := card.Links(); len(links) > 1 || len(links) == 1 && !strings.HasPrefix(strings.ToLower(links[0].URL), "http") {
			t.Errorf("it links to %+v", links)
		}
	})
}
