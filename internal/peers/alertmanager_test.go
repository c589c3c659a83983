//go:build slow

package peers

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amconfig "github.com/prometheus/alertmanager/config/common"
	peer "github.com/prometheus/alertmanager/notify"
	amemail "github.com/prometheus/alertmanager/notify/email"
	"github.com/prometheus/alertmanager/notify/msteamsv2"
	amopsgenie "github.com/prometheus/alertmanager/notify/opsgenie"
	ampagerduty "github.com/prometheus/alertmanager/notify/pagerduty"
	amslack "github.com/prometheus/alertmanager/notify/slack"
	amwebhook "github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// These tests need the tag slow, because Alertmanager takes minutes to compile.

// quiet discards what Alertmanager logs.
var quiet = slog.New(slog.DiscardHandler)

// alertmanagerTemplate returns Alertmanager's own templates.
func alertmanagerTemplate(t *testing.T) *template.Template {
	t.Helper()
	templates, err := template.FromGlobs(nil)
	must(t, templates, err).ExternalURL = &url.URL{Scheme: "http", Host: "am.test"}
	return templates
}

// alertmanagerSend sends an alert that fires or is resolved.
func alertmanagerSend(t *testing.T, n peer.Notifier, resolved bool) peer.NotifyVerdict {
	t.Helper()
	labels := model.LabelSet{"alertname": "disk full", "instance": "app01"}
	a := model.Alert{Labels: labels, StartsAt: time.Now().Add(-time.Hour), EndsAt: time.Now().Add(time.Hour)}
	if resolved {
		a.EndsAt = time.Now().Add(-time.Minute)
	}
	ctx := peer.WithGroupLabels(peer.WithGroupKey(t.Context(), "disk-app01"), labels)
	ctx = peer.WithNow(peer.WithReceiverName(ctx, "ops"), time.Now())
	return n.Notify(ctx, alert.New(a, time.Now(), false))
}

// sent ends the test if Alertmanager could not send an alert.
func sent(t *testing.T, log interface{ Problems() []string }, n peer.Notifier, resolved bool) {
	t.Helper()
	if err := alertmanagerSend(t, n, resolved).Err(); err != nil {
		t.Fatalf("%v: %q", err, log.Problems())
	}
}

// verdict checks whether Alertmanager sends again what was refused, and that it shows the words of the service.
func verdict(t *testing.T, n peer.Notifier, again bool, reason peer.Reason, words ...string) {
	t.Helper()
	v := alertmanagerSend(t, n, false)
	refused(t, v.Err(), words...)
	equal(t, "sends again", v.ShouldRetry(), again)
	equal(t, "reason", v.Reason(), reason)
}

func secretURL(t *testing.T, address string) *amconfig.SecretURL {
	t.Helper()
	u, err := url.Parse(address)
	return &amconfig.SecretURL{URL: must(t, u, err)}
}

func TestAlertmanagerPostsToSlack(t *testing.T) {
	s, _ := newSlack(t)
	notifier := func(address string) peer.Notifier {
		config := amslack.DefaultSlackConfig
		config.APIURL, config.HTTPConfig = secretURL(t, address), &commoncfg.HTTPClientConfig{}
		config.Channel = "#alerts"
		config.Fields = []*amslack.SlackField{{Title: "Host", Value: "app01"}}
		config.Actions = []*amslack.SlackAction{{Type: "button", Text: "Open", URL: "https://mackerel.io/"}}
		n, err := amslack.New(&config, alertmanagerTemplate(t), quiet)
		return must(t, n, err)
	}
	n := notifier(slackAddress(s))
	sent(t, s, n, false)
	count(t, "messages", s.Messages(), 1)
	count(t, "attachments", s.Messages()[0].Attachments, 1)
	contains(t, "title", s.Messages()[0].Attachments[0].Title, "disk full")

	verdict(t, notifier(slackAddress(s)+"x"), false, peer.AuthErrorReason, "403", "invalid_token")
	s.SetLimit("messages", 0, time.Second)
	verdict(t, n, true, peer.RateLimitedReason, "429")
	count(t, "messages", s.Messages(), 1)
}

func TestAlertmanagerPostsToTeams(t *testing.T) {
	s, _ := newTeams(t)
	notifier := func(address string) peer.Notifier {
		config := msteamsv2.DefaultMSTeamsV2Config
		config.WebhookURL, config.HTTPConfig = secretURL(t, address), &commoncfg.HTTPClientConfig{}
		n, err := msteamsv2.New(&config, alertmanagerTemplate(t), quiet)
		return must(t, n, err)
	}
	address := s.Config().URL.Reveal()
	sent(t, s, notifier(address), false)
	sent(t, s, notifier(address), true)
	count(t, "cards", s.Cards(), 2)
	contains(t, "texts", strings.Join(s.Cards()[0].Texts(), "\n"), "disk full")
	verdict(t, notifier(address+"x"), false, peer.AuthErrorReason, "401", "AuthorizationFailed")
}

func TestAlertmanagerPostsToPagerDuty(t *testing.T) {
	s, _ := newPagerduty(t)
	config := ampagerduty.DefaultPagerdutyConfig
	config.URL = &amconfig.URL{URL: secretURL(t, s.URL()+"/v2/enqueue").URL}
	config.HTTPConfig, config.RoutingKey = &commoncfg.HTTPClientConfig{}, pagerdutytest.RoutingKey
	config.Severity, config.Source, config.Details = "critical", "app01", ampagerduty.DefaultPagerdutyDetails
	n, err := ampagerduty.New(&config, alertmanagerTemplate(t), quiet)
	must(t, n, err)
	for _, step := range []pagerdutytest.Status{pagerdutytest.Triggered, pagerdutytest.Resolved} {
		sent(t, s, n, step == pagerdutytest.Resolved)
		count(t, "incidents", s.Incidents(pagerdutytest.RoutingKey), 1)
		equal(t, "status", s.Incidents(pagerdutytest.RoutingKey)[0].Status, step)
	}
	config.Severity = "disaster"
	verdict(t, n, false, peer.ClientErrorReason, "400", "severity")
	s.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests})
	verdict(t, n, true, peer.RateLimitedReason, "429")
}

func TestAlertmanagerPostsToOpsgenie(t *testing.T) {
	bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
		notifier := func(key, priority string) peer.Notifier {
			config := amopsgenie.DefaultOpsGenieConfig
			config.APIURL = &amconfig.URL{URL: secretURL(t, s.base+"/").URL}
			config.HTTPConfig, config.APIKey = &commoncfg.HTTPClientConfig{}, commoncfg.Secret(key)
			config.Responders = []amopsgenie.OpsGenieConfigResponder{{Type: "team", Name: "ops"}}
			config.Priority, config.Tags, config.UpdateAlerts = priority, "disk,app01", false
			n, err := amopsgenie.New(&config, alertmanagerTemplate(t), quiet)
			return must(t, n, err)
		}
		n := notifier(s.key, "P2")
		sent(t, s, n, false)
		count(t, "alerts", s.alerts(), 1)
		contains(t, "message", s.alerts()[0].Message, "disk full")
		sent(t, s, n, true)
		equal(t, "closed", s.alerts()[0].Closed, true)
		verdict(t, notifier("wrong", "P2"), false, peer.AuthErrorReason, "401")
		verdict(t, notifier(s.key, "P9"), false, peer.ClientErrorReason, "422", "priority")
		s.SetLimit("requests", 0, time.Minute)
		verdict(t, n, true, peer.RateLimitedReason, "429")
	})
}

func TestAlertmanagerPostsMail(t *testing.T) {
	s, _ := newMail(t)
	notifier := func(password commoncfg.Secret) peer.Notifier {
		config := amemail.DefaultEmailConfig
		config.To, config.From, config.Headers = mailHanako+", "+mailTaro, mailFrom, map[string]string{}
		config.Smarthost = amconfig.HostPort{Host: s.Host(), Port: strconv.Itoa(s.Port())}
		config.AuthUsername, config.AuthPassword = emailtest.Username, password
		config.Text = "障害: {{ .CommonLabels.alertname }}"
		config.TLSConfig, config.RequireTLS = &commoncfg.TLSConfig{InsecureSkipVerify: true}, new(bool)
		*config.RequireTLS = true
		return amemail.New(&config, alertmanagerTemplate(t), quiet)
	}
	sent(t, s, notifier(emailtest.Password), false)
	count(t, "mails", s.Mails(), 1)
	contains(t, "subject", s.Mails()[0].Subject, "disk full")
	contains(t, "text", s.Mails()[0].Text, "障害: disk full")
	verdict(t, notifier("wrong"), true, peer.DefaultReason, "535")
}

// alertmanagerWebhook returns a notifier that sends payload, or Alertmanager's own form of an alert if payload is nil.
func alertmanagerWebhook(t *testing.T, address, user, password string, payload any) peer.Notifier {
	t.Helper()
	basic := &commoncfg.BasicAuth{Username: user, Password: commoncfg.Secret(password)}
	n, err := amwebhook.New(&amwebhook.WebhookConfig{
		URL: amconfig.SecretTemplateURL(address), HTTPConfig: &commoncfg.HTTPClientConfig{BasicAuth: basic}, Payload: payload,
	}, alertmanagerTemplate(t), quiet)
	return must(t, n, err)
}

// alertmanagerPayload is a payload that makes an alert of Mackerel from one of Alertmanager.
var alertmanagerPayload = map[string]any{
	"event": "alert",
	"alert": map[string]any{
		"status":      `{{ if eq .Status "firing" }}critical{{ else }}ok{{ end }}`,
		"monitorName": "{{ .CommonLabels.alertname }}",
	},
	"host": map[string]any{"name": "{{ .CommonLabels.instance }}"},
}

func TestAlertmanagerPostsToAWebhook(t *testing.T) {
	s := start(t, webhooktest.New())
	s.AnyBody(true)
	address := s.URL() + "/alerts?token=" + webhooktest.Token
	sent(t, s, alertmanagerWebhook(t, address, webhooktest.User, webhooktest.Password, nil), false)
	count(t, "deliveries", s.Deliveries(), 1)
	contains(t, "body", string(s.Deliveries()[0].Body), `"receiver":"ops"`)
	wrong := alertmanagerWebhook(t, address, webhooktest.User, "wrong", nil)
	verdict(t, wrong, false, peer.AuthErrorReason, "401")
}

func TestAlertmanagerPostsToTheReceiver(t *testing.T) {
	address, in := newReceiver(t)
	n := alertmanagerWebhook(t, address, receiverUser, receiverPassword, alertmanagerPayload)
	for _, resolved := range []bool{false, true} {
		if err := alertmanagerSend(t, n, resolved).Err(); err != nil {
			t.Fatal(err)
		}
	}
	count(t, "alerts", in.all(), 2)
	contains(t, "title", in.all()[0].Title(), "disk full")
	equal(t, "host", in.all()[0].Host.Name, "app01")
	equal(t, "closed", in.all()[1].Closed(), true)
	wrong := alertmanagerWebhook(t, address, receiverUser, "wrong", alertmanagerPayload)
	verdict(t, wrong, false, peer.AuthErrorReason, "401")
}

// Alertmanager's own payload is a JSON object without an event. The receiver passes it on as an event that it does not
// know, and loses nothing of it.
func TestAlertmanagerPostsItsOwnPayloadToTheReceiver(t *testing.T) {
	address, in := newReceiver(t)
	n := alertmanagerWebhook(t, address, receiverUser, receiverPassword, nil)
	if err := alertmanagerSend(t, n, false).Err(); err != nil {
		t.Fatal(err)
	}
	count(t, "alerts", in.all(), 1)
	body, err := in.all()[0].MarshalJSON()
	contains(t, "JSON", string(must(t, body, err)), `"alertname":"disk full"`)
}
