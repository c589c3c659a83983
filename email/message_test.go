package email_test

import (
	"errors"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

func TestHeader(t *testing.T) {
	m, receipt := notify(t, email.Config{From: "監視 <alert@example.com>", Call: mackerel.CallOptions{UserAgent: "agent/1.0"}}, alert())
	for field, want := range map[string]string{
		"Subject": "[CRITICAL] CPU % on app01", "To": "<hanako@example.com>", "Message-Id": receipt.ID, "Mime-Version": "1.0",
		"In-Reply-To": "<mackerel-5Alert@example.com>", "References": "<mackerel-5Alert@example.com>",
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "User-Agent": "agent/1.0", "X-Mailer": "",
	} {
		if got := m.Header.Get(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	from, err := m.Header.AddressList("From")
	if err != nil || from[0].Name != "監視" || from[0].Address != "alert@example.com" || m.From != "alert@example.com" {
		t.Errorf("From: %v, %v; the envelope is from %s", from, err, m.From)
	}
	if at, err := m.Header.Date(); err != nil || time.Since(at) > time.Minute {
		t.Errorf("Date: %v, %v", at, err)
	}
	if types := strings.Join(m.Types, " "); types != "multipart/alternative text/plain text/html" {
		t.Error(types)
	}
}

// TestSubjects come out as they went in, and in lines of at most 76 characters.
func TestSubjects(t *testing.T) {
	for name, title := range map[string]string{
		"Japanese":                   "[CRITICAL] 応答時間 <p99> & 障害 on 東京リージョンのアプリケーションサーバー第一号機",
		"emoji":                      strings.Repeat("👩‍💻🇯🇵", 20),
		"combining characters":       strings.Repeat("か\u3099e\u0301", 50),
		"one long word":              strings.Repeat("x", 200),
		"what reads as encoded":      "=?utf-8?q?=0D=0ABcc:_evil@example.com?=",
		"what reads as half encoded": "=?utf-8?b?5pel",
		"quotes":                     `"; DROP TABLE alerts; --`,
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := send(t, email.Message{Title: title})
			if m.Subject != title {
				t.Errorf("%q, want %q", m.Subject, title)
			}
			head, _, _ := strings.Cut(string(m.Raw), "\r\n\r\n")
			for _, line := range strings.Split(head, "\r\n") {
				if len(line) > 76 && !strings.Contains(line, "xxx") {
					t.Errorf("a line of %d: %q", len(line), line)
				}
			}
		})
	}
}

// hostile are texts that break out of something, or try to.
var hostile = []string{
	"<!channel>", "<at>all</at>", "[toall]", `"; DROP TABLE alerts; --`, "</b></p><script>alert(1)</script>", `" onerror="x`,
	"down\r\nBcc: evil@evil.test\r\nX-Injected: 1\r\n\r\nbody", "a\nBcc: b@c", "a\rBcc: b@c", "a\u2028Bcc: b@c", "a\u0085Bcc: b@c",
	"a  \r\n  \r\n  b", strings.Repeat("x", 70) + "   " + strings.Repeat("y", 70) + "   \r\n \r\nX-Injected: 1",
	"\u202Egnp.exe", "a\x00b\x1b[31m", "a\xff\xed\xa0\x80", ".\r\n.\r\nQUIT\r\n", "--mackerel-boundary\r\nContent-Type: text/html\r\n\r\n<b>",
	"=?utf-8?q?=0D=0ABcc:_x@y?=", "%0d%0aBcc: x", "<evil@evil.test>, hanako@example.com", "{date}", strings.Repeat("x", 1200),
}

// known are all fields that a mail may have.
var known = regexp.MustCompile(`^(Auto-Submitted|Content-Type|Date|From|In-Reply-To|Message-Id|Mime-Version|References|Subject|To|User-Agent|X-Auto-Response-Suppress)$`)

// TestNothingFromAnAlertStartsAHeader, a part, a recipient or HTML. The fake refuses what is malformed.
func TestNothingFromAnAlertStartsAHeader(t *testing.T) {
	for _, text := range hostile {
		a := alert()
		a.ID, a.Org, a.Message, a.URL, a.ImageURL, a.Monitor.Name, a.Monitor.Memo = text, text, text, text, text, text, text
		a.Status, a.Host.Name = mackerel.Status(text), text
		a.Facts = []mackerel.Fact{{Label: text, Value: text}}
		m, receipt := notify(t, email.Config{}, a)
		for field := range m.Header {
			if !known.MatchString(field) {
				t.Errorf("%q has made the field %s", text, field)
			}
		}
		if len(m.Types) != 3 || len(m.To) != 1 || m.Header.Get("To") != "<"+hanako+">" || receipt.ID == "" {
			t.Errorf("%q has made %q, %q, %q", text, m.Types, m.To, m.Header["To"])
		}
		for _, markup := range []string{"<script", "<at>", "</b>", "<!channel", `onerror="`, "<evil"} {
			if strings.Contains(m.HTML, markup) {
				t.Errorf("%q has made %s of itself: %s", text, markup, m.HTML)
			}
		}
	}
}

// TestTheBoundaryCannotBeForeseen: a text that has the boundary of the mail it would be without, or with itself as it was
// before, has another boundary.
func TestTheBoundaryCannotBeForeseen(t *testing.T) {
	text := "down"
	for range 3 {
		m, _ := send(t, email.Message{Title: "disk full", Text: text})
		_, boundary, _ := strings.Cut(m.Header.Get("Content-Type"), "boundary=")
		if strings.Contains(m.Text, boundary) || len(m.Types) != 3 {
			t.Fatalf("the text has its own boundary: %q", m.Raw)
		}
		text = "down\n--" + boundary + "--\n--" + boundary + "\nContent-Type: text/html\n\n<b>evil</b>"
	}
}

// TestDots: a line of one dot ends a mail for the server, unless it is doubled.
func TestDots(t *testing.T) {
	if m, _ := send(t, email.Message{Title: "dots", Text: ".\n..\n.x\n."}); !strings.Contains(m.Text, "\n.\n..\n.x\n.\n") {
		t.Errorf("%q", m.Text)
	}
}

func TestHTML(t *testing.T) {
	m, _ := send(t, email.Message{
		Color: "#C62828", Title: `disk "full" & <b>`, Text: "line 1\nline <2>", Facts: []mackerel.Fact{{Label: "Host", Value: "a&b"}, {Label: "empty"}},
		Memo: mackerel.Fact{Label: "Memo", Value: "call\nme"}, URL: "https://example.com/?a=1&b=2", Image: "https://example.com/x.png?c=3&d", RawHTML: "<b>raw</b>",
	})
	for _, want := range []string{
		`border-left:5px solid #C62828`, `<h1 style="font-size:18px;margin:0 0 8px">disk &#34;full&#34; &amp; &lt;b&gt;</h1>`, "<b>raw</b>",
		"<p>line 1<br>\nline &lt;2&gt;</p>", ">Host</th><td>a&amp;b</td></tr>", "<p>Memo: call<br>\nme</p>",
		`<p><a href="https://example.com/?a=1&amp;b=2">https://example.com/?a=1&amp;b=2</a></p>`,
		`<img src="https://example.com/x.png?c=3&amp;d"`,
	} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("%s is not in %s", want, m.HTML)
		}
	}
	want := "disk \"full\" & <b>\n\nline 1\nline <2>\n\nHost: a&b\n\nMemo: call\nme\n\nhttps://example.com/?a=1&b=2\n\nhttps://example.com/x.png?c=3&d\n"
	if m.Text != want {
		t.Errorf("%q, want %q", m.Text, want)
	}
	if strings.Contains(m.HTML, "empty") || strings.Contains(m.Text, "raw") {
		t.Errorf("%s\n%s", m.HTML, m.Text)
	}
}

// TestWhatIsNoLink stays text, and what is no picture is left out.
func TestWhatIsNoLink(t *testing.T) {
	for _, address := range []string{"javascript:alert(1)", "data:text/html,x", "https://example.com/a b", "//example.com", "https://" + strings.Repeat("x", 2000)} {
		m, _ := send(t, email.Message{Title: "x", URL: address, Image: address})
		if strings.Contains(m.HTML, "href") || strings.Contains(m.HTML, "<img") || !strings.Contains(m.Text, address) {
			t.Errorf("%s: %s", address, m.HTML)
		}
	}
}

// TestDefaultMessage says the same in every language of labels, and never fails.
func TestDefaultMessage(t *testing.T) {
	for _, event := range []mackerel.Event{"", mackerel.EventAlert, mackerel.EventAlertGroup, mackerel.EventHostStatus, mackerel.EventMonitorUpdate, mackerel.EventSample, "new"} {
		m := email.DefaultMessage(mackerel.Alert{Event: event}, mackerel.Text{})
		if m.Title == "" || m.Thread == "" || m.State == "" {
			t.Errorf("%q: %+v", event, m)
		}
	}
	for status, want := range map[mackerel.Status]string{"OK": "#2E7D32", "warning": "#F9A825", "critical": "#C62828", "unknown": "#757575", "": "#757575", "purple": "#757575"} {
		if got := email.DefaultMessage(mackerel.Alert{Status: status}, mackerel.Text{}).Color; got != want {
			t.Errorf("%q is %s, want %s", status, got, want)
		}
	}
	private := email.DefaultMessage(mackerel.Alert{ImageURL: "file:///x.png"}, mackerel.Text{})
	if private.Image != "" || len(private.Facts) != 1 || private.Facts[0].Value != "file:///x.png" {
		t.Errorf("%+v", private)
	}
}

// TestThread: all mails of one alert refer to the same one, and those of another to another.
func TestThread(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, email.Config{})
	a := alert()
	for _, status := range []mackerel.Status{mackerel.StatusWarning, mackerel.StatusCritical, mackerel.StatusOK} {
		a.Status = status
		if err := n.Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	a.ID = "5Other"
	if err := n.Notify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	var threads []string
	ids := make(map[string]bool)
	for _, m := range s.Mails() {
		threads = append(threads, m.Header.Get("References"))
		ids[m.Header.Get("Message-Id")] = true
	}
	if threads[0] != threads[1] || threads[1] != threads[2] || threads[2] == threads[3] || len(ids) != 4 {
		t.Errorf("%q, %d ids", threads, len(ids))
	}
	odd, _ := send(t, email.Message{Title: "x", Thread: "my own <thread>\r\n"})
	if thread := odd.Header.Get("References"); !regexp.MustCompile(`^<[0-9a-f]{32}@example\.com>$`).MatchString(thread) {
		t.Error(thread)
	}
	alone, _ := send(t, email.Message{Title: "x"})
	if _, has := alone.Header["References"]; has {
		t.Errorf("%v", alone.Header)
	}
}

// TestMessageID is the same for the same alert in the same state, and for nothing else.
func TestMessageID(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	id := func(c email.Config, change func(*mackerel.Alert)) string {
		a := alert()
		a.OpenedAt, a.ChangedAt = at, at
		change(&a)
		_, receipt := notify(t, c, a)
		return receipt.ID
	}
	same := func(*mackerel.Alert) {}
	first := id(email.Config{}, same)
	if again := id(email.Config{To: []string{"Hanako <" + hanako + ">"}}, func(a *mackerel.Alert) { a.OpenedAt = at.In(time.FixedZone("JST", 9*60*60)) }); again == "" {
		t.Error("no Message-ID")
	}
	if again := id(email.Config{}, same); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	ids := map[string]string{first: "the alert"}
	for name, other := range map[string]string{
		"another recipient":      id(email.Config{To: []string{taro}}, same),
		"another sender":         id(email.Config{From: "other@example.com"}, same),
		"another status":         id(email.Config{}, func(a *mackerel.Alert) { a.Status = mackerel.StatusWarning }),
		"another change":         id(email.Config{}, func(a *mackerel.Alert) { a.ChangedAt = at.Add(time.Hour) }),
		"another alert":          id(email.Config{}, func(a *mackerel.Alert) { a.ID = "5Other" }),
		"another message":        id(email.Config{}, func(a *mackerel.Alert) { a.Message = "CPU % 97 > 90" }),
		"a state of one's own":   id(email.Config{Message: func(a mackerel.Alert) (email.Message, error) { return email.Message{Title: a.Title(), State: "1"}, nil }}, same),
		"another state of those": id(email.Config{Message: func(a mackerel.Alert) (email.Message, error) { return email.Message{Title: a.Title(), State: "2"}, nil }}, same),
	} {
		if of, taken := ids[other]; taken {
			t.Errorf("%s has the Message-ID of %s", name, of)
		}
		ids[other] = name
	}
}

// TestTitles at, just beyond and far beyond the limit.
func TestTitles(t *testing.T) {
	for _, unit := range []string{"x", "障", "🔥"} {
		for _, n := range []int{email.MaxTitle, email.MaxTitle + 1, 41_000} {
			m, receipt := send(t, email.Message{Title: strings.Repeat(unit, n)})
			if got := utf8.RuneCountInString(m.Subject); got != min(n, email.MaxTitle) {
				t.Errorf("%d of %s: the subject has %d", n, unit, got)
			}
			if cut := fields(receipt.Cuts) == "title"; cut != (n > email.MaxTitle) {
				t.Errorf("%d of %s: cuts %+v", n, unit, receipt.Cuts)
			}
		}
	}
}

// TestLongMails have all that they may, the memo going first, and the title and link staying.
func TestLongMails(t *testing.T) {
	for name, unit := range map[string]string{"ASCII": "abcdefghi ", "Japanese": "障害対応手順書を参照。", "emoji": "🔥👩‍💻🇯🇵", "markup": "<&>\"'\n", "lines": "x\n"} {
		t.Run(name, func(t *testing.T) {
			long := "begins " + strings.Repeat(unit, 70_000/len(unit)) + " ends"
			a := alert()
			a.Monitor.Memo = long
			m, receipt := notify(t, email.Config{}, a)
			checkLong(t, m, receipt, "memo")
			a.Message = long
			m, receipt = notify(t, email.Config{}, a)
			checkLong(t, m, receipt, "memo text")
			a.Facts = []mackerel.Fact{{Label: "short", Value: "one"}, {Label: "long", Value: long}}
			m, receipt = notify(t, email.Config{}, a)
			checkLong(t, m, receipt, "memo text facts")
			if !strings.Contains(m.Text, "short: one\nlong: begins") || !strings.Contains(m.HTML, "<td>one</td>") {
				t.Errorf("%.300s", m.Text)
			}
		})
	}
}

func checkLong(t *testing.T, m emailtest.Mail, receipt mackerel.Receipt, cuts string) {
	t.Helper()
	if len(m.Raw) > email.MaxMail || len(m.Raw) < email.MaxMail*9/10 {
		t.Errorf("%d bytes", len(m.Raw))
	}
	if fields(receipt.Cuts) != cuts || m.Subject != "[CRITICAL] CPU % on app01" || !strings.Contains(m.Text, "begins") || strings.Contains(m.Text, " ends") {
		t.Errorf("%q, cuts %+v", m.Subject, receipt.Cuts)
	}
	if strings.Count(m.HTML, `<a href="https://mackerel.io/orgs/example/alerts/5Alert">`) != 1 || strings.ContainsRune(m.Text, utf8.RuneError) {
		t.Errorf("the link is gone, or a character is broken")
	}
}

// TestThousandCharacters in every field fit as they are.
func TestThousandCharacters(t *testing.T) {
	word := strings.Repeat("障", 1000)
	a := alert()
	a.Message, a.Monitor.Memo, a.Facts, a.Org = word, word, []mackerel.Fact{{Label: word, Value: word}}, word
	if m, receipt := notify(t, email.Config{}, a); len(receipt.Cuts) != 0 || strings.Count(m.Text, word) != 5 || strings.Count(m.HTML, word) != 5 {
		t.Errorf("%+v, %d bytes", receipt.Cuts, len(m.Raw))
	}
	a.Monitor.Name, a.Host.Name = word, word
	if m, receipt := notify(t, email.Config{}, a); fields(receipt.Cuts) != "title" || !strings.HasPrefix(m.Subject, "[CRITICAL] 障") {
		t.Errorf("%+v, %s", receipt.Cuts, m.Subject)
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	for name, m := range map[string]email.Message{
		"an empty one":              {},
		"nothing but white space":   {Title: " \r\n", Text: "\n"},
		"no color":                  {Title: "x", Color: `red" onload="x`},
		"too much that is not cut":  {Title: "x", RawHTML: strings.Repeat("x", email.MaxMail)},
		"only a picture that isn't": {Image: "x"},
	} {
		s := newServer(t)
		receipt, err := newNotifier(t, s, email.Config{}).Send(t.Context(), m)
		if _ = asError(t, err, mackerel.ErrInvalid); receipt.Attempts != 0 || s.Connections() != 0 {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
	}
}

// TestMessageFunctions may fail, start from the default, and need not say which thread it is.
func TestMessageFunctions(t *testing.T) {
	broken := errors.New("broken")
	n := newNotifier(t, newServer(t), email.Config{Message: func(mackerel.Alert) (email.Message, error) { return email.Message{}, broken }})
	if err := n.Notify(t.Context(), alert()); !errors.Is(err, broken) || !errors.Is(err, mackerel.ErrInvalid) {
		t.Error(err)
	}
	if _, err := n.Preview(alert()); !errors.Is(err, broken) {
		t.Error(err)
	}
	m, _ := notify(t, email.Config{Message: func(a mackerel.Alert) (email.Message, error) { return email.Message{Title: "[prod] " + a.Title()}, nil }}, alert())
	if m.Subject != "[prod] [CRITICAL] CPU % on app01" || m.Header.Get("References") != "<mackerel-5Alert@example.com>" {
		t.Errorf("%v", m.Header)
	}
}

func TestLevels(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, email.Config{Level: mackerel.LevelCritical})
	a := alert()
	a.Status = mackerel.StatusWarning
	receipt, err := n.Deliver(t.Context(), a)
	p, previewErr := n.Preview(a)
	if err != nil || previewErr != nil || receipt.Skipped == "" || p.Skipped != receipt.Skipped || s.Connections() != 0 {
		t.Errorf("%+v, %v, %+v, %v", receipt, err, p, previewErr)
	}
}

// TestPreview has a mail for each recipient and no credential.
func TestPreview(t *testing.T) {
	for port, url := range map[int]string{0: "smtp://fake.test:587", 465: "smtps://fake.test:465"} {
		s := newServer(t)
		p, err := newNotifier(t, s, email.Config{To: []string{hanako, taro}, Port: port}).Preview(alert())
		if err != nil || len(p.Requests) != 2 || s.Connections() != 0 {
			t.Fatalf("%+v, %v", p, err)
		}
		for i, to := range []string{hanako, taro} {
			r := p.Requests[i]
			if r.Method != "SMTP" || r.URL != url || r.Header.Get("To") != "<"+to+">" || r.Header.Get("Date") != "{date}" {
				t.Errorf("%+v", r)
			}
			if _, err := mail.ParseAddress(r.Header.Get("From")); err != nil {
				t.Error(err)
			}
		}
	}
}
