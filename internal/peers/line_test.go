package peers

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	peer "github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

func newLine(t *testing.T, format line.Format, to ...string) (*linetest.Server, *line.Notifier) {
	t.Helper()
	s := start(t, linetest.New())
	config := s.Config()
	config.To, config.Broadcast, config.Format, config.Call = to, len(to) == 0, format, once
	config.NotificationDisabled = map[mackerel.Status]bool{mackerel.StatusWarning: true}
	n, err := line.New(config)
	return s, must(t, n, err)
}

func lineClient(t *testing.T, s *linetest.Server, token string) *peer.MessagingApiAPI {
	t.Helper()
	client, err := peer.NewMessagingApiAPI(token, peer.WithEndpoint(s.URL()))
	return must(t, client, err)
}

// lineRetryKey is any UUID.
const lineRetryKey = "123e4567-e89b-12d3-a456-426614174000"

func lineText(text string) []peer.MessageInterface {
	return []peer.MessageInterface{peer.TextMessage{Text: text}}
}

// lineBubble is a bubble with a header, a row of two texts and a button.
func lineBubble() []peer.MessageInterface {
	return []peer.MessageInterface{peer.FlexMessage{AltText: "disk full", Contents: &peer.FlexBubble{
		Header: &peer.FlexBox{Layout: peer.FlexBoxLAYOUT_VERTICAL, Contents: []peer.FlexComponentInterface{
			&peer.FlexText{Text: "disk full", Weight: peer.FlexTextWEIGHT_BOLD, Wrap: true},
		}},
		Body: &peer.FlexBox{Layout: peer.FlexBoxLAYOUT_BASELINE, Contents: []peer.FlexComponentInterface{
			&peer.FlexText{Text: "Host", Size: "sm", Flex: 2}, &peer.FlexText{Text: "app01", Size: "sm", Flex: 5},
		}},
		Footer: &peer.FlexBox{Layout: peer.FlexBoxLAYOUT_VERTICAL, Contents: []peer.FlexComponentInterface{
			&peer.FlexButton{Action: &peer.UriAction{Label: "Open", Uri: "https://mackerel.io/"}},
		}},
	}}}
}

func TestLineClientPosts(t *testing.T) {
	push := func(to string, messages []peer.MessageInterface) func(*peer.MessagingApiAPI) error {
		return func(c *peer.MessagingApiAPI) error {
			answer, err := c.PushMessage(&peer.PushMessageRequest{To: to, Messages: messages}, lineRetryKey)
			if err == nil && (len(answer.SentMessages) != 1 || answer.SentMessages[0].Id == "") {
				t.Errorf("the answer has no id: %+v", answer)
			}
			return err
		}
	}
	for name, c := range map[string]struct {
		call string
		send func(*peer.MessagingApiAPI) error
	}{
		"a text to a user":    {"push", push(linetest.UserID, lineText("disk full"))},
		"a bubble to a group": {"push", push(linetest.GroupID, lineBubble())},
		"a text to users": {"multicast", func(c *peer.MessagingApiAPI) error {
			request := &peer.MulticastRequest{To: []string{linetest.UserID}, Messages: lineText("disk full")}
			_, err := c.Multicast(request, lineRetryKey)
			return err
		}},
		"a text to everybody": {"broadcast", func(c *peer.MessagingApiAPI) error {
			_, err := c.Broadcast(&peer.BroadcastRequest{Messages: lineText("disk full")}, "")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newLine(t, line.FormatText, linetest.UserID)
			if err := c.send(lineClient(t, s, linetest.Token)); err != nil {
				t.Fatal(err)
			}
			deliveries := s.Deliveries()
			count(t, "deliveries", deliveries, 1)
			equal(t, "call", deliveries[0].Call, c.call)
			contains(t, "texts", strings.Join(deliveries[0].Messages[0].Texts(), "\n"), "disk full")
		})
	}
}

func TestLineClientReads(t *testing.T) {
	s, _ := newLine(t, line.FormatText, linetest.UserID)
	s.SetQuota(1000, 7)
	client := lineClient(t, s, linetest.Token)
	quota, err := client.GetMessageQuota()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "quota", *quota, peer.MessageQuotaResponse{Type: peer.QuotaType_LIMITED, Value: 1000})
	used, err := client.GetMessageQuotaConsumption()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "used", used.TotalUsage, 7)
}

// The client's errors have no type. Programs read the response, whose body is an ErrorResponse.
func TestLineClientIsRefused(t *testing.T) {
	fault := fakehttp.Fault{Status: http.StatusInternalServerError, Body: `{"message":"Internal Server Error"}`}
	for name, c := range map[string]struct {
		prepare func(*linetest.Server, *line.Notifier)
		token   string // linetest.Token unless set
		to      string // linetest.UserID unless set
		status  int
		words   string
	}{
		"a wrong token": {token: "wrong", status: http.StatusUnauthorized, words: "Authentication failed"},
		"an unknown group": {
			to:     strings.Replace(linetest.GroupID, "0", "f", 1),
			status: http.StatusBadRequest, words: "Failed to send messages",
		},
		"a quota that is used up": {
			prepare: func(s *linetest.Server, _ *line.Notifier) { s.SetQuota(10, 10) },
			status:  http.StatusTooManyRequests, words: "monthly limit",
		},
		"more requests than the limit": {
			prepare: func(s *linetest.Server, _ *line.Notifier) { s.SetLimit("push", 0, time.Second) },
			status:  http.StatusTooManyRequests, words: "rate limit",
		},
		"a retry key that is used up": {
			prepare: func(_ *linetest.Server, n *line.Notifier) {
				if _, err := n.Send(t.Context(), line.Message{Title: "disk full", RetryKey: lineRetryKey}); err != nil {
					t.Fatal(err)
				}
			},
			status: http.StatusConflict, words: "retry key",
		},
		"a fault": {
			prepare: func(s *linetest.Server, _ *line.Notifier) { s.Inject(fault) },
			status:  http.StatusInternalServerError, words: "Internal Server Error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, n := newLine(t, line.FormatText, linetest.UserID)
			if c.prepare != nil {
				c.prepare(s, n)
			}
			accepted := len(s.Deliveries())
			client := lineClient(t, s, cmp.Or(c.token, linetest.Token))
			request := &peer.PushMessageRequest{To: cmp.Or(c.to, linetest.UserID), Messages: lineText("disk full")}
			response, _, err := client.PushMessageWithHttpInfo(request, lineRetryKey)
			if err == nil || response == nil {
				t.Fatalf("%v, want an error with a response", err)
			}
			equal(t, "status", response.StatusCode, c.status)
			var refused peer.ErrorResponse
			if err := json.NewDecoder(response.Body).Decode(&refused); err != nil {
				t.Fatalf("%v, want an ErrorResponse", err)
			}
			contains(t, "message", refused.Message, c.words)
			count(t, "deliveries", s.Deliveries(), accepted)
		})
	}
}

func TestLineTypesDecodeOurRequests(t *testing.T) {
	t.Run("a push of bubbles", func(t *testing.T) {
		s, n := newLine(t, line.FormatFlex, linetest.GroupID)
		eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
			m := decode[peer.PushMessageRequest](t, r.Body)
			equal(t, "to", m.To, linetest.GroupID)
			equal(t, "without a sound", m.NotificationDisabled, a.Status == mackerel.StatusWarning)
			count(t, "messages", m.Messages, 1)
			flex := as[peer.FlexMessage](t, m.Messages[0])
			contains(t, "alternative text", flex.AltText, a.Title())
			bubble := as[peer.FlexBubble](t, flex.Contents)
			equal(t, "header", as[peer.FlexText](t, bubble.Header.Contents[0]).Text, a.Title())
			if a.URL != "" {
				button := as[peer.FlexButton](t, bubble.Footer.Contents[0])
				equal(t, "button", as[peer.UriAction](t, button.Action).Uri, a.URL)
			}
		})
	})
	t.Run("a multicast of texts", func(t *testing.T) {
		second := strings.Replace(linetest.UserID, "0", "1", 1)
		s, n := newLine(t, line.FormatText, linetest.UserID, second)
		s.AddDestination(second, 1)
		eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
			m := decode[peer.MulticastRequest](t, r.Body)
			equal(t, "to", strings.Join(m.To, " "), linetest.UserID+" "+second)
			checkLineText(t, a, m.Messages)
		})
	})
	t.Run("a broadcast of texts", func(t *testing.T) {
		s, n := newLine(t, line.FormatText)
		eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
			checkLineText(t, a, decode[peer.BroadcastRequest](t, r.Body).Messages)
		})
	})
}

func checkLineText(t *testing.T, a mackerel.Alert, messages []peer.MessageInterface) {
	t.Helper()
	count(t, "messages", messages, 1)
	text := as[peer.TextMessage](t, messages[0]).Text
	contains(t, "text", text, a.Title())
	contains(t, "text", text, line.DefaultMessage(a, mackerel.Text{}).Text)
	contains(t, "text", text, a.URL)
}
