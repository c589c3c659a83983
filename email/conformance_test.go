package email_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// TestConformance leaves out the rows about HTTP; what they ask of a lost answer, a refusal, a wait or a context is asked
// in SMTP's terms in the tests of deliveries.
func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := emailtest.NewServer()
		t.Cleanup(fake.Close)
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				c := config(fake)
				c.Call = e.Call()
				n, err := email.New(c)
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			Count:   func() int { return len(fake.Mails()) },
			Secrets: []string{emailtest.Password},
		}
	})
}

// config leads to the fake on the loopback interface.
func config(s *emailtest.Server) email.Config {
	return email.Config{
		Host: s.Host(), Port: s.Port(), TLSConfig: s.TLSConfig(),
		Username: emailtest.Username, Password: mackerel.NewSecret(emailtest.Password),
		From: "Mackerel <alert@example.com>", To: []string{"hanako@example.com"},
	}
}
