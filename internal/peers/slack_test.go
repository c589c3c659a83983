package peers

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	peer "github.com/slack-go/slack"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

func newSlack(t *testing.T) (*slacktest.Server, *slack.Notifier) {
	t.Helper()
	s := start(t, slacktest.New())
	config := s.Config()
	config.Mentions = map[mackerel.Status]string{mackerel.StatusCritical: "<!here>"}
	config.Call.MaxAttempts = 1
	n, err := slack.New(config)
	return s, must(t, n, err)
}

// slackAddress returns the address of the webhook.
func slackAddress(s *slacktest.Server) string { return s.Config().URL.Reveal() }

// slackMessages are messages as users of slack-go write them: plain, with members of older webhooks, with an attachment
// of fields, and with blocks.
func slackMessages() map[string]*peer.WebhookMessage {
	unfurl := false
	text := peer.NewTextBlockObject(peer.MarkdownType, "*CPU %* on app01", false, false)
	button := peer.NewButtonBlockElement("open", "3yZx", peer.NewTextBlockObject(peer.PlainTextType, "Open", false, false))
	words := peer.NewRichTextSection(peer.NewRichTextSectionTextElement("disk full", nil))
	return map[string]*peer.WebhookMessage{
		"text alone": {Text: "disk full"},
		"members of older webhooks": {
			Text: "disk full", Channel: "#alerts", Username: "mackerel", IconEmoji: ":fish:", Parse: "none",
			ResponseType: "in_channel", UnfurlLinks: &unfurl, UnfurlMedia: &unfurl,
		},
		"an attachment with fields": {
			Text: "disk full",
			Attachments: []peer.Attachment{{
				Color: "danger", Fallback: "disk full", AuthorName: "mackerel", Title: "disk",
				TitleLink: "https://mackerel.io/", Text: "98 %", MarkdownIn: []string{"text"}, Footer: "acme",
				Ts: "1767225600", Fields: []peer.AttachmentField{{Title: "Host", Value: "app01", Short: true}},
			}},
		},
		"blocks": {
			Text: "disk full",
			Blocks: &peer.Blocks{BlockSet: []peer.Block{
				peer.NewHeaderBlock(peer.NewTextBlockObject(peer.PlainTextType, "disk full", true, false)),
				peer.NewSectionBlock(text, []*peer.TextBlockObject{text}, nil),
				peer.NewDividerBlock(),
				peer.NewContextBlock("", text),
				peer.NewImageBlock("https://mackerel.io/graph.png", "the graph", "", nil),
			}},
		},
		"blocks that the fake does not check": {
			Text: "disk full",
			Blocks: &peer.Blocks{BlockSet: []peer.Block{
				peer.NewSectionBlock(text, nil, peer.NewAccessory(button)),
				peer.NewActionBlock("b", button),
				peer.NewRichTextBlock("r", words),
				peer.NewMarkdownBlock("m", "# disk full"),
			}},
		},
	}
}

func TestSlackClientPosts(t *testing.T) {
	for name, message := range slackMessages() {
		t.Run(name, func(t *testing.T) {
			s, _ := newSlack(t)
			if err := peer.PostWebhookContext(t.Context(), slackAddress(s), message); err != nil {
				t.Fatalf("%v: %q", err, s.Problems())
			}
			messages := s.Messages()
			count(t, "messages", messages, 1)
			equal(t, "text", messages[0].Text, message.Text)
			count(t, "attachments", messages[0].Attachments, len(message.Attachments))
			if message.Blocks != nil {
				count(t, "blocks", messages[0].Blocks, len(message.Blocks.BlockSet))
			}
		})
	}
}

func TestSlackClientIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*slacktest.Server)
		suffix  string // of the webhook's address, which ends with the token
		text    string
		status  int
	}{
		"no text":       {status: http.StatusBadRequest},
		"a wrong token": {suffix: "x", text: "disk full", status: http.StatusForbidden},
		"a fault": {
			prepare: func(s *slacktest.Server) { s.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable}) },
			text:    "disk full", status: http.StatusServiceUnavailable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newSlack(t)
			if c.prepare != nil {
				c.prepare(s)
			}
			var refused peer.StatusCodeError
			err := peer.PostWebhookContext(t.Context(), slackAddress(s)+c.suffix, &peer.WebhookMessage{Text: c.text})
			if !errors.As(err, &refused) || refused.Code != c.status {
				t.Errorf("%v, want a StatusCodeError of %d", err, c.status)
			}
			count(t, "messages", s.Messages(), 0)
		})
	}
}

func TestSlackClientIsLimited(t *testing.T) {
	s, _ := newSlack(t)
	s.SetLimit("messages", 0, time.Second)
	var limited *peer.RateLimitedError
	err := peer.PostWebhookContext(t.Context(), slackAddress(s), &peer.WebhookMessage{Text: "disk full"})
	if !errors.As(err, &limited) || limited.RetryAfter <= 0 {
		t.Errorf("%v, want a RateLimitedError with a wait", err)
	}
}

func TestSlackTypesDecodeOurRequests(t *testing.T) {
	s, n := newSlack(t)
	eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
		m := decode[peer.WebhookMessage](t, r.Body)
		contains(t, "text", m.Text, slack.Escape(a.Title()))
		contains(t, "text", m.Text, a.URL)
		if a.Status == mackerel.StatusCritical {
			contains(t, "text", m.Text, "<!here>")
		}
		all := slack.DefaultMessage(a, mackerel.Text{}).Text
		first, rest, _ := strings.Cut(all, "\n")
		if strings.Contains(m.Text, "…") {
			rest = all // the sections have what there was no room for
		} else {
			contains(t, "text", m.Text, slack.Escape(first))
		}
		if rest == "" {
			return
		}
		count(t, "attachments", m.Attachments, 1)
		var texts []string
		for _, block := range m.Attachments[0].Blocks.BlockSet {
			if section, ok := block.(*peer.SectionBlock); ok {
				texts = append(texts, section.Text.Text)
			}
		}
		contains(t, "sections", strings.Join(texts, "\n"), slack.Escape(rest))
	})
}
