package email_test

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// TestConformance leaves out the rows about HTTP. The tests of deliveries check lost answers, refusals, waits and
// contexts in terms of SMTP.
func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, emailtest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.Config()
				config.Call = e.Call()
				return servicetest.Make(t, email.New, config)
			},
			Count:   fake.Accepted,
			Secrets: []string{emailtest.Password},
		}
	})
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
		fake, n := start(t, func(c *email.Config) { c.Text = text })
		return asFake{fake}, n
	}))
}

func TestConfigurations(t *testing.T) {
	config := func(configure func(*email.Config)) email.Config {
		c := email.Config{Host: "smtp.example.com", From: "alert@example.com", To: []string{hanako}}
		configure(&c)
		return c
	}
	credentials := func(c *email.Config) { c.Username, c.Password = "u", mackerel.NewSecret("secret-password") }
	to := func(list ...string) email.Config { return config(func(c *email.Config) { c.To = list }) }
	host := func(host string) email.Config { return config(func(c *email.Config) { c.Host = host }) }
	servicetest.Configs(t, email.New, "secret-password", []servicetest.ConfigCase[email.Config]{
		{Name: "host, sender and recipient are enough", Config: config(func(*email.Config) {})},
		{Name: "host, sender and recipient are required", Want: []string{"Host: required", "From: required", "To: required"}},
		{Name: "a host may be an IPv6 address", Config: host("2001:db8::1")},
		{Name: "a host has no port", Config: host("smtp.example.com:587"), Want: []string{"Host: must be the name or address of a host"}},
		{Name: "a host is no URL", Config: host("smtp://x"), Want: []string{"Host: must be the name"}},
		{Name: "a host has no line break", Config: host("a\r\nb"), Want: []string{"Host: must be the name"}},
		{Name: "the highest port", Config: config(func(c *email.Config) { c.Port = 65535 })},
		{Name: "a port has 16 bits", Config: config(func(c *email.Config) { c.Port = 65536 }), Want: []string{"Port: must be from 1 to 65535"}},
		{Name: "a password is required with a user", Config: config(func(c *email.Config) { c.Username = "u" }), Want: []string{"Password: required"}},
		{Name: "a user is required with a password", Config: config(func(c *email.Config) {
			c.Password = mackerel.NewSecret("secret-password")
		}), Want: []string{"Username: required"}},
		{Name: "credentials have no NUL", Config: config(func(c *email.Config) {
			c.Username, c.Password = "u\x00", mackerel.NewSecret("secret-password\x00")
		}), Want: []string{"Username: has a control character", "Password: has a control character"}},
		{Name: "credentials do not begin with NUL", Config: config(func(c *email.Config) {
			c.Username, c.Password = "\x00u", mackerel.NewSecret("\x00secret-password")
		}), Want: []string{"Username: has a control character", "Password: has a control character"}},
		{Name: "credentials have no DEL", Config: config(func(c *email.Config) {
			c.Username, c.Password = "u\x7f", mackerel.NewSecret("secret-password\x7f")
		}), Want: []string{"Username: has a control character", "Password: has a control character"}},
		{Name: "credentials need TLS", Config: config(func(c *email.Config) { credentials(c); c.TLS = email.TLSNone }),
			Want: []string{"TLS: credentials are sent without TLS to this machine only"}},
		{Name: "credentials to this machine need no TLS", Config: config(func(c *email.Config) {
			credentials(c)
			c.TLS, c.Host = email.TLSNone, "::1"
		})},
		{Name: "credentials to another machine's address need TLS", Config: config(func(c *email.Config) {
			credentials(c)
			c.TLS, c.Host = email.TLSNone, "192.0.2.1"
		}), Want: []string{"TLS: credentials are sent without TLS to this machine only"}},
		{Name: "a relay needs no TLS", Config: config(func(c *email.Config) { c.TLS, c.Port = email.TLSNone, 25 })},
		{Name: "the machine's name is one line", Config: config(func(c *email.Config) { c.Hello = "x\r\nMAIL FROM:<a@b>" }), Want: []string{"Hello: must be the name"}},
		{Name: "the machine's name may be an address", Config: config(func(c *email.Config) { c.Hello = "[192.0.2.1]" })},
		{Name: "there is one sender", Config: config(func(c *email.Config) { c.From = "a@example.com, b@example.com" }), Want: []string{"From: must be an address"}},
		{Name: "an address has no line break", Config: to("a@example.com\r\nBcc: b@example.com"), Want: []string{"To[0]: must be an address"}},
		{Name: "a recipient is not empty", Config: to(hanako, ""), Want: []string{"To[1]: required"}},
		{Name: "a recipient stands once", Config: to(hanako, "Hanako <HANAKO@example.com>"), Want: []string{"To[1]: given twice"}},
		{Name: "an address is ASCII", Config: to("花子@example.com", "hanako@例え.jp"), Want: []string{"To[0]: has a control", "To[1]: has a control"}},
		{Name: "an address has no character just beyond ASCII", Config: to("\"a\u0080\"@example.com"), Want: []string{"To[0]: has a control"}},
		{Name: "a name may be Japanese", Config: to("花子 <hanako@example.com>")},
		{Name: "a quoted address may have a blank", Config: to(`"a b"@example.com`)},
		{Name: "a blank must be quoted", Config: to(`a b@example.com`), Want: []string{"To[0]: must be an address"}},
		{Name: "a quoted address has no tab", Config: to("\"a\tb\"@example.com"), Want: []string{"To[0]: has a control character"}},
		{Name: "a quoted address stands once", Config: to(`"a b"@example.com`, `"A b"@example.com`), Want: []string{"To[1]: given twice"}},
		{Name: "the quotes of an address count", Config: to(`"` + strings.Repeat(" ", 240) + `"@example.com`)},
		{Name: "the quotes of an address count too", Config: to(`"` + strings.Repeat(" ", 241) + `"@example.com`), Want: []string{"To[0]: 255 bytes, and at most 254"}},
		{Name: "an address may have 254 bytes", Config: to(strings.Repeat("x", 242) + "@example.com")},
		{Name: "an address has at most 254 bytes", Config: to(strings.Repeat("x", 243) + "@example.com"), Want: []string{"To[0]: 255 bytes, and at most 254"}},
		{Name: "all problems are told at once, in the order of the fields", Config: email.Config{
			Host: "a b", Port: -1, TLS: "ssl", Username: "u\n", From: "alert", To: []string{"x"}, Hello: "my machine", Level: "none",
			Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{Timeout: -time.Second, UserAgent: "a\r\nb"},
		}, Want: []string{
			"Host: ", "Port: ", "TLS: must be", "Username: ", "Password: ", "From: ", "To[0]: ", "Hello: ", "Level: ", "Text.Language: ", "Call.Timeout: ",
			"Call.UserAgent: ",
		}},
	})
}

func TestAConfigurationIsReadFromJSON(t *testing.T) {
	var c email.Config
	err := json.Unmarshal([]byte(`{"host":"smtp.example.com","port":465,"tls":"implicit","username":"u","password":"secret-password",
		"from":"a@example.com","to":["b@example.com"],"hello":"app01","level":"critical","text":{"language":"ja","time_zone":"UTC"}}`), &c)
	if err != nil || c.Password.Reveal() != "secret-password" || c.Port != 465 || c.TLS != email.TLSImplicit {
		t.Errorf("%v, %+v", err, c)
	}
	if _, err := email.New(c); err != nil {
		t.Error(err)
	}
}

func TestANotifierIsNamedByItsRecipients(t *testing.T) {
	for want, to := range map[string][]string{
		"email to hanako@example.com":            {"Hanako <" + hanako + ">"},
		"email to hanako@example.com and 1 more": {hanako, taro},
		"email to hanako@example.com and 2 more": {hanako, taro, jiro},
	} {
		if _, n := start(t, func(c *email.Config) { c.To = to }); n.String() != want {
			t.Errorf("%q, want %q", n, want)
		}
	}
}

func TestANotifierThatNewDidNotMakeHasAName(t *testing.T) {
	if got := new(email.Notifier).String(); got != "email" {
		t.Errorf("got %q", got)
	}
}

func TestTheConfigurationIsCopied(t *testing.T) {
	to := []string{hanako, taro}
	var config *tls.Config
	fake, n := start(t, func(c *email.Config) { c.To, config = to, c.TLSConfig })
	if config.ServerName != "" {
		t.Errorf("the caller's TLSConfig has the ServerName %q", config.ServerName)
	}
	to[0], config.ServerName = "evil@example.com", "other.test"
	if err := n.Notify(t.Context(), alert()); err != nil || recipients(fake) != hanako+" "+taro {
		t.Errorf("%v, %q", err, recipients(fake))
	}
}

// TestSecretsThatTheServerQuotesAreNotShown lets the server repeat what it was sent, in all forms.
func TestSecretsThatTheServerQuotesAreNotShown(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + emailtest.Username + "\x00" + emailtest.Password))
	login := base64.StdEncoding.EncodeToString([]byte(emailtest.Password))
	for _, at := range []emailtest.Step{emailtest.AtAuth, emailtest.AtRcpt, emailtest.AtContent} {
		fake, n := start(t)
		fake.Inject(emailtest.Fault{At: at, Reply: "550 what is AUTH PLAIN " + plain + " or " + login + " or " + emailtest.Password})
		err := n.Notify(t.Context(), alert())
		for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			for _, secret := range []string{plain, login, emailtest.Password} {
				if strings.Contains(text, strings.TrimRight(secret, "=")) {
					t.Errorf("%s shows %q", text, secret)
				}
			}
		}
		if !strings.Contains(err.Error(), "what is AUTH PLAIN [redacted]") {
			t.Error(err)
		}
	}
}

// TestAPreviewIsWhatIsSent compares a preview with the decoded mail.
func TestAPreviewIsWhatIsSent(t *testing.T) {
	for _, a := range sample.Alerts() {
		fake, n := start(t, func(c *email.Config) { c.Text = mackerel.Text{Language: mackerel.Japanese} })
		p, err := n.Preview(a.Alert)
		if err != nil || fake.Connections() != 0 {
			t.Fatalf("%v, %d connections", err, fake.Connections())
		}
		if err := n.Notify(t.Context(), a.Alert); err != nil {
			t.Fatal(err)
		}
		m, r := last(t, fake), p.Requests[0]
		if r.Header.Get("Date") != "{date}" || r.Header.Get("Subject") != m.Subject {
			t.Errorf("Date %q, Subject %q; sent was %q", r.Header.Get("Date"), r.Header.Get("Subject"), m.Subject)
		}
		for field := range m.Header {
			got, want := r.Header.Get(field), m.Header.Get(field)
			random := field == "Message-Id" && a.Alert.OpenedAt.IsZero() && strings.HasPrefix(got, "<{message_id}@")
			if got != want && !random && field != "Date" && field != "Subject" {
				t.Errorf("the preview has %s: %s, the mail %s", field, got, want)
			}
		}
		if m.Text == "" || m.HTML == "" || !strings.Contains(r.Body, m.Text) || !strings.Contains(r.Body, m.HTML) {
			t.Errorf("the preview has %q", r.Body)
		}
	}
}

// TestAPreviewShowsWordsOfUnknownCharsetsAsTheyAre: they cannot be decoded.
func TestAPreviewShowsWordsOfUnknownCharsetsAsTheyAre(t *testing.T) {
	const agent = "=?x-unknown?q?agent?="
	_, n := start(t, func(c *email.Config) { c.Call.UserAgent = agent })
	p, err := n.Preview(alert())
	if err != nil || p.Requests[0].Header.Get("User-Agent") != agent {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestAPreviewHasAMailForEachRecipient(t *testing.T) {
	for url, configure := range map[string]func(*email.Config){
		"smtp://fake.test:587":  func(*email.Config) {},
		"smtps://fake.test:465": func(c *email.Config) { c.Port = 465 },
		"smtp://fake.test:465":  func(c *email.Config) { c.Port, c.TLS = 465, email.TLSStart },
		"smtps://fake.test:587": func(c *email.Config) { c.TLS = email.TLSImplicit },
	} {
		_, n := start(t, func(c *email.Config) { c.To = []string{hanako, taro} }, configure)
		p, err := n.Preview(alert())
		if err != nil || len(p.Requests) != 2 {
			t.Fatalf("%+v, %v", p, err)
		}
		for i, to := range []string{hanako, taro} {
			if r := p.Requests[i]; r.Method != "SMTP" || r.URL != url || r.Header.Get("To") != "<"+to+">" {
				t.Errorf("%+v", r)
			}
		}
	}
}

func TestRefusalsForGood(t *testing.T) {
	for _, test := range []struct {
		at    emailtest.Step
		reply string
		kind  error
	}{
		{emailtest.AtConnect, "554 no service for you", mackerel.ErrInvalid},
		{emailtest.AtConnect, "554 5.7.1 your address is on a list", mackerel.ErrUnauthorized},
		{emailtest.AtStartTLS, "502 5.5.1 not implemented", mackerel.ErrUnsupported},
		{emailtest.AtAuth, "535 5.7.8 wrong", mackerel.ErrUnauthorized},
		{emailtest.AtAuth, "535 wrong", mackerel.ErrUnauthorized},
		{emailtest.AtAuth, "534 5.7.9 too weak", mackerel.ErrUnauthorized},
		{emailtest.AtAuth, "538 encrypt first", mackerel.ErrUnauthorized},
		{emailtest.AtAuth, "504 no such mechanism", mackerel.ErrUnsupported},
		{emailtest.AtMail, "530 5.7.0 AUTH first", mackerel.ErrUnauthorized},
		{emailtest.AtMail, "550 sender not known", mackerel.ErrInvalid},
		{emailtest.AtMail, "552 5.3.4 too long", mackerel.ErrInvalid},
		{emailtest.AtMail, "555 parameter", mackerel.ErrUnsupported},
		{emailtest.AtRcpt, "550 no such user", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.1 no such user", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.2 no such host", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.6 moved", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.10 null MX", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.1.101 something else", mackerel.ErrInvalid},
		{emailtest.AtRcpt, "550 5.2.1 mailbox disabled", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "550 5.7.1 relaying denied", mackerel.ErrUnauthorized},
		{emailtest.AtRcpt, "551 user not local", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "552 5.2.2 mailbox full", mackerel.ErrInvalid},
		{emailtest.AtRcpt, "553 5.1.3 bad address", mackerel.ErrNotFound},
		{emailtest.AtRcpt, "553 name not allowed", mackerel.ErrInvalid},
		{emailtest.AtData, "554 no valid recipients", mackerel.ErrInvalid},
		{emailtest.AtContent, "550 5.7.1 looks like spam", mackerel.ErrUnauthorized},
		{emailtest.AtContent, "550 5.70.1 something else", mackerel.ErrInvalid},
		{emailtest.AtContent, "550 5.7.1x is no code", mackerel.ErrInvalid},
		{emailtest.AtContent, "550 no", mackerel.ErrInvalid},
		{emailtest.AtContent, "554 5.6.0 malformed", mackerel.ErrInvalid},
	} {
		t.Run(fmt.Sprintf("%s at %s", test.reply, test.at), func(t *testing.T) {
			fake, n := start(t)
			fake.Inject(emailtest.Fault{At: test.at, Reply: test.reply, Times: -1})
			receipt, err := n.Deliver(t.Context(), alert())
			e := servicetest.AsError(t, err, test.kind)
			if e.Code != test.reply[:3] || e.Message != test.reply || e.Status != 0 || receipt.Attempts != 1 || fake.Accepted() != 0 {
				t.Errorf("%+v, %+v", e, receipt)
			}
			if _, again := mackerel.Retry(err); again {
				t.Errorf("%v may be repeated", err)
			}
		})
	}
}

// TestRepliesThatDoNotBelong: a success or a question in the wrong place says nothing about the mail.
func TestRepliesThatDoNotBelong(t *testing.T) {
	for at, kind := range map[emailtest.Step]error{
		emailtest.AtMail: mackerel.ErrUnavailable, emailtest.AtRcpt: mackerel.ErrUnavailable, emailtest.AtContent: mackerel.ErrAmbiguous,
	} {
		for _, reply := range []string{"354 go ahead", "221 bye"} {
			fake, n := start(t, func(c *email.Config) { c.Call.MaxAttempts = 1 })
			fake.Inject(emailtest.Fault{At: at, Reply: reply})
			_ = servicetest.AsError(t, n.Notify(t.Context(), alert()), kind)
		}
	}
}

// The receipt of a message that cannot be sent names the service, and a preview says the same.
func TestAMessageThatEditHasEmptied(t *testing.T) {
	_, n := start(t, func(c *email.Config) {
		c.Edit = func(m *email.Message, _ mackerel.Alert) error {
			*m = email.Message{}
			return nil
		}
	})
	receipt, err := n.Deliver(t.Context(), alert())
	if !errors.Is(err, mackerel.ErrInvalid) || receipt.Provider != "email" || receipt.Attempts != 0 {
		t.Errorf("%+v, %v", receipt, err)
	}
	if p, err := n.Preview(alert()); !errors.Is(err, mackerel.ErrInvalid) || p != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestTheErrorOfASingleRecipientIsNoList(t *testing.T) {
	fake, n := start(t)
	fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Reply: "550 5.1.1 no such user"})
	err := n.Notify(t.Context(), alert())
	if e, ok := err.(*mackerel.Error); !ok || e.Code != "550" {
		t.Errorf("got a %T: %v", err, err)
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	servicetest.Refused(t, asFake{fake}, func(m email.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]email.Message{
		"Message: empty":                         {},
		"Message: emp":                           {Title: " \r\n", Text: "\n"},
		"Message: em":                            {Image: "x"},
		"Color: must be #RRGG":                   {Title: "x", Color: `red" onload="x`},
		"Color: must be #RRGGBB; Message: empty": {Color: "red"},
		"Message: 6":                             {Title: "x", RawHTML: strings.Repeat("x", 64<<10)},
	})
}
