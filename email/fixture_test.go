package email_test

import (
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// Recipients.
const (
	hanako = emailtest.Recipient
	taro   = "taro@example.com"
	jiro   = "jiro@example.com"
)

// start returns a fake and a notifier that reaches it in memory, configured further by each of the functions.
func start(t testing.TB, configure ...func(*email.Config)) (*emailtest.Server, *email.Notifier) {
	t.Helper()
	fake := servicetest.Start(t, emailtest.New())
	config := fake.MemoryConfig()
	for _, f := range configure {
		f(&config)
	}
	return fake, servicetest.Make(t, email.New, config)
}

// notify sends an alert and returns the mail.
func notify(t testing.TB, a mackerel.Alert, configure ...func(*email.Config)) (emailtest.Mail, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t, configure...)
	receipt, err := n.Deliver(t.Context(), a)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return last(t, fake), receipt
}

// send sends a message and returns the mail.
func send(t testing.TB, m email.Message) (emailtest.Mail, mackerel.Receipt) {
	t.Helper()
	fake, n := start(t)
	receipt, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%v: %q", err, fake.Problems())
	}
	return last(t, fake), receipt
}

// three configures three recipients.
func three(c *email.Config) { c.To = []string{hanako, "Taro <" + taro + ">", jiro} }

func last(t testing.TB, fake *emailtest.Server) emailtest.Mail {
	t.Helper()
	return servicetest.Last(t, asFake{fake}, fake.Mails())
}

// asFake is the fake as servicetest wants it. The commands of SMTP stand for requests.
type asFake struct{ *emailtest.Server }

func (f asFake) Requests() []fakehttp.Request { return make([]fakehttp.Request, len(f.Commands())) }
func (f asFake) Inject(...fakehttp.Fault)     { panic("no faults of HTTP") }

func alert() mackerel.Alert {
	return mackerel.Alert{
		ID: "5Alert", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, Message: "CPU % 96.5 > 90",
		Host: &mackerel.Host{Name: "app01"}, URL: "https://mackerel.io/orgs/example/alerts/5Alert",
	}
}

// recipients returns the recipients of all mails, in the order in which the mails were accepted.
func recipients(fake *emailtest.Server) string {
	var all []string
	for _, m := range fake.Mails() {
		all = append(all, m.To...)
	}
	return strings.Join(all, " ")
}
