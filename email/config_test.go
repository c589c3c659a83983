package email_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
)

func good() email.Config {
	return email.Config{Host: "smtp.example.com", From: "alert@example.com", To: []string{hanako}}
}

// TestConfigurations lists all problems at once, each with its field, and quotes no secret.
func TestConfigurations(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*email.Config)
		want   string // what the error says; "" if it is in order
	}{
		{"the least", func(*email.Config) {}, ""},
		{"an IPv6 address", func(c *email.Config) { c.Host = "2001:db8::1" }, ""},
		{"nothing", func(c *email.Config) { *c = email.Config{} }, "Host: required; From: required; To: required"},
		{"a host with a port", func(c *email.Config) { c.Host = "smtp.example.com:587" }, "Host: not the name"},
		{"a URL for a host", func(c *email.Config) { c.Host = "smtp://x" }, "Host: not the name"},
		{"a host with a line break", func(c *email.Config) { c.Host = "a\r\nb" }, "Host: not the name"},
		{"a port beyond all", func(c *email.Config) { c.Port = 65536 }, "Port: must be"},
		{"a negative port", func(c *email.Config) { c.Port = -1 }, "Port: must be"},
		{"another encryption", func(c *email.Config) { c.TLS = "ssl" }, "TLS: must be"},
		{"a user without a password", func(c *email.Config) { c.Username = "u" }, "one without the other"},
		{"a password without a user", func(c *email.Config) { c.Password = mackerel.NewSecret("hunter2-secret") }, "one without the other"},
		{"a NUL in a password", func(c *email.Config) { c.Username, c.Password = "u", mackerel.NewSecret("hunter2-secret\x00") }, "control character"},
		{
			"credentials in the clear", func(c *email.Config) {
				c.Username, c.Password, c.TLS = "u", mackerel.NewSecret("hunter2-secret"), email.TLSNone
			}, "TLS: credentials are not sent in the clear",
		},
		{
			"credentials in the clear to this machine", func(c *email.Config) {
				c.Username, c.Password, c.TLS, c.Host = "u", mackerel.NewSecret("hunter2-secret"), email.TLSNone, "::1"
			}, "",
		},
		{"no encryption for a relay", func(c *email.Config) { c.TLS, c.Port = email.TLSNone, 25 }, ""},
		{"a name with blanks", func(c *email.Config) { c.Hello = "my machine" }, "Hello: not the name"},
		{"a name with a line break", func(c *email.Config) { c.Hello = "x\r\nMAIL FROM:<a@b>" }, "Hello: not the name"},
		{"an address for a name", func(c *email.Config) { c.Hello = "[192.0.2.1]" }, ""},
		{"no address", func(c *email.Config) { c.From = "alert" }, "From: not an address"},
		{"two senders", func(c *email.Config) { c.From = "a@example.com, b@example.com" }, "From: not an address"},
		{"a line break in an address", func(c *email.Config) { c.To = []string{"a@example.com\r\nBcc: b@example.com"} }, "To[0]: not an address"},
		{"an empty recipient", func(c *email.Config) { c.To = []string{hanako, ""} }, "To[1]: required"},
		{"the same twice", func(c *email.Config) { c.To = []string{hanako, "Hanako <HANAKO@example.com>"} }, "To[1]: stands there twice"},
		{"a Japanese address", func(c *email.Config) { c.To = []string{"花子@example.com"} }, "beyond ASCII"},
		{"a Japanese domain", func(c *email.Config) { c.To = []string{"hanako@例え.jp"} }, "beyond ASCII"},
		{"a Japanese name", func(c *email.Config) { c.To = []string{"花子 <hanako@example.com>"} }, ""},
		{"a quoted blank", func(c *email.Config) { c.To = []string{`"a b"@example.com`} }, "with a blank"},
		{"a long address", func(c *email.Config) { c.To = []string{strings.Repeat("x", 250) + "@example.com"} }, "longer than 254"},
		{"no level", func(c *email.Config) { c.Level = "none" }, "Level: must be"},
		{"no language", func(c *email.Config) { c.Text.Language = "fr" }, "Text.Language: must be"},
		{"a negative time", func(c *email.Config) { c.Call.Timeout = -time.Second }, "Call.Timeout"},
		{"a line break in the agent", func(c *email.Config) { c.Call.UserAgent = "a\r\nb" }, "Call.UserAgent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good()
			test.change(&c)
			n, err := email.New(c)
			if test.want == "" {
				if err != nil || n == nil {
					t.Error(err)
				}
				return
			}
			if e := asError(t, err, mackerel.ErrConfig); !strings.Contains(e.Message, test.want) || strings.Contains(e.Message, "hunter2") || n != nil {
				t.Errorf("%q, want %q", e.Message, test.want)
			}
		})
	}
}

// TestTheConfigurationStays the caller's: what it is changed to later changes nothing.
func TestTheConfigurationStays(t *testing.T) {
	s := newServer(t)
	to := []string{hanako, taro}
	n := newNotifier(t, s, email.Config{To: to})
	to[0] = "evil@example.com"
	if err := n.Notify(t.Context(), alert()); err != nil || recipients(s) != hanako+" "+taro {
		t.Errorf("%v, %q", err, recipients(s))
	}
}

func TestConfigurationsInJSON(t *testing.T) {
	var c email.Config
	in := `{"host":"smtp.example.com","port":465,"tls":"implicit","username":"u","password":"hunter2-secret","from":"a@example.com","to":["b@example.com"],` +
		`"hello":"app01","level":"critical","text":{"language":"ja","time_zone":"UTC"}}`
	if err := json.Unmarshal([]byte(in), &c); err != nil {
		t.Fatal(err)
	}
	if _, err := email.New(c); err != nil || c.Password.Reveal() != "hunter2-secret" || c.Port != 465 || c.TLS != email.TLSImplicit {
		t.Errorf("%v, %+v", err, c)
	}
	out, err := json.Marshal(c)
	if err != nil || strings.Contains(string(out), "hunter2") || !strings.Contains(string(out), `"to":["b@example.com"]`) {
		t.Errorf("%s, %v", out, err)
	}
}

// TestPrintedNotifier shows no password, however it is printed.
func TestPrintedNotifier(t *testing.T) {
	c := good()
	c.Username, c.Password = "u", mackerel.NewSecret("hunter2-secret")
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{n, *n, struct{ n *email.Notifier }{n}, struct{ n email.Notifier }{*n}, c} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "hunter2") {
				t.Errorf("%s shows it: %s", format, text)
			}
		}
	}
	if n.String() != "email to hanako@example.com" {
		t.Error(n)
	}
	if _, err := email.New(email.Config{}); !errors.Is(err, mackerel.ErrConfig) || !strings.HasPrefix(err.Error(), "email: configure: ") {
		t.Error(err)
	}
}
