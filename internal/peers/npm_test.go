//go:build npm

package peers

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/durable"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// These tests need the tag npm, Node.js, and the packages of npm/package.json, which "make peers-npm" installs. Each
// runs a script of npm/. The script checks what the client understands, and the test checks what the fake has got.

// An npmRun is a script with its environment.
type npmRun struct {
	script   string
	env      map[string]string
	stdin    any    // written as JSON, if set
	redirect string // the fake that requests for https go to, if the client's address cannot be configured
}

// run runs the script until it ends. It fails with what the script writes.
func (r npmRun) run(t *testing.T, problems func() []string) {
	t.Helper()
	args := []string{r.script + ".mjs"}
	command := exec.CommandContext(t.Context(), "node", args...)
	command.Env = os.Environ()
	if r.redirect != "" {
		command.Args = append([]string{"node", "--import", "./redirect.mjs"}, args...)
		command.Env = append(command.Env, "REDIRECT="+r.redirect)
	}
	for name, value := range r.env {
		command.Env = append(command.Env, name+"="+value)
	}
	input, err := json.Marshal(r.stdin)
	command.Dir, command.Stdin = "npm", bytes.NewReader(must(t, input, err))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\nthe fake: %q", err, out, problems())
	}
}

func TestNPMChatwork(t *testing.T) {
	for _, script := range []string{"chatwork-api-client", "chatwork-mcp-server"} {
		t.Run(script, func(t *testing.T) {
			s := start(t, chatworktest.New())
			s.SetLimit("calls", 300, 0)
			env := map[string]string{"TOKEN": chatworktest.Token, "ROOM": strconv.Itoa(chatworktest.RoomID)}
			npmRun{script: script, env: env, redirect: s.URL()}.run(t, s.Problems)
			if len(s.Messages(chatworktest.RoomID)) == 0 {
				t.Error("no message")
			}
		})
	}
}

func TestNPMHipChat(t *testing.T) {
	for _, script := range []string{"hipchat-notifier", "hipchatter", "hipchat-room-notification-api"} {
		t.Run(script, func(t *testing.T) {
			s := start(t, hipchattest.New())
			env := map[string]string{
				"TOKEN": hipchattest.Token, "ROOM": strconv.Itoa(hipchattest.RoomID), "ADDRESS": s.URL(),
			}
			run := npmRun{script: script, env: env}
			if script == "hipchat-notifier" {
				run.redirect = s.URL()
			}
			run.run(t, s.Problems)
			messages := s.Messages(hipchattest.RoomID)
			contains(t, "message", messages[0].Text, "disk full")
			equal(t, "color", messages[0].Color, "red")
			if script == "hipchat-room-notification-api" {
				contains(t, "card", string(messages[1].Card), "lozenge-error")
			}
		})
	}
}

func TestNPMSlack(t *testing.T) {
	s, _ := newSlack(t)
	npmRun{script: "slack-webhook", env: map[string]string{"ADDRESS": slackAddress(s)}}.run(t, s.Problems)
	count(t, "messages", s.Messages(), 2)
	count(t, "blocks", s.Messages()[1].Blocks, 2)

	others, _ := newSlack(t)
	run := npmRun{script: "slack-others", env: map[string]string{"ADDRESS": "https://slack.test" + slackPath(t, others)}}
	run.redirect = others.URL()
	run.run(t, others.Problems)
	count(t, "messages", others.Messages(), 4)
	for _, m := range others.Messages() {
		equal(t, "text", m.Text, "disk full")
		count(t, "attachments", m.Attachments, 1)
	}
}

// slackPath returns the path of the webhook, for clients that speak https only.
func slackPath(t *testing.T, s *slacktest.Server) string {
	t.Helper()
	u, err := url.Parse(slackAddress(s))
	return must(t, u, err).Path
}

func TestNPMTeams(t *testing.T) {
	s, n := newTeams(t)
	npmRun{script: "ms-teams-webhook", env: map[string]string{"ADDRESS": s.Config().URL.Reveal()}}.run(t, s.Problems)
	count(t, "runs", s.Runs(), 1)
	equal(t, "problem", s.Runs()[0].Problem, "")
	contains(t, "texts", strings.Join(s.Runs()[0].Card.Texts(), "\n"), "disk full")

	var cards []json.RawMessage
	eachSample(t, n, s, func(t *testing.T, _ mackerel.Alert, r fakehttp.Request) {
		var message struct {
			Attachments []struct{ Content json.RawMessage }
		}
		if err := json.Unmarshal(r.Body, &message); err != nil {
			t.Fatal(err)
		}
		cards = append(cards, message.Attachments[0].Content)
	})
	npmRun{script: "adaptivecards", stdin: cards}.run(t, s.Problems)
}

func TestNPMLine(t *testing.T) {
	for _, script := range []string{"line-bot-sdk", "linebot"} {
		t.Run(script, func(t *testing.T) {
			s, _ := newLine(t, line.FormatText, linetest.UserID)
			s.SetQuota(1000, 7)
			env := map[string]string{
				"ADDRESS": s.URL(), "TOKEN": linetest.Token, "USER_ID": linetest.UserID, "GROUP_ID": linetest.GroupID,
			}
			npmRun{script: script, env: env}.run(t, s.Problems)
			count(t, "deliveries", s.Deliveries(), 4)
		})
	}
}

func TestNPMPagerDuty(t *testing.T) {
	for _, script := range []string{"pdjs", "node-pagerduty"} {
		t.Run(script, func(t *testing.T) {
			s, _ := newPagerduty(t)
			env := map[string]string{"KEY": pagerdutytest.RoutingKey}
			npmRun{script: script, env: env, redirect: s.URL()}.run(t, s.Problems)
			count(t, "incidents", s.Incidents(pagerdutytest.RoutingKey), 1)
			equal(t, "status", s.Incidents(pagerdutytest.RoutingKey)[0].Status, pagerdutytest.Resolved)
		})
	}
}

func TestNPMOpsgenie(t *testing.T) {
	bothOpsgenies(t, func(t *testing.T, s opsgenieFake) {
		npmRun{script: "opsgenie-sdk", env: map[string]string{"ADDRESS": s.base, "KEY": s.key}}.run(t, s.Problems)
		count(t, "alerts", s.alerts(), 1)
		equal(t, "closed", s.alerts()[0].Closed, true)
	})
}

func TestNPMTwilio(t *testing.T) {
	s, _ := newTwilio(t, twilio.KindSMS)
	env := map[string]string{
		"SID": twiliotest.AccountSID, "TOKEN": twiliotest.AuthToken, "FROM": twiliotest.From, "TO": twiliotest.To,
	}
	npmRun{script: "twilio", env: env, redirect: s.URL()}.run(t, s.Problems)
	count(t, "messages", s.Messages(), 1)
	count(t, "calls", s.Calls(), 2)
	equal(t, "said", s.Calls()[0].Said, "disk full")
}

func TestNPMEventBridge(t *testing.T) {
	s, _ := newEventbridge(t)
	env := map[string]string{
		"ADDRESS": s.URL(), "REGION": eventbridgetest.Region, "KEY": eventbridgetest.AccessKeyID,
		"SECRET": eventbridgetest.SecretAccessKey, "SESSION": eventbridgetest.SessionToken, "BUS": eventbridgeBus,
	}
	npmRun{script: "aws-eventbridge", env: env}.run(t, s.Problems)
	count(t, "events", s.Events(eventbridgeBus), 1)
	equal(t, "detail", s.Events(eventbridgeBus)[0].Detail, `{"a":"障害"}`)
}

func TestNPMMail(t *testing.T) {
	for script, mails := range map[string]int{"nodemailer": 3, "emailjs": 1} {
		t.Run(script, func(t *testing.T) {
			s, _ := newMail(t)
			env := map[string]string{
				"HOST": s.Host(), "PORT": strconv.Itoa(s.Port()), "TLS_PORT": strconv.Itoa(s.TLSPort()),
				"USER_NAME": emailtest.Username, "PASSWORD": emailtest.Password,
			}
			npmRun{script: script, env: env}.run(t, s.Problems)
			count(t, "mails", s.Mails(), mails)
			for _, m := range s.Mails() {
				equal(t, "to", strings.Join(m.To, " "), mailHanako+" "+mailTaro)
				equal(t, "subject", m.Subject, "障害: disk full")
				contains(t, "text", m.Text, " 98 %")
				contains(t, "HTML", m.HTML, "<p>ディスク 98 %</p>")
			}
		})
	}
}

// A signedRequest is a request of our notifier, as the scripts read it.
type signedRequest struct {
	Body    string            `json:"body"`
	Headers map[string]string `json:"headers"`
}

func TestNPMWebhook(t *testing.T) {
	for _, script := range []string{"standardwebhooks", "svix"} {
		t.Run(script, func(t *testing.T) {
			s, n := newWebhook(t)
			var requests []signedRequest
			eachSample(t, n, s, func(_ *testing.T, _ mackerel.Alert, r fakehttp.Request) {
				headers := make(map[string]string)
				for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
					headers[name] = r.Header.Get(name)
				}
				requests = append(requests, signedRequest{string(r.Body), headers})
			})
			before := len(s.Deliveries())
			env := map[string]string{
				"ADDRESS": s.URL() + "/alerts?token=" + webhooktest.Token, "USER_NAME": webhooktest.User,
				"PASSWORD": webhooktest.Password, "SECRET": webhooktest.Secret, "OTHER_SECRET": webhookOther,
			}
			npmRun{script: script, env: env, stdin: requests}.run(t, s.Problems)
			count(t, "deliveries", s.Deliveries(), before+1)
			equal(t, "message", s.Deliveries()[before].Alert.Message, "障害")
		})
	}
}

func TestNPMReceiver(t *testing.T) {
	address, in := newReceiver(t)
	var bodies []string
	for _, body := range webhookFiles(t) {
		bodies = append(bodies, string(body))
	}
	env := map[string]string{"ADDRESS": address, "PASSWORD": receiverPassword}
	npmRun{script: "receiver", env: env, stdin: bodies}.run(t, func() []string { return nil })
	// The names of two of the three clients have different lengths, so no body is a repeat.
	count(t, "alerts", in.all(), 3*len(bodies))
}

func TestNPMNATS(t *testing.T) {
	for _, script := range []string{"nats", "nats-jetstream"} {
		t.Run(script, func(t *testing.T) {
			store, conn := newStore(t, durable.Config{})
			away := new(inbox)
			away.fail(&mackerel.Error{Kind: mackerel.ErrUnauthorized, Message: "invalid_token"})
			storeAlert(t, store, "dead")
			work(t, store, "slack", 1, away)
			storeAlert(t, store, "disk")
			env := map[string]string{"ADDRESS": conn.ConnectedUrl()}
			npmRun{script: script, env: env}.run(t, func() []string { return nil })
			in := new(inbox)
			work(t, store, "slack", 2, in)
			count(t, "alerts", in.all(), 2)
			contains(t, "titles", in.all()[0].Title()+in.all()[1].Title(), "published")
		})
	}
}
