package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

var languages = []mackerel.Language{mackerel.English, mackerel.Japanese}

// draw returns the alerts with this ID on all services, or all alerts if the ID is empty.
func draw(t *testing.T, id string, language mackerel.Language) []row {
	t.Helper()
	alerts, err := readAlerts()
	if err != nil {
		t.Fatal(err)
	}
	alerts = slices.DeleteFunc(alerts, func(a namedAlert) bool { return id != "" && a.name != id })
	rows, err := gallery(alerts, language)
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d alerts, %v", len(rows), err)
	}
	return rows
}

// escalation returns an alert with a graph and mentions on all services, in English.
func escalation(t *testing.T) []cell {
	t.Helper()
	cells := draw(t, "escalation", mackerel.English)[0].Cells
	if len(cells) != 14 { // Twilio has two: SMS and calls
		t.Fatalf("%d services", len(cells))
	}
	return cells
}

// outline writes the blocks as lines: the look, then what is in it.
func outline(b blocks, indent string) string {
	var s strings.Builder
	for _, p := range b {
		s.WriteString(indent + strings.TrimSpace(p.Look+" "+p.Color) + ":")
		for _, r := range p.Text {
			s.WriteString(mark(r))
		}
		for _, f := range p.Facts {
			s.WriteString(" " + f.Label.String() + "=")
			for _, r := range f.Value {
				s.WriteString(mark(r))
			}
		}
		for _, r := range p.Buttons {
			s.WriteString(" " + mark(r))
		}
		if p.Picture != "" {
			s.WriteString(" graph")
		}
		s.WriteString("\n" + outline(p.Blocks, indent+"  "))
	}
	return s.String()
}

// mark writes a run with its look: **bold**, //slanting//, @@mention@@ and [link].
func mark(r run) string {
	s := strings.ReplaceAll(r.Text, "\n", " | ")
	if r.URL != "" {
		s = "[" + s + "]"
	}
	switch {
	case r.Bold:
		s = "**" + s + "**"
	case r.Italic:
		s = "//" + s + "//"
	case r.Mention:
		s = "@@" + s + "@@"
	}
	return s
}

func TestThePageShowsTheAlertsOfTheGoldenRequests(t *testing.T) {
	content, err := files.ReadFile("alerts.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content, sample.JSON) {
		t.Error("alerts.json and internal/sample/alerts.json differ: copy one over the other")
	}
	alerts, err := readAlerts()
	if err != nil {
		t.Fatal(err)
	}
	want := sample.Alerts()
	if len(alerts) != len(want) {
		t.Fatalf("%d alerts, want %d", len(alerts), len(want))
	}
	last := len(want) - 1
	if got, want := len(alerts[last].alert.Alerts), len(want[last].Alert.Alerts); got != want {
		t.Errorf("%d alerts in the digest, want %d", got, want)
	}
}

// The digest shows what each of its alerts is about, in Japanese on the Japanese page.
func TestTheDigestShowsAllOfItsAlerts(t *testing.T) {
	for language, words := range map[mackerel.Language][]string{
		mackerel.English:  {"CLOSED connectivity on db01", "alert group ", "Host app01: working -> maintenance by hanako", "Test notification"},
		mackerel.Japanese: {"CLOSED connectivity: db01", "アラートグループ ", "ホスト app01: working → maintenance（hanako）", "テスト通知"},
	} {
		for _, c := range draw(t, "digest", language)[0].Cells {
			text := outline(c.Drawing.Blocks, "")
			if c.Service != "Chatwork" && c.Service != "Slack" && c.Service != "Email" {
				continue
			}
			for _, word := range append(words, "CRITICAL ", "WARNING ", "UNKNOWN ", "OK ") {
				if !strings.Contains(text, word) {
					t.Errorf("%s in %s: %q is missing in %s", c.Service, language, word, text)
				}
			}
		}
	}
}

func TestEveryMessageIsDrawn(t *testing.T) {
	for _, language := range languages {
		for _, r := range draw(t, "", language) {
			if len(r.Cells) != 14 { // Twilio has two: SMS and calls
				t.Errorf("%s: %d services", r.Name, len(r.Cells))
			}
			for _, c := range r.Cells {
				drawn := outline(c.Drawing.Blocks, "")
				switch {
				case c.Problem != "":
					t.Errorf("%s on %s: %s", r.Name, c.Service, c.Problem)
				case c.Skipped != "" && len(c.Requests) == 0 && drawn == "":
				case c.Skipped != "" || len(c.Requests) == 0 || drawn == "":
					t.Errorf("%s on %s: skipped for %q, with %d requests: %s", r.Name, c.Service, c.Skipped, len(c.Requests), drawn)
				}
			}
		}
	}
}

// The parts of a message stand in the order in which the service shows them, with links, bold text and colours.
func TestServicesShowTheirParts(t *testing.T) {
	wants := map[string]string{
		"Chatwork": `:@@TO 1484814@@
box:
  title strip:ⓘ [CRITICAL] CPU % on app01
  :96.51% > 90% (3-point average) | CRITICAL since 10:30, 30m after it opened | Host: app01 | Role: Shop: app | ` +
			`Opened: 2026-01-01 10:00 +09:00 | Organization: acme | Graph: [https://mackerel.io/embed/public/alert/sample.png]` +
			` | Memo: runbook: [https://wiki.example.com/cpu]
  rule:
  :[https://mackerel.io/orgs/acme/alerts/5SampleCpu0]
`,
		"HipChat": `bar #d04437:
  :**[[CRITICAL] CPU % on app01]** | 96.51% > 90% (3-point average) | CRITICAL since 10:30, 30m after it opened | ` +
			`Host: [app01] | Role: [Shop: app] | Opened: 2026-01-01 10:00 +09:00 | Organization: acme | ` +
			`//Memo: runbook: https://wiki.example.com/cpu//
  picture: graph
small:with a sound
`,
		"Slack": `:[[CRITICAL] CPU % on app01]: 96.51% > 90% (3-point average) @@@here@@
bar #E01E5A:
  :CRITICAL since 10:30, 30m after it opened
  :**Host:** [app01] | **Role:** [Shop: app] | **Opened:** 2026-01-01 10:00 +09:00 | **Organization:** acme
  :**Memo:** runbook: [https://wiki.example.com/cpu]
  picture: graph
`,
		"Microsoft Teams": `card:
  tint attention:
    title:[CRITICAL] CPU % on app01
  :96.51% > 90% (3-point average)
  :CRITICAL since 10:30, 30m after it opened
  facts: Host=[app01] Role=[Shop: app] Opened=2026-01-01 10:00 +09:00 Organization=acme
  muted:Memo: runbook: https://wiki.example.com/cpu
  picture: graph
  buttons: [Open in Mackerel]
`,
		"LINE": `bubble:
  head #D7263D:
    :**[CRITICAL] CPU % on app01**
  picture: graph
  sm:96.51% > 90% (3-point average) | CRITICAL since 10:30, 30m after it opened
  facts: Host=[app01] Role=[Shop: app] Opened=2026-01-01 10:00 +09:00 Organization=acme
  xs:Memo: runbook: https://wiki.example.com/cpu
  buttons wide: [Open in Mackerel]
`,
		"Typetalk": `:@@@all@@ [CRITICAL] CPU % on app01 | 96.51% > 90% (3-point average) | CRITICAL since 10:30, ` +
			`30m after it opened | Host: app01 | Role: Shop: app | Opened: 2026-01-01 10:00 +09:00 | Organization: acme | Graph: ` +
			`[https://mackerel.io/embed/public/alert/sample.png] | Memo: runbook: [https://wiki.example.com/cpu] | ` +
			`[https://mackerel.io/orgs/acme/alerts/5SampleCpu0]
`,
		"Twilio: SMS": `small:+815000000000 → +819000000000
sms:
  :CRITICAL: CPU % on app01: 96.51% > 90% | [https://mackerel.io/orgs/acme/alerts/5SampleCpu0]
`,
		"Twilio: call": `small:☎ +815000000000 → +819000000000
:“Mackerel alert. Critical. C P U percent, on app 01. 96.5 percent, above 90 percent.”
facts: language=en-US
`,
		"PagerDuty": `bar #c4314b:
  title:[CRITICAL] CPU % on app01: 96.51% > 90% (3-point average)
  :[View in Mackerel]
  facts: severity=critical source=app01 component=CPU % group=Shop class=host ` +
			`Message=CRITICAL since 10:30, 30m after it opened Host=app01 Role=Shop: app Opened=2026-01-01 10:00 +09:00 ` +
			`Organization=acme Memo=runbook: [https://wiki.example.com/cpu]
  :[Host: app01]
  :[Role: Shop: app]
  picture: graph
  small:trigger mackerel-5SampleCpu0
`,
		"Opsgenie": opsgenieEscalation, "Jira Service Management": opsgenieEscalation,
		"Email": `title:[CRITICAL] CPU % on app01
facts: From="Mackerel" <alert@example.com> To=<ops@example.com>
rule:
bar #C62828:
  :96.51% > 90% (3-point average) | CRITICAL since 10:30, 30m after it opened
  facts: Host=[app01] Role=[Shop: app] Opened=2026-01-01 10:00 +09:00 Organization=acme
  :Memo: runbook: https://wiki.example.com/cpu
  :[https://mackerel.io/orgs/acme/alerts/5SampleCpu0]
  picture: graph
`,
		"Webhook":            "title:JSON for a program\ncode:\n",
		"Amazon EventBridge": "facts: source=mackerel.io detail-type=Mackerel Alert\ncode:\n",
	}
	for _, c := range escalation(t) {
		if got := outline(c.Drawing.Blocks, ""); got != wants[c.Service] {
			t.Errorf("%s:\n%s\nwant\n%s", c.Service, got, wants[c.Service])
		}
	}
}

const opsgenieEscalation = `bar #c4314b:
  title:@@P1@@ [CRITICAL] CPU % on app01: 96.51% > 90% (3-point average)
  :CRITICAL since 10:30, 30m after it opened |  | Memo: runbook: [https://wiki.example.com/cpu] |  | ` +
	`[https://mackerel.io/orgs/acme/alerts/5SampleCpu0]
  facts: Host=app01 Role=Shop: app Opened=2026-01-01 10:00 +09:00 Organization=acme ` +
	`Graph=[https://mackerel.io/embed/public/alert/sample.png] entity=app01 source=Mackerel alias=mackerel-5SampleCpu0
`

// programs are the services that no phone shows.
var programs = map[string]bool{"Webhook": true, "Amazon EventBridge": true}

// A phone shows the status, the monitor, the host and how bad it is.
func TestAPhoneShowsHowBadItIs(t *testing.T) {
	for _, c := range escalation(t) {
		p := c.Drawing.Phone
		for _, word := range []string{"critical", "app", "01", "90"} {
			if text := strings.ToLower(p.Subject + " " + p.Text); !programs[c.Service] && !strings.Contains(text, word) {
				t.Errorf("%s: %q is missing in %q", c.Service, word, text)
			}
		}
		if (c.Service == "Twilio: call") != (p.Spoken == 2) {
			t.Errorf("%s: spoken %d times", c.Service, p.Spoken)
		}
	}
}

// A drawing is made from the request: other words in the request are other words in the drawing.
func TestADrawingFollowsItsRequest(t *testing.T) {
	services, err := newServices(mackerel.Text{})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range escalation(t) {
		r := c.Requests[0]
		r.Body = strings.NewReplacer("CPU", "Disk", "C+P+U", "Disk").Replace(r.Body)
		r.Header = r.Header.Clone()
		r.Header.Set("Subject", strings.ReplaceAll(r.Header.Get("Subject"), "CPU", "Disk"))
		d, err := services[i].draw(r, englishWords)
		if err != nil {
			t.Fatalf("%s: %v", c.Service, err)
		}
		text := []string{d.Phone.Subject, d.Phone.Text, outline(d.Blocks, "")}
		for _, b := range d.Blocks {
			text = append(text, b.Code)
		}
		if all := strings.Join(text, "\n"); !strings.Contains(all, "Disk") || strings.Contains(all, "CPU") {
			t.Errorf("%s: drawn from something else than the request: %s", c.Service, all)
		}
	}
}

func TestNotationIsRead(t *testing.T) {
	for name, test := range map[string]struct {
		got  richText
		want string
	}{
		"Slack's bold text ends on its line":      {slackText("*a b:* 2 * 3 * 4\n*c"), "**a b:** 2 * 3 * 4 | *c"},
		"Slack's entities are characters":         {slackText("<https://a.test/?b&amp;c|&lt;d&gt;>&amp;"), "[<d>]&"},
		"an address ends before a full stop":      {linked("see https://a.test/b.c. Or"), "see [https://a.test/b.c]. Or"},
		"an address ends before Japanese":         {linked("https://a.test/bを参照"), "[https://a.test/b]を参照"},
		"the Markdown of a card has links":        {markdown(`\*a\* [b](https://a.test/)` + "\n\nc"), "*a* [b] | c"},
		"a mention in a card is a name":           {markdown("<at>Hanako</at> a"), "@@@Hanako@@ a"},
		"Typetalk's mentions are names with an @": {mentioned("@all a"), "@@@all@@ a"},
	} {
		if got := outline(blocks{{Text: test.got}}, ""); got != ":"+test.want+"\n" {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestJapaneseWordsAreMarkedInEnglishText(t *testing.T) {
	var got []string
	for _, p := range pieces("Memo: 手順書 7 を参照。 see (1)", mackerel.English) {
		got = append(got, string(p.Lang)+":"+p.Text)
	}
	if want := ":Memo: ,ja:手順書 7 を参照。,: see (1)"; strings.Join(got, ",") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if p := pieces("手順書", mackerel.Japanese); len(p) != 1 || p[0].Lang != "" {
		t.Errorf("marked in Japanese text: %v", p)
	}
}

func TestAPhoneShowsNoNotation(t *testing.T) {
	for _, language := range languages {
		for _, r := range draw(t, "", language) {
			for _, c := range r.Cells {
				if text := c.Drawing.Phone.Text; chatworkTag.MatchString(text) {
					t.Errorf("%s on %s in %s: %q", r.Name, c.Service, language, text)
				}
			}
		}
	}
}

// What the page itself says is in its language. Only the names of APIs and what a service answers stay English.
func TestTheJapanesePageSaysInJapaneseWhatWasDone(t *testing.T) {
	w := japaneseWords
	for _, r := range draw(t, "", mackerel.Japanese) {
		all := w.Section(r.Name)
		for _, c := range r.Cells {
			if c.Skipped != "" {
				all = append(all, w.Reason(c.Skipped)...)
			}
			for _, cut := range c.Cuts {
				all = append(all, w.Shortened(cut)...)
			}
		}
		for _, p := range all {
			if p.Lang != "" || strings.Contains(p.Text, "%") {
				t.Errorf("%s: %q is English", r.Name, p.Text)
			}
		}
	}
}

func TestWordsThatThePageDoesNotHaveStayEnglish(t *testing.T) {
	const event = `the event "a % \"b", and the service takes only alerts`
	cut := mackerel.Cut{Field: "altText", Unit: "utf-16 units", From: 164, To: 150}
	for _, test := range []struct {
		got  []piece
		want string
	}{
		{englishWords.Section("manual-close"), "en:manual close"},
		{englishWords.Section(englishWords.Pasted), ":Your webhook"},
		{japaneseWords.Section(japaneseWords.Pasted), ":貼り付けたwebhook"},
		{japaneseWords.Section("rain-dance"), "en:rain dance"},
		{englishWords.Reason(event), "en:" + event},
		{japaneseWords.Reason("rain, and 100 % of it"), "en:rain, and 100 % of it"},
		{japaneseWords.Reason(`the event "rain%", and the service takes only alerts`), ":このサービスにはアラートだけを送るため（イベント: rain%）"},
		{englishWords.Shortened(cut), "en:altText:, 164 → 150 en:utf-16 units"},
		{japaneseWords.Shortened(cut), "en:altText:、164 → 150 :UTF-16単位"},
	} {
		got := ""
		for _, p := range test.got {
			got += string(p.Lang) + ":" + p.Text
		}
		if got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestThePageIsSelfContainedAndKeepsItsSecrets(t *testing.T) {
	for _, language := range languages {
		var b bytes.Buffer
		if err := render(&b, page{Language: language, Rows: draw(t, "", language)}); err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{
			secret.Reveal(), "<script", "<img", "<link", "<iframe", `src="`, "@import", "ZgotmplZ",
		} {
			if strings.Contains(b.String(), word) {
				t.Errorf("%s: the page has %q", language, word)
			}
		}
		if !strings.Contains(b.String(), "&lt;p99&gt; &amp; ") {
			t.Errorf("%s: the alert's name is missing, or not escaped", language)
		}
		if !strings.Contains(b.String(), `<html lang="`+string(language)+`">`) {
			t.Errorf("%s: the page has another language", language)
		}
		for _, s := range sample.Alerts() {
			id := strings.Replace(s.Name, "minimal", "made-by-hand", 1)
			if !strings.Contains(b.String(), `<section id="`+id+`">`) || !strings.Contains(b.String(), `<a href="#`+id+`">`) {
				t.Errorf("%s: the section %s is missing, or is not in the index", language, id)
			}
		}
	}
}

func TestThePageIsWritten(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	path, err := write("page.html", mackerel.Japanese)
	if err != nil || !filepath.IsAbs(path) || filepath.Base(path) != "page.html" {
		t.Fatalf("wrote %q, %v", path, err)
	}
	if page, err := os.ReadFile(path); err != nil || !bytes.Contains(page, []byte("メトリック")) {
		t.Errorf("got %d bytes, %v", len(page), err)
	}
}

func TestBadFlagsAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "no", "page.html")
	for name, test := range map[string]struct{ file, address, language, want string }{
		"a language that there is not": {language: "fr", want: "-lang"},
		"a file and an address":        {"a.html", ":0", "en", "choose one"},
		"an address without a port":    {address: "localhost", language: "en", want: "-http"},
		"a folder that there is not":   {file: file, language: "en", want: "page.html"},
	} {
		err := start(t.Context(), test.file, test.address, mackerel.Language(test.language))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", name, err, test.want)
		}
	}
}
