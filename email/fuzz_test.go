package email_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// FuzzMail sends whatever text and compares what arrives. The fake refuses a mail that is malformed.
func FuzzMail(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, text, text)
	}
	f.Add("[CRITICAL] 障害", "応答時間 <p99>\n.\n..\n", "https://example.com/?a=1&b=2")
	f.Fuzz(func(t *testing.T, title, text, url string) {
		s := newServer(t)
		m := email.Message{
			Title: "t " + title, Text: text, URL: url, Image: url, Thread: title, State: text,
			Facts: []mackerel.Fact{{Label: title, Value: text}}, Memo: mackerel.Fact{Label: text, Value: title},
		}
		receipt, err := newNotifier(t, s, email.Config{}).Send(t.Context(), m)
		if err != nil {
			t.Fatalf("%v, %q", err, s.Problems())
		}
		checkFuzzed(t, only(t, s), receipt)
	})
}

var tags = regexp.MustCompile(`<(/?[a-zA-Z0-9!]+)`)

// checkFuzzed looks for what no text may have made: fields, parts, tags; and for what the subject and the two forms must
// agree in.
func checkFuzzed(t *testing.T, m emailtest.Mail, receipt mackerel.Receipt) {
	t.Helper()
	for field := range m.Header {
		if !known.MatchString(field) {
			t.Errorf("a text has made the field %s", field)
		}
	}
	if len(m.Types) != 3 || len(m.To) != 1 || len(m.Raw) > email.MaxMail || m.Header.Get("Message-Id") != receipt.ID {
		t.Errorf("%q, %q, %d bytes", m.Types, m.To, len(m.Raw))
	}
	for _, tag := range tags.FindAllStringSubmatch(m.HTML, -1) {
		if !strings.Contains(" !DOCTYPE html head meta body div h1 p a img table tr th td br ", " "+strings.TrimPrefix(tag[1], "/")+" ") {
			t.Errorf("a text has made the tag %s", tag[0])
		}
	}
	if !strings.HasPrefix(m.Text, m.Subject+"\n") || !strings.Contains(html.UnescapeString(m.HTML), ">"+m.Subject+"</h1>") {
		t.Errorf("the subject %q is not the title of %q", m.Subject, m.Text)
	}
}
