package twilio_test

import (
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]twilio.Config{
		"an SMS by the auth token": {Kind: twilio.KindSMS, AuthToken: mackerel.NewSecret(twiliotest.AuthToken)},
		"a call by an API key":     {Kind: twilio.KindCall, APIKeySID: twiliotest.APIKeySID, APIKeySecret: mackerel.NewSecret(twiliotest.APIKeySecret)},
		"a call to a TwiML document": {
			Kind: twilio.KindTwiML, AuthToken: mackerel.NewSecret(twiliotest.AuthToken), TwiMLURL: mackerel.NewSecret("https://u:twiml-password@example.com/twiml"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			notifytest.Run(t, func(t testing.TB) notifytest.Harness { return harness(t, c) })
		})
	}
}

func harness(t testing.TB, c twilio.Config) notifytest.Harness {
	fake := twiliotest.NewServer()
	t.Cleanup(fake.Close)
	h := notifytest.Harness{
		New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			c.AccountSID, c.From, c.To = twiliotest.AccountSID, twiliotest.From, to
			c.BaseURL, c.Call = e.BaseURL, e.Call()
			n, err := twilio.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		Fake:    fake,
		Count:   func() int { return len(fake.Calls()) + len(fake.Messages()) },
		Secrets: []string{c.AuthToken.Reveal()},
	}
	if c.APIKeySID != "" {
		h.Secrets[0] = c.APIKeySecret.Reveal()
	}
	if !c.TwiMLURL.IsZero() {
		h.Secrets = append(h.Secrets, "twiml-password")
	}
	return h
}

const to = "+819012345678"
