package twilio_test

import (
	"cmp"
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
			if strings.Count(call.TwiML, "<") != 8 || call.Language != "en-US" || call.To != twiliotest.To || !strings.HasPrefix(call.Said, "Mackerel alert. Critical.") {
				t.Errorf("it became %q", call.TwiML)
			}
			fake, _ = notify(t, servicetest.Everywhere(text))
			sms := servicetest.Last(t, fake, fake.Messages())
			if sms.To != twiliotest.To || !strings.HasPrefix(sms.Body, "CRITICAL: ") || !strings.HasSuffix(sms.Body, "\nhttps://mackerel.io/orgs/x/alerts/5A") {
				t.Errorf("it became %q", sms.Body)
			}
		})
	}
}

// TestLimits sends texts that are as long as possible, one character longer, and far too long.
func TestLimits(t *testing.T) {
	long := func(limit int) func(*twilio.Config) { return func(c *twilio.Config) { c.MaxLength = limit } }
	text := func(s string) twilio.Message { return twilio.Message{Title: "T", Text: s, URL: "https://x.test/"} }
	speech := func(s string) twilio.Message { return twilio.Message{Speech: s} }
	sms := func(fake *twiliotest.Server) (string, int) {
		body := fake.Messages()[0].Body
		return strings.TrimPrefix(strings.TrimSuffix(body, "\nhttps://x.test/"), "T: "), twiliotest.Characters(body)
	}
	call := func(fake *twiliotest.Server) (string, int) { c := fake.Calls()[0]; return c.Said, len(c.TwiML) }
	const body = len("T: \nhttps://x.test/")
	frame := len(`<Response><Say language="en-US"></Say><Pause length="1"></Pause><Say language="en-US"></Say></Response>`)
	for _, c := range []struct {
		name, unit, field   string
		width, limit, frame int
		message             func(string) twilio.Message
		configure           func(*twilio.Config)
		read                func(*twiliotest.Server) (string, int)
	}{
		{"an SMS of ASCII", "a", "text", 1, 1600, body, text, long(1600), sms},
		{"an SMS of Japanese", "障", "text", 1, 1600, body, text, long(1600), sms},
		{"an SMS of emoji", "🔥", "text", 2, 1600, body, text, long(1600), sms},
		{"an SMS of brackets", "[", "text", 2, 1600, body, text, long(1600), sms},
		{"an SMS of euros", "€", "text", 2, 1600, body, text, long(1600), sms},
		{"an SMS in one part", "障", "text", 1, 70, body, text, long(70), sms},
		{"two parts of ASCII", "a", "text", 1, 306, body, text, long(0), sms},
		{"two parts of brackets", "[", "text", 2, 305, body, text, long(0), sms},
		{"two parts of Japanese", "障", "text", 1, 134, body, text, long(0), sms},
		{"two parts of emoji", "🔥", "text", 2, 133, body, text, long(0), sms},
		{"two parts of what is in ASCII and not in GSM", "`", "text", 1, 134, body, text, long(0), sms},
		{"a call of ASCII", "a", "speech", 2, 3000, frame, speech, calling, call},
		{"a call of Japanese", "障", "speech", 6, 3000, frame, speech, calling, call},
		{"a call of emoji", "🔥", "speech", 8, 3000, frame, speech, calling, call},
		{"a call of ampersands", "&", "speech", 10, 3000, frame, speech, calling, call},
		{"a call of tags", "<>", "speech", 16, 3000, frame, speech, calling, call},
	} {
		t.Run(c.name, func(t *testing.T) {
			fits := (c.limit - c.frame) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				fake, receipt := send(t, c.message(strings.Repeat(c.unit, n)), c.configure)
				shown, length := c.read(fake)
				if length > c.limit || length < c.limit-40 {
					t.Errorf("%d of %q have the length %d", n, c.unit, length)
				}
				if cut := servicetest.CutFields(receipt.Cuts) == c.field; cut != (n > fits) {
					t.Errorf("%d of %q: %+v", n, c.unit, receipt.Cuts)
				}
				if !strings.HasPrefix(shown, c.unit) || strings.Contains(shown, "x.test") {
					t.Errorf("it says %.100q", shown)
				}
			}
		})
	}
}

func TestALongTitleIsCutLast(t *testing.T) {
	a := servicetest.Everywhere(strings.Repeat("障害", 5000))
	fake, receipt := notify(t, a)
	if body := fake.Messages()[0].Body; !strings.HasPrefix(body, "CRITICAL: 障害") || !strings.HasSuffix(body, "障害\n"+a.URL) || servicetest.CutFields(receipt.Cuts) != "text title" {
		t.Errorf("%.60q, %+v", body, receipt.Cuts)
	}
	fake, receipt = notify(t, a, calling)
	if said := fake.Calls()[0].Said; !strings.HasPrefix(said, "Mackerel alert. Critical. 障害") || servicetest.CutFields(receipt.Cuts) != "speech" {
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
		"longer than an SMS":           {0, twilio.Message{Title: title, Text: "T", URL: link(1601)}, title + ": T", "url"},
		"as long as an SMS":            {0, twilio.Message{Title: title, URL: link(1600)}, title, "url"},
		"longer than two parts":        {0, twilio.Message{Title: title, Text: "T", URL: link(600)}, title + "\n" + link(600), "text"},
		"too long beside the title":    {70, twilio.Message{Title: title, URL: link(43)}, title, "url"},
		"just fits beside the title":   {70, twilio.Message{Title: title, URL: link(42)}, title + "\n" + link(42), ""},
		"it takes the place of text":   {70, twilio.Message{Title: title, Text: "T", URL: link(42)}, title + "\n" + link(42), "text"},
		"text goes on in its place":    {70, twilio.Message{Title: title, Text: strings.Repeat("T", 41), URL: link(43)}, title + ": " + strings.Repeat("T", 41), "url"},
		"text is cut without it":       {70, twilio.Message{Title: title, Text: strings.Repeat("T", 42), URL: link(43)}, title + ": " + strings.Repeat("T", 38) + "...", "url text"},
		"too long beside a long title": {70, twilio.Message{Title: strings.Repeat("x", 71), URL: link(36)}, strings.Repeat("x", 34) + "..." + strings.Repeat("x", 33), "url title"},
		"a long title makes room":      {70, twilio.Message{Title: strings.Repeat("x", 71), URL: link(35)}, strings.Repeat("x", 16) + "..." + strings.Repeat("x", 15) + "\n" + link(35), "title"},
		"a title that fits is not cut": {70, twilio.Message{Title: strings.Repeat("x", 40), URL: link(35)}, strings.Repeat("x", 40), "url"},
		"a title that just fits stays": {70, twilio.Message{Title: strings.Repeat("x", 70), URL: link(35)}, strings.Repeat("x", 70), "url"},
		"too long beside a text":       {70, twilio.Message{Text: title, URL: link(43)}, title, "url"},
		"a long text makes room":       {70, twilio.Message{Text: strings.Repeat("x", 71), URL: link(35)}, strings.Repeat("x", 31) + "...\n" + link(35), "text"},
		"too long beside a long text":  {70, twilio.Message{Text: strings.Repeat("x", 71), URL: link(36)}, strings.Repeat("x", 67) + "...", "url text"},
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
	const title = "CRITICAL: CPU %"
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
	fake, _ := send(t, twilio.Message{Speech: strings.Repeat("a", 5000), Language: wide, Voice: wide}, calling)
	if c := fake.Calls()[0]; len(c.TwiML) < 2999 || len(c.TwiML) > 3000 || len(c.Said) < 2*400 || c.Language != wide {
		t.Errorf("%d bytes say %d", len(c.TwiML), len(c.Said))
	}
}

// FuzzTwiML compares what the fake hears with the text.
func FuzzTwiML(f *testing.F) {
	for _, s := range []string{"", "x", "</Say>", "]]>", "&amp;", `"'`, "\x00", "\xff", "\ufffe", "障", "👩‍💻", "a\r\nb", "\u202egnp.exe", strings.Repeat("<", 3000)} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, speech, text string) {
		fake, n := start(t, calling)
		receipt, err := n.Send(t.Context(), twilio.Message{Speech: speech, Text: text})
		if strings.TrimSpace(provider.Plain(speech+text)) == "" {
			servicetest.AsError(t, err, mackerel.ErrInvalid)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		said := fake.Calls()[0].Said
		if provider.Blank(speech) {
			if provider.Blank(said) {
				t.Errorf("%q says nothing", text)
			}
			return
		}
		whole := provider.Plain(strings.ToValidUTF8(speech, "\uFFFD"))
		want := strings.NewReplacer("\ufffe", "\ufffd", "\uffff", "\ufffd").Replace(whole) // XML cannot hold them
		if len(receipt.Cuts) == 0 && said != want+want {
			t.Errorf("says %q, want %q twice", said, want)
		}
	})
}

func TestNoLimitMakesAnSMSBlank(t *testing.T) {
	for title, want := range map[string]string{"00": "0", " \nx": "x", "[x": ".", "👩‍💻x": ".", "\u0300\u0300": "."} {
		fake, n := start(t, func(c *twilio.Config) { c.MaxLength = 1 })
		if _, err := n.Send(t.Context(), twilio.Message{Title: title, Text: " "}); err != nil {
			t.Fatal(err)
		}
		if body := fake.Messages()[0].Body; body != want {
			t.Errorf("%q became %q, want %q", title, body, want)
		}
	}
}

// FuzzSMS: an SMS has at most the parts that are promised, and leaves the alphabet of GSM only for a text that does.
func FuzzSMS(f *testing.F) {
	const link = "https://mackerel.io/orgs/x/alerts/5A"
	for _, s := range []string{
		"", "x", "障", "[]", "👩‍💻", "\xff", "\f\r\n", "\u202ea", strings.Repeat("a", 400), strings.Repeat("[", 400), strings.Repeat("👩", 200),
		strings.Repeat("é", 2000), strings.Repeat("a", 305) + "障", strings.Repeat("a[", 300),
	} {
		f.Add("CRITICAL: CPU %", s, link, 0)
		f.Add(s, "T", link, 0)
		f.Add(s, s, "https://x.test/"+s, 100)
	}
	f.Fuzz(func(t *testing.T, title, text, link string, limit int) {
		limit = max(0, limit) % 1601
		fake, n := start(t, func(c *twilio.Config) { c.MaxLength = limit })
		_, err := n.Send(t.Context(), twilio.Message{Title: title, Text: text, URL: link})
		if err != nil {
			if servicetest.AsError(t, err, mackerel.ErrInvalid); !provider.Blank(title, text) {
				t.Error(err)
			}
			return
		}
		body := fake.Messages()[0].Body
		if n := twiliotest.Characters(body); provider.Blank(body) || n > cmp.Or(limit, 1600) {
			t.Errorf("%d characters of %d: %q", n, limit, body)
		}
		if isGSM(provider.Plain(title+text+link)) && !isGSM(body) {
			t.Errorf("not in the alphabet of GSM: %q", body)
		}
		whole := provider.Plain(provider.Join("\n", title, provider.Address(link)))
		if most := max(2, parts(whole)); limit == 0 && parts(body) > most {
			t.Errorf("%d parts, want %d: %q", parts(body), most, body)
		}
	})
}
