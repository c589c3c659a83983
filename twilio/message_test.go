package twilio_test

import (
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// everywhere returns an alert that has the text in every field that a message shows as text.
func everywhere(text string) mackerel.Alert {
	return mackerel.Alert{
		ID: "5A", Status: mackerel.StatusCritical, Org: text, URL: "https://mackerel.io/orgs/x/alerts/5A", Message: text,
		Monitor: mackerel.Monitor{Name: text, Memo: text}, Facts: []mackerel.Fact{{Label: text, Value: text}},
		Host:    &mackerel.Host{Name: text, Status: text, Roles: []mackerel.Role{{FullName: text}}},
		Service: &mackerel.Service{Name: text}, User: &mackerel.User{ScreenName: text}, Trigger: text, Reason: text,
	}
}

// TestTextFromAlertsIsOnlyText: the call says what the alert says, and does nothing else.
func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range []string{
		"</Say><Dial>+15005550006</Dial><Say>", "]]>", "<![CDATA[", "&amp; &#60; &x;", `" voice="x`, "<!-- -->", "<?xml version='1.0'?>",
		"<!channel>", "<at>all</at>", "[toall]", `"; DROP`, "</b>", "a\r\nb\rc", "\u202etxt.exe", "a\x00b\x1b[31m\u2028\ufffe",
		"a\xff\xed\xa0\x80", "👩‍💻🇯🇵", "To=+1&Url=x", strings.Repeat("障", 1000),
	} {
		s := newServer(t)
		for _, kind := range []twilio.Kind{twilio.KindSMS, twilio.KindCall} {
			if err := newNotifier(t, s, twilio.Config{Kind: kind}).Notify(t.Context(), everywhere(text)); err != nil {
				t.Fatalf("%s of %.40q: %v", kind, text, err)
			}
		}
		call, sms := s.Calls()[0], s.Messages()[0]
		if strings.Count(call.TwiML, "<") != 4 || call.Language != "en-US" || call.To != to || sms.To != to {
			t.Errorf("%.40q became %q", text, call.TwiML)
		}
		wantContains(t, call.Said, "[CRITICAL] ")
		wantContains(t, sms.Body, "[CRITICAL] ", "\nhttps://mackerel.io/orgs/x/alerts/5A")
	}
}

func TestLimitOfAnSMS(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		width, max int
	}{
		{"ASCII", "a", 1, 0}, {"Japanese", "障", 1, 0}, {"emoji", "🔥", 2, 0}, {"brackets", "[", 2, 0}, {"the euro", "€", 2, 0},
		{"one part of Japanese", "障", 1, 70}, {"one part of ASCII", "a", 1, 160},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := c.max
			if limit == 0 {
				limit = twilio.MaxBody
			}
			fits := (limit - len("T\n\nhttps://x.test/")) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				s := newServer(t)
				receipt, err := newNotifier(t, s, twilio.Config{Kind: twilio.KindSMS, MaxLength: c.max}).Send(t.Context(), twilio.Message{
					Title: "T", Text: strings.Repeat(c.unit, n), URL: "https://x.test/",
				})
				if err != nil {
					t.Fatal(err)
				}
				body := s.Messages()[0].Body
				if length := twiliotest.Characters(body); length > limit || length < limit-3 {
					t.Errorf("%d of %s: %d characters", n, c.name, length)
				}
				if cut := len(receipt.Cuts) == 1 && receipt.Cuts[0].Field == "text"; cut != (n > fits) {
					t.Errorf("%d of %s: %+v", n, c.name, receipt.Cuts)
				}
				if !strings.HasPrefix(body, "T\n") || !strings.HasSuffix(body, "\nhttps://x.test/") {
					t.Errorf("%q lost its title or link", body)
				}
			}
		})
	}
}

// TestLimitOfTwiML measures the document, escaping and all.
func TestLimitOfTwiML(t *testing.T) {
	frame := len(`<Response><Say language="en-US">T&#xA;</Say></Response>`)
	for _, c := range []struct {
		name, unit string
		width      int
	}{{"ASCII", "a", 1}, {"Japanese", "障", 3}, {"emoji", "🔥", 4}, {"ampersands", "&", 5}, {"quotes", `"`, 5}, {"tags", "<>", 8}} {
		t.Run(c.name, func(t *testing.T) {
			fits := (twilio.MaxSay - frame) / c.width
			for _, n := range []int{fits, fits + 1, 100_000} {
				s := newServer(t)
				receipt, err := newNotifier(t, s, twilio.Config{Kind: twilio.KindCall}).Send(t.Context(), twilio.Message{
					Title: "T", Text: strings.Repeat(c.unit, n), URL: "https://x.test/",
				})
				if err != nil {
					t.Fatal(err)
				}
				call := s.Calls()[0]
				if size := len(call.TwiML); size > twilio.MaxSay || size < twilio.MaxSay-12 {
					t.Errorf("%d of %s: %d bytes", n, c.name, size)
				}
				if cut := len(receipt.Cuts) == 1 && receipt.Cuts[0].Field == "text"; cut != (n > fits) {
					t.Errorf("%d of %s: %+v", n, c.name, receipt.Cuts)
				}
				if strings.Contains(call.Said, "x.test") || !strings.HasPrefix(call.Said, "T\n") {
					t.Errorf("says %q", call.Said)
				}
			}
		})
	}
}

func TestLongTitles(t *testing.T) {
	a := everywhere(strings.Repeat("障害", 5000))
	s := newServer(t)
	for _, kind := range []twilio.Kind{twilio.KindSMS, twilio.KindCall} {
		receipt, err := newNotifier(t, s, twilio.Config{Kind: kind}).Deliver(t.Context(), a)
		if err != nil || len(receipt.Cuts) != 2 || receipt.Cuts[0].To != 0 || receipt.Cuts[1].Field != "title" {
			t.Errorf("%s: %+v, %v", kind, receipt.Cuts, err)
		}
	}
	wantContains(t, s.Messages()[0].Body, "[CRITICAL] 障害", "…\n"+a.URL)
	wantContains(t, s.Calls()[0].Said, "[CRITICAL] 障害", "…")
}

func TestMessagesThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name, want string
		kind       twilio.Kind
		message    twilio.Message
	}{
		{"an empty SMS", "Message: empty", twilio.KindSMS, twilio.Message{}},
		{"a blank SMS", "Message: empty", twilio.KindSMS, twilio.Message{Title: " ", Text: "\n"}},
		{"a call without words", "Message: empty", twilio.KindCall, twilio.Message{URL: "https://x.test/", Text: " "}},
		{"long TwiML", "RawTwiML: 4001 bytes", twilio.KindCall, twilio.Message{RawTwiML: strings.Repeat("x", 4001)}},
		{"a long language", "Language, Voice: too long", twilio.KindCall, twilio.Message{Text: "x", Language: strings.Repeat("x", 3000)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			_, err := newNotifier(t, s, twilio.Config{Kind: c.kind}).Send(t.Context(), c.message)
			wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, c.want)
			if len(s.Requests()) != 0 {
				t.Error("a request was made")
			}
		})
	}
}

func TestDefaultMessageOfNothing(t *testing.T) {
	if m := twilio.DefaultMessage(mackerel.Alert{}, mackerel.Text{}); m.Title != "[UNKNOWN] alert" || m.Text != "" || m.URL != "" {
		t.Errorf("%+v", m)
	}
}

// FuzzTwiML lets the fake read what a call says, which must be the text as people would read it.
func FuzzTwiML(f *testing.F) {
	for _, s := range []string{"", "x", "</Say>", "]]>", "&amp;", `"'`, "\x00", "\xff", "\ufffe", "障", "👩‍💻", "\r\n", strings.Repeat("<", 3000)} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, title, text string) {
		s := newServer(t)
		receipt, err := newNotifier(t, s, twilio.Config{Kind: twilio.KindCall}).Send(t.Context(), twilio.Message{Title: title, Text: text})
		if strings.TrimSpace(provider.Plain(title+text)) == "" {
			wantKind(t, err, mackerel.ErrInvalid)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		whole := provider.Join("\n", strings.ToValidUTF8(title, "\uFFFD"), strings.ToValidUTF8(text, "\uFFFD"))
		want := strings.Map(xmlChar, provider.Plain(whole))
		if said := s.Calls()[0].Said; len(receipt.Cuts) == 0 && said != want {
			t.Errorf("says %q, want %q", said, want)
		}
	})
}

// xmlChar replaces what XML cannot hold.
func xmlChar(r rune) rune {
	if r == 0xFFFE || r == 0xFFFF {
		return 0xFFFD
	}
	return r
}
