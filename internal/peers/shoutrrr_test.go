package peers

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	containrrr "github.com/containrrr/shoutrrr"
	peer "github.com/nicholas-fedor/shoutrrr"

	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// A shoutrrrSend sends a message to a service, which is named by an address such as "slack://...".
type shoutrrrSend func(address, message string) error

// eachShoutrrr runs a test for shoutrrr, which is not maintained any more, and for the project that goes on with it.
// Their Teams service is left out: it knows the old connectors only.
func eachShoutrrr(t *testing.T, test func(*testing.T, shoutrrrSend)) {
	t.Run("containrrr", func(t *testing.T) { test(t, containrrr.Send) })
	t.Run("nicholas-fedor", func(t *testing.T) { test(t, peer.Send) })
}

const shoutrrrSlack = "slack://hook:" + slacktest.Team + "-" + slacktest.Hook + "-"

func TestShoutrrrPostsToSlack(t *testing.T) {
	eachShoutrrr(t, func(t *testing.T, send shoutrrrSend) {
		s, _ := newSlack(t)
		redirect(t, s.URL())
		address := shoutrrrSlack + slacktest.Token + "@webhook?title=disk+full&color=danger&botname=mackerel&icon=fish"
		if err := send(address, "app01\n98 %"); err != nil {
			t.Fatalf("%v: %q", err, s.Problems())
		}
		messages := s.Messages()
		count(t, "messages", messages, 1)
		equal(t, "text", messages[0].Text, "disk full")
		count(t, "attachments", messages[0].Attachments, 2)
		equal(t, "first attachment", messages[0].Attachments[0].Text, "app01")
	})
}

func TestShoutrrrIsRefusedBySlack(t *testing.T) {
	eachShoutrrr(t, func(t *testing.T, send shoutrrrSend) {
		s, _ := newSlack(t)
		redirect(t, s.URL())
		refused(t, send(shoutrrrSlack+strings.Repeat("x", 24)+"@webhook", "disk full"), "invalid_token")
		s.SetLimit("messages", 0, time.Second)
		refused(t, send(shoutrrrSlack+slacktest.Token+"@webhook?title=x", "disk full"), "rate_limited")
		count(t, "messages", s.Messages(), 0)
	})
}

func TestShoutrrrPostsToOpsgenie(t *testing.T) {
	const query = "?alias=disk-app01&priority=P2&tags=disk,app01&details=mount:/&responders=team:ops&user=hanako"
	bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
		redirect(t, s.base)
		sent := 0
		eachShoutrrr(t, func(t *testing.T, send shoutrrrSend) {
			if err := send("opsgenie://opsgenie.test/"+s.key+query, "disk full"); err != nil {
				t.Fatalf("%v: %q", err, s.Problems())
			}
			sent++
			count(t, "alerts", s.alerts(), 1)
			equal(t, "alias", s.alerts()[0].Alias, "disk-app01")
			equal(t, "message", s.alerts()[0].Message, "disk full")
			equal(t, "priority", s.alerts()[0].Priority, "P2")
			equal(t, "count", s.alerts()[0].Count, sent)
		})
	})
}

func TestShoutrrrIsRefusedByOpsgenie(t *testing.T) {
	bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
		redirect(t, s.base)
		eachShoutrrr(t, func(t *testing.T, send shoutrrrSend) {
			refused(t, send("opsgenie://opsgenie.test/wrong", "disk full"), "401")
			refused(t, send("opsgenie://opsgenie.test/"+s.key+"?priority=P9", "disk full"), "422", "priority")
			count(t, "alerts", s.alerts(), 0)
		})
	})
}

// shoutrrrPagerduty is an address with a routing key in hexadecimal digits: shoutrrr refuses other keys.
const (
	shoutrrrKey       = "0123456789abcdef0123456789abcdef"
	shoutrrrPagerduty = "pagerduty://events.test/" + shoutrrrKey + "?source=app01&dedup_key=disk&severity=critical"
)

// Only the newer project has PagerDuty.
func TestShoutrrrPostsToPagerDuty(t *testing.T) {
	s, _ := newPagerduty(t)
	s.AddToken(shoutrrrKey)
	redirect(t, s.URL())
	for _, step := range []struct {
		action string
		status pagerdutytest.Status
	}{{"trigger", pagerdutytest.Triggered}, {"resolve", pagerdutytest.Resolved}} {
		if err := peer.Send(shoutrrrPagerduty+"&client=acme&action="+step.action, "disk full"); err != nil {
			t.Fatalf("%v: %q", err, s.Problems())
		}
		incidents := s.Incidents(shoutrrrKey)
		count(t, "incidents", incidents, 1)
		equal(t, "status", incidents[0].Status, step.status)
		equal(t, "summary", incidents[0].Events[0].Payload.Summary, "disk full")
	}
}

func TestShoutrrrIsRefusedByPagerDuty(t *testing.T) {
	s, _ := newPagerduty(t)
	redirect(t, s.URL())
	s.AddToken(shoutrrrKey)
	refused(t, peer.Send(shoutrrrPagerduty, ""), "Event object is invalid")
	count(t, "incidents", s.Incidents(shoutrrrKey), 0)
}

func TestShoutrrrPostsMail(t *testing.T) {
	eachShoutrrr(t, func(t *testing.T, send shoutrrrSend) {
		s, _ := newMail(t)
		s.Strict(false)    // shoutrrr writes no Message-ID
		s.Hide("STARTTLS") // containrrr cannot be told to trust a certificate
		address := "smtp://" + url.UserPassword(emailtest.Username, emailtest.Password).String() + "@" +
			s.Host() + ":" + strconv.Itoa(s.Port()) + "/?from=" + mailFrom + "&to=" + mailHanako +
			"&subject=disk+full&auth=Plain&encryption=None&usestarttls=no"
		if err := send(address, "ディスク 98 %"); err != nil {
			t.Fatalf("%v: %q", err, s.Problems())
		}
		mails := s.Mails()
		count(t, "mails", mails, 1)
		equal(t, "to", strings.Join(mails[0].To, " "), mailHanako)
		equal(t, "subject", mails[0].Subject, "disk full")
		contains(t, "text", mails[0].Text, "ディスク 98 %")
	})
}

func TestShoutrrrPostsToAWebhook(t *testing.T) {
	eachShoutrrr(t, func(t *testing.T, send shoutrrrSend) {
		s := start(t, webhooktest.New())
		s.AnyBody(true)
		address := "generic://" + strings.TrimPrefix(s.URL(), "http://") + "/alerts?token=" + webhooktest.Token +
			"&disabletls=yes&template=json&@Authorization=" + url.QueryEscape(webhookAuthorization())
		if err := send(address, "disk full"); err != nil {
			t.Fatalf("%v: %q", err, s.Problems())
		}
		count(t, "deliveries", s.Deliveries(), 1)
		equal(t, "body", canonical(t, s.Deliveries()[0].Body), `{"message":"disk full"}`)
		s.RevokeToken(webhooktest.Token)
		refused(t, send(address, "disk full"), strconv.Itoa(http.StatusUnauthorized))
	})
}
