package email_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// Recipients.
const (
	hanako = "hanako@example.com"
	taro   = "taro@example.com"
	jiro   = "jiro@example.com"
)

func newServer(t testing.TB) *emailtest.Server {
	t.Helper()
	s := emailtest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake in memory, so that it works in a bubble too.
func newNotifier(t testing.TB, s *emailtest.Server, c email.Config) *email.Notifier {
	t.Helper()
	c.Host, c.TLSConfig, c.Dial = emailtest.MemoryHost, s.TLSConfig(), s.Dial
	c.Username, c.Password = emailtest.Username, mackerel.NewSecret(emailtest.Password)
	if c.From == "" {
		c.From = "Mackerel <alert@example.com>"
	}
	if len(c.To) == 0 {
		c.To = []string{hanako}
	}
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func alert() mackerel.Alert {
	return mackerel.Alert{
		ID: "5Alert", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, Message: "CPU % 96.5 > 90",
		Host: &mackerel.Host{Name: "app01"}, URL: "https://mackerel.io/orgs/example/alerts/5Alert",
	}
}

// notify sends an alert and returns the mail.
func notify(t testing.TB, c email.Config, a mackerel.Alert) (emailtest.Mail, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	receipt, err := newNotifier(t, s, c).Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v, %q", err, s.Problems())
	}
	return only(t, s), receipt
}

// send sends a message and returns the mail.
func send(t testing.TB, m email.Message) (emailtest.Mail, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	receipt, err := newNotifier(t, s, email.Config{}).Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v, %q", err, s.Problems())
	}
	return only(t, s), receipt
}

func only(t testing.TB, s *emailtest.Server) emailtest.Mail {
	t.Helper()
	all := s.Mails()
	if len(all) != 1 {
		t.Fatalf("%d mails, want 1: %q", len(all), s.Problems())
	}
	return all[0]
}

// recipients are whom mails went to, in the order they were accepted.
func recipients(s *emailtest.Server) string {
	var all []string
	for _, m := range s.Mails() {
		all = append(all, m.To...)
	}
	return strings.Join(all, " ")
}

// kinds are the sentinels that errors.Is finds in err.
func kinds(err error) []error {
	return slices.DeleteFunc([]error{
		mackerel.ErrConfig, mackerel.ErrInvalid, mackerel.ErrUnauthorized, mackerel.ErrNotFound, mackerel.ErrRateLimited,
		mackerel.ErrUnavailable, mackerel.ErrAmbiguous, mackerel.ErrUnsupported,
	}, func(kind error) bool { return !errors.Is(err, kind) })
}

// asError returns err as the module's error, which must be of this kind alone.
func asError(t testing.TB, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !slices.Equal(kinds(err), []error{kind}) {
		t.Fatalf("%v (%T), want %v", err, err, kind)
	}
	return e
}

func fields(cuts []mackerel.Cut) string {
	var names []string
	for _, c := range cuts {
		names = append(names, c.Field)
	}
	return strings.Join(names, " ")
}

// before are the steps before the final dot of a mail was sent, at which a lost connection proves that it was not accepted.
var before = []emailtest.Step{
	emailtest.AtConnect, emailtest.AtHello, emailtest.AtStartTLS, emailtest.AtAuth, emailtest.AtMail, emailtest.AtRcpt,
	emailtest.AtData, emailtest.AtBody,
}

var modes = []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce}
