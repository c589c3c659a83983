package twilio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range append([]string{
		"</Say><Dial>+15005550006</Dial><Say>", "]]>", "<![CDATA[", "&#60; &x;", `" voice="x`, "<!-- -->", "<?xml version='1.0'?>", "To=+1&Url=x", "\ufffe",
	}, servicetest.Hostile...) {
		t.Run(fmt.Sprintf("%.20q", text), func(t *testing.T) {
			fake, _ := notify(t, servicetest.Everywhere(text), calling)
			call := servicetest.Last(t, fake, fake.Calls())
			if strings.Count(call.TwiML, "<") != 4 || call.Language != "en-US" || call.To != twiliotest.To || !strings.HasPrefix(call.Said, "[CRITICAL] ") {
				t.Errorf("it became %q", call.TwiML)
			}
			fake, _ = notify(t, servicetest.Everywhere(text))
			sms := servicetest.Last(t, fake, fake.Messages())
			if sms.To != twiliotest.To || !strings.HasPrefix(sms.Body, "[CRITICAL] ") || !strings.HasSuffix(sms.Body, "\nhttps://mackerel.io/orgs/x/alerts/5A") {
				t.Errorf("it became %q", sms.Body)
			}
		})
	}
}

// TestLimits sends texts that are as long as possible, one character longer, and far too long.
func TestLimits(t *testing.T) {
	long := func(limit int) func(*twilio.Config) { return func(c *twilio.Config) { c.MaxLength = limit } }
	sms := func(fake *twiliotest.Server) (string, int) {
		body := fake.Messages()[0].Body
		return strings.TrimSuffix(body, "\nhttps://x.test/"), twiliotest.Characters(body)
	}
	call := func(fake *twiliotest.Server) (string, int) { c := fake.Calls()[0]; return c.Said, len(c.TwiML) }
	frame := len(`<Response><Say language="en-US">T&#xA;</Say></Response>`)
	for _, c := range []struct {
		name, unit          string
		width, limit, frame int
		configure           func(*twilio.Config)
		read                func(*twiliotest.Server) (string, int)
	}{
		{"an SMS of ASCII", "a", 1, 1600, 18, long(0), sms},
		{"an SMS of Japanese", "障", 1, 1600, 18, long(0), sms},
		{"an SMS of emoji", "🔥", 2, 1600, 18, long(0), sms},
		{"an SMS of brackets", "[", 2, 1600, 18, long(0), sms},
		{"an SMS of euros", "€", 2, 1600, 18, long(0), sms},
		{"an SMS in one segment", "障", 1, 70, 18, long(70), sms},
		{"a call of ASCII", "a", 1, 3000, frame, calling, call},
		{"a call of Japanese", "障", 3, 3000, frame, calling, call},
		{"a call of emoji", "🔥", 4, 3000, frame, calling, call},
		{"a call of ampersands", "&", 5, 3000, frame, calling, call},
		{"a call of tags", "<>", 8, 3000, frame, calling, call},
	} {
		t.Run(c.name, func(t *testing.T) {
			fits := (c.limit - c.frame) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				fake, receipt := send(t, twilio.Message{Title: "T", Text: strings.Repeat(c.unit, n), URL: "https://x.test/"}, c.configure)
				shown, length := c.read(fake)
				if length > c.limit || length < c.limit-12 {
					t.Errorf("%d of %q have the length %d", n, c.unit, length)
				}
				if cut := servicetest.CutFields(receipt.Cuts) == "text"; cut != (n > fits) {
					t.Errorf("%d of %q: %+v", n, c.unit, receipt.Cuts)
				}
				if !strings.HasPrefix(shown, "T\n"+c.unit) || strings.Contains(shown, "x.test") {
					t.Errorf("it says %q", shown)
				}
			}
		})
	}
}

func TestALongTitleIsCutLast(t *testing.T) {
	a := servicetest.Everywhere(strings.Repeat("障害", 5000))
	fake, receipt := notify(t, a)
	if body := fake.Messages()[0].Body; !strings.HasPrefix(body, "[CRITICAL] 障害") || !strings.HasSuffix(body, "…\n"+a.URL) || servicetest.CutFields(receipt.Cuts) != "text title" {
		t.Errorf("%.60q, %+v", body, receipt.Cuts)
	}
	fake, receipt = notify(t, a, calling)
	if said := fake.Calls()[0].Said; !strings.HasPrefix(said, "[CRITICAL] 障害") || !strings.HasSuffix(said, "…") || servicetest.CutFields(receipt.Cuts) != "text title" {
		t.Errorf("%.60q, %+v", said, receipt.Cuts)
	}
}

// TestALinkThatDoesNotFitIsLeftOut: a part of a link opens nothing, and the status must be read at a glance.
func TestALinkThatDoesNotFitIsLeftOut(t *testing.T) {
	const title = "[CRITICAL] CPU % on app01" // 27 characters: brackets count twice
	link := func(n int) string { return "https://x.test/" + strings.Repeat("x", n-15) }
	for name, c := range map[string]struct {
		limit int
		m     twilio.Message
		want  string // the body
		cuts  string
	}{
		"longer than an SMS":           {0, twilio.Message{Title: title, Text: "T", URL: link(1601)}, title + "\nT", "url"},
		"as long as an SMS":            {0, twilio.Message{Title: title, URL: link(1600)}, title, "url"},
		"too long beside the title":    {70, twilio.Message{Title: title, URL: link(43)}, title, "url"},
		"just fits beside the title":   {70, twilio.Message{Title: title, URL: link(42)}, title + "\n" + link(42), ""},
		"it takes the place of text":   {70, twilio.Message{Title: title, Text: "T", URL: link(42)}, title + "\n" + link(42), "text"},
		"text goes on in its place":    {70, twilio.Message{Title: title, Text: strings.Repeat("T", 42), URL: link(43)}, title + "\n" + strings.Repeat("T", 42), "url"},
		"text is cut without it":       {70, twilio.Message{Title: title, Text: strings.Repeat("T", 43), URL: link(43)}, title + "\n" + strings.Repeat("T", 41) + "…", "url text"},
		"too long beside a long title": {70, twilio.Message{Title: strings.Repeat("x", 71), URL: link(36)}, strings.Repeat("x", 69) + "…", "url title"},
		"a long title makes room":      {70, twilio.Message{Title: strings.Repeat("x", 71), URL: link(35)}, strings.Repeat("x", 33) + "…\n" + link(35), "title"},
		"too long beside a text":       {70, twilio.Message{Text: title, URL: link(43)}, title, "url"},
		"a long text makes room":       {70, twilio.Message{Text: strings.Repeat("x", 71), URL: link(35)}, strings.Repeat("x", 33) + "…\n" + link(35), "text"},
		"too long beside a long text":  {70, twilio.Message{Text: strings.Repeat("x", 71), URL: link(36)}, strings.Repeat("x", 69) + "…", "url text"},
		"it alone fits":                {70, twilio.Message{URL: link(70)}, link(70), ""},
		"a character counts twice":     {70, twilio.Message{Title: title, URL: link(41) + "~"}, title, "url"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, receipt := send(t, c.m, func(config *twilio.Config) { config.MaxLength = c.limit })
			if body := fake.Messages()[0].Body; body != c.want || servicetest.CutFields(receipt.Cuts) != c.cuts {
				t.Errorf("%q, want %q; cuts %+v", body, c.want, receipt.Cuts)
			}
			if cut := receipt.Cuts; strings.HasPrefix(c.cuts, "url") && (cut[0].From < len(c.m.URL) || cut[0].To != 0) {
				t.Errorf("cuts %+v", cut)
			}
		})
	}
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m twilio.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]twilio.Message{
		"URL: 1601 characters, and at most 1600 are allowed": {URL: link(1601)},
	})
}

// TestNoLimitCutsALink tries every limit of an SMS.
func TestNoLimitCutsALink(t *testing.T) {
	a := alert
	a.URL = "https://mackerel.io/orgs/x/alerts/5A"
	const title = "[CRITICAL] CPU %"
	for limit := 1; limit <= 120; limit++ {
		fake, _ := notify(t, a, func(c *twilio.Config) { c.MaxLength = limit })
		body := fake.Messages()[0].Body
		rest := strings.TrimSuffix(body, "\n"+a.URL)
		if strings.Contains(rest, "http") {
			t.Errorf("%d characters: a part of a link in %q", limit, body)
		}
		if whole := strings.HasPrefix(body, title); whole != (limit >= twiliotest.Characters(title)) {
			t.Errorf("%d characters: the title is whole: %t, in %q", limit, whole, body)
		}
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m twilio.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]twilio.Message{
		"Message: empty": {Title: " ", Text: "\n", RawTwiML: "<Response/>"},
	})
	fake, n = start(t, calling)
	servicetest.Refused(t, fake, func(m twilio.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]twilio.Message{
		"Message: empty": {URL: "https://x.test/", Text: " "},
		"RawTwiML: 4001 bytes, and at most 4000 are allowed":            {RawTwiML: strings.Repeat("x", 4001)},
		"Language: 101 bytes":                                           {Text: "x", Language: strings.Repeat("x", 101)},
		"Voice: 102 bytes, and at most 100 are allowed; Message: empty": {Voice: strings.Repeat("障", 34)},
	})
}

func TestTheWidestLanguageAndVoiceLeaveRoomForTheText(t *testing.T) {
	wide := strings.Repeat("&", 100)
	fake, _ := send(t, twilio.Message{Text: strings.Repeat("a", 5000), Language: wide, Voice: wide}, calling)
	if c := fake.Calls()[0]; len(c.TwiML) != 3000 || len(c.Said) < 1000 || c.Language != wide {
		t.Errorf("%d bytes say %d", len(c.TwiML), len(c.Said))
	}
}

// FuzzTwiML compares what the fake hears with the text.
func FuzzTwiML(f *testing.F) {
	for _, s := range []string{"", "x", "</Say>", "]]>", "&amp;", `"'`, "\x00", "\xff", "\ufffe", "障", "👩‍💻", "a\r\nb", "\u202egnp.exe", strings.Repeat("<", 3000)} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, title, text string) {
		fake, n := start(t, calling)
		receipt, err := n.Send(t.Context(), twilio.Message{Title: title, Text: text})
		if strings.TrimSpace(provider.Plain(title+text)) == "" {
			servicetest.AsError(t, err, mackerel.ErrInvalid)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		whole := provider.Join("\n", strings.ToValidUTF8(title, "\uFFFD"), strings.ToValidUTF8(text, "\uFFFD"))
		want := strings.NewReplacer("\ufffe", "\ufffd", "\uffff", "\ufffd").Replace(provider.Plain(whole)) // XML cannot hold them
		if said := fake.Calls()[0].Said; len(receipt.Cuts) == 0 && said != want {
			t.Errorf("says %q, want %q", said, want)
		}
	})
}
