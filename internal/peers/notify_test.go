package peers

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	kevinburke "github.com/kevinburke/twilio-go"
	peer "github.com/nikoksr/notify"
	notifyhttp "github.com/nikoksr/notify/service/http"
	notifyline "github.com/nikoksr/notify/service/line"
	notifymail "github.com/nikoksr/notify/service/mail"
	notifyteams "github.com/nikoksr/notify/service/msteams"
	notifytwilio "github.com/nikoksr/notify/service/twilio"

	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// notifySend sends a message as programs that use nikoksr/notify do. Its services for Slack and PagerDuty are left out:
// they call chat.postMessage and the incidents API, which the fakes do not have.
func notifySend(t *testing.T, service peer.Notifier) error {
	t.Helper()
	return peer.NewWithServices(service).Send(t.Context(), "disk full", "app01 98 %")
}

func TestNotifyPostsToTeams(t *testing.T) {
	s, _ := newTeams(t)
	service := notifyteams.New()
	service.DisableWebhookValidation()
	service.SetHTTPClient(clientTo(t, s.URL()))
	service.AddReceivers(s.Config().URL.Reveal())
	if err := notifySend(t, service); err != nil {
		t.Fatalf("%v: %q", err, s.Problems())
	}
	count(t, "cards", s.Cards(), 1)
	contains(t, "texts", strings.Join(s.Cards()[0].Texts(), "\n"), "app01 98 %")
	service.AddReceivers(s.Config().URL.Reveal() + "x")
	refused(t, notifySend(t, service), "401", "AuthorizationFailed")
}

// The service uses version 7.8 of LINE's client.
func TestNotifyPostsToLine(t *testing.T) {
	s, _ := newLine(t, line.FormatText, linetest.UserID)
	redirect(t, s.URL())
	service, err := notifyline.New("a channel secret", linetest.Token)
	must(t, service, err).AddReceivers(linetest.UserID, linetest.GroupID)
	if err := notifySend(t, service); err != nil {
		t.Fatalf("%v: %q", err, s.Problems())
	}
	count(t, "deliveries", s.Deliveries(), 2)
	equal(t, "text", s.Deliveries()[0].Messages[0].Text, "disk full\napp01 98 %")
	s.RevokeToken(linetest.Token)
	refused(t, notifySend(t, service), "401", "Authentication failed")
}

// The service uses kevinburke/twilio-go, a client that is older than Twilio's own.
func TestNotifyPostsToTwilio(t *testing.T) {
	s, _ := newTwilio(t, twilio.KindSMS)
	before := kevinburke.BaseURL
	kevinburke.BaseURL = s.URL()
	t.Cleanup(func() { kevinburke.BaseURL = before })
	send := func(token, to string) error {
		service, err := notifytwilio.New(twiliotest.AccountSID, token, twiliotest.From)
		must(t, service, err).AddReceivers(to)
		return notifySend(t, service)
	}
	if err := send(twiliotest.AuthToken, twiliotest.To); err != nil {
		t.Fatalf("%v: %q", err, s.Problems())
	}
	count(t, "messages", s.Messages(), 1)
	equal(t, "body", s.Messages()[0].Body, "disk full\napp01 98 %")
	refused(t, send("wrong", twiliotest.To), "Authenticat")
	refused(t, send(twiliotest.AuthToken, "12"), "not a valid phone number")
	count(t, "messages", s.Messages(), 1)
}

func TestNotifyPostsMail(t *testing.T) {
	s, _ := newMail(t)
	s.Hide("STARTTLS") // the service cannot be told to trust a certificate
	send := func(password string) error {
		service := notifymail.New(mailFrom, s.Host()+":"+strconv.Itoa(s.Port()))
		service.AuthenticateSMTP("", emailtest.Username, password, s.Host())
		service.AddReceivers(mailHanako, mailTaro)
		service.BodyFormat(notifymail.PlainText)
		return notifySend(t, service)
	}
	if err := send(emailtest.Password); err != nil {
		t.Fatalf("%v: %q", err, s.Problems())
	}
	count(t, "mails", s.Mails(), 1)
	equal(t, "subject", s.Mails()[0].Subject, "disk full")
	contains(t, "text", s.Mails()[0].Text, "app01 98 %")
	refused(t, send("wrong"), "535")
}

func TestNotifyPostsToAWebhook(t *testing.T) {
	s := start(t, webhooktest.New())
	service := notifyhttp.New()
	service.AddReceivers(&notifyhttp.Webhook{
		URL: s.Config().URL.Reveal(), Method: http.MethodPost, ContentType: "application/json", Header: http.Header{},
		BuildPayload: func(subject, message string) any {
			return map[string]any{"event": "sample", "message": subject + ": " + message}
		},
	})
	if err := notifySend(t, service); err != nil {
		t.Fatalf("%v: %q", err, s.Problems())
	}
	count(t, "deliveries", s.Deliveries(), 1)
	equal(t, "message", s.Deliveries()[0].Alert.Message, "disk full: app01 98 %")
	s.RevokeToken(webhooktest.Token)
	refused(t, notifySend(t, service), "401")
}
