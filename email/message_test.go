package email_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

func TestHeader(t *testing.T) {
	m, receipt := notify(t, alert(), func(c *email.Config) { c.From, c.Call.UserAgent = "監視 <alert@example.com>", "agent/1.0" })
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

// TestSubjectsArriveAsTheyAre, in lines of at most 76 bytes.
func TestSubjectsArriveAsTheyAre(t *testing.T) {
	for name, title := range map[string]string{
		"Japanese":                   "[CRITICAL] 応答時間 <p99> & 障害 on 東京リージョンのアプリケーションサーバー第一号機",
		"emoji":                      strings.Repeat("👩‍💻🇯🇵", 20),
		"combining characters":       strings.Repeat("か\u3099e\u0301", 37),
		"one long word":              strings.Repeat("x", 150),
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
			checkWords(t, head)
		})
	}
	m, _ := send(t, email.Message{Title: " a\u2028b\u2029\r\nc\t"})
	if m.Subject != "a b c" {
		t.Errorf("%q is not one line", m.Subject)
	}
}

// checkWords checks that each encoded word has whole characters (https://www.rfc-editor.org/rfc/rfc2047#section-5), and
// that the first word is in the line of the field's name.
func checkWords(t *testing.T, head string) {
	t.Helper()
	if strings.Contains(head, "Subject:\r\n =?") {
		t.Errorf("the first line of the subject is empty: %q", head)
	}
	for _, word := range regexp.MustCompile(`=\?utf-8\?b\?[^ ?]*\?=`).FindAllString(head, -1) {
		if text, err := new(mime.WordDecoder).Decode(word); err != nil || !utf8.ValidString(text) {
			t.Errorf("%s is %q, %v", word, text, err)
		}
	}
}

// TestPartsAreEncoded: mail programs that do not decode can show ASCII, and base64 is the shortest for Japanese.
func TestPartsAreEncoded(t *testing.T) {
	for text, want := range map[string]string{"disk\nfull": "quoted-printable", "障害\n発生": "base64"} {
		m, _ := send(t, email.Message{Text: text})
		read, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			t.Fatal(err)
		}
		_, parameters, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		for parts := multipart.NewReader(read.Body, parameters["boundary"]); ; {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			checkPart(t, part, want)
		}
	}
}

// checkPart checks how a part is encoded. Its lines end in CR LF within base64 too.
func checkPart(t *testing.T, part *multipart.Part, want string) {
	t.Helper()
	if got := part.Header.Get("Content-Transfer-Encoding"); got != want {
		t.Errorf("the encoding is %q, want %q", got, want)
	}
	if want != "base64" {
		return
	}
	content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
	if lines := bytes.Count(content, []byte("\r\n")); err != nil || lines == 0 || lines != bytes.Count(content, []byte("\n")) {
		t.Errorf("%q, %v", content, err)
	}
}

// hostile are texts that could become more than text in a mail.
var hostile = append([]string{
	"</b></p><script>alert(1)</script>", `" onerror="x`, "down\r\nBcc: evil@evil.test\r\nX-Injected: 1\r\n\r\nbody",
	"a\nBcc: b@c", "a\rBcc: b@c", "a\u2028Bcc: b@c", "a\u0085Bcc: b@c", "a  \r\n  \r\n  b",
	strings.Repeat("x", 70) + "   " + strings.Repeat("y", 70) + "   \r\n \r\nX-Injected: 1", ".\r\n.\r\nQUIT\r\n",
	"--mackerel-boundary\r\nContent-Type: text/html\r\n\r\n<b>", "=?utf-8?q?=0D=0ABcc:_x@y?=", "%0d%0aBcc: x",
	"<evil@evil.test>, hanako@example.com", "{date}", strings.Repeat("x", 1200),
}, servicetest.Hostile...)

var (
	fields  = strings.Fields("Auto-Submitted Content-Type Date From In-Reply-To Message-Id Mime-Version References Subject To User-Agent X-Auto-Response-Suppress")
	tags    = strings.Fields("!DOCTYPE html head meta body div p a img table tr th td br")
	tagForm = regexp.MustCompile(`<(/?[a-zA-Z0-9!]+)`)
)

// checkOnlyText looks for what no text may have made: fields, recipients, parts and tags. The fake refuses what is
// malformed.
func checkOnlyText(t *testing.T, m emailtest.Mail) {
	t.Helper()
	for field := range m.Header {
		if !slices.Contains(fields, field) {
			t.Errorf("a text has made the field %s", field)
		}
	}
	if len(m.Types) != 3 || len(m.To) != 1 || m.Header.Get("To") != "<"+hanako+">" {
		t.Errorf("a text has made %q, %q, %q", m.Types, m.To, m.Header["To"])
	}
	for _, tag := range tagForm.FindAllStringSubmatch(m.HTML, -1) {
		if !slices.Contains(tags, strings.TrimPrefix(tag[1], "/")) {
			t.Errorf("a text has made the tag %s", tag[0])
		}
	}
	if strings.Contains(m.HTML, `onerror="`) {
		t.Errorf("a text has made an attribute: %s", m.HTML)
	}
}

func TestTextFromAlertsIsOnlyText(t *testing.T) {
	for _, text := range hostile {
		a := servicetest.Everywhere(text)
		a.ID, a.URL, a.Status = text, text, mackerel.Status(text)
		m, _ := notify(t, a)
		checkOnlyText(t, m)
	}
}

// FuzzMail sends any text and compares what arrives. The body has the title only if the subject does not have all of it.
func FuzzMail(f *testing.F) {
	for _, text := range hostile[:16] {
		f.Add(text, text, text)
	}
	f.Add("[CRITICAL] 障害", "応答時間 <p99>\n.\n..\n", "https://example.com/?a=1&b=2")
	const uncommon = "tItLe"
	f.Fuzz(func(t *testing.T, title, text, url string) {
		m, receipt := send(t, email.Message{
			Title: uncommon + " " + title, Text: "x" + text, URL: url, Image: url, Thread: title, State: text,
			Facts: []mackerel.Fact{{Label: title, Value: text}}, Memo: mackerel.Fact{Label: text, Value: title},
		})
		checkOnlyText(t, m)
		if len(m.Raw) > 64<<10 || m.Header.Get("Message-Id") != receipt.ID {
			t.Errorf("%d bytes, %s, the receipt has %s", len(m.Raw), m.Header.Get("Message-Id"), receipt.ID)
		}
		if n := utf8.RuneCountInString(m.Subject); n > 150 || !strings.HasPrefix(m.Subject, uncommon) {
			t.Errorf("the subject %q has %d characters", m.Subject, n)
		}
		isCut := servicetest.CutFields(receipt.Cuts) == "title"
		inText, inHTML := strings.Contains(m.Text, uncommon+" "), strings.Contains(m.HTML, uncommon+" ")
		if len(receipt.Cuts) == 0 && (inText || inHTML) || isCut && (!inText || !inHTML) {
			t.Errorf("the subject is %q, cuts %v, the body %q, %q", m.Subject, receipt.Cuts, m.Text, m.HTML)
		}
	})
}

// TestNoTextHasTheBoundary: the boundary changes with the texts, so a text cannot have the boundary of its own mail.
func TestNoTextHasTheBoundary(t *testing.T) {
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

func TestBothForms(t *testing.T) {
	m, _ := send(t, email.Message{
		Color: "#C62828", Title: `disk "full" & <b>`, Text: "line 1\n.\n..\nline <2>",
		Facts: []mackerel.Fact{
			{Label: "Host", Value: "a&b", URL: "https://example.com/hosts/a&b"}, {Label: "empty"}, {Label: "Role", Value: "db", URL: "javascript:alert(1)"},
		},
		Memo: mackerel.Fact{Label: "Memo", Value: "call\nme"}, URL: "https://example.com/?a=1&b=2", Image: "https://example.com/x.png?c=3&d", RawHTML: "<b>raw</b>",
	})
	for _, want := range []string{
		`border-left:5px solid #C62828`, "<b>raw</b>",
		"<p>line 1<br>\n.<br>\n..<br>\nline &lt;2&gt;</p>", `>Host</th><td><a href="https://example.com/hosts/a&amp;b">a&amp;b</a></td></tr>`, ">Role</th><td>db</td></tr>", "<p>Memo: call<br>\nme</p>",
		`<p><a href="https://example.com/?a=1&amp;b=2">https://example.com/?a=1&amp;b=2</a></p>`,
		`<img src="https://example.com/x.png?c=3&amp;d"`,
	} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("%s is not in %s", want, m.HTML)
		}
	}
	want := "line 1\n.\n..\nline <2>\n\nHost: a&b\nRole: db\n\nMemo: call\nme\n\nhttps://example.com/?a=1&b=2\n\nhttps://example.com/x.png?c=3&d\n"
	if m.Text != want {
		t.Errorf("%q, want %q", m.Text, want)
	}
	if strings.Contains(m.HTML, "empty") || strings.Contains(m.HTML, "full") || strings.Contains(m.Text, "raw") {
		t.Errorf("%s\n%s", m.HTML, m.Text)
	}
}

func TestAddressesThatCannotBeLinksAreText(t *testing.T) {
	for _, address := range []string{"javascript:alert(1)", "data:text/html,x", "https://example.com/a\nb", "//example.com", "https://" + strings.Repeat("x", 2000)} {
		m, _ := send(t, email.Message{Title: "x", URL: address, Image: address})
		if strings.Contains(m.HTML, "href") || strings.Contains(m.HTML, "<img") || !strings.Contains(m.Text, address) {
			t.Errorf("%q: %q, %s", address, m.Text, m.HTML)
		}
	}
	encoded, _ := send(t, email.Message{Title: "x", URL: "https://example.com/夜 b"})
	if address := "https://example.com/%E5%A4%9C%20b"; !strings.Contains(encoded.HTML, `href="`+address+`"`) || !strings.Contains(encoded.Text, address) {
		t.Errorf("%s", encoded.HTML)
	}
	m := email.DefaultMessage(mackerel.Alert{ImageURL: "file:///x.png"}, mackerel.Text{})
	if m.Image != "" || len(m.Facts) != 1 || m.Facts[0].Value != "file:///x.png" {
		t.Errorf("%+v", m)
	}
}

func TestStatusesLookDifferent(t *testing.T) {
	for status, want := range map[mackerel.Status]string{
		"OK": "#2E7D32", "warning": "#F9A825", "critical": "#C62828", "unknown": "#757575", "": "#757575", "purple": "#757575",
	} {
		if m, _ := notify(t, mackerel.Alert{Status: status}); !strings.Contains(m.HTML, "solid "+want) {
			t.Errorf("%q is not %s: %s", status, want, m.HTML)
		}
	}
}

func TestTheMailsOfAnAlertAreOneThread(t *testing.T) {
	fake, n := start(t)
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
	for _, m := range fake.Mails() {
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
}

func TestEditSeesThreadAndStateAndMayEmptyThem(t *testing.T) {
	var seen email.Message
	a := alert()
	a.OpenedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m, _ := notify(t, a, func(c *email.Config) {
		c.Edit = func(m *email.Message, _ mackerel.Alert) error {
			seen = *m
			m.Title, m.Thread, m.State = "[prod] "+m.Title, "", ""
			return nil
		}
	})
	if seen.Thread != "mackerel-5Alert" || !strings.Contains(seen.State, "critical") || seen.Color != "#C62828" {
		t.Errorf("saw %+v", seen)
	}
	if _, has := m.Header["References"]; has || m.Subject != "[prod] [CRITICAL] CPU % on app01" {
		t.Errorf("%v", m.Header)
	}
}

func TestMessageIDs(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	id := func(change func(*mackerel.Alert), configure ...func(*email.Config)) string {
		a := alert()
		a.OpenedAt, a.ChangedAt = at, at
		change(&a)
		_, receipt := notify(t, a, configure...)
		return receipt.ID
	}
	same := func(*mackerel.Alert) {}
	state := func(state string) func(*email.Config) {
		return func(c *email.Config) {
			c.Edit = func(m *email.Message, _ mackerel.Alert) error { m.State = state; return nil }
		}
	}
	utc := func(c *email.Config) { c.Text.Location = time.UTC }
	first := id(same, utc)
	for name, again := range map[string]string{
		"the same alert":               id(same, utc),
		"the recipient among others":   strings.Fields(id(same, utc, three))[0],
		"the recipient with a name":    id(same, utc, func(c *email.Config) { c.To = []string{"Hanako <" + hanako + ">"} }),
		"the same time, in other form": id(func(a *mackerel.Alert) { a.OpenedAt = at.In(time.FixedZone("JST", 9*60*60)) }, utc),
	} {
		if again != first {
			t.Errorf("%s has %s, want %s", name, again, first)
		}
	}
	ids := map[string]string{first: "the alert"}
	for name, other := range map[string]string{
		"another recipient": id(same, utc, func(c *email.Config) { c.To = []string{taro} }),
		"another sender":    id(same, utc, func(c *email.Config) { c.From = "other@example.com" }),
		"another status":    id(func(a *mackerel.Alert) { a.Status = mackerel.StatusWarning }, utc),
		"another change":    id(func(a *mackerel.Alert) { a.ChangedAt = at.Add(time.Hour) }, utc),
		"another alert":     id(func(a *mackerel.Alert) { a.ID = "5Other" }, utc),
		"another message":   id(func(a *mackerel.Alert) { a.Message = "CPU % 97 > 90" }, utc),
		"another state":     id(same, utc, state("1")),
		"a third state":     id(same, utc, state("2")),
	} {
		if of, taken := ids[other]; taken {
			t.Errorf("%s has the Message-ID of %s", name, of)
		}
		ids[other] = name
	}
}

// TestAnAlertWithoutTimesIsAnotherMailTheNextNight: mailboxes drop a second mail with the same Message-ID.
func TestAnAlertWithoutTimesIsAnotherMailTheNextNight(t *testing.T) {
	for name, a := range map[string]mackerel.Alert{
		"an alert made by hand": {ID: "5Alert", Status: mackerel.StatusCritical, Message: "the backup has failed"},
		"an event of a host":    {Event: mackerel.EventHostRegister, Host: &mackerel.Host{Name: "app01"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, n := start(t)
			first := deliver(t.Context(), t, n, a)
			time.Sleep(24 * time.Hour) // in a bubble
			if next := deliver(t.Context(), t, n, a); next == first {
				t.Errorf("%s has the Message-ID %s on both nights", name, first)
			}
			for _, at := range []*time.Time{&a.OpenedAt, &a.ChangedAt, &a.ClosedAt} {
				*at = time.Now()
				if first, again := deliver(t.Context(), t, n, a), deliver(t.Context(), t, n, a); first != again {
					t.Errorf("%s with a time has two Message-IDs, %s and %s", name, first, again)
				}
				*at = time.Time{}
			}
		})
	}
	_, n := start(t)
	m := email.Message{Title: "the backup has failed"}
	if first, next := sent(t, n, m), sent(t, n, m); first == next {
		t.Errorf("two messages without a State have the Message-ID %s", first)
	}
	m.State = "1"
	if first, next := sent(t, n, m), sent(t, n, m); first != next {
		t.Errorf("a message with a State has two Message-IDs, %s and %s", first, next)
	}
}

// deliver returns the Message-IDs of an alert.
func deliver(ctx context.Context, t *testing.T, n *email.Notifier, a mackerel.Alert) string {
	t.Helper()
	receipt, err := n.Deliver(ctx, a)
	if err != nil || receipt.ID == "" {
		t.Fatalf("%v, %+v", err, receipt)
	}
	return receipt.ID
}

// sent returns the Message-ID of a message.
func sent(t *testing.T, n *email.Notifier, m email.Message) string {
	t.Helper()
	receipt, err := n.Send(t.Context(), m)
	if err != nil || receipt.ID == "" {
		t.Fatalf("%v, %+v", err, receipt)
	}
	return receipt.ID
}

func TestADeliveryIDNamesTheMail(t *testing.T) {
	named := func(id string) context.Context { return mackerel.WithDeliveryID(t.Context(), id) }
	timed := alert()
	timed.OpenedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, a := range map[string]mackerel.Alert{"without a time": alert(), "with a time": timed} {
		_, n := start(t)
		_, other := start(t)
		first := deliver(named("delivery-1"), t, n, a)
		if again := deliver(named("delivery-1"), t, other, a); again != first {
			t.Errorf("%s: a repeat has %s, want %s", name, again, first)
		}
		if next := deliver(named("delivery-2"), t, n, a); next == first {
			t.Errorf("%s: another delivery has the Message-ID %s", name, first)
		}
		if next := deliver(t.Context(), t, n, a); next == first {
			t.Errorf("%s: a delivery without a name has the Message-ID %s", name, first)
		}
	}
}

// TestTheNotifierOfAFailureRepeatsTheSameMail: the recipient may have the mail already.
func TestTheNotifierOfAFailureRepeatsTheSameMail(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"without a name": t.Context(), "with a name": mackerel.WithDeliveryID(t.Context(), "delivery-1"),
	} {
		fake, n := start(t, three, func(c *email.Config) { c.Call.Delivery = mackerel.AtMostOnce })
		lost := emailtest.Fault{At: emailtest.AtContent, Recipient: taro, Handled: true, Break: fakehttp.CloseConnection, Times: 2}
		fake.Inject(lost)
		failures := mackerel.Failures(n.Notify(ctx, alert()))
		if len(failures) != 1 {
			t.Fatalf("%s: %v", name, failures)
		}
		again := mackerel.Failures(mackerel.Multi(failures[0].Notifier).Notify(t.Context(), alert()))
		if len(again) != 1 {
			t.Fatalf("%s: %v", name, again)
		}
		last := deliver(t.Context(), t, failures[0].Notifier.(*email.Notifier), alert())
		for _, m := range fake.Mails() {
			if id := m.Header.Get("Message-Id"); m.To[0] == taro && id != last {
				t.Errorf("%s: the Message-IDs are %s and %s", name, id, last)
			}
		}
		if got := recipients(fake); strings.Count(got, taro) != 3 {
			t.Errorf("%s: %s", name, got)
		}
		named := mackerel.WithDeliveryID(t.Context(), "delivery-2")
		if next := deliver(named, t, failures[0].Notifier.(*email.Notifier), alert()); next == last {
			t.Errorf("%s: another delivery has the Message-ID %s", name, next)
		}
	}
}

// TestTitles sends titles as long as a subject, one character longer, as long as the body has them, and far too long. What
// the subject does not have is in the body, and never in place of the text.
func TestTitles(t *testing.T) {
	const most = 150
	for _, unit := range []string{"x", "障", "🔥"} {
		for _, n := range []int{most, most + 1, 4_000, 41_000} {
			title := "begins" + strings.Repeat(unit, n-len("beginsends")) + "ends"
			m, receipt := send(t, email.Message{Title: title, Text: "first line"})
			if got := utf8.RuneCountInString(m.Subject); got != min(n, most) || !strings.HasPrefix(m.Subject, "begins") || !strings.HasSuffix(m.Subject, "ends") {
				t.Errorf("%d of %s: the subject has %d", n, unit, got)
			}
			if cut := servicetest.CutFields(receipt.Cuts) == "title"; cut != (n > most) {
				t.Errorf("%d of %s: cuts %+v", n, unit, receipt.Cuts)
			}
			want := "first line\n"
			if n > most {
				want = "first line\n\n" + title + "\n"
			}
			if n <= 4_000 && m.Text != want || !strings.HasPrefix(m.Text, "first line\n") || strings.Count(m.HTML, "ends") != strings.Count(m.Text, "ends") {
				t.Errorf("%d of %s: %.300q, %.300q", n, unit, m.Text, m.HTML)
			}
		}
	}
}

// TestTheBodyHasTheTitleIfThereIsNothingElse: lists of mails show the subject and the beginning of the body.
func TestTheBodyHasTheTitleIfThereIsNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		message email.Message
		want    string
	}{
		"a title alone":          {email.Message{Title: "T"}, "T\n"},
		"a title and a link":     {email.Message{Title: "T", URL: "https://x.test/"}, "T\n\nhttps://x.test/\n"},
		"facts without values":   {email.Message{Title: "T", Facts: []mackerel.Fact{{Label: "Host"}}}, "T\n"},
		"a text":                 {email.Message{Title: "T", Text: "x"}, "x\n"},
		"a fact":                 {email.Message{Title: "T", Facts: []mackerel.Fact{{Label: "Host", Value: "x"}}}, "Host: x\n"},
		"a memo":                 {email.Message{Title: "T", Memo: mackerel.Fact{Label: "Memo", Value: "x"}}, "Memo: x\n"},
		"a text of blanks alone": {email.Message{Title: "T", Text: " \n\t"}, "T\n"},
	} {
		if m, receipt := send(t, c.message); m.Text != c.want || m.Subject != "T" || len(receipt.Cuts) != 0 {
			t.Errorf("%s: %q, %q, %v", name, m.Subject, m.Text, receipt.Cuts)
		}
	}
}

// TestTheTitleIsOneCut: the subject and the body both have it. RawHTML leaves no room for the title in the body.
func TestTheTitleIsOneCut(t *testing.T) {
	title := strings.Repeat("x", 4000)
	for want, m := range map[string]email.Message{
		"title":      {Title: title, RawHTML: strings.Repeat("y", 60_000)},
		"title text": {Title: title, Text: strings.Repeat("y\n", 60_000)},
	} {
		if _, receipt := send(t, m); servicetest.CutFields(receipt.Cuts) != want {
			t.Errorf("%+v, want %s", receipt.Cuts, want)
		}
	}
}

// TestWhatAMessageNeedNotHave: facts alone are a message, and without a color there is no bar.
func TestWhatAMessageNeedNotHave(t *testing.T) {
	m, _ := send(t, email.Message{Facts: []mackerel.Fact{{Label: "Host", Value: "app01"}}})
	if m.Text != "Host: app01\n" || strings.Contains(m.HTML, "border-left") {
		t.Errorf("%q, %s", m.Text, m.HTML)
	}
	if facts := email.DefaultMessage(mackerel.Alert{}, mackerel.Text{}).Facts; len(facts) != 0 {
		t.Errorf("an alert without facts has %+v", facts)
	}
}

// TestLongMails are cut as little as possible. The lines of the text after the fifth go before the memo, and a long first
// line of the text goes after it.
func TestLongMails(t *testing.T) {
	for name, unit := range map[string]string{"ASCII": "abcdefghi ", "Japanese": "障害対応手順書を参照。", "emoji": "🔥👩‍💻🇯🇵", "markup": "<&>\"'\n", "lines": "x\n"} {
		t.Run(name, func(t *testing.T) {
			long := "begins " + strings.Repeat(unit, 70_000/len(unit)) + " ends"
			a := alert()
			a.Monitor.Memo = long
			m, receipt := notify(t, a)
			checkLong(t, m, receipt, "memo")
			a.Message = long
			m, receipt = notify(t, a)
			order := "memo text"
			if strings.Contains(unit, "\n") {
				order = "text memo"
			}
			checkLong(t, m, receipt, order)
			a.Facts = []mackerel.Fact{{Label: "short", Value: "one"}, {Label: "long", Value: long}}
			m, receipt = notify(t, a)
			checkLong(t, m, receipt, order+" facts")
			if !strings.Contains(m.Text, "short: one\nlong: begins") || !strings.Contains(m.HTML, "<td>one</td>") {
				t.Errorf("%.300s", m.Text)
			}
		})
	}
}

func TestAMailToTheLongestAddressIsNotTooLong(t *testing.T) {
	longest := strings.Repeat("x", 242) + "@example.com"
	a := alert()
	a.Message = strings.Repeat("x", 70_000)
	for _, to := range []string{longest, hanako} {
		m, _ := notify(t, a, func(c *email.Config) { c.To = []string{to} })
		if len(m.Raw) > 64<<10 || to == longest && len(m.Raw) < 64<<10-200 {
			t.Errorf("%d bytes to %.20s", len(m.Raw), to)
		}
	}
}

func checkLong(t *testing.T, m emailtest.Mail, receipt mackerel.Receipt, cuts string) {
	t.Helper()
	if len(m.Raw) > 64<<10 || len(m.Raw) < 64<<10*9/10 {
		t.Errorf("%d bytes", len(m.Raw))
	}
	if servicetest.CutFields(receipt.Cuts) != cuts || m.Subject != "[CRITICAL] CPU % on app01" || !strings.Contains(m.Text, "begins") || strings.Contains(m.Text, " ends") {
		t.Errorf("%q, cuts %+v", m.Subject, receipt.Cuts)
	}
	if strings.Count(m.HTML, `<a href="https://mackerel.io/orgs/example/alerts/5Alert">`) != 1 || strings.ContainsRune(m.Text, utf8.RuneError) {
		t.Errorf("the link is gone, or a character is broken")
	}
}
