package peers

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	peer "github.com/line/line-bot-sdk-go/v7/linebot"

	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

// linebotClient returns LINE's client of version 7, which many bots still use. Version 8 is in line_test.go.
func linebotClient(t *testing.T, s *linetest.Server, token string) *peer.Client {
	t.Helper()
	client, err := peer.New("a channel secret", token, peer.WithEndpointBase(s.URL()))
	return must(t, client, err)
}

func TestLinebotClientPosts(t *testing.T) {
	text := peer.NewTextMessage("disk full")
	flex := peer.NewFlexMessage("disk full", &peer.BubbleContainer{
		Type: peer.FlexContainerTypeBubble,
		Body: &peer.BoxComponent{
			Type: peer.FlexComponentTypeBox, Layout: peer.FlexBoxLayoutTypeVertical,
			Contents: []peer.FlexComponent{&peer.TextComponent{Type: peer.FlexComponentTypeText, Text: "disk full"}},
		},
	})
	for name, c := range map[string]struct {
		call string
		send func(*peer.Client) error
	}{
		"a text to a user": {"push", func(c *peer.Client) error {
			_, err := c.PushMessage(linetest.UserID, text).WithRetryKey(lineRetryKey).Do()
			return err
		}},
		"a bubble to a group": {"push", func(c *peer.Client) error {
			_, err := c.PushMessage(linetest.GroupID, flex).Do()
			return err
		}},
		"a text to users": {"multicast", func(c *peer.Client) error {
			_, err := c.Multicast([]string{linetest.UserID}, text).Do()
			return err
		}},
		"a text to everybody": {"broadcast", func(c *peer.Client) error {
			_, err := c.BroadcastMessage(text).Do()
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newLine(t, line.FormatText, linetest.UserID)
			if err := c.send(linebotClient(t, s, linetest.Token)); err != nil {
				t.Fatalf("%v: %q", err, s.Problems())
			}
			deliveries := s.Deliveries()
			count(t, "deliveries", deliveries, 1)
			equal(t, "call", deliveries[0].Call, c.call)
			contains(t, "texts", strings.Join(deliveries[0].Messages[0].Texts(), "\n"), "disk full")
		})
	}
}

func TestLinebotClientReads(t *testing.T) {
	s, _ := newLine(t, line.FormatText, linetest.UserID)
	s.SetQuota(1000, 7)
	client := linebotClient(t, s, linetest.Token)
	quota, err := client.GetMessageQuota().Do()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "quota", *quota, peer.MessageQuotaResponse{Type: "limited", Value: 1000})
	used, err := client.GetMessageConsumption().Do()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "used", used.TotalUsage, 7)
}

func TestLinebotClientIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*linetest.Server)
		token   string // linetest.Token unless set
		text    string // "disk full" unless set
		status  int
		words   string
		detail  string // the member that is wrong
	}{
		"a wrong token": {token: "wrong", status: http.StatusUnauthorized, words: "Authentication failed"},
		"a text that is too long": {
			text: strings.Repeat("x", 5001), status: http.StatusBadRequest,
			words: "The request body has 1 error(s)", detail: "messages[0].text",
		},
		"more requests than the limit": {
			prepare: func(s *linetest.Server) { s.SetLimit("push", 0, time.Second) },
			status:  http.StatusTooManyRequests, words: "rate limit",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newLine(t, line.FormatText, linetest.UserID)
			if c.prepare != nil {
				c.prepare(s)
			}
			client := linebotClient(t, s, cmp.Or(c.token, linetest.Token))
			text := peer.NewTextMessage(cmp.Or(c.text, "disk full"))
			var refused *peer.APIError
			_, err := client.PushMessage(linetest.UserID, text).Do()
			if !errors.As(err, &refused) || refused.Code != c.status {
				t.Fatalf("%v, want an APIError of %d", err, c.status)
			}
			contains(t, "message", refused.Response.Message, c.words)
			if c.detail != "" {
				count(t, "details", refused.Response.Details, 1)
				equal(t, "property", refused.Response.Details[0].Property, c.detail)
			}
			count(t, "deliveries", s.Deliveries(), 0)
		})
	}
}
